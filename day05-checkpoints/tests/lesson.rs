//! What the pages of day 5 say, as tests: a job that is killed now and then proves nothing, and state that is not aligned
//! has counted too much, never too little.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use day05_checkpoints::lab::crash::{Design, Replay};

fn replay() -> Replay {
    Replay::new("tumble:1s".parse().unwrap()).unwrap()
}

/// Merchant and window, and how many orders it counts.
fn counts(lines: &[String]) -> BTreeMap<String, Vec<u64>> {
    let mut counts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in lines {
        let columns: Vec<&str> = line.split(',').collect();
        let orders = columns[3].parse().unwrap();
        counts.entry(columns[..3].join(",")).or_default().push(orders);
    }
    counts
}

/// A test that kills a job now and then may well call each of these right.
#[test]
fn a_weaker_design_survives_many_crashes() {
    let replay = replay();
    for design in [
        Design::WithoutState,
        Design::WithoutAlignment,
        Design::WithoutAsking,
    ] {
        let moments = (5..400).step_by(8);
        let survived = moments.filter(|moment| replay.after(design, 2, *moment) == replay.right());
        let survived = survived.count();
        assert!((15..48).contains(&survived), "{design}: {survived} of 50");
    }
}

/// At least once, and never less: what is counted behind a barrier is counted again.
#[test]
fn state_that_is_not_aligned_counts_orders_twice_and_loses_none() {
    let replay = replay();
    let right = counts(replay.right());
    let (mut more, mut same) = (0, 0);
    for moment in (1..400).step_by(3) {
        for (window, found) in counts(&replay.after(Design::WithoutAlignment, 1, moment)) {
            for orders in found {
                assert!(
                    orders >= right[&window][0],
                    "{window}: {orders} after moment {moment}"
                );
                match orders == right[&window][0] {
                    true => same += 1,
                    false => more += 1,
                }
            }
        }
        assert_eq!(
            replay.after(Design::IntoTransactions, 1, moment),
            replay.right(),
            "after moment {moment}"
        );
    }
    assert!(more > 10 && same > 1_000, "{more} more, {same} right");
}
