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
//!
//! Only the workers know what is counted, and only a [`Gather`] behind the collector what is made of it. A later day brings
//! a row, a worker and a gatherer of its own, and has the rest from [`pipeline`].

mod answer;
mod collect;
mod reader;
mod reporting;
mod source;
mod totals;

use std::time::Duration;

use day01_consumer::job::OnBadRecord;
use day01_consumer::source::Source;

pub use answer::{Answer, AnswerSlot, Merchants, View};
pub use collect::{Collect, Gather, Progress};
pub use reader::{Decode, Plain, Reader};
pub use reporting::Reporting;
pub(crate) use source::POSITION;
pub use source::{Orders, SOURCE, SourceReport};
pub use totals::{MerchantTotals, TOTALS, Totals, TotalsReport};

use crate::error::Error;
use crate::keys::KEY_GROUPS;
use crate::operator::Operator;
use crate::order::Cents;
use crate::outbox::{Either, Outbox};
use crate::runtime::{Buffers, Inbox, Job, by_key, single};
use crate::state::file::Snapshot;
use crate::state::{Owner, Part, Stateful, share};

/// Control that does not exist: on this day there is only data.
pub type NoControl = std::convert::Infallible;

/// What sources send: rows to the workers, reports to the collector.
pub type FromSource<D, R> = Either<<D as Reader>::Rows, Vec<Report<R>>>;

/// What the collector is told; `R` is what only workers of one kind have to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Report<R> {
    /// How far a source has come.
    Source(usize, SourceReport),
    /// State to be saved, of the operator with this id.
    State(&'static str, Vec<Part>),
    /// What a worker has found.
    Worker(usize, R),
}

/// How a job is laid out.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many workers keep state.
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

// ANCHOR: wire
/// Wires the job of this day: totals by merchant, shown to `view`, and the answer in the slot.
pub fn wire<S: Source + Send + 'static>(
    sources: Vec<S>,
    options: &Options,
    view: impl View + 'static,
    restore: Option<&Snapshot>,
) -> Result<(Job, AnswerSlot), Error> {
    let slot = AnswerSlot::default();
    let worker = |number| MerchantTotals::new(number, options);
    let gather = Merchants::new(view, slot.clone());
    let job = pipeline(
        sources,
        options,
        Plain::<Cents>::default,
        (TOTALS, worker),
        gather,
        restore,
    )?;
    Ok((job, slot))
}
// ANCHOR_END: wire

// ANCHOR: pipeline
/// Wires a job: one task for each source, with a reader each, so many workers, and the collector. The workers' state is
/// saved under the id `operator`, which also begins the names of their tasks; each part of it belongs to a key group or to
/// every worker.
pub fn pipeline<S, D, W, G>(
    sources: Vec<S>,
    options: &Options,
    mut reader: impl FnMut() -> D,
    (operator, mut worker): (&'static str, impl FnMut(usize) -> W),
    gather: G,
    restore: Option<&Snapshot>,
) -> Result<Job, Error>
where
    S: Source + Send + 'static,
    D: Reader + 'static,
    W: Operator<D::Control, In = D::Rows, Out = Vec<Report<G::Report>>> + Stateful + 'static,
    G: Gather + 'static,
{
    if let Some(snapshot) = restore {
        check(snapshot, &sources, operator)?;
    }
    let rows = by_key(sources.len(), options.workers, options.buffers);
    let from_sources = single(sources.len(), options.buffers);
    let from_workers = single(options.workers, options.buffers);
    let mut job = Job::new();

    let outboxes = rows.outboxes.into_iter().zip(from_sources.outboxes);
    for (number, (source, (to_workers, to_collector))) in sources.into_iter().zip(outboxes).enumerate() {
        let mut task = Orders::new(number, source, reader(), options);
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
    let edges = rows.inboxes.into_iter().zip(from_workers.outboxes);
    for (number, (inbox, outbox)) in edges.enumerate() {
        let mut task = worker(number);
        if let Some(snapshot) = restore {
            let parts = share(snapshot.parts(operator), number, options.workers, |_| false);
            task.restore(parts).map_err(Error::Restore)?;
        }
        job.task(format!("{operator} {number}"), inbox, task, outbox);
    }
    let reports = from_sources.inboxes.into_iter().chain(from_workers.inboxes);
    let inbox = reports.fold(Inbox::none(), Inbox::merge);
    job.task("collect", inbox, Collect::new(gather), Outbox::none());
    Ok(job)
}
// ANCHOR_END: pipeline

/// State that nobody would take is an error: it would be lost in silence.
fn check<S: Source>(snapshot: &Snapshot, sources: &[S], operator: &str) -> Result<(), Error> {
    if let Some(unknown) = snapshot.operators().find(|id| ![SOURCE, operator].contains(id)) {
        return Err(Error::UnknownOperator {
            operator: unknown.to_string(),
        });
    }
    check_positions(snapshot, SOURCE, sources)?;
    for part in snapshot.parts(operator) {
        match part.owner {
            Owner::Every => {}
            Owner::Group(group) if group < KEY_GROUPS => {}
            _ => return Err(Error::Restore(part.bad("no worker owns it").into())),
        }
    }
    Ok(())
}

/// An error if the operator `id` of a snapshot has a position in a split that none of these sources reads.
pub fn check_positions<S: Source>(snapshot: &Snapshot, id: &str, sources: &[S]) -> Result<(), Error> {
    let read = |split: &str| {
        sources
            .iter()
            .flat_map(Source::splits)
            .any(|own| own.name == split)
    };
    for part in snapshot.parts(id) {
        match &part.owner {
            Owner::Split(split) if read(split) => {}
            Owner::Split(split) => return Err(Error::UnknownSplit { split: split.clone() }),
            _ => return Err(Error::Restore(part.bad("no source reads it").into())),
        }
    }
    Ok(())
}
