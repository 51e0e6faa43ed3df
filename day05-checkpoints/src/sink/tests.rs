//! A sink whose target hangs and wakes up, in the job of this day, under the stepper and over many seeds.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::lab::table::Format as Text;
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Share, Source, Split, Start};
use day02_state::operator::Output;
use day02_state::runtime::Buffers;
use day02_state::stepper::{Schedule as Steps, run_stepper};
use day03_windows::job::Options as Windows;
use day03_windows::time::Span;
use day04_watermarks::job::Options;
use day04_watermarks::splits::Strategy;

use super::files::{FileTarget, Format as Files};
use super::*;
use crate::coordinator::{Event, Schedule};
use crate::fault::{Fault, with};
use crate::job::{Checkpoints, Publishes, wire};
use crate::lab::fragile::Fragile;
use crate::sink::encoded::Rows;
use crate::store::Store;

const MS: Duration = Duration::from_millis(1);
/// How many orders there are, and so how many windows.
const ORDERS: usize = 1_500;
/// How much the sink holds.
const BUFFER: usize = 2_000;
/// For how long the target hangs.
const HANGS: Duration = Duration::from_secs(8);

/// Files that are not written while it hangs.
struct Hangs(FileTarget<Fragile>, Arc<AtomicBool>);

impl Target for Hangs {
    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
        match self.1.load(Ordering::Relaxed) {
            true => Ok(LastPublished::Pending),
            false => self.0.last_out(epochs),
        }
    }

    fn publish(&mut self, epoch: u64, rows: &Rows) -> Outcome<Published> {
        match self.1.load(Ordering::Relaxed) {
            true => Ok(Published::Pending),
            false => self.0.publish(epoch, rows),
        }
    }

    fn describe(&self) -> String {
        "the folder".to_string()
    }
}

/// Counts what is read.
struct Counts(LogSource, Arc<AtomicUsize>);

impl Source for Counts {
    fn splits(&self) -> &[Split] {
        self.0.splits()
    }

    fn share(&mut self, share: Share) {
        self.0.share(share);
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.0.seek(positions)
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, InputError> {
        let polled = self.0.poll(records, wait)?;
        self.1.fetch_add(records.iter().count(), Ordering::Relaxed);
        Ok(polled)
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.0.commit(positions)
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        self.0.locate(partition, offset)
    }
}

/// What a run came to.
struct Ran {
    lines: Vec<String>,
    /// What a person was told.
    told: Vec<String>,
    /// How many bytes the sink held at most while its target hung.
    held: i64,
    given_up: usize,
    /// How many orders had been read halfway through the time in which the target hung, and at its end.
    read: [usize; 2],
    /// Whether it came to an end by itself.
    ended: bool,
}

/// A job over so many orders, a window each, whose target hangs from this time on.
fn run(seed: u64, hangs_at: Duration) -> Ran {
    let log = Log::new("orders", 2);
    for order in 0..ORDERS {
        let ts = 1_767_225_600_000_i64 + order as i64 * 10;
        let payload = format!(r#"{{"merchant_id":"m-{}","amount":1.00,"ts":{ts}}}"#, order % 7);
        log.append(order % 2, None, Some(payload.as_bytes()), None);
    }
    let (hangs, read, stop) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
        Stop::new(),
    );
    let source = log.source("tests", &Start::Earliest, true).expect("a source");
    let source = Counts(source.with_batch(7), Arc::clone(&read));
    let mut options = Options {
        windows: Windows::new("tumble:10ms".parse().expect("a window")),
        watermarks: Strategy {
            delay: Span(0),
            grid: Span(10),
            idle_timeout: None,
            ..Strategy::default()
        },
    };
    options.windows.tasks.workers = 2;
    options.windows.tasks.buffers = Buffers {
        capacity: 1,
        rows: 8,
        linger: MS,
    };
    let files = Fragile::new();
    let target = Hangs(
        FileTarget::new(files.clone(), Files::Csv { header: None }),
        Arc::clone(&hangs),
    );
    let given_up = Arc::new(AtomicUsize::new(0));
    let mut publishes = Publishes::new(Text::Csv, target);
    publishes.options.buffer = BUFFER;
    let checkpoints = Checkpoints {
        schedule: Schedule {
            interval: Some(40 * MS),
            timeout: 200 * MS,
        },
        listener: Box::new({
            let given_up = Arc::clone(&given_up);
            move |event| {
                given_up.fetch_add(
                    usize::from(matches!(event, Event::Aborted(..))),
                    Ordering::Relaxed,
                );
            }
        }),
        ..Checkpoints::new(
            Some(Box::new(Store::open(Fragile::new(), 3).expect("empty"))),
            &stop,
        )
    };
    let (job, _, _) = wire(vec![source], &options, (), Some(publishes), checkpoints).expect("a job");
    let board = job.board();
    board.observe();
    let (mut counts, mut held, mut ended) = ([0; 2], 0, true);
    run_stepper(job, Steps { seed, step: MS }, &stop, &mut |now, _, _| {
        let wakes_at = hangs_at + HANGS;
        let hangs_now = (hangs_at..wakes_at).contains(&now);
        hangs.store(hangs_now, Ordering::Relaxed);
        if hangs_now {
            held = held.max(board.gauge(UNPUBLISHED, |_| true));
        }
        for (count, until) in counts.iter_mut().zip([hangs_at + HANGS / 2, wakes_at]) {
            if now < until {
                *count = read.load(Ordering::Relaxed);
            }
        }
        if now > wakes_at + 60_000 * MS {
            ended = false;
            stop.ask();
        }
    })
    .expect("it runs");
    let text = files.files().into_values().flatten().collect();
    let mut lines: Vec<String> = String::from_utf8(text)
        .expect("text")
        .lines()
        .map(str::to_string)
        .collect();
    lines.sort();
    Ran {
        lines,
        told: board.take_warnings(),
        held,
        given_up: given_up.load(Ordering::Relaxed),
        read: counts,
        ended,
    }
}

#[test]
fn a_target_that_hangs_stops_what_is_read_and_nothing_is_lost_or_doubled_when_it_wakes_up() {
    let right = run(0, Duration::MAX / 4).lines;
    assert_eq!(right.len(), ORDERS);
    let mut given_up = 0;
    for seed in 0..24 {
        // From before it was asked for the first time on, or in the middle.
        let ran = run(seed, MS * (seed as u32 % 12) * 30);
        assert!(ran.ended, "{seed}");
        assert_eq!(ran.lines, right, "{seed}");
        given_up += ran.given_up;
        let [halfway, in_the_end] = ran.read;
        assert!(
            halfway == in_the_end && halfway < ORDERS,
            "{seed}: {:?}",
            ran.read
        );
        let [waits, goes_on] = ran.told.as_slice() else {
            panic!("{seed}: {:?}", ran.told);
        };
        let begins = "the sink waits for the folder: no answer for 5 s";
        assert!(
            waits.starts_with(begins) && waits.ends_with("it takes no more rows until some are published"),
            "{waits}"
        );
        assert!(
            goes_on.ends_with("s, the sink writes again to the folder"),
            "{goes_on}"
        );
        // What came in before the first checkpoint was durable is held besides.
        let held = BUFFER as i64..BUFFER as i64 + 12_000;
        assert!(held.contains(&ran.held), "{seed}: {}", ran.held);
    }
    assert!(
        given_up > 0,
        "some checkpoint waited behind rows that were refused"
    );
}

#[test]
fn a_sink_that_refuses_rows_while_it_waits_for_a_barrier_waits_for_ever() {
    for (fault, ends) in [(None, true), (Some(Fault::SinkWaitsForBarrier), false)] {
        let ran = with(fault, || run(1, Duration::ZERO));
        assert_eq!(ran.ended, ends, "{fault:?}");
        assert_eq!(ran.lines.len() == ORDERS, ends, "{fault:?}");
    }
}

/// Takes what goes on to those who watch.
struct Nobody;

impl Output<Vec<()>, Watermark> for Nobody {
    fn data(&mut self, _: Vec<()>) {}
    fn control(&mut self, _: Watermark) {}
}

/// Texts as rows.
struct Texts;

impl Format for Texts {
    type In = Vec<&'static str>;
    type Out = Vec<()>;

    fn encode(&mut self, data: Self::In, rows: &mut Encoded) -> Outcome<Vec<()>> {
        data.iter().for_each(|row| rows.push(None, row.as_bytes()));
        Ok(Vec::new())
    }
}

fn hung(hangs: bool) -> (Sink<Texts, Hangs>, Stop) {
    let options = SinkOptions {
        buffer: 20,
        ..SinkOptions::default()
    };
    let stop = options.stop.clone();
    let target = Hangs(
        FileTarget::new(Fragile::new(), Files::Json),
        Arc::new(AtomicBool::new(hangs)),
    );
    (Sink::new(Texts, target, options), stop)
}

fn takes(sink: &mut Sink<Texts, Hangs>, row: &'static str) {
    let input = Input::default();
    sink.on_data(input, vec![row], &mut Nobody).expect("taken");
}

#[test]
fn a_job_that_stops_does_not_wait_for_a_target_that_hangs_and_takes_what_is_left() {
    let (mut sink, stop) = hung(true);
    takes(&mut sink, "more than twenty bytes");
    assert_eq!(
        sink.on_turn(MS, &mut Nobody).expect("a turn"),
        Turn::Wait(Some(2 * MS))
    );
    sink.snapshot(1);
    sink.on_checkpoint_complete(1);
    assert!(!sink.accepts(0));
    stop.ask();
    assert!(sink.accepts(0));
    let turns = [10, 509, 510].map(|ms| sink.on_turn(MS * ms, &mut Nobody).expect("a turn") == Turn::Done);
    assert_eq!(turns, [false, false, true], "half a second");
}

#[test]
fn an_epoch_is_the_same_part_in_each_snapshot_until_it_is_out() {
    let (mut sink, _) = hung(true);
    takes(&mut sink, "a");
    let first = sink.snapshot(1).parts();
    takes(&mut sink, "b");
    let second = sink.snapshot(2).parts();
    let names = |parts: &[Part]| parts.iter().map(|part| part.name.clone()).collect::<Vec<_>>();
    let piece = |epoch| format!("epoch-{}-{}", digits(epoch), digits(0));
    assert_eq!(names(&first), [piece(1), "out".to_string()]);
    assert_eq!(names(&second), [piece(1), piece(2), "out".to_string()]);
    assert_eq!(first[0], second[0]);
    let (mut restored, _) = hung(false);
    restored.restore(second.clone()).expect("restored");
    assert_eq!(restored.snapshot(3).parts()[..2], second[..2]);
    let foreign = Part {
        name: "epoch-1".to_string(),
        ..second[0].clone()
    };
    restored.restore(vec![foreign]).expect_err("not a name of ours");
}
