//! Which value a text stands for, by the type that it should have.
//!
//! | type | texts |
//! |---|---|
//! | BOOLEAN | `true`, `t`, `yes`, `y`, `1`, `false`, `f`, `no`, `n`, `0`, in any case |
//! | INT, BIGINT | a number; what stands behind its point is cut off: `2.9` is 2, `1e3` is 1000 |
//! | DOUBLE | the nearest double, `NaN`, `Infinity`, `-Infinity`; a number that is too large is infinite |
//! | NUMERIC | a number, with exactly these digits; those behind a declared scale are rounded, halves away from zero |
//! | VARCHAR | itself |
//! | TIMESTAMP | `2020-04-15 08:05:00.123`, with a space or a `T`; without a fraction, seconds or the whole time of day; with `Z` |
//! | TIMESTAMPTZ | the same in UTC, or with an offset: `Z`, `+02:00`, `+0200`, `+02` |
//!
//! 1. White space around anything but a VARCHAR does not matter. No `_` stands in a number.
//! 2. A number that its type cannot hold is no value: nothing wraps around. NUMERIC holds 28 digits; where they are spent in
//!    front of the point, those behind it are rounded, but what was declared must fit.
//! 3. Times have milliseconds; what is finer is cut off, towards the past before 1970 too. They lie in the years 1 to 9999.
//!    No minute has 61 seconds.
//! 4. An offset other than UTC in a TIMESTAMP is an error. It would have to be dropped, as PostgreSQL does, and then two
//!    texts of one instant are two times.
//!
//! PostgreSQL also takes `on` and `off` for a BOOLEAN, refuses `2.9` for an INT and `1e400` for a DOUBLE, and takes 23:59:60.
//! Flink takes `2020-4-5`; its JSON format takes any text that is not `true` for false.
//!
//! Left out: a number for a time, which could be seconds or milliseconds (RisingWave guesses by its size; here a computed
//! column says it with `TO_TIMESTAMP_LTZ`), and local times with the name of a zone.

use std::borrow::Cow;
use std::fmt;

use day03_windows::time::EventTime;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use rust_decimal::Decimal;

use super::{DataType, Value, numeric};

/// Why a text is no value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    data_type: DataType,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It is of no form that the type has.
    Form,
    /// It is of the right form, and the type has no such value.
    Range,
    /// More digits than a NUMERIC of ours holds.
    Digits,
    /// A TIMESTAMP with an offset.
    Offset,
    /// A number in place of a time.
    Number,
}

impl Unfit {
    /// What is no text at all, and so has none of the type's forms.
    pub(crate) fn no_text(data_type: DataType) -> Self {
        let why = Why::Form;
        Unfit { data_type, why }
    }

    /// What would have been wanted, and what to do: "valid INT", and what follows it.
    pub fn wanted(self) -> &'static str {
        match (self.data_type, self.why) {
            (DataType::Boolean, _) => "valid BOOLEAN: true or false",
            (DataType::Int, Why::Range) => "valid INT: those are -2147483648 to 2147483647; BIGINT has more",
            (DataType::Int, _) => "valid INT",
            (DataType::BigInt, Why::Range) => {
                "valid BIGINT: those are whole numbers of 64 bits; NUMERIC has more"
            }
            (DataType::BigInt, _) => "valid BIGINT",
            (DataType::Double, _) => "valid DOUBLE PRECISION",
            (DataType::Numeric(_), Why::Range) => "valid NUMERIC: it has more digits than were declared",
            (DataType::Numeric(_), Why::Digits) => "valid NUMERIC: 28 digits are all that one holds here",
            (DataType::Numeric(_), _) => "valid NUMERIC",
            (DataType::Varchar, _) => "valid VARCHAR",
            (DataType::Timestamp, Why::Offset) => {
                "valid TIMESTAMP: an offset from UTC belongs to a TIMESTAMP_LTZ(3) (TIMESTAMPTZ)"
            }
            (DataType::Timestamp | DataType::TimestampTz, Why::Range) => {
                "valid TIMESTAMP: the calendar has no such day or time, or it is not within the years 1 to 9999"
            }
            (DataType::Timestamp | DataType::TimestampTz, Why::Number) => {
                "valid TIMESTAMP: declare the number BIGINT and compute TO_TIMESTAMP_LTZ(number, 3), or 0 for seconds, \
                 which gives a TIMESTAMP_LTZ(3)"
            }
            (DataType::Timestamp, _) => "valid TIMESTAMP, such as 2026-01-01 00:00:00",
            (DataType::TimestampTz, _) => "valid TIMESTAMPTZ, such as 2026-01-01 00:00:00Z",
            (DataType::Interval, _) => "valid INTERVAL",
        }
    }
}

/// "no valid INT", and what follows it.
impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {}", self.wanted())
    }
}

impl<'a> Value<'a> {
    /// The value of a text.
    ///
    /// # Errors
    /// It stands for no value of this type.
    #[inline]
    pub fn read(text: Cow<'a, str>, data_type: DataType) -> Result<Self, Unfit> {
        let value = match data_type {
            DataType::Boolean => boolean(text.trim()).map(Value::Boolean),
            DataType::Int => whole(text.trim()).and_then(|whole| {
                let narrow = i32::try_from(whole).map_err(|_| Why::Range);
                narrow.map(Value::Int)
            }),
            DataType::BigInt => whole(text.trim()).map(Value::BigInt),
            DataType::Double => double(text.trim()).map(Value::Double),
            DataType::Numeric(declared) => decimal(text.trim(), declared).map(Value::Numeric),
            DataType::Varchar => Ok(Value::Varchar(text)),
            DataType::Timestamp => time(text.trim(), false).map(Value::Timestamp),
            DataType::TimestampTz => time(text.trim(), true).map(Value::TimestampTz),
            DataType::Interval => Err(Why::Form),
        };
        value.map_err(|why| Unfit { data_type, why })
    }
}

fn boolean(text: &str) -> Result<bool, Why> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text {
        _ if is_one_of(&["true", "t", "yes", "y", "1"]) => Ok(true),
        _ if is_one_of(&["false", "f", "no", "n", "0"]) => Ok(false),
        _ => Err(Why::Form),
    }
}

/// What stands before the point of a number, exactly.
#[inline]
fn whole(number: &str) -> Result<i64, Why> {
    match number.parse() {
        Ok(whole) => Ok(whole),
        Err(_) => whole_of_any(number),
    }
}

#[cold]
fn whole_of_any(number: &str) -> Result<i64, Why> {
    let plain = without_exponent(number)?;
    let before = plain.split_once('.').map_or(plain.as_str(), |(before, _)| before);
    before.parse().map_err(|_| Why::Range)
}

fn double(text: &str) -> Result<f64, Why> {
    let value: f64 = text.parse().map_err(|_| Why::Form)?;
    let has_digits = text.contains(|c: char| c.is_ascii_digit());
    match has_digits || matches!(text, "NaN" | "Infinity" | "+Infinity" | "-Infinity") {
        true => Ok(value),
        // Rust takes "inf" and "nan" for numbers.
        false => Err(Why::Form),
    }
}

fn decimal(text: &str, declared: Option<(u8, u8)>) -> Result<Decimal, Why> {
    // The library would take it for a separator of thousands.
    if text.contains('_') {
        return Err(Why::Form);
    }
    let number: Decimal = match text.parse() {
        Ok(number) => number,
        Err(_) => without_exponent(text)?.parse().map_err(|_| Why::Digits)?,
    };
    let number = numeric::without_sign_of_zero(number);
    let Some((precision, scale)) = declared else {
        return Ok(number);
    };
    numeric::fit(number, declared).ok_or_else(|| match numeric::fits_digits(number, precision, scale) {
        true => Why::Digits,
        false => Why::Range,
    })
}

/// A number, in scientific notation or not, written out in digits.
fn without_exponent(number: &str) -> Result<String, Why> {
    /// No NUMERIC has more digits on either side of the point.
    const FAR: i64 = 40;
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number.strip_prefix('+').unwrap_or(number)),
    };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{behind}");
    if !is_digits(&digits) {
        return Err(Why::Form);
    }
    let exponent = match exponent.parse::<i64>() {
        Ok(exponent) => exponent,
        // More digits than an exponent of any use has.
        Err(_) if is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)) => {
            match exponent.starts_with('-') {
                true => i64::MIN / 2,
                false => i64::MAX / 2,
            }
        }
        Err(_) => return Err(Why::Form),
    };
    let significant = digits.trim_start_matches('0');
    let zeros = digits.len() - significant.len();
    // How many of the significant digits stand before the point; below zero, how many zeros stand
    // behind it first.
    let point = before.len() as i64 - zeros as i64 + exponent;
    match point {
        _ if significant.is_empty() || point < -FAR => Ok("0".to_string()),
        _ if point > FAR => Err(Why::Range),
        ..=0 => Ok(format!("{sign}0.{}{significant}", "0".repeat(-point as usize))),
        _ => {
            let padded = format!("{significant:0<width$}", width = point as usize);
            let (before, behind) = padded.split_at(point as usize);
            let dot = if behind.is_empty() { "" } else { "." };
            Ok(format!("{sign}{before}{dot}{behind}"))
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a date, a time of day if there is one, and an offset from UTC if there is one.
fn time(text: &str, may_have_offset: bool) -> Result<EventTime, Why> {
    let mut rest = Rest(text.as_bytes());
    let form = |part: Option<_>| part.ok_or(Why::Form);
    let year = match rest.number(4) {
        Some(year) if rest.skip(b"-") => year,
        _ if is_digits(text) => return Err(Why::Number),
        _ => return Err(Why::Form),
    };
    let month = form(rest.number(2).filter(|_| rest.skip(b"-")))?;
    let day = form(rest.number(2))?;
    let [mut hour, mut minute, mut second, mut nanosecond] = [0; 4];
    if rest.skip(b" Tt") {
        hour = form(rest.number(2).filter(|_| rest.skip(b":")))?;
        minute = form(rest.number(2))?;
        if rest.skip(b":") {
            second = form(rest.number(2))?;
            if rest.skip(b".") {
                nanosecond = form(rest.fraction())?;
            }
        }
    }
    let east = form(rest.offset())?;
    if !rest.0.is_empty() {
        return Err(Why::Form);
    }
    if east != 0 && !may_have_offset {
        return Err(Why::Offset);
    }
    let shown = date_time([year, month, day, hour, minute, second, nanosecond]).ok_or(Why::Range)?;
    let utc = shown.checked_sub(SignedDuration::from_secs(i64::from(east)));
    utc.ok().and_then(EventTime::of_date_time).ok_or(Why::Range)
}

fn date_time([year, month, day, hour, minute, second, nanosecond]: [i32; 7]) -> Option<DateTime> {
    let small = |number: i32| i8::try_from(number).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, nanosecond).ok()?;
    Some(date.to_datetime(time))
}

/// What is left of a text to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i32> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(
            number
                .iter()
                .fold(0, |value, digit| value * 10 + i32::from(digit - b'0')),
        )
    }

    /// Whether one of these bytes comes next, which then is read.
    fn skip(&mut self, any: &[u8]) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if any.contains(first) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Digits behind a point, as nanoseconds. There is at least one; those behind the ninth make no difference.
    fn fraction(&mut self) -> Option<i32> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, rest) = self.0.split_at_checked(digits).filter(|_| digits > 0)?;
        self.0 = rest;
        let padded = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
        Some(padded.fold(0, |value, digit| value * 10 + i32::from(digit - b'0')))
    }

    /// An offset from UTC in seconds, to the east; 0 if there is none.
    fn offset(&mut self) -> Option<i32> {
        if self.skip(b"Zz") {
            return Some(0);
        }
        let sign = match self.0.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Some(0),
        };
        self.0 = &self.0[1..];
        let hours = self.number(2).filter(|hours| *hours <= 18)?;
        let has_colon = self.skip(b":");
        let minutes = match self.0.is_empty() && !has_colon {
            true => 0,
            false => self.number(2).filter(|minutes| *minutes < 60)?,
        };
        Some(sign * (hours * 3_600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary::readable;
    use crate::value::write::TimeForm;

    fn read(text: &str, data_type: DataType) -> Result<Value<'_>, Why> {
        Value::read(Cow::Borrowed(text), data_type).map_err(|unfit| unfit.why)
    }

    #[test]
    fn decimals_are_exact_as_far_as_they_can_hold_the_digits() {
        let plain = |text| decimal(text, None);
        let declared = |text, precision, scale| decimal(text, Some((precision, scale)));
        #[rustfmt::skip]
        let table = [
            (plain("0.1234567890123456789012345678"),  Ok("0.1234567890123456789012345678")),
            (plain("0.12345678901234567890123456785"), Ok("0.1234567890123456789012345679")),
            (plain("1e-28"),                           Ok("0.0000000000000000000000000001")),
            (plain("1e-30"),                           Ok("0.0000000000000000000000000000")),
            (plain("1e-99"),                           Ok("0")),
            (plain("1e28"),                            Ok("10000000000000000000000000000")),
            (plain("1e29"),                            Err(Why::Digits)),
            (plain("1e99"),                            Err(Why::Range)),
            (plain("+3"),                              Ok("3")),
            (plain("-0.0"),                            Ok("0.0")),
            (plain("1_000"),                           Err(Why::Form)),
            (plain(".5"),                              Ok("0.5")),
            (plain("1,5"),                             Err(Why::Form)),
            (plain("NaN"),                             Err(Why::Form)),
            (plain(""),                                Err(Why::Form)),
            (declared("5", 10, 2),                     Ok("5.00")),
            (declared("1.005", 10, 2),                 Ok("1.01")),
            (declared("-1.005", 10, 2),                Ok("-1.01")),
            (declared("1.0049999", 10, 2),             Ok("1.00")),
            (declared("-0.004", 10, 2),                Ok("0.00")),
            (declared("9.994", 3, 2),                  Ok("9.99")),
            (declared("9.995", 3, 2),                  Err(Why::Range)),
            (declared("12345.6", 4, 1),                Err(Why::Range)),
            (declared("1e-30", 10, 2),                 Ok("0.00")),
            (declared("5", 38, 28),                    Ok("5.0000000000000000000000000000")),
            (declared("79", 38, 28),                   Err(Why::Digits)),
            (declared("1e29", 38, 2),                  Err(Why::Digits)),
        ];
        for (place, (value, expected)) in table.into_iter().enumerate() {
            let value = value.map(|value| value.to_string());
            assert_eq!(value.as_deref().map_err(|why| *why), expected, "line {place}");
        }
    }

    #[test]
    fn numbers_are_written_out_in_digits() {
        #[rustfmt::skip]
        let table = [
            ("1.25e3",   Ok("1250")),
            ("1.25e1",   Ok("12.5")),
            ("1.25e0",   Ok("1.25")),
            ("-1.25e-1", Ok("-0.125")),
            ("0012",     Ok("12")),
            ("0.001e3",  Ok("1")),
            ("7",        Ok("7")),
            ("0e5",      Ok("0")),
            ("1e40",     Err(Why::Range)),
            ("1e",       Err(Why::Form)),
            ("1e+-5",    Err(Why::Form)),
            ("e5",       Err(Why::Form)),
            ("1e5x",     Err(Why::Form)),
            ("--1e5",    Err(Why::Form)),
            ("1.2.3e5",  Err(Why::Form)),
            ("",         Err(Why::Form)),
        ];
        for (number, expected) in table {
            assert_eq!(
                without_exponent(number).as_deref().map_err(|why| *why),
                expected,
                "{number:?}"
            );
        }
    }

    #[test]
    fn whole_numbers_lose_what_stands_behind_the_point() {
        #[rustfmt::skip]
        let table = [
            ("7",                    Ok(7)),
            (" 7 ",                  Ok(7)),
            ("+7",                   Ok(7)),
            ("-2.9",                 Ok(-2)),
            ("1e3",                  Ok(1_000)),
            ("9223372036854775807.9", Ok(i64::MAX)),
            ("9223372036854775808",  Err(Why::Range)),
            ("1e400",                Err(Why::Range)),
            ("1_000",                Err(Why::Form)),
            ("0x10",                 Err(Why::Form)),
            ("7 8",                  Err(Why::Form)),
            ("",                     Err(Why::Form)),
        ];
        for (text, expected) in table {
            assert_eq!(
                read(text, DataType::BigInt),
                expected.map(Value::BigInt),
                "{text:?}"
            );
        }
        assert_eq!(read("2147483648", DataType::Int), Err(Why::Range));
    }

    #[test]
    fn doubles_are_infinite_where_they_are_too_large_and_where_it_says_so() {
        #[rustfmt::skip]
        let table = [
            ("1.5e3",     Ok(1_500.0)),
            ("1e400",     Ok(f64::INFINITY)),
            ("-Infinity", Ok(f64::NEG_INFINITY)),
            ("inf",       Err(Why::Form)),
            ("nan",       Err(Why::Form)),
            ("1_0",       Err(Why::Form)),
        ];
        for (text, expected) in table {
            assert_eq!(
                read(text, DataType::Double),
                expected.map(Value::Double),
                "{text:?}"
            );
        }
    }

    #[test]
    fn times_are_read_in_their_forms_and_lie_on_the_calendar() {
        const EIGHT: i64 = 1_586_937_900_000;
        #[rustfmt::skip]
        let table = [
            ("2020-04-15 08:05:00",          Ok(EIGHT),                  Ok(EIGHT)),
            (" 2020-04-15T08:05 ",           Ok(EIGHT),                  Ok(EIGHT)),
            ("2020-04-15",                   Ok(EIGHT - 29_100_000),     Ok(EIGHT - 29_100_000)),
            ("2020-04-15 08:05:00.1",        Ok(EIGHT + 100),            Ok(EIGHT + 100)),
            ("2020-04-15 08:05:00.123999Z",  Ok(EIGHT + 123),            Ok(EIGHT + 123)),
            ("1969-12-31 23:59:59.9995",     Ok(-1),                     Ok(-1)),
            ("2020-04-15 10:05:00+02:00",    Err(Why::Offset),           Ok(EIGHT)),
            ("2020-04-15T10:05:00+02",       Err(Why::Offset),           Ok(EIGHT)),
            ("2020-04-15T03:35:00-0430",     Err(Why::Offset),           Ok(EIGHT)),
            ("2020-04-15 08:05:00+00",       Ok(EIGHT),                  Ok(EIGHT)),
            ("0001-01-01 00:00:00",          Ok(EventTime::FIRST.0),     Ok(EventTime::FIRST.0)),
            ("9999-12-31 23:59:59.999",      Ok(EventTime::LAST.0),      Ok(EventTime::LAST.0)),
            ("9999-12-31T23:59:59-01:00",    Err(Why::Offset),           Err(Why::Range)),
            ("0000-12-31 00:00:00",          Err(Why::Range),            Err(Why::Range)),
            ("2021-02-29",                   Err(Why::Range),            Err(Why::Range)),
            ("2016-12-31 23:59:60",          Err(Why::Range),            Err(Why::Range)),
            ("2020-04-15 24:00:00",          Err(Why::Range),            Err(Why::Range)),
            ("01/01/2026",                   Err(Why::Form),             Err(Why::Form)),
            ("2020-4-15",                    Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08",                Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08:05:00.",         Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08:05:00+2",        Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08:05:00+02:",      Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08:05:00[UTC]",     Err(Why::Form),             Err(Why::Form)),
            ("1586937900000",                Err(Why::Number),           Err(Why::Number)),
            ("",                             Err(Why::Form),             Err(Why::Form)),
        ];
        for (text, local, point) in table {
            let local = local.map(|millis| Value::Timestamp(EventTime(millis)));
            assert_eq!(read(text, DataType::Timestamp), local, "{text:?} as TIMESTAMP");
            let point = point.map(|millis| Value::TimestampTz(EventTime(millis)));
            assert_eq!(
                read(text, DataType::TimestampTz),
                point,
                "{text:?} as TIMESTAMPTZ"
            );
        }
    }

    #[test]
    fn booleans_are_words_and_only_texts_keep_white_space() {
        for (text, value) in [
            ("TRUE", true),
            (" y ", true),
            ("1", true),
            ("No", false),
            ("0", false),
        ] {
            assert_eq!(
                read(text, DataType::Boolean),
                Ok(Value::Boolean(value)),
                "{text:?}"
            );
        }
        for text in ["on", "2", "", "truer"] {
            assert_eq!(read(text, DataType::Boolean), Err(Why::Form), "{text:?}");
        }
        assert_eq!(read(" 7 ", DataType::Varchar), Ok(Value::Varchar(" 7 ".into())));
    }

    proptest::proptest! {
        #[test]
        fn whole_numbers_are_exact_however_they_are_written(number: i64, down in 0_usize..25) {
            let shifted = format!("{number}{}e-{down}", "0".repeat(down));
            proptest::prop_assert_eq!(whole(&shifted), Ok(number));
            proptest::prop_assert_eq!(whole(&format!("{number}.9")), Ok(number));
        }

        #[test]
        fn what_is_written_is_read_back(values in READABLE.map(readable).to_vec()) {
            for form in [TimeForm::Sql, TimeForm::Iso8601, TimeForm::Utc, TimeForm::Java] {
                for (value, data_type) in values.iter().zip(READABLE) {
                    let mut text = Vec::new();
                    value.write(form, &mut text);
                    let text = String::from_utf8(text).unwrap();
                    let back = Value::read(text.as_str().into(), data_type).unwrap();
                    // By their texts: equal decimals may have different scales.
                    proptest::prop_assert_eq!(back.to_string(), value.to_string(), "{} as {}", text, data_type);
                }
            }
        }
    }

    const READABLE: [DataType; 8] = [
        DataType::Boolean,
        DataType::Int,
        DataType::BigInt,
        DataType::Double,
        DataType::Numeric(None),
        DataType::Varchar,
        DataType::Timestamp,
        DataType::TimestampTz,
    ];
}
