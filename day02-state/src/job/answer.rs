//! What the job of day 2 comes to, and what a person sees of it until then: the gatherer behind the collector.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Gather, Progress, Totals, TotalsReport};
use crate::operator::Outcome;
use crate::state::file::Snapshot;

/// Whoever watches the job.
pub trait View: Send {
    /// Things have moved on; `largest` gives the merchants worth showing, the larger first.
    fn progress(&mut self, progress: &Progress, largest: &dyn Fn() -> Vec<(String, Totals)>);
    /// Something happened that a person should hear of.
    fn warn(&mut self, warning: &str);
}

/// Nobody watches.
impl View for () {
    fn progress(&mut self, _: &Progress, _: &dyn Fn() -> Vec<(String, Totals)>) {}
    fn warn(&mut self, _: &str) {}
}

/// What the job came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Answer {
    /// All merchants, by name.
    pub merchants: Vec<(String, Totals)>,
    /// How far it has come.
    pub progress: Progress,
    /// Positions and state, if they are to be saved.
    pub snapshot: Snapshot,
}

/// Where a gatherer leaves its answer.
#[derive(Debug, Default, Clone)]
pub struct AnswerSlot<A = Answer>(Arc<Mutex<A>>);

impl<A: Default> AnswerSlot<A> {
    /// The answer, once the job has ended.
    pub fn take(&self) -> A {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves the answer.
    pub fn put(&self, answer: A) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

/// Puts the merchants of all workers together.
pub struct Merchants<V> {
    view: V,
    slot: AnswerSlot,
    /// The largest merchants of each worker.
    largest: BTreeMap<usize, Vec<(String, Totals)>>,
    all: Vec<(String, Totals)>,
}

impl<V: View> Merchants<V> {
    /// Shows what it hears to `view`, and leaves the answer in `slot`.
    pub fn new(view: V, slot: AnswerSlot) -> Self {
        Merchants {
            view,
            slot,
            largest: BTreeMap::new(),
            all: Vec::new(),
        }
    }
}

impl<V: View> Gather for Merchants<V> {
    type Report = TotalsReport;

    fn report(&mut self, worker: usize, report: TotalsReport) -> Outcome {
        match report {
            TotalsReport::Largest(merchants) => drop(self.largest.insert(worker, merchants)),
            TotalsReport::Merchants(merchants) => self.all.extend(merchants),
        }
        Ok(())
    }

    fn progress(&mut self, progress: &Progress) {
        let largest = || {
            let mut all: Vec<(String, Totals)> = self.largest.values().flatten().cloned().collect();
            all.sort_by(|one, other| other.1.count.cmp(&one.1.count).then(one.0.cmp(&other.0)));
            all
        };
        self.view.progress(progress, &largest);
    }

    fn warn(&mut self, warning: &str) {
        self.view.warn(warning);
    }

    fn end(&mut self, progress: Progress, snapshot: Snapshot) -> Outcome {
        let mut merchants = std::mem::take(&mut self.all);
        merchants.sort_by(|one, other| one.0.cmp(&other.0));
        self.slot.put(Answer {
            merchants,
            progress,
            snapshot,
        });
        Ok(())
    }
}
