//! The contract between the sink of a job and whatever it publishes to.
//!
//! A sink publishes *epochs*: all rows between two checkpoints that are complete, as one. A target is told an epoch only
//! after the checkpoint that holds its rows is durable, so whatever happens, the rows are still there, and the only
//! question after a crash is which epochs are already out. [`Target::last_out`] answers it.
//!
//! **A sink never waits in its turn.** Both calls are made again and again until they are answered. What waits for a disk,
//! a broker or a database runs behind [`Background`](super::background::Background), which answers at once.

use auto_impl::auto_impl;
use day02_state::operator::Outcome;

use super::encoded::Rows;

// ANCHOR: target
/// Something that rows are published to.
#[auto_impl(Box)]
pub trait Target: Send {
    /// Which of these epochs is the last that is out. They rise; the first is known to be out, or is 0. Called before
    /// anything is published, with the same epochs until it is answered, and ends whatever an earlier run has left
    /// unfinished.
    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished>;

    /// Takes the next step of publishing these rows as `epoch`; called again, with the same arguments, until it is
    /// [`Published::Done`]. Each write, sync, rename and commit is a step of its own, so that a test can crash between any
    /// two. What can be tried again is tried again by further steps; an error ends the job.
    fn publish(&mut self, epoch: u64, rows: &Rows) -> Outcome<Published>;

    /// What a person should hear of the answer of [`Target::last_out`], once: another run that this one has shut out.
    fn take_warning(&mut self) -> Option<String> {
        None
    }

    /// Where it publishes to, in words. Never with a password.
    fn describe(&self) -> String;
}
// ANCHOR_END: target

/// What a step of publishing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// There are more steps.
    Again,
    /// Nothing can be done before somebody else has answered: look again in a moment.
    Pending,
    /// The epoch is out.
    Done,
}

/// What a target knows of the epochs that it was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastPublished {
    /// It does not know yet: look again in a moment.
    Pending,
    /// This one is out, and none behind it.
    UpTo(u64),
    /// It cannot say, and why.
    Unknown(String),
}

/// What a mark that a target has moved together with the rows says of some epochs, at the start of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// This epoch is out, and none behind it.
    UpTo(u64),
    /// The mark is ahead of all of them: it is of a job that had come further.
    Ahead(u64),
    /// There is none, or an older one than there has to be.
    Lost,
}

// ANCHOR: mark
impl Mark {
    /// Of these epochs, the first was out when the others became durable (or is 0), and nothing behind the last was ever
    /// produced by this job.
    pub fn of(mark: Option<u64>, epochs: &[u64]) -> Self {
        let (first, last) = (epochs.first().copied(), epochs.last().copied());
        match mark {
            // Published, perhaps by a process that ended before it could say so.
            Some(mark) if epochs.contains(&mark) => Mark::UpTo(mark),
            // Nothing was ever published.
            None if first.unwrap_or_default() == 0 => Mark::UpTo(0),
            // What that job has published would come again.
            Some(mark) if mark > last.unwrap_or_default() => Mark::Ahead(mark),
            _ => Mark::Lost,
        }
    }
}
// ANCHOR_END: mark
