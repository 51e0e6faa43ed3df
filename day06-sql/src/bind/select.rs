//! A query, from what was written to a plan.
//!
//! ```text
//! SELECT items       project        4
//! FROM input         scan, …        1
//! WHERE condition    filter         2
//! GROUP BY keys      aggregate      3   the items and HAVING say which aggregates
//! HAVING condition   filter         3½
//! ```
//!
//! The plan that comes out reads all columns and is pruned once, when the statement is complete.

use super::catalog::{Catalog, Known};
use super::expr::{Binder, Groups};
use super::operators::{aggregate_named, has_aggregate};
use super::relation::Relation;
use super::window::{fires_once, moment_before, windowed};
use crate::error::{Outcome, SqlError, unsupported};
use crate::expr::Expr;
use crate::parse::ast::{self, From, Item, Name, Node, Query, Source};
use crate::plan::{Connector, Field, Plan, Window};

/// How a column is called that has no name of its own.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// `EXPR$1` by its place, counted from 0.
    #[default]
    Flink,
    /// An aggregate by its function, the rest like Flink.
    RisingWave,
}

/// Binds a query. Its columns are the items.
pub(crate) fn query(query: &Query, catalog: &Catalog, unnamed: Unnamed) -> Outcome<Relation> {
    let Some(from) = &query.from else {
        return Err(unsupported(query.span, "SELECT without FROM"));
    };
    let mut relation = input(from, catalog, unnamed)?;
    if let Some(filter) = &query.filter {
        let predicate = Binder {
            relation: &relation,
            clause: "WHERE",
            groups: None,
        }
        .condition(filter)?;
        relation.plan = Plan::Filter {
            input: Box::new(relation.plan),
            predicate,
        };
    }
    let aggregates = |item: &Item| matches!(item, Item::Expr(expr, _) if has_aggregate(expr));
    if query.group_by.is_empty() && query.having.is_none() && !query.items.iter().any(aggregates) {
        return rows(query, relation, unnamed);
    }
    grouped(query, relation, unnamed)
}

fn input(from: &From, catalog: &Catalog, unnamed: Unnamed) -> Outcome<Relation> {
    let mut relation = source(&from.source, catalog, unnamed)?;
    if let Some(alias) = &from.alias {
        relation.name = Some(alias.value.clone());
    }
    Ok(relation)
}

fn source(source: &Source, catalog: &Catalog, unnamed: Unnamed) -> Outcome<Relation> {
    match source {
        Source::Named(name) => named(name, catalog),
        Source::Windowed(call) => windowed(call, self::source(&call.input, catalog, unnamed)?),
        Source::Query(inner) => query(inner, catalog, unnamed),
    }
}

fn named(name: &Name, catalog: &Catalog) -> Outcome<Relation> {
    match catalog.find(name)? {
        Known::View(view) => {
            let (fields, updates) = (view.fields.clone(), view.updates);
            let plan = Plan::View {
                name: view.name.clone(),
                fields,
                updates,
            };
            Ok(Relation::new(plan, Some(view.name.clone())))
        }
        Known::Table(table) => {
            if matches!(table.connector, Connector::Print { .. } | Connector::Blackhole) {
                let message = format!(
                    "{} can only be written to: {} keeps nothing",
                    table.name,
                    table.connector.name()
                );
                return Err(SqlError::new(name.span, message));
            }
            let columns = (0..table.columns.len()).collect();
            let watermarks = table.watermark.iter().map(|watermark| watermark.column).collect();
            let plan = Plan::Scan {
                table: table.clone(),
                columns,
            };
            Ok(Relation {
                watermarks,
                ..Relation::new(plan, Some(table.name.clone()))
            })
        }
    }
}

/// Items over rows.
fn rows(query: &Query, relation: Relation, unnamed: Unnamed) -> Outcome<Relation> {
    if let Some(emit) = query.emit_on_close {
        return Err(SqlError::new(emit, "EMIT ON WINDOW CLOSE needs GROUP BY")
            .hint("without groups each row comes out once anyway"));
    }
    let mut columns = Vec::new();
    for item in &query.items {
        match item {
            Item::All(table, span) => {
                if let Some(table) = table {
                    // That there is such a table is what is asked here; which column is of no matter.
                    qualifies(&relation, table)?;
                }
                for (place, field) in relation.columns.iter().enumerate() {
                    if relation.is_bound_of_several(place) {
                        return Err(unsupported(*span, "the rows of overlapping windows")
                            .hint("GROUP BY window_start, window_end"));
                    }
                    columns.push((Expr::Column(place, field.data_type), field.clone()));
                }
            }
            Item::Expr(expr, alias) => {
                let bound = Binder {
                    relation: &relation,
                    clause: "SELECT without GROUP BY",
                    groups: None,
                }
                .bind(expr)?;
                let name = title(expr, alias.as_ref(), columns.len(), &relation, unnamed);
                let data_type = bound.data_type();
                columns.push((bound.expr, Field { name, data_type }));
            }
        }
    }
    if let Some(windows) = relation
        .window
        .filter(|windows| relation.is_bound_of_several(windows.start))
    {
        return Err(unsupported(windows.span, "the rows of overlapping windows")
            .hint("GROUP BY window_start, window_end"));
    }
    let passed = columns.iter().enumerate();
    let passed = passed.filter(
        |(_, (expr, _))| matches!(expr, Expr::Column(place, _) if relation.watermarks.contains(place)),
    );
    let watermarks = passed.map(|(place, _)| place).collect();
    let plan = Plan::Project {
        input: Box::new(relation.plan),
        columns,
    };
    Ok(Relation {
        watermarks,
        ..Relation::new(plan, None)
    })
}

fn qualifies(relation: &Relation, table: &Name) -> Outcome<()> {
    match relation.columns.first() {
        None => Ok(()),
        Some(field) => {
            let column = Name {
                value: field.name.clone(),
                quoted: true,
                span: table.span,
            };
            relation.column(Some(table), &column).map(|_| ())
        }
    }
}

/// Items over groups.
fn grouped(query: &Query, relation: Relation, unnamed: Unnamed) -> Outcome<Relation> {
    let keys = keys(query, &relation)?;
    let once = fires_once(
        &relation,
        &keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(),
        query.emit_on_close,
    )?;
    let window = relation.window.filter(|_| once);
    let mut columns = Vec::new();
    let mut groups = Groups {
        dialect: unnamed,
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
            let bound = |place| Expr::Column(columns.len() + place, *data_type);
            let value = match place - window.start {
                0 => bound(0),
                1 => bound(1),
                _ => moment_before(bound(1)),
            };
            groups.keys.push((key.clone(), value));
        }
    }
    groups.first = columns.len() + if once { 2 } else { 0 };
    let mut items = Vec::new();
    for item in &query.items {
        let (expr, alias) = match item {
            Item::All(_, span) => {
                return Err(SqlError::new(*span, "* has no meaning over groups")
                    .hint("name the keys and the aggregates"));
            }
            Item::Expr(expr, alias) => (expr, alias.as_ref()),
        };
        let bound = Binder {
            relation: &relation,
            clause: "SELECT",
            groups: Some(&mut groups),
        }
        .bind(expr)?;
        let name = title(expr, alias, items.len(), &relation, unnamed);
        let data_type = bound.data_type();
        items.push((bound.expr, Field { name, data_type }));
    }
    let having = query.having.as_ref();
    let having = having.map(|having| {
        Binder {
            relation: &relation,
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
fn keys(query: &Query, relation: &Relation) -> Outcome<Vec<(Expr, String)>> {
    let mut keys: Vec<(Expr, String)> = Vec::new();
    for written in &query.group_by {
        let expr = aliased(written, query, relation);
        let key = match &expr.node {
            Node::Number(_) => {
                return Err(unsupported(expr.span, "GROUP BY the place of a column").hint("write its name"));
            }
            // A bound of a window is a key even where it is no column.
            Node::Column(table, name) => {
                let (place, data_type) = relation.column(table.as_ref(), name)?;
                Expr::Column(place, data_type)
            }
            _ => {
                Binder {
                    relation,
                    clause: "GROUP BY",
                    groups: None,
                }
                .bind(expr)?
                .expr
            }
        };
        let name = match &key {
            Expr::Column(place, _) => relation.columns.get(*place).map(|field| field.name.clone()),
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
fn aliased<'a>(key: &'a ast::Expr, query: &'a Query, relation: &Relation) -> &'a ast::Expr {
    let Node::Column(None, name) = &key.node else {
        return key;
    };
    if relation.column(None, name).is_ok() {
        return key;
    }
    let item = query.items.iter().find_map(|item| match item {
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
fn title(
    expr: &ast::Expr,
    alias: Option<&Name>,
    place: usize,
    relation: &Relation,
    unnamed: Unnamed,
) -> String {
    match (alias, &expr.node) {
        (Some(alias), _) => alias.value.clone(),
        (None, Node::Column(table, name)) => {
            let column = relation
                .column(table.as_ref(), name)
                .ok()
                .and_then(|(place, _)| relation.columns.get(place));
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
