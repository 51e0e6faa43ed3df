//! Which windows a row belongs to, and from which slices they are put together.
//!
//! Three of the four kinds of windows are laid on the calendar, and all of them are made of *slices*:
//! stretches of event time that belong to each window as a whole or not at all. A row is counted in its one
//! slice, however many windows that slice is part of.
//!
//! ```text
//! slices      |  1  |  2  |  3  |  4  |  5  |
//! tumble      [  a  )[  b  )[  c  )                  a window is a slice
//! hop 3/1     [     a     )                          each three slices long,
//!                   [     b     )                    a new one every slice
//!                         [     c     )
//! cumulate    [  a  )                                each one slice longer than the one before,
//! 3/1         [     b     )                          up to three;
//!             [        c        )
//!                               [  d  )              then anew
//! ```
//!
//! At every end of a slice ends one window, and that is all that has to be known: a slice is named by its
//! end, a window too. Three questions remain, and this file answers them without looking at any row: which
//! slice does a time belong to? where does the window begin that ends here? which is the last window that a
//! slice is part of?

use crate::spec::WindowSpec;
use crate::time::{EventTime, Span};
use crate::window::Window;

/// Lays slices and windows on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceAssigner {
    /// How long a slice is. Windows end this far apart.
    slice: Span,
    /// How long the longest window is, a multiple of `slice`.
    size: Span,
    /// From where slices and windows are counted.
    offset: Span,
    /// Whether windows begin together, a `size` apart, and grow.
    cumulates: bool,
}

impl SliceAssigner {
    /// The assigner of these windows. Sessions are on no calendar: for them, their gap.
    pub fn new(spec: WindowSpec) -> Result<Self, Span> {
        let (slice, size, offset, cumulates) = match spec {
            WindowSpec::Tumble { size, offset } => (size, size, offset, false),
            // The slide divides the size, so it is their greatest common divisor.
            WindowSpec::Hop { size, slide, offset } => (slide, size, offset, false),
            WindowSpec::Cumulate { max, step, offset } => (step, max, offset, true),
            WindowSpec::Session { gap } => return Err(gap),
        };
        Ok(SliceAssigner {
            slice,
            size,
            offset,
            cumulates,
        })
    }

    /// What it lays out, with the smallest offset that gives the same windows.
    pub fn spec(&self) -> WindowSpec {
        let SliceAssigner { slice, size, .. } = *self;
        let repeats = if self.cumulates { size } else { slice };
        let offset = Span(self.offset.0.rem_euclid(repeats.0));
        match (self.cumulates, slice == size) {
            (true, _) => WindowSpec::Cumulate {
                max: size,
                step: slice,
                offset,
            },
            (false, true) => WindowSpec::Tumble { size, offset },
            (false, false) => WindowSpec::Hop {
                size,
                slide: slice,
                offset,
            },
        }
    }

    // ANCHOR: answers
    /// The end of the slice that a time belongs to.
    #[inline]
    pub fn slice_of(&self, ts: EventTime) -> EventTime {
        ts.plus(Span(self.slice.0 - self.past(ts, self.slice)))
    }

    /// The window that ends here.
    pub fn window(&self, end: EventTime) -> Window {
        let last = end.minus(Span(1));
        let start = match self.cumulates {
            true => self.floor(last, self.size),
            false => self.floor(last, self.slice).minus(self.earlier()),
        };
        Window::new(start, end)
    }

    /// The end of the last window that a slice is part of.
    #[inline]
    pub fn last_window(&self, slice: EventTime) -> EventTime {
        let last = slice.minus(Span(1));
        match self.cumulates {
            true => last.plus(Span(self.size.0 - self.past(last, self.size))),
            false => slice.plus(self.earlier()),
        }
    }
    // ANCHOR_END: answers

    /// The slice that ends here.
    pub fn slice(&self, end: EventTime) -> Window {
        Window::new(self.floor(end.minus(Span(1)), self.slice), end)
    }

    /// How many windows a slice is part of that end up to `end`, which is included.
    pub fn windows_up_to(&self, slice: EventTime, end: EventTime) -> u64 {
        let end = end.min(self.last_window(slice));
        match slice <= end {
            true => end.0.abs_diff(slice.0) / self.slice.0.unsigned_abs() + 1,
            false => 0,
        }
    }

    /// How much earlier a whole window begins than the last slice of it.
    #[inline]
    fn earlier(&self) -> Span {
        Span(self.size.0 - self.slice.0)
    }

    fn floor(&self, ts: EventTime, length: Span) -> EventTime {
        ts.minus(Span(self.past(ts, length)))
    }

    // ANCHOR: past
    /// How far `ts` lies past the last multiple of `length`. A plain remainder would be negative before the
    /// offset, and the row in the wrong window.
    #[inline]
    fn past(&self, ts: EventTime, length: Span) -> i64 {
        let offset = self.offset.0.rem_euclid(length.0);
        match ts.0.checked_sub(offset) {
            Some(from_offset) => from_offset.rem_euclid(length.0),
            None => (i128::from(ts.0) - i128::from(offset)).rem_euclid(i128::from(length.0)) as i64,
        }
    }
    // ANCHOR_END: past
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigner(spec: &str) -> SliceAssigner {
        SliceAssigner::new(spec.parse().unwrap()).unwrap()
    }

    #[test]
    fn what_is_laid_out_can_be_told() {
        #[rustfmt::skip]
        let table = [
            ("tumble:10s",         "tumble:10s"),
            ("tumble:10s+25s",     "tumble:10s+5s"),
            ("tumble:10s-2s",      "tumble:10s+8s"),
            ("hop:1m/10s+11s",     "hop:1m/10s+1s"),
            ("hop:10s/10s",        "tumble:10s"),
            ("cumulate:1m/10s+15s", "cumulate:1m/10s+15s"),
            ("cumulate:1m/1m",     "cumulate:1m/1m"),
        ];
        for (written, told) in table {
            assert_eq!(assigner(written).spec().to_string(), told, "{written}");
        }
    }

    /// All windows that a time belongs to, from the slice on.
    fn windows(spec: &str, ts: i64) -> Vec<(i64, i64)> {
        let assigner = assigner(spec);
        let mut end = assigner.slice_of(EventTime(ts));
        let mut all = Vec::new();
        while end <= assigner.last_window(assigner.slice_of(EventTime(ts))) {
            let window = assigner.window(end);
            all.push((window.start.0, window.end.0));
            end = assigner.slice_of(end);
        }
        all
    }

    #[test]
    fn a_window_has_its_start_and_not_its_end() {
        #[rustfmt::skip]
        let table = [
            (0,   (0, 10)),
            (9,   (0, 10)),
            (10,  (10, 20)),
            (-1,  (-10, 0)),
            (-10, (-10, 0)),
            (-11, (-20, -10)),
        ];
        for (ts, window) in table {
            assert_eq!(windows("tumble:10ms", ts), [window], "{ts}");
        }
    }

    #[test]
    fn an_offset_moves_windows_and_any_offset_will_do() {
        let at = |text: &str| text.parse::<EventTime>().unwrap();
        let (early, late) = (
            (at("2021-06-29T23:54:00Z"), at("2021-06-30T00:04:00Z")),
            (at("2021-06-29T23:56:00Z"), at("2021-06-30T00:06:00Z")),
        );
        let ts = at("2021-06-30T00:00:04Z");
        #[rustfmt::skip]
        let table = [
            ("-16m", early), ("-6m", early), ("+4m", early),
            ("-4m", late),   ("+6m", late),  ("+16m", late),
            ("+0m", (at("2021-06-30T00:00:00Z"), at("2021-06-30T00:10:00Z"))),
        ];
        for (offset, (start, end)) in table {
            assert_eq!(
                windows(&format!("tumble:10m{offset}"), ts.0),
                [(start.0, end.0)],
                "{offset}"
            );
        }
    }

    #[test]
    fn a_hop_puts_a_row_in_every_window_that_covers_it() {
        assert_eq!(windows("hop:10ms/5ms", 7), [(0, 10), (5, 15)]);
        assert_eq!(windows("hop:10ms/5ms", 5), [(0, 10), (5, 15)]);
        assert_eq!(windows("hop:10ms/5ms", 4), [(-5, 5), (0, 10)]);
        assert_eq!(windows("hop:10ms/10ms", 4), windows("tumble:10ms", 4));
    }

    #[test]
    fn a_cumulating_window_begins_where_the_longest_does() {
        assert_eq!(windows("cumulate:10ms/2ms", 5), [(0, 6), (0, 8), (0, 10)]);
        assert_eq!(windows("cumulate:10ms/2ms", 9), [(0, 10)]);
        assert_eq!(windows("cumulate:10ms/2ms", 10).first(), Some(&(10, 12)));
        assert_eq!(windows("cumulate:10ms/2ms", -1), [(-10, 0)]);
    }

    proptest::proptest! {
        /// The three answers, against the definition: a window is one that starts and ends where it may, and
        /// covers the time.
        #[test]
        fn slices_give_the_windows_of_the_definition(
            ts in -100_000_i64..100_000, slice in 1_i64..500, times in 1_i64..12, offset in -2_000_i64..2_000
        ) {
            let size = slice * times;
            let by_definition = |starts_apart: i64, sizes: &[i64]| {
                let mut all = Vec::new();
                for start in ts - size..=ts {
                    if (start - offset) % starts_apart == 0 {
                        all.extend(sizes.iter().filter(|size| ts < start + **size).map(|size| (start, start + size)));
                    }
                }
                all.sort_by_key(|window| window.1);
                all
            };
            let growing: Vec<i64> = (1..=times).map(|steps| steps * slice).collect();
            let sign = if offset < 0 { "" } else { "+" };
            let written = format!("{size}ms/{slice}ms{sign}{offset}ms");
            proptest::prop_assert_eq!(windows(&format!("hop:{written}"), ts), by_definition(slice, &[size]));
            proptest::prop_assert_eq!(windows(&format!("cumulate:{written}"), ts), by_definition(size, &growing));
        }

        /// Whatever time a record carries, there is a slice for it, and nothing panics.
        #[test]
        fn no_time_is_too_far_away(
            near in 0_i64..20, from in proptest::sample::select(vec![i64::MIN, -20, 0, i64::MAX - 20]),
            spec in proptest::sample::select(vec!["tumble:7ms", "tumble:10s+3s", "hop:49ms/7ms", "hop:1m/10s", "cumulate:1h/10m-5m"])
        ) {
            let (assigner, ts) = (assigner(spec), EventTime(from + near));
            let end = assigner.slice_of(ts);
            proptest::prop_assert!(ts < end || end == EventTime::MAX);
            proptest::prop_assert!(assigner.slice(end).start <= ts && assigner.window(end).start <= assigner.slice(end).start);
            proptest::prop_assert!(assigner.last_window(end) >= end);
            proptest::prop_assert!(assigner.windows_up_to(end, EventTime::MAX) >= 1);
        }
    }
}
