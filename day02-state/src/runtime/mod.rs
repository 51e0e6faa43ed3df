//! Tasks, the channels between them, and the threads that run them: the one place of the whole project with dataflow threads
//! and channels in it.
//!
//! A job is wired edges first, then tasks. An edge connects so many senders with so many receivers, and says how rows are
//! dealt out ([`by_key`], [`forward`], [`broadcast`], [`single`]); a task is a name, an [`Inbox`], an operator and an
//! [`Outbox`]. Inboxes can be joined, which keeps them apart as ports, or merged; an outbox can be teed or split.
//!
//! ```text
//!   task ── outbox ══ lanes ══► bounded channels ══► inbox ── task
//!                                                      ▲
//!   coordinator ── mail ── unbounded, for control ─────┘
//! ```
//!
//! A task has one method, `step`: send what is sealed, take mail, take one message, or take a turn. Two drivers run the
//! same tasks: [`run_threads`], a thread for each, and the seeded stepper of `stepper.rs`, on one thread with a virtual
//! clock. A channel holds a bounded number of packets in both, so a slow task slows those before it down, and nothing grows.
//!
//! **Liveness.** Each of these was a hang or a wrong result when it was missing. The tests beside this file put each fault back in.
//! 1. Every lane, and every branch of a tee, sends on its own: one that is stuck holds back no other.
//! 2. While anything sealed has not left, the task does not go on, but its linger runs: what others wait for may lie
//!    in the open batch of another lane.
//! 3. The first turn comes before any mail, and mail comes before packets.
//!
//! An end is explicit. A sender that vanishes without one is an error that names it, and so is a panic; either ends the
//! whole job.
//!
//! - `channels`: edges, inboxes, mail; [`outbox`]: the way out of a task; `task`: one step of a task; `threads`: a thread for each task, and the one that
//!   looks at the board
//!
//! Left out: moving tasks between threads, channels over a network, and priorities.

mod channels;
pub mod outbox;
mod task;
#[cfg(test)]
mod tests;
mod threads;

pub use channels::{Edge, Inbox, Mail, Mailbox, broadcast, by_key, forward, mailbox, single};
pub use outbox::Buffers;
pub use task::Did;
pub(crate) use task::{Step, Stepped};
pub use threads::{Stop, run_observed, run_threads};

use crate::operator::{Control, Operator};
use crate::status::StatusBoard;
use outbox::Outbox;
use task::Task;

/// A job: its tasks, wired.
#[derive(Default)]
pub struct Job {
    pub(crate) tasks: Vec<Box<dyn Step>>,
    pub(crate) board: StatusBoard,
}

impl Job {
    /// A job without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where its tasks say how they stand.
    pub fn board(&self) -> StatusBoard {
        self.board.clone()
    }

    /// Adds a task.
    pub fn task<C: Control, O: Operator<C> + 'static>(
        &mut self,
        name: impl Into<String>,
        inbox: Inbox<O::In, C>,
        operator: O,
        outbox: Outbox<O::Out, C>,
    ) {
        let task = Task::new(name.into(), inbox, None, operator, outbox);
        self.tasks.push(Box::new(task));
    }

    /// Adds a task that also takes mail.
    pub fn task_with_mail<C: Control, O: Operator<C> + 'static>(
        &mut self,
        name: impl Into<String>,
        inbox: Inbox<O::In, C>,
        mailbox: Mailbox<C>,
        operator: O,
        outbox: Outbox<O::Out, C>,
    ) {
        let task = Task::new(name.into(), inbox, Some(mailbox), operator, outbox);
        self.tasks.push(Box::new(task));
    }
}
