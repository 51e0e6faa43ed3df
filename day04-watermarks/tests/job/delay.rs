//! What a delay keeps, and which delay would have kept the rest.

use day03_windows::lab::evaluator::Row;
use day03_windows::time::Span;
use day04_watermarks::cli::would_have_kept_all;
use proptest::prelude::*;
use proptest::sample::select;

use crate::drive::Drive;
use crate::orders::KINDS;
use crate::results::expected;
use crate::setup::{Setup, logged, of_m, places};

/// Partitions of rows that are behind an earlier one by up to so much.
fn partitions(disorder: i64) -> impl Strategy<Value = Vec<Vec<Row>>> {
    let row = (select(vec!["a", "b", "c"]), 0_i64..60, 0..=disorder);
    let rows = prop::collection::vec(row, 0..50).prop_map(|rows| {
        let mut now = 0;
        let rows = rows.into_iter().map(|(key, step, behind)| {
            now += step;
            (key.to_string(), now - behind, 1)
        });
        rows.collect::<Vec<Row>>()
    });
    prop::collection::vec(rows, 1..4)
}

prop_compose! {
    fn any_setup()(
        window in select(&KINDS), grid in select(vec![1_i64, 10, 100]), workers in 1_usize..=3,
        batch in select(vec![1_usize, 2, 7, 1_000]), seed in any::<u64>(),
    ) -> Setup {
        let mut setup = Setup::new(window);
        (setup.grid, setup.workers, setup.batch) = (Span(grid), workers, batch);
        setup.drive = Drive::Stepper(seed);
        setup
    }
}

proptest! {
    #[test]
    fn a_delay_as_large_as_the_disorder_keeps_everything(
        setup in any_setup(), partitions in partitions(80), sources in 1_usize..=3
    ) {
        let setup = Setup { delay: Span(80), sources, ..setup };
        let answer = setup.run(&logged(&partitions));
        prop_assert_eq!(answer.stats.late_assignments, 0);
        prop_assert_eq!(places(&answer.windows), expected(setup.window, &partitions.concat()));
    }

    #[test]
    fn the_delay_that_would_have_kept_all_does(
        setup in any_setup(), partitions in prop_oneof![partitions(200), partitions(3_000)], delay in 0_i64..200
    ) {
        let setup = Setup { delay: Span(delay), ..setup };
        let log = logged(&partitions);
        let stats = setup.run(&log).stats;
        let watermarks = setup.options().watermarks;
        let Some(enough) = would_have_kept_all(stats, &watermarks) else {
            prop_assert_eq!(stats.late_assignments, 0);
            return Ok(());
        };
        let answer = Setup { delay: enough, ..setup }.run(&log);
        prop_assert_eq!(answer.stats.late_assignments, 0, "{} instead of {}", enough, setup.delay);
        prop_assert_eq!(places(&answer.windows), expected(setup.window, &partitions.concat()));
    }
}

/// A watermark on a grid is held back by up to a step of it, and with a longer delay it may not be.
#[test]
fn what_would_have_kept_all_reckons_with_the_grid() {
    let setup = Setup {
        grid: Span(100),
        ..Setup::new("tumble:100ms")
    };
    // Behind 1.099 the watermark is 1.000, and 950 is 50 behind it; with a delay of 50 it would be 1.000 again.
    let log = logged(&[of_m(&[1_099, 950])]);
    let stats = setup.run(&log).stats;
    assert_eq!((stats.late_assignments, stats.behind), (1, Span(50)));
    let late = |delay| Setup { delay, ..setup }.run(&log).stats.late_assignments;
    assert_eq!((late(Span(50)), late(Span(99)), late(Span(100))), (1, 1, 0));
    let enough = would_have_kept_all(stats, &setup.options().watermarks).unwrap();
    assert_eq!(enough, Span(100));
}
