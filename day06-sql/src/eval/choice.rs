//! CASE and COALESCE: each row takes its value from one of several columns, and only rows that may
//! take it are active when that column is computed.
//!
//! ```text
//! COALESCE(a, b)   row 0   row 1   row 2
//! a                1       NULL    NULL      all rows are active
//! b                ·       7       NULL      rows 1 and 2 are
//!
//! end to end       1 NULL NULL  · 7 NULL  NULL      the last one for rows that find nothing
//! places           0              4       6
//! ```

use super::{EvalError, On, both, eval, truth};
use crate::chunk::Column;
use crate::expr::Expr;
use crate::value::DataType;

/// `CASE WHEN condition THEN result … ELSE otherwise END`.
pub(super) fn case(
    branches: &[(Expr, Expr)],
    otherwise: &Expr,
    data_type: DataType,
    on: On<'_, '_>,
) -> Result<Column, EvalError> {
    let mut choice = Choice::new(data_type, on);
    for (condition, result) in branches {
        let taken = both(&truth(condition, choice.active(on))?, &choice.open);
        if taken.contains(&true) {
            let column = eval(
                result,
                On {
                    active: Some(&taken),
                    ..on
                },
            )?;
            choice.take(&taken, column.into_owned())?;
        }
    }
    let taken = choice.open.clone();
    if taken.contains(&true) {
        let column = eval(otherwise, choice.active(on))?;
        choice.take(&taken, column.into_owned())?;
    }
    Ok(choice.finish())
}

/// The first argument that is not NULL.
pub(super) fn coalesce(args: &[Expr], data_type: DataType, on: On<'_, '_>) -> Result<Column, EvalError> {
    let mut choice = Choice::new(data_type, on);
    for arg in args {
        if !choice.open.contains(&true) {
            break;
        }
        let column = eval(arg, choice.active(on))?.into_owned();
        let taken = match &column.valid {
            None => choice.open.clone(),
            Some(valid) => both(valid, &choice.open),
        };
        choice.take(&taken, column)?;
    }
    Ok(choice.finish())
}

/// Where each row has its value from.
struct Choice {
    /// Which rows have not found their value yet.
    open: Vec<bool>,
    /// All columns that were chosen from, end to end.
    values: Column,
    /// For each row the place of its value among them.
    places: Vec<u32>,
}

impl Choice {
    fn new(data_type: DataType, on: On<'_, '_>) -> Self {
        let rows = on.chunk.rows;
        Choice {
            open: on.active.map_or_else(|| vec![true; rows], <[bool]>::to_vec),
            values: Column::new(data_type, rows),
            places: vec![0; rows],
        }
    }

    /// The same, with the open rows active.
    fn active<'a, 'm>(&'m self, on: On<'a, '_>) -> On<'a, 'm> {
        On {
            chunk: on.chunk,
            active: Some(&self.open),
        }
    }

    /// These rows, which are open, take their values from this column.
    fn take(&mut self, rows: &[bool], column: Column) -> Result<(), EvalError> {
        if column.data_type() != self.values.data_type() {
            return Err(EvalError::Branches(self.values.data_type(), column.data_type()));
        }
        let before = self.values.len();
        for (row, _) in rows.iter().enumerate().filter(|(_, taken)| **taken) {
            self.places[row] = (before + row) as u32;
            self.open[row] = false;
        }
        self.values.append(column);
        Ok(())
    }

    /// Rows that are still open have found nothing.
    fn finish(mut self) -> Column {
        let nothing = self.values.len() as u32;
        self.values.push_null();
        for (place, _) in self.places.iter_mut().zip(&self.open).filter(|(_, open)| **open) {
            *place = nothing;
        }
        self.values.gather(&self.places)
    }
}
