//! JSON objects to rows.
//!
//! 1. Only the fields of columns are looked at; the others are skipped, not built. A name matches to the letter; with
//!    `any_case`, where none does, but for case. Of a name that occurs twice the last wins.
//! 2. A field that is missing is NULL, or with `fail_on_missing_field` an error. One that is null is NULL.
//! 3. Into VARCHAR goes whatever is there: a text as itself, and a number, a boolean, an object or a
//!    list as its JSON text, as it was written. Numbers may come as texts: `"2.5"` is a DOUBLE. See
//!    [`value`](crate::value) for each type.
//! 4. A list of objects is as many rows. A record without a payload is none.
//! 5. What cannot be read is an error. With `ignore_parse_errors`, a bad field is NULL, a bad object is
//!    no row, and a record that is no JSON is no row at all.
//!
//! Whatever happens, the chunk has all rows of the record or none. Left out: paths into nested objects.

use std::borrow::Cow;

use day01_consumer::decode;
use day01_consumer::order::{BadRecord, Reason};
use serde_json::value::RawValue;
use smallvec::{SmallVec, smallvec};

use super::findings::{Census, Ignored};
use super::{DeclaredColumn, Row, empty_row, push_row, unfit};
use crate::chunk::Chunk;
use crate::plan::JsonOptions;
use crate::value::{DataType, Unfit, Value};

/// Reads the columns of a table from JSON objects.
pub(super) struct JsonReader {
    columns: Vec<DeclaredColumn>,
    names: Names,
    options: JsonOptions,
}

impl JsonReader {
    pub fn new(columns: Vec<DeclaredColumn>, options: JsonOptions) -> Self {
        let names: Vec<&'static str> = columns.iter().map(|column| column.name).collect();
        JsonReader {
            columns,
            names: Names {
                census: Census::new(names.clone()),
                names,
                any_case: options.any_case,
            },
            options,
        }
    }

    /// Appends the rows of a record to a chunk, and says how many there were.
    pub fn read(&mut self, json: &str, ignored: &mut Ignored, into: &mut Chunk) -> Result<usize, BadRecord> {
        match begins_list(json) {
            true => self.read_list(json, ignored, into),
            false => {
                let row = self.row(json, ignored)?;
                push_row(row, into);
                Ok(1)
            }
        }
    }

    /// Which columns and fields the records had.
    pub fn census(&self) -> &Census {
        &self.names.census
    }

    fn read_list(&mut self, json: &str, ignored: &mut Ignored, into: &mut Chunk) -> Result<usize, BadRecord> {
        let objects: Vec<&RawValue> =
            serde_json::from_str(json).map_err(|error| BadRecord::json(json, error))?;
        let mut rows = Vec::with_capacity(objects.len());
        for object in objects {
            match self.row(object.get(), ignored) {
                Ok(row) => rows.push(row),
                Err(bad) if self.options.ignore_parse_errors => ignored.object(bad.reason),
                Err(bad) => return Err(bad),
            }
        }
        let read = rows.len();
        rows.into_iter().for_each(|row| push_row(row, into));
        Ok(read)
    }

    /// The wanted values of one object. Those that nobody wants are read too: whether the object is bad must not depend on
    /// who asks.
    #[inline]
    fn row<'a>(&mut self, json: &'a str, ignored: &mut Ignored) -> Result<Row<'a>, BadRecord> {
        let mut fields: SmallVec<[Option<&'a str>; 16]> = smallvec![None; self.names.indices()];
        decode::project_into(json, &mut self.names, &mut fields)
            .map_err(|error| BadRecord::json(json, error))?;
        let mut row = empty_row(&self.columns);
        for (index, column) in self.columns.iter().enumerate() {
            // To the letter, or else but for case.
            let raw = fields[index].or_else(|| *fields.get(self.columns.len() + index)?);
            let value = match raw {
                Some(raw) => match value_of(raw, column.data_type) {
                    Ok(value) => value,
                    Err(_) if self.options.ignore_parse_errors => {
                        ignored.field();
                        Value::Null
                    }
                    Err(why) => return Err(unfit(column.name, why, raw)),
                },
                None if self.options.fail_on_missing_field => return Err(Reason::Missing(column.name).into()),
                None => Value::Null,
            };
            if let Some(place) = column.place {
                row[place] = value;
            }
        }
        Ok(row)
    }
}

/// The names of the columns. A field that has one to the letter has the index of the column; one that has it but for case
/// has an index behind those of all columns.
struct Names {
    names: Vec<&'static str>,
    any_case: bool,
    census: Census,
}

impl Names {
    /// How many indices there are.
    fn indices(&self) -> usize {
        self.names.len() * (1 + usize::from(self.any_case))
    }

    #[inline]
    fn find(&self, expected: usize, is_it: impl Fn(&str) -> bool) -> Option<usize> {
        match self.names.get(expected) {
            Some(name) if is_it(name) => Some(expected),
            _ => self.names.iter().position(|name| is_it(name)),
        }
    }
}

impl decode::FieldNames for Names {
    #[inline]
    fn index(&mut self, name: &str, expected: usize) -> Option<usize> {
        let columns = self.names.len();
        let expected = if expected > columns {
            expected - columns
        } else {
            expected
        };
        let exact = self.find(expected, |column| column == name);
        let found = match exact {
            None if self.any_case => self.find(expected, |column| same_but_for_case(column, name)),
            exact => exact,
        };
        self.census.saw(found, name);
        exact.or(found.map(|column| columns + column))
    }
}

fn same_but_for_case(one: &str, other: &str) -> bool {
    let lower = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<SmallVec<[char; 32]>>()
    };
    one.eq_ignore_ascii_case(other) || !(one.is_ascii() && other.is_ascii()) && lower(one) == lower(other)
}

/// Whether the first thing in it is a list.
fn begins_list(json: &str) -> bool {
    json.trim_ascii_start().starts_with('[')
}

/// The value of a valid JSON text.
#[inline]
fn value_of(raw: &str, data_type: DataType) -> Result<Value<'_>, Unfit> {
    match raw.as_bytes().first() {
        Some(b'n') => Ok(Value::Null),
        // Half of a surrogate pair is valid JSON, and no text.
        Some(b'"') => match decode::string(raw) {
            Ok(Some(text)) => Value::read(text, data_type),
            _ => Err(Unfit::no_text(data_type)),
        },
        _ => Value::read(Cow::Borrowed(raw), data_type),
    }
}

#[cfg(test)]
mod tests;
