//! The table from keys to values that a worker keeps its state in.
//!
//! It is an index over the entries in `chunks.rs`, and it is built for three things at once: a batch of rows is
//! looked up faster than row by row, a freeze stalls the worker for microseconds and not for a copy, and a key costs
//! little beside its bytes and its value.
//!
//! Every call brings the hash of its key, [`keys::hash`](crate::keys::hash), computed once for the whole engine. The index
//! keeps 32 bits of it, the *tag*, and the slot of the entry: eight bytes a key. So growing the index reads no key, and
//! a key that is not there is found missing without a look at any entry. Different keys may share a tag, about one in
//! 4,000 among a million keys, so the key itself always has the last word.
//!
//! How space comes back: rows and chunks as `chunks.rs` describes; the index shrinks when less than one
//! eighth of it is in use; a table whose last key goes is a new one.
//!
//! Left out on purpose: deleting what is old (state has no clock); order ([`Table::sorted`] sorts when asked); growing
//! the index a bit at a time (it doubles at once, in some 15 ms at a million keys); and a defence
//! against keys made up to share a tag, which would all have to be compared (the hash has no secret).

use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::chunks::{Bits, Chunks, Slot};
use super::history::History;
use super::key::{Key, tag_of};
use super::snapshot::{FrozenTable, Value};
use super::{BadPart, Frozen, Owner, Part};
use crate::keys;

/// An entry of the index.
#[derive(Debug, Clone, Copy)]
struct Place {
    tag: u32,
    slot: Slot,
}

impl Place {
    /// What the index is ordered by. It takes its position from the low bits and a filter from the top seven, so these
    /// must not be the same bits of the tag; an odd factor mixes all of them into the top ones and loses none.
    #[inline]
    fn hash(tag: u32) -> u64 {
        u64::from(tag).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// An index smaller than this is not worth shrinking.
const SMALL_INDEX: usize = 64;

/// A table from byte strings to values.
///
/// ```
/// use day02_state::keys::hash;
/// use day02_state::state::Table;
/// let mut counts = Table::new();
/// for key in ["m-1", "m-2", "m-1"] {
///     *counts.update(key.as_bytes(), hash(key.as_bytes()), || 0_u64) += 1;
/// }
/// let before = counts.freeze();
/// counts.remove(b"m-1", hash(b"m-1"));
/// assert_eq!(counts.get(b"m-1", hash(b"m-1")), None);
/// assert_eq!((counts.len(), before.len()), (1, 2));
/// ```
#[derive(Debug)]
pub struct Table<V> {
    index: HashTable<Place>,
    entries: Chunks<V>,
    /// A bit for each key group of which there is a key, or was one. As two numbers, it needs no gap before it.
    groups: [u64; 2],
    /// Once there is a snapshot.
    changes: Option<Box<Changes>>,
}

/// What a table remembers between two snapshots.
#[derive(Debug, Default)]
struct Changes {
    history: History,
    /// The keys that were removed since the last snapshot was frozen.
    removed: Vec<Key>,
    /// What stands in snapshots of which none is known to be durable: removed keys, and for each chunk a bit for each row.
    pending: Arc<Vec<Key>>,
    written: Vec<Bits>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Table {
            index: HashTable::new(),
            entries: Chunks::new(),
            groups: [0; 2],
            changes: None,
        }
    }
}

impl<V: Clone> Table<V> {
    /// An empty table. It holds no memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The value of `key`; `None` if it was never set or has been removed.
    #[inline]
    pub fn get(&self, key: &[u8], hash: u64) -> Option<&V> {
        Some(self.entries.at(self.find(key, hash)?).1)
    }

    /// The slot of `key`, if it is there.
    #[inline]
    pub fn find(&self, key: &[u8], hash: u64) -> Option<Slot> {
        let tag = tag_of(hash);
        let place = self.index.find(Place::hash(tag), |place| {
            place.tag == tag && self.entries.holds(place.slot, key)
        })?;
        Some(place.slot)
    }

    /// The value of `key`, to be changed; `init` makes it if there is none.
    #[inline]
    pub fn update(&mut self, key: &[u8], hash: u64, init: impl FnOnce() -> V) -> &mut V {
        let slot = self.slot(key, hash, init);
        self.entries.value_mut(slot)
    }

    /// The slot of `key`, which is inserted if it is missing.
    #[inline]
    fn slot(&mut self, key: &[u8], hash: u64, init: impl FnOnce() -> V) -> Slot {
        let tag = tag_of(hash);
        let entries = &mut self.entries;
        let found = self.index.entry(
            Place::hash(tag),
            |place| place.tag == tag && entries.holds(place.slot, key),
            |place| Place::hash(place.tag),
        );
        match found {
            Entry::Occupied(place) => place.get().slot,
            Entry::Vacant(place) => {
                let slot = entries.put(key, init());
                place.insert(Place { tag, slot });
                let group = usize::from(keys::key_group(hash));
                self.groups[group / 64] |= 1 << (group % 64);
                slot
            }
        }
    }

    /// Finds the slots of a batch of rows, in place of whatever `slots` held, and inserts keys that are missing with
    /// the value that `init` makes. Row `i` has the hash `hashes[i]` and the key `key_of(i)`.
    ///
    /// A table that does not fit in the caches answers every question late. So each pass asks one question about all
    /// rows: first the index where their tags lie, then the entries whether their keys lie there. No answer is needed
    /// for the next question, and the processor waits for many at once. Rows that fail, because they are new or share a
    /// tag, are looked up again one by one and in order, so the second row of a new key finds what the first inserted.
    pub fn slots<'k>(
        &mut self,
        hashes: &[u64],
        key_of: impl Fn(usize) -> &'k [u8],
        mut init: impl FnMut() -> V,
        slots: &mut Vec<Slot>,
    ) {
        slots.clear();
        slots.extend(hashes.iter().map(|hash| self.likely_slot(*hash)));
        let mut failed = Vec::new();
        for (row, slot) in slots.iter().enumerate() {
            if !self.entries.holds(*slot, key_of(row)) {
                failed.push(row);
            }
        }
        for row in failed {
            slots[row] = self.slot(key_of(row), hashes[row], &mut init);
        }
    }

    #[inline]
    fn likely_slot(&self, hash: u64) -> Slot {
        let tag = tag_of(hash);
        self.index
            .find(Place::hash(tag), |place| place.tag == tag)
            .map_or(Slot::NONE, |place| place.slot)
    }

    /// The key and the value at a slot.
    ///
    /// # Panics
    /// If its key has been removed since, and no other lies there.
    #[inline]
    pub fn at(&self, slot: Slot) -> (&[u8], &V) {
        self.entries.at(slot)
    }

    /// The value at a slot, to be changed.
    ///
    /// # Panics
    /// If its key has been removed since, and no other lies there.
    #[inline]
    pub fn value_mut(&mut self, slot: Slot) -> &mut V {
        self.entries.value_mut(slot)
    }

    /// Removes a key and gives back its value; does nothing if there is no such key.
    pub fn remove(&mut self, key: &[u8], hash: u64) -> Option<V> {
        let tag = tag_of(hash);
        let found = self.index.find_entry(Place::hash(tag), |place| {
            place.tag == tag && self.entries.holds(place.slot, key)
        });
        let (place, _) = found.ok()?.remove();
        let (key, value) = self.entries.take(place.slot);
        self.remember_removed(key);
        if self.is_empty() {
            self.clear();
        } else if self.index.num_buckets() > SMALL_INDEX && self.len() < self.index.num_buckets() / 8 {
            self.index
                .shrink_to(self.len() * 2, |place| Place::hash(place.tag));
        }
        Some(value)
    }

    /// The next snapshot has to say that this key is removed, if it is one of changes. More such keys than entries are not
    /// worth the memory: the table then forgets its base, and the next snapshot is a whole one.
    fn remember_removed(&mut self, key: Key) {
        let most = self.len().max(SMALL_INDEX);
        if let Some(changes) = &mut self.changes {
            changes.removed.push(key);
            if changes.removed.len() + changes.pending.len() > most {
                self.changes = None;
            }
        }
    }

    /// A bit for each key group of which there is a key, or was one since the table was last empty: group `g` has bit `g`.
    pub fn groups(&self) -> u128 {
        let [low, high] = self.groups.map(u128::from);
        high << 64 | low
    }

    /// Whether the group has its bit among [`groups`](Table::groups).
    pub fn has_group(&self, group: u16) -> bool {
        self.groups()
            .checked_shr(group.into())
            .is_some_and(|bits| bits & 1 == 1)
    }

    /// The index has room for so many more keys.
    pub(crate) fn reserve(&mut self, keys: usize) {
        self.index.reserve(keys, |place| Place::hash(place.tag));
    }

    /// Removes all keys and gives their memory back.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// All keys and values, in no order that a caller may rely on, except for this: as long as no key has been removed,
    /// it is the order of insertion, and slots count up from 0 in it.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries.iter()
    }

    /// All keys and values, by the bytes of the keys.
    pub fn sorted(&self) -> Vec<(&[u8], &V)> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries
    }

    /// How many bytes the table holds, as far as it asked for them: what the allocator adds is not in it, nor is what
    /// values hold outside of themselves. Chunks shared with a frozen table count in full.
    pub fn memory(&self) -> usize {
        let changes = self.changes.as_ref().map_or(0, |changes| {
            size_of::<Changes>()
                + (changes.removed.capacity() + changes.pending.capacity()) * size_of::<Key>()
                + changes.written.capacity() * size_of::<Bits>()
        });
        self.index.allocation_size() + self.entries.memory() + changes
    }
}

impl<V: Value> Table<V> {
    /// The table as it stands, for somebody else to read while this one changes. No entry is copied now; the first
    /// change to a chunk of 512 entries copies it, as long as the frozen table lives.
    pub fn freeze(&mut self) -> FrozenTable<V> {
        FrozenTable::new(self.entries.share(), self.len())
    }

    /// Freezes the table as the state of this name of an operator: a part for each key group, all of it, and what has
    /// changed since the last snapshot that was durable.
    pub fn snapshot(&mut self, name: &str) -> Frozen {
        let changes = self.changes.get_or_insert_default();
        if changes.history.has_completed() {
            changes.written.clear();
            changes.pending = Arc::default();
        }
        if !changes.removed.is_empty() {
            Arc::make_mut(&mut changes.pending).append(&mut changes.removed);
        }
        let (base, completion) = changes.history.freeze();
        let chunks = self.entries.share_changes(&mut changes.written);
        let table = FrozenTable::new(chunks, self.index.len());
        Frozen::rows(name, table.since(base, Arc::clone(&changes.pending)), completion)
    }

    /// Takes the entries of a part over.
    pub fn restore(&mut self, part: &Part) -> Result<(), BadPart> {
        match part.owner {
            Owner::Group(group) => self
                .restore_group(group, &part.bytes)
                .map_err(|flaw| part.bad(flaw)),
            _ => Err(part.bad("it belongs to no key group")),
        }
    }
}

#[cfg(test)]
mod tests;
