//! Rows as values with a delimiter between them, read and written a record at a time.
//!
//! ```text
//! m-7,5,"a ""quoted"" text",,""
//!                           │ └─ an empty text
//!                           └─── NULL
//! ```
//!
//! 1. The first field of a record is the first column that was declared, and each record has as many fields as there are
//!    columns. Flink does the same. A header is skipped where the table says that there is one, and then also written.
//!    If it does not say so, a first line that holds the names of the columns is an error and not a row.
//! 2. An empty field is NULL, and an empty text has quotes, as in PostgreSQL's COPY. With another text for NULL, that text
//!    without quotes is NULL, and an empty field is an empty text.
//! 3. A text is quoted if it would be misread without: a mark, a line end, or white space at one of its ends. A record may
//!    so have several lines ([`lines`](super::lines)).
//! 4. Within quotes, a quote is doubled. With an escape character, the character behind it is meant as it is; it means
//!    nothing where there are no quotes, as in PostgreSQL's COPY. (Flink takes it for an escape there too.)

mod write;

pub use write::CsvWriter;

use std::ops::Range;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use day01_consumer::order::{BadRecord, Reason};

use super::findings::Ignored;
use super::{DeclaredColumn, Row, empty_row, push_row, unfit};
use crate::chunk::Chunk;
use crate::plan::CsvOptions;
use crate::value::Value;

/// What a line begins with that is a comment.
pub(super) const COMMENT: u8 = b'#';

/// Reads the columns of a table from records.
pub(super) struct CsvReader {
    fields_of: Reader,
    columns: Vec<DeclaredColumn>,
    options: CsvOptions,
    /// The fields of the record that was read last, without their quotes, end to end.
    texts: Vec<u8>,
    fields: Vec<FieldAt>,
}

/// Where a field lies in the texts of a record.
#[derive(Debug)]
struct FieldAt {
    text: Range<usize>,
    quoted: bool,
}

impl CsvReader {
    pub fn new(columns: Vec<DeclaredColumn>, options: CsvOptions) -> Self {
        let fields_of = ReaderBuilder::new()
            .delimiter(options.delimiter)
            .quoting(options.quote.is_some())
            .quote(options.quote.unwrap_or(b'"'))
            .escape(options.escape)
            .build();
        CsvReader {
            fields_of,
            columns,
            options,
            texts: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Appends the row of a record to a chunk, and says how many rows there were: none for a header or a comment.
    pub fn read(
        &mut self,
        record: &str,
        is_first: bool,
        ignored: &mut Ignored,
        into: &mut Chunk,
    ) -> Result<usize, BadRecord> {
        let is_comment = self.options.allow_comments && record.as_bytes().first() == Some(&COMMENT);
        if is_comment || is_first && self.options.header == Some(true) {
            return Ok(0);
        }
        self.split(record)?;
        if is_first && self.options.header.is_none() && self.holds_the_names() {
            return Err(no_row(
                "it holds the names of the columns; 'csv.ignore-first-line' = 'true' skips a header, 'false' takes it for a row",
            ));
        }
        let row = self.row(ignored)?;
        push_row(row, into);
        Ok(1)
    }

    /// Finds the fields of a record.
    fn split(&mut self, record: &str) -> Result<(), BadRecord> {
        self.fields.clear();
        if record.is_empty() && self.columns.len() == 1 {
            // The library takes it for no record.
            let (text, quoted) = (0..0, false);
            self.fields.push(FieldAt { text, quoted });
            return Ok(());
        }
        self.fields_of.reset();
        // Without its quotes a record is no longer than it was; the library wants room even for nothing.
        self.texts.resize(record.len() + 1, 0);
        let mut rest = record.as_bytes();
        let (mut start, mut end) = (0, 0);
        let is_quoted =
            |rest: &[u8]| self.options.quote.is_some() && rest.first().copied() == self.options.quote;
        let mut quoted = is_quoted(rest);
        loop {
            // The line end tells whether the last quote was closed.
            let input = if rest.is_empty() { b"\n" } else { rest };
            let (result, read, written) = self.fields_of.read_field(input, &mut self.texts[end..]);
            let ended = rest.is_empty();
            rest = rest.get(read..).unwrap_or_default();
            end += written;
            match result {
                ReadFieldResult::Field { record_end } => {
                    let text = start..end;
                    self.fields.push(FieldAt { text, quoted });
                    start = end;
                    quoted = is_quoted(rest);
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
        match self.fields.len() == self.columns.len() {
            true => Ok(()),
            false => Err(no_row(&format!(
                "{} fields for {} columns",
                self.fields.len(),
                self.columns.len()
            ))),
        }
    }

    /// Whether the fields of the record are the names of the columns.
    fn holds_the_names(&self) -> bool {
        let mut both = self.fields.iter().zip(&self.columns);
        both.all(|(field, column)| {
            self.texts[field.text.clone()]
                .trim_ascii()
                .eq_ignore_ascii_case(column.name.as_bytes())
        })
    }

    /// The wanted values of the record. Those that nobody wants are read too: whether the record is bad must not depend on
    /// who asks.
    fn row(&self, ignored: &mut Ignored) -> Result<Row<'_>, BadRecord> {
        let mut row = empty_row(&self.columns);
        for (field, column) in self.fields.iter().zip(&self.columns) {
            let bytes = &self.texts[field.text.clone()];
            if !field.quoted && bytes == self.options.null.as_bytes() {
                continue;
            }
            let text = String::from_utf8_lossy(bytes);
            let value = match Value::read(text.clone(), column.data_type) {
                Ok(value) => value,
                Err(_) if self.options.ignore_parse_errors => {
                    ignored.field();
                    Value::Null
                }
                Err(why) => return Err(unfit(column.name, why, &text)),
            };
            if let Some(place) = column.place {
                row[place] = value;
            }
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

#[cfg(test)]
mod tests {
    use day01_consumer::decode::Payload;

    use super::*;
    use crate::chunk::Change;
    use crate::format::RowReader;
    use crate::format::testing::{self, read as read_one, table};
    use crate::plan::RowFormat;
    use crate::value::write::TimeForm;
    use crate::value::{DataType, Scalar};

    fn lenient() -> CsvOptions {
        CsvOptions {
            ignore_parse_errors: true,
            ..CsvOptions::default()
        }
    }

    fn fields(types: &[DataType]) -> Vec<(&'static str, DataType)> {
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
            .into_iter()
            .zip(types.iter().copied())
            .collect()
    }

    fn read(types: &[DataType], options: CsvOptions, line: &str) -> Result<Option<Vec<Scalar>>, BadRecord> {
        let (mut reader, mut chunk) = testing::reader(&fields(types), RowFormat::Csv(options));
        let rows = read_one(&mut reader, Payload::Text(line), &mut chunk)?;
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
            match read(&types, CsvOptions::default(), line) {
                Ok(read) => assert_eq!(read, Some(row), "{line:?}"),
                Err(bad) => {
                    assert!(row.is_empty(), "{line:?}: {bad:?}");
                    assert_eq!(bad.reason.to_string(), "the line is not a row of CSV");
                    assert_eq!(read(&types, lenient(), line), Ok(None), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        let detail = |line| read(&[DataType::Int, DataType::Int], CsvOptions::default(), line).unwrap_err();
        assert_eq!(detail("1").detail.as_deref(), Some("1 fields for 2 columns"));
        assert_eq!(
            detail("1,\"2").detail.as_deref(),
            Some("a quote that is not closed")
        );
        assert_eq!(
            detail("1\n,2").detail.as_deref(),
            Some("a line end within a field without quotes")
        );
        assert_eq!(detail("1,x").reason, Reason::NotA("valid INT", "b"));
        let row = vec![Scalar::Int(1), Scalar::Null];
        assert_eq!(
            read(&[DataType::Int, DataType::Int], lenient(), "1,x"),
            Ok(Some(row))
        );
    }

    #[test]
    fn only_wanted_columns_are_read_and_a_bad_line_leaves_nothing_behind() {
        use DataType::{Int, Varchar};
        let table = table(
            &fields(&[Varchar, Varchar, Int]),
            RowFormat::Csv(CsvOptions::default()),
        );
        let mut reader = RowReader::new(&table, &[2, 1]);
        let mut chunk = Chunk::of([Int, Varchar]);
        assert_eq!(
            read_one(&mut reader, Payload::Text("not wanted,a,7"), &mut chunk),
            Ok(1)
        );
        for bad in ["1,b,x", "1,b,\"7", "1"] {
            assert!(
                read_one(&mut reader, Payload::Text(bad), &mut chunk).is_err(),
                "{bad}"
            );
        }
        assert_eq!(read_one(&mut reader, Payload::Tombstone, &mut chunk), Ok(0));
        assert_eq!(read_one(&mut reader, Payload::Text("1,,8"), &mut chunk), Ok(1));
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
        CsvWriter::new(CsvOptions::default(), TimeForm::Sql).write(&chunk, 0, &mut bytes);
        let expected = "a,\"\",\" a\",\"a\t\",a b,\"a,b\",\"say \"\"a\"\"\",\"a\nb\",\"a\r\",\"\u{feff}a\",é";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        assert_eq!(
            read(&chunk.types(), CsvOptions::default(), expected),
            Ok(Some(chunk.row(0)))
        );
    }
}
