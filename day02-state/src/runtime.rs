//! Tasks, and the channels between them: the one file of the whole project with dataflow threads and channels in it.
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
//! **Liveness.** Each of these was a hang or a wrong result when it was missing. `liveness.rs` puts each fault back in.
//! 1. Every lane, and every branch of a tee, sends on its own: one that is stuck holds back no other.
//! 2. While anything sealed has not left, the task does not go on, but its linger runs: what others wait for may lie
//!    in the open batch of another lane.
//! 3. The first turn comes before any mail, and mail comes before packets.
//!
//! An end is explicit. A sender that vanishes without one is an error that names it, and so is a panic; either ends the
//! whole job. Left out: moving tasks between threads, channels over a network, and priorities.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, TrySendError, bounded, unbounded};

use crate::error::JobError;
use crate::fault::{Fault, put_in};
use crate::keys::Owners;
use crate::operator::{Batch, EndReason, Failure, Input, Keyed, Message, Operator, Output, Turn};
use crate::outbox::{Channel, Gone, Hurry, Lanes, Name, Outbox, Packet, Refused, Route};

pub use crate::outbox::Buffers;

// ------------------------------------------------------------------------------------------------- channels and edges

impl<P: Send> Channel<P> for Sender<P> {
    fn offer(&mut self, packet: P) -> Result<(), Refused<P>> {
        self.try_send(packet).map_err(|refused| match refused {
            TrySendError::Full(packet) => Refused::Full(packet),
            TrySendError::Disconnected(_) => Refused::Gone,
        })
    }

    fn watch<'a>(&'a self, select: &mut Select<'a>) {
        select.send(self);
    }
}

/// One channel of an inbox.
struct Incoming<D, C> {
    packets: Receiver<Packet<D, C>>,
    /// What is left of the packet that was taken last.
    rest: std::vec::IntoIter<Message<D, C>>,
    port: usize,
    sender: Name,
    ended: bool,
}

impl<D, C> Incoming<D, C> {
    /// The next message, or the end, without waiting for it.
    fn next(&mut self) -> Result<Received<D, C>, TryRecvError> {
        loop {
            if let Some(message) = self.rest.next() {
                return Ok(Received::Message(message));
            }
            match self.packets.try_recv()? {
                Packet::Messages(messages) => self.rest = messages.into_iter(),
                Packet::End(how) => return Ok(Received::End(how)),
            }
        }
    }
}

/// What has come out of a channel.
enum Received<D, C> {
    Message(Message<D, C>),
    End(EndReason),
}

/// Where a task receives from.
pub struct Inbox<D, C> {
    channels: Vec<Incoming<D, C>>,
    ports: usize,
}

impl<D, C> Inbox<D, C> {
    /// No channels: the inbox of a source.
    pub fn none() -> Self {
        Inbox {
            channels: Vec::new(),
            ports: 0,
        }
    }

    /// How many channels there are, for an operator that waits for all of them.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Both, with the ports of `other` behind our own.
    pub fn join(mut self, mut other: Self) -> Self {
        for channel in &mut other.channels {
            channel.port += self.ports;
        }
        self.ports += other.ports;
        self.channels.append(&mut other.channels);
        self
    }

    /// Both, as the same ports.
    pub fn merge(mut self, mut other: Self) -> Self {
        self.ports = self.ports.max(other.ports);
        self.channels.append(&mut other.channels);
        self
    }
}

/// The two sides of an edge.
pub struct Edge<D, C> {
    /// For the senders, in order.
    pub outboxes: Vec<Outbox<D, C>>,
    /// For the receivers, in order.
    pub inboxes: Vec<Inbox<D, C>>,
}

/// Each row goes to the receiver that owns its key.
pub fn by_key<D, C>(senders: usize, receivers: usize, buffers: Buffers) -> Edge<D, C>
where
    D: Keyed + 'static,
    C: Clone + Send + 'static,
{
    edge(senders, receivers, buffers, || {
        Route::ByKey(D::scatter, Box::new(Owners::of(receivers)))
    })
}

/// Each row goes to every receiver.
pub fn broadcast<D, C>(senders: usize, receivers: usize, buffers: Buffers) -> Edge<D, C>
where
    D: Batch + Clone + 'static,
    C: Clone + Send + 'static,
{
    edge(senders, receivers, buffers, || Route::Broadcast(D::clone))
}

/// All rows go to the one receiver.
pub fn single<D, C>(senders: usize, buffers: Buffers) -> Edge<D, C>
where
    D: Batch + 'static,
    C: Clone + Send + 'static,
{
    edge(senders, 1, buffers, || Route::Single)
}

/// Each sender has a receiver of its own.
pub fn forward<D, C>(pairs: usize, buffers: Buffers) -> Edge<D, C>
where
    D: Batch + 'static,
    C: Clone + Send + 'static,
{
    let (mut outboxes, mut inboxes) = (Vec::new(), Vec::new());
    for pair in std::iter::repeat_with(|| single(1, buffers)).take(pairs) {
        outboxes.extend(pair.outboxes);
        inboxes.extend(pair.inboxes);
    }
    Edge { outboxes, inboxes }
}

fn edge<D, C>(senders: usize, receivers: usize, buffers: Buffers, route: impl Fn() -> Route<D>) -> Edge<D, C>
where
    D: Batch + 'static,
    C: Clone + Send + 'static,
{
    let empty = || Inbox {
        channels: Vec::new(),
        ports: 1,
    };
    let mut inboxes: Vec<Inbox<D, C>> = std::iter::repeat_with(empty).take(receivers).collect();
    let mut outboxes = Vec::with_capacity(senders);
    for _ in 0..senders {
        let name = Name::default();
        let mut channels: Vec<Box<dyn Channel<Packet<D, C>>>> = Vec::with_capacity(receivers);
        for inbox in &mut inboxes {
            let (sender, packets) = bounded(buffers.capacity.max(1));
            inbox.channels.push(Incoming {
                packets,
                rest: Vec::new().into_iter(),
                port: 0,
                sender: name.clone(),
                ended: false,
            });
            channels.push(Box::new(sender));
        }
        outboxes.push(Lanes::outbox(route(), channels, buffers, name));
    }
    Edge { outboxes, inboxes }
}

/// Sends control to a task outside of the channels. Never blocks.
#[derive(Debug, Clone)]
pub struct Mail<C>(Sender<C>);

impl<C> Mail<C> {
    /// Delivers unless the task has ended, which it may at any time.
    pub fn send(&self, control: C) {
        let _ = self.0.send(control);
    }
}

/// Where a task takes its mail from.
pub struct Mailbox<C>(Receiver<C>);

/// A mailbox for a task, and what others send to it with.
pub fn mailbox<C>() -> (Mail<C>, Mailbox<C>) {
    let (sender, receiver) = unbounded();
    (Mail(sender), Mailbox(receiver))
}

// -------------------------------------------------------------------------------------------------------------- tasks

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
    fn status(&self) -> String;
}

/// An operator with its inbox, its mailbox and its outbox.
struct Task<O: Operator<C>, C> {
    name: String,
    operator: O,
    channels: Vec<Incoming<O::In, C>>,
    mailbox: Option<Receiver<C>>,
    outbox: Outbox<O::Out, C>,
    /// Whether something sealed has not left.
    stuck: bool,
    /// What the last turn came to; none before the first.
    turn: Option<Turn>,
    how: EndReason,
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

impl<C: Clone + Send, O: Operator<C>> Step for Task<O, C> {
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

    fn status(&self) -> String {
        let inputs = self.channels.iter().enumerate().map(|(index, channel)| {
            let (sender, waiting) = (channel.sender.get(), channel.packets.len() + channel.rest.len());
            match (channel.ended, self.operator.accepts(index)) {
                (true, _) => format!("{sender} has ended"),
                (false, true) => format!("{sender} may send"),
                (false, false) => format!("{sender} is held back, {waiting} waiting"),
            }
        });
        let mut all: Vec<String> = inputs.collect();
        all.extend(self.stuck.then(|| "its output is stuck".to_string()));
        match all.is_empty() {
            true => format!("{}: {}", self.name, self.operator.status()),
            false => format!("{}: {} ({})", self.name, self.operator.status(), all.join("; ")),
        }
    }
}

impl<C: Clone + Send, O: Operator<C>> Task<O, C> {
    // ANCHOR: act
    /// Does the next thing there is to do, in the order of the third rule of liveness; none if there is nothing.
    fn act(&mut self, now: Duration, stopping: bool, choose: Choose<'_>) -> Result<Option<Did>, JobError> {
        let faulty = put_in(Fault::MailBeforeFirstTurn).then_some(Turn::Again);
        let did = match self.turn.or(faulty) {
            None => Some(Did::Turn),
            Some(_) if stopping && self.channels.is_empty() => {
                self.how = EndReason::Stopped;
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
            let turn = self
                .operator
                .on_turn(now, &mut TimedOutput(&mut self.outbox, now));
            self.turn = Some(turn.map_err(|failure| self.failed(failure))?);
            return Ok(did);
        }
        let all_ended = self.channels.iter().all(|channel| channel.ended);
        if all_ended && self.turn == Some(Turn::Done) {
            let ended = self
                .operator
                .on_end(self.how, &mut TimedOutput(&mut self.outbox, now));
            ended.map_err(|failure| self.failed(failure))?;
            self.outbox.end(self.how);
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
                // Nobody is left who could write.
                self.mailbox = None;
                return Ok(false);
            }
            Some(Err(TryRecvError::Empty)) | None => return Ok(false),
        };
        let done = self
            .operator
            .on_mail(control, &mut TimedOutput(&mut self.outbox, now));
        done.map_err(|failure| self.failed(failure))?;
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
        };
        let out = &mut TimedOutput(&mut self.outbox, now);
        let (did, done) = match message {
            Received::Message(Message::Data(rows)) => {
                (Did::Data(channel), self.operator.on_data(input, rows, out))
            }
            Received::Message(Message::Control(control)) => (
                Did::Control(channel),
                self.operator.on_control(input, control, out),
            ),
            Received::End(how) => {
                self.channels[channel].ended = true;
                if how == EndReason::Stopped {
                    self.how = EndReason::Stopped;
                }
                (
                    Did::InputEnd(channel),
                    self.operator.on_input_end(input, how, out),
                )
            }
        };
        done.map_err(|failure| self.failed(failure))?;
        Ok(did)
    }

    fn failed(&self, failure: Failure) -> JobError {
        JobError::Failed {
            task: self.name.clone(),
            failure,
        }
    }

    fn vanished(&self, neighbour: &str) -> JobError {
        JobError::Vanished {
            task: self.name.clone(),
            neighbour: neighbour.to_string(),
        }
    }
}

/// A job: its tasks, wired.
#[derive(Default)]
pub struct Job {
    pub(crate) tasks: Vec<Box<dyn Step>>,
}

impl Job {
    /// A job without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task.
    pub fn task<C: Clone + Send + 'static, O: Operator<C> + 'static>(
        &mut self,
        name: impl Into<String>,
        inbox: Inbox<O::In, C>,
        operator: O,
        outbox: Outbox<O::Out, C>,
    ) {
        self.add(name.into(), inbox, None, operator, outbox);
    }

    /// Adds a task that also takes mail.
    pub fn task_with_mail<C: Clone + Send + 'static, O: Operator<C> + 'static>(
        &mut self,
        name: impl Into<String>,
        inbox: Inbox<O::In, C>,
        mailbox: Mailbox<C>,
        operator: O,
        outbox: Outbox<O::Out, C>,
    ) {
        self.add(name.into(), inbox, Some(mailbox.0), operator, outbox);
    }

    fn add<C: Clone + Send + 'static, O: Operator<C> + 'static>(
        &mut self,
        name: String,
        inbox: Inbox<O::In, C>,
        mailbox: Option<Receiver<C>>,
        operator: O,
        mut outbox: Outbox<O::Out, C>,
    ) {
        outbox.name(&name);
        self.tasks.push(Box::new(Task {
            name,
            operator,
            channels: inbox.channels,
            mailbox,
            outbox,
            stuck: false,
            turn: None,
            how: EndReason::Drained,
            ended: false,
        }));
    }
}

// ------------------------------------------------------------------------------------------------------------ threads

/// A signal that can be given once, to everybody: by it a running job is asked to stop.
#[derive(Debug, Clone)]
pub struct Stop {
    /// Receivers see it when the only sender is dropped.
    sender: Arc<Mutex<Option<Sender<()>>>>,
    signal: Receiver<()>,
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
    let first_error: Mutex<Option<JobError>> = Mutex::new(None);
    let give_up = Stop::new();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for mut task in job.tasks {
            let name = task.name().to_string();
            let (first_error, give_up, name_of_task) = (&first_error, &give_up, name.clone());
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
                    let run = || run_task(task.as_mut(), started, stop, give_up);
                    match catch_unwind(AssertUnwindSafe(run)) {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => fail(error),
                        Err(panic) => fail(panicked(panic)),
                    }
                    // Only now do its neighbours see its channels go, so that its error is the first.
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(move || drop(task))) {
                        fail(panicked(panic));
                    }
                });
            if let Err(error) = spawned {
                return fail(JobError::Failed {
                    task: name,
                    failure: error.into(),
                });
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
fn run_task(task: &mut dyn Step, started: Instant, stop: &Stop, give_up: &Stop) -> Result<(), JobError> {
    // Channels in turn: the one behind that which was looked at first the last time.
    let mut next = 0;
    let mut choose = move |count: usize| {
        next = (next + 1) % count;
        next
    };
    while !give_up.is_asked() {
        let stopping = stop.is_asked();
        match task.step(started.elapsed(), stopping, &mut choose)? {
            Stepped::Went(_) => {}
            Stepped::Ended => break,
            Stepped::Waits(until) => {
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
