//! The job of day 2: per merchant how many orders, for how much in all, and the largest, on any number of tasks.
//!
//! ```text
//!   source 0 ──┬── orders by merchant ──┬── totals 0 ──┐
//!              ╳                        ╳              ├── merchants ── collect
//!   source 1 ──┴────────────────────────┴── totals 1 ──┘
//! ```
//!
//! A source reads its share of the splits and decodes; the exchange hands each order to the worker that owns its
//! merchant; a worker keeps the totals of its merchants in a table, and hands them to the collector at the end. How far the
//! job has come stands on its status board, and what is to be saved each task leaves in one place when it ends.
//!
//! The answer does not depend on how many tasks there are, nor on which of them is fast: sums of exact cents can be added up
//! in any order.
//!
//! Only the workers know what is counted, and only the collector what is made of it. A later day brings a row, a worker and a
//! collector of its own, and has the rest from [`pipeline`].

mod answer;
mod reader;
mod refresh;
mod source;
mod totals;

use std::time::Duration;

use day01_consumer::job::OnBadRecord;
use day01_consumer::order::MAX_KEY;
use day01_consumer::source::Source;

pub use answer::{Answer, AnswerSlot, Merchants, SavedState, Slot};
pub use reader::{Decode, Plain, Reader, Refused};
pub use refresh::Refresh;
pub(crate) use source::POSITION;
pub use source::{SOURCE, SourceTask};
pub use totals::{MerchantTotals, TOTALS, Totals};

use crate::error::Error;
use crate::keys::KEY_GROUPS;
use crate::operator::{Batch, Keyed, Operator};
use crate::order::Cents;
use crate::outbox::Outbox;
use crate::runtime::{Buffers, Inbox, Job, by_key, single};
use crate::state::file::Snapshot;
use crate::state::{Owner, Stateful, share};

/// Control that does not exist: on this day there is only data.
pub type NoControl = std::convert::Infallible;

/// How a job is laid out.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many workers keep state.
    pub workers: usize,
    /// What to do with a record that cannot be used.
    pub on_bad_record: OnBadRecord,
    /// How many bytes a key may have; a record with a longer one cannot be used.
    pub max_key: usize,
    /// How often workers put out what can be seen of their results; never if no observer looks.
    pub refresh_every: Option<Duration>,
    /// Where positions and state are left at the end, if they are to be saved.
    pub save: Option<SavedState>,
    /// How much may lie between two tasks.
    pub buffers: Buffers,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            workers: 1,
            on_bad_record: OnBadRecord::Fail,
            max_key: MAX_KEY,
            refresh_every: None,
            save: None,
            buffers: Buffers::default(),
        }
    }
}

// ANCHOR: wire
/// Wires the job of this day: totals by merchant, and the answer in the slot.
pub fn wire<S: Source + Send + 'static>(
    sources: Vec<S>,
    options: &Options,
    restore: Option<&Snapshot>,
) -> Result<(Job, AnswerSlot), Error> {
    let slot = AnswerSlot::new(options.save.clone());
    let stages = Stages {
        reader: || Plain::<Cents>::default().with_max_key(options.max_key),
        operator: TOTALS,
        worker: |number| MerchantTotals::new(number, options, &slot),
        collector: slot.collector(),
    };
    let job = pipeline(sources, options, stages, restore)?;
    let slot = slot.with_board(job.board());
    Ok((job, slot))
}
// ANCHOR_END: wire

/// What a job is made of, besides its sources.
pub struct Stages<R, W, K> {
    /// Makes the reader of a source.
    pub reader: R,
    /// The id under which the workers' state is saved. The names of their tasks begin with it.
    pub operator: &'static str,
    /// Makes a worker, by its number. Each part of its state belongs to a key group or to every worker.
    pub worker: W,
    /// Takes the results.
    pub collector: K,
}

// ANCHOR: pipeline
/// Wires a job: one task for each source, with a reader each, so many workers, and the collector.
pub fn pipeline<S, R, W, K>(
    sources: Vec<S>,
    options: &Options,
    mut stages: Stages<impl FnMut() -> R, impl FnMut(usize) -> W, K>,
    restore: Option<&Snapshot>,
) -> Result<Job, Error>
where
    S: Source + Send + 'static,
    R: Reader<Rows: Keyed> + 'static,
    W: Operator<R::Control, In = R::Rows, Out: Batch> + Stateful + 'static,
    K: Operator<R::Control, In = W::Out, Out = ()> + 'static,
{
    let operator = stages.operator;
    if let Some(snapshot) = restore {
        check(snapshot, &sources, operator)?;
    }
    let rows = by_key(sources.len(), options.workers, options.buffers);
    let results = single(options.workers, options.buffers);
    let mut job = Job::new();

    for (number, (source, outbox)) in sources.into_iter().zip(rows.outboxes).enumerate() {
        let mut task = SourceTask::new(source, (stages.reader)(), options);
        if let Some(snapshot) = restore {
            let parts = share(snapshot.parts(SOURCE), 0, 1, |split| task.reads(split));
            task.restore(parts).map_err(Error::Restore)?;
        }
        job.task(format!("{SOURCE} {number}"), Inbox::none(), task, outbox);
    }
    for (number, (inbox, outbox)) in rows.inboxes.into_iter().zip(results.outboxes).enumerate() {
        let mut task = (stages.worker)(number);
        if let Some(snapshot) = restore {
            let parts = share(snapshot.parts(operator), number, options.workers, |_| false);
            task.restore(parts).map_err(Error::Restore)?;
        }
        job.task(format!("{operator} {number}"), inbox, task, outbox);
    }
    let inbox = results.inboxes.into_iter().fold(Inbox::none(), Inbox::merge);
    job.task("collect", inbox, stages.collector, Outbox::none());
    Ok(job)
}
// ANCHOR_END: pipeline

/// State that no task takes is an error: it would be lost in silence.
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
