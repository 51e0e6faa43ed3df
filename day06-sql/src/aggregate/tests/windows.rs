//! [`WindowBy`]: the published results, and batch queries over the rows that were not late.

use std::collections::BTreeMap;

use day03_windows::spec::WindowSpec;
use day03_windows::time::EventTime;

use super::*;
use crate::aggregate::{Dropped, WindowBy};
use crate::plan::Window;

fn window(spec: &str) -> Window {
    Window {
        spec: spec.parse().unwrap(),
        time: TIME,
        data_type: DataType::Timestamp,
        bounds: DataType::Timestamp,
    }
}

const MINUTE: i64 = 60_000;
/// 2020-04-15T08:00.
const EIGHT: i64 = 1_586_937_600_000;

fn bid(minute: i64, price: i64) -> Row {
    let mut row = [const { Scalar::Null }; 5];
    row[2] = Scalar::Numeric(Decimal::new(price * 100, 2));
    row[TIME] = Scalar::Timestamp(EventTime(EIGHT + minute * MINUTE));
    row
}

/// The six bids of Flink's documentation, in the order of their times.
const BIDS: [(i64, i64); 6] = [(5, 4), (7, 2), (9, 5), (11, 3), (13, 1), (17, 6)];
/// The same in the order in which "One SQL to Rule Them All" lets them arrive.
const OUT_OF_ORDER: [(i64, i64); 6] = [(7, 2), (11, 3), (5, 4), (9, 5), (13, 1), (17, 6)];

/// `SUM(price)` by windows, as `start-end sum`, minutes past eight, with a watermark this far behind
/// each row.
fn sums(spec: &str, bids: &[(i64, i64)], delay: i64) -> (Vec<String>, Dropped) {
    let calls = Calls::new(vec![Call::of(Sum, 2, COLUMNS[2]).unwrap()]);
    let mut windows = WindowBy::new(Vec::new(), calls, window(spec));
    let (mut out, mut dropped, mut latest) = (Chunk::default(), Dropped::default(), i64::MIN);
    for (minute, price) in bids {
        for chunk in chunks(&[(Change::Insert, bid(*minute, *price))], 1, &[]) {
            add(&mut dropped, windows.on_chunk(chunk, &mut out).unwrap());
        }
        latest = latest.max(EIGHT + minute * MINUTE);
        windows.on_watermark(EventTime(latest - delay), &mut out).unwrap();
    }
    windows.on_watermark(EventTime::MAX, &mut out).unwrap();
    assert_eq!(windows.open(), 0);
    let minutes = |scalar: &Scalar| match scalar {
        Scalar::Timestamp(time) => (time.0 - EIGHT) / MINUTE,
        _ => unreachable!(),
    };
    let row = |row: usize| match out.row(row).as_slice() {
        [start, end, sum] => format!("{}-{} {sum}", minutes(start), minutes(end)),
        _ => unreachable!(),
    };
    assert_eq!(out.changes, None);
    ((0..out.rows).map(row).collect(), dropped)
}

fn add(dropped: &mut Dropped, more: Dropped) {
    dropped.late += more.late;
    dropped.late_assignments += more.late_assignments;
    dropped.null_time += more.null_time;
}

#[test]
fn bids_add_up_as_in_the_documentation_of_flink() {
    #[rustfmt::skip]
    let table: [(&str, &[&str]); 5] = [
        ("tumble:10m",    &["0-10 11.00", "10-20 10.00"]),
        ("tumble:10m+1m", &["1-11 11.00", "11-21 10.00"]),
        ("hop:10m/5m",    &["0-10 11.00", "5-15 15.00", "10-20 10.00", "15-25 6.00"]),
        ("cumulate:10m/2m", &["0-6 4.00", "0-8 6.00", "0-10 11.00", "10-12 3.00", "10-14 4.00", "10-16 4.00", "10-18 10.00", "10-20 10.00"]),
        ("session:3m",    &["5-16 15.00", "17-20 6.00"]),
    ];
    for (spec, results) in table {
        let (sums, dropped) = sums(spec, &BIDS, 1_000);
        assert_eq!(
            (sums, dropped),
            (
                results.iter().map(|it| it.to_string()).collect(),
                Dropped::default()
            ),
            "{spec}"
        );
    }
}

#[test]
fn bids_out_of_order_are_late_by_window_as_the_delay_allows() {
    let late = |late, pairs| Dropped {
        late,
        late_assignments: pairs,
        ..Dropped::default()
    };
    #[rustfmt::skip]
    let table: [(&str, i64, &[&str], Dropped); 5] = [
        ("tumble:10m", 0,          &["0-10 2.00", "10-20 10.00"],  late(2, 2)),
        ("tumble:10m", MINUTE,     &["0-10 2.00", "10-20 10.00"],  late(2, 2)),
        ("tumble:10m", 2 * MINUTE, &["0-10 11.00", "10-20 10.00"], late(0, 0)),
        ("hop:10m/5m", 0,          &["0-10 2.00", "5-15 15.00", "10-20 10.00", "15-25 6.00"],  late(0, 2)),
        ("hop:10m/5m", 2 * MINUTE, &["0-10 11.00", "5-15 15.00", "10-20 10.00", "15-25 6.00"], late(0, 0)),
    ];
    for (spec, delay, results, dropped) in table {
        let wanted = (results.iter().map(|it| it.to_string()).collect(), dropped);
        assert_eq!(
            sums(spec, &OUT_OF_ORDER, delay),
            wanted,
            "{spec} with a delay of {delay} ms"
        );
    }
}

#[test]
fn a_row_without_a_time_is_dropped_and_counted() {
    let mut windows = WindowBy::new(
        Vec::new(),
        Calls::new(vec![Call::count_rows()]),
        window("tumble:10m"),
    );
    let mut timeless = bid(1, 1);
    timeless[TIME] = Scalar::Null;
    let rows = [bid(0, 1), timeless, bid(2, 1)].map(|row| (Change::Insert, row));
    let mut out = Chunk::default();
    let dropped = windows
        .on_chunk(chunks(&rows, 3, &[]).remove(0), &mut out)
        .unwrap();
    assert_eq!(
        dropped,
        Dropped {
            null_time: 1,
            ..Dropped::default()
        }
    );
    windows.on_watermark(EventTime::MAX, &mut out).unwrap();
    assert_eq!((out.rows, out.row(0)[2].clone()), (1, Scalar::BigInt(2)));
}

#[test]
fn bounds_have_the_type_of_the_plan_and_results_come_by_window_and_key() {
    let mut zoned = window("hop:20m/10m");
    zoned.bounds = DataType::TimestampTz;
    let mut windows = WindowBy::new(
        vec![DataType::Varchar],
        Calls::new(vec![Call::count_rows()]),
        zoned,
    );
    let rows = [(12, "b"), (1, "c"), (11, "a"), (2, "a")].map(|(minute, merchant)| {
        let mut row = bid(minute, 1);
        row[0] = Scalar::Varchar(merchant.into());
        (Change::Insert, row)
    });
    let mut out = Chunk::default();
    windows
        .on_chunk(chunks(&rows, 4, &[0]).remove(0), &mut out)
        .unwrap();
    assert_eq!(out.rows, 0);
    windows.on_watermark(EventTime::MAX, &mut out).unwrap();
    assert_eq!(out.types(), windows.types());
    let keys: Vec<String> = (0..out.rows)
        .map(|row| format!("{} {}", out.row(row)[0], out.row(row)[2]))
        .collect();
    assert_eq!(
        keys,
        [
            "a 2020-04-15T08:10:00Z",
            "c 2020-04-15T08:10:00Z",
            "a 2020-04-15T08:20:00Z",
            "b 2020-04-15T08:20:00Z",
            "c 2020-04-15T08:20:00Z",
            "a 2020-04-15T08:30:00Z",
            "b 2020-04-15T08:30:00Z",
        ]
    );
}

#[test]
fn what_windows_cannot_do_is_refused() {
    let sum = Calls::new(vec![Call::of(Sum, 2, COLUMNS[2]).unwrap()]);
    let mut windows = WindowBy::new(Vec::new(), sum.clone(), window("tumble:10m"));
    let mut out = Chunk::default();
    let rows = [(Change::Insert, bid(1, 1)), (Change::Delete, bid(1, 1))];
    let refused = windows
        .on_chunk(chunks(&rows, 2, &[]).remove(0), &mut out)
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("an aggregate over windows cannot take rows back"),
        "{refused}"
    );
    let mut large = bid(1, 1);
    large[2] = Scalar::Numeric(Decimal::MAX);
    let rows = [(Change::Insert, large.clone()), (Change::Insert, large)];
    windows
        .on_chunk(chunks(&rows, 2, &[]).remove(0), &mut out)
        .unwrap();
    let refused = windows.on_watermark(EventTime::MAX, &mut out).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "SUM(NUMERIC) of all rows, window [2020-04-15T08:00:00.000Z, 2020-04-15T08:10:00.000Z): \
         the sum does not fit in its type"
    );
    let parts = windows.snapshot(1).parts();
    let restored = WindowBy::new(Vec::new(), sum, window("tumble:5m")).restore(parts);
    assert!(restored.unwrap_err().to_string().contains("by () and tumble:10m"));
}

/// What happens to windows: a row, or time.
#[derive(Debug, Clone)]
enum Step {
    Row(i64, Row),
    Watermark(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let row = (0..120_i64, a_row()).prop_map(|(ts, mut row)| {
        row[TIME] = if ts == 7 {
            Scalar::Null
        } else {
            Scalar::Timestamp(EventTime(ts))
        };
        Step::Row(ts, row)
    });
    let step = prop_oneof![8 => row, 1 => (0..100_i64).prop_map(Step::Watermark)];
    proptest::collection::vec(step, 0..100)
}

/// All windows that a time belongs to.
fn windows_of(spec: WindowSpec, ts: i64) -> Vec<(i64, i64)> {
    let all = match spec {
        WindowSpec::Tumble { size, .. } => (0..)
            .map(|nth| (nth * size.0, (nth + 1) * size.0))
            .take(20)
            .collect(),
        WindowSpec::Hop { size, slide, .. } => {
            let start = move |nth: i64| nth * slide.0;
            (-20..40)
                .map(|nth| (start(nth), start(nth) + size.0))
                .collect::<Vec<_>>()
        }
        _ => unreachable!(),
    };
    all.into_iter()
        .filter(|(start, end)| *start <= ts && ts < *end)
        .collect()
}

/// The results of all windows over the rows that were not late for them, and what was.
fn batch(calls: &Calls, spec: WindowSpec, steps: &[Step]) -> (Vec<String>, Dropped) {
    let mut groups: BTreeMap<(i64, i64, String), Vec<Row>> = BTreeMap::new();
    let (mut dropped, mut now) = (Dropped::default(), i64::MIN);
    for step in steps {
        match step {
            Step::Watermark(time) => now = now.max(*time),
            Step::Row(_, row) if row[TIME] == Scalar::Null => dropped.null_time += 1,
            Step::Row(ts, row) => {
                let all = windows_of(spec, *ts);
                let open: Vec<_> = all.iter().filter(|(_, end)| *end > now).collect();
                dropped.late_assignments += (all.len() - open.len()) as u64;
                dropped.late += u64::from(open.is_empty());
                for (start, end) in open {
                    // NULL comes last among texts, as in the order of the bytes of keys.
                    let key = match &row[0] {
                        Scalar::Null => "z".to_string(),
                        text => text.to_string(),
                    };
                    groups.entry((*end, *start, key)).or_default().push(row.clone());
                }
            }
        }
    }
    let line = |((end, start, _), rows): ((i64, i64, String), Vec<Row>)| {
        let bounds = [start, end].map(|time| Scalar::Timestamp(EventTime(time)));
        let row: Vec<Scalar> = [rows[0][0].clone()]
            .into_iter()
            .chain(bounds)
            .chain(evaluate(calls, &rows))
            .collect();
        format!("{row:?}")
    };
    (groups.into_iter().map(line).collect(), dropped)
}

/// Windows on several workers, and all that came out of them.
struct Run {
    workers: Vec<WindowBy>,
    results: Vec<String>,
    dropped: Dropped,
}

impl Run {
    fn on_rows(&mut self, rows: &[(Change, Row)], size: usize) {
        let width = self.workers.len();
        for chunk in chunks(rows, size, &[0]) {
            for (worker, chunk) in self.workers.iter_mut().zip(scatter(chunk, width)) {
                let mut out = Chunk::default();
                add(&mut self.dropped, worker.on_chunk(chunk, &mut out).unwrap());
                assert_eq!(out.rows, 0, "nothing comes out before time is told");
            }
        }
    }

    fn on_watermark(&mut self, time: i64) {
        for worker in &mut self.workers {
            let mut out = Chunk::default();
            worker.on_watermark(EventTime(time), &mut out).unwrap();
            self.results
                .extend((0..out.rows).map(|row| format!("{:?}", out.row(row))));
        }
    }
}

/// The same through windows, in chunks of this size, with other workers from the middle on.
fn run(calls: &Calls, spec: WindowSpec, steps: &[Step], size: usize, widths: (usize, usize)) -> Run {
    let window = Window {
        spec,
        time: TIME,
        data_type: DataType::Timestamp,
        bounds: DataType::Timestamp,
    };
    let worker = || WindowBy::new(vec![DataType::Varchar], calls.clone(), window);
    let workers = |width| -> Vec<WindowBy> { (0..width).map(|_| worker()).collect() };
    let mut run = Run {
        workers: workers(widths.0),
        results: Vec::new(),
        dropped: Dropped::default(),
    };
    let (half, mut rows) = (steps.len() / 2, Vec::new());
    for (nth, step) in steps.iter().enumerate() {
        if nth == half {
            run.on_rows(&std::mem::take(&mut rows), size);
            run.workers = replace(&mut run.workers, workers(widths.1));
        }
        match step {
            Step::Row(_, row) => rows.push((Change::Insert, row.clone())),
            Step::Watermark(time) => {
                run.on_rows(&std::mem::take(&mut rows), size);
                run.on_watermark(*time);
            }
        }
    }
    run.on_rows(&rows, size);
    run.on_watermark(i64::MAX);
    assert!(run.workers.iter().all(|worker| worker.open() == 0));
    run
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_hold_what_a_batch_query_says_of_the_rows_that_were_not_late(
        steps in steps(),
        spec in prop_oneof![Just("tumble:10ms"), Just("hop:20ms/5ms"), Just("hop:30ms/10ms")],
        sums_only in any::<bool>(),
        size in prop_oneof![Just(1_usize), Just(2), Just(7), Just(1_000)],
        widths in (1..4_usize, 1..4_usize),
    ) {
        // With these alone, windows take out what they have merged.
        let subtract = Calls::new(retractable_calls().all()[..4].to_vec());
        let calls = if sums_only { subtract } else { all_calls() };
        let spec: WindowSpec = spec.parse().unwrap();
        let (mut wanted, dropped) = batch(&calls, spec, &steps);
        let Run { mut results, dropped: counted, .. } = run(&calls, spec, &steps, size, widths);
        prop_assert_eq!(counted, dropped);
        // One worker gives results in their order; between several there is none.
        if widths != (1, 1) {
            wanted.sort();
            results.sort();
        }
        prop_assert_eq!(results, wanted);
    }
}
