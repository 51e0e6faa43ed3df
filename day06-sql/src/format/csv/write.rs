//! Rows as records of CSV: where a text needs quotes, and what stands for NULL. The rules are those of the reader.

use super::COMMENT;
use crate::chunk::Chunk;
use crate::plan::CsvOptions;
use crate::value::Value;
use crate::value::write::TimeForm;

/// Writes records.
#[derive(Debug, Clone)]
pub struct CsvWriter {
    options: CsvOptions,
    times: TimeForm,
}

impl CsvWriter {
    /// A writer of records of this form.
    pub fn new(options: CsvOptions, times: TimeForm) -> Self {
        CsvWriter { options, times }
    }

    /// Appends a row, without the line end.
    pub fn write(&self, chunk: &Chunk, row: usize, bytes: &mut Vec<u8>) {
        for (index, column) in chunk.columns.iter().enumerate() {
            if index > 0 {
                bytes.push(self.options.delimiter);
            }
            match column.value(row) {
                Value::Null => bytes.extend_from_slice(self.options.null.as_bytes()),
                Value::Varchar(text) => self.write_text(&text, index == 0, bytes),
                value => self.write_plain(&value, bytes),
            }
        }
    }

    /// Appends the names of columns as a header.
    pub fn write_names<'a>(&self, names: impl Iterator<Item = &'a str>, bytes: &mut Vec<u8>) {
        for (index, name) in names.enumerate() {
            if index > 0 {
                bytes.push(self.options.delimiter);
            }
            self.write_text(name, index == 0, bytes);
        }
    }

    /// Whether a text can be written at all: without quotes, some cannot.
    pub fn can_write(&self, text: &str) -> bool {
        self.options.quote.is_some() || !self.needs_quotes(text, true)
    }

    /// A number, a time or a boolean, which may hold the delimiter or look like NULL if those are odd ones.
    fn write_plain(&self, value: &Value<'_>, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        value.write(self.times, bytes);
        let written = &bytes[start..];
        if written.contains(&self.options.delimiter) || written == self.options.null.as_bytes() {
            let text = String::from_utf8_lossy(written).into_owned();
            bytes.truncate(start);
            self.write_text(&text, false, bytes);
        }
    }

    fn write_text(&self, text: &str, is_first: bool, bytes: &mut Vec<u8>) {
        let quote = self.options.quote.filter(|_| self.needs_quotes(text, is_first));
        let Some(quote) = quote else {
            return bytes.extend_from_slice(text.as_bytes());
        };
        bytes.push(quote);
        for byte in text.bytes() {
            if byte == quote {
                bytes.push(quote);
            } else if Some(byte) == self.options.escape {
                bytes.push(byte);
            }
            bytes.push(byte);
        }
        bytes.push(quote);
    }

    fn needs_quotes(&self, text: &str, is_first: bool) -> bool {
        /// Skipped by many readers where it begins a line.
        const BYTE_ORDER_MARK: char = '\u{feff}';
        let CsvOptions {
            delimiter,
            quote,
            escape,
            null,
            ..
        } = &self.options;
        let is_mark = |byte: u8| {
            matches!(byte, b'\n' | b'\r')
                || byte == *delimiter
                || Some(byte) == *quote
                || Some(byte) == *escape
        };
        text.is_empty()
            || text == null
            || text.trim() != text
            || text.bytes().any(is_mark)
            || text.contains(BYTE_ORDER_MARK)
            || is_first && self.options.allow_comments && text.as_bytes().first() == Some(&COMMENT)
    }
}
