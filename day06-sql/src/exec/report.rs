//! What workers say to the collector, and what it makes of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use day02_state::job::{Gather, Progress};
use day02_state::operator::Outcome;
use day02_state::state::file::Snapshot;

use crate::aggregate::Dropped;

/// How things stand with one worker, or with all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct WindowStats {
    /// What is in no result.
    pub dropped: Dropped,
    /// How many groups are kept.
    pub open: usize,
    /// How many bytes they hold.
    pub memory: usize,
}

impl WindowStats {
    /// Adds what was dropped.
    pub fn add(&mut self, dropped: Dropped) {
        self.dropped.late += dropped.late;
        self.dropped.late_assignments += dropped.late_assignments;
        self.dropped.null_time += dropped.null_time;
        self.dropped.behind = self.dropped.behind.max(dropped.behind);
    }
}

/// What a worker reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerReport(pub WindowStats);

/// What everybody has reported, for whoever wants to show it.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<All>>);

/// All of it.
#[derive(Debug, Default)]
pub struct All {
    /// How far sources have come.
    pub progress: Progress,
    stats: BTreeMap<usize, WindowStats>,
}

impl All {
    /// How things stand with all workers.
    pub fn stats(&self) -> WindowStats {
        self.standing_of(0..usize::MAX)
    }

    /// How things stand with some of them together: those of a query, say.
    pub fn standing_of(&self, workers: Range<usize>) -> WindowStats {
        let mut all = WindowStats::default();
        for (_, one) in self.stats.range(workers) {
            all.add(one.dropped);
            all.open += one.open;
            all.memory += one.memory;
        }
        all
    }
}

impl Heard {
    /// What has been heard so far.
    pub fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever watches a job.
pub trait Watch: Send {
    /// Things have moved on.
    fn progress(&mut self, all: &All);
    /// Something happened that a person should hear of.
    fn warn(&mut self, warning: &str);
}

/// Nobody watches.
impl Watch for () {
    fn progress(&mut self, _: &All) {}
    fn warn(&mut self, _: &str) {}
}

/// Keeps what is heard.
pub(super) struct Listen<W> {
    pub heard: Heard,
    pub watch: W,
}

impl<W: Watch> Gather for Listen<W> {
    type Report = WorkerReport;

    fn report(&mut self, worker: usize, WorkerReport(stats): WorkerReport) -> Outcome {
        self.heard.all().stats.insert(worker, stats);
        Ok(())
    }

    fn progress(&mut self, progress: &Progress) {
        let mut all = self.heard.all();
        all.progress = progress.clone();
        self.watch.progress(&all);
    }

    fn warn(&mut self, warning: &str) {
        self.watch.warn(warning);
    }

    fn end(&mut self, progress: Progress, _: Snapshot) -> Outcome {
        self.heard.all().progress = progress;
        Ok(())
    }
}
