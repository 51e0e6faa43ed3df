//! The client that sends: its settings, what it says in its callbacks, and what an error of it means.
//!
//! librdkafka sorts the errors of transactions itself, into those after which the same call is to be made again, those
//! after which the transaction must be aborted, and those after which the client is of no use. What it cannot know is which
//! of the last two it would meet again and again; [`judge`] does, in one table.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::KafkaTargetOptions;
use crate::sink::encoded::Encoded;

/// How long one step of publishing may wait for the brokers.
pub(super) const SLICE: Duration = Duration::from_millis(100);
/// How long to wait at once while rows are under way. `flush` of the client would wait for up to 100 ms.
pub(super) const MOMENT: Duration = Duration::from_millis(1);

/// How long a broker may leave a request unanswered, after which the client connects anew. Left to itself, a producer of
/// transactions waits for as long as the transaction timeout, and the step that writes the marker blocks meanwhile.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What the client says in its callbacks, kept until somebody asks.
#[derive(Default)]
pub(super) struct Events {
    last_reason: Mutex<Option<String>>,
    /// The first row that did not arrive.
    failure: Mutex<Option<KafkaError>>,
}

impl Events {
    /// Why a broker could not be reached, when that was tried last.
    pub(super) fn last_reason(&self) -> Option<String> {
        lock(&self.last_reason).clone()
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

/// Settings that all clients of the sink share.
pub(super) fn common(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("reconnect.backoff.max.ms", "1000")
        .set("socket.timeout.ms", ANSWER_WITHIN.as_millis().to_string())
        .set_log_level(RDKafkaLogLevel::Emerg);
    config
}

/// Settings of everything that sends rows. The client repeats what gets lost, in order and without doubling it.
pub(super) fn sending(brokers: &str) -> ClientConfig {
    let mut config = common(brokers);
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
    sending(&options.brokers)
        .set("transactional.id", options.id())
        .set("transaction.timeout.ms", timeout.as_millis().to_string())
        .set("socket.timeout.ms", answer_within.as_millis().to_string())
        .create_with_context(Events::default())
}

/// Hands rows to the client, beginning with number `from`, for as long as a step may take; returns the number of the
/// first that is left, or none.
pub(super) fn send(
    producer: &BaseProducer<Events>,
    topic: &str,
    rows: &Encoded,
    from: usize,
) -> KafkaResult<Option<usize>> {
    const LOOK_AT_THE_CLOCK_EVERY: usize = 1_000;
    let until = Instant::now() + SLICE;
    for (index, (key, payload)) in rows.rows().enumerate().skip(from) {
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
            producer.poll(MOMENT);
            record = refused;
        }
    }
    Ok(None)
}

/// Waits for as long as a step may take; returns whether the brokers have all rows.
pub(super) fn arrive(producer: &BaseProducer<Events>) -> KafkaResult<bool> {
    let until = Instant::now() + SLICE;
    while producer.in_flight_count() > 0 && Instant::now() < until {
        producer.poll(MOMENT);
    }
    match producer.context().take_failure() {
        Some(error) => Err(error),
        None => Ok(producer.in_flight_count() == 0),
    }
}

/// What an error means for the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same call is to be made again, and goes on where it was.
    Again,
    /// The transaction is to be aborted, and begun again.
    Abort,
    /// The client is of no use any more, and what has become of the transaction is not known.
    Reopen,
    /// Somebody else has taken over.
    Fenced,
    /// It would come again and again.
    Refused,
}

/// What librdkafka says of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    code: Option<RDKafkaErrorCode>,
    fatal: bool,
    requires_abort: bool,
    retriable: bool,
}

/// What this error means, given the code of the error that has ended the client, if one has.
pub(super) fn judge(error: &KafkaError, fatal: Option<RDKafkaErrorCode>) -> Verdict {
    let facts = Facts {
        code: fatal.or(error.rdkafka_error_code()),
        fatal: fatal.is_some(),
        requires_abort: false,
        retriable: false,
    };
    verdict(match error {
        KafkaError::Transaction(error) => Facts {
            fatal: facts.fatal || error.is_fatal(),
            requires_abort: error.txn_requires_abort(),
            retriable: error.is_retriable(),
            ..facts
        },
        // A row that did not arrive.
        KafkaError::MessageProduction(_) => Facts {
            requires_abort: true,
            ..facts
        },
        // A commit that has not come to its end yet, or a question that was not answered in time.
        KafkaError::Flush(_) | KafkaError::MetadataFetch(_) | KafkaError::OffsetFetch(_) => Facts {
            retriable: true,
            ..facts
        },
        _ => facts,
    })
}

fn verdict(facts: Facts) -> Verdict {
    use RDKafkaErrorCode::*;
    match (facts.code, facts.fatal, facts.requires_abort, facts.retriable) {
        // What is wrong with a row, the topic, a permission or a setting stays wrong.
        (
            Some(
                MessageSizeTooLarge
                | InvalidMessageSize
                | InvalidRecord
                | PolicyViolation
                | UnknownTopic
                | UnknownTopicOrPartition
                | InvalidTopic
                | TopicAuthorizationFailed
                | GroupAuthorizationFailed
                | ClusterAuthorizationFailed
                | TransactionalIdAuthorizationFailed
                | InvalidTransactionTimeout
                | UnsupportedForMessageFormat
                | UnsupportedFeature,
            ),
            ..,
        ) => Verdict::Refused,
        // The brokers know a newer producer of this transactional id.
        (Some(Fenced | ProducerFenced | InvalidProducerEpoch), true, ..) => Verdict::Fenced,
        (_, true, ..) => Verdict::Reopen,
        (_, _, true, _) => Verdict::Abort,
        (_, _, _, true) => Verdict::Again,
        // An error of no kind: the state of the client is anyone's guess.
        _ => Verdict::Reopen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_answer() {
        use RDKafkaErrorCode as Code;
        let cases = [
            // code, fatal, requires abort, retriable
            (Code::OperationTimedOut, false, false, true, Verdict::Again),
            (Code::OperationTimedOut, false, true, false, Verdict::Abort),
            (Code::MessageTimedOut, false, true, false, Verdict::Abort),
            (Code::Fenced, true, false, false, Verdict::Fenced),
            (Code::ProducerFenced, true, true, true, Verdict::Fenced),
            // The abort that follows says whether this is final.
            (Code::InvalidProducerEpoch, false, true, false, Verdict::Abort),
            (
                Code::InvalidTransactionalState,
                true,
                false,
                false,
                Verdict::Reopen,
            ),
            (Code::InvalidTransactionalState, true, true, true, Verdict::Reopen),
            (Code::State, false, false, false, Verdict::Reopen),
            // Whatever else is said of them.
            (Code::MessageSizeTooLarge, false, true, false, Verdict::Refused),
            (Code::InvalidRecord, false, true, false, Verdict::Refused),
            (
                Code::TransactionalIdAuthorizationFailed,
                true,
                false,
                false,
                Verdict::Refused,
            ),
            (
                Code::GroupAuthorizationFailed,
                false,
                false,
                true,
                Verdict::Refused,
            ),
            (
                Code::InvalidTransactionTimeout,
                true,
                false,
                false,
                Verdict::Refused,
            ),
        ];
        for (code, fatal, requires_abort, retriable, expected) in cases {
            let facts = Facts {
                code: Some(code),
                fatal,
                requires_abort,
                retriable,
            };
            assert_eq!(verdict(facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn what_has_ended_the_client_outweighs_what_it_says_since() {
        use RDKafkaErrorCode as Code;
        let cases = [
            (
                KafkaError::MessageProduction(Code::PurgeQueue),
                None,
                Verdict::Abort,
            ),
            (
                KafkaError::MessageProduction(Code::Fatal),
                Some(Code::Fenced),
                Verdict::Fenced,
            ),
            (
                KafkaError::MessageProduction(Code::Fatal),
                Some(Code::UnknownProducerId),
                Verdict::Reopen,
            ),
            (KafkaError::Flush(Code::OperationTimedOut), None, Verdict::Again),
            (
                KafkaError::Flush(Code::OperationTimedOut),
                Some(Code::Fenced),
                Verdict::Fenced,
            ),
            (
                KafkaError::OffsetFetch(Code::CoordinatorLoadInProgress),
                None,
                Verdict::Again,
            ),
            (
                KafkaError::OffsetFetch(Code::GroupAuthorizationFailed),
                None,
                Verdict::Refused,
            ),
            (KafkaError::Canceled, None, Verdict::Reopen),
        ];
        for (error, fatal, expected) in cases {
            assert_eq!(judge(&error, fatal), expected, "{error:?} {fatal:?}");
        }
    }
}
