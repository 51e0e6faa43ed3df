//! The promise on which windows close.
//!
//! ```text
//! channel    12:00:03  12:00:01  [W 12:00:02]  12:00:04  12:00:02  [W 12:00:05]
//!            └─ anything ──────┘              └─ 12:00:02 or later ┘
//! ```
//!
//! A watermark stands in a channel between the rows. `At(t)` says: no row follows whose timestamp is *before* `t`. One at
//! `t` itself may follow. So a window that ends at `t`, and does not contain its end, is complete exactly when the
//! watermark is at `t` or later, and nowhere in this book is there a millisecond to add or to take away. Flink promises
//! that nothing at `t` follows either, which is why its windows have a last millisecond, `end - 1`.
//!
//! `Idle` says that the channel makes no promise: it has no rows, and the valve must not wait for it.

use day03_windows::job::TellsTime;
use day03_windows::time::EventTime;

// ANCHOR: watermark
/// What a channel promises about the rows that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watermark {
    /// No row follows whose timestamp is before this.
    At(EventTime),
    /// No row follows for now. The next row or watermark ends it.
    Idle,
}
// ANCHOR_END: watermark

impl TellsTime for Watermark {
    fn time(&self) -> Option<EventTime> {
        match self {
            Watermark::At(time) => Some(*time),
            Watermark::Idle => None,
        }
    }
}
