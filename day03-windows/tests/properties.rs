//! Windows of all four kinds, under stream time, against the evaluator: in batches of any size, and over a
//! stop, a snapshot and a restore on another number of workers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod results;

use std::collections::BTreeMap;

use day02_state::keys::Owners;
use day02_state::operator::Batch;
use day02_state::rows::Rows;
use day02_state::state::{Owner, Part, Stateful, run, share};
use day03_windows::assigner::SliceAssigner;
use day03_windows::job::windows;
use day03_windows::lab::evaluator::Row;
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span};
use day03_windows::windower::Fired;
use proptest::prelude::*;
use proptest::sample::select;

use results::{Acc, Results, UnderStreamTime, batch, closed, collect, expected, windowing};

/// How many rows a batch has.
const SIZES: [usize; 4] = [1, 2, 7, 1_000];

fn tumble() -> impl Strategy<Value = WindowSpec> {
    (1_i64..40, -50_i64..50).prop_map(|(size, offset)| WindowSpec::tumble(Span(size), Span(offset)).unwrap())
}

fn hop() -> impl Strategy<Value = WindowSpec> {
    (1_i64..12, 1_i64..12, -50_i64..50).prop_map(|(slide, times, offset)| {
        WindowSpec::hop(Span(slide * times), Span(slide), Span(offset)).unwrap()
    })
}

fn cumulate() -> impl Strategy<Value = WindowSpec> {
    (1_i64..12, 1_i64..12, -50_i64..50).prop_map(|(step, times, offset)| {
        WindowSpec::cumulate(Span(step * times), Span(step), Span(offset)).unwrap()
    })
}

fn session() -> impl Strategy<Value = WindowSpec> {
    (1_i64..30).prop_map(|gap| WindowSpec::session(Span(gap)).unwrap())
}

fn on_the_calendar() -> impl Strategy<Value = WindowSpec> {
    prop_oneof![tumble(), hop(), cumulate()]
}

fn any_kind() -> impl Strategy<Value = WindowSpec> {
    prop_oneof![tumble(), hop(), cumulate(), session()]
}

/// In any order.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let key = select(vec!["a", "b", "c", "d", "", "a key that has no room in an entry"]);
    let row = (key.prop_map(String::from), -100_i64..300, -1_000_i64..1_000);
    prop::collection::vec(row, 0..120)
}

/// In the order of their times.
fn ordered() -> impl Strategy<Value = Vec<Row>> {
    rows().prop_map(|mut rows| {
        rows.sort_by_key(|(_, ts, _)| *ts);
        rows
    })
}

/// Everything that comes out, in its order, and the late rows by their place among all.
type Came = (
    Vec<((day03_windows::window::Window, String), Acc<i64>)>,
    Vec<usize>,
    u64,
);

/// Runs rows to their end in batches of this size. Nothing may be left.
fn run(spec: WindowSpec, rows: &[Row], size: usize) -> Came {
    let (mut windowing, mut late) = (windowing::<i64>(spec), Vec::new());
    let mut fired = Fired::default();
    for (number, rows) in rows.chunks(size).enumerate() {
        windowing.on_rows(&batch(rows), &mut fired).unwrap();
        late.extend(fired.late.drain(..).map(|place| number * size + place));
    }
    windowing.on_drained(&mut fired).unwrap();
    assert_eq!((windowing.windows().open(), windowing.windows().memory()), (0, 0));
    late.sort_unstable();
    (closed::<i64>(&fired), late, fired.late_assignments)
}

fn results_of(came: &Came) -> Results {
    let summed = |acc: &Acc<i64>| {
        let (sums, extremes) = acc;
        (
            sums.rows,
            sums.sum().unwrap(),
            extremes.min().unwrap(),
            extremes.max().unwrap(),
        )
    };
    let results: Results = came
        .0
        .iter()
        .map(|(place, acc)| (place.clone(), summed(acc)))
        .collect();
    assert_eq!(results.len(), came.0.len(), "a window closed twice");
    results
}

proptest! {
    #[test]
    fn rows_in_the_order_of_their_times_give_the_right_answer_in_batches_of_any_size(
        spec in any_kind(), rows in ordered()
    ) {
        let expected = expected(spec, &rows);
        for size in SIZES {
            let came = run(spec, &rows, size);
            prop_assert_eq!((&came.1, came.2), (&vec![], 0), "{}, batches of {}: nothing is late", spec, size);
            prop_assert_eq!(&results_of(&came), &expected, "{}, batches of {}", spec, size);
            prop_assert!(came.0.is_sorted_by_key(|((window, _), _)| window.end), "{}: by their ends", spec);
        }
    }

    #[test]
    fn a_hop_of_one_slide_is_a_tumble(rows in rows(), size in 1_i64..40, offset in -50_i64..50, batch in select(&SIZES)) {
        let tumble = WindowSpec::tumble(Span(size), Span(offset)).unwrap();
        let hop = WindowSpec::hop(Span(size), Span(size), Span(offset)).unwrap();
        let grown = WindowSpec::cumulate(Span(size), Span(size), Span(offset)).unwrap();
        prop_assert_eq!(run(hop, &rows, batch), run(tumble, &rows, batch));
        prop_assert_eq!(run(grown, &rows, batch), run(tumble, &rows, batch));
    }

    /// Also which rows are late, and what the others come to.
    #[test]
    fn what_comes_out_does_not_depend_on_how_rows_in_any_order_come_in_batches(
        spec in any_kind(), rows in rows()
    ) {
        let one_by_one = run(spec, &rows, 1);
        for size in SIZES {
            let came = run(spec, &rows, size);
            prop_assert_eq!((&came.1, came.2), (&one_by_one.1, one_by_one.2), "{}, batches of {}", spec, size);
            prop_assert_eq!(by_place(&came), by_place(&one_by_one), "{}, batches of {}", spec, size);
        }
    }

    /// What the evaluator says of the rows that are not late, window by window, for windows on the calendar.
    #[test]
    fn a_row_counts_in_those_of_its_windows_that_stream_time_has_not_passed(
        spec in on_the_calendar(), rows in rows(), size in select(&SIZES)
    ) {
        let (mut now, mut on_time, mut late, mut late_assignments) = (i64::MIN, Vec::new(), Vec::new(), 0);
        for (place, row) in rows.iter().enumerate() {
            now = now.max(row.1);
            let all = expected(spec, std::slice::from_ref(row)).into_keys();
            let (passed, open): (Vec<_>, Vec<_>) = all.partition(|(window, _)| window.end.0 <= now);
            late_assignments += passed.len() as u64;
            if open.is_empty() {
                late.push(place);
            }
            on_time.extend(open.into_iter().map(|place| (place, row.2)));
        }
        let mut counted = BTreeMap::new();
        for (place, value) in on_time {
            let entry = counted.entry(place).or_insert((0, 0, i64::MAX, i64::MIN));
            *entry = (entry.0 + 1, entry.1 + i128::from(value), entry.2.min(value), entry.3.max(value));
        }
        let came = run(spec, &rows, size);
        prop_assert_eq!((&came.1, came.2), (&late, late_assignments));
        prop_assert_eq!(results_of(&came), counted);
    }
}

/// By window and key: a session with the same start and end can come out more than once if rows are late.
fn by_place(came: &Came) -> Vec<(String, String, String)> {
    let each = came.0.iter();
    let mut all: Vec<_> = each
        .map(|((window, key), acc)| (window.to_string(), key.clone(), format!("{acc:?}")))
        .collect();
    all.sort();
    all
}

// ---------------------------------------------------------------------------------------------------------------------
// Stop, snapshot, restore

/// Workers as the job has them: each has the windows of its own key groups, and a clock of its own.
struct Workers {
    owners: Owners,
    workers: Vec<UnderStreamTime<i64>>,
}

impl Workers {
    fn new(spec: WindowSpec, workers: usize) -> Self {
        Workers {
            owners: Owners::of(workers),
            workers: (0..workers).map(|_| windowing(spec)).collect(),
        }
    }

    /// Deals rows out, a batch at a time.
    fn take(&mut self, rows: &[Row], size: usize, into: &mut Results) {
        for rows in rows.chunks(size) {
            let mut lanes: Vec<Rows<_>> = self.workers.iter().map(|_| Rows::new()).collect();
            for row in rows {
                let row = batch(std::slice::from_ref(row));
                let owner = self.owners.lane(row.hashes()[0]);
                lanes[owner].append(row);
            }
            for (worker, rows) in self.workers.iter_mut().zip(lanes) {
                let mut fired = Fired::default();
                worker.on_rows(&rows, &mut fired).unwrap();
                assert_eq!(
                    (fired.late.len(), fired.late_assignments),
                    (0, 0),
                    "rows in order are not late"
                );
                collect(&fired, into);
            }
        }
    }

    fn drain(&mut self, into: &mut Results) {
        for worker in &mut self.workers {
            let mut fired = Fired::default();
            worker.on_drained(&mut fired).unwrap();
            collect(&fired, into);
            assert_eq!((worker.windows().open(), worker.windows().memory()), (0, 0));
        }
    }

    /// The parts of all, as a snapshot has them.
    fn snapshot(&mut self) -> Vec<Part> {
        let parts = self
            .workers
            .iter_mut()
            .flat_map(|worker| worker.snapshot(1).parts());
        let mut parts: Vec<Part> = parts.collect();
        parts.sort();
        parts
    }

    /// So many, who go on from these parts, and what comes out before they have seen a row.
    fn restored(spec: WindowSpec, workers: usize, parts: &[Part], into: &mut Results) -> Self {
        let mut all = Workers::new(spec, workers);
        for (number, worker) in all.workers.iter_mut().enumerate() {
            worker.restore(share(parts, number, workers, |_| false)).unwrap();
            let mut fired = Fired::default();
            worker.on_start(&mut fired).unwrap();
            collect(&fired, into);
        }
        all
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn stopped_saved_and_restored_at_any_number_of_workers_each_window_comes_out_once(
        spec in any_kind(), rows in ordered(), stops in prop::collection::vec((0_usize..120, 1_usize..5), 1..4),
        first in 1_usize..5, size in select(&SIZES)
    ) {
        let mut results = Results::new();
        let mut workers = Workers::new(spec, first);
        let mut rest = rows.as_slice();
        for (stop, next) in stops {
            let (now, later) = rest.split_at(stop.min(rest.len()));
            rest = later;
            workers.take(now, size, &mut results);
            let parts = workers.snapshot();
            workers = Workers::restored(spec, next, &parts, &mut results);
        }
        workers.take(rest, size, &mut results);
        workers.drain(&mut results);
        prop_assert_eq!(results, expected(spec, &rows), "{}", spec);
    }

    #[test]
    fn saved_restored_and_saved_again_it_is_the_same_bytes(
        spec in any_kind(), rows in rows(), size in select(&SIZES)
    ) {
        let mut windowing = windowing::<i64>(spec);
        for rows in rows.chunks(size) {
            windowing.on_rows(&batch(rows), &mut Fired::default()).unwrap();
        }
        let parts = windowing.snapshot(1).parts();
        let mut again = results::windowing::<i64>(spec);
        again.restore(parts.clone()).unwrap();
        prop_assert_eq!(&again.snapshot(1).parts(), &parts, "restored");
        let mut fired = Fired::default();
        again.on_start(&mut fired).unwrap();
        prop_assert!(fired.closed.is_empty(), "one worker has left nothing open that was due");
        // Only up to when windows were closed has moved on, to the time of the clock; from then on it stays.
        let started = again.snapshot(1).parts();
        prop_assert_eq!(started.len(), parts.len());
        let mut third = results::windowing::<i64>(spec);
        third.restore(started.clone()).unwrap();
        third.on_start(&mut fired).unwrap();
        prop_assert!(fired.closed.is_empty());
        prop_assert_eq!(third.snapshot(1).parts(), started, "restored and started twice");
        prop_assert_eq!(again.windows().open(), windowing.windows().open());
        prop_assert_eq!(again.now(), windowing.now());
    }

    /// A part that is cut is refused. Only a cut between two rows cannot be seen here: it leaves a part
    /// that is whole, with fewer rows. (The file of a snapshot has a checksum for this.)
    #[test]
    fn every_truncation_of_a_part_is_an_error(spec in on_the_calendar(), rows in rows()) {
        let mut all = windows::<i64>(spec, Span(0));
        all.add(&batch(&rows), 0..rows.len(), &mut Fired::default()).unwrap();
        let parts = all.snapshot().parts();
        for part in &parts {
            let whole = boundaries(part);
            // A slice needs what is said for every worker.
            let others = parts.iter().filter(|other| other.owner == Owner::Every && *other != part);
            let others: Vec<Part> = others.cloned().collect();
            for end in 0..part.bytes.len() {
                let cut = Part { bytes: part.bytes[..end].to_vec(), ..part.clone() };
                let mut windows = windows::<i64>(spec, Span(0));
                let restored = windows.restore(&[others.as_slice(), &[cut]].concat());
                prop_assert_eq!(restored.is_ok(), whole.contains(&end), "{} of {} bytes", end, part.bytes.len());
                if let Err(error) = restored {
                    let of = format!("state {:?} of {}: ", part.name, part.owner);
                    prop_assert!(error.to_string().starts_with(&of), "{}", error);
                }
            }
        }
    }

    /// What is damaged may be refused or taken for something else, and it may make a sum that does not fit.
    /// It stops nobody.
    #[test]
    fn no_damage_to_a_part_is_a_panic(
        spec in any_kind(), rows in rows(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut windowing = windowing::<i64>(spec);
        windowing.on_rows(&batch(&rows), &mut Fired::default()).unwrap();
        let mut parts = windowing.snapshot(1).parts();
        let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
        let mut at = at.index(bytes);
        for part in &mut parts {
            match part.bytes.get_mut(at) {
                Some(damaged) => {
                    *damaged = byte;
                    break;
                }
                None => at -= part.bytes.len(),
            }
        }
        let mut damaged = results::windowing::<i64>(spec);
        let mut fired = Fired::default();
        let _ = damaged
            .restore(parts)
            .and_then(|()| damaged.on_start(&mut fired))
            .and_then(|()| damaged.on_rows(&batch(&rows), &mut fired))
            .and_then(|()| damaged.on_drained(&mut fired));
    }
}

/// Where a part can end: behind each of its rows, or, if it has none, only where it does.
fn boundaries(part: &Part) -> Vec<usize> {
    match part.owner {
        Owner::Group(_) => {
            let starts = run::rows(&part.bytes).map(|row| row.unwrap().at);
            starts.chain([part.bytes.len()]).collect()
        }
        _ => vec![part.bytes.len()],
    }
}

/// `a` and `b` are keys of two workers. One of them has come to 34, where the windows up to 30 have closed,
/// the other to 12.
#[test]
fn a_window_that_had_closed_on_one_worker_and_not_on_another_comes_out_once_for_each_key() {
    let (a, b) = ("m-1".to_string(), "m-7".to_string());
    let lane = |key: &str| Owners::of(2).lane(batch(&[(key.to_string(), 0, 0)]).hashes()[0]);
    assert_ne!(lane(&a), lane(&b));
    let before = [
        (b.clone(), 3, 1),
        (b.clone(), 12, 2),
        (a.clone(), 12, 4),
        (a.clone(), 21, 8),
        (a.clone(), 34, 16),
    ];
    let after = [(b, 35, 32), (a, 44, 64)];
    for written in [
        "tumble:10ms",
        "hop:30ms/10ms",
        "cumulate:30ms/10ms",
        "session:10ms",
    ] {
        let spec = results::spec(written);
        let all = expected(spec, &[before.as_slice(), &after].concat());
        let mut saving = Workers::new(spec, 2);
        let mut first = Results::new();
        saving.take(&before, 1, &mut first);
        let times: Vec<EventTime> = saving.workers.iter().map(|worker| worker.now()).collect();
        assert!(
            times.contains(&EventTime(34)) && times.contains(&EventTime(12)),
            "{times:?}"
        );
        let parts = saving.snapshot();
        for workers in 1..5 {
            let mut results = first.clone();
            let mut restored = Workers::restored(spec, workers, &parts, &mut results);
            // What is due has come out before anything was read.
            let due = all.iter().filter(|((window, _), _)| window.end <= EventTime(34));
            let due: Results = due.map(|(place, summed)| (place.clone(), *summed)).collect();
            assert_eq!(results, due, "{written}, {workers} workers");
            assert!(
                first.len() < due.len(),
                "{written}: the other worker had not closed all of these"
            );
            restored.take(&after, 1, &mut results);
            restored.drain(&mut results);
            assert_eq!(results, all, "{written}, {workers} workers");
        }
    }
}

/// The parts of one kind of windows are not those of another, and an assigner is needed for both.
#[test]
fn state_of_another_kind_of_windows_is_refused() {
    let rows = batch(&[("m-1".to_string(), 5, 1)]);
    let saved = |written: &str| {
        let mut windows = windows::<i64>(results::spec(written), Span(0));
        windows.add(&rows, 0..1, &mut Fired::default()).unwrap();
        windows.snapshot().parts()
    };
    assert!(SliceAssigner::new(results::spec("session:10ms")).is_err());
    for (of, to) in [("tumble:10ms", "session:10ms"), ("session:10ms", "tumble:10ms")] {
        let mut windows = windows::<i64>(results::spec(to), Span(0));
        let error = windows.restore(&saved(of)).expect_err(of).to_string();
        assert!(error.contains(&format!("the saved windows are {of}")), "{error}");
    }
}
