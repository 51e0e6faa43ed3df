//! What the examples print is what the pages show.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../examples/four_kinds.rs"]
mod four_kinds;
#[path = "../examples/sessions.rs"]
mod sessions;
#[path = "../examples/slices.rs"]
mod slices;

use std::error::Error;

fn printed(run: impl FnOnce(&mut Vec<u8>) -> Result<(), Box<dyn Error>>) -> String {
    let mut out = Vec::new();
    run(&mut out).expect("the example runs");
    String::from_utf8(out).expect("text")
}

#[test]
fn each_kind_lays_its_windows_over_the_same_orders() {
    let printed = printed(four_kinds::run);
    assert_eq!(printed.matches('[').count(), 3 + 7 + 6 + 4);
    insta::assert_snapshot!("four_kinds", printed);
}

#[test]
fn windows_share_slices_and_merges_do_not_grow() {
    let printed = printed(slices::run);
    assert_eq!(printed.matches("drops").count(), 4);
    insta::assert_snapshot!("slices", printed);
}

#[test]
fn what_a_bridging_order_makes_depends_on_what_time_it_is() {
    let printed = printed(sessions::run);
    assert!(printed.contains("3 orders") && printed.contains("2 orders"));
    insta::assert_snapshot!("sessions", printed);
}
