//! The values of a column, one list for each type.

use day03_windows::time::{EventTime, Span};
use rust_decimal::Decimal;

use super::gather;
use super::texts::Texts;
use crate::value::{DataType, Scalar, Value};

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// BOOLEAN.
    Boolean(Vec<bool>),
    /// INT.
    Int(Vec<i32>),
    /// BIGINT.
    BigInt(Vec<i64>),
    /// DOUBLE PRECISION.
    Double(Vec<f64>),
    /// DECIMAL.
    Numeric(Vec<Decimal>),
    /// VARCHAR.
    Varchar(Texts),
    /// TIMESTAMP.
    Timestamp(Vec<EventTime>),
    /// TIMESTAMPTZ.
    TimestampTz(Vec<EventTime>),
    /// INTERVAL: only while an expression is evaluated.
    Interval(Vec<Span>),
}

/// A value of another type than the column's.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{value} does not fit into a column of type {column}")]
pub struct WrongType {
    /// The value.
    pub value: Scalar,
    /// The type of the column.
    pub column: DataType,
}

/// The same for the values of every type.
macro_rules! each {
    ($values:expr, $list:ident => $result:expr) => {
        match $values {
            Values::Boolean($list) => $result,
            Values::Int($list) => $result,
            Values::BigInt($list) => $result,
            Values::Double($list) => $result,
            Values::Numeric($list) => $result,
            Values::Varchar($list) => $result,
            Values::Timestamp($list) | Values::TimestampTz($list) => $result,
            Values::Interval($list) => $result,
        }
    };
}

impl Values {
    /// No values yet.
    pub fn new(data_type: DataType) -> Self {
        Values::with_capacity(data_type, 0)
    }

    /// No values yet, but room for so many.
    pub fn with_capacity(data_type: DataType, rows: usize) -> Self {
        match data_type {
            DataType::Boolean => Values::Boolean(Vec::with_capacity(rows)),
            DataType::Int => Values::Int(Vec::with_capacity(rows)),
            DataType::BigInt => Values::BigInt(Vec::with_capacity(rows)),
            DataType::Double => Values::Double(Vec::with_capacity(rows)),
            DataType::Numeric(_) => Values::Numeric(Vec::with_capacity(rows)),
            DataType::Varchar => Values::Varchar(Texts::with_capacity(rows, 0)),
            DataType::Timestamp => Values::Timestamp(Vec::with_capacity(rows)),
            DataType::TimestampTz => Values::TimestampTz(Vec::with_capacity(rows)),
            DataType::Interval => Values::Interval(Vec::with_capacity(rows)),
        }
    }

    /// No values of the same type, but room for as many.
    pub(super) fn room(&self) -> Self {
        match self {
            Values::Varchar(texts) => Values::Varchar(Texts::with_capacity(texts.len(), texts.byte_len())),
            values => Values::with_capacity(values.data_type(), values.len()),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        each!(self, list => list.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their type. What precision a NUMERIC was declared with, its values do not know.
    pub fn data_type(&self) -> DataType {
        match self {
            Values::Boolean(_) => DataType::Boolean,
            Values::Int(_) => DataType::Int,
            Values::BigInt(_) => DataType::BigInt,
            Values::Double(_) => DataType::Double,
            Values::Numeric(_) => DataType::Numeric(None),
            Values::Varchar(_) => DataType::Varchar,
            Values::Timestamp(_) => DataType::Timestamp,
            Values::TimestampTz(_) => DataType::TimestampTz,
            Values::Interval(_) => DataType::Interval,
        }
    }

    /// The value at a place.
    #[inline]
    pub fn value(&self, row: usize) -> Value<'_> {
        match self {
            Values::Boolean(list) => Value::Boolean(list[row]),
            Values::Int(list) => Value::Int(list[row]),
            Values::BigInt(list) => Value::BigInt(list[row]),
            Values::Double(list) => Value::Double(list[row]),
            Values::Numeric(list) => Value::Numeric(list[row]),
            Values::Varchar(list) => Value::Varchar(list.get(row).into()),
            Values::Timestamp(list) => Value::Timestamp(list[row]),
            Values::TimestampTz(list) => Value::TimestampTz(list[row]),
            Values::Interval(list) => Value::Interval(list[row]),
        }
    }

    /// The value at a place, with a text of its own.
    pub fn get(&self, row: usize) -> Scalar {
        self.value(row).into_scalar()
    }

    /// Appends a value, or for NULL anything.
    #[inline]
    pub(crate) fn push(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        match (self, value) {
            (Values::Boolean(list), Value::Boolean(value)) => list.push(value),
            (Values::Int(list), Value::Int(value)) => list.push(value),
            (Values::BigInt(list), Value::BigInt(value)) => list.push(value),
            (Values::Double(list), Value::Double(value)) => list.push(value),
            (Values::Numeric(list), Value::Numeric(value)) => list.push(value),
            (Values::Varchar(list), Value::Varchar(value)) => list.push(&value),
            (Values::Timestamp(list), Value::Timestamp(value)) => list.push(value),
            (Values::TimestampTz(list), Value::TimestampTz(value)) => list.push(value),
            (Values::Interval(list), Value::Interval(value)) => list.push(value),
            (values, Value::Null) => values.push_anything(),
            (values, value) => {
                return Err(WrongType {
                    value: value.into_scalar(),
                    column: values.data_type(),
                });
            }
        }
        Ok(())
    }

    pub(super) fn push_anything(&mut self) {
        match self {
            Values::Boolean(list) => list.push(false),
            Values::Int(list) => list.push(0),
            Values::BigInt(list) => list.push(0),
            Values::Double(list) => list.push(0.0),
            Values::Numeric(list) => list.push(Decimal::ZERO),
            Values::Varchar(list) => list.push(""),
            Values::Timestamp(list) | Values::TimestampTz(list) => list.push(EventTime(0)),
            Values::Interval(list) => list.push(Span(0)),
        }
    }

    pub(super) fn append(&mut self, other: Values) {
        match (self, other) {
            (Values::Boolean(list), Values::Boolean(more)) => list.extend(more),
            (Values::Int(list), Values::Int(more)) => list.extend(more),
            (Values::BigInt(list), Values::BigInt(more)) => list.extend(more),
            (Values::Double(list), Values::Double(more)) => list.extend(more),
            (Values::Numeric(list), Values::Numeric(more)) => list.extend(more),
            (Values::Varchar(list), Values::Varchar(more)) => list.append(&more),
            (Values::Timestamp(list), Values::Timestamp(more)) => list.extend(more),
            (Values::TimestampTz(list), Values::TimestampTz(more)) => list.extend(more),
            (Values::Interval(list), Values::Interval(more)) => list.extend(more),
            (values, other) => {
                unreachable!("a {} behind a {}", other.data_type(), values.data_type())
            }
        }
    }

    pub(super) fn gather(&self, rows: &[u32]) -> Values {
        match self {
            Values::Boolean(list) => Values::Boolean(gather(list, rows)),
            Values::Int(list) => Values::Int(gather(list, rows)),
            Values::BigInt(list) => Values::BigInt(gather(list, rows)),
            Values::Double(list) => Values::Double(gather(list, rows)),
            Values::Numeric(list) => Values::Numeric(gather(list, rows)),
            Values::Varchar(list) => Values::Varchar(list.gather(rows)),
            Values::Timestamp(list) => Values::Timestamp(gather(list, rows)),
            Values::TimestampTz(list) => Values::TimestampTz(gather(list, rows)),
            Values::Interval(list) => Values::Interval(gather(list, rows)),
        }
    }
}
