//! What day 1 still gets wrong, as passing snapshots: a crash loses a batch or doubles it, and always loses the map.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use day01_consumer::job::Commit;
use day01_consumer::lab::replay::{Replay, What, replay};
use day01_consumer::lab::scenario::Scenario;

fn scenario(name: &str) -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/scenarios");
    let scenarios = Scenario::read_all(&folder).expect("the scenarios of the book");
    scenarios
        .into_iter()
        .find(|scenario| scenario.name == name)
        .expect("it exists")
}

fn crash(commit: Commit) -> Replay {
    let crash = scenario("crash");
    let run = replay(&crash, commit).unwrap();
    assert_ne!(
        run.order_count, crash.right.order_count,
        "day 1 cannot get this right"
    );
    run
}

#[test]
fn committing_before_counting_loses_the_batch_of_the_crash() {
    let run = crash(Commit::Before);
    assert_eq!(run.times_counted.get("orders/0@2"), None, "lost");
    assert_eq!(run.times_counted.get("orders/0@3"), None, "lost");
    insta::assert_snapshot!("crash_commit_before", run);
}

#[test]
fn committing_after_counting_doubles_the_batch_of_the_crash() {
    let run = crash(Commit::After);
    assert_eq!(run.times_counted["orders/0@2"], 2, "doubled");
    assert_eq!(run.times_counted["orders/0@3"], 2, "doubled");
    insta::assert_snapshot!("crash_commit_after", run);
}

#[test]
fn whatever_is_committed_the_map_of_the_first_life_is_gone() {
    for commit in [Commit::Before, Commit::After] {
        let run = crash(commit);
        assert_eq!(run.times_counted["orders/0@1"], 1, "m-2 was counted once");
        assert_eq!(
            run.order_count.get("m-2"),
            None,
            "and nobody knows of it any more"
        );
    }
}

#[test]
fn a_tombstone_before_the_crash_is_not_delivered_again_but_the_map_is_gone() {
    let scenario = scenario("tombstone_last");
    let run = replay(&scenario, Commit::After).unwrap();
    let polls_of_tombstone = run.steps.iter().filter(
        |step| matches!(&step.what, What::Polled(batch, _) if batch.contains(&"orders/0@1".to_string())),
    );
    assert_eq!(polls_of_tombstone.count(), 1);
    assert_eq!(run.order_count.get("m-1"), None, "counted in the first life only");
}
