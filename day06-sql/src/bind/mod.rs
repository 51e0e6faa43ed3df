//! From statements as they were written to statements as they are run.
//!
//! ```text
//! mod.rs        one statement after the other, each seeing what those before it created
//! ├─ table.rs       CREATE TABLE ── connector.rs, datagen.rs ── format.rs ── options.rs
//! ├─ select.rs      queries ── join.rs, union.rs, window.rs
//! │  └─ expr.rs         names and types ── operators.rs ── coerce.rs
//! ├─ sink.rs        what a table takes
//! ├─ catalog.rs     what there is ── context.rs ── scope.rs
//! └─ limits.rs      how large a query may become
//! ```
//!
//! A text is all or nothing: if one of its statements is wrong, the catalog stays what it was, and nothing has begun to run.

mod call;
mod catalog;
mod coerce;
mod connector;
mod context;
mod datagen;
mod expr;
mod format;
mod join;
mod limits;
mod operators;
mod options;
mod relation;
mod scope;
mod select;
mod sink;
mod table;
mod union;
mod window;

use sqlparser::tokenizer::Span;

pub use catalog::Catalog;

use crate::error::{Outcome, SqlError, unsupported};
use crate::parse::ast::{self, CreateSink, CreateTable, CreateView, Name};
use crate::parse::statements;
use crate::plan::{Properties, Query, Sink, Statement};
use catalog::{Known, NamedQuery, View};
use context::{Context, Unnamed, unretractable};

/// Reads all statements of a text, and puts what they create into the catalog. `origin` is what the text is called in errors.
///
/// # Errors
///
/// The first statement that cannot be read, understood or planned; the catalog is then as it was before.
pub fn read(text: &str, origin: &str, catalog: &mut Catalog) -> Result<Vec<Statement>, SqlError> {
    let mut created = catalog.clone();
    let bound = statements(text).and_then(|statements| {
        let is_there = |statement: &ast::Statement, catalog: &Catalog| {
            let name = statement.if_not_exists();
            name.is_some_and(|name| catalog.free(name).is_err())
        };
        let mut bound = Vec::new();
        for statement in &statements {
            if !is_there(statement, &created) {
                bound.push(bind(statement, &mut created)?);
            }
        }
        Ok(bound)
    });
    let bound = bound.map_err(|error| error.located(text, origin))?;
    *catalog = created;
    Ok(bound)
}

fn bind(statement: &ast::Statement, catalog: &mut Catalog) -> Outcome<Statement> {
    match statement {
        ast::Statement::Create(create) => create_table(create, catalog),
        ast::Statement::View(create) => create_view(create, catalog),
        ast::Statement::Sink(create) => create_sink(create, catalog),
        ast::Statement::Insert {
            table,
            columns,
            query,
        } => insert(table, columns, query, catalog),
        ast::Statement::Query(query) => {
            let mut context = Context::new(catalog, Unnamed::Flink, true);
            let plan = select::query(query, &mut context)?.plan;
            sink::no_intervals(&plan.fields(), query.span)?;
            if let (false, Some(aggregate)) = (plan.tables().is_empty(), unretractable(&plan)) {
                let what = format!("{aggregate} of rows that are updated, beside a table,");
                return Err(unsupported(query.span, &what));
            }
            Ok(Statement::Query(Query {
                plan: plan.optimized(),
                sink: Sink::Result,
            }))
        }
        ast::Statement::Explain(inner, span) => {
            // What is only explained is not created.
            match bind(inner, &mut catalog.clone())? {
                Statement::Query(query) => Ok(Statement::Explain(query)),
                Statement::Created(_) | Statement::Named(_) | Statement::Explain(_) => Err(SqlError::new(
                    *span,
                    "there is nothing to explain: only a query has a plan",
                )),
            }
        }
    }
}

fn create_view(create: &CreateView, catalog: &mut Catalog) -> Outcome<Statement> {
    let (name, at) = (create.name.value.clone(), create.query.span);
    catalog.free(&create.name)?;
    // Who will read it is not known yet, and whether once.
    let (unnamed, once) = match create.materialized {
        true => (Unnamed::RisingWave, false),
        false => (Unnamed::Flink, true),
    };
    let plan = select::query(&create.query, &mut Context::new(catalog, unnamed, once))?.plan;
    let fields = plan.fields();
    table::unique(&fields, at)?;
    sink::no_intervals(&fields, at)?;
    let plan = plan.optimized();
    if !create.materialized {
        catalog.add(Known::Query(NamedQuery {
            name: name.clone(),
            plan,
        }));
        return Ok(Statement::Named(name));
    }
    catalog.add(Known::View(View {
        name: name.clone(),
        fields,
        updates: plan.updates(),
        known: Properties {
            watermarks: plan.watermarks(),
            keys: plan.keys(),
        },
    }));
    Ok(Statement::Query(Query {
        plan,
        sink: Sink::View(name),
    }))
}

fn create_table(create: &CreateTable, catalog: &mut Catalog) -> Outcome<Statement> {
    catalog.free(&create.name)?;
    let Some(query) = &create.query else {
        let table = table::table(create)?;
        catalog.add(Known::Table(table.clone()));
        return Ok(Statement::Created(table));
    };
    let extra = create.columns.first().map(|column| column.name.span);
    let extra = extra.or(create.watermark.as_ref().map(|watermark| watermark.column.span));
    if let Some(span) = extra.or(create.primary_key.as_ref().map(|key| key.span)) {
        return Err(
            unsupported(span, "columns of a table AS SELECT").hint("the columns are those of the query")
        );
    }
    write_to_new(&create.name, query, &create.options, Unnamed::Flink, catalog)
}

fn create_sink(create: &CreateSink, catalog: &mut Catalog) -> Outcome<Statement> {
    catalog.free(&create.name)?;
    let mut options = ast::Options {
        list: Vec::new(),
        span: create.options.span,
    };
    for option in &create.options.list {
        match option.key.as_str() {
            // Asked for or not, a sink gets rows that are only added; what is updated is refused below.
            "force_append_only" if ["true", "false"].contains(&option.value.as_str()) => {}
            "primary_key" | "force_append_only" => {
                return Err(unsupported(
                    option.key_span,
                    &format!("{} = '{}'", option.key, option.value),
                ));
            }
            _ => options.list.push(option.clone()),
        }
    }
    write_to_new(
        &create.name,
        &create.query,
        &options,
        Unnamed::RisingWave,
        catalog,
    )
}

/// A table that is created for the result of a query.
fn write_to_new(
    name: &Name,
    query: &ast::Query,
    options: &ast::Options,
    unnamed: Unnamed,
    catalog: &mut Catalog,
) -> Outcome<Statement> {
    let plan = select::query(query, &mut Context::new(catalog, unnamed, false))?.plan;
    let table = table::table_of(name, plan.fields(), options, query.span)?;
    sink::accepts(&table, &plan, query.span)?;
    catalog.add(Known::Table(table.clone()));
    Ok(Statement::Query(Query {
        plan: plan.optimized(),
        sink: Sink::Table(table),
    }))
}

fn insert(name: &Name, columns: &[Name], query: &ast::Query, catalog: &Catalog) -> Outcome<Statement> {
    let table = match catalog.find(name)? {
        Known::Table(table) => table.clone(),
        view @ (Known::View(_) | Known::Query(_)) => {
            return Err(SqlError::new(
                name.span,
                format!("{} is a view: it is filled by its query", view.name()),
            ));
        }
    };
    let plan = select::query(query, &mut Context::new(catalog, Unnamed::Flink, false))?.plan;
    let at: Span = query.span;
    let plan = sink::fitted(plan, &table, columns, at)?;
    sink::accepts(&table, &plan, name.span)?;
    Ok(Statement::Query(Query {
        plan: plan.optimized(),
        sink: Sink::Table(table),
    }))
}
