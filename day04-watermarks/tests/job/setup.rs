//! How a job is run: everything that varies between two runs over the same rows.

#![allow(dead_code, reason = "each file of tests uses a part of this")]

use std::collections::BTreeMap;
use std::time::Duration;

use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::source::{Share, Source, Start};
use day02_state::job::SOURCE;
use day02_state::runtime::{Buffers, Stop};
use day02_state::state::Owner;
use day02_state::state::file::Snapshot;
use day02_state::stepper::run_stepper;
use day03_windows::job::{Answer, ClosedWindow, Options as Windows};
use day03_windows::lab::evaluator::Row;
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day04_watermarks::job::{Options, wire};
use day04_watermarks::splits::Strategy;

use crate::drive::{Drive, drive};
use crate::results::Results;

pub const MILLI: Duration = Duration::from_millis(1);

/// Which windows, how watermarks are made, on how many tasks, in which packets, and who runs it.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub window: WindowSpec,
    pub delay: Span,
    pub grid: Span,
    pub idle_timeout: Option<Duration>,
    pub max_drift: Option<Span>,
    pub lateness: Span,
    pub sources: usize,
    pub workers: usize,
    /// How many records a poll brings.
    pub batch: usize,
    pub buffers: Buffers,
    pub drive: Drive,
}

impl Setup {
    /// One source and one worker on the stepper, row by row, with watermarks at each millisecond and no delay.
    pub fn new(window: &str) -> Self {
        Setup {
            window: window.parse().unwrap(),
            delay: Span(0),
            grid: Span(1),
            idle_timeout: None,
            max_drift: None,
            lateness: Span(0),
            sources: 1,
            workers: 1,
            batch: 1,
            buffers: Buffers {
                capacity: 1,
                rows: 1,
                linger: 10 * MILLI,
            },
            drive: Drive::Stepper(0),
        }
    }

    pub fn options(self) -> Options {
        let mut windows = Windows::new(self.window);
        (windows.lateness, windows.late_orders) = (self.lateness, true);
        windows.tasks.workers = self.workers;
        windows.tasks.save = Some(day02_state::job::SavedState::default());
        windows.tasks.buffers = self.buffers;
        let watermarks = Strategy {
            delay: self.delay,
            grid: self.grid,
            idle_timeout: self.idle_timeout,
            max_drift: self.max_drift,
            ..Strategy::default()
        };
        Options { windows, watermarks }
    }

    /// Readers of what the log holds now, which share its partitions.
    pub fn readers(self, log: &Log) -> Vec<LogSource> {
        self.share(|| {
            log.source("tests", &Start::Earliest, true)
                .unwrap()
                .with_batch(self.batch)
        })
    }

    pub fn share<S: Source>(self, reader: impl Fn() -> S) -> Vec<S> {
        let readers = (0..self.sources).map(|index| {
            let mut reader = reader();
            let of = self.sources;
            reader.share(Share { index, of });
            reader
        });
        readers.collect()
    }

    /// Reads the log to its end.
    pub fn run(self, log: &Log) -> Answer {
        self.go_on(log, None)
    }

    /// Reads the log from where a snapshot was taken to its end.
    pub fn go_on(self, log: &Log, from: Option<&Snapshot>) -> Answer {
        let (job, slot) = wire(self.readers(log), &self.options(), (), from).unwrap();
        drive(job, self.drive, &Stop::new()).unwrap();
        slot.take()
    }

    /// Reads on in a drawn order of steps, and is asked to stop after so many of them.
    pub fn stopped_after(self, steps: usize, log: &Log, from: Option<&Snapshot>) -> Answer {
        let Drive::Stepper(seed) = self.drive else {
            panic!("{self:?}");
        };
        let (job, slot) = wire(self.readers(log), &self.options(), (), from).unwrap();
        let (stop, mut done) = (Stop::new(), 0);
        run_stepper(job, seed, &stop, &mut |_, _, _| {
            done += 1;
            if done == steps {
                stop.ask();
            }
        })
        .unwrap();
        slot.take()
    }
}

/// A row as a record.
pub fn record((merchant, ts, cents): &Row) -> String {
    let (sign, cents) = (if *cents < 0 { "-" } else { "" }, cents.unsigned_abs());
    let amount = format!("{sign}{}.{:02}", cents / 100, cents % 100);
    format!("{{\"merchant_id\":\"{merchant}\",\"amount\":{amount},\"ts\":{ts}}}")
}

/// Rows of `m`, at these times, for a cent each.
pub fn of_m(times: &[i64]) -> Vec<Row> {
    times.iter().map(|ts| ("m".to_string(), *ts, 1)).collect()
}

/// A log with a partition for each list of rows.
pub fn logged(partitions: &[Vec<Row>]) -> Log {
    let log = Log::new("orders", partitions.len());
    for (partition, rows) in partitions.iter().enumerate() {
        for row in rows {
            log.append(partition, None, Some(record(row).as_bytes()), None);
        }
    }
    log
}

/// What has closed, by window and merchant. No window may close twice for a merchant.
#[track_caller]
pub fn places(windows: &[ClosedWindow]) -> Results {
    let mut results = Results::new();
    for closed in windows {
        let (sums, extremes) = &closed.summed;
        let summed = (
            sums.rows,
            sums.sum().unwrap(),
            extremes.min().unwrap(),
            extremes.max().unwrap(),
        );
        let before = results.insert((closed.window, closed.merchant_id.clone()), summed);
        assert_eq!(
            before, None,
            "{} of {} closed twice",
            closed.window, closed.merchant_id
        );
    }
    results
}

/// How many orders each window has, by its start.
pub fn counts(windows: &[ClosedWindow]) -> Vec<(i64, u64)> {
    let each = windows.iter();
    each.map(|closed| (closed.window.start.0, closed.summed.0.rows))
        .collect()
}

/// The offset that each split comes to next.
pub fn positions(snapshot: &Snapshot) -> BTreeMap<String, usize> {
    let parts = snapshot
        .parts(SOURCE)
        .iter()
        .filter(|part| part.name == "position");
    let positions = parts.map(|part| {
        let Owner::Split(split) = &part.owner else {
            panic!("{part:?}");
        };
        let offset = i64::from_le_bytes(part.bytes.as_slice().try_into().unwrap());
        (split.clone(), usize::try_from(offset).unwrap())
    });
    positions.collect()
}
