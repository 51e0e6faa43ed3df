//! What is claimed of a job with checkpoints, for many seeds under the stepper, and for many runs under threads.
//!
//! 1. Every checkpoint holds what the rows before it make.
//! 2. From every checkpoint a job goes on, at another number of workers, to the same end.
//! 3. Nothing gets stuck, and nothing waits for the clock that need not.
//! 4. Every task sees the last mark, and the end does not depend on the order of steps.

use std::panic::resume_unwind;
use std::time::Duration;

use day02_state::runtime::Buffers;

use super::graph::{Driver, Run, SOURCES, Scripts, run};
use super::plan::{Acknowledge, Ending, Fate, Plan};
use super::replay::{Counts, check_checkpoints, check_end, check_suspended};
use super::sink::Arrival;
use super::sources::{Dice, script};

/// The rows of a seed. Many seeds have the same rows, so that it is the order of steps in which they differ.
pub fn scripts(seed: u64) -> Scripts {
    [script(seed % 20, 0, 50), script(seed % 20, 1, 36)]
}

/// Packets of so many rows, in channels for one.
pub fn packets(rows: usize, linger: u64) -> Buffers {
    Buffers {
        capacity: 1,
        rows,
        linger: Duration::from_millis(linger),
    }
}

/// A plan for a seed, in which the clock of the job has this unit.
pub fn plan(dice: &mut Dice, buffers: Buffers, unit: Duration) -> Plan {
    let acknowledge = [Acknowledge::First, Acknowledge::Behind, Acknowledge::Later];
    let ending = [Ending::Together, Ending::Each];
    let paced = dice.below(2) == 1;
    Plan {
        workers: 1 + dice.below(3) as usize,
        buffers,
        acknowledge: acknowledge[dice.below(3) as usize],
        ending: ending[dice.below(2) as usize],
        interval: unit * if paced { 1 + dice.below(3) as u32 } else { 0 },
        burst: 1 + dice.below(4) as usize,
        pace: paced.then_some(unit),
        fate: None,
        fault: None,
    }
}

/// What befalls a run, if anything: one of four is undisturbed.
fn fate(dice: &mut Dice, scripts: &Scripts) -> Option<Fate> {
    let source = dice.below(SOURCES as u64) as usize;
    let at = 1 + dice.below(scripts[source].len() as u64 - 1) as usize;
    match dice.below(4) {
        0 => None,
        1 => Some(Fate::Stops { source, at }),
        2 => Some(Fate::Dies { source, at }),
        _ => Some(Fate::Suspends(1 + dice.below(6))),
    }
}

/// A run with what may befall it, and another one from one of its checkpoints, both compared with the replay.
fn live_twice(
    driver: Driver,
    seed: u64,
    buffers: Buffers,
    unit: Duration,
    sum: &mut Sum,
) -> Result<(), String> {
    let scripts = scripts(seed);
    let mut dice = Dice::new(seed);
    let first = Plan {
        fate: fate(&mut dice, &scripts),
        ..plan(&mut dice, buffers, unit)
    };
    let mut dead = run(driver, &scripts, &first, None);
    let counts = check_checkpoints(&scripts, &dead)?;
    sum.first.add(counts);
    sum.waited += check_clock(driver, &first, &dead)?;
    match (first.fate, &dead.result) {
        (None, _) => {
            check_end(&scripts, &dead)?;
            sum.undisturbed.add(counts);
        }
        (Some(Fate::Suspends(id)), _) => {
            check_suspended(&scripts, &dead, id)?;
            sum.suspended += usize::from(dead.checkpoints.last().is_some_and(|last| last.id == id));
        }
        (Some(Fate::Stops { .. }), Ok(())) => {}
        (Some(Fate::Dies { .. }), Err(error)) if error.to_string().ends_with("its time has come") => {}
        (Some(fate), result) => return Err(format!("{result:?} after {fate:?}")),
    }

    // Before the first checkpoint is a place to begin, too.
    let pick = dice.below(dead.checkpoints.len() as u64 + 1) as usize;
    let from = pick
        .checked_sub(1)
        .map(|pick| (dead.checkpoints.swap_remove(pick), dead.workers));
    let id = from.as_ref().map_or(0, |(checkpoint, _)| checkpoint.id);
    let second = Plan {
        // From one to four, and not as many as before.
        workers: (first.workers + dice.below(3) as usize) % 4 + 1,
        ..plan(&mut dice, buffers, unit)
    };
    let mut restored = run(driver, &scripts, &second, from.as_ref());
    replace(&mut restored.joined, dead.joined, id);
    replace(&mut restored.late, dead.late, id);
    let what = |problem: String| format!("restored from {id}: {problem}");
    sum.second
        .add(check_checkpoints(&scripts, &restored).map_err(what)?);
    sum.waited += check_clock(driver, &second, &restored)?;
    sum.restores += usize::from(id > 0);
    check_end(&scripts, &restored).map_err(what)
}

/// What was compared, in the first runs and in the restored ones.
#[derive(Debug, Default)]
struct Sum {
    first: Counts,
    /// Those of the first runs that nothing befell.
    undisturbed: Counts,
    second: Counts,
    restores: usize,
    /// Runs that ended behind the checkpoint at which they were to stop.
    suspended: usize,
    /// Checkpoints that waited for the linger of their parts.
    waited: usize,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.first.add(other.first);
        self.undisturbed.add(other.undisturbed);
        self.second.add(other.second);
        self.restores += other.restores;
        self.suspended += other.suspended;
        self.waited += other.waited;
    }
}

/// Of what a dead run has left, only the epochs up to the restored one stay.
fn replace(arrivals: &mut Vec<Arrival>, dead: Vec<Arrival>, id: u64) {
    arrivals.extend(dead.into_iter().filter(|arrival| arrival.0 <= id));
}

/// Whether the clock stood still while a checkpoint was under way. Only parts that lie in a packet may wait, once.
/// Returns how many checkpoints did. Under threads it does not stand still.
fn check_clock(driver: Driver, plan: &Plan, run: &Run) -> Result<usize, String> {
    let allowed = match plan.acknowledge {
        Acknowledge::Behind | Acknowledge::Later if plan.buffers.rows > 1 => plan.buffers.linger,
        _ => Duration::ZERO,
    };
    if let Driver::Threads = driver {
        return Ok(0);
    }
    let mut waited = 0;
    for checkpoint in &run.checkpoints {
        let took = checkpoint.completed - checkpoint.started;
        if took > allowed {
            return Err(format!(
                "checkpoint {} took {took:?}, not {allowed:?}",
                checkpoint.id
            ));
        }
        waited += usize::from(took > Duration::ZERO);
    }
    Ok(waited)
}

fn under_the_stepper(buffers: Buffers) {
    let unit = Duration::from_millis(1);
    let mut sum = Sum::default();
    for seed in 0..1_000 {
        let lived = live_twice(Driver::Stepper(seed), seed, buffers, unit, &mut sum);
        assert_eq!(lived, Ok(()), "seed {seed}, {buffers:?}");
    }
    println!("stepper, {buffers:?}: {sum:?}");
    assert!(sum.first.checkpoints > 4 * sum.first.runs, "{sum:?}");
    assert!(sum.undisturbed.fewest >= Some(3), "{sum:?}");
    assert!(sum.first.inside > 2 * sum.first.runs, "{sum:?}");
    assert!(sum.first.uneven > sum.first.runs / 2, "{sum:?}");
    assert!(sum.restores > 600, "{sum:?}");
    assert!(sum.suspended > 100, "{sum:?}");
    let can_wait = buffers.rows > 1 && !buffers.linger.is_zero();
    assert_eq!(sum.waited > 0, can_wait, "{sum:?}");
    assert!(sum.second.fewest > Some(0), "{sum:?}");
}

#[test]
fn stepper_with_packets_of_1_row_that_do_not_wait() {
    under_the_stepper(packets(1, 0));
}

#[test]
fn stepper_with_packets_of_1_row() {
    under_the_stepper(packets(1, 1));
}

#[test]
fn stepper_with_packets_of_3_rows_that_do_not_wait() {
    under_the_stepper(packets(3, 0));
}

#[test]
fn stepper_with_packets_of_3_rows() {
    under_the_stepper(packets(3, 1));
}

#[test]
fn stepper_with_large_packets() {
    under_the_stepper(packets(1_000, 50));
}

/// Four lanes at a time, because what waits for its linger does nothing else.
fn under_threads(buffers: Buffers) {
    let unit = Duration::from_micros(100);
    let lane = |lane: u64| {
        let mut sum = Sum::default();
        for seed in (lane..100).step_by(4) {
            let lived = live_twice(Driver::Threads, seed, buffers, unit, &mut sum);
            assert_eq!(lived, Ok(()), "repetition {seed}, {buffers:?}");
        }
        sum
    };
    let mut sum = Sum::default();
    std::thread::scope(|scope| {
        let lanes = [0, 1, 2, 3].map(|number| scope.spawn(move || lane(number)));
        lanes
            .into_iter()
            .for_each(|lane| sum.add(lane.join().unwrap_or_else(|panic| resume_unwind(panic))));
    });
    println!("threads, {buffers:?}: {sum:?}");
    assert!(sum.first.checkpoints > 2 * sum.first.runs, "{sum:?}");
    assert!(sum.restores > 50, "{sum:?}");
}

#[test]
fn threads_with_packets_of_1_row_that_do_not_wait() {
    under_threads(packets(1, 0));
}

#[test]
fn threads_with_packets_of_1_row() {
    under_threads(packets(1, 1));
}

#[test]
fn threads_with_packets_of_3_rows_that_do_not_wait() {
    under_threads(packets(3, 0));
}

#[test]
fn threads_with_packets_of_3_rows() {
    under_threads(packets(3, 1));
}

#[test]
fn threads_with_large_packets_that_wait_long() {
    under_threads(packets(1_000, 50));
}
