//! A topic in memory: what a broker is, once network, disk and replication are taken away.
//!
//! A partition is a row of records with rising offsets; a log is some partitions and the offsets that consumer groups
//! have committed. Tests, figures and benchmarks read from it through the same [`Source`] contract as from Kafka. It
//! has the three properties of a real partition that simple models leave out:
//!
//! 1. offsets have gaps ([`Log::skip`]), as compaction and transaction markers leave them;
//! 2. the oldest records go away ([`Log::forget_before`]), as retention makes them;
//! 3. partitions can be added while a source reads ([`Log::add_partition`]).
//!
//! Left out: several topics, keys choosing partitions, and waiting (an empty poll returns at once, so tests never sleep).

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::Error;
use crate::records::{Record, Records, Timestamp};
use crate::source::{Polled, Positions, Share, Source, Split, Start, Warning};

/// A topic in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct Log(Arc<RwLock<Topic>>);

#[derive(Debug)]
struct Topic {
    name: String,
    partitions: Vec<Partition>,
    groups: BTreeMap<String, Positions>,
}

impl Topic {
    fn partition(&self, split: &Split) -> &Partition {
        &self.partitions[split.partition as usize]
    }

    /// An error if one of the splits is out of range, or else notes which have nothing left to read.
    fn check(&self, splits: &mut [Split]) -> Result<(), Error> {
        for split in splits {
            self.partition(split).check(split)?;
            split.caught_up = split.end.is_some_and(|end| split.position >= end);
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Partition {
    records: Records,
    /// The oldest offset that can still be read.
    low: i64,
    /// The offset that the next record gets.
    next: i64,
}

impl Partition {
    fn check(&self, split: &Split) -> Result<(), Error> {
        split.check_range(self.low, self.next)
    }

    /// The offset of the first record written at or after `millis`; the end if there is none.
    fn offset_at(&self, millis: i64) -> i64 {
        self.records
            .iter()
            .filter(|record| record.offset >= self.low)
            .find(|record| record.timestamp.is_some_and(|at| at.millis() >= millis))
            .map_or(self.next, |record| record.offset)
    }
}

impl Log {
    /// An empty topic.
    pub fn new(name: &str, partitions: usize) -> Self {
        Log(Arc::new(RwLock::new(Topic {
            name: name.to_string(),
            partitions: (0..partitions).map(|_| Partition::default()).collect(),
            groups: BTreeMap::new(),
        })))
    }

    /// Appends a record to a partition and says which offset it got.
    ///
    /// # Panics
    /// If there is no such partition: the log is written by our own code.
    pub fn append(
        &self,
        partition: usize,
        key: Option<&[u8]>,
        payload: Option<&[u8]>,
        timestamp: Option<i64>,
    ) -> i64 {
        let mut topic = self.write();
        let to = &mut topic.partitions[partition];
        let offset = to.next;
        to.records.push(Record {
            partition: partition as i32,
            offset,
            key,
            payload,
            timestamp: timestamp.map(Timestamp::Created),
        });
        to.next += 1;
        offset
    }

    /// Leaves a gap of `offsets` in a partition: what compaction removed, or markers of transactions.
    pub fn skip(&self, partition: usize, offsets: i64) {
        self.write().partitions[partition].next += offsets;
    }

    /// Retention: what lies before `offset` can no longer be read.
    pub fn forget_before(&self, partition: usize, offset: i64) {
        let mut topic = self.write();
        let from = &mut topic.partitions[partition];
        from.low = offset.clamp(from.low, from.next);
    }

    /// Adds an empty partition.
    pub fn add_partition(&self) {
        self.write().partitions.push(Partition::default());
    }

    /// What `group` has committed.
    pub fn committed(&self, group: &str) -> Positions {
        self.read().groups.get(group).cloned().unwrap_or_default()
    }

    /// A reader on behalf of `group`. With `until_end` it ends where the partitions end now; without, it never ends.
    pub fn source(&self, group: &str, start: &Start, until_end: bool) -> Result<LogSource, Error> {
        let topic = self.read();
        let committed = topic.groups.get(group);
        let partitions = topic.partitions.iter().enumerate();
        let splits = partitions.map(|(index, partition)| {
            let mut split = new_split(&topic.name, index, partition);
            split.position = match start {
                Start::Earliest | Start::At(_) => partition.low,
                Start::Latest => partition.next,
                Start::Group => committed
                    .and_then(|positions| positions.get(&split.name))
                    .unwrap_or(partition.low),
                Start::Timestamp(millis) => partition.offset_at(*millis),
            };
            split
        });
        let mut splits: Vec<Split> = splits.collect();
        if let Start::At(offsets) = start {
            Positions::of_topic(&topic.name, offsets).apply(&mut splits)?;
        }
        topic.check(&mut splits)?;
        Ok(LogSource {
            log: self.clone(),
            group: group.to_string(),
            share: Share::ALL,
            partitions_seen: splits.len(),
            positions_checked: true,
            until_end,
            paused: Vec::new(),
            batch: 1_000,
            turn: 0,
            warnings: Vec::new(),
            splits,
        })
    }

    // The lock is only ever poisoned by a panic inside this file; the data is whole even then.
    fn read(&self) -> RwLockReadGuard<'_, Topic> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Topic> {
        self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn new_split(topic: &str, index: usize, partition: &Partition) -> Split {
    let name = format!("{topic}/{index}");
    Split::new(index as i32, name, partition.low, Some(partition.next))
}

/// Reads a [`Log`], one partition a poll, in turn.
#[derive(Debug)]
pub struct LogSource {
    log: Log,
    group: String,
    splits: Vec<Split>,
    share: Share,
    /// How many the topic had at the last look, those of other shares included.
    partitions_seen: usize,
    positions_checked: bool,
    until_end: bool,
    paused: Vec<i32>,
    batch: usize,
    turn: usize,
    warnings: Vec<Warning>,
}

impl LogSource {
    /// How many records a poll brings at most (1,000 unless told).
    pub fn with_batch(mut self, records: usize) -> Self {
        self.batch = records.max(1);
        self
    }

    fn add_new_partitions(&mut self, topic: &Topic) {
        for index in self.partitions_seen..topic.partitions.len() {
            let split = new_split(&topic.name, index, &topic.partitions[index]);
            if self.share.takes(split.partition) {
                self.warnings.push(Warning::PartitionFound {
                    split: split.name.clone(),
                });
                self.splits.push(split);
            }
        }
        self.partitions_seen = topic.partitions.len();
    }
}

impl Source for LogSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn share(&mut self, share: Share) {
        self.share = share;
        self.splits.retain(|split| share.takes(split.partition));
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        positions.apply(&mut self.splits)?;
        self.positions_checked = false;
        Ok(())
    }

    fn poll(&mut self, records: &mut Records, _wait: Duration) -> Result<Polled, Error> {
        records.clear();
        let log = self.log.clone();
        let topic = log.read();
        if !self.until_end {
            self.add_new_partitions(&topic);
        }
        if !std::mem::replace(&mut self.positions_checked, true) {
            topic.check(&mut self.splits)?;
        }
        for step in 0..self.splits.len() {
            let index = (self.turn + step) % self.splits.len();
            let split = &mut self.splits[index];
            let partition = topic.partition(split);
            if self.until_end && split.caught_up {
                continue; // It is done: what becomes of its partition is no longer our business.
            }
            if self.paused.contains(&split.partition) {
                continue;
            }
            partition.check(split)?;
            let end = match self.until_end {
                true => split.end.unwrap_or(partition.next),
                false => partition.next,
            };
            split.end = Some(end);
            let mut cursor = partition.records.index_of(split.position);
            while let Some(record) = partition.records.get(cursor)
                && record.offset < end
                && records.len() < self.batch
            {
                records.push(record);
                split.position = record.offset + 1;
                cursor += 1;
            }
            let next = partition.records.get(cursor);
            if next.is_none_or(|record| record.offset >= end) {
                split.position = end;
            }
            split.caught_up = split.position >= end;
            if !records.is_empty() {
                self.turn = index + 1;
                return Ok(Polled::Ready);
            }
        }
        match self.until_end && self.splits.iter().all(|split| split.caught_up) {
            true => Ok(Polled::End),
            false => Ok(Polled::Idle),
        }
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), Error> {
        self.log
            .write()
            .groups
            .entry(self.group.clone())
            .or_default()
            .update(positions);
        Ok(())
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        format!("{}/{partition}@{offset}", self.log.read().name)
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    fn pause(&mut self, partitions: &[i32]) -> Result<(), Error> {
        self.paused = partitions.to_vec();
        Ok(())
    }

    fn is_bounded(&self) -> bool {
        self.until_end
    }
}
