//! The job that every day runs, on the same million orders: what a day costs beside the ones before it.
//!
//! Orders lie in a log in memory, so that no broker and no network is in the figures. CPU time first, elapsed time
//! beside it.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput};
use day01_consumer::job::{Commit, Job, OnBadRecord};
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::{GeneratorOptions, generated_log};
use day01_consumer::log::Log;
use day01_consumer::source::{Polled, Start};

const ORDERS: u64 = 1_000_000;

/// Orders per merchant, over everything in the log; says how many were counted.
fn totals(log: &Log) -> u64 {
    let source = log
        .source("ladder", &Start::Earliest, true)
        .expect("a log can be read");
    let mut job = Job::new(source, Commit::None, OnBadRecord::Fail);
    while job.step(Duration::ZERO).expect("generated orders are good") != Polled::End {}
    black_box(job.counts());
    job.counted()
}

fn ladder<M: Measurement>(criterion: &mut Criterion<M>, measured: &str) {
    let options = GeneratorOptions {
        orders: ORDERS,
        ..GeneratorOptions::default()
    };
    let log = generated_log(options, 4);
    assert_eq!(totals(&log), ORDERS);
    let mut group = criterion.benchmark_group(format!("ladder-{measured}"));
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    group.bench_function("totals/day01", |bench| bench.iter(|| totals(&log)));
    group.finish();
}

fn main() {
    ladder(
        &mut Criterion::default()
            .with_measurement(CpuTime)
            .configure_from_args(),
        "cpu",
    );
    ladder(
        &mut Criterion::default()
            .with_measurement(WallTime)
            .configure_from_args(),
        "wall",
    );
    Criterion::default().configure_from_args().final_summary();
}
