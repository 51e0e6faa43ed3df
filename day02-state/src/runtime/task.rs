//! A task: an operator with its inbox, its mailbox and its outbox, and the one method that everything happens in.
//!
//! [`Step::step`] sends what is sealed, takes mail, takes one message, or takes a turn. It never waits: what would let it go
//! on, it tells a `Select` in [`Step::watch`]. The rules of liveness that it keeps stand in the header of `mod.rs`.

use std::time::Duration;

use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::channels::{Inbox, Incoming, Mailbox, Received};
use crate::error::JobError;
use crate::fault::{Fault, put_in};
use crate::operator::{Control, EndReason, Input, Message, Operator, Out, Outcome, Output, Turn};
use crate::outbox::{Gone, Hurry, Outbox};
use crate::status::Status;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stepped {
    /// Something was done; step again.
    Went(Did),
    /// Nothing can be done before something arrives, a channel has room, or this time has come.
    Waits(Option<Duration>),
    /// The task has ended, and everything it sent has left.
    Ended,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// It sent so many packets.
    Sent(usize),
    /// It took a turn of its own.
    Turn,
    /// It took mail.
    Mail,
    /// It took rows from this channel.
    Data(usize),
    /// It took control from this channel.
    Control(usize),
    /// It took the end of this channel.
    InputEnd(usize),
    /// It ended.
    End,
}

/// Chooses one of so many.
pub(crate) type Choose<'a> = &'a mut dyn FnMut(usize) -> usize;

/// A task, whatever its operator.
pub(crate) trait Step: Send {
    fn name(&self) -> &str;
    fn step(&mut self, now: Duration, stopping: bool, choose: Choose<'_>) -> Result<Stepped, JobError>;
    /// Asks to be woken by anything that would let the next step do something.
    fn watch<'a>(&'a self, select: &mut Select<'a>);
    /// How it stands, with what its channels may do.
    fn status(&mut self) -> Status;
}

/// An operator with its inbox, its mailbox and its outbox.
pub(super) struct Task<O: Operator<C>, C> {
    name: String,
    operator: O,
    channels: Vec<Incoming<O::In, C>>,
    mailbox: Option<Receiver<C>>,
    outbox: Outbox<O::Out, C>,
    /// Whether something sealed has not left.
    stuck: bool,
    /// What the last turn came to; none before the first.
    turn: Option<Turn>,
    end_reason: EndReason,
    ended: bool,
}

/// An outbox for the length of one call, which knows what time it is.
struct TimedOutput<'a, D, C>(&'a mut Outbox<D, C>, Duration);

impl<D, C: Clone> Output<D, C> for TimedOutput<'_, D, C> {
    fn data(&mut self, data: D) {
        self.0.data(data, self.1);
    }

    fn control(&mut self, control: C) {
        self.0.control(control, Hurry::AtOnce, self.1);
    }

    fn control_with_rows(&mut self, control: C) {
        self.0.control(control, Hurry::WithRows, self.1);
    }
}

impl<C: Control, O: Operator<C>> Step for Task<O, C> {
    fn name(&self) -> &str {
        &self.name
    }

    fn step(&mut self, now: Duration, stopping: bool, choose: Choose<'_>) -> Result<Stepped, JobError> {
        match self.outbox.tend(now) {
            Ok(0) => {}
            Ok(packets) => return Ok(Stepped::Went(Did::Sent(packets))),
            Err(Gone) => return Err(self.vanished("a receiver")),
        }
        self.stuck = self.outbox.is_stuck();
        if self.stuck && (self.ended || !put_in(Fault::StepsWhileStuck)) {
            return Ok(Stepped::Waits(self.outbox.linger_until()));
        }
        if self.ended {
            return Ok(Stepped::Ended);
        }
        let acted = self.act(now, stopping, choose)?;
        if let Some(did) = acted {
            return Ok(Stepped::Went(did));
        }
        let timer = match self.turn {
            Some(Turn::Wait(until)) => until,
            _ => None,
        };
        let first = [timer, self.outbox.linger_until()].into_iter().flatten().min();
        Ok(Stepped::Waits(first))
    }

    fn watch<'a>(&'a self, select: &mut Select<'a>) {
        if self.stuck {
            return self.outbox.watch(select);
        }
        if let Some(mailbox) = &self.mailbox {
            select.recv(mailbox);
        }
        for (index, channel) in self.channels.iter().enumerate() {
            if !channel.ended && self.operator.accepts(index) {
                select.recv(&channel.packets);
            }
        }
    }

    fn status(&mut self) -> Status {
        let senders = self.channels.iter().map(|channel| channel.sender.get());
        let mut status = Status {
            senders: senders.map(str::to_string).collect(),
            ..Status::default()
        };
        self.operator.status(&mut status);
        let channels = self.channels.iter().enumerate().map(|(index, channel)| {
            let (sender, waiting) = (channel.sender.get(), channel.packets.len() + channel.rest.len());
            match (channel.ended, self.operator.accepts(index)) {
                (true, _) => format!("{sender} has ended"),
                (false, true) => format!("{sender} may send"),
                (false, false) => format!("{sender} is held back, {waiting} waiting"),
            }
        });
        let stuck = self.stuck.then(|| "its output is stuck".to_string());
        status.channels = stuck.into_iter().chain(channels).collect();
        status
    }
}

impl<C: Control, O: Operator<C>> Task<O, C> {
    pub(super) fn new(
        name: String,
        inbox: Inbox<O::In, C>,
        mailbox: Option<Mailbox<C>>,
        operator: O,
        mut outbox: Outbox<O::Out, C>,
    ) -> Self {
        outbox.name(&name);
        Task {
            name,
            operator,
            channels: inbox.channels,
            mailbox: mailbox.map(|Mailbox(receiver)| receiver),
            outbox,
            stuck: false,
            turn: None,
            end_reason: EndReason::Drained,
            ended: false,
        }
    }

    // ANCHOR: act
    /// Does the next thing there is to do, in the order of the third rule of liveness; none if there is nothing.
    fn act(&mut self, now: Duration, stopping: bool, choose: Choose<'_>) -> Result<Option<Did>, JobError> {
        let faulty = put_in(Fault::MailBeforeFirstTurn).then_some(Turn::Again);
        let did = match self.turn.or(faulty) {
            None => Some(Did::Turn),
            Some(_) if stopping && self.channels.is_empty() => {
                self.end_reason = EndReason::Stopped;
                self.turn = Some(Turn::Done);
                None
            }
            Some(turn) => match self.take_input(now, choose)? {
                Some(did) => Some(did),
                None => match turn {
                    Turn::Again => Some(Did::Turn),
                    Turn::Wait(Some(until)) if until <= now => Some(Did::Turn),
                    Turn::Wait(_) | Turn::Done => None,
                },
            },
        };
        if did.is_some() {
            self.turn = Some(self.call(now, |operator, out| operator.on_turn(now, out))?);
            return Ok(did);
        }
        let all_ended = self.channels.iter().all(|channel| channel.ended);
        if all_ended && self.turn == Some(Turn::Done) {
            let how = self.end_reason;
            self.call(now, |operator, out| operator.on_end(how, out))?;
            self.outbox.end(how);
            self.ended = true;
            return Ok(Some(Did::End));
        }
        Ok(None)
    }
    // ANCHOR_END: act

    /// Mail if there is any, else one message.
    fn take_input(&mut self, now: Duration, choose: Choose<'_>) -> Result<Option<Did>, JobError> {
        if put_in(Fault::PacketsBeforeMail)
            && let Some(did) = self.take_message(now, choose)?
        {
            return Ok(Some(did));
        }
        match self.take_mail(now)? {
            true => Ok(Some(Did::Mail)),
            false => self.take_message(now, choose),
        }
    }

    fn take_mail(&mut self, now: Duration) -> Result<bool, JobError> {
        let control = match self.mailbox.as_ref().map(Receiver::try_recv) {
            Some(Ok(control)) => control,
            Some(Err(TryRecvError::Disconnected)) => {
                // No sender is left.
                self.mailbox = None;
                return Ok(false);
            }
            Some(Err(TryRecvError::Empty)) | None => return Ok(false),
        };
        self.call(now, |operator, out| operator.on_mail(control, out))?;
        Ok(true)
    }

    /// Takes one message from one of the channels that the operator accepts.
    fn take_message(&mut self, now: Duration, choose: Choose<'_>) -> Result<Option<Did>, JobError> {
        let count = self.channels.len();
        if count == 0 {
            return Ok(None);
        }
        let first = choose(count);
        for index in (first..count).chain(0..first) {
            let channel = &mut self.channels[index];
            if channel.ended || !self.operator.accepts(index) {
                continue;
            }
            match channel.next() {
                Ok(message) => return self.take(index, message, now).map(Some),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    return Err(self.vanished(self.channels[index].sender.get()));
                }
            }
        }
        Ok(None)
    }

    fn take(&mut self, channel: usize, message: Received<O::In, C>, now: Duration) -> Result<Did, JobError> {
        let input = Input {
            port: self.channels[channel].port,
            channel,
            now,
        };
        match message {
            Received::Message(Message::Data(rows)) => {
                self.call(now, |operator, out| operator.on_data(input, rows, out))?;
                Ok(Did::Data(channel))
            }
            Received::Message(Message::Control(control)) => {
                self.call(now, |operator, out| operator.on_control(input, control, out))?;
                Ok(Did::Control(channel))
            }
            Received::End(how) => {
                self.channels[channel].ended = true;
                if how == EndReason::Stopped {
                    self.end_reason = EndReason::Stopped;
                }
                self.call(now, |operator, out| operator.on_input_end(input, how, out))?;
                Ok(Did::InputEnd(channel))
            }
        }
    }

    /// Calls the operator, whose output is told the time.
    fn call<T>(
        &mut self,
        now: Duration,
        call: impl FnOnce(&mut O, Out<'_, O::Out, C>) -> Outcome<T>,
    ) -> Result<T, JobError> {
        let done = call(&mut self.operator, &mut TimedOutput(&mut self.outbox, now));
        done.map_err(|failure| JobError::Failed {
            task: self.name.clone(),
            failure,
        })
    }

    fn vanished(&self, neighbour: &str) -> JobError {
        JobError::Vanished {
            task: self.name.clone(),
            neighbour: neighbour.to_string(),
        }
    }
}
