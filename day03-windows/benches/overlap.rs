//! What overlap costs: the same rows under a tumbling window and under hops that overlap 6, 60 and 600 times.
//!
//! Rows come in order, ten for each key and slide, as windows see them: decoded, in batches. Every run begins
//! where the largest window has been full for a while, and covers twice its length, so that whatever happens
//! only now and then happens in it. `sums` is COUNT and SUM, which can be taken back; `summary` has MIN and
//! MAX too, which cannot. `naive` puts each row into each of its windows.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use day01_consumer::lab::cpu::CpuTime;
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day02_state::state::{Slot, Table};
use day03_windows::aggregate::{Aggregate, Summary, Sums};
use day03_windows::assigner::SliceAssigner;
use day03_windows::clock::StreamTime;
use day03_windows::slices::SliceWindows;
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::windower::Fired;
use day03_windows::windowing::Windowing;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const KEYS: u64 = 200;
const ROWS_PER_SLIDE: u64 = 10 * KEYS;
const SLIDE: i64 = 10_000;
/// As long as the largest window, twice.
const SLIDES: u64 = 1_200;

type Batches = Vec<Rows<Stamped<Cents>>>;

/// So many slides of rows, one batch a slide.
fn batches(from: u64, slides: u64) -> Batches {
    let mut random = ChaCha8Rng::seed_from_u64(from);
    let slide = |slide: u64| {
        let mut rows = Rows::new();
        for row in 0..ROWS_PER_SLIDE {
            let key = format!("m-{}", random.next_u64() % KEYS);
            let ts = slide as i64 * SLIDE + row as i64 * SLIDE / ROWS_PER_SLIDE as i64;
            let value = Cents((random.next_u64() % 50_000) as i64);
            rows.push(
                key.as_bytes(),
                Stamped {
                    ts: EventTime(ts),
                    value,
                },
            );
        }
        rows
    };
    (from..from + slides).map(slide).collect()
}

fn run<A: Aggregate<Row = Cents>>(
    windows: &mut Windowing<StreamTime, SliceWindows<A>>,
    batches: &Batches,
) -> usize {
    let mut results = 0;
    for rows in batches {
        let mut fired = Fired::default();
        windows.on_rows(rows, &mut fired).expect("sums that fit");
        results += black_box(fired).closed.len();
    }
    results
}

fn windows<A: Aggregate<Row = Cents> + Default>(spec: WindowSpec) -> Windowing<StreamTime, SliceWindows<A>> {
    let assigner = SliceAssigner::new(spec).expect("made of slices");
    let windows = SliceWindows::new(assigner, Span(0), A::default());
    Windowing::new(StreamTime::default(), Box::new(windows))
}

/// Each window with a table of its own.
#[derive(Default)]
struct Naive {
    size: i64,
    windows: BTreeMap<i64, Table<<Summary<Cents> as Aggregate>::Acc>>,
    slots: Vec<Slot>,
}

impl Naive {
    fn run(&mut self, batches: &Batches) -> usize {
        let (aggregate, mut results) = (Summary::<Cents>::default(), 0);
        for rows in batches {
            let Some(first) = rows.values().first() else {
                continue;
            };
            let start = first.ts.0.div_euclid(SLIDE) * SLIDE;
            while let Some(oldest) = self.windows.first_entry().filter(|window| *window.key() <= start) {
                let mut closed = Rows::new();
                for (key, acc) in oldest.get().iter() {
                    closed.push(key, *acc);
                }
                results += black_box(closed).len();
                oldest.remove();
            }
            for end in (start + SLIDE..=start + self.size).step_by(SLIDE as usize) {
                let window = self.windows.entry(end).or_default();
                window.slots(
                    rows.hashes(),
                    |row| rows.key(row),
                    || aggregate.empty(),
                    &mut self.slots,
                );
                for (slot, row) in self.slots.iter().zip(rows.values()) {
                    aggregate
                        .add(window.value_mut(*slot), &row.value)
                        .expect("it fits");
                }
            }
        }
        results
    }
}

fn main() {
    let hop = |overlap: i64| WindowSpec::hop(Span(overlap * SLIDE), Span(SLIDE), Span(0)).expect("a window");
    let tumble = WindowSpec::tumble(Span(SLIDE), Span(0)).expect("a window");
    let (before, measured) = (batches(0, SLIDES / 2), batches(SLIDES / 2, SLIDES));

    // Every design gives as many results, so nobody leaves work out.
    let mut results = Vec::new();
    for overlap in [6, 60] {
        let mut sliced = windows::<Summary<Cents>>(hop(overlap));
        run(&mut sliced, &before);
        let mut naive = Naive {
            size: overlap * SLIDE,
            ..Naive::default()
        };
        naive.run(&before);
        let some: Batches = measured[..30].to_vec();
        results.push(run(&mut sliced, &some));
        assert_eq!(results.last(), Some(&naive.run(&some)), "overlap {overlap}");
    }

    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let mut group = criterion.benchmark_group("overlap");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(SLIDES * ROWS_PER_SLIDE));
    let specs = [(1, tumble), (6, hop(6)), (60, hop(60)), (600, hop(600))];
    for (overlap, spec) in specs {
        let warm = || {
            let mut windows = windows::<Summary<Cents>>(spec);
            run(&mut windows, &before);
            windows
        };
        group.bench_function(BenchmarkId::new("summary", overlap), |bench| {
            bench.iter_batched_ref(warm, |windows| run(windows, &measured), BatchSize::PerIteration);
        });
        let warm = || {
            let mut windows = windows::<Sums<Cents>>(spec);
            run(&mut windows, &before);
            windows
        };
        group.bench_function(BenchmarkId::new("sums", overlap), |bench| {
            bench.iter_batched_ref(warm, |windows| run(windows, &measured), BatchSize::PerIteration);
        });
    }
    // Enough of the naive design to know what it costs.
    let some: Batches = measured[..60].to_vec();
    group.throughput(Throughput::Elements(60 * ROWS_PER_SLIDE));
    for overlap in [6, 60, 600] {
        let warm = || {
            let mut naive = Naive {
                size: overlap * SLIDE,
                ..Naive::default()
            };
            naive.run(&before[before.len() - 10..].to_vec());
            naive
        };
        group.bench_function(BenchmarkId::new("naive", overlap), |bench| {
            bench.iter_batched_ref(warm, |naive| naive.run(&some), BatchSize::PerIteration);
        });
    }
    group.finish();
    criterion.final_summary();
}
