//! The right answer for windows, found without any streaming: all rows at once, sorted, and grouped by the
//! definition of each kind.
//!
//! It shares nothing with the windows but the specification that it reads, so that the same mistake is not
//! made twice. Nothing here is fast: a row is put into each of its windows, one by one.

use std::collections::BTreeMap;

use crate::spec::WindowSpec;
use crate::time::{EventTime, Span};
use crate::window::Window;

/// A row: key, time, value.
pub type Row = (String, i64, i64);

/// The values of each window and key, sorted.
pub type Answer = BTreeMap<(Window, String), Vec<i64>>;

/// The right answer.
pub fn evaluate(spec: WindowSpec, rows: &[Row]) -> Answer {
    let mut rows = rows.to_vec();
    rows.sort();
    let mut answer = match spec {
        WindowSpec::Tumble { size, offset } => laid(&rows, |ts| starts(ts, size, size, offset)),
        WindowSpec::Hop { size, slide, offset } => laid(&rows, |ts| starts(ts, size, slide, offset)),
        WindowSpec::Cumulate { max, step, offset } => laid(&rows, |ts| {
            let growing = (1..=max.0 / step.0).map(|steps| Span(steps * step.0));
            growing.flat_map(|size| starts(ts, size, max, offset)).collect()
        }),
        WindowSpec::Session { gap } => sessions(&rows, gap),
    };
    answer.values_mut().for_each(|values| values.sort_unstable());
    answer
}

/// All windows of this size that hold `ts`, of which one starts at each multiple of `apart` behind the offset.
fn starts(ts: i64, size: Span, apart: Span, offset: Span) -> Vec<(i64, i64)> {
    let last = (ts - offset.0).div_euclid(apart.0) * apart.0 + offset.0;
    let starts = (0..).map(|nth| last - nth * apart.0);
    let holding = starts.take_while(|start| ts < start + size.0);
    holding.map(|start| (start, start + size.0)).collect()
}

fn laid(rows: &[Row], windows: impl Fn(i64) -> Vec<(i64, i64)>) -> Answer {
    let mut answer = Answer::new();
    for (key, ts, value) in rows {
        for (start, end) in windows(*ts) {
            let window = Window::new(EventTime(start), EventTime(end));
            answer.entry((window, key.clone())).or_default().push(*value);
        }
    }
    answer
}

/// Rows of a key that follow each other by less than the gap are one session.
fn sessions(rows: &[Row], gap: Span) -> Answer {
    let follow = |one: &Row, next: &Row| one.0 == next.0 && next.1 - one.1 < gap.0;
    let sessions = rows.chunk_by(follow).map(|session| {
        let (first, last) = (&session[0], &session[session.len() - 1]);
        let window = Window::new(EventTime(first.1), EventTime(last.1 + gap.0));
        (
            (window, first.0.clone()),
            session.iter().map(|row| row.2).collect(),
        )
    });
    sessions.collect()
}
