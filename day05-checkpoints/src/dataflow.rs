//! A job with checkpoints, put together task by task.
//!
//! It does for each task what has to be done for all: the adapter around the operator, the state that it gets back, a
//! channel to the coordinator, and a mailbox. Which tasks there are, and what goes where, is for the code that wires
//! the job.
//!
//! ```text
//!   source ──┬─► rows ──► task ──┬─► rows ──► …
//!            └─ acks ─┐          └─ acks ─┐
//!                     └──► coordinator ◄──┘ ── mail ─► all tasks
//! ```

use std::collections::{BTreeMap, BTreeSet};

use day02_state::error::Error;
use day02_state::operator::Operator;
use day02_state::outbox::Outbox;
use day02_state::runtime::{Buffers, Edge, Inbox, Job, Mail, Mailbox, Stop, mailbox, single};
use day02_state::state::{Owner, Stateful, share};
use day04_watermarks::watermark::Watermark;

use crate::checkpointed::{CheckpointedOperator, CheckpointedSource};
use crate::coordinator::{Coordinator, Listener, Member, Schedule};
use crate::signal::{Ack, Signal};
use crate::store::{Checkpoint, CheckpointStorage};

/// Control in every job from this day on.
pub type Control = Signal<Watermark>;

/// A job while it is wired.
pub struct Dataflow {
    job: Job,
    buffers: Buffers,
    restore: Option<Checkpoint>,
    /// Whose state operators have got back.
    restored: BTreeMap<String, BTreeSet<Owner>>,
    members: Vec<Member>,
    acks: Inbox<Vec<Ack>, Control>,
    sources: Vec<Mail<Control>>,
    others: Vec<Mail<Control>>,
    aligns: bool,
}

/// Which one of the tasks of an operator.
#[derive(Debug, Clone, Copy)]
pub struct Subtask<'a> {
    /// The id under which the operator's state is saved.
    pub operator: &'a str,
    /// Which one, counted from 0.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Subtask<'_> {
    fn task(&self) -> String {
        format!("{} {}", self.operator, self.number)
    }
}

impl Dataflow {
    /// No tasks yet; they go on from this checkpoint, if there is one.
    pub fn new(buffers: Buffers, restore: Option<Checkpoint>) -> Self {
        Dataflow {
            job: Job::new(),
            buffers,
            restore,
            restored: BTreeMap::new(),
            members: Vec::new(),
            acks: Inbox::none(),
            sources: Vec::new(),
            others: Vec::new(),
            aligns: true,
        }
    }

    /// Tasks that are added from now on hold no channel back at a barrier. What they count may then be counted again after
    /// a restore: state is right *at least* once.
    pub fn tracking(self) -> Self {
        Dataflow {
            aligns: false,
            ..self
        }
    }

    /// The checkpoint from which tasks go on; 0 if they begin.
    fn passed(&self) -> u64 {
        self.restore.as_ref().map_or(0, |checkpoint| checkpoint.id)
    }

    // ANCHOR: task
    /// Adds a source, which reads the splits that `reads` says.
    pub fn source<O>(
        &mut self,
        subtask: Subtask<'_>,
        mut operator: O,
        reads: impl Fn(&O, &str) -> bool,
        outbox: Outbox<O::Out, Control>,
    ) -> Result<(), Error>
    where
        O: Operator<Watermark, In = ()> + Stateful + 'static,
        O::Out: Send,
    {
        self.restore(subtask, &mut operator, reads)?;
        let (acks, mailbox, mail) = self.member(subtask, true);
        self.sources.push(mail);
        let (task, operator) = (subtask.task(), CheckpointedSource::new(operator));
        self.job
            .task_with_mail(task, Inbox::none(), mailbox, operator, outbox.split(acks));
        Ok(())
    }

    /// Adds a task with channels.
    pub fn task<O>(
        &mut self,
        subtask: Subtask<'_>,
        inbox: Inbox<O::In, Control>,
        mut operator: O,
        outbox: Outbox<O::Out, Control>,
    ) -> Result<(), Error>
    where
        O: Operator<Watermark> + Stateful + 'static,
        O::Out: Send,
    {
        self.restore(subtask, &mut operator, |_, _| false)?;
        let (acks, mailbox, mail) = self.member(subtask, false);
        self.others.push(mail);
        let adapter = match self.aligns {
            true => CheckpointedOperator::new,
            false => CheckpointedOperator::tracking,
        };
        let operator = adapter(inbox.channels(), self.passed(), operator);
        self.job
            .task_with_mail(subtask.task(), inbox, mailbox, operator, outbox.split(acks));
        Ok(())
    }
    // ANCHOR_END: task

    /// Adds a task that has no state to be saved, and is not waited for: one that shows what comes.
    pub fn observer<O>(&mut self, task: &str, inbox: Inbox<O::In, Control>, operator: O)
    where
        O: Operator<Control, Out = ()> + 'static,
    {
        self.job.task(task, inbox, operator, Outbox::none());
    }

    fn restore<O: Stateful>(
        &mut self,
        subtask: Subtask<'_>,
        operator: &mut O,
        reads: impl Fn(&O, &str) -> bool,
    ) -> Result<(), Error> {
        let Some(checkpoint) = &self.restore else {
            return Ok(());
        };
        let parts = checkpoint.snapshot.parts(subtask.operator);
        let parts = share(parts, subtask.number, subtask.of, |split| reads(operator, split));
        let owners = self.restored.entry(subtask.operator.to_string()).or_default();
        owners.extend(parts.iter().map(|part| part.owner.clone()));
        operator.restore(parts).map_err(Error::Restore)
    }

    /// What connects a task with the coordinator.
    fn member(
        &mut self,
        subtask: Subtask<'_>,
        is_source: bool,
    ) -> (Outbox<Vec<Ack>, Control>, Mailbox<Control>, Mail<Control>) {
        let Edge { outboxes, inboxes } = single(1, self.buffers);
        let acks = std::mem::replace(&mut self.acks, Inbox::none());
        self.acks = inboxes.into_iter().fold(acks, Inbox::merge);
        self.members.push(Member {
            task: subtask.task(),
            operator: subtask.operator.to_string(),
            is_source,
            state: None,
            drained: false,
            ended: false,
        });
        let (mail, mailbox) = mailbox();
        let outbox = outboxes.into_iter().next();
        (outbox.unwrap_or_else(Outbox::none), mailbox, mail)
    }

    /// The job, with its coordinator, and where to send [`Signal::Suspend`] to. State that nobody has taken is an error: it
    /// would be lost in silence.
    pub fn finish(
        mut self,
        store: Option<Box<dyn CheckpointStorage>>,
        schedule: Schedule,
        listener: Listener,
        stop: &Stop,
    ) -> Result<(Job, Mail<Control>), Error> {
        for snapshot in self.restore.iter().map(|from| &from.snapshot) {
            for operator in snapshot.operators() {
                let unknown = || Error::UnknownOperator {
                    operator: operator.to_string(),
                };
                let owners = self.restored.get(operator).ok_or_else(unknown)?;
                let mut parts = snapshot.parts(operator).iter();
                if let Some(part) = parts.find(|part| !owners.contains(&part.owner)) {
                    return Err(Error::Restore(part.bad("no task owns it").into()));
                }
            }
        }
        let passed = self.passed();
        let coordinator = Coordinator::new(
            (self.members, self.sources, self.others),
            store,
            schedule,
            listener,
            (stop.clone(), self.job.board(), passed),
        );
        let (mail, mailbox) = mailbox();
        self.job
            .task_with_mail("coordinator", self.acks, mailbox, coordinator, Outbox::none());
        Ok((self.job, mail))
    }
}

#[cfg(test)]
mod tests;
