//! Event time: when something happened, as its record says.
//!
//! A time is a whole number of milliseconds since 1970 in UTC, negative before. It has a type of its own,
//! because it is so easily mixed up with the other time of a job, the clock on the wall, and with durations.
//! No operation on it overflows: past the ends of the range there is the end of the range. A record can carry
//! any time, and no record may stop a job by arithmetic.
//!
//! Left out: time zones, in which a day has 23 to 25 hours. Windows here are laid in UTC, and an offset moves
//! them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::fmt::temporal::{DateTimePrinter, Pieces};
use jiff::{SignedDuration, SpanRelativeTo, SpanRound, Unit};

// ANCHOR: time
/// A point in event time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(pub i64);

/// A value with the time at which it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped<V> {
    /// When.
    pub ts: EventTime,
    /// What.
    pub value: V,
}
// ANCHOR_END: time

impl EventTime {
    /// Before all time: what is known of time when nothing is known yet.
    pub const MIN: EventTime = EventTime(i64::MIN);
    /// After all time: at the end of the input, every window is complete.
    pub const MAX: EventTime = EventTime(i64::MAX);

    /// The first time of the calendar: 0001-01-01T00:00:00.000Z.
    pub const FIRST: EventTime = EventTime(-62_135_596_800_000);
    /// The last time of the calendar: 9999-12-31T23:59:59.999Z, with which databases say "for ever".
    pub const LAST: EventTime = EventTime(253_402_300_799_999);

    /// Whether it lies within the years 1 to 9999, as every time of a record must.
    #[inline]
    pub fn is_on_calendar(self) -> bool {
        (EventTime::FIRST..=EventTime::LAST).contains(&self)
    }

    /// This time, or outside of the calendar its first or its last one.
    pub fn on_calendar(self) -> Self {
        self.clamp(EventTime::FIRST, EventTime::LAST)
    }

    /// What a calendar and a clock show at this time in UTC, or at the nearest one on the calendar.
    pub fn date_time(self) -> DateTime {
        UNIX_EPOCH.saturating_add(SignedDuration::from_millis(self.on_calendar().0))
    }

    /// When a calendar and a clock show this in UTC. What is finer than a millisecond is cut off, towards the
    /// past before 1970 too. None outside of the calendar.
    pub fn of_date_time(shown: DateTime) -> Option<Self> {
        let nanoseconds = shown.duration_since(UNIX_EPOCH).as_nanos();
        let time = EventTime(i64::try_from(nanoseconds.div_euclid(1_000_000)).ok()?);
        time.is_on_calendar().then_some(time)
    }

    /// So much later, or at the end of the range.
    #[inline]
    pub fn plus(self, span: Span) -> Self {
        EventTime(self.0.saturating_add(span.0))
    }

    /// So much earlier, or at the beginning of the range.
    #[inline]
    pub fn minus(self, span: Span) -> Self {
        EventTime(self.0.saturating_sub(span.0))
    }
}

const UNIX_EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// ISO 8601 in UTC with milliseconds. A time outside of the calendar, which no record has but the end of a window can have, is
/// shown as the first or the last time of the calendar: every reader of the text can read that.
impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        f.pad(&format!("{}Z", PRINTER.datetime_to_string(&self.date_time())))
    }
}

/// Reads what [`Display`](fmt::Display) prints of a time on the calendar, and every other form of ISO 8601 that
/// says its offset from UTC.
impl FromStr for EventTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pieces = Pieces::parse(text).map_err(|error| error.to_string())?;
        let (Some(time), Some(offset)) = (pieces.time(), pieces.to_numeric_offset()) else {
            return Err(format!("{text:?} does not say its time and its offset from UTC"));
        };
        let shown = pieces.date().to_datetime(time);
        let east = SignedDuration::from_secs(i64::from(offset.seconds()));
        let utc = shown.checked_sub(east).map_err(|error| error.to_string())?;
        EventTime::of_date_time(utc).ok_or_else(|| format!("{text:?} is not within the years 1 to 9999"))
    }
}

/// A length of event time, in milliseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub i64);

impl Span {
    /// So many milliseconds.
    pub const fn millis(millis: i64) -> Self {
        Span(millis)
    }

    /// So many seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Span(seconds * 1_000)
    }

    /// So many minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Span::seconds(minutes * 60)
    }

    /// Both, or the end of the range.
    pub fn plus(self, other: Span) -> Self {
        Span(self.0.saturating_add(other.0))
    }
}

/// Reads `10s`, `1h 30m`, `250ms` or `PT10S`. A day is 24 hours.
impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span: jiff::Span = text
            .parse()
            .map_err(|_| format!("{text:?} is not a length of time; write it like 10s, 15m, 1h or 250ms"))?;
        if span.get_months() != 0 || span.get_years() != 0 {
            return Err(format!("{text:?}: months and years have no fixed length"));
        }
        let too_long = |_| format!("{text:?} is too long");
        let length = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(too_long)?;
        match length.subsec_nanos() % 1_000_000 {
            0 => i64::try_from(length.as_millis())
                .map(Span)
                .map_err(|_| format!("{text:?} is too long")),
            _ => Err(format!("{text:?}: event time has whole milliseconds")),
        }
    }
}

/// `1h 15m`, the way it is also read.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = jiff::Span::new().try_milliseconds(self.0.saturating_abs());
        let span = span.and_then(|span| span.round(SpanRound::new().largest(Unit::Hour)));
        match span {
            Ok(span) if self.0 < 0 => f.pad(&format!("-{span:#}")),
            Ok(span) => f.pad(&format!("{span:#}")),
            Err(_) => f.pad(&format!("{}ms", self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_with_milliseconds_in_utc() {
        #[rustfmt::skip]
        let table = [
            (1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
            (0,                 "1970-01-01T00:00:00.000Z"),
            (-1,                "1969-12-31T23:59:59.999Z"),
            (1_500,             "1970-01-01T00:00:01.500Z"),
            (EventTime::FIRST.0, "0001-01-01T00:00:00.000Z"),
            (EventTime::LAST.0, "9999-12-31T23:59:59.999Z"),
        ];
        for (millis, printed) in table {
            assert_eq!(EventTime(millis).to_string(), printed);
            assert_eq!(printed.parse::<EventTime>().unwrap(), EventTime(millis));
        }
        assert_eq!(EventTime::MAX.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(EventTime::MIN.to_string(), "0001-01-01T00:00:00.000Z");
        for text in ["2026-01-01T00:00:00", "9999-12-31T23:30:00-01:00", "soon"] {
            assert!(text.parse::<EventTime>().is_err(), "{text}");
        }
        assert_eq!(
            "2026-01-01T01:00:00+01:00".parse::<EventTime>().unwrap(),
            EventTime(1_767_225_600_000)
        );
    }

    #[test]
    fn arithmetic_ends_at_the_ends_of_the_range() {
        assert_eq!(EventTime::MAX.plus(Span(1)), EventTime::MAX);
        assert_eq!(EventTime::MIN.minus(Span(1)), EventTime::MIN);
        assert_eq!(EventTime(-5).plus(Span::seconds(1)), EventTime(995));
    }

    #[test]
    fn lengths_are_printed_as_they_are_read() {
        for text in ["10s", "1h 15m", "250ms", "1m 0s 5ms", "36h", "-4m"] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string().parse(), Ok(span), "{text} as {span}");
        }
        assert_eq!("1d".parse(), Ok(Span::minutes(24 * 60)));
        assert_eq!("PT1M30S".parse(), Ok(Span::seconds(90)));
    }
}
