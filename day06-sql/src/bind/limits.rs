//! How large a plan may become. A view that reads another one twice, which reads a third one twice, is short to write and
//! long to run, and plans are walked by recursion.

use sqlparser::tokenizer::Span;

use crate::error::{Outcome, SqlError};
use crate::plan::Plan;

/// How many operators.
const OPERATORS: usize = 1_000;
/// How many of them over each other.
const LEVELS: usize = 150;
/// How many columns all its operators have together.
const COLUMNS: usize = 1_000_000;

#[derive(Debug, Default, Clone, Copy)]
struct Size {
    operators: usize,
    levels: usize,
    columns: usize,
}

/// An error if a plan is too large, at what makes it so.
pub(crate) fn bounded(plan: &Plan, at: Span) -> Outcome<()> {
    let size = size(plan);
    let limits = [
        (size.operators, OPERATORS, "operators"),
        (size.levels, LEVELS, "operators over each other"),
        (size.columns, COLUMNS, "columns in all its operators together"),
    ];
    match limits.into_iter().find(|(found, limit, _)| found > limit) {
        None => Ok(()),
        Some((_, limit, what)) => Err(SqlError::new(at, format!("a query of more than {limit} {what}"))
            .hint("a materialized view in between is computed once, however often it is read")),
    }
}

fn size(plan: &Plan) -> Size {
    let mut all = Size {
        columns: match plan {
            Plan::Scan { columns, .. } => columns.len(),
            Plan::View { fields, .. } => fields.len(),
            Plan::Project { columns, .. } => columns.len(),
            Plan::Aggregate { keys, aggregates, .. } => keys.len() + aggregates.len(),
            Plan::Filter { .. } | Plan::Join { .. } | Plan::Union { .. } => 0,
        },
        ..Size::default()
    };
    for input in plan.inputs() {
        let input = size(input);
        all.operators += input.operators;
        all.columns += input.columns;
        all.levels = all.levels.max(input.levels);
    }
    all.operators += 1;
    all.levels += 1;
    all
}
