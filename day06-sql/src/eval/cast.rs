//! Casts, between all types that have values in common.
//!
//! ```text
//! to               from
//! BOOLEAN          INT, BIGINT (0 is false), VARCHAR
//! INT, BIGINT      BOOLEAN (1 or 0), one another, DOUBLE and NUMERIC (towards zero), VARCHAR
//! DOUBLE           INT, BIGINT, NUMERIC (the nearest one), VARCHAR
//! NUMERIC          INT, BIGINT, DOUBLE (the digits that are printed), VARCHAR
//! NUMERIC(p, s)    the same and NUMERIC, with halves away from zero
//! VARCHAR          everything
//! TIMESTAMP, -TZ   one another (in UTC), VARCHAR
//! ```
//!
//! What a text stands for, and which text a value has, is the same as anywhere else: see [`value`](crate::value). A value
//! that the other type does not have is an error, with this value. An INTERVAL can only be made a text.
//!
//! PostgreSQL rounds where a number loses its fraction; Flink and this cut it off, so 2.9 is 2 whether it is cast or read.
//! Flink lets an integer that is too large wrap around; here it is an error.

use std::borrow::Cow;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{EvalError, each, there};
use crate::chunk::{Column, Texts, Values};
use crate::value::write::TimeForm;
use crate::value::{DataType, Value, numeric};

use DataType::{BigInt, Boolean, Double, Int, Interval, Numeric, Timestamp, TimestampTz, Varchar};

/// Whether there is a cast between two types, though maybe not for all values.
pub fn castable(from: DataType, to: DataType) -> bool {
    match (from, to) {
        (_, Varchar) | (Interval, Interval) => true,
        (_, Interval) | (Interval, _) => false,
        (Varchar, _) => true,
        (Boolean | Int | BigInt, Boolean | Int | BigInt) => true,
        (Int | BigInt | Double | Numeric(_), Int | BigInt | Double | Numeric(_)) => true,
        (Timestamp | TimestampTz, Timestamp | TimestampTz) => true,
        _ => false,
    }
}

/// The values as another type; only active rows can fail.
pub(super) fn cast<'a>(
    column: Cow<'a, Column>,
    to: DataType,
    active: Option<&[bool]>,
) -> Result<Cow<'a, Column>, EvalError> {
    let from = column.data_type();
    // A declared precision is never known of a column, so it is always looked at.
    if from == to {
        return Ok(column);
    }
    let valid = there(&[&column], active);
    let rows = valid.as_deref();
    let values = match (&column.values, to) {
        (_, Varchar) => Some(Ok(Values::Varchar(to_text(&column, rows)))),
        (Values::Varchar(texts), to) if castable(from, to) => Some(read(texts, rows, to)),
        (values, Boolean) => to_boolean(values, rows).map(|list| list.map(Values::Boolean)),
        (values, Int) => {
            to_integer(values, rows, |n| i32::try_from(n).ok()).map(|list| list.map(Values::Int))
        }
        (values, BigInt) => to_integer(values, rows, Some).map(|list| list.map(Values::BigInt)),
        (values, Double) => to_double(values, rows).map(|list| list.map(Values::Double)),
        (values, Numeric(declared)) => {
            to_numeric(values, rows, declared).map(|list| list.map(Values::Numeric))
        }
        (Values::TimestampTz(list), Timestamp) => Some(Ok(Values::Timestamp(list.clone()))),
        (Values::Timestamp(list), TimestampTz) => Some(Ok(Values::TimestampTz(list.clone()))),
        _ => None,
    };
    let values = values.ok_or(EvalError::NoCast { from, to })?;
    let values = values.map_err(|row| EvalError::cast(&column.get(row), from, to))?;
    Ok(Cow::Owned(Column { values, valid }))
}

/// The values as another type, and NULL where a value cannot be cast.
pub(super) fn try_cast(column: &Column, to: DataType, active: Option<&[bool]>) -> Result<Column, EvalError> {
    match cast(Cow::Borrowed(column), to, active) {
        Err(EvalError::Cast { .. }) => {}
        result => return result.map(Cow::into_owned),
    }
    let mut result = Column::new(to, column.len());
    for row in 0..column.len() {
        match cast(Cow::Owned(column.gather(&[row as u32])), to, None) {
            Ok(value) => result.append(value.into_owned()),
            Err(EvalError::Cast { .. }) => result.push_null(),
            Err(error) => return Err(error),
        }
    }
    Ok(result)
}

/// The values of texts, or the first row whose text is none.
fn read(texts: &Texts, rows: Option<&[bool]>, to: DataType) -> Result<Values, usize> {
    let mut values = Values::with_capacity(to, texts.len());
    for (row, text) in texts.iter().enumerate() {
        let value = match rows.is_none_or(|there| there[row]) {
            true => Value::read(Cow::Borrowed(text), to).map_err(|_| row)?,
            false => Value::Null,
        };
        values.push(value).map_err(|_| row)?;
    }
    Ok(values)
}

/// The values, if there is such a cast, or the first row whose value cannot be cast.
type Converted<T> = Option<Result<Vec<T>, usize>>;

fn to_boolean(values: &Values, rows: Option<&[bool]>) -> Converted<bool> {
    Some(match values {
        Values::Int(list) => each(list.iter(), rows, false, |n| Some(*n != 0)),
        Values::BigInt(list) => each(list.iter(), rows, false, |n| Some(*n != 0)),
        _ => return None,
    })
}

fn to_integer<N: Copy + Default>(
    values: &Values,
    rows: Option<&[bool]>,
    narrow: impl Fn(i64) -> Option<N>,
) -> Converted<N> {
    let nothing = N::default();
    Some(match values {
        Values::Boolean(list) => each(list.iter(), rows, nothing, |value| narrow(i64::from(*value))),
        Values::Int(list) => each(list.iter(), rows, nothing, |n| narrow(i64::from(*n))),
        Values::BigInt(list) => each(list.iter(), rows, nothing, |n| narrow(*n)),
        Values::Double(list) => each(list.iter(), rows, nothing, |n| narrow(n.to_i64()?)),
        Values::Numeric(list) => each(list.iter(), rows, nothing, |n| narrow(n.trunc().to_i64()?)),
        _ => return None,
    })
}

fn to_double(values: &Values, rows: Option<&[bool]>) -> Converted<f64> {
    Some(match values {
        Values::Int(list) => each(list.iter(), rows, 0.0, |n| Some(f64::from(*n))),
        Values::BigInt(list) => each(list.iter(), rows, 0.0, |n| Some(*n as f64)),
        Values::Numeric(list) => each(list.iter(), rows, 0.0, |n| numeric::to_double(*n)),
        _ => return None,
    })
}

fn to_numeric(values: &Values, rows: Option<&[bool]>, declared: Option<(u8, u8)>) -> Converted<Decimal> {
    let nothing = Decimal::ZERO;
    let fit = |number| numeric::fit(number, declared);
    Some(match values {
        Values::Int(list) => each(list.iter(), rows, nothing, |n| fit(Decimal::from(*n))),
        Values::BigInt(list) => each(list.iter(), rows, nothing, |n| fit(Decimal::from(*n))),
        Values::Double(list) => each(list.iter(), rows, nothing, |n| fit(numeric::from_double(*n)?)),
        Values::Numeric(list) => each(list.iter(), rows, nothing, |n| fit(*n)),
        _ => return None,
    })
}

fn to_text(column: &Column, rows: Option<&[bool]>) -> Texts {
    let mut texts = Texts::with_capacity(column.len(), 0);
    let mut text = Vec::new();
    for row in 0..column.len() {
        text.clear();
        if rows.is_none_or(|there| there[row]) {
            column.value(row).write(TimeForm::Sql, &mut text);
        }
        texts.push(&String::from_utf8_lossy(&text));
    }
    texts
}
