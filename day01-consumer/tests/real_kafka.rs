//! The Kafka source on a real Kafka: transactions, compaction, retention, added partitions, a broker that restarts.
//!
//! ```text
//! .ci/kafka up --port 19092 --dir /tmp/kafka
//! export KAFKA_BROKERS=localhost:19092 KAFKA_PORT=19092 KAFKA_DIR=/tmp/kafka
//! cargo test -p day01-consumer --test real_kafka -- --ignored --test-threads 1
//! ```
//!
//! One test at a time, because one of them stops the broker. Each makes topics of its own and leaves them behind. Where a
//! test waits, it waits for what it is about (a compaction, a deletion), never for a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
mod kafka;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use day01_consumer::Error;
use day01_consumer::job::{Commit, Job, OnBadRecord};
use day01_consumer::kafka::{Cluster, Fetch, KafkaOptions, KafkaSource, explain_refusal};
use day01_consumer::lab::generator::{Generator, GeneratorOptions};
use day01_consumer::lab::produce::{Key, Target, produce};
use day01_consumer::order::Reason;
use day01_consumer::records::{Records, Timestamp};
use day01_consumer::source::{Polled, Positions, Share, Source, Start, Warning};
use futures_executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use kafka::real::{
    Flapping, Hung, add_partitions, admin, brokers, create_topic, delete_records, delete_topic, kafka_script,
    new_topic, new_topic_with, unused_name,
};
use kafka::{
    PATIENCE, WAIT, Writer, bounded, count_independently, counted, eventually, first_error, in_both_ways,
    job, numbered, payloads, places, poll, read_to_end, read_until, read_until_caught_up, unbounded,
};

on_a_real_kafka! {
    a_million_orders_are_counted_exactly,
    records_arrive_however_they_are_compressed,
    a_broker_may_stamp_the_records,
    only_committed_transactions_are_counted,
    transaction_markers_at_the_end_are_no_records_that_wait,
    an_open_transaction_is_where_reading_stops,
    a_topic_of_nothing_but_aborted_transactions_is_read_to_its_end,
    a_record_from_a_clock_that_is_ahead_is_refused_with_the_clock_named,
    the_gaps_and_tombstones_of_a_compacted_topic_are_passed,
    added_partitions_are_read_from_their_beginning,
    an_added_partition_falls_to_one_of_two_shares,
    a_time_starts_at_the_first_record_that_is_not_older,
    a_start_that_retention_has_passed_is_refused,
    a_reader_that_retention_passes_stops_with_an_error,
    a_broker_may_restart_in_the_middle,
    a_broker_that_hangs_holds_up_no_poll,
    a_broker_may_be_out_of_its_cluster_for_a_while,
    a_group_resumes_with_exactly_the_rest,
    one_can_log_in_by_each_mechanism_with_and_without_tls,
    a_port_that_speaks_something_else_is_named,
    a_wrong_password_is_an_error_without_the_password,
    asking_for_a_topic_does_not_create_it,
    producing_creates_the_topic,
    a_topic_deleted_while_it_is_read_is_named,
    a_topic_created_anew_while_it_is_read_is_an_error,
    a_position_in_a_topic_that_was_created_anew_is_refused,
}

// ---------------------------------------------------------------------------------------------------------------------
// What arrives

fn a_million_orders_are_counted_exactly() {
    let topic = new_topic("million", 4);
    let generated = produce_orders(&topic, 1_000_000, 1);
    let expected = count_independently(&generated);
    for fetch in [Fetch::Poll, Fetch::Batch] {
        let mut job = job(bounded(&brokers(), &topic, fetch));
        run_to_end(&mut job);
        assert_eq!(counted(&job), expected);
        assert_eq!(job.source().warnings(), []);
    }
}

fn records_arrive_however_they_are_compressed() {
    let topic = new_topic("compressed", 1);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let writer = Writer::with(&brokers(), &topic, &[("compression.type", codec)]);
        writer.write(0, &vec![codec.repeat(100); 10]);
    }
    let expected: Vec<String> = codecs
        .iter()
        .flat_map(|codec| vec![codec.repeat(100); 10])
        .collect();
    in_both_ways(|fetch| {
        let mut source = open(bounded(&brokers(), &topic, fetch));
        assert_eq!(payloads(&read_to_end(&mut source)), expected);
    });
}

fn a_broker_may_stamp_the_records() {
    let topic = new_topic_with("stamped", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let before = now();
    let writer = Writer::new(&brokers(), &topic);
    writer.send([writer.to(0).payload("p").timestamp(before - 1_000)]);
    in_both_ways(|fetch| {
        let seen = read_to_end(&mut open(bounded(&brokers(), &topic, fetch)));
        let Some(Timestamp::Appended(millis)) = seen[0].timestamp else {
            panic!("{seen:?}");
        };
        assert!((before..=now()).contains(&millis), "{before} {millis}");
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Transactions

fn only_committed_transactions_are_counted() {
    const IN_A_TRANSACTION: usize = 50;
    let topic = new_topic("transactions", 1);
    let writer = transactional_writer(&topic);
    let mut generator = Generator::new(orders(5_000, 1));
    let mut expected = BTreeMap::new();
    for transaction in 0..100 {
        let aborted = transaction % 3 == 1;
        let mut payloads = Vec::new();
        for _ in 0..IN_A_TRANSACTION {
            let order = generator.next_order().unwrap();
            payloads.push(String::from_utf8(order.payload.clone()).unwrap());
            if !aborted {
                *expected.entry(order.merchant_id.clone()).or_default() += 1;
            }
        }
        in_transaction(&writer, aborted, &payloads);
    }
    in_both_ways(|fetch| {
        let mut job = job(bounded(&brokers(), &topic, fetch));
        run_to_end(&mut job);
        assert_eq!(counted(&job), expected);
    });
}

fn transaction_markers_at_the_end_are_no_records_that_wait() {
    for aborted in [false, true] {
        let topic = new_topic("markers", 1);
        let writer = transactional_writer(&topic);
        // Offsets 0 and 1, and 2 for the marker; 3 to 5, and 6 for the marker.
        in_transaction(&writer, false, &["a", "b"]);
        in_transaction(&writer, aborted, &["c", "d", "e"]);
        let expected = match aborted {
            false => vec![(0, 0), (0, 1), (0, 3), (0, 4), (0, 5)],
            true => vec![(0, 0), (0, 1)],
        };
        in_both_ways(|fetch| {
            let mut to_the_end = open(bounded(&brokers(), &topic, fetch));
            assert_eq!(places(&read_to_end(&mut to_the_end)), expected);

            let mut for_ever = open(unbounded(&brokers(), &topic, fetch));
            assert_eq!(places(&read_until_caught_up(&mut for_ever)), expected);

            for source in [to_the_end, for_ever] {
                let split = &source.splits()[0];
                assert_eq!((split.position, split.end, split.lag()), (7, Some(7), Some(0)));

                // What was read and what there is meet: a restart finds nothing to do.
                let mut restarted = open(bounded(&brokers(), &topic, fetch));
                restarted.seek(&Positions::of(source.splits())).unwrap();
                assert_eq!(poll(&mut restarted), (Polled::End, vec![]));
            }
        });
    }
}

fn an_open_transaction_is_where_reading_stops() {
    in_both_ways(|fetch| {
        let topic = new_topic("open", 1);
        let (writer, other) = (transactional_writer(&topic), Writer::new(&brokers(), &topic));
        in_transaction(&writer, false, &["a"]);
        writer.producer().begin_transaction().unwrap();
        writer.write(0, &["b"]);
        other.write(0, &["c, behind an open transaction"]);

        let mut to_the_end = open(bounded(&brokers(), &topic, fetch));
        assert_eq!(payloads(&read_to_end(&mut to_the_end)), ["a"]);
        let mut for_ever = open(unbounded(&brokers(), &topic, fetch));
        let seen = read_until(&mut for_ever, "its end", |splits| splits[0].position >= 2);
        assert_eq!(payloads(&seen), ["a"]);
        // A bounded run says so at its start, an unbounded one when the transaction stays open.
        let waits = Warning::OpenTransaction {
            split: format!("{topic}/0"),
            records: 2,
        };
        assert_eq!(to_the_end.warnings(), vec![waits.clone()]);
        let said = eventually("a warning", || {
            assert_eq!(poll(&mut for_ever), (Polled::Idle, vec![]));
            for_ever.warnings().pop()
        });
        assert_eq!(said, waits);
        // The end of a bounded run is where it was when it began; to the other one the rest is still to come.
        for (source, caught_up, lag) in [(&to_the_end, true, 0), (&for_ever, false, 2)] {
            let split = &source.splits()[0];
            assert_eq!(
                (split.position, split.caught_up, split.lag()),
                (2, caught_up, Some(lag))
            );
        }
        let mut latest = open(KafkaOptions {
            start: Start::Latest,
            ..unbounded(&brokers(), &topic, fetch)
        });

        writer.producer().commit_transaction(PATIENCE).unwrap();
        for source in [&mut for_ever, &mut latest] {
            let seen = read_until(source, "the records behind", |splits| splits[0].position >= 5);
            assert_eq!(payloads(&seen), ["b", "c, behind an open transaction"]);
        }
    });
}

fn a_topic_of_nothing_but_aborted_transactions_is_read_to_its_end() {
    let topic = new_topic("aborted", 1);
    let writer = transactional_writer(&topic);
    for _ in 0..3 {
        in_transaction(&writer, true, &["a", "b"]);
    }
    in_both_ways(|fetch| {
        let mut job = job(bounded(&brokers(), &topic, fetch));
        run_to_end(&mut job);
        assert_eq!(job.counted(), 0);
        let mut for_ever = open(unbounded(&brokers(), &topic, fetch));
        assert_eq!(read_until_caught_up(&mut for_ever), []);
        for split in [&job.source().splits()[0], &for_ever.splits()[0]] {
            assert_eq!((split.position, split.lag()), (9, Some(0)));
        }
        assert_eq!(for_ever.warnings(), []);
    });
}

fn a_record_from_a_clock_that_is_ahead_is_refused_with_the_clock_named() {
    let topic = new_topic("clock", 1);
    let writer = Writer::new(&brokers(), &topic);
    let in_two_hours = writer.to(0).payload("x").timestamp(now() + 2 * 3_600_000);
    let delivery = writer.producer().send_result(in_two_hours);
    let delivered = block_on(delivery.map_err(|(error, _)| error).unwrap()).unwrap();
    let (error, _) = delivered.unwrap_err();
    let said = explain_refusal(&error);
    assert!(said.contains("compare the two clocks"), "{said}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Compaction and retention

fn the_gaps_and_tombstones_of_a_compacted_topic_are_passed() {
    const KEYS: usize = 10;
    let topic = new_topic_with(
        "compacted",
        1,
        &[
            ("cleanup.policy", "compact"),
            ("segment.ms", "100"),
            ("min.cleanable.dirty.ratio", "0.01"),
        ],
    );
    let writer = Writer::new(&brokers(), &topic);
    let merchants = numbered("m", 0..KEYS);
    let orders: Vec<String> = merchants
        .iter()
        .map(|merchant| format!(r#"{{"merchant_id":"{merchant}"}}"#))
        .collect();
    // Three rounds, of which compaction leaves the last; then half of the keys are deleted.
    for _ in 0..3 {
        let round = merchants.iter().zip(&orders);
        writer.send(round.map(|(key, order)| writer.to(0).key(key).payload(order)));
    }
    writer.send(merchants[..KEYS / 2].iter().map(|key| writer.to(0).key(key)));
    let last = (3 * KEYS + KEYS / 2) as i64;

    // A segment is closed by the first record after its time, so the newest records stay as they are.
    let expected: Vec<(i32, i64)> = (2 * KEYS + KEYS / 2..3 * KEYS + KEYS / 2)
        .map(|offset| (0, offset as i64))
        .collect();
    eventually("a compaction", || {
        writer.send([writer.to(0).key("last").payload(r#"{"merchant_id":"last"}"#)]);
        let mut source = open(bounded(&brokers(), &topic, Fetch::default()));
        let mut places = places(&read_to_end(&mut source));
        places.retain(|(_, offset)| *offset < last);
        (places == expected).then_some(())
    });

    in_both_ways(|fetch| {
        let source = open(bounded(&brokers(), &topic, fetch));
        let end = source.splits()[0].end;
        let mut job = Job::new(source, Commit::None, OnBadRecord::Skip);
        run_to_end(&mut job);
        let mut counted = counted(&job);
        assert!(counted.remove("last").is_some());
        assert!(
            counted
                .into_iter()
                .eq(merchants[KEYS / 2..].iter().map(|name| (name.clone(), 1)))
        );
        assert_eq!(
            job.skipped(),
            &BTreeMap::from([(Reason::Tombstone, KEYS as u64 / 2)])
        );
        let split = &job.source().splits()[0];
        assert_eq!((Some(split.position), split.lag()), (end, Some(0)));
    });
}

fn a_start_that_retention_has_passed_is_refused() {
    let topic = new_topic("retention", 2);
    Writer::new(&brokers(), &topic).write(1, &numbered("r", 0..10));
    delete_records(&topic, 1, 7);
    in_both_ways(|fetch| {
        let options = |from| KafkaOptions {
            start: Start::At(BTreeMap::from([(1, from)])),
            ..bounded(&brokers(), &topic, fetch)
        };
        let error = KafkaSource::open(options(6)).err().unwrap();
        assert_eq!(
            error.to_string(),
            format!(
                "{topic}/1: offset 6 is out of range, available is 7 to 10; \
                 to start at the oldest record that is left, use --from 1=7"
            )
        );
        let seen = read_to_end(&mut open(options(7)));
        assert_eq!(payloads(&seen), ["r-7", "r-8", "r-9"], "what the error advises");
    });
}

fn a_reader_that_retention_passes_stops_with_an_error() {
    in_both_ways(|fetch| {
        let topic = new_topic("passed", 2);
        write_twenty_megabytes(&topic, 1);
        let mut source = open(unbounded(&brokers(), &topic, fetch));
        read_until(&mut source, "some records", |splits| splits[1].position > 0);
        delete_records(&topic, 1, 19_000);

        let error = first_error(&mut source);
        let read = source.splits()[1].position;
        assert!((1..19_000).contains(&read), "{read}");
        assert_eq!(
            error.to_string(),
            format!(
                "{topic}/1: offset {read} is out of range, available is 19000 to 20000; \
                 to start at the oldest record that is left, use --from 1=19000"
            )
        );
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Where reading starts

fn a_time_starts_at_the_first_record_that_is_not_older() {
    let topic = new_topic("times", 2);
    let writer = Writer::new(&brokers(), &topic);
    let noon = now() - 60_000;
    writer.send([
        writer.to(0).payload("a").timestamp(noon),
        writer.to(0).payload("b").timestamp(noon + 10),
        writer.to(0).payload("c").timestamp(noon + 20),
        writer.to(1).payload("d").timestamp(noon + 15),
    ]);
    in_both_ways(|fetch| {
        let from = |time| {
            let start = Start::Timestamp(time);
            let options = bounded(&brokers(), &topic, fetch);
            let seen = read_to_end(&mut open(KafkaOptions { start, ..options }));
            payloads(&seen).join("")
        };
        assert_eq!(from(0), "abcd");
        assert_eq!(from(noon), "abcd");
        assert_eq!(from(noon + 1), "bcd");
        assert_eq!(from(noon + 10), "bcd", "at this time is not before it");
        assert_eq!(from(noon + 16), "c");
        assert_eq!(from(noon + 20), "c");
        assert_eq!(from(noon + 21), "", "later than everything");
    });
    // Later than everything is the end as it was at the start.
    in_both_ways(|fetch| {
        let topic = new_topic("later", 1);
        let writer = Writer::new(&brokers(), &topic);
        writer.write(0, &["a"]);
        let mut source = open(KafkaOptions {
            start: Start::Timestamp(now() + 3_600_000),
            ..unbounded(&brokers(), &topic, fetch)
        });
        writer.write(0, &["b"]);
        let seen = read_until(&mut source, "the next record", |splits| splits[0].position == 2);
        assert_eq!(payloads(&seen), ["b"]);
    });
}

fn added_partitions_are_read_from_their_beginning() {
    in_both_ways(|fetch| {
        let topic = new_topic("growing", 1);
        Writer::new(&brokers(), &topic).write(0, &["before the start"]);
        let mut source = open(KafkaOptions {
            start: Start::Latest,
            ..unbounded(&brokers(), &topic, fetch)
        });
        read_until_caught_up(&mut source);

        add_partitions(&topic, 3);
        // A new writer, which knows of them; the source does not yet.
        let writer = Writer::new(&brokers(), &topic);
        for partition in [2, 1, 0] {
            writer.write(partition, &[format!("to {partition}")]);
        }
        let seen = read_until(&mut source, "three records", |splits| {
            splits.iter().map(|split| split.position).sum::<i64>() == 4
        });
        assert_eq!(payloads(&seen), ["to 0", "to 1", "to 2"]);
        let found = [1, 2].map(|partition| Warning::PartitionFound {
            split: format!("{topic}/{partition}"),
        });
        assert_eq!(source.warnings(), found);
    });
}

fn an_added_partition_falls_to_one_of_two_shares() {
    in_both_ways(|fetch| {
        let topic = new_topic("shared", 1);
        Writer::new(&brokers(), &topic).write(0, &["before"]);
        let [mut first, mut second] = [0, 1].map(|index| {
            let mut source = open(unbounded(&brokers(), &topic, fetch));
            source.share(Share { index, of: 2 });
            source
        });
        assert_eq!(payloads(&read_until_caught_up(&mut first)), ["before"]);
        // There is nothing for it so far.
        assert_eq!(poll(&mut second), (Polled::Idle, vec![]));

        add_partitions(&topic, 4);
        let writer = Writer::new(&brokers(), &topic);
        for partition in 0..4 {
            writer.write(partition, &[format!("to {partition}")]);
        }
        for (source, found, expected) in [
            (&mut first, vec![2], ["to 0", "to 2"]),
            (&mut second, vec![1, 3], ["to 1", "to 3"]),
        ] {
            let last = found.last().copied();
            let seen = read_until(source, "a record of each partition", |splits| {
                splits.last().map(|split| split.partition) == last
                    && splits
                        .iter()
                        .all(|split| split.position > i64::from(split.partition == 0))
            });
            assert_eq!(payloads(&seen), expected);
            let found: Vec<Warning> = found
                .into_iter()
                .map(|partition| Warning::PartitionFound {
                    split: format!("{topic}/{partition}"),
                })
                .collect();
            assert_eq!(source.warnings(), found);
        }
    });
}

fn a_group_resumes_with_exactly_the_rest() {
    in_both_ways(|fetch| {
        let topic = new_topic("group", 4);
        let generated = produce_orders(&topic, 20_000, 1);
        let options = KafkaOptions {
            group: topic.clone(),
            start: Start::Group,
            ..bounded(&brokers(), &topic, fetch)
        };
        let start = || Job::new(open(options.clone()), Commit::After, OnBadRecord::Fail);

        let mut first = start();
        eventually("a part of the orders", || {
            first.step(WAIT).unwrap();
            (first.counted() >= 5_000).then_some(())
        });
        let mut all = counted(&first);
        assert!(first.counted() < 20_000, "some must be left");
        drop(first);

        let mut second = start();
        run_to_end(&mut second);
        for (merchant, count) in counted(&second) {
            *all.entry(merchant).or_default() += count;
        }
        assert_eq!(all, count_independently(&generated));
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Brokers that go away, topics that are not there

fn a_broker_that_hangs_holds_up_no_poll() {
    for fetch in [Fetch::Poll, Fetch::Batch] {
        let topic = new_topic("hangs", 2);
        let writer = Writer::new(&brokers(), &topic);
        writer.write(0, &["before"]);
        let mut source = open(unbounded(&brokers(), &topic, fetch));
        read_until_caught_up(&mut source);

        let hung = Hung::now();
        let (mut records, mut longest) = (Records::new(), Duration::ZERO);
        let away = eventually("a warning", || {
            let begun = Instant::now();
            source.poll(&mut records, Duration::from_millis(5)).unwrap();
            longest = longest.max(begun.elapsed());
            source.warnings().pop()
        });
        assert!(matches!(away, Warning::BrokerAway { .. }), "{away}");
        assert!(longest < Duration::from_millis(400), "a poll took {longest:?}");
        drop(hung);

        writer.write(1, &["after"]);
        let seen = read_until(&mut source, "a record", |splits| splits[1].position == 1);
        assert_eq!(payloads(&seen), ["after"]);
    }
}

fn a_broker_may_be_out_of_its_cluster_for_a_while() {
    let broker = Flapping::start();
    let topic = broker.new_topic();
    let mut sources: Vec<KafkaSource> = [Fetch::Poll, Fetch::Batch]
        .map(|fetch| {
            let options = unbounded(&broker.brokers, &topic, fetch);
            eventually("a source", || KafkaSource::open(options.clone()).ok())
        })
        .into();
    let began = Instant::now();
    let mut written = 0;
    while began.elapsed() < Flapping::THRICE {
        // A client of its own for each attempt: one that has been told that there are no brokers may never recover.
        eventually("a record to arrive", || {
            let mut config = ClientConfig::new();
            config
                .set("bootstrap.servers", &broker.brokers)
                .set("message.timeout.ms", "3000");
            let producer: FutureProducer = config.create().unwrap();
            let record = FutureRecord::<str, str>::to(&topic).payload("x");
            block_on(producer.send(record, Duration::ZERO)).ok()
        });
        written += 1;
        for source in &mut sources {
            // More than were acknowledged may have arrived.
            eventually("the record to be read", || {
                poll(source);
                (source.splits()[0].position >= written).then_some(())
            });
        }
    }
}

fn a_broker_may_restart_in_the_middle() {
    for fetch in [Fetch::Poll, Fetch::Batch] {
        let topic = new_topic("restart", 4);
        let before = produce_orders(&topic, 200_000, 1);
        let mut job = job(unbounded(&brokers(), &topic, fetch));
        let mut warnings = Vec::new();
        let mut step = || {
            let polled = job.step(WAIT).unwrap();
            warnings.extend(job.source().warnings());
            (polled, job.counted(), warnings.clone())
        };

        step();
        kafka_script("down");
        let (_, counted_before, _) = eventually("a warning, and nothing more to read", || {
            Some(step()).filter(|(polled, _, warnings)| *polled == Polled::Idle && !warnings.is_empty())
        });
        assert!(counted_before < 200_000, "some must be left");

        kafka_script("up");
        let after = produce_orders(&topic, 10_000, 2);
        let (_, _, warnings) = eventually("all orders, and a second warning", || {
            Some(step()).filter(|(_, counted, warnings)| *counted >= 210_000 && warnings.len() > 1)
        });
        assert!(
            matches!(
                warnings[..],
                [Warning::BrokerAway { .. }, Warning::BrokerBack { .. }]
            ),
            "{warnings:?}"
        );
        let mut expected = count_independently(&before);
        for (merchant, count) in count_independently(&after) {
            *expected.entry(merchant).or_default() += count;
        }
        assert_eq!(counted(&job), expected);
    }
}

/// The cluster as a person names it.
fn cluster(address: &str, options: &[String]) -> Cluster {
    let options = options.iter().map(|option| option.parse().unwrap());
    Cluster::new(address, &Vec::from_iter(options)).unwrap()
}

/// Why a topic cannot be read there.
fn refusal(address: &str, options: &[String]) -> String {
    let options = KafkaOptions {
        cluster: cluster(address, options),
        ..unbounded("", "orders", Fetch::default())
    };
    KafkaSource::open(options).err().unwrap().to_string()
}

fn one_can_log_in_by_each_mechanism_with_and_without_tls() {
    for (address, options) in kafka::real::logins() {
        let (topic, cluster) = (unused_name("login"), cluster(&address, &options));
        let target = Target::Topic {
            cluster: cluster.clone(),
            topic: topic.clone(),
            partitions: 2,
            key: Key::None,
        };
        // The broker's first TLS connection takes it seconds.
        eventually("a producer", || produce(&orders(10, 1), &target, &|| false).ok());
        let options = KafkaOptions {
            cluster,
            ..bounded("", &topic, Fetch::default())
        };
        assert_eq!(read_to_end(&mut open(options)).len(), 10);
    }
}

fn a_port_that_speaks_something_else_is_named() {
    let plain = brokers();
    let (login, tls) = (
        kafka::real::secure_port("SASL_PLAINTEXT"),
        kafka::real::secure_port("SASL_SSL"),
    );
    let ways = kafka::real::logins();
    let (with_login, with_both) = (&ways[0].1, &ways[1].1);
    let only_tls = [with_both[4].clone(), "security.protocol=ssl".to_string()];
    for (address, options, said) in [
        (&login, &[][..], "as brokers do that require a login"),
        (&tls, &[], "as brokers do that require TLS"),
        (&tls, with_login, "as brokers do that require TLS"),
        (&tls, &only_tls, "as brokers do that require a login"),
        (&plain, with_login, "this port does not accept a login"),
        (&plain, with_both, "this port does not speak TLS"),
        (&login, with_both, "this port does not speak TLS"),
        (
            &kafka::real::controller_port(),
            &[],
            "a Kafka controller answers at this port",
        ),
    ] {
        // A broker under load may not answer in time.
        let error = eventually(said, || {
            Some(refusal(address, options)).filter(|error| error.contains(said))
        });
        let begins = format!("cannot reach Kafka at {address}: ");
        assert!(error.starts_with(&begins), "{error}");
    }
    let unknown = refusal(&tls, &with_both[..4]);
    assert!(
        unknown.contains("--kafka-option ssl.ca.location=FILE"),
        "{unknown}"
    );
}

fn a_wrong_password_is_an_error_without_the_password() {
    for (address, mut options) in kafka::real::logins() {
        options[3] = "sasl.password=not-the-secret".to_string();
        let error = eventually("an answer", || {
            Some(refusal(&address, &options)).filter(|error| error.contains("uthentication failed"))
        });
        assert!(!error.contains("not-the-secret"), "{error}");
    }
}

fn asking_for_a_topic_does_not_create_it() {
    let topic = unused_name("nowhere");
    in_both_ways(|fetch| {
        for _ in 0..2 {
            let error = KafkaSource::open(unbounded(&brokers(), &topic, fetch))
                .err()
                .unwrap();
            assert!(
                matches!(&error, Error::UnknownTopic { topic: named, .. } if *named == topic),
                "{error}"
            );
        }
    });
    let metadata = admin().inner().fetch_metadata(None, PATIENCE).unwrap();
    assert!(metadata.topics().iter().all(|there| there.name() != topic));
}

fn producing_creates_the_topic() {
    let topic = unused_name("produced");
    let target = |partitions| Target::Topic {
        cluster: brokers().into(),
        topic: topic.clone(),
        partitions,
        key: Key::None,
    };
    // The second time it is there, and stays as it is.
    for partitions in [3, 7] {
        produce(&orders(10, 1), &target(partitions), &|| false).unwrap();
        let source = open(bounded(&brokers(), &topic, Fetch::default()));
        assert_eq!(source.splits().len(), 3);
    }
}

fn a_topic_deleted_while_it_is_read_is_named() {
    in_both_ways(|fetch| {
        for until_end in [false, true] {
            let topic = new_topic("deleted", 2);
            write_twenty_megabytes(&topic, 0);
            let mut source = open(KafkaOptions {
                until_end,
                ..unbounded(&brokers(), &topic, fetch)
            });
            poll(&mut source);
            delete_topic(&topic);
            let error = first_error(&mut source);
            assert!(
                matches!(&error, Error::UnknownTopic { topic: named, .. } if *named == topic),
                "{error}"
            );
        }
    });
}

/// With fewer records than have been read, with as many, and with fewer partitions.
fn a_topic_created_anew_while_it_is_read_is_an_error() {
    in_both_ways(|fetch| {
        for (partitions, records) in [(2, 3), (2, 10), (1, 20)] {
            let topic = new_topic("anew", 2);
            Writer::new(&brokers(), &topic).write(0, &numbered("r", 0..10));
            let mut source = open(unbounded(&brokers(), &topic, fetch));
            read_until_caught_up(&mut source);
            delete_topic(&topic);
            create_topic(&topic, partitions, &[]);
            Writer::new(&brokers(), &topic).write(0, &numbered("other", 0..records));
            let error = first_error(&mut source);
            assert!(matches!(error, Error::TopicRecreated { .. }), "{error}");
        }
    });
}

fn a_position_in_a_topic_that_was_created_anew_is_refused() {
    let topic = new_topic("anew", 1);
    let identity = |options| {
        let source = open(options);
        (source.splits()[0].identity.clone().unwrap(), source)
    };
    let options = unbounded(&brokers(), &topic, Fetch::default());
    let (saved, _) = identity(options.clone());
    let (again, source) = identity(options.clone());
    assert_eq!(saved, again);
    let split = format!("{topic}/0");
    source.check_identity(&split, &saved).unwrap();

    delete_topic(&topic);
    create_topic(&topic, 1, &[]);
    let (now, source) = identity(options);
    assert_eq!(
        source.check_identity(&split, &saved).unwrap_err().to_string(),
        format!(
            "topic {topic} at {} was deleted and created again: it was {}, and is {}; a position in the old topic \
             means nothing in the new one",
            brokers(),
            saved.words,
            now.words
        )
    );
}

// ---------------------------------------------------------------------------------------------------------------------

fn orders(orders: u64, seed: u64) -> GeneratorOptions {
    GeneratorOptions {
        orders,
        seed,
        ..GeneratorOptions::default()
    }
}

fn produce_orders(topic: &str, count: u64, seed: u64) -> GeneratorOptions {
    let generated = orders(count, seed);
    let target = Target::Topic {
        cluster: brokers().into(),
        topic: topic.to_string(),
        partitions: 1,
        key: Key::OrderId,
    };
    assert_eq!(produce(&generated, &target, &|| false).unwrap(), count);
    generated
}

/// 20,000 records, of which the client fetches the first 8 MB or so before it is asked for more.
fn write_twenty_megabytes(topic: &str, partition: i32) {
    Writer::new(&brokers(), topic).write(partition, &vec!["x".repeat(1_000); 20_000]);
}

fn transactional_writer(topic: &str) -> Writer {
    let id = unused_name("writer");
    let writer = Writer::with(&brokers(), topic, &[("transactional.id", &id)]);
    writer.producer().init_transactions(PATIENCE).unwrap();
    writer
}

fn in_transaction<T: AsRef<str>>(writer: &Writer, aborted: bool, payloads: &[T]) {
    writer.producer().begin_transaction().unwrap();
    writer.write(0, payloads);
    match aborted {
        true => writer.producer().abort_transaction(PATIENCE).unwrap(),
        false => writer.producer().commit_transaction(PATIENCE).unwrap(),
    }
}

fn open(options: KafkaOptions) -> KafkaSource {
    KafkaSource::open(options).expect("a source")
}

fn run_to_end(job: &mut Job<KafkaSource>) {
    eventually("the end", || {
        (job.step(WAIT).unwrap() == Polled::End).then_some(())
    });
}

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a test against a server of its own")]
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}
