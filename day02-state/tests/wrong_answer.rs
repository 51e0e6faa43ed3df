//! What day 2 still gets wrong, as passing snapshots: two writes lose or double, and a minute of arrival is no minute.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::Duration;

use day01_consumer::lab::scenario::Scenario;
use day02_state::lab::crash::{self, Runs, Saving};
use day02_state::lab::per_minute::{by_arrival, by_event_time, orders};

fn crash(saving: Saving) -> Runs {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/scenarios");
    let mut scenarios = Scenario::read_all(&folder)
        .expect("the scenarios of the book")
        .into_iter();
    let scenario = scenarios
        .find(|scenario| scenario.name == "crash")
        .expect("it exists");
    let runs = crash::run(&scenario, saving).unwrap();
    let counts = runs
        .merchants
        .iter()
        .map(|(merchant, totals)| (merchant.clone(), totals.count));
    assert_ne!(
        counts.collect::<std::collections::BTreeMap<_, _>>(),
        scenario.right.order_count
    );
    runs
}

#[test]
fn state_before_positions_doubles_the_batch_of_the_crash() {
    let runs = crash(Saving::StateFirst);
    assert_eq!((runs.times()["orders/0@2"], runs.times()["orders/0@3"]), (2, 2));
    let steps: Vec<String> = runs.steps.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("state_first", steps.join("\n"));
}

#[test]
fn positions_before_state_loses_it() {
    let runs = crash(Saving::PositionsFirst);
    assert_eq!(runs.times().get("orders/0@2"), None);
    assert_eq!(runs.times().get("orders/0@3"), None);
    assert_eq!(runs.times()["orders/0@4"], 1);
}

#[test]
fn orders_per_minute_of_arrival_are_other_ones_in_each_run() {
    let orders = orders(600);
    let right = by_event_time(&orders);
    let answers = [1, 2].map(|seed| by_arrival(&orders, Duration::from_secs(20), seed).unwrap());
    assert_ne!(answers[0], answers[1], "two runs, two answers");
    for answer in &answers {
        assert_ne!(*answer, right, "and both are wrong");
        assert_eq!(answer.values().sum::<u64>(), 600, "although nothing was lost");
    }
}

#[test]
fn without_a_network_the_clock_would_be_right() {
    let orders = orders(600);
    assert_eq!(
        by_arrival(&orders, Duration::ZERO, 1).unwrap(),
        by_event_time(&orders)
    );
}
