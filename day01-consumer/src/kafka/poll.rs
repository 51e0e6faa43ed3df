//! Reading one message a call, by rdkafka's safe interface.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Timestamp as KafkaTimestamp};
use rdkafka::{Message, Offset};

use super::connect::Events;
use super::reader::Fetched;
use crate::records::{Record, Timestamp};

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

/// Hands on what one poll brought.
pub(super) fn hand_on(
    consumer: &BaseConsumer<Events>,
    polled: Result<BorrowedMessage<'_>, KafkaError>,
    take: &mut impl FnMut(Fetched<'_>),
) {
    match polled {
        Ok(message) => take(Fetched::Record(Record {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key(),
            payload: message.payload(),
            timestamp: match message.timestamp() {
                KafkaTimestamp::NotAvailable => None,
                KafkaTimestamp::CreateTime(millis) => Some(Timestamp::Created(millis)),
                KafkaTimestamp::LogAppendTime(millis) => Some(Timestamp::Appended(millis)),
            },
        })),
        Err(KafkaError::PartitionEOF(partition)) => {
            take(Fetched::EndOf(partition, passed(consumer, partition)));
        }
        Err(error) => take(Fetched::Failed(error)),
    }
}

/// How far the client has come in a partition, which for one that it has read nothing of is unknown.
fn passed(consumer: &BaseConsumer<Events>, partition: i32) -> Option<i64> {
    let positions = consumer.position().ok()?;
    let elements = positions.elements();
    let element = elements.iter().find(|element| element.partition() == partition)?;
    match element.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}
