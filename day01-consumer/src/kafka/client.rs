//! A client of the brokers that leaves all decisions to us: its settings, and what it says in its callbacks.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::{Offset, TopicPartitionList};

use super::buffers;
use super::cluster::Cluster;
use super::hidden::Ends;
use super::options::KafkaOptions;
use super::reason::Reason;
use crate::Error;
use crate::source::Split;

/// What the client says in its callbacks, kept until somebody asks.
#[derive(Default)]
pub(super) struct Events {
    last_reason: Mutex<Option<Reason>>,
    /// Where the brokers say that they are to be reached.
    advertised: Mutex<Vec<String>>,
    /// By partition.
    ends: Mutex<BTreeMap<i32, Ends>>,
}

impl Events {
    /// The reason of the last failure, since a broker has answered.
    pub(super) fn last_reason(&self) -> Option<Reason> {
        lock(&self.last_reason).clone()
    }

    /// Forgets it, as a broker answers.
    pub(super) fn forget_reason(&self) {
        *lock(&self.last_reason) = None;
    }

    /// Remembers where the brokers say that they are to be reached.
    pub(super) fn set_advertised(&self, addresses: Vec<String>) {
        *lock(&self.advertised) = addresses;
    }

    /// An address that a broker has advertised, and that no person has given.
    pub(super) fn advertised_only(&self, cluster: &Cluster) -> Option<String> {
        let mut addresses = lock(&self.advertised).clone().into_iter();
        addresses.find(|address| !cluster.names(address))
    }

    /// Takes the ends of partitions that have become known since the last call.
    pub(super) fn ends(&self) -> BTreeMap<i32, Ends> {
        std::mem::take(&mut lock(&self.ends))
    }
}

/// The data under these locks is whole even if a holder has panicked.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl ClientContext for Events {
    /// librdkafka would write to stderr what the source reports by itself.
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    /// "All brokers are down" says less than the real reasons around it, and the end of a partition is none.
    fn error(&self, error: KafkaError, reason: &str) {
        use RDKafkaErrorCode::{AllBrokersDown, PartitionEOF};
        if !matches!(error.rdkafka_error_code(), Some(AllBrokersDown | PartitionEOF)) {
            *lock(&self.last_reason) = Some(Reason::new(reason));
        }
    }

    /// Once a second: the ends of all partitions, without asking the broker again. The last stable offset is the end
    /// for a reader that skips open and aborted transactions.
    fn stats(&self, statistics: Statistics) {
        let mut ends = lock(&self.ends);
        for partition in statistics
            .topics
            .values()
            .flat_map(|topic| topic.partitions.values())
        {
            if partition.ls_offset >= 0 {
                let (stable, high) = (partition.ls_offset, partition.hi_offset);
                ends.insert(partition.partition, Ends { stable, high });
            }
        }
    }
}

impl ConsumerContext for Events {}

/// A client, and what it is to read.
pub(super) struct Client {
    pub(super) consumer: BaseConsumer<Events>,
    pub(super) options: KafkaOptions,
}

impl Client {
    /// One that leaves all decisions to us.
    pub(super) fn new(options: &KafkaOptions) -> Result<Self, Error> {
        Client::isolated(options, "read_committed")
    }

    /// One that sees what transactions that are open have written. It is only asked about offsets.
    pub(super) fn uncommitted(options: &KafkaOptions) -> Result<Self, Error> {
        Client::isolated(options, "read_uncommitted")
    }

    fn isolated(options: &KafkaOptions, isolation: &str) -> Result<Self, Error> {
        buffers::keep();
        let mut config = ClientConfig::new();
        config
            .set("group.id", &options.group)
            .set("client.id", &options.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("isolation.level", isolation)
            .set("reconnect.backoff.max.ms", "1000")
            .set("statistics.interval.ms", "1000")
            // A full queue is looked at again after 2 ms; librdkafka's own second would stall a replay.
            .set("fetch.queue.backoff.ms", "2")
            // So long may a broker keep a fetch that finds nothing, and answers nothing else on that connection meanwhile.
            .set("fetch.wait.max.ms", "100")
            // What waits in the client is bounded, so memory does not grow with the backlog. An answer has so much of each
            // partition, which is more when it is unpacked, and comes whole.
            .set("fetch.message.max.bytes", "262144")
            .set("queued.min.messages", "10000")
            .set("queued.max.messages.kbytes", "8192");
        options.cluster.configure(&mut config);
        let consumer = config
            .create_with_context(Events::default())
            .map_err(Error::failed(format!("a consumer for {}", options.cluster)))?;
        Ok(Client {
            consumer,
            options: options.clone(),
        })
    }

    /// What it has said in its callbacks.
    pub(super) fn events(&self) -> &Events {
        self.consumer.context()
    }

    /// The partitions of these splits, each with an offset.
    pub(super) fn list<'a>(
        &self,
        splits: impl IntoIterator<Item = (&'a Split, Offset)>,
    ) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::new();
        for (split, offset) in splits {
            list.add_partition_offset(&self.options.topic, split.partition, offset)
                .map_err(Error::failed(format!("position of {}", split.name)))?;
        }
        Ok(list)
    }
}
