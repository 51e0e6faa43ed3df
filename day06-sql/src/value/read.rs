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

mod numbers;
mod times;

use std::borrow::Cow;
use std::fmt;

use self::numbers::{decimal, double, whole};
use self::times::time;
use super::{DataType, Value};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary::{COLUMN_TYPES, readable};
    use crate::value::write::TimeForm;

    fn read(text: &str, data_type: DataType) -> Result<Value<'_>, Why> {
        Value::read(Cow::Borrowed(text), data_type).map_err(|unfit| unfit.why)
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
        assert_eq!(read(" 7 ", DataType::Int), Ok(Value::Int(7)));
        assert_eq!(read("2147483648", DataType::Int), Err(Why::Range));
        assert_eq!(read(" 7 ", DataType::Varchar), Ok(Value::Varchar(" 7 ".into())));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(values in COLUMN_TYPES.map(readable).to_vec()) {
            for form in [TimeForm::Sql, TimeForm::Iso8601, TimeForm::Utc, TimeForm::Java] {
                for (value, data_type) in values.iter().zip(COLUMN_TYPES) {
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
}
