//! What the tests of the Kafka source share, whether their broker is a sandbox or a real one: to write records, to read
//! them in both ways, and to wait for what a broker does in its own time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, unused_macros, reason = "each file of tests uses a part of this")]

pub mod real;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use day01_consumer::job::{Commit, Job, OnBadRecord};
use day01_consumer::kafka::{Fetch, KafkaOptions, KafkaSource};
use day01_consumer::lab::generator::{Generator, GeneratorOptions};
use day01_consumer::records::{Records, Timestamp};
use day01_consumer::source::{Polled, Source, Split, Start};
use futures_executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};

/// Makes a test of each function, which only runs if it is asked for.
macro_rules! on_a_real_kafka {
    ($($test:ident),+ $(,)?) => {
        mod on_a_real_kafka {
            $(
                #[test]
                #[ignore = "needs a real Kafka: .ci/kafka up, then KAFKA_BROKERS=localhost:9092 cargo test \
                            --test real_kafka -- --ignored --test-threads 1"]
                fn $test() { super::$test() }
            )+
        }
    };
}

/// How long one poll waits.
pub const WAIT: Duration = Duration::from_millis(100);
/// How long anything may take; who waits longer than this has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test with both ways to read, at the same time; a panic names the way as its thread.
pub fn in_both_ways(test: impl Fn(Fetch) + Sync) {
    std::thread::scope(|scope| {
        for fetch in [Fetch::Poll, Fetch::Batch] {
            let (thread, test) = (std::thread::Builder::new(), &test);
            let thread = thread.name(format!("Fetch::{fetch:?}"));
            thread.spawn_scoped(scope, move || test(fetch)).unwrap();
        }
    });
}

/// Calls `attempt` until it gives something.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
    }
}

/// Reading `topic` from its beginning, without an end.
pub fn unbounded(brokers: &str, topic: &str, fetch: Fetch) -> KafkaOptions {
    KafkaOptions {
        cluster: brokers.into(),
        topic: topic.to_string(),
        group: "tests".to_string(),
        start: Start::Earliest,
        until_end: false,
        fetch,
    }
}

/// Reading what `topic` holds now.
pub fn bounded(brokers: &str, topic: &str, fetch: Fetch) -> KafkaOptions {
    KafkaOptions {
        until_end: true,
        ..unbounded(brokers, topic, fetch)
    }
}

/// A record that was read, copied out of its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<String>,
    pub payload: Option<String>,
    pub timestamp: Option<Timestamp>,
}

/// The records of one poll, which must not fail.
pub fn poll(source: &mut impl Source) -> (Polled, Vec<Seen>) {
    let mut records = Records::new();
    let polled = source.poll(&mut records, WAIT).expect("a poll");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let seen = records.iter().map(|record| Seen {
        partition: record.partition,
        offset: record.offset,
        key: record.key.map(text),
        payload: record.payload.map(text),
        timestamp: record.timestamp,
    });
    (polled, seen.collect())
}

/// Everything from here to the end of a bounded source.
pub fn read_to_end(source: &mut impl Source) -> Vec<Seen> {
    let mut seen = Vec::new();
    eventually("the end of the source", || {
        let (polled, more) = poll(source);
        seen.extend(more);
        (polled == Polled::End).then_some(())
    });
    seen
}

/// Everything from here until `done`, which looks at the splits after each poll.
pub fn read_until(source: &mut impl Source, what: &str, done: impl Fn(&[Split]) -> bool) -> Vec<Seen> {
    let mut seen = Vec::new();
    eventually(what, || {
        seen.extend(poll(source).1);
        done(source.splits()).then_some(())
    });
    seen
}

/// Everything from here until nothing is left.
pub fn read_until_caught_up(source: &mut impl Source) -> Vec<Seen> {
    read_until(source, "all splits caught up", |splits| {
        splits.iter().all(|split| split.caught_up)
    })
}

/// Polls until the source fails.
pub fn first_error(source: &mut impl Source) -> day01_consumer::Error {
    let mut records = Records::new();
    eventually("an error", || match source.poll(&mut records, WAIT) {
        Ok(polled) => {
            assert_ne!(polled, Polled::End, "the end instead of an error");
            None
        }
        Err(error) => Some(error),
    })
}

/// Where these records lie, in order.
pub fn places(seen: &[Seen]) -> Vec<(i32, i64)> {
    let mut places: Vec<_> = seen.iter().map(|seen| (seen.partition, seen.offset)).collect();
    places.sort();
    places
}

/// The payloads of these records, by partition and offset.
pub fn payloads(seen: &[Seen]) -> Vec<&str> {
    let mut seen: Vec<&Seen> = seen.iter().collect();
    seen.sort_by_key(|seen| (seen.partition, seen.offset));
    let payloads = seen.into_iter().map(|seen| seen.payload.as_deref());
    payloads.map(|payload| payload.unwrap_or("(none)")).collect()
}

/// `prefix-from` to `prefix-(to - 1)`.
pub fn numbered(prefix: &str, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("{prefix}-{number}")).collect()
}

/// Writes records one by one, and knows that each of them has arrived.
pub struct Writer {
    producer: FutureProducer,
    topic: String,
}

impl Writer {
    pub fn new(brokers: &str, topic: &str) -> Self {
        Writer::with(brokers, topic, &[])
    }

    /// A writer with further settings of librdkafka's.
    pub fn with(brokers: &str, topic: &str, settings: &[(&str, &str)]) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("linger.ms", "5")
            .set("reconnect.backoff.max.ms", "200");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        Writer {
            producer: config.create().expect("a producer"),
            topic: topic.to_string(),
        }
    }

    /// The client itself, for transactions.
    pub fn producer(&self) -> &FutureProducer {
        &self.producer
    }

    /// Writes to `partition`, and returns when the broker has everything.
    pub fn write<T: AsRef<str>>(&self, partition: i32, payloads: &[T]) {
        let records = payloads
            .iter()
            .map(|payload| self.to(partition).payload(payload.as_ref()));
        self.send(records);
    }

    /// A record without key and payload.
    pub fn to(&self, partition: i32) -> FutureRecord<'_, str, str> {
        FutureRecord::to(&self.topic).partition(partition)
    }

    /// Writes these records, and returns when the broker has everything.
    pub fn send<'a>(&self, records: impl IntoIterator<Item = FutureRecord<'a, str, str>>) {
        let deliveries: Vec<_> = records
            .into_iter()
            .map(|record| {
                self.producer
                    .send_result(record)
                    .map_err(|(error, _)| error)
                    .expect("room in the producer")
            })
            .collect();
        for delivery in deliveries {
            let delivered = block_on(delivery).expect("a delivery report");
            delivered.map_err(|(error, _)| error).expect("a delivery");
        }
    }
}

/// Orders per merchant, counted without any of the code under test.
pub fn count_independently(options: &GeneratorOptions) -> BTreeMap<String, u64> {
    let mut generator = Generator::new(options.clone());
    let mut counts = BTreeMap::new();
    while let Some(order) = generator.next_order() {
        *counts.entry(order.merchant_id.clone()).or_default() += 1;
    }
    counts
}

/// What a job has counted, in the form of [`count_independently`].
pub fn counted<S: Source>(job: &Job<S>) -> BTreeMap<String, u64> {
    let sorted = job.counts().sorted().into_iter();
    sorted.map(|(name, count)| (name.to_string(), count)).collect()
}

/// A job that has not read anything yet, and accepts no bad record.
pub fn job(options: KafkaOptions) -> Job<KafkaSource> {
    Job::new(
        KafkaSource::open(options).expect("a source"),
        Commit::None,
        OnBadRecord::Fail,
    )
}
