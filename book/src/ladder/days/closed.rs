//! A screen on which days 3 to 5 print the windows that close: what is on it stays, whoever dies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use day01_consumer::lab::scenario::{Question, Scenario};
use day02_state::operator::Outcome;
use day03_windows::job::{ClosedWindow, OnClosed, WindowStats};
use day03_windows::time::EventTime;
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::Offset;

use crate::ladder::found::Found;

/// What is on the screen. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Closed(Arc<Mutex<Vec<ClosedWindow>>>);

impl Closed {
    fn windows(&self) -> MutexGuard<'_, Vec<ClosedWindow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of it, and what the last job has said of itself.
    pub fn found(&self, scenario: &Scenario, stats: WindowStats) -> Found {
        let mut found = counted(stats);
        for closed in self.windows().iter() {
            let (sums, _) = &closed.summed;
            let start = start(scenario, closed.window.start);
            found.add(
                start,
                &closed.merchant_id,
                sums.rows,
                Some(sums.sum().unwrap_or_default()),
            );
        }
        found
    }
}

/// Nothing yet, and what a job has said of itself.
pub(super) fn counted(stats: WindowStats) -> Found {
    Found::nothing(stats.late, stats.open)
}

/// When a window begins, if windows are asked for.
fn start(scenario: &Scenario, start: EventTime) -> Option<Time> {
    let time = Timestamp::from_millisecond(start.0).ok()?;
    let time = Offset::UTC.to_datetime(time).time();
    (scenario.question == Question::Windows).then_some(time)
}

impl OnClosed for Closed {
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        self.windows().extend_from_slice(windows);
        Ok(())
    }
}
