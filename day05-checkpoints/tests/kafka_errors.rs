//! What the Kafka target makes of errors that a real broker gives seldom: each is put in the way of one
//! request.
//!
//! The broker is librdkafka's mock cluster inside this process, whose transactions are stubs: it shows
//! rows of transactions that were aborted, and forgets offsets that were committed in one. So these
//! tests prove nothing about exactly-once output. They tell by the rows how often an epoch was sent,
//! and a marker is only there if a test commits it by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day01-consumer/tests/kafka/mod.rs"]
#[macro_use]
mod kafka;

use day01_consumer::kafka::{Fetch, KafkaSource};
use day02_state::operator::Outcome;
use day05_checkpoints::sink::encoded::{Encoded, Rows};
use day05_checkpoints::sink::kafka::{KafkaTarget, KafkaTargetError, KafkaTargetOptions};
use day05_checkpoints::sink::target::{LastPublished, Published, Target};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr, RDKafkaRespErr::*};
use rdkafka::{Offset, TopicPartitionList};

use kafka::{bounded, eventually, payloads, read_to_end};

const TOPIC: &str = "out";

/// How publishing ends, and how often the rows were sent until then.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Done { sent: usize },
    Fenced,
    Refused,
    OutOfStep,
}

#[test]
fn each_error_of_a_broker_has_the_answer_that_it_needs() {
    let once = || End::Done { sent: 1 };
    let twice = || End::Done { sent: 2 };
    let cases: [(Api, &[RDKafkaRespErr], End); 14] = [
        // What passes by itself.
        (
            Api::InitProducerId,
            &[RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS],
            once(),
        ),
        (
            Api::AddPartitionsToTxn,
            &[RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS],
            once(),
        ),
        (
            Api::EndTxn,
            &[RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE; 3],
            once(),
        ),
        (Api::EndTxn, &[RD_KAFKA_RESP_ERR__TRANSPORT; 3], once()),
        // What costs the transaction.
        (
            Api::TxnOffsetCommit,
            &[RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION],
            twice(),
        ),
        (
            Api::EndTxn,
            &[RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING],
            twice(),
        ),
        // What costs the client.
        (Api::EndTxn, &[RD_KAFKA_RESP_ERR_INVALID_TXN_STATE], twice()),
        (
            Api::TxnOffsetCommit,
            &[RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING; 2],
            End::Done { sent: 3 },
        ),
        // What ends the run.
        (Api::EndTxn, &[RD_KAFKA_RESP_ERR_PRODUCER_FENCED], End::Fenced),
        (
            Api::TxnOffsetCommit,
            &[RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH],
            End::Fenced,
        ),
        (
            Api::Produce,
            &[RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE],
            End::Refused,
        ),
        (Api::Produce, &[RD_KAFKA_RESP_ERR_INVALID_RECORD], End::Refused),
        (
            Api::TxnOffsetCommit,
            &[RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED],
            End::Refused,
        ),
        (
            Api::EndTxn,
            &[RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
            End::Refused,
        ),
    ];
    for (api, errors, expected) in cases {
        let cluster = cluster();
        let mut target = open(&cluster);
        cluster.request_errors(api, errors);
        assert_eq!(publish(&mut target, &cluster, 1), expected, "{api:?} {errors:?}");
    }
}

#[test]
fn after_a_lost_client_the_marker_decides() {
    // marker, and what becomes of epoch 1 whose commit has ended the client
    for (marker, expected) in [
        (None, End::Done { sent: 2 }),
        (Some("epoch=1"), End::Done { sent: 1 }),
        (Some("epoch=2"), End::OutOfStep),
    ] {
        let cluster = cluster();
        let mut target = open(&cluster);
        assert_eq!(asked(&mut target, &[0, 1]).unwrap(), LastPublished::UpTo(0));
        cluster.request_errors(Api::EndTxn, &[RD_KAFKA_RESP_ERR_INVALID_TXN_STATE]);
        if let Some(marker) = marker {
            commit_marker(&cluster, marker);
        }
        assert_eq!(publish(&mut target, &cluster, 1), expected, "{marker:?}");
    }
}

#[test]
fn after_a_slow_commit_the_next_epoch_belongs_to_a_new_client_which_asks_for_the_marker() {
    // This broker has none, so who asks is told that epoch 1 is not out.
    let slow = [RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS; 6];
    for (errors, expected) in [([].as_slice(), End::Done { sent: 2 }), (&slow, End::OutOfStep)] {
        let cluster = cluster();
        let mut target = open(&cluster);
        assert_eq!(asked(&mut target, &[0, 1]).unwrap(), LastPublished::UpTo(0));
        cluster.request_errors(Api::EndTxn, errors);
        assert_eq!(
            publish(&mut target, &cluster, 1),
            End::Done { sent: 1 },
            "{errors:?}"
        );
        assert_eq!(publish(&mut target, &cluster, 2), expected, "{errors:?}");
    }
}

#[test]
fn after_an_abort_a_new_client_asks_for_the_marker() {
    let cluster = cluster();
    let mut target = open(&cluster);
    assert_eq!(asked(&mut target, &[0, 1]).unwrap(), LastPublished::UpTo(0));
    cluster.request_errors(Api::TxnOffsetCommit, &[RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION]);
    commit_marker(&cluster, "epoch=2");
    assert_eq!(publish(&mut target, &cluster, 1), End::OutOfStep);
}

#[test]
fn a_question_for_the_marker_that_fails_is_not_taken_for_no_marker() {
    for error in [
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
        RD_KAFKA_RESP_ERR_UNKNOWN,
        RD_KAFKA_RESP_ERR__TRANSPORT,
    ] {
        let cluster = cluster();
        commit_marker(&cluster, "epoch=1");
        let mut target = open(&cluster);
        cluster.request_errors(Api::OffsetFetch, &[error; 3]);
        assert_eq!(
            asked(&mut target, &[0, 1]).unwrap(),
            LastPublished::UpTo(1),
            "{error:?}"
        );
    }
    let cluster = cluster();
    let mut target = open(&cluster);
    cluster.request_errors(Api::OffsetFetch, &[RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED]);
    let error = asked(&mut target, &[0, 1]).unwrap_err();
    assert!(error.to_string().contains("authorization"), "{error}");
}

// ---------------------------------------------------------------------------------------------------------------------

fn cluster() -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    cluster
}

fn options(cluster: &MockCluster<'_, DefaultProducerContext>) -> KafkaTargetOptions {
    KafkaTargetOptions::new(cluster.bootstrap_servers(), TOPIC, "demo")
}

fn open(cluster: &MockCluster<'_, DefaultProducerContext>) -> KafkaTarget {
    KafkaTarget::open(options(cluster)).unwrap()
}

/// What a target says of these epochs, once it says anything.
fn asked(target: &mut impl Target, epochs: &[u64]) -> Outcome<LastPublished> {
    loop {
        match target.last_out(epochs)? {
            LastPublished::Pending => {}
            known => return Ok(known),
        }
    }
}

/// Publishes an epoch of two rows, the same in each.
fn publish(target: &mut KafkaTarget, cluster: &MockCluster<'_, DefaultProducerContext>, epoch: u64) -> End {
    let mut rows = Encoded::default();
    rows.push(None, b"a");
    rows.push(Some(b"k"), b"b");
    let rows = Rows::from(rows);
    let outcome = eventually("an end", || match target.publish(epoch, &rows) {
        Ok(Published::Again | Published::Pending) => None,
        Ok(Published::Done) => Some(Ok(())),
        Err(error) => Some(Err(error)),
    });
    match outcome {
        Ok(()) => {
            let options = bounded(&cluster.bootstrap_servers(), TOPIC, Fetch::Poll);
            let seen = read_to_end(&mut KafkaSource::open(options).unwrap());
            let sent = seen.len() / rows.len();
            assert_eq!(payloads(&seen), ["a", "b"].repeat(sent), "whole epochs, in order");
            End::Done { sent }
        }
        Err(error) => match error.downcast_ref() {
            Some(KafkaTargetError::Fenced { .. }) => End::Fenced,
            Some(KafkaTargetError::Refused { .. }) => End::Refused,
            Some(KafkaTargetError::OutOfStep { .. }) => End::OutOfStep,
            _ => panic!("{error}"),
        },
    }
}

/// Puts a marker where the sink will look for it.
fn commit_marker(cluster: &MockCluster<'_, DefaultProducerContext>, metadata: &str) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", options(cluster).id())
        .create()
        .unwrap();
    let mut marker = TopicPartitionList::new();
    let mut partition = marker.add_partition(TOPIC, 0);
    partition.set_offset(Offset::Offset(1)).unwrap();
    partition.set_metadata(metadata);
    consumer.commit(&marker, CommitMode::Sync).unwrap();
}
