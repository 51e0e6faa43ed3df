//! What the chapter of day 1 says, as tests: the right answers, and the trace that its figures are drawn from.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use day01_consumer::job::Commit;
use day01_consumer::lab::evaluator::{evaluate, evaluate_windows};
use day01_consumer::lab::replay::{What, replay};
use day01_consumer::lab::scenario::{Question, Scenario};

fn scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/scenarios");
    let scenarios = Scenario::read_all(&folder).expect("the scenarios of the book");
    assert!(!scenarios.is_empty());
    scenarios
}

fn scenario(name: &str) -> Scenario {
    scenarios()
        .into_iter()
        .find(|scenario| scenario.name == name)
        .expect("the scenario exists")
}

#[test]
fn every_written_answer_is_what_the_batch_evaluator_finds() {
    for scenario in scenarios() {
        assert_eq!(evaluate(&scenario), scenario.right, "{}", scenario.name);
        if scenario.question == Question::Windows {
            assert_eq!(evaluate_windows(&scenario), scenario.windows, "{}", scenario.name);
        }
    }
}

#[test]
fn without_a_crash_the_loop_is_right() {
    for scenario in scenarios()
        .iter()
        .filter(|scenario| scenario.crash_in_batch_of.is_none())
    {
        for commit in [Commit::None, Commit::Before, Commit::After] {
            let run = replay(scenario, commit).unwrap();
            assert_eq!(
                run.order_count, scenario.right.order_count,
                "{} {commit:?}",
                scenario.name
            );
        }
    }
}

#[test]
fn a_record_that_is_no_order_is_skipped_and_counted_by_reason() {
    let run = replay(&scenario("poison"), Commit::After).unwrap();
    let reasons: Vec<String> = run
        .steps
        .iter()
        .filter_map(|step| match &step.what {
            What::Skipped(_, reason) => Some(reason.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(reasons.len(), 5);
    insta::assert_snapshot!("reasons", reasons.join("\n"));
}

#[test]
fn the_position_moves_before_the_counting_and_the_commit_comes_last() {
    let run = replay(&scenario("first_counts"), Commit::After).unwrap();
    assert!(run.times_counted.values().all(|times| *times == 1));
    insta::assert_snapshot!("first_counts", run);
}
