//! Rows of a chunk as bytes: JSON objects, CSV, or texts as they are.
//!
//! ```text
//! {"merchant_id":"m-7","window_start":"2026-01-01 00:00:00","amount":12.50,"note":null}
//! m-7,2026-01-01 00:00:00,12.50,
//! ```
//!
//! What is written is what the row *is*; what it *does* to a table, its change kind, is the business of the sink. The text of
//! each value is that of [`value`](crate::value::write): numbers and booleans are JSON's own, everything else stands in
//! quotes, and so do `"NaN"`, `"Infinity"` and `"-Infinity"`, for which JSON has no number.
//!
//! Times are written as Flink's formats write them: a TIMESTAMP without `Z`, a TIMESTAMPTZ with it. A program of Flink reads
//! such a topic with the same declarations. On the screen both are in UTC with `Z`, as in all days.

use day02_state::operator::Outcome;

use super::csv::CsvWriter;
use crate::chunk::{Chunk, Values};
use crate::plan::{Connector, CsvOptions, Field, JsonOptions, RowFormat, Table};
use crate::value::Value;
use crate::value::write::TimeForm;

/// Writes rows in one of the formats of files and topics.
#[derive(Debug, Clone)]
pub enum RowWriter {
    /// As an object.
    Json(JsonWriter),
    /// As values with a delimiter between them.
    Csv(CsvWriter),
    /// As the text of the only column.
    Raw {
        /// Whether a record is a line, so that no text may have several.
        in_lines: bool,
    },
}

impl RowWriter {
    /// A writer of the rows of a table.
    pub fn of(table: &Table) -> Self {
        let fields: Vec<Field> = table.payload().cloned().collect();
        match table.connector.format() {
            Some(RowFormat::Csv(options)) => RowWriter::csv(options.clone(), TimeForm::Sql),
            Some(RowFormat::Raw) => RowWriter::Raw {
                in_lines: matches!(table.connector, Connector::Filesystem { .. }),
            },
            Some(RowFormat::Json(JsonOptions { times, .. })) => RowWriter::json(&fields, *times),
            None => RowWriter::json(&fields, TimeForm::Sql),
        }
    }

    /// A writer of objects with these fields.
    pub fn json(fields: &[Field], times: TimeForm) -> Self {
        RowWriter::Json(JsonWriter::new(fields, times))
    }

    /// A writer of CSV.
    pub fn csv(options: CsvOptions, times: TimeForm) -> Self {
        RowWriter::Csv(CsvWriter::new(options, times))
    }

    /// Appends a row, without a line end.
    pub fn write(&self, chunk: &Chunk, row: usize, bytes: &mut Vec<u8>) {
        match self {
            RowWriter::Json(writer) => writer.write(chunk, row, bytes),
            RowWriter::Csv(writer) => writer.write(chunk, row, bytes),
            RowWriter::Raw { .. } => {
                let text = chunk.columns.first().map(|column| column.value(row));
                text.unwrap_or(Value::Null).write(TimeForm::Sql, bytes);
            }
        }
    }

    /// An error if a row of a chunk would be read back as another one.
    pub fn check(&self, chunk: &Chunk) -> Outcome {
        for column in &chunk.columns {
            let Values::Varchar(texts) = &column.values else {
                continue;
            };
            let there = |row: &usize| !column.is_null(*row);
            let wrong = match self {
                RowWriter::Json(_) => None,
                RowWriter::Csv(csv) => (0..chunk.rows)
                    .filter(there)
                    .find(|row| !csv.can_write(texts.get(*row)))
                    .map(|_| "csv without quotes cannot hold a text that is empty or has a delimiter, a line end, or blanks around it"),
                RowWriter::Raw { .. } if !(0..chunk.rows).all(|row| there(&row)) => {
                    Some("raw cannot hold NULL; COALESCE gives it a text")
                }
                RowWriter::Raw { in_lines } => {
                    let breaks = |text: &str| text.starts_with('\u{feff}') || *in_lines && text.contains(['\n', '\r']);
                    texts.iter().any(breaks).then_some(
                        "raw cannot hold a text that begins with a byte order mark, nor, in a file, one of several lines",
                    )
                }
            };
            if let Some(wrong) = wrong {
                return Err(wrong.into());
            }
        }
        Ok(())
    }
}

/// Writes rows as JSON objects.
#[derive(Debug, Clone)]
pub struct JsonWriter {
    /// What stands before each value: `{"a":`, then `,"b":`.
    before: Vec<Vec<u8>>,
    times: TimeForm,
}

impl JsonWriter {
    /// A writer of rows with these columns.
    pub fn new(fields: &[Field], times: TimeForm) -> Self {
        let mut before = Vec::new();
        for (place, field) in fields.iter().enumerate() {
            let mut bytes = vec![if place == 0 { b'{' } else { b',' }];
            write_json_text(&field.name, &mut bytes);
            bytes.push(b':');
            before.push(bytes);
        }
        JsonWriter { before, times }
    }

    /// Appends a row as an object, in the order of the columns.
    pub fn write(&self, chunk: &Chunk, row: usize, bytes: &mut Vec<u8>) {
        self.write_with(bytes, |place, bytes| {
            write_json_value(&chunk.columns[place].value(row), self.times, bytes);
        });
    }

    /// Appends an object whose values, by the places of their columns, are written by `value`.
    pub(crate) fn write_with(&self, bytes: &mut Vec<u8>, value: impl Fn(usize, &mut Vec<u8>)) {
        if self.before.is_empty() {
            bytes.push(b'{');
        }
        for (place, before) in self.before.iter().enumerate() {
            bytes.extend_from_slice(before);
            value(place, bytes);
        }
        bytes.push(b'}');
    }
}

/// Appends a value as JSON.
pub(crate) fn write_json_value(value: &Value<'_>, times: TimeForm, bytes: &mut Vec<u8>) {
    let is_bare = match value {
        Value::Null => return bytes.extend_from_slice(b"null"),
        Value::Varchar(text) => return write_json_text(text, bytes),
        Value::Double(value) => value.is_finite(),
        Value::Boolean(_) | Value::Int(_) | Value::BigInt(_) | Value::Numeric(_) => true,
        // No text of these has anything to escape.
        Value::Timestamp(_) | Value::TimestampTz(_) | Value::Interval(_) => false,
    };
    let quote: &[u8] = if is_bare { b"" } else { b"\"" };
    bytes.extend_from_slice(quote);
    value.write(times, bytes);
    bytes.extend_from_slice(quote);
}

/// Appends a text as JSON, with its quotes.
fn write_json_text(text: &str, bytes: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(bytes, text);
}

#[cfg(test)]
mod tests {
    use day01_consumer::decode::Payload;
    use day03_windows::time::EventTime;

    use super::*;
    use crate::arbitrary::readable;
    use crate::chunk::Change;
    use crate::format::testing::{read, reader, table};
    use crate::value::{DataType, Scalar};
    use proptest::prelude::*;

    const COLUMNS: [(&str, DataType); 8] = [
        ("flag", DataType::Boolean),
        ("i", DataType::Int),
        ("l", DataType::BigInt),
        ("d", DataType::Double),
        ("n", DataType::Numeric(None)),
        ("a \"text\"", DataType::Varchar),
        ("t", DataType::Timestamp),
        ("tz", DataType::TimestampTz),
    ];

    fn json() -> RowFormat {
        RowFormat::Json(JsonOptions {
            fail_on_missing_field: true,
            ..JsonOptions::default()
        })
    }

    fn empty() -> Chunk {
        Chunk::of(COLUMNS.map(|(_, data_type)| data_type))
    }

    fn written(chunk: &Chunk, format: &RowFormat) -> Vec<String> {
        let writer = RowWriter::of(&table(&COLUMNS, format.clone()));
        let row = |row| {
            let mut bytes = Vec::new();
            writer.write(chunk, row, &mut bytes);
            String::from_utf8(bytes).unwrap()
        };
        (0..chunk.rows).map(row).collect()
    }

    fn rows() -> Chunk {
        let numeric = |text: &str| Scalar::Numeric(text.parse().unwrap());
        let time = EventTime(1_767_225_600_000);
        let mut chunk = empty();
        let row = [
            Scalar::Boolean(true),
            Scalar::Int(-7),
            Scalar::BigInt(i64::MAX),
            Scalar::Double(2.5),
            numeric("12.50"),
            Scalar::Varchar("é \"7\"\n".into()),
            Scalar::Timestamp(time),
            Scalar::TimestampTz(EventTime(-1)),
        ];
        chunk.push(Change::Insert, &row).unwrap();
        chunk.push(Change::Delete, &[const { Scalar::Null }; 8]).unwrap();
        let row = [
            Scalar::Boolean(false),
            Scalar::Int(0),
            Scalar::BigInt(i64::MIN),
            Scalar::Double(f64::NAN),
            numeric("79228162514264337593543950335"),
            Scalar::Varchar("".into()),
            Scalar::Timestamp(EventTime::MAX),
            Scalar::TimestampTz(time),
        ];
        chunk.push(Change::Insert, &row).unwrap();
        chunk
    }

    #[test]
    fn rows_are_json_objects_with_all_their_digits() {
        let expected = [
            r#"{"flag":true,"i":-7,"l":9223372036854775807,"d":2.5,"n":12.50,"a \"text\"":"é \"7\"\n","t":"2026-01-01 00:00:00","tz":"1969-12-31 23:59:59.999Z"}"#,
            r#"{"flag":null,"i":null,"l":null,"d":null,"n":null,"a \"text\"":null,"t":null,"tz":null}"#,
            r#"{"flag":false,"i":0,"l":-9223372036854775808,"d":"NaN","n":79228162514264337593543950335,"a \"text\"":"","t":"9999-12-31 23:59:59.999","tz":"2026-01-01 00:00:00Z"}"#,
        ];
        assert_eq!(written(&rows(), &json()), expected);
    }

    #[test]
    fn rows_are_lines_of_csv() {
        let expected = [
            "true,-7,9223372036854775807,2.5,12.50,\"é \"\"7\"\"\n\",2026-01-01 00:00:00,1969-12-31 23:59:59.999Z",
            ",,,,,,,",
            "false,0,-9223372036854775808,NaN,79228162514264337593543950335,\"\",9999-12-31 23:59:59.999,2026-01-01 00:00:00Z",
        ];
        assert_eq!(written(&rows(), &RowFormat::Csv(CsvOptions::default())), expected);
    }

    #[test]
    fn a_row_is_appended_behind_what_is_there() {
        let mut bytes = b"before".to_vec();
        JsonWriter::new(&[], TimeForm::Sql).write(&Chunk::default(), 0, &mut bytes);
        assert_eq!(bytes, b"before{}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_as_the_same_values(
            row in COLUMNS.map(|(_, data_type)| prop_oneof![1 => Just(Scalar::Null), 5 => readable(data_type)]).to_vec()
        ) {
            let mut chunk = empty();
            chunk.push(Change::Insert, &row).unwrap();
            for format in [json(), RowFormat::Csv(CsvOptions::default())] {
                let (mut reader, mut back) = reader(&COLUMNS, format.clone());
                prop_assert_eq!(read(&mut reader, Payload::Text(&written(&chunk, &format)[0]), &mut back), Ok(1));
                prop_assert_eq!(format!("{:?}", back.row(0)), format!("{row:?}"), "also with the same scale");
            }
        }
    }
}
