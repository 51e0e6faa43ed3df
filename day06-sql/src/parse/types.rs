//! The names that types have in the three dialects.
//!
//! A type is looked up by the text that the library prints for it, because half of them are names that it does not know and
//! keeps as they are written (`TIMESTAMP_LTZ(3)`).

use sqlparser::ast::DataType as Parsed;
use sqlparser::tokenizer::Span;

use crate::error::{Outcome, SqlError, suggest, unsupported};
use crate::types::DataType;

/// More digits than these our decimals do not hold.
const DIGITS: u8 = 28;
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
    let numbers: Option<Vec<u8>> = numbers.map(|numbers| {
        numbers
            .split(',')
            .filter_map(|number| number.trim().parse().ok())
            .collect()
    });
    let plain = |data_type| match numbers {
        None => Ok(data_type),
        Some(_) => Err(unsupported(span, &format!("{text}, with a length,")).hint(format!("write {name}"))),
    };
    let time = |data_type| match numbers.as_deref() {
        None | Some([0..=MILLISECONDS]) => Ok(data_type),
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
            Some(&[precision @ 1..=DIGITS]) => Ok(DataType::Numeric(Some((precision, 0)))),
            Some(&[precision @ 1..=DIGITS, scale]) if scale <= precision => {
                Ok(DataType::Numeric(Some((precision, scale))))
            }
            _ => Err(
                SqlError::new(span, format!("{text} is no decimal type")).hint(format!(
                    "1 to {DIGITS} digits, and not more behind the point than in all: DECIMAL(10, 2)"
                )),
            ),
        },
        "STRING" | "TEXT" => plain(DataType::Varchar),
        // A length is a promise of whoever writes the rows; nothing is cut off.
        "VARCHAR" | "CHARACTER VARYING" => Ok(DataType::Varchar),
        "TIMESTAMP" | "TIMESTAMP WITHOUT TIME ZONE" => time(DataType::Timestamp),
        "TIMESTAMPTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP WITH TIME ZONE" => time(DataType::TimestampTz),
        name => Err(SqlError::new(span, format!("no type {name}")).hint(suggest(name, "there are", NAMES))),
    }
}
