//! The id of a topic: which of the topics that have had this name it is.
//!
//! Since 2.8, Kafka gives each topic an id when it is created (KIP-516). librdkafka tells it in its answer to the admin
//! request "describe topics", which rdkafka does not offer, so this file makes the call by hand, through rdkafka-sys.
//!
//! # Why the unsafe code here is sound
//!
//! 1. What is created here (queue, options, collection) is owned by a guard, which destroys it once, before the client that
//!    it belongs to: the client is borrowed for the whole call.
//! 2. A result, its topics and their ids belong to the event, and are read while the event lives, which is until its guard
//!    is dropped. An event that comes after the wait goes to a queue that is gone, and librdkafka drops it.
//! 3. The kind of an event and its error code are compared as numbers where a broker may send one that is not in the enum.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::ptr;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka_sys as sys;

use super::client::Client;
use crate::source::Identity;

/// What an older broker gives for an id: sixteen zero bytes in base64.
const NONE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// A pointer that we own, with what destroys it.
struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: 1. above.
            unsafe { (self.1)(self.0) }
        }
    }
}

/// The id of the topic; none if this broker has not told it within `wait`, or has none. Left to itself, the client would
/// wait until it knows the controller.
pub(super) fn topic_id(client: &Client, broker: Option<i32>, wait: Duration) -> Option<Identity> {
    let id = describe(client, broker?, wait).filter(|id| !id.is_empty() && id != NONE)?;
    Some(Identity {
        words: format!("a topic with the id {id}"),
        bytes: id.into_bytes(),
    })
}

/// The id as Kafka's own tools write it, in base64.
fn describe(client: &Client, broker: i32, wait: Duration) -> Option<String> {
    let topic = CString::new(client.options.topic.as_str()).ok()?;
    let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    let client = client.consumer.client().native_ptr();
    let mut names = [topic.as_ptr()];
    // SAFETY: 1. above; the name is copied by the call that takes it.
    let event = unsafe {
        let queue = Owned(sys::rd_kafka_queue_new(client), sys::rd_kafka_queue_destroy);
        let kind = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = Owned(
            sys::rd_kafka_AdminOptions_new(client, kind),
            sys::rd_kafka_AdminOptions_destroy,
        );
        sys::rd_kafka_AdminOptions_set_request_timeout(options.0, wait, ptr::null_mut(), 0);
        sys::rd_kafka_AdminOptions_set_broker(options.0, broker, ptr::null_mut(), 0);
        let topics = Owned(
            sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            sys::rd_kafka_TopicCollection_destroy,
        );
        sys::rd_kafka_DescribeTopics(client, topics.0, options.0, queue.0);
        Owned(
            sys::rd_kafka_queue_poll(queue.0, wait),
            sys::rd_kafka_event_destroy,
        )
    };
    // SAFETY: 2. above. Asked for its result, an event of another kind, or none, has none.
    unsafe {
        let result = (!event.0.is_null()).then(|| sys::rd_kafka_event_DescribeTopics_result(event.0))?;
        let mut count = 0;
        let described = (!result.is_null())
            .then(|| sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count))
            .filter(|described| !described.is_null() && count == 1)?;
        let id = sys::rd_kafka_TopicDescription_topic_id(*described);
        let text = (!id.is_null()).then(|| sys::rd_kafka_Uuid_base64str(id))?;
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}
