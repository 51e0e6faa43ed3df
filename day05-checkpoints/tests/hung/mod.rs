//! A job that never ends by itself, whose windows go to a Kafka that may hang.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use day01_consumer::lab::log::Log;
use day01_consumer::lab::table::Format as Text;
use day01_consumer::source::Start;
use day02_state::error::JobError;
use day02_state::runtime::{Mail, Stop, run_threads};
use day02_state::status::StatusBoard;
use day03_windows::job::Options as Windows;
use day03_windows::time::Span;
use day04_watermarks::job::Options;
use day04_watermarks::splits::Strategy;
use day05_checkpoints::coordinator::{Event, Schedule};
use day05_checkpoints::dataflow::Control;
use day05_checkpoints::job::{Checkpoints, Publishes, wire};
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::signal::Signal;
use day05_checkpoints::sink::background::Background;
use day05_checkpoints::sink::kafka::{KafkaTarget, KafkaTargetOptions};
use day05_checkpoints::store::Store;

/// A run of the job.
pub struct Run {
    job: JoinHandle<Result<(), JobError>>,
    suspend: Mail<Control>,
    durable: Arc<AtomicU64>,
    /// The tasks that had not acknowledged a checkpoint that was given up, and how they stood.
    pub missing: Arc<Mutex<Vec<String>>>,
    pub board: StatusBoard,
}

/// Appends an order a millisecond of event time, each of which closes the window of the one before.
pub fn append(log: &Log, orders: std::ops::Range<u64>) {
    for order in orders {
        let ts = 1_767_225_600_000 + order;
        let payload = format!(r#"{{"merchant_id":"m","amount":1.00,"ts":{ts}}}"#);
        log.append(0, None, Some(payload.as_bytes()), None);
    }
}

impl Run {
    /// Goes on from what is in `checkpoints`; the sink may hold so many bytes.
    pub fn start(log: &Log, checkpoints: &Fragile, target: KafkaTargetOptions, buffer: usize) -> Self {
        let store = Store::open(checkpoints.clone(), 3).unwrap();
        let restore = store.latest().unwrap();
        let (durable, stop) = (Arc::new(AtomicU64::new(0)), Stop::new());
        let told = Arc::clone(&durable);
        let missing = Arc::<Mutex<Vec<String>>>::default();
        let is_missing = Arc::clone(&missing);
        let checkpoints = Checkpoints {
            restore,
            schedule: Schedule::every(Some(Duration::from_millis(50))),
            listener: Box::new(move |event| match event {
                Event::Durable(id, _) => told.store(id, Ordering::Relaxed),
                Event::Aborted(_, _, tasks) => is_missing.lock().unwrap().push(tasks),
            }),
            ..Checkpoints::new(Some(Box::new(store)), &stop)
        };
        let options = Options {
            windows: Windows::new("tumble:1ms".parse().unwrap()),
            watermarks: Strategy {
                delay: Span(0),
                grid: Span(1),
                idle_timeout: None,
                ..Strategy::default()
            },
        };
        let target = KafkaTarget::open(target).unwrap();
        let mut publishes = Publishes::new(Text::Json, Background::start(target).unwrap());
        publishes.options.buffer = buffer;
        let source = log.source("tests", &Start::Earliest, false).unwrap();
        let (job, _, suspend) = wire(vec![source], &options, (), Some(publishes), checkpoints).unwrap();
        let board = job.board();
        board.observe();
        Run {
            job: thread::spawn(move || run_threads(job, &stop)),
            suspend,
            durable,
            missing,
            board,
        }
    }

    /// The last checkpoint that is durable.
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Relaxed)
    }

    /// As Ctrl-C does; returns how long it took.
    pub fn end(self) -> Duration {
        let asked = Instant::now();
        self.suspend.send(Signal::Suspend);
        self.job.join().unwrap().unwrap();
        asked.elapsed()
    }
}
