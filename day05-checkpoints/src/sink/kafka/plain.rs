//! Rows into a Kafka topic, at least once: the design to compare with, and the one for a job without
//! checkpoints.
//!
//! The rows of an epoch are sent and acknowledged, and then the epoch is done. A reader sees them at
//! once, and a process that dies in between has left some of them in the topic, and they cannot be told from the
//! others: the next run publishes the whole epoch again.
//!
//! ```text
//!   checkpoint 8 durable ──▶ a b c d e acknowledged ──▶ done
//!                                  ▲
//!                                dies: a b c are out, and after the restart  a b c d e
//! ```

use std::time::Duration;

use day01_consumer::kafka::{Cluster, ensure_topic};
use day02_state::operator::Outcome;
use rdkafka::producer::BaseProducer;

use super::KafkaTargetError;
use super::client::{self, Events};
use crate::sink::encoded::Rows;
use crate::sink::target::{LastPublished, Published, Target};

/// How long a row may take to arrive, outages of brokers included.
const ARRIVES_WITHIN: Duration = Duration::from_secs(5 * 60);

/// Publishes rows to a topic, at least once.
pub struct PlainKafkaTarget {
    producer: BaseProducer<Events>,
    cluster: Cluster,
    topic: String,
    /// The first row that the client does not have yet; none if it has all.
    next: Option<usize>,
}

impl PlainKafkaTarget {
    /// Reaches a broker, and creates the topic with one partition if it is not there. An error after
    /// about five seconds.
    pub fn open(cluster: impl Into<Cluster>, topic: &str) -> Result<Self, KafkaTargetError> {
        let cluster = cluster.into();
        ensure_topic(&cluster, topic, 1)?;
        let mut config = client::sending();
        config.set("message.timeout.ms", ARRIVES_WITHIN.as_millis().to_string());
        cluster.configure(&mut config);
        let producer = config
            .create_with_context(Events::default())
            .map_err(KafkaTargetError::settings(&cluster, topic))?;
        Ok(PlainKafkaTarget {
            producer,
            cluster,
            topic: topic.to_string(),
            next: Some(0),
        })
    }
}

impl Target for PlainKafkaTarget {
    fn publish(&mut self, epoch: u64, rows: &Rows) -> Outcome<Published> {
        let refused = |error| KafkaTargetError::refused(&self.cluster, &self.topic, epoch, error);
        if let Some(next) = self.next {
            self.next = client::send(&self.producer, &self.topic, rows, next).map_err(refused)?;
        } else if client::arrive(&self.producer).map_err(refused)? {
            self.next = Some(0);
            return Ok(Published::Done);
        }
        Ok(Published::Again)
    }

    /// Never known to be out, so rows can be there twice, and none is missing.
    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
        Ok(LastPublished::UpTo(epochs.first().copied().unwrap_or_default()))
    }

    fn describe(&self) -> String {
        format!("Kafka topic {} at {}, at least once", self.topic, self.cluster)
    }
}
