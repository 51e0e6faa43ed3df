//! Runs a scenario through the job of day 1, crash and restart included, and writes down what happens.
//!
//! The trace is what the book shows, as lines and as pictures. A crash drops the job, and with it the map; the log and
//! the offsets that were committed to it stay, as a broker stays when its consumer dies. The crash falls between the two
//! halves of a round, whichever way round they are: that is the only moment at which their order matters.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::civil::Time;

use super::scenario::{Event, Scenario};
use crate::Error;
use crate::job::{Commit, Job, OnBadRecord};
use crate::lab::log::{Log, LogSource};
use crate::order::Reason;
use crate::source::{Polled, Positions, Source, Start};

/// One thing that happened, with the time on the wall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub time: Time,
    /// What.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A record was written to the log: where it is, and its payload.
    Arrived(String, Option<String>),
    /// The job starts at these positions, with an empty map.
    Started(Positions),
    /// A batch was fetched; the positions now lie behind it.
    Polled(Vec<String>, Positions),
    /// A record was counted: where it is, its merchant, and the merchant's count.
    Counted(String, String, u64),
    /// A record was skipped.
    Skipped(String, Reason),
    /// The positions were committed.
    Committed(Positions),
    /// The process died, and the map with it.
    Crashed,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.time.strftime("%H:%M:%S"))?;
        match &self.what {
            What::Arrived(at, payload) => {
                write!(
                    f,
                    "arrive   {at}  {}",
                    payload.as_deref().unwrap_or("(tombstone)")
                )
            }
            What::Started(at) => write!(f, "start    at {at}, the map is empty"),
            What::Polled(records, _) => write!(f, "poll     {}", records.join(" ")),
            What::Counted(at, merchant, count) => write!(f, "count    {at}  {merchant} = {count}"),
            What::Skipped(at, reason) => write!(f, "skip     {at}  {reason}"),
            What::Committed(positions) => write!(f, "commit   {positions}"),
            What::Crashed => write!(f, "CRASH    the map is gone"),
        }
    }
}

/// What a replay came to.
#[derive(Debug, Default, Clone)]
pub struct Replay {
    /// Everything that happened, in order.
    pub steps: Vec<Step>,
    /// How often each record that was read was counted, over all lives of the process.
    pub times_counted: BTreeMap<String, u32>,
    /// The map of the last process.
    pub order_count: BTreeMap<String, u64>,
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        write!(f, "the map at the end:")?;
        for (merchant, count) in &self.order_count {
            write!(f, " {merchant} = {count}")?;
        }
        Ok(())
    }
}

/// Runs `scenario`, with offsets committed as `commit` says, and restarts from the committed ones.
pub fn replay(scenario: &Scenario, commit: Commit) -> Result<Replay, Error> {
    let log = Log::new("orders", scenario.partitions);
    let mut run = Run {
        commit,
        job: start(&log, commit)?,
        log,
        crash_at: None,
        time: Time::midnight(),
        replay: Replay::default(),
    };
    let mut arrived = 0;
    for moment in scenario.events.chunk_by(|one, next| one.arrival == next.arrival) {
        run.time = moment[0].arrival;
        if arrived == 0 {
            run.note_start();
        }
        for event in moment {
            let at = run.arrive(event);
            arrived += 1;
            if scenario.crash_in_batch_of == Some(arrived) {
                run.crash_at = Some(at);
            }
        }
        while run.round()? {}
    }
    run.replay.order_count = run
        .job
        .counts()
        .sorted()
        .into_iter()
        .map(|(merchant, count)| (merchant.to_string(), count))
        .collect();
    Ok(run.replay)
}

/// A replay under way.
struct Run {
    log: Log,
    commit: Commit,
    job: Job<LogSource>,
    /// The record in whose batch the process is to die.
    crash_at: Option<String>,
    time: Time,
    replay: Replay,
}

fn start(log: &Log, commit: Commit) -> Result<Job<LogSource>, Error> {
    let source = log.source("day01", &Start::Group, false)?;
    Ok(Job::new(source, commit, OnBadRecord::Skip))
}

impl Run {
    fn note(&mut self, what: What) {
        let time = self.time;
        self.replay.steps.push(Step { time, what });
    }

    fn note_start(&mut self) {
        let positions = Positions::of(self.job.source().splits());
        self.note(What::Started(positions));
    }

    fn arrive(&mut self, event: &Event) -> String {
        let payload = event.payload.as_ref().map(|payload| payload.as_bytes());
        let offset = self.log.append(event.partition, None, payload, None);
        let at = self.job.source().locate(event.partition as i32, offset);
        self.note(What::Arrived(at.clone(), event.payload.clone()));
        at
    }

    /// One round of the loop in its three parts, as `Job::step` puts them in order; false if there was nothing to do.
    fn round(&mut self) -> Result<bool, Error> {
        if self.job.poll(Duration::ZERO)? != Polled::Ready {
            return Ok(false);
        }
        let batch = self.batch();
        let crashes = self.crash_at.as_ref().is_some_and(|at| batch.contains(at));
        let positions = Positions::of(self.job.source().splits());
        self.note(What::Polled(batch, positions));
        match self.commit {
            Commit::Before => self.commit()?,
            Commit::After | Commit::None => self.process()?,
        }
        if crashes {
            self.crash_at = None;
            self.note(What::Crashed);
            self.job = start(&self.log, self.commit)?;
            self.note_start();
            return Ok(true);
        }
        match self.commit {
            Commit::Before => self.process()?,
            Commit::After => self.commit()?,
            Commit::None => {}
        }
        Ok(true)
    }

    /// Where the records of the batch in hand are.
    fn batch(&mut self) -> Vec<String> {
        let places: Vec<(i32, i64)> = self
            .job
            .records()
            .iter()
            .map(|record| (record.partition, record.offset))
            .collect();
        let source = self.job.source();
        places
            .into_iter()
            .map(|(partition, offset)| source.locate(partition, offset))
            .collect()
    }

    fn process(&mut self) -> Result<(), Error> {
        let mut seen = Vec::new();
        self.job.process_with(|record, outcome| {
            let place = (record.partition, record.offset);
            seen.push((
                place,
                outcome.map(|(merchant, count)| (merchant.to_string(), count)),
            ));
        })?;
        for ((partition, offset), outcome) in seen {
            let at = self.job.source().locate(partition, offset);
            match outcome {
                Ok((merchant, count)) => {
                    *self.replay.times_counted.entry(at.clone()).or_default() += 1;
                    self.note(What::Counted(at, merchant, count));
                }
                Err(reason) => self.note(What::Skipped(at, reason)),
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.job.commit()?;
        let positions = Positions::of(self.job.source().splits());
        self.note(What::Committed(positions));
        Ok(())
    }
}
