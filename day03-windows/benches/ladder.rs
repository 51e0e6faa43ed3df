//! What day 3 costs on the ladder of all days: one source, one worker; see [`day01_consumer::lab::ladder`].
//!
//! The totals are the job of day 2 as it is; the windows read one more field of each order.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;

use day01_consumer::lab::ladder::ladder;
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::source::Start;
use day02_state::job as day02;
use day02_state::runtime::{Stop, run_threads};
use day03_windows::job::{Options, wire};
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;

fn source(log: &Log) -> LogSource {
    log.source("ladder", &Start::Earliest, true)
        .expect("a log can be read")
}

/// Totals per merchant; says how many orders were counted.
fn totals(log: &Log) -> u64 {
    let (job, slot) = day02::wire(vec![source(log)], &day02::Options::default(), None).expect("a job");
    run_threads(job, &Stop::new()).expect("generated orders are good");
    black_box(slot.take()).progress.counted
}

/// Per merchant and ten seconds; says how many orders are in the windows.
fn tumble(log: &Log) -> u64 {
    let window = WindowSpec::tumble(Span::seconds(10), Span(0)).expect("a window");
    let (job, slot) = wire(vec![source(log)], &Options::new(window), (), None).expect("a job");
    run_threads(job, &Stop::new()).expect("generated orders are good");
    let windows = black_box(slot.take()).windows;
    windows.iter().map(|closed| closed.summed.0.rows).sum()
}

fn main() {
    ladder("day03", &[("totals", &totals), ("tumble", &tumble)]);
}
