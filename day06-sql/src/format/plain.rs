//! Values as the text that they are in every format.

use std::io::Write;

use day03_windows::time::EventTime;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

use crate::chunk::Values;

/// Appends a value in the digits or letters that it has in every format.
pub(super) fn write_plain(values: &Values, row: usize, bytes: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = match values {
        Values::Boolean(list) => write!(bytes, "{}", list[row]),
        Values::Int(list) => write!(bytes, "{}", list[row]),
        Values::BigInt(list) => write!(bytes, "{}", list[row]),
        Values::Numeric(list) => write!(bytes, "{}", list[row]),
        Values::Double(list) => match list[row] {
            f64::INFINITY => bytes.write_all(b"Infinity"),
            f64::NEG_INFINITY => bytes.write_all(b"-Infinity"),
            value if value.is_nan() => bytes.write_all(b"NaN"),
            value => serde_json::to_writer(bytes, &value).map_err(Into::into),
        },
        Values::Varchar(texts) => bytes.write_all(texts.get(row).as_bytes()),
        Values::Timestamp(list) | Values::TimestampTz(list) => {
            write_time(list[row], bytes);
            Ok(())
        }
        Values::Interval(list) => write!(bytes, "{}", list[row]),
    };
}

/// Appends a time in ISO 8601, in UTC with milliseconds.
pub(crate) fn write_time(time: EventTime, bytes: &mut Vec<u8>) {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let _ = match Timestamp::from_millisecond(time.0) {
        Ok(instant) => PRINTER.print_timestamp(&instant, &mut *bytes).is_ok(),
        Err(_) => write!(bytes, "{time}").is_ok(),
    };
}
