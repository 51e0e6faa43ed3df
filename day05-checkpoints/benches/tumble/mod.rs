//! The job that the benchmarks of this day run: per merchant and ten seconds of event time, with checkpoints or without.

use std::hint::black_box;
use std::time::Duration;

use day01_consumer::lab::log::Log;
use day01_consumer::source::Start;
use day02_state::runtime::{Stop, run_threads};
use day03_windows::job as day03;
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day04_watermarks::job::Options;
use day04_watermarks::splits::Strategy;
use day05_checkpoints::coordinator::Schedule;
use day05_checkpoints::disk::Folder;
use day05_checkpoints::job::{Checkpoints, wire};
use day05_checkpoints::store::{CheckpointStorage, Store};

/// Says how many orders are in the windows. Checkpoints are kept in a new folder, if they are `kept`.
pub fn run(log: &Log, kept: bool, interval: Option<Duration>) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let store = || -> Box<dyn CheckpointStorage> {
        Box::new(Store::open(Folder::open(folder.path()).expect("it is free"), 3).expect("a store"))
    };
    let source = log
        .source("tumble", &Start::Earliest, true)
        .expect("a log can be read");
    let window = WindowSpec::tumble(Span::seconds(10), Span(0)).expect("a window");
    let options = Options {
        windows: day03::Options::new(window),
        watermarks: Strategy::default(),
    };
    let stop = Stop::new();
    let checkpoints = Checkpoints {
        schedule: Schedule::every(interval),
        ..Checkpoints::new(kept.then(store), &stop)
    };
    let (job, slot, _) = wire(vec![source], &options, (), None, checkpoints).expect("a job");
    run_threads(job, &stop).expect("generated orders are good");
    let windows = black_box(slot.take()).windows;
    windows.iter().map(|closed| closed.summed.0.rows).sum()
}
