//! A topic of a Kafka as a [`Source`]: what is read, what is asked of the broker meanwhile, and what the answers mean.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{self, Events};
use super::failure::{Failure, judge};
use super::fetched::Fetched;
use super::hidden::Hidden;
use super::monitor::{Answer, Monitor, Question};
use super::opening::{self, Opening};
use super::options::KafkaOptions;
use super::questions;
use super::reader::Reader;
use super::splits::{accept, find, reached_end};
use super::watch::Watch;
use crate::Error;
use crate::records::Records;
use crate::source::{Identity, MAX_RECORD, Polled, Positions, Share, Source, Split, Warning};

/// How many records a poll brings at most.
const BATCH: usize = 2_000;

/// Reads one topic.
pub struct KafkaSource {
    // The reader and the consumer are dropped before the monitor, which thus holds the last client and ends it.
    reader: Reader,
    consumer: Arc<BaseConsumer<Events>>,
    monitor: Monitor,
    watch: Watch,
    options: KafkaOptions,
    /// Which topic of this name it is, if the brokers say.
    identity: Option<Identity>,
    splits: Vec<Split>,
    share: Share,
    assigned: bool,
    /// How many the topic had at the last look, those of other shares included.
    partitions_seen: usize,
    /// Those that are read no further for now, and so are not assigned.
    paused: Vec<i32>,
    max_record: usize,
    /// Partitions whose ranges are to be asked for.
    found: Vec<i32>,
    /// What the client said when a position was out of range, until it is known which.
    out_of_range: Option<KafkaError>,
    /// Whether a person has heard that the topic has no id.
    said_no_id: bool,
    hidden: Hidden,
    warnings: Vec<Warning>,
}

impl KafkaSource {
    /// Reaches the broker, finds the topic and its partitions, and settles where to start and where to end.
    pub fn open(options: KafkaOptions) -> Result<Self, Error> {
        let consumer = Arc::new(client::consumer(&options)?);
        let Opening {
            splits,
            identity,
            warnings,
        } = opening::open(&consumer, &options)?;
        Ok(KafkaSource {
            warnings,
            hidden: Hidden::default(),
            reader: Reader::new(options.fetch, &consumer),
            monitor: Monitor::start(Arc::clone(&consumer), options.clone())?,
            watch: Watch::new(Instant::now()),
            consumer,
            options,
            partitions_seen: splits.len(),
            identity,
            splits,
            share: Share::ALL,
            assigned: false,
            paused: Vec::new(),
            max_record: MAX_RECORD,
            found: Vec::new(),
            out_of_range: None,
            said_no_id: false,
        })
    }

    /// Refuses records of more bytes than this, key and payload together.
    pub fn with_max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// Tells the client what to read, at the first poll after opening or seeking.
    fn assign(&mut self) -> Result<(), Error> {
        let is_read = |split: &&Split| !split.caught_up && !self.paused.contains(&split.partition);
        let unread: Vec<&Split> = self.splits.iter().filter(is_read).collect();
        let partitions: Vec<i32> = unread.iter().map(|split| split.partition).collect();
        let list = offsets(&self.options.topic, unread.into_iter())?;
        self.reader.forward(&self.options.topic, &partitions);
        self.consumer
            .assign(&list)
            .map_err(Error::kafka(format!("assigning {}", self.options.topic)))?;
        self.assigned = true;
        if self.identity.is_none() && self.share.index == 0 && !std::mem::replace(&mut self.said_no_id, true)
        {
            self.warnings.push(Warning::NoTopicId {
                topic: self.options.topic.clone(),
            });
        }
        Ok(())
    }

    /// Hands the next question to the monitor, if one is due and none is under way. The client does not tell both readers
    /// that the topic has gone, and finds no partitions that were added; and any answer means that a broker is there.
    fn ask(&mut self) {
        let now = Instant::now();
        if !self.watch.is_free() {
            return;
        }
        let question = if self.watch.client_is_lost(now) {
            Question::Client
        } else if !self.found.is_empty() {
            Question::NewSplits(std::mem::take(&mut self.found))
        } else if !self.watch.look_is_due(now) {
            return;
        } else if self.out_of_range.is_some() {
            Question::Ranges(self.splits.clone())
        } else {
            Question::Topic
        };
        self.watch.on_question(now);
        self.monitor.ask(question);
    }

    /// Takes the answer of the monitor, if it is there.
    fn hear(&mut self) -> Result<(), Error> {
        let Some(answer) = self.monitor.answer()? else {
            return Ok(());
        };
        match answer {
            Answer::Silence => self.broker_is_silent(),
            Answer::Client(consumer) => {
                self.watch.on_new_client();
                self.use_client(consumer);
            }
            Answer::Failed(error) => return Err(error),
            Answer::Topic(partitions, identity) => {
                self.broker_answers();
                self.compare(&partitions, identity.as_ref())?;
            }
            Answer::UnknownTopic(error) => {
                self.broker_answers();
                if self.watch.on_doubt(Instant::now()) {
                    return Err(error);
                }
            }
            Answer::NewSplits(splits) => {
                self.broker_answers();
                splits.into_iter().try_for_each(|split| self.add(split))?;
            }
            Answer::Ranges(checked, identity) => {
                self.broker_answers();
                if let (Some(before), Some(now)) = (&self.identity, identity)
                    && *before != now
                {
                    return Err(self.recreated(before.words.clone(), now.words));
                }
                checked?;
                if let Some(error) = self.out_of_range.take() {
                    return Err(self.failed(error));
                }
            }
        }
        Ok(())
    }

    fn broker_answers(&mut self) {
        self.consumer.context().forget_reason();
        if self.watch.on_answer() {
            self.warnings.push(Warning::BrokerBack {
                brokers: self.options.cluster.to_string(),
            });
        }
    }

    fn broker_is_silent(&mut self) {
        if self.watch.on_silence(Instant::now()) {
            let reason = self.consumer.context().last_reason();
            let reason = reason.map(|reason| reason.explained(&self.options.cluster));
            self.warnings.push(Warning::BrokerAway {
                brokers: self.options.cluster.to_string(),
                reason: reason.unwrap_or_else(|| "no answer".to_string()),
            });
        }
    }

    /// An error if this is another topic than the one that is read; else notes which partitions are new. A topic never
    /// loses a partition, so fewer of them are a sign as well, where the brokers tell no id.
    fn compare(&mut self, now: &[i32], identity: Option<&Identity>) -> Result<(), Error> {
        let recreated = match (&self.identity, identity) {
            (Some(before), Some(now)) if before != now => Some((before.words.clone(), now.words.clone())),
            (None, _) if now.len() < self.partitions_seen => {
                let words = |count: usize| format!("a topic with {count} partitions");
                Some((words(self.partitions_seen), words(now.len())))
            }
            _ => None,
        };
        if let Some((before, now)) = recreated {
            return match self.watch.on_doubt(Instant::now()) {
                true => Err(self.recreated(before, now)),
                false => Ok(()),
            };
        }
        self.watch.on_certainty();
        self.partitions_seen = self.partitions_seen.max(now.len());
        if !self.options.until_end {
            let is_new = |partition: &i32| self.splits.iter().all(|split| split.partition != *partition);
            let found = now.iter().copied().filter(is_new);
            self.found = found.filter(|partition| self.share.takes(*partition)).collect();
        }
        Ok(())
    }

    fn recreated(&self, before: String, now: String) -> Error {
        Error::TopicRecreated {
            topic: self.options.topic.clone(),
            brokers: self.options.cluster.to_string(),
            before,
            now,
        }
    }

    /// Reads a new partition too.
    fn add(&mut self, mut split: Split) -> Result<(), Error> {
        split.identity = self.identity.clone();
        let list = offsets(&self.options.topic, std::iter::once(&split))?;
        self.reader.forward(&self.options.topic, &[split.partition]);
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
    fn use_client(&mut self, consumer: Arc<BaseConsumer<Events>>) {
        self.reader = Reader::new(self.options.fetch, &consumer);
        self.consumer = consumer;
        self.assigned = false;
        self.out_of_range = None;
        // What has been read to the end is assigned no more, which without an end is only so for the moment.
        for split in &mut self.splits {
            split.caught_up &= self.options.until_end;
        }
    }

    fn on_failure(&mut self, error: KafkaError) -> Result<(), Error> {
        match judge(&error) {
            Failure::Passes => {}
            Failure::AllDown => self.watch.on_all_down(),
            // The client does not say which partition it is: the ranges are asked for.
            Failure::OutOfRange => self.out_of_range = Some(error),
            Failure::Stays => return Err(self.failed(error)),
        }
        Ok(())
    }

    fn failed(&self, error: KafkaError) -> Error {
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
        let splits = &self.splits;
        self.warnings.retain(|warning| match warning {
            Warning::OpenTransaction { split, .. } => splits.iter().any(|own| own.name == *split),
            _ => true,
        });
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        positions.all_known(&self.splits)?;
        // A seek that fails moves nothing.
        let mut splits = self.splits.clone();
        for split in &mut splits {
            split.position = positions.get(&split.name).unwrap_or(split.position);
            questions::check_range(&self.consumer, &self.options, split)?;
            split.caught_up = self.options.until_end && split.end.is_some_and(|end| split.position >= end);
        }
        if self.assigned {
            // A consumer that has begun to read has records in flight; a new one has not.
            let consumer = Arc::new(client::consumer(&self.options)?);
            let monitor = Monitor::start(Arc::clone(&consumer), self.options.clone())?;
            self.use_client(consumer);
            self.monitor = monitor;
            self.watch.on_new_client();
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
        self.hear()?;
        self.ask();

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
            for (partition, ends) in self.consumer.context().ends() {
                let Some(split) = find(&mut self.splits, partition) else {
                    continue;
                };
                split.end = split.end.max(Some(ends.stable));
                if let Some(records) = self.hidden.on_ends(partition, ends, Instant::now()) {
                    let split = split.name.clone();
                    self.warnings.push(Warning::OpenTransaction { split, records });
                }
            }
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

    fn check_identity(&self, _split: &str, saved: &Identity) -> Result<(), Error> {
        match &self.identity {
            Some(now) if now.bytes != saved.bytes => {
                Err(self.recreated(saved.words.clone(), now.words.clone()))
            }
            _ => Ok(()),
        }
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        format!("{}/{partition}@{offset}", self.options.topic)
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// Takes partitions back from the client, and gives them again at our own positions. (The client can pause too, but
    /// goes on from *its* position, which behind an end of a partition is one too far: see `batch.rs`.)
    fn pause(&mut self, partitions: &[i32]) -> Result<(), Error> {
        let before = std::mem::replace(&mut self.paused, partitions.to_vec());
        if !self.assigned {
            return Ok(());
        }
        let only_in = |these: &[i32], others: &[i32]| -> Vec<&Split> {
            let changed =
                |split: &&Split| these.contains(&split.partition) && !others.contains(&split.partition);
            self.splits.iter().filter(changed).collect()
        };
        let failed = |error| self.failed(error);
        let (pause, go_on) = (only_in(partitions, &before), only_in(&before, partitions));
        if !pause.is_empty() {
            let list = offsets(&self.options.topic, pause.into_iter())?;
            self.consumer.incremental_unassign(&list).map_err(failed)?;
        }
        if !go_on.is_empty() {
            let numbers: Vec<i32> = go_on.iter().map(|split| split.partition).collect();
            let list = offsets(&self.options.topic, go_on.into_iter())?;
            self.reader.forward(&self.options.topic, &numbers);
            self.consumer.incremental_assign(&list).map_err(failed)?;
        }
        Ok(())
    }

    fn is_bounded(&self) -> bool {
        self.options.until_end
    }
}
