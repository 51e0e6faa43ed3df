//! The job of these tests: a keyed exchange, a tee, a split, and a diamond that ends in a join.
//!
//! ```text
//!   source 0 ─┬───────────────── direct ──────────────────► port 0
//!             └─ by key ─► windows 0 ─┬─ closed windows ─►  port 1   join ──► sink
//!   source 1 ─── by key ─► windows 1 ─┤
//!                                     └─ late orders ──────────────────────► late
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use day01_consumer::Error;
use day01_consumer::lab::log::LogSource;
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Share, Source, Split, Start};
use day02_state::job::{Options, SOURCE, SourceTask};
use day02_state::outbox::Outbox;
use day02_state::runtime::{Buffers, Edge, Inbox, Job, Mail, Stop, by_key, single};
use day02_state::state::Stateful;
use day02_state::stepper::{self, run_stepper};
use day03_windows::time::Span;
use day04_watermarks::operator::{OnWatermark, WatermarkOperator};
use day04_watermarks::reader::TimestampReader;
use day04_watermarks::splits::Strategy;
use day05_checkpoints::coordinator::{Event, Listener, Schedule};
use day05_checkpoints::dataflow::{Control, Dataflow, Subtask};
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::signal::Signal;
use day05_checkpoints::store::{Checkpoint, Store, ids, read_checkpoint};

use super::operators::{Join, Orders, Sink, Windows};
use super::replay::Script;
use crate::drive::{Drive, drive};

/// The ids under which state is saved.
pub const WINDOWS: &str = "windows";
pub const JOIN: &str = "join";
pub const SINK: &str = "sink";
pub const LATE: &str = "late";

/// How far an order may be behind the largest of its split.
pub const DELAY: i64 = 6;
/// How long a checkpoint may take, which none ever does.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How a run is laid out, and what befalls it.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub sources: usize,
    pub workers: usize,
    pub buffers: Buffers,
    /// How many records a poll brings.
    pub batch: usize,
    /// Whether sources find nothing each second time, and wait.
    pub rests: bool,
    /// From checkpoint to checkpoint. If zero, one follows the other.
    pub interval: Duration,
    /// How far a step moves the clock of the stepper. If zero, it moves only when all tasks wait.
    pub step: Duration,
    pub aligns: bool,
    pub fate: Option<Fate>,
}

/// What befalls a job before its end: under the stepper at this event, under threads behind so many checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Stops(usize),
    Dies(usize),
    Suspends(usize),
}

/// What a run has left behind.
pub struct Run {
    pub result: Result<(), String>,
    /// The checkpoints of this run, as they lie on the disk.
    pub checkpoints: Vec<Checkpoint>,
    pub events: Vec<Event>,
}

/// That a job dies here.
struct Dies;

/// Lets come true what is to befall a job.
#[derive(Clone)]
struct Fates {
    fate: Option<Fate>,
    stop: Stop,
    coordinator: Arc<OnceLock<Mail<Control>>>,
}

impl Fates {
    /// This is moment `now` of the job.
    fn look(&self, now: usize) {
        match self.fate {
            Some(Fate::Stops(at)) if at == now => self.stop.ask(),
            // Not a panic that is told of.
            Some(Fate::Dies(at)) if at == now => resume_unwind(Box::new(Dies)),
            Some(Fate::Suspends(at)) if at == now => self.coordinator.get().unwrap().send(Signal::Suspend),
            _ => {}
        }
    }
}

/// Runs the job over these orders, from a checkpoint or from the beginning.
pub fn run(script: &Script, disk: &Fragile, from: Option<&Checkpoint>, plan: &Plan, with: Drive) -> Run {
    let (events, stop) = (Arc::new(Mutex::new(Vec::new())), Stop::new());
    let fates = Fates {
        fate: plan.fate,
        stop: stop.clone(),
        coordinator: Arc::default(),
    };
    let (heard, at_checkpoints) = (Arc::clone(&events), fates.clone());
    let listener: Listener = Box::new(move |event| {
        let mut heard = heard.lock().unwrap();
        heard.push(event);
        let number = heard.len();
        drop(heard);
        if let Drive::Threads = with {
            at_checkpoints.look(number);
        }
    });
    let schedule = Schedule {
        interval: Some(plan.interval),
        timeout: TIMEOUT,
    };
    let store = Store::open(disk.clone(), usize::MAX).unwrap();
    let dataflow = wire(script, from.cloned(), plan);
    let (job, mail) = dataflow
        .finish(Some(Box::new(store)), schedule, listener, &stop)
        .unwrap();
    assert!(fates.coordinator.set(mail).is_ok());
    let result = match with {
        Drive::Threads => drive(job, with, &stop).map_err(|error| error.to_string()),
        Drive::Stepper(seed) => step_by_step(job, seed, plan, &fates),
    };
    let events = events.lock().unwrap().clone();
    Run {
        result,
        checkpoints: newer_than(from.map_or(0, |from| from.id), disk),
        events,
    }
}

fn step_by_step(job: Job, seed: u64, plan: &Plan, fates: &Fates) -> Result<(), String> {
    let mut number = 0;
    let mut observer = |_, _: &str, _| {
        number += 1;
        fates.look(number);
    };
    let steps = stepper::Schedule {
        seed,
        step: plan.step,
    };
    let run = || run_stepper(job, steps, &fates.stop, &mut observer);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) if panic.is::<Dies>() => Err("it has died".to_string()),
        Err(panic) => resume_unwind(panic),
    }
}

/// The whole checkpoints on a disk that are newer than this one.
fn newer_than(id: u64, disk: &Fragile) -> Vec<Checkpoint> {
    let newer = ids(disk).unwrap().split_off(&(id + 1)).into_iter();
    newer.map(|id| read_checkpoint(disk, id).unwrap()).collect()
}

fn wire(script: &Script, from: Option<Checkpoint>, plan: &Plan) -> Dataflow {
    let (sources, workers, buffers) = (plan.sources, plan.workers, plan.buffers);
    let mut dataflow = Dataflow::new(buffers, from);
    if !plan.aligns {
        dataflow = dataflow.tracking();
    }
    let strategy = Strategy {
        delay: Span(DELAY),
        grid: Span(1),
        idle_timeout: None,
        ..Strategy::default()
    };
    let (exchange, mut direct) = (by_key(sources, workers, buffers), single(sources, buffers));
    let outboxes = exchange.outboxes.into_iter().zip(direct.outboxes);
    for (number, (outbox, direct)) in outboxes.enumerate() {
        let mut source = script.log.source("tests", &Start::Earliest, true).unwrap();
        source.share(Share {
            index: number,
            of: sources,
        });
        let source = Resting {
            source: source.with_batch(plan.batch),
            rests: plan.rests,
            has_rested: false,
        };
        let reader = TimestampReader::new(strategy, None);
        let task = SourceTask::new(source, reader, &Options::default());
        let outbox = outbox.tee(direct);
        dataflow
            .source(
                subtask(SOURCE, number, 1),
                task,
                |task, split| task.reads(split),
                outbox,
            )
            .unwrap();
    }
    let (mut closed, mut late) = (single(workers, buffers), single(workers, buffers));
    let outboxes = closed.outboxes.into_iter().zip(late.outboxes);
    for (number, (inbox, (closed, late))) in exchange.inboxes.into_iter().zip(outboxes).enumerate() {
        let subtask = subtask(WINDOWS, number, workers);
        task(
            &mut dataflow,
            subtask,
            inbox,
            Windows::default(),
            closed.split(late),
        );
    }
    let Edge {
        mut outboxes,
        mut inboxes,
    } = single(1, buffers);
    let both = direct.inboxes.remove(0).join(closed.inboxes.remove(0));
    task(
        &mut dataflow,
        subtask(JOIN, 0, 1),
        both,
        Join::default(),
        outboxes.remove(0),
    );
    for (operator, inbox) in [(SINK, inboxes.remove(0)), (LATE, late.inboxes.remove(0))] {
        task(
            &mut dataflow,
            subtask(operator, 0, 1),
            inbox,
            Sink::default(),
            Outbox::none(),
        );
    }
    dataflow
}

/// A reader of the log that finds nothing each second time.
struct Resting {
    source: LogSource,
    rests: bool,
    has_rested: bool,
}

impl Source for Resting {
    fn splits(&self) -> &[Split] {
        self.source.splits()
    }
    fn share(&mut self, share: Share) {
        self.source.share(share);
    }
    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        self.source.seek(positions)
    }
    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        self.has_rested = !self.has_rested;
        match self.rests && self.has_rested {
            true => Ok(Polled::Idle),
            false => self.source.poll(records, wait),
        }
    }
    fn commit(&mut self, positions: &Positions) -> Result<(), Error> {
        self.source.commit(positions)
    }
    fn locate(&self, partition: i32, offset: i64) -> String {
        self.source.locate(partition, offset)
    }
    fn is_bounded(&self) -> bool {
        self.source.is_bounded()
    }
}

fn subtask(operator: &str, number: usize, of: usize) -> Subtask<'_> {
    Subtask { operator, number, of }
}

/// A task with both adapters.
fn task<O>(
    dataflow: &mut Dataflow,
    subtask: Subtask<'_>,
    inbox: Inbox<Orders, Control>,
    operator: O,
    outbox: Outbox<O::Out, Control>,
) where
    O: OnWatermark<In = Orders> + Stateful + 'static,
{
    let operator = WatermarkOperator::new(inbox.channels(), operator);
    dataflow.task(subtask, inbox, operator, outbox).unwrap();
}
