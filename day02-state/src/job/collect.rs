//! The collector: what everybody reports, put together for whoever makes something of it.

use std::collections::BTreeMap;
use std::time::Duration;

use day01_consumer::order::Reason;

use super::{Report, SourceReport};
use crate::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
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
    /// What each source says of why nothing comes out, if it does not.
    pub status: Vec<String>,
}

/// Whoever makes something of what the collector hears.
pub trait Gather: Send {
    /// What workers report.
    type Report: Send;

    /// A worker has found something.
    fn report(&mut self, worker: usize, report: Self::Report) -> Outcome;
    /// Things have moved on.
    fn progress(&mut self, progress: &Progress);
    /// Something happened that a person should hear of.
    fn warn(&mut self, warning: &str);
    /// Everybody has ended. The snapshot has positions and state, if they are to be saved.
    fn end(&mut self, progress: Progress, snapshot: Snapshot) -> Outcome;
}

/// Puts reports together.
pub struct Collect<G> {
    gather: G,
    sources: BTreeMap<usize, SourceReport>,
    /// How often each source has told of each warning.
    told: BTreeMap<String, BTreeMap<usize, u32>>,
    snapshot: Snapshot,
}

impl<G: Gather> Collect<G> {
    /// A collector that hands on to `gather` what it hears.
    pub fn new(gather: G) -> Self {
        Collect {
            gather,
            sources: BTreeMap::new(),
            told: BTreeMap::new(),
            snapshot: Snapshot::new(),
        }
    }

    fn take(&mut self, report: Report<G::Report>) -> Outcome {
        match report {
            Report::Source(number, mut source) => {
                for warning in source.warnings.drain(..) {
                    if self.is_news(number, &warning) {
                        self.gather.warn(&warning);
                    }
                }
                self.sources.insert(number, source);
            }
            Report::State(operator, parts) => self.snapshot.add(operator, parts),
            Report::Worker(worker, report) => self.gather.report(worker, report)?,
        }
        Ok(())
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
            progress.status.extend(source.status.clone());
            for (reason, count) in &source.skipped {
                *progress.skipped.entry(*reason).or_default() += count;
            }
        }
        progress
    }
}

impl<G: Gather, C> Operator<C> for Collect<G> {
    type In = Vec<Report<G::Report>>;
    type Out = ();

    fn on_data(&mut self, _: Input, reports: Self::In, _: Out<'_, Self::Out, C>) -> Outcome {
        reports.into_iter().try_for_each(|report| self.take(report))
    }

    fn on_turn(&mut self, _: Duration, _: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        let progress = self.progress();
        self.gather.progress(&progress);
        Ok(Turn::Done)
    }

    fn on_end(&mut self, _: EndReason, _: Out<'_, Self::Out, C>) -> Outcome {
        let snapshot = std::mem::take(&mut self.snapshot);
        self.gather.end(self.progress(), snapshot)
    }
}
