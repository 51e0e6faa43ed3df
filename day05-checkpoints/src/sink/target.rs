//! The contract between the sink of a job and whatever it publishes to.
//!
//! A sink publishes *epochs*: all rows between two checkpoints that are complete, as one. A target is told an epoch only
//! after the checkpoint that holds its rows is durable, so whatever happens, the rows are still there, and the only
//! question after a crash is which epochs are already out. [`Target::last_out`] answers it.

use day02_state::operator::Outcome;

use super::encoded::Encoded;

// ANCHOR: target
/// Something that rows are published to.
pub trait Target: Send {
    /// Takes the next step of publishing these rows as `epoch`; called again, with the same arguments, until it is
    /// [`Published::Done`]. Each write, sync, rename and commit is a step of its own, so that a test can crash between any
    /// two. What can be tried again is tried again by further steps; an error ends the job.
    fn publish(&mut self, epoch: u64, rows: &Encoded) -> Outcome<Published>;

    /// Which of these epochs is the last that is out. They rise; the first is known to be out, or is 0. Called once, before
    /// anything is published, and ends whatever an earlier run has left unfinished.
    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished>;

    /// Where it publishes to, in words.
    fn describe(&self) -> String;
}
// ANCHOR_END: target

impl<T: Target + ?Sized> Target for Box<T> {
    fn publish(&mut self, epoch: u64, rows: &Encoded) -> Outcome<Published> {
        (**self).publish(epoch, rows)
    }

    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
        (**self).last_out(epochs)
    }

    fn describe(&self) -> String {
        (**self).describe()
    }
}

/// What a step of publishing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// There are more steps.
    Again,
    /// The epoch is out.
    Done,
}

/// What a target knows of the epochs that it was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastPublished {
    /// This one is out, and none behind it.
    UpTo(u64),
    /// It cannot say, and why.
    Unknown(String),
}
