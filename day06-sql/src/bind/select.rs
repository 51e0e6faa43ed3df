//! A query, from what was written to a plan.
//!
//! ```text
//! SELECT items       project        4
//! FROM inputs        scan, join, …  1
//! WHERE condition    filter         2
//! GROUP BY keys      aggregate      3   the items and HAVING say which aggregates
//! HAVING condition   filter         3½
//! UNION ALL          union          5
//! ```
//!
//! The plan that comes out reads all columns and is optimized once, when the statement is complete.

use super::context::{Context, Unnamed};
use super::expr::{Binder, Groups};
use super::operators::{aggregate_named, has_aggregate};
use super::relation::Relation;
use super::scope::Scope;
use super::window::{fires_once, moment_before, windowed};
use super::{join, limits, union};
use crate::error::{Outcome, SqlError, unsupported};
use crate::expr::Expr;
use crate::parse::ast::{self, Item, Name, Node, Part, Query, Select, Source};
use crate::plan::{Field, Plan, Window};
use sqlparser::tokenizer::Span;

/// Binds a query. Its columns are the items.
pub(crate) fn query(query: &Query, context: &mut Context<'_>) -> Outcome<Relation> {
    context.with(&query.with, |context| {
        let mut parts = Vec::new();
        for part in &query.parts {
            parts.push((self::part(part, query.emit_on_close, context)?, part.span()));
        }
        let relation = match parts.len() {
            1 => parts.swap_remove(0).0,
            _ => union::union(parts)?,
        };
        limits::bounded(&relation.plan, query.span)?;
        Ok(relation)
    })
}

fn part(part: &Part, emit_on_close: Option<Span>, context: &mut Context<'_>) -> Outcome<Relation> {
    match (part, emit_on_close) {
        (Part::Select(select), emit) => self::select(select, emit, context),
        (Part::Query(query), None) => self::query(query, context),
        (Part::Query(_), Some(emit)) => {
            let error = unsupported(emit, "EMIT ON WINDOW CLOSE behind a query in parentheses");
            Err(error.hint("write it in front of the )"))
        }
    }
}

fn select(select: &Select, emit_on_close: Option<Span>, context: &mut Context<'_>) -> Outcome<Relation> {
    let Some(from) = &select.from else {
        return Err(unsupported(select.span, "SELECT without FROM"));
    };
    let relation = join::inputs(from, select.filter.as_ref(), context)?;
    let aggregates = |item: &Item| matches!(item, Item::Expr(expr, _) if has_aggregate(expr));
    if select.group_by.is_empty() && select.having.is_none() && !select.items.iter().any(aggregates) {
        return rows(select, emit_on_close, relation, context.unnamed);
    }
    grouped(select, emit_on_close, relation, context)
}

pub(crate) fn source(source: &Source, context: &mut Context<'_>) -> Outcome<Relation> {
    match source {
        Source::Named(name) => context.named(name),
        Source::Windowed(call) => windowed(call, self::source(&call.input, context)?),
        Source::Query(inner) => query(inner, context),
    }
}

/// Items over rows.
fn rows(
    select: &Select,
    emit_on_close: Option<Span>,
    relation: Relation,
    unnamed: Unnamed,
) -> Outcome<Relation> {
    let scope = &relation.scope;
    if let Some(emit) = emit_on_close {
        return Err(SqlError::new(emit, "EMIT ON WINDOW CLOSE needs GROUP BY")
            .hint("without groups each row comes out once anyway"));
    }
    let mut columns = Vec::new();
    for item in &select.items {
        match item {
            Item::All(table, span) => {
                let all = match table {
                    Some(table) => &scope.input(table)?.columns,
                    None => &scope.visible,
                };
                for place in all {
                    if scope.is_bound_of_several(*place) {
                        return Err(unsupported(*span, "the rows of overlapping windows")
                            .hint("GROUP BY window_start, window_end"));
                    }
                    let field = scope.columns.get(*place).cloned();
                    columns.extend(field.map(|field| (Expr::Column(*place, field.data_type), field)));
                }
            }
            Item::Expr(expr, alias) => {
                let bound = Binder {
                    scope,
                    clause: "SELECT without GROUP BY",
                    groups: None,
                }
                .bind(expr)?;
                let name = title(expr, alias.as_ref(), columns.len(), scope, unnamed);
                let data_type = bound.data_type();
                columns.push((bound.expr, Field { name, data_type }));
            }
        }
    }
    if let Some(window) = scope.window.filter(|window| !window.has_rows()) {
        return Err(unsupported(window.span, "the rows of overlapping windows")
            .hint("GROUP BY window_start, window_end"));
    }
    let plan = Plan::Project {
        input: Box::new(relation.plan),
        columns,
    };
    Ok(Relation::new(plan, None))
}

/// Items over groups.
fn grouped(
    select: &Select,
    emit_on_close: Option<Span>,
    relation: Relation,
    context: &Context<'_>,
) -> Outcome<Relation> {
    let scope = &relation.scope;
    let keys = keys(select, scope)?;
    let once = fires_once(
        &relation,
        &keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(),
        emit_on_close,
    )?;
    let window = scope.window.filter(|_| once);
    let mut columns = Vec::new();
    let is_read_once = context.once && relation.plan.tables().is_empty();
    let mut groups = Groups {
        dialect: context.unnamed,
        retracts: relation.plan.updates() && !is_read_once,
        ..Groups::default()
    };
    let is_bound =
        |key: &Expr| window.is_some_and(|w| matches!(key, Expr::Column(place, _) if *place >= w.start));
    for (key, name) in &keys {
        if !is_bound(key) {
            let data_type = key.data_type();
            groups
                .keys
                .push((key.clone(), Expr::Column(columns.len(), data_type)));
            columns.push((
                key.clone(),
                Field {
                    name: name.clone(),
                    data_type,
                },
            ));
        }
    }
    for (key, _) in keys.iter().filter(|(key, _)| is_bound(key)) {
        if let (Some(window), Expr::Column(place, data_type)) = (window, key) {
            let bound = |place| Expr::Column(columns.len() + place, window.bounds);
            let value = match place - window.start {
                0 => bound(0),
                1 => bound(1),
                _ => moment_before(bound(1), *data_type),
            };
            groups.keys.push((key.clone(), value));
        }
    }
    groups.first = columns.len() + if once { 2 } else { 0 };
    let mut items = Vec::new();
    for item in &select.items {
        let (expr, alias) = match item {
            Item::All(_, span) => {
                return Err(SqlError::new(*span, "* has no meaning over groups")
                    .hint("name the keys and the aggregates"));
            }
            Item::Expr(expr, alias) => (expr, alias.as_ref()),
        };
        let bound = Binder {
            scope,
            clause: "SELECT",
            groups: Some(&mut groups),
        }
        .bind(expr)?;
        let name = title(expr, alias, items.len(), scope, context.unnamed);
        let data_type = bound.data_type();
        items.push((bound.expr, Field { name, data_type }));
    }
    let having = select.having.as_ref();
    let having = having.map(|having| {
        Binder {
            scope,
            clause: "HAVING",
            groups: Some(&mut groups),
        }
        .condition(having)
    });
    let having = having.transpose()?;
    take_names(&items, &mut columns, &mut groups);
    let window = window.map(|w| Window {
        spec: w.spec,
        time: w.time,
        data_type: w.data_type,
        bounds: w.bounds,
    });
    let input = Box::new(relation.plan);
    let mut plan = Plan::Aggregate {
        input,
        keys: columns,
        aggregates: groups.aggregates,
        window,
    };
    if let Some(predicate) = having {
        plan = Plan::Filter {
            input: Box::new(plan),
            predicate,
        };
    }
    Ok(Relation::new(
        Plan::Project {
            input: Box::new(plan),
            columns: items,
        },
        None,
    ))
}

/// What is grouped by, each with a name.
fn keys(select: &Select, scope: &Scope) -> Outcome<Vec<(Expr, String)>> {
    let mut keys: Vec<(Expr, String)> = Vec::new();
    for written in &select.group_by {
        let expr = aliased(written, select, scope);
        let key = match &expr.node {
            Node::Number(_) => {
                return Err(unsupported(expr.span, "GROUP BY the place of a column").hint("write its name"));
            }
            // A bound of a window is a key even where it is no column.
            Node::Column(table, name) => {
                let (place, data_type) = scope.column(table.as_ref(), name)?;
                Expr::Column(place, data_type)
            }
            _ => {
                Binder {
                    scope,
                    clause: "GROUP BY",
                    groups: None,
                }
                .bind(expr)?
                .expr
            }
        };
        let name = match &key {
            Expr::Column(place, _) => scope.columns.get(*place).map(|field| field.name.clone()),
            _ => None,
        };
        if !keys.iter().any(|(known, _)| *known == key) {
            let name = name.unwrap_or_else(|| format!("KEY${}", keys.len()));
            keys.push((key, name));
        }
    }
    Ok(keys)
}

/// What a key stands for: a name that is no column may be the alias of an item.
fn aliased<'a>(key: &'a ast::Expr, select: &'a Select, scope: &Scope) -> &'a ast::Expr {
    let Node::Column(None, name) = &key.node else {
        return key;
    };
    if scope.column(None, name).is_ok() {
        return key;
    }
    let item = select.items.iter().find_map(|item| match item {
        Item::Expr(expr, Some(alias)) if alias.value.eq_ignore_ascii_case(&name.value) => Some(expr),
        _ => None,
    });
    item.unwrap_or(key)
}

/// Keys and aggregates get the names that the items give them, so that no projection is needed to rename them.
fn take_names(items: &[(Expr, Field)], keys: &mut [(Expr, Field)], groups: &mut Groups) {
    let first = groups.first;
    for (expr, field) in items.iter().rev() {
        let Expr::Column(place, _) = expr else { continue };
        if let Some((_, key)) = keys.get_mut(*place) {
            key.name.clone_from(&field.name);
        } else if let Some((_, aggregate)) = place
            .checked_sub(first)
            .and_then(|place| groups.aggregates.get_mut(place))
        {
            aggregate.name.clone_from(&field.name);
        }
    }
}

/// The name of an item.
fn title(expr: &ast::Expr, alias: Option<&Name>, place: usize, scope: &Scope, unnamed: Unnamed) -> String {
    match (alias, &expr.node) {
        (Some(alias), _) => alias.value.clone(),
        (None, Node::Column(table, name)) => {
            let column = scope.column(table.as_ref(), name).ok();
            let column = column.and_then(|(place, _)| scope.columns.get(place));
            column.map_or_else(|| name.value.clone(), |field| field.name.clone())
        }
        (None, Node::Call { name, .. })
            if unnamed == Unnamed::RisingWave && aggregate_named(name).is_some() =>
        {
            name.value.to_lowercase()
        }
        _ => format!("EXPR${place}"),
    }
}
