//! The job of day 1: orders per merchant, in a loop with a `HashMap`.
//!
//! A round of the loop has three parts: *poll* some records, *process* them, and (if asked) *commit*, that is, tell the
//! broker how far the group has come. They are separate methods, and [`Job::step`] only puts them in order, because that
//! order is the whole question of what a crash costs:
//!
//! ```text
//! --commit before:  poll   commit | process     a crash at | loses the batch: committed, never counted
//! --commit after:   poll   process | commit     a crash at | doubles the batch: counted, and read again
//! ```
//!
//! In both, the map itself is gone with the process. Nothing in this file can mend that: the map and the positions would
//! have to be saved in one write, which is where day 2 ends.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::Error;
use crate::decode;
use crate::order::{BadRecord, MAX_KEY, Order, Reason, check_key};
use crate::printable::excerpt;
use crate::records::{Record, Records};
use crate::source::{Polled, Positions, Source};

/// When the group's offsets are committed, seen from the processing of a batch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Commit {
    /// Never: each run starts where it is told to.
    #[default]
    None,
    /// Before: at most once.
    Before,
    /// After: at least once.
    After,
}

/// What to do with a record that the job cannot use.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnBadRecord {
    /// End the run with an error that names the record.
    #[default]
    Fail,
    /// Count it by reason and go on behind it.
    Skip,
}

// ANCHOR: counts
/// Orders per merchant.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts(HashMap<String, u64>);

impl Counts {
    /// One more order of `merchant`; says how many that makes.
    #[inline]
    pub fn add(&mut self, merchant: &str) -> u64 {
        match self.0.get_mut(merchant) {
            Some(count) => {
                *count += 1;
                *count
            }
            // Only a new merchant needs a copy of its name.
            None => *self.0.entry(merchant.to_string()).or_insert(1),
        }
    }
}
// ANCHOR_END: counts

impl Counts {
    /// All merchants, sorted: a map's own order is another one in each run.
    pub fn sorted(&self) -> BTreeMap<&str, u64> {
        self.0
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect()
    }

    /// The `n` merchants with the most orders, the larger first, equal ones by name.
    pub fn top(&self, n: usize) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = self.sorted().into_iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all.truncate(n);
        all
    }

    /// How many merchants there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The loop, and all that it knows.
#[derive(Debug)]
pub struct Job<S> {
    source: S,
    commit: Commit,
    on_bad_record: OnBadRecord,
    max_key: usize,
    records: Records,
    counts: Counts,
    counted: u64,
    skipped: BTreeMap<Reason, u64>,
}

impl<S: Source> Job<S> {
    /// A job that has read nothing yet.
    pub fn new(source: S, commit: Commit, on_bad_record: OnBadRecord) -> Self {
        Job {
            source,
            commit,
            on_bad_record,
            max_key: MAX_KEY,
            records: Records::new(),
            counts: Counts::default(),
            counted: 0,
            skipped: BTreeMap::new(),
        }
    }

    /// The same, for keys of at most so many bytes.
    pub fn with_max_key(self, bytes: usize) -> Self {
        Job {
            max_key: bytes,
            ..self
        }
    }

    // ANCHOR: step
    /// One round of the loop.
    pub fn step(&mut self, wait: Duration) -> Result<Polled, Error> {
        let polled = self.poll(wait)?;
        if polled == Polled::Ready {
            match self.commit {
                Commit::None => self.process()?,
                Commit::Before => {
                    self.commit()?;
                    self.process()?;
                }
                Commit::After => {
                    self.process()?;
                    self.commit()?;
                }
            }
        }
        Ok(polled)
    }
    // ANCHOR_END: step

    /// Fetches the next batch, and moves the positions behind it.
    pub fn poll(&mut self, wait: Duration) -> Result<Polled, Error> {
        self.source.poll(&mut self.records, wait)
    }

    /// Tells the broker the positions, which lie behind the batch in hand whether it was processed or not.
    pub fn commit(&mut self) -> Result<(), Error> {
        let positions = Positions::of(self.source.splits());
        self.source.commit(&positions)
    }

    /// Counts the batch in hand.
    pub fn process(&mut self) -> Result<(), Error> {
        self.process_with(|_, _| {})
    }

    /// Counts the batch in hand, and lets `observe` see each record with its merchant and count, or why it was skipped.
    // ANCHOR: process
    pub fn process_with(
        &mut self,
        mut observe: impl FnMut(&Record<'_>, Result<(&str, u64), Reason>),
    ) -> Result<(), Error> {
        for (record, text) in decode::texts(&self.records) {
            let order = Order::decode(text).and_then(|order| {
                check_key("merchant_id", &order.merchant_id, self.max_key)?;
                Ok(order)
            });
            match order {
                Ok(order) => {
                    let count = self.counts.add(&order.merchant_id);
                    self.counted += 1;
                    observe(&record, Ok((&order.merchant_id, count)));
                }
                Err(bad) => match self.on_bad_record {
                    OnBadRecord::Fail => return Err(bad_record(&self.source, &record, bad)),
                    OnBadRecord::Skip => {
                        *self.skipped.entry(bad.reason).or_default() += 1;
                        observe(&record, Err(bad.reason));
                    }
                },
            }
        }
        Ok(())
    }
    // ANCHOR_END: process

    /// The source, for its splits and warnings.
    pub fn source(&mut self) -> &mut S {
        &mut self.source
    }

    /// The batch in hand.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The answer so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many orders were counted.
    pub fn counted(&self) -> u64 {
        self.counted
    }

    /// How many records were skipped, by reason.
    pub fn skipped(&self) -> &BTreeMap<Reason, u64> {
        &self.skipped
    }
}

/// The error that names a bad record, under [`OnBadRecord::Fail`].
pub fn bad_record(source: &impl Source, record: &Record<'_>, bad: BadRecord) -> Error {
    Error::BadRecord {
        at: source.locate(record.partition, record.offset),
        reason: bad.reason,
        detail: bad.detail,
        excerpt: excerpt(record.payload.unwrap_or_default(), bad.place),
    }
}
