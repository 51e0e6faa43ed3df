//! Which value a text stands for, by the type that it should have.
//!
//! | type | a text, as in CSV or in a JSON string | a JSON number |
//! |---|---|---|
//! | BOOLEAN | `true` or `false`, in any case | no |
//! | INT, BIGINT | a whole number | what stands before the point: `2.9` is 2 |
//! | DOUBLE | a number, `NaN`, `Infinity`, `-Infinity` | the nearest double |
//! | NUMERIC | a number | the same digits |
//! | VARCHAR | itself | its digits, as they were written |
//! | TIMESTAMP | `2020-04-15 08:05:00`, with `.123`, with `T`, with `Z` | no |
//! | TIMESTAMPTZ | the same with `Z` or an offset, which it needs | no |
//!
//! 1. A number that its type cannot hold is no value: nothing wraps around and nothing becomes infinite.
//! 2. NUMERIC is exact as far as it can hold the digits, 28 of them. Further ones behind the point are
//!    rounded, and so are those behind a declared scale, half away from zero, as Flink and PostgreSQL
//!    do it.
//! 3. Times have milliseconds; what is finer is cut off, also before 1970.
//!
//! Left out: a number for a time, which could be seconds or milliseconds (RisingWave guesses by its
//! size; here a computed column says it with `TO_TIMESTAMP_LTZ`), and local times with the name of a
//! zone.

use std::borrow::Cow;

use day03_windows::time::EventTime;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use rust_decimal::{Decimal, RoundingStrategy};
use smallvec::SmallVec;

use crate::chunk::{Chunk, Column, Values};
use crate::types::DataType;

/// A value of a record that is not yet in a column; texts are borrowed from the record.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// NULL, of any type.
    Null,
    /// BOOLEAN.
    Boolean(bool),
    /// INT.
    Int(i32),
    /// BIGINT.
    BigInt(i64),
    /// DOUBLE PRECISION.
    Double(f64),
    /// NUMERIC.
    Numeric(Decimal),
    /// VARCHAR.
    Varchar(Cow<'a, str>),
    /// TIMESTAMP or TIMESTAMPTZ, as the column says.
    Time(EventTime),
}

/// The values of a row, in the order of its columns.
pub type Row<'a> = SmallVec<[Value<'a>; 8]>;

/// Appends a row, which has a value of the right type for each of the first columns, as an insertion. Columns behind those
/// are left to whoever knows what is in them.
#[inline]
pub fn push_row(row: &[Value<'_>], into: &mut Chunk) {
    debug_assert!(row.len() <= into.columns.len());
    for (column, value) in into.columns.iter_mut().zip(row) {
        push(value, column);
    }
    if let Some(changes) = &mut into.changes {
        changes.push(crate::chunk::Change::Insert);
    }
    into.rows += 1;
}

/// As everywhere in chunks, a value of another type than the column's is a wrong plan, and not anyone's
/// data.
#[inline]
fn push(value: &Value<'_>, column: &mut Column) {
    match (&mut column.values, value) {
        (_, Value::Null) => return column.push_null(),
        (Values::Boolean(list), Value::Boolean(value)) => list.push(*value),
        (Values::Int(list), Value::Int(value)) => list.push(*value),
        (Values::BigInt(list), Value::BigInt(value)) => list.push(*value),
        (Values::Double(list), Value::Double(value)) => list.push(*value),
        (Values::Numeric(list), Value::Numeric(value)) => list.push(*value),
        (Values::Varchar(list), Value::Varchar(value)) => list.push(value),
        (Values::Timestamp(list) | Values::TimestampTz(list), Value::Time(value)) => list.push(*value),
        (values, value) => unreachable!("{value:?} in a column of type {}", values.data_type()),
    }
    if let Some(valid) = &mut column.valid {
        valid.push(true);
    }
}

impl<'a> Value<'a> {
    /// The value of a text; none if it is no value of this type.
    #[inline]
    pub fn of_text(text: Cow<'a, str>, data_type: DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Value::Boolean(boolean(text.trim())?),
            DataType::Int => Value::Int(text.trim().parse().ok()?),
            DataType::BigInt => Value::BigInt(text.trim().parse().ok()?),
            DataType::Double => Value::Double(double(text.trim())?),
            DataType::Numeric(declared) => Value::Numeric(numeric(text.trim(), declared)?),
            DataType::Varchar => Value::Varchar(text),
            DataType::Timestamp => Value::Time(timestamp(text.trim())?),
            DataType::TimestampTz => Value::Time(timestamp_with_zone(text.trim())?),
            DataType::Interval => return None,
        })
    }

    /// The value of a number as JSON writes it; none if it is no value of this type.
    #[inline]
    pub fn of_number(number: &'a str, data_type: DataType) -> Option<Self> {
        match data_type {
            DataType::Int => Some(Value::Int(i32::try_from(whole(number)?).ok()?)),
            DataType::BigInt => Some(Value::BigInt(whole(number)?)),
            _ => Value::of_text(Cow::Borrowed(number), data_type),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// What stands before the point of a number, exactly.
#[inline]
fn whole(number: &str) -> Option<i64> {
    if let Ok(whole) = number.parse() {
        return Some(whole);
    }
    let plain = without_exponent(number)?;
    let before = plain.split_once('.').map_or(plain.as_str(), |(before, _)| before);
    before.parse().ok()
}

fn double(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    match value.is_finite() || matches!(text, "NaN" | "Infinity" | "+Infinity" | "-Infinity") {
        true => Some(value),
        false => None,
    }
}

fn numeric(text: &str, declared: Option<(u8, u8)>) -> Option<Decimal> {
    if text.contains('_') {
        return None; // The library would take it for a separator of thousands.
    }
    let value: Decimal = match text.parse() {
        Ok(value) => value,
        Err(_) => without_exponent(text)?.parse().ok()?,
    };
    match declared {
        Some((precision, scale)) => fit(value, precision, scale),
        None => Some(value),
    }
}

/// The number with exactly `scale` digits behind the point; none if it then has more than `precision`
/// digits.
pub fn fit(value: Decimal, precision: u8, scale: u8) -> Option<Decimal> {
    let scale = u32::from(scale);
    let mut fitted = value.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    fitted.rescale(scale);
    let limit = 10_i128.checked_pow(u32::from(precision));
    let fits = limit.is_none_or(|limit| fitted.mantissa().abs() < limit);
    (fits && fitted.scale() == scale).then_some(fitted)
}

/// A number, in scientific notation or not, written out in digits; none if no type of ours reaches as
/// far, or if it is no number.
fn without_exponent(number: &str) -> Option<String> {
    /// No NUMERIC has more digits on either side of the point.
    const FAR: i64 = 40;
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number),
    };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{behind}");
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let exponent = match exponent.parse::<i64>() {
        Ok(exponent) => exponent,
        // More digits than an exponent of any use has.
        Err(_)
            if exponent
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b"+-".contains(&byte)) =>
        {
            if exponent.starts_with('-') {
                i64::MIN / 2
            } else {
                i64::MAX / 2
            }
        }
        Err(_) => return None,
    };
    let significant = digits.trim_start_matches('0');
    let zeros = digits.len() - significant.len();
    // How many of the significant digits stand before the point; below zero, how many zeros stand
    // behind it first.
    let point = before.len() as i64 - zeros as i64 + exponent;
    match point {
        _ if significant.is_empty() || point < -FAR => Some("0".to_string()),
        _ if point > FAR => None,
        ..=0 => Some(format!("{sign}0.{}{significant}", "0".repeat(-point as usize))),
        _ => {
            let padded = format!("{significant:0<width$}", width = point as usize);
            let (before, behind) = padded.split_at(point as usize);
            let dot = if behind.is_empty() { "" } else { "." };
            Some(format!("{sign}{before}{dot}{behind}"))
        }
    }
}

/// A time without a fraction of a second; each digit stands for any.
const SECONDS: &[u8] = b"0000-00-00 00:00:00";

/// Whether the text begins like a time, behind which a library can take it for nothing else.
fn begins_with_time(text: &str) -> bool {
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b' ' => byte == b' ' || byte == b'T',
        _ => byte == *shape,
    };
    text.len() >= SECONDS.len() && text.bytes().zip(SECONDS).all(fits)
}

/// A time without a zone. A `Z` is what our own sinks write behind it.
fn timestamp(text: &str) -> Option<EventTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let fraction = text.get(SECONDS.len()..)?;
    let is_fraction = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if !begins_with_time(text)
        || !(fraction.is_empty() || fraction.strip_prefix('.').is_some_and(is_fraction))
    {
        return None;
    }
    let local: DateTime = text.parse().ok()?;
    Some(millis(Offset::UTC.to_timestamp(local).ok()?))
}

/// A time with `Z` or an offset.
fn timestamp_with_zone(text: &str) -> Option<EventTime> {
    match begins_with_time(text) {
        true => Some(millis(text.parse().ok()?)),
        false => None,
    }
}

/// Cuts off what is finer than a millisecond, towards the past.
fn millis(time: Timestamp) -> EventTime {
    let cut = time.subsec_nanosecond() % 1_000_000 < 0;
    EventTime(time.as_millisecond() - i64::from(cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, data_type: DataType) -> Option<Value<'_>> {
        Value::of_text(Cow::Borrowed(text), data_type)
    }

    #[test]
    fn decimals_are_exact_as_far_as_they_can_hold_the_digits() {
        let declared = |text, precision, scale| numeric(text, Some((precision, scale)));
        let printed = |value: Option<Decimal>| value.map(|value| value.to_string());
        #[rustfmt::skip]
        let table = [
            (numeric("0.1234567890123456789012345678", None), Some("0.1234567890123456789012345678")),
            (numeric("0.12345678901234567890123456785", None), Some("0.1234567890123456789012345679")),
            (numeric("1e-28", None),                          Some("0.0000000000000000000000000001")),
            (numeric("1e-30", None),                          Some("0.0000000000000000000000000000")),
            (numeric("1e-99", None),                          Some("0")),
            (numeric("1e28", None),                           Some("10000000000000000000000000000")),
            (numeric("1e29", None),                           None),
            (declared("5", 10, 2),                            Some("5.00")),
            (declared("1.005", 10, 2),                        Some("1.01")),
            (declared("-1.005", 10, 2),                       Some("-1.01")),
            (declared("1.0049999", 10, 2),                    Some("1.00")),
            (declared("9.994", 3, 2),                         Some("9.99")),
            (declared("9.995", 3, 2),                         None),
            (declared("1e-30", 10, 2),                        Some("0.00")),
            (declared("5", 38, 28),                           Some("5.0000000000000000000000000000")),
            (declared("79", 38, 28),                          None),
            (declared("0", 38, 30),                           None),
        ];
        for (place, (value, expected)) in table.into_iter().enumerate() {
            assert_eq!(printed(value).as_deref(), expected, "line {place}");
        }
    }

    #[test]
    fn numbers_are_written_out_in_digits() {
        #[rustfmt::skip]
        let table = [
            ("1.25e3",   Some("1250")),
            ("1.25e1",   Some("12.5")),
            ("1.25e0",   Some("1.25")),
            ("-1.25e-1", Some("-0.125")),
            ("0012",     Some("12")),
            ("0.001e3",  Some("1")),
            ("7",        Some("7")),
            ("0e5",      Some("0")),
            ("1e40",     None),
            ("1e",       None),
            ("e5",       None),
            ("1e5x",     None),
            ("--1e5",    None),
            ("1.2.3e5",  None),
            ("",         None),
        ];
        for (number, expected) in table {
            assert_eq!(without_exponent(number).as_deref(), expected, "{number:?}");
        }
    }

    #[test]
    fn what_is_finer_than_a_millisecond_is_cut_off_towards_the_past() {
        #[rustfmt::skip]
        let table = [
            ("1970-01-01 00:00:00.0019999", 1),
            ("1970-01-01 00:00:00.123456789", 123),
            ("1969-12-31 23:59:59.9999", -1),
            ("1969-12-31 23:59:59.999", -1),
            ("0001-01-01 00:00:00", -62_135_596_800_000),
            ("9999-12-30 21:59:59.999", 253_402_207_199_999),
        ];
        for (text, millis) in table {
            let time = Some(Value::Time(EventTime(millis)));
            assert_eq!(read(text, DataType::Timestamp), time, "{text}");
            assert_eq!(read(&format!("{text}Z"), DataType::TimestampTz), time, "{text}Z");
        }
    }

    #[test]
    fn only_texts_keep_white_space() {
        assert_eq!(read(" 7 ", DataType::Int), Some(Value::Int(7)));
        assert_eq!(read(" 7 ", DataType::Varchar), Some(Value::Varchar(" 7 ".into())));
        assert_eq!(read("7 8", DataType::Int), None);
    }

    proptest::proptest! {
        #[test]
        fn whole_numbers_are_exact_however_they_are_written(number: i64, down in 0_usize..25) {
            let shifted = format!("{number}{}e-{down}", "0".repeat(down));
            proptest::prop_assert_eq!(whole(&shifted), Some(number));
            proptest::prop_assert_eq!(whole(&format!("{number}.9")), Some(number));
        }
    }
}
