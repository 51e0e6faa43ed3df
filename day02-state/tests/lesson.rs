//! What the pages of day 2 say, as tests: the same answer on any number of tasks and in any order of their steps, and
//! after a crash too, if state and positions are one write.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::Path;

use day01_consumer::lab::scenario::{Answer, Scenario};
use day02_state::job::Totals;
use day02_state::lab::backpressure;
use day02_state::lab::crash::{self, Saving};
use day02_state::lab::two_workers::run;
use day02_state::order::money;

fn scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/scenarios");
    let scenarios = Scenario::read_all(&folder).expect("the scenarios of the book");
    assert!(!scenarios.is_empty());
    scenarios
}

fn scenario(name: &str) -> Scenario {
    let found = scenarios().into_iter().find(|scenario| scenario.name == name);
    found.expect("the scenario exists")
}

fn answer(merchants: &[(String, Totals)]) -> Answer {
    let column = |value: fn(&Totals) -> String| -> BTreeMap<String, String> {
        let each = merchants.iter();
        each.map(|(merchant, totals)| (merchant.clone(), value(totals)))
            .collect()
    };
    Answer {
        order_count: merchants
            .iter()
            .map(|(merchant, totals)| (merchant.clone(), totals.count))
            .collect(),
        amount_sum: column(|totals| money(totals.sum)),
        amount_max: column(|totals| totals.max.to_string()),
    }
}

#[test]
fn any_number_of_tasks_in_any_order_gives_the_right_answer() {
    for scenario in scenarios() {
        for (sources, workers) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 7)] {
            for seed in 0..50 {
                let run = run(&scenario, sources, workers, seed).unwrap();
                assert_eq!(
                    answer(&run.merchants),
                    scenario.right,
                    "{} with {sources} sources, {workers} workers, seed {seed}",
                    scenario.name
                );
            }
        }
    }
}

#[test]
fn two_sources_and_two_workers_share_the_work() {
    let run = run(&scenario("first_counts"), 2, 2, SEED).unwrap();
    let trace: Vec<String> = run.events.iter().map(ToString::to_string).collect();
    for task in ["source 0", "source 1", "totals 0", "totals 1"] {
        assert!(trace.iter().any(|line| line.starts_with(task)), "{task} has work");
    }
    insta::assert_snapshot!("two_workers", trace.join("\n"));
}

/// The seed of the figure.
const SEED: u64 = 37;

#[test]
fn another_seed_is_another_order_of_steps_and_the_same_answer() {
    let [one, other] = [SEED, SEED + 1].map(|seed| run(&scenario("first_counts"), 2, 2, seed).unwrap());
    assert_ne!(one.events, other.events);
    assert_eq!(one.merchants, other.merchants);
}

#[test]
fn one_write_is_right_wherever_the_crash_falls() {
    for scenario in scenarios().iter().filter(|scenario| scenario.partitions == 1) {
        for saving in [Saving::OneWriteNotRenamed, Saving::OneWriteRenamed] {
            let runs = crash::run(scenario, saving).unwrap();
            assert_eq!(
                answer(&runs.merchants),
                scenario.right,
                "{} {saving:?}",
                scenario.name
            );
        }
    }
}

#[test]
fn a_record_that_was_counted_and_not_saved_is_counted_again_into_a_map_that_does_not_know_it() {
    let runs = crash::run(&scenario("crash"), Saving::OneWriteNotRenamed).unwrap();
    assert!(runs.times().values().all(|times| *times == 1));
    let trace: Vec<String> = runs.steps.iter().map(ToString::to_string).collect();
    assert_eq!(trace.iter().filter(|line| line.contains("orders/0@2")).count(), 2);
    insta::assert_snapshot!("one_write", trace.join("\n"));
}

#[test]
fn what_waits_between_two_tasks_never_exceeds_the_channel_and_what_the_sender_holds() {
    for capacity in [1, 4, 16] {
        let levels = backpressure::run(60, capacity).unwrap();
        let most = levels.iter().map(|level| level.waiting()).max().unwrap();
        assert_eq!(most, capacity, "a full channel, and no more");
        assert_eq!(levels.last().unwrap().taken, 61, "sixty packets and the end");
    }
}
