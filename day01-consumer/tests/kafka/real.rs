//! A real Kafka, which the environment names, and what tests do to it: topics of their own, retention, and what stops it.

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::eventually;

/// What the environment says.
pub fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: see the first lines of real_kafka.rs"))
}

pub fn brokers() -> String {
    setting("KAFKA_BROKERS")
}

/// Stops or starts the broker.
pub fn kafka_script(action: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/kafka");
    let instance = ["--port", &setting("KAFKA_PORT"), "--dir", &setting("KAFKA_DIR")];
    let status = Command::new(script).arg(action).args(instance).status();
    assert!(status.unwrap().success(), "kafka {action}");
}

pub fn admin() -> AdminClient<DefaultClientContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers()).create().unwrap()
}

/// A name that no other test and no other run uses.
pub fn unused_name(what: &str) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{millis}-{}-{number}", std::process::id())
}

pub fn new_topic(what: &str, partitions: i32) -> String {
    new_topic_with(what, partitions, &[])
}

pub fn new_topic_with(what: &str, partitions: i32, settings: &[(&str, &str)]) -> String {
    let name = unused_name(what);
    create_topic(&name, partitions, settings);
    name
}

pub fn create_topic(name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    topic.config = settings.to_vec();
    // A topic of that name may be on its way out.
    eventually("a new topic", || {
        let created = block_on(admin().create_topics([&topic], &AdminOptions::new())).unwrap();
        created[0].is_ok().then_some(())
    });
}

pub fn delete_topic(name: &str) {
    let deleted = block_on(admin().delete_topics(&[name], &AdminOptions::new())).unwrap();
    deleted[0].as_ref().unwrap();
}

/// Makes the topic have so many.
pub fn add_partitions(topic: &str, partitions: usize) {
    let grown = NewPartitions::new(topic, partitions);
    let created = block_on(admin().create_partitions([&grown], &AdminOptions::new())).unwrap();
    created[0].as_ref().unwrap();
}

/// What retention does to the oldest records of a partition.
pub fn delete_records(topic: &str, partition: i32, before: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(before))
        .unwrap();
    block_on(admin().delete_records(&list, &AdminOptions::new())).unwrap();
}
