//! A column: values, and a mask of which are there.
//!
//! ```text
//! values   5  0  7      0 stands for nothing
//! valid    ✓  ·  ✓      no mask at all if every value is there
//! ```
//!
//! So a loop over the values needs no look at the mask as long as it cannot fail, and where nothing
//! is NULL there is no mask to look at.

use super::values::{Values, WrongType};
use super::{chosen, gather};
use crate::value::{DataType, Scalar, Value};

/// Values of one type, and which of them are there.
#[derive(Debug, Clone)]
pub struct Column {
    /// The values; where one is NULL, anything.
    pub values: Values,
    /// Whether each value is there (is not NULL); none if all are.
    pub valid: Option<Vec<bool>>,
}

impl Column {
    /// No values yet, but room for so many.
    pub fn new(data_type: DataType, capacity: usize) -> Self {
        Column::of(Values::with_capacity(data_type, capacity))
    }

    /// These values, none of which is NULL.
    pub fn of(values: Values) -> Self {
        Column { values, valid: None }
    }

    /// The same value, which is of this type or NULL, for so many rows.
    pub fn repeat(value: &Scalar, data_type: DataType, rows: usize) -> Result<Self, WrongType> {
        let mut column = Column::new(data_type, 1);
        column.push(value.clone())?;
        Ok(column.gather(&vec![0; rows]))
    }

    /// How many values there are, NULL included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The type of its values. What precision a NUMERIC was declared with, a column does not know.
    pub fn data_type(&self) -> DataType {
        self.values.data_type()
    }

    /// Whether the value at a place is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.valid.as_ref().is_some_and(|valid| !valid[row])
    }

    /// The value at a place.
    #[inline]
    pub fn value(&self, row: usize) -> Value<'_> {
        match self.is_null(row) {
            true => Value::Null,
            false => self.values.value(row),
        }
    }

    /// The value at a place, with a text of its own.
    pub fn get(&self, row: usize) -> Scalar {
        self.value(row).into_scalar()
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        let there = value != Value::Null;
        self.values.push(value)?;
        self.mark(there);
        Ok(())
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        self.values.push_anything();
        self.mark(false);
    }

    /// Appends the values of another column of the same type.
    pub fn append(&mut self, other: Column) {
        if self.valid.is_some() || other.valid.is_some() {
            let more = other.valid.unwrap_or_else(|| vec![true; other.values.len()]);
            self.valid_mut().extend(more);
        }
        self.values.append(other.values);
    }

    /// The values at these places, in this order.
    pub fn gather(&self, rows: &[u32]) -> Column {
        let valid = self.valid.as_ref().map(|valid| gather(valid, rows));
        Column {
            values: self.values.gather(rows),
            valid: valid.filter(|valid| valid.contains(&false)),
        }
    }

    /// The values for which the mask says so.
    pub fn filter(&self, keep: &[bool]) -> Column {
        self.gather(&chosen(keep))
    }

    pub(super) fn accepts(&self, value: &Scalar) -> Result<(), WrongType> {
        let column = self.data_type();
        match value.data_type() {
            Some(data_type) if data_type != column => Err(WrongType {
                value: value.clone(),
                column,
            }),
            _ => Ok(()),
        }
    }

    /// Notes whether the value is there that was appended.
    #[inline]
    fn mark(&mut self, there: bool) {
        if !there || self.valid.is_some() {
            let before = self.values.len() - 1;
            self.valid.get_or_insert_with(|| vec![true; before]).push(there);
        }
    }

    fn valid_mut(&mut self) -> &mut Vec<bool> {
        self.valid.get_or_insert_with(|| vec![true; self.values.len()])
    }
}

/// The same type and the same values; what stands where NULL is does not matter.
impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.data_type() == other.data_type()
            && self.len() == other.len()
            && (0..self.len()).all(|row| self.get(row) == other.get(row))
    }
}
