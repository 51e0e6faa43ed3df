//! The job that every day runs, on the same million orders: what a day costs beside the ones before it.
//!
//! Orders lie in a log in memory, so that no broker and no network is in the figures. CPU time first, elapsed time
//! beside it.

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput};

use super::cpu::CpuTime;
use super::generator::{GeneratorOptions, generated_log};
use crate::log::Log;

/// How many orders there are.
pub const ORDERS: u64 = 1_000_000;

/// Measures the totals per merchant of a day. `totals` reads all orders of the log and says how many it has counted.
pub fn ladder(day: &str, totals: impl Fn(&Log) -> u64) {
    let options = GeneratorOptions {
        orders: ORDERS,
        ..GeneratorOptions::default()
    };
    let log = generated_log(options, 4);
    assert_eq!(
        totals(&log),
        ORDERS,
        "a day that counts wrongly need not be measured"
    );
    measure(
        Criterion::default().with_measurement(CpuTime),
        "cpu",
        day,
        &log,
        &totals,
    );
    measure(
        Criterion::default().with_measurement(WallTime),
        "wall",
        day,
        &log,
        &totals,
    );
    Criterion::default().configure_from_args().final_summary();
}

fn measure<M: Measurement + 'static>(
    criterion: Criterion<M>,
    measured: &str,
    day: &str,
    log: &Log,
    totals: &impl Fn(&Log) -> u64,
) {
    let mut criterion = criterion.configure_from_args();
    let mut group = criterion.benchmark_group(format!("ladder-{measured}"));
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    group.bench_function(format!("totals/{day}"), |bench| bench.iter(|| totals(log)));
    group.finish();
}
