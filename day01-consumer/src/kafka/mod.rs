//! A topic of a real Kafka as a source.
//!
//! The engine owns the offsets. The consumer is told which partitions to read and from where (`assign`), and nothing is
//! committed unless [`Source::commit`] says so. There is no group membership, so there are no rebalances either: who
//! reads which partition is decided here, not by the broker. Three rules keep records from being lost in silence:
//!
//! 1. Every start position is checked against what the partition still holds, and librdkafka is set to fail
//!    (`auto.offset.reset=error`) where it would otherwise jump: retention can pass a reader while it reads.
//! 2. A partition that appears later is read from its beginning.
//! 3. The end of a partition is the client's word (`PartitionEOF`), never a count: offsets have gaps.
//!
//! Reading itself is `poll.rs`, the safe way that the chapter shows, or `batch.rs`, which costs half as much. Both hand
//! out the same `Fetched` events, so that everything in this file holds for both. Left out: TLS and SASL, headers, and
//! several topics.

mod batch;
mod connect;
mod poll;
mod topic;

pub use topic::ensure_topic;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use crate::Error;
use crate::records::{Record, Records};
use crate::source::{Polled, Positions, Source, Split, Start, Warning};
use batch::BatchReader;
use connect::Events;
use poll::PollReader;

/// How long a question to the broker may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How often the broker is asked about the topic while it is read.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a topic must have been unknown to be gone: a broker that has just started does not know every topic yet.
const GONE_AFTER: Duration = Duration::from_secs(4);
/// How many records a poll brings at most.
const BATCH: usize = 2_000;

/// Which topic to read, and how.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// `HOST:PORT[,HOST:PORT…]`
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// The consumer group whose offsets `Start::Group` reads and [`Source::commit`] writes.
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
    /// Many messages a call, at half the cost.
    #[default]
    Batch,
}

/// What a reader hands out.
enum Fetched<'a> {
    /// A record.
    Record(Record<'a>),
    /// Everything that this partition holds has been handed out, up to this offset if the client says which.
    EndOf(i32, Option<i64>),
    /// Something failed. Whether it matters is decided in this file.
    Failed(KafkaError),
}

/// One of the two ways to read.
enum Reader {
    Poll(PollReader),
    Batch(BatchReader),
}

impl Reader {
    fn new(fetch: Fetch, consumer: &BaseConsumer<Events>) -> Self {
        match fetch {
            Fetch::Poll => Reader::Poll(PollReader),
            Fetch::Batch => Reader::Batch(BatchReader::new(consumer)),
        }
    }

    /// Gets ready for partitions that are about to be assigned.
    fn expect(&self, consumer: &BaseConsumer<Events>, topic: &str, partitions: &[i32]) {
        if let Reader::Batch(reader) = self {
            reader.expect(consumer, topic, partitions);
        }
    }

    /// Waits up to `wait` for the first event, then takes what else is there, up to `most`.
    fn read(
        &mut self,
        consumer: &BaseConsumer<Events>,
        most: usize,
        wait: Duration,
        take: &mut impl FnMut(Fetched<'_>),
    ) {
        match self {
            Reader::Poll(reader) => reader.read(consumer, most, wait, take),
            Reader::Batch(reader) => reader.read(consumer, most, wait, take),
        }
    }
}

/// Reads one topic.
pub struct KafkaSource {
    // Declared before the consumer, so that it is dropped before it.
    reader: Reader,
    consumer: BaseConsumer<Events>,
    options: KafkaOptions,
    splits: Vec<Split>,
    assigned: bool,
    looked: Instant,
    unknown_since: Option<Instant>,
    partitions: usize,
    brokers: Brokers,
    warnings: Vec<Warning>,
}

/// Whether any broker can be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Brokers {
    /// One answers, as far as is known.
    There,
    /// All connections are down. Often this passes at once, so nobody is told before an attempt to connect has failed
    /// or a question has found no answer.
    Down,
    /// A warning has said so.
    Away,
}

impl KafkaSource {
    /// Reaches the broker, finds the topic and its partitions, and settles where to start and where to end.
    pub fn open(options: KafkaOptions) -> Result<Self, Error> {
        let consumer = connect::consumer(&options)?;
        let partitions = connect::partitions(&consumer, &options)?;
        let mut splits = Vec::with_capacity(partitions.len());
        for partition in partitions {
            splits.push(connect::split(&consumer, &options.topic, partition)?);
        }
        connect::start(&consumer, &options, &mut splits)?;
        for split in &mut splits {
            split.caught_up = options.until_end && split.end.is_some_and(|end| split.position >= end);
        }
        Ok(KafkaSource {
            reader: Reader::new(options.fetch, &consumer),
            consumer,
            options,
            partitions: splits.len(),
            splits,
            assigned: false,
            looked: Instant::now(),
            unknown_since: None,
            brokers: Brokers::There,
            warnings: Vec::new(),
        })
    }

    /// Tells the client what to read, at the first poll after opening or seeking.
    fn assign(&mut self) -> Result<(), Error> {
        let unread: Vec<&Split> = self.splits.iter().filter(|split| !split.caught_up).collect();
        let partitions: Vec<i32> = unread.iter().map(|split| split.partition).collect();
        let list = offsets(&self.options.topic, unread.into_iter())?;
        self.reader
            .expect(&self.consumer, &self.options.topic, &partitions);
        self.consumer
            .assign(&list)
            .map_err(Error::kafka(format!("assigning {}", self.options.topic)))?;
        self.assigned = true;
        Ok(())
    }

    /// Asks the broker about the topic, at most every other second. Any answer means that a broker is there. What it
    /// says decides whether the topic still is, because the client only tells one of the two readers; and it shows
    /// partitions that were added.
    fn look_at_topic(&mut self) -> Result<(), Error> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.looked = Instant::now();
        let now = match connect::partitions_now(&self.consumer, &self.options.topic) {
            Ok(now) => now,
            Err(error) if connect::is_unknown_topic(&error) => {
                self.broker_answers();
                let since = self.unknown_since.get_or_insert_with(Instant::now);
                return match since.elapsed() < GONE_AFTER {
                    true => Ok(()),
                    false => Err(connect::unknown_topic(&self.consumer, &self.options)),
                };
            }
            Err(_) => {
                let reason = self.consumer.context().last_reason();
                self.warn_if_down(Some(reason.unwrap_or_else(|| "no answer".to_string())));
                return Ok(());
            }
        };
        self.broker_answers();
        self.unknown_since = None;
        if now.len() < self.partitions {
            self.warnings.push(Warning::PartitionsGone {
                before: self.partitions,
                now: now.len(),
            });
        }
        self.partitions = now.len();
        if self.options.until_end {
            return Ok(());
        }
        for partition in now {
            if self.splits.iter().all(|split| split.partition != partition) {
                self.add_partition(partition)?;
            }
        }
        Ok(())
    }

    fn add_partition(&mut self, partition: i32) -> Result<(), Error> {
        let split = connect::split(&self.consumer, &self.options.topic, partition)?;
        let list = offsets(&self.options.topic, std::iter::once(&split))?;
        self.reader
            .expect(&self.consumer, &self.options.topic, &[partition]);
        self.consumer
            .incremental_assign(&list)
            .map_err(Error::kafka(format!("assigning {}", split.name)))?;
        self.warnings.push(Warning::PartitionFound {
            split: split.name.clone(),
        });
        self.splits.push(split);
        self.splits.sort_by_key(|split| split.partition);
        Ok(())
    }

    fn broker_answers(&mut self) {
        self.consumer.context().forget_reason();
        if std::mem::replace(&mut self.brokers, Brokers::There) == Brokers::Away {
            self.warnings.push(Warning::BrokerBack {
                brokers: self.options.brokers.clone(),
            });
        }
    }

    /// Warns that no broker can be reached, once it is known why.
    fn warn_if_down(&mut self, reason: Option<String>) {
        if self.brokers == Brokers::Down
            && let Some(reason) = reason
        {
            self.brokers = Brokers::Away;
            self.warnings.push(Warning::BrokerAway {
                brokers: self.options.brokers.clone(),
                reason,
            });
        }
    }

    /// Tells what passes by itself, which is waited for, from what does not.
    fn on_failure(&mut self, error: KafkaError) -> Result<(), Error> {
        use RDKafkaErrorCode::*;
        match error.rdkafka_error_code() {
            Some(AllBrokersDown) => {
                if self.brokers == Brokers::There {
                    self.brokers = Brokers::Down;
                }
                Ok(())
            }
            // One of several brokers, or one that is about to hand over: the client goes on trying by itself.
            Some(
                BrokerTransportFailure
                | Resolve
                | OperationTimedOut
                | RequestTimedOut
                | LeaderNotAvailable
                | NotLeaderForPartition
                | NetworkException
                | CoordinatorLoadInProgress
                | CoordinatorNotAvailable
                | NotCoordinator,
            ) => Ok(()),
            // The next look at the topic says whether this is so.
            Some(UnknownTopic | UnknownTopicOrPartition | UnknownPartition) => Ok(()),
            Some(OffsetOutOfRange | AutoOffsetReset) => Err(self.find_out_of_range(error)),
            _ => Err(Error::Kafka {
                what: format!("reading {}", self.options.topic),
                error,
            }),
        }
    }

    /// The client does not say which partition is out of range: ask for the range of each.
    fn find_out_of_range(&self, error: KafkaError) -> Error {
        for split in &self.splits {
            if let Err(error) = connect::check_range(&self.consumer, &self.options.topic, split) {
                return error;
            }
        }
        Error::Kafka {
            what: format!("reading {}", self.options.topic),
            error,
        }
    }
}

/// A list of partitions with the positions of these splits.
fn offsets<'a>(topic: &str, splits: impl Iterator<Item = &'a Split>) -> Result<TopicPartitionList, Error> {
    let mut list = TopicPartitionList::new();
    for split in splits {
        list.add_partition_offset(topic, split.partition, Offset::Offset(split.position))
            .map_err(Error::kafka(format!("position of {}", split.name)))?;
    }
    Ok(list)
}

impl Source for KafkaSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        positions.all_known(&self.splits)?;
        // A seek that fails moves nothing.
        let mut splits = self.splits.clone();
        for split in &mut splits {
            split.position = positions.get(&split.name).unwrap_or(split.position);
            connect::check_range(&self.consumer, &self.options.topic, split)?;
            split.caught_up = self.options.until_end && split.end.is_some_and(|end| split.position >= end);
        }
        if self.assigned {
            // A consumer that has begun to read has records in flight; a new one has not.
            let consumer = connect::consumer(&self.options)?;
            // In this order: the reader of the old consumer must go before it.
            self.reader = Reader::new(self.options.fetch, &consumer);
            self.consumer = consumer;
            self.assigned = false;
        }
        self.splits = splits;
        Ok(())
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        records.clear();
        if self.options.until_end && self.splits.iter().all(|split| split.caught_up) {
            return Ok(Polled::End);
        }
        if !self.assigned {
            self.assign()?;
        }
        self.look_at_topic()?;

        let mut failures = Vec::new();
        let (splits, bounded) = (&mut self.splits, self.options.until_end);
        self.reader
            .read(&self.consumer, BATCH, wait, &mut |fetched| match fetched {
                Fetched::Record(record) => accept(splits, bounded, record, records),
                Fetched::EndOf(partition, passed) => reached_end(splits, bounded, partition, passed),
                Fetched::Failed(error) => failures.push(error),
            });

        if !bounded {
            for (partition, end) in self.consumer.context().ends() {
                if let Some(split) = find(&mut self.splits, partition) {
                    split.end = split.end.max(Some(end));
                }
            }
        }
        for error in failures {
            self.on_failure(error)?;
        }
        self.warn_if_down(self.consumer.context().last_reason());
        match records.is_empty() {
            false => Ok(Polled::Ready),
            true => Ok(Polled::Idle),
        }
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for split in &self.splits {
            if let Some(position) = positions.get(&split.name) {
                list.add_partition_offset(&self.options.topic, split.partition, Offset::Offset(position))
                    .map_err(Error::kafka(format!("position of {}", split.name)))?;
            }
        }
        self.consumer
            .commit(&list, CommitMode::Sync)
            .map_err(Error::kafka(format!(
                "committing offsets of group {}",
                self.options.group
            )))
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        format!("{}/{partition}@{offset}", self.options.topic)
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }
}

/// Keeps a record, unless it lies behind the end at which a bounded read stops, and moves its split behind it.
#[inline]
fn accept(splits: &mut [Split], bounded: bool, record: Record<'_>, records: &mut Records) {
    let Some(split) = find(splits, record.partition) else {
        return;
    };
    if bounded && split.end.is_some_and(|end| record.offset >= end) {
        split.position = split.end.unwrap_or(split.position);
        split.caught_up = true;
        return;
    }
    records.push(record);
    split.position = record.offset + 1;
    match bounded {
        true => split.caught_up = split.end.is_some_and(|end| split.position >= end),
        false => {
            split.caught_up = false;
            split.end = split.end.max(Some(split.position));
        }
    }
}

/// Notes that everything a partition holds has been handed out. The client has then passed the transaction markers
/// behind the last record, which our position has not.
fn reached_end(splits: &mut [Split], bounded: bool, partition: i32, passed: Option<i64>) {
    let Some(split) = find(splits, partition) else {
        return;
    };
    split.position = passed.map_or(split.position, |passed| split.position.max(passed));
    split.caught_up = true;
    match bounded {
        true => split.position = split.end.unwrap_or(split.position),
        false => split.end = Some(split.position),
    }
}

#[inline]
fn find(splits: &mut [Split], partition: i32) -> Option<&mut Split> {
    let index = splits
        .binary_search_by_key(&partition, |split| split.partition)
        .ok()?;
    splits.get_mut(index)
}

/// Offsets by partition.
type Ends = BTreeMap<i32, i64>;
