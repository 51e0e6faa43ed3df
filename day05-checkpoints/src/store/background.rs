//! A store on a thread of its own, so that the coordinator never waits for a disk or an object store.
//!
//! ```text
//!   coordinator ── begin(n, states) ──► requests ──► thread: step, step, step … of the store, which may block
//!        ◄── Pending, or Durable(n) ── answers ◄──┘
//! ```
//!
//! When the job has gone, the thread ends behind the step that it is in; when the program ends first, that step ends with it.
//! Either is a crash between two steps, which a store survives. The job gives it a moment to end, so that the lock of its
//! folder is free for the next run, and does not wait for a step that hangs.

use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

use super::{CheckpointStorage, Progress, Size, StoreError, TaskStates};
use crate::thread_end::let_end;

/// A store whose steps are taken on another thread.
#[derive(Debug)]
pub struct BackgroundStore {
    requests: Sender<(u64, TaskStates)>,
    answers: Receiver<Answer>,
    /// Of the newest checkpoint that is durable.
    size: Size,
}

/// What a step came to, with the size that the newest durable checkpoint has then.
type Answer = Result<(Progress, Size), StoreError>;

impl BackgroundStore {
    /// Starts the thread.
    pub fn start(store: impl CheckpointStorage + 'static) -> io::Result<Self> {
        let (requests, to_do) = channel();
        let (done, answers) = channel();
        thread::Builder::new()
            .name("checkpoints".to_string())
            .spawn(move || work(store, &to_do, &done))?;
        Ok(BackgroundStore {
            requests,
            answers,
            size: Size::default(),
        })
    }
}

impl Drop for BackgroundStore {
    fn drop(&mut self) {
        let_end(&mut self.requests, &self.answers);
    }
}

fn work(mut store: impl CheckpointStorage, requests: &Receiver<(u64, TaskStates)>, answers: &Sender<Answer>) {
    loop {
        let request = match store.step() {
            Ok(Progress::Again | Progress::Pending) => match requests.try_recv() {
                Ok(request) => Ok(request),
                Err(TryRecvError::Empty) => continue,
                Err(TryRecvError::Disconnected) => return,
            },
            Ok(Progress::Idle) => match requests.recv() {
                Ok(request) => Ok(request),
                Err(_) => return,
            },
            answer => Err(answer.map(|progress| (progress, store.size()))),
        };
        let answer = match request {
            Ok((id, states)) => match store.begin(id, states) {
                Ok(()) => continue,
                Err(error) => Err(error),
            },
            Err(answer) => answer,
        };
        if answers.send(answer).is_err() {
            return;
        }
    }
}

impl CheckpointStorage for BackgroundStore {
    fn begin(&mut self, id: u64, states: TaskStates) -> Result<(), StoreError> {
        // A thread that has ended is noticed by the next step.
        let _ = self.requests.send((id, states));
        Ok(())
    }

    fn step(&mut self) -> Result<Progress, StoreError> {
        match self.answers.try_recv() {
            Ok(answer) => {
                let (progress, size) = answer?;
                self.size = size;
                Ok(progress)
            }
            Err(TryRecvError::Empty) => Ok(Progress::Pending),
            Err(TryRecvError::Disconnected) => Err(StoreError::ThreadEnded),
        }
    }

    fn size(&self) -> Size {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use super::*;

    /// Takes a step whenever the test lets it, and says what it comes to.
    struct Held(Receiver<Progress>);

    impl CheckpointStorage for Held {
        fn begin(&mut self, id: u64, _: TaskStates) -> Result<(), StoreError> {
            match id {
                0 => Err(StoreError::NotNewer { id, durable: 0 }),
                _ => Ok(()),
            }
        }

        fn step(&mut self) -> Result<Progress, StoreError> {
            self.0.recv().map_err(|_| StoreError::ThreadEnded)
        }

        fn size(&self) -> Size {
            Size { new: 7, reused: 1 }
        }
    }

    fn held() -> (SyncSender<Progress>, BackgroundStore) {
        let (steps, held) = sync_channel(0);
        (steps, BackgroundStore::start(Held(held)).expect("a thread"))
    }

    fn answer(store: &mut BackgroundStore) -> Result<Progress, StoreError> {
        loop {
            match store.step() {
                Ok(Progress::Pending) => thread::yield_now(),
                answer => return answer,
            }
        }
    }

    #[test]
    fn a_checkpoint_is_pending_until_the_store_says_that_it_is_durable() {
        let (steps, mut store) = held();
        steps.send(Progress::Idle).expect("a thread");
        store.begin(7, Vec::new()).expect("begun");
        for _ in 0..3 {
            assert_eq!(store.step().expect("a thread"), Progress::Pending);
            steps.send(Progress::Again).expect("a thread");
        }
        steps.send(Progress::Durable(7)).expect("a thread");
        assert_eq!(answer(&mut store).expect("a thread"), Progress::Durable(7));
        assert_eq!(store.size(), Size { new: 7, reused: 1 });
    }

    #[test]
    fn an_error_of_the_store_is_an_error_of_the_step_and_so_is_a_thread_that_has_ended() {
        let (steps, mut store) = held();
        steps.send(Progress::Idle).expect("a thread");
        store.begin(0, Vec::new()).expect("sent");
        let error = answer(&mut store).expect_err("refused");
        assert!(matches!(error, StoreError::NotNewer { id: 0, .. }), "{error}");
        let (requests, (_, answers)) = (channel().0, channel());
        let size = Size::default();
        let mut ended = BackgroundStore {
            requests,
            answers,
            size,
        };
        let error = ended.step().expect_err("it has ended");
        assert_eq!(error.to_string(), "the thread that stores checkpoints has ended");
    }

    #[test]
    fn without_a_job_the_thread_ends_behind_the_step_that_it_is_in() {
        let (steps, store) = held();
        let job = thread::spawn(move || drop(store));
        steps.send(Progress::Again).expect("a thread");
        job.join().expect("it waits no longer than a moment");
        // One step more, if the thread looked for requests just before the job went.
        let _ = steps.send(Progress::Again);
        steps
            .send(Progress::Again)
            .expect_err("the thread has let go of the store");
    }
}
