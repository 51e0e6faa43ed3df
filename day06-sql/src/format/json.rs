//! JSON objects to rows.
//!
//! 1. Only the wanted fields are looked at; the others are skipped, not built. Names are
//!    case-sensitive, and of a name that occurs twice the last wins.
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

use day01_consumer::decode::{self, Payload};
use day01_consumer::order::{self, BadRecord, Reason};
use serde_json::value::RawValue;
use smallvec::{SmallVec, smallvec};

use super::{Row, interned, push_row, unfit};
use crate::chunk::Chunk;
use crate::plan::JsonOptions;
use crate::value::{DataType, Unfit, Value};

/// Reads some fields of JSON objects.
#[derive(Debug, Clone)]
pub struct JsonReader {
    names: Vec<&'static str>,
    types: Vec<DataType>,
    options: JsonOptions,
}

impl JsonReader {
    /// A reader of these fields.
    pub fn new(fields: Vec<(String, DataType)>, options: JsonOptions) -> Self {
        let (names, types) = fields
            .into_iter()
            .map(|(name, data_type)| (interned(&name), data_type))
            .unzip();
        JsonReader {
            names,
            types,
            options,
        }
    }

    /// Appends the rows of a record, whose payload is as [`decode::texts`] gives it, to a chunk with a
    /// column of the right type for each field, and says how many there were. After an error the chunk
    /// is as before.
    pub fn read(&mut self, payload: Payload<'_>, into: &mut Chunk) -> Result<usize, BadRecord> {
        if payload == Payload::Tombstone {
            return Ok(0);
        }
        let rows = order::json(payload).and_then(|json| match begins_list(json) {
            true => self.read_list(json, into),
            false => self.read_object(json, into),
        });
        match rows {
            Err(_) if self.options.ignore_parse_errors => Ok(0),
            rows => rows,
        }
    }

    #[inline]
    fn read_object(&self, json: &str, into: &mut Chunk) -> Result<usize, BadRecord> {
        let mut row = Row::new();
        self.values(json, &mut row)?;
        push_row(row, into);
        Ok(1)
    }

    fn read_list(&self, json: &str, into: &mut Chunk) -> Result<usize, BadRecord> {
        let objects: Vec<&RawValue> =
            serde_json::from_str(json).map_err(|error| BadRecord::json(json, error))?;
        let mut rows = Vec::with_capacity(objects.len());
        for object in objects {
            let mut row = Row::new();
            match self.values(object.get(), &mut row) {
                Ok(()) => rows.push(row),
                Err(_) if self.options.ignore_parse_errors => {}
                Err(bad) => return Err(bad),
            }
        }
        let read = rows.len();
        rows.into_iter().for_each(|row| push_row(row, into));
        Ok(read)
    }

    /// Appends the values of one object to a row.
    #[inline]
    fn values<'a>(&self, json: &'a str, row: &mut Row<'a>) -> Result<(), BadRecord> {
        let mut fields: SmallVec<[Option<&'a str>; 8]> = smallvec![None; self.names.len()];
        decode::project_into(json, &self.names, &mut fields).map_err(|error| BadRecord::json(json, error))?;
        for (place, raw) in fields.into_iter().enumerate() {
            row.push(self.value(place, raw)?);
        }
        Ok(())
    }

    /// The value of a field; `raw` is its JSON text.
    #[inline]
    fn value<'a>(&self, place: usize, raw: Option<&'a str>) -> Result<Value<'a>, BadRecord> {
        let (name, data_type) = (self.names[place], self.types[place]);
        let Some(raw) = raw else {
            return match self.options.fail_on_missing_field {
                true => Err(Reason::Missing(name).into()),
                false => Ok(Value::Null),
            };
        };
        match value_of(raw, data_type) {
            Ok(value) => Ok(value),
            Err(_) if self.options.ignore_parse_errors => Ok(Value::Null),
            Err(why) => Err(unfit(name, why, raw)),
        }
    }
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
