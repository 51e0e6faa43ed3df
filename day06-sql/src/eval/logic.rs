//! Logic of three values, where NULL means: not known.
//!
//! ```text
//! AND     true   false  NULL        OR      true   false  NULL
//! true    true   false  NULL        true    true   true   true
//! false   false  false  false       false   true   false  NULL
//! NULL    NULL   false  NULL        NULL    true   NULL   NULL
//! ```
//!
//! One false side decides an AND, one true side an OR. Rows that the left side has decided are not
//! active for the right.

use super::{EvalError, On, both, eval};
use crate::chunk::{Column, Values};
use crate::expr::{Expr, Function};

/// `a AND b` or `a OR b`.
pub(super) fn and_or(function: Function, a: &Expr, b: &Expr, on: On<'_, '_>) -> Result<Column, EvalError> {
    let rows = on.chunk.rows;
    let decisive = function == Function::Or;
    let decides = |side: Side<'_>, row: usize| side.knows(row) && side.values[row] == decisive;

    let left_column = eval(a, on)?;
    let left = Side::of(function, &left_column)?;
    let mut open: Vec<bool> = (0..rows).map(|row| !decides(left, row)).collect();
    if let Some(active) = on.active {
        open = both(&open, active);
    }
    if !open.contains(&true) {
        return Ok(left_column.into_owned());
    }
    let active = Some(open.as_slice());
    let right_column = eval(b, On { active, ..on })?;
    let right = Side::of(function, &right_column)?;

    let decided: Vec<bool> = (0..rows)
        .map(|row| decides(left, row) || decides(right, row))
        .collect();
    let known = |row| decided[row] || (left.knows(row) && right.knows(row));
    let masked = left.valid.is_some() || right.valid.is_some();
    let valid = masked.then(|| (0..rows).map(known).collect());
    // What no side has decided is the opposite.
    let values = decided.into_iter().map(|decided| decided == decisive).collect();
    Ok(Column {
        values: Values::Boolean(values),
        valid,
    })
}

/// One side of a function of two.
#[derive(Clone, Copy)]
struct Side<'a> {
    values: &'a [bool],
    valid: Option<&'a [bool]>,
}

impl<'a> Side<'a> {
    fn of(function: Function, column: &'a Column) -> Result<Self, EvalError> {
        let valid = column.valid.as_deref();
        match &column.values {
            Values::Boolean(values) => Ok(Side { values, valid }),
            values => Err(EvalError::NoFunction {
                function,
                types: vec![values.data_type()],
            }),
        }
    }

    #[inline]
    fn knows(self, row: usize) -> bool {
        self.valid.is_none_or(|valid| valid[row])
    }
}

/// `NOT a`; none if `a` is no BOOLEAN.
pub(super) fn not(a: &Column) -> Option<Column> {
    let Values::Boolean(values) = &a.values else {
        return None;
    };
    let values = Values::Boolean(values.iter().map(|value| !value).collect());
    Some(Column {
        values,
        valid: a.valid.clone(),
    })
}

/// `a IS NULL`.
pub(super) fn is_null(a: &Column) -> Column {
    let nulls = match &a.valid {
        None => vec![false; a.len()],
        Some(valid) => valid.iter().map(|there| !there).collect(),
    };
    Column::of(Values::Boolean(nulls))
}

/// `a IS NOT NULL`.
pub(super) fn is_not_null(a: &Column) -> Column {
    Column::of(Values::Boolean(
        a.valid.clone().unwrap_or_else(|| vec![true; a.len()]),
    ))
}
