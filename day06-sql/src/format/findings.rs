//! What was found while a table was read, and does not stop a run: what a format's own option ignores, and columns that no
//! record has.
//!
//! A missing field is NULL. For one record that is right; for all of them it is nearly always a name that was mistyped, in
//! the table or by whoever writes the records. So a reader remembers which columns no record had, and the names of some
//! fields that no column has, and the end of a run names both. What several sources have found is put together first.

use std::collections::{BTreeMap, BTreeSet};

use day01_consumer::order::Reason;
use day01_consumer::printable::printable;
use day02_state::status::{NAMED, Status, Tally};
use strsim::jaro_winkler;

use crate::error::suggest;

/// How many names of fields are remembered.
const NAMES: usize = 100;
/// A field with a longer name is none that a column was to have.
const LONGEST: usize = 100;
/// How many fields without a column are looked at.
const LOOKS: u32 = 10_000;

/// By column, in how many sources a record had it.
const COLUMN: &str = "column";
/// A field that no column has.
const FIELD: &str = "field";
/// How many fields became NULL because they could not be read.
const NULLED: &str = "nulled";

/// What the option of a format that ignores errors has ignored.
#[derive(Debug, Default, Clone)]
pub(super) struct Ignored {
    /// Records and objects that gave no row.
    rows: BTreeMap<Reason, u64>,
    /// How many of them were whole records.
    records: u64,
    fields: u64,
}

impl Ignored {
    /// A whole record gave no row.
    pub fn record(&mut self, reason: Reason) {
        self.records += 1;
        self.object(reason);
    }

    /// One of the objects of a record gave no row.
    pub fn object(&mut self, reason: Reason) {
        *self.rows.entry(reason).or_default() += 1;
    }

    /// A field became NULL.
    pub fn field(&mut self) {
        self.fields += 1;
    }

    pub fn report(&self, table: &str, status: &mut Status) {
        status.counted = status.counted.saturating_sub(self.records);
        for (reason, count) in &self.rows {
            *status.skipped.entry(*reason).or_default() += count;
        }
        if self.fields > 0 {
            status.tallies.insert(tally(table, NULLED, ""), self.fields);
        }
    }
}

/// Which columns were there in any record, and which fields were there besides.
#[derive(Debug, Clone)]
pub(super) struct Census {
    columns: Vec<&'static str>,
    seen: Vec<bool>,
    unseen: usize,
    looks: u32,
    others: BTreeSet<String>,
}

impl Census {
    pub fn new(columns: Vec<&'static str>) -> Self {
        Census {
            seen: vec![false; columns.len()],
            unseen: columns.len(),
            columns,
            looks: LOOKS,
            others: BTreeSet::new(),
        }
    }

    /// A record has a field: this column, or none.
    #[inline]
    pub fn saw(&mut self, column: Option<usize>, name: &str) {
        if self.unseen == 0 {
            return;
        }
        match column {
            Some(column) if !self.seen[column] => {
                self.seen[column] = true;
                self.unseen -= 1;
            }
            None if self.looks > 0 => {
                self.looks -= 1;
                if self.others.len() < NAMES && name.len() <= LONGEST && !self.others.contains(name) {
                    self.others.insert(name.to_string());
                }
            }
            _ => {}
        }
    }

    /// Without any record there is nothing to say.
    pub fn report(&self, table: &str, status: &mut Status) {
        if self.unseen == self.columns.len() && self.looks == LOOKS {
            return;
        }
        for (column, seen) in self.columns.iter().zip(&self.seen) {
            status
                .tallies
                .insert(tally(table, COLUMN, column), u64::from(*seen));
        }
        let fields = self.others.iter().map(|name| (tally(table, FIELD, name), 1));
        status.tallies.extend(fields);
    }
}

fn tally(table: &str, kind: &'static str, name: &str) -> Tally {
    Tally {
        of: table.to_string(),
        kind,
        name: name.to_string(),
    }
}

/// What a person should hear at the end of a run, a line each.
pub fn findings(tallies: &BTreeMap<Tally, u64>) -> Vec<String> {
    let line = |(tally, count): (&Tally, &u64)| match (tally.kind, *count) {
        (COLUMN, 0) => {
            let (table, column) = (&tally.of, &tally.name);
            let fields = tallies
                .keys()
                .filter(|tally| tally.kind == FIELD && tally.of == *table);
            let mut fields: Vec<String> = fields.map(|field| printable(&field.name).into_owned()).collect();
            fields.sort_by(|a, b| jaro_winkler(column, b).total_cmp(&jaro_winkler(column, a)));
            fields.truncate(NAMED);
            let known = suggest(
                column,
                "fields that are no column",
                fields.iter().map(String::as_str),
            );
            Some(format!(
                "the column {column} of {table} is NULL in every row: no record has a field of this name; {known}"
            ))
        }
        (NULLED, 1) => Some(format!("1 field of {} could not be read, and is NULL", tally.of)),
        (NULLED, fields) => Some(format!(
            "{fields} fields of {} could not be read, and are NULL",
            tally.of
        )),
        _ => None,
    };
    tallies.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(censuses: &[Census]) -> Vec<String> {
        let mut sums = BTreeMap::new();
        for census in censuses {
            let mut status = Status::default();
            census.report("t", &mut status);
            for (tally, count) in status.tallies {
                *sums.entry(tally).or_default() += count;
            }
        }
        findings(&sums)
    }

    #[test]
    fn a_column_that_no_source_has_seen_is_named_with_the_nearest_field() {
        let mut one = Census::new(vec!["id", "campaing_id"]);
        let mut other = one.clone();
        assert_eq!(said(&[one.clone()]), [""; 0], "nothing was read");
        one.saw(Some(0), "id");
        one.saw(None, "campaign_id");
        one.saw(None, "name");
        let wanted = "the column campaing_id of t is NULL in every row: no record has a field of this name; did you mean \
                      campaign_id? fields that are no column: campaign_id, name";
        assert_eq!(said(&[one.clone(), other.clone()]), [wanted]);
        other.saw(Some(1), "campaing_id");
        assert_eq!(said(&[one, other]), [""; 0], "one source has seen either");
    }

    #[test]
    fn only_some_names_are_remembered() {
        let mut census = Census::new(vec!["id"]);
        (0..1_000).for_each(|number| census.saw(None, &format!("f{number}")));
        census.saw(None, &"x".repeat(LONGEST + 1));
        assert_eq!(census.others.len(), NAMES);
    }
}
