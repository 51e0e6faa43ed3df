//! What the client is told to read, and the two ways to take what it has read.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::batch::BatchReader;
use super::client::{Client, Events};
use super::fetched::{Fetched, hand_on};
use super::options::Fetch;
use crate::Error;
use crate::source::Split;

/// Reads by one client.
pub(super) struct Reader {
    calls: Calls,
    pub(super) client: Arc<Client>,
    /// Whether the client has been told what to read.
    pub(super) assigned: bool,
}

enum Calls {
    Poll,
    Batch(BatchReader),
}

impl Reader {
    pub(super) fn new(client: Arc<Client>) -> Self {
        let calls = match client.options.fetch {
            Fetch::Poll => Calls::Poll,
            Fetch::Batch => Calls::Batch(BatchReader::new(Arc::clone(&client))),
        };
        Reader {
            calls,
            client,
            assigned: false,
        }
    }

    /// Tells the client to read these splits from their positions, and no others.
    pub(super) fn assign(&mut self, splits: &[&Split]) -> Result<(), Error> {
        let what = format!("assigning {}", self.client.options.topic);
        let list = self.forwarded(splits)?;
        self.client.consumer.assign(&list).map_err(Error::failed(what))?;
        self.assigned = true;
        Ok(())
    }

    /// Tells it to read these too.
    pub(super) fn add(&self, splits: &[&Split], what: String) -> Result<(), Error> {
        let list = self.forwarded(splits)?;
        self.client
            .consumer
            .incremental_assign(&list)
            .map_err(Error::failed(what))
    }

    /// Takes these back from it.
    pub(super) fn take_back(&self, splits: &[&Split], what: String) -> Result<(), Error> {
        let list = self.positions(splits)?;
        self.client
            .consumer
            .incremental_unassign(&list)
            .map_err(Error::failed(what))
    }

    /// The positions of splits that are about to be assigned, for which the reader is ready.
    fn forwarded(&self, splits: &[&Split]) -> Result<TopicPartitionList, Error> {
        let list = self.positions(splits)?;
        if let Calls::Batch(reader) = &self.calls {
            reader.forward(splits);
        }
        Ok(list)
    }

    fn positions(&self, splits: &[&Split]) -> Result<TopicPartitionList, Error> {
        let splits = splits.iter();
        self.client
            .list(splits.map(|split| (*split, Offset::Offset(split.position))))
    }

    /// Waits up to `wait` for the first event, then takes what else is there, up to `most`.
    pub(super) fn read(&mut self, most: usize, wait: Duration, take: &mut impl FnMut(Fetched<'_>)) {
        match &mut self.calls {
            Calls::Poll => poll(&self.client.consumer, most, wait, take),
            Calls::Batch(reader) => reader.read(most, wait, take),
        }
    }
}

// ANCHOR: read
/// Reads one message a call, by rdkafka's safe interface.
fn poll(consumer: &BaseConsumer<Events>, most: usize, wait: Duration, take: &mut impl FnMut(Fetched<'_>)) {
    let mut wait = wait;
    for _ in 0..most {
        match consumer.poll(wait) {
            None => return,
            Some(polled) => hand_on(consumer, polled, take),
        }
        // Only the first message is waited for: what has arrived should be counted, not kept.
        wait = Duration::ZERO;
    }
}
// ANCHOR_END: read
