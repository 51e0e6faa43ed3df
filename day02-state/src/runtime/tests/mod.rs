//! What the liveness rules of the runtime are for: for each fault a small job that comes out right under every seed, and
//! that hangs, or comes out wrong, as soon as the fault is put back in.

mod lanes;
mod mail;
mod operators;
mod stuck;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Buffers, Job, Stop};
use crate::error::JobError;
use crate::fault::{self, Fault};
use crate::stepper::run_stepper;

const SEEDS: u64 = 300;

/// A packet for each row, and room for one of them.
const TIGHT: Buffers = Buffers {
    capacity: 1,
    rows: 1,
    linger: Duration::ZERO,
};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Right,
    Wrong,
    /// It hung; who waits for whom.
    Hangs(String),
}

/// Runs a job; if it does not hang, `right` says how it came out.
fn judge(job: Job, seed: u64, right: impl FnOnce() -> bool) -> Verdict {
    match run_stepper(job, seed, &Stop::new(), &mut |_, _, _| ()) {
        Ok(()) if right() => Verdict::Right,
        Ok(()) => Verdict::Wrong,
        Err(JobError::Stuck(who)) => Verdict::Hangs(who),
        Err(other) => panic!("seed {seed}: {other}"),
    }
}

/// What a scenario comes to under all seeds, with under how many of them.
fn under_all_seeds<T: Ord>(fault: Option<Fault>, scenario: impl Fn(u64) -> T) -> BTreeMap<T, u64> {
    let mut seen = BTreeMap::new();
    for seed in 0..SEEDS {
        *seen.entry(fault::with(fault, || scenario(seed))).or_default() += 1;
    }
    seen
}

#[track_caller]
fn assert_right_without_a_fault(scenario: impl Fn(u64) -> Verdict) {
    assert_eq!(
        under_all_seeds(None, scenario),
        BTreeMap::from([(Verdict::Right, SEEDS)])
    );
}

/// Who waits for whom in a job that hangs under every seed, and always in the same way.
#[track_caller]
fn the_hang(fault: Fault, scenario: impl Fn(u64) -> Verdict) -> String {
    let seen: Vec<Verdict> = under_all_seeds(Some(fault), scenario).into_keys().collect();
    match seen.as_slice() {
        [Verdict::Hangs(who)] => who.clone(),
        other => panic!("not one hang, but {other:?}"),
    }
}
