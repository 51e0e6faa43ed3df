//! What comes out of a client: records, ends of partitions and failures, whichever call has brought them.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Timestamp as KafkaTimestamp};
use rdkafka::{Message, Offset};

use super::client::Events;
use crate::records::{Record, Timestamp};

/// What a reader hands out.
pub(super) enum Fetched<'a> {
    /// A record.
    Record(Record<'a>),
    /// Everything of a partition that can be read has been handed out.
    EndOf(End),
    /// Something failed. Whether it matters is decided by the source.
    Failed(KafkaError),
}

/// The end of a partition.
pub(super) struct End {
    pub(super) partition: i32,
    /// Up to which offset the client has come, if it says so.
    pub(super) passed: Option<i64>,
    /// Up to where the partition is written, if that is known.
    pub(super) high: Option<i64>,
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
            take(Fetched::EndOf(End {
                partition,
                passed: passed(consumer, partition),
                high: None,
            }));
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
