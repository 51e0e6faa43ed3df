//! What has been created, and how names find it.
//!
//! A name matches what is spelled the same; if nothing is, and the name is not quoted, what is spelled the same but for case.
//! Flink keeps the case of names and RisingWave folds it: under this rule the programs of both find what they mean.

use crate::error::{Outcome, SqlError, suggest};
use crate::parse::ast::Name;
use crate::plan::{Field, Plan, Properties, Table};

/// Tables and views by name.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Catalog {
    relations: Vec<Known>,
}

/// Something that a query can read, or write to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    Table(Table),
    View(View),
    Query(NamedQuery),
}

/// What a query needs to know of a view.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub name: String,
    pub fields: Vec<Field>,
    pub updates: bool,
    pub known: Properties,
}

/// A view that nobody keeps: its query is part of whatever reads it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedQuery {
    pub name: String,
    pub plan: Plan,
}

impl Catalog {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tables, in the order of their creation.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.relations.iter().filter_map(|known| match known {
            Known::Table(table) => Some(table),
            Known::View(_) | Known::Query(_) => None,
        })
    }

    /// The materialized views with their columns, in the order of their creation.
    pub fn views(&self) -> impl Iterator<Item = (&str, &[Field])> {
        self.relations.iter().filter_map(|known| match known {
            Known::Table(_) | Known::Query(_) => None,
            Known::View(view) => Some((view.name.as_str(), view.fields.as_slice())),
        })
    }

    pub(crate) fn find(&self, name: &Name) -> Outcome<&Known> {
        let names = self.relations.iter().map(Known::name);
        match find(name, names.clone()) {
            Found::One(place) => self.relations.get(place).ok_or_else(|| self.unknown(name)),
            Found::Several => Err(SqlError::new(
                name.span,
                format!("several tables or views are called {}", name.value),
            )
            .hint("quote the name to say which spelling is meant")),
            Found::None => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &Name) -> SqlError {
        SqlError::new(name.span, format!("no table or view \"{}\"", name.value)).hint(suggest(
            &name.value,
            "there are",
            self.relations.iter().map(Known::name),
        ))
    }

    /// Whether there is room for a name. Names that differ in case only would be hard to tell apart.
    pub(crate) fn free(&self, name: &Name) -> Outcome<()> {
        match self
            .relations
            .iter()
            .find(|known| known.name().eq_ignore_ascii_case(&name.value))
        {
            None => Ok(()),
            Some(known) => {
                let what = match known {
                    Known::Table(_) => "table",
                    Known::View(_) | Known::Query(_) => "view",
                };
                Err(SqlError::new(
                    name.span,
                    format!("there is already a {what} {}", known.name()),
                ))
            }
        }
    }

    pub(crate) fn add(&mut self, known: Known) {
        self.relations.push(known);
    }
}

impl Known {
    pub(crate) fn name(&self) -> &str {
        match self {
            Known::Table(table) => &table.name,
            Known::View(view) => &view.name,
            Known::Query(query) => &query.name,
        }
    }
}

/// What a name may find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    One(usize),
    Several,
    None,
}

/// Finds a name among names.
pub(crate) fn find<'a>(name: &Name, names: impl Iterator<Item = &'a str> + Clone) -> Found {
    let one = |mut places: Vec<usize>| match (places.pop(), places.is_empty()) {
        (None, _) => Found::None,
        (Some(place), true) => Found::One(place),
        (Some(_), false) => Found::Several,
    };
    let places = |same: &dyn Fn(&str) -> bool| {
        let names = names.clone().enumerate();
        names
            .filter(|(_, other)| same(other))
            .map(|(place, _)| place)
            .collect()
    };
    match one(places(&|other| other == name.value)) {
        Found::None if !name.quoted => {
            let lower = || name.value.chars().flat_map(char::to_lowercase);
            one(places(&|other| {
                other.chars().flat_map(char::to_lowercase).eq(lower())
            }))
        }
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::tokenizer::Span;

    #[test]
    fn a_name_finds_its_own_spelling_first() {
        let names = ["ts", "Ts", "Amount", "x", "x"];
        #[rustfmt::skip]
        let table = [
            ("ts",     false, Found::One(0)),
            ("Ts",     false, Found::One(1)),
            ("TS",     false, Found::Several),
            ("amount", false, Found::One(2)),
            ("amount", true,  Found::None),
            ("Amount", true,  Found::One(2)),
            ("x",      false, Found::Several),
            ("y",      false, Found::None),
        ];
        for (value, quoted, found) in table {
            let name = Name {
                value: value.to_string(),
                quoted,
                span: Span::empty(),
            };
            assert_eq!(find(&name, names.into_iter()), found, "{value}");
        }
    }
}
