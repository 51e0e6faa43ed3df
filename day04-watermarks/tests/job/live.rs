//! A topic that is written while it is read, at times of the stepper's clock, and somebody who watches when windows close.

#![allow(dead_code, reason = "each file of tests uses a part of this")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use day01_consumer::Error;
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Share, Source, Split, Start};
use day02_state::operator::Outcome;
use day02_state::runtime::{Did, Job, Stop};
use day02_state::state::file::Snapshot;
use day02_state::stepper::run_stepper;
use day03_windows::job::{Answer, ClosedWindow, OnClosed};
use day04_watermarks::job::wire;

use crate::drive::Drive;
use crate::setup::{MILLI, Setup, record};

/// A topic, and whether it will be written any further.
#[derive(Clone)]
pub struct Live {
    pub log: Log,
    over: Arc<AtomicBool>,
}

impl Live {
    /// A topic with nothing in its partitions.
    pub fn new(partitions: usize) -> Self {
        Live::on(Log::new("orders", partitions))
    }

    pub fn on(log: Log) -> Self {
        let over = Arc::default();
        Live { log, over }
    }

    fn write(&self, partition: usize, ts: i64, cents: i64) {
        let row = record(&("m".to_string(), ts, cents));
        self.log.append(partition, None, Some(row.as_bytes()), None);
    }

    /// A reader that ends when the topic is over and it has read all of it.
    pub fn reader(&self) -> LiveReader {
        LiveReader {
            inner: self
                .log
                .source("tests", &Start::Earliest, false)
                .unwrap()
                .with_batch(1),
            over: self.over.clone(),
        }
    }
}

/// See [`Live::reader`].
pub struct LiveReader {
    inner: LogSource,
    over: Arc<AtomicBool>,
}

impl Source for LiveReader {
    fn splits(&self) -> &[Split] {
        self.inner.splits()
    }

    fn share(&mut self, share: Share) {
        self.inner.share(share);
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        self.inner.seek(positions)
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        match self.inner.poll(records, wait)? {
            Polled::Idle if self.over.load(Ordering::Relaxed) => Ok(Polled::End),
            polled => Ok(polled),
        }
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), Error> {
        self.inner.commit(positions)
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        self.inner.locate(partition, offset)
    }
}

/// What happens to the topic.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// An order of `m` with this timestamp comes into this partition.
    Row(usize, i64),
    /// The same, for so many cents.
    Sale(usize, i64, i64),
    /// A partition is added.
    Partition,
    /// Nothing more comes.
    Over,
    /// Somebody presses Ctrl-C.
    Stop,
}

/// At this millisecond of the clock this happens. Nothing of it may be left when the job ends.
pub type Script<'a> = &'a [(u64, Event)];

/// What closed, and at which millisecond.
pub type Closed = Vec<(u64, ClosedWindow)>;

/// Who watches.
#[derive(Clone, Default)]
struct Watch {
    now: Arc<Mutex<u64>>,
    closed: Arc<Mutex<Closed>>,
}

impl OnClosed for Watch {
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        let now = *self.now.lock().unwrap();
        let closed = windows.iter().map(|closed| (now, closed.clone()));
        self.closed.lock().unwrap().extend(closed);
        Ok(())
    }
}

/// Runs the job of this day while the topic is written; says what closed and when, and what it came to.
pub fn play(setup: Setup, live: &Live, script: Script<'_>, from: Option<&Snapshot>) -> (Closed, Answer) {
    let watch = Watch::default();
    let readers = setup.share(|| live.reader());
    let (job, slot) = wire(readers, &setup.options(), watch.clone(), from).unwrap();
    let Drive::Stepper(seed) = setup.drive else {
        panic!("{setup:?}");
    };
    write_while(job, seed, live, script, &mut |now, _, _| {
        *watch.now.lock().unwrap() = now.as_millis() as u64;
    });
    let closed = watch.closed.lock().unwrap().clone();
    (closed, slot.take())
}

/// Runs a job while the topic is written.
pub fn write_while(
    job: Job,
    seed: u64,
    live: &Live,
    script: Script<'_>,
    observer: &mut dyn FnMut(Duration, &str, Did),
) {
    let mut script: VecDeque<_> = script.iter().copied().collect();
    let stop = Stop::new();
    run_stepper(job, seed, &stop, &mut |now, task, did| {
        observer(now, task, did);
        while let Some((at, event)) = script.front().copied()
            && u32::try_from(at).unwrap() * MILLI <= now
        {
            script.pop_front();
            match event {
                Event::Row(partition, ts) => live.write(partition, ts, 1),
                Event::Sale(partition, ts, cents) => live.write(partition, ts, cents),
                Event::Partition => live.log.add_partition(),
                Event::Over => live.over.store(true, Ordering::Relaxed),
                Event::Stop => stop.ask(),
            }
        }
    })
    .unwrap();
    assert!(script.is_empty(), "it ended before {script:?}");
}
