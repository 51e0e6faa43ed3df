//! Day 2: the program is run for each arrival, as by a timer, with `--load` and `--save`.
//!
//! It saves at its end, so a run that dies has saved nothing, and is done again.

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::log::Log;
use day01_consumer::lab::scenario::{Question, Scenario};
use day01_consumer::source::Start;
use day02_state::error::Error;
use day02_state::job::{Answer, Options, SavedState, wire};
use day02_state::runtime::Stop;
use day02_state::state::file::Snapshot;
use day02_state::stepper::run_stepper;

use super::workers;
use crate::BookError;
use crate::ladder::found::Found;

pub(super) fn run(scenario: &Scenario, seed: u64) -> Result<Option<Found>, BookError> {
    if scenario.question != Question::Totals {
        return Ok(None); // It knows no windows.
    }
    let folder = tempfile::tempdir().map_err(BookError::file("a temporary folder".as_ref()))?;
    let file = folder.path().join("state");
    let log = Log::new("orders", scenario.partitions);
    let (mut last, mut life, mut arrived) = (Answer::default(), 0, 0);
    for moment in scenario.events.chunk_by(|one, next| one.arrival == next.arrival) {
        let before = arrived;
        for event in moment {
            let payload = event.payload.as_ref().map(|payload| payload.as_bytes());
            log.append(event.partition, None, payload, None);
            arrived += 1;
        }
        let crash = scenario.crash_in_batch_of;
        if crash.is_some_and(|event| (before + 1..=arrived).contains(&event)) {
            // What it counts is dropped, and the file stays as it was.
            once(&log, scenario, life, seed, &file)?;
            life += 1;
            forget(&log, scenario, before);
        }
        last = once(&log, scenario, life, seed, &file)?;
        last.snapshot.write(&file).map_err(Error::from)?;
    }
    let mut found = Found::default();
    for (merchant_id, totals) in &last.merchants {
        found.add(None, merchant_id, totals.count, Some(totals.sum));
    }
    Ok(Some(found))
}

/// A run of the program, up to where it would save.
fn once(
    log: &Log,
    scenario: &Scenario,
    life: usize,
    seed: u64,
    file: &std::path::Path,
) -> Result<Answer, Error> {
    let options = Options {
        workers: workers(scenario, life),
        on_bad_record: OnBadRecord::Skip,
        save: Some(SavedState::default()),
        ..Options::default()
    };
    let saved = match file.exists() {
        true => Some(Snapshot::read(file)?),
        false => None,
    };
    let source = log.source("ladder", &Start::Earliest, true)?;
    let (job, slot) = wire(vec![source], &options, saved.as_ref())?;
    run_stepper(job, seed, &Stop::new(), &mut |_, _, _| {})?;
    Ok(slot.take())
}

/// The broker removes the events before this one, if it does.
fn forget(log: &Log, scenario: &Scenario, before: usize) {
    for partition in (0..scenario.partitions).filter(|_| scenario.forgets) {
        let events = scenario.events[..before].iter();
        let low = events.filter(|event| event.partition == partition).count();
        log.forget_before(partition, low as i64);
    }
}
