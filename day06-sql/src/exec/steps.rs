//! What is done with chunks on the way from one task to the next: filters and projections, one behind the other.
//!
//! They keep nothing between two chunks, so they need no task of their own. They run in the task that makes the chunk, and
//! what they leave out does not travel.

use day02_state::operator::Outcome;

use crate::aggregate::changes;
use crate::chunk::Chunk;
use crate::eval::{evaluate, predicate};
use crate::expr::Expr;

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Keeps rows for which it is true.
    Filter(Expr),
    /// Computes columns.
    Project(Vec<Expr>),
}

/// Some of them, in order.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Steps(pub Vec<Step>);

impl Steps {
    /// What they make of a chunk.
    pub fn apply(&self, mut chunk: Chunk) -> Outcome<Chunk> {
        for step in &self.0 {
            chunk = match step {
                Step::Filter(expr) => {
                    let passes = predicate(expr, &chunk)?;
                    changes::filter(chunk, &passes)
                }
                Step::Project(columns) => project(columns, chunk)?,
            };
        }
        Ok(chunk)
    }
}

/// An update that does not show in the columns that are left is no change.
fn project(columns: &[Expr], mut chunk: Chunk) -> Outcome<Chunk> {
    let unchanged = columns.len() == chunk.columns.len()
        && (columns.iter().enumerate())
            .all(|(place, expr)| matches!(expr, Expr::Column(of, _) if *of == place));
    if unchanged {
        return Ok(chunk);
    }
    let computed = columns.iter().map(|expr| evaluate(expr, &chunk));
    let columns = computed.collect::<Result<Vec<_>, _>>()?;
    chunk.columns = columns;
    Ok(match chunk.changes {
        None => chunk,
        Some(_) => changes::elide(chunk),
    })
}
