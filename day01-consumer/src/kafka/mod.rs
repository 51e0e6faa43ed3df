//! A topic of a real Kafka as a source.
//!
//! The engine owns the offsets. The consumer is told which partitions to read and from where (`assign`), and nothing is
//! committed unless [`commit`](crate::source::Source::commit) says so. There is no group membership, so there are no rebalances either: who
//! reads which partition is decided here, not by the broker. Five rules keep records from being lost in silence:
//!
//! 1. Every start position is checked against what the partition still holds, and librdkafka is set to fail
//!    (`auto.offset.reset=error`) where it would otherwise jump: retention can pass a reader while it reads.
//! 2. A partition that appears later is read from its beginning, by the source whose share it falls to.
//! 3. The end of a partition is the client's word (`PartitionEOF`), never a count: offsets have gaps.
//! 4. A topic is known by its id, where the brokers tell one (since Kafka 2.8): one that is deleted and created again has
//!    the old name, and a position in the old topic means nothing in the new one.
//! 5. A client that gets no answer for ten seconds is given up, and a new one reads on. Since 2.10, librdkafka forgets all
//!    brokers when the only one that answers says twice that there are none (its issue 5301), as Kafka does between a
//!    broker's hang and its coming back into the cluster; then it may never read again.
//!
//! Each file uses those below it:
//!
//! ```text
//! source        the contract of day 1, kept            topic       creating one, for writers
//! monitor       the thread that asks, and waits        opening     what a source begins with
//! watch         when to ask, and what silence means    questions   put to a broker, and waited for
//! splits        how far each partition was read        topic_id    which topic of this name it is
//! hidden        records behind an open transaction     failure     which failures pass by themselves
//! reader        what the client is told to read        refusal     why a broker refuses a record, for writers
//! batch         reading many messages a call           probe       what listens at a port that gives no answer
//! fetched       what the client hands out              reason      why a broker cannot be reached
//! client        settings, and what the client says
//! options       which topic, and how
//! cluster       where the brokers are, and how clients connect
//! buffers       the memory that it reads into
//! ```
//!
//! Left out: headers, and several topics.

mod batch;
mod buffers;
mod client;
mod cluster;
mod failure;
mod fetched;
mod hidden;
mod monitor;
mod opening;
mod options;
mod probe;
mod questions;
mod reader;
mod reason;
mod refusal;
mod source;
mod splits;
mod topic;
mod topic_id;
mod watch;

pub use cluster::{ClientOption, Cluster};
pub use options::{Fetch, KafkaOptions};
pub use refusal::explain_refusal;
pub use source::KafkaSource;
pub use topic::ensure_topic;
