//! What a query is bound within: the names that it can read, and the habits of its dialect.

use super::catalog::{Catalog, Known};
use super::limits;
use super::relation::Relation;
use super::select;
use crate::aggregate::retractable;
use crate::error::{Outcome, SqlError, unsupported};
use crate::parse::ast::{Name, Query};
use crate::plan::{Aggregate, Connector, Plan};

/// How a column is called that has no name of its own.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// `EXPR$1` by its place, counted from 0.
    #[default]
    Flink,
    /// An aggregate by its function, the rest like Flink.
    RisingWave,
}

pub(crate) struct Context<'a> {
    pub catalog: &'a Catalog,
    pub unnamed: Unnamed,
    /// Whether what is read from views alone is read once: then nothing is taken back.
    pub once: bool,
    /// The queries of WITH, the innermost last.
    with: Vec<(Name, Plan)>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(catalog: &'a Catalog, unnamed: Unnamed, once: bool) -> Self {
        Context {
            catalog,
            unnamed,
            once,
            with: Vec::new(),
        }
    }

    /// Binds with the names of WITH, which end with the query that they belong to.
    pub(crate) fn with<T>(
        &mut self,
        names: &[(Name, Query)],
        bind: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        let outer = self.with.len();
        for (name, query) in names {
            let same = |(known, _): &(Name, Plan)| known.value.eq_ignore_ascii_case(&name.value);
            if self.with.iter().skip(outer).any(same) {
                return Err(SqlError::new(
                    name.span,
                    format!("two queries of WITH are called {}", name.value),
                ));
            }
            let plan = select::query(query, self)?.plan;
            self.with.push((name.clone(), plan));
        }
        let bound = bind(self);
        self.with.truncate(outer);
        bound
    }

    /// What a name in FROM stands for.
    pub(crate) fn named(&self, name: &Name) -> Outcome<Relation> {
        let spelled = |known: &&(Name, Plan)| known.0.value == name.value;
        let alike = |known: &&(Name, Plan)| !name.quoted && known.0.value.eq_ignore_ascii_case(&name.value);
        let with = self.with.iter().rev();
        if let Some((known, plan)) = with.clone().find(spelled).or_else(|| with.clone().find(alike)) {
            limits::bounded(plan, name.span)?;
            return Ok(Relation::new(plan.clone(), Some(known.value.clone())));
        }
        match self.catalog.find(name)? {
            Known::Query(query) => {
                limits::bounded(&query.plan, name.span)?;
                if let (false, Some(aggregate)) = (self.once, unretractable(&query.plan)) {
                    let what = format!(
                        "{aggregate} of rows that are updated, in the view {},",
                        query.name
                    );
                    return Err(unsupported(name.span, &what)
                        .hint("a SELECT from materialized views alone can have it, for it reads them once"));
                }
                Ok(Relation::new(query.plan.clone(), Some(query.name.clone())))
            }
            Known::View(view) => {
                let plan = Plan::View {
                    name: view.name.clone(),
                    fields: view.fields.clone(),
                    updates: view.updates,
                    known: view.known.clone(),
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
                let plan = Plan::Scan {
                    table: table.clone(),
                    columns,
                };
                Ok(Relation::new(plan, Some(table.name.clone())))
            }
        }
    }
}

/// An aggregate that cannot take rows back, over an input that does.
pub(crate) fn unretractable(plan: &Plan) -> Option<&'static str> {
    let here = match plan {
        Plan::Aggregate {
            input,
            aggregates,
            window: None,
            ..
        } if input.updates() => {
            let mut aggregates = aggregates.iter();
            aggregates.find(|(Aggregate { function, .. }, _)| !retractable(*function))
        }
        _ => None,
    };
    here.map(|(aggregate, _)| aggregate.function.name())
        .or_else(|| plan.inputs().into_iter().find_map(unretractable))
}
