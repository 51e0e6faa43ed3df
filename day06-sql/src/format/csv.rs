//! Rows as comma-separated values, read and written a line at a time.
//!
//! ```text
//! m-7,5,"a ""quoted"" text",,""
//!                           │ └─ an empty text
//!                           └─── NULL
//! ```
//!
//! 1. There is no header: the first field of a line is the first column that was declared, and each
//!    line has as many fields as there are columns. Flink does the same. A file then is the same
//!    whether it is read from its beginning or from a checkpoint, and two of them end to end are one.
//! 2. An empty field is NULL, and an empty text has quotes, as in PostgreSQL's COPY.
//! 3. A text is quoted if it would be misread without: a comma, a quote, a line end, or white space at
//!    one of its ends.
//!
//! Left out: other separators and words for NULL, and line ends within a text, which a source of lines
//! cannot see (they are written all the same). A row of a single NULL is an empty line, which a source
//! of lines skips.

use std::ops::Range;

use csv_core::{ReadFieldResult, Reader};
use day01_consumer::decode::Payload;
use day01_consumer::order::{self, BadRecord, Reason};

use super::{Row, interned, push_row, unfit};
use crate::chunk::Chunk;
use crate::plan::{Field, JsonOptions};
use crate::value::write::TimeForm;
use crate::value::{DataType, Value};

/// Reads some fields of lines.
pub struct CsvReader {
    lines: Reader,
    declared: usize,
    /// By place in the chunk: the place in the line, the name and the type.
    wanted: Vec<(usize, &'static str, DataType)>,
    ignore_parse_errors: bool,
    /// The fields of the line that was read last, without their quotes, end to end.
    texts: Vec<u8>,
    fields: Vec<FieldAt>,
}

/// Where a field lies in the texts of a line.
#[derive(Debug)]
struct FieldAt {
    text: Range<usize>,
    quoted: bool,
}

impl CsvReader {
    /// A reader of lines with a field for each of the columns, of which these are wanted, by their places.
    pub fn new(columns: &[Field], wanted: &[usize], options: JsonOptions) -> Self {
        let wanted = wanted.iter().map(|place| {
            let column = &columns[*place];
            (*place, interned(&column.name), column.data_type)
        });
        CsvReader {
            lines: Reader::new(),
            declared: columns.len(),
            wanted: wanted.collect(),
            ignore_parse_errors: options.ignore_parse_errors,
            texts: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Appends the row of a line to a chunk with a column of the right type for each wanted one, and
    /// says how many rows there were: 1, or 0 for a record without a payload. After an error the chunk
    /// is as before.
    ///
    /// A line that is no row is an error, or with `ignore_parse_errors` no row; a field that is no
    /// value of its type is an error or NULL.
    pub fn read(&mut self, payload: Payload<'_>, into: &mut Chunk) -> Result<usize, BadRecord> {
        if payload == Payload::Tombstone {
            return Ok(0);
        }
        let split = order::json(payload).and_then(|line| self.split(line));
        match split.and_then(|()| self.row()) {
            Ok(row) => push_row(row, into),
            Err(_) if self.ignore_parse_errors => return Ok(0),
            Err(bad) => return Err(bad),
        }
        Ok(1)
    }

    /// Finds the fields of a line.
    fn split(&mut self, line: &str) -> Result<(), BadRecord> {
        self.fields.clear();
        self.lines.reset();
        // Without its quotes a line is no longer than it was; the library wants room even for nothing.
        self.texts.resize(line.len() + 1, 0);
        let mut rest = line.as_bytes();
        let (mut start, mut end) = (0, 0);
        let mut quoted = rest.first() == Some(&b'"');
        loop {
            // The line end tells whether the last quote was closed.
            let input = if rest.is_empty() { b"\n" } else { rest };
            let (result, read, written) = self.lines.read_field(input, &mut self.texts[end..]);
            let ended = rest.is_empty();
            rest = rest.get(read..).unwrap_or_default();
            end += written;
            match result {
                ReadFieldResult::Field { record_end } => {
                    let text = start..end;
                    self.fields.push(FieldAt { text, quoted });
                    start = end;
                    quoted = rest.first() == Some(&b'"');
                    match (record_end, ended) {
                        (true, true) => break,
                        (true, false) => return Err(no_row("a line end within a field without quotes")),
                        (false, _) => {}
                    }
                }
                ReadFieldResult::InputEmpty if !ended => {}
                _ => return Err(no_row("a quote that is not closed")),
            }
        }
        match self.fields.len() == self.declared {
            true => Ok(()),
            false => Err(no_row(&format!(
                "{} fields for {} columns",
                self.fields.len(),
                self.declared
            ))),
        }
    }

    /// The wanted values of the line.
    fn row(&self) -> Result<Row<'_>, BadRecord> {
        let mut row = Row::new();
        for (place, name, data_type) in &self.wanted {
            let field = &self.fields[*place];
            if field.text.is_empty() && !field.quoted {
                row.push(Value::Null);
                continue;
            }
            let text = String::from_utf8_lossy(&self.texts[field.text.clone()]);
            row.push(match Value::read(text.clone(), *data_type) {
                Ok(value) => value,
                Err(_) if self.ignore_parse_errors => Value::Null,
                Err(why) => return Err(unfit(name, why, &text)),
            });
        }
        Ok(row)
    }
}

fn no_row(detail: &str) -> BadRecord {
    BadRecord {
        reason: Reason::NotA("row of CSV", "the line"),
        detail: Some(detail.to_string()),
        place: 0,
    }
}

/// Appends a row as a line, without the line end.
pub fn write_row(chunk: &Chunk, row: usize, times: TimeForm, bytes: &mut Vec<u8>) {
    for (place, column) in chunk.columns.iter().enumerate() {
        if place > 0 {
            bytes.push(b',');
        }
        match column.value(row) {
            Value::Varchar(text) => write_text(&text, bytes),
            value => value.write(times, bytes),
        }
    }
}

/// Skipped by many readers where it begins a line.
const BYTE_ORDER_MARK: char = '\u{feff}';

fn write_text(text: &str, bytes: &mut Vec<u8>) {
    let plain =
        !text.is_empty() && text.trim() == text && !text.contains([',', '"', '\n', '\r', BYTE_ORDER_MARK]);
    match plain {
        true => bytes.extend_from_slice(text.as_bytes()),
        false => {
            bytes.push(b'"');
            bytes.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            bytes.push(b'"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Change;
    use crate::value::Scalar;

    const LENIENT: JsonOptions = JsonOptions {
        fail_on_missing_field: false,
        ignore_parse_errors: true,
        times: TimeForm::Sql,
    };

    fn columns(types: &[DataType]) -> Vec<Field> {
        let columns = types.iter().enumerate().map(|(place, data_type)| Field {
            name: format!("c{place}"),
            data_type: *data_type,
        });
        columns.collect()
    }

    fn read(types: &[DataType], options: JsonOptions, line: &str) -> Result<Option<Vec<Scalar>>, BadRecord> {
        let all: Vec<usize> = (0..types.len()).collect();
        let mut reader = CsvReader::new(&columns(types), &all, options);
        let mut chunk = Chunk::of(types.iter().copied());
        let rows = reader.read(Payload::Text(line), &mut chunk)?;
        assert_eq!(rows, chunk.rows);
        Ok((rows == 1).then(|| chunk.row(0)))
    }

    fn text(text: &str) -> Scalar {
        Scalar::Varchar(text.to_string().into())
    }

    #[test]
    fn fields_are_columns_by_their_places() {
        use DataType::{Int, Varchar};
        #[rustfmt::skip]
        let table = [
            ("a,7,b",                vec![text("a"), Scalar::Int(7), text("b")]),
            (" a ,7, b",             vec![text(" a "), Scalar::Int(7), text(" b")]),
            (",,",                   vec![Scalar::Null, Scalar::Null, Scalar::Null]),
            ("\"\",,\"\"",           vec![text(""), Scalar::Null, text("")]),
            ("\"a,\"\"b\"\"\",7,é",  vec![text("a,\"b\""), Scalar::Int(7), text("é")]),
            ("a,\"7\",\"b\nc\"",     vec![text("a"), Scalar::Int(7), text("b\nc")]),
            ("a,7,\"b",              vec![]),
            ("\"a,7,b",              vec![]),
            ("a,7",                  vec![]),
            ("a,7,b,",               vec![]),
            ("a,7\nb",               vec![]),
            ("a,7,b\nc",             vec![]),
            ("",                     vec![]),
        ];
        for (line, row) in table {
            let types = [Varchar, Int, Varchar];
            match read(&types, JsonOptions::default(), line) {
                Ok(read) => assert_eq!(read, Some(row), "{line:?}"),
                Err(bad) => {
                    assert!(row.is_empty(), "{line:?}: {bad:?}");
                    assert_eq!(bad.reason.to_string(), "the line is not a row of CSV");
                    assert_eq!(read(&types, LENIENT, line), Ok(None), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        let detail = |line| read(&[DataType::Int, DataType::Int], JsonOptions::default(), line).unwrap_err();
        assert_eq!(detail("1").detail.as_deref(), Some("1 fields for 2 columns"));
        assert_eq!(
            detail("1,\"2").detail.as_deref(),
            Some("a quote that is not closed")
        );
        assert_eq!(
            detail("1\n,2").detail.as_deref(),
            Some("a line end within a field without quotes")
        );
        assert_eq!(detail("1,x").reason, Reason::NotA("valid INT", "c1"));
        let row = vec![Scalar::Int(1), Scalar::Null];
        assert_eq!(
            read(&[DataType::Int, DataType::Int], LENIENT, "1,x"),
            Ok(Some(row))
        );
    }

    #[test]
    fn only_wanted_columns_are_read_and_a_bad_line_leaves_nothing_behind() {
        use DataType::{Int, Varchar};
        let mut reader = CsvReader::new(&columns(&[Int, Varchar, Int]), &[2, 1], JsonOptions::default());
        let mut chunk = Chunk::of([Int, Varchar]);
        assert_eq!(reader.read(Payload::Text("not wanted,a,7"), &mut chunk), Ok(1));
        for bad in ["1,b,x", "1,b,\"7", "1"] {
            assert!(reader.read(Payload::Text(bad), &mut chunk).is_err(), "{bad}");
        }
        assert_eq!(reader.read(Payload::Tombstone, &mut chunk), Ok(0));
        assert_eq!(reader.read(Payload::Text("1,,8"), &mut chunk), Ok(1));
        assert_eq!(chunk.row(0), [Scalar::Int(7), text("a")]);
        assert_eq!(chunk.row(1), [Scalar::Int(8), Scalar::Null]);
    }

    #[test]
    fn texts_have_quotes_where_they_need_them() {
        let texts = [
            "a",
            "",
            " a",
            "a\t",
            "a b",
            "a,b",
            "say \"a\"",
            "a\nb",
            "a\r",
            "\u{feff}a",
            "é",
        ];
        let mut chunk = Chunk::of(texts.map(|_| DataType::Varchar));
        chunk.push(Change::Insert, &texts.map(text)).unwrap();
        let mut bytes = Vec::new();
        write_row(&chunk, 0, TimeForm::Sql, &mut bytes);
        let expected = "a,\"\",\" a\",\"a\t\",a b,\"a,b\",\"say \"\"a\"\"\",\"a\nb\",\"a\r\",\"\u{feff}a\",é";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        assert_eq!(
            read(&chunk.types(), JsonOptions::default(), expected),
            Ok(Some(chunk.row(0)))
        );
    }
}
