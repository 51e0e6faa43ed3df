//! The world around a job: records arrive by the clock on the wall, the process dies and is started again, and somebody
//! looks at what has come out.
//!
//! ```text
//! wall   12:00:01 ── arrivals ──► log ──► job ─┐ dies      12:00:04 ── … ──► the input ends, or somebody looks
//!        └─ life 1, its clock from 0 ──────────┘           └─ life 2, its clock from 0 ────────────────────┘
//! ```
//!
//! Arrivals are one more task of the job, so they have its clock, which is virtual: between two records that are seconds
//! apart, everything comes to rest, and a timeout of half a minute costs nothing. A death is an error of the source in its
//! next poll behind the record: everything in memory is dropped where it is, and nobody says good-bye.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::lab::scenario::{Event, Scenario};
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Share, Source, Split, Start, Warning};
use day02_state::error::Error;
use day02_state::job::NoControl;
use day02_state::operator::{Input, Operator, Out, Outcome, Turn};
use day02_state::outbox::Outbox;
use day02_state::runtime::{Inbox, Job, Stop};
use day02_state::stepper::run_stepper;
use jiff::civil::Time;

use crate::BookError;

/// How long after its death a process is up again.
const RESTART: Duration = Duration::from_secs(1);
/// How long after the last record the input ends, if it does.
const QUIET: Duration = Duration::from_secs(2);

/// How a life of the process has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The input has ended, or somebody has looked.
    Well,
    /// It has died.
    Died,
}

/// The world of one scenario. Clones are the same one.
#[derive(Debug, Clone)]
pub struct World(Arc<Mutex<Inside>>);

#[derive(Debug)]
struct Inside {
    scenario: Scenario,
    log: Log,
    /// How many events have arrived.
    arrived: usize,
    /// When this life began, since midnight.
    began: Duration,
    /// The record behind which the process dies, while that has not happened.
    crash_at: Option<(i32, i64)>,
    dies: bool,
    /// Whether the input has ended.
    ended: bool,
}

fn since_midnight(time: Time) -> Duration {
    let since = time.duration_since(Time::midnight());
    since.unsigned_abs()
}

/// Before the first event, or behind this one.
fn arrival(event: Option<&Event>) -> Duration {
    event.map_or(Duration::ZERO, |event| since_midnight(event.arrival))
}

/// How many of these events are of a partition.
fn of_partition(events: &[Event], partition: usize) -> i64 {
    events.iter().filter(|event| event.partition == partition).count() as i64
}

impl World {
    /// Nothing has happened yet.
    pub fn new(scenario: &Scenario) -> Self {
        let crash_at = scenario.crash_in_batch_of.map(|event| {
            let partition = scenario.events[event - 1].partition;
            (
                partition as i32,
                of_partition(&scenario.events[..event - 1], partition),
            )
        });
        World(Arc::new(Mutex::new(Inside {
            log: Log::new("orders", scenario.partitions),
            arrived: 0,
            began: arrival(scenario.events.first()).saturating_sub(RESTART),
            crash_at,
            dies: false,
            ended: false,
            scenario: scenario.clone(),
        })))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A source from the oldest record that the broker still has.
    pub fn source(&self) -> Result<Live, BookError> {
        let inner = self.inside().log.source("ladder", &Start::Earliest, false)?;
        let mut source = Live {
            world: self.clone(),
            splits: Vec::new(),
            inner,
        };
        source.look();
        Ok(source)
    }

    /// Runs a life of the process.
    pub fn live(&self, mut job: Job, seed: u64, stop: &Stop) -> Result<Ended, BookError> {
        let (world, stop_it) = (self.clone(), stop.clone());
        let arrivals = Arrivals { world, stop: stop_it };
        job.task("arrivals", Inbox::none(), arrivals, Outbox::none());
        match run_stepper(job, seed, stop, &mut |_, _, _| {}) {
            Ok(()) => Ok(Ended::Well),
            Err(_) if self.inside().died() => Ok(Ended::Died),
            Err(error) => Err(Error::from(error).into()),
        }
    }
}

impl Inside {
    /// Lets everything arrive that is there by now. The time of the next thing that happens; none if that was all.
    fn arrive(&mut self, now: Duration, stop: &Stop) -> Option<Duration> {
        let (wall, events) = (self.began + now, &self.scenario.events);
        while let Some(event) = events.get(self.arrived)
            && since_midnight(event.arrival) <= wall
        {
            let payload = event.payload.as_ref().map(|payload| payload.as_bytes());
            if self.scenario.stuck != Some(event.partition) {
                self.log.append(event.partition, None, payload, None);
            }
            self.arrived += 1;
        }
        let end = match self.scenario.asked_at {
            Some(asked_at) => since_midnight(asked_at),
            None => arrival(events.last()) + QUIET,
        };
        let next = events.get(self.arrived).map_or(end, |event| arrival(Some(event)));
        if next > wall {
            return Some(next - self.began);
        }
        match self.scenario.asked_at {
            Some(_) => stop.ask(),
            None => self.ended = true,
        }
        None
    }

    /// Whether the process has died; if so, the next one can begin.
    fn died(&mut self) -> bool {
        let Some(event) = self.scenario.crash_in_batch_of.filter(|_| self.dies) else {
            return false;
        };
        self.dies = false;
        let events = &self.scenario.events;
        let moment = events[event - 1].arrival;
        self.began = since_midnight(moment) + RESTART;
        if self.scenario.forgets {
            let before = events.partition_point(|event| event.arrival < moment);
            for partition in 0..self.scenario.partitions {
                let low = of_partition(&events[..before], partition);
                self.log.forget_before(partition, low);
            }
        }
        true
    }
}

/// What arrives, as a task.
struct Arrivals {
    world: World,
    stop: Stop,
}

impl Operator<NoControl> for Arrivals {
    type In = ();
    type Out = ();

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, NoControl>) -> Outcome {
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, NoControl>) -> Outcome<Turn> {
        Ok(match self.world.inside().arrive(now, &self.stop) {
            Some(next) => Turn::Wait(Some(next)),
            None => Turn::Done,
        })
    }
}

/// A source in this world.
#[derive(Debug)]
pub struct Live {
    world: World,
    inner: LogSource,
    splits: Vec<Split>,
}

impl Live {
    /// Takes over where the splits are. The broker says of one that is stuck that there is more.
    fn look(&mut self) {
        self.splits = self.inner.splits().to_vec();
        let stuck = self
            .world
            .inside()
            .scenario
            .stuck
            .map(|partition| partition as i32);
        for split in self
            .splits
            .iter_mut()
            .filter(|split| Some(split.partition) == stuck)
        {
            split.end = Some(split.position + 1);
            split.caught_up = false;
        }
    }
}

impl Source for Live {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn share(&mut self, share: Share) {
        self.inner.share(share);
        self.look();
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.inner.seek(positions)?;
        self.look();
        Ok(())
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, InputError> {
        if self.world.inside().dies {
            return Err(InputError::failed("reading")("the process was killed"));
        }
        let polled = self.inner.poll(records, wait)?;
        self.look();
        let mut inside = self.world.inside();
        let at = inside.crash_at;
        if records
            .iter()
            .any(|record| Some((record.partition, record.offset)) == at)
        {
            (inside.crash_at, inside.dies) = (None, true);
        }
        Ok(match polled {
            Polled::Idle if inside.ended => Polled::End,
            polled => polled,
        })
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.inner.commit(positions)
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        self.inner.locate(partition, offset)
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.inner.warnings()
    }
}
