//! What the examples print is what the pages show.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../examples/balances.rs"]
mod balances;
#[path = "../examples/changes.rs"]
mod changes;
#[path = "../examples/explain.rs"]
mod explain;

use std::error::Error;

fn printed(run: impl FnOnce(&mut Vec<u8>) -> Result<(), Box<dyn Error>>) -> String {
    let mut out = Vec::new();
    run(&mut out).expect("the example runs");
    String::from_utf8(out).expect("text")
}

#[test]
fn a_plan_becomes_a_line_of_tasks_and_reads_what_it_needs() {
    let printed = printed(explain::run);
    assert!(
        printed.contains("reads merchant_id, amount") && !printed.contains("note"),
        "{printed}"
    );
    insta::assert_snapshot!("explain", printed);
}

#[test]
fn a_query_that_is_refused_says_where_and_what_was_meant() {
    let printed = printed(explain::refused);
    assert!(
        printed.contains("^^^^^") && printed.contains("did you mean amount?"),
        "{printed}"
    );
    insta::assert_snapshot!("refused", printed);
}

#[test]
fn a_chunk_says_once_what_has_become_of_a_group() {
    let printed = printed(changes::run);
    assert!(printed.contains("-U[m-7, 3] +U[m-7, 4]"), "{printed}");
    insta::assert_snapshot!("changes", printed);
}

#[test]
fn a_filter_makes_an_insertion_of_an_update_that_passes_now() {
    let printed = printed(changes::having);
    assert!(
        printed.contains("+I[m-7, 2]") && !printed.contains("[m-7, 1]"),
        "{printed}"
    );
    insta::assert_snapshot!("having", printed);
}

#[test]
fn without_what_is_no_longer_true_a_second_grouping_counts_too_much() {
    let printed = printed(changes::histogram);
    let (right, wrong) = printed.split_once('\n').expect("two lines");
    assert!(
        right.ends_with("2 2   4 1") && wrong.trim_end().ends_with("1 3   2 3   3 1   4 1"),
        "{printed}"
    );
    insta::assert_snapshot!("histogram", printed);
}

#[test]
fn balances_add_up_to_nothing_in_every_epoch_and_not_in_between() {
    let printed = printed(balances::run);
    let epochs = printed.lines().last().expect("two lines");
    let (right, of) = epochs
        .rsplit_once(" looks")
        .and_then(|(words, _)| words.rsplit_once(" of "))
        .expect("numbers");
    assert!(right.ends_with(&format!(" {of}")), "{printed}");
    assert!(printed.contains("and otherwise"), "{printed}");
    insta::assert_snapshot!("balances", printed);
}
