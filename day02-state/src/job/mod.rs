//! The job of day 2: per merchant how many orders, for how much in all, and the largest, on any number of tasks.
//!
//! ```text
//!   source 0 ──┬── orders by merchant ──┬── totals 0 ──┐
//!              ╳                        ╳              ├── reports ── collect
//!   source 1 ──┴────────────────────────┴── totals 1 ──┤
//!      └──────────────── reports ──────────────────────┘
//! ```
//!
//! A source reads its share of the splits and decodes; the exchange hands each order to the worker that owns its
//! merchant; a worker keeps the totals of its merchants in a table. Everybody reports to one collector, which shows a
//! person how far the job has come, and at the end holds the answer and everything that a snapshot needs.
//!
//! The answer does not depend on how many tasks there are, nor on which of them is fast: sums of exact cents can be added up
//! in any order.

mod collect;
mod source;
mod totals;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use day01_consumer::job::OnBadRecord;
use day01_consumer::source::Source;

pub use collect::{Answer, Collect, Progress, View};
pub use source::{Orders, SOURCE};
pub use totals::{MerchantTotals, TOTALS, Totals};

use crate::error::Error;
use crate::keys::KEY_GROUPS;
use crate::order::Cents;
use crate::outbox::{Either, Outbox};
use crate::rows::Rows;
use crate::runtime::{Buffers, Inbox, Job, by_key, single};
use crate::state::file::Snapshot;
use crate::state::{Owner, Part, Stateful, share};

/// Control that does not exist: on this day there is only data.
pub type NoControl = std::convert::Infallible;

/// What sources send: orders to the workers, reports to the collector.
pub type FromSource = Either<Rows<Cents>, Vec<Report>>;

/// What the collector is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// How far a source has come.
    Source(usize, source::SourceReport),
    /// The largest merchants of a worker.
    Largest(usize, Vec<(String, Totals)>),
    /// State to be saved, of the operator with this id.
    State(&'static str, Vec<Part>),
    /// All merchants of a worker, by name: its part of the answer.
    Merchants(Vec<(String, Totals)>),
}

/// How a job is laid out.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many workers keep totals.
    pub workers: usize,
    /// What to do with a record that cannot be used.
    pub on_bad_record: OnBadRecord,
    /// How often to report progress; never if there is nobody to see it.
    pub report_every: Option<Duration>,
    /// Whether state is reported at the end.
    pub save: bool,
    /// How much may lie between two tasks.
    pub buffers: Buffers,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            workers: 1,
            on_bad_record: OnBadRecord::Fail,
            report_every: None,
            save: false,
            buffers: Buffers::default(),
        }
    }
}

/// Where the collector leaves the answer.
#[derive(Debug, Default, Clone)]
pub struct AnswerSlot(Arc<Mutex<Answer>>);

impl AnswerSlot {
    /// The answer, once the job has ended.
    pub fn take(&self) -> Answer {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, answer: Answer) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

// ANCHOR: wire
/// Wires the job: one task for each source, so many workers, and the collector.
pub fn wire<S: Source + Send + 'static>(
    sources: Vec<S>,
    options: &Options,
    view: impl View + 'static,
    restore: Option<&Snapshot>,
) -> Result<(Job, AnswerSlot), Error> {
    if let Some(snapshot) = restore {
        check(snapshot, &sources)?;
    }
    let orders = by_key(sources.len(), options.workers, options.buffers);
    let from_sources = single(sources.len(), options.buffers);
    let from_workers = single(options.workers, options.buffers);
    let (mut job, slot) = (Job::new(), AnswerSlot::default());

    let outboxes = orders.outboxes.into_iter().zip(from_sources.outboxes);
    for (number, (source, (to_workers, to_collector))) in sources.into_iter().zip(outboxes).enumerate() {
        let mut task = Orders::new(number, source, options);
        if let Some(snapshot) = restore {
            let parts = share(snapshot.parts(SOURCE), 0, 1, |split| task.reads(split));
            task.restore(parts).map_err(Error::Restore)?;
        }
        job.task(
            format!("source {number}"),
            Inbox::none(),
            task,
            to_workers.split(to_collector),
        );
    }
    let edges = orders.inboxes.into_iter().zip(from_workers.outboxes);
    for (worker, (inbox, outbox)) in edges.enumerate() {
        let mut task = MerchantTotals::new(worker, options);
        if let Some(snapshot) = restore {
            let parts = share(snapshot.parts(TOTALS), worker, options.workers, |_| false);
            task.restore(parts).map_err(Error::Restore)?;
        }
        job.task(format!("totals {worker}"), inbox, task, outbox);
    }
    let reports = from_sources.inboxes.into_iter().chain(from_workers.inboxes);
    let inbox = reports.fold(Inbox::none(), Inbox::merge);
    job.task("collect", inbox, Collect::new(view, slot.clone()), Outbox::none());
    Ok((job, slot))
}
// ANCHOR_END: wire

/// State that nobody would take is an error: it would be lost in silence.
fn check<S: Source>(snapshot: &Snapshot, sources: &[S]) -> Result<(), Error> {
    if let Some(operator) = snapshot.operators().find(|id| ![SOURCE, TOTALS].contains(id)) {
        return Err(Error::UnknownOperator {
            operator: operator.to_string(),
        });
    }
    let read = |split: &str| {
        sources
            .iter()
            .flat_map(Source::splits)
            .any(|own| own.name == split)
    };
    for part in snapshot.parts(SOURCE) {
        match &part.owner {
            Owner::Split(split) if read(split) => {}
            Owner::Split(split) => return Err(Error::UnknownSplit { split: split.clone() }),
            _ => return Err(Error::Restore(part.bad("no source reads it").into())),
        }
    }
    for part in snapshot.parts(TOTALS) {
        match part.owner {
            Owner::Group(group) if group < KEY_GROUPS => {}
            _ => return Err(Error::Restore(part.bad("no worker owns it").into())),
        }
    }
    Ok(())
}
