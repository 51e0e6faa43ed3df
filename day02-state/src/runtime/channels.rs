//! The channels between tasks: edges, inboxes, and mail, which is for control outside of the channels.

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, unbounded};

use crate::keys::Owners;
use crate::operator::{Batch, Control, EndReason, Keyed, Message};
use crate::outbox::{Buffers, Lanes, Name, Outbox, Packet, Route};

/// One channel of an inbox.
pub(super) struct Incoming<D, C> {
    pub(super) packets: Receiver<Packet<D, C>>,
    /// What is left of the packet that was taken last.
    pub(super) rest: std::vec::IntoIter<Message<D, C>>,
    pub(super) port: usize,
    pub(super) sender: Name,
    pub(super) ended: bool,
}

impl<D, C> Incoming<D, C> {
    /// The next message, or the end, without waiting for it.
    pub(super) fn next(&mut self) -> Result<Received<D, C>, TryRecvError> {
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
pub(super) enum Received<D, C> {
    Message(Message<D, C>),
    End(EndReason),
}

/// Where a task receives from.
pub struct Inbox<D, C> {
    pub(super) channels: Vec<Incoming<D, C>>,
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
pub fn by_key<D: Keyed, C: Control>(senders: usize, receivers: usize, buffers: Buffers) -> Edge<D, C> {
    edge(senders, receivers, buffers, || {
        Route::ByKey(D::scatter, Box::new(Owners::of(receivers)))
    })
}

/// Each row goes to every receiver.
pub fn broadcast<D, C: Control>(senders: usize, receivers: usize, buffers: Buffers) -> Edge<D, C>
where
    D: Batch + Clone,
{
    edge(senders, receivers, buffers, || Route::Broadcast(D::clone))
}

/// All rows go to the one receiver.
pub fn single<D: Batch, C: Control>(senders: usize, buffers: Buffers) -> Edge<D, C> {
    edge(senders, 1, buffers, || Route::Single)
}

/// Each sender has a receiver of its own.
pub fn forward<D: Batch, C: Control>(pairs: usize, buffers: Buffers) -> Edge<D, C> {
    let (mut outboxes, mut inboxes) = (Vec::new(), Vec::new());
    for pair in std::iter::repeat_with(|| single(1, buffers)).take(pairs) {
        outboxes.extend(pair.outboxes);
        inboxes.extend(pair.inboxes);
    }
    Edge { outboxes, inboxes }
}

fn edge<D: Batch, C: Control>(
    senders: usize,
    receivers: usize,
    buffers: Buffers,
    route: impl Fn() -> Route<D>,
) -> Edge<D, C> {
    let empty = || Inbox {
        channels: Vec::new(),
        ports: 1,
    };
    let mut inboxes: Vec<Inbox<D, C>> = std::iter::repeat_with(empty).take(receivers).collect();
    let outbox = |_| {
        let name = Name::default();
        let channel = |inbox: &mut Inbox<D, C>| {
            let (sender, packets) = bounded(buffers.capacity.max(1));
            inbox.channels.push(Incoming {
                packets,
                rest: Vec::new().into_iter(),
                port: 0,
                sender: name.clone(),
                ended: false,
            });
            sender
        };
        let channels = inboxes.iter_mut().map(channel).collect();
        Lanes::outbox(route(), channels, buffers, name)
    };
    let outboxes = (0..senders).map(outbox).collect();
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
pub struct Mailbox<C>(pub(super) Receiver<C>);

/// A mailbox for a task, and what others send to it with.
pub fn mailbox<C>() -> (Mail<C>, Mailbox<C>) {
    let (sender, receiver) = unbounded();
    (Mail(sender), Mailbox(receiver))
}
