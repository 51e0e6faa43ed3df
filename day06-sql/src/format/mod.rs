//! Records to columns, and columns to bytes.
//!
//! ```text
//! payload ── json, csv, raw ──> values of one row ──> Chunk ─┬─ encode ──> {"merchant_id":"m-7","n":5}
//!                               (all or none)                └─ print ───> +I[m-7, 5]
//! ```
//!
//! 1. A row is appended whole or not at all: all its values are read before the first is written. So a
//!    record that cannot be read leaves the chunk as it was.
//! 2. Whether a record can be read depends on the record and the table, and not on the query: the columns that no query
//!    wants are checked too, and only not kept. So all queries over a table see the same rows.
//! 3. What is written can be read back into columns of the same types, as the same values: times with
//!    their zone, NUMERIC and BIGINT with all their digits.
//! 4. Which value a text stands for, and which text a value has, is decided in one place ([`value`](crate::value)); JSON and
//!    CSV only say where the text begins.
//! 5. What a format's own option ignores is counted ([`findings`]).
//!
//! Left out: Avro, Protobuf, schema registries, and rows within rows.

pub mod csv;
pub mod encode;
pub mod findings;
pub mod json;
pub mod lines;
pub mod print;
#[cfg(test)]
mod roundtrip;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use day01_consumer::decode::Payload;
use day01_consumer::order::{self, BadRecord, Reason};
use day01_consumer::printable::excerpt;
use day02_state::status::Status;
use smallvec::SmallVec;

use crate::chunk::{Change, Chunk};
use crate::plan::{Field, JsonOptions, RowFormat, Table};
use crate::value::{DataType, Unfit, Value};
use csv::CsvReader;
use findings::Ignored;
use json::JsonReader;

/// Reads the rows of a table.
pub struct RowReader {
    table: String,
    decoder: Decoder,
    ignores_errors: bool,
    ignored: Ignored,
}

/// What the payloads hold.
enum Decoder {
    Json(JsonReader),
    Csv(Box<CsvReader>),
    /// The text of the only column, which may not be wanted.
    Raw(bool),
}

impl RowReader {
    /// A reader that keeps these columns, given by their index among those of the payload, in this order.
    pub fn new(table: &Table, wanted: &[usize]) -> Self {
        let declared: Vec<Field> = table.payload().cloned().collect();
        let usual = RowFormat::Json(JsonOptions::default());
        let format = table.connector.format().unwrap_or(&usual);
        let columns = columns(&declared, wanted);
        let (decoder, ignores_errors) = match format {
            RowFormat::Json(options) => (
                Decoder::Json(JsonReader::new(columns, *options)),
                options.ignore_parse_errors,
            ),
            RowFormat::Csv(options) => (
                Decoder::Csv(Box::new(CsvReader::new(columns, options.clone()))),
                options.ignore_parse_errors,
            ),
            RowFormat::Raw => (Decoder::Raw(!wanted.is_empty()), false),
        };
        RowReader {
            table: table.name.clone(),
            decoder,
            ignores_errors,
            ignored: Ignored::default(),
        }
    }

    /// Appends the rows of a record to a chunk with a column of the right type for each wanted one, and says how many
    /// there were: none if the record cannot be read and the format's own option says to ignore that. `is_first` says
    /// whether it is the first line of a file. After an error the chunk is as before.
    #[inline]
    pub fn read(
        &mut self,
        payload: Payload<'_>,
        is_first: bool,
        into: &mut Chunk,
    ) -> Result<Option<usize>, BadRecord> {
        if payload == Payload::Tombstone {
            return Ok(Some(0));
        }
        let ignored = &mut self.ignored;
        let rows = order::json(payload).and_then(|text| match &mut self.decoder {
            Decoder::Json(json) => json.read(text, ignored, into),
            Decoder::Csv(csv) => csv.read(text, is_first, ignored, into),
            Decoder::Raw(is_wanted) => {
                let value = is_wanted.then(|| Value::Varchar(text.into()));
                push_row(value.into_iter().collect(), into);
                Ok(1)
            }
        });
        match rows {
            Ok(rows) => Ok(Some(rows)),
            Err(bad) if self.ignores_errors => {
                self.ignored.record(bad.reason);
                Ok(None)
            }
            Err(bad) => Err(bad),
        }
    }

    /// Adds what was found while reading to the status of the source.
    pub fn report(&self, status: &mut Status) {
        self.ignored.report(&self.table, status);
        if let Decoder::Json(json) = &self.decoder {
            json.census().report(&self.table, status);
        }
    }
}

/// A column that was declared.
#[derive(Debug, Clone, Copy)]
struct DeclaredColumn {
    name: &'static str,
    data_type: DataType,
    /// Which column of the chunk it is; none if it is not wanted.
    place: Option<usize>,
}

fn columns(declared: &[Field], wanted: &[usize]) -> Vec<DeclaredColumn> {
    let column = |(index, field): (usize, &Field)| DeclaredColumn {
        name: interned(&field.name),
        data_type: field.data_type,
        place: wanted.iter().position(|wanted| *wanted == index),
    };
    declared.iter().enumerate().map(column).collect()
}

/// The same name for as long as the program runs, because records that were skipped are counted by
/// reasons that name a field. There are only as many as statements have declared.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    match names.get(name) {
        Some(known) => known,
        None => {
            let name: &'static str = Box::leak(name.into());
            names.insert(name);
            name
        }
    }
}

/// The values of a row, in the order of its columns; texts are borrowed from the record.
type Row<'a> = SmallVec<[Value<'a>; 8]>;

/// A row of so many values, all of them NULL.
#[inline]
fn empty_row<'a>(columns: &[DeclaredColumn]) -> Row<'a> {
    let wanted = columns.iter().filter(|column| column.place.is_some());
    wanted.map(|_| Value::Null).collect()
}

/// Appends a row, which has a value of the right type for each of the first columns, as an insertion. Columns behind those
/// are left to whoever knows what is in them.
#[inline]
fn push_row(row: Row<'_>, into: &mut Chunk) {
    debug_assert!(row.len() <= into.columns.len());
    for (column, value) in into.columns.iter_mut().zip(row) {
        if let Err(wrong) = column.push(value) {
            // As everywhere in chunks: the plan is wrong, and not anyone's data.
            unreachable!("{wrong}");
        }
    }
    if let Some(changes) = &mut into.changes {
        changes.push(Change::Insert);
    }
    into.rows += 1;
}

/// A field whose text is no value of its type.
fn unfit(field: &'static str, unfit: Unfit, text: &str) -> BadRecord {
    BadRecord {
        reason: Reason::NotA(unfit.wanted(), field),
        detail: Some(excerpt(text.as_bytes(), 0)),
        place: 0,
    }
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::plan::{Connector, TableColumn};

    /// A table over files with these columns.
    pub fn table(fields: &[(&str, DataType)], format: RowFormat) -> Table {
        let columns = fields.iter().map(|(name, data_type)| TableColumn {
            field: Field {
                name: name.to_string(),
                data_type: *data_type,
            },
            computed: None,
            metadata: None,
        });
        Table {
            name: "t".to_string(),
            columns: columns.collect(),
            watermark: None,
            connector: Connector::Filesystem {
                path: "t".to_string(),
                format,
            },
        }
    }

    /// A reader of all columns of such a table, and a chunk for its rows.
    pub fn reader(fields: &[(&str, DataType)], format: RowFormat) -> (RowReader, Chunk) {
        let all: Vec<usize> = (0..fields.len()).collect();
        let chunk = Chunk::of(fields.iter().map(|(_, data_type)| *data_type));
        (RowReader::new(&table(fields, format), &all), chunk)
    }

    /// How many rows a record has that is not the first one; 0 if it is ignored.
    pub fn read(reader: &mut RowReader, payload: Payload<'_>, into: &mut Chunk) -> Result<usize, BadRecord> {
        reader.read(payload, false, into).map(|rows| rows.unwrap_or(0))
    }
}
