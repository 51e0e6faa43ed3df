//! What results do not depend on.

use std::sync::{Arc, Mutex};

use day01_consumer::lab::log::Log;
use day02_state::operator::Outcome;
use day02_state::runtime::{Buffers, Stop};
use day02_state::stepper::run_stepper;
use day03_windows::job::{ClosedWindow, Keep, OnClosed};
use day03_windows::lab::evaluator::Row;
use day03_windows::lab::stream_time;
use day03_windows::lab::trace;
use day03_windows::time::Span;
use day04_watermarks::job::wire;
use jiff::SignedDuration;

use crate::drive::Drive;
use crate::orders::{KINDS, disordered, rows};
use crate::results::expected;
use crate::scenarios::named;
use crate::setup::{MILLI, Setup, logged, of_m, places};

const SIZES: [usize; 4] = [1, 2, 7, 1_000];

/// So many orders of fifty merchants, each at most so many milliseconds behind an earlier one.
fn drawn(orders: u64, seed: u64, disorder: i64) -> Vec<Row> {
    rows(&disordered(orders, seed, SignedDuration::from_millis(disorder)))
}

/// Also with rows that are late: which ones is told from the rows alone.
#[test]
fn results_do_not_depend_on_batches_packets_linger_seeds_threads_or_workers() {
    let log = logged(&[drawn(250, 1, 150)]);
    for kind in KINDS {
        let plain = Setup {
            delay: Span::millis(50),
            grid: Span::millis(10),
            ..Setup::new(kind)
        };
        let right = plain.run(&log);
        let late = right.stats.late_assignments;
        assert!((10..200).contains(&late), "{kind}: {late}");
        let check = |setup: Setup| {
            let answer = setup.run(&log);
            assert_eq!(answer.windows, right.windows, "{setup:?}");
            assert_eq!(answer.stats, right.stats, "{setup:?}");
        };
        for (number, batch) in SIZES.into_iter().enumerate() {
            for rows in SIZES {
                for (workers, linger) in (1..=4).zip([0, 10, 1, 1_000]) {
                    let buffers = Buffers {
                        capacity: 1 + number,
                        rows,
                        linger: linger * MILLI,
                    };
                    let seed = (100 * number + 10 * rows + workers) as u64;
                    let setup = Setup {
                        batch,
                        workers,
                        buffers,
                        ..plain
                    };
                    check(Setup {
                        drive: Drive::Stepper(seed),
                        ..setup
                    });
                    check(Setup {
                        drive: Drive::Threads,
                        ..setup
                    });
                }
            }
        }
        for seed in 0..40 {
            check(Setup {
                workers: 3,
                drive: Drive::Stepper(seed),
                ..plain
            });
        }
    }
}

/// Takes windows as they close.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<ClosedWindow>>>);

impl OnClosed for Seen {
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        self.0.lock().unwrap().extend_from_slice(windows);
        Ok(())
    }
}

/// The windows in the order in which they are handed on under [`Keep::InOrder`], and how many came while a source read.
fn in_order(setup: Setup, log: &Log, seed: u64) -> (Vec<ClosedWindow>, usize) {
    let mut options = setup.options();
    options.windows.keep = Keep::InOrder;
    let (seen, mut while_read) = (Seen::default(), 0);
    let (job, _) = wire(setup.readers(log), &options, seen.clone(), None).unwrap();
    run_stepper(job, seed, &Stop::new(), &mut |_, task, _| {
        if task.starts_with("source") {
            while_read = seen.0.lock().unwrap().len();
        }
    })
    .unwrap();
    let windows = seen.0.lock().unwrap().clone();
    (windows, while_read)
}

#[test]
fn windows_in_order_are_those_of_the_answer_and_come_while_the_input_is_read() {
    let log = logged(&[drawn(600, 5, 150)]);
    for kind in KINDS {
        for (workers, lateness) in (1..=3).flat_map(|workers| [(workers, 0), (workers, 60)]) {
            let setup = Setup {
                delay: Span::millis(50),
                lateness: Span::millis(lateness),
                workers,
                ..Setup::new(kind)
            };
            let (windows, while_read) = in_order(setup, &log, workers as u64);
            assert!(windows == setup.run(&log).windows, "{setup:?}");
            let all = windows.len();
            assert!(while_read * 2 > all, "{setup:?}: {while_read} of {all}");
        }
    }
}

/// Its windows tell nothing of a worker that has none. Its watermarks do.
#[test]
fn a_worker_without_a_merchant_holds_no_window_back() {
    let log = logged(&[of_m(&(0..100).map(|n| 10 * n).collect::<Vec<i64>>())]);
    let setup = Setup {
        workers: 3,
        ..Setup::new("tumble:10ms")
    };
    let (windows, while_read) = in_order(setup, &log, 1);
    assert_eq!(windows.len(), 100);
    assert!(while_read > 80, "{while_read}");
}

/// Which rows are late must not depend on when the workers hear that a source is idle.
#[test]
fn sources_without_partitions_change_no_result_however_late_they_are_heard() {
    // Every other row is late, from the beginning.
    let times: Vec<i64> = (1..50).flat_map(|number| [number * 100, number]).collect();
    let log = logged(&[of_m(&times)]);
    let plain = Setup::new("tumble:100ms");
    let right = plain.run(&log);
    assert_eq!(right.stats.late, 49);
    for seed in 0..100 {
        let setup = Setup {
            sources: 2 + seed as usize % 3,
            workers: 2,
            drive: Drive::Stepper(seed),
            ..plain
        };
        let answer = setup.run(&log);
        assert_eq!(
            (answer.windows, answer.stats),
            (right.windows.clone(), right.stats),
            "{setup:?}"
        );
    }
}

/// Each partition begins a second behind the one before, so the order between them is nothing like that of time.
fn four_partitions(disorder: i64) -> Vec<Vec<Row>> {
    let partition = |number: u64| {
        let mut rows = drawn(150, number, disorder);
        rows.iter_mut().for_each(|row| row.1 += 1_000 * number as i64);
        rows
    };
    (0..4).map(partition).collect()
}

#[test]
fn with_rows_that_are_within_the_delay_they_do_not_depend_on_sources_either() {
    let partitions = four_partitions(50);
    let log = logged(&partitions);
    let all = partitions.concat();
    for kind in KINDS {
        let right = expected(kind.parse().unwrap(), &all);
        let mut tried = 0;
        for sources in 1..=3 {
            for workers in 1..=4 {
                for (batch, rows) in SIZES.into_iter().zip([7, 1, 1_000, 2]) {
                    tried += 1;
                    let drive = match tried % 3 {
                        0 => Drive::Threads,
                        _ => Drive::Stepper(tried),
                    };
                    let setup = Setup {
                        delay: Span::millis(50),
                        grid: Span::millis(10),
                        buffers: Buffers {
                            rows,
                            ..Setup::new(kind).buffers
                        },
                        sources,
                        workers,
                        batch,
                        drive,
                        ..Setup::new(kind)
                    };
                    let answer = setup.run(&log);
                    assert_eq!(places(&answer.windows), right, "{setup:?}");
                    assert_eq!(
                        (answer.stats.late, answer.stats.late_assignments),
                        (0, 0),
                        "{setup:?}"
                    );
                }
            }
        }
    }
}

/// Day 3 loses orders of both; here it takes a delay for the orders that overtake each other, and none for partitions
/// that do.
#[test]
fn orders_that_overtake_each_other_and_partitions_at_two_speeds_lose_nothing() {
    for (name, lost_on_day_3, delay) in [("disorder", 2, 3), ("two_speeds", 3, 0)] {
        let scenario = named(name);
        for kind in ["tumble:10s", "hop:20s/10s", "session:10s"] {
            let window = kind.parse().unwrap();
            if kind == "tumble:10s" {
                let run = stream_time::run(&scenario, window).unwrap();
                assert_eq!(run.lost().len(), lost_on_day_3, "{name}");
            }
            let mut partitions = vec![Vec::new(); scenario.partitions];
            for placed in trace::orders(&scenario) {
                let partition: usize = placed.at["orders/".len()..]
                    .split('@')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
                partitions[partition].push((placed.merchant_id, placed.order.ts.0, placed.order.value.0));
            }
            let right = expected(window, &partitions.concat());
            let log = logged(&partitions);
            for seed in 0..50 {
                let setup = Setup {
                    delay: Span::seconds(delay),
                    sources: 1 + seed % 2,
                    workers: 1 + seed % 3,
                    batch: SIZES[seed % 4],
                    drive: Drive::Stepper(seed as u64),
                    ..Setup::new(kind)
                };
                let answer = setup.run(&log);
                assert_eq!(places(&answer.windows), right, "{name}, {setup:?}");
                assert_eq!(answer.stats.late_assignments, 0, "{name}, {setup:?}");
            }
        }
    }
}
