//! The jobs that every day runs, on the same million orders: what a day costs beside the ones before it.
//!
//! Orders lie in a log in memory, so that no broker and no network is in the figures, in the order of their time, so that
//! windows count all of them. CPU time first, elapsed time beside it.

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput};
use jiff::SignedDuration;

use super::cpu::CpuTime;
use super::generator::{GeneratorOptions, generated_log};
use crate::lab::log::Log;

/// How many orders there are.
pub const ORDERS: u64 = 1_000_000;

/// A job of a day: its name, and a run over all orders of a log that says how many it has counted.
pub type LadderJob<'a> = (&'a str, &'a dyn Fn(&Log) -> u64);

/// Measures the jobs of a day.
pub fn ladder(day: &str, jobs: &[LadderJob<'_>]) {
    let options = GeneratorOptions {
        orders: ORDERS,
        disorder: SignedDuration::ZERO,
        ..GeneratorOptions::default()
    };
    let log = generated_log(options, 1);
    for (name, job) in jobs {
        let counted = job(&log);
        assert_eq!(
            counted, ORDERS,
            "{name}: a job that counts wrongly need not be measured"
        );
    }
    let criterion = || Criterion::default().configure_from_args();
    measure(criterion().with_measurement(CpuTime), "cpu", day, &log, jobs);
    measure(criterion().with_measurement(WallTime), "wall", day, &log, jobs);
    criterion().final_summary();
}

fn measure<M: Measurement + 'static>(
    mut criterion: Criterion<M>,
    measured: &str,
    day: &str,
    log: &Log,
    jobs: &[LadderJob<'_>],
) {
    let mut group = criterion.benchmark_group(format!("ladder-{measured}"));
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    for (name, job) in jobs {
        group.bench_function(format!("{name}/{day}"), |bench| bench.iter(|| job(log)));
    }
    group.finish();
}
