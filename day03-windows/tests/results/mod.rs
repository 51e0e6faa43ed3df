//! What comes out of windows as plain values, and what has to: the evaluator's answer in the same form.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, reason = "each file of tests uses a part of this")]

use std::collections::BTreeMap;

use day02_state::rows::Rows;
use day03_windows::aggregate::{Aggregate, Number, Summary};
use day03_windows::clock::StreamTime;
use day03_windows::job::windows;
use day03_windows::lab::evaluator::{Row, evaluate};
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::window::Window;
use day03_windows::windower::{Fired, Windower};
use day03_windows::windowing::Windowing;

/// What is kept of the rows of a window.
pub type Acc<N> = <Summary<N> as Aggregate>::Acc;
/// How many rows, their sum, the smallest and the largest value.
pub type Summed = (u64, i128, i64, i64);
/// By window and key.
pub type Results = BTreeMap<(Window, String), Summed>;

/// Windows under stream time that take no late row.
pub type UnderStreamTime<N> = Windowing<StreamTime, dyn Windower<Row = N, Acc = Acc<N>>>;

/// Windows of this kind, closed by stream time.
pub fn windowing<N: Number>(spec: WindowSpec) -> UnderStreamTime<N> {
    Windowing::new(StreamTime::default(), windows::<N>(spec, Span(0)))
}

/// Windows as somebody writes them, which must be right.
pub fn spec(written: &str) -> WindowSpec {
    written.parse().unwrap()
}

/// These rows as a batch.
pub fn batch(rows: &[Row]) -> Rows<Stamped<i64>> {
    let mut batch = Rows::new();
    for (key, ts, value) in rows {
        let (ts, value) = (EventTime(*ts), *value);
        batch.push(key.as_bytes(), Stamped { ts, value });
    }
    batch
}

/// What has come out so far, in its order.
pub fn closed<N: Number>(fired: &Fired<Acc<N>>) -> Vec<((Window, String), Acc<N>)> {
    let closed = fired.closed.keys().zip(fired.closed.values());
    closed
        .map(|((key, _), closed)| {
            let key = String::from_utf8(key.to_vec()).unwrap();
            ((closed.window, key), closed.acc)
        })
        .collect()
}

/// Puts what has come out with what came out before. Nothing may come out twice.
#[track_caller]
pub fn collect(fired: &Fired<Acc<i64>>, into: &mut Results) {
    for (place, acc) in closed::<i64>(fired) {
        let summed = (
            acc.0.rows,
            acc.0.sum().unwrap(),
            acc.1.min().unwrap(),
            acc.1.max().unwrap(),
        );
        let before = into.insert(place.clone(), summed);
        assert_eq!(before, None, "{} of {:?} closed twice", place.0, place.1);
    }
}

/// What the evaluator says of these rows.
pub fn expected(spec: WindowSpec, rows: &[Row]) -> Results {
    let answer = evaluate(spec, rows).into_iter();
    answer
        .map(|(place, values)| {
            let sum = values.iter().map(|value| i128::from(*value)).sum();
            let (min, max) = (values[0], values[values.len() - 1]);
            (place, (values.len() as u64, sum, min, max))
        })
        .collect()
}
