//! What event time means here: thirty rules, and the tests that hold each of them. Those that have no better place are
//! below.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use day01_consumer::decode::Payload;
use day01_consumer::records::{Record, Timestamp};
use day02_state::job::Reader;
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day03_windows::job::{Summed, windows};
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::windower::{Fired, Windower};
use day03_windows::windowing::Windowing;
use day04_watermarks::clock::WatermarkClock;
use day04_watermarks::generator::BoundedDisorder;
use day04_watermarks::reader::TimestampReader;
use day04_watermarks::splits::Strategy;

const GENERATOR: &str = "day04-watermarks/src/generator.rs";
const VALVE: &str = "day04-watermarks/src/valve.rs";
const SPLITS: &str = "day04-watermarks/src/splits/tests.rs";
const OPERATOR: &str = "day04-watermarks/tests/operator.rs";
const GOLDEN: &str = "day04-watermarks/tests/golden.rs";
const SILENCE: &str = "day04-watermarks/tests/job/silence.rs";
const ENDS: &str = "day04-watermarks/tests/job/ends.rs";
const SAME: &str = "day04-watermarks/tests/job/same.rs";
const ORACLE: &str = "day04-watermarks/tests/job/oracle.rs";
const SLICES: &str = "day03-windows/tests/slices.rs";
const SESSIONS: &str = "day03-windows/src/sessions/tests.rs";
const HERE: &str = "day04-watermarks/tests/semantics.rs";

/// A rule, and the tests that hold it, by file and name.
type Rule = (&'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const RULES: [Rule; 30] = [
    // How watermarks are made.
    ("1. A watermark never goes back: rows out of order do not lower it.",
        &[(GENERATOR, "rows_out_of_order_never_lower_it"), (VALVE, "it_never_goes_back_and_is_where_the_rules_put_it")]),
    ("2. Before the first row there is none, which is not the beginning of time.",
        &[(GENERATOR, "there_is_none_before_the_first_row"), (GENERATOR, "both_ends_of_time_are_no_overflow")]),
    ("3. A row without a time is a bad record.",
        &[(HERE, "a_record_without_a_time_is_refused_counted_and_leaves_nothing")]),
    ("4. With a delay of zero, rows with the same timestamp are not late.",
        &[(HERE, "with_a_delay_of_zero_equal_timestamps_are_on_time")]),
    ("5. The delay is subtracted once, the allowed lateness added once.",
        &[(HERE, "delay_and_lateness_count_once_each")]),
    ("6. A timestamp far in the future makes all else late, unless it is refused.",
        &[(ENDS, "an_order_from_2099_makes_all_later_ones_of_its_partition_late_and_the_summary_says_how_late"),
          (SPLITS, "a_row_too_far_ahead_of_its_own_split_is_refused_and_moves_nothing")]),
    ("7. Each split has its own watermark, and the slowest counts.",
        &[(SPLITS, "the_slowest_split_decides_and_rows_of_another_are_not_late_for_it")]),
    ("8. A watermark stands behind the rows it was made of, and behind the results that it triggers.",
        &[(OPERATOR, "what_the_operator_says_about_a_watermark_stands_before_it_also_what_it_had_held_back"),
          (HERE, "windows_over_windows_lose_nothing_as_results_go_before_their_watermark")]),
    // How they travel.
    ("9. A task promises the least that its active channels promise, and says it only when it has moved.",
        &[(VALVE, "the_rules_hold")]),
    ("10. A lower watermark of a channel is not heard.",
        &[(VALVE, "the_rules_hold")]),
    ("11. A channel that has said nothing holds everything back, which is not the same as idle.",
        &[(VALVE, "the_rules_hold"), (SILENCE, "an_empty_partition_holds_all_windows_back_until_the_end_if_it_never_goes_idle")]),
    ("12. When the slowest channel goes idle, the watermark moves at once.",
        &[(VALVE, "the_rules_hold")]),
    ("13. When all are idle, it goes to the highest, in whatever order they went idle; to nothing if none said anything.",
        &[(VALVE, "the_rules_hold"), (SILENCE, "when_all_are_idle_windows_close_up_to_the_highest_and_later_orders_go_on_from_there")]),
    ("14. A source without splits is idle from the start.",
        &[(SPLITS, "a_source_without_splits_is_idle_from_the_start"), (SILENCE, "sources_that_have_no_partition_hold_nothing_back"),
          (SAME, "sources_without_partitions_change_no_result_however_late_they_are_heard")]),
    ("15. A channel that comes back behind takes no part until it has caught up.",
        &[(VALVE, "the_rules_hold"), (SILENCE, "a_partition_that_comes_back_behind_is_not_waited_for_until_it_has_caught_up")]),
    ("16. Idle is who brings no row although it is looked at; who is stuck, or pauses, or has more to read, is not.",
        &[(SPLITS, "a_silent_split_is_idle_after_the_timeout_and_a_few_looks_more_and_only_if_it_was_read_to_its_end"),
          (SPLITS, "a_source_that_is_stuck_does_not_call_its_splits_idle"),
          (SPLITS, "a_split_whose_records_have_no_time_is_idle_like_a_silent_one"),
          (SILENCE, "a_source_that_is_stuck_behind_a_slow_worker_for_ten_times_the_timeout_has_no_idle_partition")]),
    ("17. If all are idle, the last windows stay open.",
        &[(SILENCE, "when_all_are_idle_windows_close_up_to_the_highest_and_later_orders_go_on_from_there")]),
    ("18. Two inputs are more channels: the lower of both counts.",
        &[(VALVE, "the_rules_hold")]),
    ("19. A source that is drained says the end of time; one that is stopped says nothing, and what is open stays open.",
        &[(ENDS, "a_source_that_is_drained_holds_nothing_back"),
          (ENDS, "drained_it_closes_everything_and_stopped_it_leaves_open_what_the_watermark_has_not_passed")]),
    // What is late.
    ("20. A window closes when the watermark is at its end, and from then on its rows are late.",
        &[(HERE, "a_window_takes_rows_up_to_its_end_and_the_lateness_and_closes_at_its_end")]),
    ("21. A late row within the lateness makes its window close again at once, for its key.",
        &[(HERE, "nine_scores_with_two_minutes_of_lateness"), (SLICES, "late_rows_give_new_panes_also_after_a_restore_at_any_number_of_workers"),
          (SESSIONS, "a_pane_is_one_more_than_the_highest_of_the_sessions_that_it_was_merged_from")]),
    ("22. State goes when the lateness is over, and not before.",
        &[(HERE, "a_window_takes_rows_up_to_its_end_and_the_lateness_and_closes_at_its_end")]),
    ("23. A row is lost only if it is late for all its windows.",
        &[(GOLDEN, "six_bids_out_of_order_under_seven_delays")]),
    ("24. A row that is lost is named once, with all its windows.",
        &[(HERE, "a_row_is_named_as_late_once_and_only_if_it_is_lost")]),
    ("25. A window whose end has passed closes with the row that comes, if that is within the lateness.",
        &[(SESSIONS, "a_row_within_the_lateness_opens_a_session_that_closes_at_once"),
          (HERE, "nine_scores_with_two_minutes_of_lateness")]),
    ("26. The wall clock closes nothing.",
        &[(SILENCE, "an_empty_partition_holds_all_windows_back_until_the_end_if_it_never_goes_idle")]),
    ("27. Windows close once each, in the order of their ends, also those that closing others brings about.",
        &[(SESSIONS, "sessions_close_in_the_order_of_their_ends_even_if_their_timers_came_up_in_another"),
          (SESSIONS, "an_old_end_does_not_fire_after_a_merge")]),
    ("28. Watermarks that go back a little stall nothing.",
        &[(VALVE, "the_rules_hold")]),
    ("29. Results do not depend on how rows come in batches.",
        &[(SAME, "results_do_not_depend_on_batches_packets_linger_seeds_threads_or_workers")]),
    ("30. They are the batch answer over the rows that were above the watermark when they came.",
        &[(ORACLE, "what_closes_is_the_batch_answer_over_the_rows_that_were_above_the_watermark")]),
];

#[test]
fn every_rule_has_a_test_where_the_table_says() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (number, (rule, tests)) in (1..).zip(RULES) {
        assert!(
            rule.starts_with(&format!("{number}. ")) && !tests.is_empty(),
            "{rule}"
        );
        for (file, test) in tests {
            let source = std::fs::read_to_string(workspace.join(file)).expect(file);
            assert!(
                source.contains(&format!("fn {test}(")),
                "{rule}: {file} has no {test}"
            );
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Rules without a better place

type Windows = Windowing<WatermarkClock, dyn Windower<Row = Cents, Acc = Summed>>;

fn windowing(spec: &str, lateness: Span) -> Windows {
    Windowing::new(
        WatermarkClock::default(),
        windows::<Cents>(spec.parse().unwrap(), lateness),
    )
}

/// Start, pane, count and sum of what closes, and how many rows are late.
type Closed = (Vec<(i64, u32, u64, i128)>, usize);

/// In which minute a window begins, the number of the pane, and the sum.
type Pane = (i64, u32, i128);

fn closed(fired: Fired<Summed>) -> Closed {
    let each = fired.closed.values().iter();
    let closed = each.map(|closed| {
        let sums = closed.acc.0;
        (closed.window.start.0, closed.pane, sums.rows, sums.sum().unwrap())
    });
    (closed.collect(), fired.late.len())
}

fn row(windows: &mut Windows, ts: i64, value: i64) -> Closed {
    let (mut rows, mut fired) = (Rows::new(), Fired::default());
    let (ts, value) = (EventTime(ts), Cents(value));
    rows.push(b"m", Stamped { ts, value });
    windows.on_rows(&rows, &mut fired).unwrap();
    closed(fired)
}

fn watermark(windows: &mut Windows, at: i64) -> Closed {
    let mut fired = Fired::default();
    windows.on_time(EventTime(at), &mut fired).unwrap();
    closed(fired)
}

#[test]
fn a_record_without_a_time_is_refused_counted_and_leaves_nothing() {
    let strategy = Strategy {
        max_ahead: Some(Span::minutes(60)),
        ..Strategy::default()
    };
    let mut reader = TimestampReader::<Cents>::new(strategy, None);
    let mut read = |ts: &str, written: Option<i64>| {
        let payload = format!(r#"{{"merchant_id":"m","amount":1,"ts":{ts}}}"#);
        let record = Record {
            partition: 0,
            offset: 0,
            key: None,
            payload: Some(payload.as_bytes()),
            timestamp: written.map(Timestamp::Created),
        };
        let read = reader.read(&record, Payload::Text(&payload));
        let reason = read.err().map(|bad| bad.reason.to_string());
        (reason, reader.take().unwrap().len())
    };
    assert_eq!(read("null", None), (Some("ts is null".to_string()), 0));
    assert_eq!(read("0", None), (None, 1));
    let refused = Some("ts is too far ahead".to_string());
    assert_eq!(read("4070908800000", Some(0)), (refused, 0), "the year 2099");
    assert_eq!(read("1000", None), (None, 1));
}

#[test]
fn with_a_delay_of_zero_equal_timestamps_are_on_time() {
    let (mut generator, mut windows) = (
        BoundedDisorder::new(Span(0), Span(1)),
        windowing("tumble:1ms", Span(0)),
    );
    for _ in 0..3 {
        assert_eq!(row(&mut windows, 10, 1), (vec![], 0));
        if let Some(at) = generator.on_row(EventTime(10)) {
            assert_eq!((at.0, watermark(&mut windows, at.0)), (10, (vec![], 0)));
        }
    }
    assert_eq!(watermark(&mut windows, 11), (vec![(10, 0, 3, 3)], 0));
}

/// A delay of 5 and a lateness of 10: the window up to 10 closes with row 15, and takes rows until row 25 has come.
#[test]
fn delay_and_lateness_count_once_each() {
    let mut windows = windowing("tumble:10ms", Span(10));
    let mut generator = BoundedDisorder::new(Span(5), Span(1));
    let mut reads = |ts| {
        let came = row(&mut windows, ts, 1);
        let at = generator.on_row(EventTime(ts));
        (came, at.map_or((vec![], 0), |at| watermark(&mut windows, at.0)))
    };
    let nothing = || (vec![], 0);
    assert_eq!(reads(9), (nothing(), nothing()));
    assert_eq!(reads(14), (nothing(), nothing()));
    assert_eq!(reads(15), (nothing(), (vec![(0, 0, 1, 1)], 0)));
    assert_eq!(reads(24), (nothing(), nothing()));
    assert_eq!(reads(9), ((vec![(0, 1, 2, 2)], 0), nothing()));
    assert_eq!(reads(25), (nothing(), (vec![(10, 0, 2, 2)], 0)));
    assert_eq!(reads(9), ((vec![], 1), nothing()));
}

/// A result has the last time of its window, and its watermark comes behind it. The other way round all are late.
#[test]
fn windows_over_windows_lose_nothing_as_results_go_before_their_watermark() {
    for (results_first, lost, each) in [(true, 0, (2, 10)), (false, 6, (1, 5))] {
        let (mut short, mut long) = (
            windowing("tumble:5ms", Span(0)),
            windowing("tumble:10ms", Span(0)),
        );
        let (mut came, mut late) = (Vec::new(), 0);
        for at in 1..=60 {
            row(&mut short, at - 1, 1);
            let (closed, _) = watermark(&mut short, at);
            if !results_first {
                came.extend(watermark(&mut long, at).0);
            }
            for (start, _, _, sum) in closed {
                late += row(&mut long, start + 4, i64::try_from(sum).unwrap()).1;
            }
            came.extend(watermark(&mut long, at).0);
        }
        assert_eq!((came.len(), late), (6, lost), "{came:?}");
        assert!(
            came.iter().all(|(_, _, count, sum)| (*count, *sum) == each),
            "{came:?}"
        );
    }
}

#[test]
fn a_window_takes_rows_up_to_its_end_and_the_lateness_and_closes_at_its_end() {
    for (lateness, at, wanted, open) in [
        (0, 9, (vec![], 0), 1),
        (0, 10, (vec![], 1), 0),
        (5, 10, (vec![(0, 1, 2, 2)], 0), 1),
        (5, 14, (vec![(0, 1, 2, 2)], 0), 1),
        (5, 15, (vec![], 1), 0),
    ] {
        let mut windows = windowing("tumble:10ms", Span(lateness));
        row(&mut windows, 3, 1);
        let closes = (if at < 10 { vec![] } else { vec![(0, 0, 1, 1)] }, 0);
        assert_eq!(watermark(&mut windows, at), closes, "lateness {lateness}, {at}");
        assert_eq!(row(&mut windows, 4, 1), wanted, "lateness {lateness}, {at}");
        assert_eq!(windows.windows().open(), open, "lateness {lateness}, {at}");
        watermark(&mut windows, 1_000);
        assert_eq!((windows.windows().open(), windows.windows().memory()), (0, 0));
    }
}

#[test]
fn a_row_is_named_as_late_once_and_only_if_it_is_lost() {
    let mut windows = windowing("hop:20ms/10ms", Span(0));
    watermark(&mut windows, 30);
    // Of [10, 30) and [20, 40), the first is over.
    assert_eq!(row(&mut windows, 25, 1).1, 0);
    // Of [0, 20) and [10, 30), both are.
    assert_eq!(row(&mut windows, 15, 1).1, 1);
    let missed = windows.windows().windows_of(EventTime(15));
    assert_eq!(
        missed.iter().map(|window| window.start.0).collect::<Vec<_>>(),
        [0, 10]
    );
}

/// The nine scores of "Streaming Systems" under a heuristic watermark, with one more: 6 comes within two minutes of
/// lateness, 9 does not. Without a bound of lateness, 9 makes the last pane of its window.
#[test]
fn nine_scores_with_two_minutes_of_lateness() {
    const MINUTE: i64 = 60_000;
    enum Comes {
        Score(i64, i64),
        W(i64),
    }
    use Comes::{Score, W};
    #[rustfmt::skip]
    let schedule = [
        Score(5, 26_000), Score(7, 144_000), W(2 * MINUTE),
        Score(3, 219_000), Score(4, 259_000), Score(6, 53_000), Score(8, 186_000), Score(3, 399_000), W(4 * MINUTE),
        W(6 * MINUTE), Score(9, 85_000), Score(8, 446_000), Score(1, 466_000), W(8 * MINUTE + 30_000),
    ];
    #[rustfmt::skip]
    let table: [(i64, &[Pane], usize); 3] = [
        (0,  &[(0, 0, 5),                           (2, 0, 18), (4, 0, 4), (6, 0, 12)], 2),
        (2,  &[(0, 0, 5), (0, 1, 11),               (2, 0, 18), (4, 0, 4), (6, 0, 12)], 1),
        (60, &[(0, 0, 5), (0, 1, 11), (2, 0, 18),   (4, 0, 4), (0, 2, 20), (6, 0, 12)], 0),
    ];
    for (lateness, wanted, lost) in table {
        let mut windows = windowing("tumble:2m", Span::minutes(lateness));
        let (mut came, mut late) = (Vec::new(), 0);
        for comes in &schedule {
            let (closed, lost) = match comes {
                Score(score, ts) => row(&mut windows, *ts, *score),
                W(at) => watermark(&mut windows, *at),
            };
            let panes = closed
                .into_iter()
                .map(|(start, pane, _, sum)| (start / MINUTE, pane, sum));
            came.extend(panes);
            late += lost;
        }
        assert_eq!((came.as_slice(), late), (wanted, lost), "lateness {lateness} min");
    }
}
