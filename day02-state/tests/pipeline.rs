//! The wiring of the job carries what later days will send through it: another row, another worker, another collector.
//!
//! Here all three are built as a crate on top of this one would build them, from its public interface only. Rows are
//! times; a worker counts orders by merchant, and keeps a clock beside its table, which belongs to no key group: it is
//! saved for every worker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use day01_consumer::decode::{self, Payload};
use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::order::{BadRecord, Reason, json, required_string};
use day01_consumer::source::{Share, Source, Start};
use day02_state::error::Error;
use day02_state::job::{Decode, Options, Plain, SOURCE, SavedState, Stages, TOTALS, pipeline};
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome};
use day02_state::rows::Rows;
use day02_state::runtime::{Job, Stop, run_threads};
use day02_state::state::file::Snapshot;
use day02_state::state::{Frozen, Owner, Part, Stateful, Table};
use day02_state::stepper::run_stepper;

/// The id of the workers' operator.
const COUNTS: &str = "counts";
const PARTITIONS: usize = 3;
const SOURCES: usize = 2;

#[test]
fn another_row_worker_and_collector_give_their_answer_over_several_lives() {
    let log = Log::new("orders", PARTITIONS);
    let mut expected = BTreeMap::new();
    let (mut last, mut latest) = (None, 0);
    for (life, workers) in [1, 3, 2, 128, 3].into_iter().enumerate() {
        // In the fourth life there is nothing new.
        let new = if life == 3 { 0 } else { 200 };
        for number in 0..new {
            let (merchant, time) = (format!("m-{}", number % 37), 1_000 * life as u64 + number);
            let order = format!(r#"{{"merchant_id":"{merchant}","time":{time}}}"#);
            log.append(number as usize % PARTITIONS, None, Some(order.as_bytes()), None);
            *expected.entry(merchant).or_default() += 1;
            latest = time;
        }
        log.append(0, None, Some(br#"{"merchant_id":"m-1"}"#), None);

        let mut seen = Vec::new();
        for seed in 0..20 {
            let (found, mut tasks) = (Found::default(), BTreeSet::new());
            let saved = SavedState::default();
            let job = wired(&log, workers, (&found, &saved), last.as_ref()).unwrap();
            let board = job.board();
            run_stepper(job, seed, &Stop::new(), &mut |_, task, _| {
                tasks.insert(task.to_string());
            })
            .unwrap();
            assert_eq!(tasks, names(workers));
            seen.push((found.take(), board.progress(), saved.take()));
        }
        let (found, saved) = (Found::default(), SavedState::default());
        let job = wired(&log, workers, (&found, &saved), last.as_ref()).unwrap();
        let board = job.board();
        run_threads(job, &Stop::new()).unwrap();
        seen.push((found.take(), board.progress(), saved.take()));

        for (found, progress, snapshot) in &seen {
            assert_eq!(found.counts, expected);
            assert_eq!(found.clocks.len(), workers, "each worker has sent");
            assert_eq!(found.clocks.values().max(), Some(&latest));
            if new == 0 {
                assert!(
                    found.clocks.values().all(|clock| *clock == latest),
                    "for every worker"
                );
            }
            assert_eq!(progress.counted, new);
            assert_eq!(progress.skipped, BTreeMap::from([(Reason::Missing("time"), 1)]));
            assert_eq!(*snapshot, seen[0].2, "whatever the order of steps");
        }
        last = seen.pop().map(|(_, _, snapshot)| snapshot);
    }
}

#[test]
fn state_that_has_no_taker_is_an_error() {
    let part = |name: &str, owner| Part {
        name: name.to_string(),
        owner,
        bytes: Vec::new(),
    };
    #[rustfmt::skip]
    let table = [
        (TOTALS, part("merchants", Owner::Group(3)), r#"it has state of "totals", which this job does not have"#),
        (COUNTS, part("clock", Owner::First),        r#"state "clock" of the first worker: no worker owns it"#),
        (COUNTS, part("orders", Owner::Group(128)),  r#"state "orders" of key group 128: no worker owns it"#),
        (COUNTS, part("orders", Owner::Every),       r#"state "orders" of every worker: it belongs to no key group"#),
        (SOURCE, part("position", Owner::Every),     r#"state "position" of every worker: no source reads it"#),
    ];
    for (operator, part, said) in table {
        let mut snapshot = Snapshot::new();
        snapshot.add(operator, vec![part]);
        let wired = wired(
            &Log::new("orders", PARTITIONS),
            2,
            (&Found::default(), &SavedState::default()),
            Some(&snapshot),
        );
        assert_eq!(
            wired.err().expect(said).to_string(),
            format!("cannot restore the saved state: {said}")
        );
    }
}

#[test]
fn a_collector_that_fails_ends_the_job() {
    for fails in ["results", "the end"] {
        let found = Found::default();
        found.0.lock().unwrap().fails = fails;
        let saved = SavedState::default();
        let job = wired(&Log::new("orders", PARTITIONS), 2, (&found, &saved), None).unwrap();
        let error = run_threads(job, &Stop::new()).unwrap_err();
        assert_eq!(error.to_string(), format!("collect: no room for {fails}"));
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The row

/// When an order was made.
#[derive(Clone, Copy)]
struct Time(u64);

impl Decode for Time {
    fn decode(payload: Payload<'_>, _: usize, into: &mut Rows<Self>) -> Result<(), BadRecord> {
        let json = json(payload)?;
        let [merchant_id, time] =
            decode::project(json, &["merchant_id", "time"]).map_err(|error| BadRecord::json(json, error))?;
        let merchant_id = required_string("merchant_id", merchant_id)?;
        let time = time.ok_or(Reason::Missing("time"))?;
        let time = time.parse().map_err(|_| Reason::NotA("number", "time"))?;
        into.push(merchant_id.as_bytes(), Time(time));
        Ok(())
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The worker

/// Counts orders by merchant.
struct Counts {
    worker: usize,
    counts: Table<u64>,
    /// The latest time that it knows of.
    clock: u64,
    saved: Option<SavedState>,
}

/// A worker, its counts, and its clock.
type Counted = (usize, Vec<(String, u64)>, u64);

impl<C> Operator<C> for Counts {
    type In = Rows<Time>;
    type Out = Vec<Counted>;

    fn on_data(&mut self, _: Input, rows: Rows<Time>, _: Out<'_, Self::Out, C>) -> Outcome {
        for ((merchant, hash), time) in rows.keys().zip(rows.values()) {
            *self.counts.update(merchant, hash, || 0) += 1;
            self.clock = self.clock.max(time.0);
        }
        Ok(())
    }

    fn on_end(&mut self, _: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        if let Some(saved) = self.saved.clone() {
            saved.add(COUNTS, self.snapshot(0).parts());
        }
        let counts = self.counts.iter();
        let counts = counts.map(|(merchant, count)| (String::from_utf8(merchant.to_vec()).unwrap(), *count));
        out.data(vec![(self.worker, counts.collect(), self.clock)]);
        Ok(())
    }
}

impl Stateful for Counts {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let clock = Part {
            name: "clock".to_string(),
            owner: Owner::Every,
            bytes: self.clock.to_le_bytes().to_vec(),
        };
        self.counts
            .snapshot("orders")
            .and(Frozen::new(move || vec![clock]))
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in &parts {
            match part.name.as_str() {
                "clock" => {
                    self.clock = self
                        .clock
                        .max(u64::from_le_bytes(part.bytes.as_slice().try_into()?))
                }
                _ => self.counts.restore(part)?,
            }
        }
        Ok(())
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The collector

/// What a job came to.
#[derive(Default)]
struct Gathered {
    counts: BTreeMap<String, u64>,
    /// By worker.
    clocks: BTreeMap<usize, u64>,
    fails: &'static str,
}

#[derive(Default, Clone)]
struct Found(Arc<Mutex<Gathered>>);

impl Found {
    fn take(&self) -> Gathered {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn or_fail(&self, what: &str) -> Outcome {
        match self.0.lock().unwrap().fails == what {
            true => Err(format!("no room for {what}").into()),
            false => Ok(()),
        }
    }
}

impl<C> Operator<C> for Found {
    type In = Vec<Counted>;
    type Out = ();

    fn on_data(&mut self, _: Input, all: Vec<Counted>, _: Out<'_, (), C>) -> Outcome {
        let mut found = self.0.lock().unwrap();
        for (worker, counts, clock) in all {
            found.counts.extend(counts);
            found.clocks.insert(worker, clock);
        }
        drop(found);
        self.or_fail("results")
    }

    fn on_end(&mut self, _: EndReason, _: Out<'_, (), C>) -> Outcome {
        self.or_fail("the end")
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The job

fn wired(
    log: &Log,
    workers: usize,
    (found, saved): (&Found, &SavedState),
    restore: Option<&Snapshot>,
) -> Result<Job, Error> {
    let options = Options {
        workers,
        on_bad_record: OnBadRecord::Skip,
        save: Some(saved.clone()),
        ..Options::default()
    };
    let worker = |worker| Counts {
        worker,
        counts: Table::new(),
        clock: 0,
        saved: Some(saved.clone()),
    };
    let stages = Stages {
        reader: Plain::<Time>::default,
        operator: COUNTS,
        worker,
        collector: found.clone(),
    };
    pipeline(sources(log), &options, stages, restore)
}

fn sources(log: &Log) -> Vec<LogSource> {
    let source = |index| {
        let source = log.source("tests", &Start::Earliest, true).unwrap();
        let mut source = source.with_batch(7);
        source.share(Share { index, of: SOURCES });
        source
    };
    (0..SOURCES).map(source).collect()
}

fn names(workers: usize) -> BTreeSet<String> {
    let sources = (0..SOURCES).map(|number| format!("source {number}"));
    let workers = (0..workers).map(|number| format!("counts {number}"));
    sources.chain(workers).chain(["collect".to_string()]).collect()
}
