//! The table from keys to values that a worker keeps its state in.
//!
//! It is an index over [`Chunks`](super::chunks::Chunks), and it is built for three things at once: a batch of rows is
//! looked up faster than row by row, a freeze stalls the worker for microseconds and not for a copy, and a key costs
//! little beside its bytes and its value.
//!
//! Every call brings the hash of its key, [`keys::hash`](crate::keys::hash), computed once for the whole engine. The index
//! keeps 32 bits of it, the *tag*, and the slot of the entry: eight bytes a key. So growing the index reads no key, and
//! a key that is not there is found missing without a look at any entry. Different keys may share a tag, about one in
//! 4,000 among a million keys, so the key itself always has the last word.
//!
//! How space comes back: rows and chunks as [`chunks`](super::chunks) describes; the index shrinks when less than one
//! eighth of it is in use; a table whose last key goes is a new one.
//!
//! Left out on purpose: deleting what is old (state has no clock), and order (see [`Table::sorted`], which sorts).

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::chunks::{Chunks, Slot};
use super::key::tag_of;
use super::snapshot::{FrozenTable, Value};
use super::{BadPart, Frozen, Owner, Part};

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
#[derive(Debug)]
pub struct Table<V> {
    index: HashTable<Place>,
    entries: Chunks<V>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Table {
            index: HashTable::new(),
            entries: Chunks::new(),
        }
    }
}

impl<V: Value> Table<V> {
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
        let tag = tag_of(hash);
        let place = self.index.find(Place::hash(tag), |place| {
            place.tag == tag && self.entries.holds(place.slot, key)
        })?;
        Some(self.entries.at(place.slot).1)
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
                slot
            }
        }
    }

    /// Finds the slots of a batch of rows, in place of whatever `slots` held, and inserts keys that are missing with
    /// the value that `init` makes. Row `i` has the hash `hashes[i]` and the key `key_of(i)`.
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
        let value = self.entries.take(place.slot);
        if self.is_empty() {
            self.clear();
        } else if self.index.num_buckets() > SMALL_INDEX && self.len() < self.index.num_buckets() / 8 {
            self.index
                .shrink_to(self.len() * 2, |place| Place::hash(place.tag));
        }
        Some(value)
    }

    /// Removes all keys and gives their memory back.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// All keys and values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries.iter()
    }

    /// All keys and values, by the bytes of the keys.
    pub fn sorted(&self) -> Vec<(&[u8], &V)> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries
    }

    /// The table as it stands, for somebody else to read while this one changes. No entry is copied now; the first
    /// change to a chunk of 2,048 entries copies it, as long as the frozen table lives.
    pub fn freeze(&mut self) -> FrozenTable<V> {
        FrozenTable::new(self.entries.share(), self.len())
    }

    /// How many chunks of up to 2,048 entries have been written since the last freeze.
    pub fn changed_chunks(&self) -> usize {
        self.entries.changed()
    }

    /// How many bytes the table holds, as far as it asked for them: what the allocator adds is not in it, nor is what
    /// values hold outside of themselves. Chunks shared with a frozen table count in full.
    pub fn memory(&self) -> usize {
        self.index.allocation_size() + self.entries.memory()
    }
}

impl<V: Value> Table<V> {
    /// Freezes the table as the state of this name of an operator: a part for each key group.
    pub fn snapshot(&mut self, name: &str) -> Frozen {
        let (table, name) = (self.freeze(), name.to_string());
        Frozen::new(move || {
            let groups = table.encode_groups().into_iter();
            let part = |(group, bytes)| Part {
                name: name.clone(),
                owner: Owner::Group(group),
                bytes,
            };
            groups.map(part).collect()
        })
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
