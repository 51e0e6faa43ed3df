//! A frozen table, and the bytes that it becomes.
//!
//! State is written by *key group*, so that a later run with another number of workers can hand each worker the groups
//! that it now owns. The bytes of a group are its entries, one behind the other, by rising key:
//!
//! ```text
//! length of the key, 4 bytes, little-endian | key | value, as its type writes itself
//! ```
//!
//! Equal contents give equal bytes, however the table came to be: insertion order, removals and chunks leave no trace.
//! Reading is strict, since bytes that this file cannot have written are damaged ones: keys must rise, belong to the
//! group and be new to the table, and no byte may be left over. A group that breaks a rule changes nothing.
//!
//! Left out on purpose: checksums, versions and files, which belong to whoever stores the bytes; and snapshots of
//! changed chunks only.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::chunks::{Entry, taken};
use super::table::Table;
use crate::keys::{self, KEY_GROUPS, key_group};

/// What a table can hold.
pub trait Value: Clone + Send + Sync + 'static {
    /// Appends the bytes of the value. Equal values have to give equal bytes.
    fn encode(&self, to: &mut Vec<u8>);

    /// Takes the bytes of one value off the front of `from`; `None` if they are not what [`Value::encode`] writes.
    fn decode(from: &mut &[u8]) -> Option<Self>
    where
        Self: Sized;
}

impl Value for u64 {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_le_bytes());
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (value, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(u64::from_le_bytes(*value))
    }
}

/// A table as it stood when it was frozen. It can go to another thread while the table changes.
#[derive(Debug, Clone)]
pub struct FrozenTable<V> {
    chunks: Vec<Arc<Vec<Entry<V>>>>,
    len: usize,
}

impl<V: Value> FrozenTable<V> {
    pub(crate) fn new(chunks: Vec<Arc<Vec<Entry<V>>>>, len: usize) -> Self {
        FrozenTable { chunks, len }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All keys and values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.chunks.iter().flat_map(|rows| taken(rows))
    }

    /// The bytes of each group that has a key, by rising group.
    pub fn encode_groups(&self) -> Vec<(u16, Vec<u8>)> {
        let mut groups: Vec<Vec<(&[u8], &V)>> = vec![Vec::new(); usize::from(KEY_GROUPS)];
        for (key, value) in self.iter() {
            groups[usize::from(key_group(keys::hash(key)))].push((key, value));
        }
        let full = (0..).zip(groups).filter(|(_, entries)| !entries.is_empty());
        full.map(|(group, entries)| (group, encode_group(entries)))
            .collect()
    }
}

fn encode_group<V: Value>(mut entries: Vec<(&[u8], &V)>) -> Vec<u8> {
    entries.sort_unstable_by_key(|(key, _)| *key);
    let mut bytes = Vec::new();
    for (key, value) in entries {
        // No key comes near four gigabytes: it was part of one record.
        bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(key);
        value.encode(&mut bytes);
    }
    bytes
}

/// Why bytes are not those of a key group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// They end within an entry.
    Truncated,
    /// A value cannot be read.
    Value,
    /// A key does not rise above the one before it.
    Order,
    /// A key belongs to another group.
    Group,
    /// The table has the key already.
    Known,
}

/// Bytes that are not those of a key group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Which byte is the first of the field that is wrong, counted from 0.
    pub at: usize,
    /// What is wrong there.
    pub flaw: Flaw,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flaw = match self.flaw {
            Flaw::Truncated => "the bytes end within an entry",
            Flaw::Value => "the value cannot be read",
            Flaw::Order => "the key does not rise above the one before it",
            Flaw::Group => "the key belongs to another group",
            Flaw::Known => "the table has the key already",
        };
        write!(f, "malformed key group at byte {}: {flaw}", self.at)
    }
}

impl Error for Malformed {}

/// An entry that has been read and not yet inserted.
struct Read<'a, V> {
    key: &'a [u8],
    hash: u64,
    value: V,
}

impl<V: Value> Table<V> {
    /// Inserts the entries of a key group, from the bytes that [`FrozenTable::encode_groups`] gave for it.
    pub fn restore_group(&mut self, group: u16, bytes: &[u8]) -> Result<(), Malformed> {
        let mut entries: Vec<Read<'_, V>> = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let flaw = |flaw| Malformed { at, flaw };
            let key = take_key(&mut rest).ok_or(flaw(Flaw::Truncated))?;
            let hash = keys::hash(key);
            if entries.last().is_some_and(|before| before.key >= key) {
                return Err(flaw(Flaw::Order));
            }
            if key_group(hash) != group {
                return Err(flaw(Flaw::Group));
            }
            if self.get(key, hash).is_some() {
                return Err(flaw(Flaw::Known));
            }
            let at = bytes.len() - rest.len();
            let value = V::decode(&mut rest).ok_or(Malformed {
                at,
                flaw: Flaw::Value,
            })?;
            entries.push(Read { key, hash, value });
        }
        for Read { key, hash, value } in entries {
            self.update(key, hash, || value);
        }
        Ok(())
    }
}

/// Takes the length of a key and the key off the front of `from`.
fn take_key<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = from.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    *from = rest;
    Some(key)
}
