//! Reading many messages a call, which costs less than one message a call.
//!
//! librdkafka can fill an array with messages in one call (`rd_kafka_consume_batch_queue`): it takes the lock of a
//! partition once a batch, where a poll takes it once a message, and builds no event around each message. rdkafka does
//! not offer that call, so this file makes it by hand, through rdkafka-sys.
//!
//! The call knows only messages. An error of fetching a partition comes as a message with an error code; one that belongs
//! to the client ("all brokers are down") is an *event*, which the call would write to the log and forget. So the two are
//! kept apart: the partitions are forwarded to a queue of our own, and events stay on the consumer's queue, where the safe
//! `poll` reports them as it always does. One kind is lost all the same: that the topic has gone is an event on the queue
//! of each partition. So `source.rs` asks the broker about that, with either reader.
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
//! 1. The queue is created from a live client, is never null, and is destroyed once, in `drop`, before the client: a
//!    [`BatchReader`] holds the client too, and declares it behind the queue.
//! 2. A message pointer is valid from the call that returned it until `rd_kafka_message_destroy`, which is called once for
//!    each, by [`Message`]'s `drop`. (Should `take` panic, the messages behind it leak, which is not unsound.) Slices of
//!    it are only lent to `take`, which copies them.
//! 3. `payload` and `key` are null or point to `len` and `key_len` bytes.
//! 4. A broker may send an error code that this version of librdkafka does not know. So the code is read as a number
//!    and never as the Rust enum, and no reference to the whole message is made; likewise for the kind of timestamp.
//! 5. librdkafka's queues may be used from any thread, and this one is used by one at a time (`&mut self`), so moving
//!    the reader to another thread is sound. Sharing it is neither needed nor allowed.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka_sys as sys;
use sys::rd_kafka_resp_err_t as Code;
use sys::rd_kafka_timestamp_type_t as TimestampType;

use super::client::Client;
use super::fetched::{End, Fetched, hand_on};
use crate::records::{Record, Timestamp};
use crate::source::Split;

pub(super) struct BatchReader {
    // Declared before the client, and so dropped before it.
    queue: Queue,
    client: Arc<Client>,
    /// Where the call puts its messages.
    slots: Vec<*mut sys::rd_kafka_message_t>,
}

// SAFETY: 5. above; `slots` holds no live message between two calls.
unsafe impl Send for BatchReader {}

impl BatchReader {
    pub(super) fn new(client: Arc<Client>) -> Self {
        // SAFETY: the native client is alive as long as `client` is.
        let queue = unsafe { sys::rd_kafka_queue_new(client.consumer.client().native_ptr()) };
        BatchReader {
            queue: Queue(queue),
            client,
            slots: Vec::new(),
        }
    }

    /// Forwards partitions to our queue. A partition that is forwarded before it is assigned stays so.
    pub(super) fn forward(&self, splits: &[&Split]) {
        // A name with a zero byte is no topic's; the assignment that follows reports it.
        let Ok(topic) = CString::new(self.client.options.topic.as_str()) else {
            return;
        };
        for split in splits {
            // SAFETY: the client and the name are alive during the calls; the partition's queue is released once.
            unsafe {
                let native = self.client.consumer.client().native_ptr();
                let of_partition = sys::rd_kafka_queue_get_partition(native, topic.as_ptr(), split.partition);
                if let Some(of_partition) = NonNull::new(of_partition) {
                    sys::rd_kafka_queue_forward(of_partition.as_ptr(), self.queue.0);
                    sys::rd_kafka_queue_destroy(of_partition.as_ptr());
                }
            }
        }
    }

    pub(super) fn read(&mut self, most: usize, wait: Duration, take: &mut impl FnMut(Fetched<'_>)) {
        while let Some(event) = self.client.consumer.poll(Duration::ZERO) {
            hand_on(&self.client.consumer, event, take);
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
                Message(message).hand_on(&self.client, take);
            }
        }
        filled
    }
}

/// Up to where the client has last heard that a partition is written, which is not asked of the broker again.
fn known_high(client: &Client, partition: i32) -> Option<i64> {
    let topic = CString::new(client.options.topic.as_str()).ok()?;
    let (mut low, mut high) = (0_i64, 0_i64);
    // SAFETY: the client, the name and both numbers are alive during the call.
    let known = unsafe {
        let native = client.consumer.client().native_ptr();
        sys::rd_kafka_get_watermark_offsets(native, topic.as_ptr(), partition, &mut low, &mut high)
    };
    (known == Code::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
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
    fn hand_on(self, client: &Client, take: &mut impl FnMut(Fetched<'_>)) {
        let message = self.0.as_ptr();
        // SAFETY: 2. above for reading the fields, 3. for the bytes, 4. for the code.
        let (code, partition, offset, key, payload) = unsafe {
            (
                ptr::addr_of!((*message).err).cast::<i32>().read(),
                (*message).partition,
                (*message).offset,
                bytes((*message).key, (*message).key_len),
                bytes((*message).payload, (*message).len),
            )
        };
        match Code::try_from(code) {
            Ok(Code::RD_KAFKA_RESP_ERR_NO_ERROR) => {
                let timestamp = self.timestamp();
                take(Fetched::Record(Record {
                    partition,
                    offset,
                    key,
                    payload,
                    timestamp,
                }));
            }
            // Not the client's position: after this call it counts the end itself as one more record.
            Ok(Code::RD_KAFKA_RESP_ERR__PARTITION_EOF) => take(Fetched::EndOf(End {
                partition,
                passed: Some(offset),
                high: known_high(client, partition),
            })),
            Ok(code) => take(Fetched::Failed(KafkaError::MessageConsumption(code.into()))),
            Err(_) => take(Fetched::Failed(KafkaError::MessageConsumption(
                RDKafkaErrorCode::Unknown,
            ))),
        }
    }

    fn timestamp(&self) -> Option<Timestamp> {
        let mut kind = 0_u32;
        // SAFETY: 2. above, and 4. for the kind, which is as large as the enum.
        let millis =
            unsafe { sys::rd_kafka_message_timestamp(self.0.as_ptr(), ptr::addr_of_mut!(kind).cast()) };
        const CREATED: u32 = TimestampType::RD_KAFKA_TIMESTAMP_CREATE_TIME as u32;
        const APPENDED: u32 = TimestampType::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME as u32;
        match kind {
            CREATED => Some(Timestamp::Created(millis)),
            APPENDED => Some(Timestamp::Appended(millis)),
            _ => None,
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
