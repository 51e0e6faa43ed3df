//! Where records come from: one small contract, kept by Kafka, by files and by the in-memory log.
//!
//! A source is divided into *splits*: the partitions of a topic, or the files of a list. Records of one split come in
//! order; between splits there is none. For each split the source keeps three things apart, because every later day
//! needs all three:
//!
//! - its *position*: the **next** offset to read, not the last one that was read. One off here loses or repeats one
//!   record at every restart;
//! - its *end*: the offset that the next record to be written would get, as far as the source has heard;
//! - whether it has *caught up*: everything there is has been handed out. Positions alone do not say that. Offsets have
//!   gaps (a compacted record, a transaction marker), so the position behind the last record may lie before the end, and
//!   an end that was heard of a moment ago may have moved. Only once the source knows that nothing follows does the
//!   position pass the gap.
//!
//! Positions belong to the reader. The broker can be *told* about them ([`Source::commit`]), and after a restart it
//! can be asked, but no day of this book relies on its answer except to show what goes wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use auto_impl::auto_impl;

use crate::Error;
use crate::error::list_of;
use crate::records::Records;

/// How many bytes a record may have unless told otherwise, its key and its payload together.
pub const MAX_RECORD: usize = 16 << 20;

/// What a poll came to.
// ANCHOR: contract
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// There are records.
    Ready,
    /// None came within the wait; more may come.
    Idle,
    /// None will ever come: the source is bounded and has been read to its end.
    End,
}

/// Anything that records can be read from.
#[auto_impl(Box)]
pub trait Source {
    /// The splits, by rising partition number.
    fn splits(&self) -> &[Split];

    /// Keeps only its share of the splits, of those that are found later too. To be called before the first poll.
    fn share(&mut self, share: Share);

    /// Goes to these positions, in place of wherever it was or was told to start. A split that is not named stays.
    fn seek(&mut self, positions: &Positions) -> Result<(), Error>;

    /// Replaces `records` by what comes next, and waits for it up to `wait`. The positions of the splits then lie
    /// behind these records.
    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error>;

    /// Tells the keeper of group offsets, which on Kafka is the broker, that the group has come to `positions`.
    fn commit(&mut self, positions: &Positions) -> Result<(), Error>;

    /// Where a record is, in words that lead a person to it: `orders/3@17`, or `orders.json:18`.
    fn locate(&self, partition: i32, offset: i64) -> String;

    /// An error if a split is not what it was when a position in it was saved. Where either identity is unknown, it passes.
    fn check_identity(&self, split: &str, saved: &Identity) -> Result<(), Error> {
        let own = self.splits().iter().find(|own| own.name == split);
        match own.and_then(|own| own.identity.as_ref()) {
            Some(found) if found.bytes != saved.bytes => Err(Error::OtherInput {
                split: split.to_string(),
                saved: saved.words.clone(),
                found: found.words.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// What happened since the last call that a person should hear of, although the source goes on.
    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }

    /// Hands out no record of these splits until the next call, which names those that pause from then on. Needed on day
    /// 4, where one split must not run far ahead of another. A source that cannot pause reads on, which is no error.
    fn pause(&mut self, _partitions: &[i32]) -> Result<(), Error> {
        Ok(())
    }

    /// Whether its splits have ends that stand fast: one that has caught up has then come to its end.
    fn is_bounded(&self) -> bool {
        false
    }
}
// ANCHOR_END: contract

/// One split as it stands.
// ANCHOR: split
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The number by which its records name it.
    pub partition: i32,
    /// The name by which positions name it, the same in every run: `orders/3`, `part-0.json`.
    pub name: String,
    /// The next offset to read.
    pub position: i64,
    /// The offset of the next record to be written; for a bounded source, where to stop. Unknown for a file that has
    /// not been read to its end.
    pub end: Option<i64>,
    /// Whether everything there is has been handed out.
    pub caught_up: bool,
    /// What it is a split of, if the source can tell.
    pub identity: Option<Identity>,
}

impl Split {
    /// A split that is read from `position`.
    pub(crate) fn new(partition: i32, name: String, position: i64, end: Option<i64>) -> Self {
        Split {
            partition,
            name,
            position,
            end,
            caught_up: false,
            identity: None,
        }
    }

    /// An error if the next offset to read is not among those that the split holds, or the one behind them.
    pub(crate) fn check_range(&self, low: i64, high: i64) -> Result<(), Error> {
        match (low..=high).contains(&self.position) {
            true => Ok(()),
            false => Err(Error::OffsetOutOfRange {
                split: self.name.clone(),
                partition: self.partition,
                wanted: self.position,
                low,
                high,
            }),
        }
    }

    /// How many offsets lie between what was read and what is there: an upper bound for the records that wait.
    pub fn lag(&self) -> Option<i64> {
        match self.caught_up {
            true => Some(0),
            false => self.end.map(|end| (end - self.position).max(0)),
        }
    }
}
// ANCHOR_END: split

/// What tells a split from another one of the same name. A topic that is deleted and created again keeps its name, and so
/// does a file that is replaced; a position in the old one means nothing in the new one.
// ANCHOR: identity
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The same in every run. Only the source that made these bytes can read them.
    pub bytes: Vec<u8>,
    /// The same for people, such as `topic id 8a1f…`.
    pub words: String,
}
// ANCHOR_END: identity

/// Which splits a source keeps when several sources divide them: each split belongs to one share and to no other.
///
/// The number of a split alone decides, so that sources need not ask each other whose a new partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which one, counted from 0.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

impl Share {
    /// The only one.
    pub const ALL: Share = Share { index: 0, of: 1 };

    /// Whether the split with this number belongs to it.
    pub fn takes(self, partition: i32) -> bool {
        let number = usize::try_from(partition).ok();
        number.and_then(|number| number.checked_rem(self.of)) == Some(self.index)
    }
}

/// The next offset to read of each split, by its stable name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Positions(BTreeMap<String, i64>);

impl Positions {
    /// Where these splits stand.
    pub fn of(splits: &[Split]) -> Self {
        splits
            .iter()
            .map(|split| (split.name.clone(), split.position))
            .collect()
    }

    /// The position of `split`, if it is known.
    pub fn get(&self, split: &str) -> Option<i64> {
        self.0.get(split).copied()
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(name, offset)| (name.as_str(), *offset))
    }

    /// Replaces those positions that `newer` knows.
    pub fn update(&mut self, newer: &Positions) {
        self.0
            .extend(newer.0.iter().map(|(name, offset)| (name.clone(), *offset)));
    }

    /// The same by the numbers of a topic's partitions.
    pub(crate) fn of_topic(topic: &str, offsets: &BTreeMap<i32, i64>) -> Self {
        let named = |(partition, offset): (&i32, &i64)| (format!("{topic}/{partition}"), *offset);
        offsets.iter().map(named).collect()
    }

    /// Moves the splits that are named here; an error if one of them is not there.
    pub(crate) fn apply(&self, splits: &mut [Split]) -> Result<(), Error> {
        self.all_known(splits)?;
        for split in splits {
            split.position = self.get(&split.name).unwrap_or(split.position);
        }
        Ok(())
    }

    /// An error if one of them names a split that is not among `splits`.
    pub(crate) fn all_known(&self, splits: &[Split]) -> Result<(), Error> {
        let is_unknown = |name: &&String| !splits.iter().any(|split| split.name == **name);
        match self.0.keys().find(is_unknown) {
            None => Ok(()),
            Some(name) => Err(Error::UnknownSplit {
                split: name.clone(),
                known: splits.iter().map(|split| split.name.clone()).collect(),
            }),
        }
    }
}

impl FromIterator<(String, i64)> for Positions {
    fn from_iter<I: IntoIterator<Item = (String, i64)>>(pairs: I) -> Self {
        Positions(pairs.into_iter().collect())
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> = self
            .iter()
            .map(|(name, offset)| format!("{name}@{offset}"))
            .collect();
        f.write_str(&each.join(" "))
    }
}

/// Where to start reading. A partition that appears later is always read from its beginning: its first records were
/// written after the start, whatever the start was.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Start {
    /// The oldest record that is left.
    #[default]
    Earliest,
    /// Behind the newest record.
    Latest,
    /// Where the consumer group was committed last; the oldest record for a partition that has no commit.
    Group,
    /// The first record written at or after this time, in milliseconds since 1970 in UTC.
    Timestamp(i64),
    /// The given offset for each partition, and the oldest record for a partition that is not named.
    At(BTreeMap<i32, i64>),
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("timestamp:")) {
            ("earliest", _) => Ok(Start::Earliest),
            ("latest", _) => Ok(Start::Latest),
            ("group", _) => Ok(Start::Group),
            (_, Some(time)) => match time.parse::<jiff::Timestamp>().map(|time| time.as_millisecond()) {
                Ok(millis @ 0..) => Ok(Start::Timestamp(millis)),
                Ok(_) => Err("no record is older than 1970; write earliest".to_string()),
                Err(error) => Err(format!("{error}; a time is written like 2026-01-01T00:00:00Z")),
            },
            _ => offsets(text).map(Start::At),
        }
    }
}

/// `0=12,1=40`, each partition once.
fn offsets(text: &str) -> Result<BTreeMap<i32, i64>, String> {
    let expected =
        "expected earliest, latest, group, timestamp:2026-01-01T00:00:00Z, or offsets like 0=12,1=40";
    let mut offsets = BTreeMap::new();
    for pair in text.split(',') {
        let (partition, offset) = partition_and_offset(pair).ok_or(expected)?;
        if offsets.insert(partition, offset).is_some() {
            return Err(format!("partition {partition} has two offsets"));
        }
    }
    Ok(offsets)
}

/// `3=17` as `(3, 17)`, if both are whole numbers from 0.
fn partition_and_offset(pair: &str) -> Option<(i32, i64)> {
    let (partition, offset) = pair.split_once('=')?;
    let pair = (partition.trim().parse().ok()?, offset.trim().parse().ok()?);
    (pair.0 >= 0 && pair.1 >= 0).then_some(pair)
}

/// What a person should hear of although the source goes on.
#[expect(missing_docs, reason = "the message says what most fields are")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// No broker can be reached any more. The source waits for one.
    #[error("lost Kafka at {brokers} ({reason}); waiting for it; no record is lost")]
    BrokerAway { brokers: String, reason: String },
    /// A broker answers again.
    #[error("Kafka at {brokers} is back")]
    BrokerBack { brokers: String },
    /// A partition was added to the topic, and is read from its beginning.
    #[error("found partition {split}; reading it from its beginning")]
    PartitionFound { split: String },
    /// Files of a folder are not read: those hidden by their names, and links to folders.
    #[error(
        "not read: {}; in a folder, names that begin with . or _ or end with .writing are left out, and links to \
         folders are not followed",
        list_of(files)
    )]
    FilesLeftOut { files: Vec<String> },
    /// Records are there, and cannot be read before a transaction ends.
    #[error("{records} records of {split} are behind an open transaction: they are read when it ends")]
    OpenTransaction {
        split: String,
        /// How many offsets lie behind the beginning of the transaction.
        records: i64,
    },
    /// The brokers tell no id of the topic, so one that is deleted and created again may pass for it.
    #[error(
        "the brokers give no id for topic {topic} (Kafka does since 2.8): if the topic is deleted and created again, this \
         program may not notice"
    )]
    NoTopicId { topic: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_start_can_be_written() {
        let parsed = |text: &str| text.parse::<Start>();
        assert_eq!(parsed("earliest"), Ok(Start::Earliest));
        assert_eq!(parsed("latest"), Ok(Start::Latest));
        assert_eq!(parsed("group"), Ok(Start::Group));
        assert_eq!(
            parsed("timestamp:1970-01-01T00:00:01.5Z"),
            Ok(Start::Timestamp(1500))
        );
        assert_eq!(
            parsed("0=12, 1=40"),
            Ok(Start::At(BTreeMap::from([(0, 12), (1, 40)])))
        );
        for wrong in ";0=;0=-1;-1=0;0=5,0=6;timestamp:x;timestamp:1969-12-31T23:59:59Z".split(';') {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_split_belongs_to_exactly_one_share() {
        for of in [1, 2, 3, 7] {
            for partition in 0..20 {
                let takers = (0..of).filter(|&index| Share { index, of }.takes(partition));
                assert!(takers.eq([partition as usize % of]), "{partition} of {of}");
            }
        }
        assert!(Share::ALL.takes(0) && Share::ALL.takes(i32::MAX));
        assert!(!Share { index: 0, of: 0 }.takes(0), "there is nobody to take it");
    }

    #[test]
    fn lag_counts_from_the_end_and_is_zero_once_caught_up() {
        let mut split = Split {
            partition: 0,
            name: "orders/0".to_string(),
            position: 5,
            end: Some(8),
            caught_up: false,
            identity: None,
        };
        assert_eq!(split.lag(), Some(3));
        // The last three offsets turn out to be transaction markers: nothing waits.
        split.caught_up = true;
        assert_eq!(split.lag(), Some(0));
    }
}
