//! What it costs to hand a row from one task to another: by the size of a packet, by the number of tasks, and with the
//! work of a worker behind it.
//!
//! Rows are made beforehand, with byte keys of 1,000 merchants; a source only copies a batch. `exchange` ends in a worker
//! that drops what it gets, `exchange-count` in one that keeps a count in a table.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::{Generator, GeneratorOptions};
use day02_state::job::NoControl;
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::outbox::Outbox;
use day02_state::rows::Rows;
use day02_state::runtime::{Buffers, Inbox, Job, Stop, by_key, run_threads};
use day02_state::state::{Slot, Table};

/// Sends its batches, over and over.
struct Replay {
    batches: Arc<Vec<Rows<u64>>>,
    sent: usize,
    rounds: usize,
}

impl Operator<NoControl> for Replay {
    type In = ();
    type Out = Rows<u64>;

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, NoControl>) -> Outcome {
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, NoControl>) -> Outcome<Turn> {
        if self.sent == self.rounds * self.batches.len() {
            return Ok(Turn::Done);
        }
        out.data(self.batches[self.sent % self.batches.len()].clone());
        self.sent += 1;
        Ok(Turn::Again)
    }
}

/// Drops rows, or counts them per key.
struct Worker {
    table: Option<Table<u64>>,
    slots: Vec<Slot>,
    rows: u64,
    total: Arc<AtomicU64>,
}

impl Operator<NoControl> for Worker {
    type In = Rows<u64>;
    type Out = ();

    fn on_data(&mut self, _: Input, rows: Rows<u64>, _: Out<'_, Self::Out, NoControl>) -> Outcome {
        self.rows += rows.len() as u64;
        if let Some(table) = &mut self.table {
            table.slots(rows.hashes(), |row| rows.key(row), || 0, &mut self.slots);
            for (slot, value) in self.slots.iter().zip(rows.values()) {
                *table.value_mut(*slot) += value;
            }
        }
        Ok(())
    }

    fn on_end(&mut self, _: EndReason, _: Out<'_, Self::Out, NoControl>) -> Outcome {
        let counted = |table: &Table<u64>| table.iter().map(|(_, count)| count).sum();
        let rows = self.table.as_ref().map_or(self.rows, counted);
        self.total.fetch_add(rows, Ordering::Relaxed);
        Ok(())
    }
}

/// Sends `rounds` times the batches from so many sources to so many workers; says how many rows arrived.
fn run(batches: &Arc<Vec<Rows<u64>>>, rounds: usize, tasks: usize, counting: bool, packet: usize) -> u64 {
    let buffers = Buffers {
        rows: packet,
        ..Buffers::default()
    };
    let edge = by_key(tasks, tasks, buffers);
    let total = Arc::new(AtomicU64::new(0));
    let mut job = Job::new();
    for (number, outbox) in edge.outboxes.into_iter().enumerate() {
        let source = Replay {
            batches: Arc::clone(batches),
            sent: 0,
            rounds,
        };
        job.task(format!("source {number}"), Inbox::none(), source, outbox);
    }
    for (number, inbox) in edge.inboxes.into_iter().enumerate() {
        let worker = Worker {
            table: counting.then(Table::new),
            slots: Vec::new(),
            rows: 0,
            total: Arc::clone(&total),
        };
        job.task(format!("worker {number}"), inbox, worker, Outbox::none());
    }
    run_threads(job, &Stop::new()).expect("nothing can fail");
    total.load(Ordering::Relaxed)
}

/// So many batches of so many rows, each with the key of a merchant and the value 1.
fn batches(batches: usize, rows: usize) -> Arc<Vec<Rows<u64>>> {
    let mut generator = Generator::new(GeneratorOptions {
        orders: (batches * rows) as u64,
        ..GeneratorOptions::default()
    });
    let mut batch = || {
        let mut batch = Rows::with_capacity(rows, 8 * rows);
        for _ in 0..rows {
            let order = generator.next_order().expect("enough orders");
            batch.push(order.merchant_id.as_bytes(), 1);
        }
        batch
    };
    Arc::new((0..batches).map(|_| batch()).collect())
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    for (name, counting) in [("exchange", false), ("exchange-count", true)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        for (packet, count, rounds) in [(1, 40, 200), (256, 40, 200), (1_000, 100, 20), (8_000, 12, 20)] {
            let made = batches(count, packet);
            let rows = (made.len() * rounds * packet) as u64;
            for tasks in [1, 2] {
                assert_eq!(run(&made, rounds, tasks, counting, packet), rows * tasks as u64);
                group.throughput(Throughput::Elements(rows * tasks as u64));
                let id = BenchmarkId::new(format!("{tasks}x{tasks}"), packet);
                group.bench_function(id, |bench| {
                    bench.iter(|| run(&made, rounds, tasks, counting, packet))
                });
            }
        }
        group.finish();
    }
    criterion.final_summary();
}
