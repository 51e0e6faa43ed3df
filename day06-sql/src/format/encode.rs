//! Rows of a chunk as bytes: JSON objects, or lines of CSV.
//!
//! ```text
//! {"merchant_id":"m-7","window_start":"2026-01-01T00:00:00.000Z","amount":12.50,"note":null}
//! m-7,2026-01-01T00:00:00.000Z,12.50,
//! ```
//!
//! What is written is what the row *is*; what it *does* to a table, its change kind, is the business of
//! the sink. Numbers keep all their digits: BIGINT and NUMERIC are JSON numbers with exactly the digits
//! that they have, and a DOUBLE has the fewest that read back as the same. What JSON has no number for
//! is a text, which [`value`](super::value) reads back: `"NaN"`, `"Infinity"`, `"-Infinity"`.
//!
//! Times are ISO 8601 in UTC with milliseconds, a TIMESTAMP too, so that every reader of the file takes
//! it for the same time. One that no calendar reaches is a number of milliseconds and cannot be read
//! back.

use super::csv;
use super::plain::{write_plain, write_time};
use crate::chunk::{Chunk, Values};
use crate::plan::{Field, FileFormat};

/// Writes rows in one of the formats of files and topics.
#[derive(Debug, Clone)]
pub enum RowWriter {
    /// As an object.
    Json(JsonWriter),
    /// As a line without a header.
    Csv,
}

impl RowWriter {
    /// A writer of rows with these columns.
    pub fn new(fields: &[Field], format: FileFormat) -> Self {
        match format {
            FileFormat::Json => RowWriter::Json(JsonWriter::new(fields)),
            FileFormat::Csv => RowWriter::Csv,
        }
    }

    /// Appends a row, without a line end.
    pub fn write(&self, chunk: &Chunk, row: usize, bytes: &mut Vec<u8>) {
        match self {
            RowWriter::Json(writer) => writer.write(chunk, row, bytes),
            RowWriter::Csv => csv::write_row(chunk, row, bytes),
        }
    }
}

/// Writes rows as JSON objects.
#[derive(Debug, Clone)]
pub struct JsonWriter {
    /// What stands before each value: `{"a":`, then `,"b":`.
    before: Vec<Vec<u8>>,
}

impl JsonWriter {
    /// A writer of rows with these columns.
    pub fn new(fields: &[Field]) -> Self {
        Self::of_names(fields.iter().map(|field| field.name.as_str()))
    }

    /// A writer of rows whose columns have these names.
    pub fn of_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut before = Vec::new();
        for (place, name) in names.into_iter().enumerate() {
            let mut bytes = vec![if place == 0 { b'{' } else { b',' }];
            write_json_text(name, &mut bytes);
            bytes.push(b':');
            before.push(bytes);
        }
        JsonWriter { before }
    }

    /// Appends a row as an object, in the order of the columns.
    pub fn write(&self, chunk: &Chunk, row: usize, bytes: &mut Vec<u8>) {
        self.write_with(bytes, |place, bytes| {
            let column = &chunk.columns[place];
            match column.is_null(row) {
                true => bytes.extend_from_slice(b"null"),
                false => write_json_value(&column.values, row, bytes),
            }
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

fn write_json_value(values: &Values, row: usize, bytes: &mut Vec<u8>) {
    match values {
        Values::Varchar(texts) => write_json_text(texts.get(row), bytes),
        Values::Timestamp(times) | Values::TimestampTz(times) => {
            bytes.push(b'"');
            write_time(times[row], bytes);
            bytes.push(b'"');
        }
        Values::Double(list) if !list[row].is_finite() => {
            bytes.push(b'"');
            write_plain(values, row, bytes);
            bytes.push(b'"');
        }
        Values::Interval(list) => write_json_text(&list[row].to_string(), bytes),
        values => write_plain(values, row, bytes),
    }
}

/// Appends a text as JSON, with its quotes.
pub(crate) fn write_json_text(text: &str, bytes: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(bytes, text);
}

#[cfg(test)]
mod tests {
    use day01_consumer::decode::Payload;
    use day03_windows::time::EventTime;

    use super::*;
    use crate::chunk::Change;
    use crate::format::csv::CsvReader;
    use crate::format::json::JsonReader;
    use crate::plan::JsonOptions;
    use crate::types::{DataType, Scalar};
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

    fn fields() -> Vec<Field> {
        let field = |(name, data_type): (&str, DataType)| Field {
            name: name.to_string(),
            data_type,
        };
        COLUMNS.into_iter().map(field).collect()
    }

    fn empty() -> Chunk {
        Chunk::of(COLUMNS.map(|(_, data_type)| data_type))
    }

    fn written(chunk: &Chunk, format: FileFormat) -> Vec<String> {
        let writer = RowWriter::new(&fields(), format);
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
            r#"{"flag":true,"i":-7,"l":9223372036854775807,"d":2.5,"n":12.50,"a \"text\"":"é \"7\"\n","t":"2026-01-01T00:00:00.000Z","tz":"1969-12-31T23:59:59.999Z"}"#,
            r#"{"flag":null,"i":null,"l":null,"d":null,"n":null,"a \"text\"":null,"t":null,"tz":null}"#,
            r#"{"flag":false,"i":0,"l":-9223372036854775808,"d":"NaN","n":79228162514264337593543950335,"a \"text\"":"","t":"9223372036854775807 ms","tz":"2026-01-01T00:00:00.000Z"}"#,
        ];
        assert_eq!(written(&rows(), FileFormat::Json), expected);
    }

    #[test]
    fn rows_are_lines_of_csv() {
        let expected = [
            "true,-7,9223372036854775807,2.5,12.50,\"é \"\"7\"\"\n\",2026-01-01T00:00:00.000Z,1969-12-31T23:59:59.999Z",
            ",,,,,,,",
            "false,0,-9223372036854775808,NaN,79228162514264337593543950335,\"\",9223372036854775807 ms,2026-01-01T00:00:00.000Z",
        ];
        assert_eq!(written(&rows(), FileFormat::Csv), expected);
    }

    #[test]
    fn a_row_is_appended_behind_what_is_there() {
        let mut bytes = b"before".to_vec();
        JsonWriter::new(&[]).write(&Chunk::default(), 0, &mut bytes);
        assert_eq!(bytes, b"before{}");
    }

    fn scalar(data_type: DataType) -> BoxedStrategy<Scalar> {
        // What a calendar reaches.
        let millis = || (-62_135_596_800_000..253_402_207_199_999_i64).prop_map(EventTime);
        let value = match data_type {
            DataType::Boolean => any::<bool>().prop_map(Scalar::Boolean).boxed(),
            DataType::Int => any::<i32>().prop_map(Scalar::Int).boxed(),
            DataType::BigInt => any::<i64>().prop_map(Scalar::BigInt).boxed(),
            // NaN is not equal to itself; the table above has it.
            DataType::Double => prop_oneof![any::<f64>(), Just(f64::INFINITY)]
                .prop_filter("a number", |value| !value.is_nan())
                .prop_map(Scalar::Double)
                .boxed(),
            DataType::Numeric(_) => (any::<i64>(), 0_u32..19)
                .prop_map(|(units, scale)| Scalar::Numeric(rust_decimal::Decimal::new(units, scale)))
                .boxed(),
            DataType::Timestamp => millis().prop_map(Scalar::Timestamp).boxed(),
            DataType::TimestampTz => millis().prop_map(Scalar::TimestampTz).boxed(),
            _ => any::<String>()
                .prop_map(|text| Scalar::Varchar(text.into()))
                .boxed(),
        };
        prop_oneof![1 => Just(Scalar::Null), 5 => value].boxed()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_as_the_same_values(
            row in COLUMNS.map(|(_, data_type)| scalar(data_type)).to_vec()
        ) {
            let mut chunk = empty();
            chunk.push(Change::Insert, &row).unwrap();
            let options = JsonOptions { fail_on_missing_field: true, ..JsonOptions::default() };

            let mut json = JsonReader::new(COLUMNS.map(|(name, of)| (name.to_string(), of)).to_vec(), options);
            let mut back = empty();
            prop_assert_eq!(json.read(Payload::Text(&written(&chunk, FileFormat::Json)[0]), &mut back), Ok(1));
            prop_assert_eq!(format!("{:?}", back.row(0)), format!("{row:?}"), "also with the same scale");

            let mut csv = CsvReader::new(&fields(), &[0, 1, 2, 3, 4, 5, 6, 7], options);
            let mut back = empty();
            prop_assert_eq!(csv.read(Payload::Text(&written(&chunk, FileFormat::Csv)[0]), &mut back), Ok(1));
            prop_assert_eq!(format!("{:?}", back.row(0)), format!("{row:?}"), "also with the same scale");
        }
    }
}
