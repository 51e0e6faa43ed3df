//! What one poll brings: a batch of records in two flat buffers.
//!
//! A record is copied once, when it leaves the client, and never again: everything after this borrows from here. All
//! payloads of a batch lie end to end in one buffer and all keys in another, so that a batch costs no allocation per
//! record, and so that the payloads of a whole batch can be checked for valid UTF-8 in one sweep (`decode.rs`).
//!
//! ```text
//! rows      [ orders/0@7 ]             [ orders/0@8 ]  [ orders/3@2 ]
//! keys       o-1                        o-9             o-4
//! payloads   {"merchant_id":"m-7", …}   (none)          {"merchant_id":"m-1", …}
//! ```
//!
//! A record with no payload (a *tombstone*, Kafka's way to say "this key is gone") is not one with an empty payload; a
//! record without a timestamp is not one from 1970. Headers are left out: no day of this book reads them.

use std::ops::Range;

/// When a record was written, in milliseconds since 1970 in UTC, and who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamp {
    /// The producer's word (Kafka's `CreateTime`).
    Created(i64),
    /// The broker's word (Kafka's `LogAppendTime`).
    Appended(i64),
}

impl Timestamp {
    /// Milliseconds since 1970 in UTC, whoever said so.
    pub fn millis(self) -> i64 {
        match self {
            Timestamp::Created(millis) | Timestamp::Appended(millis) => millis,
        }
    }
}

/// One record, borrowed from its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Which split of the source it comes from: Kafka's partition number, or the index of the file.
    pub partition: i32,
    /// Its place in that partition. Offsets rise, with gaps.
    pub offset: i64,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The payload; `None` is a tombstone.
    pub payload: Option<&'a [u8]>,
    /// When it was written, if the record says so.
    pub timestamp: Option<Timestamp>,
}

impl Record<'_> {
    /// How many bytes it has, key and payload together.
    pub fn bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.payload.map_or(0, <[u8]>::len)
    }
}

// ANCHOR: records
/// Where one record's bytes end; they begin where those of the record before it end.
#[derive(Debug, Clone, Copy)]
struct Row {
    partition: i32,
    offset: i64,
    timestamp: Option<Timestamp>,
    key_end: usize,
    payload_end: usize,
    has_key: bool,
    has_payload: bool,
}

/// The records of one poll, in the order in which they arrived.
#[derive(Debug, Default, Clone)]
pub struct Records {
    rows: Vec<Row>,
    keys: Vec<u8>,
    payloads: Vec<u8>,
}
// ANCHOR_END: records

impl Records {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a copy of `record`.
    ///
    /// ```
    /// use day01_consumer::records::{Record, Records};
    /// let mut records = Records::new();
    /// records.push(Record { partition: 0, offset: 7, key: None, payload: Some(b""), timestamp: None });
    /// records.push(Record { partition: 0, offset: 8, key: None, payload: None, timestamp: None });
    /// let payloads: Vec<_> = records.iter().map(|record| record.payload).collect();
    /// assert_eq!(payloads, [Some(&b""[..]), None], "empty is not none");
    /// ```
    #[inline]
    pub fn push(&mut self, record: Record<'_>) {
        self.keys.extend_from_slice(record.key.unwrap_or_default());
        self.payloads
            .extend_from_slice(record.payload.unwrap_or_default());
        self.rows.push(Row {
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key_end: self.keys.len(),
            payload_end: self.payloads.len(),
            has_key: record.key.is_some(),
            has_payload: record.payload.is_some(),
        });
    }

    /// Forgets the records and keeps the memory for the next poll.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.keys.clear();
        self.payloads.clear();
    }

    /// How many records there are, tombstones included.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All payloads, end to end.
    pub fn payloads(&self) -> &[u8] {
        &self.payloads
    }

    /// The record at `index`, counted from 0.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Record<'_>> {
        let row = self.rows.get(index)?;
        Some(Record {
            partition: row.partition,
            offset: row.offset,
            key: row.has_key.then(|| &self.keys[self.key_range(index)]),
            payload: row.has_payload.then(|| &self.payloads[self.payload_range(index)]),
            timestamp: row.timestamp,
        })
    }

    /// Where the payload of the record at `index` lies in [`Records::payloads`]; empty for a tombstone.
    #[inline]
    pub fn payload_range(&self, index: usize) -> Range<usize> {
        self.ends_before(index).1..self.rows[index].payload_end
    }

    fn key_range(&self, index: usize) -> Range<usize> {
        self.ends_before(index).0..self.rows[index].key_end
    }

    /// Where the key and the payload of the record before `index` end.
    #[inline]
    fn ends_before(&self, index: usize) -> (usize, usize) {
        match index.checked_sub(1) {
            Some(before) => (self.rows[before].key_end, self.rows[before].payload_end),
            None => (0, 0),
        }
    }

    /// The index of the first record at or behind `offset`, if these are records of one partition.
    pub(crate) fn index_of(&self, offset: i64) -> usize {
        self.rows.partition_point(|row| row.offset < offset)
    }

    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_what_was_pushed() {
        let pushed = [
            Record {
                partition: 3,
                offset: 0,
                key: Some(b"k"),
                payload: Some(b"one"),
                timestamp: Some(Timestamp::Created(5)),
            },
            Record {
                partition: 0,
                offset: 9,
                key: Some(b""),
                payload: None,
                timestamp: Some(Timestamp::Appended(-1)),
            },
            Record {
                partition: 3,
                offset: 4,
                key: None,
                payload: Some(b""),
                timestamp: None,
            },
        ];
        let mut records = Records::new();
        pushed.iter().for_each(|record| records.push(*record));
        assert_eq!(records.iter().collect::<Vec<_>>(), pushed);
        assert_eq!(records.payloads(), b"one");
        records.clear();
        assert!(records.is_empty());
    }
}
