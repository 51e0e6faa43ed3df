//! What a snapshot costs: the stall of freezing, against cloning a hash map, and what comes after the stall.
//!
//! `freeze` and `clone` time only the call; dropping its result and taking the chunks back lie outside. `first-write`
//! and `second-write` change every value once, in the order of the slots: the first pass after a freeze copies every
//! chunk, because the frozen table is still alive; the second finds them copied. `first-batch` changes 1,000 values all
//! over the table, which is what the first batch after a freeze really pays. `encode` is off the hot path.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use day01_consumer::lab::cpu::{CpuTime, process_cpu_time};
use day02_state::job::Totals;
use day02_state::keys::hash;
use day02_state::order::Cents;
use day02_state::state::{Slot, Table};

fn sums(key: u32) -> Totals {
    Totals {
        count: 1,
        sum: i128::from(key),
        max: Cents(i64::from(key)),
    }
}

/// Keys from 0 to `keys` - 1 in an order far from sorted, so that neither sorting nor restoring has it easy.
fn mixed(keys: u32) -> impl Iterator<Item = u32> {
    // Neither of the factors of a power of ten divides this one, so no key comes twice.
    (0..keys).map(move |key| (u64::from(key) * 736_878_701 % u64::from(keys)) as u32)
}

fn name(key: u32) -> String {
    format!("m-{key:09}")
}

fn table(keys: u32) -> (Table<Totals>, Vec<Slot>) {
    let (mut table, mut all, mut slots) = (Table::new(), Vec::new(), Vec::new());
    let order: Vec<u32> = mixed(keys).collect();
    for keys in order.chunks(1_000) {
        let names: Vec<String> = keys.iter().map(|key| name(*key)).collect();
        let hashes: Vec<u64> = names.iter().map(|name| hash(name.as_bytes())).collect();
        table.slots(&hashes, |row| names[row].as_bytes(), || sums(0), &mut slots);
        for (key, slot) in keys.iter().zip(&slots) {
            *table.value_mut(*slot) = sums(*key);
        }
        all.append(&mut slots);
    }
    (table, all)
}

fn write(table: &mut Table<Totals>, slots: &[Slot]) {
    for slot in slots {
        table.value_mut(*slot).count += 1;
    }
}

/// The CPU time of `work` alone; what it gives is dropped afterwards.
fn cost<T>(work: impl FnOnce() -> T) -> Duration {
    let start = process_cpu_time();
    let made = work();
    let cost = process_cpu_time().saturating_sub(start);
    drop(std::hint::black_box(made));
    cost
}

/// The same for `times` runs, with `between` before each.
fn costs<S, T>(
    times: u64,
    on: &mut S,
    mut between: impl FnMut(&mut S),
    work: impl Fn(&mut S) -> T,
) -> Duration {
    (0..times)
        .map(|_| {
            between(on);
            cost(|| work(on))
        })
        .sum()
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    for keys in [1_000_000, 10_000_000] {
        {
            let (mut state, slots) = table(keys);
            let frozen = state.freeze();
            assert_eq!(frozen.len(), keys as usize);
            assert!(
                frozen
                    .iter()
                    .all(|(key, value)| name(value.max.0 as u32).as_bytes() == key)
            );
            drop(frozen);

            // Every chunk is ours again before each freeze: the dearest case.
            group.bench_function(BenchmarkId::new("freeze", keys), |bench| {
                bench.iter_custom(|times| {
                    costs(
                        times,
                        &mut state,
                        |state| write(state, &slots),
                        |state| state.freeze(),
                    )
                })
            });
            group.bench_function(BenchmarkId::new("first-write", keys), |bench| {
                bench.iter_custom(|times| {
                    (0..times)
                        .map(|_| {
                            let frozen = state.freeze();
                            let cost = cost(|| write(&mut state, &slots));
                            drop(frozen);
                            cost
                        })
                        .sum()
                })
            });
            // The entries lie in the order of `mixed`, so these are spread over all chunks, as the keys of a batch are.
            let batch: Vec<Slot> = slots.iter().copied().step_by(slots.len() / 1_000).collect();
            group.bench_function(BenchmarkId::new("first-batch", keys), |bench| {
                bench.iter_custom(|times| {
                    (0..times)
                        .map(|_| {
                            write(&mut state, &slots);
                            let frozen = state.freeze();
                            let cost = cost(|| write(&mut state, &batch));
                            drop(frozen);
                            cost
                        })
                        .sum()
                })
            });
            group.bench_function(BenchmarkId::new("second-write", keys), |bench| {
                bench.iter_custom(|times| costs(times, &mut state, |_| (), |state| write(state, &slots)))
            });
            if keys == 1_000_000 {
                let frozen = state.freeze();
                group.bench_function(BenchmarkId::new("encode", keys), |bench| {
                    bench.iter_custom(|times| costs(times, &mut (), |()| (), |()| frozen.encode_groups()))
                });
                let groups = frozen.encode_groups();
                let restore = || {
                    let mut table = Table::<Totals>::new();
                    for (group, bytes) in &groups {
                        table.restore_group(*group, bytes).expect("we wrote these bytes");
                    }
                    table
                };
                assert_eq!(restore().freeze().encode_groups(), groups);
                group.bench_function(BenchmarkId::new("restore", keys), |bench| {
                    bench.iter_custom(|times| costs(times, &mut (), |()| (), |()| restore()))
                });
            }
        }
        let mut map: hashbrown::HashMap<Box<[u8]>, Totals, foldhash::fast::FixedState> = mixed(keys)
            .map(|key| (name(key).into_bytes().into_boxed_slice(), sums(key)))
            .collect();
        group.bench_function(BenchmarkId::new("clone", keys), |bench| {
            bench.iter_custom(|times| costs(times, &mut map, |_| (), |map| map.clone()))
        });
    }
    group.finish();
    criterion.final_summary();
}
