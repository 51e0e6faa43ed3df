//! The ordered table: state by key, and within a key in an order.
//!
//! The table of day 2 finds a key and knows nothing of its neighbours. Sessions, joins by time, the first few
//! of a key and a minimum that can be taken back ask just for these: what comes next, what lies between. So
//! here an entry has a key and a *suffix*, any bytes both, and the entries of a key lie side by side, by
//! rising suffix. What a suffix means is up to the caller; [`time_suffix`] makes one of a time.
//!
//! An [`EntryKey`] is both as one string of bytes, which sorts as they do. These strings lie in a persistent
//! B-tree. A clone of it shares all its nodes, and whoever changes one first copies that path: freezing costs
//! nothing, whatever the size.
//!
//! A snapshot has a part for each key group, and the group follows from the key alone. The bytes of one are
//! its entries, by rising key and then suffix, with no trace of how the table writes them, and reading is as
//! strict as it is in day 2:
//!
//! ```text
//! length of the key, 4 bytes, little-endian | key | length of the suffix | suffix | value, as its type writes itself
//! ```
//!
//! Left out on purpose: hashing (an ordered lookup compares some twenty keys where the hash table of day 2
//! compares one); sharing the key among its entries; iteration that changes values.

mod key;
#[cfg(test)]
mod tests;

pub use key::{EntryKey, suffix_time, time_suffix};

use std::borrow::Cow;
use std::ops::{Bound, RangeBounds};

use day02_state::keys::{self, KEY_GROUPS};
use day02_state::state::{BadPart, Flaw, Frozen, Malformed, Owner, Part, Value};
use imbl::OrdMap;
use imbl::ordmap::RangedIter;
use imbl::shared_ptr::DefaultSharedPtr;

// ANCHOR: table
/// A table from keys and suffixes to values.
///
/// ```
/// use day03_windows::ordered::OrderedTable;
/// let mut table = OrderedTable::new();
/// table.insert(b"a", b"2", 20_u64);
/// table.insert(b"a", b"1", 10);
/// table.insert(b"b", b"0", 30);
/// let of_a: Vec<_> = table.range(b"a", ..).collect();
/// assert_eq!(of_a, [(&b"1"[..], &10), (b"2", &20)]);
/// ```
#[derive(Debug, Clone)]
pub struct OrderedTable<V> {
    entries: OrdMap<EntryKey, V>,
    /// How many bytes long keys hold outside of the tree.
    outside: usize,
}
// ANCHOR_END: table

impl<V> Default for OrderedTable<V> {
    fn default() -> Self {
        OrderedTable {
            entries: OrdMap::new(),
            outside: 0,
        }
    }
}

impl<V: Value> OrderedTable<V> {
    /// An empty table. It holds no memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sets the value of an entry, and gives back the one that it had.
    pub fn insert(&mut self, key: &[u8], suffix: &[u8], value: V) -> Option<V> {
        self.insert_at(EntryKey::new(key, suffix), value)
    }

    /// [`insert`](Self::insert) at a place that is known.
    pub fn insert_at(&mut self, at: EntryKey, value: V) -> Option<V> {
        let outside = at.outside();
        let before = self.entries.insert(at, value);
        if before.is_none() {
            self.outside += outside;
        }
        before
    }

    /// The value of an entry; `None` if there is no such entry.
    pub fn get(&self, key: &[u8], suffix: &[u8]) -> Option<&V> {
        self.entries.get(&EntryKey::new(key, suffix))
    }

    /// The value of an entry, to be changed.
    pub fn get_mut(&mut self, key: &[u8], suffix: &[u8]) -> Option<&mut V> {
        self.get_mut_at(&EntryKey::new(key, suffix))
    }

    /// [`get_mut`](Self::get_mut) at a place that is known.
    #[inline]
    pub fn get_mut_at(&mut self, at: &EntryKey) -> Option<&mut V> {
        self.entries.get_mut(at)
    }

    /// Removes an entry and gives back its value; does nothing if there is no such entry.
    pub fn remove(&mut self, key: &[u8], suffix: &[u8]) -> Option<V> {
        self.remove_at(&EntryKey::new(key, suffix))
    }

    /// [`remove`](Self::remove) at a place that is known.
    pub fn remove_at(&mut self, at: &EntryKey) -> Option<V> {
        let value = self.entries.remove(at)?;
        self.outside -= at.outside();
        if self.is_empty() {
            self.clear();
        }
        Some(value)
    }

    /// Removes all entries and gives their memory back.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The entries of one key with suffixes within the bounds, by rising suffix. Bounds that exclude each
    /// other hold none.
    pub fn range(&self, key: &[u8], suffixes: impl RangeBounds<[u8]>) -> Range<'_, V> {
        let first = EntryKey::first(key);
        let start = match suffixes.start_bound() {
            Bound::Unbounded => Bound::Included(first.clone()),
            bound => bound.map(|suffix| first.with(suffix)),
        };
        let end = match suffixes.end_bound() {
            Bound::Unbounded => Bound::Excluded(first.behind()),
            bound => bound.map(|suffix| first.with(suffix)),
        };
        Range {
            found: self.entries.range::<_, EntryKey>((start, end)),
            written: first.len(),
        }
    }

    /// The last entry of a key with a suffix up to this bound. It costs half of what a range does.
    #[inline]
    pub fn last(&self, key: &[u8], upto: Bound<&[u8]>) -> Option<(&EntryKey, &V)> {
        let first = EntryKey::first(key);
        let upto = match upto {
            Bound::Unbounded => Bound::Excluded(first.behind()),
            bound => bound.map(|suffix| first.with(suffix)),
        };
        let found = self
            .entries
            .range::<_, EntryKey>((Bound::Unbounded, upto))
            .next_back();
        found.filter(|(at, _)| at.is_under(&first))
    }

    /// All entries with their keys and suffixes, by key and then by suffix.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Cow<'_, [u8]>, &[u8], &V)> {
        self.places().map(|(at, value)| (at.key(), at.suffix(), value))
    }

    /// All entries with their places, in the same order.
    pub fn places(&self) -> impl DoubleEndedIterator<Item = (&EntryKey, &V)> {
        self.entries.iter()
    }

    /// An estimate of how many bytes the table holds. The tree does not tell its nodes, so they are taken to
    /// be two thirds full, which they are after insertion in no order; after insertion by rising key they are
    /// half full, and it is a third more than this. Not in it are what the allocator adds and what values
    /// hold outside of themselves. Nodes that are shared with a snapshot count in full.
    pub fn memory(&self) -> usize {
        /// Of entries in a leaf, and of children in a branch.
        const FULL: usize = 16;
        let child = size_of::<EntryKey>() + size_of::<usize>();
        let entries = self.len() * size_of::<(EntryKey, V)>() * 3 / 2;
        let children = self.len() * 3 / (2 * FULL) * child * 3 / 2;
        entries + children + self.outside
    }

    /// How many bytes its keys hold that are too long to lie in the tree.
    pub(crate) fn outside(&self) -> usize {
        self.outside
    }

    /// Freezes the table as the state of this name of an operator: a part for each key group that has a key.
    pub fn snapshot(&self, name: &str) -> Frozen {
        let (table, name) = (self.clone(), name.to_string());
        Frozen::new(move || table.parts(&name))
    }

    fn parts(&self, name: &str) -> Vec<Part> {
        let mut groups = vec![Vec::new(); usize::from(KEY_GROUPS)];
        for (key, suffix, value) in self.iter() {
            let bytes = &mut groups[usize::from(keys::key_group(keys::hash(&key)))];
            put(bytes, &key);
            put(bytes, suffix);
            value.encode(bytes);
        }
        let full = (0..).zip(groups).filter(|(_, bytes)| !bytes.is_empty());
        let part = |(group, bytes)| Part {
            name: name.to_string(),
            owner: Owner::Group(group),
            bytes,
        };
        full.map(part).collect()
    }

    /// Takes the entries of a part over. A part that is refused has changed nothing.
    pub fn restore(&mut self, part: &Part) -> Result<(), BadPart> {
        let Owner::Group(group) = part.owner else {
            return Err(part.bad("it belongs to no key group"));
        };
        let read = self.read(group, &part.bytes).map_err(|flaw| part.bad(flaw))?;
        for (at, value) in read {
            self.insert_at(at, value);
        }
        Ok(())
    }

    fn read(&self, group: u16, bytes: &[u8]) -> Result<Vec<(EntryKey, V)>, Malformed> {
        let mut entries: Vec<(EntryKey, V)> = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let flaw = |flaw| Malformed { at, flaw };
            let key = take(&mut rest).ok_or(flaw(Flaw::Truncated))?;
            let suffix = take(&mut rest).ok_or(flaw(Flaw::Truncated))?;
            let entry = EntryKey::new(key, suffix);
            if entries.last().is_some_and(|(before, _)| *before >= entry) {
                return Err(flaw(Flaw::Order));
            }
            if keys::key_group(keys::hash(key)) != group {
                return Err(flaw(Flaw::Group));
            }
            if self.entries.contains_key(&entry) {
                return Err(flaw(Flaw::Known));
            }
            let at = bytes.len() - rest.len();
            let flaw = Flaw::Value;
            let value = V::decode(&mut rest).ok_or(Malformed { at, flaw })?;
            entries.push((entry, value));
        }
        Ok(entries)
    }
}

/// Some entries of one key: suffixes and values.
#[derive(Debug)]
pub struct Range<'a, V> {
    found: RangedIter<'a, EntryKey, V, DefaultSharedPtr>,
    /// How long the key is, as it is written.
    written: usize,
}

impl<'a, V> Iterator for Range<'a, V> {
    type Item = (&'a [u8], &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let (at, value) = self.found.next()?;
        Some((at.behind_first(self.written), value))
    }
}

impl<V> DoubleEndedIterator for Range<'_, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (at, value) = self.found.next_back()?;
        Some((at.behind_first(self.written), value))
    }
}

/// Appends bytes with their length before them. Neither keys nor suffixes come near four gigabytes: they were
/// part of one record.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    to.extend_from_slice(bytes);
}

/// Takes what [`put`] appended off the front of `from`.
fn take<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = from.split_first_chunk()?;
    let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    *from = rest;
    Some(bytes)
}
