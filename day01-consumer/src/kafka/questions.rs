//! The questions that are put to a broker: is it there, does it have the topic, and what does each partition still hold?
//!
//! librdkafka connects in the background and retries for ever, which is right for a consumer that runs for months and
//! wrong for a person who mistyped a port. So the first question is asked in short slices, and between them the client
//! is polled, because the reason of a failure ("Connection refused") only comes out of its event queue.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::Client;
use super::probe;
use super::reason::unreachable_as_advertised;
use crate::Error;
use crate::source::Split;

/// How long a question to the broker may take.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait for one attempt, and between two.
const SLICE: Duration = Duration::from_millis(500);

/// A topic as a broker describes it.
pub(super) struct Topic {
    /// The numbers of its partitions, rising.
    pub(super) partitions: Vec<i32>,
    /// A broker that can be asked about it, by its number.
    pub(super) broker: Option<i32>,
}

impl Client {
    /// The topic, once a broker answers; an error after about five seconds.
    pub(super) fn topic(&self) -> Result<Topic, Error> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        loop {
            match self.topic_now(SLICE) {
                Ok(topic) => {
                    // Of two addresses one may not have answered.
                    self.events().forget_reason();
                    return Ok(topic);
                }
                Err(error) if is_unknown_topic(&error) => return Err(self.unknown_topic()),
                Err(error) => {
                    self.hear();
                    if Instant::now() > deadline {
                        return Err(self.unreachable(&error));
                    }
                    // A topic that was created a moment ago answers at once that it has no leader yet.
                    if !matches!(
                        error.rdkafka_error_code(),
                        Some(RDKafkaErrorCode::OperationTimedOut | RDKafkaErrorCode::BrokerTransportFailure)
                    ) {
                        std::thread::sleep(SLICE);
                    }
                }
            }
        }
    }

    /// Lets the client say what happened: reasons lie in its queue among other events, each of which takes a poll.
    fn hear(&self) {
        let until = Instant::now() + Duration::from_millis(50);
        while Instant::now() < until {
            self.consumer.poll(Duration::from_millis(5));
        }
    }

    /// The error for brokers that give no answer, with what the client said of it, or else what a look at the ports shows.
    fn unreachable(&self, error: &KafkaError) -> Error {
        let cluster = &self.options.cluster;
        let said = self.events().last_reason();
        let said = said.map(|reason| reason.explained(cluster));
        let found = match &said {
            Some(said) if !said.starts_with("Disconnected") => None,
            _ if cluster.speaks_tls() => Some(probe::BEHIND_TLS),
            _ => cluster.addresses().find_map(probe::likely_cause),
        };
        Error::Unreachable {
            brokers: cluster.to_string(),
            reason: found
                .map(str::to_string)
                .or(said)
                .unwrap_or_else(|| error.to_string()),
        }
    }

    /// One attempt to learn about the topic.
    pub(super) fn topic_now(&self, wait: Duration) -> Result<Topic, KafkaError> {
        let topic = self.options.topic.as_str();
        let metadata = self.consumer.fetch_metadata(Some(topic), wait)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let Some(found) = found else {
            return Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic));
        };
        if let Some(error) = found.error() {
            return Err(KafkaError::MetadataFetch(error.into()));
        }
        let mut partitions: Vec<i32> = found
            .partitions()
            .iter()
            .map(|partition| partition.id())
            .collect();
        partitions.sort_unstable();
        let addresses = metadata.brokers().iter();
        let addresses = addresses.map(|broker| format!("{}:{}", broker.host(), broker.port()));
        self.events().set_advertised(addresses.collect());
        let leaders = found.partitions().iter().map(|partition| partition.leader());
        let brokers = metadata.brokers().iter().map(|broker| broker.id());
        Ok(Topic {
            partitions,
            broker: leaders.chain(brokers).find(|id| *id >= 0),
        })
    }

    /// The error for a topic that is not there, with those that are.
    pub(super) fn unknown_topic(&self) -> Error {
        let mut known: Vec<String> = match self.consumer.fetch_metadata(None, ANSWER_WITHIN) {
            Ok(metadata) => metadata
                .topics()
                .iter()
                .map(|topic| topic.name().to_string())
                .collect(),
            Err(_) => Vec::new(),
        };
        known.retain(|name| !name.starts_with("__"));
        known.sort();
        Error::UnknownTopic {
            topic: self.options.topic.clone(),
            brokers: self.options.cluster.to_string(),
            known,
        }
    }

    /// For `map_err`: the error for a question about a partition, to which the broker that leads it should have known the
    /// answer.
    pub(super) fn unanswered(&self, what: String) -> impl FnOnce(KafkaError) -> Error {
        use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, OperationTimedOut, Resolve};
        move |error| {
            if !matches!(
                error.rdkafka_error_code(),
                Some(AllBrokersDown | BrokerTransportFailure | OperationTimedOut | Resolve)
            ) {
                return Error::failed(what)(error);
            }
            self.hear();
            match self.events().advertised_only(&self.options.cluster) {
                Some(address) if self.events().last_reason().is_none() => Error::Unreachable {
                    brokers: self.options.cluster.to_string(),
                    reason: unreachable_as_advertised(&address, "no answer"),
                },
                _ => self.unreachable(&error),
            }
        }
    }

    /// The oldest offset that a partition still holds, and the one its next record will get.
    fn range(&self, partition: i32) -> Result<(i64, i64), Error> {
        let topic = &self.options.topic;
        ask(|| self.consumer.fetch_watermarks(topic, partition, ANSWER_WITHIN))
            .map_err(self.unanswered(format!("offsets of {topic}/{partition}")))
    }

    /// Up to where partitions are written, whether or not that can be read yet; of those only that answer.
    pub(super) fn high_watermarks(&self, partitions: &[i32]) -> BTreeMap<i32, i64> {
        let Ok(Client { consumer, options }) = Client::uncommitted(&self.options) else {
            return BTreeMap::new();
        };
        let high = |partition: &i32| {
            let range = consumer.fetch_watermarks(&options.topic, *partition, ANSWER_WITHIN);
            Some((*partition, range.ok()?.1))
        };
        partitions.iter().map_while(high).collect()
    }

    /// A partition as it stands, to be read from its beginning.
    pub(super) fn split(&self, partition: i32) -> Result<Split, Error> {
        let (low, high) = self.range(partition)?;
        let name = format!("{}/{partition}", self.options.topic);
        Ok(Split::new(partition, name, low, Some(high)))
    }

    /// An error if the partition no longer holds, or does not hold yet, what the split wants next.
    pub(super) fn check_range(&self, split: &Split) -> Result<(), Error> {
        let (low, high) = self.range(split.partition)?;
        split.check_range(low, high)
    }
}

pub(super) fn is_unknown_topic(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{InvalidTopic, UnknownTopic, UnknownTopicOrPartition};
    matches!(
        error.rdkafka_error_code(),
        Some(UnknownTopic | UnknownTopicOrPartition | InvalidTopic)
    )
}

/// Puts a question about partitions that the broker has listed, and puts it again for a while where the client answers
/// that it does not know them or who leads them: after a start or a hang that comes to be known a moment later.
pub(super) fn ask<T>(question: impl Fn() -> Result<T, KafkaError>) -> Result<T, KafkaError> {
    use RDKafkaErrorCode::{
        LeaderNotAvailable, NotLeaderForPartition, UnknownPartition, UnknownTopicOrPartition,
    };
    let deadline = Instant::now() + ANSWER_WITHIN;
    loop {
        let answer = question();
        let passes = answer.as_ref().is_err_and(|error| {
            matches!(
                error.rdkafka_error_code(),
                Some(UnknownPartition | UnknownTopicOrPartition | LeaderNotAvailable | NotLeaderForPartition)
            )
        });
        if !passes || Instant::now() > deadline {
            return answer;
        }
        std::thread::sleep(SLICE);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_the_client_will_know_in_a_moment_is_asked_again() {
        let asked = Cell::new(0);
        let answer = ask(|| {
            asked.set(asked.get() + 1);
            match asked.get() {
                1 => Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownPartition)),
                _ => Ok("known"),
            }
        });
        assert_eq!((answer, asked.get()), (Ok("known"), 2));
    }

    #[test]
    fn what_does_not_pass_is_asked_once() {
        let refused = KafkaError::MetadataFetch(RDKafkaErrorCode::TopicAuthorizationFailed);
        let asked = Cell::new(0);
        let answer: Result<(), _> = ask(|| {
            asked.set(asked.get() + 1);
            Err(refused.clone())
        });
        assert_eq!((answer, asked.get()), (Err(refused), 1));
    }
}
