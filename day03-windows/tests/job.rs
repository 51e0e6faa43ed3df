//! The job as a library, on the log in memory of day 1: the same windows on any number of workers, in any
//! order of their steps, on threads, and over a stop in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day02-state/tests/drive/mod.rs"]
mod drive;
mod orders;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::source::Start;
use day02_state::error::{Error, JobError};
use day02_state::job::{SOURCE, SavedState};
use day02_state::operator::Outcome;
use day02_state::runtime::{Buffers, Stop};
use day02_state::state::file::Snapshot;
use day02_state::state::{Owner, Part};
use day02_state::stepper::run_stepper;
use day03_windows::job::{Answer, ClosedWindow, Keep, OnClosed, Options, WINDOWS, WindowStats, wire};
use day03_windows::lab::evaluator::{Row, evaluate};
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day03_windows::window::Window;
use drive::{Drive, drive};
use jiff::SignedDuration;

use orders::{KINDS, disordered, order, ordered, rows};

const WORKERS: [usize; 4] = [1, 2, 3, 7];

// ---------------------------------------------------------------------------------------------------------------------
// The same windows

#[test]
fn any_number_of_workers_in_any_order_of_steps_closes_the_windows_of_the_evaluator() {
    let (log, rows) = logged(&ordered(400, 1));
    for kind in KINDS {
        let expected = expected(kind, &rows);
        for seed in 0..30 {
            for workers in WORKERS {
                let packet = [1, 1_000][seed as usize % 2];
                let setup = Setup::new(kind, workers).packets(packet).drawn(seed);
                assert_is(&life(&log, setup, None), &expected, setup);
            }
        }
    }
}

#[test]
fn on_threads_it_closes_the_windows_of_the_evaluator() {
    let (log, rows) = logged(&ordered(2_000, 2));
    for kind in KINDS {
        let expected = expected(kind, &rows);
        for round in 0..20 {
            let setup = Setup::new(kind, WORKERS[round % 4]).packets([1_000, 1, 7][round % 3]);
            assert_is(&life(&log, setup, None), &expected, setup);
        }
    }
}

#[test]
fn an_empty_log_has_no_windows() {
    for kind in KINDS {
        let answer = life(&Log::new("orders", 1), Setup::new(kind, 3), None);
        assert_eq!((answer.windows, answer.closed), (vec![], 0), "{kind}");
        assert_eq!(answer.stats, WindowStats::default(), "{kind}");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Stop and go on

#[test]
fn stopped_after_any_number_of_steps_and_gone_on_each_window_closes_once() {
    let (log, rows) = logged(&ordered(300, 3));
    let mut in_the_middle = 0;
    for kind in KINDS {
        let expected = expected(kind, &rows);
        for seed in 0..25 {
            let (mut union, mut closed, mut last) = (Expected::new(), 0, None);
            for (life, steps) in [Some(40 + seed * 17), Some(1 + seed * 5), None]
                .into_iter()
                .enumerate()
            {
                let workers = WORKERS[(seed + life) % 4];
                let setup = Setup::new(kind, workers)
                    .packets([1, 7][life % 2])
                    .drawn(seed as u64);
                let answer = stopped_after(&log, setup, last.as_ref(), steps);
                closed += answer.windows.len();
                union.extend(places(&answer.windows));
                assert_eq!(answer.closed, answer.windows.len() as u64);
                assert_eq!(answer.stats.late_assignments, 0, "{setup:?}");

                let read = read(&answer.snapshot);
                // Who has read everything may have drained before it heard of the stop.
                if read < rows.len() {
                    // Nothing of what is open is in the answer, and all of it is in the snapshot.
                    let newest = rows[..read].last().map_or(i64::MIN, |row| row.1);
                    assert!(
                        answer.windows.iter().all(|closed| closed.window.end.0 <= newest),
                        "{setup:?}"
                    );
                    let has_open = answer.stats.open > 0;
                    assert_eq!(has_open, read > 0, "{setup:?}");
                    assert_eq!(has_open, has_open_windows(&answer.snapshot), "{setup:?}");
                    in_the_middle += usize::from(!answer.windows.is_empty());
                }
                last = Some(reloaded(&answer.snapshot));
            }
            assert_eq!(closed, expected.len(), "{kind}, seed {seed}: each once");
            assert_eq!(union, expected, "{kind}, seed {seed}");
        }
    }
    assert!(in_the_middle > 100, "{in_the_middle} of 200");
}

#[test]
fn stopped_on_threads_and_gone_on_each_window_closes_once() {
    let (log, rows) = logged(&ordered(1_500, 4));
    let mut in_the_middle = 0;
    for kind in KINDS {
        let expected = expected(kind, &rows);
        for round in 0..8 {
            let (mut union, mut closed, mut last) = (Expected::new(), 0, None);
            for (life, until) in [Some(1 + round * 20), Some(1), None].into_iter().enumerate() {
                let setup = Setup::new(kind, WORKERS[(round + life) % 4]).packets(1);
                let stop = Stop::new();
                let seen = Seen {
                    stop_at: until.map(|windows| (windows, stop.clone())),
                    ..Seen::default()
                };
                let (job, slot) = wire(sources(&log, setup), &setup.options(), seen, last.as_ref()).unwrap();
                drive(job, setup.drive, &stop).unwrap();
                let answer = slot.take();
                closed += answer.windows.len();
                union.extend(places(&answer.windows));
                let read = read(&answer.snapshot);
                in_the_middle += usize::from(read > 0 && read < rows.len() && answer.stats.open > 0);
                last = Some(reloaded(&answer.snapshot));
            }
            assert_eq!(closed, expected.len(), "{kind}, round {round}: each once");
            assert_eq!(union, expected, "{kind}, round {round}");
        }
    }
    assert!(in_the_middle > 0, "none was stopped in the middle");
}

#[test]
fn drained_it_leaves_no_window_open() {
    let (log, _) = logged(&ordered(500, 5));
    for kind in KINDS {
        for workers in WORKERS {
            let setup = Setup::new(kind, workers);
            let answer = life(&log, setup, None);
            assert_eq!((answer.stats.open, answer.stats.memory), (0, 0), "{setup:?}");
            assert!(!has_open_windows(&answer.snapshot), "{setup:?}");
            let again = life(&log, Setup::new(kind, 8 - workers), Some(&answer.snapshot));
            assert_eq!(
                (again.windows, again.progress.counted),
                (vec![], 0),
                "{setup:?}: nothing is left to close"
            );
        }
    }
}

#[test]
fn state_that_is_none_of_windows_is_refused_and_nothing_runs() {
    let (log, _) = logged(&ordered(100, 6));
    let stopped = |kind: &'static str| {
        stopped_after(&log, Setup::new(kind, 2).packets(1).drawn(1), None, Some(60)).snapshot
    };
    let refused = |kind: &'static str, snapshot: &Snapshot| {
        let setup = Setup::new(kind, 3);
        let error: Error = wire(sources(&log, setup), &setup.options(), (), Some(snapshot))
            .err()
            .expect("an error");
        error.to_string()
    };
    let laid = stopped("tumble:100ms");
    let told = |saved: &str, other: &str| {
        format!(
            "state \"windows\" of every worker: the saved windows are {saved}, and this run has {other}; use {saved}, or \
             start anew"
        )
    };
    for other in [
        "tumble:200ms",
        "tumble:100ms+1ms",
        "hop:100ms/50ms",
        "session:15ms",
    ] {
        let said = refused(other, &laid);
        assert!(said.ends_with(&told("tumble:100ms", other)), "{said}");
    }
    let sessions = stopped("session:15ms");
    for other in ["tumble:100ms", "session:16ms"] {
        let said = refused(other, &sessions);
        assert!(said.ends_with(&told("session:15ms", other)), "{said}");
    }

    let with = |owner: Owner| {
        let mut snapshot = laid.clone();
        let (name, bytes) = ("slice 100".to_string(), Vec::new());
        snapshot.add(WINDOWS, vec![Part { name, owner, bytes }]);
        refused("tumble:100ms", &snapshot)
    };
    let unreadable = "cannot restore the saved state: state \"slice 100\" of";
    assert_eq!(
        with(Owner::First),
        format!("{unreadable} the first worker: no worker owns it")
    );
    assert_eq!(
        with(Owner::Group(128)),
        format!("{unreadable} key group 128: no worker owns it")
    );
    assert_eq!(
        with(Owner::Every),
        format!("{unreadable} every worker: it is no state of windows made of slices")
    );

    // What is right is taken.
    let setup = Setup::new("tumble:100ms", 3);
    assert!(wire(sources(&log, setup), &setup.options(), (), Some(&laid)).is_ok());
}

// ---------------------------------------------------------------------------------------------------------------------
// What is kept, and who watches

#[test]
fn the_largest_are_kept_or_none_and_all_are_counted() {
    let (log, rows) = logged(&ordered(2_000, 7));
    for kind in KINDS {
        let mut largest: Vec<_> = expected(kind, &rows).into_iter().collect();
        let all = largest.len();
        // Those with the most orders; among equals, those that come first.
        largest.sort_by(|(one, (count, ..)), (other, (than, ..))| than.cmp(count).then(one.cmp(other)));
        for workers in WORKERS {
            for most in [0, 1, 20, all - 1, all, all + 1] {
                let keep = Keep::Largest(most);
                let kept: Expected = largest.iter().take(most).cloned().collect();
                let setup = Setup::new(kind, workers).keep(keep);
                let answer = life(&log, setup, None);
                assert_eq!(answer.closed, all as u64, "{setup:?}");
                assert_eq!(answer.windows.len(), most.min(all), "{setup:?}");
                assert_eq!(places(&answer.windows), kept, "{setup:?}");
                assert!(answer.windows.is_sorted_by_key(place), "{setup:?}");
            }
            let answer = life(&log, Setup::new(kind, workers).keep(Keep::None), None);
            assert_eq!((answer.windows, answer.closed), (vec![], all as u64), "{kind}");
        }
    }
}

/// More windows than may lie about before the smallest are thrown away.
#[test]
fn the_largest_of_very_many_are_the_right_ones() {
    let lines: Vec<String> = (0..25_000)
        .flat_map(|n| {
            // Five windows with two orders, two with three, all others with one.
            let orders = if n % 10_000 == 5_000 {
                3
            } else {
                1 + i64::from(n % 5_000 == 17)
            };
            (0..orders).map(move |at| order("m-1", "1.00", i64::from(n) * 10 + at))
        })
        .collect();
    let (log, _) = logged(&lines);
    let answer = life(&log, Setup::new("tumble:10ms", 1).keep(Keep::Largest(5)), None);
    let starts: Vec<i64> = answer
        .windows
        .iter()
        .map(|closed| closed.window.start.0)
        .collect();
    assert_eq!(starts, [170, 50_000, 50_170, 100_170, 150_000]);
    assert_eq!(answer.closed, 25_000);
}

#[test]
fn whoever_watches_sees_each_window_once_and_those_of_a_call_in_order() {
    let (log, rows) = logged(&ordered(1_000, 8));
    for kind in KINDS {
        for setup in [
            Setup::new(kind, 1),
            Setup::new(kind, 3),
            Setup::new(kind, 3).packets(1).drawn(8),
            Setup::new(kind, 7).packets(7).drawn(9),
        ] {
            let seen = Seen::default();
            let setup = setup.keep(Keep::None);
            let (job, slot) = wire(sources(&log, setup), &setup.options(), seen.clone(), None).unwrap();
            drive(job, setup.drive, &Stop::new()).unwrap();
            let answer = slot.take();
            let calls = seen.calls.lock().unwrap().clone();
            assert!(
                calls.iter().all(|windows| windows.is_sorted_by_key(place)),
                "{setup:?}"
            );
            assert!(calls.iter().all(|windows| !windows.is_empty()), "{setup:?}");
            let all: Vec<ClosedWindow> = calls.concat();
            assert_eq!(all.len() as u64, answer.closed, "{setup:?}");
            assert_eq!(places(&all), expected(kind, &rows), "{setup:?}");
            if setup.workers == 1 {
                assert!(
                    all.is_sorted_by_key(|closed| closed.window.end),
                    "one worker closes in order: {setup:?}"
                );
            }
            assert_eq!(answer.progress.counted, 1_000, "{setup:?}");
        }
    }
}

/// What is printed as csv or json: a result that is held until the end would take memory in proportion to the input.
#[test]
fn windows_in_order_are_handed_on_while_the_input_is_read() {
    let in_order = ordered(2_000, 11);
    for (lines, lateness) in [
        (&in_order, Span(0)),
        (
            &disordered(2_000, 12, SignedDuration::from_millis(150)),
            Span::millis(60),
        ),
    ] {
        let (log, rows) = logged(lines);
        for kind in KINDS {
            for (workers, seed) in WORKERS.into_iter().zip(11..) {
                let setup = Setup::new(kind, workers).packets(7).keep(Keep::InOrder);
                let setup = Setup { lateness, ..setup };
                let (seen, mut while_read) = (Seen::default(), 0);
                let (job, slot) = wire(sources(&log, setup), &setup.options(), seen.clone(), None).unwrap();
                run_stepper(job, seed, &Stop::new(), &mut |_, task, _| {
                    if task == "source 0" {
                        while_read = seen.windows().len();
                    }
                })
                .unwrap();
                let windows = seen.windows();
                assert!(
                    windows.is_sorted_by_key(|closed| (place(closed), closed.pane)),
                    "{setup:?}"
                );
                assert_eq!(windows.len() as u64, slot.take().closed, "{setup:?}");
                assert!(
                    while_read * 2 > windows.len(),
                    "{setup:?}: {while_read} of {}",
                    windows.len()
                );
                if lines == &in_order {
                    assert_eq!(places(&windows), expected(kind, &rows), "{setup:?}");
                }
            }
        }
    }
}

#[test]
fn an_error_of_whoever_watches_ends_the_job_with_its_name() {
    let (log, _) = logged(&ordered(1_000, 9));
    for setup in [
        Setup::new("tumble:100ms", 3),
        Setup::new("session:15ms", 3).packets(1).drawn(1),
    ] {
        let (job, slot) = wire(sources(&log, setup), &setup.options(), Unwilling, None).unwrap();
        let error = drive(job, setup.drive, &Stop::new()).unwrap_err();
        assert_eq!(error.to_string(), "collect: the printer is on fire", "{setup:?}");
        assert!(matches!(error, JobError::Failed { task, .. } if task == "collect"));
        assert!(slot.take().windows.is_empty(), "half an answer is none");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Late rows

/// A worker judges a row by the latest one that it has seen itself, so how many are late depends on the
/// number of workers. On one worker it is told from the rows alone.
#[test]
fn late_orders_are_counted_and_are_in_no_window() {
    let lines = disordered(3_000, 10, SignedDuration::from_millis(150));
    let (log, rows) = logged(&lines);
    for workers in WORKERS {
        for setup in [
            Setup::new("tumble:100ms", workers),
            Setup::new("tumble:100ms", workers).packets(1).drawn(10),
        ] {
            let answer = life(&log, setup, None);
            let in_windows: u64 = answer.windows.iter().map(|closed| closed.summed.0.rows).sum();
            assert!(answer.stats.late > 100, "{setup:?}: {:?}", answer.stats);
            assert_eq!(
                answer.stats.late, answer.stats.late_assignments,
                "a row has one window"
            );
            assert_eq!(in_windows + answer.stats.late, 3_000, "{setup:?}");
        }
    }
    for kind in ["tumble:100ms", "hop:300ms/100ms-7ms", "cumulate:400ms/100ms+20ms"] {
        let (mut now, mut late, mut late_assignments) = (i64::MIN, 0, 0);
        for row in &rows {
            now = now.max(row.1);
            let windows = evaluate(spec(kind), std::slice::from_ref(row)).into_keys();
            let (passed, open): (Vec<_>, Vec<_>) = windows.partition(|(window, _)| window.end.0 <= now);
            late_assignments += passed.len() as u64;
            late += u64::from(open.is_empty());
        }
        for setup in [Setup::new(kind, 1), Setup::new(kind, 1).packets(7).drawn(3)] {
            let stats = life(&log, setup, None).stats;
            assert_eq!(
                (stats.late, stats.late_assignments),
                (late, late_assignments),
                "{setup:?}"
            );
        }
        assert!(
            late_assignments > 100 && late_assignments >= late,
            "{kind}: {late_assignments}, {late}"
        );
    }
}

#[test]
fn with_lateness_as_large_as_the_disorder_the_last_word_on_each_window_is_the_evaluators() {
    let lines = disordered(1_000, 11, SignedDuration::from_millis(50));
    let (log, rows) = logged(&lines);
    for kind in KINDS {
        for workers in WORKERS {
            let mut setup = Setup::new(kind, workers);
            setup.lateness = Span::millis(60);
            let seen = Seen::default();
            let (job, slot) = wire(sources(&log, setup), &setup.options(), seen.clone(), None).unwrap();
            drive(job, setup.drive, &Stop::new()).unwrap();
            let answer = slot.take();
            assert_eq!(
                (answer.stats.late, answer.stats.late_assignments),
                (0, 0),
                "{setup:?}"
            );
            let expected = expected(kind, &rows);
            assert!(
                answer.closed > expected.len() as u64,
                "{setup:?}: some close again"
            );
            // Each call is in the order of time for one worker and so for one merchant. Sessions that grew
            // are others.
            let last: Expected = places(&seen.calls.lock().unwrap().concat());
            match kind.starts_with("session") {
                true => assert!(
                    expected
                        .iter()
                        .all(|(place, summed)| last.get(place) == Some(summed)),
                    "{setup:?}"
                ),
                false => assert_eq!(last, expected, "{setup:?}"),
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------

/// By window and merchant: how many orders, their sum, the smallest and the largest.
type Expected = BTreeMap<(Window, String), (u64, i128, i64, i64)>;

fn expected(kind: &str, rows: &[Row]) -> Expected {
    let windows = evaluate(spec(kind), rows).into_iter();
    windows
        .map(|(place, cents)| {
            let sum = cents.iter().map(|cents| i128::from(*cents)).sum();
            (place, (cents.len() as u64, sum, cents[0], cents[cents.len() - 1]))
        })
        .collect()
}

/// Of windows of which one closed again, the last word.
fn places(windows: &[ClosedWindow]) -> Expected {
    let each = windows.iter().map(|closed| {
        let (sums, extremes) = &closed.summed;
        let summed = (
            sums.rows,
            sums.sum().unwrap(),
            extremes.min().unwrap(),
            extremes.max().unwrap(),
        );
        ((closed.window, closed.merchant_id.clone()), summed)
    });
    each.collect()
}

fn place(closed: &ClosedWindow) -> (i64, i64, String) {
    (
        closed.window.end.0,
        closed.window.start.0,
        closed.merchant_id.clone(),
    )
}

#[track_caller]
fn assert_is(answer: &Answer, expected: &Expected, setup: Setup) {
    assert_eq!(answer.windows.len(), expected.len(), "{setup:?}: each once");
    assert_eq!(&places(&answer.windows), expected, "{setup:?}");
    assert!(
        answer.windows.is_sorted_by_key(place),
        "{setup:?}: by end, start and merchant"
    );
    assert_eq!(answer.closed, expected.len() as u64, "{setup:?}");
    assert_eq!(
        answer.stats,
        WindowStats::default(),
        "{setup:?}: nothing is late, open or held"
    );
}

fn spec(kind: &str) -> WindowSpec {
    kind.parse().unwrap()
}

/// A log of one partition, so that what it holds has an order.
fn logged(lines: &[String]) -> (Log, Vec<Row>) {
    let log = Log::new("orders", 1);
    for line in lines {
        log.append(0, None, Some(line.trim_end().as_bytes()), None);
    }
    (log, rows(lines))
}

/// How many records lie before the position of a snapshot.
fn read(snapshot: &Snapshot) -> usize {
    let [position] = snapshot.parts(SOURCE) else {
        panic!("{:?}", snapshot.parts(SOURCE));
    };
    let offset = i64::from_le_bytes(position.bytes.as_slice().try_into().unwrap());
    usize::try_from(offset).unwrap()
}

fn has_open_windows(snapshot: &Snapshot) -> bool {
    let parts = snapshot.parts(WINDOWS);
    assert!(!parts.is_empty(), "it has been saved");
    parts.iter().any(|part| matches!(part.owner, Owner::Group(_)))
}

/// A snapshot after its way through a file.
fn reloaded(snapshot: &Snapshot) -> Snapshot {
    let read = Snapshot::decode(&snapshot.encode()).unwrap();
    assert_eq!(read, *snapshot);
    read
}

// ---------------------------------------------------------------------------------------------------------------------
// How the job is run

/// Which windows, on how many workers, with which packets, and how.
#[derive(Debug, Clone, Copy)]
struct Setup {
    kind: &'static str,
    workers: usize,
    rows: usize,
    keep: Keep,
    lateness: Span,
    drive: Drive,
}

impl Setup {
    /// On threads.
    fn new(kind: &'static str, workers: usize) -> Self {
        Setup {
            kind,
            workers,
            rows: 1_000,
            keep: Keep::All,
            lateness: Span(0),
            drive: Drive::Threads,
        }
    }

    fn packets(self, rows: usize) -> Self {
        Setup { rows, ..self }
    }

    fn keep(self, keep: Keep) -> Self {
        Setup { keep, ..self }
    }

    /// On the stepper.
    fn drawn(self, seed: u64) -> Self {
        let drive = Drive::Stepper(seed);
        Setup { drive, ..self }
    }

    fn options(self) -> Options {
        let mut options = Options::new(spec(self.kind));
        options.keep = self.keep;
        options.lateness = self.lateness;
        options.tasks.workers = self.workers;
        options.tasks.save = Some(SavedState::default());
        options.tasks.buffers = Buffers {
            rows: self.rows,
            capacity: 2,
            ..Buffers::default()
        };
        options
    }
}

/// What a source reads at once makes a packet, so it reads no more than belongs into one.
fn sources(log: &Log, setup: Setup) -> Vec<LogSource> {
    let source = log.source("tests", &Start::Earliest, true).unwrap();
    vec![source.with_batch(setup.rows.min(23))]
}

/// Reads the log to its end.
fn life(log: &Log, setup: Setup, restore: Option<&Snapshot>) -> Answer {
    let (job, slot) = wire(sources(log, setup), &setup.options(), (), restore).unwrap();
    drive(job, setup.drive, &Stop::new()).unwrap();
    slot.take()
}

/// Reads the log in a drawn order of steps, and is asked to stop after so many of them.
fn stopped_after(log: &Log, setup: Setup, restore: Option<&Snapshot>, steps: Option<usize>) -> Answer {
    let Drive::Stepper(seed) = setup.drive else {
        panic!("{setup:?}");
    };
    let (job, slot) = wire(sources(log, setup), &setup.options(), (), restore).unwrap();
    let (stop, mut done) = (Stop::new(), 0);
    run_stepper(job, seed, &stop, &mut |_, _, _| {
        done += 1;
        if steps == Some(done) {
            stop.ask();
        }
    })
    .unwrap();
    slot.take()
}

// ---------------------------------------------------------------------------------------------------------------------
// Who watches

/// Keeps what it is shown, and asks for a stop when so many windows have closed.
#[derive(Default, Clone)]
struct Seen {
    calls: Arc<Mutex<Vec<Vec<ClosedWindow>>>>,
    stop_at: Option<(usize, Stop)>,
}

impl Seen {
    /// In the order in which they were shown.
    fn windows(&self) -> Vec<ClosedWindow> {
        self.calls.lock().unwrap().concat()
    }
}

impl OnClosed for Seen {
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        let mut calls = self.calls.lock().unwrap();
        calls.push(windows.to_vec());
        if let Some((at, stop)) = &self.stop_at
            && calls.iter().map(Vec::len).sum::<usize>() >= *at
        {
            stop.ask();
        }
        Ok(())
    }
}

/// Cannot show anything.
struct Unwilling;

impl OnClosed for Unwilling {
    fn on_closed(&mut self, _: &[ClosedWindow]) -> Outcome {
        Err("the printer is on fire".into())
    }
}
