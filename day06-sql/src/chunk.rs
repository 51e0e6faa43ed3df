//! What flows between the operators of this day: a chunk, which is some rows, column by column.
//!
//! ```text
//!             merchant_id   order_count
//! -U          m-7           4
//! +U          m-7           5
//! +I          m-9           1
//! change kind └── columns, each of one type with a mask of which values are there
//! ```
//!
//! A chunk without change kinds holds insertions only, as everything that comes from a log does.
//! Rows are chosen by their places (`gather`) or by a mask (`filter`), and are added at the end;
//! nothing else is ever changed.
//!
//! The plan decides which types meet. Where columns of two types meet all the same, the plan is
//! wrong and not anyone's data, so it panics, as an index out of bounds does.

use std::fmt;

mod column;
mod texts;
mod values;

pub use column::Column;
pub use texts::Texts;
pub use values::{Values, WrongType};

use crate::value::{DataType, Scalar};

/// What a row of a chunk does to the table that the stream is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `+I`: a new row.
    Insert,
    /// `-U`: a row as it was before an update.
    UpdateBefore,
    /// `+U`: the row as it is after it; follows its `-U`.
    UpdateAfter,
    /// `-D`: a row is gone.
    Delete,
}

impl Change {
    /// Whether the row is in the table afterwards; otherwise it is no longer.
    #[inline]
    pub fn adds(self) -> bool {
        matches!(self, Change::Insert | Change::UpdateAfter)
    }
}

/// `+I`, `-U`, `+U` or `-D`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Change::Insert => "+I",
            Change::UpdateBefore => "-U",
            Change::UpdateAfter => "+U",
            Change::Delete => "-D",
        })
    }
}

/// Some rows, column by column.
#[derive(Debug, Default, Clone)]
pub struct Chunk {
    /// All of the same length.
    pub columns: Vec<Column>,
    /// How many rows there are, which a chunk without columns could not say.
    pub rows: usize,
    /// What each row does; none if all are insertions.
    pub changes: Option<Vec<Change>>,
}

impl Chunk {
    /// No rows yet, with columns of these types.
    pub fn of(types: impl IntoIterator<Item = DataType>) -> Self {
        let columns = types.into_iter().map(|data_type| Column::new(data_type, 0));
        Chunk {
            columns: columns.collect(),
            rows: 0,
            changes: None,
        }
    }

    /// Insertions of these columns, which are all of the same length. Without any column there is
    /// no row.
    pub fn from_columns(columns: Vec<Column>) -> Self {
        let rows = columns.first().map_or(0, Column::len);
        Chunk {
            columns,
            rows,
            changes: None,
        }
    }

    /// Takes all rows out. The columns that are left are empty, and have room for as many.
    pub fn take(&mut self) -> Chunk {
        let columns = self.columns.iter().map(|column| Column::of(column.values.room()));
        let empty = Chunk {
            columns: columns.collect(),
            rows: 0,
            changes: None,
        };
        std::mem::replace(self, empty)
    }

    /// The types of the columns.
    pub fn types(&self) -> Vec<DataType> {
        self.columns.iter().map(Column::data_type).collect()
    }

    /// What a row does.
    #[inline]
    pub fn change(&self, row: usize) -> Change {
        self.changes
            .as_ref()
            .map_or(Change::Insert, |changes| changes[row])
    }

    /// The values of a row.
    pub fn row(&self, row: usize) -> Vec<Scalar> {
        self.columns.iter().map(|column| column.get(row)).collect()
    }

    /// Appends a row, one value for each column. If one does not fit, nothing is appended.
    pub fn push(&mut self, change: Change, row: &[Scalar]) -> Result<(), WrongType> {
        debug_assert_eq!(row.len(), self.columns.len());
        for (column, value) in self.columns.iter().zip(row) {
            column.accepts(value)?;
        }
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(value.by_ref())?;
        }
        if change != Change::Insert || self.changes.is_some() {
            self.changes_mut().push(change);
        }
        self.rows += 1;
        Ok(())
    }

    /// Appends the rows of another chunk with columns of the same types. A chunk without any column
    /// and row takes them over; one without rows adds nothing, whatever its columns are.
    pub fn append(&mut self, other: Chunk) {
        if other.rows == 0 && !self.columns.is_empty() {
            return;
        }
        if self.rows == 0 && (self.columns.is_empty() || self.types() == other.types()) {
            *self = other;
            return;
        }
        if self.changes.is_some() || other.changes.is_some() {
            let more = (0..other.rows).map(|row| other.change(row));
            self.changes_mut().extend(more);
        }
        self.rows += other.rows;
        debug_assert_eq!(self.columns.len(), other.columns.len());
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.append(more);
        }
    }

    /// The rows at these places, in this order.
    pub fn gather(&self, rows: &[u32]) -> Chunk {
        Chunk {
            columns: self.columns.iter().map(|column| column.gather(rows)).collect(),
            rows: rows.len(),
            changes: self.changes.as_ref().map(|changes| gather(changes, rows)),
        }
    }

    /// The rows for which the mask says so.
    pub fn filter(self, keep: &[bool]) -> Chunk {
        match chosen(keep) {
            rows if rows.len() == self.rows => self,
            rows => self.gather(&rows),
        }
    }

    fn changes_mut(&mut self) -> &mut Vec<Change> {
        self.changes
            .get_or_insert_with(|| vec![Change::Insert; self.rows])
    }
}

/// The same rows that do the same, however that is written down.
impl PartialEq for Chunk {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
            && self.columns == other.columns
            && (0..self.rows).all(|row| self.change(row) == other.change(row))
    }
}

fn gather<T: Copy>(list: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|row| list[*row as usize]).collect()
}

/// The places for which the mask says so.
pub fn chosen(keep: &[bool]) -> Vec<u32> {
    let places = (0..).zip(keep).filter(|(_, keep)| **keep);
    places.map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests;
