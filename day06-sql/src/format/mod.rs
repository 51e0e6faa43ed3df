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
//! 3. Which value a text stands for is decided in one place ([`value`]); JSON and CSV only say where
//!    the text begins.
//!
//! Left out: Avro, Protobuf, schema registries, and rows within rows.

pub mod csv;
pub mod encode;
pub mod json;
mod plain;
pub mod print;
pub mod value;

pub(crate) use plain::write_time;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use day01_consumer::order::{BadRecord, Reason};
use day01_consumer::printable::excerpt;

use crate::types::DataType;

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

/// A field whose text is no value of its type.
fn unfit(field: &'static str, data_type: DataType, text: &str) -> BadRecord {
    let wanted = match data_type {
        DataType::Boolean => "valid BOOLEAN",
        DataType::Int => "valid INT",
        DataType::BigInt => "valid BIGINT",
        DataType::Double => "valid DOUBLE PRECISION",
        DataType::Numeric(_) => "valid NUMERIC",
        DataType::Varchar => "valid VARCHAR",
        DataType::Timestamp => "valid TIMESTAMP, such as 2026-01-01 00:00:00",
        DataType::TimestampTz => "valid TIMESTAMPTZ, such as 2026-01-01 00:00:00Z",
        DataType::Interval => "valid INTERVAL",
    };
    BadRecord {
        reason: Reason::NotA(wanted, field),
        detail: Some(excerpt(text.as_bytes(), 0)),
        place: 0,
    }
}
