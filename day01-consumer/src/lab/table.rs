//! Tables for people, and the same rows for programs.

use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::Error;
use crate::printable::{excerpt, printable};

/// How results are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table, for reading.
    #[default]
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// A value of a result row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number, by its digits: an amount keeps its two decimals in JSON too.
    Number(String),
}

impl Cell {
    fn as_str(&self) -> &str {
        match self {
            Cell::Text(text) | Cell::Number(text) => text,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_string())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Cell::Number(number.to_string())
    }
}

/// Rows for stdout: a terminal gets texts with escapes in csv too, as tables have them, and a program gets them as they are.
fn for_stdout(format: Format, rows: impl IntoIterator<Item = Vec<Cell>>) -> impl Iterator<Item = Vec<Cell>> {
    let escapes = format == Format::Csv && io::stdout().is_terminal();
    let cell = move |cell| match cell {
        Cell::Text(text) if escapes => Cell::Text(printable(&text).into_owned()),
        cell => cell,
    };
    rows.into_iter()
        .map(move |row| row.into_iter().map(cell).collect())
}

/// Writes rows to stdout.
pub fn print(
    format: Format,
    columns: &[&str],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> Result<(), Error> {
    write(
        &mut io::stdout().lock(),
        format,
        columns,
        for_stdout(format, rows),
    )
    .map_err(Error::Output)
}

/// Writes more rows to stdout, behind those of [`print()`].
pub fn print_more(
    format: Format,
    columns: &[&str],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> Result<(), Error> {
    append(
        &mut io::stdout().lock(),
        format,
        columns,
        for_stdout(format, rows),
    )
    .map_err(Error::Output)
}

/// Writes rows in one of the formats. Names of columns hold no commas.
pub fn write(
    out: &mut impl Write,
    format: Format,
    columns: &[&str],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> io::Result<()> {
    match format {
        Format::Csv => {
            writeln!(out, "{}", columns.join(","))?;
            append(out, format, columns, rows)
        }
        Format::Table | Format::Json => append(out, format, columns, rows),
    }
}

/// Writes more rows behind those that [`write()`] has written. A table is closed then; what comes after it is another table.
pub fn append(
    out: &mut impl Write,
    format: Format,
    columns: &[&str],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> io::Result<()> {
    match format {
        Format::Table => writeln!(out, "{}", table(columns, rows))?,
        Format::Json => {
            for row in rows {
                writeln!(out, "{}", json(columns, &row))?;
            }
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut *out);
            for row in rows {
                csv.write_record(row.iter().map(Cell::as_str)).map_err(io_error)?;
            }
            csv.flush()?;
        }
    }
    out.flush()
}

/// What went wrong below the csv writer, unwrapped: a closed pipe must be known as one.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A table with numbers at the right.
pub fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| match cell {
            Cell::Text(text) => comfy_table::Cell::new(excerpt(text.as_bytes(), 0)),
            Cell::Number(digits) => comfy_table::Cell::new(digits).set_alignment(CellAlignment::Right),
        }));
    }
    table
}

/// One row as a JSON object, its fields in the order of the columns.
fn json(columns: &[&str], row: &[Cell]) -> String {
    let fields: Vec<String> = columns
        .iter()
        .zip(row)
        .map(|(column, cell)| {
            let value = match cell {
                Cell::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
                Cell::Number(digits) => digits.clone(),
            };
            format!("{}:{value}", serde_json::Value::from(*column))
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> String {
        let rows = [
            vec![Cell::from("m-\"1\", é"), Cell::from(12)],
            vec![Cell::from("m-2"), Cell::Number("3.50".to_string())],
        ];
        let mut out = Vec::new();
        write(&mut out, format, &["merchant_id", "n"], rows).expect("memory can be written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn text_is_quoted_where_a_format_needs_it_and_numbers_keep_their_digits() {
        assert_eq!(
            written(Format::Json),
            "{\"merchant_id\":\"m-\\\"1\\\", é\",\"n\":12}\n{\"merchant_id\":\"m-2\",\"n\":3.50}\n"
        );
        assert_eq!(
            written(Format::Csv),
            "merchant_id,n\n\"m-\"\"1\"\", é\",12\nm-2,3.50\n"
        );
        insta::assert_snapshot!(written(Format::Table));
    }
}
