//! What a join costs: orders that come in, paired with the merchants that are there, against the loop that one would write by hand.
//!
//! ```text
//! by-hand    merchant ─► HashMap of names ─► pair                  forgets the order
//! join       merchant ─► rows of the other side ─► pair            keeps the order, for a merchant who comes later
//! ```
//!
//! Both are called on one thread, over the same chunks in memory, and must find as many pairs.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use day01_consumer::lab::cpu::CpuTime;
use day06_sql::chunk::{Change, Chunk, Column, Values};
use day06_sql::join::Join;
use day06_sql::keyed::KeyedChunk;
use day06_sql::value::{DataType, Scalar};

const ORDERS: u64 = 500_000;
const MERCHANTS: u64 = 100_000;
/// As many rows as a packet has.
const ROWS: u64 = 8_000;

const TYPES: [DataType; 2] = [DataType::Varchar, DataType::BigInt];

/// Rows of a merchant and a number, in chunks.
fn rows(of: impl Iterator<Item = (u64, i64)>) -> Vec<KeyedChunk> {
    let mut chunks = Vec::new();
    let mut chunk = Chunk::of(TYPES);
    for (merchant, number) in of {
        let row = [
            Scalar::Varchar(format!("m-{merchant}").into()),
            Scalar::BigInt(number),
        ];
        chunk
            .push(Change::Insert, &row)
            .expect("the types of the columns");
        if chunk.rows as u64 == ROWS {
            chunks.push(KeyedChunk::by(chunk.take(), &[0]));
        }
    }
    chunks.push(KeyedChunk::by(chunk, &[0]));
    chunks
}

/// A join that has all merchants.
fn with_merchants(merchants: &[KeyedChunk]) -> Join {
    let mut join = Join::new([TYPES.to_vec(), TYPES.to_vec()]);
    for chunk in merchants {
        join.on_rows(1, chunk, &mut Chunk::default()).expect("merchants");
    }
    join
}

fn joined(mut join: Join, orders: &[KeyedChunk]) -> usize {
    let mut pairs = 0;
    for chunk in orders {
        let mut out = Chunk::default();
        join.on_rows(0, chunk, &mut out).expect("orders");
        pairs += black_box(out).rows;
    }
    pairs
}

fn texts(column: &Column) -> impl Iterator<Item = &str> {
    match &column.values {
        Values::Varchar(texts) => Some(texts.iter()),
        _ => None,
    }
    .into_iter()
    .flatten()
}

fn by_hand(names: &HashMap<String, i64>, orders: &[KeyedChunk]) -> usize {
    let mut pairs = 0;
    for chunk in orders {
        let (merchants, numbers) = (&chunk.chunk.columns[0], &chunk.chunk.columns[1]);
        let mut out: Vec<(String, i64, i64)> = Vec::new();
        for (row, merchant) in texts(merchants).enumerate() {
            if let (Some(name), Scalar::BigInt(number)) = (names.get(merchant), numbers.get(row)) {
                out.push((merchant.to_string(), number, *name));
            }
        }
        pairs += black_box(out).len();
    }
    pairs
}

fn main() {
    let merchants = rows((0..MERCHANTS).map(|merchant| (merchant, 7)));
    // Any odd factor visits the merchants in an order that no cache likes.
    let orders = rows((0..ORDERS).map(|order| (order * 2_654_435_761 % MERCHANTS, order as i64)));
    let names: HashMap<String, i64> = (0..MERCHANTS)
        .map(|merchant| (format!("m-{merchant}"), 7))
        .collect();
    assert_eq!(by_hand(&names, &orders) as u64, ORDERS);
    assert_eq!(joined(with_merchants(&merchants), &orders) as u64, ORDERS);

    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let mut group = criterion.benchmark_group("sql-join");
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    group.bench_function("by-hand", |bench| bench.iter(|| by_hand(&names, &orders)));
    group.bench_function("join", |bench| {
        bench.iter_batched(
            || with_merchants(&merchants),
            |join| joined(join, &orders),
            BatchSize::PerIteration,
        );
    });
    group.finish();
    criterion.final_summary();
}
