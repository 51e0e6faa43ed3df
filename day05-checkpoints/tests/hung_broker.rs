//! A sink whose broker hangs: barriers pass, turns are short, and the job ends when it is asked to.
//!
//! The broker is librdkafka's mock cluster, which takes as long for an answer as it is told to. That nothing is lost or
//! doubled is tried on a real Kafka (`tests/real_kafka.rs`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hung;
#[path = "../../day01-consumer/tests/kafka/mod.rs"]
mod kafka;

use std::sync::Arc;
use std::time::{Duration, Instant};

use day01_consumer::lab::log::Log;
use day02_state::operator::{Operator, Outcome, Output, Turn};
use day04_watermarks::watermark::Watermark;
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::sink::background::Background;
use day05_checkpoints::sink::encoded::Encoded;
use day05_checkpoints::sink::kafka::{KafkaTarget, KafkaTargetOptions};
use day05_checkpoints::sink::{Format, Sink, SinkOptions};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use hung::{Run, append};
use kafka::eventually;

const TOPIC: &str = "out";
const BROKER: i32 = 1;

fn cluster() -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    cluster
}

fn options(cluster: &MockCluster<'_, DefaultProducerContext>) -> KafkaTargetOptions {
    KafkaTargetOptions::new(cluster.bootstrap_servers(), TOPIC, "demo")
}

fn hang(cluster: &MockCluster<'_, DefaultProducerContext>) {
    let hours = Duration::from_secs(3_600);
    cluster.broker_round_trip_time(BROKER, hours).unwrap();
}

#[test]
fn a_broker_that_hangs_holds_up_no_checkpoint_and_no_end() {
    // From the first question on, or later.
    for hangs_from_the_start in [true, false] {
        let (cluster, log) = (cluster(), Log::new("orders", 1));
        append(&log, 0..100);
        let run = Run::start(&log, &Fragile::new(), options(&cluster), 64 << 20);
        if !hangs_from_the_start {
            eventually("checkpoints", || (run.durable() > 5).then_some(()));
        }
        hang(&cluster);
        let before = run.durable();
        append(&log, 100..200);
        eventually("checkpoints", || (run.durable() > before + 5).then_some(()));
        let took = run.end();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[test]
fn a_sink_that_refuses_rows_because_its_broker_hangs_ends_when_it_is_asked_to() {
    let (cluster, log, checkpoints) = (cluster(), Log::new("orders", 1), Fragile::new());
    let run = Run::start(&log, &checkpoints, options(&cluster), 10_000);
    eventually("checkpoints", || (run.durable() > 5).then_some(()));
    hang(&cluster);
    append(&log, 0..100_000);
    eventually("a word", || {
        let said = run.board.take_warnings();
        let refuses = |said: &String| said.contains("it takes no more rows");
        said.iter().any(refuses).then_some(())
    });
    let missing = Arc::clone(&run.missing);
    let took = run.end();
    assert!(took < Duration::from_secs(3), "{took:?}");
    // The barrier waits behind rows that the sink refuses, and that is what is said of it.
    let missing = missing.lock().unwrap();
    let sink = missing.iter().find(|tasks| tasks.contains("sink 0 ("));
    let sink = sink.unwrap_or_else(|| panic!("{missing:?}"));
    for said in [
        "it takes no more rows until some are published",
        "windows 0 is held back",
    ] {
        assert!(sink.contains(said), "{sink}");
    }
}

/// No rows.
struct Nothing;

impl Format for Nothing {
    type In = ();
    type Out = Vec<()>;

    fn encode(&mut self, (): (), _: &mut Encoded) -> Outcome<Vec<()>> {
        Ok(Vec::new())
    }
}

impl Output<Vec<()>, Watermark> for Nothing {
    fn data(&mut self, _: Vec<()>) {}
    fn control(&mut self, _: Watermark) {}
}

#[test]
fn a_turn_of_a_sink_whose_broker_hangs_takes_no_time() {
    let cluster = cluster();
    let target = KafkaTarget::open(options(&cluster)).unwrap();
    hang(&cluster);
    let target = Background::start(target).unwrap();
    let mut sink = Sink::new(Nothing, target, SinkOptions::default());
    let began = Instant::now();
    const TURNS: u32 = 1_000;
    for turn in 0..TURNS {
        let now = Duration::from_millis(u64::from(turn));
        let turn = sink.on_turn(now, &mut Nothing).unwrap();
        assert!(matches!(turn, Turn::Wait(Some(again)) if again > now), "{turn:?}");
    }
    // A single answer would take hours.
    assert!(began.elapsed() / TURNS < Duration::from_millis(1));
}
