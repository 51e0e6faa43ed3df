//! Functions that make times. The bounds of windows are those that the window operators use.

use day03_windows::assigner::SliceAssigner;
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{EvalError, On, each, eval, there};
use crate::chunk::{Column, Values};
use crate::expr::{Expr, Function};
use crate::value::{DataType, Scalar};

/// The start or the end of the tumbling window that each time belongs to. A window that would reach
/// past the calendar ends with it.
pub(super) fn tumble(function: Function, args: &[Expr], on: On<'_, '_>) -> Result<Column, EvalError> {
    let [
        time,
        Expr::Literal(Scalar::Interval(size), _),
        Expr::Literal(Scalar::Interval(offset), _),
    ] = args
    else {
        return Err(no_function(function, args));
    };
    let spec = WindowSpec::tumble(*size, *offset)?;
    let assigner = SliceAssigner::new(spec).map_err(|_| no_function(function, args))?;
    let bound = |time: &EventTime| {
        let end = assigner.slice_of(*time);
        let bound = match function {
            Function::TumbleStart => assigner.slice(end).start,
            _ => end,
        };
        bound.on_calendar()
    };
    let time = eval(time, on)?;
    let values = match &time.values {
        Values::Timestamp(list) => Values::Timestamp(list.iter().map(bound).collect()),
        Values::TimestampTz(list) => Values::TimestampTz(list.iter().map(bound).collect()),
        _ => return Err(no_function(function, args)),
    };
    Ok(Column {
        values,
        valid: time.valid.clone(),
    })
}

/// A number of seconds (0) or milliseconds (3) since 1970 as a point in time. What is smaller than
/// a millisecond is cut off towards zero, and too many are an error.
pub(super) fn to_timestamp_ltz(args: &[Expr], on: On<'_, '_>) -> Result<Column, EvalError> {
    let function = Function::ToTimestampLtz;
    let (number, unit) = match args {
        [number, Expr::Literal(Scalar::Int(0) | Scalar::BigInt(0), _)] => (number, Span::seconds(1)),
        [number, Expr::Literal(Scalar::Int(3) | Scalar::BigInt(3), _)] => (number, Span::millis(1)),
        _ => return Err(no_function(function, args)),
    };
    let number = eval(number, on)?;
    let valid = there(&[&number], on.active);
    let rows = valid.as_deref();
    let nothing = EventTime(0);
    let times = match &number.values {
        Values::Int(list) => each(list.iter(), rows, nothing, |n| {
            of_millis(i64::from(*n).checked_mul(unit.0)?)
        }),
        Values::BigInt(list) => each(list.iter(), rows, nothing, |n| of_millis(n.checked_mul(unit.0)?)),
        Values::Double(list) => each(list.iter(), rows, nothing, |n| {
            of_millis((n * unit.0 as f64).to_i64()?)
        }),
        Values::Numeric(list) => each(list.iter(), rows, nothing, |n| {
            of_millis(n.checked_mul(Decimal::from(unit.0))?.trunc().to_i64()?)
        }),
        _ => return Err(no_function(function, args)),
    };
    let times =
        times.map_err(|row| EvalError::cast(&number.get(row), number.data_type(), DataType::TimestampTz))?;
    Ok(Column {
        values: Values::TimestampTz(times),
        valid,
    })
}

fn no_function(function: Function, args: &[Expr]) -> EvalError {
    EvalError::NoFunction {
        function,
        types: args.iter().map(Expr::data_type).collect(),
    }
}

/// The time so many milliseconds after 1970, if it is on the calendar.
pub(super) fn of_millis(millis: i64) -> Option<EventTime> {
    Some(EventTime(millis)).filter(|time| time.is_on_calendar())
}
