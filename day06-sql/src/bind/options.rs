//! The options of WITH: one spelling for all dialects, and an error at the option that is wrong.
//!
//! An option that nobody knows is an error and not a warning: `'scan.startup.mod' = 'latest-offset'` that is ignored reads a
//! topic from its beginning. Each connector and each format declares its options in one table. One that another engine has
//! there is told from one that no engine has, which was mistyped.

use std::str::FromStr;

use sqlparser::tokenizer::Span;

use crate::error::{Outcome, SqlError, suggest, unsupported};
use crate::parse::ast::{OptionDef, Options};

/// The options of a connector or a format. A `*` stands for any text.
pub(super) struct Declared {
    /// Whose they are.
    pub owner: &'static str,
    /// How each is called here, and how else it may be called.
    pub options: &'static [(&'static str, &'static [&'static str])],
    /// Those that Flink, RisingWave or Arroyo have besides.
    pub elsewhere: &'static [&'static str],
}

/// Options of every table. Arroyo says which way a table goes; here its use does.
pub(super) const COMMON: Declared = Declared {
    owner: "a table",
    options: &[("connector", &[]), ("type", &[])],
    elsewhere: &[
        "scan.parallelism",
        "sink.parallelism",
        "sink_decouple",
        "snapshot",
    ],
};

impl Declared {
    /// What an option is called here, whatever it is called where it was written.
    fn own_key(&self, key: &str) -> Option<&'static str> {
        let mut options = self.options.iter();
        let named = options
            .find(|(own, aliases)| is_like(key, own) || aliases.iter().any(|alias| is_like(key, alias)));
        named.map(|(own, _)| *own)
    }

    fn is_elsewhere(&self, key: &str) -> bool {
        self.elsewhere.iter().any(|known| is_like(key, known))
    }
}

/// Whether a key is this one, in which a `*` stands for any text.
fn is_like(key: &str, known: &str) -> bool {
    match known.split_once('*') {
        None => key == known,
        Some((before, behind)) => {
            let rest = key
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(behind));
            rest.is_some_and(|rest| !rest.is_empty())
        }
    }
}

/// The options of one table.
pub(crate) struct OptionReader<'a> {
    all: &'a [OptionDef],
    /// Where a missing one is missed.
    pub span: Span,
}

impl<'a> OptionReader<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        OptionReader {
            all: &options.list,
            span: options.span,
        }
    }

    /// Whether all keys are written without quotes, as RisingWave writes them.
    pub(super) fn has_bare_keys(&self) -> bool {
        // A key in quotes covers more than its own characters.
        let is_bare = |option: &OptionDef| {
            let (start, end) = (option.key_span.start, option.key_span.end);
            start.line == end.line && end.column - start.column <= option.key.chars().count() as u64
        };
        self.all.iter().all(is_bare)
    }

    /// Every option is one of these or of [`COMMON`], and given once.
    pub(super) fn check(&self, declared: &[&Declared]) -> Outcome<()> {
        let declared: Vec<&Declared> = declared.iter().copied().chain([&COMMON]).collect();
        let own_key = |option: &OptionDef| {
            let key = declared.iter().find_map(|one| one.own_key(&option.key))?;
            Some(if key.contains('*') {
                option.key.clone()
            } else {
                key.to_string()
            })
        };
        let mut given: Vec<String> = Vec::new();
        for option in self.all {
            match own_key(option) {
                Some(key) if given.contains(&key) => {
                    let said = format!("the option {key} is given twice");
                    return Err(SqlError::new(option.key_span, said));
                }
                Some(key) => given.push(key),
                None => return Err(unknown(option, &declared)),
            }
        }
        Ok(())
    }

    /// The option that has this name, or an alias of it in one of the tables.
    pub(super) fn get_of(&self, declared: &Declared, key: &str) -> Option<&'a OptionDef> {
        self.all
            .iter()
            .find(|option| option.key == key || declared.own_key(&option.key) == Some(key))
    }

    /// The option with exactly this name.
    pub(crate) fn get(&self, key: &str) -> Option<&'a OptionDef> {
        self.all.iter().find(|option| option.key == key)
    }

    /// Those that begin like this, with what follows.
    pub(crate) fn beginning(&self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a OptionDef)> {
        let rest = move |option: &'a OptionDef| Some((option.key.strip_prefix(prefix)?, option));
        self.all.iter().filter_map(rest)
    }

    pub(super) fn required(&self, declared: &Declared, key: &str) -> Outcome<&'a OptionDef> {
        self.get_of(declared, key).ok_or_else(|| {
            SqlError::new(
                self.span,
                format!("{} needs the option \"{key}\"", declared.owner),
            )
            .hint(format!("WITH ('{key}' = '…', …)"))
        })
    }

    /// The value as something that a text is parsed into.
    pub(crate) fn parsed<T: FromStr>(&self, key: &str, what: &str) -> Outcome<Option<T>> {
        self.get(key).map(|option| parsed(option, what)).transpose()
    }
}

/// An error for an option that none of these has.
fn unknown(option: &OptionDef, declared: &[&Declared]) -> SqlError {
    let key = &option.key;
    if declared.iter().any(|one| one.is_elsewhere(key)) {
        return unsupported(option.key_span, &format!("the option \"{key}\""));
    }
    let owner = declared.first().map_or("", |one| one.owner);
    let names = declared.iter().flat_map(|one| one.options).map(|(own, _)| *own);
    SqlError::new(option.key_span, format!("{owner} has no option \"{key}\"")).hint(suggest(
        key,
        "there are",
        names,
    ))
}

/// The value of an option as something that a text is parsed into.
pub(super) fn parsed<T: FromStr>(option: &OptionDef, what: &str) -> Outcome<T> {
    option.value.trim().to_lowercase().parse().map_err(|_| {
        SqlError::new(
            option.value_span,
            format!("{} is {what}, and '{}' is none", option.key, option.value),
        )
    })
}

/// The value of an option that is true or false; false without it.
pub(super) fn flag(option: Option<&OptionDef>) -> Outcome<bool> {
    option.map_or(Ok(false), |option| parsed(option, "true or false"))
}

/// A value that is none of those there are.
pub(crate) fn no_such(option: &OptionDef, values: &[&str]) -> SqlError {
    SqlError::new(
        option.value_span,
        format!("no {} \"{}\"", option.key, option.value),
    )
    .hint(suggest(&option.value, "there are", values.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        #[rustfmt::skip]
        let table = [
            ("topic",             "topic",          true),
            ("topics",            "topic",          false),
            ("fields.a.kind",     "fields.*.kind",  true),
            ("fields.a.b.kind",   "fields.*.kind",  true),
            ("fields..kind",      "fields.*.kind",  false),
            ("fields.a.min",      "fields.*.kind",  false),
            ("properties.x",      "properties.*",   true),
            ("properties.",       "properties.*",   false),
        ];
        for (key, known, is) in table {
            assert_eq!(is_like(key, known), is, "{key} {known}");
        }
    }
}
