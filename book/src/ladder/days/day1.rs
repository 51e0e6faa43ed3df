//! Day 1: the loop. It counts and nothing else, so a day that counts right is right.
//!
//! Its map dies with it. The kindest way to read it is to add up the maps of all lives, as somebody could do who had seen
//! each of them; even so a batch is lost, or doubled.

use day01_consumer::job::Commit;
use day01_consumer::lab::replay::{What, replay};
use day01_consumer::lab::scenario::{Question, Scenario};

use crate::BookError;
use crate::ladder::found::Found;

pub(super) fn run(scenario: &Scenario, _: u64) -> Result<Option<Found>, BookError> {
    // It knows no windows, and has no workers.
    if scenario.question != Question::Totals || !scenario.workers.is_empty() {
        return Ok(None);
    }
    let commit = match scenario.commits_before {
        true => Commit::Before,
        false => Commit::After,
    };
    let mut found = Found::default();
    for step in replay(scenario, commit)?.steps {
        if let What::Counted(_, merchant_id, _) = step.what {
            found.add(None, &merchant_id, 1, None);
        }
    }
    Ok(Some(found))
}
