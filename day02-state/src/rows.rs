//! Rows with keys, on their way from where they were decoded to the worker that owns them.
//!
//! The keys of a batch lie end to end in one buffer, their hashes and values in two lists, so that a batch costs a handful
//! of allocations, however many rows it has. A key is hashed once, when its row is pushed; the same hash then picks the
//! worker, the key group and the place in a table.
//!
//! ```text
//! keys    m-7 m-1 m-7          one buffer
//! ends       3   6   9
//! hashes     …   …   …
//! values  12.50 4.00 8.25      here the amounts, in cents
//! ```

use crate::keys::{self, Owners};
use crate::operator::{Batch, Keyed};

// ANCHOR: rows
/// A batch of rows, each a key and a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<V> {
    keys: Vec<u8>,
    /// Where each key ends in `keys`; it begins where the one before it ends. A few long keys in many windows each make
    /// more bytes than 32 bits can count.
    ends: Vec<usize>,
    hashes: Vec<u64>,
    values: Vec<V>,
}
// ANCHOR_END: rows

impl<V> Default for Rows<V> {
    fn default() -> Self {
        Rows {
            keys: Vec::new(),
            ends: Vec::new(),
            hashes: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<V> Rows<V> {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No rows yet, but room for so many with keys of so many bytes in all.
    pub fn with_capacity(rows: usize, key_bytes: usize) -> Self {
        Rows {
            keys: Vec::with_capacity(key_bytes),
            ends: Vec::with_capacity(rows),
            hashes: Vec::with_capacity(rows),
            values: Vec::with_capacity(rows),
        }
    }

    /// Appends a row, and hashes its key.
    #[inline]
    pub fn push(&mut self, key: &[u8], value: V) {
        self.push_hashed(key, keys::hash(key), value);
    }

    #[inline]
    fn push_hashed(&mut self, key: &[u8], hash: u64, value: V) {
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
        self.hashes.push(hash);
        self.values.push(value);
    }

    /// Takes the last row away again.
    pub fn pop(&mut self) {
        if self.values.pop().is_some() {
            self.hashes.pop();
            self.ends.pop();
            let end = self.ends.last().copied().unwrap_or(0);
            self.keys.truncate(end);
        }
    }

    /// The same keys, each with what `value` says of its row.
    pub fn with<W>(self, value: impl FnMut(usize) -> W) -> Rows<W> {
        let values = (0..self.len()).map(value).collect();
        let Rows {
            keys, ends, hashes, ..
        } = self;
        Rows {
            keys,
            ends,
            hashes,
            values,
        }
    }

    /// The key of a row.
    #[inline]
    pub fn key(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.keys[start..self.ends[row]]
    }

    /// The hashes of the keys, in order.
    #[inline]
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// The keys with their hashes, in order.
    #[inline]
    pub fn keys(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.hashes
            .iter()
            .enumerate()
            .map(|(row, hash)| (self.key(row), *hash))
    }

    /// The values, in order.
    #[inline]
    pub fn values(&self) -> &[V] {
        &self.values
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<V: Clone> Rows<V> {
    /// The rows at these places, in this order.
    pub fn gather(&self, places: &[u32]) -> Self {
        // As many bytes as if all keys were equally long.
        let bytes = self.keys.len() * places.len() / self.len().max(1);
        let mut rows = Rows::with_capacity(places.len(), bytes);
        for place in places {
            let row = *place as usize;
            rows.push_hashed(self.key(row), self.hashes[row], self.values[row].clone());
        }
        rows
    }
}

impl<V: Clone + Send + 'static> Batch for Rows<V> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let before = self.keys.len();
        self.keys.extend_from_slice(&other.keys);
        self.ends.extend(other.ends.iter().map(|end| before + end));
        self.hashes.extend_from_slice(&other.hashes);
        self.values.extend_from_slice(&other.values);
    }

    fn cut(self, rows: usize) -> Vec<Self> {
        let all: Vec<u32> = (0..self.len() as u32).collect();
        all.chunks(rows).map(|some| self.gather(some)).collect()
    }

    fn take(&mut self) -> Self {
        let next = Rows::with_capacity(self.len(), self.keys.len());
        std::mem::replace(self, next)
    }
}

impl<V: Clone + Send + 'static> Keyed for Rows<V> {
    fn scatter(self, owners: &Owners, lanes: &mut [Self]) {
        if let [lane] = lanes {
            return lane.append(self);
        }
        for (row, (key, hash)) in self.keys().enumerate() {
            lanes[owners.lane(hash)].push_hashed(key, hash, self.values[row].clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(pairs: &[(&str, i64)]) -> Rows<i64> {
        let mut rows = Rows::new();
        for (key, value) in pairs {
            rows.push(key.as_bytes(), *value);
        }
        rows
    }

    #[test]
    fn appended_rows_stand_behind_those_that_were_there() {
        let mut merged = rows(&[("m-1", 1), ("", 2)]);
        merged.append(rows(&[("m-22", 3)]));
        assert_eq!(merged, rows(&[("m-1", 1), ("", 2), ("m-22", 3)]));
        let taken = merged.take();
        assert_eq!(taken.key(2), b"m-22");
        assert!(merged.is_empty());
    }

    #[test]
    fn rows_can_be_cut_into_batches() {
        let all = rows(&[("m-1", 1), ("", 2), ("m-22", 3)]);
        let batches = all.clone().cut(2);
        assert_eq!(batches, [rows(&[("m-1", 1), ("", 2)]), rows(&[("m-22", 3)])]);
        assert_eq!(all.clone().cut(3), [all]);
        assert!(rows(&[]).cut(1).is_empty());
    }

    #[test]
    fn rows_can_be_chosen_and_get_other_values() {
        let all = rows(&[("m-1", 1), ("", 2), ("m-22", 3)]);
        assert_eq!(all.gather(&[2, 0]), rows(&[("m-22", 3), ("m-1", 1)]));
        let tenfold = |row| 10 * all.values()[row];
        assert_eq!(
            all.clone().with(tenfold),
            rows(&[("m-1", 10), ("", 20), ("m-22", 30)])
        );
    }

    #[test]
    fn every_row_goes_to_the_lane_that_owns_its_key_and_keeps_its_order_there() {
        let names: Vec<String> = (0..1_000).map(|name| format!("m-{}", name % 97)).collect();
        let mut all = Rows::new();
        for (value, name) in names.iter().enumerate() {
            all.push(name.as_bytes(), value as i64);
        }
        let owners = Owners::of(3);
        let mut lanes = [Rows::new(), Rows::new(), Rows::new()];
        all.scatter(&owners, &mut lanes);
        let mut seen = 0;
        for (lane, rows) in lanes.iter().enumerate() {
            assert!(rows.values().is_sorted());
            for (row, (key, hash)) in rows.keys().enumerate() {
                assert_eq!(key, names[rows.values()[row] as usize].as_bytes());
                assert_eq!(hash, keys::hash(key));
                assert_eq!(owners.lane(hash), lane);
                seen += 1;
            }
        }
        assert_eq!(seen, names.len());
    }
}
