//! An order, as far as day 1 reads it, and everything that can be wrong with a record that should hold one.

use std::borrow::Cow;

use crate::decode::{self, Payload};
use crate::printable::excerpt;

// ANCHOR: order
/// An order, borrowed from its record: `{"merchant_id":"m-7", …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order<'a> {
    /// Who sold. Other fields are neither read nor checked.
    pub merchant_id: Cow<'a, str>,
}

impl<'a> Order<'a> {
    /// Reads an order from a payload as [`decode::texts`] gives it.
    pub fn decode(payload: Payload<'a>) -> Result<Self, BadRecord> {
        let json = json(payload)?;
        let [merchant_id] =
            decode::project(json, &["merchant_id"]).map_err(|error| BadRecord::json(json, error))?;
        Ok(Order {
            merchant_id: required_string("merchant_id", merchant_id)?,
        })
    }
}
// ANCHOR_END: order

/// The text of a payload that is neither a tombstone nor broken.
pub fn json(payload: Payload<'_>) -> Result<&str, BadRecord> {
    match payload {
        Payload::Text(text) => Ok(text),
        Payload::NotUtf8(error) => Err(BadRecord {
            reason: Reason::InvalidUtf8,
            detail: Some(error.to_string()),
            place: error.valid_up_to(),
        }),
        Payload::Tombstone => Err(Reason::Tombstone.into()),
    }
}

/// The value of a field that must be there and must be a string; `raw` is its JSON text.
pub fn required_string<'a>(field: &'static str, raw: Option<&'a str>) -> Result<Cow<'a, str>, BadRecord> {
    match raw {
        None => Err(Reason::Missing(field).into()),
        Some("null") => Err(Reason::Null(field).into()),
        Some(raw) => match decode::string(raw) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(Reason::NotA("string", field).into()),
            // The place would be one within the field.
            Err(error) => Err(BadRecord {
                place: 0,
                ..BadRecord::json(raw, error)
            }),
        },
    }
}

/// The longest key that is accepted, unless an option says otherwise. A key is kept with each of its windows and stands in
/// each row of the result, so a long one costs its length many times.
pub const MAX_KEY: usize = 64 << 10;

/// A bad record if the value of this field, by which it is counted, has more bytes than `max`.
#[inline]
pub fn check_key(field: &'static str, key: &str, max: usize) -> Result<(), BadRecord> {
    match key.len() > max {
        false => Ok(()),
        true => Err(BadRecord {
            detail: Some(format!(
                "{} bytes; to accept longer keys, raise --max-key",
                key.len()
            )),
            ..Reason::TooLong(field, max).into()
        }),
    }
}

/// A record that the job cannot use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// What is wrong with it; skipped records are counted by this.
    pub reason: Reason,
    /// What the parser said, where it said something.
    pub detail: Option<String>,
    /// Before which byte of the payload the parser stopped; 0 where it does not say so.
    pub place: usize,
}

impl BadRecord {
    /// What an error in this JSON means for its record. The decoder stops at the first thing that is no object, so only
    /// a second look tells a list from a line of text.
    pub fn json(json: &str, error: serde_json::Error) -> Self {
        let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok();
        BadRecord {
            reason: match error.is_data() && is_json() {
                true => Reason::NotAnObject,
                false => Reason::NotJson,
            },
            detail: Some(without_line(&error)),
            place: offset(json, &error),
        }
    }
}

/// serde_json counts lines within the record, which next to the line of a file would mislead.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    // It may quote as much of the record as there is.
    format!("{}, at byte {}", excerpt(what.as_bytes(), 0), error.column())
}

/// Where the parser stopped.
fn offset(json: &str, error: &serde_json::Error) -> usize {
    let lines = json.split_inclusive('\n').take(error.line().saturating_sub(1));
    lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1)
}

impl From<Reason> for BadRecord {
    fn from(reason: Reason) -> Self {
        BadRecord {
            reason,
            detail: None,
            place: 0,
        }
    }
}

/// What can be wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Reason {
    /// It has no payload.
    #[error("a tombstone, a record without a payload")]
    Tombstone,
    /// Its payload is no text.
    #[error("not UTF-8")]
    InvalidUtf8,
    /// Its payload is no JSON.
    #[error("not JSON")]
    NotJson,
    /// Its payload is JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A field is missing.
    #[error("no {0}")]
    Missing(&'static str),
    /// A field is null.
    #[error("{0} is null")]
    Null(&'static str),
    /// A field holds a value of another kind: what was wanted, and the field.
    #[error("{1} is not a {0}")]
    NotA(&'static str, &'static str),
    /// A field is a key, and has more bytes than this.
    #[error("{0} is longer than {limit}", limit = bytesize::ByteSize::b(*.1 as u64).display().iec())]
    TooLong(&'static str, usize),
    /// A later day does not take it, in its words.
    #[error("{0}")]
    Refused(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_be_bad_has_its_reason() {
        let bytes = vec![b'{', 0xff, b'}'];
        let invalid = std::str::from_utf8(&bytes).expect_err("no text");
        use Payload::{NotUtf8, Text, Tombstone};
        #[rustfmt::skip]
        let table = [
            (Tombstone,                                    Reason::Tombstone),
            (NotUtf8(invalid),                             Reason::InvalidUtf8),
            (Text(""),                                      Reason::NotJson),
            (Text("{\"merchant_id\":\"m-1\""),              Reason::NotJson),
            (Text("{\"merchant_id\":\"m-1\"} x"),           Reason::NotJson),
            (Text("[\"m-1\"]"),                             Reason::NotAnObject),
            (Text("7"),                                     Reason::NotAnObject),
            (Text("7 test"),                                Reason::NotJson),
            (Text("[oops"),                                 Reason::NotJson),
            (Text("{\"merchant_id\":\"\\ud800\"}"),         Reason::NotJson),
            (Text("{}"),                                    Reason::Missing("merchant_id")),
            (Text("{\"Merchant_id\":\"m-1\"}"),             Reason::Missing("merchant_id")),
            (Text("{\"merchant_id\":null}"),                Reason::Null("merchant_id")),
            (Text("{\"merchant_id\":7}"),                   Reason::NotA("string", "merchant_id")),
            (Text("{\"merchant_id\":{\"id\":\"m\"}}"),      Reason::NotA("string", "merchant_id")),
        ];
        for (payload, reason) in table {
            let bad = Order::decode(payload).expect_err("a bad record");
            assert_eq!(bad.reason, reason, "{payload:?}");
        }
    }

    #[test]
    fn a_merchant_is_borrowed_unless_it_has_escapes() {
        let order = |json| Order::decode(Payload::Text(json)).expect("a good record");
        let plain = order(r#"{ "amount": [1, {"merchant_id": "inner"}], "merchant_id" : "m-é" }"#);
        assert!(matches!(plain.merchant_id, Cow::Borrowed("m-é")));
        assert_eq!(order(r#"{"merchant_id":"m\n1"}"#).merchant_id, "m\n1");
        assert_eq!(order(r#"{"merchant_id":""}"#).merchant_id, "");
    }
}
