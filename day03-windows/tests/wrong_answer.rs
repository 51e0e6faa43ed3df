//! What day 3 still gets wrong, as passing snapshots: stream time takes the one order that is ahead for the
//! time of all, and whoever comes behind it is lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod scenarios;

use day03_windows::lab::stream_time::{Run, run_orders};
use day03_windows::lab::trace::orders;
use day03_windows::spec::WindowSpec;
use scenarios::{found, named, right};

/// A scenario in windows of ten seconds: wrong as it arrives, and right in the order of time.
fn wrong_and_right(name: &str) -> Run {
    let spec: WindowSpec = "tumble:10s".parse().unwrap();
    let mut orders = orders(&named(name));
    let right = right(&orders, spec);
    let run = run_orders(&orders, spec).unwrap();
    assert_ne!(found(&run), right);

    let counted: u64 = run.closed().map(|closed| closed.orders).sum();
    assert_eq!(
        counted as usize + run.lost().len(),
        orders.len(),
        "what is not lost is counted"
    );

    orders.sort_by_key(|placed| placed.order.ts);
    let sorted = run_orders(&orders, spec).unwrap();
    assert_eq!(found(&sorted), right);
    assert!(sorted.lost().is_empty());
    run
}

#[test]
fn orders_that_are_overtaken_across_the_end_of_a_window_are_lost() {
    let run = wrong_and_right("disorder");
    assert_eq!(run.lost(), ["orders/0@4", "orders/0@7"]);
    let behind = run.steps.iter().filter(|step| step.placed.order.ts < step.before);
    assert_eq!(
        behind.count(),
        3,
        "one is overtaken within its window, which does no harm"
    );
    insta::assert_snapshot!("disorder", run);
}

#[test]
fn of_two_partitions_in_order_the_one_that_is_read_later_loses_orders() {
    let run = wrong_and_right("two_speeds");
    assert_eq!(run.lost(), ["orders/0@1", "orders/0@2", "orders/0@4"]);
    for partition in ["orders/0", "orders/1"] {
        let steps = run
            .steps
            .iter()
            .filter(|step| step.placed.at.starts_with(partition));
        assert!(steps.is_sorted_by_key(|step| step.placed.order.ts), "{partition}");
    }
    insta::assert_snapshot!("two_speeds", run);
}
