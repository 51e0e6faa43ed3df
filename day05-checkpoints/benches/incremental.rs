//! What a checkpoint of a million keys costs when all of it is written, and when one key in a hundred has changed since the
//! last one, drawn from all of them. Before anything is measured: the second writes a twentieth of the first at most.
//!
//! `stall` is how long the worker stands still, which does not depend on what is written. `full` and `changes` are the work of
//! the store, on its own thread in a job, into a temporary folder. `restore` reads a checkpoint of one run, and one on top
//! of which 49 hundredths have changed.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::time::{Duration, Instant};

use criterion::Criterion;
use day02_state::keys;
use day02_state::state::Table;
use day05_checkpoints::disk::Folder;
use day05_checkpoints::store::{CheckpointStorage, Progress, Size, Store};
use tempfile::TempDir;

const KEYS: u32 = 1_000_000;
const OPERATOR: &str = "totals";

type Totals = (u64, (u64, u64));

struct Job {
    table: Table<Totals>,
    store: Store<Folder>,
    last: u64,
    changes: u32,
    _folder: TempDir,
}

impl Job {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(Folder::open(folder.path()).expect("it is free"), 1).expect("a store");
        let mut job = Job {
            table: Table::new(),
            store,
            last: 0,
            changes: 0,
            _folder: folder,
        };
        (0..KEYS).for_each(|key| job.count(key));
        job
    }

    fn count(&mut self, key: u32) {
        let key = format!("m-{key:09}");
        let totals = self
            .table
            .update(key.as_bytes(), keys::hash(key.as_bytes()), || (0, (0, 0)));
        totals.0 += 1;
    }

    /// One key in a hundred, others each time, and from all of them: no power of ten shares a factor with this one.
    fn change(&mut self) {
        for _ in 0..KEYS / 100 {
            self.changes += 1;
            self.count((u64::from(self.changes) * 736_878_701 % u64::from(KEYS)) as u32);
        }
    }

    /// How long freezing took, how long the rest, and what was written.
    fn checkpoint(&mut self) -> (Duration, Duration, Size) {
        self.last += 1;
        let start = Instant::now();
        let frozen = self.table.snapshot(OPERATOR);
        let (stall, start) = (start.elapsed(), Instant::now());
        self.store
            .begin(self.last, vec![(OPERATOR.to_string(), frozen)])
            .expect("begun");
        while self.store.step().expect("a step") != Progress::Durable(self.last) {}
        let took = start.elapsed();
        while self.store.step().expect("a step") != Progress::Idle {}
        (stall, took, self.store.size())
    }

    fn restore(&self) -> Table<Totals> {
        let latest = self.store.latest().expect("whole").expect("there is one");
        let mut table = Table::new();
        for part in latest.snapshot.parts(OPERATOR) {
            table.restore(part).expect("whole");
        }
        table
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("incremental");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    let mut job = Job::new();
    let (_, _, full) = job.checkpoint();
    job.change();
    let (_, _, changes) = job.checkpoint();
    assert!(changes.new * 20 <= full.new, "{changes:?} behind {full:?}");
    eprintln!(
        "full: {} bytes, one key in a hundred: {} bytes",
        full.new, changes.new
    );

    group.bench_function("full", |bench| {
        bench.iter_custom(|times| (0..times).map(|_| Job::new().checkpoint().1).sum());
    });
    for (name, part) in [("stall", 0), ("changes", 1)] {
        group.bench_function(name, |bench| {
            bench.iter_custom(|times| {
                let mut sum = Duration::ZERO;
                for _ in 0..times {
                    job.change();
                    let (stall, took, _) = job.checkpoint();
                    sum += [stall, took][part];
                }
                sum
            });
        });
    }
    let mut job = Job::new();
    job.checkpoint();
    assert_eq!(job.restore().len(), KEYS as usize);
    group.bench_function("restore/one-run", |bench| bench.iter(|| job.restore()));
    for _ in 0..49 {
        job.change();
        job.checkpoint();
    }
    assert_eq!(job.restore().sorted(), job.table.sorted());
    group.bench_function("restore/49-hundredths-changed", |bench| {
        bench.iter(|| job.restore())
    });
    group.finish();
    criterion.final_summary();
}
