//! What it costs to count under a key: the table, a batch at a time and row by row, against two hash maps.
//!
//! All of them get the same rows in batches of 1,000, each row a key in one arena. The table gets the hash as well,
//! which the engine computes once for all; the maps compute theirs. All keys are known beforehand. Rows are stored as
//! `&str`, the form that suits the maps best.
//!
//! With 1,000 keys, how far away the rows lie matters as much as what is done with them. So there are two cases: 32
//! batches, which stay in the second-level cache as a batch does that has just been decoded; and `-streamed`, 1,000
//! batches that come from further away every time, eight bytes more a row for the table, because of the hash. With a
//! million keys there are always 1,000 batches, since fewer would not touch the whole table.

use std::collections::HashMap;

use criterion::{BenchmarkId, Criterion, Throughput};
use day01_consumer::lab::cpu::CpuTime;
use day02_state::keys::hash;
use day02_state::state::{Slot, Table};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BATCH: usize = 1_000;
/// Rows that come from far away.
const ROWS: usize = 1_000_000;
/// Rows that stay in the second-level cache.
const CACHED_ROWS: usize = 32_000;

/// How many keys, how many rows, and how the case is called.
const CASES: [(usize, usize, &str); 3] = [
    (1_000, CACHED_ROWS, ""),
    (1_000, ROWS, "-streamed"),
    (1_000_000, ROWS, ""),
];

/// The same rows in every run.
fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    ((u128::from(random.next_u64()) * end as u128) >> 64) as usize
}

/// The key of each row, as a number below `keys`.
fn uniform(keys: usize) -> Vec<usize> {
    let mut random = random(1);
    (0..ROWS).map(|_| below(&mut random, keys)).collect()
}

/// The same by Zipf's law with s = 1. Which key is how frequent is drawn by lot, so that frequent ones are no neighbours.
fn zipf(keys: usize) -> Vec<usize> {
    let mut random = random(2);
    let mut ids: Vec<usize> = (0..keys).collect();
    for last in (1..keys).rev() {
        ids.swap(last, below(&mut random, last + 1));
    }
    let mut total = 0.0;
    let ends: Vec<f64> = (1..=keys)
        .map(|rank| {
            total += 1.0 / rank as f64;
            total
        })
        .collect();
    (0..ROWS)
        .map(|_| {
            let at = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 * total;
            ids[ends.partition_point(|end| *end <= at).min(keys - 1)]
        })
        .collect()
}

struct Rows<'a> {
    keys: Vec<&'a str>,
    hashes: Vec<u64>,
}

fn table(names: &[String]) -> Table<u64> {
    let mut table = Table::new();
    for name in names {
        table.update(name.as_bytes(), hash(name.as_bytes()), || 0);
    }
    table
}

fn by_batch(table: &mut Table<u64>, rows: &Rows, slots: &mut Vec<Slot>) {
    for (keys, hashes) in rows.keys.chunks(BATCH).zip(rows.hashes.chunks(BATCH)) {
        table.slots(hashes, |row| keys[row].as_bytes(), || 0, slots);
        for slot in slots.iter() {
            *table.value_mut(*slot) += 1;
        }
    }
}

fn by_row(table: &mut Table<u64>, rows: &Rows) {
    for (key, hash) in rows.keys.iter().zip(&rows.hashes) {
        *table.update(key.as_bytes(), *hash, || 0) += 1;
    }
}

type Hashbrown<'a> = hashbrown::HashMap<&'a str, u64, foldhash::fast::FixedState>;

fn hashbrown<'a>(counts: &mut Hashbrown<'a>, rows: &Rows<'a>) {
    for key in &rows.keys {
        match counts.get_mut(key) {
            Some(count) => *count += 1,
            None => drop(counts.insert(key, 1)),
        }
    }
}

fn std_map<'a>(counts: &mut HashMap<&'a str, u64>, rows: &Rows<'a>) {
    for key in &rows.keys {
        match counts.get_mut(key) {
            Some(count) => *count += 1,
            None => drop(counts.insert(key, 1)),
        }
    }
}

fn names(keys: usize) -> Vec<String> {
    (0..keys).map(|id| format!("m-{id:09}")).collect()
}

/// The keys of all rows, end to end.
fn arena(names: &[String], ids: &[usize]) -> String {
    ids.iter().map(|id| names[*id].as_str()).collect()
}

fn rows<'a>(arena: &'a str, names: &[String], ids: &[usize]) -> Rows<'a> {
    Rows {
        keys: (0..ids.len()).map(|row| &arena[row * 11..][..11]).collect(),
        hashes: ids.iter().map(|id| hash(names[*id].as_bytes())).collect(),
    }
}

/// All who count, each with every key at zero.
struct Competitors<'a> {
    batched: Table<u64>,
    by_row: Table<u64>,
    hashbrown: Hashbrown<'a>,
    std_map: HashMap<&'a str, u64>,
    slots: Vec<Slot>,
}

impl<'a> Competitors<'a> {
    /// Lets each of them count all rows once, and makes sure that they agree.
    fn new(names: &'a [String], rows: &Rows<'a>) -> Self {
        let mut all = Competitors {
            batched: table(names),
            by_row: table(names),
            hashbrown: names.iter().map(|name| (name.as_str(), 0)).collect(),
            std_map: names.iter().map(|name| (name.as_str(), 0)).collect(),
            slots: Vec::new(),
        };
        by_batch(&mut all.batched, rows, &mut all.slots);
        by_row(&mut all.by_row, rows);
        hashbrown(&mut all.hashbrown, rows);
        std_map(&mut all.std_map, rows);
        for name in names {
            let count = all.std_map[name.as_str()];
            let hash = hash(name.as_bytes());
            assert_eq!(all.batched.get(name.as_bytes(), hash), Some(&count));
            assert_eq!(all.by_row.get(name.as_bytes(), hash), Some(&count));
            assert_eq!(all.hashbrown[name.as_str()], count);
        }
        all
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let mut group = criterion.benchmark_group("state");
    group.sample_size(20);
    for (keys, count, suffix) in CASES {
        group.throughput(Throughput::Elements(count as u64));
        let names = names(keys);
        for (skew, ids) in [("uniform", uniform(keys)), ("zipf", zipf(keys))] {
            let ids = &ids[..count];
            let arena = arena(&names, ids);
            let rows = rows(&arena, &names, ids);
            let mut all = Competitors::new(&names, &rows);
            let id = |competitor: &str| {
                BenchmarkId::new(format!("{competitor}/{keys}"), format!("{skew}{suffix}"))
            };
            group.bench_function(id("table"), |bench| {
                bench.iter(|| by_batch(&mut all.batched, &rows, &mut all.slots))
            });
            group.bench_function(id("table-row-by-row"), |bench| {
                bench.iter(|| by_row(&mut all.by_row, &rows))
            });
            group.bench_function(id("hashbrown"), |bench| {
                bench.iter(|| hashbrown(&mut all.hashbrown, &rows))
            });
            group.bench_function(id("std-map"), |bench| {
                bench.iter(|| std_map(&mut all.std_map, &rows))
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
