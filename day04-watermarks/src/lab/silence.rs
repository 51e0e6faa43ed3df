//! Two partitions, one of which falls silent: what the status line says, second by second, and when windows go on.
//!
//! A source looks around whenever it has read what there was, many times a second. Here the test turns the clock.

use std::time::Duration;

use day01_consumer::source::Split;
use day03_windows::lab::trace::NOON;
use day03_windows::time::{EventTime, Span};

use super::marked::split;
use crate::splits::{SplitWatermarks, Strategy};
use crate::watermark::Watermark;

/// How often a source looks that has nothing else to do.
const LOOK: Duration = Duration::from_millis(10);

/// Partition 0 has an order every second; partition 1 had one, at noon, or has nothing but broken records.
pub struct Silence {
    marks: SplitWatermarks,
    splits: Vec<Split>,
    now: Duration,
    is_broken: bool,
}

impl Silence {
    /// Both have had their first order.
    pub fn new(idle_timeout: Option<Duration>) -> Self {
        Self::begin(idle_timeout, false)
    }

    /// Partition 1 has had no order: its records are broken, ten a second.
    pub fn broken(idle_timeout: Duration) -> Self {
        Self::begin(Some(idle_timeout), true)
    }

    fn begin(idle_timeout: Option<Duration>, is_broken: bool) -> Self {
        let mut marks = SplitWatermarks::new(Strategy {
            delay: Span(0),
            grid: Span::millis(100),
            idle_timeout,
            ..Strategy::default()
        });
        let splits = vec![split(0), split(1)];
        let _ = marks.on_start(&splits);
        let _ = marks.on_row(0, NOON);
        if !is_broken {
            let _ = marks.on_row(1, NOON);
        }
        let _ = marks.on_look(Duration::ZERO, &splits);
        Silence {
            marks,
            splits,
            now: Duration::ZERO,
            is_broken,
        }
    }

    /// So many seconds in which the source reads and looks as it should.
    pub fn goes_on(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while self.now < until {
            self.now += LOOK;
            if self.now.subsec_nanos() == 0 {
                let _ = self.marks.on_row(0, self.event_time());
            }
            if self.is_broken && self.now.subsec_millis().is_multiple_of(100) {
                self.marks.on_bad_record(1);
            }
            let _ = self.marks.on_look(self.now, &self.splits);
        }
    }

    /// So many seconds in which it is stuck, because those behind it are slow; then it looks once.
    pub fn is_stuck(&mut self, seconds: u64) -> Vec<Watermark> {
        self.now += Duration::from_secs(seconds);
        self.marks.on_look(self.now, &self.splits)
    }

    /// Partition 1 has an order again, of so many seconds after noon.
    pub fn comes_back(&mut self, seconds: i64) -> Option<Watermark> {
        self.marks.on_row(1, NOON.plus(Span::seconds(seconds)))
    }

    fn event_time(&self) -> EventTime {
        NOON.plus(Span::seconds(self.now.as_secs() as i64))
    }

    /// The time since noon, and what the status line says.
    pub fn line(&self) -> String {
        format!("{:>2} s  {}", self.now.as_secs(), self.marks.status(&self.splits))
    }
}
