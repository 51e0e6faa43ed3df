//! Files of records: where a record ends, and what the first line is.

use std::sync::Arc;

use day01_consumer::files::{JsonLines, LineFormat};
use day05_checkpoints::sink::files::Format as FileFormat;

use super::csv::{COMMENT, CsvWriter};
use crate::plan::{CsvOptions, RowFormat, Table};
use crate::value::write::TimeForm;

/// How the lines of a file are records of this table.
pub(crate) fn line_format(table: &Table) -> Arc<dyn LineFormat> {
    match table.connector.format() {
        Some(RowFormat::Csv(options)) => Arc::new(CsvLines {
            has_one_column: table.payload().count() == 1,
            options: options.clone(),
        }),
        Some(RowFormat::Raw) => Arc::new(RawLines),
        Some(RowFormat::Json(_)) | None => Arc::new(JsonLines),
    }
}

/// How files of this table are called and begin; none if its rows are in no file.
pub fn file_format(table: &Table) -> Option<FileFormat> {
    Some(match table.connector.format()? {
        RowFormat::Json(_) => FileFormat::Json,
        RowFormat::Raw => FileFormat::Text,
        RowFormat::Csv(options) => FileFormat::Csv {
            header: (options.header == Some(true)).then(|| {
                let mut header = Vec::new();
                let names = table.payload().map(|field| field.name.as_str());
                CsvWriter::new(options.clone(), TimeForm::Sql).write_names(names, &mut header);
                String::from_utf8_lossy(&header).into_owned()
            }),
        },
    })
}

/// Records of CSV, which go on behind a line end within quotes.
struct CsvLines {
    has_one_column: bool,
    options: CsvOptions,
}

/// Where in a record a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Where a field begins.
    Start,
    /// In a field without quotes, or behind its quotes.
    Plain,
    Quotes,
    /// Behind an escape character within quotes.
    Escape,
    /// Behind a quote that ends a field, unless another one follows.
    Quote,
}

impl LineFormat for CsvLines {
    fn goes_on(&self, line: &[u8], within: bool) -> bool {
        let Some(quote) = self.options.quote else {
            return false;
        };
        let line = match within {
            true => line,
            false => line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line),
        };
        let is_comment = self.options.allow_comments && line.first() == Some(&COMMENT);
        if !within && (is_comment || !line.contains(&quote)) {
            return false;
        }
        let start = if within { Within::Quotes } else { Within::Start };
        let end = line.iter().fold(start, |state, byte| match state {
            Within::Start | Within::Quote if *byte == quote => Within::Quotes,
            Within::Start | Within::Plain | Within::Quote if *byte == self.options.delimiter => Within::Start,
            Within::Start | Within::Plain | Within::Quote => Within::Plain,
            Within::Quotes if *byte == quote => Within::Quote,
            Within::Quotes if Some(*byte) == self.options.escape => Within::Escape,
            Within::Quotes | Within::Escape => Within::Quotes,
        });
        matches!(end, Within::Quotes | Within::Escape)
    }

    fn is_whole(&self, record: &[u8]) -> bool {
        !self.goes_on(record, false)
    }

    /// The NULL of an only column is a line without anything.
    fn is_blank(&self, line: &[u8]) -> bool {
        line.is_empty() && !(self.has_one_column && self.options.null.is_empty())
    }
}

/// Each line is the text of a record, an empty one too.
struct RawLines;

impl LineFormat for RawLines {
    fn is_whole(&self, _: &[u8]) -> bool {
        true
    }

    fn is_blank(&self, _: &[u8]) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_goes_on_while_a_quote_is_open() {
        let escaped = CsvOptions {
            escape: Some(b'\\'),
            ..CsvOptions::default()
        };
        let comments = CsvOptions {
            allow_comments: true,
            ..CsvOptions::default()
        };
        let unquoted = CsvOptions {
            quote: None,
            ..CsvOptions::default()
        };
        let usual = CsvOptions::default();
        #[rustfmt::skip]
        let table = [
            (&usual,    "a,b",             false, false),
            (&usual,    "a,\"b",           false, true),
            (&usual,    "\"a,b",           false, true),
            (&usual,    "\u{feff}\"a",     false, true),
            (&usual,    "\"a\"\"",         false, true),
            (&usual,    "\"a\"\"\",b",     false, false),
            (&usual,    "5\" disk,b",      false, false),
            (&usual,    "a,\"b\" \"c",     false, false),
            (&usual,    "b",               true,  true),
            (&usual,    "",                true,  true),
            (&usual,    "b\",c",           true,  false),
            (&usual,    "b\",\"c",         true,  true),
            (&usual,    "\"a\\\"",         false, false),
            (&escaped,  "\"a\\\"",         false, true),
            (&escaped,  "\"a\\\\\"",       false, false),
            (&escaped,  "\"a\\",           false, true),
            (&comments, "# say \"a",       false, false),
            (&comments, "#,\"a",           true,  false),
            (&unquoted, "\"a",             false, false),
        ];
        for (options, line, within, goes_on) in table {
            let lines = CsvLines {
                has_one_column: false,
                options: options.clone(),
            };
            assert_eq!(
                lines.goes_on(line.as_bytes(), within),
                goes_on,
                "{line:?} {within}"
            );
        }
    }
}
