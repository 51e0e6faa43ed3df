//! A job run to its end, under threads or step by step.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use day02_state::error::JobError;
use day02_state::runtime::{Job, Stop, run_threads};
use day02_state::stepper::run_stepper;

/// How long a job on threads may take; one that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who runs the tasks.
#[derive(Debug, Clone, Copy)]
pub enum Drive {
    /// A thread for each.
    Threads,
    /// The stepper, in the order of this seed.
    Stepper(u64),
}

/// Runs a job to its end, which must come.
pub fn drive(job: Job, drive: Drive, stop: &Stop) -> Result<(), JobError> {
    match drive {
        Drive::Stepper(seed) => run_stepper(job, seed, stop, &mut |_, _, _| {}),
        Drive::Threads => {
            let (done, result) = channel();
            let stop = stop.clone();
            let runner = thread::spawn(move || done.send(run_threads(job, &stop)));
            let result = result.recv_timeout(PATIENCE).expect("the job ends");
            runner.join().unwrap().unwrap();
            result
        }
    }
}
