//! UNION ALL: the rows of several queries as the rows of one.
//!
//! Column by column the queries have one type: the one that all their values fit into, as for the results of CASE. The
//! names are those of the first query.

use sqlparser::tokenizer::Span;

use super::coerce::Typed;
use super::operators::unified;
use super::relation::Relation;
use crate::error::{Outcome, SqlError};
use crate::expr::Expr;
use crate::plan::{Field, Plan};

/// Parts of a query, each with its first word, as one.
pub(crate) fn union(parts: Vec<(Relation, Span)>) -> Outcome<Relation> {
    let mut spans = Vec::new();
    let mut inputs: Vec<(Plan, Vec<(Expr, Field)>)> = Vec::new();
    for (part, span) in parts {
        spans.push(span);
        inputs.push(projected(part.plan));
    }
    let width = inputs.first().map_or(0, |(_, columns)| columns.len());
    for ((_, columns), span) in inputs.iter().zip(&spans) {
        if columns.len() != width {
            let message = format!(
                "this query of UNION ALL gives {} columns, and the first one gives {width}",
                columns.len()
            );
            return Err(SqlError::new(*span, message));
        }
    }
    for place in 0..width {
        let mut values = Vec::new();
        for ((_, columns), span) in inputs.iter().zip(&spans) {
            let expr = columns.get(place).map(|(expr, _)| expr.clone());
            values.extend(expr.map(|expr| Typed { expr, span: *span }));
        }
        let (values, data_type) = unified(
            values,
            &format!("the values of column {} of UNION ALL", place + 1),
        )?;
        for ((_, columns), value) in inputs.iter_mut().zip(values) {
            if let Some((expr, field)) = columns.get_mut(place) {
                (*expr, field.data_type) = (value, data_type);
            }
        }
    }
    let inputs = inputs.into_iter().map(|(input, columns)| Plan::Project {
        input: Box::new(input),
        columns,
    });
    let plan = Plan::Union {
        inputs: inputs.collect(),
    };
    Ok(Relation::new(plan, None))
}

/// A plan as a projection, so that a literal in it can have the type that it needs.
pub(crate) fn projected(plan: Plan) -> (Plan, Vec<(Expr, Field)>) {
    match plan {
        Plan::Project { input, columns } => (*input, columns),
        plan => {
            let fields = plan.fields().into_iter().enumerate();
            let columns = fields.map(|(place, field)| (Expr::Column(place, field.data_type), field));
            let columns = columns.collect();
            (plan, columns)
        }
    }
}
