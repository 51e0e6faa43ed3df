//! What a worker sends: windows that have closed, and, if they are wanted, the orders that are in none of them.

use day02_state::operator::Batch;
use day02_state::order::Cents;
use day02_state::rows::Rows;

use super::Summed;
use crate::time::{Span, Stamped};
use crate::window::Window;
use crate::windower::Closed;

/// Windows that have closed, by merchant.
pub type ClosedRows = Rows<Closed<Summed>>;

/// An order that came too late for all its windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateOrder {
    /// The merchant.
    pub merchant_id: String,
    /// The amount, and when.
    pub order: Stamped<Cents>,
    /// How far it was behind the time that the worker had come to.
    pub behind: Span,
    /// The windows that it missed.
    pub windows: Vec<Window>,
}

/// Both outputs of a worker.
#[derive(Debug, Default)]
pub struct WindowOutput {
    /// What has closed.
    pub closed: ClosedRows,
    /// What is lost.
    pub late: Vec<LateOrder>,
}

impl Batch for WindowOutput {
    fn rows(&self) -> usize {
        self.closed.rows() + self.late.len()
    }

    fn append(&mut self, mut other: Self) {
        self.closed.append(other.closed);
        self.late.append(&mut other.late);
    }

    fn cut(self, rows: usize) -> Vec<Self> {
        let closed = self.closed.cut(rows).into_iter().map(|closed| WindowOutput {
            closed,
            late: Vec::new(),
        });
        let late = Batch::cut(self.late, rows).into_iter().map(|late| WindowOutput {
            closed: Rows::new(),
            late,
        });
        closed.chain(late).collect()
    }
}
