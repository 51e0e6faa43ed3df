//! Arithmetic: one loop for each function and type.
//!
//! As in PostgreSQL, an overflow and a division by zero are errors in every type, DOUBLE included:
//! an infinity only comes from an infinity. Integers lose the fraction towards zero when they are
//! divided. A time to which an interval is added must stay on the calendar.

use std::fmt::Display;

use day03_windows::time::{EventTime, Span};
use rust_decimal::Decimal;

use super::time::of_millis;
use super::{EvalError, each, there};
use crate::chunk::{Column, Values};
use crate::expr::Function;
use crate::value::DataType;
use crate::value::numeric;

/// What can be computed with.
trait Number: Copy + Display {
    const TYPE: DataType;
    const ZERO: Self;

    fn plus(self, other: Self) -> Option<Self>;
    fn minus(self, other: Self) -> Option<Self>;
    fn times(self, other: Self) -> Option<Self>;
    fn divide(self, other: Self) -> Option<Self>;
    fn modulo(self, other: Self) -> Option<Self>;
    fn negate(self) -> Option<Self>;
    fn is_zero(self) -> bool;
}

macro_rules! integer {
    ($type:ty, $data_type:expr) => {
        impl Number for $type {
            const TYPE: DataType = $data_type;
            const ZERO: Self = 0;

            #[inline]
            fn plus(self, other: Self) -> Option<Self> {
                self.checked_add(other)
            }
            #[inline]
            fn minus(self, other: Self) -> Option<Self> {
                self.checked_sub(other)
            }
            #[inline]
            fn times(self, other: Self) -> Option<Self> {
                self.checked_mul(other)
            }
            #[inline]
            fn divide(self, other: Self) -> Option<Self> {
                self.checked_div(other)
            }
            #[inline]
            fn modulo(self, other: Self) -> Option<Self> {
                // Nothing is left of the smallest number by −1, though the quotient does not fit.
                (other != 0).then(|| self.wrapping_rem(other))
            }
            #[inline]
            fn negate(self) -> Option<Self> {
                self.checked_neg()
            }
            #[inline]
            fn is_zero(self) -> bool {
                self == 0
            }
        }
    };
}

integer!(i32, DataType::Int);
integer!(i64, DataType::BigInt);

impl Number for f64 {
    const TYPE: DataType = DataType::Double;
    const ZERO: Self = 0.0;

    #[inline]
    fn plus(self, other: Self) -> Option<Self> {
        finite(self + other, self, other)
    }
    #[inline]
    fn minus(self, other: Self) -> Option<Self> {
        finite(self - other, self, other)
    }
    #[inline]
    fn times(self, other: Self) -> Option<Self> {
        finite(self * other, self, other)
    }
    #[inline]
    fn divide(self, other: Self) -> Option<Self> {
        (other != 0.0 || self.is_nan()).then_some(self / other)?;
        finite(self / other, self, other)
    }
    #[inline]
    fn modulo(self, other: Self) -> Option<Self> {
        (other != 0.0 || self.is_nan()).then_some(self % other)
    }
    #[inline]
    fn negate(self) -> Option<Self> {
        Some(-self)
    }
    #[inline]
    fn is_zero(self) -> bool {
        self == 0.0
    }
}

/// A result that is infinite only if a side is.
#[inline]
fn finite(result: f64, a: f64, b: f64) -> Option<f64> {
    (!result.is_infinite() || a.is_infinite() || b.is_infinite()).then_some(result)
}

impl Number for Decimal {
    const TYPE: DataType = DataType::Numeric(None);
    const ZERO: Self = Decimal::ZERO;

    fn plus(self, other: Self) -> Option<Self> {
        numeric::plus(self, other)
    }
    fn minus(self, other: Self) -> Option<Self> {
        numeric::minus(self, other)
    }
    fn times(self, other: Self) -> Option<Self> {
        numeric::times(self, other)
    }
    fn divide(self, other: Self) -> Option<Self> {
        numeric::divide(self, other)
    }
    fn modulo(self, other: Self) -> Option<Self> {
        numeric::modulo(self, other)
    }
    fn negate(self) -> Option<Self> {
        Some(numeric::negate(self))
    }
    fn is_zero(self) -> bool {
        Decimal::is_zero(&self)
    }
}

/// `a function b`; none if that is no arithmetic, or not of these types.
pub(super) fn compute(
    function: Function,
    a: &Column,
    b: &Column,
    active: Option<&[bool]>,
) -> Result<Option<Column>, EvalError> {
    let valid = there(&[a, b], active);
    let rows = valid.as_deref();
    let values = match (&a.values, &b.values) {
        (Values::Int(a), Values::Int(b)) => numbers(function, a, b, rows)?.map(Values::Int),
        (Values::BigInt(a), Values::BigInt(b)) => numbers(function, a, b, rows)?.map(Values::BigInt),
        (Values::Double(a), Values::Double(b)) => numbers(function, a, b, rows)?.map(Values::Double),
        (Values::Numeric(a), Values::Numeric(b)) => numbers(function, a, b, rows)?.map(Values::Numeric),
        (Values::Timestamp(times), Values::Interval(spans)) => {
            moved(function, times, spans, rows, DataType::Timestamp)?.map(Values::Timestamp)
        }
        (Values::TimestampTz(times), Values::Interval(spans)) => {
            moved(function, times, spans, rows, DataType::TimestampTz)?.map(Values::TimestampTz)
        }
        (Values::Interval(_), Values::Timestamp(_) | Values::TimestampTz(_))
            if function == Function::Plus =>
        {
            return compute(function, b, a, active);
        }
        _ => None,
    };
    Ok(values.map(|values| Column { values, valid }))
}

fn numbers<N: Number>(
    function: Function,
    a: &[N],
    b: &[N],
    there: Option<&[bool]>,
) -> Result<Option<Vec<N>>, EvalError> {
    let pairs = a.iter().zip(b);
    let results = match function {
        Function::Plus => each(pairs, there, N::ZERO, |(a, b)| a.plus(*b)),
        Function::Minus => each(pairs, there, N::ZERO, |(a, b)| a.minus(*b)),
        Function::Times => each(pairs, there, N::ZERO, |(a, b)| a.times(*b)),
        Function::Divide => each(pairs, there, N::ZERO, |(a, b)| a.divide(*b)),
        Function::Modulo => each(pairs, there, N::ZERO, |(a, b)| a.modulo(*b)),
        _ => return Ok(None),
    };
    results.map(Some).map_err(|row| {
        let computation = format!("{} {function} {}", a[row], b[row]);
        match function {
            Function::Divide | Function::Modulo if b[row].is_zero() => EvalError::DivisionByZero {
                computation,
                data_type: N::TYPE,
            },
            _ => EvalError::Overflow {
                computation,
                data_type: N::TYPE,
            },
        }
    })
}

/// Times that are moved by intervals.
fn moved(
    function: Function,
    times: &[EventTime],
    spans: &[Span],
    there: Option<&[bool]>,
    data_type: DataType,
) -> Result<Option<Vec<EventTime>>, EvalError> {
    let pairs = times.iter().zip(spans);
    let nothing = EventTime(0);
    let results = match function {
        Function::Plus => each(pairs, there, nothing, |(time, span)| {
            of_millis(time.0.checked_add(span.0)?)
        }),
        Function::Minus => each(pairs, there, nothing, |(time, span)| {
            of_millis(time.0.checked_sub(span.0)?)
        }),
        _ => return Ok(None),
    };
    results.map(Some).map_err(|row| EvalError::Overflow {
        computation: format!("{} {function} {}", times[row], spans[row]),
        data_type,
    })
}

/// `-a`; none if `a` is nothing that has a sign.
pub(super) fn negate(a: &Column, active: Option<&[bool]>) -> Result<Option<Column>, EvalError> {
    let valid = there(&[a], active);
    let rows = valid.as_deref();
    let values = match &a.values {
        Values::Int(list) => Values::Int(negated(list, rows)?),
        Values::BigInt(list) => Values::BigInt(negated(list, rows)?),
        Values::Double(list) => Values::Double(negated(list, rows)?),
        Values::Numeric(list) => Values::Numeric(negated(list, rows)?),
        Values::Interval(list) => {
            let negated = each(list.iter(), rows, Span(0), |span| span.0.checked_neg().map(Span));
            Values::Interval(negated.map_err(|row| no_negative(list[row], DataType::Interval))?)
        }
        _ => return Ok(None),
    };
    Ok(Some(Column { values, valid }))
}

fn negated<N: Number>(list: &[N], there: Option<&[bool]>) -> Result<Vec<N>, EvalError> {
    each(list.iter(), there, N::ZERO, |number| number.negate()).map_err(|row| no_negative(list[row], N::TYPE))
}

fn no_negative(value: impl Display, data_type: DataType) -> EvalError {
    EvalError::Overflow {
        computation: format!("-({value})"),
        data_type,
    }
}
