//! What day 4 gets right that day 3 got wrong, and what a delay that is too short still costs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use day01_consumer::lab::scenario::Scenario;
use day03_windows::lab::trace::{Placed, orders};
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day04_watermarks::lab::marked::{Per, Rules, Run, run};

fn scenario(name: &str) -> Vec<Placed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/scenarios");
    let all = Scenario::read_all(&folder).expect("the scenarios of the book");
    let found = all.iter().find(|scenario| scenario.name == name);
    orders(found.expect("the scenario exists"))
}

fn ten(orders: &[Placed], delay: i64, per: Per) -> Run {
    let spec: WindowSpec = "tumble:10s".parse().unwrap();
    let rules = Rules {
        per,
        ..Rules::delay(Span::seconds(delay))
    };
    run(orders, spec, rules).unwrap()
}

#[test]
fn partitions_at_two_speeds_lose_orders_to_one_watermark_and_none_to_one_for_each_split() {
    let orders = scenario("two_speeds");
    let (each, one) = (ten(&orders, 0, Per::Split), ten(&orders, 0, Per::Source));
    assert!(each.lost().is_empty(), "{each}");
    assert_eq!(one.lost(), ["orders/0@1", "orders/0@2", "orders/0@4"]);
    insta::assert_snapshot!("two_speeds", each);
}

#[test]
fn a_delay_keeps_what_is_behind_by_no_more_and_often_more_than_that() {
    let orders = scenario("disorder");
    let lost = [0, 1, 2].map(|delay| ten(&orders, delay, Per::Split).lost().len());
    assert_eq!(lost, [2, 1, 0]);
    insta::assert_snapshot!("disorder", ten(&orders, 1, Per::Split));
}

/// The fourth order of the run in `wrong_answer.rs`: a till that has lost its battery.
#[test]
fn an_order_from_2099_that_is_refused_does_no_harm() {
    let mut orders = scenario("disorder");
    orders[3].order.ts = "2099-01-01T00:00:00Z".parse().unwrap();
    let rules = Rules {
        max_ahead: Some(Span::minutes(60)),
        ..Rules::delay(Span::seconds(3))
    };
    let run = run(&orders, "tumble:10s".parse().unwrap(), rules).unwrap();
    assert!(run.lost().is_empty() && run.steps[3].refused, "{run}");
    let counted: u64 = run.closed().map(|content| content.orders).sum();
    assert_eq!(counted, 8);
    insta::assert_snapshot!("year_2099_refused", run);
}
