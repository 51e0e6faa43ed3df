//! Worked examples that others have published, and the rules of SQL, as tables to read.
//!
//! - The six bids: Apache Flink's documentation, "Windowing table-valued functions (Windowing TVFs)".
//! - The nine scores: Tyler Akidau, "Streaming 101" and "Streaming 102", and chapter 2 of "Streaming Systems".
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod results;

use day02_state::rows::Rows;
use day02_state::state::{Owner, Part};
use day03_windows::aggregate::{Aggregate, Average, Overflow, Summary, Sums};
use day03_windows::assigner::SliceAssigner;
use day03_windows::job::windows;
use day03_windows::sessions::SessionWindows;
use day03_windows::slices::SliceWindows;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::window::Window;
use day03_windows::windower::{Fired, Windower};

use results::{Acc, closed, spec, windowing};

/// Time, amount, name.
type Row = (&'static str, i64, &'static str);
/// Start, end, sum.
type Sum = (String, String, i128);

/// `bidtime`, `price` and `item` on 2020-04-15, as the documentation lists them.
const BIDS: [Row; 6] = [
    ("08:05", 4, "C"),
    ("08:07", 2, "A"),
    ("08:09", 5, "D"),
    ("08:11", 3, "B"),
    ("08:13", 1, "E"),
    ("08:17", 6, "F"),
];

/// The scores of one team, by event time.
const SCORES: [Row; 9] = [
    ("12:00:26", 5, ""),
    ("12:01:26", 9, ""),
    ("12:02:26", 7, ""),
    ("12:03:06", 8, ""),
    ("12:03:39", 3, ""),
    ("12:04:19", 4, ""),
    ("12:06:39", 3, ""),
    ("12:07:26", 8, ""),
    ("12:07:46", 1, ""),
];

// ---------------------------------------------------------------------------------------------------------------------
// Six bids

#[test]
fn six_bids_in_windows_one_behind_the_other() {
    #[rustfmt::skip]
    let table = [
        ("tumble:10m",     [("08:00", "08:10", 11), ("08:10", "08:20", 10)]),
        ("tumble:10m+1m",  [("08:01", "08:11", 11), ("08:11", "08:21", 10)]),
        ("tumble:10m-9m",  [("08:01", "08:11", 11), ("08:11", "08:21", 10)]),
    ];
    for (windows, sums) in table {
        assert_eq!(run(windows, &BIDS).sums, table_of(&sums), "{windows}");
    }
}

#[test]
fn the_time_of_a_result_is_the_last_one_of_its_window() {
    let first = run("tumble:10m", &BIDS).windows[0];
    assert_eq!(first.time(), at("08:09:59.999"));
    assert!(first.contains(first.time()) && !first.contains(first.end));
}

#[test]
fn six_bids_in_windows_that_overlap_count_twice_each() {
    #[rustfmt::skip]
    let sums = [
        ("08:00", "08:10", 11),
        ("08:05", "08:15", 15),
        ("08:10", "08:20", 10),
        ("08:15", "08:25",  6),
    ];
    let came = run("hop:10m/5m", &BIDS);
    assert_eq!(came.sums, table_of(&sums));
    assert_eq!(came.rows, [3, 5, 3, 1]);
    for (bid, price, _) in BIDS {
        let alone = run("hop:10m/5m", &[(bid, price, "")]);
        assert_eq!(alone.rows, [1, 1], "{bid}");
    }
}

/// Those without a row, up to 08:02 and to 08:04, do not come out.
#[test]
fn six_bids_in_windows_that_grow() {
    #[rustfmt::skip]
    let sums = [
        ("08:00", "08:06",  4),
        ("08:00", "08:08",  6),
        ("08:00", "08:10", 11),
        ("08:10", "08:12",  3),
        ("08:10", "08:14",  4),
        ("08:10", "08:16",  4),
        ("08:10", "08:18", 10),
        ("08:10", "08:20", 10),
    ];
    assert_eq!(run("cumulate:10m/2m", &BIDS).sums, table_of(&sums));
}

/// The documentation lists the bids in this order, A to F. Stream time makes two of them late.
#[test]
fn a_row_may_be_late_for_one_window_and_on_time_for_another() {
    let mut bids = BIDS;
    bids.sort_by_key(|(_, _, item)| *item);
    assert_eq!(bids.map(|(time, ..)| time)[..3], ["08:07", "08:11", "08:05"]);

    let tumbling = run("tumble:10m", &bids);
    assert_eq!(
        tumbling.sums,
        table_of(&[("08:00", "08:10", 2), ("08:10", "08:20", 10)])
    );
    assert_eq!((tumbling.late, tumbling.late_assignments), (vec!["C", "D"], 2));

    #[rustfmt::skip]
    let sums = [
        ("08:00", "08:10",  2),
        ("08:05", "08:15", 15),
        ("08:10", "08:20", 10),
        ("08:15", "08:25",  6),
    ];
    let hopping = run("hop:10m/5m", &bids);
    assert_eq!(hopping.sums, table_of(&sums));
    assert_eq!((hopping.late, hopping.late_assignments), (vec![], 2));

    // C and D still count in the window up to 08:15 of a hop, and a window that grows to 08:10 has ended.
    let growing = run("cumulate:10m/2m", &bids);
    assert_eq!((growing.late, growing.late_assignments), (vec!["C", "D"], 4));
    assert_eq!(
        growing.sums[..2],
        table_of(&[("08:00", "08:08", 2), ("08:00", "08:10", 2)])
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// Nine scores

#[test]
fn nine_scores_in_windows_of_two_minutes() {
    #[rustfmt::skip]
    let sums = [
        ("12:00", "12:02", 14),
        ("12:02", "12:04", 18),
        ("12:04", "12:06",  4),
        ("12:06", "12:08", 12),
    ];
    let came = run("tumble:2m", &SCORES);
    assert_eq!(came.sums, table_of(&sums));
    assert_eq!(came.sums.iter().map(|(.., sum)| sum).sum::<i128>(), 48);
}

#[test]
fn nine_scores_in_sessions_with_a_gap_of_a_minute() {
    #[rustfmt::skip]
    let sums = [
        ("12:00:26", "12:01:26",  5),
        ("12:01:26", "12:02:26",  9),
        ("12:02:26", "12:05:19", 22),
        ("12:06:39", "12:08:46", 12),
    ];
    let came = run("session:1m", &SCORES);
    assert_eq!(came.sums, table_of(&sums));
    assert_eq!((came.late, came.late_assignments), (vec![], 0));
}

#[test]
fn within_the_allowed_lateness_a_window_closes_again_and_after_it_a_row_is_dropped() {
    let mut windows = windows::<i64>(spec("tumble:2m"), Span::minutes(2));
    let mut fired = Fired::default();
    let mut step = |row: Option<Row>, time: Option<&str>| {
        if let Some(row) = row {
            windows.add(&rows(&[row]), 0..1, &mut fired).unwrap();
        }
        if let Some(time) = time {
            windows.advance(at(time), &mut fired).unwrap();
        }
        let fired = std::mem::take(&mut fired);
        let panes: Vec<u32> = fired.closed.values().iter().map(|closed| closed.pane).collect();
        (sums(&fired), panes, fired.late.len(), windows.open())
    };
    let again = |sum| table_of(&[("12:00", "12:02", sum)]);
    let score = |time, value| Some((time, value, ""));
    #[rustfmt::skip]
    let table = [
        (score("12:00:26", 5),  None,          (vec![],    vec![],  0)),
        (None,                  Some("12:02"), (again(5),  vec![0], 0)),
        (score("12:00:53", 6),  None,          (again(11), vec![1], 0)),
        (None,                  Some("12:04"), (vec![],    vec![],  0)),
        (score("12:01:25", 9),  None,          (vec![],    vec![],  1)),
    ];
    for (row, time, wanted) in table {
        let (sums, panes, late, open) = step(row, time);
        assert_eq!((sums, panes, late), wanted, "{row:?}, {time:?}");
        assert_eq!(
            open,
            usize::from(row != score("12:01:25", 9) && time != Some("12:04")),
            "{row:?}, {time:?}"
        );
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Windows of windows

#[test]
fn windows_of_windows_take_the_time_of_a_result_and_not_the_end() {
    let of_windows = |time: fn(&Window) -> EventTime| {
        let came = run("tumble:5m", &BIDS);
        let mut results = Rows::new();
        for (window, (.., sum)) in came.windows.iter().zip(&came.sums) {
            let (ts, value) = (time(window), *sum as i64);
            results.push(b"", Stamped { ts, value });
        }
        of(&results, "tumble:10m").0
    };
    let direct = run("tumble:10m", &BIDS).sums;
    assert_eq!(of_windows(Window::time), direct);
    // [08:05, 08:10) would count in [08:10, 08:20), and so on: each result in the window behind its own.
    #[rustfmt::skip]
    let wrong = [
        ("08:10", "08:20", 15),
        ("08:20", "08:30",  6),
    ];
    assert_eq!(of_windows(|window| window.end), table_of(&wrong));
}

// ---------------------------------------------------------------------------------------------------------------------
// NULL, averages, and numbers that do not fit

#[test]
fn null_counts_as_a_row_and_is_no_value() {
    const NULL: Option<i64> = None;
    // Values; COUNT(*), COUNT(value), SUM, MIN, MAX, AVG in hundredths.
    #[rustfmt::skip]
    let table = [
        (vec![NULL],                    (1, 0), NULL,     NULL,     NULL,     NULL),
        (vec![NULL, NULL, NULL],        (3, 0), NULL,     NULL,     NULL,     NULL),
        (vec![Some(0)],                 (1, 1), Some(0),  Some(0),  Some(0),  Some(0)),
        (vec![NULL, Some(7)],           (2, 1), Some(7),  Some(7),  Some(7),  Some(700)),
        (vec![Some(-3), NULL, Some(2)], (3, 2), Some(-1), Some(-3), Some(2),  Some(-50)),
        (vec![Some(5), Some(-5), NULL], (3, 2), Some(0),  Some(-5), Some(5),  Some(0)),
    ];
    for (values, (rows, counted), sum, min, max, average) in table {
        // A hop puts each window together from two slices, a session from as many merges as there are rows.
        for windows in ["tumble:10ms", "hop:10ms/5ms", "cumulate:10ms/5ms", "session:3ms"] {
            let mut batch = Rows::new();
            for (number, value) in (0..).zip(&values) {
                let (ts, value) = (EventTime(10 + 2 * number), *value);
                batch.push(b"m-1", Stamped { ts, value });
            }
            let mut windowing = windowing::<Option<i64>>(spec(windows));
            let mut fired = Fired::default();
            windowing.on_rows(&batch, &mut fired).unwrap();
            windowing.on_drained(&mut fired).unwrap();
            let results = closed::<Option<i64>>(&fired);
            let whole = results.iter().find(|(_, acc)| acc.0.rows == rows);
            let (counts, extremes) = whole.expect("a window with all rows").1;
            assert_eq!(counts.values, counted, "{windows}: {values:?}");
            assert_eq!(counts.sum(), sum.map(i128::from), "{windows}: {values:?}");
            assert_eq!(
                (extremes.min(), extremes.max()),
                (min, max),
                "{windows}: {values:?}"
            );
            let hundredths = counts.average().map(|average| average.in_parts(100));
            assert_eq!(hundredths, average.map(i128::from), "{windows}: {values:?}");
        }
    }
}

#[test]
fn an_average_has_six_decimals_and_halves_are_rounded_away_from_zero() {
    // Sum in cents, how many, the average in whole units.
    #[rustfmt::skip]
    let table = [
        (0,     1,       "0.000000"),
        (1,     1,       "0.010000"),
        (-1,    1,       "-0.010000"),
        (1,     3,       "0.003333"),
        (2,     3,       "0.006667"),
        (-1,    3,       "-0.003333"),
        (-2,    3,       "-0.006667"),
        (1_250, 1,       "12.500000"),
        (100,   7,       "0.142857"),
        (1,     32,      "0.000313"), // 312.5 millionths
        (-1,    32,      "-0.000313"),
        (3,     32,      "0.000938"), // 937.5 millionths
        (-3,    32,      "-0.000938"),
        (1,     20_000,  "0.000001"), // half a millionth
        (-1,    20_000,  "-0.000001"),
        (1,     20_001,  "0.000000"), // a little less
        (-1,    20_001,  "0.000000"),
    ];
    for (sum, values, printed) in table {
        let average = average(sum, values);
        assert_eq!(average.of_cents().to_string(), printed, "{sum}/{values}");
    }
    assert_eq!(
        average(i128::from(i64::MAX) * 3, 3).of_cents().to_string(),
        "92233720368547758.070000"
    );
    assert_eq!(
        average(i128::from(i64::MIN) * 3, 3).of_cents().to_string(),
        "-92233720368547758.080000"
    );
}

#[test]
fn nulls_that_are_merged_and_taken_back_leave_no_value_behind() {
    let sums = Sums::<Option<i64>>::default();
    let of = |values: &[Option<i64>]| {
        let mut acc = sums.empty();
        values.iter().for_each(|value| sums.add(&mut acc, value).unwrap());
        acc
    };
    let (nulls, values) = (of(&[None, None]), of(&[Some(4), None, Some(-9)]));
    let mut acc = sums.empty();
    sums.merge(&mut acc, &nulls).unwrap();
    assert_eq!(
        (acc.rows, acc.values, acc.sum(), acc.average()),
        (2, 0, None, None)
    );
    sums.merge(&mut acc, &values).unwrap();
    assert_eq!((acc.rows, acc.values, acc.sum()), (5, 2, Some(-5)));
    assert_eq!(acc.average().unwrap().in_parts(2), -5);
    sums.retract(&mut acc, &nulls, &()).unwrap();
    assert_eq!(acc, values);
    sums.retract(&mut acc, &values, &()).unwrap();
    assert_eq!((acc, acc.sum(), acc.average()), (sums.empty(), None, None));
    assert_eq!(sums.retract(&mut acc, &values, &()), Err(Overflow("count")));
}

/// In each kind of windows, and in whatever they do with accumulators: rows added, slices and sessions merged.
#[test]
fn a_sum_that_does_not_fit_is_an_error_that_names_key_and_window() {
    let ten = "[1970-01-01T00:00:00.000Z, 1970-01-01T00:00:00.010Z)";
    let hop = "[1970-01-01T00:00:00.000Z, 1970-01-01T00:00:00.020Z)";
    let session = "[1970-01-01T00:00:00.005Z, 1970-01-01T00:00:00.018Z)";
    let longer = "[1970-01-01T00:00:00.005Z, 1970-01-01T00:00:00.024Z)";
    // Windows; a row of 1; the row whose slice is then made the largest sum there is; a row of 1; where it
    // shows.
    #[rustfmt::skip]
    let table = [
        ("tumble:10ms",        vec![],   5, vec![8],  ten),
        ("hop:20ms/10ms",      vec![],   5, vec![8],  ten),
        ("hop:20ms/10ms",      vec![],   5, vec![15], hop),
        ("hop:20ms/10ms",      vec![15], 5, vec![],   hop),
        ("cumulate:20ms/10ms", vec![15], 5, vec![],   hop),
        ("session:10ms",       vec![],   5, vec![8],  session),
        ("session:10ms",       vec![],   5, vec![14], longer),
    ];
    for (written, before, nearly, after, window) in table {
        let mut windows = windows::<i64>(spec(written), Span(0));
        let add = |windows: &mut dyn Windower<Row = i64, Acc = Acc<i64>>, times: &[i64]| {
            let mut batch = Rows::new();
            for ts in times {
                let (ts, value) = (EventTime(*ts), 1);
                batch.push(b"m-7", Stamped { ts, value });
            }
            windows.add(&batch, 0..batch.len(), &mut Fired::default())
        };
        add(windows.as_mut(), &[nearly]).unwrap();
        let mut parts = windows.snapshot().parts();
        fill(&mut parts);
        let mut windows = day03_windows::job::windows::<i64>(spec(written), Span(0));
        windows.restore(&parts).unwrap();
        add(windows.as_mut(), &before).unwrap();
        let failed = add(windows.as_mut(), &after)
            .and_then(|()| windows.advance(EventTime::MAX, &mut Fired::default()));
        let said = failed.expect_err(written).to_string();
        assert_eq!(
            said,
            format!("m-7, window {window}: the sum does not fit in its type"),
            "{written}"
        );
    }
}

/// Two accumulators that fit alone and not together: two sessions that a row joins.
#[test]
fn sessions_that_do_not_fit_together_are_an_error_when_a_row_joins_them() {
    let mut sessions = SessionWindows::new(Span(10), Span(0), Picky);
    let add = |sessions: &mut SessionWindows<Picky>, ts: i64| {
        let (ts, value) = (EventTime(ts), 1);
        let mut batch = Rows::new();
        batch.push(b"m-7", Stamped { ts, value });
        sessions.add(&batch, 0..1, &mut Fired::default())
    };
    add(&mut sessions, 0).unwrap();
    add(&mut sessions, 15).unwrap();
    assert_eq!(
        add(&mut sessions, 8).unwrap_err().to_string(),
        "m-7, window [1970-01-01T00:00:00.000Z, 1970-01-01T00:00:00.025Z): the count does not fit in its type"
    );
    let mut slices = SliceWindows::new(SliceAssigner::new(spec("hop:20ms/10ms")).unwrap(), Span(0), Picky);
    let mut batch = Rows::new();
    for ts in [5, 15] {
        let (ts, value) = (EventTime(ts), 1);
        batch.push(b"m-7", Stamped { ts, value });
    }
    slices.add(&batch, 0..2, &mut Fired::default()).unwrap();
    assert_eq!(
        slices
            .advance(EventTime(20), &mut Fired::default())
            .unwrap_err()
            .to_string(),
        "m-7, window [1970-01-01T00:00:00.000Z, 1970-01-01T00:00:00.020Z): the count does not fit in its type"
    );
}

/// Counts to one, and cannot count further.
struct Picky;

impl Aggregate for Picky {
    type Row = i64;
    type Acc = u64;

    fn empty(&self) -> u64 {
        0
    }

    fn add(&self, acc: &mut u64, _: &i64) -> Result<(), Overflow> {
        self.merge(acc, &1)
    }

    fn merge(&self, acc: &mut u64, other: &u64) -> Result<(), Overflow> {
        *acc += other;
        (*acc <= 1).then_some(()).ok_or(Overflow("count"))
    }

    type Rest = ();
    const SUBTRACTS: bool = true;

    fn rest(&self, _: &u64) {}

    fn retract(&self, acc: &mut u64, other: &u64, (): &()) -> Result<(), Overflow> {
        *acc -= other;
        Ok(())
    }
}

// ---------------------------------------------------------------------------------------------------------------------

/// What came out of windows.
struct Came {
    sums: Vec<Sum>,
    windows: Vec<Window>,
    /// How many rows are in each of them.
    rows: Vec<u64>,
    late: Vec<&'static str>,
    late_assignments: u64,
}

/// Runs rows through windows under stream time to the end, one batch a row.
fn run(windows: &str, rows: &[Row]) -> Came {
    let mut windowing = windowing(spec(windows));
    let (mut all, mut late) = (Fired::default(), Vec::new());
    for row in rows {
        windowing.on_rows(&self::rows(&[*row]), &mut all).unwrap();
        late.extend(all.late.drain(..).map(|_| row.2));
    }
    windowing.on_drained(&mut all).unwrap();
    assert_eq!(windowing.windows().open(), 0);
    Came {
        sums: sums(&all),
        windows: all.closed.values().iter().map(|closed| closed.window).collect(),
        rows: all
            .closed
            .values()
            .iter()
            .map(|closed| closed.acc.0.rows)
            .collect(),
        late,
        late_assignments: all.late_assignments,
    }
}

/// The same for rows that are a batch already; with the number of late rows.
fn of(rows: &Rows<Stamped<i64>>, windows: &str) -> (Vec<Sum>, usize) {
    let (mut windowing, mut fired) = (windowing(spec(windows)), Fired::default());
    windowing.on_rows(rows, &mut fired).unwrap();
    windowing.on_drained(&mut fired).unwrap();
    (sums(&fired), fired.late.len())
}

fn rows(rows: &[Row]) -> Rows<Stamped<i64>> {
    let mut batch = Rows::new();
    for (time, value, _) in rows {
        let (ts, value) = (at(time), *value);
        batch.push(b"", Stamped { ts, value });
    }
    batch
}

fn sums(fired: &Fired<Acc<i64>>) -> Vec<Sum> {
    let closed = fired.closed.values().iter();
    closed
        .map(|closed| {
            let (start, end) = (clock(closed.window.start), clock(closed.window.end));
            (start, end, closed.acc.0.sum().unwrap())
        })
        .collect()
}

fn table_of(rows: &[(&str, &str, i128)]) -> Vec<Sum> {
    let rows = rows.iter();
    rows.map(|(start, end, sum)| (start.to_string(), end.to_string(), *sum))
        .collect()
}

fn at(time: &str) -> EventTime {
    format!("2020-04-15T{time}Z").parse().unwrap()
}

/// A time of that day as one writes it: without seconds, if there are none.
fn clock(time: EventTime) -> String {
    let printed = time.to_string();
    let day = printed.strip_prefix("2020-04-15T").expect(&printed);
    let seconds = day.strip_suffix(".000Z").expect(&printed);
    seconds.strip_suffix(":00").unwrap_or(seconds).to_string()
}

/// The average of so many values that have this sum.
fn average(sum: i128, values: u64) -> Average {
    let sums = Sums::<i64>::default();
    let mut acc = sums.empty();
    for nth in 0..i128::from(values) {
        let share = sum / i128::from(values) + i128::from(nth < sum % i128::from(values));
        let share = share - i128::from(nth < -(sum % i128::from(values)));
        sums.add(&mut acc, &i64::try_from(share).unwrap()).unwrap();
    }
    assert_eq!(acc.sum(), Some(sum));
    acc.average().unwrap()
}

/// Makes the sum of the only accumulator that was saved the largest there is.
fn fill(parts: &mut [Part]) {
    let of_keys = parts
        .iter_mut()
        .filter(|part| matches!(part.owner, Owner::Group(_)));
    let [part] = of_keys.collect::<Vec<_>>().try_into().expect("one key");
    // It is the last thing there: rows, values, sum; smallest, largest.
    let sum = part.bytes.len() - 2 * 8 - 16..part.bytes.len() - 2 * 8;
    assert_eq!(part.bytes[sum.clone()], 1_i128.to_le_bytes());
    part.bytes[sum].copy_from_slice(&i128::MAX.to_le_bytes());
}

/// The aggregate of the job is the one of these tests.
#[test]
fn the_summary_of_a_window_is_its_counts_and_its_extremes() {
    let summary = Summary::<i64>::default();
    let mut acc: Acc<i64> = summary.empty();
    assert_eq!(
        (acc.0.rows, acc.0.sum(), acc.1.min(), acc.1.max()),
        (0, None, None, None)
    );
    for value in [3, -4] {
        summary.add(&mut acc, &value).unwrap();
    }
    assert_eq!(
        (acc.0.rows, acc.0.sum(), acc.1.min(), acc.1.max()),
        (2, Some(-1), Some(-4), Some(3))
    );
    let (rest, mut less) = (summary.rest(&acc), summary.empty());
    summary.add(&mut less, &7).unwrap();
    summary.merge(&mut acc, &less).unwrap();
    assert_eq!(acc.1.max(), Some(7));
    summary.retract(&mut acc, &less, &rest).unwrap();
    assert_eq!(
        (acc.0.rows, acc.0.sum(), acc.1.min(), acc.1.max()),
        (2, Some(-1), Some(-4), Some(3))
    );
}
