//! What reading costs: one message a call against many, and the whole job against the sum of its parts.
//!
//! The broker is the sandbox, inside this process, so its share is in every figure: compare them with each other only.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use day01_consumer::decode;
use day01_consumer::job::{Commit, Counts, Job, OnBadRecord};
use day01_consumer::kafka::{Fetch, KafkaOptions, KafkaSource};
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::GeneratorOptions;
use day01_consumer::lab::sandbox::Sandbox;
use day01_consumer::order::Order;
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Source, Start};

/// Few enough that all of them fit into the sandbox's partitions at once.
const ORDERS: u64 = 512_000;
const PARTITIONS: usize = 64;
const WAIT: Duration = Duration::from_millis(100);

fn source(sandbox: &Sandbox, fetch: Fetch) -> KafkaSource {
    KafkaSource::open(KafkaOptions {
        cluster: sandbox.brokers().into(),
        topic: sandbox.topic().to_string(),
        group: "consume".to_string(),
        start: Start::Earliest,
        until_end: true,
        fetch,
    })
    .expect("the sandbox answers")
}

/// Reads everything and looks at nothing; says how many records there were.
fn consume(sandbox: &Sandbox, fetch: Fetch, mut each_batch: impl FnMut(&Records)) -> u64 {
    let mut source = source(sandbox, fetch);
    let mut records = Records::new();
    let mut read = 0;
    while source.poll(&mut records, WAIT).expect("the sandbox answers") != Polled::End {
        each_batch(&records);
        read += records.len() as u64;
    }
    read
}

/// The whole job.
fn job(sandbox: &Sandbox, fetch: Fetch) -> u64 {
    let mut job = Job::new(source(sandbox, fetch), Commit::None, OnBadRecord::Fail);
    while job.step(WAIT).expect("generated orders are good") != Polled::End {}
    black_box(job.counts());
    job.counted()
}

/// The merchants of a batch.
fn merchants(records: &Records) -> impl Iterator<Item = Order<'_>> {
    decode::texts(records).map(|(_, text)| Order::decode(text).expect("generated orders are good"))
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let options = GeneratorOptions {
        orders: ORDERS,
        ..GeneratorOptions::default()
    };
    let sandbox = Sandbox::start("orders", PARTITIONS, options).expect("a sandbox");
    sandbox.wait_until_fed().expect("all orders fit");

    let mut batches = Vec::new();
    let mut names: Vec<String> = Vec::new();
    consume(&sandbox, Fetch::Batch, |records| {
        names.extend(merchants(records).map(|order| order.merchant_id.into_owned()));
        batches.push(records.clone());
    });
    for fetch in [Fetch::Poll, Fetch::Batch] {
        assert_eq!(consume(&sandbox, fetch, |_| {}), ORDERS);
        assert_eq!(job(&sandbox, fetch), ORDERS);
    }

    let mut group = criterion.benchmark_group("consume");
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    group.bench_function("poll", |bench| {
        bench.iter(|| consume(&sandbox, Fetch::Poll, |_| {}))
    });
    group.bench_function("batch", |bench| {
        bench.iter(|| consume(&sandbox, Fetch::Batch, |_| {}))
    });
    group.bench_function("job", |bench| bench.iter(|| job(&sandbox, Fetch::Batch)));
    // The other parts of the job by themselves, on the same records.
    group.bench_function("decode-only", |bench| {
        bench.iter(|| {
            batches
                .iter()
                .flat_map(merchants)
                .map(|order| order.merchant_id.len())
                .sum::<usize>()
        })
    });
    group.bench_function("count-only", |bench| {
        bench.iter(|| {
            let mut counts = Counts::default();
            for merchant in &names {
                counts.add(merchant);
            }
            counts
        })
    });
    group.finish();
    criterion.final_summary();
}
