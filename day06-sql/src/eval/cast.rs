//! Casts, between all types that have values in common.
//!
//! ```text
//! BOOLEAN          INT, BIGINT (0 is false), VARCHAR (true, t, yes, y, on, 1 and their opposites)
//! INT, BIGINT      BOOLEAN (1 or 0), one another, DOUBLE (halves to the even number),
//!                  NUMERIC (halves away from zero), VARCHAR (whole numbers only)
//! DOUBLE           INT, BIGINT, NUMERIC (the nearest one), VARCHAR
//! NUMERIC          INT, BIGINT, DOUBLE (the digits that are printed), VARCHAR
//! NUMERIC(p, s)    the same and NUMERIC, with halves away from zero
//! VARCHAR          everything, as printed; times as 2020-04-15 08:05:00, +00:00 behind TIMESTAMPTZ
//! TIMESTAMP, -TZ   one another (in UTC), VARCHAR
//! to               from
//! ```
//!
//! The roundings are PostgreSQL's. A value that the other type does not have is an error, with this
//! value. Blanks around a text do not matter. An INTERVAL can only be made a text.

use std::borrow::Cow;

use day03_windows::time::EventTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{EvalError, each, there};
use crate::chunk::{Column, Texts, Values};
use crate::types::{DataType, Scalar};
use crate::{calendar, numeric};

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
    let values = match to {
        Boolean => to_boolean(&column.values, rows).map(|list| list.map(Values::Boolean)),
        Int => to_integer(&column.values, rows, |n| i32::try_from(n).ok()).map(|list| list.map(Values::Int)),
        BigInt => to_integer(&column.values, rows, Some).map(|list| list.map(Values::BigInt)),
        Double => to_double(&column.values, rows).map(|list| list.map(Values::Double)),
        Numeric(declared) => to_numeric(&column.values, rows, declared).map(|list| list.map(Values::Numeric)),
        Varchar => Some(Ok(Values::Varchar(to_text(&column, rows)))),
        Timestamp => {
            to_time(&column.values, rows, calendar::read_timestamp).map(|list| list.map(Values::Timestamp))
        }
        TimestampTz => to_time(&column.values, rows, calendar::read_timestamptz)
            .map(|list| list.map(Values::TimestampTz)),
        Interval => None,
    };
    let values = values.ok_or(EvalError::NoCast { from, to })?;
    let values = values.map_err(|row| EvalError::cast(&column.get(row), from, to))?;
    Ok(Cow::Owned(Column { values, valid }))
}

/// The values, if there is such a cast, or the first row whose value cannot be cast.
type Converted<T> = Option<Result<Vec<T>, usize>>;

fn to_boolean(values: &Values, rows: Option<&[bool]>) -> Converted<bool> {
    Some(match values {
        Values::Int(list) => each(list.iter(), rows, false, |n| Some(*n != 0)),
        Values::BigInt(list) => each(list.iter(), rows, false, |n| Some(*n != 0)),
        Values::Varchar(list) => each(list.iter(), rows, false, read_boolean),
        _ => return None,
    })
}

fn read_boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
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
        Values::Double(list) => each(list.iter(), rows, nothing, |n| {
            narrow(n.round_ties_even().to_i64()?)
        }),
        Values::Numeric(list) => each(list.iter(), rows, nothing, |n| {
            narrow(numeric::round(*n, 0).to_i64()?)
        }),
        Values::Varchar(list) => each(list.iter(), rows, nothing, |text| {
            narrow(text.trim().parse().ok()?)
        }),
        _ => return None,
    })
}

fn to_double(values: &Values, rows: Option<&[bool]>) -> Converted<f64> {
    Some(match values {
        Values::Int(list) => each(list.iter(), rows, 0.0, |n| Some(f64::from(*n))),
        Values::BigInt(list) => each(list.iter(), rows, 0.0, |n| Some(*n as f64)),
        Values::Numeric(list) => each(list.iter(), rows, 0.0, |n| numeric::to_double(*n)),
        Values::Varchar(list) => each(list.iter(), rows, 0.0, read_double),
        _ => return None,
    })
}

/// Reads a double. Digits that are too many for one are no infinity, only its name is.
fn read_double(text: &str) -> Option<f64> {
    let text = text.trim();
    let value: f64 = text.parse().ok()?;
    (value.is_finite() || !text.contains(|c: char| c.is_ascii_digit())).then_some(value)
}

fn to_numeric(values: &Values, rows: Option<&[bool]>, declared: Option<(u8, u8)>) -> Converted<Decimal> {
    let nothing = Decimal::ZERO;
    let fit = |number| numeric::fit(number, declared);
    Some(match values {
        Values::Int(list) => each(list.iter(), rows, nothing, |n| fit(Decimal::from(*n))),
        Values::BigInt(list) => each(list.iter(), rows, nothing, |n| fit(Decimal::from(*n))),
        Values::Double(list) => each(list.iter(), rows, nothing, |n| fit(numeric::from_double(*n)?)),
        Values::Numeric(list) => each(list.iter(), rows, nothing, |n| fit(*n)),
        Values::Varchar(list) => each(list.iter(), rows, nothing, |text| fit(numeric::read(text)?)),
        _ => return None,
    })
}

fn to_time(
    values: &Values,
    rows: Option<&[bool]>,
    read: impl Fn(&str) -> Option<EventTime>,
) -> Converted<EventTime> {
    Some(match values {
        Values::Timestamp(list) | Values::TimestampTz(list) => Ok(list.clone()),
        Values::Varchar(list) => each(list.iter(), rows, EventTime(0), read),
        _ => return None,
    })
}

fn to_text(column: &Column, rows: Option<&[bool]>) -> Texts {
    let mut texts = Texts::with_capacity(column.len(), 0);
    for row in 0..column.len() {
        match rows.is_none_or(|there| there[row]) {
            true => texts.push(&text(column.values.get(row))),
            false => texts.push(""),
        }
    }
    texts
}

fn text(value: Scalar) -> String {
    match value {
        Scalar::Timestamp(time) => calendar::text(time, ""),
        Scalar::TimestampTz(time) => calendar::text(time, "+00:00"),
        value => value.to_string(),
    }
}
