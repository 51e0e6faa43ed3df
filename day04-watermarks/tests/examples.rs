//! What the examples print is what the pages show.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

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
