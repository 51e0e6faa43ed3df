//! What it costs to count under a key: the map of the job, the same map with another hash, and no map at all.
//!
//! The last one is not a fair race but a limit: it is what is left once keys have become small numbers, which somebody
//! has to look up first.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::collections::HashMap;
use std::hash::BuildHasher;

use criterion::{BenchmarkId, Criterion, Throughput};
use day01_consumer::job::Counts;
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::{Generator, GeneratorOptions};

const ORDERS: u64 = 1_000_000;

/// The merchants of generated orders, one for each order.
fn merchants(merchants: u32) -> Vec<String> {
    let options = GeneratorOptions {
        orders: ORDERS,
        merchants,
        ..GeneratorOptions::default()
    };
    let mut generator = Generator::new(options);
    let mut names = Vec::new();
    while let Some(order) = generator.next_order() {
        names.push(order.merchant_id.clone());
    }
    names
}

/// The map of the job, with another hash.
fn with_hasher<S: BuildHasher + Default>(names: &[String]) -> HashMap<String, u64, S> {
    let mut counts: HashMap<String, u64, S> = HashMap::default();
    for name in names {
        match counts.get_mut(name.as_str()) {
            Some(count) => *count += 1,
            None => drop(counts.insert(name.clone(), 1)),
        }
    }
    counts
}

fn std_map(names: &[String]) -> Counts {
    let mut counts = Counts::default();
    for name in names {
        counts.add(name);
    }
    counts
}

fn dense(ids: &[u32], distinct: usize) -> Vec<u64> {
    let mut counts = vec![0; distinct];
    for id in ids {
        counts[*id as usize] += 1;
    }
    counts
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let mut group = criterion.benchmark_group("count");
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    for keys in [1_000, 1_000_000] {
        let names = merchants(keys);
        let mut distinct: Vec<&String> = names.iter().collect();
        distinct.sort();
        distinct.dedup();
        let id_of: HashMap<&String, u32> = distinct.iter().zip(0..).map(|(name, id)| (*name, id)).collect();
        let ids: Vec<u32> = names.iter().map(|name| id_of[name]).collect();

        let right = std_map(&names);
        let right = right.sorted();
        let fast: HashMap<String, u64, foldhash::fast::FixedState> = with_hasher(&names);
        let by_id = dense(&ids, distinct.len());
        assert!(right.iter().all(|(name, count)| fast[*name] == *count));
        assert!(
            distinct
                .iter()
                .zip(&by_id)
                .all(|(name, count)| right[name.as_str()] == *count)
        );

        group.bench_function(BenchmarkId::new("std-map", keys), |bench| {
            bench.iter(|| std_map(&names))
        });
        group.bench_function(BenchmarkId::new("foldhash", keys), |bench| {
            bench.iter(|| with_hasher::<foldhash::fast::FixedState>(&names))
        });
        group.bench_function(BenchmarkId::new("dense-ids", keys), |bench| {
            bench.iter(|| dense(&ids, distinct.len()))
        });
    }
    group.finish();
    criterion.final_summary();
}
