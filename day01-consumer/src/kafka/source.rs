//! A topic of a Kafka as a [`Source`]: what is read, what is asked of the broker meanwhile, and what the answers mean.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::client::{self, Events};
use super::fetched::Fetched;
use super::options::KafkaOptions;
use super::questions;
use super::reader::Reader;
use super::splits::{accept, find, reached_end};
use crate::Error;
use crate::records::Records;
use crate::source::{MAX_RECORD, Polled, Positions, Share, Source, Split, Warning};

/// How often the broker is asked about the topic while it is read.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a topic must have been unknown to be gone: a broker that has just started does not know every topic yet.
const GONE_AFTER: Duration = Duration::from_secs(4);
/// After how long without an answer the client is given up: 4. above.
const RENEW_AFTER: Duration = Duration::from_secs(10);
/// How many records a poll brings at most.
const BATCH: usize = 2_000;

/// Reads one topic.
pub struct KafkaSource {
    reader: Reader,
    consumer: Arc<BaseConsumer<Events>>,
    options: KafkaOptions,
    splits: Vec<Split>,
    share: Share,
    assigned: bool,
    looked: Instant,
    /// Since when no broker has answered this client's looks.
    silent_since: Option<Instant>,
    unknown_since: Option<Instant>,
    /// How many the topic had at the last look, those of other shares included.
    partitions_seen: usize,
    max_record: usize,
    connection: Connection,
    warnings: Vec<Warning>,
}

/// Whether any broker can be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connection {
    /// One answers, as far as is known.
    There,
    /// The client has said that all connections are down. That may be over by now, so a broker is asked.
    Down,
    /// None has answered. Somebody should hear of it.
    Silent,
    /// A warning has said so.
    Away,
}

impl KafkaSource {
    /// Reaches the broker, finds the topic and its partitions, and settles where to start and where to end.
    pub fn open(options: KafkaOptions) -> Result<Self, Error> {
        let consumer = Arc::new(client::consumer(&options)?);
        let partitions = questions::partitions(&consumer, &options)?;
        let mut splits = Vec::with_capacity(partitions.len());
        for partition in partitions {
            splits.push(questions::split(&consumer, &options.topic, partition)?);
        }
        questions::start(&consumer, &options, &mut splits)?;
        for split in &mut splits {
            split.caught_up = options.until_end && split.end.is_some_and(|end| split.position >= end);
        }
        Ok(KafkaSource {
            reader: Reader::new(options.fetch, &consumer),
            consumer,
            options,
            partitions_seen: splits.len(),
            splits,
            share: Share::ALL,
            assigned: false,
            looked: Instant::now(),
            silent_since: None,
            unknown_since: None,
            max_record: MAX_RECORD,
            connection: Connection::There,
            warnings: Vec::new(),
        })
    }

    /// Refuses records of more bytes than this, key and payload together.
    pub fn with_max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// Tells the client what to read, at the first poll after opening or seeking.
    fn assign(&mut self) -> Result<(), Error> {
        let unread: Vec<&Split> = self.splits.iter().filter(|split| !split.caught_up).collect();
        let partitions: Vec<i32> = unread.iter().map(|split| split.partition).collect();
        let list = offsets(&self.options.topic, unread.into_iter())?;
        self.reader.forward(&self.options.topic, &partitions);
        self.consumer
            .assign(&list)
            .map_err(Error::kafka(format!("assigning {}", self.options.topic)))?;
        self.assigned = true;
        Ok(())
    }

    /// Asks a broker about the topic, every other second or when all seem to be away. Any answer means that one is
    /// there. What it says decides whether the topic still is, because the client only tells one of the two readers;
    /// and it shows partitions that were added.
    fn look_at_topic(&mut self) -> Result<(), Error> {
        if self.connection != Connection::Down && self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.looked = Instant::now();
        let now = match questions::partitions_now(&self.consumer, &self.options.topic) {
            Ok(now) => now,
            Err(error) if questions::is_unknown_topic(&error) => {
                self.broker_answers();
                let since = self.unknown_since.get_or_insert_with(Instant::now);
                return match since.elapsed() < GONE_AFTER {
                    true => Ok(()),
                    false => Err(questions::unknown_topic(&self.consumer, &self.options)),
                };
            }
            Err(_) => {
                if self.connection == Connection::Down {
                    self.connection = Connection::Silent;
                }
                let since = self.silent_since.get_or_insert_with(Instant::now);
                return match since.elapsed() < RENEW_AFTER {
                    true => Ok(()),
                    false => self.renew(),
                };
            }
        };
        self.broker_answers();
        self.unknown_since = None;
        if now.len() < self.partitions_seen {
            self.warnings.push(Warning::PartitionsGone {
                before: self.partitions_seen,
                now: now.len(),
            });
        }
        self.partitions_seen = now.len();
        if self.options.until_end {
            return Ok(());
        }
        for partition in now {
            let is_new = self.splits.iter().all(|split| split.partition != partition);
            if is_new && self.share.takes(partition) {
                self.add_partition(partition)?;
            }
        }
        Ok(())
    }

    fn add_partition(&mut self, partition: i32) -> Result<(), Error> {
        let split = questions::split(&self.consumer, &self.options.topic, partition)?;
        let list = offsets(&self.options.topic, std::iter::once(&split))?;
        self.reader.forward(&self.options.topic, &[partition]);
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

    /// Goes on with a new client from where the splits are: what the old one had under way is fetched again.
    fn renew(&mut self) -> Result<(), Error> {
        self.consumer = Arc::new(client::consumer(&self.options)?);
        self.reader = Reader::new(self.options.fetch, &self.consumer);
        self.silent_since = None;
        self.assigned = false;
        // What has been read to the end is assigned no more, which without an end is only so for the moment.
        for split in &mut self.splits {
            split.caught_up &= self.options.until_end;
        }
        Ok(())
    }

    fn broker_answers(&mut self) {
        self.silent_since = None;
        self.consumer.context().forget_reason();
        if std::mem::replace(&mut self.connection, Connection::There) == Connection::Away {
            self.warnings.push(Warning::BrokerBack {
                brokers: self.options.brokers.clone(),
            });
        }
    }

    /// Warns of it, after the events that say why.
    fn warn_if_silent(&mut self) {
        if self.connection == Connection::Silent {
            self.connection = Connection::Away;
            let reason = self.consumer.context().last_reason();
            self.warnings.push(Warning::BrokerAway {
                brokers: self.options.brokers.clone(),
                reason: reason.unwrap_or_else(|| "no answer".to_string()),
            });
        }
    }

    /// Tells what passes by itself, which is waited for, from what does not.
    fn on_failure(&mut self, error: KafkaError) -> Result<(), Error> {
        use RDKafkaErrorCode::*;
        match error.rdkafka_error_code() {
            Some(AllBrokersDown) => {
                if self.connection == Connection::There {
                    self.connection = Connection::Down;
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
            if let Err(error) = questions::check_range(&self.consumer, &self.options.topic, split) {
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

    fn share(&mut self, share: Share) {
        self.share = share;
        self.splits.retain(|split| share.takes(split.partition));
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        positions.all_known(&self.splits)?;
        // A seek that fails moves nothing.
        let mut splits = self.splits.clone();
        for split in &mut splits {
            split.position = positions.get(&split.name).unwrap_or(split.position);
            questions::check_range(&self.consumer, &self.options.topic, split)?;
            split.caught_up = self.options.until_end && split.end.is_some_and(|end| split.position >= end);
        }
        if self.assigned {
            // A consumer that has begun to read has records in flight; a new one has not.
            self.renew()?;
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

        let (mut failures, mut too_long) = (Vec::new(), None);
        let (splits, bounded, max) = (&mut self.splits, self.options.until_end, self.max_record);
        self.reader.read(BATCH, wait, &mut |fetched| match fetched {
            Fetched::Record(record) if record.bytes() > max => {
                too_long.get_or_insert((record.partition, record.offset));
            }
            Fetched::Record(record) => accept(splits, bounded, record, records),
            Fetched::EndOf(partition, passed) => reached_end(splits, bounded, partition, passed),
            Fetched::Failed(error) => failures.push(error),
        });

        if let Some((partition, offset)) = too_long {
            let at = self.locate(partition, offset);
            return Err(Error::RecordTooLong { at, max });
        }
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
        self.warn_if_silent();
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
