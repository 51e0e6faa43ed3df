//! What checkpoints cost: the same windows with none but the last, with one each second, and with ten each second. The
//! bound: with one each second, at least 0.9 of the throughput.
//!
//! The input is long enough for more than one of those that come each second. State is small: the sums of the windows that
//! are open. So what is measured is the way of a barrier and of its state to the disk, that of the temporary folder.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

mod tumble;

use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput};
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::{GeneratorOptions, generated_log};
use day01_consumer::lab::log::Log;
use jiff::SignedDuration;

const ORDERS: u64 = 5_000_000;

const INTERVALS: [(&str, Option<Duration>); 3] = [
    ("none", None),
    ("1s", Some(Duration::from_secs(1))),
    ("100ms", Some(Duration::from_millis(100))),
];

fn measure<M: Measurement + 'static>(mut criterion: Criterion<M>, measured: &str, log: &Log) {
    let mut group = criterion.benchmark_group(format!("checkpoint-{measured}"));
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    for (name, interval) in INTERVALS {
        group.bench_function(name, |bench| bench.iter(|| tumble::run(log, true, interval)));
    }
    group.finish();
}

fn main() {
    let options = GeneratorOptions {
        orders: ORDERS,
        disorder: SignedDuration::ZERO,
        ..GeneratorOptions::default()
    };
    let log = generated_log(options, 1);
    for (name, interval) in INTERVALS {
        assert_eq!(
            tumble::run(&log, true, interval),
            ORDERS,
            "{name}: all are counted"
        );
    }
    let criterion = || Criterion::default().configure_from_args();
    measure(criterion().with_measurement(WallTime), "wall", &log);
    measure(criterion().with_measurement(CpuTime), "cpu", &log);
    criterion().final_summary();
}
