//! The sending side of one edge: its lanes, one to each receiver, and how rows are dealt out over them.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::{Select, Sender, TrySendError};

use super::{Branch, Buffers, Edge, Gone, Hurry, Outbox, Packet};
use crate::fault::{Fault, put_in};
use crate::keys::Owners;
use crate::operator::{Batch, Control, EndReason, Message};

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

/// How an edge deals out rows over its lanes.
pub(crate) enum Route<D> {
    Single,
    Broadcast(fn(&D) -> D),
    ByKey(fn(D, &Owners, &mut [D]), Box<Owners>),
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
    channel: Sender<Packet<D, C>>,
}

impl<D: Batch, C: Control> Lanes<D, C> {
    pub(crate) fn outbox(
        route: Route<D>,
        channels: Vec<Sender<Packet<D, C>>>,
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

impl<D: Batch, C: Control> Branch<D, C> for Lanes<D, C> {
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
            select.send(&lane.channel);
        }
    }
}

impl<D: Batch, C: Control> Edge<C> for Lanes<D, C> {
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
                match lane.channel.try_send(packet) {
                    Ok(()) => sent += 1,
                    Err(TrySendError::Disconnected(_)) => return Err(Gone),
                    Err(TrySendError::Full(packet)) => {
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
