//! Watermarks from rows that are out of order by no more than a known time.
//!
//! ```text
//! delay 5 s, grid 1 s      rows         12:00:10.0   12:00:07.2   12:00:10.9   12:00:12.4
//!                          largest      12:00:10.0   12:00:10.0   12:00:10.9   12:00:12.4
//!                          watermark    12:00:05     =            =            12:00:07
//! ```
//!
//! 1. The watermark is the largest timestamp so far, less the delay, floored to the grid. A row that is behind the
//!    largest by no more than the delay is never late.
//! 2. It never goes back, and before the first row there is none. None is not the beginning of time: there is nothing
//!    from which a delay could be subtracted.
//! 3. It moves only at points of the grid, so it depends on the rows alone, not on how they came in batches. Without a
//!    grid each new largest row would be a message to every worker; with one of 100 ms there are ten a second of event
//!    time, at most. A watermark that is held back to the grid promises less, never more.
//!
//! Left out: delays that are learned, and watermarks that the records themselves carry.

use day03_windows::time::{EventTime, Span};

/// Event time between two watermarks, unless told otherwise.
pub const GRID: Span = Span::millis(100);

// ANCHOR: generator
/// Makes the watermarks of one split.
#[derive(Debug, Clone)]
pub struct BoundedDisorder {
    delay: Span,
    grid: Span,
    /// The largest timestamp; none before the first row.
    largest: Option<EventTime>,
    /// The timestamp from which on the watermark moves.
    next: EventTime,
}

impl BoundedDisorder {
    /// No row yet.
    pub fn new(delay: Span, grid: Span) -> Self {
        BoundedDisorder {
            delay,
            grid,
            largest: None,
            next: EventTime::MIN,
        }
    }

    /// A row; says where the watermark is if it has moved.
    #[inline]
    pub fn on_row(&mut self, ts: EventTime) -> Option<EventTime> {
        if ts < self.next {
            // Within the step of the grid: the watermark stays, but a later run has to know how far it was.
            self.largest = self.largest.max(Some(ts));
            return None;
        }
        self.advance(ts)
    }

    fn advance(&mut self, ts: EventTime) -> Option<EventTime> {
        let before = self.watermark();
        self.largest = self.largest.max(Some(ts));
        let now = self.watermark();
        // It moves when a row is one step and the delay behind it; at the end of time it moves no more.
        self.next = now.map_or(EventTime::MIN, |now| now.plus(self.grid).plus(self.delay));
        now.filter(|_| now > before)
    }

    /// The watermark; none before the first row.
    pub fn watermark(&self) -> Option<EventTime> {
        let behind = self.largest?.minus(self.delay);
        let step = behind.0.rem_euclid(self.grid.0);
        Some(behind.minus(Span(step)))
    }
}
// ANCHOR_END: generator

impl BoundedDisorder {
    /// The largest timestamp, which is all that there is to remember.
    pub fn largest(&self) -> Option<EventTime> {
        self.largest
    }

    /// Goes on where another one was.
    pub fn restore(&mut self, largest: EventTime) {
        self.advance(largest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watermarks(delay: i64, grid: i64, rows: &[i64]) -> Vec<Option<i64>> {
        let mut generator = BoundedDisorder::new(Span(delay), Span(grid));
        let mut said = Vec::new();
        for ts in rows {
            let moved = generator.on_row(EventTime(*ts));
            if let Some(moved) = moved {
                assert_eq!(Some(moved), generator.watermark());
            }
            said.push(generator.watermark().map(|watermark| watermark.0));
        }
        said
    }

    #[test]
    fn rows_out_of_order_never_lower_it() {
        assert_eq!(watermarks(2, 1, &[10, 5, 12]), [Some(8), Some(8), Some(10)]);
    }

    #[test]
    fn there_is_none_before_the_first_row() {
        let mut generator = BoundedDisorder::new(Span(5), Span(1));
        assert_eq!(generator.watermark(), None);
        assert_eq!(generator.on_row(EventTime(0)), Some(EventTime(-5)));
    }

    #[test]
    fn it_is_said_once_and_stands_on_the_grid() {
        let mut generator = BoundedDisorder::new(Span(5_000), Span(1_000));
        let said = [10_000, 7_200, 10_900, 10_999, 12_400].map(|ts| generator.on_row(EventTime(ts)));
        let at = |millis| Some(EventTime(millis));
        assert_eq!(said, [at(5_000), None, None, None, at(7_000)]);
        assert_eq!(
            watermarks(0, 100, &[-1, 99, 100]),
            [Some(-100), Some(0), Some(100)]
        );
    }

    #[test]
    fn both_ends_of_time_are_no_overflow() {
        let rows = [i64::MIN, 0, i64::MAX - 1, i64::MAX, 3];
        let said = watermarks(10, 100, &rows);
        assert_eq!(said[0], Some(i64::MIN));
        assert!(said.is_sorted(), "{said:?}");
    }

    #[test]
    fn a_restored_one_goes_on_as_if_nothing_had_been() {
        let rows = [500, 730, 690, 1_099, 1_100, 1_350];
        for at in 0..rows.len() {
            let mut whole = BoundedDisorder::new(Span(50), GRID);
            let mut first = whole.clone();
            rows[..at].iter().for_each(|ts| {
                whole.on_row(EventTime(*ts));
                first.on_row(EventTime(*ts));
            });
            let mut second = BoundedDisorder::new(Span(50), GRID);
            first
                .largest()
                .into_iter()
                .for_each(|largest| second.restore(largest));
            for ts in &rows[at..] {
                assert_eq!(
                    second.on_row(EventTime(*ts)),
                    whole.on_row(EventTime(*ts)),
                    "{ts}"
                );
            }
        }
    }
}
