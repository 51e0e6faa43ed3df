//! The types of SQL that columns have, and single values of them.
//!
//! Left out: types that no dialect of this day needs to be told apart (a TINYINT is an INT), DATE,
//! arrays and rows.

use std::cmp::Ordering;
use std::fmt;

use day03_windows::time::{EventTime, Span};
use rust_decimal::Decimal;

use crate::calendar;

/// The type of a column or of an expression. Every type has NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// BOOLEAN.
    Boolean,
    /// INT, 32 bits.
    Int,
    /// BIGINT, 64 bits.
    BigInt,
    /// DOUBLE PRECISION, 64 bits.
    Double,
    /// DECIMAL or NUMERIC: exact, with precision and scale if they were declared.
    Numeric(Option<(u8, u8)>),
    /// VARCHAR or STRING.
    Varchar,
    /// TIMESTAMP: a date and a time without a zone, in milliseconds since 1970-01-01T00:00:00.
    Timestamp,
    /// TIMESTAMP_LTZ or TIMESTAMPTZ: a point in time, in milliseconds since 1970-01-01T00:00:00Z.
    TimestampTz,
    /// INTERVAL of fixed length. Only in expressions, never in a column of a table.
    Interval,
}

/// A single value.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
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
    /// DECIMAL.
    Numeric(Decimal),
    /// VARCHAR.
    Varchar(Box<str>),
    /// TIMESTAMP.
    Timestamp(EventTime),
    /// TIMESTAMPTZ.
    TimestampTz(EventTime),
    /// INTERVAL.
    Interval(Span),
}

/// As RisingWave writes it.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataType::Boolean => f.write_str("BOOLEAN"),
            DataType::Int => f.write_str("INT"),
            DataType::BigInt => f.write_str("BIGINT"),
            DataType::Double => f.write_str("DOUBLE PRECISION"),
            DataType::Numeric(None) => f.write_str("NUMERIC"),
            DataType::Numeric(Some((precision, scale))) => write!(f, "NUMERIC({precision}, {scale})"),
            DataType::Varchar => f.write_str("VARCHAR"),
            DataType::Timestamp => f.write_str("TIMESTAMP"),
            DataType::TimestampTz => f.write_str("TIMESTAMPTZ"),
            DataType::Interval => f.write_str("INTERVAL"),
        }
    }
}

impl Scalar {
    /// The type of the value; none for NULL, which is of every type.
    pub fn data_type(&self) -> Option<DataType> {
        Some(match self {
            Scalar::Null => return None,
            Scalar::Boolean(_) => DataType::Boolean,
            Scalar::Int(_) => DataType::Int,
            Scalar::BigInt(_) => DataType::BigInt,
            Scalar::Double(_) => DataType::Double,
            Scalar::Numeric(_) => DataType::Numeric(None),
            Scalar::Varchar(_) => DataType::Varchar,
            Scalar::Timestamp(_) => DataType::Timestamp,
            Scalar::TimestampTz(_) => DataType::TimestampTz,
            Scalar::Interval(_) => DataType::Interval,
        })
    }

    /// The order of values of one type, a total one: false before true, texts by their code points,
    /// NaN equal to itself and behind all other numbers, −0.0 equal to 0.0, and NULL behind
    /// everything, as in PostgreSQL. Values of two types never meet; they are in the order in which
    /// the types stand above.
    pub fn cmp_sql(&self, other: &Scalar) -> Ordering {
        match (self, other) {
            (Scalar::Boolean(a), Scalar::Boolean(b)) => a.cmp(b),
            (Scalar::Int(a), Scalar::Int(b)) => a.cmp(b),
            (Scalar::BigInt(a), Scalar::BigInt(b)) => a.cmp(b),
            (Scalar::Double(a), Scalar::Double(b)) => cmp_doubles(*a, *b),
            (Scalar::Numeric(a), Scalar::Numeric(b)) => a.cmp(b),
            (Scalar::Varchar(a), Scalar::Varchar(b)) => a.cmp(b),
            (Scalar::Timestamp(a), Scalar::Timestamp(b)) => a.cmp(b),
            (Scalar::TimestampTz(a), Scalar::TimestampTz(b)) => a.cmp(b),
            (Scalar::Interval(a), Scalar::Interval(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Scalar::Boolean(_) => 0,
            Scalar::Int(_) => 1,
            Scalar::BigInt(_) => 2,
            Scalar::Double(_) => 3,
            Scalar::Numeric(_) => 4,
            Scalar::Varchar(_) => 5,
            Scalar::Timestamp(_) => 6,
            Scalar::TimestampTz(_) => 7,
            Scalar::Interval(_) => 8,
            Scalar::Null => 9,
        }
    }
}

/// The order of doubles: NaN equal to itself and behind all other numbers, −0.0 equal to 0.0.
#[inline]
pub fn cmp_doubles(a: f64, b: f64) -> Ordering {
    // Without an order, at least one is NaN.
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// As `print` shows it: NULL as `null`, a text as it is, times in ISO 8601.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Null => f.write_str("null"),
            Scalar::Boolean(value) => write!(f, "{value}"),
            Scalar::Int(value) => write!(f, "{value}"),
            Scalar::BigInt(value) => write!(f, "{value}"),
            Scalar::Double(value) => write_double(f, *value),
            Scalar::Numeric(value) => write!(f, "{value}"),
            Scalar::Varchar(value) => f.write_str(value),
            Scalar::Timestamp(value) => f.write_str(&calendar::shortest(*value, "")),
            Scalar::TimestampTz(value) => f.write_str(&calendar::shortest(*value, "Z")),
            Scalar::Interval(value) => write!(f, "{value}"),
        }
    }
}

/// The shortest digits that read back as the same double, always with a point or an exponent:
/// `1.0`, `0.001`, `1.0E7`.
fn write_double(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    let size = value.abs();
    if value.is_infinite() {
        return f.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if value.is_nan() || value == 0.0 || (1e-3..1e7).contains(&size) {
        return write!(f, "{value:?}");
    }
    let digits = format!("{value:E}");
    match digits.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => write!(f, "{mantissa}.0E{exponent}"),
        _ => f.write_str(&digits),
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn values_are_printed_as_changes_show_them() {
        #[rustfmt::skip]
        let table = [
            (Scalar::Null,                                "null"),
            (Scalar::Boolean(true),                       "true"),
            (Scalar::Int(-7),                             "-7"),
            (Scalar::BigInt(i64::MIN),                    "-9223372036854775808"),
            (Scalar::Double(12.5),                        "12.5"),
            (Scalar::Double(1.0),                         "1.0"),
            (Scalar::Double(-0.0),                        "-0.0"),
            (Scalar::Double(0.001),                       "0.001"),
            (Scalar::Double(0.00099),                     "9.9E-4"),
            (Scalar::Double(9_999_999.0),                 "9999999.0"),
            (Scalar::Double(1e7),                         "1.0E7"),
            (Scalar::Double(-1.25e300),                   "-1.25E300"),
            (Scalar::Double(f64::NAN),                    "NaN"),
            (Scalar::Double(f64::INFINITY),               "Infinity"),
            (Scalar::Double(f64::NEG_INFINITY),           "-Infinity"),
            (Scalar::Numeric(Decimal::new(1250, 2)),      "12.50"),
            (Scalar::Varchar("m-7, \"x\"".into()),        "m-7, \"x\""),
            (Scalar::Timestamp(EventTime(1_586_937_900_000)), "2020-04-15T08:05"),
            (Scalar::TimestampTz(EventTime(1_586_937_900_000)), "2020-04-15T08:05:00Z"),
            (Scalar::Interval(Span::seconds(90)),         "1m 30s"),
        ];
        for (value, printed) in table {
            assert_eq!(value.to_string(), printed);
        }
    }

    #[test]
    fn values_have_one_order_with_nan_and_null_at_its_end() {
        let doubles = [f64::NEG_INFINITY, -1.0, 0.0, 1.0, f64::INFINITY, f64::NAN].map(Scalar::Double);
        let texts = ["", "Z", "a", "ab"].map(|text| Scalar::Varchar(text.into()));
        let numbers = [-1, 0, 12].map(|number| Scalar::Numeric(Decimal::new(number, 1)));
        let longs = [i64::MIN, 0, i64::MAX].map(Scalar::BigInt);
        for ladder in [doubles.to_vec(), texts.to_vec(), numbers.to_vec(), longs.to_vec()] {
            let ladder = [ladder, vec![Scalar::Null]].concat();
            for (a, left) in ladder.iter().enumerate() {
                for (b, right) in ladder.iter().enumerate() {
                    assert_eq!(left.cmp_sql(right), a.cmp(&b), "{left} {right}");
                }
            }
        }
        let equal = [
            (Scalar::Double(0.0), Scalar::Double(-0.0)),
            (Scalar::Double(f64::NAN), Scalar::Double(-f64::NAN)),
            (
                Scalar::Numeric(Decimal::new(10, 1)),
                Scalar::Numeric(Decimal::new(100, 2)),
            ),
        ];
        for (a, b) in equal {
            assert_eq!(a.cmp_sql(&b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn types_are_printed_as_they_are_declared() {
        assert_eq!(DataType::Numeric(Some((10, 2))).to_string(), "NUMERIC(10, 2)");
        assert_eq!(DataType::Double.to_string(), "DOUBLE PRECISION");
        assert_eq!(Scalar::Null.data_type(), None);
        assert_eq!(
            Scalar::Numeric(Decimal::ONE).data_type(),
            Some(DataType::Numeric(None))
        );
    }
}
