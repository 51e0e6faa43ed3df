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
//! An outbox is a tree: an edge with its lanes is a leaf, and a *tee* (both get everything) or a *split* (each gets its
//! own kind of rows) joins two of them. Every lane fills, lingers, seals and sends on its own.
//!
//! Nothing here waits, and of a channel nothing more is known here than that it takes a packet or is full, and that a
//! `Select` can be told to watch it.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::Select;

use crate::fault::{Fault, put_in};
use crate::keys::Owners;
use crate::operator::{Batch, EndReason, Message};

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

/// The name of a sender, which its channels learn when it is wired.
#[derive(Debug, Default, Clone)]
pub(crate) struct Name(Arc<OnceLock<String>>);

impl Name {
    pub(crate) fn set(&self, name: &str) {
        // An outbox is moved into its task, so this happens once.
        let _ = self.0.set(name.to_string());
    }

    pub(crate) fn get(&self) -> &str {
        self.0.get().map_or("a task that was never wired", String::as_str)
    }
}

/// What a channel carries.
#[derive(Debug)]
pub(crate) enum Packet<D, C> {
    /// In their order; never none.
    Messages(Vec<Message<D, C>>),
    End(EndReason),
}

/// The sending side of a channel.
pub(crate) trait Channel<P>: Send {
    /// Takes the packet, or gives it back.
    fn offer(&mut self, packet: P) -> Result<(), Refused<P>>;
    /// Asks to be woken when there is room.
    fn watch<'a>(&'a self, select: &mut Select<'a>);
}

/// Why a channel has not taken a packet.
pub(crate) enum Refused<P> {
    Full(P),
    Gone,
}

/// Whether a message waits for its packet to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hurry {
    AtOnce,
    WithRows,
}

/// The receiver is gone, which it says only by ending badly itself.
pub(crate) struct Gone;

/// How an edge deals out rows over its lanes.
pub(crate) enum Route<D> {
    Single,
    Broadcast(fn(&D) -> D),
    ByKey(fn(D, &Owners, &mut [D]), Box<Owners>),
}

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

impl<D: Clone + Send + 'static, C: Clone + Send + 'static> Outbox<D, C> {
    /// Both get everything.
    pub fn tee(self, other: Self) -> Self {
        Outbox(Box::new(Tee(self.0, other.0, D::clone)))
    }
}

impl<A: Send + 'static, C: Clone + Send + 'static> Outbox<A, C> {
    /// Rows go to one of the two, control goes to both.
    pub fn split<B: Send + 'static>(self, other: Outbox<B, C>) -> Outbox<Either<A, B>, C> {
        Outbox(Box::new(Split(self.0, other.0)))
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

/// The sending side of one edge.
pub(crate) struct Lanes<D, C> {
    route: Route<D>,
    /// For each lane the batch that is being filled. Apart from the lanes, so that a route sees all of them.
    open: Vec<D>,
    lanes: Vec<Lane<D, C>>,
    buffers: Buffers,
    sender: Name,
}

/// What is on its way into one channel.
struct Lane<D, C> {
    /// When the first row or control came into the open packet.
    open_since: Option<Duration>,
    /// What stands in the open packet before the open batch, and how many rows and controls that are.
    packet: Vec<Message<D, C>>,
    weight: usize,
    sealed: VecDeque<Packet<D, C>>,
    channel: Box<dyn Channel<Packet<D, C>>>,
}

impl<D: Batch + 'static, C: Clone + Send + 'static> Lanes<D, C> {
    pub(crate) fn outbox(
        route: Route<D>,
        channels: Vec<Box<dyn Channel<Packet<D, C>>>>,
        buffers: Buffers,
        sender: Name,
    ) -> Outbox<D, C> {
        let lane = |channel| Lane {
            open_since: None,
            packet: Vec::new(),
            weight: 0,
            sealed: VecDeque::new(),
            channel,
        };
        Outbox(Box::new(Lanes {
            route,
            open: channels.iter().map(|_| D::default()).collect(),
            lanes: channels.into_iter().map(lane).collect(),
            buffers,
            sender,
        }))
    }

    /// Closes the open batch of a lane: control comes behind it.
    fn close_batch(&mut self, lane: usize) {
        let rows = self.open[lane].rows();
        if rows > 0 {
            self.lanes[lane].weight += rows;
            let batch = self.open[lane].take();
            self.lanes[lane].packet.push(Message::Data(batch));
        }
    }

    /// Seals the open packet of a lane.
    fn seal(&mut self, lane: usize) {
        self.close_batch(lane);
        self.seal_packet(lane);
    }

    /// Seals what stands in a lane's packet before the open batch.
    fn seal_packet(&mut self, lane: usize) {
        let Lane {
            open_since,
            packet,
            weight,
            sealed,
            ..
        } = &mut self.lanes[lane];
        (*open_since, *weight) = (None, 0);
        if !packet.is_empty() {
            sealed.push_back(Packet::Messages(std::mem::take(packet)));
        }
    }

    /// Something has come into the open packet of a lane: seals it if it is full. What is larger than two packets, such as a
    /// window with a million rows, leaves in many.
    fn filled(&mut self, lane: usize, now: Duration) {
        let rows = self.buffers.rows.max(1);
        if self.open[lane].rows() >= 2 * rows {
            let mut batches = std::mem::take(&mut self.open[lane]).cut(rows);
            self.open[lane] = batches.pop().unwrap_or_default();
            for batch in batches {
                self.lanes[lane].packet.push(Message::Data(batch));
                self.seal_packet(lane);
            }
        }
        match self.lanes[lane].weight + self.open[lane].rows() {
            0 => {}
            rows if rows >= self.buffers.rows => self.seal(lane),
            _ => drop(self.lanes[lane].open_since.get_or_insert(now)),
        }
    }
}

impl<D: Batch + 'static, C: Clone + Send + 'static> Branch<D, C> for Lanes<D, C> {
    fn data(&mut self, data: D, now: Duration) {
        match &self.route {
            Route::Single => self.open[0].append(data),
            Route::Broadcast(copy) => self.open.iter_mut().for_each(|open| open.append(copy(&data))),
            Route::ByKey(scatter, owners) => scatter(data, owners, &mut self.open),
        }
        (0..self.lanes.len()).for_each(|lane| self.filled(lane, now));
    }

    fn edges(&mut self, visit: &mut dyn FnMut(&mut dyn Edge<C>)) {
        visit(self);
    }

    fn watch<'a>(&'a self, select: &mut Select<'a>) {
        for lane in self.lanes.iter().filter(|lane| !lane.sealed.is_empty()) {
            lane.channel.watch(select);
        }
    }
}

impl<D: Batch + 'static, C: Clone + Send + 'static> Edge<C> for Lanes<D, C> {
    fn control(&mut self, control: C, hurry: Hurry, now: Duration) {
        for lane in 0..self.lanes.len() {
            self.close_batch(lane);
            self.lanes[lane].packet.push(Message::Control(control.clone()));
            self.lanes[lane].weight += 1;
            match hurry {
                Hurry::AtOnce => self.seal(lane),
                Hurry::WithRows => self.filled(lane, now),
            }
        }
    }

    fn end(&mut self, how: EndReason) {
        for lane in 0..self.lanes.len() {
            self.seal(lane);
            self.lanes[lane].sealed.push_back(Packet::End(how));
        }
    }

    fn seal_overdue(&mut self, now: Duration) {
        for lane in 0..self.lanes.len() {
            let since = self.lanes[lane].open_since;
            if since.is_some_and(|since| since.saturating_add(self.buffers.linger) <= now) {
                self.seal(lane);
            }
        }
    }

    fn send(&mut self) -> Result<usize, Gone> {
        let mut sent = 0;
        for lane in &mut self.lanes {
            while let Some(packet) = lane.sealed.pop_front() {
                match lane.channel.offer(packet) {
                    Ok(()) => sent += 1,
                    Err(Refused::Gone) => return Err(Gone),
                    Err(Refused::Full(packet)) => {
                        lane.sealed.push_front(packet);
                        break;
                    }
                }
            }
            if !lane.sealed.is_empty() && put_in(Fault::StuckLaneHoldsBackOthers) {
                break;
            }
        }
        Ok(sent)
    }

    fn is_stuck(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.sealed.is_empty())
    }

    fn linger_until(&self) -> Option<Duration> {
        let first = self.lanes.iter().filter_map(|lane| lane.open_since).min();
        first.map(|since| since.saturating_add(self.buffers.linger))
    }

    fn name(&self, sender: &str) {
        self.sender.set(sender);
    }
}

/// Two outboxes that get the same.
struct Tee<D, C>(Box<dyn Branch<D, C>>, Box<dyn Branch<D, C>>, fn(&D) -> D);

impl<D: Send, C> Branch<D, C> for Tee<D, C> {
    fn data(&mut self, data: D, now: Duration) {
        self.0.data((self.2)(&data), now);
        self.1.data(data, now);
    }

    fn edges(&mut self, visit: &mut dyn FnMut(&mut dyn Edge<C>)) {
        self.0.edges(visit);
        self.1.edges(visit);
    }

    fn watch<'a>(&'a self, select: &mut Select<'a>) {
        self.0.watch(select);
        self.1.watch(select);
    }
}

/// Two outboxes, of which each gets its kind of rows, and both all control.
struct Split<A, B, C>(Box<dyn Branch<A, C>>, Box<dyn Branch<B, C>>);

impl<A: Send, B: Send, C> Branch<Either<A, B>, C> for Split<A, B, C> {
    fn data(&mut self, data: Either<A, B>, now: Duration) {
        match data {
            Either::Left(rows) => self.0.data(rows, now),
            Either::Right(rows) => self.1.data(rows, now),
        }
    }

    fn edges(&mut self, visit: &mut dyn FnMut(&mut dyn Edge<C>)) {
        self.0.edges(visit);
        self.1.edges(visit);
    }

    fn watch<'a>(&'a self, select: &mut Select<'a>) {
        self.0.watch(select);
        self.1.watch(select);
    }
}

/// No edge at all.
struct Nobody;

impl<D, C> Branch<D, C> for Nobody {
    fn data(&mut self, _: D, _: Duration) {}
    fn edges(&mut self, _: &mut dyn FnMut(&mut dyn Edge<C>)) {}
    fn watch<'a>(&'a self, _: &mut Select<'a>) {}
}
