//! The way out of a task: from rows to packets, and which packet goes to whom.
//!
//! Rows are merged until there are enough of them for a packet, or until the first of them has waited long enough.
//! Control stands behind the rows that were sent before it, in the same packet, and seals the packet unless it is in no
//! hurry. What is sealed waits for room in its channel.
//!
//! ```text
//!              lane 0   open packet ─ seal ─► sealed packets ─► channel to receiver 0
//!  rows ─ route
//!              lane 1   open packet ─ seal ─► sealed packets ─► channel to receiver 1
//!                       rows, control, rows
//! ```
//!
//! An outbox is a tree: an edge with its lanes is a leaf, and a *tee* (both get everything), a *split* (each gets its
//! own kind of rows) or *each* (each gets its own rows) joins several of them. Every lane fills, lingers, seals and sends on
//! its own.
//!
//! Nothing here waits: a channel takes a packet or is full, and then a `Select` can be told to watch it.

mod lanes;

use std::time::Duration;

use crossbeam_channel::Select;

use crate::fault::{Fault, put_in};
use crate::operator::{Control, EndReason, Message};

pub(crate) use lanes::{Lanes, Name, Route};

/// How much may lie between two tasks.
#[derive(Debug, Clone, Copy)]
pub struct Buffers {
    /// How many packets a channel holds.
    pub capacity: usize,
    /// How many rows make a packet.
    pub rows: usize,
    /// How long a row waits for its packet to fill.
    pub linger: Duration,
}

impl Default for Buffers {
    fn default() -> Self {
        Buffers {
            capacity: 4,
            // Waking up a task costs tens of microseconds, so there must be something to do when it wakes.
            rows: 8_000,
            linger: Duration::from_millis(10),
        }
    }
}

/// What a channel carries.
#[derive(Debug)]
pub(crate) enum Packet<D, C> {
    /// In their order; never none.
    Messages(Vec<Message<D, C>>),
    End(EndReason),
}

/// Whether a message waits for its packet to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hurry {
    AtOnce,
    WithRows,
}

/// The receiver is gone, which it says only by ending badly itself.
pub(crate) struct Gone;

/// What an outbox is made of: an edge, or two outboxes.
pub(crate) trait Branch<D, C>: Send {
    fn data(&mut self, data: D, now: Duration);
    /// Visits all edges.
    fn edges(&mut self, visit: &mut dyn FnMut(&mut dyn Edge<C>));
    /// Asks to be woken when a stuck lane has room.
    fn watch<'a>(&'a self, select: &mut Select<'a>);
}

/// An edge, whatever kind of rows it carries.
pub(crate) trait Edge<C> {
    fn control(&mut self, control: C, hurry: Hurry, now: Duration);
    fn end(&mut self, how: EndReason);
    /// Seals what has waited long enough.
    fn seal_overdue(&mut self, now: Duration);
    /// Sends what can be sent; says how many packets that were.
    fn send(&mut self) -> Result<usize, Gone>;
    /// Whether anything sealed has not left.
    fn is_stuck(&self) -> bool;
    /// When the first of the rows that wait for a packet has waited long enough.
    fn linger_until(&self) -> Option<Duration>;
    fn name(&self, sender: &str);
}

/// Where a task sends to.
pub struct Outbox<D, C>(Box<dyn Branch<D, C>>);

impl<D: 'static, C: 'static> Outbox<D, C> {
    /// No receivers: the outbox of a sink.
    pub fn none() -> Self {
        Outbox(Box::new(Nobody))
    }
}

impl<D: Clone + Send + 'static, C: Control> Outbox<D, C> {
    /// Both get everything.
    pub fn tee(self, other: Self) -> Self {
        Outbox(Box::new(Fork {
            left: self.0,
            right: other.0,
            deal: |rows: D| (Some(rows.clone()), Some(rows)),
        }))
    }
}

impl<D: Send + 'static, C: Control> Outbox<D, C> {
    /// Of a list of rows, each of these outboxes gets the one in its place; control goes to all.
    pub fn each(outboxes: Vec<Self>) -> Outbox<Vec<D>, C> {
        let outboxes = outboxes.into_iter().map(|outbox| outbox.0);
        Outbox(Box::new(Each(outboxes.collect())))
    }
}

impl<A: Send + 'static, C: Control> Outbox<A, C> {
    /// Rows go to one of the two, control goes to both.
    pub fn split<B: Send + 'static>(self, other: Outbox<B, C>) -> Outbox<Either<A, B>, C> {
        Outbox(Box::new(Fork {
            left: self.0,
            right: other.0,
            deal: |rows| match rows {
                Either::Left(rows) => (Some(rows), None),
                Either::Right(rows) => (None, Some(rows)),
            },
        }))
    }
}

/// One of two kinds of rows; see [`Outbox::split`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Either<A, B> {
    /// For the first outbox.
    Left(A),
    /// For the second.
    Right(B),
}

impl<D, C: Clone> Outbox<D, C> {
    pub(crate) fn data(&mut self, data: D, now: Duration) {
        self.0.data(data, now);
    }

    pub(crate) fn control(&mut self, control: C, hurry: Hurry, now: Duration) {
        self.0
            .edges(&mut |edge| edge.control(control.clone(), hurry, now));
    }

    pub(crate) fn end(&mut self, how: EndReason) {
        self.0.edges(&mut |edge| edge.end(how));
    }

    /// Seals what has waited long enough, and sends what can be sent; says how many packets that were.
    pub(crate) fn tend(&mut self, now: Duration) -> Result<usize, Gone> {
        let mut sent = Ok(0);
        let mut held_back = false;
        let lingers = self.lingers();
        self.0.edges(&mut |edge| {
            if lingers {
                edge.seal_overdue(now);
            }
            if !held_back {
                sent = std::mem::replace(&mut sent, Ok(0)).and_then(|before| Ok(before + edge.send()?));
            }
            held_back |= edge.is_stuck() && put_in(Fault::StuckBranchHoldsBackOther);
        });
        sent
    }

    pub(crate) fn is_stuck(&mut self) -> bool {
        let mut stuck = false;
        self.0.edges(&mut |edge| stuck |= edge.is_stuck());
        stuck
    }

    /// Whether the linger runs, which it always does.
    fn lingers(&mut self) -> bool {
        !(put_in(Fault::NoLingerWhileStuck) && self.is_stuck())
    }

    pub(crate) fn linger_until(&mut self) -> Option<Duration> {
        let mut first: Option<Duration> = None;
        if !self.lingers() {
            return first;
        }
        self.0.edges(&mut |edge| {
            first = [first, edge.linger_until()].into_iter().flatten().min();
        });
        first
    }

    pub(crate) fn name(&mut self, sender: &str) {
        self.0.edges(&mut |edge| edge.name(sender));
    }

    pub(crate) fn watch<'a>(&'a self, select: &mut Select<'a>) {
        self.0.watch(select);
    }
}

/// Two outboxes that both get all control; of the rows each gets what it is dealt.
struct Fork<D, A, B, C> {
    left: Box<dyn Branch<A, C>>,
    right: Box<dyn Branch<B, C>>,
    deal: fn(D) -> (Option<A>, Option<B>),
}

impl<D: Send, A: Send, B: Send, C> Branch<D, C> for Fork<D, A, B, C> {
    fn data(&mut self, data: D, now: Duration) {
        let (left, right) = (self.deal)(data);
        left.into_iter().for_each(|rows| self.left.data(rows, now));
        right.into_iter().for_each(|rows| self.right.data(rows, now));
    }

    fn edges(&mut self, visit: &mut dyn FnMut(&mut dyn Edge<C>)) {
        self.left.edges(visit);
        self.right.edges(visit);
    }

    fn watch<'a>(&'a self, select: &mut Select<'a>) {
        self.left.watch(select);
        self.right.watch(select);
    }
}

/// Outboxes that all get control, and each its own rows.
struct Each<D, C>(Vec<Box<dyn Branch<D, C>>>);

impl<D: Send, C> Branch<Vec<D>, C> for Each<D, C> {
    fn data(&mut self, data: Vec<D>, now: Duration) {
        let each = self.0.iter_mut().zip(data);
        each.for_each(|(branch, rows)| branch.data(rows, now));
    }

    fn edges(&mut self, visit: &mut dyn FnMut(&mut dyn Edge<C>)) {
        self.0.iter_mut().for_each(|branch| branch.edges(visit));
    }

    fn watch<'a>(&'a self, select: &mut Select<'a>) {
        self.0.iter().for_each(|branch| branch.watch(select));
    }
}

/// No edge at all.
struct Nobody;

impl<D, C> Branch<D, C> for Nobody {
    fn data(&mut self, _: D, _: Duration) {}
    fn edges(&mut self, _: &mut dyn FnMut(&mut dyn Edge<C>)) {}
    fn watch<'a>(&'a self, _: &mut Select<'a>) {}
}
