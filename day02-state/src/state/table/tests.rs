//! The table by itself, and its snapshots on top of each other; `tests/table.rs` holds it against a model.

use super::*;
use crate::keys;
use crate::state::Piece;
use crate::state::chunks::ROWS;

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
    let filters: std::collections::BTreeSet<u64> = tags.iter().map(|tag| Place::hash(*tag) >> 57).collect();
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

/// Puts runs on top of each other, as a store does that knows nothing of the table.
fn put_on_top(groups: &mut Vec<Vec<u8>>, frozen: Frozen) -> usize {
    let mut written = 0;
    groups.resize(usize::from(keys::KEY_GROUPS), Vec::new());
    for piece in frozen {
        let Piece::Rows(_, rows) = piece else {
            panic!("a table has rows")
        };
        for (group, below) in (0..).zip(groups.iter_mut()) {
            let run = match rows.base() {
                Some(_) => rows.changes(group),
                None => {
                    below.clear();
                    rows.whole(group)
                }
            };
            written += run.len();
            *below = crate::state::run::merge(&[&*below, &run]).expect("whole");
        }
    }
    written
}

fn whole(table: &mut Table<u64>) -> Vec<Vec<u8>> {
    let mut groups = vec![Vec::new(); usize::from(keys::KEY_GROUPS)];
    for (group, bytes) in table.freeze().encode_groups() {
        groups[usize::from(group)] = bytes;
    }
    groups
}

#[test]
fn a_snapshot_behind_a_durable_one_holds_what_has_changed_since() {
    let (mut table, mut stored) = (filled(0..10_000), Vec::new());
    let snapshot = table.snapshot("n");
    let completions = snapshot.completions();
    let full = put_on_top(&mut stored, snapshot);
    completions.iter().for_each(|completion| completion.complete(1));
    // One in a hundred, from all over.
    (0..10_000).step_by(100).for_each(|key| count(&mut table, key));
    remove(&mut table, 5);
    remove(&mut table, 100);
    remove(&mut table, 200);
    count(&mut table, 200);
    count(&mut table, 20_000);
    let changes = put_on_top(&mut stored, table.snapshot("n"));
    assert!(changes * 80 < full, "{changes} of {full} bytes");
    assert_eq!(stored, whole(&mut table));
}

#[test]
fn what_a_snapshot_held_that_was_given_up_is_in_the_next_one() {
    let (mut table, mut stored) = (filled(0..1_000), Vec::new());
    let first = table.snapshot("n");
    first
        .completions()
        .iter()
        .for_each(|completion| completion.complete(1));
    put_on_top(&mut stored, first);
    count(&mut table, 1);
    remove(&mut table, 2);
    drop(table.snapshot("n"));
    count(&mut table, 3);
    remove(&mut table, 4);
    put_on_top(&mut stored, table.snapshot("n"));
    assert_eq!(stored, whole(&mut table));
}

#[test]
fn a_chunk_that_was_emptied_and_filled_again_is_saved_as_it_is_now() {
    // Four chunks, all of them full.
    let (mut table, mut stored) = (filled(0..4 * ROWS as u32), Vec::new());
    let mut save = |table: &mut Table<u64>| {
        let snapshot = table.snapshot("n");
        snapshot
            .completions()
            .iter()
            .for_each(|completion| completion.complete(1));
        put_on_top(&mut stored, snapshot);
        assert_eq!(stored, whole(table));
    };
    save(&mut table);
    count(&mut table, 300);
    (0..ROWS as u32).for_each(|key| _ = remove(&mut table, key));
    count(&mut table, 10_000);
    save(&mut table);
}

proptest::proptest! {
    #[test]
    fn snapshots_on_top_of_each_other_are_the_table(
        steps in proptest::collection::vec((0..6_u8, 0..3_000_u32, 0..1_500_u32, proptest::prelude::any::<bool>()), 1..10)
    ) {
        let (mut table, mut stored) = (Table::new(), Vec::new());
        for (number, (what, from, keys, is_durable)) in (1..).zip(steps) {
            match what {
                0..=2 => (from..from + keys).for_each(|key| count(&mut table, key)),
                3 | 4 => (from..from + keys).for_each(|key| _ = remove(&mut table, key)),
                _ => table.clear(),
            }
            let snapshot = table.snapshot("n");
            if is_durable {
                snapshot.completions().iter().for_each(|completion| completion.complete(number));
                put_on_top(&mut stored, snapshot);
                proptest::prop_assert_eq!(&stored, &whole(&mut table));
            }
        }
    }
}

#[test]
fn a_table_does_not_remember_more_removed_keys_than_it_has_entries() {
    let mut table = filled(0..1_000);
    drop(table.snapshot("n"));
    let before = table.memory();
    for key in 1_000..100_000 {
        count(&mut table, key);
        remove(&mut table, key);
    }
    assert!(table.memory() < 2 * before, "{} after {before}", table.memory());
    assert!(
        table
            .snapshot("n")
            .all(|piece| matches!(piece, Piece::Rows(_, rows) if rows.base().is_none()))
    );
}
