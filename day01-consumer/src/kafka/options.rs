//! The options of a Kafka source: which topic, from where, and by which reader.

use super::cluster::Cluster;
use crate::source::Start;

/// The options of a Kafka source: which topic, from where, and by which reader.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// Where the brokers are, and how to connect.
    pub cluster: Cluster,
    /// The topic.
    pub topic: String,
    /// The consumer group whose offsets `Start::Group` reads and [`commit`](crate::source::Source::commit) writes.
    pub group: String,
    /// Where to start.
    pub start: Start,
    /// Stop at the ends that the partitions have now.
    pub until_end: bool,
    /// Which of librdkafka's calls to read with.
    pub fetch: Fetch,
}

/// Which of librdkafka's calls brings the records.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// One message a call, by the safe interface of rdkafka.
    Poll,
    /// Many messages a call, which costs less.
    #[default]
    Batch,
}
