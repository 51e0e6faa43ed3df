//! From bytes to the few fields that a job reads.
//!
//! Decoding is most of what a small streaming job pays for, and most of that cost is building values that the job
//! does not read. Hence:
//!
//! 1. **UTF-8 is checked once for a whole batch** ([`texts`]), not once for each string of each record. All payloads lie
//!    end to end; if the whole is valid and a record begins and ends between two characters, the record is valid.
//! 2. **Only named fields are looked at** ([`project`]). The rest is skipped: scanned for its end, never built.
//! 3. **What is looked at is borrowed** from the batch; only a string with escapes has to be copied ([`string`]).
//!
//! JSON leaves two things open, which are decided here for all days: of a name that occurs twice the last wins, and a
//! number is handed on as its digits, so that an amount can be read exactly.

use std::borrow::Cow;
use std::fmt;
use std::str::Utf8Error;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::records::{Record, Records};

/// What a record carries, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// A text, perhaps an empty one.
    Text(&'a str),
    /// Bytes that are no text, and where they stop being one.
    NotUtf8(Utf8Error),
    /// Nothing: the record says that its key is gone.
    Tombstone,
}

impl<'a> Payload<'a> {
    /// A text without the byte order mark that programs on Windows like to begin it with: it is no part of the text.
    #[inline]
    fn text(text: &'a str) -> Self {
        Payload::Text(text.strip_prefix('\u{feff}').unwrap_or(text))
    }
}

impl<'a> From<Option<&'a [u8]>> for Payload<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        match bytes {
            Some(bytes) => std::str::from_utf8(bytes).map_or_else(Payload::NotUtf8, Payload::text),
            None => Payload::Tombstone,
        }
    }
}

// ANCHOR: texts
/// The records of a batch with their payloads as text.
pub fn texts(records: &Records) -> impl Iterator<Item = (Record<'_>, Payload<'_>)> {
    let whole = std::str::from_utf8(records.payloads()).ok();
    records.iter().enumerate().map(move |(index, record)| {
        // `get` is None where the range would cut a character in two.
        let checked = whole.and_then(|text| text.get(records.payload_range(index)));
        let payload = match (record.payload, checked) {
            (Some(_), Some(text)) => Payload::text(text),
            (bytes, _) => Payload::from(bytes),
        };
        (record, payload)
    })
}
// ANCHOR_END: texts

/// The JSON text of each named field of the object in `json`; `None` for a field that it does not have.
///
/// An error of category `Data` means that `json` begins like something else than an object.
///
/// ```
/// # use day01_consumer::decode::project;
/// let json = r#"{"amount": 12.50, "user": {"id": 7}, "note": null}"#;
/// let fields = project(json, &["note", "amount", "missing"]).unwrap();
/// assert_eq!(fields, [Some("null"), Some("12.50"), None]);
/// ```
#[inline]
pub fn project<'a, const N: usize>(
    json: &'a str,
    names: &[&str; N],
) -> Result<[Option<&'a str>; N], serde_json::Error> {
    let mut fields = [None; N];
    project_into(json, &mut names.as_slice(), &mut fields)?;
    Ok(fields)
}

/// The same for names that only the running program knows: `fields` has a place for each index that `names` gives, and a
/// place whose name does not occur stays as it is. After an error, some may have been written.
#[inline]
pub fn project_into<'a>(
    json: &'a str,
    names: &mut impl FieldNames,
    fields: &mut [Option<&'a str>],
) -> Result<(), serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(json);
    Projection { names, fields }.deserialize(&mut parser)?;
    parser.end()
}

/// Which fields are wanted, by their names.
pub trait FieldNames {
    /// The index of the wanted field that has this name, if one has it. Fields mostly come in the order in which they are
    /// wanted, so `expected`, the index behind the last that was found, is worth a try first.
    fn index(&mut self, name: &str, expected: usize) -> Option<usize>;
}

/// Exactly these names.
impl FieldNames for &[&str] {
    #[inline]
    fn index(&mut self, name: &str, expected: usize) -> Option<usize> {
        match self.get(expected) {
            Some(wanted) if *wanted == name => Some(expected),
            _ => self.iter().position(|wanted| *wanted == name),
        }
    }
}

/// The text of a JSON string; `None` if `json` is another kind of value, an error if its escapes make no text.
///
/// ```
/// # use day01_consumer::decode::string;
/// assert_eq!(string(r#""caf\u00e9""#).unwrap().as_deref(), Some("café"));
/// assert_eq!(string("17").unwrap(), None);
/// assert!(string(r#""\ud800""#).is_err(), "half of a character");
/// ```
#[inline]
pub fn string(json: &str) -> Result<Option<Cow<'_, str>>, serde_json::Error> {
    let Some(inner) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')) else {
        return Ok(None);
    };
    match inner.as_bytes().contains(&b'\\') {
        false => Ok(Some(Cow::Borrowed(inner))),
        true => serde_json::from_str(json).map(|text| Some(Cow::Owned(text))),
    }
}

/// Reads one JSON object and keeps the named fields.
struct Projection<'n, 'a, N> {
    names: &'n mut N,
    fields: &'n mut [Option<&'a str>],
}

impl<'de, N: FieldNames> DeserializeSeed<'de> for Projection<'_, 'de, N> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'de, N: FieldNames> Visitor<'de> for Projection<'_, 'de, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    #[inline]
    fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<(), M::Error> {
        let Projection { names, fields } = self;
        let mut expected = 0;
        while let Some(index) = object.next_key_seed(FieldIndex {
            names: &mut *names,
            expected,
        })? {
            match index {
                Some(index) => {
                    fields[index] = Some(object.next_value::<&RawValue>()?.get());
                    expected = index + 1;
                }
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Reads a field's name as its index among the wanted ones.
struct FieldIndex<'n, N> {
    names: &'n mut N,
    expected: usize,
}

impl<'de, N: FieldNames> DeserializeSeed<'de> for FieldIndex<'_, N> {
    type Value = Option<usize>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Self::Value, D::Error> {
        parser.deserialize_str(self)
    }
}

impl<N: FieldNames> Visitor<'_> for FieldIndex<'_, N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.names.index(name, self.expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(payloads: &[&[u8]]) -> Records {
        let mut records = Records::new();
        for (offset, payload) in payloads.iter().enumerate() {
            records.push(Record {
                partition: 0,
                offset: offset as i64,
                key: None,
                payload: Some(payload),
                timestamp: None,
            });
        }
        records
    }

    fn valid(records: &Records) -> Vec<bool> {
        texts(records)
            .map(|(_, text)| matches!(text, Payload::Text(_)))
            .collect()
    }

    #[test]
    fn a_character_cut_in_two_by_a_record_boundary_makes_both_records_invalid() {
        // 0xC3 0xA9 is é: the batch as a whole is valid text, neither of the records is.
        assert_eq!(
            valid(&batch(&[b"caf\xc3", b"\xa9!", b"fine"])),
            [false, false, true]
        );
    }

    #[test]
    fn one_invalid_record_does_not_spoil_its_neighbours() {
        assert_eq!(
            valid(&batch(&[b"good", b"\xff", "grün".as_bytes()])),
            [true, false, true]
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_text() {
        let batch = batch(&[b"\xef\xbb\xbfone", b"two\xef\xbb\xbf"]);
        let payloads: Vec<_> = texts(&batch).map(|(_, payload)| payload).collect();
        assert_eq!(payloads, [Payload::Text("one"), Payload::Text("two\u{feff}")]);
    }

    #[test]
    fn the_last_of_two_equal_names_wins() {
        assert_eq!(project(r#"{"a":1,"b":2,"a":3}"#, &["a"]).ok(), Some([Some("3")]));
    }

    #[test]
    fn a_name_written_with_escapes_is_the_same_name() {
        assert_eq!(project(r#"{"\u0061": 1}"#, &["a"]).ok(), Some([Some("1")]));
    }

    #[test]
    fn what_is_no_object_is_told_from_what_is_no_json() {
        for other in ["1", "null", "\"text\"", r#"["m-1"]"#, "true"] {
            let error = project(other, &["a"]).expect_err("no object");
            assert!(error.is_data(), "{other}: {error}");
        }
        for broken in ["", "{", r#"{"a":1}x"#, r#"{"a":}"#, "{'a':1}", r#"{"a":1,}"#] {
            let error = project(broken, &["a"]).expect_err("no JSON");
            assert!(error.is_syntax() || error.is_eof(), "{broken}: {error}");
        }
    }

    proptest::proptest! {
        /// The batch-wide check must agree with the check of each record, whatever the bytes.
        #[test]
        fn checking_a_batch_at_once_agrees_with_checking_each_record(
            payloads in proptest::collection::vec(
                proptest::collection::vec(proptest::sample::select(b"a\xc3\xa9\xf0\x9f\x98\x80".to_vec()), 0..6), 0..8)
        ) {
            let borrowed: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
            let each: Vec<bool> = payloads.iter().map(|p| std::str::from_utf8(p).is_ok()).collect();
            proptest::prop_assert_eq!(valid(&batch(&borrowed)), each);
        }

        /// The projection must find what a full parse finds.
        #[test]
        fn a_projection_agrees_with_a_full_parse(text in "[{}\\[\\]\":,ab1 \\\\u0-]{0,24}", wrap in proptest::bool::ANY) {
            let json = if wrap { format!("{{\"a\":{text}}}") } else { text };
            let full: Result<serde_json::Value, _> = serde_json::from_str(&json);
            let projected = project(&json, &["a"]);
            if let Ok(serde_json::Value::Object(object)) = full {
                let [field] = projected.expect("the full parse succeeded");
                let field: Option<serde_json::Value> = field.map(|raw| serde_json::from_str(raw).expect("valid"));
                proptest::prop_assert_eq!(field.as_ref(), object.get("a"));
            } else if let Ok(other) = full {
                proptest::prop_assert!(projected.is_err(), "{}", other);
            }
        }
    }
}
