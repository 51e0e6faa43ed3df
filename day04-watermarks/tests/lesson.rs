//! What day 4 teaches, as tests: the scenarios of the book give the right answer, what a delay costs and what it keeps,
//! and that watermarks are few.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day02-state/tests/drive/mod.rs"]
mod drive;
#[path = "job/live.rs"]
mod live;
#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day03-windows/tests/results/mod.rs"]
mod results;
#[path = "../../day03-windows/tests/scenarios/mod.rs"]
mod scenarios;
#[path = "job/setup.rs"]
mod setup;

use std::collections::BTreeSet;

use day01_consumer::lab::generator::{GeneratorOptions, generated_log};
use day03_windows::lab::trace;
use day03_windows::time::{EventTime, Span};
use day04_watermarks::generator::{BoundedDisorder, GRID};
use jiff::SignedDuration;

use drive::Drive;
use live::{Event, Live, play};
use scenarios::all;
use setup::{Setup, logged, places};

/// Every scenario of the book, in windows of each kind, with a delay as large as the disorder that its story tells of.
#[test]
fn every_scenario_of_the_book_without_damaged_clocks_is_counted_right() {
    let mut tried = BTreeSet::new();
    // In one of them an order comes later than that, on purpose.
    for scenario in all().into_iter().filter(|scenario| scenario.name != "late_rows") {
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
        let log = logged(&partitions);
        for kind in [
            "tumble:10s",
            "hop:20s/10s",
            "hop:30s/1s",
            "cumulate:30s/10s",
            "session:10s",
            "session:1s",
        ] {
            for drive in [Drive::Stepper(1), Drive::Threads] {
                let setup = Setup {
                    delay: Span::seconds(3),
                    grid: GRID,
                    workers: 2,
                    drive,
                    ..Setup::new(kind)
                };
                let answer = setup.run(&log);
                let right = results::expected(setup.window, &partitions.concat());
                assert_eq!(places(&answer.windows), right, "{} {kind}", scenario.name);
                assert_eq!(answer.stats.late_assignments, 0, "{} {kind}", scenario.name);
            }
        }
        tried.insert(scenario.name);
    }
    let some = ["disorder", "two_speeds", "crash", "four_kinds"].map(str::to_string);
    assert!(tried.is_superset(&BTreeSet::from(some)), "{tried:?}");
}

/// Orders of which each is up to three seconds behind, in windows of ten, as on day 3, which loses fifteen in a hundred.
#[test]
fn each_second_of_delay_loses_less_and_the_whole_disorder_nothing() {
    let options = GeneratorOptions {
        orders: 20_000,
        rate: Some(200),
        disorder: SignedDuration::from_secs(3),
        ..GeneratorOptions::default()
    };
    let log = generated_log(options, 1);
    let lost = [0, 1, 2, 3].map(|delay| {
        let setup = Setup {
            delay: Span::seconds(delay),
            grid: GRID,
            batch: 1_000,
            drive: Drive::Threads,
            ..Setup::new("tumble:10s")
        };
        setup.run(&log).stats.late
    });
    // Disorder is even, so what is lost shrinks with the square of what the delay leaves out: 9 to 4 to 1.
    let share = lost.map(|lost| 100.0 * lost as f64 / 20_000.0);
    assert!((13.0..17.0).contains(&share[0]), "{share:?}");
    assert!((5.0..8.5).contains(&share[1]), "{share:?}");
    assert!((0.8..2.5).contains(&share[2]), "{share:?}");
    assert_eq!(lost[3], 0);
}

/// Which is the price: a window is shown so much later. The clock is that of the stepper.
#[test]
fn a_window_is_shown_as_much_later_as_the_delay_is_long() {
    for delay in [0, 2, 5] {
        let setup = Setup {
            delay: Span::seconds(delay),
            ..Setup::new("tumble:10s")
        };
        // An order a second, as it happens.
        let mut script: Vec<(u64, Event)> = (0..20)
            .map(|second| (second * 1_000, Event::Row(0, second as i64 * 1_000)))
            .collect();
        script.push((20_000, Event::Over));
        let (closed, _) = play(setup, &Live::new(1), &script, None);
        let (at, first) = &closed[0];
        assert_eq!((first.window.end.0, first.summed.0.rows), (10_000, 10));
        let due = 10_000 + 1_000 * delay as u64;
        assert!((due..due + 50).contains(at), "{at}");
    }
}

/// A watermark is a message to every worker, so there must not be one for each row.
#[test]
fn on_the_grid_there_are_ten_watermarks_a_second_at_most_however_many_rows_there_are() {
    let rows = (0..100_000).map(|row| EventTime(row / 10));
    let count = |grid| {
        let mut generator = BoundedDisorder::new(Span::seconds(5), grid);
        rows.clone().filter_map(|row| generator.on_row(row)).count()
    };
    assert_eq!(count(GRID), 100, "of ten seconds");
    assert_eq!(count(Span(1)), 10_000, "one for each millisecond");
}
