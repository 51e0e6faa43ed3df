//! The driver of programs and benchmarks: a thread for each task.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Select, Sender, TryRecvError, bounded};

use super::Job;
use super::task::{Step, Stepped};
use crate::error::JobError;
use crate::status::StatusBoard;

/// A signal that can be given once, to everybody: by it a running job is asked to stop.
#[derive(Debug, Clone)]
pub struct Stop {
    /// Receivers see it when the only sender is dropped.
    sender: Arc<Mutex<Option<Sender<()>>>>,
    pub(super) signal: Receiver<()>,
}

impl Stop {
    /// Not asked yet.
    pub fn new() -> Self {
        let (sender, signal) = bounded(0);
        Stop {
            sender: Arc::new(Mutex::new(Some(sender))),
            signal,
        }
    }

    /// Sources end after what they are doing, and everything behind them ends when it has received the rest.
    pub fn ask(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        matches!(self.signal.try_recv(), Err(TryRecvError::Disconnected))
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a job with a thread for each task, and returns when all have ended. The error is the first one that happened:
/// where one task fails, the others are told to give up.
pub fn run_threads(job: Job, stop: &Stop) -> Result<(), JobError> {
    run(job, stop, None)
}

/// The same; meanwhile the calling thread hands the board to `observer` so often, the last time after all have ended.
pub fn run_observed(
    job: Job,
    stop: &Stop,
    every: Duration,
    mut observer: impl FnMut(&StatusBoard),
) -> Result<(), JobError> {
    let board = job.board();
    board.observe();
    let result = run(job, stop, Some((every, &mut observer)));
    observer(&board);
    result
}

/// How often to look at the board, and who looks.
type Look<'a> = (Duration, &'a mut dyn FnMut(&StatusBoard));

fn run(job: Job, stop: &Stop, look: Option<Look<'_>>) -> Result<(), JobError> {
    let Job { tasks, board } = job;
    // No task ever sends on it: it is disconnected when the last one has ended.
    let (running, all_ended) = bounded::<()>(0);
    let first_error: Mutex<Option<JobError>> = Mutex::new(None);
    let give_up = Stop::new();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for mut task in tasks {
            let name = task.name().to_string();
            let (first_error, give_up, name_of_task) = (&first_error, &give_up, name.clone());
            let (board, running) = (board.clone(), running.clone());
            let fail = move |error| {
                let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(error);
                give_up.ask();
            };
            let spawned = std::thread::Builder::new()
                .name(name.clone())
                .spawn_scoped(scope, move || {
                    let panicked = |panic: Box<dyn Any + Send>| JobError::Panicked {
                        task: name_of_task.clone(),
                        message: said(&*panic),
                    };
                    let run = || run_task(task.as_mut(), &board, started, (stop, give_up));
                    match catch_unwind(AssertUnwindSafe(run)) {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => fail(error),
                        Err(panic) => fail(panicked(panic)),
                    }
                    // Only now do its neighbours see its channels go, so that its error is the first.
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(move || drop(task))) {
                        fail(panicked(panic));
                    }
                    drop(running);
                });
            if let Err(error) = spawned {
                fail(JobError::Failed {
                    task: name,
                    failure: error.into(),
                });
                break;
            }
        }
        drop(running);
        if let Some((every, observer)) = look {
            while all_ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                board.ask();
                observer(&board);
            }
        }
    });
    match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        (None, None) => "without a message".to_string(),
    }
}

// ANCHOR: run_task
/// Steps one task until it has ended. It waits in one place, and only when there is nothing that it could do.
fn run_task(
    task: &mut dyn Step,
    board: &StatusBoard,
    started: Instant,
    (stop, give_up): (&Stop, &Stop),
) -> Result<(), JobError> {
    // Channels in turn: the one behind that which was looked at first the last time.
    let mut next = 0;
    let mut choose = move |count: usize| {
        next = (next + 1) % count;
        next
    };
    let write = |task: &mut dyn Step| {
        let status = task.status();
        board.write(task.name(), status);
    };
    let (mut looks, mut has_news) = (0, true);
    while !give_up.is_asked() {
        let stopping = stop.is_asked();
        match task.step(started.elapsed(), stopping, &mut choose)? {
            Stepped::Went(_) => {
                has_news = true;
                if std::mem::replace(&mut looks, board.looks()) != board.looks() {
                    write(task);
                }
            }
            Stepped::Ended => {
                write(task);
                break;
            }
            Stepped::Waits(until) => {
                if std::mem::take(&mut has_news) && board.is_observed() {
                    write(task);
                }
                let mut select = Select::new();
                task.watch(&mut select);
                select.recv(&give_up.signal);
                if !stopping {
                    select.recv(&stop.signal);
                }
                // Whatever has become ready, the next step will find it.
                // A time that no clock can show never comes.
                match until.and_then(|until| started.checked_add(until)) {
                    Some(until) => drop(select.ready_deadline(until)),
                    None => drop(select.ready()),
                }
            }
        }
    }
    Ok(())
}
// ANCHOR_END: run_task
