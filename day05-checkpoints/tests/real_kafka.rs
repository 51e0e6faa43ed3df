//! The Kafka target on a real Kafka: crashes between any two steps, killed processes, zombies, brokers
//! that restart.
//!
//! ```text
//! .ci/kafka up --port 19092 --dir /tmp/kafka
//! export KAFKA_BROKERS=localhost:19092 KAFKA_PORT=19092 KAFKA_DIR=/tmp/kafka
//! cargo test -p day05-checkpoints --test real_kafka -- --ignored --test-threads 1
//! ```
//!
//! One test at a time, because one of them stops the broker. Each makes topics of its own and leaves
//! them behind. Epochs are made from their number, so that what a topic must hold is known without
//! asking the target.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day01-consumer/tests/kafka/mod.rs"]
#[macro_use]
mod kafka;
mod hung;
mod kills;

use std::env;
use std::io::{BufRead, BufReader};
use std::mem;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use day01_consumer::kafka::{Fetch, KafkaSource};
use day01_consumer::lab::log::Log;
use day01_consumer::source::Source;
use day02_state::operator::Outcome;
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::sink::encoded::{Encoded, Rows};
use day05_checkpoints::sink::kafka::{
    KafkaTarget, KafkaTargetError, KafkaTargetOptions, LostMarker, PlainKafkaTarget,
};
use day05_checkpoints::sink::target::{LastPublished, Published, Target};
use futures_executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use kafka::real::{Flapping, Hung, admin, brokers, create_topic, kafka_script, unused_name};
use kafka::{Seen, bounded, eventually, payloads, read_to_end};

on_a_real_kafka! {
    an_epoch_is_seen_once_and_whole,
    nothing_is_seen_before_the_commit,
    keys_arrive,
    an_empty_epoch_moves_the_marker,
    a_large_epoch_arrives,
    a_crash_after_any_step_loses_and_doubles_nothing,
    a_process_may_be_killed_at_any_moment,
    a_zombie_is_fenced_after_any_step,
    a_broker_may_restart_after_any_step,
    a_broker_may_hang_after_any_step,
    a_job_whose_broker_hangs_ends_when_asked_to_and_the_next_run_publishes_the_rest,
    a_run_that_is_refused_harms_no_other,
    a_broker_may_be_out_of_its_cluster_for_a_while,
    a_broker_that_stays_away_is_an_error,
    a_lost_marker_stops_unless_told_how_to_go_on,
    epochs_of_another_run_are_not_followed,
    an_offset_of_somebody_else_is_no_marker,
    a_row_that_is_too_large_is_refused_and_holds_up_no_reader,
    a_topic_is_created_with_one_partition,
    an_unreachable_broker_is_an_error_at_once,
    settings_that_brokers_refuse_are_an_error,
    without_transactions_a_crash_doubles_rows,
}

/// Rows of an epoch in most tests.
const ROWS: usize = 25;
/// The step that asks for the commit, at the earliest: begin, send, arrive, mark, commit.
const COMMIT: u64 = 5;

// ---------------------------------------------------------------------------------------------------------------------
// What is published

fn an_epoch_is_seen_once_and_whole() {
    let options = new_sink("once", 3);
    let mut target = open(&options);
    assert_eq!(asked(&mut target, &[0, 1]).unwrap(), LastPublished::UpTo(0));
    for number in 1..=3 {
        publish(&mut target, number);
        check_topic(&options, 1..=number);
    }
    let places = format!("Kafka topic {} at {}, exactly once", options.topic, brokers());
    assert_eq!(target.describe(), places);
    // What was published is known to the next run, and what was not is not.
    for epochs in [[2, 3].as_slice(), &[3, 4], &[1, 2, 3, 4]] {
        assert_eq!(
            asked(&mut open(&options), epochs).unwrap(),
            LastPublished::UpTo(3),
            "{epochs:?}"
        );
    }
}

fn nothing_is_seen_before_the_commit() {
    let options = new_sink("unseen", 1);
    let mut target = started(&options, 0);
    let rows = epoch(1);
    loop {
        let published = target.publish(1, &rows).unwrap();
        if published == Published::Done {
            break;
        }
        check_topic(&options, []);
    }
    check_topic(&options, 1..=1);
}

fn keys_arrive() {
    let options = new_sink("keys", 4);
    let mut rows = Encoded::default();
    rows.push(Some(b"k"), b"with a key");
    rows.push(None, b"without");
    rows.push(Some(b""), b"with an empty key");
    rows.push(Some(b"k"), b"");
    let mut target = started(&options, 0);
    finish(&mut target, 1, &rows.into());
    let mut seen = read(&options);
    let of_key = |seen: &Seen| seen.key.as_deref() == Some("k");
    let with_key: Vec<_> = seen.iter().filter(|seen| of_key(seen)).cloned().collect();
    assert_eq!(payloads(&with_key), ["with a key", ""], "in order");
    assert_eq!(with_key[0].partition, with_key[1].partition);
    seen.retain(|seen| !of_key(seen));
    let mut others: Vec<_> = seen
        .iter()
        .map(|seen| (seen.key.as_deref(), seen.payload.as_deref()))
        .collect();
    others.sort();
    assert_eq!(
        others,
        [(None, Some("without")), (Some(""), Some("with an empty key"))]
    );
}

fn an_empty_epoch_moves_the_marker() {
    let options = new_sink("empty", 1);
    let mut target = started(&options, 0);
    finish(&mut target, 1, &Rows::default());
    finish(&mut target, 2, &Rows::default());
    assert_eq!(
        asked(&mut open(&options), &[1, 2]).unwrap(),
        LastPublished::UpTo(2)
    );
    let mut target = started(&options, 2);
    publish(&mut target, 3);
    check_topic(&options, 3..=3);
}

fn a_large_epoch_arrives() {
    const MANY: usize = 200_000;
    let mut rows = Encoded::default();
    for number in 0..MANY {
        let key = format!("{}", number % 100);
        rows.push(Some(key.as_bytes()), format!("{number:0>100}").as_bytes());
    }
    let rows = Rows::from(rows);
    // While the broker hangs, all that the client has room for is waiting.
    for hangs in [false, true] {
        let options = new_sink("large", 4);
        let mut target = started(&options, 0);
        let began = Instant::now();
        let mut longest = Duration::ZERO;
        let mut step = || {
            let began = Instant::now();
            let published = target.publish(1, &rows).unwrap();
            longest = longest.max(began.elapsed());
            published == Published::Done
        };
        if hangs {
            let _hung = Hung::now();
            (0..10).for_each(|_| assert!(!step()));
        }
        eventually("all rows", || step().then_some(()));
        eprintln!(
            "{MANY} rows in {:?}, the longest step took {longest:?}",
            began.elapsed()
        );
        assert!(longest < Duration::from_secs(2), "a step took {longest:?}");

        let seen = read_payloads(&options, MANY);
        assert_eq!(seen.len(), MANY);
        let mut numbers: Vec<usize> = seen.iter().map(|payload| payload.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..MANY));
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Crashes, zombies, brokers

fn a_crash_after_any_step_loses_and_doubles_nothing() {
    // A client that was dropped is gone; one that was forgotten goes on sending what it was given.
    for forgotten in [false, true] {
        after_each_step("crash", |options, mut first, done| {
            let mut second = open(options);
            match forgotten {
                false => drop(first.take()),
                true => mem::forget(first.take()),
            }
            let known = asked(&mut second, &[1, 2]).unwrap();
            match done {
                true => assert_eq!(known, LastPublished::UpTo(2)),
                false => assert_eq!(known, LastPublished::UpTo(1)),
            }
            if known == LastPublished::UpTo(1) {
                check_topic(options, 1..=1);
                publish(&mut second, 2);
            }
            publish(&mut second, 3);
            check_topic(options, 1..=3);
        });
    }
}

fn a_zombie_is_fenced_after_any_step() {
    after_each_step("zombie", |options, first, done| {
        let mut zombie = first.unwrap();
        let mut second = open(options);
        if asked(&mut second, &[1, 2]).unwrap() == LastPublished::UpTo(1) {
            publish(&mut second, 2);
        }
        let told = second.take_warning().expect("a word about the other one");
        assert!(
            told.contains("if another run still does, it ends with its next epoch"),
            "{told}"
        );
        let zombies_next = if done { 3 } else { 2 };
        let error = first_error(&mut zombie, zombies_next);
        assert!(
            matches!(error, KafkaTargetError::Fenced { epoch, .. } if epoch == zombies_next),
            "{error:?}"
        );
        let text = error.to_string();
        let expected = format!(
            "cannot publish epoch {zombies_next} to topic {} at {}: another run with transactional id {} has taken over",
            options.topic,
            brokers(),
            options.id()
        );
        assert!(text.starts_with(&expected), "{text}");
        // It has not harmed the other one.
        publish(&mut second, 3);
        check_topic(options, 1..=3);
    });
}

/// The child publishes epoch after epoch, and says which before each; the parent kills it, settles the
/// epoch that was under way as a new run would, and starts the next child behind it.
fn a_process_may_be_killed_at_any_moment() {
    const KILLS: u32 = 30;
    if let Ok(child) = env::var("CHILD_PUBLISHES") {
        let (name, last) = child.split_once(' ').unwrap();
        let options = options(name);
        let last: u64 = last.parse().unwrap();
        let mut target = started(&options, last);
        for number in last + 1.. {
            println!("\npublishing {number}");
            publish(&mut target, number);
        }
    }
    let options = new_sink("killed", 2);
    let (mut last, mut were_out) = (0, 0);
    for kill in 0..KILLS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", "--exact"])
            .arg("on_a_real_kafka::a_process_may_be_killed_at_any_moment")
            .env("CHILD_PUBLISHES", format!("{} {last}", options.topic))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut announced = || {
            let line = lines.next()?.unwrap();
            let number = line
                .strip_prefix("publishing ")
                .map(|number| number.parse::<u64>().unwrap());
            Some(number)
        };
        let mut next = last;
        let mut reaches = |wanted: u64| {
            eventually("an epoch of the child", || {
                next = announced().expect("a child that lives").unwrap_or(next);
                (next == wanted).then(Instant::now)
            })
        };
        // The first epoch takes longer than all others. The kills are spread over the third.
        let began = reaches(last + 2);
        let takes = reaches(last + 3) - began;
        thread::sleep(takes * kill / KILLS);
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(number) = announced() {
            next = number.unwrap_or(next);
        }

        let mut target = open(&options);
        match asked(&mut target, &[next - 1, next]).unwrap() {
            LastPublished::UpTo(epoch) if epoch == next - 1 => publish(&mut target, next),
            known => {
                assert_eq!(known, LastPublished::UpTo(next));
                were_out += 1;
            }
        }
        check_topic(&options, 1..=next);
        last = next;
    }
    eprintln!("{KILLS} kills in {last} epochs; {were_out} times the epoch under way was out");
}

fn a_broker_may_restart_after_any_step() {
    with_trouble_after_each_step("restart", |go_on| {
        kafka_script("down");
        (0..3).for_each(|_| go_on());
        kafka_script("up");
    });
}

fn a_broker_may_hang_after_any_step() {
    with_trouble_after_each_step("hang", |go_on| {
        let _hung = Hung::now();
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            go_on();
        }
    });
}

fn a_job_whose_broker_hangs_ends_when_asked_to_and_the_next_run_publishes_the_rest() {
    const FIRST: u64 = 10_000;
    const ORDERS: u64 = 20_000;
    let (options, log, checkpoints) = (new_sink("hung-job", 1), Log::new("orders", 1), Fragile::new());
    let start = || hung::Run::start(&log, &checkpoints, options.clone(), 20_000);
    let run = start();
    hung::append(&log, 0..FIRST);
    // The window of the last order is open.
    let before_it_hangs = FIRST as usize - 1;
    eventually("rows", || (read(&options).len() == before_it_hangs).then_some(()));
    {
        let _hung = Hung::now();
        let before = run.durable();
        eventually("checkpoints", || (run.durable() > before + 5).then_some(()));
        // More than the sink may hold: now barriers wait behind rows that are refused.
        hung::append(&log, FIRST..ORDERS);
        eventually("a word", || {
            let said = run.board.take_warnings();
            said.iter()
                .any(|said| said.contains("the sink waits for Kafka topic"))
                .then_some(())
        });
        let missing = Arc::clone(&run.missing);
        let took = run.end();
        assert!(took < Duration::from_secs(3), "{took:?}");
        let missing = missing.lock().unwrap();
        assert!(
            missing.iter().any(|tasks| tasks.contains("sink 0 (")),
            "{missing:?}"
        );
    }
    let run = start();
    // The last window stays open.
    let expected = ORDERS as usize - 1;
    let mut seen = read_payloads(&options, expected);
    let until = Instant::now() + Duration::from_secs(60);
    while seen.len() < expected && Instant::now() < until {
        seen = read_payloads(&options, expected);
    }
    run.end();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), expected);
    assert_eq!(read(&options).len(), expected, "each once");
}

fn a_run_that_is_refused_harms_no_other() {
    let options = new_sink("refused", 1);
    let mut first = started(&options, 0);
    publish(&mut first, 1);
    let rows = epoch(2);
    // Between epochs, and in the middle of one.
    for steps in 0..4 {
        for epochs in [[0].as_slice(), &[7, 8]] {
            let known = asked(&mut open(&options), epochs).unwrap();
            assert!(matches!(known, LastPublished::Unknown(_)), "{steps}: {known:?}");
        }
        assert_eq!(first.publish(2, &rows).unwrap(), Published::Again);
    }
    finish(&mut first, 2, &rows);
    publish(&mut first, 3);
    check_topic(&options, 1..=3);
}

fn a_broker_may_be_out_of_its_cluster_for_a_while() {
    let broker = Flapping::start();
    let name = broker.new_topic();
    let options = KafkaTargetOptions::new(&broker.brokers, &name, &name);
    let mut target = eventually("a target", || {
        let mut target = KafkaTarget::open(options.clone()).ok()?;
        (asked(&mut target, &[0, 1]).unwrap() == LastPublished::UpTo(0)).then_some(target)
    });
    let (began, mut last) = (Instant::now(), 0);
    while began.elapsed() < Flapping::THRICE {
        last += 1;
        publish(&mut target, last);
    }
    let expected: Vec<String> = (1..=last).flat_map(rows_of).collect();
    let options = bounded(&broker.brokers, &name, Fetch::Poll);
    let mut source = eventually("a source", || KafkaSource::open(options.clone()).ok());
    assert_eq!(payloads(&read_to_end(&mut source)), expected);
}

fn a_broker_that_stays_away_is_an_error() {
    let options = KafkaTargetOptions {
        transaction_timeout: Duration::from_secs(3),
        ..new_sink("away", 1)
    };
    let mut target = started(&options, 0);
    publish(&mut target, 1);
    kafka_script("down");
    let began = Instant::now();
    let error = first_error(&mut target, 2);
    let took = began.elapsed();
    kafka_script("up");
    let text = error.to_string();
    let expected = format!(
        "cannot publish epoch 2 to topic {} at {} within 3 s: ",
        options.topic,
        brokers()
    );
    assert!(
        text.starts_with(&expected) && text.contains("Connection refused"),
        "{text}"
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(target);

    let mut next = open(&options);
    assert_eq!(asked(&mut next, &[1, 2]).unwrap(), LastPublished::UpTo(1));
    publish(&mut next, 2);
    check_topic(&options, 1..=2);
}

// ---------------------------------------------------------------------------------------------------------------------
// Markers

fn a_lost_marker_stops_unless_told_how_to_go_on() {
    for (lost_marker, told) in [
        (LostMarker::Stop, None),
        (LostMarker::Published, Some(LastPublished::UpTo(3))),
        (LostMarker::Publish, Some(LastPublished::UpTo(2))),
    ] {
        let options = KafkaTargetOptions {
            lost_marker,
            ..new_sink("lost", 1)
        };
        let mut target = started(&options, 0);
        publish(&mut target, 1);
        publish(&mut target, 2);
        drop(target);
        let deleted = block_on(admin().delete_groups(&[&options.id()], &AdminOptions::new())).unwrap();
        deleted[0].as_ref().unwrap();

        let mut next = open(&options);
        let known = asked(&mut next, &[2, 3]).unwrap();
        match told {
            None => {
                let LastPublished::Unknown(text) = known else {
                    panic!("{known:?}");
                };
                for part in [
                    &options.topic,
                    &options.id(),
                    "epoch 3",
                    "epoch 2",
                    "--lost-marker publish",
                ] {
                    assert!(text.contains(part), "{part}: {text}");
                }
                // Nothing is lost: the next start may be told.
                continue;
            }
            Some(told) => assert_eq!(known, told, "{lost_marker:?}"),
        }
        if known == LastPublished::UpTo(2) {
            publish(&mut next, 3);
            check_topic(&options, 1..=3);
        }
        // From here on there is a marker again.
        publish(&mut next, 4);
        assert_eq!(
            asked(&mut open(&options), &[3, 4]).unwrap(),
            LastPublished::UpTo(4)
        );
    }
}

fn epochs_of_another_run_are_not_followed() {
    let options = new_sink("steps", 1);
    let mut target = started(&options, 0);
    for number in 1..=3 {
        publish(&mut target, number);
    }
    // A job whose checkpoints were deleted begins again at 1.
    let error = first_error(&mut open(&options), 1);
    assert!(
        matches!(
            error,
            KafkaTargetError::OutOfStep {
                epoch: 1,
                known: None,
                found: Some(3),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains(&options.id()), "{error}");
    // A job that was restored from an older checkpoint, or that begins anew.
    for (epochs, from) in [
        ([1, 2].as_slice(), "goes on from checkpoint 2"),
        (&[0], "begins anew"),
    ] {
        let LastPublished::Unknown(text) = asked(&mut open(&options), epochs).unwrap() else {
            panic!("it would publish again what is there");
        };
        assert!(
            text.contains(&format!("up to epoch 3, and this run {from}")),
            "{text}"
        );
    }
    check_topic(&options, 1..=3);
}

fn an_offset_of_somebody_else_is_no_marker() {
    let options = new_sink("foreign", 1);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers())
        .set("group.id", options.id())
        .create()
        .unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&options.topic, 0, Offset::Offset(7))
        .unwrap();
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
    let error = asked(&mut open(&options), &[0, 1]).unwrap_err();
    let expected = format!(
        "consumer group {} has an offset of topic {}",
        options.id(),
        options.topic
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
}

// ---------------------------------------------------------------------------------------------------------------------
// What is refused

fn a_row_that_is_too_large_is_refused_and_holds_up_no_reader() {
    const PARTITIONS: i32 = 4;
    let topic = unused_name("limited");
    create_topic(&topic, PARTITIONS, &[("max.message.bytes", "2000")]);
    let options = options(&topic);
    let mut target = started(&options, 0);
    publish(&mut target, 1);
    // The limit is on what is left after compression, so the row is one that does not get smaller.
    let mut rows = Encoded::default();
    push_epoch(&mut rows, 2);
    let mut state = 1_u32;
    rows.push_with(None, |bytes| {
        bytes.extend((0..4_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }));
    });
    let rows = Rows::from(rows);
    let error = eventually("an error", || target.publish(2, &rows).err());
    let text = error.to_string();
    let expected = format!("cannot publish epoch 2 to topic {topic} at {}: ", brokers());
    assert!(
        text.starts_with(&expected) && text.contains("Message size too large"),
        "{text}"
    );
    // Other rows of the epoch have arrived. If their transaction were still open, nobody would see what
    // comes behind them.
    let writer = kafka::Writer::new(&brokers(), &topic);
    (0..PARTITIONS).for_each(|partition| writer.write(partition, &["of another writer"]));
    let mut expected = rows_of(1);
    expected.extend(vec!["of another writer".to_string(); PARTITIONS as usize]);
    expected.sort();
    let mut seen = read_payloads(&options, expected.len());
    seen.sort();
    assert_eq!(seen, expected);
}

fn a_topic_is_created_with_one_partition() {
    let options = options(&unused_name("created"));
    let mut target = started(&options, 0);
    publish(&mut target, 1);
    check_topic(&options, 1..=1);
    assert_eq!(
        KafkaSource::open(bounded(&brokers(), &options.topic, Fetch::Poll))
            .unwrap()
            .splits()
            .len(),
        1
    );
}

fn an_unreachable_broker_is_an_error_at_once() {
    let nobody = "127.0.0.1:1";
    let began = Instant::now();
    let errors = [
        KafkaTarget::open(KafkaTargetOptions::new(nobody, "out", "demo")).err(),
        PlainKafkaTarget::open(nobody, "out").err(),
    ];
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?} for two",
        began.elapsed()
    );
    for error in errors {
        assert_eq!(
            error.unwrap().to_string(),
            "cannot publish to Kafka: cannot reach Kafka at 127.0.0.1:1: Connection refused"
        );
    }
}

fn settings_that_brokers_refuse_are_an_error() {
    let too_long = KafkaTargetOptions {
        transaction_timeout: Duration::from_secs(16 * 60),
        ..new_sink("timeout", 1)
    };
    let error = asked(&mut open(&too_long), &[0, 1]).unwrap_err().to_string();
    assert!(
        error.contains("imeout") && error.contains(&too_long.topic),
        "{error}"
    );
    let too_short = KafkaTargetOptions {
        transaction_timeout: Duration::from_millis(999),
        ..too_long
    };
    let error = KafkaTarget::open(too_short).err().unwrap();
    assert!(matches!(error, KafkaTargetError::Settings { .. }), "{error:?}");
    assert!(error.to_string().contains("transaction.timeout.ms"), "{error}");
}

fn without_transactions_a_crash_doubles_rows() {
    let topic = new_sink("plain", 1).topic;
    let mut first = PlainKafkaTarget::open(brokers(), &topic).unwrap();
    finish(&mut first, 1, &epoch(1));
    let rows = epoch(2);
    eventually("all rows acknowledged", || {
        // It does not say so: it crashes.
        (first.publish(2, &rows).unwrap() == Published::Done).then_some(())
    });
    drop(first);

    let mut second = PlainKafkaTarget::open(brokers(), &topic).unwrap();
    assert_eq!(asked(&mut second, &[1, 2]).unwrap(), LastPublished::UpTo(1));
    finish(&mut second, 2, &rows);
    let expected: Vec<String> = [1, 2, 2].into_iter().flat_map(rows_of).collect();
    assert_eq!(read_payloads(&options(&topic), expected.len()), expected);
}

// ---------------------------------------------------------------------------------------------------------------------

/// Runs a test for each number of steps after which the first run may stop in its second epoch, the
/// last of which is done.
fn after_each_step(what: &str, test: impl Fn(&KafkaTargetOptions, Option<KafkaTarget>, bool)) {
    let mut reached = 0;
    for steps in 0.. {
        let options = new_sink(what, 2);
        let mut first = started(&options, 0);
        publish(&mut first, 1);
        let rows = epoch(2);
        let mut taken = (0..steps).map(|_| first.publish(2, &rows).unwrap());
        let done = taken.any(|published| published == Published::Done);
        test(&options, Some(first), done);
        reached = steps;
        if done {
            break;
        }
    }
    assert!(reached >= 5, "begin, send, arrive, mark, commit: {reached} steps");
}

/// Publishes epoch after epoch, and interrupts each after one step more than the one before, until one
/// is done by then. The trouble may ask for further steps while it lasts, which must not fail. The answer to a commit may
/// have come before the trouble, if the step that asked did not wait for it: then the next step says so.
fn with_trouble_after_each_step(what: &str, trouble: impl Fn(&mut dyn FnMut())) {
    let options = new_sink(what, 1);
    let mut target = started(&options, 0);
    publish(&mut target, 1);
    let mut reached = 0;
    for steps in 0.. {
        let number = steps + 2;
        let rows = epoch(number);
        let mut step = || target.publish(number, &rows).unwrap() == Published::Done;
        if (0..steps).any(|_| step()) {
            break;
        }
        let mut out = false;
        trouble(&mut || out = out || step());
        assert!(
            !out || steps >= COMMIT,
            "out without a broker, after {steps} steps"
        );
        if !out {
            finish(&mut target, number, &rows);
        }
        check_topic(&options, 1..=number);
        reached = steps;
    }
    assert!(
        reached >= 4,
        "before begin, send, arrive, mark, commit: {reached} steps"
    );
}

fn rows_of(number: u64) -> Vec<String> {
    (0..ROWS).map(|row| format!("{number}-{row}")).collect()
}

/// The rows that an epoch of this number always has; every other row has a key.
fn epoch(number: u64) -> Rows {
    let mut rows = Encoded::default();
    push_epoch(&mut rows, number);
    rows.into()
}

fn push_epoch(rows: &mut Encoded, number: u64) {
    for (index, row) in rows_of(number).iter().enumerate() {
        let key = (index % 2 == 0).then_some(row.as_bytes());
        rows.push(key, row.as_bytes());
    }
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

fn finish(target: &mut impl Target, number: u64, rows: &Rows) {
    eventually("an epoch to be out", || {
        (target.publish(number, rows).unwrap() == Published::Done).then_some(())
    });
}

fn publish(target: &mut KafkaTarget, number: u64) {
    finish(target, number, &epoch(number));
}

/// Publishes until that fails.
fn first_error(target: &mut KafkaTarget, number: u64) -> KafkaTargetError {
    let rows = epoch(number);
    let error = eventually("an error", || match target.publish(number, &rows) {
        Ok(published) => {
            assert_eq!(published, Published::Again);
            None
        }
        Err(error) => Some(error),
    });
    *error.downcast().expect("an error of the target")
}

/// What a reader of committed rows sees now.
fn read(options: &KafkaTargetOptions) -> Vec<Seen> {
    read_to_end(&mut KafkaSource::open(bounded(&brokers(), &options.topic, Fetch::Poll)).unwrap())
}

/// What readers of committed rows see, once there are so many or long enough has passed: a commit is answered before they
/// see it.
fn read_payloads(options: &KafkaTargetOptions, expected: usize) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let seen = read(options);
        if seen.len() >= expected || Instant::now() > until {
            return payloads(&seen).into_iter().map(str::to_string).collect();
        }
    }
}

/// The topic must hold each row of these epochs once, and nothing else.
fn check_topic(options: &KafkaTargetOptions, epochs: impl IntoIterator<Item = u64>) {
    let mut expected: Vec<String> = epochs.into_iter().flat_map(rows_of).collect();
    let mut seen = read_payloads(options, expected.len());
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);
}

fn options(name: &str) -> KafkaTargetOptions {
    KafkaTargetOptions::new(brokers(), name, name)
}

/// A new topic, and a sink of its own for it.
fn new_sink(what: &str, partitions: i32) -> KafkaTargetOptions {
    let name = unused_name(what);
    create_topic(&name, partitions, &[]);
    options(&name)
}

fn open(options: &KafkaTargetOptions) -> KafkaTarget {
    KafkaTarget::open(options.clone()).expect("a target")
}

/// A run that goes on behind `last`.
fn started(options: &KafkaTargetOptions, last: u64) -> KafkaTarget {
    let mut target = open(options);
    assert_eq!(
        asked(&mut target, &[last, last + 1]).unwrap(),
        LastPublished::UpTo(last)
    );
    target
}
