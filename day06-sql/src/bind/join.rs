//! FROM with several inputs: which conditions become keys of which join.
//!
//! ```text
//! FROM a, b JOIN c ON b.y = c.y WHERE a.x = c.x AND a.z > b.z
//!
//! filter a.z > b.z                    what is no equality of two inputs; a rule takes it to where it belongs
//! └─ join c.x = …                     an input is joined as soon as an equality leads to it,
//!    ├─ join …                        whatever the order in which they are written
//! ```
//!
//! ON and WHERE mean the same for inner joins, so all conditions are taken together. A join needs an equality: without one,
//! each row of one side would meet each row of the other, and no worker could have less than all of them.

use std::ops::Range;

use super::coerce::Typed;
use super::context::Context;
use super::expr::Binder;
use super::operators::binary;
use super::relation::Relation;
use super::scope::Scope;
use super::select;
use crate::error::{Outcome, SqlError, unsupported};
use crate::expr::{Expr, Function, Places};
use crate::parse::ast::{self, Binary, From, Input, Join, JoinOn, Name};
use crate::plan::Plan;
use crate::value::DataType;

/// The inputs of a query as one relation, with only the rows for which WHERE is true.
pub(crate) fn inputs(
    from: &From,
    filter: Option<&ast::Expr>,
    context: &mut Context<'_>,
) -> Outcome<Relation> {
    let first = input(&from.first, context)?;
    if from.joins.is_empty() {
        let predicate = filter
            .map(|filter| condition(filter, "WHERE", &first.scope))
            .transpose()?;
        return Ok(Relation {
            plan: filtered(first.plan, predicate),
            ..first
        });
    }
    let mut sides = vec![side(0, first.plan)];
    let (mut scope, mut conditions) = (first.scope, Vec::new());
    for join in &from.joins {
        let right = joined(join, &scope, context)?;
        sides.push(side(scope.columns.len(), right.plan));
        let width = scope.columns.len();
        let pairs = match &join.how {
            JoinOn::Using(names) => using(names, &scope, &right.scope)?,
            JoinOn::Condition(_) | JoinOn::Nothing => Vec::new(),
        };
        scope = scope.and(right.scope);
        for (left, right) in pairs {
            let span = left.span;
            let Expr::Column(right, data_type) = right.expr else {
                continue;
            };
            if let Expr::Column(left, _) = left.expr {
                scope.merge(left, right + width);
            }
            let right = Expr::Column(right + width, data_type);
            conditions.push(binary(Binary::Equal, left, Typed { expr: right, span }, span)?);
        }
        if let JoinOn::Condition(on) = &join.how {
            conditions.extend(condition(on, "ON", &scope)?.conjuncts());
        }
    }
    if let Some(filter) = filter {
        conditions.extend(condition(filter, "WHERE", &scope)?.conjuncts());
    }
    let plan = tree(sides, conditions, &from.joins)?;
    Ok(Relation { plan, scope })
}

fn input(input: &Input, context: &mut Context<'_>) -> Outcome<Relation> {
    let mut relation = select::source(&input.source, context)?;
    if let (Some(alias), Some(only)) = (&input.alias, relation.scope.inputs.first_mut()) {
        only.name = Some(alias.value.clone());
    }
    Ok(relation)
}

/// What is joined to the inputs before it.
fn joined(join: &Join, scope: &Scope, context: &mut Context<'_>) -> Outcome<Relation> {
    let right = input(&join.input, context)?;
    let name = right.scope.inputs.first().and_then(|input| input.name.as_deref());
    let names = scope.inputs.iter().filter_map(|input| input.name.as_deref());
    let mut windows = scope.window.into_iter().chain(right.scope.window);
    if let Some(window) = windows.find(|window| !window.has_rows()) {
        return Err(unsupported(window.span, "the rows of overlapping windows")
            .hint("GROUP BY window_start, window_end in a sub-query, and join its result"));
    }
    match name.filter(|name| names.clone().any(|other| other.eq_ignore_ascii_case(name))) {
        None => Ok(right),
        Some(name) => {
            let span = join.input.alias.as_ref().map_or(join.span, |alias| alias.span);
            Err(
                SqlError::new(span, format!("two inputs of the query are called {name}"))
                    .hint(format!("give one another name: {name} AS {name}2")),
            )
        }
    }
}

/// The columns of both sides that have these names.
fn using(names: &[Name], left: &Scope, right: &Scope) -> Outcome<Vec<(Typed, Typed)>> {
    let column = |scope: &Scope, name: &Name| -> Outcome<Typed> {
        let (place, data_type) = scope.column(None, name)?;
        let expr = Expr::Column(place, data_type);
        Ok(Typed {
            expr,
            span: name.span,
        })
    };
    let pair = |name: &Name| Ok((column(left, name)?, column(right, name)?));
    names.iter().map(pair).collect()
}

fn condition(expr: &ast::Expr, clause: &'static str, scope: &Scope) -> Outcome<Expr> {
    let mut binder = Binder {
        scope,
        clause,
        groups: None,
    };
    binder.condition(expr)
}

fn filtered(plan: Plan, predicate: Option<Expr>) -> Plan {
    match predicate {
        None => plan,
        Some(predicate) => Plan::Filter {
            input: Box::new(plan),
            predicate,
        },
    }
}

/// An input: which columns of all are its own, and how they come about.
struct Side {
    columns: Range<usize>,
    plan: Plan,
}

fn side(first: usize, plan: Plan) -> Side {
    let columns = first..first + plan.fields().len();
    Side { columns, plan }
}

/// Joins the inputs, each as soon as an equality leads to it, and gives their columns in the order of the inputs.
fn tree(sides: Vec<Side>, mut conditions: Vec<Expr>, joins: &[Join]) -> Outcome<Plan> {
    let fields: Vec<_> = sides.iter().flat_map(|side| side.plan.fields()).collect();
    let mut waiting: Vec<(Side, Option<&Join>)> = sides
        .into_iter()
        .zip(std::iter::once(None).chain(joins.iter().map(Some)))
        .collect();
    let (first, _) = waiting.remove(0);
    let mut places: Places = first.columns.clone().map(|place| (place, place)).collect();
    let mut plan = first.plan;
    while !waiting.is_empty() {
        let leads = |side: &Side| {
            conditions
                .iter()
                .any(|condition| is_key(condition, &places, &side.columns))
        };
        let Some(next) = waiting.iter().position(|(side, _)| leads(side)) else {
            let span = waiting.iter().find_map(|(_, join)| join.map(|join| join.span));
            return Err(SqlError::new(
                span.unwrap_or_else(sqlparser::tokenizer::Span::empty),
                "a join needs an equality between its inputs",
            )
            .hint("a column of one is equal to a column of the other: ON a.id = b.id"));
        };
        let (side, _) = waiting.remove(next);
        let keys = |condition: &Expr| is_key(condition, &places, &side.columns);
        let (keys, rest): (Vec<Expr>, Vec<Expr>) = conditions.into_iter().partition(keys);
        conditions = rest;
        let own: Places = side.columns.clone().zip(0..).collect();
        let on = keys
            .into_iter()
            .filter_map(|key| pair(key, &places, &own))
            .collect();
        places.extend(side.columns.clone().zip(places.len()..));
        plan = Plan::Join {
            left: Box::new(plan),
            right: Box::new(side.plan),
            on,
            residual: None,
        };
    }
    let conditions = conditions
        .into_iter()
        .map(|condition| condition.moved(&places))
        .collect();
    let plan = filtered(plan, Expr::all(conditions));
    if places.iter().all(|(old, new)| old == new) {
        return Ok(plan);
    }
    let columns = fields.into_iter().enumerate().map(|(place, field)| {
        let now = places.get(&place).copied().unwrap_or(place);
        (Expr::Column(now, field.data_type), field)
    });
    Ok(Plan::Project {
        columns: columns.collect(),
        input: Box::new(plan),
    })
}

/// Whether a condition says that something of the inputs that are joined already equals something of a new one.
fn is_key(condition: &Expr, joined: &Places, new: &Range<usize>) -> bool {
    let Expr::Call(Function::Equal, sides, _) = condition else {
        return false;
    };
    let is_old = |expr: &Expr| reads_only(expr, |place| joined.contains_key(place));
    let is_new = |expr: &Expr| reads_only(expr, |place| new.contains(place));
    match sides.as_slice() {
        [left, right] => is_old(left) && is_new(right) || is_new(left) && is_old(right),
        _ => false,
    }
}

fn reads_only(expr: &Expr, is_own: impl Fn(&usize) -> bool) -> bool {
    let columns = expr.columns();
    !columns.is_empty() && columns.iter().all(is_own)
}

/// The two sides of a key, each over its own input, and of one type.
fn pair(key: Expr, joined: &Places, new: &Places) -> Option<(Expr, Expr)> {
    let Expr::Call(_, sides, _) = key else { return None };
    let [one, other]: [Expr; 2] = sides.try_into().ok()?;
    let (left, right) = match reads_only(&one, |place| joined.contains_key(place)) {
        true => (one, other),
        false => (other, one),
    };
    let (left, right) = (left.moved(joined), right.moved(new));
    if left.data_type() == right.data_type() {
        return Some((left, right));
    }
    // Decimals compare without regard to the precision that was declared.
    let plain = |expr: Expr| match expr.data_type() {
        DataType::Numeric(Some(_)) => Expr::Cast(Box::new(expr), DataType::Numeric(None)),
        _ => expr,
    };
    Some((plain(left), plain(right)))
}
