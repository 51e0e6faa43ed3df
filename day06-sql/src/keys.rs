//! Grouping keys as bytes.
//!
//! State knows keys as bytes, and two rows are of one group if their keys are the same bytes. So
//! each value has exactly one encoding: `-0.0` is written as `0.0`, every NaN as the same one,
//! `1.0` and `1.00` both as `1`. NULL is a value like any other here: all rows without a value are
//! one group.
//!
//! ```text
//! a text           its bytes           FF if NULL    and FE behind it unless it is the last column
//! anything else    01 and its bytes    00 if NULL    BOOLEAN 1 byte, INT 4, NUMERIC 16, else 8
//!
//! ("m-7")          6d 2d 37                          the text itself
//! ("m-7", 5)       6d 2d 37 fe 01 05 00 00 00        (VARCHAR, INT)
//! (5, NULL)        01 05 00 00 00 ff                 (INT, VARCHAR)
//! ```
//!
//! Neither 0xFE nor 0xFF is part of any text in UTF-8, so texts need no length in front and cannot
//! run into each other. Numbers are little-endian: the encoding says which keys are equal, not
//! which is less.

use day03_windows::time::{EventTime, Span};
use rust_decimal::Decimal;

use crate::chunk::{Column, Values};
use crate::value::{DataType, Scalar};

/// Behind a text that is not the last column.
const END_OF_TEXT: u8 = 0xFE;
/// In place of a text.
const NULL_TEXT: u8 = 0xFF;
/// In front of other values, or in their place.
const THERE: u8 = 1;
const NULL: u8 = 0;

/// Bytes that are no key of the columns they are taken for, which comes from a snapshot of another
/// query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key {key:02x?} is none of columns of types {types:?}: it was written by another query")]
pub struct BadKey {
    /// The bytes.
    pub key: Vec<u8>,
    /// The types of the columns.
    pub types: Vec<DataType>,
}

// ANCHOR: keys
/// Appends the key of a row: its values in these columns.
pub fn encode(columns: &[&Column], row: usize, into: &mut Vec<u8>) {
    for (place, column) in columns.iter().enumerate() {
        let there = !column.is_null(row);
        if let Values::Varchar(texts) = &column.values {
            match there {
                true => into.extend_from_slice(texts.get(row).as_bytes()),
                false => into.push(NULL_TEXT),
            }
            if place + 1 < columns.len() {
                into.push(END_OF_TEXT);
            }
        } else if there {
            into.push(THERE);
            encode_value(&column.values, row, into);
        } else {
            into.push(NULL);
        }
    }
}
// ANCHOR_END: keys

fn encode_value(values: &Values, row: usize, into: &mut Vec<u8>) {
    match values {
        Values::Boolean(list) => into.push(u8::from(list[row])),
        Values::Int(list) => into.extend_from_slice(&list[row].to_le_bytes()),
        Values::BigInt(list) => into.extend_from_slice(&list[row].to_le_bytes()),
        Values::Double(list) => into.extend_from_slice(&canonical_double(list[row]).to_le_bytes()),
        Values::Numeric(list) => into.extend_from_slice(&list[row].normalize().serialize()),
        Values::Varchar(texts) => into.extend_from_slice(texts.get(row).as_bytes()),
        Values::Timestamp(list) | Values::TimestampTz(list) => {
            into.extend_from_slice(&list[row].0.to_le_bytes())
        }
        Values::Interval(list) => into.extend_from_slice(&list[row].0.to_le_bytes()),
    }
}

fn canonical_double(value: f64) -> f64 {
    match value {
        _ if value.is_nan() => f64::NAN,
        0.0 => 0.0,
        _ => value,
    }
}

/// The values of a key, one for each of these types.
pub fn decode(key: &[u8], types: &[DataType]) -> Result<Vec<Scalar>, BadKey> {
    let mut rest = key;
    let mut values = Vec::with_capacity(types.len());
    for (place, data_type) in types.iter().enumerate() {
        let last = place + 1 == types.len();
        values.push(decode_value(&mut rest, *data_type, last).ok_or_else(|| bad(key, types))?);
    }
    match rest {
        [] => Ok(values),
        _ => Err(bad(key, types)),
    }
}

/// Appends the values of a key to these columns, one to each. If the key is bad, nothing is
/// appended.
pub fn decode_into(key: &[u8], columns: &mut [Column]) -> Result<(), BadKey> {
    let types: Vec<DataType> = columns.iter().map(Column::data_type).collect();
    for (column, value) in columns.iter_mut().zip(decode(key, &types)?) {
        column.push(value).map_err(|_| bad(key, &types))?;
    }
    Ok(())
}

fn bad(key: &[u8], types: &[DataType]) -> BadKey {
    BadKey {
        key: key.to_vec(),
        types: types.to_vec(),
    }
}

fn decode_value(rest: &mut &[u8], data_type: DataType, last: bool) -> Option<Scalar> {
    if data_type == DataType::Varchar {
        return decode_text(rest, last);
    }
    let [there] = take(rest)?;
    match there {
        NULL => return Some(Scalar::Null),
        THERE => {}
        _ => return None,
    }
    Some(match data_type {
        DataType::Boolean => match take(rest)? {
            [0] => Scalar::Boolean(false),
            [1] => Scalar::Boolean(true),
            _ => return None,
        },
        DataType::Int => Scalar::Int(i32::from_le_bytes(take(rest)?)),
        DataType::BigInt => Scalar::BigInt(i64::from_le_bytes(take(rest)?)),
        DataType::Double => Scalar::Double(f64::from_le_bytes(take(rest)?)),
        DataType::Numeric(_) => Scalar::Numeric(Decimal::deserialize(take(rest)?)),
        DataType::Timestamp => Scalar::Timestamp(EventTime(i64::from_le_bytes(take(rest)?))),
        DataType::TimestampTz => Scalar::TimestampTz(EventTime(i64::from_le_bytes(take(rest)?))),
        DataType::Interval => Scalar::Interval(Span(i64::from_le_bytes(take(rest)?))),
        DataType::Varchar => return None,
    })
}

fn decode_text(rest: &mut &[u8], last: bool) -> Option<Scalar> {
    let end = match last {
        true => rest.len(),
        false => rest.iter().position(|byte| *byte == END_OF_TEXT)?,
    };
    let (text, behind) = rest.split_at(end);
    *rest = behind.get(usize::from(!last)..)?;
    match text {
        [NULL_TEXT] => Some(Scalar::Null),
        _ => Some(Scalar::Varchar(
            std::str::from_utf8(text).ok()?.to_string().into(),
        )),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::*;
    use crate::arbitrary::{self, TYPES, same};

    fn key(columns: &[Column], row: usize) -> Vec<u8> {
        let mut key = Vec::new();
        encode(&columns.iter().collect::<Vec<_>>(), row, &mut key);
        key
    }

    /// The value that stands for all that are equal to it.
    fn canonical(value: &Scalar) -> Scalar {
        match value {
            Scalar::Double(value) => Scalar::Double(canonical_double(*value)),
            Scalar::Numeric(value) => Scalar::Numeric(value.normalize()),
            value => value.clone(),
        }
    }

    /// Types in any order, texts more often than once, and rows of them.
    fn columns() -> impl Strategy<Value = (Vec<DataType>, Vec<(crate::chunk::Change, Vec<Scalar>)>)> {
        let types = [TYPES.to_vec(), vec![DataType::Varchar; 2]].concat();
        let some = subsequence(types, 1..=3).prop_shuffle();
        some.prop_flat_map(|types| (Just(types.clone()), arbitrary::rows(types, 12)))
    }

    proptest! {
        #[test]
        fn keys_are_the_same_bytes_if_and_only_if_their_values_are_equal((types, rows) in columns()) {
            let chunk = arbitrary::chunk(&types, &rows);
            for (a, (_, left)) in rows.iter().enumerate() {
                for (b, (_, right)) in rows.iter().enumerate() {
                    let equal = left.iter().zip(right).all(|(a, b)| a.cmp_sql(b) == Ordering::Equal);
                    prop_assert_eq!(key(&chunk.columns, a) == key(&chunk.columns, b), equal, "{:?} {:?}", left, right);
                }
            }
        }

        #[test]
        fn a_key_gives_its_values_back((types, rows) in columns()) {
            let chunk = arbitrary::chunk(&types, &rows);
            let mut columns = crate::chunk::Chunk::of(types.clone()).columns;
            for (row, (_, values)) in rows.iter().enumerate() {
                let expected: Vec<Scalar> = values.iter().map(canonical).collect();
                let decoded = decode(&key(&chunk.columns, row), &types).unwrap();
                prop_assert!(same(&decoded, &expected), "{:?} {:?}", decoded, expected);
                decode_into(&key(&chunk.columns, row), &mut columns).unwrap();
                let appended: Vec<Scalar> = columns.iter().map(|column| column.get(row)).collect();
                prop_assert!(same(&appended, &expected));
            }
        }

        #[test]
        fn what_is_no_key_is_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..20), (types, rows) in columns()) {
            let _ = decode(&bytes, &types);
            let chunk = arbitrary::chunk(&types, &rows);
            for row in 0..rows.len() {
                let mut longer = key(&chunk.columns, row);
                longer.push(0xFD);
                prop_assert!(decode(&longer, &types).is_err());
            }
        }
    }

    #[test]
    fn keys_never_change() {
        let text = |text: &str| Scalar::Varchar(text.to_string().into());
        #[rustfmt::skip]
        let table: [(Vec<Scalar>, &[u8]); 12] = [
            (vec![text("m-7")],                           b"m-7"),
            (vec![text("")],                              b""),
            (vec![text("a"), text("bc")],                 b"a\xFEbc"),
            (vec![text("ab"), text("c")],                 b"ab\xFEc"),
            (vec![text("m-7"), Scalar::Int(5)],           b"m-7\xFE\x01\x05\0\0\0"),
            (vec![Scalar::Boolean(true)],                 b"\x01\x01"),
            (vec![Scalar::BigInt(-2)],                    b"\x01\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
            (vec![Scalar::Double(-0.0)],                  b"\x01\0\0\0\0\0\0\0\0"),
            (vec![Scalar::Double(-f64::NAN)],             b"\x01\0\0\0\0\0\0\xF8\x7F"),
            (vec![Scalar::Numeric(Decimal::new(-150, 2))], b"\x01\0\0\x01\x80\x0F\0\0\0\0\0\0\0\0\0\0\0"),
            (vec![Scalar::Timestamp(EventTime(258))],     b"\x01\x02\x01\0\0\0\0\0\0"),
            (vec![Scalar::Interval(Span(1)), text("a")],  b"\x01\x01\0\0\0\0\0\0\0a"),
        ];
        for (values, bytes) in table {
            let columns: Vec<Column> = values
                .iter()
                .map(|value| arbitrary::column(value.data_type().unwrap(), std::slice::from_ref(value)))
                .collect();
            assert_eq!(key(&columns, 0), bytes, "{values:?}");
        }
    }

    #[test]
    fn null_is_a_group_of_its_own() {
        for data_type in TYPES {
            let nulls = arbitrary::column(data_type, &[Scalar::Null]);
            let null = key(std::slice::from_ref(&nulls), 0);
            assert_eq!(
                null,
                if data_type == DataType::Varchar {
                    [0xFF]
                } else {
                    [0]
                }
            );
            assert_eq!(decode(&null, &[data_type]), Ok(vec![Scalar::Null]));
        }
    }

    #[test]
    fn a_bad_key_is_named() {
        let error = decode(&[7, 1], &[DataType::Int]).unwrap_err().to_string();
        assert!(error.contains("[07, 01]") && error.contains("Int"), "{error}");
        let mut columns = [Column::new(DataType::Int, 0), Column::new(DataType::Int, 0)];
        assert!(decode_into(&[0, 1, 1], &mut columns).is_err());
        assert!(columns.iter().all(Column::is_empty));
    }
}
