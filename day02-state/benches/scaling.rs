//! What more tasks cost, and what they bring: so many sources with decoding and so many workers, over a log in memory.
//!
//! `fused` is the limit, one loop without tasks and channels. `local` sums up each batch before it is sent, so that a
//! merchant crosses the exchange once a batch. All of them must come to the same answer before anything is measured.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput};
use day01_consumer::decode;
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::{GeneratorOptions, generated_log};
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Share, Source, Start};
use day02_state::job::{NoControl, Options, Totals, wire};
use day02_state::keys;
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::order::{Cents, Order};
use day02_state::outbox::Outbox;
use day02_state::rows::Rows;
use day02_state::runtime::{Buffers, Inbox, Job, Stop, by_key, run_threads};
use day02_state::state::{Slot, Table};

const ORDERS: u64 = 1_000_000;

type Answer = BTreeMap<Vec<u8>, Totals>;

fn single(amount: Cents) -> Totals {
    Totals {
        count: 1,
        sum: i128::from(amount.0),
        max: amount,
    }
}

/// Totals by merchant, from rows that are totals themselves.
struct Merge {
    table: Table<Totals>,
    slots: Vec<Slot>,
}

impl Merge {
    fn new() -> Self {
        Merge {
            table: Table::new(),
            slots: Vec::new(),
        }
    }

    fn add(&mut self, rows: &Rows<Totals>) {
        let (table, slots) = (&mut self.table, &mut self.slots);
        table.slots(rows.hashes(), |row| rows.key(row), || Totals::NONE, slots);
        for (slot, more) in slots.iter().zip(rows.values()) {
            let totals = table.value_mut(*slot);
            totals.count += more.count;
            totals.sum += more.sum;
            totals.max = totals.max.max(more.max);
        }
    }
}

/// Reads, decodes, and sends the totals of a batch in place of a row for each order.
struct Read {
    source: LogSource,
    records: Records,
}

impl Read {
    fn totals(&self) -> Rows<Totals> {
        let mut rows = Rows::with_capacity(self.records.len(), 8 * self.records.len());
        for (_, text) in decode::texts(&self.records) {
            let order = Order::decode(text).expect("generated orders are good");
            rows.push(order.merchant_id.as_bytes(), single(order.amount));
        }
        let mut merge = Merge::new();
        merge.add(&rows);
        let mut merged = Rows::with_capacity(merge.table.len(), 8 * merge.table.len());
        for (merchant, totals) in merge.table.iter() {
            merged.push(merchant, *totals);
        }
        merged
    }
}

impl Operator<NoControl> for Read {
    type In = ();
    type Out = Rows<Totals>;

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, NoControl>) -> Outcome {
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, NoControl>) -> Outcome<Turn> {
        Ok(match self.source.poll(&mut self.records, Duration::ZERO)? {
            Polled::End => Turn::Done,
            Polled::Ready | Polled::Idle => {
                out.data(self.totals());
                Turn::Again
            }
        })
    }
}

struct Worker {
    merge: Merge,
    rows: u64,
    answer: Arc<Mutex<(Answer, u64)>>,
}

impl Operator<NoControl> for Worker {
    type In = Rows<Totals>;
    type Out = ();

    fn on_data(&mut self, _: Input, rows: Rows<Totals>, _: Out<'_, Self::Out, NoControl>) -> Outcome {
        self.rows += rows.len() as u64;
        self.merge.add(&rows);
        Ok(())
    }

    fn on_end(&mut self, _: EndReason, _: Out<'_, Self::Out, NoControl>) -> Outcome {
        let mut answer = self.answer.lock().expect("no worker panics");
        let merchants = self.merge.table.iter();
        answer
            .0
            .extend(merchants.map(|(merchant, totals)| (merchant.to_vec(), *totals)));
        answer.1 += self.rows;
        Ok(())
    }
}

fn source(log: &Log) -> LogSource {
    log.source("scaling", &Start::Earliest, true)
        .expect("a log can be read")
}

fn shares(log: &Log, of: usize) -> impl Iterator<Item = LogSource> {
    (0..of).map(move |index| {
        let mut source = source(log);
        source.share(Share { index, of });
        source
    })
}

/// The answer of the job of this day, on so many sources and workers.
fn tasks(log: &Log, tasks: usize) -> Answer {
    let options = Options {
        workers: tasks,
        ..Options::default()
    };
    let (job, slot) = wire(shares(log, tasks).collect(), &options, None).expect("a job");
    run_threads(job, &Stop::new()).expect("generated orders are good");
    let merchants = slot.take().merchants.into_iter();
    merchants
        .map(|(merchant, totals)| (merchant.into_bytes(), totals))
        .collect()
}

/// The same, summed up before the exchange, and how many rows crossed it.
fn local(log: &Log, tasks: usize) -> (Answer, u64) {
    let edge = by_key(tasks, tasks, Buffers::default());
    let answer = Arc::new(Mutex::new((Answer::new(), 0)));
    let mut job = Job::new();
    for (index, (source, outbox)) in shares(log, tasks).zip(edge.outboxes).enumerate() {
        let read = Read {
            source,
            records: Records::new(),
        };
        job.task(format!("source {index}"), Inbox::none(), read, outbox);
    }
    for (index, inbox) in edge.inboxes.into_iter().enumerate() {
        let worker = Worker {
            merge: Merge::new(),
            rows: 0,
            answer: Arc::clone(&answer),
        };
        job.task(format!("worker {index}"), inbox, worker, Outbox::none());
    }
    run_threads(job, &Stop::new()).expect("generated orders are good");
    let mut answer = answer.lock().expect("no worker panics");
    std::mem::take(&mut answer)
}

/// The answer of one loop.
fn fused(log: &Log) -> Answer {
    let (mut source, mut records, mut table) = (source(log), Records::new(), Table::new());
    while source
        .poll(&mut records, Duration::ZERO)
        .expect("a log can be read")
        != Polled::End
    {
        for (_, text) in decode::texts(&records) {
            let order = Order::decode(text).expect("generated orders are good");
            let merchant = order.merchant_id.as_bytes();
            table
                .update(merchant, keys::hash(merchant), || Totals::NONE)
                .add(order.amount);
        }
    }
    let merchants = table.iter();
    merchants
        .map(|(merchant, totals)| (merchant.to_vec(), *totals))
        .collect()
}

fn measure<M: Measurement + 'static>(criterion: Criterion<M>, group: &str, log: &Log) {
    let mut criterion = criterion.configure_from_args();
    let mut group = criterion.benchmark_group(group);
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    group.bench_function("fused", |bench| bench.iter(|| fused(log)));
    for count in [1, 2] {
        group.bench_function(format!("tasks/{count}"), |bench| bench.iter(|| tasks(log, count)));
        group.bench_function(format!("local/{count}"), |bench| bench.iter(|| local(log, count)));
    }
    group.finish();
}

fn main() {
    let options = GeneratorOptions {
        orders: ORDERS,
        ..GeneratorOptions::default()
    };
    let log = generated_log(options, 4);
    let right = fused(&log);
    for count in [1, 2] {
        assert_eq!(tasks(&log, count), right);
        let (answer, sent) = local(&log, count);
        assert_eq!(answer, right);
        eprintln!("{count} x {count}: {ORDERS} rows sent, or {sent} when summed up before");
    }
    measure(
        Criterion::default().with_measurement(CpuTime),
        "scaling-cpu",
        &log,
    );
    measure(
        Criterion::default().with_measurement(WallTime),
        "scaling-wall",
        &log,
    );
    Criterion::default().configure_from_args().final_summary();
}
