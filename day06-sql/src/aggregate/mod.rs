//! GROUP BY: what is kept of the rows of a group, and when the result comes out.
//!
//! There are two ways, and the plan decides between them. Both are driven by calls and know neither a
//! channel nor a clock.
//!
//! ```text
//!               GROUP BY merchant_id                  GROUP BY merchant_id, window
//!               GroupBy                               WindowBy
//! rows in       with any changes                      insertions, with event time
//! results       at once, and again whenever they      once, when the window closes:
//!               change: +I, then -U +U, at last -D    insertions
//! state         as long as the group has rows         until the window closes
//! late rows     there are none                        are dropped and counted
//! ```
//!
//! - [`calls`]: the aggregates of a query; [`acc`]: what is kept for them
//! - [`group`]: the result that is updated; [`windowed`]: the result of windows that close
//! - [`changes`]: what filters and projections make of changes, and the table that changes add up to

pub mod acc;
mod average;
pub mod calls;
pub mod changes;
pub mod group;
pub(crate) mod saved;
#[cfg(test)]
mod tests;
pub mod windowed;

pub use acc::{Acc, Accs, Sign};
pub use calls::{Call, Calls, result_type, retractable};
pub use group::GroupBy;
pub use windowed::{Dropped, WindowBy};

use std::fmt;

use day03_windows::aggregate::Overflow;
use day03_windows::window::Window;

use crate::chunk::{Change, Chunk, Column, WrongType};
use crate::keys::{self, BadKey};
use crate::value::{DataType, Scalar};

/// Why groups cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// A result, or a sum on the way to it, is too large.
    #[error("{call} of {group}: {overflow}")]
    Overflow {
        /// The aggregate.
        call: Call,
        /// The values of the key, in words.
        group: String,
        /// What does not fit.
        overflow: Overflow,
    },
    /// The sum of a slice of a window is too large.
    #[error("window {window}: {overflow}")]
    Window {
        /// The window, or its slice.
        window: Window,
        /// What does not fit.
        overflow: Overflow,
    },
    /// More rows were taken back than there were.
    #[error("{group}: a row is taken back that was never there; the input is no changelog")]
    UnknownRow {
        /// The values of the key, in words.
        group: String,
    },
    /// The input takes rows back, and the plan has not expected it.
    #[error("{0} cannot take rows back, and its input does; it needs an input that only grows")]
    OnlyGrows(String),
    /// A column of the input has another type than in the plan.
    #[error("column {column} of the input is {found}, and {by} was planned over another type")]
    Column {
        /// Its place.
        column: usize,
        /// Its type, or that it is missing.
        found: String,
        /// What reads it.
        by: String,
    },
    /// A key that is none of the plan's types.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// A result that does not have the type of its column.
    #[error(transparent)]
    Result(#[from] WrongType),
    /// The windows cannot go on, for a reason of their own.
    #[error(transparent)]
    Windows(day02_state::operator::Failure),
}

impl AggregateError {
    /// What stands in place of the column that somebody was to read.
    fn column(chunk: &Chunk, column: usize, by: impl fmt::Display) -> Self {
        let found = chunk.columns.get(column).map(Column::data_type);
        AggregateError::Column {
            column,
            found: found.map_or("missing".to_string(), |found| found.to_string()),
            by: by.to_string(),
        }
    }
}

/// Whether a row of the chunk takes something back.
fn takes_back(chunk: &Chunk) -> bool {
    let changes = chunk.changes.iter().flatten();
    changes.into_iter().any(|change| !change.adds())
}

/// The key of a group as people read it: `group (m-7, 3)`.
fn describe(key: &[u8], types: &[DataType]) -> String {
    match keys::decode(key, types) {
        Ok(_) if types.is_empty() => "all rows".to_string(),
        Ok(values) => format!("group ({})", changes::words(&values)),
        Err(_) => "a group with a malformed key".to_string(),
    }
}

/// Appends a row: values for the first columns, and results for those behind them. Neither is used up,
/// because a key is often written twice.
fn append(to: &mut Chunk, change: Change, values: &[Scalar], results: &[Scalar]) -> Result<(), WrongType> {
    for (column, value) in to.columns.iter_mut().zip(values.iter().chain(results)) {
        column.push(value.by_ref())?;
    }
    to.rows += 1;
    if let Some(changes) = &mut to.changes {
        changes.push(change);
    }
    Ok(())
}
