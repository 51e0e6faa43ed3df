//! What the examples print is what the pages show.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../examples/far_apart.rs"]
mod far_apart;
#[path = "../examples/panes.rs"]
mod panes;
#[path = "../examples/six_rows.rs"]
mod six_rows;
#[path = "../examples/valve.rs"]
mod valve;
#[path = "../examples/why_not.rs"]
mod why_not;

use std::error::Error;

fn printed(run: impl FnOnce(&mut Vec<u8>) -> Result<(), Box<dyn Error>>) -> String {
    let mut out = Vec::new();
    run(&mut out).expect("the example runs");
    String::from_utf8(out).expect("text")
}

/// What the numbers have to be is said beside them, in the lab.
#[test]
fn six_bids_have_three_answers() {
    let printed = printed(six_rows::run);
    let answers = ["2 10", "7 10", "11 10"];
    assert!(answers.iter().all(|answer| printed.contains(answer)), "{printed}");
    insta::assert_snapshot!("six_rows", printed);
}

/// What the numbers have to be is said beside them, in the lab and in the tests of splits.
#[test]
fn a_partition_without_times_goes_idle_and_one_a_day_ahead_waits() {
    let printed = printed(far_apart::run);
    assert!(
        printed.contains("40 records, none with a time, idle after 5 s"),
        "{printed}"
    );
    assert!(printed.contains("pauses, ahead of the slowest"), "{printed}");
    insta::assert_snapshot!("far_apart", printed);
}

/// Which sinks are right is said beside the table, in the lab.
#[test]
fn late_orders_make_new_panes() {
    let printed = printed(panes::run_all);
    assert!(printed.contains("25.25  pane 2"), "{printed}");
    assert_eq!(printed.matches(" right").count(), 3, "{printed}");
    insta::assert_snapshot!("panes", printed);
}

#[test]
fn a_channel_that_comes_back_behind_is_not_waited_for() {
    let printed = printed(valve::run);
    assert!(
        printed.contains("channel 1 says 7      the task says nothing   held back by channel 0"),
        "{printed}"
    );
    insta::assert_snapshot!("valve", printed);
}

#[test]
fn the_status_line_names_the_partition_that_holds_windows_back() {
    let printed = printed(why_not::run);
    assert!(
        printed.contains("held back by orders/1: no record for 41 s"),
        "{printed}"
    );
    insta::assert_snapshot!("why_not", printed);
}
