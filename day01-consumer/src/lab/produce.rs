//! Writes generated orders to a Kafka topic, a file or stdout, so that any experiment, or any other engine, can be fed.

use std::fs::File;
use std::io::{self, BufWriter, LineWriter, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::generator::{Generated, Generator, GeneratorOptions};
use crate::Error;
use crate::kafka::{self, Cluster};

/// What becomes the key of a generated record.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Key {
    /// The order: spread evenly, and what belongs to a merchant lies in all partitions.
    #[default]
    OrderId,
    /// The merchant: all orders of a merchant lie in one partition.
    MerchantId,
    /// No key: any partition.
    None,
}

/// Where generated orders go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A topic, which is created with so many partitions if it is not there.
    Topic {
        /// Where the brokers are, and how to connect.
        cluster: Cluster,
        /// The topic.
        topic: String,
        /// How many partitions a new topic gets.
        partitions: i32,
        /// The key of the records.
        key: Key,
    },
    /// A file of JSON lines.
    File(PathBuf),
    /// Stdout, as JSON lines.
    Stdout,
}

/// Generates orders into `target` until all are written or `stop` says so; returns how many were written.
pub fn produce(options: &GeneratorOptions, target: &Target, stop: &dyn Fn() -> bool) -> Result<u64, Error> {
    match target {
        Target::Topic {
            cluster,
            topic,
            partitions,
            key,
        } => {
            kafka::ensure_topic(cluster, topic, *partitions)?;
            let writer = TopicWriter::new(cluster, topic)?;
            let written = each(options, stop, |order| match key {
                Key::OrderId => writer.send(None, Some(&order.order_id), order, stop),
                Key::MerchantId => writer.send(None, Some(&order.merchant_id), order, stop),
                Key::None => writer.send(None, None, order, stop),
            })?;
            // Asked to end, it does not wait for a broker that may never answer.
            Ok(written - writer.finish(stop)?)
        }
        Target::File(path) => {
            let file = File::create(path).map_err(Error::file(path))?;
            let mut lines = buffered(file, options);
            let written = each(options, stop, |order| {
                write_line(&mut lines, order)
                    .map_err(Error::file(path))
                    .map(|()| true)
            })?;
            lines.flush().map_err(Error::file(path))?;
            Ok(written)
        }
        Target::Stdout => {
            let mut lines = buffered(io::stdout().lock(), options);
            let written = each(options, stop, |order| {
                write_line(&mut lines, order)
                    .map_err(Error::Output)
                    .map(|()| true)
            })?;
            lines.flush().map_err(Error::Output)?;
            Ok(written)
        }
    }
}

/// Whether orders come so slowly that somebody may watch each of them.
fn is_slow(options: &GeneratorOptions) -> bool {
    options.rate.is_some_and(|rate| (1..=1_000).contains(&rate))
}

/// Slow lines go out one by one, fast ones many at a time.
fn buffered<'a>(to: impl Write + 'a, options: &GeneratorOptions) -> Box<dyn Write + 'a> {
    match is_slow(options) {
        true => Box::new(LineWriter::new(to)),
        false => Box::new(BufWriter::new(to)),
    }
}

fn write_line(lines: &mut impl Write, order: &Generated) -> io::Result<()> {
    lines.write_all(&order.payload)?;
    lines.write_all(b"\n")
}

/// Hands each order to `write` at the asked rate, with a progress bar on a terminal. `write` says whether it took it.
fn each(
    options: &GeneratorOptions,
    stop: &dyn Fn() -> bool,
    mut write: impl FnMut(&Generated) -> Result<bool, Error>,
) -> Result<u64, Error> {
    let bar = ProgressBar::new(options.orders).with_style(
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} orders, {per_sec}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut pace = Pace::new(options.rate.unwrap_or(0));
    let mut generator = Generator::new(options.clone());
    let mut written = 0;
    while let Some(order) = generator.next_order() {
        if !write(order)? {
            break;
        }
        written += 1;
        if written % 1_000 == 0 || is_slow(options) {
            bar.set_position(written);
        }
        if stop() {
            break;
        }
        pace.wait_after(written);
    }
    bar.finish_and_clear();
    Ok(written)
}

/// Holds a loop to a rate.
pub(super) struct Pace {
    per_second: u64,
    since: Instant,
}

impl Pace {
    /// So many a second; 0 is no limit.
    pub(super) fn new(per_second: u64) -> Self {
        Pace {
            per_second,
            since: Instant::now(),
        }
    }

    /// Sleeps until `count` are due, in steps of a few milliseconds.
    pub(super) fn wait_after(&mut self, count: u64) {
        if self.per_second == 0 {
            return;
        }
        let due = Duration::from_secs_f64(count as f64 / self.per_second as f64);
        let early = due.saturating_sub(self.since.elapsed());
        if early > Duration::from_millis(5) {
            std::thread::sleep(early);
        }
    }
}

/// Remembers the first record that could not be delivered.
#[derive(Default)]
struct Deliveries {
    failure: Mutex<Option<KafkaError>>,
}

impl Deliveries {
    fn failure(&self) -> std::sync::MutexGuard<'_, Option<KafkaError>> {
        self.failure
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl ClientContext for Deliveries {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, _)) = result {
            self.failure().get_or_insert_with(|| error.clone());
        }
    }
}

/// Writes records to a topic, and knows whether each of them arrived.
pub(super) struct TopicWriter {
    producer: BaseProducer<Deliveries>,
    topic: String,
}

impl TopicWriter {
    pub(super) fn new(cluster: &Cluster, topic: &str) -> Result<Self, Error> {
        let mut config = ClientConfig::new();
        config
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            // Records without a key are spread one by one; librdkafka would keep to one partition for a while.
            .set("sticky.partitioning.linger.ms", "0")
            .set("compression.type", "lz4")
            .set("linger.ms", "10")
            .set("batch.num.messages", "10000")
            .set("queue.buffering.max.messages", "100000");
        cluster.configure(&mut config);
        let producer = config
            .create_with_context(Deliveries::default())
            .map_err(Error::failed(format!("a producer for {cluster}")))?;
        Ok(TopicWriter {
            producer,
            topic: topic.to_string(),
        })
    }

    /// Hands a record to the client, and waits while its queue is full, unless it is asked to stop; says whether it did.
    pub(super) fn send(
        &self,
        partition: Option<i32>,
        key: Option<&str>,
        order: &Generated,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, Error> {
        // The record's own timestamp is now, not the order's `ts`: Kafka's retention goes by it, and would delete
        // orders that seem to be months old as soon as they are written.
        let mut record = BaseRecord::<str, [u8]>::to(&self.topic).payload(&order.payload);
        record.key = key;
        record.partition = partition;
        while let Err((error, refused)) = self.producer.send(record) {
            match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) if stop() => return Ok(false),
                Some(RDKafkaErrorCode::QueueFull) => self.poll(Duration::from_millis(10))?,
                _ => return Err(self.failed(error)),
            }
            record = refused;
        }
        Ok(true)
    }

    /// Takes delivery reports; an error if one of them is bad.
    pub(super) fn poll(&self, wait: Duration) -> Result<(), Error> {
        self.producer.poll(wait);
        let failure = self.producer.context().failure().take();
        match failure {
            Some(error) => Err(self.failed(error)),
            None => Ok(()),
        }
    }

    /// Waits until every record has arrived, or it is asked to stop; says how many have not.
    pub(super) fn finish(&self, stop: &dyn Fn() -> bool) -> Result<u64, Error> {
        while self.producer.in_flight_count() > 0 && !stop() {
            self.poll(Duration::from_millis(10))?;
        }
        self.poll(Duration::ZERO)?;
        Ok(self.producer.in_flight_count().max(0) as u64)
    }

    fn failed(&self, error: KafkaError) -> Error {
        Error::failed(format!("writing to {}", self.topic))(kafka::explain_refusal(&error))
    }
}
