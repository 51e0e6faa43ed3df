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
/// How often the topic is looked at for new partitions.
const LOOK_FOR_PARTITIONS_EVERY: Duration = Duration::from_secs(2);
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
    /// Everything that this partition holds has been handed out.
    EndOf(i32),
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
    looked_for_partitions: Instant,
    broker_away: bool,
    warnings: Vec<Warning>,
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
            splits,
            assigned: false,
            looked_for_partitions: Instant::now(),
            broker_away: false,
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

    /// Looks for partitions that were added since, at most every other second. While the broker is away this finds
    /// nothing, and finding something again means that it is back.
    fn look_for_partitions(&mut self) -> Result<(), Error> {
        if self.looked_for_partitions.elapsed() < LOOK_FOR_PARTITIONS_EVERY {
            return Ok(());
        }
        self.looked_for_partitions = Instant::now();
        let Ok(now) = connect::partitions_now(&self.consumer, &self.options.topic) else {
            return Ok(());
        };
        self.broker_answers();
        if now.len() < self.splits.len() {
            self.warnings.push(Warning::PartitionsGone {
                before: self.splits.len(),
                now: now.len(),
            });
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
        if std::mem::take(&mut self.broker_away) {
            self.warnings.push(Warning::BrokerBack {
                brokers: self.options.brokers.clone(),
            });
        }
    }

    /// Tells what passes by itself, which is waited for, from what does not.
    fn on_failure(&mut self, error: KafkaError) -> Result<(), Error> {
        use RDKafkaErrorCode::*;
        match error.rdkafka_error_code() {
            Some(
                AllBrokersDown
                | BrokerTransportFailure
                | Resolve
                | OperationTimedOut
                | RequestTimedOut
                | LeaderNotAvailable
                | NotLeaderForPartition
                | NetworkException
                | CoordinatorLoadInProgress
                | CoordinatorNotAvailable
                | NotCoordinator,
            ) => {
                let reason = self
                    .consumer
                    .context()
                    .last_reason()
                    .unwrap_or_else(|| error.to_string());
                if !std::mem::replace(&mut self.broker_away, true) {
                    self.warnings.push(Warning::BrokerAway {
                        brokers: self.options.brokers.clone(),
                        reason,
                    });
                }
                Ok(())
            }
            Some(UnknownTopic | UnknownTopicOrPartition | UnknownPartition) => {
                Err(connect::unknown_topic(&self.consumer, &self.options))
            }
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

    /// Notes that everything a partition held has been handed out.
    fn reached_end(&mut self, partitions: &[i32]) -> Result<(), Error> {
        let positions = self
            .consumer
            .position()
            .map_err(Error::kafka("asking for positions"))?;
        for split in &mut self.splits {
            if !partitions.contains(&split.partition) {
                continue;
            }
            // The client's position has passed the transaction markers behind the last record; ours has not.
            let passed = positions
                .find_partition(&self.options.topic, split.partition)
                .map(|element| element.offset());
            if let Some(Offset::Offset(passed)) = passed {
                split.position = split.position.max(passed);
            }
            split.caught_up = true;
            split.end = match self.options.until_end {
                true => split.end.inspect(|end| split.position = *end),
                false => Some(split.position),
            };
        }
        Ok(())
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
        if self.assigned {
            // A consumer that has begun to read has records in flight; a new one has not.
            self.consumer = connect::consumer(&self.options)?;
            self.reader = Reader::new(self.options.fetch, &self.consumer);
            self.assigned = false;
        }
        for split in &mut self.splits {
            split.position = positions.get(&split.name).unwrap_or(split.position);
            connect::check_range(&self.consumer, &self.options.topic, split)?;
            split.caught_up = self.options.until_end && split.end.is_some_and(|end| split.position >= end);
        }
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
        if !self.options.until_end {
            self.look_for_partitions()?;
        }

        let (mut ended, mut failures) = (Vec::new(), Vec::new());
        let (splits, bounded) = (&mut self.splits, self.options.until_end);
        self.reader
            .read(&self.consumer, BATCH, wait, &mut |fetched| match fetched {
                Fetched::Record(record) => accept(splits, bounded, record, records),
                Fetched::EndOf(partition) => ended.push(partition),
                Fetched::Failed(error) => failures.push(error),
            });

        if !bounded {
            for (partition, end) in self.consumer.context().ends() {
                if let Some(split) = find(&mut self.splits, partition) {
                    split.end = split.end.max(Some(end));
                }
            }
        }
        if !ended.is_empty() {
            self.reached_end(&ended)?;
        }
        if !records.is_empty() || !ended.is_empty() {
            self.broker_answers();
        }
        for error in failures {
            self.on_failure(error)?;
        }
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
    split.caught_up = bounded && split.end.is_some_and(|end| split.position >= end);
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
