//! The stepper, the second driver: it runs the same tasks on one thread, in an order drawn from a seed, under a
//! virtual clock.
//!
//! Threads show a program one interleaving at a time, and never the same one again. Here the next task, and the channel
//! that it takes from, are drawn from a seed, so a thousand seeds are a thousand interleavings, and a failing one can be
//! run again. When no task can go on, the clock moves to the next time that one of them waits for. When none waits for a
//! time either, the job is stuck, and the error says who waits for whom.
//!
//! What it cannot show is a wake-up that gets lost, because it asks every task; that is what tests under threads are for.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::JobError;
use crate::runtime::{Did, Job, Step, Stepped, Stop};
use crate::status::StatusBoard;

/// Sees what each step did, with the time and the task.
pub type Observer<'a> = &'a mut dyn FnMut(Duration, &str, Did);

/// In which order tasks step, and how long a step takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// What the order is drawn from.
    pub seed: u64,
    /// How far each step moves the clock. Without it, time passes only while everybody waits, which is easy to reason
    /// about; but where a source never waits, no timer would ever come.
    pub step: Duration,
}

impl From<u64> for Schedule {
    fn from(seed: u64) -> Self {
        let step = Duration::ZERO;
        Schedule { seed, step }
    }
}

/// Runs a job to its end.
pub fn run_stepper(
    job: Job,
    schedule: impl Into<Schedule>,
    stop: &Stop,
    observer: Observer<'_>,
) -> Result<(), JobError> {
    let Schedule { seed, step } = schedule.into();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut choose = move |count: usize| ((u64::from(random.next_u32()) * count as u64) >> 32) as usize;
    let (mut tasks, board) = (job.tasks, job.board);
    let mut now = Duration::ZERO;
    // Tasks that may be able to go on; the others have said since the last event that they wait.
    let mut ready: Vec<usize> = (0..tasks.len()).collect();
    let mut wakes: Vec<Option<Duration>> = vec![None; tasks.len()];
    let mut ended = vec![false; tasks.len()];
    loop {
        let running = || (0..ended.len()).filter(|task| !ended[*task]);
        if ready.is_empty() {
            if running().next().is_none() {
                return Ok(());
            }
            match running().filter_map(|task| wakes[task]).min() {
                Some(until) => now = now.max(until),
                None => return Err(stuck(running().collect(), &mut tasks)),
            }
            ready = running().collect();
        }
        let drawn = choose(ready.len());
        let task = ready[drawn];
        match tasks[task].step(now, stop.is_asked(), &mut choose)? {
            Stepped::Went(did) => {
                if board.is_observed() {
                    write(&board, tasks[task].as_mut());
                }
                observer(now, tasks[task].name(), did);
                now += step;
                // What it did may be what another one waits for.
                ready = running().collect();
            }
            Stepped::Waits(until) => {
                wakes[task] = until;
                ready.swap_remove(drawn);
            }
            Stepped::Ended => {
                write(&board, tasks[task].as_mut());
                ended[task] = true;
                ready.swap_remove(drawn);
            }
        }
    }
}

fn write(board: &StatusBoard, task: &mut dyn Step) {
    let status = task.status();
    board.write(task.name(), status);
}

fn stuck(waiting: Vec<usize>, tasks: &mut [Box<dyn Step>]) -> JobError {
    let describe = |task: usize| {
        let status = tasks[task].status();
        format!("{}: {status}", tasks[task].name())
    };
    let each: Vec<String> = waiting.into_iter().map(describe).collect();
    JobError::Stuck(each.join("\n"))
}
