//! What is kept of the rows of a window: an accumulator, and how it takes rows in.
//!
//! Windows keep no rows. An aggregate says what is kept instead, and its three operations say what windows
//! can do with it:
//!
//! - `add` takes a row in. Everything that is counted needs it.
//! - `merge` takes in what another accumulator has taken in, in any order and grouping. Without it there are
//!   no slices and no sessions.
//! - `retract` takes out what was merged before. A sum can do that alone. A maximum has forgotten what was
//!   second, so the caller has to say what remains: its `Rest`.
//!
//! They are methods on `&self`, so an aggregate can be chosen when the job is planned, and carry what it was
//! told then.
//!
//! The rules of SQL hold. NULL is no value: it counts as a row, and that is all. Of no values at all there is
//! no sum, no average and no extreme; their count is 0. A number that does not fit is an error, never a wrong
//! number.

mod both;
mod extremes;
mod sums;

pub use both::Both;
pub use extremes::{Extremes, MinMax};
pub use sums::{Average, Counted, Sums};

use day02_state::order::Cents;
use day02_state::state::Value;

// ANCHOR: aggregate
/// How rows are summed up.
pub trait Aggregate: Send + Sync + 'static {
    /// What a row brings.
    type Row: Clone + Send;
    /// What is kept of any number of rows.
    type Acc: Value;

    /// Of no rows.
    fn empty(&self) -> Self::Acc;

    /// Takes a row in.
    fn add(&self, acc: &mut Self::Acc, row: &Self::Row) -> Result<(), Overflow>;

    /// Takes in all rows that `other` has taken in.
    fn merge(&self, acc: &mut Self::Acc, other: &Self::Acc) -> Result<(), Overflow>;

    /// What is needed of an accumulator to come back to it from a larger one; nothing, if rows can be
    /// subtracted.
    type Rest: Clone + Default + Send;

    /// Whether the rest is nothing, and need not be kept.
    const SUBTRACTS: bool;

    /// What is needed to come back to this accumulator.
    fn rest(&self, acc: &Self::Acc) -> Self::Rest;

    /// Takes all rows of `other` out again; `rest` is of what remains.
    fn retract(&self, acc: &mut Self::Acc, other: &Self::Acc, rest: &Self::Rest) -> Result<(), Overflow>;
}
// ANCHOR_END: aggregate

/// A result that does not fit in its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {0} does not fit in its type")]
pub struct Overflow(pub &'static str);

/// A number that may be missing.
pub trait Number: Copy + Send + Sync + 'static {
    /// The number, or none for NULL.
    fn number(self) -> Option<i64>;
}

impl Number for i64 {
    #[inline]
    fn number(self) -> Option<i64> {
        Some(self)
    }
}

impl Number for Option<i64> {
    #[inline]
    fn number(self) -> Option<i64> {
        self
    }
}

impl Number for Cents {
    #[inline]
    fn number(self) -> Option<i64> {
        Some(self.0)
    }
}

/// Everything that the job of this day says of the orders of a window.
pub type Summary<N> = Both<Sums<N>, Extremes<N>>;
