//! What day 1 costs on the ladder of all days; see [`day01_consumer::lab::ladder`].
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;
use std::time::Duration;

use day01_consumer::job::{Commit, Job, OnBadRecord};
use day01_consumer::lab::ladder::ladder;
use day01_consumer::lab::log::Log;
use day01_consumer::source::{Polled, Start};

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

fn main() {
    ladder("day01", &[("totals", &totals)]);
}
