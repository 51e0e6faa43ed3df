//! A changelog for people, in the lines that Flink's `print` writes.
//!
//! ```text
//! +I[m-7, 5]              a new row
//! -U[m-7, 5]              a row as it was before an update
//! +U[m-7, 6]              the row as it is after it
//! -D[m-7, 6]              a row is gone
//! totals> +I[m-9, null]   with an identifier
//! ```
//!
//! Texts are not quoted, so a line is for reading and not for parsing; what would break the line or steer a terminal is
//! escaped. Where Flink runs several tasks and writes `identifier:2> `, there is one here, and so `identifier> `.

use std::io::Write;

use day01_consumer::printable::printable;

use crate::chunk::Chunk;
use crate::value::Value;
use crate::value::write::TimeForm;

/// Writes rows with what they do.
#[derive(Debug, Default, Clone)]
pub struct Printer {
    prefix: String,
}

impl Printer {
    /// A printer whose lines begin with an identifier, if there is one.
    pub fn new(identifier: Option<&str>) -> Self {
        Printer {
            prefix: identifier.map_or_else(String::new, |name| format!("{name}> ")),
        }
    }

    /// Appends the line of a row, without the line end.
    pub fn write(&self, chunk: &Chunk, row: usize, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.prefix.as_bytes());
        // Writing to memory does not fail.
        let _ = write!(bytes, "{}[", chunk.change(row));
        for (place, column) in chunk.columns.iter().enumerate() {
            if place > 0 {
                bytes.extend_from_slice(b", ");
            }
            match column.value(row) {
                Value::Null => bytes.extend_from_slice(b"null"),
                Value::Varchar(text) => bytes.extend_from_slice(printable(&text).as_bytes()),
                value => value.write(TimeForm::Java, bytes),
            }
        }
        bytes.push(b']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Change;
    use crate::value::{DataType, Scalar};
    use day03_windows::time::EventTime;

    fn lines(chunk: &Chunk, identifier: Option<&str>) -> Vec<String> {
        let printer = Printer::new(identifier);
        let line = |row| {
            let mut bytes = Vec::new();
            printer.write(chunk, row, &mut bytes);
            String::from_utf8(bytes).unwrap()
        };
        (0..chunk.rows).map(line).collect()
    }

    #[test]
    fn a_line_says_what_a_row_does() {
        let mut chunk = Chunk::of([DataType::Varchar, DataType::BigInt]);
        for (change, count) in [
            (Change::Insert, Scalar::BigInt(5)),
            (Change::UpdateBefore, Scalar::BigInt(5)),
            (Change::UpdateAfter, Scalar::Null),
            (Change::Delete, Scalar::Null),
        ] {
            chunk
                .push(change, &[Scalar::Varchar("m-7".into()), count])
                .unwrap();
        }
        let expected = ["+I[m-7, 5]", "-U[m-7, 5]", "+U[m-7, null]", "-D[m-7, null]"];
        assert_eq!(lines(&chunk, None), expected);
        assert_eq!(lines(&chunk, Some("totals"))[0], "totals> +I[m-7, 5]");
    }

    #[test]
    fn without_change_kinds_rows_are_insertions() {
        let mut chunk = Chunk::of([DataType::Varchar]);
        for value in [
            Scalar::Varchar("a, \"b\"".into()),
            Scalar::Null,
            Scalar::Varchar("".into()),
        ] {
            chunk.push(Change::Insert, &[value]).unwrap();
        }
        assert_eq!(lines(&chunk, None), ["+I[a, \"b\"]", "+I[null]", "+I[]"]);
    }

    #[test]
    fn values_are_printed_as_flink_prints_them() {
        let minute = EventTime(1_767_225_600_000);
        let row = [
            Scalar::Boolean(true),
            Scalar::Int(-1),
            Scalar::Double(1e7),
            Scalar::Numeric("12.50".parse().unwrap()),
            Scalar::Timestamp(minute),
            Scalar::Timestamp(EventTime(minute.0 + 1_500)),
            Scalar::TimestampTz(minute),
        ];
        let mut chunk = Chunk::of(row.iter().filter_map(Scalar::data_type));
        chunk.push(Change::Insert, &row).unwrap();
        let expected =
            "+I[true, -1, 1.0E7, 12.50, 2026-01-01T00:00, 2026-01-01T00:00:01.500, 2026-01-01T00:00:00Z]";
        assert_eq!(lines(&chunk, None), [expected]);
    }
}
