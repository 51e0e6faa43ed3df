//! What the tasks of a running job say of themselves, and where an observer reads it.
//!
//! Progress does not travel with the data: it would wait in the same channels, and come too late just when someone asks
//! why nothing comes out. Each task writes its [`Status`] on one board, and an observer reads it there: a live
//! table, a status line, a test, and a page of metrics if there were one.
//!
//! ```text
//!   source 0 ──► totals 0 ──► collect          rows, in channels
//!       │            │           │
//!       └────────────┴───────────┴──► board ◄── observer, whenever it likes
//! ```
//!
//! 1. A task writes before it waits, when it has been asked while it was busy, and when it ends. It never waits for the
//!    board, apart from the moment in which another one writes.
//! 2. While no observer looks, tasks write at their end only.
//! 3. What an observer reads of two tasks was true of each, but not of both at the same instant.
//!
//! Left out: history. A system that draws curves (Prometheus beside Flink) reads now and then, and remembers itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use day01_consumer::first_of;
use day01_consumer::order::Reason;

// ANCHOR: status
/// What a task says of itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it waits for or works on, in phrases: those of the operator, and of the adapters around it.
    pub phrases: Vec<String>,
    /// The task that sends on each of its channels, which is filled in before the operator is asked.
    pub senders: Vec<String>,
    /// What each of its channels may do.
    pub channels: Vec<String>,
    /// Why no results come out, if it knows: a line worth showing to a person.
    pub explanation: Option<String>,
    /// The same at length, a line for each split.
    pub details: Vec<String>,
    /// What has happened since the last time.
    pub warnings: Vec<String>,
    /// How many records it has read and used.
    pub counted: u64,
    /// How many records it has skipped, by reason.
    pub skipped: BTreeMap<Reason, u64>,
    /// How many records each split is behind its end, if that is known.
    pub lag: BTreeMap<String, Option<i64>>,
    /// Numbers of later days.
    pub gauges: BTreeMap<Gauge, i64>,
    /// Counts whose names only the running program knows; those of several tasks add up.
    pub tallies: BTreeMap<Tally, u64>,
}
// ANCHOR_END: status

/// A number that tasks give, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gauge {
    /// Its name, with the unit if it has one: `state_bytes`.
    pub name: &'static str,
    /// How the numbers of several tasks make one.
    pub over_tasks: OverTasks,
}

/// What is counted under a name that only the running program knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tally {
    /// Whose it is: an input, a table.
    pub of: String,
    /// What is counted.
    pub kind: &'static str,
    /// Which of several; empty if there is one.
    pub name: String,
}

/// How the numbers of several tasks make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OverTasks {
    /// They add up.
    Sum,
    /// The largest counts.
    Max,
}

/// How many channels of a task, or tasks of a job, a message names.
pub const NAMED: usize = 5;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.phrases.join("; "))?;
        match self.channels.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", first_of(&self.channels, NAMED, "; ")),
        }
    }
}

/// How far a whole job has come.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Progress {
    /// How many records were read and used.
    pub counted: u64,
    /// How many records were skipped, by reason.
    pub skipped: BTreeMap<Reason, u64>,
    /// How far each split is behind its end, if that is known.
    pub lag: BTreeMap<String, Option<i64>>,
    /// Why no results come out, as far as tasks know.
    pub status: Vec<String>,
    /// The same at length, a line for each split.
    pub details: Vec<String>,
}

/// The statuses of all tasks of a job.
#[derive(Debug, Default, Clone)]
pub struct StatusBoard(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    observed: AtomicBool,
    /// How often an observer has looked.
    looks: AtomicU64,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    tasks: BTreeMap<String, Status>,
    /// How often each task has told of each warning.
    told: BTreeMap<String, BTreeMap<String, u32>>,
    /// Those that no observer has taken.
    warnings: Vec<String>,
}

impl StatusBoard {
    /// From now on tasks write while they run, and not only when they end.
    pub fn observe(&self) {
        self.0.observed.store(true, Ordering::Relaxed);
    }

    /// Asks tasks that are busy to write, which they do when they next come to it.
    pub fn ask(&self) {
        self.0.looks.fetch_add(1, Ordering::Relaxed);
    }

    /// What a task has written last; none if it has not written yet.
    pub fn task(&self, name: &str) -> Option<Status> {
        self.written().tasks.get(name).cloned()
    }

    /// What every task has written last, by name.
    pub fn tasks(&self) -> Vec<(String, Status)> {
        let written = self.written();
        let each = written.tasks.iter();
        each.map(|(name, status)| (name.clone(), status.clone()))
            .collect()
    }

    /// How far the job has come.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for status in self.written().tasks.values() {
            progress.counted += status.counted;
            progress.lag.extend(status.lag.clone());
            progress.status.extend(status.explanation.clone());
            progress.details.extend(status.details.iter().cloned());
            for (reason, count) in &status.skipped {
                *progress.skipped.entry(*reason).or_default() += count;
            }
        }
        progress
    }

    /// A number over those tasks whose names the filter takes; 0 if none gives it.
    pub fn gauge(&self, gauge: Gauge, of: impl Fn(&str) -> bool) -> i64 {
        let written = self.written();
        let tasks = written.tasks.iter().filter(|(name, _)| of(name));
        let values = tasks.filter_map(|(_, status)| status.gauges.get(&gauge).copied());
        match gauge.over_tasks {
            OverTasks::Sum => values.sum(),
            OverTasks::Max => values.max().unwrap_or_default(),
        }
    }

    /// What tasks have counted under names of their own, over all of them.
    pub fn tallies(&self) -> BTreeMap<Tally, u64> {
        let mut sums = BTreeMap::new();
        for (tally, count) in self.written().tasks.values().flat_map(|status| &status.tallies) {
            *sums.entry(tally.clone()).or_default() += count;
        }
        sums
    }

    /// What has happened since the last call, in the order in which it was told.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.written().warnings)
    }

    /// A task says how it stands.
    pub(crate) fn write(&self, task: &str, mut status: Status) {
        let written = &mut *self.written();
        for warning in status.warnings.drain(..) {
            if is_news(written.told.entry(warning.clone()).or_default(), task) {
                written.warnings.push(warning);
            }
        }
        written.tasks.insert(task.to_string(), status);
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.0.observed.load(Ordering::Relaxed)
    }

    pub(crate) fn looks(&self) -> u64 {
        self.0.looks.load(Ordering::Relaxed)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sources that share a broker all tell the same story. The nth time counts as news from the task that tells it first.
fn is_news(told: &mut BTreeMap<String, u32>, task: &str) -> bool {
    let most = told.values().copied().max().unwrap_or_default();
    let times = told.entry(task.to_string()).or_default();
    *times += 1;
    *times > most
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: Gauge = Gauge {
        name: "rows",
        over_tasks: OverTasks::Sum,
    };
    const BEHIND: Gauge = Gauge {
        name: "behind_ms",
        over_tasks: OverTasks::Max,
    };

    fn warns(warnings: &[&str]) -> Status {
        Status {
            warnings: warnings.iter().map(ToString::to_string).collect(),
            ..Status::default()
        }
    }

    #[test]
    fn numbers_of_tasks_add_up_or_the_largest_counts() {
        let board = StatusBoard::default();
        for (task, rows, behind) in [("a 0", 3, 9), ("a 1", 4, 2), ("b 0", 5, 1)] {
            let gauges = BTreeMap::from([(ROWS, rows), (BEHIND, behind)]);
            let status = Status {
                gauges,
                ..Status::default()
            };
            board.write(task, status);
        }
        assert_eq!(
            (board.gauge(ROWS, |_| true), board.gauge(BEHIND, |_| true)),
            (12, 9)
        );
        let of_a = |task: &str| task.starts_with("a ");
        assert_eq!((board.gauge(ROWS, of_a), board.gauge(BEHIND, of_a)), (7, 9));
        assert_eq!(board.gauge(ROWS, |_| false), 0);
    }

    #[test]
    fn a_task_is_known_by_what_it_wrote_last() {
        let board = StatusBoard::default();
        assert_eq!(board.task("a"), None);
        for counted in [1, 2] {
            let status = Status {
                counted,
                ..Status::default()
            };
            board.write("a", status);
        }
        assert_eq!(board.progress().counted, 2);
        assert_eq!(board.tasks().len(), 1);
    }

    #[test]
    fn what_two_tasks_tell_is_said_once_and_what_happens_again_is_said_again() {
        let board = StatusBoard::default();
        for task in ["source 0", "source 1"] {
            board.write(task, warns(&["the broker is away"]));
        }
        assert_eq!(board.take_warnings(), ["the broker is away"]);
        assert!(board.take_warnings().is_empty());
        for task in ["source 1", "source 0"] {
            board.write(task, warns(&["the broker is away"]));
        }
        assert_eq!(board.take_warnings(), ["the broker is away"]);
    }
}
