//! The job of day 3: orders per merchant and window, on any number of tasks.
//!
//! It is the job of day 2 with another row, which knows when it happened, and other workers, which count by
//! window. Sources, exchange and collector are the same.
//!
//! ```text
//!   sources ── orders by merchant ──► windows ── closed windows ──► collect
//! ```

mod answer;
mod in_order;
mod output;
mod stats;
mod worker;

use day01_consumer::source::Source;
use day02_state::error::Error;
use day02_state::job::{self as day02, Plain, Stages};
use day02_state::order::Cents;
use day02_state::runtime::Job;
use day02_state::state::file::Snapshot;

pub use answer::{Answer, AnswerSlot, ClosedWindow, Keep, OnClosed, Results, closed_windows};
pub use in_order::TellsTime;
pub use output::{ClosedRows, LateOrder, WindowOutput};
pub use stats::WindowStats;
pub use worker::{Summed, WINDOWS, WindowWorker, windows};

use crate::clock::StreamTime;
use crate::spec::WindowSpec;
use crate::time::{Span, Stamped};
use crate::windowing::Windowing;

/// How a job is laid out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its tasks.
    pub tasks: day02::Options,
    /// Which windows.
    pub window: WindowSpec,
    /// How long after its end a window still takes rows.
    pub lateness: Span,
    /// Whether orders that are too late for all their windows are handed on, and not only counted.
    pub late_orders: bool,
    /// Which closed windows are kept for the answer.
    pub keep: Keep,
}

impl Options {
    /// These windows, on one worker, all kept.
    pub fn new(window: WindowSpec) -> Self {
        Options {
            tasks: day02::Options::default(),
            window,
            lateness: Span(0),
            late_orders: false,
            keep: Keep::All,
        }
    }
}

// ANCHOR: wire
/// Wires the job: what closes is handed to `on_closed`, and the answer is left in the slot.
pub fn wire<S: Source + Send + 'static>(
    sources: Vec<S>,
    options: &Options,
    on_closed: impl OnClosed + 'static,
    restore: Option<&Snapshot>,
) -> Result<(Job, AnswerSlot), Error> {
    let slot = AnswerSlot::new(options);
    let worker = |_| {
        let windows = windows::<Cents>(options.window, options.lateness);
        WindowWorker::new(Windowing::new(StreamTime::default(), windows), options)
    };
    let stages = Stages {
        reader: || Plain::<Stamped<Cents>>::default().with_max_key(options.tasks.max_key),
        operator: WINDOWS,
        worker,
        collector: slot.collector(on_closed, options.tasks.workers),
    };
    let job = day02::pipeline(sources, &options.tasks, stages, restore)?;
    let slot = slot.with_board(job.board());
    Ok((job, slot))
}
// ANCHOR_END: wire
