//! Where the result of a query goes, and whether it fits.
//!
//! A sink that only adds rows must never see an update: it would keep the old row and the new one, and a sum over them would
//! count twice. That is known as soon as the query is, so it is an error then and not in the middle of the night.

use sqlparser::tokenizer::Span;

use super::catalog::{Found, find};
use super::coerce::{Typed, convert, fits};
use super::operators::is_time;
use super::union::projected;
use crate::error::{Outcome, SqlError, suggest};
use crate::expr::Expr;
use crate::parse::ast::Name;
use crate::plan::{Connector, Field, Plan, Table, TableColumn};
use crate::value::{DataType, Scalar};

/// A table takes the rows of this plan.
pub(crate) fn accepts(table: &Table, plan: &Plan, at: Span) -> Outcome<()> {
    match &table.connector {
        Connector::Print { .. } | Connector::Blackhole => Ok(()),
        Connector::Datagen { .. } => Err(SqlError::new(
            at,
            format!("{} can only be read: datagen makes up its rows", table.name),
        )),
        Connector::Kafka { .. } | Connector::Filesystem { .. } if !plan.updates() => Ok(()),
        connector => {
            let message = format!(
                "the {} table {} doesn't support updates, and this query updates {}",
                connector.name(),
                table.name,
                updated(plan)
            );
            Err(SqlError::new(at, message).hint(
                "a result that is final can be written: GROUP BY window_start, window_end over TUMBLE, HOP or CUMULATE \
                 (with EMIT ON WINDOW CLOSE unless over DESCRIPTOR); updates go to print or a CREATE MATERIALIZED VIEW",
            ))
        }
    }
}

/// What changes, in words.
fn updated(plan: &Plan) -> String {
    let names = |names: Vec<&str>| names.join(", ");
    match plan {
        Plan::View { name, .. } => format!("the rows of the view {name}"),
        Plan::Aggregate {
            keys,
            aggregates,
            window: None,
            ..
        } => {
            let computed = names(aggregates.iter().map(|(_, field)| field.name.as_str()).collect());
            let keys = names(keys.iter().map(|(_, field)| field.name.as_str()).collect());
            match (computed.is_empty(), keys.is_empty()) {
                (true, _) => format!("its groups by {keys}"),
                (false, true) => computed,
                (false, false) => format!("{computed} for each {keys}"),
            }
        }
        plan => {
            let updating = plan.inputs().into_iter().find(|input| input.updates());
            updating.map(updated).unwrap_or_default()
        }
    }
}

/// The plan with the columns that a table is written with: their number, names and types.
pub(crate) fn fitted(plan: Plan, table: &Table, columns: &[Name], at: Span) -> Outcome<Plan> {
    let (input, items) = projected(plan);
    let written: Vec<&TableColumn> = table
        .columns
        .iter()
        .filter(|column| column.is_written())
        .collect();
    let names = || written.iter().map(|column| column.field.name.as_str());
    let mut targets = Vec::new();
    for column in columns {
        match find(column, names().collect::<Vec<_>>().into_iter()) {
            Found::One(place) if targets.contains(&place) => {
                return Err(SqlError::new(
                    column.span,
                    format!("{} is named twice", column.value),
                ));
            }
            Found::One(place) => targets.push(place),
            _ => {
                return Err(SqlError::new(
                    column.span,
                    format!("no column \"{}\" to write in {}", column.value, table.name),
                )
                .hint(suggest(&column.value, &format!("{} has", table.name), names())));
            }
        }
    }
    if columns.is_empty() {
        targets.extend(0..written.len());
    }
    if items.len() != targets.len() {
        let takes = targets.iter().filter_map(|place| written.get(*place));
        let takes: Vec<String> = takes.map(|column| described(&column.field)).collect();
        let gives: Vec<String> = items.iter().map(|(_, field)| described(field)).collect();
        let message = format!(
            "{} takes {} columns, and the query gives {}",
            table.name,
            targets.len(),
            items.len()
        );
        return Err(SqlError::new(at, message).hint(format!(
            "{} takes: {}; the query gives: {}",
            table.name,
            takes.join(", "),
            gives.join(", ")
        )));
    }
    let mut given: Vec<Option<(Expr, Field)>> = vec![None; written.len()];
    for (place, item) in targets.into_iter().zip(items) {
        if let Some(slot) = given.get_mut(place) {
            *slot = Some(item);
        }
    }
    let mut fitted = Vec::new();
    for (column, item) in written.into_iter().zip(given) {
        let to = column.field.data_type;
        let expr = match item {
            None => Expr::Literal(Scalar::Null, to),
            Some((expr, field)) => fit(expr, &field, column, table, at)?,
        };
        fitted.push((expr, column.field.clone()));
    }
    Ok(Plan::Project {
        input: Box::new(input),
        columns: fitted,
    })
}

fn fit(expr: Expr, field: &Field, column: &TableColumn, table: &Table, at: Span) -> Outcome<Expr> {
    let to = column.field.data_type;
    let into = &column.field.name;
    // As Flink inserts a time with a zone into a column without one, and the reverse: the zone is UTC.
    let are_times = is_time(expr.data_type()) && is_time(to);
    if !fits(&expr, to) && !are_times {
        let message = format!(
            "{} is {}, and {into} of {} is {to}",
            field.name, field.data_type, table.name
        );
        return Err(SqlError::new(at, message).hint(format!("CAST({} AS {to}) AS {into}", field.name)));
    }
    convert(Typed { expr, span: at }, to)
}

fn described(field: &Field) -> String {
    format!("{} {}", field.name, field.data_type)
}

/// A column of type INTERVAL cannot leave a query.
pub(crate) fn no_intervals(fields: &[Field], at: Span) -> Outcome<()> {
    match fields.iter().find(|field| field.data_type == DataType::Interval) {
        None => Ok(()),
        Some(field) => Err(SqlError::new(
            at,
            format!("{} is an INTERVAL, and no result can be", field.name),
        )),
    }
}
