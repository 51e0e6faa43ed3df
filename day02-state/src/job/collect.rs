//! The collector: what everybody reports, put together for a person while the job runs, and as the answer at its end.

use std::collections::BTreeMap;
use std::time::Duration;

use day01_consumer::order::Reason;

use super::source::SourceReport;
use super::{AnswerSlot, NoControl, Report, Totals};
use crate::operator::{How, Input, Operator, Out, Outcome, Turn};
use crate::state::file::Snapshot;

/// How far the whole job has come.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Progress {
    /// How many orders were read.
    pub counted: u64,
    /// How many records were skipped, by reason.
    pub skipped: BTreeMap<Reason, u64>,
    /// How far each split is behind its end, if that is known.
    pub lag: BTreeMap<String, Option<i64>>,
}

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

/// Puts reports together.
pub struct Collect<V> {
    view: V,
    slot: AnswerSlot,
    sources: BTreeMap<usize, SourceReport>,
    largest: BTreeMap<usize, Vec<(String, Totals)>>,
    /// How often each source has told of each warning.
    told: BTreeMap<String, BTreeMap<usize, u32>>,
    answer: Answer,
}

impl<V: View> Collect<V> {
    /// A collector that shows what it hears to `view`, and leaves the answer in `slot`.
    pub fn new(view: V, slot: AnswerSlot) -> Self {
        Collect {
            view,
            slot,
            sources: BTreeMap::new(),
            largest: BTreeMap::new(),
            told: BTreeMap::new(),
            answer: Answer::default(),
        }
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Source(number, mut source) => {
                for warning in source.warnings.drain(..) {
                    if self.is_news(number, &warning) {
                        self.view.warn(&warning);
                    }
                }
                self.sources.insert(number, source);
            }
            Report::Largest(worker, merchants) => drop(self.largest.insert(worker, merchants)),
            Report::State(operator, parts) => self.answer.snapshot.add(operator, parts),
            Report::Merchants(merchants) => self.answer.merchants.extend(merchants),
        }
    }

    /// Sources that share a broker all tell the same story. The nth time counts as news from whoever tells it first.
    fn is_news(&mut self, source: usize, warning: &str) -> bool {
        let told = self.told.entry(warning.to_string()).or_default();
        let most = told.values().copied().max().unwrap_or_default();
        let times = told.entry(source).or_default();
        *times += 1;
        *times > most
    }

    fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for source in self.sources.values() {
            progress.counted += source.counted;
            progress.lag.extend(source.lag.iter().cloned());
            for (reason, count) in &source.skipped {
                *progress.skipped.entry(*reason).or_default() += count;
            }
        }
        progress
    }
}

impl<V: View> Operator for Collect<V> {
    type In = Vec<Report>;
    type Out = ();
    type Control = NoControl;

    fn on_data(&mut self, _: Input, reports: Vec<Report>, _: Out<'_, Self>) -> Outcome {
        reports.into_iter().for_each(|report| self.take(report));
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, _: Out<'_, Self>) -> Outcome<Turn> {
        let largest = || {
            let mut all: Vec<(String, Totals)> = self.largest.values().flatten().cloned().collect();
            all.sort_by(|one, other| other.1.count.cmp(&one.1.count).then(one.0.cmp(&other.0)));
            all
        };
        let progress = self.progress();
        self.view.progress(&progress, &largest);
        Ok(Turn::Done)
    }

    fn on_end(&mut self, _: How, _: Out<'_, Self>) -> Outcome {
        let mut answer = std::mem::take(&mut self.answer);
        answer.merchants.sort_by(|one, other| one.0.cmp(&other.0));
        answer.progress = self.progress();
        self.slot.put(answer);
        Ok(())
    }
}
