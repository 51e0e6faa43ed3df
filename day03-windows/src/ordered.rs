//! The ordered table: state by key, and within a key in an order.
//!
//! The table of day 2 finds a key and knows nothing of its neighbours. Sessions, joins by time, the first few
//! of a key and a minimum that can be taken back ask just for these: what comes next, what lies between. So
//! here an entry has a key and a *suffix*, any bytes both, and the entries of a key lie side by side, by
//! rising suffix. What a suffix means is up to the caller; [`time_suffix`] makes one of a time.
//!
//! An [`EntryKey`] is both as one string of bytes, which sorts as they do. These strings lie in a persistent
//! B-tree. A clone of it shares all its nodes, and a change first copies its path: freezing costs
//! nothing, whatever the size.
//!
//! A snapshot has a part for each key group, and the group follows from the key alone. The bytes of one are a
//! [`run`], with the places as its keys, and reading is as strict as it is in day 2. What has
//! changed since an earlier snapshot is found by comparing the two trees: where they share a node, there is nothing
//! to look for. So a table that takes snapshots keeps the tree of the last one, as far as it is not its own.
//!
//! Left out on purpose: hashing (an ordered lookup compares some twenty keys where the hash table of day 2
//! compares one); sharing the key among its entries; iteration that changes values.

mod key;
#[cfg(test)]
mod tests;

pub use key::{EntryKey, suffix_time, time_suffix};

use std::borrow::Cow;
use std::ops::{Bound, RangeBounds};
use std::sync::OnceLock;

use day02_state::keys::{self, KEY_GROUPS};
use day02_state::state::{
    BadPart, Flaw, Frozen, FrozenRows, History, Malformed, Owner, Part, Value, decode_all, run,
};
use imbl::OrdMap;
use imbl::ordmap::{DiffItem, RangedIter};
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
    history: History,
    /// The entries as they were in the last snapshot, and in the last one that was durable.
    frozen: OrdMap<EntryKey, V>,
    base: OrdMap<EntryKey, V>,
}
// ANCHOR_END: table

impl<V> Default for OrderedTable<V> {
    fn default() -> Self {
        OrderedTable {
            entries: OrdMap::new(),
            outside: 0,
            history: History::default(),
            frozen: OrdMap::new(),
            base: OrdMap::new(),
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

    /// Freezes the table as the state of this name of an operator: a part for each key group that has a key, all of it,
    /// and what has changed since the last snapshot that was durable.
    pub fn snapshot(&mut self, name: &str) -> Frozen {
        if self.history.has_completed() {
            self.base = std::mem::take(&mut self.frozen);
        }
        let (base, completion) = self.history.freeze();
        self.frozen = self.entries.clone();
        let frozen = FrozenEntries {
            entries: self.entries.clone(),
            base: base.map(|checkpoint| (checkpoint, self.base.clone())),
            whole: OnceLock::new(),
            changes: OnceLock::new(),
        };
        Frozen::rows(name, frozen, completion)
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
        for row in run::rows(bytes) {
            let flaw = |at| move |flaw| Malformed { at, flaw };
            let row = row.map_err(|at| flaw(at)(Flaw::Truncated))?;
            let flaw = flaw(row.at);
            let entry = EntryKey::read(row.key).ok_or(flaw(Flaw::Key))?;
            if entries.last().is_some_and(|(before, _)| *before >= entry) {
                return Err(flaw(Flaw::Order));
            }
            if keys::key_group(keys::hash(&entry.key())) != group {
                return Err(flaw(Flaw::Group));
            }
            if self.entries.contains_key(&entry) {
                return Err(flaw(Flaw::Known));
            }
            let value = row.value.ok_or(flaw(Flaw::Removed))?;
            entries.push((entry, decode_all(value).ok_or(flaw(Flaw::Value))?));
        }
        Ok(entries)
    }
}

/// An ordered table as it stood when it was frozen, and as it stood in the checkpoint before.
struct FrozenEntries<V> {
    entries: OrdMap<EntryKey, V>,
    base: Option<(u64, OrdMap<EntryKey, V>)>,
    /// The bytes of each key group, once one of them was asked for.
    whole: OnceLock<Vec<Vec<u8>>>,
    changes: OnceLock<Vec<Vec<u8>>>,
}

impl<V: Value> FrozenRows for FrozenEntries<V> {
    fn whole(&self, group: u16) -> Vec<u8> {
        let all = || self.entries.iter().map(|(at, value)| (at, Some(value)));
        self.whole.get_or_init(|| runs(all()))[usize::from(group)].clone()
    }

    fn base(&self) -> Option<u64> {
        self.base.as_ref().map(|(checkpoint, _)| *checkpoint)
    }

    fn changes(&self, group: u16) -> Vec<u8> {
        let before = self.base.as_ref().map(|(_, entries)| entries);
        let changed = || {
            let before = before.into_iter();
            let items = before.flat_map(|before| before.diff(&self.entries));
            items.map(|item| match item {
                DiffItem::Add(at, value) | DiffItem::Update { new: (at, value), .. } => (at, Some(value)),
                DiffItem::Remove(at, _) => (at, None),
            })
        };
        self.changes.get_or_init(|| runs(changed()))[usize::from(group)].clone()
    }
}

/// A run for each key group of these rows, which come in the order of their places.
fn runs<'a, V: Value>(rows: impl Iterator<Item = (&'a EntryKey, Option<&'a V>)>) -> Vec<Vec<u8>> {
    let mut runs = vec![Vec::new(); usize::from(KEY_GROUPS)];
    for (at, value) in rows {
        let run = &mut runs[usize::from(keys::key_group(keys::hash(&at.key())))];
        match value {
            Some(value) => run::put(run, at.bytes(), |to| value.encode(to)),
            None => run::put_removed(run, at.bytes()),
        }
    }
    runs
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
