//! What the examples print is what the chapter shows.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../examples/a_loop.rs"]
mod a_loop;
#[path = "../examples/real_input.rs"]
mod real_input;
#[path = "../examples/two_crashes.rs"]
mod two_crashes;

use std::error::Error;

fn printed(run: impl FnOnce(&mut Vec<u8>) -> Result<(), Box<dyn Error>>) -> String {
    let mut out = Vec::new();
    run(&mut out).expect("the example runs");
    String::from_utf8(out).expect("text")
}

#[test]
fn the_twelve_lines_count_orders() {
    let printed = printed(a_loop::run);
    assert!(printed.starts_with("m-1 "), "the largest merchant comes first");
    insta::assert_snapshot!("a_loop", printed);
}

#[test]
fn a_crash_loses_or_doubles_and_forgets() {
    let printed = printed(two_crashes::run);
    assert!(printed.contains("@2 never") && printed.contains("@2 2 times"));
    insta::assert_snapshot!("two_crashes", printed);
}

#[test]
fn bad_records_are_named_or_counted() {
    let printed = printed(real_input::run);
    assert!(printed.contains("orders/0@1") && printed.contains("skipped 1"));
    insta::assert_snapshot!("real_input", printed);
}
