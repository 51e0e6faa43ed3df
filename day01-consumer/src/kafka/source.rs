//! A topic of a Kafka as a [`Source`]: what is read, what is asked of the broker meanwhile, and what the answers mean.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;

use super::client::Client;
use super::failure::{Failure, judge};
use super::fetched::Fetched;
use super::hidden::Hidden;
use super::monitor::{Answer, Monitor, Question};
use super::opening::{self, Opening};
use super::options::KafkaOptions;
use super::reader::Reader;
use super::splits::{accept, find, on_ends, reached_end};
use super::watch::Watch;
use crate::Error;
use crate::records::Records;
use crate::source::{Identity, MAX_RECORD, Polled, Positions, Share, Source, Split, Warning};

/// How many records a poll brings at most.
const BATCH: usize = 2_000;

/// Reads one topic.
pub struct KafkaSource {
    // The reader is dropped before the monitor, which thus holds the last client and ends it.
    reader: Reader,
    monitor: Monitor,
    watch: Watch,
    /// Which topic of this name it is, if the brokers say.
    identity: Option<Identity>,
    splits: Vec<Split>,
    share: Share,
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
        let client = Arc::new(Client::new(&options)?);
        let Opening {
            splits,
            identity,
            warnings,
        } = opening::open(&client)?;
        Ok(KafkaSource {
            monitor: Monitor::start(Arc::clone(&client))?,
            reader: Reader::new(client),
            watch: Watch::new(Instant::now()),
            partitions_seen: splits.len(),
            identity,
            splits,
            share: Share::ALL,
            paused: Vec::new(),
            max_record: MAX_RECORD,
            found: Vec::new(),
            out_of_range: None,
            said_no_id: false,
            hidden: Hidden::default(),
            warnings,
        })
    }

    /// Refuses records of more bytes than this, key and payload together.
    pub fn with_max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    fn options(&self) -> &KafkaOptions {
        &self.reader.client.options
    }

    /// Tells the client what to read, at the first poll after opening or seeking.
    fn assign(&mut self) -> Result<(), Error> {
        let is_read = |split: &&Split| !split.caught_up && !self.paused.contains(&split.partition);
        let unread: Vec<&Split> = self.splits.iter().filter(is_read).collect();
        self.reader.assign(&unread)?;
        if self.identity.is_none() && self.share.index == 0 && !std::mem::replace(&mut self.said_no_id, true)
        {
            self.warnings.push(Warning::NoTopicId {
                topic: self.options().topic.clone(),
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
            Answer::Client(client) => self.use_client(client),
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
        self.reader.client.events().forget_reason();
        if self.watch.on_answer() {
            self.warnings.push(Warning::BrokerBack {
                brokers: self.options().cluster.to_string(),
            });
        }
    }

    fn broker_is_silent(&mut self) {
        if self.watch.on_silence(Instant::now()) {
            let Client { options, .. } = &*self.reader.client;
            let reason = self.reader.client.events().last_reason();
            let reason = reason.map(|reason| reason.explained(&options.cluster));
            self.warnings.push(Warning::BrokerAway {
                brokers: options.cluster.to_string(),
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
        if !self.options().until_end {
            let is_new = |partition: &i32| self.splits.iter().all(|split| split.partition != *partition);
            let found = now.iter().copied().filter(is_new);
            self.found = found.filter(|partition| self.share.takes(*partition)).collect();
        }
        Ok(())
    }

    fn recreated(&self, before: String, now: String) -> Error {
        Error::TopicRecreated {
            topic: self.options().topic.clone(),
            brokers: self.options().cluster.to_string(),
            before,
            now,
        }
    }

    /// Reads a new partition too.
    fn add(&mut self, mut split: Split) -> Result<(), Error> {
        split.identity = self.identity.clone();
        self.reader.add(&[&split], format!("assigning {}", split.name))?;
        self.warnings.push(Warning::PartitionFound {
            split: split.name.clone(),
        });
        self.splits.push(split);
        self.splits.sort_by_key(|split| split.partition);
        Ok(())
    }

    /// Goes on with a new client from where the splits are: what the old one had under way is fetched again.
    fn use_client(&mut self, client: Arc<Client>) {
        self.watch.on_new_client();
        self.reader = Reader::new(client);
        self.out_of_range = None;
        // What has been read to the end is assigned no more, which without an end is only so for the moment.
        let until_end = self.is_bounded();
        for split in &mut self.splits {
            split.caught_up &= until_end;
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
        Error::failed(format!("reading {}", self.options().topic))(error)
    }
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
        // A seek that fails moves nothing.
        let mut splits = self.splits.clone();
        positions.apply(&mut splits)?;
        for split in &mut splits {
            self.reader.client.check_range(split)?;
            split.caught_up = self.is_bounded() && split.end.is_some_and(|end| split.position >= end);
        }
        if self.reader.assigned {
            // A consumer that has begun to read has records in flight; a new one has not.
            let client = Arc::new(Client::new(self.options())?);
            let monitor = Monitor::start(Arc::clone(&client))?;
            self.use_client(client);
            self.monitor = monitor;
        }
        self.splits = splits;
        Ok(())
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        records.clear();
        let (bounded, max) = (self.is_bounded(), self.max_record);
        if bounded && self.splits.iter().all(|split| split.caught_up) {
            return Ok(Polled::End);
        }
        if !self.reader.assigned {
            self.assign()?;
        }
        self.hear()?;
        self.ask();

        let (mut failures, mut too_long) = (Vec::new(), None);
        let splits = &mut self.splits;
        self.reader.read(BATCH, wait, &mut |fetched| match fetched {
            Fetched::Record(record) if record.bytes() > max => {
                too_long.get_or_insert((record.partition, record.offset));
            }
            Fetched::Record(record) => accept(splits, bounded, record, records),
            Fetched::EndOf(end) => reached_end(splits, bounded, end),
            Fetched::Failed(error) => failures.push(error),
        });

        if let Some((partition, offset)) = too_long {
            let at = self.locate(partition, offset);
            return Err(Error::RecordTooLong { at, max });
        }
        if !bounded {
            for (partition, ends) in self.reader.client.events().ends() {
                let Some(split) = find(&mut self.splits, partition) else {
                    continue;
                };
                on_ends(split, ends);
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
        let client = &self.reader.client;
        let known = self.splits.iter().filter_map(|split| {
            let position = positions.get(&split.name)?;
            Some((split, Offset::Offset(position)))
        });
        let what = format!("committing offsets of group {}", client.options.group);
        client
            .consumer
            .commit(&client.list(known)?, CommitMode::Sync)
            .map_err(Error::failed(what))
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
        format!("{}/{partition}@{offset}", self.options().topic)
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// Takes partitions back from the client, and gives them again at our own positions. (The client can pause too, but
    /// goes on from *its* position, which behind an end of a partition is one too far: see `batch.rs`.)
    fn pause(&mut self, partitions: &[i32]) -> Result<(), Error> {
        let before = std::mem::replace(&mut self.paused, partitions.to_vec());
        if !self.reader.assigned {
            return Ok(());
        }
        let only_in = |these: &[i32], others: &[i32]| -> Vec<&Split> {
            let changed =
                |split: &&Split| these.contains(&split.partition) && !others.contains(&split.partition);
            self.splits.iter().filter(changed).collect()
        };
        let what = || format!("reading {}", self.options().topic);
        let (pause, go_on) = (only_in(partitions, &before), only_in(&before, partitions));
        if !pause.is_empty() {
            self.reader.take_back(&pause, what())?;
        }
        if !go_on.is_empty() {
            self.reader.add(&go_on, what())?;
        }
        Ok(())
    }

    fn is_bounded(&self) -> bool {
        self.options().until_end
    }
}
