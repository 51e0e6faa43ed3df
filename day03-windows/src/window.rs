//! A window: a stretch of event time with a beginning and an end.
//!
//! Windows are half-open. The beginning belongs to a window, its end does not; the end is the beginning of
//! the next one. So every time belongs to exactly one of a row of windows, two windows touch without a gap
//! and without sharing anything, and a window `[start, end)` is complete as soon as time has come to `end`,
//! with nothing to add or subtract.

use std::fmt;

use crate::time::EventTime;

// ANCHOR: window
/// The times from `start` up to, and without, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first time after it. It comes first here, and so in the order of windows, because they close by
    /// their ends.
    pub end: EventTime,
    /// The first time in it.
    pub start: EventTime,
}

impl Window {
    /// The window from `start` up to `end`.
    pub const fn new(start: EventTime, end: EventTime) -> Self {
        Window { end, start }
    }

    /// Whether a time belongs to it.
    pub fn contains(&self, ts: EventTime) -> bool {
        self.start <= ts && ts < self.end
    }

    /// Whether some time belongs to both. Windows that only touch have none in common.
    pub fn overlaps(&self, other: &Window) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The smallest window that covers both.
    pub fn cover(&self, other: &Window) -> Self {
        Window::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The last time in it, which is the time of its result: a row of one of the windows above this one, if
    /// windows are computed from windows. The end would be wrong, it belongs to the next.
    pub fn time(&self) -> EventTime {
        EventTime(self.end.0.saturating_sub(1))
    }
}
// ANCHOR_END: window

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}
