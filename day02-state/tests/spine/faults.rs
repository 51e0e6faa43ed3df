//! The claims can fail: each mistake in an adapter is found, by the claim that it breaks.

use std::time::Duration;

use super::claims::{packets, plan, scripts};
use super::graph::{Driver, run};
use super::plan::{Acknowledge, Ending, Fate, Fault, Plan};
use super::replay::{check_checkpoints, check_end};
use super::sources::Dice;

/// Runs seeds until a claim fails, and returns what it says, after how many seeds.
fn first_failure(seeds: u64, change: impl Fn(Plan) -> Plan) -> Option<(u64, String)> {
    (0..seeds).find_map(|seed| {
        let scripts = scripts(seed);
        let mut dice = Dice::new(seed);
        let plan = change(plan(&mut dice, packets(3, 1), Duration::from_millis(1)));
        let run = run(Driver::Stepper(seed), &scripts, &plan, None);
        let checked = check_checkpoints(&scripts, &run).and_then(|_| match plan.fate {
            Some(_) => Ok(()),
            None => check_end(&scripts, &run),
        });
        checked.err().map(|problem| (seed, problem))
    })
}

/// Whether a fault makes a claim fail, which says one of these words, and nothing fails without it.
fn is_found(fault: Fault, says: &[&str], change: impl Fn(Plan) -> Plan) {
    assert_eq!(first_failure(20, &change), None, "without {fault:?}");
    let with_fault = |plan| Plan {
        fault: Some(fault),
        ..change(plan)
    };
    let found = first_failure(100, with_fault);
    let is_meant = |(_, problem): &(u64, String)| says.iter().any(|says| problem.contains(says));
    assert!(found.as_ref().is_some_and(is_meant), "{fault:?}: {found:?}");
}

#[test]
fn an_aligner_that_accepts_everything() {
    is_found(Fault::AcceptsEverything, &["holds", "has seen"], |plan| plan);
}

#[test]
fn an_aligner_that_waits_for_the_ended() {
    is_found(Fault::WaitsForTheEnded, &["the job is stuck"], |plan| Plan {
        ending: Ending::Each,
        ..plan
    });
}

#[test]
fn a_snapshot_without_a_flush() {
    is_found(Fault::SnapshotWithoutFlush, &["the join has seen"], |plan| plan);
}

#[test]
fn state_that_is_frozen_when_it_is_encoded() {
    is_found(Fault::FreezesLate, &["holds", "has seen", "sink"], |plan| Plan {
        acknowledge: Acknowledge::Later,
        ..plan
    });
}

#[test]
fn a_mark_without_a_flush() {
    is_found(Fault::MarkWithoutFlush, &["behind Mark"], |plan| plan);
}

#[test]
fn a_valve_that_lets_the_highest_mark_pass() {
    is_found(Fault::HighestMark, &["behind Mark", "holds"], |plan| plan);
}

#[test]
fn a_source_that_does_not_wait_for_its_last_checkpoint() {
    is_found(
        Fault::EndsAtOnce,
        &[
            "holds",
            "has seen",
            "the last checkpoint is at",
            "no checkpoint at all",
        ],
        |plan| plan,
    );
}

#[test]
fn a_coordinator_that_takes_a_stop_for_an_end() {
    is_found(
        Fault::StoppedIsDrained,
        &["holds", "has seen", "has not one part"],
        |plan| Plan {
            fate: Some(Fate::Stops { source: 0, at: 40 }),
            ..plan
        },
    );
}
