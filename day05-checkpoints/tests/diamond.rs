//! The adapters of days 4 and 5 over a graph with everything in it that makes barriers hard: a tee, a split, a keyed
//! exchange, and a diamond that ends in a join.
//!
//! 1. Every checkpoint holds exactly what the rows before it make, and a replay of these rows says what that is.
//! 2. From every checkpoint the job goes on at any number of workers and sources, and no window closes twice.
//! 3. Nothing gets stuck, no checkpoint waits for the clock, and none is ever given up.
//! 4. It may be stopped, killed or suspended at any event, and the order of steps does not show in what comes out.
//!
//! - [`graph`](diamond/graph.rs): the job, wired and run; [`operators`](diamond/operators.rs): what stands in it;
//!   [`replay`](diamond/replay.rs): what must be true of a checkpoint
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day02-state/tests/drive/mod.rs"]
mod drive;
mod diamond {
    pub mod graph;
    pub mod operators;
    pub mod replay;

    /// A number below `n`.
    pub fn below(random: &mut impl rand::Rng, n: usize) -> usize {
        ((u64::from(random.next_u32()) * n as u64) >> 32) as usize
    }
}

use std::time::Duration;

use day02_state::job::SOURCE;
use day02_state::runtime::Buffers;
use day02_state::state::file::Snapshot;
use day04_watermarks::operator::watermark_in;
use day05_checkpoints::coordinator::Event;
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::store::{Checkpoint, Store};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use diamond::below;
use diamond::graph::{Fate, Plan, Run, WINDOWS, run};
use diamond::replay::{Script, check};
use drive::Drive;

/// Of the stepper, for each kind of packets.
const SEEDS: u64 = 100;
/// Of jobs under threads.
const REPETITIONS: u64 = 40;
/// How often a job is run: each time but the last, something may befall it.
const LIVES: usize = 3;

/// Packets of so many rows, which wait so long to fill, in channels for one.
fn packets(rows: usize, linger_millis: u64) -> Buffers {
    Buffers {
        capacity: 1,
        rows,
        linger: Duration::from_millis(linger_millis),
    }
}

/// What was compared.
#[derive(Debug, Default)]
struct Sum {
    checkpoints: usize,
    /// Of those, in how many there were open windows, and closed ones.
    inside: usize,
    /// Runs that something befell.
    fates: usize,
    restores: usize,
    /// Late orders at the ends.
    late: usize,
}

fn plan(random: &mut ChaCha8Rng, buffers: Buffers, with: Drive) -> Plan {
    let micros = |micros: usize| Duration::from_micros(micros as u64);
    // Sources that rest need a clock that moves, so there must be a time without a checkpoint.
    let (rests, interval, step) = match below(random, 3) {
        0 => (false, 0, 0),
        1 => (false, 1_000 * (1 + below(random, 3)), 100),
        _ => (true, 1_000 * (1 + below(random, 6)), 0),
    };
    let at = match with {
        Drive::Stepper(_) => 1 + below(random, 800),
        Drive::Threads => 1 + below(random, 6),
    };
    Plan {
        sources: 1 + below(random, 3),
        workers: 1 + below(random, 4),
        buffers,
        batch: 1 + below(random, 8),
        rests: rests || matches!(with, Drive::Threads),
        interval: micros(interval),
        step: micros(step),
        aligns: true,
        fate: [
            None,
            Some(Fate::Stops(at)),
            Some(Fate::Dies(at)),
            Some(Fate::Suspends(at)),
        ][below(random, 4)],
    }
}

/// Runs a job, again and again from one of its checkpoints, and compares all that it saves with the replay. Before a
/// restore, checkpoints may be spoiled.
fn live(
    seed: u64,
    buffers: Buffers,
    with: Drive,
    change: impl Fn(&mut Plan),
    spoil: impl Fn(&mut Checkpoint),
    sum: &mut Sum,
) -> Result<(), String> {
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    let script = Script::new(random, !seed.is_multiple_of(3));
    let (mut disk, mut from) = (Fragile::new(), None::<Checkpoint>);
    for life in 0..LIVES {
        let mut plan = plan(random, buffers, with);
        if life + 1 == LIVES {
            plan.fate = None;
        }
        change(&mut plan);
        let id = from.as_ref().map_or(0, |from| from.id);
        let failed = |problem| format!("life {life} from checkpoint {id}, {plan:?}: {problem}");
        let run = run(&script, &disk, from.as_ref(), &plan, with);
        check_run(&script, &run, from.as_ref(), &plan, with, sum).map_err(failed)?;
        (disk, from) = next(disk, run, &plan, random).map_err(failed)?;
        from.iter_mut().for_each(&spoil);
        sum.restores += usize::from(from.is_some());
    }
    Ok(())
}

/// Whether a run has come to the end that it should, and saved what it should on the way.
fn check_run(
    script: &Script,
    run: &Run,
    from: Option<&Checkpoint>,
    plan: &Plan,
    with: Drive,
    sum: &mut Sum,
) -> Result<(), String> {
    let restored = from.and_then(|from| watermark_in(from.snapshot.parts(WINDOWS)));
    let restored = restored.map(|at| at.0);
    let mut last = None;
    for checkpoint in &run.checkpoints {
        let checked = check(script, &checkpoint.snapshot, plan, restored);
        let found = checked.map_err(|problem| format!("checkpoint {}: {problem}", checkpoint.id))?;
        sum.checkpoints += 1;
        sum.inside += usize::from(found.open > 0 && found.joined > 0);
        last = Some(found);
    }
    for event in &run.events {
        match (event, with, plan.fate) {
            (Event::Durable(_, cost), Drive::Stepper(_), _)
                if plan.step.is_zero() && !cost.took.is_zero() =>
            {
                return Err(format!("a checkpoint has waited for the clock: {event:?}"));
            }
            (Event::Durable(..), ..) => {}
            // A job that is to stop does so within a second, however slow the machine is.
            (Event::Aborted(..), Drive::Threads, Some(Fate::Suspends(_))) => {}
            (Event::Aborted(..), ..) => return Err(format!("given up: {event:?}")),
        }
    }
    let has_ended = last.as_ref().is_some_and(|last| last.is_end);
    sum.fates += usize::from(plan.fate.is_some() && !has_ended);
    match (&run.result, plan.fate) {
        (Ok(()), None | Some(Fate::Dies(_))) if !has_ended => Err(format!("ended with {last:?}")),
        (Ok(()), _) => {
            sum.late += last.filter(|last| last.is_end).map_or(0, |last| last.late);
            Ok(())
        }
        (Err(_), Some(Fate::Dies(_))) => Ok(()),
        (Err(problem), _) => Err(problem.clone()),
    }
}

/// The checkpoint from which the job goes on, and where: behind a death the newest one that is left on the disk, else any.
fn next(
    mut disk: Fragile,
    mut run: Run,
    plan: &Plan,
    random: &mut ChaCha8Rng,
) -> Result<(Fragile, Option<Checkpoint>), String> {
    if let (Err(_), Some(Fate::Dies(_))) = (&run.result, plan.fate) {
        disk.crash(random);
        let latest = Store::open(disk.clone(), usize::MAX).unwrap().latest().unwrap();
        let durable = run.events.iter().rev().find_map(|event| match event {
            Event::Durable(id, _) => Some(*id),
            Event::Aborted(..) => None,
        });
        let left = latest.as_ref().map(|latest| latest.id);
        return match left < durable {
            true => Err(format!(
                "checkpoint {durable:?} was durable, and {left:?} is left"
            )),
            false => Ok((disk, latest)),
        };
    }
    // Before the first one is a place to begin, too.
    let pick = below(random, run.checkpoints.len() + 1).checked_sub(1);
    Ok((Fragile::new(), pick.map(|pick| run.checkpoints.swap_remove(pick))))
}

// ---------------------------------------------------------------------------------------------------------------------
// The claims

#[test]
fn step_by_step_checkpoints_hold_what_the_rows_before_them_make_whatever_befalls_the_job() {
    let mut sum = Sum::default();
    for buffers in [packets(1, 0), packets(1, 1), packets(3, 1), packets(1_000, 50)] {
        for seed in 0..SEEDS {
            let lived = live(seed, buffers, Drive::Stepper(seed), |_| {}, |_| {}, &mut sum);
            assert_eq!(lived, Ok(()), "seed {seed}, {buffers:?}");
        }
    }
    println!("{sum:?}");
    let jobs = 4 * SEEDS as usize;
    assert!(sum.checkpoints > 10 * jobs && sum.inside > 5 * jobs, "{sum:?}");
    assert!(
        sum.fates > jobs / 2 && sum.restores > jobs && sum.late > jobs,
        "{sum:?}"
    );
}

/// Four jobs at a time, because one that waits for its linger does nothing else.
fn under_threads(buffers: Buffers) {
    let lane = |lane: u64| {
        let mut sum = Sum::default();
        for seed in (lane..REPETITIONS).step_by(4) {
            let lived = live(seed, buffers, Drive::Threads, |_| {}, |_| {}, &mut sum);
            assert_eq!(lived, Ok(()), "repetition {seed}, {buffers:?}");
        }
        println!("{buffers:?}: {sum:?}");
        assert!(sum.inside > 10 && sum.fates > 2 && sum.restores > 10, "{sum:?}");
    };
    std::thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || lane(number));
        }
    });
}

#[test]
fn under_threads_with_packets_of_one_row() {
    under_threads(packets(1, 0));
}

#[test]
fn under_threads_with_large_packets_that_linger_long() {
    under_threads(packets(1_000, 50));
}

// ---------------------------------------------------------------------------------------------------------------------
// The claims can fail

/// Whether a check of some job says this.
fn is_found(says: &str, change: impl Fn(&mut Plan), spoil: impl Fn(&mut Checkpoint)) {
    let found = (0..SEEDS).filter_map(|seed| {
        let (with, sum) = (Drive::Stepper(seed), &mut Sum::default());
        live(seed, packets(3, 1), with, &change, &spoil, sum).err()
    });
    let mut others = Vec::new();
    let is_found = found
        .inspect(|found| others.push(found.clone()))
        .any(|found| found.contains(says));
    assert!(is_found, "{others:?}");
}

/// Takes the parts with this name away from the state of an operator.
fn without(operator: &'static str, name: &'static str) -> impl Fn(&mut Checkpoint) {
    move |checkpoint| {
        let mut left = Snapshot::new();
        for of in checkpoint.snapshot.operators() {
            let mut parts = checkpoint.snapshot.parts(of).to_vec();
            parts.retain(|part| of != operator || part.name != name);
            left.add(of, parts);
        }
        checkpoint.snapshot = left;
    }
}

#[test]
fn a_job_that_holds_no_channel_back_saves_orders_from_behind_the_barrier() {
    is_found("too early", |plan| plan.aligns = false, |_| {});
}

#[test]
fn a_source_that_does_not_say_again_what_it_has_promised_holds_the_watermark_back() {
    is_found("the watermark is", |_| {}, without(SOURCE, "largest timestamp"));
}

#[test]
fn windows_that_do_not_know_how_far_they_have_closed_close_twice_when_orders_are_late() {
    is_found("has closed with", |_| {}, without(WINDOWS, "closed"));
}

#[test]
fn a_task_that_has_forgotten_its_watermark_goes_back_behind_what_it_had_said() {
    is_found(
        "tasks have different watermarks",
        |_| {},
        without(WINDOWS, "watermark"),
    );
}
