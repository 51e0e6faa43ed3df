//! Orders that are lost, as lines of JSON: the second output.
//!
//! ```text
//! {"merchant_id":"m-1","amount":9.00,"ts":1767268806000,"late_ms":25000,"windows":[{"window_start":"…","window_end":"…"}]}
//! ```
//!
//! A line begins as the order does, and readers skip fields that they do not know. So the file is an input too: a run over
//! it counts what another one has lost.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use day01_consumer::Error as InputError;
use day02_state::operator::Outcome;
use day03_windows::job::{ClosedWindow, LateOrder, OnClosed};
use serde::Serialize;
use serde_json::value::RawValue;

/// What is written of an order.
#[derive(Serialize)]
struct Line<'a> {
    merchant_id: &'a str,
    amount: Box<RawValue>,
    ts: i64,
    late_ms: i64,
    windows: Vec<Missed>,
}

#[derive(Serialize)]
struct Missed {
    window_start: String,
    window_end: String,
}

/// Appends an order as a line, without its end.
pub fn append(order: &LateOrder, to: &mut Vec<u8>) -> io::Result<()> {
    let missed = order.windows.iter().map(|window| Missed {
        window_start: window.start.to_string(),
        window_end: window.end.to_string(),
    });
    let line = Line {
        merchant_id: &order.merchant_id,
        amount: RawValue::from_string(order.order.value.to_string())?,
        ts: order.order.ts.0,
        late_ms: order.behind.0,
        windows: missed.collect(),
    };
    Ok(serde_json::to_writer(to, &line)?)
}

/// Writes lost orders to a file, if there is one, and hands on what closes.
pub struct WithLateFile<V> {
    inner: V,
    file: Option<(PathBuf, File)>,
}

impl<V> WithLateFile<V> {
    /// Begins the file anew, like the run.
    pub fn create(inner: V, path: Option<&Path>) -> Result<Self, InputError> {
        let file = path.map(|path| match File::create(path) {
            Ok(file) => Ok((path.to_path_buf(), file)),
            Err(error) => Err(InputError::file(path)(error)),
        });
        Ok(WithLateFile {
            inner,
            file: file.transpose()?,
        })
    }
}

impl<V: OnClosed> OnClosed for WithLateFile<V> {
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        self.inner.on_closed(windows)
    }

    /// In one write: what is lost is rare, and whoever follows the file sees whole lines.
    fn on_late(&mut self, orders: &[LateOrder]) -> Outcome {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        let mut lines = Vec::new();
        for order in orders {
            append(order, &mut lines)?;
            lines.push(b'\n');
        }
        file.write_all(&lines).map_err(InputError::file(&*path))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use day01_consumer::decode::Payload;
    use day01_consumer::order::MAX_KEY;
    use day02_state::job::Decode;
    use day02_state::order::Cents;
    use day02_state::rows::Rows;
    use day03_windows::time::{EventTime, Span, Stamped};
    use day03_windows::window::Window;

    use super::*;

    #[test]
    fn a_line_is_an_order_again() {
        let lost = LateOrder {
            merchant_id: "m-\"1\"".to_string(),
            order: Stamped {
                ts: EventTime(1_767_268_806_000),
                value: Cents(-905),
            },
            behind: Span(25_000),
            windows: vec![Window::new(EventTime(0), EventTime(10_000))],
        };
        let mut line = Vec::new();
        append(&lost, &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            r#"{"merchant_id":"m-\"1\"","amount":-9.05,"ts":1767268806000,"late_ms":25000,"windows":[{"window_start":"1970-01-01T00:00:00.000Z","window_end":"1970-01-01T00:00:10.000Z"}]}"#
        );
        let mut rows: Rows<Stamped<Cents>> = Rows::new();
        Stamped::<Cents>::decode(Payload::Text(&line), MAX_KEY, &mut rows).unwrap();
        assert_eq!((rows.key(0), rows.values()[0]), (&b"m-\"1\""[..], lost.order));
    }
}
