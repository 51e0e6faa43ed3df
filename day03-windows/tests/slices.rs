//! Windows made of slices, against the evaluator that puts each row into each of its windows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use day02_state::keys::Owners;
use day02_state::rows::Rows;
use day02_state::state::{Part, share};
use day03_windows::aggregate::{Aggregate, Counted, Overflow, Summary, Sums};
use day03_windows::assigner::SliceAssigner;
use day03_windows::lab::evaluator::{Answer, Row, evaluate};
use day03_windows::slices::SliceWindows;
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::window::Window;
use day03_windows::windower::{Closed, Fired, Windower};
use proptest::prelude::*;

type Results = BTreeMap<(Window, String), (u64, i128, i64, i64)>;

fn windows(spec: WindowSpec) -> SliceWindows<Summary<i64>> {
    SliceWindows::new(SliceAssigner::new(spec).unwrap(), Span(0), Summary::default())
}

fn batch(rows: &[Row]) -> Rows<Stamped<i64>> {
    let mut batch = Rows::new();
    for (key, ts, value) in rows {
        batch.push(
            key.as_bytes(),
            Stamped {
                ts: EventTime(*ts),
                value: *value,
            },
        );
    }
    batch
}

fn collect<A>(fired: &Fired<A>, each: impl Fn(&A) -> (u64, i128, i64, i64), into: &mut Results) {
    let mut last = None;
    for ((key, _), closed) in fired.closed.keys().zip(fired.closed.values()) {
        assert!(
            last <= Some(closed.window.end),
            "windows close in the order of their ends"
        );
        last = Some(closed.window.end);
        let key = String::from_utf8(key.to_vec()).unwrap();
        let twice = into.insert((closed.window, key), each(&closed.acc));
        assert_eq!(twice, None, "{} closed twice", closed.window);
    }
}

fn summary(acc: &<Summary<i64> as Aggregate>::Acc) -> (u64, i128, i64, i64) {
    (
        acc.0.rows,
        acc.0.sum().unwrap(),
        acc.1.min().unwrap(),
        acc.1.max().unwrap(),
    )
}

fn expected(answer: &Answer) -> Results {
    let each = answer.iter().map(|(place, values)| {
        let sum = values.iter().map(|value| i128::from(*value)).sum();
        (
            place.clone(),
            (values.len() as u64, sum, values[0], values[values.len() - 1]),
        )
    });
    each.collect()
}

fn spec() -> impl Strategy<Value = WindowSpec> {
    let offset = -50_i64..50;
    prop_oneof![
        (1_i64..40, offset.clone()).prop_map(|(size, offset)| WindowSpec::tumble(Span(size), Span(offset))),
        (1_i64..12, 1_i64..12, offset.clone()).prop_map(|(slide, times, offset)| WindowSpec::hop(
            Span(slide * times),
            Span(slide),
            Span(offset)
        )),
        (1_i64..12, 1_i64..12, offset).prop_map(|(step, times, offset)| WindowSpec::cumulate(
            Span(step * times),
            Span(step),
            Span(offset)
        )),
    ]
    .prop_map(|spec| spec.unwrap())
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = ("[abc]", -100_i64..300, -1_000_i64..1_000);
    prop::collection::vec(row, 0..120)
}

proptest! {
    /// Time is told only at the end, so no row is late, whatever the order.
    #[test]
    fn slices_give_what_windows_one_by_one_give(spec in spec(), rows in rows(), size in 1_usize..50) {
        let mut windows = windows(spec);
        let mut fired = Fired::default();
        for rows in rows.chunks(size) {
            windows.add(&batch(rows), 0..rows.len(), &mut fired).unwrap();
        }
        windows.advance(EventTime::MAX, &mut fired).unwrap();
        let mut results = Results::new();
        collect(&fired, summary, &mut results);
        prop_assert_eq!(results, expected(&evaluate(spec, &rows)));
        prop_assert!(fired.late.is_empty());
        prop_assert_eq!((windows.open(), windows.memory()), (0, 0));
    }

    /// Time is told in between, and rows come up to some disorder behind it. What comes out for a window is
    /// what its rows were that were not late for it; with sums alone, which retract, and with extremes, which
    /// do not.
    #[test]
    fn windows_that_slide_know_rows_that_come_behind_time(
        spec in spec(), mut rows in rows(), disorder in 0_i64..60, steps in 1_i64..30
    ) {
        rows.sort_by_key(|(key, ts, value)| (ts + (value.rem_euclid(disorder + 1)), key.clone()));
        let mut windows = windows(spec);
        let sums: Sums<i64> = Sums::default();
        let mut retracting = SliceWindows::new(SliceAssigner::new(spec).unwrap(), Span(0), sums);
        let (mut results, mut sums) = (Results::new(), Results::new());
        let assigner = SliceAssigner::new(spec).unwrap();
        let (mut now, mut on_time, mut late) = (i64::MIN, Vec::new(), 0);
        for row in &rows {
            let (mut fired, mut retracted) = (Fired::default(), Fired::default());
            windows.add(&batch(std::slice::from_ref(row)), 0..1, &mut fired).unwrap();
            retracting.add(&batch(std::slice::from_ref(row)), 0..1, &mut retracted).unwrap();
            let is_late = assigner.last_window(assigner.slice_of(EventTime(row.1))).0 <= now;
            late += usize::from(is_late);
            prop_assert_eq!(fired.late.len(), usize::from(is_late));
            on_time.push((row.clone(), now));
            if row.1 - now.max(-200) >= steps {
                now = row.1;
                windows.advance(EventTime(now), &mut fired).unwrap();
                retracting.advance(EventTime(now), &mut retracted).unwrap();
            }
            collect(&fired, summary, &mut results);
            collect(&retracted, |acc: &Counted| (acc.rows, acc.sum().unwrap(), 0, 0), &mut sums);
        }
        let (mut fired, mut retracted) = (Fired::default(), Fired::default());
        windows.advance(EventTime::MAX, &mut fired).unwrap();
        retracting.advance(EventTime::MAX, &mut retracted).unwrap();
        collect(&fired, summary, &mut results);
        collect(&retracted, |acc: &Counted| (acc.rows, acc.sum().unwrap(), 0, 0), &mut sums);

        let mut expected = Results::new();
        for (row, now) in &on_time {
            for ((window, key), _) in evaluate(spec, std::slice::from_ref(row)) {
                if window.end.0 > *now {
                    let entry = expected.entry((window, key)).or_insert((0, 0, i64::MAX, i64::MIN));
                    *entry = (entry.0 + 1, entry.1 + i128::from(row.2), entry.2.min(row.2), entry.3.max(row.2));
                }
            }
        }
        prop_assert_eq!(&results, &expected);
        expected.values_mut().for_each(|result| (result.2, result.3) = (0, 0));
        prop_assert_eq!(sums, expected);
        prop_assert_eq!((windows.open(), windows.memory(), retracting.memory()), (0, 0, 0));
        prop_assert!(late <= rows.len());
    }
}

/// Window, key, number of the pane, and what it says.
type Pane = (Window, String, u32, (u64, i128, i64, i64));

fn panes(fired: &Fired<<Summary<i64> as Aggregate>::Acc>) -> Vec<Pane> {
    let closed = fired.closed.keys().zip(fired.closed.values());
    let pane = |((key, _), closed): ((&[u8], u64), &Closed<_>)| {
        let key = String::from_utf8(key.to_vec()).unwrap();
        (closed.window, key, closed.pane, summary(&closed.acc))
    };
    closed.map(pane).collect()
}

/// The rules of lateness as lists: each window keeps its values until the lateness is over, and knows how many panes it
/// has had for each key.
#[derive(Default)]
struct Naive {
    kept: BTreeMap<(Window, String), (Vec<i64>, u32)>,
    lateness: i64,
    now: Option<i64>,
}

impl Naive {
    fn fire(window: Window, key: &str, (values, panes): &mut (Vec<i64>, u32)) -> Pane {
        let (pane, sum) = (*panes, values.iter().map(|value| i128::from(*value)).sum());
        let (least, most) = (values.iter().min().unwrap(), values.iter().max().unwrap());
        *panes += 1;
        (
            window,
            key.to_string(),
            pane,
            (values.len() as u64, sum, *least, *most),
        )
    }

    fn has_passed(&self, end: i64) -> bool {
        self.now.is_some_and(|now| end <= now)
    }

    /// The panes that come out at once, and whether the row is late for all its windows.
    fn add(&mut self, spec: WindowSpec, row: &Row) -> (Vec<Pane>, bool) {
        let (mut came, mut is_late) = (Vec::new(), true);
        for ((window, key), _) in evaluate(spec, std::slice::from_ref(row)) {
            if self.has_passed(window.end.0 + self.lateness) {
                continue;
            }
            is_late = false;
            let passed = self.has_passed(window.end.0);
            let kept = self.kept.entry((window, key.clone())).or_default();
            kept.0.push(row.2);
            if passed {
                came.push(Self::fire(window, &key, kept));
            }
        }
        (came, is_late)
    }

    fn advance(&mut self, now: i64) -> Vec<Pane> {
        let before = self.now.replace(now);
        let mut came = Vec::new();
        for ((window, key), kept) in &mut self.kept {
            if window.end.0 <= now && before.is_none_or(|before| window.end.0 > before) {
                came.push(Self::fire(*window, key, kept));
            }
        }
        let over = now.saturating_sub(self.lateness);
        self.kept.retain(|(window, _), _| window.end.0 > over);
        came
    }
}

/// Workers with the windows of their key groups.
struct Workers(Vec<SliceWindows<Summary<i64>>>);

impl Workers {
    fn new(spec: WindowSpec, lateness: i64, workers: usize) -> Self {
        let assigner = SliceAssigner::new(spec).unwrap();
        let new = |_| SliceWindows::new(assigner, Span(lateness), Summary::default());
        Workers((0..workers).map(new).collect())
    }

    fn restored(self, spec: WindowSpec, lateness: i64, workers: usize) -> Self {
        let parts: Vec<Part> = self
            .0
            .into_iter()
            .flat_map(|mut worker| worker.snapshot().parts())
            .collect();
        let mut restored = Workers::new(spec, lateness, workers);
        for (number, worker) in restored.0.iter_mut().enumerate() {
            worker
                .restore(&share(&parts, number, workers, |_| false))
                .unwrap();
            let mut fired = Fired::default();
            worker.advance(EventTime::MIN, &mut fired).unwrap();
            assert!(fired.closed.is_empty(), "all had closed up to the same time");
        }
        restored
    }

    fn add(&mut self, row: &Row, fired: &mut Fired<<Summary<i64> as Aggregate>::Acc>) {
        let rows = batch(std::slice::from_ref(row));
        let owner = Owners::of(self.0.len()).lane(rows.hashes()[0]);
        self.0[owner].add(&rows, 0..1, fired).unwrap();
    }
}

proptest! {
    /// Every pane is the whole result so far, panes count from 0 for each key and window, and neither a snapshot nor
    /// another number of workers makes them count anew.
    #[test]
    fn late_rows_give_new_panes_also_after_a_restore_at_any_number_of_workers(
        spec in spec(), mut rows in rows(), disorder in 0_i64..120, lateness in 0_i64..90, steps in 1_i64..30,
        restores in prop::collection::vec((0_usize..120, 1_usize..4), 0..3),
    ) {
        rows.sort_by_key(|(key, ts, value)| (ts + value.rem_euclid(disorder + 1), key.clone()));
        let mut naive = Naive { lateness, ..Naive::default() };
        let mut workers = Workers::new(spec, lateness, 2);
        let mut now = i64::MIN;
        for (number, row) in rows.iter().enumerate() {
            for (at, count) in &restores {
                if *at == number {
                    workers = workers.restored(spec, lateness, *count);
                }
            }
            let mut fired = Fired::default();
            workers.add(row, &mut fired);
            let all = evaluate(spec, std::slice::from_ref(row)).into_keys().map(|(window, _)| window);
            prop_assert_eq!(workers.0[0].windows_of(EventTime(row.1)), all.collect::<Vec<_>>());
            let (mut wanted, is_late) = naive.add(spec, row);
            prop_assert_eq!(fired.late.len(), usize::from(is_late));
            if row.1 - now.max(-200) >= steps {
                now = row.1;
                wanted.extend(naive.advance(now));
                for worker in &mut workers.0 {
                    worker.advance(EventTime(now), &mut fired).unwrap();
                }
            }
            let mut came = panes(&fired);
            came.sort();
            wanted.sort();
            prop_assert_eq!(came, wanted, "{} after row {}", spec, number);
        }
        let mut fired = Fired::default();
        for worker in &mut workers.0 {
            worker.advance(EventTime::MAX, &mut fired).unwrap();
            prop_assert_eq!((worker.open(), worker.memory()), (0, 0));
        }
        let (mut came, mut wanted) = (panes(&fired), naive.advance(i64::MAX));
        came.sort();
        wanted.sort();
        prop_assert_eq!(came, wanted);
    }
}

/// Counts rows, and how often it merges.
struct Merges(Arc<AtomicUsize>);

impl Aggregate for Merges {
    type Row = i64;
    type Acc = u64;

    fn empty(&self) -> u64 {
        0
    }

    fn add(&self, acc: &mut u64, _: &i64) -> Result<(), Overflow> {
        *acc += 1;
        Ok(())
    }

    fn merge(&self, acc: &mut u64, other: &u64) -> Result<(), Overflow> {
        self.0.fetch_add(1, Ordering::Relaxed);
        *acc += other;
        Ok(())
    }

    type Rest = ();
    const SUBTRACTS: bool = true;

    fn rest(&self, _: &u64) {}

    fn retract(&self, acc: &mut u64, other: &u64, (): &()) -> Result<(), Overflow> {
        *acc -= other;
        Ok(())
    }
}

#[test]
fn a_late_row_merges_what_its_windows_share_once() {
    const OVERLAP: usize = 1_000;
    let merges = Arc::new(AtomicUsize::new(0));
    let spec = WindowSpec::hop(Span(OVERLAP as i64), Span(1), Span(0)).unwrap();
    let assigner = SliceAssigner::new(spec).unwrap();
    let mut windows = SliceWindows::new(assigner, Span(10_000), Merges(Arc::clone(&merges)));
    let mut fired = Fired::default();
    let rows: Vec<Row> = (0..5_000).map(|ts| ("m-7".into(), ts, 1)).collect();
    windows.add(&batch(&rows), 0..rows.len(), &mut fired).unwrap();
    windows.advance(EventTime(5_000), &mut fired).unwrap();
    fired = Fired::default();
    merges.store(0, Ordering::Relaxed);
    windows
        .add(&batch(&[("m-7".into(), 2_500, 1)]), 0..1, &mut fired)
        .unwrap();
    let counted = fired.closed.values().iter().map(|closed| closed.acc);
    assert!(
        counted.clone().all(|rows| rows == OVERLAP as u64 + 1),
        "in each window"
    );
    assert_eq!(counted.count(), OVERLAP);
    let merges = merges.load(Ordering::Relaxed);
    assert!(merges <= 6 * OVERLAP, "{merges} merges for {OVERLAP} windows");
}

#[test]
fn windows_that_were_kept_longer_or_shorter_are_not_taken_over() {
    let spec: WindowSpec = "tumble:10s".parse().unwrap();
    let mut short = Workers::new(spec, 1_000, 1).0.remove(0);
    let parts = short.snapshot().parts();
    let mut long = Workers::new(spec, 60_000, 1).0.remove(0);
    let error = long.restore(&parts).unwrap_err().to_string();
    let wanted = "the saved windows are tumble:10s with a lateness of 1s, and this run has tumble:10s with a lateness of 1m";
    assert!(error.contains(wanted), "{error}");
}

/// What is held beside keys and accumulators, over two lengths of a window with 60 slices, at its largest.
#[test]
fn a_key_costs_64_bytes_a_slice_at_most_beside_itself_and_its_accumulator() {
    let (keys, overlap, slide) = (1_000, 60, 1_000);
    let mut windows = windows(WindowSpec::hop(Span(overlap * slide), Span(slide), Span(0)).unwrap());
    let names: Vec<String> = (0..keys).map(|key| format!("m-{key}")).collect();
    let (mut most, mut at) = (0, 0);
    for slice in 0..3 * overlap {
        let rows: Vec<Row> = names
            .iter()
            .map(|name| (name.clone(), slice * slide, 1))
            .collect();
        windows
            .add(&batch(&rows), 0..rows.len(), &mut Fired::default())
            .unwrap();
        windows
            .advance(EventTime((slice + 1) * slide), &mut Fired::default())
            .unwrap();
        if slice >= 2 * overlap && windows.memory() > most {
            (most, at) = (windows.memory(), slice);
        }
    }
    let slices = 59;
    let held: usize = names.iter().map(String::len).sum::<usize>() + keys as usize * 48;
    let beside = (most - slices * held) / (slices * keys as usize);
    assert!(beside <= 64, "{beside} bytes, most in slide {at}");
}
