//! The job of day 4: the windows of day 3, closed by watermarks.
//!
//! ```text
//!   sources ── orders by merchant, with watermarks between ──► windows ── closed windows ──► collect
//! ```

use day01_consumer::source::Source;
use day02_state::error::Error;
use day02_state::job::{self as day02, Stages};
use day02_state::operator::{Out, Outcome};
use day02_state::order::Cents;
use day02_state::runtime::Job;
use day02_state::state::file::Snapshot;
use day03_windows::job::{AnswerSlot, OnClosed, WINDOWS, WindowWorker, windows};
use day03_windows::time::EventTime;
use day03_windows::windowing::Windowing;

use crate::alignment::Alignment;
use crate::clock::WatermarkClock;
use crate::operator::{OnWatermark, WatermarkOperator, without_splits};
use crate::reader::TimestampReader;
use crate::splits::Strategy;
use crate::watermark::Watermark;

/// A worker whose windows are closed by watermarks.
pub type Worker = WindowWorker<WatermarkClock>;

/// How a job is laid out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its windows and tasks.
    pub windows: day03_windows::job::Options,
    /// How watermarks are made.
    pub watermarks: Strategy,
}

impl OnWatermark for Worker {
    fn on_watermark(&mut self, at: EventTime, out: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        self.on_time(at, out)
    }
}

/// A worker with nothing in its windows, whose task has a channel of each of so many sources.
pub fn worker(sources: usize, options: &day03_windows::job::Options) -> WatermarkOperator<Worker> {
    let windows = windows::<Cents>(options.window, options.lateness);
    let windowing = Windowing::new(WatermarkClock::default(), windows);
    let worker = WatermarkOperator::new(sources, WindowWorker::new(windowing, options));
    worker.saved_at_the_end(options.tasks.save.is_some())
}

// ANCHOR: wire
/// Wires the job: what closes is handed to `on_closed`, and the answer is left in the slot.
pub fn wire<S: Source + Send + 'static>(
    sources: Vec<S>,
    options: &Options,
    on_closed: impl OnClosed + 'static,
    restore: Option<&Snapshot>,
) -> Result<(Job, AnswerSlot), Error> {
    let Options { windows, watermarks } = options;
    let slot = AnswerSlot::new(windows);
    let (readers, idle) = (sources.len(), without_splits(&sources));
    let mut alignments = Alignment::of_sources(watermarks.max_drift, readers);
    let stages = Stages {
        reader: || {
            TimestampReader::<Cents>::new(*watermarks, alignments.next()).with_max_key(windows.tasks.max_key)
        },
        operator: WINDOWS,
        worker: |_| worker(readers, windows).with_idle(&idle),
        collector: slot.collector(on_closed, windows.tasks.workers),
    };
    let job = day02::pipeline(sources, &windows.tasks, stages, restore)?;
    let slot = slot.with_board(job.board());
    Ok((job, slot))
}
// ANCHOR_END: wire
