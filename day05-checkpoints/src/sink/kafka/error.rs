//! Everything that can keep rows from a topic, with what a person needs to act on it.

use std::time::Duration;

use day01_consumer::kafka::{Cluster, explain_refusal};
use rdkafka::error::KafkaError;

use super::KafkaTargetOptions;
use super::marker::in_words;

/// Why nothing more can be published to a topic.
#[derive(Debug, thiserror::Error)]
pub enum KafkaTargetError {
    /// No broker answers, or the topic is not there and cannot be created.
    #[error("cannot publish to Kafka: {0}")]
    Topic(#[from] day01_consumer::Error),

    /// The client refuses its settings.
    #[error("cannot publish to topic {topic} at {brokers}: {error}")]
    Settings {
        /// The topic.
        topic: String,
        /// The addresses of the brokers.
        brokers: String,
        /// What librdkafka said.
        error: KafkaError,
    },

    /// Something that will not be better next time: a row that is too large, no permission, a topic
    /// that has gone.
    #[error(
        "cannot publish epoch {epoch} to topic {topic} at {brokers}: {}",
        explain_refusal(error)
    )]
    Refused {
        /// What was to be published.
        epoch: u64,
        /// The topic.
        topic: String,
        /// The addresses of the brokers.
        brokers: String,
        /// What librdkafka said.
        error: KafkaError,
    },

    /// The brokers have been away, or slow, for too long.
    #[error(
        "cannot publish epoch {epoch} to topic {topic} at {brokers} within {} s: {reason}; \
         start again when the brokers answer: the new run finds out whether the epoch was published",
        patience.as_secs_f64()
    )]
    TooLong {
        /// What was to be published.
        epoch: u64,
        /// The topic.
        topic: String,
        /// The addresses of the brokers.
        brokers: String,
        /// For how long it was tried.
        patience: Duration,
        /// What the client said last.
        reason: String,
    },

    /// The brokers take no more from this run.
    #[error(
        "cannot publish epoch {epoch} to topic {topic} at {brokers}: another run with transactional id \
         {id} has taken over, or this one has slept through its transaction timeout of {} s; only one run may publish at a time",
        timeout.as_secs_f64()
    )]
    Fenced {
        /// What was to be published.
        epoch: u64,
        /// The topic.
        topic: String,
        /// The addresses of the brokers.
        brokers: String,
        /// The transactional id.
        id: String,
        /// The transaction timeout.
        timeout: Duration,
    },

    /// The marker is not where this run has left it.
    #[error(
        "cannot publish epoch {epoch} to topic {topic}: before it, this run knows of {}, but the marker in \
         consumer group {group} says {}: another run has published under the same name, perhaps from other \
         checkpoints; to publish beside it, give the sink another name or delete that group",
        in_words(*known), in_words(*found)
    )]
    OutOfStep {
        /// What was to be published.
        epoch: u64,
        /// The topic.
        topic: String,
        /// The group that keeps the marker.
        group: String,
        /// The last epoch that is out, as far as this run knows.
        known: Option<u64>,
        /// The last epoch that is out, as the marker has it.
        found: Option<u64>,
    },

    /// Somebody else commits offsets with the marker's group.
    #[error(
        "consumer group {group} has an offset of topic {topic} with metadata {metadata:?}, which is no marker \
         of a sink; give the sink another name"
    )]
    ForeignGroup {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
        /// What stands where a marker should.
        metadata: String,
    },
}

impl KafkaTargetError {
    /// For `map_err`: settings that the client refuses.
    pub(super) fn settings(cluster: &Cluster, topic: &str) -> impl FnOnce(KafkaError) -> Self {
        let (brokers, topic) = (cluster.to_string(), topic.to_string());
        move |error| KafkaTargetError::Settings {
            topic,
            brokers,
            error,
        }
    }

    pub(super) fn refused(cluster: &Cluster, topic: &str, epoch: u64, error: KafkaError) -> Self {
        let (brokers, topic) = (cluster.to_string(), topic.to_string());
        KafkaTargetError::Refused {
            epoch,
            topic,
            brokers,
            error,
        }
    }

    pub(super) fn fenced(options: &KafkaTargetOptions, epoch: u64) -> Self {
        KafkaTargetError::Fenced {
            epoch,
            topic: options.topic.clone(),
            brokers: options.cluster.to_string(),
            id: options.id(),
            timeout: options.transaction_timeout,
        }
    }
}
