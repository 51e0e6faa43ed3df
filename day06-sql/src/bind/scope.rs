//! Which columns there are for the names of a query.
//!
//! ```text
//! FROM orders AS o JOIN merchants USING (id)      o: 0 1 2   merchants: 3 4
//!      id m amount         id name
//! id           0, since USING has made one column of two      *   0 1 2 4
//! m            1                                              o.* 0 1 2
//! merchants.id 3
//! ```

use std::collections::HashSet;

use day03_windows::spec::WindowSpec;
use sqlparser::tokenizer::Span;

use super::catalog::{Found, find};
use crate::error::{Outcome, SqlError, suggest};
use crate::parse::ast::Name;
use crate::plan::Field;
use crate::value::DataType;

/// The columns of the inputs of a query.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// All of them; the last ones may be bounds that only a window can give.
    pub columns: Vec<Field>,
    pub inputs: Vec<Input>,
    /// Those that a name alone finds and that `*` stands for, in this order.
    pub visible: Vec<usize>,
    pub window: Option<Windows>,
}

/// An input of a query.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// By which its columns can be qualified.
    pub name: Option<String>,
    pub columns: Vec<usize>,
}

/// Windows that the rows of an input belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    pub spec: WindowSpec,
    /// The column that is the time.
    pub time: usize,
    pub data_type: DataType,
    /// The type of window_start and window_end.
    pub bounds: DataType,
    /// The place of window_start; window_end is the next one, and in Flink's spelling window_time the one after.
    pub start: usize,
    /// As Flink writes it.
    pub descriptor: bool,
    /// The function.
    pub span: Span,
}

impl Windows {
    /// Whether a row is in one window only, whose bounds are then columns of the row.
    pub(crate) fn has_rows(self) -> bool {
        matches!(self.spec, WindowSpec::Tumble { .. })
    }
}

impl Scope {
    /// The columns of one input.
    pub(crate) fn new(columns: Vec<Field>, name: Option<String>) -> Self {
        let all: Vec<usize> = (0..columns.len()).collect();
        let inputs = vec![Input {
            name,
            columns: all.clone(),
        }];
        Scope {
            columns,
            inputs,
            visible: all,
            window: None,
        }
    }

    /// These columns, and behind them those of another input.
    pub(crate) fn and(mut self, right: Scope) -> Self {
        let width = self.columns.len();
        let behind = |columns: Vec<usize>| columns.into_iter().map(|place| place + width).collect();
        self.columns.extend(right.columns);
        self.visible.extend::<Vec<usize>>(behind(right.visible));
        let inputs = right.inputs.into_iter().map(|input| Input {
            columns: behind(input.columns),
            ..input
        });
        self.inputs.extend(inputs);
        self.window = None;
        self
    }

    /// Makes one column of two: the second is found by its qualified name only, and the first comes first.
    pub(crate) fn merge(&mut self, first: usize, second: usize) {
        self.visible.retain(|place| *place != first && *place != second);
        self.visible.insert(0, first);
    }

    /// Lets the last columns, which have these names, be found in place of those before them.
    pub(crate) fn shadow(&mut self, names: &[&str]) {
        let first = self.columns.len() - names.len();
        let is_shadowed = |place: usize| {
            let field = self.columns.get(place).filter(|_| place < first);
            field.is_some_and(|field| names.contains(&field.name.as_str()))
        };
        self.visible.retain(|place| !is_shadowed(*place));
        for input in &mut self.inputs {
            input.columns.retain(|place| !is_shadowed(*place));
        }
    }

    /// The name of the input that a column is of.
    pub(crate) fn owner(&self, column: usize) -> Option<&str> {
        let owner = self.inputs.iter().find(|input| input.columns.contains(&column));
        owner.and_then(|owner| owner.name.as_deref())
    }

    /// Whether a column is only there for a window to group by: a row is in several windows, so it has no value for the row.
    pub(crate) fn is_bound_of_several(&self, column: usize) -> bool {
        let several = |windows: Windows| !windows.has_rows() && column >= windows.start;
        self.window.is_some_and(several)
    }

    /// The input with this name.
    pub(crate) fn input(&self, name: &Name) -> Outcome<&Input> {
        let names = self.inputs.iter().filter_map(|input| input.name.as_deref());
        let found = match find(name, names.clone()) {
            Found::One(place) => self.inputs.iter().filter(|input| input.name.is_some()).nth(place),
            Found::Several | Found::None => None,
        };
        found.ok_or_else(|| {
            SqlError::new(name.span, format!("no table \"{}\" in this query", name.value)).hint(suggest(
                &name.value,
                "there are",
                names,
            ))
        })
    }

    /// The place of a column.
    pub(crate) fn column(&self, table: Option<&Name>, name: &Name) -> Outcome<(usize, DataType)> {
        let among = match table {
            Some(table) => &self.input(table)?.columns,
            None => &self.visible,
        };
        let fields = among
            .iter()
            .filter_map(|place| Some((*place, self.columns.get(*place)?)));
        let names = fields.clone().map(|(_, field)| field.name.as_str());
        match find(name, names.clone()) {
            Found::One(nth) => match fields.clone().nth(nth) {
                Some((place, field)) => Ok((place, field.data_type)),
                None => Err(self.unknown(table, name, names)),
            },
            Found::Several => Err(self.ambiguous(name, fields)),
            Found::None => Err(self.unknown(table, name, names)),
        }
    }

    fn unknown<'a>(
        &self,
        table: Option<&Name>,
        name: &Name,
        names: impl Iterator<Item = &'a str>,
    ) -> SqlError {
        let whose = match table {
            Some(table) => table.value.clone(),
            None => {
                let inputs = self.inputs.iter();
                let inputs = inputs.map(|input| input.name.as_deref().unwrap_or("the sub-query"));
                inputs.collect::<Vec<_>>().join(" or ")
            }
        };
        let message = format!("no column \"{}\" in {whose}", name.value);
        let has = match whose.contains(" or ") {
            true => "there are".to_string(),
            false => format!("{whose} has"),
        };
        let mut listed = HashSet::new();
        let names = names.filter(|name| listed.insert(*name));
        SqlError::new(name.span, message).hint(suggest(&name.value, &has, names))
    }

    /// A name that several columns have: `a.id or b.id`.
    fn ambiguous<'a>(&self, name: &Name, fields: impl Iterator<Item = (usize, &'a Field)>) -> SqlError {
        let like = name.value.to_lowercase();
        let alike = fields.filter(|(_, field)| field.name.to_lowercase() == like);
        let alike = alike.map(|(place, field)| Some(format!("{}.{}", self.owner(place)?, field.name)));
        let alike: Option<Vec<String>> = alike.collect();
        let differ = |names: &Vec<String>| {
            names
                .iter()
                .enumerate()
                .all(|(nth, one)| !names[..nth].contains(one))
        };
        match alike.filter(differ) {
            Some(alike) if self.inputs.len() > 1 => SqlError::new(
                name.span,
                format!("{} is in several inputs of the query", name.value),
            )
            .hint(format!("write {}", alike.join(" or "))),
            _ => SqlError::new(name.span, format!("several columns are called {}", name.value)).hint(
                "quote the name to say which spelling is meant, or rename one with AS in the sub-query",
            ),
        }
    }
}
