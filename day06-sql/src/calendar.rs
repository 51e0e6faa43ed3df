//! Times as SQL and JSON write them.
//!
//! A TIMESTAMP is what a calendar and a clock on some wall show; a TIMESTAMPTZ is a point in time.
//! Both are kept as milliseconds since 1970, and all sessions here are in UTC, so one becomes the
//! other without any arithmetic. What tells them apart is the text: only a point in time says its
//! offset from UTC.
//!
//! ```text
//!               printed as a change       cast to a text               read
//! TIMESTAMP     2020-04-15T08:05          2020-04-15 08:05:00          without an offset
//! TIMESTAMPTZ   2020-04-15T08:05:00Z      2020-04-15 08:05:00+00:00    with one, or in UTC without
//! ```
//!
//! Left out: other time zones of a session, and anything finer than a millisecond, which is cut off
//! when it is read.

use day03_windows::time::EventTime;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// ISO 8601 with a `T`, as short as it can be: of a time without a zone (an empty one), the seconds
/// only if they are not zero; the milliseconds, always three digits, likewise. What no calendar
/// reaches is a number of milliseconds.
pub fn shortest(time: EventTime, zone: &str) -> String {
    let Some(at) = date_time(time) else {
        return time.to_string();
    };
    let seconds = match (at.second(), at.millisecond()) {
        (0, 0) if zone.is_empty() => String::new(),
        (seconds, 0) => format!(":{seconds:02}"),
        (seconds, millis) => format!(":{seconds:02}.{millis:03}"),
    };
    format!("{}T{:02}:{:02}{seconds}{zone}", date(at), at.hour(), at.minute())
}

/// `2020-04-15 08:05:00` and the zone behind it, with three more digits if there are milliseconds.
pub fn text(time: EventTime, zone: &str) -> String {
    let Some(at) = date_time(time) else {
        return time.to_string();
    };
    let millis = match at.millisecond() {
        0 => String::new(),
        millis => format!(".{millis:03}"),
    };
    format!(
        "{} {:02}:{:02}:{:02}{millis}{zone}",
        date(at),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Reads a time without a zone: `2020-04-15 08:05:00.123`, with a space or a `T`; seconds and what
/// is smaller may be missing, the whole time of day too. None if it is no time, or says its offset
/// from UTC.
pub fn read_timestamp(text: &str) -> Option<EventTime> {
    let text = text.trim();
    match has_offset(text) {
        true => None,
        false => millis(Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?),
    }
}

/// Reads a point in time: as [`read_timestamp`], with an offset like `Z`, `+02:00` or `+02`;
/// without one, in UTC. None if it is no time.
pub fn read_timestamptz(text: &str) -> Option<EventTime> {
    let text = text.trim();
    match has_offset(text) {
        true => millis(text.parse::<Timestamp>().ok()?),
        false => read_timestamp(text),
    }
}

/// Whether something like an offset follows the time of day: in front of it, a sign and a `Z` mean
/// something else.
fn has_offset(text: &str) -> bool {
    let time = text.find(':').map_or("", |colon| &text[colon..]);
    time.contains(['Z', 'z', '+', '-', '['])
}

/// Cuts off what is smaller than a millisecond, towards the past before 1970 too.
fn millis(time: Timestamp) -> Option<EventTime> {
    i64::try_from(time.as_nanosecond().div_euclid(1_000_000))
        .ok()
        .map(EventTime)
}

fn date_time(time: EventTime) -> Option<DateTime> {
    let instant = Timestamp::from_millisecond(time.0).ok()?;
    Some(Offset::UTC.to_datetime(instant))
}

fn date(at: DateTime) -> String {
    // Four digits, and the sign in front of them.
    let width = if at.year() < 0 { 5 } else { 4 };
    format!("{:0width$}-{:02}-{:02}", at.year(), at.month(), at.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_PAST: i64 = 1_586_937_900_000;

    #[test]
    fn times_are_printed_as_short_as_java_does() {
        #[rustfmt::skip]
        let table = [
            (MINUTE_PAST,            "2020-04-15T08:05",        "2020-04-15T08:05:00Z"),
            (MINUTE_PAST + 7_000,    "2020-04-15T08:05:07",     "2020-04-15T08:05:07Z"),
            (MINUTE_PAST + 120,      "2020-04-15T08:05:00.120", "2020-04-15T08:05:00.120Z"),
            (0,                      "1970-01-01T00:00",        "1970-01-01T00:00:00Z"),
            (-1,                     "1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999Z"),
            (-62_167_219_200_000,    "0000-01-01T00:00",        "0000-01-01T00:00:00Z"),
            (-62_167_219_200_001,    "-0001-12-31T23:59:59.999", "-0001-12-31T23:59:59.999Z"),
            (i64::MAX,               "9223372036854775807 ms",  "9223372036854775807 ms"),
        ];
        for (millis, local, point) in table {
            assert_eq!(shortest(EventTime(millis), ""), local);
            assert_eq!(shortest(EventTime(millis), "Z"), point);
        }
    }

    #[test]
    fn times_are_texts_with_all_seconds_that_read_back() {
        for millis in [MINUTE_PAST, MINUTE_PAST + 123, 0, -1, -86_400_000] {
            let time = EventTime(millis);
            assert_eq!(read_timestamp(&text(time, "")), Some(time));
            assert_eq!(read_timestamptz(&text(time, "+00:00")), Some(time));
        }
        assert_eq!(text(EventTime(MINUTE_PAST), ""), "2020-04-15 08:05:00");
        assert_eq!(
            text(EventTime(MINUTE_PAST + 50), "+00:00"),
            "2020-04-15 08:05:00.050+00:00"
        );
    }

    #[test]
    fn an_offset_belongs_to_points_in_time_only() {
        #[rustfmt::skip]
        let table = [
            ("2020-04-15 08:05:00",       Some(0),         Some(0)),
            ("2020-04-15T08:05:00",       Some(0),         Some(0)),
            (" 2020-04-15 08:05 ",        Some(0),         Some(0)),
            ("2020-04-15 08:05:00.1",     Some(100),       Some(100)),
            ("2020-04-15 08:05:00.123999", Some(123),      Some(123)),
            ("2020-04-15",                Some(-29_100_000), Some(-29_100_000)),
            ("2020-04-15T08:05:00Z",      None,            Some(0)),
            ("2020-04-15 10:05:00+02:00", None,            Some(0)),
            ("2020-04-15 06:05:00-02",    None,            Some(0)),
            ("2020-04-15 08:05:00.5z",    None,            Some(500)),
            ("2020-04-31 08:05:00",       None,            None),
            ("2020-04-15 25:05:00",       None,            None),
            ("08:05:00",                  None,            None),
            ("yesterday",                 None,            None),
            ("",                          None,            None),
        ];
        for (text, local, point) in table {
            let past = |millis| EventTime(MINUTE_PAST + millis);
            assert_eq!(read_timestamp(text), local.map(past), "{text:?} as TIMESTAMP");
            assert_eq!(read_timestamptz(text), point.map(past), "{text:?} as TIMESTAMPTZ");
        }
        assert_eq!(read_timestamp("1969-12-31 23:59:59.9995"), Some(EventTime(-1)));
    }
}
