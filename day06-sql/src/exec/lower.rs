//! From a tree of relational operators to a line of tasks.
//!
//! ```text
//! Project                              source   scan, filter, [keys | arguments]
//!   Aggregate           ─►                          │ by key
//!     Filter                           worker   group, project
//!       Scan                                        │
//!                                      sink
//! ```
//!
//! Every grouping needs an exchange, so that all rows of a group come to one worker; everything else is done where the
//! rows are. Left out, until plans have two inputs: anything but a line.

use day01_consumer::Error as InputError;
use day02_state::error::Error;

use super::steps::{Step, Steps};
use crate::aggregate::Call;
use crate::expr::Expr;
use crate::plan::{Plan, Table, Window};
use crate::value::DataType;

// ANCHOR: line
/// A plan as a line of tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What is read.
    pub scan: Scan,
    /// What is done with it before it leaves the source.
    pub steps: Steps,
    /// The groupings, each behind an exchange.
    pub groupings: Vec<Grouping>,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Scan {
    /// These columns of a table.
    Table(Table, Vec<usize>),
    /// All columns of a view.
    View(String),
}

/// A grouping of what comes in: its first columns are the keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    /// The types of the keys.
    pub keys: Vec<DataType>,
    /// What is computed of a group.
    pub calls: Vec<Call>,
    /// By which windows, if it is.
    pub window: Option<Window>,
    /// What is done with the result before it leaves the worker.
    pub then: Steps,
}
// ANCHOR_END: line

impl Scan {
    /// The table, and which columns of it. A view is not read by a query that goes on.
    pub fn table(&self) -> Result<(&Table, &[usize]), Error> {
        match self {
            Scan::Table(table, columns) => Ok((table, columns)),
            Scan::View(name) => {
                let said = format!(
                    "a query that goes on while the view {name} changes is not supported yet; SELECT reads it once"
                );
                Err(InputError::Usage(said).into())
            }
        }
    }
}

impl Line {
    /// How many columns of what leaves the source, or the grouping before, are keys.
    pub fn keys_of(&self, grouping: usize) -> usize {
        self.groupings
            .get(grouping)
            .map_or(0, |grouping| grouping.keys.len())
    }
}

/// The line of a plan.
pub fn lower(plan: &Plan) -> Result<Line, Error> {
    match plan {
        Plan::Scan { table, columns } => Ok(begin(Scan::Table(table.clone(), columns.clone()))),
        Plan::View { name, .. } => Ok(begin(Scan::View(name.clone()))),
        Plan::Filter { input, predicate } => {
            let mut line = lower(input)?;
            last(&mut line).push(Step::Filter(predicate.clone()));
            Ok(line)
        }
        Plan::Project { input, columns } => {
            let mut line = lower(input)?;
            let columns = columns.iter().map(|(expr, _)| expr.clone());
            last(&mut line).push(Step::Project(columns.collect()));
            Ok(line)
        }
        Plan::Aggregate {
            input,
            keys,
            aggregates,
            window,
        } => {
            let mut line = lower(input)?;
            let mut columns: Vec<Expr> = keys.iter().map(|(expr, _)| expr.clone()).collect();
            let keys = columns.iter().map(Expr::data_type).collect();
            let mut calls = Vec::new();
            for (aggregate, field) in aggregates {
                calls.push(match &aggregate.argument {
                    None => Call::count_rows(),
                    Some(argument) => {
                        let place = place_of(argument, &mut columns);
                        let call = Call::of(aggregate.function, place, argument.data_type());
                        call.ok_or_else(|| {
                            let said =
                                format!("{} has no such aggregate of {}", field.name, argument.data_type());
                            Error::Input(InputError::Usage(said))
                        })?
                    }
                });
            }
            let window = window.map(|window| Window {
                time: place_of(&Expr::Column(window.time, window.data_type), &mut columns),
                ..window
            });
            last(&mut line).push(Step::Project(columns));
            line.groupings.push(Grouping {
                keys,
                calls,
                window,
                then: Steps::default(),
            });
            Ok(line)
        }
        Plan::Join { .. } | Plan::Union { .. } => {
            let said = "a query with several inputs cannot run yet; EXPLAIN shows its plan";
            Err(InputError::Usage(said.to_string()).into())
        }
    }
}

fn begin(scan: Scan) -> Line {
    Line {
        scan,
        steps: Steps::default(),
        groupings: Vec::new(),
    }
}

/// The steps of the last task.
fn last(line: &mut Line) -> &mut Vec<Step> {
    match line.groupings.last_mut() {
        Some(grouping) => &mut grouping.then.0,
        None => &mut line.steps.0,
    }
}

/// The place of a column, which is added unless it is there.
fn place_of(expr: &Expr, columns: &mut Vec<Expr>) -> usize {
    let place = columns.iter().position(|column| column == expr);
    place.unwrap_or_else(|| {
        columns.push(expr.clone());
        columns.len() - 1
    })
}
