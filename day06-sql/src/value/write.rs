//! Which text a value has.
//!
//! | type | text |
//! |---|---|
//! | BOOLEAN | `true`, `false` |
//! | INT, BIGINT, NUMERIC | all its digits |
//! | DOUBLE | the fewest digits that read back as the same, with a point or an exponent: `12.5`, `1.0`, `1.0E7`; `NaN`, `Infinity`, `-Infinity` |
//! | VARCHAR | itself |
//! | TIMESTAMP, TIMESTAMPTZ | by [`TimeForm`] |
//!
//! The difference between a time without a zone and a point in time is a `Z`. NULL has no text of its own: each format says
//! how it is marked. PostgreSQL writes `1e+07` and `+00` where this writes `1.0E7` and `Z`, which Flink does.

use std::fmt;
use std::io::{self, Write};

use day03_windows::time::EventTime;
use jiff::fmt::temporal::DateTimePrinter;

use super::Value;

/// How times are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// `2020-04-15 08:05:00` and `2020-04-15 08:05:00.5Z`: as SQL writes it, and as Flink's formats do by default.
    #[default]
    Sql,
    /// `2020-04-15T08:05:00` and `2020-04-15T08:05:00.5Z`: the same with a `T`.
    Iso8601,
    /// `2020-04-15T08:05:00.000Z` for both: what all days show on a screen.
    Utc,
    /// `2020-04-15T08:05` and `2020-04-15T08:05:00Z`: what Java, and so Flink's `print`, writes.
    Java,
}

impl Value<'_> {
    /// Appends the text of the value; of NULL, nothing.
    #[inline]
    pub fn write(&self, times: TimeForm, bytes: &mut Vec<u8>) {
        // Writing to memory does not fail.
        let _ = match self {
            Value::Null => Ok(()),
            Value::Boolean(value) => write!(bytes, "{value}"),
            Value::Int(value) => write!(bytes, "{value}"),
            Value::BigInt(value) => write!(bytes, "{value}"),
            Value::Double(value) => write_double(*value, bytes),
            Value::Numeric(value) => write!(bytes, "{value}"),
            Value::Varchar(text) => bytes.write_all(text.as_bytes()),
            Value::Timestamp(time) => write_time(*time, times, "", bytes),
            Value::TimestampTz(time) => write_time(*time, times, "Z", bytes),
            Value::Interval(span) => write!(bytes, "{span}"),
        };
    }
}

/// As Java writes it: without an exponent from a thousandth to ten million.
fn write_double(value: f64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let size = value.abs();
    if value.is_infinite() {
        return bytes.write_all(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    }
    if value.is_nan() || value == 0.0 || (1e-3..1e7).contains(&size) {
        return write!(bytes, "{value:?}");
    }
    let digits = format!("{value:E}");
    match digits.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => write!(bytes, "{mantissa}.0E{exponent}"),
        _ => bytes.write_all(digits.as_bytes()),
    }
}

/// Appends a time.
fn write_time(time: EventTime, form: TimeForm, zone: &str, bytes: &mut Vec<u8>) -> io::Result<()> {
    const ISO: DateTimePrinter = DateTimePrinter::new();
    let shown = time.date_time();
    let (printer, zone) = match form {
        TimeForm::Sql => (ISO.separator(b' '), zone),
        TimeForm::Iso8601 => (ISO, zone),
        TimeForm::Utc => (ISO.precision(Some(3)), "Z"),
        // Java has three digits of milliseconds or none, and leaves out seconds that are zero.
        TimeForm::Java if shown.millisecond() != 0 => (ISO.precision(Some(3)), zone),
        TimeForm::Java => (ISO, zone),
    };
    printer
        .print_datetime(&shown, &mut *bytes)
        .map_err(io::Error::other)?;
    if form == TimeForm::Java && zone.is_empty() && shown.second() == 0 && shown.millisecond() == 0 {
        bytes.truncate(bytes.len() - ":00".len());
    }
    bytes.write_all(zone.as_bytes())
}

/// As `print` shows it, and as messages do: NULL as `null`.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::new();
        match self {
            Value::Null => return f.pad("null"),
            value => value.write(TimeForm::Java, &mut bytes),
        }
        f.pad(&String::from_utf8_lossy(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use day03_windows::time::Span;

    fn text(value: &Value<'_>, times: TimeForm) -> String {
        let mut bytes = Vec::new();
        value.write(times, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_value_has_one_text() {
        #[rustfmt::skip]
        let table = [
            (Value::Boolean(true),                       "true"),
            (Value::Int(-7),                             "-7"),
            (Value::BigInt(i64::MIN),                    "-9223372036854775808"),
            (Value::Double(12.5),                        "12.5"),
            (Value::Double(1.0),                         "1.0"),
            (Value::Double(-0.0),                        "-0.0"),
            (Value::Double(0.001),                       "0.001"),
            (Value::Double(0.00099),                     "9.9E-4"),
            (Value::Double(9_999_999.0),                 "9999999.0"),
            (Value::Double(1e7),                         "1.0E7"),
            (Value::Double(-1.25e300),                   "-1.25E300"),
            (Value::Double(f64::NAN),                    "NaN"),
            (Value::Double(f64::INFINITY),               "Infinity"),
            (Value::Double(f64::NEG_INFINITY),           "-Infinity"),
            (Value::Numeric(Decimal::new(1250, 2)),      "12.50"),
            (Value::Varchar("m-7, \"x\"".into()),        "m-7, \"x\""),
            (Value::Interval(Span::seconds(90)),         "1m 30s"),
        ];
        for (value, expected) in table {
            assert_eq!(text(&value, TimeForm::Sql), expected);
            assert_eq!(value.to_string(), expected);
        }
        assert_eq!(Value::Null.to_string(), "null");
    }

    #[test]
    fn times_are_written_in_four_forms() {
        use TimeForm::{Iso8601, Java, Sql, Utc};
        const MINUTE_PAST: i64 = 1_586_937_900_000;
        #[rustfmt::skip]
        let table = [
            (MINUTE_PAST,        Sql,     "2020-04-15 08:05:00",     "2020-04-15 08:05:00Z"),
            (MINUTE_PAST + 120,  Sql,     "2020-04-15 08:05:00.12",  "2020-04-15 08:05:00.12Z"),
            (MINUTE_PAST,        Iso8601, "2020-04-15T08:05:00",     "2020-04-15T08:05:00Z"),
            (MINUTE_PAST + 120,  Iso8601, "2020-04-15T08:05:00.12",  "2020-04-15T08:05:00.12Z"),
            (MINUTE_PAST,        Utc,     "2020-04-15T08:05:00.000Z", "2020-04-15T08:05:00.000Z"),
            (MINUTE_PAST,        Java,    "2020-04-15T08:05",        "2020-04-15T08:05:00Z"),
            (MINUTE_PAST + 7000, Java,    "2020-04-15T08:05:07",     "2020-04-15T08:05:07Z"),
            (MINUTE_PAST + 120,  Java,    "2020-04-15T08:05:00.120", "2020-04-15T08:05:00.120Z"),
            (-1,                 Sql,     "1969-12-31 23:59:59.999", "1969-12-31 23:59:59.999Z"),
            (EventTime::FIRST.0, Sql,     "0001-01-01 00:00:00",     "0001-01-01 00:00:00Z"),
            (EventTime::LAST.0,  Sql,     "9999-12-31 23:59:59.999", "9999-12-31 23:59:59.999Z"),
            (i64::MAX,           Sql,     "9999-12-31 23:59:59.999", "9999-12-31 23:59:59.999Z"),
        ];
        for (millis, form, local, point) in table {
            let time = EventTime(millis);
            assert_eq!(text(&Value::Timestamp(time), form), local);
            assert_eq!(text(&Value::TimestampTz(time), form), point);
        }
    }
}
