//! The job of day 2 on a Kafka broker inside the process: the sandbox, and the mock cluster of which it is made.
//!
//! What needs a real Kafka (added partitions, deleted records, a program that is killed) is in `real_kafka.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod generated;
#[path = "../../day01-consumer/tests/kafka/mod.rs"]
mod kafka;

use std::cell::RefCell;
use std::sync::mpsc::channel;
use std::thread;

use day01_consumer::kafka::{Fetch, KafkaOptions, KafkaSource};
use day01_consumer::lab::sandbox::Sandbox;
use day01_consumer::source::{Share, Source};
use day02_state::error::{Error, JobError};
use day02_state::job::{Answer, Options, SavedState, wire};
use day02_state::runtime::{Buffers, Job, Stop, run_threads};
use day02_state::state::file::Snapshot;
use day02_state::status::StatusBoard;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use generated::{Counted, lines, options};
use kafka::{PATIENCE, Writer, bounded, eventually, in_both_ways, unbounded};

#[test]
fn two_sources_and_two_workers_count_every_order_of_the_sandbox() {
    let generated = options(20_000, 1);
    let expected = Counted::of(&lines(&generated));
    in_both_ways(|fetch| {
        let sandbox = Sandbox::start("orders", 8, generated.clone()).unwrap();
        let sources = shares(&unbounded(&sandbox.brokers(), "orders", fetch), 2);
        let sources = sources.into_iter().map(|source| sandbox.source(source)).collect();
        let answer = life(sources, 2, None).unwrap();
        expected.assert_is(&answer);
        assert_eq!(answer.progress.counted, 20_000);
        assert_eq!(answer.progress.lag.len(), 8, "{:?}", answer.progress.lag);
    });
}

#[test]
fn what_was_saved_is_gone_on_from_at_other_numbers_of_tasks() {
    let all = lines(&options(6_000, 2));
    in_both_ways(|fetch| {
        let (cluster, writer) = cluster("orders", 4);
        let options = bounded(&cluster.bootstrap_servers(), "orders", fetch);
        let (mut written, mut last) = (0, None);
        for (more, sources, workers) in [(3_000, 1, 1), (1_000, 2, 3), (0, 5, 128), (2_000, 3, 2)] {
            deal_out(&writer, &all[written..written + more]);
            written += more;
            let answer = life(shares(&options, sources), workers, last.as_ref()).unwrap();
            Counted::of(&all[..written]).assert_is(&answer);
            assert_eq!(answer.progress.counted, more as u64);
            last = Some(answer.snapshot);
        }
        // A snapshot does not tell how it came to be.
        let at_once = life(shares(&options, 1), 1, None).unwrap().snapshot;
        assert_eq!(last.unwrap().encode(), at_once.encode());
    });
}

#[test]
fn stopped_while_it_reads_it_goes_on_where_it_was() {
    const ORDERS: u64 = 60_000;
    let all = lines(&options(ORDERS, 3));
    let expected = Counted::of(&all);
    in_both_ways(|fetch| {
        let (cluster, writer) = cluster("orders", 4);
        deal_out(&writer, &all);
        let brokers = cluster.bootstrap_servers();
        let (mut last, mut counted) = (None, 0);
        for (sources, workers) in [(2, 2), (3, 1), (1, 3)] {
            let endless = shares(&unbounded(&brokers, "orders", fetch), sources);
            let answer = life_until_the_first_orders(endless, workers, last.as_ref());
            assert!(answer.progress.counted > 0);
            counted += answer.progress.counted;
            last = Some(answer.snapshot);
        }
        assert!(counted < ORDERS, "some must be left");
        let answer = life(shares(&bounded(&brokers, "orders", fetch), 2), 2, last.as_ref()).unwrap();
        expected.assert_is(&answer);
        assert_eq!(counted + answer.progress.counted, ORDERS);
    });
}

#[test]
fn a_position_that_the_broker_has_dropped_is_an_error_that_names_the_split() {
    let (cluster, writer) = cluster("orders", 2);
    let order = r#"{"merchant_id":"m-1","amount":1.00}"#;
    writer.write(0, &[order]);
    writer.write(1, &[order]);
    let options = bounded(&cluster.bootstrap_servers(), "orders", Fetch::default());
    let saved = life(shares(&options, 2), 2, None).unwrap().snapshot;
    // More than the 5 MiB that a mock cluster keeps of a partition.
    writer.write(1, &vec!["x".repeat(900_000); 10]);
    for sources in [1, 2, 3] {
        let error = life(shares(&options, sources), 2, Some(&saved))
            .unwrap_err()
            .to_string();
        let said =
            "cannot restore the saved state: orders/1: the saved position 1 is out of range, available is ";
        assert!(error.starts_with(said), "{error}");
        assert!(error.contains(" to 11: records were deleted"), "{error}");
    }
}

#[test]
fn a_broker_that_goes_away_is_told_of_once_although_two_sources_wait_for_it() {
    let all = lines(&options(2_000, 4));
    let (cluster, writer) = cluster("orders", 4);
    deal_out(&writer, &all[..1_000]);
    let brokers = cluster.bootstrap_servers();
    let sources = shares(&unbounded(&brokers, "orders", Fetch::default()), 2);
    let (job, slot) = wire(sources, &options_with(2), None).unwrap();
    let (stop, watcher) = (Stop::new(), Watcher::new(&job));
    let running = start(job, &stop);
    eventually("the first orders", || (watcher.counted() == 1_000).then_some(()));

    cluster.broker_down(1).unwrap();
    eventually("a warning", || watcher.warnings().pop());
    cluster.broker_up(1).unwrap();
    deal_out(&writer, &all[1_000..]);
    eventually("all orders", || (watcher.counted() == 2_000).then_some(()));
    let back = format!("Kafka at {brokers} is back");
    eventually("a second warning", || {
        watcher.warnings().contains(&back).then_some(())
    });
    stop.ask();
    running().unwrap();

    Counted::of(&all).assert_is(&slot.take());
    let warnings = watcher.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with(&format!("lost Kafka at {brokers} (")),
        "{warnings:?}"
    );
}

// ---------------------------------------------------------------------------------------------------------------------

fn cluster(topic: &str, partitions: i32) -> (MockCluster<'static, DefaultProducerContext>, Writer) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(topic, partitions, 1).unwrap();
    let writer = Writer::new(&cluster.bootstrap_servers(), topic);
    (cluster, writer)
}

/// Writes orders to four partitions in turn.
fn deal_out(writer: &Writer, lines: &[String]) {
    for partition in 0..4 {
        let own: Vec<&String> = lines.iter().skip(partition).step_by(4).collect();
        writer.write(partition as i32, &own);
    }
}

/// Sources that divide a topic.
fn shares(options: &KafkaOptions, of: usize) -> Vec<KafkaSource> {
    let share = |index| {
        let mut source = KafkaSource::open(options.clone()).unwrap();
        source.share(Share { index, of });
        source
    };
    (0..of).map(share).collect()
}

fn options_with(workers: usize) -> Options {
    Options {
        workers,
        save: Some(SavedState::default()),
        ..Options::default()
    }
}

/// Runs a job on threads; what is returned waits for its end, which must come.
fn start(job: Job, stop: &Stop) -> impl FnOnce() -> Result<(), JobError> {
    let (done, result) = channel();
    let stop = stop.clone();
    job.board().observe();
    let runner = thread::spawn(move || done.send(run_threads(job, &stop)));
    move || {
        let result = result.recv_timeout(PATIENCE).expect("the job ends");
        runner.join().unwrap().unwrap();
        result
    }
}

/// Reads to the end.
fn life<S: Source + Send + 'static>(
    sources: Vec<S>,
    workers: usize,
    restore: Option<&Snapshot>,
) -> Result<Answer, Error> {
    let (job, slot) = wire(sources, &options_with(workers), restore)?;
    start(job, &Stop::new())()?;
    Ok(slot.take())
}

/// Reads without an end, and stops when there is something to show.
fn life_until_the_first_orders(
    sources: Vec<KafkaSource>,
    workers: usize,
    restore: Option<&Snapshot>,
) -> Answer {
    let options = Options {
        // A source does not run far ahead.
        buffers: Buffers {
            rows: 1,
            capacity: 1,
            ..Buffers::default()
        },
        ..options_with(workers)
    };
    let stop = Stop::new();
    let (job, slot) = wire(sources, &options, restore).unwrap();
    let (board, running) = (job.board(), start(job, &stop));
    eventually("the first order", || (board.progress().counted > 0).then_some(()));
    stop.ask();
    running().unwrap();
    slot.take()
}

/// Looks at the board of a job.
struct Watcher {
    board: StatusBoard,
    warnings: RefCell<Vec<String>>,
}

impl Watcher {
    fn new(job: &Job) -> Self {
        Watcher {
            board: job.board(),
            warnings: RefCell::default(),
        }
    }

    fn counted(&self) -> u64 {
        self.board.progress().counted
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.borrow_mut().extend(self.board.take_warnings());
        self.warnings.borrow().clone()
    }
}
