//! The scenarios of the book, and what runs of them come to beside the right answer.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::collections::BTreeMap;
use std::path::Path;

use day01_consumer::lab::scenario::Scenario;
use day03_windows::lab::evaluator::{Row, evaluate};
use day03_windows::lab::stream_time::Run;
use day03_windows::lab::trace::Placed;
use day03_windows::spec::WindowSpec;
use day03_windows::window::Window;

/// How many orders each window has of each merchant, and for how many cents.
pub type Counts = BTreeMap<(Window, String), (u64, i128)>;

pub fn all() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/scenarios");
    Scenario::read_all(&folder).expect("the scenarios of the book")
}

pub fn named(name: &str) -> Scenario {
    let found = all().into_iter().find(|scenario| scenario.name == name);
    found.expect("the scenario exists")
}

/// What a run found. No window may close twice.
pub fn found(run: &Run) -> Counts {
    let mut counts = Counts::new();
    for closed in run.closed() {
        let place = (closed.window, closed.merchant_id.clone());
        let twice = counts.insert(place, (closed.orders, closed.sum));
        assert_eq!(twice, None, "{closed}");
    }
    counts
}

/// The right answer, as the evaluator finds it.
pub fn right(orders: &[Placed], spec: WindowSpec) -> Counts {
    let row = |placed: &Placed| -> Row {
        let order = &placed.order;
        (placed.merchant_id.clone(), order.ts.0, order.value.0)
    };
    let rows: Vec<Row> = orders.iter().map(row).collect();
    let answer = evaluate(spec, &rows).into_iter();
    answer
        .map(|(place, values)| {
            let sum = values.iter().copied().map(i128::from).sum();
            (place, (values.len() as u64, sum))
        })
        .collect()
}
