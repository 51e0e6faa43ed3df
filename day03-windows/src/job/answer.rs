//! What the job comes to: closed windows, put together from all workers, and counts of what is not in them.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use day02_state::job::{Gather, Progress};
use day02_state::operator::Outcome;
use day02_state::rows::Rows;
use day02_state::state::file::Snapshot;

use super::{Summed, WindowReport};
use crate::time::Span;
use crate::window::Window;
use crate::windower::Closed;

/// A merchant's orders in a window that has closed.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedWindow {
    /// The window. Results are ordered by it, and then by merchant.
    pub window: Window,
    /// The merchant.
    pub merchant_id: String,
    /// What was kept of the orders.
    pub summed: Summed,
}

impl ClosedWindow {
    fn place(&self) -> (Window, &str) {
        (self.window, &self.merchant_id)
    }
}

/// What is known of the windows of one worker, or of all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct WindowStats {
    /// How many rows were late for all their windows. They are in no result.
    pub late: u64,
    /// How often a row was late for a window.
    pub late_assignments: u64,
    /// How far behind a late row has been at most.
    pub behind: Span,
    /// How many accumulators are kept for windows that are open: one for each merchant and session, or slice.
    pub open: usize,
    /// How many bytes they hold.
    pub memory: usize,
}

/// Windows that have closed, ordered by window and merchant; one that has closed again stands behind itself.
pub fn closed_windows(rows: &Rows<Closed<Summed>>) -> Vec<ClosedWindow> {
    let closed = rows.keys().zip(rows.values());
    let mut closed: Vec<ClosedWindow> = closed
        .map(|((merchant, _), closed)| ClosedWindow {
            window: closed.window,
            // Merchants come out of JSON, so they are text.
            merchant_id: String::from_utf8_lossy(merchant).into_owned(),
            summed: closed.acc,
        })
        .collect();
    closed.sort_by(|one, other| one.place().cmp(&other.place()));
    closed
}

/// Which closed windows are kept for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All.
    All,
    /// Those with the most orders, so many.
    Largest(usize),
    /// None: somebody else has seen them when they closed.
    None,
}

/// Whoever watches the job.
pub trait View: Send {
    /// These windows have closed, ordered by window and merchant.
    fn closed(&mut self, windows: &[ClosedWindow]) -> Outcome;
    /// Things have moved on; `latest` are the windows that closed last.
    fn progress(&mut self, progress: &Progress, stats: WindowStats, latest: &[ClosedWindow]);
    /// Something happened that a person should hear of.
    fn warn(&mut self, warning: &str);
}

/// Nobody watches.
impl View for () {
    fn closed(&mut self, _: &[ClosedWindow]) -> Outcome {
        Ok(())
    }
    fn progress(&mut self, _: &Progress, _: WindowStats, _: &[ClosedWindow]) {}
    fn warn(&mut self, _: &str) {}
}

/// What the job came to.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Answer {
    /// The windows that were kept, ordered by window and merchant.
    pub windows: Vec<ClosedWindow>,
    /// How many have closed.
    pub closed: u64,
    /// What is not in them.
    pub stats: WindowStats,
    /// How far it has come.
    pub progress: Progress,
    /// Positions and state, if they are to be saved.
    pub snapshot: Snapshot,
}

/// Where the answer is left.
pub type AnswerSlot = day02_state::job::AnswerSlot<Answer>;

/// So many windows are shown as the latest.
const LATEST: usize = 10;
/// So many more than are to be kept may lie about before the smallest are thrown away.
const SLACK: usize = 10_000;

/// Puts the windows of all workers together.
pub struct Results<V> {
    view: V,
    slot: AnswerSlot,
    keep: Keep,
    windows: Vec<ClosedWindow>,
    latest: Vec<ClosedWindow>,
    closed: u64,
    stats: BTreeMap<usize, WindowStats>,
}

impl<V: View> Results<V> {
    /// Shows what it hears to `view`, and leaves the answer in `slot`.
    pub fn new(view: V, slot: AnswerSlot, keep: Keep) -> Self {
        Results {
            view,
            slot,
            keep,
            windows: Vec::new(),
            latest: Vec::new(),
            closed: 0,
            stats: BTreeMap::new(),
        }
    }

    fn take(&mut self, rows: &Rows<Closed<Summed>>) -> Outcome {
        let mut closed = closed_windows(rows);
        self.closed += closed.len() as u64;
        self.view.closed(&closed)?;
        self.latest = largest(closed.iter().collect(), LATEST)
            .into_iter()
            .cloned()
            .collect();
        match self.keep {
            Keep::All => self.windows.append(&mut closed),
            Keep::Largest(most) => {
                self.windows.append(&mut closed);
                if self.windows.len() > most + SLACK {
                    self.windows = largest(std::mem::take(&mut self.windows), most);
                }
            }
            Keep::None => {}
        }
        Ok(())
    }

    fn stats(&self) -> WindowStats {
        let mut all = WindowStats::default();
        for one in self.stats.values() {
            all.late += one.late;
            all.late_assignments += one.late_assignments;
            all.behind = all.behind.max(one.behind);
            all.open += one.open;
            all.memory += one.memory;
        }
        all
    }
}

/// Those with the most orders; among equals, those that come first.
fn largest<W: Borrow<ClosedWindow>>(mut windows: Vec<W>, most: usize) -> Vec<W> {
    if windows.len() > most {
        windows.select_nth_unstable_by(most, |one, other| {
            let (one, other): (&ClosedWindow, &ClosedWindow) = (one.borrow(), other.borrow());
            let by_size = other.summed.0.rows.cmp(&one.summed.0.rows);
            by_size.then_with(|| one.place().cmp(&other.place()))
        });
        windows.truncate(most);
    }
    windows.sort_by(|one, other| one.borrow().place().cmp(&other.borrow().place()));
    windows
}

impl<V: View> Gather for Results<V> {
    type Report = WindowReport;

    fn report(&mut self, worker: usize, report: WindowReport) -> Outcome {
        match report {
            WindowReport::Closed(rows) => self.take(&rows),
            WindowReport::WindowStats(stats) => {
                self.stats.insert(worker, stats);
                Ok(())
            }
        }
    }

    fn progress(&mut self, progress: &Progress) {
        self.view.progress(progress, self.stats(), &self.latest);
    }

    fn warn(&mut self, warning: &str) {
        self.view.warn(warning);
    }

    fn end(&mut self, progress: Progress, snapshot: Snapshot) -> Outcome {
        let windows = std::mem::take(&mut self.windows);
        let windows = match self.keep {
            Keep::Largest(most) => largest(windows, most),
            Keep::All | Keep::None => largest(windows, usize::MAX),
        };
        let answer = Answer {
            windows,
            closed: self.closed,
            stats: self.stats(),
            progress,
            snapshot,
        };
        self.slot.put(answer);
        Ok(())
    }
}
