//! What it costs to close a window with a million keys: a table for each slice, against a timer for each key.
//!
//! With timers, a key and window that gets its first row registers one, in a heap by time, and its
//! accumulator lies in a map by key and window; when time comes, timers are taken off the heap one by one,
//! and each finds its accumulator. It is the design of Flink's general window operator. Both sides hold the
//! same million accumulators, and both have to hand out a million results and be empty afterwards.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use day01_consumer::lab::cpu::CpuTime;
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day03_windows::aggregate::{Aggregate, Summary};
use day03_windows::assigner::SliceAssigner;
use day03_windows::slices::SliceWindows;
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::window::Window;
use day03_windows::windower::{Closed, Fired, Windower};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

const KEYS: usize = 1_000_000;
const SIZE: i64 = 10_000;

type Acc = <Summary<Cents> as Aggregate>::Acc;

fn rows() -> Rows<Stamped<Cents>> {
    let mut rows = Rows::new();
    for key in 0..KEYS {
        let ts = EventTime(key as i64 % SIZE);
        let value = Cents(key as i64);
        rows.push(format!("m-{key}").as_bytes(), Stamped { ts, value });
    }
    rows
}

fn slices(rows: &Rows<Stamped<Cents>>) -> SliceWindows<Summary<Cents>> {
    let spec = WindowSpec::tumble(Span(SIZE), Span(0)).expect("a window");
    let assigner = SliceAssigner::new(spec).expect("made of slices");
    let mut windows = SliceWindows::new(assigner, Span(0), Summary::default());
    windows
        .add(rows, 0..rows.len(), &mut Fired::default())
        .expect("sums that fit");
    windows
}

fn close_slices(windows: &mut SliceWindows<Summary<Cents>>) -> usize {
    let mut fired = Fired::default();
    windows
        .advance(EventTime(SIZE), &mut fired)
        .expect("sums that fit");
    black_box(fired).closed.len()
}

/// A timer and an accumulator for each key and window.
#[derive(Default)]
struct Timers {
    accs: HashMap<(Box<[u8]>, EventTime), Acc, FixedState>,
    timers: BinaryHeap<Reverse<(EventTime, Box<[u8]>)>>,
}

impl Timers {
    fn of(rows: &Rows<Stamped<Cents>>) -> Self {
        let (aggregate, mut timers) = (Summary::<Cents>::default(), Timers::default());
        for ((key, _), row) in rows.keys().zip(rows.values()) {
            let end = EventTime(row.ts.0.div_euclid(SIZE) * SIZE + SIZE);
            let acc = timers.accs.entry((key.into(), end)).or_insert_with(|| {
                timers.timers.push(Reverse((end, key.into())));
                aggregate.empty()
            });
            aggregate.add(acc, &row.value).expect("it fits");
        }
        timers
    }

    fn close(&mut self, now: EventTime) -> usize {
        let mut closed = Rows::new();
        while let Some(Reverse((end, _))) = self.timers.peek()
            && *end <= now
            && let Some(Reverse((end, key))) = self.timers.pop()
        {
            let place = (key, end);
            if let Some(acc) = self.accs.remove(&place) {
                let window = Window::new(end.minus(Span(SIZE)), end);
                closed.push(&place.0, Closed { window, pane: 0, acc });
            }
        }
        black_box(closed).len()
    }
}

fn main() {
    let rows = rows();
    assert_eq!(close_slices(&mut slices(&rows)), KEYS);
    assert_eq!(Timers::of(&rows).close(EventTime(SIZE)), KEYS);

    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let mut group = criterion.benchmark_group("fire");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(KEYS as u64));
    group.bench_function("slices", |bench| {
        bench.iter_batched_ref(|| slices(&rows), close_slices, BatchSize::PerIteration);
    });
    group.bench_function("timers", |bench| {
        bench.iter_batched_ref(
            || Timers::of(&rows),
            |timers| timers.close(EventTime(SIZE)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
    criterion.final_summary();
}
