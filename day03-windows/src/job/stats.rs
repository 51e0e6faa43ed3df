//! Counters of windows besides their results: how many rows were late, and how many windows are still open.

use day02_state::status::{Gauge, OverTasks, Status, StatusBoard};

use crate::time::Span;

const LATE: Gauge = sum("late_rows");
const LATE_ASSIGNMENTS: Gauge = sum("late_assignments");
const OPEN: Gauge = sum("open_accumulators");
const MEMORY: Gauge = sum("window_bytes");
const BEHIND: Gauge = Gauge {
    name: "largest_lateness_ms",
    over_tasks: OverTasks::Max,
};

const fn sum(name: &'static str) -> Gauge {
    Gauge {
        name,
        over_tasks: OverTasks::Sum,
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

impl WindowStats {
    /// Puts them into the status of a worker.
    pub fn write(&self, status: &mut Status) {
        status.gauges.extend([
            (LATE, self.late as i64),
            (LATE_ASSIGNMENTS, self.late_assignments as i64),
            (BEHIND, self.behind.0),
            (OPEN, self.open as i64),
            (MEMORY, self.memory as i64),
        ]);
    }

    /// Those of all workers together.
    pub fn of(board: &StatusBoard) -> Self {
        Self::of_tasks(board, |_| true)
    }

    /// Those of all tasks whose names the filter takes.
    pub fn of_tasks(board: &StatusBoard, is_one: impl Fn(&str) -> bool) -> Self {
        Self::from(|gauge| board.gauge(gauge, &is_one))
    }

    /// Those of one worker.
    pub fn in_status(status: &Status) -> Self {
        Self::from(|gauge| status.gauges.get(&gauge).copied().unwrap_or_default())
    }

    fn from(gauge: impl Fn(Gauge) -> i64) -> Self {
        WindowStats {
            late: gauge(LATE).unsigned_abs(),
            late_assignments: gauge(LATE_ASSIGNMENTS).unsigned_abs(),
            behind: Span(gauge(BEHIND)),
            open: gauge(OPEN).unsigned_abs() as usize,
            memory: gauge(MEMORY).unsigned_abs() as usize,
        }
    }
}
