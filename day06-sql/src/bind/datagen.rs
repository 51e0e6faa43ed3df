//! The options of datagen: how many rows, and what its columns are drawn from.

use std::collections::BTreeMap;

use day03_windows::time::EventTime;

use super::catalog::{Found, find};
use super::options::{Declared, OptionReader, no_such, parsed};
use crate::error::{Outcome, SqlError, suggest};
use crate::parse::ast::Name;
use crate::plan::{Connector, Generated, TableColumn};
use crate::value::DataType;

const DATAGEN: Declared = Declared {
    owner: "datagen",
    options: &[
        ("number-of-rows", &[]),
        ("rows-per-second", &["datagen.rows.per.second"]),
        ("fields.*.kind", &[]),
        ("fields.*.start", &[]),
        ("fields.*.end", &[]),
        ("fields.*.min", &[]),
        ("fields.*.max", &[]),
        ("fields.*.length", &[]),
    ],
    elsewhere: &[
        "datagen.split.num",
        "fields.*.max-past",
        "fields.*.max_past",
        "fields.*.max_past_mode",
        "fields.*.null-rate",
        "fields.*.seed",
        "fields.*.var-len",
        "scan.parallelism",
    ],
};

/// What datagen draws the columns from.
pub(super) fn datagen(options: &OptionReader<'_>, columns: &[TableColumn]) -> Outcome<Connector> {
    options.check(&[&DATAGEN])?;
    let read: Vec<&TableColumn> = columns.iter().filter(|column| column.is_written()).collect();
    let names: Vec<&str> = read.iter().map(|column| column.field.name.as_str()).collect();
    for (rest, option) in options.beginning("fields.") {
        let column = rest.rsplit_once('.').map_or("", |(column, _)| column);
        let name = Name {
            value: column.to_string(),
            quoted: true,
            span: option.key_span,
        };
        if find(&name, names.iter().copied()) == Found::None {
            return Err(
                SqlError::new(option.key_span, format!("no column \"{column}\" to generate")).hint(suggest(
                    column,
                    "the table has",
                    names.iter().copied(),
                )),
            );
        }
    }
    let mut fields = BTreeMap::new();
    for column in read {
        if let Some(generated) = generated(options, &column.field.name, column.field.data_type)? {
            fields.insert(column.field.name.clone(), generated);
        }
    }
    let positive = |key: &str| -> Outcome<Option<u64>> {
        let Some(option) = options.get_of(&DATAGEN, key) else {
            return Ok(None);
        };
        match parsed(option, "a number")? {
            0 => Err(SqlError::new(
                option.value_span,
                format!("{} has to be at least 1", option.key),
            )),
            number => Ok(Some(number)),
        }
    };
    Ok(Connector::Datagen {
        rows: positive("number-of-rows")?,
        rate: positive("rows-per-second")?,
        fields,
    })
}

/// How a column is drawn, if anything is said of it. For times, numbers are milliseconds since 1970; for BOOLEAN, 0 and 1.
fn generated(options: &OptionReader<'_>, column: &str, data_type: DataType) -> Outcome<Option<Generated>> {
    let key = |what: &str| format!("fields.{column}.{what}");
    let number = |what: &str| options.parsed::<i64>(&key(what), "a whole number");
    let useless = |whats: &[&str], why: &str| match whats.iter().find_map(|what| options.get(&key(what))) {
        Some(option) => Err(SqlError::new(
            option.key_span,
            format!("{} has no meaning for {why}", option.key),
        )),
        None => Ok(()),
    };
    let kind = options.get(&key("kind"));
    let ordered = |from: i64, to: i64, what: &str| match from <= to {
        true => Ok((from, to)),
        false => {
            let span = options
                .get(&key(what))
                .map_or(options.span, |option| option.value_span);
            Err(SqlError::new(
                span,
                format!("fields.{column} would go from {from} up to {to}"),
            ))
        }
    };
    match kind.map(|option| (option, option.value.as_str())) {
        Some((option, "sequence")) => {
            if data_type == DataType::Varchar || data_type == DataType::Boolean {
                return Err(SqlError::new(
                    option.value_span,
                    format!("a sequence is of numbers, and {column} is {data_type}"),
                ));
            }
            useless(&["min", "max", "length"], "a sequence")?;
            let (Some(start), Some(end)) = (number("start")?, number("end")?) else {
                return Err(SqlError::new(
                    option.value_span,
                    format!("a sequence needs fields.{column}.start and .end"),
                ));
            };
            let (start, end) = ordered(start, end, "end")?;
            Ok(Some(Generated::Sequence(start, end)))
        }
        None | Some((_, "random")) => {
            useless(&["start", "end"], "random values")?;
            if data_type == DataType::Varchar {
                useless(&["min", "max"], "a text")?;
                let length = options.parsed(&key("length"), "a number of characters")?;
                return Ok(length.map(Generated::Text));
            }
            useless(&["length"], &data_type.to_string())?;
            let (min, max) = (number("min")?, number("max")?);
            if min.is_none() && max.is_none() {
                return Ok(None);
            }
            let (least, most) = range(data_type);
            let (min, max) = ordered(min.unwrap_or(least), max.unwrap_or(most), "max")?;
            Ok(Some(Generated::Random(min, max)))
        }
        Some((option, _)) => Err(no_such(option, &["sequence", "random"])),
    }
}

/// The least and the greatest number that is drawn for a type, where only one end of a range is given. A NUMERIC is drawn in units of
/// its last digit, of which 18 fit.
fn range(data_type: DataType) -> (i64, i64) {
    match data_type {
        DataType::Boolean => (0, 1),
        DataType::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
        DataType::Numeric(Some((precision, scale))) => {
            let most = 10_i64.pow(u32::from(precision.min(18).saturating_sub(scale))) - 1;
            (-most, most)
        }
        DataType::Timestamp | DataType::TimestampTz => (EventTime::FIRST.0, EventTime::LAST.0),
        _ => (i64::MIN, i64::MAX),
    }
}
