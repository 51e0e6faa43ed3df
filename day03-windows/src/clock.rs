//! Stream time: what a task takes for the time when it has nothing to go by but its rows.
//!
//! ```text
//! rows          12:00:01   12:00:04   12:00:02   12:00:09
//! stream time   12:00:01   12:00:04   12:00:04   12:00:09
//! ```
//!
//! It is the largest timestamp so far, and it never goes back. This is how Kafka Streams tells the time. It
//! needs nothing but a comparison, and it is right as long as rows come in the order of their timestamps. A
//! row that comes after a later one is judged by the later one's time: its window may be closed already. Left
//! out, until day 4: knowing how far rows can be behind.

use crate::time::EventTime;

// ANCHOR: clock
/// Something that tells event time.
pub trait Clock: Send {
    /// A row with this timestamp has arrived. Says what time it is now.
    fn on_row(&mut self, ts: EventTime) -> EventTime;

    /// Time has come to this point at least: a saved clock had got there.
    fn at_least(&mut self, time: EventTime);

    /// What time it is; [`EventTime::MIN`] as long as nothing is known.
    fn now(&self) -> EventTime;
}

/// The largest timestamp so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamTime(EventTime);

impl Clock for StreamTime {
    #[inline]
    fn on_row(&mut self, ts: EventTime) -> EventTime {
        self.at_least(ts);
        self.0
    }

    #[inline]
    fn at_least(&mut self, time: EventTime) {
        self.0 = self.0.max(time);
    }

    fn now(&self) -> EventTime {
        self.0
    }
}
// ANCHOR_END: clock

impl Default for StreamTime {
    fn default() -> Self {
        StreamTime(EventTime::MIN)
    }
}
