//! What nobody sends on purpose: times at the ends of all time, jumps over thousands of years, a million open
//! windows, very many windows at once, and keys of any length.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod results;

use std::time::Duration;

use day02_state::rows::Rows;
use day02_state::state::Stateful;
use day03_windows::job::windows;
use day03_windows::lab::evaluator::Row;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::windower::Fired;
use proptest::prelude::*;
use proptest::sample::select;
use rustix::time::{ClockId, clock_gettime};

use results::{Acc, Results, batch, collect, expected, spec, windowing};

/// One of each kind, and more of those that lie on the calendar.
const KINDS: [&str; 9] = [
    "tumble:10ms",
    "tumble:10ms+3ms",
    "tumble:1h",
    "hop:30ms/10ms",
    "hop:1h/10m-7m",
    "cumulate:30ms/10ms",
    "cumulate:1d/1h+15m",
    "session:10ms",
    "session:1h",
];

/// So many thousands of years.
fn years(years: i64) -> i64 {
    years * 365 * 24 * 60 * 60 * 1_000
}

// ---------------------------------------------------------------------------------------------------------------------
// Times

/// Where a window exists with both its ends, also before 1970 and a day from the ends of all time.
#[test]
fn far_away_windows_are_as_right_as_near_ones() {
    const DAYS: i64 = 3 * 24 * 60 * 60 * 1_000;
    let times = [
        i64::MIN + DAYS,
        i64::MIN + DAYS + 5,
        years(-250_000_000),
        years(-2_000),
        -DAYS,
        -11,
        -10,
        -1,
        0,
        9,
        DAYS,
        years(2_000),
        years(2_000) + 12,
        years(250_000_000),
        i64::MAX - DAYS,
        i64::MAX - DAYS + 7,
    ];
    let rows: Vec<Row> = (0..)
        .zip(times)
        .map(|(value, ts)| ("m-1".to_string(), ts, value))
        .collect();
    for kind in KINDS {
        for size in [1, 3, 1_000] {
            let (mut windowing, mut results) = (windowing::<i64>(spec(kind)), Results::new());
            let mut fired = Fired::default();
            for rows in rows.chunks(size) {
                windowing.on_rows(&batch(rows), &mut fired).unwrap();
            }
            windowing.on_drained(&mut fired).unwrap();
            collect(&fired, &mut results);
            assert_eq!(results, expected(spec(kind), &rows), "{kind}");
            assert_eq!((fired.late.len(), fired.late_assignments), (0, 0), "{kind}");
            assert_eq!(
                (windowing.windows().open(), windowing.windows().memory()),
                (0, 0),
                "{kind}"
            );
        }
    }
}

#[test]
fn a_jump_over_thousands_of_years_and_back_makes_the_rest_late_and_takes_no_time() {
    let ts = |ts| ("m-1".to_string(), ts, 1);
    let rows = [
        ts(years(-8_000)),
        ts(years(-8_000) + 1),
        ts(0),
        ts(years(7_900)),
        ts(1),
        ts(years(-8_000) + 2),
        ts(years(7_900) + 1),
    ];
    for kind in KINDS {
        let (mut windowing, mut fired) = (windowing::<i64>(spec(kind)), Fired::default());
        windowing.on_rows(&batch(&rows), &mut fired).unwrap();
        windowing.on_drained(&mut fired).unwrap();
        fired.late.sort_unstable();
        assert_eq!(fired.late, [4, 5], "{kind}: those who came back");
        let mut results = Results::new();
        collect(&fired, &mut results);
        let on_time: Vec<Row> = [0, 1, 2, 3, 6].map(|place| rows[place].clone()).to_vec();
        assert_eq!(results, expected(spec(kind), &on_time), "{kind}");
    }
}

/// Times within a thousand milliseconds of both ends, and of 1970.
fn at_the_ends() -> impl Strategy<Value = i64> {
    let near = (select(vec![i64::MIN, -500, i64::MAX - 1_000]), 0_i64..1_000);
    prop_oneof![
        near.prop_map(|(from, by)| from + by),
        select(vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX]),
        any::<i64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever comes out there: nothing panics, each row is counted or late, nothing is left, and a snapshot
    /// can be taken and gone on from.
    #[test]
    fn no_time_is_a_panic(
        kind in select(KINDS.to_vec()), times in prop::collection::vec(at_the_ends(), 1..40),
        cut in 0_usize..40, lateness in select(vec![0, 1, 5_000, i64::MAX])
    ) {
        let rows: Vec<Row> = times.iter().map(|ts| ("m-1".to_string(), *ts, 1)).collect();
        let (before, after) = rows.split_at(cut.min(rows.len()));
        let mut first = day03_windows::windowing::Windowing::new(
            day03_windows::clock::StreamTime::default(), windows::<i64>(spec(kind), Span(lateness))
        );
        let mut fired = Fired::default();
        first.on_rows(&batch(before), &mut fired).unwrap();
        prop_assert!(first.windows().open() < usize::MAX);
        let mut second = day03_windows::windowing::Windowing::new(
            day03_windows::clock::StreamTime::default(), windows::<i64>(spec(kind), Span(lateness))
        );
        second.restore(first.snapshot(1).parts()).unwrap();
        second.on_start(&mut fired).unwrap();
        second.on_rows(&batch(after), &mut fired).unwrap();
        second.on_drained(&mut fired).unwrap();
        prop_assert!(fired.late.len() <= rows.len());
        let counted = fired.closed.values().iter().map(|closed| closed.acc.0.rows).sum::<u64>();
        prop_assert!(counted + fired.late.len() as u64 >= rows.len() as u64, "{} counted, {} late", counted, fired.late.len());
        for closed in fired.closed.values() {
            prop_assert!(closed.window.start <= closed.window.end, "{}", closed.window);
        }
        prop_assert_eq!((second.windows().open(), second.windows().memory()), (0, 0));
    }
}

/// Any lateness is over when all time is.
#[test]
fn a_row_at_the_end_of_all_time_is_late_and_that_is_all() {
    for kind in ["tumble:10ms", "hop:30ms/10ms", "cumulate:1d/1h+15m"] {
        let mut windows = windows::<i64>(spec(kind), Span(5_000));
        let mut fired = Fired::default();
        windows.advance(EventTime::MAX, &mut fired).unwrap();
        let rows = [
            ("m-1".to_string(), i64::MAX, 1),
            ("m-1".to_string(), i64::MAX - 1, 2),
        ];
        windows.add(&batch(&rows), 0..2, &mut fired).unwrap();
        assert_eq!((fired.late, fired.closed.len()), (vec![0, 1], 0), "{kind}");
        assert_eq!((windows.open(), windows.memory()), (0, 0), "{kind}");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Very many windows

#[test]
fn very_many_open_tumbles_cost_what_is_known_and_no_more_the_more_there_are() {
    very_many_open("tumble:10ms", 1_000_000, 572);
}

#[test]
fn very_many_open_sessions_cost_what_is_known_and_no_more_the_more_there_are() {
    // Fewer, because nothing here is optimised: a million of them take 20 s.
    very_many_open("session:10ms", 300_000, 270);
}

/// Windows with one row each, of a key of its own. What a window costs was measured in bytes; the last ones
/// take as long as the first ones.
fn very_many_open(kind: &str, count: i64, measured: usize) {
    let mut windows = windows::<i64>(spec(kind), Span(0));
    let mut half = |from: i64| {
        let began = cpu();
        for chunk in 0..500 {
            let mut rows = Rows::new();
            for number in 0..count / 1_000 {
                let number = from + chunk * (count / 1_000) + number;
                let (ts, value) = (EventTime(number * 10), number);
                rows.push(&number.to_le_bytes(), Stamped { ts, value });
            }
            windows.add(&rows, 0..rows.len(), &mut Fired::default()).unwrap();
        }
        cpu() - began
    };
    let (first, second) = (half(0), half(count / 2));
    assert!(second < first * 3, "{kind}: {first:?}, and then {second:?}");

    assert_eq!(windows.open(), count as usize, "{kind}");
    let each = windows.memory() / count as usize;
    assert!(each < measured * 3 / 2, "{kind}: {each} bytes a window");
    assert!(
        each > measured / 2,
        "{kind}: {each} bytes a window, which is too good to be true"
    );

    let mut fired = Fired::default();
    windows.advance(EventTime::MAX, &mut fired).unwrap();
    assert_eq!(fired.closed.len(), count as usize, "{kind}");
    let ends = fired.closed.values().iter().map(|closed| closed.window.end);
    assert!(ends.is_sorted(), "{kind}");
    assert!(
        fired.closed.values().iter().all(|closed| closed.acc.0.rows == 1),
        "{kind}"
    );
    assert_eq!((windows.open(), windows.memory()), (0, 0), "{kind}");
}

#[test]
fn what_closes_at_once_comes_out_in_turns_of_a_bounded_size() {
    for kind in ["tumble:10ms", "session:10ms"] {
        let mut windows = windows::<i64>(spec(kind), Span(0));
        let mut rows = Rows::new();
        for number in 0..25_000_i64 {
            let (ts, value) = (EventTime(number * 10), number);
            rows.push(&number.to_le_bytes(), Stamped { ts, value });
        }
        windows.add(&rows, 0..rows.len(), &mut Fired::default()).unwrap();
        let mut sizes = Vec::new();
        let mut closed = EventTime::MIN;
        while closed < EventTime::MAX {
            let mut fired = Fired::for_a_turn();
            closed = windows.advance_some(EventTime::MAX, &mut fired).unwrap();
            sizes.push(fired.closed.len());
            let last = fired.closed.values().last().expect("windows").window.end;
            assert!(last <= closed, "{kind}");
        }
        assert_eq!(sizes, [10_000, 10_000, 5_000], "{kind}");
    }
}

#[test]
fn a_hop_of_ten_thousand_slides_closes_ten_thousand_windows_for_one_row_and_soon() {
    const SLICES: usize = 10_000;
    let began = cpu();
    for (kind, first) in [("hop:10s/1ms", -9_995), ("cumulate:10s/1ms", 0)] {
        let (mut windowing, mut fired) = (windowing::<i64>(spec(kind)), Fired::default());
        windowing
            .on_rows(&batch(&[("m-1".to_string(), 4, 7)]), &mut fired)
            .unwrap();
        assert_eq!(windowing.windows().open(), 1, "one slice holds the row");
        windowing.on_drained(&mut fired).unwrap();
        let expected = match first {
            0 => SLICES - 4, // those that have grown to the row
            _ => SLICES,
        };
        assert_eq!(fired.closed.len(), expected, "{kind}");
        for (number, closed) in (0..).zip(fired.closed.values()) {
            assert_eq!(closed.window.end, EventTime(5 + number), "{kind}");
            let start = if first == 0 { 0 } else { first + number };
            assert_eq!(closed.window.start, EventTime(start), "{kind}");
            assert_eq!(closed.acc.0.sum(), Some(7), "{kind}");
        }
        assert_eq!(
            (windowing.windows().open(), windowing.windows().memory()),
            (0, 0),
            "{kind}"
        );
    }
    let took = cpu() - began;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Keys

#[test]
fn a_key_may_be_empty_or_a_hundred_kilobytes_long_and_any_bytes() {
    let long = vec![b'x'; 100_000];
    let longer = [long.as_slice(), b"y"].concat();
    let keys: [&[u8]; 6] = [b"", b"\0", b"\xff\xfe", b"m-1", &long, &longer];
    for kind in KINDS {
        let mut rows = Rows::new();
        // Two rows each, so that each is found again.
        for (number, key) in (0..).zip(keys.iter().chain(&keys)) {
            let (ts, value) = (EventTime(0), number);
            rows.push(key, Stamped { ts, value });
        }
        let mut first = windowing::<i64>(spec(kind));
        first.on_rows(&rows, &mut Fired::default()).unwrap();
        let held = first.windows().memory();
        assert!(held > 200_000, "{kind}: {held} bytes, and two keys have more");
        assert!(held < 1_000_000, "{kind}: {held} bytes");
        // Also over a snapshot.
        let mut second = windowing::<i64>(spec(kind));
        second.restore(first.snapshot(1).parts()).unwrap();
        for mut windowing in [first, second] {
            let mut fired: Fired<Acc<i64>> = Fired::default();
            windowing.on_drained(&mut fired).unwrap();
            for (number, key) in (0..).zip(&keys) {
                let closed = fired.closed.keys().zip(fired.closed.values());
                let sums: Vec<_> = closed
                    .filter(|((of, _), _)| of == key)
                    .map(|(_, closed)| (closed.acc.0.rows, closed.acc.0.sum()))
                    .collect();
                assert!(!sums.is_empty(), "{kind}");
                assert!(
                    sums.iter().all(|sum| *sum == (2, Some(2 * number + 6))),
                    "{kind}: {sums:?}"
                );
            }
            assert_eq!(
                (windowing.windows().open(), windowing.windows().memory()),
                (0, 0),
                "{kind}"
            );
        }
    }
}

/// What this thread has computed, which is not what it has waited.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
