//! Sessions against their definition, written twice more: once as sort and split, and once as plain lists and
//! loops.

use std::collections::BTreeMap;

use day02_state::keys::{hash, key_group, worker_of};
use day02_state::state::{BadPart, share};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::aggregate::{Counted, Overflow, Sums};

type Sessions = SessionWindows<Sums<i64>>;
/// Time, value, key.
type Row<'a> = (i64, i64, &'a str);
/// Key, start, end, how many rows, their sum, the number of the pane.
type Result = (String, i64, i64, u64, i128, u32);

fn sessions(gap: i64, lateness: i64) -> Sessions {
    SessionWindows::new(Span(gap), Span(lateness), Sums::default())
}

fn result(key: &str, window: (i64, i64), rows: u64, sum: i128) -> Result {
    (key.to_string(), window.0, window.1, rows, sum, 0)
}

/// The same as another pane.
fn pane(number: u32, result: Result) -> Result {
    (result.0, result.1, result.2, result.3, result.4, number)
}

fn results(out: &Fired<Counted>) -> Vec<Result> {
    let closed = out.closed.keys().zip(out.closed.values());
    closed
        .map(|((key, _), Closed { window, pane, acc })| {
            let key = String::from_utf8(key.to_vec()).unwrap();
            (
                key,
                window.start.0,
                window.end.0,
                acc.rows,
                acc.sum().unwrap(),
                *pane,
            )
        })
        .collect()
}

fn sorted(mut results: Vec<Result>) -> Vec<Result> {
    results.sort();
    results
}

/// What one of the calls gives: its results and the places of late rows.
type Gives = (Vec<Result>, Vec<usize>);

fn add(sessions: &mut Sessions, rows: &[Row]) -> Gives {
    let mut batch = Rows::new();
    for (ts, value, key) in rows {
        let (ts, value) = (EventTime(*ts), *value);
        batch.push(key.as_bytes(), Stamped { ts, value });
    }
    let mut out = Fired::default();
    sessions.add(&batch, 0..batch.len(), &mut out).unwrap();
    assert_eq!(out.late_assignments, out.late.len() as u64);
    assert_sound(sessions);
    (results(&out), out.late)
}

fn advance(sessions: &mut Sessions, now: i64) -> Vec<Result> {
    let mut out = Fired::default();
    sessions.advance(EventTime(now), &mut out).unwrap();
    assert!(out.late.is_empty() && out.late_assignments == 0);
    assert_sound(sessions);
    let ends = out.closed.values().iter().map(|closed| closed.window.end);
    assert!(ends.is_sorted(), "windows close in the order of their ends");
    results(&out)
}

fn finish(sessions: &mut Sessions) -> Vec<Result> {
    let rest = advance(sessions, i64::MAX);
    assert!(sessions.timers.is_empty() && sessions.sessions.is_empty());
    assert_eq!((sessions.open(), sessions.memory()), (0, 0));
    rest
}

/// Every session has its timer, and it is not too late.
fn assert_sound(sessions: &Sessions) {
    assert_eq!(sessions.timers.len(), sessions.sessions.len());
    for (at, session) in sessions.sessions.places() {
        assert!(sessions.timers.contains(&(session.timer, at.clone())));
        assert!(session.timer <= session.due(sessions.lateness));
        assert!(session.timer > sessions.now);
    }
}

/// All rows at once, and then the end of time.
fn all(gap: i64, rows: &[Row]) -> Vec<Result> {
    let mut sessions = sessions(gap, 0);
    assert_eq!(add(&mut sessions, rows), (vec![], vec![]));
    finish(&mut sessions)
}

/// Sorts the rows of each key, and splits them where two are at least a gap apart.
fn brute_force(gap: i64, rows: &[Row]) -> Vec<Result> {
    let mut by_key: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for (ts, value, key) in rows {
        by_key.entry(key).or_default().push((*ts, *value));
    }
    let mut results = Vec::new();
    for (key, mut rows) in by_key {
        rows.sort_unstable();
        for session in rows.chunk_by(|one, next| next.0 - one.0 < gap) {
            let window = (session[0].0, session[session.len() - 1].0 + gap);
            let sum = session.iter().map(|(_, value)| i128::from(*value)).sum();
            results.push(result(key, window, session.len() as u64, sum));
        }
    }
    sorted(results)
}

fn ms(time: &str) -> i64 {
    format!("2020-04-15T{time}Z").parse::<EventTime>().unwrap().0
}

#[test]
fn windows_that_only_touch_stay_apart() {
    assert_eq!(
        all(10, &[(0, 1, "a"), (10, 2, "a")]),
        [result("a", (0, 10), 1, 1), result("a", (10, 20), 1, 2)]
    );
    assert_eq!(all(10, &[(0, 1, "a"), (9, 2, "a")]), [result("a", (0, 19), 2, 3)]);
    // The other way round, too.
    assert_eq!(all(10, &[(10, 1, "a"), (0, 2, "a")]).len(), 2);
    assert_eq!(all(10, &[(9, 1, "a"), (0, 2, "a")]).len(), 1);
}

#[test]
fn a_row_bridges_two_sessions() {
    let rows = [(0, 1, "a"), (15, 2, "a"), (8, 4, "a")];
    assert_eq!(all(10, &rows), [result("a", (0, 25), 3, 7)]);
}

#[test]
fn sessions_of_another_gap_or_another_lateness_are_not_taken_over() {
    let mut saved = sessions(10, 0);
    add(&mut saved, &[(0, 1, "a")]);
    let parts = saved.snapshot().parts();
    for (gap, lateness, written) in [
        (11, 0, "session:11ms"),
        (10, 60_000, "session:10ms with a lateness of 1m"),
    ] {
        let mut other = sessions(gap, lateness);
        let error = other.restore(&parts).unwrap_err().to_string();
        let wanted = format!(
            "the saved windows are session:10ms, and this run has {written}; use session:10ms, or start anew"
        );
        assert!(error.ends_with(&wanted), "{error}");
        assert_eq!(other.open(), 0);
    }
}

#[test]
fn a_session_closes_when_time_has_come_to_its_end_and_then_it_is_gone() {
    let mut sessions = sessions(10, 0);
    add(&mut sessions, &[(0, 1, "a"), (5, 2, "a")]);
    assert_eq!(advance(&mut sessions, 14), []);
    assert_eq!(sessions.open(), 1);
    assert_eq!(advance(&mut sessions, 15), [result("a", (0, 15), 2, 3)]);
    assert_eq!((sessions.open(), sessions.memory()), (0, 0));
    assert_eq!(finish(&mut sessions), []);
}

#[test]
fn sessions_close_in_the_order_of_their_ends_even_if_their_timers_came_up_in_another() {
    let mut sessions = sessions(10, 0);
    add(
        &mut sessions,
        &[(0, 1, "a"), (3, 1, "b"), (9, 1, "a"), (6, 1, "c")],
    );
    let ends: Vec<i64> = advance(&mut sessions, 100)
        .iter()
        .map(|result| result.2)
        .collect();
    assert_eq!(ends, [13, 16, 19]);
}

#[test]
fn an_old_end_does_not_fire_after_a_merge() {
    let mut sessions = sessions(10, 0);
    add(&mut sessions, &[(0, 1, "a"), (15, 2, "a"), (8, 4, "a")]);
    assert_eq!(advance(&mut sessions, 10), []);
    assert_eq!(advance(&mut sessions, 18), []);
    assert_eq!(advance(&mut sessions, 24), []);
    assert_eq!(advance(&mut sessions, 25), [result("a", (0, 25), 3, 7)]);
    assert_eq!(finish(&mut sessions), []);
}

#[test]
fn a_row_before_a_session_moves_its_beginning() {
    let mut sessions = sessions(10, 0);
    add(&mut sessions, &[(5, 1, "a"), (0, 2, "a")]);
    assert_eq!((sessions.open(), sessions.timers.len()), (1, 1));
    assert_eq!(finish(&mut sessions), [result("a", (0, 15), 2, 3)]);
}

#[test]
fn an_extended_session_keeps_its_timer_until_that_comes_up() {
    let mut sessions = sessions(10, 0);
    add(&mut sessions, &[(0, 1, "a")]);
    let timers = sessions.timers.clone();
    add(&mut sessions, &[(3, 1, "a"), (9, 1, "a"), (4, 1, "a")]);
    assert_eq!(sessions.timers, timers);
    advance(&mut sessions, 10);
    assert_eq!(sessions.timers.first().unwrap().0, EventTime(19));
}

#[test]
fn keys_have_nothing_to_do_with_each_other() {
    let keys = ["", "\0", "\0\0", "a", "a\0", "aa"];
    let rows: Vec<Row> = (0..).zip(keys).map(|(ts, key)| (ts, 1, key)).collect();
    let wanted: Vec<Result> = (0..)
        .zip(keys)
        .map(|(ts, key)| result(key, (ts, ts + 10), 1, 1))
        .collect();
    assert_eq!(all(10, &rows), wanted);
}

#[test]
fn a_row_behind_time_is_kept_if_it_touches_an_open_session() {
    let mut sessions = sessions(10, 0);
    add(&mut sessions, &[(20, 1, "a"), (12, 2, "a")]);
    advance(&mut sessions, 25);
    // Its own window [5, 15) was over at 15, but it is merged into [12, 30).
    assert_eq!(add(&mut sessions, &[(5, 4, "a")]), (vec![], vec![]));
    assert_eq!(finish(&mut sessions), [result("a", (5, 30), 3, 7)]);
}

#[test]
fn a_row_that_touches_no_session_and_whose_own_window_is_over_is_late() {
    let mut sessions = sessions(10, 0);
    advance(&mut sessions, 25);
    let rows = [
        (30, 1, "a"),
        (15, 2, "a"),
        (16, 4, "a"),
        (14, 8, "a"),
        (20, 16, "b"),
    ];
    // 15 is over exactly now, and is late as well as 14 would be, had not 16 come between: 14 is kept with it.
    assert_eq!(add(&mut sessions, &rows), (vec![], vec![1]));
    let late = add(&mut sessions, &[(4, 1, "a"), (5, 1, "a")]).1;
    assert_eq!(late, [0]);
    let sums: Vec<i128> = finish(&mut sessions).iter().map(|result| result.4).collect();
    assert_eq!(sums, [13, 16, 1]);
}

#[test]
fn a_row_whose_own_window_is_not_over_opens_a_session_even_where_a_closed_one_has_been() {
    let mut sessions = sessions(5, 0);
    add(&mut sessions, &[(0, 1, "a")]);
    assert_eq!(advance(&mut sessions, 6), [result("a", (0, 5), 1, 1)]);
    assert_eq!(add(&mut sessions, &[(3, 2, "a")]), (vec![], vec![]));
    assert_eq!(advance(&mut sessions, 8), [result("a", (3, 8), 1, 2)]);
}

#[test]
fn within_the_lateness_a_closed_session_closes_again_at_once() {
    let mut sessions = sessions(10, 20);
    add(&mut sessions, &[(0, 1, "a")]);
    assert_eq!(advance(&mut sessions, 29), [result("a", (0, 10), 1, 1)]);
    let again = vec![pane(1, result("a", (0, 14), 2, 3))];
    assert_eq!(add(&mut sessions, &[(4, 2, "a")]), (again, vec![]));
    // It is kept for so long after its new end.
    assert_eq!(advance(&mut sessions, 33), []);
    let again = vec![pane(2, result("a", (-5, 14), 3, 7))];
    assert_eq!(add(&mut sessions, &[(-5, 4, "a")]), (again, vec![]));
    assert_eq!(advance(&mut sessions, 34), []);
    assert_eq!(sessions.open(), 0);
    assert_eq!(add(&mut sessions, &[(4, 2, "a")]), (vec![], vec![0]));
}

#[test]
fn within_the_lateness_a_closed_session_is_open_again_if_its_new_end_is_to_come() {
    let mut sessions = sessions(10, 100);
    add(&mut sessions, &[(0, 1, "a")]);
    assert_eq!(advance(&mut sessions, 15).len(), 1);
    assert_eq!(add(&mut sessions, &[(9, 2, "a")]), (vec![], vec![]));
    assert_eq!(advance(&mut sessions, 18), []);
    let again = pane(1, result("a", (0, 19), 2, 3));
    assert_eq!(advance(&mut sessions, 19), [again]);
    assert_eq!(advance(&mut sessions, 118), []);
    assert_eq!(sessions.open(), 1);
    assert_eq!(finish(&mut sessions), []);
}

#[test]
fn a_row_can_join_a_closed_session_to_an_open_one() {
    let mut sessions = sessions(10, 100);
    add(&mut sessions, &[(0, 1, "a"), (15, 2, "a")]);
    assert_eq!(advance(&mut sessions, 20).len(), 1);
    assert_eq!(add(&mut sessions, &[(8, 4, "a")]), (vec![], vec![]));
    assert_eq!(finish(&mut sessions), [pane(1, result("a", (0, 25), 3, 7))]);
}

/// The example of the module, line by line.
#[test]
fn a_pane_is_one_more_than_the_highest_of_the_sessions_that_it_was_merged_from() {
    let mut sessions = sessions(10, 20);
    let mut number = 0;
    #[rustfmt::skip]
    let table: [(Option<i64>, Option<i64>, Option<Result>); 9] = [
        (Some(0),  Some(12), Some(result("a", (0, 10), 1, 1))),
        (Some(1),  None,     Some(pane(1, result("a", (0, 11), 2, 3)))),
        (Some(6),  None,     None),
        (Some(3),  None,     None),
        (None,     Some(16), Some(pane(2, result("a", (0, 16), 4, 15)))),
        (Some(20), Some(30), Some(result("a", (20, 30), 1, 16))),
        (Some(15), None,     Some(pane(3, result("a", (0, 30), 6, 63)))),
        (None,     Some(50), None),
        (Some(32), None,     Some(result("a", (32, 42), 1, 64))),
    ];
    for (row, time, wanted) in table {
        let mut came = Vec::new();
        if let Some(ts) = row {
            let (results, late) = add(&mut sessions, &[(ts, 1 << number, "a")]);
            assert!(late.is_empty(), "{ts}");
            came.extend(results);
            number += 1;
        }
        came.extend(time.into_iter().flat_map(|time| advance(&mut sessions, time)));
        assert_eq!(came, Vec::from_iter(wanted), "row {row:?}, time {time:?}");
    }
    assert_eq!(add(&mut sessions, &[(12, 1, "a")]), (vec![], vec![0]));
}

#[test]
fn a_session_is_saved_with_its_panes_and_goes_on_counting() {
    let mut first = sessions(10, 100);
    add(&mut first, &[(0, 1, "a"), (50, 2, "a"), (100, 4, "b")]);
    advance(&mut first, 60);
    add(&mut first, &[(1, 8, "a"), (2, 16, "a")]);
    // One that has come out three times, one that has once, one that is open and had a pane, one that had none.
    add(&mut first, &[(55, 32, "a")]);
    let parts = first.snapshot().parts();
    let mut second = sessions(10, 100);
    second.restore(&parts).unwrap();
    assert_eq!(second.snapshot().parts(), parts);
    for sessions in [&mut first, &mut second] {
        let again = pane(3, result("a", (0, 12), 4, 26));
        assert_eq!(add(sessions, &[(0, 1, "a")]), (vec![again], vec![]));
        assert_eq!(
            finish(sessions),
            [
                pane(1, result("a", (50, 65), 2, 34)),
                result("b", (100, 110), 1, 4)
            ]
        );
    }
}

#[test]
fn a_row_within_the_lateness_opens_a_session_that_closes_at_once() {
    let mut sessions = sessions(10, 20);
    advance(&mut sessions, 29);
    let gives = add(&mut sessions, &[(-1, 1, "a"), (0, 2, "a")]);
    // The first is late: its end was at 9, and 20 later it is 29.
    assert_eq!(gives, (vec![result("a", (0, 10), 1, 2)], vec![0]));
    assert_eq!(finish(&mut sessions), []);
}

#[test]
fn time_makes_a_difference_with_every_millisecond_and_never_goes_back() {
    let mut sessions = sessions(10, 0);
    assert_eq!(sessions.until(EventTime(7)), EventTime(8));
    assert_eq!(sessions.until(EventTime::MAX), EventTime::MAX);
    add(&mut sessions, &[(0, 1, "a"), (30, 1, "a")]);
    assert_eq!(advance(&mut sessions, 20).len(), 1);
    assert_eq!(advance(&mut sessions, 20), []);
    assert_eq!(advance(&mut sessions, -50), []);
    assert_eq!(add(&mut sessions, &[(10, 1, "a")]).1, [0]);
}

#[test]
fn the_ends_of_time_stop_nothing() {
    let (min, max) = (i64::MIN, i64::MAX);
    let rows = [
        (max, 1, "a"),
        (min, 2, "a"),
        (max - 3, 4, "a"),
        (max, 8, "a"),
        (min + 9, 16, "a"),
        (max, 32, "b"),
        (max, 64, "b"),
    ];
    let wanted = [
        result("a", (min, min + 19), 2, 18),
        result("a", (max - 3, max), 3, 13),
        result("b", (max, max), 2, 96),
    ];
    assert_eq!(all(10, &rows), wanted);

    let mut before = sessions(10, 5);
    add(&mut before, &rows);
    let parts = before.snapshot().parts();
    let mut after = sessions(10, 5);
    after.restore(&parts).unwrap();
    assert_eq!(after.snapshot().parts(), parts);
    assert_eq!(finish(&mut after), wanted);
    assert_eq!(add(&mut after, &rows), (vec![], (0..7).collect()));
}

#[test]
fn a_gap_below_a_millisecond_is_one() {
    let rows = [(0, 1, "a"), (0, 2, "a"), (1, 4, "a")];
    for gap in [1, 0, -10] {
        assert_eq!(
            all(gap, &rows),
            [result("a", (0, 1), 2, 3), result("a", (1, 2), 1, 4)]
        );
    }
}

#[test]
fn nothing_is_left_of_many_keys_and_sessions() {
    for lateness in [0, 250] {
        let mut sessions = sessions(10, lateness);
        let names: Vec<String> = (0..500).map(|key| format!("{key:>0$}", key % 40)).collect();
        let mut closed = 0;
        for round in 0..40 {
            let rows: Vec<Row> = (0..)
                .zip(&names)
                .map(|(key, name)| (round * 7 * (1 + key % 3) - key % 5, 1, name.as_str()))
                .collect();
            closed += add(&mut sessions, &rows).0.len() + advance(&mut sessions, round * 14).len();
        }
        assert!(closed > 500 && sessions.open() > 0);
        finish(&mut sessions);
    }
}

/// Counts to three.
struct Three;

impl Aggregate for Three {
    type Row = ();
    type Acc = u64;

    fn empty(&self) -> u64 {
        0
    }

    fn add(&self, acc: &mut u64, (): &()) -> std::result::Result<(), Overflow> {
        self.merge(acc, &1)
    }

    fn merge(&self, acc: &mut u64, other: &u64) -> std::result::Result<(), Overflow> {
        *acc += other;
        if *acc > 3 { Err(Overflow("count")) } else { Ok(()) }
    }

    type Rest = ();
    const SUBTRACTS: bool = true;

    fn rest(&self, _: &u64) {}

    fn retract(&self, acc: &mut u64, other: &u64, (): &()) -> std::result::Result<(), Overflow> {
        *acc -= other;
        Ok(())
    }
}

#[test]
fn an_accumulator_that_cannot_go_on_is_an_error_with_its_key_and_its_merged_window() {
    let refused = |times: &[i64]| {
        let mut sessions = SessionWindows::new(Span(10), Span(0), Three);
        let mut rows = Rows::new();
        for ts in times {
            let (ts, value) = (EventTime(*ts), ());
            rows.push(b"k", Stamped { ts, value });
        }
        let failure = sessions
            .add(&rows, 0..rows.len(), &mut Fired::default())
            .unwrap_err();
        let unable = failure.downcast::<Unable>().unwrap();
        assert_eq!((unable.key.as_str(), unable.overflow), ("k", Overflow("count")));
        (unable.window.start.0, unable.window.end.0)
    };
    assert_eq!(refused(&[0, 0, 0, 7]), (0, 17));
    assert_eq!(refused(&[0, 1, 15, 8]), (0, 25));
    assert_eq!(refused(&[0, 1, 15, 16, 8]), (0, 26));
}

/// The data of the sections on session windows in Flink's documentation of window table functions.
#[test]
fn flinks_five_bids_give_flinks_sessions() {
    let bids = [
        ("08:07:00", 4, "A"),
        ("08:06:00", 2, "A"),
        ("08:09:00", 5, "B"),
        ("08:08:00", 3, "A"),
        ("08:17:00", 1, "B"),
    ];
    let by_item = bids.map(|(time, price, item)| (ms(time), price, item));
    let unpartitioned = bids.map(|(time, price, _)| (ms(time), price, ""));
    let span = |start: &str, end: &str| (ms(start), ms(end));
    let minutes = |minutes| Span::minutes(minutes).0;
    assert_eq!(
        all(minutes(5), &by_item),
        [
            result("A", span("08:06:00", "08:13:00"), 3, 9),
            result("B", span("08:09:00", "08:14:00"), 1, 5),
            result("B", span("08:17:00", "08:22:00"), 1, 1),
        ]
    );
    assert_eq!(
        all(minutes(5), &unpartitioned),
        [
            result("", span("08:06:00", "08:14:00"), 4, 14),
            result("", span("08:17:00", "08:22:00"), 1, 1),
        ]
    );
    // From 08:09 to 08:17 it is exactly the gap.
    assert_eq!(
        all(minutes(8), &unpartitioned),
        [
            result("", span("08:06:00", "08:17:00"), 4, 14),
            result("", span("08:17:00", "08:25:00"), 1, 1),
        ]
    );
    assert_eq!(all(minutes(8) + 1, &unpartitioned).len(), 1);
}

/// The nine scores of "Streaming 101" and "Streaming 102", and of the book "Streaming Systems", in the order
/// in which they arrive there; event times are read off to the second.
#[test]
fn the_nine_scores_of_streaming_systems() {
    let scores = |nine: &'static str, seven: &'static str| {
        let rows = [
            ("12:00:26", 5),
            (seven, 7),
            ("12:03:39", 3),
            ("12:04:19", 4),
            ("12:03:06", 8),
            ("12:06:39", 3),
            (nine, 9),
            ("12:07:26", 8),
            ("12:07:46", 1),
        ];
        rows.map(|(time, score)| (ms(time), score, ""))
    };
    let session = |start: &str, end: &str, rows, sum| result("", (ms(start), ms(end)), rows, sum);
    // 12:00:26, 12:01:26 and 12:02:26 are exactly one gap apart.
    let strict = [
        session("12:00:26", "12:01:26", 1, 5),
        session("12:01:26", "12:02:26", 1, 9),
        session("12:02:26", "12:05:19", 4, 22),
        session("12:06:39", "12:08:46", 3, 12),
    ];
    let closer = [
        session("12:00:26", "12:05:19", 6, 36),
        session("12:06:39", "12:08:46", 3, 12),
    ];
    let cases = [
        (scores("12:01:26", "12:02:26"), &strict[..]),
        (scores("12:01:25", "12:02:24"), &closer),
    ];
    for (mut rows, wanted) in cases {
        assert_eq!(all(60_000, &rows), wanted);
        rows.sort_unstable();
        assert_eq!(all(60_000, &rows), wanted);
    }
}

#[test]
fn a_snapshot_does_not_change_with_the_sessions() {
    let mut sessions = sessions(10, 0);
    add(&mut sessions, &[(0, 1, "a"), (5, 1, "b")]);
    let frozen = sessions.snapshot();
    add(&mut sessions, &[(3, 1, "a"), (30, 1, "b")]);
    advance(&mut sessions, 15);
    let mut before = self::sessions(10, 0);
    before.restore(&frozen.parts()).unwrap();
    let wanted = [result("a", (0, 10), 1, 1), result("b", (5, 15), 1, 1)];
    assert_eq!(finish(&mut before), wanted);
}

#[test]
fn of_the_times_of_several_workers_the_largest_holds_and_what_has_not_come_out_comes_out_first() {
    let mut fast = sessions(10, 20);
    add(&mut fast, &[(0, 1, "a"), (25, 2, "a")]);
    assert_eq!(advance(&mut fast, 12).len(), 1);
    let mut slow = sessions(10, 20);
    add(&mut slow, &[(0, 4, "b"), (-15, 8, "b"), (25, 16, "b")]);
    advance(&mut slow, -5);
    let parts = [fast.snapshot().parts(), slow.snapshot().parts()].concat();

    let out_first = vec![result("b", (0, 10), 1, 4)];
    let restored = || {
        let mut restored = sessions(10, 20);
        restored.restore(&parts).unwrap();
        assert_eq!(restored.now, EventTime(12));
        restored
    };
    // A result of [-15, -5) came out before; [0, 10) of "a" did, too, and is kept.
    let mut told = restored();
    assert_eq!(advance(&mut told, 0), out_first);
    assert_eq!(told.open(), 5);
    assert_eq!(advance(&mut told, 15), []);
    assert_eq!(told.open(), 4);

    // The row would have made it [0, 15), which then is not over. It opens it again only after it came out.
    let mut given = restored();
    assert_eq!(add(&mut given, &[(5, 32, "b")]), (out_first, vec![]));
    let again = pane(1, result("b", (0, 15), 2, 36));
    assert_eq!(advance(&mut given, 15), [again]);
}

#[test]
fn parts_of_another_kind_and_parts_that_are_damaged_are_refused_and_change_nothing() {
    let mut full = sessions(10, 0);
    add(&mut full, &[(0, 1, "a"), (10, 2, "a")]);
    advance(&mut full, 5);
    let parts = full.snapshot().parts();
    let [closed, of_a] = [&parts[0], &parts[1]];
    assert_eq!((closed.name.as_str(), of_a.name.as_str()), (CLOSED, SESSIONS));
    let with = |part: &Part, change: &dyn Fn(&mut Part)| {
        let mut part = part.clone();
        change(&mut part);
        part
    };
    let entry = of_a.bytes.len() / 2;
    let refused = [
        (
            with(of_a, &|part| part.name = "slice 10".to_string()),
            "has this name",
        ),
        (with(of_a, &|part| part.owner = Owner::Every), "to no key group"),
        (with(of_a, &|part| part.owner = Owner::Group(0)), "another group"),
        (with(closed, &|part| part.owner = Owner::First), "to every worker"),
        (with(closed, &|part| part.bytes.push(0)), "it is no time"),
        // Behind two lengths, the key and its end there is the start, with its first bit flipped.
        (
            with(of_a, &|part| part.bytes[entry + 11 + 7] = 9),
            "sessions overlap",
        ),
        (
            with(of_a, &|part| part.bytes[entry + 11 + 6] = 9),
            "ends before it begins",
        ),
        (
            with(of_a, &|part| part.bytes[19 + 8] = 4),
            "the value cannot be read",
        ),
    ];
    for (part, problem) in refused {
        let mut sessions = sessions(10, 0);
        add(&mut sessions, &[(3, 1, "b")]);
        let before = sessions.snapshot().parts();
        let error = sessions.restore(&[closed.clone(), part.clone()]).unwrap_err();
        let bad = error.downcast::<BadPart>().unwrap();
        assert!(bad.problem.ends_with(problem), "{bad}, not {problem}");
        assert_eq!((bad.name, bad.owner), (part.name, part.owner));
        assert_eq!(sessions.snapshot().parts(), before);
        assert_sound(&sessions);
    }
    let whole = parts
        .iter()
        .flat_map(|part| (0..part.bytes.len()).map(move |end| (part, end)));
    for (part, end) in whole {
        let cut = with(part, &|part| part.bytes.truncate(end));
        // An end between two entries is an end like any other.
        let fine = part.name == SESSIONS && end % entry == 0;
        assert_eq!(
            sessions(10, 0).restore(&[cut]).is_ok(),
            fine,
            "{end} bytes of {}",
            part.name
        );
    }
    let mut table = OrderedTable::<Session<Counted>>::new();
    table.insert(b"a", b"now", Session::new(EventTime(0), 0, Counted::default()));
    let error = sessions(10, 0)
        .restore(&table.snapshot(SESSIONS).parts())
        .unwrap_err();
    assert!(error.to_string().ends_with("a session begins at no time"));
}

/// The rules of the module as lists and loops.
struct Naive {
    gap: i64,
    lateness: i64,
    now: i64,
    /// Whether it has fired, and what it would give, with the pane that it has or will be.
    kept: Vec<(bool, Result)>,
}

impl Naive {
    fn add(&mut self, (ts, value, key): Row) -> (Vec<Result>, bool) {
        let mut all = result(key, (ts, ts + self.gap), 1, i128::from(value));
        let own = (ts, ts + self.gap);
        let overlaps = |kept: &(bool, Result)| kept.1.0 == key && kept.1.1 < own.1 && own.0 < kept.1.2;
        let merged: Vec<_> = self.kept.extract_if(.., |kept| overlaps(kept)).collect();
        if merged.is_empty() && own.1 + self.lateness <= self.now {
            return (vec![], true);
        }
        for (fired, other) in merged {
            let next = all.5.max(other.5 + u32::from(fired));
            let window = (all.1.min(other.1), all.2.max(other.2));
            all = pane(next, result(key, window, all.3 + other.3, all.4 + other.4));
        }
        let over = all.2 <= self.now;
        self.kept.push((over, all.clone()));
        (if over { vec![all] } else { vec![] }, false)
    }

    fn advance(&mut self, now: i64) -> Vec<Result> {
        self.now = self.now.max(now);
        let mut out = Vec::new();
        for (fired, kept) in &mut self.kept {
            if kept.2 <= self.now && !std::mem::replace(fired, true) {
                out.push(kept.clone());
            }
        }
        let kept_until = self.now;
        self.kept.retain(|(_, kept)| kept.2 + self.lateness > kept_until);
        sorted(out)
    }
}

const KEYS: [&str; 4] = ["", "a", "a\0", "b"];

fn rows(len: usize) -> impl Strategy<Value = Vec<Row<'static>>> {
    vec((0_i64..150, -9_i64..10, prop::sample::select(&KEYS[..])), 0..len)
}

fn rows_in_order(len: usize) -> impl Strategy<Value = Vec<Row<'static>>> {
    rows(len).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        rows
    })
}

/// Adds the rows in order, time with them, as workers do that hear of the time of all.
fn run(workers: &mut [Sessions], rows: &[Row], out: &mut Vec<Result>) {
    for row in rows {
        let owner = worker_of(key_group(hash(row.2.as_bytes())), workers.len());
        let (results, late) = add(&mut workers[owner], &[*row]);
        assert!(results.is_empty() && late.is_empty());
        for worker in &mut *workers {
            out.extend(advance(worker, row.0));
        }
    }
}

proptest! {
    #[test]
    fn any_order_of_the_rows_gives_the_same_sessions(
        (rows, shuffled) in rows(60).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        gap in 1_i64..30,
    ) {
        let wanted = brute_force(gap, &rows);
        prop_assert_eq!(sorted(all(gap, &rows)), &wanted[..]);
        prop_assert_eq!(sorted(all(gap, &shuffled)), wanted);
    }

    #[test]
    fn rows_in_order_give_the_same_sessions_however_often_time_is_told(
        rows in rows_in_order(60),
        gap in 1_i64..30,
        lateness in 0_i64..30,
        every in 1_usize..5,
    ) {
        let mut sessions = sessions(gap, lateness);
        let mut closed = Vec::new();
        for batch in rows.chunks(every) {
            let (results, late) = add(&mut sessions, batch);
            prop_assert!(results.is_empty() && late.is_empty());
            closed.extend(advance(&mut sessions, batch[batch.len() - 1].0));
        }
        closed.extend(finish(&mut sessions));
        prop_assert_eq!(sorted(closed), brute_force(gap, &rows));
    }

    #[test]
    fn it_does_what_lists_and_loops_do_with_rows_in_any_order_and_time_in_between(
        steps in vec((0_i64..150, -9_i64..10, prop::sample::select(&KEYS[..]), any::<bool>()), 0..80),
        gap in 1_i64..30,
        lateness in prop_oneof![Just(0), 0_i64..40],
    ) {
        let (mut sessions, kept) = (sessions(gap, lateness), Vec::new());
        let mut naive = Naive { gap, lateness, now: i64::MIN, kept };
        for (ts, value, key, tell) in steps {
            if tell {
                let now = ts - 20;
                prop_assert_eq!(sorted(advance(&mut sessions, now)), naive.advance(now));
            } else {
                let (results, late) = naive.add((ts, value, key));
                let late = if late { vec![0] } else { vec![] };
                prop_assert_eq!(add(&mut sessions, &[(ts, value, key)]), (results, late));
            }
            prop_assert_eq!(sessions.open(), naive.kept.len());
        }
        prop_assert_eq!(sorted(finish(&mut sessions)), naive.advance(1_000));
    }

    #[test]
    fn a_snapshot_and_a_restore_at_any_number_of_workers_change_nothing(
        rows in rows_in_order(60),
        cut in 0_usize..60,
        gap in 1_i64..30,
        lateness in 0_i64..30,
        (before, after) in (1_usize..5, 1_usize..5),
    ) {
        let (first, rest) = rows.split_at(cut.min(rows.len()));
        let new = |count| -> Vec<Sessions> { (0..count).map(|_| sessions(gap, lateness)).collect() };
        let mut workers = new(before);
        let mut closed = Vec::new();
        run(&mut workers, first, &mut closed);
        let snapshot = |workers: &mut [Sessions]| -> Vec<Part> {
            workers.iter_mut().flat_map(|worker| worker.snapshot().parts()).collect()
        };
        let parts = snapshot(&mut workers);
        let restored = |count| {
            let mut workers = new(count);
            for (index, worker) in workers.iter_mut().enumerate() {
                worker.restore(&share(&parts, index, count, |_| false)).unwrap();
            }
            workers
        };
        prop_assert_eq!(&snapshot(&mut restored(before)), &parts);

        let mut workers = restored(after);
        run(&mut workers, rest, &mut closed);
        for worker in &mut workers {
            closed.extend(finish(worker));
        }
        prop_assert_eq!(sorted(closed), brute_force(gap, &rows));
    }
}
