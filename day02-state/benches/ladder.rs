//! What day 2 costs on the ladder of all days: one source, one worker; see [`day01_consumer::lab::ladder`].
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;

use day01_consumer::lab::ladder::ladder;
use day01_consumer::lab::log::Log;
use day01_consumer::source::Start;
use day02_state::job::{Options, wire};
use day02_state::runtime::{Stop, run_threads};

/// Totals per merchant, over everything in the log; says how many orders were counted.
fn totals(log: &Log) -> u64 {
    let source = log
        .source("ladder", &Start::Earliest, true)
        .expect("a log can be read");
    let (job, slot) = wire(vec![source], &Options::default(), None).expect("a job");
    run_threads(job, &Stop::new()).expect("generated orders are good");
    black_box(slot.take()).progress.counted
}

fn main() {
    ladder("day02", &[("totals", &totals)]);
}
