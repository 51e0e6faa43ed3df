//! What workers say of their groups besides results: what was dropped, and what they keep.

use day02_state::status::{Gauge, OverTasks, Status, StatusBoard};
use day03_windows::job::WindowStats as Windows;

use crate::aggregate::Dropped;

const NULL_TIME: Gauge = Gauge {
    name: "rows_without_time",
    over_tasks: OverTasks::Sum,
};

/// How things stand with one worker, or with several.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct WindowStats {
    /// What is in no result.
    pub dropped: Dropped,
    /// How many groups are kept.
    pub open: usize,
    /// How many bytes they hold.
    pub memory: usize,
}

impl WindowStats {
    /// Adds what was dropped.
    pub fn add(&mut self, dropped: Dropped) {
        self.dropped.late += dropped.late;
        self.dropped.late_assignments += dropped.late_assignments;
        self.dropped.null_time += dropped.null_time;
        self.dropped.behind = self.dropped.behind.max(dropped.behind);
    }

    /// Puts them into the status of a worker.
    pub fn write(&self, status: &mut Status) {
        let Dropped {
            late,
            late_assignments,
            behind,
            null_time,
        } = self.dropped;
        let windows = Windows {
            late,
            late_assignments,
            behind,
            open: self.open,
            memory: self.memory,
        };
        windows.write(status);
        status.gauges.insert(NULL_TIME, null_time as i64);
    }

    /// Those of all tasks whose names begin so.
    pub fn of(board: &StatusBoard, tasks: &str) -> Self {
        let is_one = |task: &str| task.starts_with(tasks);
        let windows = Windows::of_tasks(board, is_one);
        WindowStats {
            dropped: Dropped {
                late: windows.late,
                late_assignments: windows.late_assignments,
                behind: windows.behind,
                null_time: board.gauge(NULL_TIME, is_one).unsigned_abs(),
            },
            open: windows.open,
            memory: windows.memory,
        }
    }
}
