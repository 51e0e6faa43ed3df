//! What results do not depend on.

use day02_state::runtime::Buffers;
use day03_windows::lab::evaluator::Row;
use day03_windows::lab::stream_time;
use day03_windows::lab::trace;
use day03_windows::time::Span;
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
            (right.windows.clone(), right.stats.clone()),
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
