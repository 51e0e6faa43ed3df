//! The names that types have in the three dialects.
//!
//! A type is looked up by the text that the library prints for it, because half of them are names that it does not know and
//! keeps as they are written (`TIMESTAMP_LTZ(3)`).

use sqlparser::ast::{CharacterLength, DataType as Parsed};
use sqlparser::tokenizer::Span;

use crate::error::{Outcome, SqlError, suggest, unsupported};
use crate::value::DataType;

/// More digits than these no decimal of the field has. A value of more digits than ours hold is an error when it comes.
const DIGITS: u8 = 38;
/// Times have milliseconds.
const MILLISECONDS: u8 = 3;

const NAMES: [&str; 9] = [
    "BOOLEAN",
    "INT",
    "BIGINT",
    "DOUBLE",
    "DECIMAL(p, s)",
    "STRING",
    "VARCHAR",
    "TIMESTAMP(3)",
    "TIMESTAMP_LTZ(3)",
];

/// The type with this name.
pub(crate) fn named(parsed: &Parsed, span: Span) -> Outcome<DataType> {
    let text = parsed.to_string().to_uppercase();
    // `TIMESTAMP(3) WITH TIME ZONE` has its number in the middle.
    let (name, numbers) = match text
        .split_once('(')
        .and_then(|(name, rest)| Some((name, rest.split_once(')')?)))
    {
        Some((name, (numbers, behind))) => (format!("{}{behind}", name.trim_end()), Some(numbers)),
        None => (text.clone(), None),
    };
    // A number that is no number, or too large for one, is `None`, and no type takes it.
    let numbers: Option<Vec<Option<u8>>> = numbers.map(|numbers| {
        numbers
            .split(',')
            .map(|number| number.trim().parse().ok())
            .collect()
    });
    let plain = |data_type| match numbers {
        None => Ok(data_type),
        Some(_) => Err(unsupported(span, &format!("{text}, with a length,")).hint(format!("write {name}"))),
    };
    let time = |data_type| match numbers.as_deref() {
        None | Some([Some(0..=MILLISECONDS)]) => Ok(data_type),
        _ => Err(SqlError::new(span, format!("{text} is finer than milliseconds"))
            .hint(format!("write {name}(3)"))),
    };
    match name.as_str() {
        "BOOLEAN" | "BOOL" => plain(DataType::Boolean),
        "TINYINT" | "SMALLINT" | "INT" | "INTEGER" | "INT2" | "INT4" => plain(DataType::Int),
        "BIGINT" | "INT8" => plain(DataType::BigInt),
        "FLOAT" | "REAL" | "DOUBLE" | "DOUBLE PRECISION" | "FLOAT4" | "FLOAT8" => plain(DataType::Double),
        "DECIMAL" | "NUMERIC" | "DEC" => match numbers.as_deref() {
            None => Ok(DataType::Numeric(None)),
            Some(&[Some(precision @ 1..=DIGITS)]) => Ok(DataType::Numeric(Some((precision, 0)))),
            Some(&[Some(precision @ 1..=DIGITS), Some(scale)]) if scale <= precision => {
                Ok(DataType::Numeric(Some((precision, scale))))
            }
            _ => Err(
                SqlError::new(span, format!("{text} is no decimal type")).hint(format!(
                    "1 to {DIGITS} digits, and not more behind the point than in all: DECIMAL(10, 2)"
                )),
            ),
        },
        "STRING" | "TEXT" => plain(DataType::Varchar),
        // The length of a column is a promise of whoever writes the rows, as in Flink; a cast keeps it (`length`).
        "VARCHAR" | "CHARACTER VARYING" => Ok(DataType::Varchar),
        "TIMESTAMP" | "TIMESTAMP WITHOUT TIME ZONE" => time(DataType::Timestamp),
        "TIMESTAMPTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP WITH TIME ZONE" => time(DataType::TimestampTz),
        name => Err(SqlError::new(span, format!("no type {name}")).hint(suggest(name, "there are", NAMES))),
    }
}

/// How many characters a VARCHAR has at most, if it says so.
pub(crate) fn length(parsed: &Parsed) -> Option<u64> {
    match parsed {
        Parsed::Varchar(Some(CharacterLength::IntegerLength { length, .. }))
        | Parsed::CharacterVarying(Some(CharacterLength::IntegerLength { length, .. })) => Some(*length),
        _ => None,
    }
}
