//! What the examples print is what the pages show.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../examples/barrier.rs"]
mod barrier;
#[path = "../examples/epochs.rs"]
mod epochs;
#[path = "../examples/layers.rs"]
mod layers;

#[path = "../examples/objects.rs"]
mod objects;

use std::error::Error;

fn printed(run: impl FnOnce(&mut Vec<u8>) -> Result<(), Box<dyn Error>>) -> String {
    let mut out = Vec::new();
    run(&mut out).expect("the example runs");
    String::from_utf8(out).expect("text")
}

#[test]
fn a_channel_waits_behind_its_barrier_until_the_other_is_in() {
    let printed = printed(barrier::run);
    let at = |what: &str| printed.find(what).expect(what);
    assert!(at("takes the barrier from channel 0") < at("takes z"));
    assert!(at("takes z") < at("saves") && at("saves") < at("takes b"));
    insta::assert_snapshot!("barrier", printed);
}

#[test]
fn what_is_under_way_is_lost_when_each_task_is_saved_as_it_is() {
    let printed = printed(barrier::anytime);
    assert!(!printed.contains(" 0 of "), "{printed}");
    insta::assert_snapshot!("anytime", printed);
}

#[test]
fn letters_are_doubled_when_a_channel_is_read_on() {
    let printed = printed(barrier::reads_on);
    assert!(printed.contains("doubled: b"), "{printed}");
    insta::assert_snapshot!("reads_on", printed);
}

#[test]
fn an_epoch_goes_out_behind_its_checkpoint() {
    let printed = printed(epochs::run);
    let at = |what: &str| printed.find(what).expect(what);
    assert!(at("checkpoint 1: sync the folder") < at("output 1: write aside"));
    insta::assert_snapshot!("epochs", printed);
}

#[test]
fn a_checkpoint_writes_what_has_changed_until_that_is_half_of_all() {
    let layers = day05_checkpoints::lab::layers::run().expect("it runs");
    let (full, changes): (Vec<_>, Vec<_>) = layers.iter().partition(|layer| layer.is_full());
    assert!(full.len() == 2 && full[0].checkpoint == 1, "{layers:?}");
    assert!(
        full.iter().all(|layer| layer.files == [layer.checkpoint]),
        "the older files go"
    );
    assert!(
        changes.iter().all(|layer| layer.size.new * 10 < layer.full),
        "{layers:?}"
    );
    let kept = |layer: &&day05_checkpoints::lab::layers::Layer| layer.size.new + layer.size.reused;
    assert!(
        changes
            .iter()
            .all(|layer| kept(layer) * 2 <= layer.full * 3 + 20_000),
        "{layers:?}"
    );
    insta::assert_snapshot!("layers", printed(layers::run));
}

#[test]
fn a_run_that_was_taken_over_while_it_slept_changes_nothing_any_more() {
    let printed = printed(objects::run);
    let (before, after) = printed.split_once("run 1 wakes up").expect("it does");
    assert!(
        before.ends_with(after.split_once("has changed\n").expect("and then").1),
        "{printed}"
    );
    assert!(
        after.contains("run 2 has begun there while this one, run 1, was at work"),
        "{printed}"
    );
    insta::assert_snapshot!("objects", printed);
}
