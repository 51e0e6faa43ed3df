//! The job of day 3: orders per merchant and window, on any number of tasks.
//!
//! It is the job of day 2 with another row, which knows when it happened, and other workers, which count by
//! window. Sources, exchange and collector are the same.
//!
//! ```text
//!   sources ── orders by merchant ──► windows ── closed windows ──► collect
//! ```

mod answer;
mod worker;

use day01_consumer::source::Source;
use day02_state::error::Error;
use day02_state::job::{self as day02, Plain};
use day02_state::order::Cents;
use day02_state::runtime::Job;
use day02_state::state::file::Snapshot;

pub use answer::{Answer, AnswerSlot, ClosedWindow, Keep, Results, View, WindowStats, closed_windows};
pub use worker::{Summed, WINDOWS, WindowReport, WindowWorker, windows};

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
            keep: Keep::All,
        }
    }
}

// ANCHOR: wire
/// Wires the job: what closes is shown to `view`, and the answer is left in the slot.
pub fn wire<S: Source + Send + 'static>(
    sources: Vec<S>,
    options: &Options,
    view: impl View + 'static,
    restore: Option<&Snapshot>,
) -> Result<(Job, AnswerSlot), Error> {
    let slot = AnswerSlot::default();
    let worker = |number| {
        let windows = windows::<Cents>(options.window, options.lateness);
        let windowing = Windowing::new(StreamTime::default(), windows);
        WindowWorker::new(number, windowing, &options.tasks)
    };
    let results = Results::new(view, slot.clone(), options.keep);
    let job = day02::pipeline(
        sources,
        &options.tasks,
        Plain::<Stamped<Cents>>::default,
        (WINDOWS, worker),
        results,
        restore,
    )?;
    Ok((job, slot))
}
// ANCHOR_END: wire
