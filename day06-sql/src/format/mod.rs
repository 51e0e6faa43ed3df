//! Records to columns, and columns to bytes.
//!
//! ```text
//! payload ── json, csv ──> values of one row ──> Chunk ─┬─ encode ──> {"merchant_id":"m-7","n":5}
//!                          (all or none)                └─ print ───> +I[m-7, 5]
//! ```
//!
//! 1. A row is appended whole or not at all: all its values are read before the first is written. So a
//!    record that cannot be read leaves the chunk as it was.
//! 2. What is written can be read back into columns of the same types, as the same values: times with
//!    their zone, NUMERIC and BIGINT with all their digits.
//! 3. Which value a text stands for, and which text a value has, is decided in one place ([`value`](crate::value)); JSON and
//!    CSV only say where the text begins.
//!
//! Left out: Avro, Protobuf, schema registries, and rows within rows.

pub mod csv;
pub mod encode;
pub mod json;
pub mod print;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use day01_consumer::order::{BadRecord, Reason};
use day01_consumer::printable::excerpt;
use smallvec::SmallVec;

use crate::chunk::{Change, Chunk};
use crate::value::{Unfit, Value};

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
