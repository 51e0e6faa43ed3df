//! A frozen table, and the bytes that it becomes.
//!
//! State is written by *key group*, so that a later run with another number of workers can hand each worker the groups
//! that it now owns. The bytes of a group are a [run](super::run) of its entries, by rising key.
//!
//! Equal contents give equal bytes, however the table came to be: insertion order, removals and chunks leave no trace.
//! Reading is strict, since bytes that this file cannot have written are damaged ones: keys must rise, belong to the
//! group and be new to the table, and no byte may be left over. A group that breaks a rule changes nothing.
//!
//! A table that was frozen as a snapshot also knows what has changed since its base, and can write a run of only that.
//! Nothing is encoded before it is asked for, and then one group at a time, so that a table of a gigabyte does not need
//! a second one for its bytes.
//!
//! Left out on purpose: checksums, versions and files, which belong to the store.

use std::sync::{Arc, OnceLock};

use super::FrozenRows;
use super::chunks::{Entry, FrozenChunk, ROWS, taken};
use super::encoding::take;
use super::key::Key;
use super::run::{self, RunRow};
use super::table::Table;
use crate::keys::{self, KEY_GROUPS, key_group};

/// What a table can hold.
pub trait Value: Clone + PartialEq + Send + Sync + 'static {
    /// Appends the bytes of the value. Equal values have to give equal bytes.
    fn encode(&self, to: &mut Vec<u8>);

    /// Takes the bytes of one value off the front of `from`; `None` if they are not what [`Value::encode`] writes.
    fn decode(from: &mut &[u8]) -> Option<Self>
    where
        Self: Sized;
}

macro_rules! number {
    ($($number:ty),*) => {$(
        /// A number, little-endian.
        impl Value for $number {
            fn encode(&self, to: &mut Vec<u8>) {
                to.extend(self.to_le_bytes());
            }

            fn decode(from: &mut &[u8]) -> Option<Self> {
                take(from).map(<$number>::from_le_bytes)
            }
        }
    )*};
}

number!(u32, u64, i64, i128);

/// Both of two values, one behind the other.
impl<A: Value, B: Value> Value for (A, B) {
    fn encode(&self, to: &mut Vec<u8>) {
        self.0.encode(to);
        self.1.encode(to);
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        Some((A::decode(from)?, B::decode(from)?))
    }
}

/// A table as it stood when it was frozen. It can go to another thread while the table changes.
#[derive(Debug, Clone)]
pub struct FrozenTable<V> {
    chunks: Vec<FrozenChunk<V>>,
    len: usize,
    /// The checkpoint that changes are counted from, if any was durable.
    base: Option<u64>,
    /// The keys that were removed since then, some of which may be back.
    removed: Arc<Vec<Key>>,
    /// The numbers of all entries, of those that have changed, and of the removed keys.
    all: OnceLock<Groups>,
    changed: OnceLock<Groups>,
    gone: OnceLock<Groups>,
}

/// For each key group, numbers of what belongs to it. Four bytes a key, as against sixteen for a reference and a length.
type Groups = Vec<Vec<u32>>;

fn by_group<'a>(keys: impl Iterator<Item = (u32, &'a [u8])>) -> Groups {
    let mut groups = vec![Vec::new(); usize::from(KEY_GROUPS)];
    for (number, key) in keys {
        groups[usize::from(key_group(keys::hash(key)))].push(number);
    }
    groups
}

impl<V: Value> FrozenTable<V> {
    pub(crate) fn new(chunks: Vec<FrozenChunk<V>>, len: usize) -> Self {
        FrozenTable {
            chunks,
            len,
            base: None,
            removed: Arc::default(),
            all: OnceLock::new(),
            changed: OnceLock::new(),
            gone: OnceLock::new(),
        }
    }

    /// This table, with what has changed since a base: the marked rows of its chunks, and these keys, which were removed.
    pub(crate) fn since(self, base: Option<u64>, removed: Arc<Vec<Key>>) -> Self {
        FrozenTable {
            base,
            removed,
            ..self
        }
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
        self.chunks.iter().flat_map(|chunk| taken(&chunk.rows))
    }

    /// The bytes of each group that has a key, by rising group.
    pub fn encode_groups(&self) -> Vec<(u16, Vec<u8>)> {
        let groups = (0..KEY_GROUPS).map(|group| (group, self.whole(group)));
        groups.filter(|(_, bytes)| !bytes.is_empty()).collect()
    }

    /// The entry with a number, if its row is taken.
    fn entry(&self, number: u32) -> Option<(&[u8], &V)> {
        let (chunk, row) = (number as usize / ROWS, number as usize % ROWS);
        // A chunk that was emptied begins again with fewer rows than were written before.
        match self.chunks[chunk].rows.get(row)? {
            Entry::Taken { key, value } => Some((key.bytes(), value)),
            Entry::Free { .. } => None,
        }
    }

    /// The entries in rows of chunks, by group: those rows that `pick` picks.
    fn entries_by_group<'a, I: Iterator<Item = usize>>(
        &'a self,
        pick: impl Fn(&'a FrozenChunk<V>) -> I,
    ) -> Groups {
        let chunks = (0..).step_by(ROWS).zip(&self.chunks);
        let numbers = chunks.flat_map(|(first, chunk)| pick(chunk).map(move |row| first + row as u32));
        by_group(numbers.filter_map(|number| Some((number, self.entry(number)?.0))))
    }

    /// The run of the entries with these numbers, and of these keys, which are removed unless they are among the entries.
    fn run(&self, entries: &[u32], removed: &[u32]) -> Vec<u8> {
        let entries = entries.iter().filter_map(|number| self.entry(*number));
        let removed = removed
            .iter()
            .map(|number| (self.removed[*number as usize].bytes(), None));
        let mut rows: Vec<(&[u8], Option<&V>)> = entries.map(|(key, value)| (key, Some(value))).collect();
        rows.extend(removed);
        // What is there comes before what is gone, so that it decides.
        rows.sort_unstable_by_key(|(key, value)| (*key, value.is_none()));
        rows.dedup_by_key(|(key, _)| *key);
        let mut bytes = Vec::new();
        for (key, value) in rows {
            match value {
                Some(value) => run::put(&mut bytes, key, |to| value.encode(to)),
                None => run::put_removed(&mut bytes, key),
            }
        }
        bytes
    }
}

impl<V: Value> FrozenRows for FrozenTable<V> {
    fn whole(&self, group: u16) -> Vec<u8> {
        let all = self
            .all
            .get_or_init(|| self.entries_by_group(|chunk| 0..chunk.rows.len()));
        self.run(&all[usize::from(group)], &[])
    }

    /// Of changes in more than half of the rows little would be left to reuse.
    fn base(&self) -> Option<u64> {
        let written = self.chunks.iter().flat_map(|chunk| &chunk.changed);
        let written: usize = written.map(|word| word.count_ones() as usize).sum();
        self.base.filter(|_| written + self.removed.len() <= self.len / 2)
    }

    fn changes(&self, group: u16) -> Vec<u8> {
        let changed = self
            .changed
            .get_or_init(|| self.entries_by_group(FrozenChunk::changed));
        let removed = || (0..).zip(self.removed.iter().map(Key::bytes));
        let gone = self.gone.get_or_init(|| by_group(removed()));
        let group = usize::from(group);
        self.run(&changed[group], &gone[group])
    }
}

/// Why bytes are not those of a key group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// They end within an entry.
    #[error("the bytes end within an entry")]
    Truncated,
    /// A key cannot be read.
    #[error("the key cannot be read")]
    Key,
    /// A value cannot be read.
    #[error("the value cannot be read")]
    Value,
    /// A key does not rise above the one before it.
    #[error("the key does not rise above the one before it")]
    Order,
    /// A key belongs to another group.
    #[error("the key belongs to another group")]
    Group,
    /// The table has the key already.
    #[error("the table has the key already")]
    Known,
    /// The key is removed, which only a run of changes can say.
    #[error("the key is removed")]
    Removed,
}

/// Bytes that are not those of a key group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed key group at byte {at}: {flaw}")]
pub struct Malformed {
    /// Which byte is the first of the row that is wrong, counted from 0.
    pub at: usize,
    /// What is wrong there.
    pub flaw: Flaw,
}

/// An entry that has been read and not yet inserted.
struct Read<'a, V> {
    key: &'a [u8],
    hash: u64,
    value: V,
}

impl<V: Value> Table<V> {
    /// Inserts the entries of a key group, from the bytes that [`FrozenTable::encode_groups`] gave for it.
    pub fn restore_group(&mut self, group: u16, bytes: &[u8]) -> Result<(), Malformed> {
        // A table that has no key of the group need not be asked about each.
        let is_new = !self.has_group(group);
        let mut entries: Vec<Read<'_, V>> = Vec::new();
        for row in run::rows(bytes) {
            let flaw = |at| move |flaw| Malformed { at, flaw };
            let RunRow { at, key, value } = row.map_err(|at| flaw(at)(Flaw::Truncated))?;
            let hash = keys::hash(key);
            if entries.last().is_some_and(|before| before.key >= key) {
                return Err(flaw(at)(Flaw::Order));
            }
            if key_group(hash) != group {
                return Err(flaw(at)(Flaw::Group));
            }
            if !is_new && self.get(key, hash).is_some() {
                return Err(flaw(at)(Flaw::Known));
            }
            let value = value.ok_or(flaw(at)(Flaw::Removed))?;
            let value = decode_all(value).ok_or(flaw(at)(Flaw::Value))?;
            entries.push(Read { key, hash, value });
        }
        self.reserve(entries.len());
        for Read { key, hash, value } in entries {
            self.update(key, hash, || value);
        }
        Ok(())
    }
}

/// The value that these bytes are, all of them.
pub fn decode_all<V: Value>(mut bytes: &[u8]) -> Option<V> {
    let value = V::decode(&mut bytes)?;
    bytes.is_empty().then_some(value)
}

#[cfg(test)]
mod tests;
