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
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Table {
            index: HashTable::new(),
            entries: Chunks::new(),
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

    /// Which chunks of up to 512 entries have been written since the last freeze, by number.
    pub fn changed_chunks(&self) -> impl Iterator<Item = usize> {
        self.entries.changed()
    }

    /// How many bytes the table holds, as far as it asked for them: what the allocator adds is not in it, nor is what
    /// values hold outside of themselves. Chunks shared with a frozen table count in full.
    pub fn memory(&self) -> usize {
        self.index.allocation_size() + self.entries.memory()
    }
}

impl<V: Value> Table<V> {
    /// The table as it stands, for somebody else to read while this one changes. No entry is copied now; the first
    /// change to a chunk of 512 entries copies it, as long as the frozen table lives.
    pub fn freeze(&mut self) -> FrozenTable<V> {
        FrozenTable::new(self.entries.share(), self.len())
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    fn filled(keys: impl Iterator<Item = u32>) -> Table<u64> {
        let mut table = Table::new();
        keys.for_each(|key| count(&mut table, key));
        table
    }

    fn name(key: u32) -> String {
        format!("m-{key:09}")
    }

    fn count(table: &mut Table<u64>, key: u32) {
        let key = name(key);
        *table.update(key.as_bytes(), keys::hash(key.as_bytes()), || 0) += 1;
    }

    fn remove(table: &mut Table<u64>, key: u32) -> Option<u64> {
        let key = name(key);
        table.remove(key.as_bytes(), keys::hash(key.as_bytes()))
    }

    #[test]
    fn a_missing_key_is_none_and_no_zero() {
        let mut table = filled(0..1);
        assert_eq!(table.get(b"", keys::hash(b"")), None);
        assert_eq!(table.remove(b"", keys::hash(b"")), None);
        table.update(b"", keys::hash(b""), || 0);
        assert_eq!(table.get(b"", keys::hash(b"")), Some(&0));
        assert_eq!(table.remove(b"", keys::hash(b"")), Some(0));
        assert_eq!(table.remove(b"", keys::hash(b"")), None);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn keys_that_share_a_tag_are_kept_apart() {
        let mut table = Table::new();
        // Same tag, and even the same hash.
        let rows = [
            (&b"a"[..], 7_u64),
            (b"b", 7 | 1 << 40),
            (b"c", 7),
            (b"a-key-that-is-boxed", 7),
        ];
        let hashes = rows.map(|(_, hash)| hash);
        let twice: Vec<u64> = hashes.into_iter().chain(hashes).collect();
        let mut slots = Vec::new();
        for round in 1..4 {
            table.slots(&twice, |row| rows[row % rows.len()].0, || 0, &mut slots);
            for slot in &slots {
                *table.value_mut(*slot) += 1;
            }
            assert_eq!(table.len(), rows.len());
            for (key, hash) in rows {
                assert_eq!(table.get(key, hash), Some(&(2 * round)));
            }
        }
        assert_eq!(table.get(b"d", 7), None);
        assert_eq!(table.remove(b"d", 7), None);
        assert_eq!(table.remove(b"b", 7), Some(6));
        assert_eq!(table.len(), 3);
        assert_eq!(table.get(b"c", 7), Some(&6));
    }

    #[test]
    fn a_key_that_comes_twice_in_a_batch_has_one_slot() {
        let mut table = Table::new();
        let keys = [&b"x"[..], b"y", b"x", b"", b"y", b"x"];
        let hashes = keys.map(keys::hash);
        let mut slots = vec![Slot::NONE; 3];
        table.slots(&hashes, |row| keys[row], || 10_u64, &mut slots);
        assert_eq!((slots.len(), table.len()), (6, 3));
        for (slot, key) in slots.iter().zip(keys) {
            assert_eq!(table.at(*slot), (key, &10));
        }
        table.slots(&[], |row| keys[row], || 10, &mut slots);
        assert!(slots.is_empty());
    }

    #[test]
    fn the_keys_of_one_group_spread_over_the_index() {
        // Were the group bits part of the tag, the tags of a worker's keys would fill a small part of their range.
        let hashes = (0..200_000).map(|key| keys::hash(name(key).as_bytes()));
        let mut tags: Vec<u32> = hashes
            .filter(|hash| keys::key_group(*hash) == 3)
            .map(tag_of)
            .collect();
        let keys = tags.len();
        let filters: std::collections::BTreeSet<u64> =
            tags.iter().map(|tag| Place::hash(*tag) >> 57).collect();
        let positions: std::collections::BTreeSet<u64> =
            tags.iter().map(|tag| Place::hash(*tag) & 0xFFF).collect();
        assert_eq!(filters.len(), 128);
        // Balls thrown into 4,096 urns leave a share of e^(-keys/4096) empty.
        let expected = 4_096.0 * (1.0 - (-(keys as f64) / 4_096.0).exp());
        assert!((positions.len() as f64 / expected - 1.0).abs() < 0.1);
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), keys);
    }

    #[test]
    fn a_key_costs_64_bytes_at_most_beside_itself_and_its_value() {
        let mut table = Table::new();
        let mut buckets = 0;
        let mut worst = 0;
        for keys in 1..=1_000_000 {
            count(&mut table, keys);
            let grown = table.index.num_buckets() != buckets;
            buckets = table.index.num_buckets();
            let measured = keys == 1_000 || keys == 1_000_000 || grown && keys > 1_000;
            if measured {
                worst = worst.max(table.memory() / keys as usize - 11 - 8);
            }
        }
        assert!(worst <= 40, "{worst} bytes a key");
    }

    #[test]
    fn removal_gives_space_back() {
        let mut table = filled(0..100_000);
        let full = table.memory();
        for key in 1_000..100_000 {
            assert_eq!(remove(&mut table, key), Some(1));
        }
        assert!(table.memory() * 20 < full, "{} of {full} bytes", table.memory());
        (0..1_000).for_each(|key| assert_eq!(remove(&mut table, key), Some(1)));
        assert_eq!((table.memory(), table.len()), (0, 0));
    }

    #[test]
    fn churn_keeps_a_table_small() {
        let mut table = filled(0..10_000);
        for key in 10_000..200_000 {
            remove(&mut table, key - 10_000);
            count(&mut table, key);
        }
        assert_eq!(table.len(), 10_000);
        // The index may have doubled once, to sweep out what removals left in it.
        assert!(table.memory() / 10_000 <= 64 + 11 + 8, "{} bytes", table.memory());
    }

    #[test]
    fn changed_chunks_are_those_written_since_the_last_freeze() {
        let mut table = filled(0..10_000);
        assert_eq!(table.changed_chunks().count(), 20);
        let first = table.freeze();
        assert_eq!(table.changed_chunks().count(), 0);
        count(&mut table, 0);
        count(&mut table, 1);
        count(&mut table, 9_999);
        assert_eq!(
            table.get(name(5_000).as_bytes(), keys::hash(name(5_000).as_bytes())),
            Some(&1)
        );
        // Key 9,999 came last, so it lies in the last of twenty chunks.
        assert_eq!(table.changed_chunks().collect::<Vec<_>>(), [0, 19]);
        let second = table.freeze();
        table.clear();
        assert_eq!((table.changed_chunks().count(), table.len()), (0, 0));
        assert!(first.iter().all(|(_, count)| *count == 1));
        assert_eq!(second.iter().filter(|(_, count)| **count == 2).count(), 3);
    }
}
