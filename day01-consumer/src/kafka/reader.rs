//! The two ways to read, behind one face.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::BaseConsumer;

use super::batch::BatchReader;
use super::client::Events;
use super::fetched::Fetched;
use super::options::Fetch;
use super::poll::PollReader;

/// One of the two.
pub(super) enum Reader {
    Poll(PollReader),
    Batch(BatchReader),
}

impl Reader {
    pub(super) fn new(fetch: Fetch, consumer: &Arc<BaseConsumer<Events>>) -> Self {
        let consumer = Arc::clone(consumer);
        match fetch {
            Fetch::Poll => Reader::Poll(PollReader(consumer)),
            Fetch::Batch => Reader::Batch(BatchReader::new(consumer)),
        }
    }

    /// Gets ready for partitions that are about to be assigned.
    pub(super) fn forward(&self, topic: &str, partitions: &[i32]) {
        if let Reader::Batch(reader) = self {
            reader.forward(topic, partitions);
        }
    }

    /// Waits up to `wait` for the first event, then takes what else is there, up to `most`.
    pub(super) fn read(&mut self, most: usize, wait: Duration, take: &mut impl FnMut(Fetched<'_>)) {
        match self {
            Reader::Poll(reader) => reader.read(most, wait, take),
            Reader::Batch(reader) => reader.read(most, wait, take),
        }
    }
}
