//! Reading many messages a call, at about half the cost of `poll.rs`.
//!
//! librdkafka can fill an array with messages in one call (`rd_kafka_consume_batch_queue`): it takes the lock of a
//! partition once a batch, where a poll takes it once a message, and builds no event around each message. rdkafka does
//! not offer that call, so this file makes it by hand, through rdkafka-sys.
//!
//! The call knows only messages. An error of fetching a partition comes as a message with an error code; one that belongs
//! to the client ("all brokers are down") is an *event*, which the call would write to the log and forget. So the two are
//! kept apart: the partitions are forwarded to a queue of our own, and events stay on the consumer's queue, where the safe
//! `poll` reports them as it always does. One kind is lost all the same: that the topic has gone is an event on the queue
//! of each partition. So `mod.rs` asks the broker about that, whoever reads.
//!
//! ```text
//! orders/0 ──┐
//! orders/1 ──┼─► own queue ──────► rd_kafka_consume_batch_queue ──► records, ends, errors of a partition
//! orders/2 ──┘
//! client ──────► consumer queue ─► BaseConsumer::poll ────────────► errors of the client, statistics
//! ```
//!
//! # Why the unsafe code here is sound
//!
//! 1. The queue is created from a live client, is never null, and is destroyed once, in `drop`. librdkafka counts
//!    references to it, so partitions that are still forwarded to it keep it alive until the client is gone. Whoever
//!    owns a [`BatchReader`] drops it before the consumer (`KafkaSource` declares it first).
//! 2. A message pointer is valid from the call that returned it until `rd_kafka_message_destroy`, which is called exactly
//!    once for each, by [`Message`]'s `drop`. Slices of it are only lent to `take`, which copies them.
//! 3. `payload` and `key` are null or point to `len` and `key_len` bytes.
//! 4. librdkafka's queues may be used from any thread, and this one is used by one at a time (`&mut self`), so moving
//!    the reader to another thread is sound. Sharing it is neither needed nor allowed.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka_sys as sys;
use sys::rd_kafka_resp_err_t as Code;
use sys::rd_kafka_timestamp_type_t as TimestampType;

use super::Fetched;
use super::connect::Events;
use super::poll::hand_on;
use crate::records::{Record, Timestamp};

pub(super) struct BatchReader {
    queue: Queue,
    /// Where the call puts its messages.
    slots: Vec<*mut sys::rd_kafka_message_t>,
}

// SAFETY: 4. above; `slots` holds no live message between two calls.
unsafe impl Send for BatchReader {}

impl BatchReader {
    pub(super) fn new(consumer: &BaseConsumer<Events>) -> Self {
        // SAFETY: the client is alive as long as `consumer` is borrowed.
        let queue = unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) };
        BatchReader {
            queue: Queue(queue),
            slots: Vec::new(),
        }
    }

    /// Forwards partitions to our queue. A partition that is forwarded before it is assigned stays so.
    pub(super) fn expect(&self, consumer: &BaseConsumer<Events>, topic: &str, partitions: &[i32]) {
        // A name with a zero byte is no topic's; the assignment that follows reports it.
        let Ok(topic) = CString::new(topic) else {
            return;
        };
        for partition in partitions {
            // SAFETY: the client and the name are alive during the calls; the partition's queue is released once.
            unsafe {
                let native = consumer.client().native_ptr();
                let of_partition = sys::rd_kafka_queue_get_partition(native, topic.as_ptr(), *partition);
                if let Some(of_partition) = NonNull::new(of_partition) {
                    sys::rd_kafka_queue_forward(of_partition.as_ptr(), self.queue.0);
                    sys::rd_kafka_queue_destroy(of_partition.as_ptr());
                }
            }
        }
    }

    pub(super) fn read(
        &mut self,
        consumer: &BaseConsumer<Events>,
        most: usize,
        wait: Duration,
        take: &mut impl FnMut(Fetched<'_>),
    ) {
        while let Some(event) = consumer.poll(Duration::ZERO) {
            hand_on(consumer, event, take);
        }
        // The call waits until the array is *full*: so wait for one message only, and only if none is there.
        if self.consume(most, Duration::ZERO, take) == 0
            && !wait.is_zero()
            && self.consume(1, wait, take) == 1
        {
            self.consume(most - 1, Duration::ZERO, take);
        }
    }

    /// One call: hands on up to `most` messages and says how many there were.
    fn consume(&mut self, most: usize, wait: Duration, take: &mut impl FnMut(Fetched<'_>)) -> usize {
        self.slots.clear();
        self.slots.resize(most, ptr::null_mut());
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive, and `slots` has room for `most` pointers.
        let filled =
            unsafe { sys::rd_kafka_consume_batch_queue(self.queue.0, wait, self.slots.as_mut_ptr(), most) };
        let filled = usize::try_from(filled).unwrap_or(0);
        for slot in self.slots.drain(..).take(filled) {
            if let Some(message) = NonNull::new(slot) {
                Message(message).hand_on(take);
            }
        }
        filled
    }
}

/// An own queue; destroyed when dropped.
struct Queue(*mut sys::rd_kafka_queue_t);

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: 1. above.
        unsafe { sys::rd_kafka_queue_destroy(self.0) }
    }
}

/// A message that we own; destroyed when dropped.
struct Message(NonNull<sys::rd_kafka_message_t>);

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: 2. above.
        unsafe { sys::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

impl Message {
    #[inline]
    fn hand_on(self, take: &mut impl FnMut(Fetched<'_>)) {
        // SAFETY: 2. above.
        let message = unsafe { self.0.as_ref() };
        match message.err {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => take(Fetched::Record(Record {
                partition: message.partition,
                offset: message.offset,
                // SAFETY: 3. above, for both.
                key: unsafe { bytes(message.key, message.key_len) },
                payload: unsafe { bytes(message.payload, message.len) },
                timestamp: self.timestamp(),
            })),
            // Not the client's position: after this call it counts the end itself as one more record.
            Code::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                take(Fetched::EndOf(message.partition, Some(message.offset)));
            }
            code => take(Fetched::Failed(KafkaError::MessageConsumption(code.into()))),
        }
    }

    fn timestamp(&self) -> Option<Timestamp> {
        let mut kind = TimestampType::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: 2. above.
        let millis = unsafe { sys::rd_kafka_message_timestamp(self.0.as_ptr(), &mut kind) };
        match kind {
            TimestampType::RD_KAFKA_TIMESTAMP_CREATE_TIME => Some(Timestamp::Created(millis)),
            TimestampType::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => Some(Timestamp::Appended(millis)),
            TimestampType::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => None,
        }
    }
}

/// Bytes that librdkafka lends, or none where it has none.
///
/// # Safety
/// `start` is null or points to `length` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const std::ffi::c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's word.
    NonNull::new(start.cast_mut())
        .map(|start| unsafe { slice::from_raw_parts(start.as_ptr().cast_const().cast::<u8>(), length) })
}
