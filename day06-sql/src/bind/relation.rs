//! What a query reads from: a plan with names, and what is known of its times.

use day03_windows::spec::WindowSpec;
use sqlparser::tokenizer::Span;

use super::catalog::{Found, find};
use crate::error::{Outcome, SqlError, suggest};
use crate::parse::ast::Name;
use crate::plan::{Field, Plan};
use crate::value::DataType;

/// The input of a query.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub plan: Plan,
    /// The columns of the plan; behind them those that only a window can give.
    pub columns: Vec<Field>,
    /// By which name columns can be qualified.
    pub name: Option<String>,
    /// The columns that still are a time with a watermark: passed on unchanged all the way from the source.
    pub watermarks: Vec<usize>,
    pub window: Option<Windows>,
}

/// Windows that the rows of a relation belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    pub spec: WindowSpec,
    /// The column that is the time.
    pub time: usize,
    pub data_type: DataType,
    /// The place of window_start; window_end is the next one, and in Flink's spelling window_time the one after.
    pub start: usize,
    /// As Flink writes it.
    pub descriptor: bool,
    /// The function.
    pub span: Span,
}

impl Relation {
    /// A plan whose columns are what it gives.
    pub(crate) fn new(plan: Plan, name: Option<String>) -> Self {
        let columns = plan.fields();
        Relation {
            plan,
            columns,
            name,
            watermarks: Vec::new(),
            window: None,
        }
    }

    /// Whether a column is only there for a window to group by: a row is in several windows, so it has no value for the row.
    pub(crate) fn is_bound_of_several(&self, column: usize) -> bool {
        let several = |windows: Windows| !matches!(windows.spec, WindowSpec::Tumble { .. });
        self.window
            .is_some_and(|windows| several(windows) && column >= windows.start)
    }

    /// The place of a column.
    pub(crate) fn column(&self, table: Option<&Name>, name: &Name) -> Outcome<(usize, DataType)> {
        if let Some(table) = table {
            let known = self.name.as_deref();
            if find(table, known.into_iter()) == Found::None {
                return Err(
                    SqlError::new(table.span, format!("no table \"{}\" in this query", table.value))
                        .hint(suggest(&table.value, "there are", known)),
                );
            }
        }
        let names = self.columns.iter().map(|field| field.name.as_str());
        match find(name, names.clone()) {
            Found::One(place) => Ok((
                place,
                self.columns
                    .get(place)
                    .map_or(DataType::Boolean, |field| field.data_type),
            )),
            Found::Several => Err(SqlError::new(
                name.span,
                format!("several columns are called {}", name.value),
            )
            .hint("quote the name to say which spelling is meant, or rename one with AS in the sub-query")),
            Found::None => {
                let whose = self.name.as_deref().unwrap_or("the sub-query");
                let message = format!("no column \"{}\" in {whose}", name.value);
                let hint = suggest(&name.value, &format!("{whose} has"), names);
                Err(SqlError::new(name.span, message).hint(hint))
            }
        }
    }
}
