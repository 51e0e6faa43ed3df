//! Who owns a key.
//!
//! A key is bytes. It is hashed once, where it enters the job, and the same 64 bits then decide everything: which worker
//! gets the row, which key group it is saved under, and where in a table it is looked for. The hash is xxh3 with a fixed
//! seed, the same in every process and every version, because state that one process has saved is restored by another.
//!
//! Keys are not dealt out to workers directly, but to 128 *key groups*, and those to workers in contiguous ranges:
//!
//! ```text
//! workers = 3    groups 0 ................ 42 | 43 ............... 85 | 86 .............. 127
//! ```
//!
//! A row without a key has no owner, so there are no such rows: the code that makes rows decides which bytes stand
//! for a missing key.
//!
//! With another number of workers, groups move as a whole, and each worker still reads one contiguous piece of what was
//! saved. `hash % workers` would move single keys, three quarters of them from 3 workers to 4.

use std::ops::RangeInclusive;

use xxhash_rust::xxh3::xxh3_64;

/// How many key groups there are. Fixed: it is a property of everything that was ever saved.
pub const KEY_GROUPS: u16 = 128;

/// The hash of a key.
#[inline]
pub fn hash(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// The key group of a hash, from bits in the middle of it: hash tables index with the low bits and tag with the high
/// ones, and a worker's keys would all share them.
#[inline]
pub fn key_group(hash: u64) -> u16 {
    ((hash >> 32) as u16) % KEY_GROUPS
}

/// The worker that owns a key group, of `workers`.
#[inline]
pub fn worker_of(group: u16, workers: usize) -> usize {
    usize::from(group) * workers / usize::from(KEY_GROUPS)
}

/// The key groups that a worker owns; empty (start behind end) if there are more workers than groups.
pub fn groups_of(worker: usize, workers: usize) -> RangeInclusive<u16> {
    let groups = usize::from(KEY_GROUPS);
    let start = (worker * groups).div_ceil(workers);
    let end = ((worker + 1) * groups - 1) / workers;
    start as u16..=end as u16
}

/// The owner of each key group, looked up once a row.
#[derive(Debug, Clone)]
pub struct Owners([u16; KEY_GROUPS as usize]);

impl Owners {
    /// The owners if there are so many workers.
    pub fn of(workers: usize) -> Self {
        let mut owners = [0; KEY_GROUPS as usize];
        for (group, owner) in (0..).zip(&mut owners) {
            *owner = worker_of(group, workers) as u16;
        }
        Owners(owners)
    }

    /// Who owns the key with this hash.
    #[inline]
    pub fn lane(&self, hash: u64) -> usize {
        usize::from(self.0[usize::from(key_group(hash))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_the_known_ones() {
        assert_eq!(
            (0..3).map(|worker| groups_of(worker, 3)).collect::<Vec<_>>(),
            [0..=42, 43..=85, 86..=127]
        );
        assert_eq!(
            (0..2).map(|worker| groups_of(worker, 2)).collect::<Vec<_>>(),
            [0..=63, 64..=127]
        );
    }

    #[test]
    fn every_group_has_exactly_one_owner_whatever_the_number_of_workers() {
        for workers in 1..=usize::from(KEY_GROUPS) {
            let mut owners = vec![0; usize::from(KEY_GROUPS)];
            for worker in 0..workers {
                for group in groups_of(worker, workers) {
                    owners[usize::from(group)] += 1;
                    assert_eq!(worker_of(group, workers), worker);
                }
            }
            assert!(owners.iter().all(|count| *count == 1), "{workers} workers");
        }
    }

    fn groups_that_move(from: usize, to: usize) -> usize {
        (0..KEY_GROUPS)
            .filter(|group| worker_of(*group, from) != worker_of(*group, to))
            .count()
    }

    #[test]
    fn the_cost_of_a_rescale_is_known() {
        assert_eq!(groups_that_move(3, 4), 65);
        assert_eq!(groups_that_move(2, 3), 63);
    }

    #[test]
    fn hashing_the_key_to_the_worker_directly_would_move_three_quarters_of_the_keys() {
        let moved = (0..12_000_u64).filter(|hash| hash % 3 != hash % 4).count();
        assert_eq!(moved, 9_000);
    }

    #[test]
    fn hashes_never_change() {
        // The first is what the specification of xxh3 gives for no input at all.
        assert_eq!(hash(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(hash(b"m-1"), 0x1dc7_3f47_c014_0d66);
        assert_eq!(hash(b"m-7"), 0x0193_c603_caf9_bcb5);
        assert_eq!(hash(b"m-42"), 0x1d2b_b301_dfe1_ec31);
        assert_eq!(
            [b"m-1".as_slice(), b"m-7", b"m-42"].map(|key| key_group(hash(key))),
            [71, 3, 1]
        );
    }
}
