//! What day 5 costs on the ladder of all days: one source, one worker; see [`day01_consumer::lab::ladder`].
//!
//! Once without checkpoints, where only the adapters around the tasks are left, and once with a checkpoint each second in a
//! folder. A run of the ladder takes less than a second, so that is one checkpoint, the last one; what more of them cost is
//! the question of `checkpoint.rs`.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

mod tumble;

use std::time::Duration;

use day01_consumer::lab::ladder::ladder;
use day01_consumer::lab::log::Log;

fn without(log: &Log) -> u64 {
    tumble::run(log, false, None)
}

fn each_second(log: &Log) -> u64 {
    tumble::run(log, true, Some(Duration::from_secs(1)))
}

fn main() {
    ladder(
        "day05",
        &[("tumble-no-checkpoints", &without), ("tumble", &each_second)],
    );
}
