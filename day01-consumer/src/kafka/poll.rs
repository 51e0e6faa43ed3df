//! Reading one message a call, by rdkafka's safe interface.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::BaseConsumer;

use super::client::Events;
use super::fetched::{Fetched, hand_on};

pub(super) struct PollReader(pub(super) Arc<BaseConsumer<Events>>);

impl PollReader {
    // ANCHOR: read
    pub(super) fn read(&mut self, most: usize, wait: Duration, take: &mut impl FnMut(Fetched<'_>)) {
        let mut wait = wait;
        for _ in 0..most {
            match self.0.poll(wait) {
                None => return,
                Some(polled) => hand_on(&self.0, polled, take),
            }
            // Only the first message is waited for: what has arrived should be counted, not kept.
            wait = Duration::ZERO;
        }
    }
    // ANCHOR_END: read
}
