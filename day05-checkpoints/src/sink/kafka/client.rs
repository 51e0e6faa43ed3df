//! The client that sends rows: its settings, what it says in its callbacks, and sending in steps.
//!
//! Sending and waiting block for no longer than [`SLICE`], however many rows there are and whether or not a
//! broker answers: the client takes what it has room for, and the next step goes on from there. What it has
//! room for is bounded (64 MiB), so the rows of a large epoch are not in memory twice.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::KafkaTargetOptions;
use crate::sink::encoded::Rows;

/// How long one step of publishing may wait for the brokers.
pub(super) const SLICE: Duration = Duration::from_millis(100);
/// How long to wait at once while rows are under way. `flush` of the client would wait for up to 100 ms.
const MOMENT: Duration = Duration::from_millis(1);

/// How long a broker may leave a request unanswered, after which the client connects anew. Left to
/// itself, a producer of transactions waits for as long as the transaction timeout, and the step that
/// writes the marker blocks meanwhile.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What the client says in its callbacks, kept until somebody asks.
#[derive(Default)]
pub(super) struct Events {
    last_reason: Mutex<Option<String>>,
    /// The first row that did not arrive.
    failure: Mutex<Option<KafkaError>>,
}

impl Events {
    /// Why a broker could not be reached, when that was tried last, since this was last asked.
    pub(super) fn take_reason(&self) -> Option<String> {
        lock(&self.last_reason).take()
    }

    /// Why the first row did not arrive, of those that did not, since this was last asked.
    pub(super) fn take_failure(&self) -> Option<KafkaError> {
        lock(&self.failure).take()
    }
}

/// The data under these locks is whole even if a holder has panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Events {
    /// librdkafka would write to stderr what the target reports by itself.
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    /// "All brokers are down" says less than the real reasons around it.
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *lock(&self.last_reason) = Some(reason.to_string());
        }
    }
}

impl ConsumerContext for Events {}

impl ProducerContext for Events {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, _)) = result {
            lock(&self.failure).get_or_insert_with(|| error.clone());
        }
    }
}

/// Settings that all clients of the sink share. What a person adds is set last, by [`Cluster::configure`].
pub(super) fn common() -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("reconnect.backoff.max.ms", "1000")
        .set("socket.timeout.ms", ANSWER_WITHIN.as_millis().to_string());
    config
}

/// Settings of everything that sends rows. The client repeats what gets lost, in order and without
/// doubling it.
pub(super) fn sending() -> ClientConfig {
    let mut config = common();
    config
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        // Rows without a key are spread one by one; librdkafka would keep to one partition for a while.
        .set("sticky.partitioning.linger.ms", "0")
        .set("compression.type", "lz4")
        .set("batch.num.messages", "10000")
        // What waits in the client is bounded, however large an epoch is.
        .set("queue.buffering.max.messages", "100000")
        .set("queue.buffering.max.kbytes", "65536");
    config
}

/// A producer of transactions, which has not connected yet.
pub(super) fn transactional(options: &KafkaTargetOptions) -> KafkaResult<BaseProducer<Events>> {
    let timeout = options.transaction_timeout;
    // The client wants it to be shorter than the transaction timeout by this much.
    let answer_within = ANSWER_WITHIN.min(timeout.saturating_sub(SLICE));
    let mut config = sending();
    config
        .set("transactional.id", options.id())
        .set("transaction.timeout.ms", timeout.as_millis().to_string())
        .set("socket.timeout.ms", answer_within.as_millis().to_string());
    options.cluster.configure(&mut config);
    config.create_with_context(Events::default())
}

/// Hands rows to the client, beginning with number `from`, for as long as a step may take; returns the
/// number of the first that is left, or none.
pub(super) fn send(
    producer: &BaseProducer<Events>,
    topic: &str,
    rows: &Rows,
    from: usize,
) -> KafkaResult<Option<usize>> {
    const LOOK_AT_THE_CLOCK_EVERY: usize = 1_000;
    let until = Instant::now() + SLICE;
    for (index, (key, payload)) in rows.rows_from(from) {
        if index % LOOK_AT_THE_CLOCK_EVERY == 0 {
            producer.poll(Duration::ZERO);
            if index > from && Instant::now() >= until {
                return Ok(Some(index));
            }
        }
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).payload(payload);
        record.key = key;
        while let Err((error, refused)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error);
            }
            if Instant::now() >= until {
                return Ok(Some(index));
            }
            wait(producer);
            record = refused;
        }
    }
    Ok(None)
}

/// Takes the reports that there are, and waits for a moment. (`poll` with so short a time would not wait at all: what is
/// left of a millisecond is rounded to none.)
pub(super) fn wait(producer: &BaseProducer<Events>) {
    producer.poll(Duration::ZERO);
    thread::sleep(MOMENT);
}

/// Waits for as long as a step may take; returns whether the brokers have all rows.
pub(super) fn arrive(producer: &BaseProducer<Events>) -> KafkaResult<bool> {
    let until = Instant::now() + SLICE;
    while producer.in_flight_count() > 0 && Instant::now() < until {
        wait(producer);
    }
    match producer.context().take_failure() {
        Some(error) => Err(error),
        None => Ok(producer.in_flight_count() == 0),
    }
}
