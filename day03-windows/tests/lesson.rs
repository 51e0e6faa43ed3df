//! What the pages of day 3 say, as tests: rows in order give the right answer in windows of each kind,
//! overlap costs no merges, and an order between two sessions makes one of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod scenarios;

use std::collections::BTreeSet;

use day01_consumer::lab::generator::{GeneratorOptions, generated_log};
use day01_consumer::source::Start;
use day02_state::runtime::{Stop, run_threads};
use day03_windows::job::{Options, wire};
use day03_windows::lab::bridge;
use day03_windows::lab::sharing::{Costs, costs};
use day03_windows::lab::stream_time::run_orders;
use day03_windows::lab::trace::orders;
use jiff::SignedDuration;
use scenarios::{all, found, right};

const SPECS: [&str; 7] = [
    "tumble:10s",
    "tumble:1s",
    "hop:20s/10s",
    "hop:30s/1s",
    "cumulate:30s/10s",
    "session:10s",
    "session:1s",
];

#[test]
fn orders_in_the_order_of_their_times_are_counted_right_in_windows_of_each_kind() {
    let mut tried = BTreeSet::new();
    for scenario in all() {
        let orders = orders(&scenario);
        if !orders.is_sorted_by_key(|placed| placed.order.ts) {
            continue;
        }
        for spec in SPECS.map(|spec| spec.parse().unwrap()) {
            let run = run_orders(&orders, spec).unwrap();
            assert_eq!(found(&run), right(&orders, spec), "{} {spec}", scenario.name);
            assert!(run.lost().is_empty(), "{} {spec}", scenario.name);
        }
        tried.insert(scenario.name);
    }
    let some = ["crash", "four_kinds", "hot_key", "poison"].map(str::to_string);
    assert!(tried.is_superset(&BTreeSet::from(some)), "{tried:?}");
}

#[test]
fn merges_for_each_slide_do_not_grow_with_the_overlap() {
    let costs = costs().unwrap();
    let at = |overlap: i64| {
        let found = costs.iter().find(|costs| costs.overlap == overlap);
        *found.expect("it was run")
    };
    let designs: [fn(&Costs) -> f64; 2] = [
        |costs| costs.stacks.merge + costs.stacks.retract,
        |costs| costs.retraction.merge + costs.retraction.retract,
    ];
    for design in designs {
        assert!(design(&at(600)) <= 1.1 * design(&at(6)));
        assert!(costs.iter().all(|costs| design(costs) <= 4.0), "{costs:?}");
    }
    assert!(
        costs.iter().all(|costs| costs.anew.merge == costs.overlap as f64),
        "{costs:?}"
    );
    let adds = costs
        .iter()
        .flat_map(|costs| [costs.anew.add, costs.stacks.add, costs.retraction.add]);
    assert!(adds.into_iter().all(|add| add == 10.0), "a row is taken in once");
}

/// A late order is one whose window ends while it is under way: the mean delay, divided by the size of a
/// window.
#[test]
fn delays_of_up_to_three_seconds_lose_some_15_in_a_hundred_orders_of_windows_of_ten() {
    let options = GeneratorOptions {
        orders: 100_000,
        disorder: SignedDuration::from_secs(3),
        ..GeneratorOptions::default()
    };
    let source = generated_log(options, 1)
        .source("lesson", &Start::Earliest, true)
        .unwrap();
    let (job, slot) = wire(
        vec![source],
        &Options::new("tumble:10s".parse().unwrap()),
        (),
        None,
    )
    .unwrap();
    run_threads(job, &Stop::new()).unwrap();
    let late = slot.take().stats.late;
    assert!((14_000..16_000).contains(&late), "{late}");
}

#[test]
fn an_order_between_two_sessions_makes_one_of_them() {
    let run = bridge::untimed().unwrap();
    let open: Vec<usize> = run.steps.iter().map(|step| step.open.len()).collect();
    assert_eq!(open, [1, 2, 1]);
    let [session] = run.at_end.as_slice() else {
        panic!("one session: {run}");
    };
    assert_eq!((session.orders, session.sum), (3, 1_600));
    let orders = bridge::orders();
    assert_eq!(session.window.start, orders[0].order.ts);
    assert_eq!(session.window.end, orders[1].order.ts.plus(bridge::GAP));
}

#[test]
fn a_session_that_stream_time_has_closed_is_not_bridged() {
    let run = bridge::under_stream_time().unwrap();
    assert!(run.lost().is_empty(), "no order is late");
    let closed: Vec<_> = run.closed().collect();
    assert_eq!(
        closed.iter().map(|session| session.orders).collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(closed[0].window.overlaps(&closed[1].window), "results overlap");
}
