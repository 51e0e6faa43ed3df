//! What the examples print is what the pages show.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../examples/key_groups.rs"]
mod key_groups;
#[path = "../examples/one_write.rs"]
mod one_write;
#[path = "../examples/two_workers.rs"]
mod two_workers;

use std::error::Error;

fn printed(run: impl FnOnce(&mut Vec<u8>) -> Result<(), Box<dyn Error>>) -> String {
    let mut out = Vec::new();
    run(&mut out).expect("the example runs");
    String::from_utf8(out).expect("text")
}

#[test]
fn a_hundred_sequences_of_steps_give_one_answer() {
    let printed = printed(two_workers::run);
    assert_eq!(printed.matches("100 sequences of steps: 1 answer").count(), 3);
    insta::assert_snapshot!("two_workers", printed);
}

#[test]
fn groups_move_in_pieces_and_floats_depend_on_the_order() {
    let printed = printed(key_groups::run);
    assert!(printed.contains("65 of 128 groups move"));
    assert!(printed.contains("0.60 and 0.60"));
    insta::assert_snapshot!("key_groups", printed);
}

#[test]
fn two_writes_lose_or_double_and_one_does_not() {
    let printed = printed(one_write::run);
    assert!(printed.contains("1, 1, 2, 2, 1") && printed.contains("1, 1, 0, 0, 1"));
    assert_eq!(printed.matches("1, 1, 1, 1, 1").count(), 2);
    insta::assert_snapshot!("one_write", printed);
}
