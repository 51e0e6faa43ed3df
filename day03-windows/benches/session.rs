//! What sessions cost: rows that go on with a session, and rows that begin one, for few keys and for many.
//!
//! Rows come in order, a millisecond apart, uniformly over the keys, so a key has one every so many
//! milliseconds as there are keys. With a gap of a hundred times that, nearly every row extends; with a gap
//! of a tenth of it, nearly every row begins a session, which closes before its next row. A tumbling window
//! over the same rows stands beside them.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use day01_consumer::lab::cpu::CpuTime;
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day03_windows::clock::StreamTime;
use day03_windows::job::windows;
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::windower::Fired;
use day03_windows::windowing::Windowing;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 500_000;
const BATCH: usize = 1_000;

fn batches(keys: u64) -> Vec<Rows<Stamped<Cents>>> {
    let mut random = ChaCha8Rng::seed_from_u64(keys);
    let batch = |from: usize| {
        let mut rows = Rows::new();
        for row in from..from + BATCH {
            let key = format!("m-{}", random.next_u64() % keys);
            let ts = EventTime(row as i64);
            let value = Cents((random.next_u64() % 50_000) as i64);
            rows.push(key.as_bytes(), Stamped { ts, value });
        }
        rows
    };
    (0..ROWS).step_by(BATCH).map(batch).collect()
}

/// Runs all rows through windows of this kind; says how many closed.
fn run(spec: WindowSpec, batches: &[Rows<Stamped<Cents>>]) -> usize {
    let mut windowing = Windowing::new(StreamTime::default(), windows::<Cents>(spec, Span(0)));
    let mut closed = 0;
    for rows in batches {
        let mut fired = Fired::default();
        windowing.on_rows(rows, &mut fired).expect("sums that fit");
        closed += black_box(fired).closed.len();
    }
    let mut fired = Fired::default();
    windowing.on_drained(&mut fired).expect("sums that fit");
    closed + fired.closed.len()
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let mut group = criterion.benchmark_group("session");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(ROWS as u64));
    for keys in [100, 10_000] {
        let batches = batches(keys);
        let apart = keys as i64;
        let kinds = [
            ("extend", WindowSpec::session(Span(100 * apart))),
            ("begin", WindowSpec::session(Span(apart / 10))),
            ("tumble", WindowSpec::tumble(Span(100 * apart), Span(0))),
        ];
        for (name, spec) in kinds {
            let spec = spec.expect("windows");
            let closed = run(spec, &batches);
            match name {
                "begin" => assert!(closed > ROWS * 8 / 10, "{closed} sessions"),
                _ => assert!(closed < ROWS / 10, "{closed} windows"),
            }
            group.bench_function(BenchmarkId::new(name, keys), |bench| {
                bench.iter_batched(|| (), |()| run(spec, &batches), BatchSize::PerIteration);
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
