//! What watermarks cost: the windows of day 3, closed by stream time, and those of day 4, closed by watermarks, on the same
//! orders in the order of their time. The bound: at least 0.95 of the throughput.
//!
//! Here both are in one program, one after the other, so that the ratio does not depend on what the machine did an hour
//! ago. Stream time is free of charge and wrong as soon as anything is out of order.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput};
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::{GeneratorOptions, generated_log};
use day01_consumer::lab::ladder::ORDERS;
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::source::Start;
use day02_state::runtime::{Stop, run_threads};
use day03_windows::job::{self as day03, Answer};
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day04_watermarks::job::{Options, wire};
use day04_watermarks::splits::Strategy;
use jiff::SignedDuration;

fn source(log: &Log) -> LogSource {
    log.source("watermarks", &Start::Earliest, true)
        .expect("a log can be read")
}

fn windows() -> day03::Options {
    day03::Options::new(WindowSpec::tumble(Span::seconds(10), Span(0)).expect("a window"))
}

fn none(log: &Log) -> Answer {
    let (job, slot) = day03::wire(vec![source(log)], &windows(), (), None).expect("a job");
    run_threads(job, &Stop::new()).expect("generated orders are good");
    slot.take()
}

fn by_split(log: &Log) -> Answer {
    let options = Options {
        windows: windows(),
        watermarks: Strategy::default(),
    };
    let (job, slot) = wire(vec![source(log)], &options, (), None).expect("a job");
    run_threads(job, &Stop::new()).expect("generated orders are good");
    slot.take()
}

fn measure<M: Measurement + 'static>(mut criterion: Criterion<M>, measured: &str, log: &Log) {
    let mut group = criterion.benchmark_group(format!("watermarks-{measured}"));
    group.sample_size(20).throughput(Throughput::Elements(ORDERS));
    group.bench_function("none", |bench| bench.iter(|| black_box(none(log))));
    group.bench_function("by-split", |bench| bench.iter(|| black_box(by_split(log))));
    group.finish();
}

fn main() {
    let options = GeneratorOptions {
        orders: ORDERS,
        disorder: SignedDuration::ZERO,
        ..GeneratorOptions::default()
    };
    let log = generated_log(options, 1);
    assert_eq!(none(&log).windows, by_split(&log).windows, "the same answer");
    let criterion = || Criterion::default().configure_from_args();
    measure(criterion().with_measurement(CpuTime), "cpu", &log);
    measure(criterion().with_measurement(WallTime), "wall", &log);
    criterion().final_summary();
}
