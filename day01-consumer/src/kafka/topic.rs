//! Creating a topic, for those who write to one that is not there yet.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::Client;
use super::cluster::Cluster;
use super::options::{Fetch, KafkaOptions};
use super::questions::ANSWER_WITHIN;
use crate::Error;
use crate::source::Start;

/// Creates the topic with so many partitions unless it is there, and returns once it can be written to.
pub fn ensure_topic(cluster: &Cluster, topic: &str, partitions: i32) -> Result<(), Error> {
    let options = KafkaOptions {
        cluster: cluster.clone(),
        topic: topic.to_string(),
        group: "day01-produce".to_string(),
        start: Start::Earliest,
        until_end: false,
        fetch: Fetch::Poll,
    };
    let client = Client::new(&options)?;
    match client.topic() {
        Err(Error::UnknownTopic { .. }) => create(cluster, topic, partitions)?,
        other => return other.map(drop),
    }
    let deadline = Instant::now() + ANSWER_WITHIN;
    loop {
        match client.topic() {
            // A topic that was created a moment ago is not known to every broker yet.
            Err(Error::UnknownTopic { .. }) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(100));
            }
            other => return other.map(drop),
        }
    }
}

fn create(cluster: &Cluster, topic: &str, partitions: i32) -> Result<(), Error> {
    let what = || format!("creating topic {topic}");
    let mut config = ClientConfig::new();
    cluster.configure(&mut config);
    let admin: AdminClient<DefaultClientContext> = config.create().map_err(Error::failed(what()))?;
    let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
    let options = AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN));
    let created =
        futures_executor::block_on(admin.create_topics([&topic], &options)).map_err(Error::failed(what()))?;
    for result in created {
        match result {
            // Somebody else created it since the question, or the broker that was asked had not heard of it yet.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => {
                return Err(Error::failed(what())(KafkaError::AdminOp(code)));
            }
        }
    }
    Ok(())
}
