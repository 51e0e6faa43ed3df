//! Which types go together, and the casts that make them equal.
//!
//! ```text
//! INT → BIGINT → NUMERIC → DOUBLE PRECISION       by themselves, in this direction only
//! 'text' or NULL → whatever is on the other side  a literal has the type that is needed
//! ```
//!
//! Everything else takes a CAST that somebody wrote. RisingWave and PostgreSQL have the same rule; Flink does more by itself.
//! A literal is converted here, by the one reader of texts, so that a text that is no timestamp is an error at its place and
//! not at the first row.

use day01_consumer::printable::excerpt;
use rust_decimal::Decimal;
use sqlparser::tokenizer::Span;

use crate::error::{Outcome, SqlError};
use crate::expr::Expr;
use crate::value::{DataType, Scalar, Value, numeric};

/// An expression and the place where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub expr: Expr,
    pub span: Span,
}

impl Typed {
    pub(crate) fn data_type(&self) -> DataType {
        self.expr.data_type()
    }
}

/// The place among numbers; none for what is none.
fn rank(data_type: DataType) -> Option<u8> {
    match data_type {
        DataType::Int => Some(0),
        DataType::BigInt => Some(1),
        DataType::Numeric(_) => Some(2),
        DataType::Double => Some(3),
        _ => None,
    }
}

pub(crate) fn is_number(data_type: DataType) -> bool {
    rank(data_type).is_some()
}

/// The type that values of both types fit into.
pub(crate) fn common(left: DataType, right: DataType) -> Option<DataType> {
    match (rank(left), rank(right)) {
        _ if left == right => Some(left),
        (Some(2), Some(2)) => Some(DataType::Numeric(None)),
        (Some(l), Some(r)) => match if l > r { left } else { right } {
            DataType::Numeric(_) => Some(DataType::Numeric(None)),
            wider => Some(wider),
        },
        _ => None,
    }
}

/// Whether a value gets this type by itself.
pub(crate) fn fits(expr: &Expr, to: DataType) -> bool {
    let from = expr.data_type();
    match expr {
        Expr::Literal(Scalar::Null, _) => true,
        Expr::Literal(Scalar::Varchar(_), _) => to != DataType::Interval,
        _ if from == to => true,
        _ => matches!((rank(from), rank(to)), (Some(from), Some(to)) if from <= to),
    }
}

/// The value with a type that it [`fits`] or is [cast](crate::eval::castable) to.
pub(crate) fn convert(value: Typed, to: DataType) -> Outcome<Expr> {
    let Typed { expr, span } = value;
    if expr.data_type() == to {
        return Ok(expr);
    }
    match &expr {
        Expr::Literal(scalar, _) => match literal(scalar, to) {
            Ok(Some(scalar)) => Ok(Expr::Literal(scalar, to)),
            Ok(None) => Ok(Expr::Cast(Box::new(expr), to)),
            Err(reason) => Err(SqlError::new(span, reason)),
        },
        // Without precision it is any decimal already.
        _ if to == DataType::Numeric(None) && matches!(expr.data_type(), DataType::Numeric(_)) => Ok(expr),
        _ => Ok(Expr::Cast(Box::new(expr), to)),
    }
}

/// A literal as another type; none if it takes a cast while the job runs.
fn literal(scalar: &Scalar, to: DataType) -> Result<Option<Scalar>, String> {
    Ok(match (scalar, to) {
        (Scalar::Null, _) => Some(Scalar::Null),
        (Scalar::Varchar(text), _) => return parsed(text, to).map(Some),
        (Scalar::Int(value), DataType::BigInt) => Some(Scalar::BigInt(i64::from(*value))),
        (Scalar::Int(value), DataType::Double) => Some(Scalar::Double(f64::from(*value))),
        (Scalar::Int(value), DataType::Numeric(None)) => Some(Scalar::Numeric(Decimal::from(*value))),
        (Scalar::BigInt(value), DataType::Numeric(None)) => Some(Scalar::Numeric(Decimal::from(*value))),
        (Scalar::Numeric(value), DataType::Double) => numeric::to_double(*value).map(Scalar::Double),
        _ => None,
    })
}

/// A text in single quotes as a value of a type.
pub(crate) fn parsed(text: &str, to: DataType) -> Result<Scalar, String> {
    match Value::read(text.into(), to) {
        Ok(value) => Ok(value.into_scalar()),
        Err(unfit) => Err(format!("'{}' is {unfit}", excerpt(text.as_bytes(), 0))),
    }
}

#[cfg(test)]
mod tests {
    use day03_windows::time::EventTime;

    use super::*;
    use DataType::{BigInt, Boolean, Double, Int, Numeric, Timestamp, TimestampTz, Varchar};

    #[test]
    fn numbers_widen_and_nothing_else_changes_by_itself() {
        let money = Numeric(Some((10, 2)));
        #[rustfmt::skip]
        let table = [
            (Int,       Int,           Some(Int)),
            (Int,       BigInt,        Some(BigInt)),
            (BigInt,    money,         Some(Numeric(None))),
            (money,     money,         Some(money)),
            (money,     Numeric(None), Some(Numeric(None))),
            (money,     Double,        Some(Double)),
            (Varchar,   Int,           None),
            (Boolean,   Int,           None),
            (Timestamp, TimestampTz,   None),
            (Timestamp, Varchar,       None),
        ];
        for (left, right, both) in table {
            assert_eq!(common(left, right), both, "{left} and {right}");
            assert_eq!(common(right, left), both, "{right} and {left}");
            let column = Expr::Column(0, left);
            let widens = both.is_some() && rank(left) <= rank(right);
            assert_eq!(fits(&column, right), widens, "{left} into {right}");
        }
    }

    #[test]
    fn texts_are_read_when_the_statement_is_and_not_later() {
        let at = EventTime(1_586_937_900_000);
        #[rustfmt::skip]
        let table = [
            ("2020-04-15 08:05:00",     Timestamp,              Ok(Scalar::Timestamp(at))),
            ("2020-04-15T08:05",        Timestamp,              Ok(Scalar::Timestamp(at))),
            ("2020-04-15T08:05:00Z",    TimestampTz,            Ok(Scalar::TimestampTz(at))),
            ("2020-04-15 09:05:00+01",  TimestampTz,            Ok(Scalar::TimestampTz(at))),
            ("2020-04-15 08:05:00",     TimestampTz,            Ok(Scalar::TimestampTz(at))),
            ("yesterday",               Timestamp,              Err("'yesterday' is no valid TIMESTAMP, such as 2026-01-01 00:00:00".to_string())),
            (" 12 ",                    Int,                    Ok(Scalar::Int(12))),
            ("3000000000",              Int,                    Err("'3000000000' is no valid INT: those are -2147483648 to 2147483647; BIGINT has more".to_string())),
            ("1.005",                   Numeric(Some((10, 2))), Ok(Scalar::Numeric(Decimal::new(101, 2)))),
            ("TRUE",                    Boolean,                Ok(Scalar::Boolean(true))),
        ];
        for (text, data_type, value) in table {
            assert_eq!(parsed(text, data_type), value, "{text}");
        }
    }
}
