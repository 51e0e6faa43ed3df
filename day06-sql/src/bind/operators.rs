//! Operators and literals: which types they take, and which they give.
//!
//! ```text
//! number  + - * / %  number      the wider type; decimals give NUMERIC with the digits that the result needs
//! time    + -        INTERVAL    the time
//! any     = < …      the same    BOOLEAN
//! ```

use rust_decimal::Decimal;
use sqlparser::tokenizer::Span;

use super::coerce::{Typed, common, convert, fits, is_number};
use crate::error::{Outcome, SqlError};
use crate::expr::{Expr, Function};
use crate::parse::ast::{self, Binary, Name, Node};
use crate::plan::AggregateFunction;
use crate::value::{DataType, Scalar};

/// How many parts an expression may have because parts of it are compared several times.
const PARTS: usize = 200_000;

/// Which aggregate has this name.
pub(super) fn aggregate_named(name: &Name) -> Option<AggregateFunction> {
    Some(match name.value.to_uppercase().as_str() {
        "COUNT" => AggregateFunction::Count,
        "SUM" => AggregateFunction::Sum,
        "MIN" => AggregateFunction::Min,
        "MAX" => AggregateFunction::Max,
        "AVG" => AggregateFunction::Avg,
        _ => return None,
    })
}

/// Whether an aggregate is anywhere in it.
pub(super) fn has_aggregate(expr: &ast::Expr) -> bool {
    let here = matches!(&expr.node, Node::Call { name, .. } if aggregate_named(name).is_some());
    here || expr.parts().into_iter().any(has_aggregate)
}

pub(super) fn expected(value: Typed, to: DataType, function: &str) -> Outcome<Expr> {
    match fits(&value.expr, to) {
        true => convert(value, to),
        false => {
            let message = format!("{function} takes {to}, and this is {}", value.data_type());
            Err(SqlError::new(value.span, message).hint(format!("CAST(… AS {to})")))
        }
    }
}

/// All values as the one type that they fit into.
pub(super) fn unified(values: Vec<Typed>, what: &str) -> Outcome<(Vec<Expr>, DataType)> {
    let is_open = |value: &&Typed| matches!(value.expr, Expr::Literal(Scalar::Null | Scalar::Varchar(_), _));
    let mut closed = values.iter().filter(|value| !is_open(value));
    let mut both = closed.next().map_or(DataType::Varchar, Typed::data_type);
    for value in closed {
        both = common(both, value.data_type()).ok_or_else(|| {
            SqlError::new(value.span, format!("{what} are {both} and {}", value.data_type()))
                .hint("CAST one of them")
        })?;
    }
    let values = values
        .into_iter()
        .map(|value| convert(value, both))
        .collect::<Outcome<Vec<_>>>()?;
    Ok((values, both))
}

pub(super) fn negate(negated: bool, expr: Expr) -> Expr {
    match negated {
        true => Expr::Call(Function::Not, vec![expr], DataType::Boolean),
        false => expr,
    }
}

/// An error if a value that is written once would be computed at so many places that it comes to too much. Each level of
/// `(x BETWEEN a AND b) BETWEEN c AND d` doubles what is inside.
pub(super) fn copied(value: &Typed, times: usize) -> Outcome<()> {
    match value.expr.size().saturating_mul(times) > PARTS {
        false => Ok(()),
        true => Err(SqlError::new(
            value.span,
            format!("an expression that comes to more than {PARTS} operations"),
        )
        .hint("compute it in a sub-query, and use its column here")),
    }
}

/// Whether any is true, as a tree that is not deep.
pub(super) fn any(mut conditions: Vec<Expr>) -> Option<Expr> {
    if conditions.len() <= 1 {
        return conditions.pop();
    }
    let right = conditions.split_off(conditions.len() / 2);
    Some(Expr::Call(
        Function::Or,
        vec![any(conditions)?, any(right)?],
        DataType::Boolean,
    ))
}

/// A number has the smallest type that holds it exactly; with an exponent it is DOUBLE.
pub(super) fn number(digits: &str, span: Span) -> Outcome<Expr> {
    let scalar = if let Ok(value) = digits.parse::<i32>() {
        Some((Scalar::Int(value), DataType::Int))
    } else if let Ok(value) = digits.parse::<i64>() {
        Some((Scalar::BigInt(value), DataType::BigInt))
    } else if digits.contains(['e', 'E']) {
        let value = digits.parse::<f64>().ok().filter(|value| value.is_finite());
        value.map(|value| (Scalar::Double(value), DataType::Double))
    } else {
        let value = Decimal::from_str_exact(digits).ok();
        value.map(|value| (Scalar::Numeric(value), DataType::Numeric(None)))
    };
    match scalar {
        Some((scalar, data_type)) => Ok(Expr::Literal(scalar, data_type)),
        None => Err(SqlError::new(
            span,
            format!("{digits} is no number that a type holds"),
        )),
    }
}

pub(super) fn binary(op: Binary, left: Typed, right: Typed, span: Span) -> Outcome<Expr> {
    let function = match op {
        Binary::Plus => Function::Plus,
        Binary::Minus => Function::Minus,
        Binary::Times => Function::Times,
        Binary::Divide => Function::Divide,
        Binary::Modulo => Function::Modulo,
        Binary::Equal => Function::Equal,
        Binary::NotEqual => Function::NotEqual,
        Binary::Less => Function::Less,
        Binary::LessOrEqual => Function::LessOrEqual,
        Binary::Greater => Function::Greater,
        Binary::GreaterOrEqual => Function::GreaterOrEqual,
        Binary::And => Function::And,
        Binary::Or => Function::Or,
        Binary::Concat => Function::Concat,
    };
    let (l, r) = (left.data_type(), right.data_type());
    let wrong = || {
        let error = SqlError::new(span, format!("{l} {} {r} does not go together", op.sign()));
        match op {
            Binary::Concat => error.hint("CAST(… AS VARCHAR)"),
            _ => error.hint("CAST one of them"),
        }
    };
    let into = |data_type: DataType, result: DataType| -> Outcome<Expr> {
        if !fits(&left.expr, data_type) || !fits(&right.expr, data_type) {
            return Err(wrong());
        }
        let both = vec![
            convert(left.clone(), data_type)?,
            convert(right.clone(), data_type)?,
        ];
        Ok(Expr::Call(function, both, result))
    };
    match op {
        Binary::And | Binary::Or => into(DataType::Boolean, DataType::Boolean),
        Binary::Concat => into(DataType::Varchar, DataType::Varchar),
        Binary::Plus | Binary::Minus if is_time(l) && r == DataType::Interval => {
            Ok(Expr::Call(function, vec![left.expr, right.expr], l))
        }
        Binary::Plus if l == DataType::Interval && is_time(r) => {
            Ok(Expr::Call(function, vec![right.expr, left.expr], r))
        }
        Binary::Plus | Binary::Minus | Binary::Times | Binary::Divide | Binary::Modulo => {
            match meeting(&left, &right) {
                // The result of decimals has the digits that it needs.
                Some(DataType::Numeric(_)) => into(DataType::Numeric(None), DataType::Numeric(None)),
                Some(both) if is_number(both) => into(both, both),
                _ => Err(wrong()),
            }
        }
        _ => match meeting(&left, &right) {
            Some(DataType::Interval) | None => Err(wrong()),
            Some(both) => into(both, DataType::Boolean),
        },
    }
}

pub(super) fn is_time(data_type: DataType) -> bool {
    matches!(data_type, DataType::Timestamp | DataType::TimestampTz)
}

/// The type for both sides: a text or NULL becomes what the other side is.
fn meeting(left: &Typed, right: &Typed) -> Option<DataType> {
    let is_open = |value: &Typed| matches!(value.expr, Expr::Literal(Scalar::Null | Scalar::Varchar(_), _));
    match (is_open(left), is_open(right)) {
        (true, false) => Some(right.data_type()),
        (false, true) => Some(left.data_type()),
        _ => common(left.data_type(), right.data_type()),
    }
}
