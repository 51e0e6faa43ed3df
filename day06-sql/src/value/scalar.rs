//! A single value, of any type.

use std::borrow::Cow;
use std::cmp::Ordering;

use day03_windows::time::{EventTime, Span};
use rust_decimal::Decimal;

use super::DataType;

/// A value, whose text may be borrowed from a record or a column.
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
    /// TIMESTAMP.
    Timestamp(EventTime),
    /// TIMESTAMPTZ.
    TimestampTz(EventTime),
    /// INTERVAL.
    Interval(Span),
}

/// A value that borrows nothing.
pub type Scalar = Value<'static>;

impl<'a> Value<'a> {
    /// The type of the value; none for NULL, which is of every type.
    pub fn data_type(&self) -> Option<DataType> {
        Some(match self {
            Value::Null => return None,
            Value::Boolean(_) => DataType::Boolean,
            Value::Int(_) => DataType::Int,
            Value::BigInt(_) => DataType::BigInt,
            Value::Double(_) => DataType::Double,
            Value::Numeric(_) => DataType::Numeric(None),
            Value::Varchar(_) => DataType::Varchar,
            Value::Timestamp(_) => DataType::Timestamp,
            Value::TimestampTz(_) => DataType::TimestampTz,
            Value::Interval(_) => DataType::Interval,
        })
    }

    /// The same value, with this one's text.
    #[inline]
    pub fn by_ref(&self) -> Value<'_> {
        match self {
            Value::Varchar(text) => Value::Varchar(Cow::Borrowed(text)),
            other => other.clone(),
        }
    }

    /// The value with a text of its own.
    pub fn into_scalar(self) -> Scalar {
        match self {
            Value::Varchar(text) => Value::Varchar(Cow::Owned(text.into_owned())),
            Value::Null => Value::Null,
            Value::Boolean(value) => Value::Boolean(value),
            Value::Int(value) => Value::Int(value),
            Value::BigInt(value) => Value::BigInt(value),
            Value::Double(value) => Value::Double(value),
            Value::Numeric(value) => Value::Numeric(value),
            Value::Timestamp(time) => Value::Timestamp(time),
            Value::TimestampTz(time) => Value::TimestampTz(time),
            Value::Interval(span) => Value::Interval(span),
        }
    }

    /// The order of values of one type, a total one: false before true, texts by their code points, NaN equal to itself and
    /// behind all other numbers, −0.0 equal to 0.0, and NULL behind everything, as in PostgreSQL. Values of two types never
    /// meet; they are in the order in which the types stand above.
    pub fn cmp_sql(&self, other: &Value<'_>) -> Ordering {
        match (self, other) {
            (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::BigInt(a), Value::BigInt(b)) => a.cmp(b),
            (Value::Double(a), Value::Double(b)) => cmp_doubles(*a, *b),
            (Value::Numeric(a), Value::Numeric(b)) => a.cmp(b),
            (Value::Varchar(a), Value::Varchar(b)) => a.cmp(b),
            (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
            (Value::TimestampTz(a), Value::TimestampTz(b)) => a.cmp(b),
            (Value::Interval(a), Value::Interval(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Boolean(_) => 0,
            Value::Int(_) => 1,
            Value::BigInt(_) => 2,
            Value::Double(_) => 3,
            Value::Numeric(_) => 4,
            Value::Varchar(_) => 5,
            Value::Timestamp(_) => 6,
            Value::TimestampTz(_) => 7,
            Value::Interval(_) => 8,
            Value::Null => 9,
        }
    }
}

/// The order of doubles: NaN equal to itself and behind all other numbers, −0.0 equal to 0.0.
#[inline]
pub fn cmp_doubles(a: f64, b: f64) -> Ordering {
    // Without an order, at least one is NaN.
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_one_order_with_nan_and_null_at_its_end() {
        let doubles = [f64::NEG_INFINITY, -1.0, 0.0, 1.0, f64::INFINITY, f64::NAN].map(Value::Double);
        let texts = ["", "Z", "a", "ab"].map(|text| Value::Varchar(text.into()));
        let numbers = [-1, 0, 12].map(|number| Value::Numeric(Decimal::new(number, 1)));
        let longs = [i64::MIN, 0, i64::MAX].map(Value::BigInt);
        for ladder in [doubles.to_vec(), texts.to_vec(), numbers.to_vec(), longs.to_vec()] {
            let ladder = [ladder, vec![Value::Null]].concat();
            for (a, left) in ladder.iter().enumerate() {
                for (b, right) in ladder.iter().enumerate() {
                    assert_eq!(left.cmp_sql(right), a.cmp(&b), "{left} {right}");
                }
            }
        }
        let equal = [
            (Value::Double(0.0), Value::Double(-0.0)),
            (Value::Double(f64::NAN), Value::Double(-f64::NAN)),
            (
                Value::Numeric(Decimal::new(10, 1)),
                Value::Numeric(Decimal::new(100, 2)),
            ),
        ];
        for (a, b) in equal {
            assert_eq!(a.cmp_sql(&b), Ordering::Equal, "{a} {b}");
        }
    }
}
