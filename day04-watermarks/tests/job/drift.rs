//! Splits far apart in time: what they cost, and that the one ahead loses nothing by waiting.

use day03_windows::lab::evaluator::Row;
use day03_windows::time::Span;

use crate::drive::Drive;
use crate::orders::KINDS;
use crate::results::expected;
use crate::setup::{Setup, logged, of_m, places, positions};

const DAY: i64 = 24 * 3_600_000;

/// Two partitions with an order a second each; in the second it is the day after.
fn a_day_apart(seconds: i64) -> Vec<Vec<Row>> {
    let from = |start: i64| (0..seconds).map(|second| start + second * 1_000).collect();
    [0, DAY]
        .map(|start| of_m(&Vec::from_iter::<Vec<i64>>(from(start))))
        .to_vec()
}

/// How many windows are open at most, looked at again and again as long as the slower partition has more to read.
fn most_open(setup: Setup, partitions: &[Vec<Row>]) -> usize {
    let log = logged(partitions);
    let (mut most, mut steps) = (0, 50);
    loop {
        let answer = setup.stopped_after(steps, &log, None);
        if positions(&answer.snapshot)["orders/0"] == partitions[0].len() {
            return most;
        }
        most = most.max(answer.stats.open);
        steps += partitions[0].len() / 2;
    }
}

#[test]
fn with_a_partition_a_day_ahead_open_windows_grow_with_the_input_and_do_not_if_it_waits() {
    let setup = Setup {
        batch: 5,
        ..Setup::new("tumble:10s")
    };
    let waits = Setup {
        max_drift: Some(Span::seconds(30)),
        ..setup
    };
    let runs = [100, 200, 400].map(|seconds| {
        let partitions = a_day_apart(seconds);
        (most_open(setup, &partitions), most_open(waits, &partitions))
    });
    let (free, waiting): (Vec<usize>, Vec<usize>) = runs.into_iter().unzip();
    // Of the windows of the second day, there are ten, twenty and forty.
    assert!(
        free.iter().zip([6, 12, 24]).all(|(open, least)| *open >= least),
        "{free:?}"
    );
    assert!(waiting.iter().all(|open| *open <= 4), "{waiting:?}");
}

/// Everything is read to its end, whoever is ahead of whom, and whichever task reads it.
#[test]
fn results_do_not_depend_on_who_waits_for_whom() {
    let partition = |number: i64| {
        let times = (0..60).map(|order| number % 3 * 5_000 + order * 100 - order * 37 % 5 * 10);
        of_m(&Vec::from_iter(times))
    };
    let partitions: Vec<Vec<Row>> = (0..4).map(partition).chain([vec![]]).collect();
    let log = logged(&partitions);
    for kind in KINDS {
        let right = expected(kind.parse().unwrap(), &partitions.concat());
        for (number, drift) in [0, 1, 100, 1_000, 60_000].into_iter().enumerate() {
            for sources in 1..=3 {
                for seed in 0..2 {
                    let setup = Setup {
                        delay: Span::millis(50),
                        max_drift: Some(Span(drift)),
                        sources,
                        workers: 1 + number % 3,
                        batch: [1, 7, 1_000][number % 3],
                        drive: match seed {
                            0 => Drive::Threads,
                            seed => Drive::Stepper(seed),
                        },
                        ..Setup::new(kind)
                    };
                    let answer = setup.run(&log);
                    assert_eq!(places(&answer.windows), right, "{setup:?}");
                    assert_eq!(answer.stats.late_assignments, 0, "{setup:?}");
                }
            }
        }
    }
}
