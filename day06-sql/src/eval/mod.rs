//! Evaluates expressions over whole columns.
//!
//! An expression is walked once a chunk, and at each node a loop over plain values does the work of
//! that node for all rows. What a row may not do is make work for the others, and it may not fail
//! on behalf of a branch that SQL does not take for it:
//!
//! ```text
//! CASE WHEN n > 0 THEN total / n ELSE 0 END
//!
//!   n            2     0    NULL
//!   n > 0        true  false NULL
//!   active       yes   no    no       for the first branch
//!   total / n    4     ·     ·        not divided, so no error: NULL for now
//!   the result   4     0     0        each row from its own branch
//! ```
//!
//! So a branch is evaluated for all rows where that cannot fail, and a loop that can fail is given
//! the *active* rows and leaves the others NULL. The same goes for the right side of AND and OR and
//! for the later arguments of COALESCE.
//!
//! NULL makes every function NULL except those that ask for it (IS NULL, COALESCE, CASE, AND, OR).
//!
//! Left out: expressions that are equal are computed as often as they stand there.

mod arithmetic;
mod cast;
mod choice;
mod compare;
mod error;
mod logic;
mod rows;
mod text;
mod time;

use std::borrow::Cow;

pub use cast::castable;
pub use error::EvalError;
pub use rows::{Evaluated, RowError, evaluate_rows};

use crate::chunk::{Chunk, Column, Values};
use crate::expr::{Expr, Function};
use crate::value::{DataType, Scalar};

/// The value of an expression for each row of a chunk.
pub fn evaluate(expr: &Expr, chunk: &Chunk) -> Result<Column, EvalError> {
    evaluate_ref(expr, chunk).map(Cow::into_owned)
}

/// As [`evaluate`], but a plain column is not copied.
pub fn evaluate_ref<'a>(expr: &Expr, chunk: &'a Chunk) -> Result<Cow<'a, Column>, EvalError> {
    eval(expr, On { chunk, active: None })
}

/// For each row of a chunk whether the expression, a BOOLEAN, is true: false and NULL are not.
pub fn predicate(expr: &Expr, chunk: &Chunk) -> Result<Vec<bool>, EvalError> {
    truth(expr, On { chunk, active: None })
}

/// What an expression is evaluated on.
#[derive(Clone, Copy)]
struct On<'a, 'm> {
    chunk: &'a Chunk,
    /// The rows whose values are asked for; none if all are. For the others there may be anything,
    /// but no error.
    active: Option<&'m [bool]>,
}

fn eval<'a>(expr: &Expr, on: On<'a, '_>) -> Result<Cow<'a, Column>, EvalError> {
    match expr {
        Expr::Column(place, _) => match on.chunk.columns.get(*place) {
            Some(column) => Ok(Cow::Borrowed(column)),
            None => Err(EvalError::NoColumn {
                place: *place,
                columns: on.chunk.columns.len(),
            }),
        },
        Expr::Literal(value, data_type) => Ok(Cow::Owned(Column::repeat(value, *data_type, on.chunk.rows)?)),
        Expr::Call(function, args, data_type) => call(*function, args, *data_type, on).map(Cow::Owned),
        Expr::Cast(inner, to) => cast::cast(eval(inner, on)?, *to, on.active),
        Expr::Case(branches, otherwise, data_type) => {
            choice::case(branches, otherwise, *data_type, on).map(Cow::Owned)
        }
    }
}

fn call(function: Function, args: &[Expr], data_type: DataType, on: On<'_, '_>) -> Result<Column, EvalError> {
    match (function, args) {
        (Function::And | Function::Or, [a, b]) => return logic::and_or(function, a, b, on),
        (Function::Coalesce, [_, ..]) => return choice::coalesce(args, data_type, on),
        (Function::TumbleStart | Function::TumbleEnd, args) => return time::tumble(function, args, on),
        (Function::ToTimestampLtz, args) => return time::to_timestamp_ltz(args, on),
        (Function::TryCast, [arg]) => return cast::try_cast(&*eval(arg, on)?, data_type, on.active),
        // A text that is the same for all rows need not be there for each of them.
        (_, [a, Expr::Literal(Scalar::Varchar(text), _)]) if function.is_comparison() => {
            if let Some(result) = compare::with_text(function, &*eval(a, on)?, text) {
                return Ok(result);
            }
        }
        _ => {}
    }
    let args = args.iter().map(|arg| eval(arg, on));
    let args = args.collect::<Result<Vec<_>, _>>()?;
    let result = match args.as_slice() {
        [a] => match function {
            Function::Negate => arithmetic::negate(a, on.active)?,
            Function::Not => logic::not(a),
            Function::IsNull => Some(logic::is_null(a)),
            Function::IsNotNull => Some(logic::is_not_null(a)),
            Function::Upper | Function::Lower => text::change_case(function, a),
            _ => None,
        },
        [a, b] => match function {
            Function::Concat => text::concat(a, b),
            Function::Left => text::left(a, b),
            _ => match compare::compare(function, a, b) {
                Some(result) => Some(result),
                None => arithmetic::compute(function, a, b, on.active)?,
            },
        },
        _ => None,
    };
    result.ok_or_else(|| EvalError::NoFunction {
        function,
        types: args.iter().map(|arg| arg.data_type()).collect(),
    })
}

/// Where a condition is true.
fn truth(condition: &Expr, on: On<'_, '_>) -> Result<Vec<bool>, EvalError> {
    truths(eval(condition, on)?.into_owned())
}

/// Where a column of the values of a condition is true.
pub fn truths(column: Column) -> Result<Vec<bool>, EvalError> {
    match (column.values, column.valid) {
        (Values::Boolean(values), None) => Ok(values),
        (Values::Boolean(values), Some(valid)) => Ok(both(&values, &valid)),
        (values, _) => Err(EvalError::NoCondition(values.data_type())),
    }
}

fn both(a: &[bool], b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| *a && *b).collect()
}

/// Which rows have a value in all of these columns, and are active; none if all are.
fn there(columns: &[&Column], active: Option<&[bool]>) -> Option<Vec<bool>> {
    let masks = columns.iter().filter_map(|column| column.valid.as_deref());
    masks
        .chain(active)
        .fold(None, |all: Option<Vec<bool>>, mask| match all {
            None => Some(mask.to_vec()),
            Some(all) => Some(both(&all, mask)),
        })
}

/// Computes a value of each item whose row is there, and puts `nothing` in place of the others.
/// Fails with the first row for which there is no result.
fn each<I, R: Clone>(
    items: impl ExactSizeIterator<Item = I>,
    there: Option<&[bool]>,
    nothing: R,
    compute: impl Fn(I) -> Option<R>,
) -> Result<Vec<R>, usize> {
    let mut results = Vec::with_capacity(items.len());
    match there {
        None => {
            for (row, item) in items.enumerate() {
                results.push(compute(item).ok_or(row)?);
            }
        }
        Some(there) => {
            for (row, (item, there)) in items.zip(there).enumerate() {
                results.push(match there {
                    true => compute(item).ok_or(row)?,
                    false => nothing.clone(),
                });
            }
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests;
