//! Event time as windows are told it: it stands where the last watermark was, whatever the rows say.
//!
//! This is all that is exchanged in the window operator of day 3. Its stream time moved with each row; this clock does
//! not, and so a row is judged by what was promised, not by the row before it.

use day03_windows::clock::Clock;
use day03_windows::time::EventTime;

/// A clock that only a watermark moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatermarkClock(EventTime);

impl Default for WatermarkClock {
    fn default() -> Self {
        WatermarkClock(EventTime::MIN)
    }
}

impl Clock for WatermarkClock {
    #[inline]
    fn on_row(&mut self, _: EventTime) -> EventTime {
        self.0
    }

    fn at_least(&mut self, time: EventTime) {
        self.0 = self.0.max(time);
    }

    fn now(&self) -> EventTime {
        self.0
    }
}
