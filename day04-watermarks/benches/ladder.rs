//! What day 4 costs on the ladder of all days: one source, one worker; see [`day01_consumer::lab::ladder`].
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;

use day01_consumer::lab::ladder::ladder;
use day01_consumer::lab::log::Log;
use day01_consumer::source::Start;
use day02_state::runtime::{Stop, run_threads};
use day03_windows::job as day03;
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day04_watermarks::job::{Options, wire};
use day04_watermarks::splits::Strategy;

/// Per merchant and ten seconds of event time; says how many orders are in the windows.
fn tumble(log: &Log) -> u64 {
    let source = log
        .source("ladder", &Start::Earliest, true)
        .expect("a log can be read");
    let window = WindowSpec::tumble(Span::seconds(10), Span(0)).expect("a window");
    let options = Options {
        windows: day03::Options::new(window),
        watermarks: Strategy::default(),
    };
    let (job, slot) = wire(vec![source], &options, (), None).expect("a job");
    run_threads(job, &Stop::new()).expect("generated orders are good");
    let windows = black_box(slot.take()).windows;
    windows.iter().map(|closed| closed.summed.0.rows).sum()
}

fn main() {
    ladder("day04", &[("tumble", &tumble)]);
}
