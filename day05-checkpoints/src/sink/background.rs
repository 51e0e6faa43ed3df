//! A target on a thread of its own, so that the sink never waits for a disk, a broker or a database.
//!
//! ```text
//!   sink ── last_out, publish ──► requests ──► thread: step, step, step … of the target, which may block
//!        ◄── Pending, or the answer ── answers ◄──┘
//! ```
//!
//! 1. There is one request at a time. Until it is answered, every call answers at once that it is pending.
//! 2. When the sink has gone, the thread ends behind the step that it is in; when the program ends first, that step ends
//!    with it. Either is a crash between two steps, which a target survives.
//! 3. A sink that goes gives the thread a moment to end, so that the lock of its folder is free for the next run. It does
//!    not wait for one that hangs.

use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

use day02_state::operator::Outcome;

use super::encoded::Rows;
use super::target::{LastPublished, Published, Target};
use crate::thread_end::let_end;

/// A target whose steps are taken on another thread.
pub struct Background {
    place: String,
    requests: Sender<Request>,
    answers: Receiver<Outcome<Answer>>,
    warning: Option<String>,
    /// Whether there is a request that was not answered.
    asked: bool,
}

enum Request {
    LastOut(Vec<u64>),
    Publish(u64, Rows),
}

enum Answer {
    LastOut(LastPublished, Option<String>),
    Published,
}

impl Background {
    /// Starts the thread.
    pub fn start(target: impl Target + 'static) -> io::Result<Self> {
        let place = target.describe();
        let (requests, to_do) = channel();
        let (done, answers) = channel();
        thread::Builder::new()
            .name("target".to_string())
            .spawn(move || work(target, &to_do, &done))?;
        Ok(Background {
            place,
            requests,
            answers,
            warning: None,
            asked: false,
        })
    }

    /// The answer to a request, which is sent if there is none under way; none if it has not come.
    fn ask(&mut self, request: impl FnOnce() -> Request) -> Outcome<Option<Answer>> {
        if !self.asked {
            // A thread that has ended is noticed below.
            let _ = self.requests.send(request());
            self.asked = true;
        }
        let answer = match self.answers.try_recv() {
            Ok(answer) => answer?,
            Err(TryRecvError::Empty) => return Ok(None),
            Err(TryRecvError::Disconnected) => {
                return Err(format!("the thread that publishes to {} has ended", self.place).into());
            }
        };
        self.asked = false;
        Ok(Some(answer))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let_end(&mut self.requests, &self.answers);
    }
}

/// Answers requests until there is nobody any more who could ask.
fn work(mut target: impl Target, requests: &Receiver<Request>, answers: &Sender<Outcome<Answer>>) {
    while let Ok(request) = requests.recv() {
        let answer = loop {
            let stepped = match &request {
                Request::LastOut(epochs) => match target.last_out(epochs) {
                    Ok(LastPublished::Pending) => None,
                    answer => Some(answer.map(|known| Answer::LastOut(known, target.take_warning()))),
                },
                Request::Publish(epoch, rows) => match target.publish(*epoch, rows) {
                    Ok(Published::Again | Published::Pending) => None,
                    answer => Some(answer.map(|_| Answer::Published)),
                },
            };
            match stepped {
                Some(answer) => break answer,
                None if matches!(requests.try_recv(), Err(TryRecvError::Disconnected)) => return,
                None => {}
            }
        };
        drop(request);
        if answers.send(answer).is_err() {
            return;
        }
    }
}

impl Target for Background {
    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
        match self.ask(|| Request::LastOut(epochs.to_vec()))? {
            Some(Answer::LastOut(known, warning)) => {
                self.warning = warning;
                Ok(known)
            }
            _ => Ok(LastPublished::Pending),
        }
    }

    fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn publish(&mut self, epoch: u64, rows: &Rows) -> Outcome<Published> {
        match self.ask(|| Request::Publish(epoch, rows.clone()))? {
            Some(Answer::Published) => Ok(Published::Done),
            _ => Ok(Published::Pending),
        }
    }

    fn describe(&self) -> String {
        self.place.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use super::*;
    use crate::disk::Folder;
    use crate::sink::encoded::Encoded;
    use crate::sink::files::{FileTarget, Format};

    /// Takes a step whenever the test lets it, and says how it ends.
    struct Held(Receiver<Outcome<Published>>);

    impl Target for Held {
        fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
            Ok(match self.0.recv()?? {
                Published::Done => LastPublished::UpTo(epochs[0]),
                Published::Again | Published::Pending => LastPublished::Pending,
            })
        }

        fn publish(&mut self, _: u64, _: &Rows) -> Outcome<Published> {
            self.0.recv()?
        }

        fn describe(&self) -> String {
            "a place".to_string()
        }
    }

    fn held() -> (SyncSender<Outcome<Published>>, Background) {
        let (steps, held) = sync_channel(0);
        (steps, Background::start(Held(held)).expect("a thread"))
    }

    /// Calls until there is an answer.
    fn answered<T>(mut call: impl FnMut() -> Option<T>) -> T {
        loop {
            match call() {
                Some(answer) => return answer,
                None => thread::yield_now(),
            }
        }
    }

    #[test]
    fn the_folder_of_a_sink_that_has_gone_is_free_for_the_next_one() {
        let temporary = tempfile::tempdir().expect("a folder");
        for run in 0..200 {
            let folder = Folder::open(temporary.path()).unwrap_or_else(|error| panic!("run {run}: {error}"));
            let mut target = Background::start(FileTarget::new(folder, Format::Json)).expect("a thread");
            // Whether it has been answered or not.
            for _ in 0..run % 3 {
                target.last_out(&[0]).expect("a thread");
            }
        }
    }

    #[test]
    fn a_target_that_waits_is_pending_and_then_answers() {
        let (steps, mut target) = held();
        let rows = Rows::from(Encoded::default());
        assert_eq!(target.last_out(&[7]).expect("a thread"), LastPublished::Pending);
        for step in [Published::Again, Published::Done] {
            assert_eq!(target.last_out(&[7]).expect("a thread"), LastPublished::Pending);
            steps.send(Ok(step)).expect("a thread");
        }
        let known = answered(|| match target.last_out(&[7]).expect("a thread") {
            LastPublished::Pending => None,
            known => Some(known),
        });
        assert_eq!(known, LastPublished::UpTo(7));
        for step in [Published::Again, Published::Pending, Published::Done] {
            assert_eq!(target.publish(8, &rows).expect("a thread"), Published::Pending);
            steps.send(Ok(step)).expect("a thread");
        }
        answered(|| (target.publish(8, &rows).expect("a thread") == Published::Done).then_some(()));
        assert_eq!(target.describe(), "a place");
    }

    #[test]
    fn an_error_of_the_target_is_an_error_of_the_call() {
        let (steps, mut target) = held();
        assert_eq!(target.last_out(&[7]).expect("a thread"), LastPublished::Pending);
        steps.send(Err("no room".into())).expect("a thread");
        let error = answered(|| target.last_out(&[7]).err());
        assert_eq!(error.to_string(), "no room");
    }

    #[test]
    fn a_thread_that_has_gone_is_an_error_that_names_the_place() {
        struct Panics;
        impl Target for Panics {
            fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
                Ok(LastPublished::UpTo(epochs[1]))
            }
            fn publish(&mut self, _: u64, _: &Rows) -> Outcome<Published> {
                Ok(Published::Done)
            }
            fn describe(&self) -> String {
                "a place".to_string()
            }
        }
        let mut target = Background::start(Panics).expect("a thread");
        let error = answered(|| target.last_out(&[0]).err());
        assert_eq!(
            error.to_string(),
            "the thread that publishes to a place has ended"
        );
    }

    #[test]
    fn without_a_sink_the_thread_ends_behind_its_step_and_lets_go_of_the_target() {
        let (steps, mut target) = held();
        assert_eq!(target.last_out(&[7]).expect("a thread"), LastPublished::Pending);
        drop(target);
        steps
            .send(Ok(Published::Again))
            .expect("a step that is under way ends");
        // The receiving end went with the target: there is no second step.
        steps.send(Ok(Published::Again)).expect_err("the target is gone");
    }
}
