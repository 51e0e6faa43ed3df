//! The options of WITH: one spelling for all dialects, and an error at the option that is wrong.
//!
//! An option that nobody knows is an error and not a warning: `'scan.startup.mod' = 'latest-offset'` that is ignored reads a
//! topic from its beginning.

use std::str::FromStr;

use sqlparser::tokenizer::Span;

use crate::error::{Outcome, SqlError, suggest};
use crate::parse::ast::{OptionDef, Options};

/// What is written in one dialect, and what it is called here.
const ALIASES: [(&str, &str); 6] = [
    ("properties.bootstrap.server", "properties.bootstrap.servers"),
    ("bootstrap_servers", "properties.bootstrap.servers"),
    ("group.id", "properties.group.id"),
    ("source.group_id", "properties.group.id"),
    ("source.offset", "scan.startup.mode"),
    ("scan.startup.timestamp.millis", "scan.startup.timestamp-millis"),
];

/// The options of one table, which are taken one after the other.
pub(crate) struct OptionReader<'a> {
    list: Vec<(&'a str, &'a OptionDef)>,
    /// Where a missing one is missed.
    pub span: Span,
}

impl<'a> OptionReader<'a> {
    pub(crate) fn new(options: &'a Options) -> Outcome<Self> {
        let mut list: Vec<(&str, &OptionDef)> = Vec::new();
        for option in &options.list {
            let alias = ALIASES.iter().find(|(alias, _)| *alias == option.key);
            let key = alias.map_or(option.key.as_str(), |(_, key)| key);
            if list.iter().any(|(known, _)| *known == key) {
                return Err(SqlError::new(
                    option.key_span,
                    format!("the option {key} is given twice"),
                ));
            }
            list.push((key, option));
        }
        Ok(OptionReader {
            list,
            span: options.span,
        })
    }

    /// Every option must be one that the owner knows.
    pub(crate) fn known(&self, owner: &str, is_known: impl Fn(&str) -> bool, all: &[&str]) -> Outcome<()> {
        match self.list.iter().find(|(key, _)| !is_known(key)) {
            None => Ok(()),
            Some((key, option)) => Err(SqlError::new(
                option.key_span,
                format!("{owner} has no option \"{key}\""),
            )
            .hint(suggest(key, "there are", all.iter().copied()))),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a OptionDef> {
        self.list
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, option)| *option)
    }

    /// Those about single columns.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &'a OptionDef> {
        self.list
            .iter()
            .filter(|(key, _)| key.starts_with("fields."))
            .map(|(_, option)| *option)
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(|option| option.value.clone())
    }

    pub(crate) fn required(&self, owner: &str, key: &str) -> Outcome<&'a OptionDef> {
        self.get(key).ok_or_else(|| {
            SqlError::new(self.span, format!("{owner} needs the option \"{key}\""))
                .hint(format!("WITH ('{key}' = '…', …)"))
        })
    }

    /// The value as something that a text is parsed into.
    pub(crate) fn parsed<T: FromStr>(&self, key: &str, what: &str) -> Outcome<Option<T>> {
        let parse = |option: &OptionDef| {
            let wrong = || {
                SqlError::new(
                    option.value_span,
                    format!("{key} is {what}, and '{}' is none", option.value),
                )
            };
            option.value.trim().to_lowercase().parse().map_err(|_| wrong())
        };
        self.get(key).map(parse).transpose()
    }

    pub(crate) fn flag(&self, key: &str) -> Outcome<bool> {
        Ok(self.parsed(key, "true or false")?.unwrap_or(false))
    }
}

/// A value that is none of those there are.
pub(crate) fn no_such(option: &OptionDef, values: &[&str]) -> SqlError {
    SqlError::new(
        option.value_span,
        format!("no {} \"{}\"", option.key, option.value),
    )
    .hint(suggest(&option.value, "there are", values.iter().copied()))
}
