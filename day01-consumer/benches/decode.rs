//! What it costs to get one field out of an order, from the obvious way to the one that the job uses.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::borrow::Cow;

use criterion::{Criterion, Throughput};
use day01_consumer::decode;
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::{Generator, GeneratorOptions};
use day01_consumer::order::Order;
use day01_consumer::records::{Record, Records};
use serde::Deserialize;

const ORDERS: u64 = 100_000;
/// As many records as a poll brings.
const BATCH: usize = 2_000;

/// All fields, each with its own memory.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding a field is the cost that is measured")]
struct Owned {
    order_id: String,
    merchant_id: String,
    user_id: String,
    amount: f64,
    status: String,
    country: String,
    ts: i64,
}

/// All fields, strings lent by the record.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding a field is the cost that is measured")]
struct Borrowed<'a> {
    #[serde(borrow)]
    order_id: Cow<'a, str>,
    #[serde(borrow)]
    merchant_id: Cow<'a, str>,
    #[serde(borrow)]
    user_id: Cow<'a, str>,
    amount: f64,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    country: Cow<'a, str>,
    ts: i64,
}

/// The one field that the job reads.
#[derive(Deserialize)]
struct OneField<'a> {
    #[serde(borrow)]
    merchant_id: Cow<'a, str>,
}

fn batches() -> Vec<Records> {
    let mut generator = Generator::new(GeneratorOptions {
        orders: ORDERS,
        ..GeneratorOptions::default()
    });
    let mut batches = Vec::new();
    let mut records = Records::new();
    let mut offset = 0;
    while let Some(order) = generator.next_order() {
        let payload = Some(order.payload.as_slice());
        records.push(Record {
            partition: 0,
            offset,
            key: None,
            payload,
            timestamp: None,
        });
        offset += 1;
        if records.len() == BATCH {
            batches.push(std::mem::take(&mut records));
        }
    }
    batches.push(records);
    batches
}

/// Decodes every payload by itself, and adds up the lengths of the merchants so that nothing is optimised away.
fn each(batches: &[Records], merchant_len: impl Fn(&[u8]) -> usize) -> usize {
    batches
        .iter()
        .flat_map(Records::iter)
        .map(|record| merchant_len(record.payload.expect("a payload")))
        .sum()
}

fn value(payload: &[u8]) -> usize {
    let order: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
    order["merchant_id"].as_str().expect("a string").len()
}

fn owned(payload: &[u8]) -> usize {
    serde_json::from_slice::<Owned>(payload)
        .expect("an order")
        .merchant_id
        .len()
}

fn borrowed(payload: &[u8]) -> usize {
    serde_json::from_slice::<Borrowed<'_>>(payload)
        .expect("an order")
        .merchant_id
        .len()
}

fn one_field(payload: &[u8]) -> usize {
    serde_json::from_slice::<OneField<'_>>(payload)
        .expect("an order")
        .merchant_id
        .len()
}

/// The way of the job: UTF-8 once a batch, then a projection.
fn batch_wise(batches: &[Records]) -> usize {
    batches
        .iter()
        .flat_map(decode::texts)
        .map(|(_, text)| Order::decode(text).expect("an order").merchant_id.len())
        .sum()
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let batches = batches();
    let right = each(&batches, value);
    for (design, answer) in [
        ("owned struct", each(&batches, owned)),
        ("borrowed struct", each(&batches, borrowed)),
        ("one field", each(&batches, one_field)),
        ("batch-wise", batch_wise(&batches)),
    ] {
        assert_eq!(answer, right, "{design} must find the same merchants");
    }

    let bytes: usize = batches.iter().map(|records| records.payloads().len()).sum();
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(10).throughput(Throughput::ElementsAndBytes {
        elements: ORDERS,
        bytes: bytes as u64,
    });
    group.bench_function("value", |bench| bench.iter(|| each(&batches, value)));
    group.bench_function("owned-struct", |bench| bench.iter(|| each(&batches, owned)));
    group.bench_function("borrowed-struct", |bench| bench.iter(|| each(&batches, borrowed)));
    group.bench_function("one-field", |bench| bench.iter(|| each(&batches, one_field)));
    group.bench_function("batch-wise", |bench| bench.iter(|| batch_wise(&batches)));
    group.finish();
    criterion.final_summary();
}
