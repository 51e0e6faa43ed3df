//! The Kafka source on a broker inside the process: the sandbox, and the mock cluster of which it is made.
//!
//! Nothing here needs a network or an installation. What a mock cluster cannot show (transactions, compaction, added
//! partitions, start by time) is in `real_kafka.rs`. Each test that reads runs with both ways to read, which must not differ
//! in anything but their cost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod kafka;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use day01_consumer::Error;
use day01_consumer::job::{Commit, Job, OnBadRecord};
use day01_consumer::kafka::{Fetch, KafkaOptions, KafkaSource};
use day01_consumer::lab::generator::GeneratorOptions;
use day01_consumer::lab::produce::{Key, Target, produce};
use day01_consumer::lab::sandbox::{Sandbox, SandboxSource};
use day01_consumer::records::{Records, Timestamp};
use day01_consumer::source::{Polled, Positions, Share, Source, Split, Start, Warning};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use kafka::{
    PATIENCE, Seen, WAIT, Writer, bounded, count_independently, counted, eventually, first_error, numbered,
    payloads, places, poll, read_to_end, read_until, read_until_caught_up, unbounded,
};

/// Makes a test of each function, which runs it with both ways to read.
macro_rules! both_ways {
    ($($test:ident),+ $(,)?) => {
        mod both_ways {
            $(#[test] fn $test() { super::kafka::in_both_ways(super::$test) })+
        }
    };
}

both_ways! {
    all_orders_of_the_sandbox_are_counted,
    no_order_is_lost_although_a_partition_has_not_room_for_all,
    two_threads_read_every_order_of_the_sandbox_once,
    a_share_without_a_partition_ends_with_the_sandbox,
    a_record_longer_than_the_limit_is_an_error_that_names_it,
    shares_together_read_every_record_once,
    a_bounded_source_stops_where_the_topic_ended_at_the_start,
    an_empty_topic_ends_at_once,
    an_empty_partition_does_not_hold_up_the_end,
    earliest_reads_everything_and_latest_what_comes_next,
    given_offsets_are_where_reading_starts,
    a_time_after_the_newest_record_starts_at_the_end,
    a_group_without_a_commit_starts_at_the_beginning,
    a_group_resumes_at_exactly_the_next_offset,
    a_start_out_of_range_is_refused_with_what_there_is,
    a_reader_that_retention_has_passed_stops_with_an_error,
    a_seek_before_the_first_poll_overrules_the_start,
    a_seek_while_reading_loses_and_doubles_nothing,
    a_seek_that_is_refused_moves_nothing,
    a_partition_that_pauses_brings_nothing_and_goes_on_where_it_was,
    a_split_is_caught_up_when_it_has_been_read_to_its_end,
    a_split_is_not_caught_up_while_newer_records_wait_in_the_client,
    tombstones_empty_payloads_keys_and_times_arrive_as_they_are,
    a_broker_that_goes_away_is_waited_for,
    a_bounded_source_waits_for_its_broker_too,
    a_broker_that_hangs_holds_up_no_poll_and_no_end,
    a_broker_that_gives_topics_no_id_is_told_of_once,
    one_broker_of_three_may_go_away_unnoticed,
    an_address_without_a_broker_is_nothing_to_warn_of,
    a_broker_is_not_back_because_old_records_are_left,
    an_error_of_the_broker_ends_the_reading_with_its_name,
    a_topic_that_has_gone_ends_the_reading_with_its_name,
}

// ---------------------------------------------------------------------------------------------------------------------
// The sandbox

fn all_orders_of_the_sandbox_are_counted(fetch: Fetch) {
    let generated = orders(20_000);
    let sandbox = Sandbox::start("orders", 8, generated.clone()).unwrap();
    let mut job = job_on(&sandbox, fetch);
    eventually("all orders", || {
        (job.step(WAIT).unwrap() == Polled::End).then_some(())
    });
    assert_eq!(counted(&job), count_independently(&generated));
    assert_eq!(job.source().warnings(), []);
}

fn no_order_is_lost_although_a_partition_has_not_room_for_all(fetch: Fetch) {
    let generated = orders(150_000);
    let sandbox = Sandbox::start("orders", 1, generated.clone()).unwrap();
    let mut job = job_on(&sandbox, fetch);
    let watcher = watcher(&sandbox.brokers());
    let watch = || watcher.fetch_watermarks("orders", 0, PATIENCE).unwrap();
    eventually("all orders", || {
        let polled = job.step(WAIT).unwrap();
        let (_, written) = watch();
        let read = job.source().splits()[0].position;
        assert!(written - read <= 10_000, "{written} written, {read} read");
        (polled == Polled::End).then_some(())
    });
    assert_eq!(counted(&job), count_independently(&generated));
    let (oldest, _) = watch();
    assert!(
        oldest > 0,
        "there was room for all of them, so this has shown nothing"
    );
}

#[test]
fn the_feeder_waits_for_its_reader() {
    let sandbox = Sandbox::start("orders", 1, orders(15_000)).unwrap();
    let watcher = watcher(&sandbox.brokers());
    eventually("as many orders as may wait", || {
        let (_, written) = watcher.fetch_watermarks("orders", 0, PATIENCE).unwrap();
        (written == 10_000).then_some(())
    });

    let mut source = read_from(&sandbox, Fetch::default());
    assert_eq!(read_to_end(&mut source).len(), 15_000);
    assert_eq!(poll(&mut source), (Polled::End, vec![]), "an end is an end");
}

#[test]
fn a_sandbox_that_nobody_reads_can_be_dropped() {
    drop(Sandbox::start("orders", 1, orders(15_000)).unwrap());
}

/// The feeder can only go on while all of them read: their shares are too large to fit.
fn two_threads_read_every_order_of_the_sandbox_once(fetch: Fetch) {
    const ORDERS: u64 = 100_000;
    let sandbox = Sandbox::start("orders", 3, orders(ORDERS)).unwrap();
    let threads = halves(&sandbox, fetch).map(|mut half| {
        std::thread::spawn(move || {
            let seen = read_to_end(&mut half);
            assert_eq!(poll(&mut half), (Polled::End, vec![]), "an end is an end");
            assert_eq!(half.warnings(), []);
            seen
        })
    });
    let seen = threads.map(|thread| thread.join().unwrap());
    let partitions = seen.each_ref().map(|seen| {
        let partitions: BTreeSet<i32> = seen.iter().map(|seen| seen.partition).collect();
        Vec::from_iter(partitions)
    });
    assert_eq!(partitions, [vec![0, 2], vec![1]]);
    assert_eq!(seen[0].len() + seen[1].len(), ORDERS as usize);
    let keys: BTreeSet<&Option<String>> = seen.iter().flatten().map(|seen| &seen.key).collect();
    assert_eq!(keys.len(), ORDERS as usize, "each order has a key of its own");
}

fn a_share_without_a_partition_ends_with_the_sandbox(fetch: Fetch) {
    let sandbox = Sandbox::start("orders", 1, orders(15_000)).unwrap();
    let [mut all, mut none] = halves(&sandbox, fetch);
    assert_eq!(none.splits(), []);
    assert_eq!(poll(&mut none), (Polled::Idle, vec![]), "the feeder is at work");
    assert_eq!(read_to_end(&mut all).len(), 15_000);
    assert_eq!(read_to_end(&mut none), []);
}

// ---------------------------------------------------------------------------------------------------------------------
// Shares

fn shares_together_read_every_record_once(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 4);
    for partition in 0..4 {
        writer.write(partition, &numbered("r", 0..3));
    }
    let open = |options: fn(&str, &str, Fetch) -> KafkaOptions| {
        KafkaSource::open(options(&cluster.bootstrap_servers(), "letters", fetch)).unwrap()
    };
    let all = places(&read_to_end(&mut open(bounded)));
    for of in [1, 2, 3, 7] {
        let mut seen = Vec::new();
        for index in 0..of {
            let mut source = open(bounded);
            source.share(Share { index, of });
            seen.extend(read_to_end(&mut source));
        }
        assert_eq!(places(&seen), all, "{of} shares");
    }

    // A share without a partition: an end if there will never be one, else a wait.
    let nothing = Share { index: 6, of: 7 };
    let (mut for_ever, mut to_the_end) = (open(unbounded), open(bounded));
    for_ever.share(nothing);
    to_the_end.share(nothing);
    assert_eq!(poll(&mut to_the_end), (Polled::End, vec![]));
    // For longer than it takes to look at the topic again.
    let until = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < until {
        assert_eq!(poll(&mut for_ever), (Polled::Idle, vec![]));
    }
    assert_eq!(for_ever.warnings(), []);
}

// ---------------------------------------------------------------------------------------------------------------------
// Where reading ends

fn a_bounded_source_stops_where_the_topic_ended_at_the_start(fetch: Fetch) {
    const LONGER: usize = 10_000;
    let (cluster, writer) = cluster_with("letters", 2);
    writer.write(0, &["a", "b"]);
    writer.write(1, &numbered("r", 0..LONGER));
    let mut source = KafkaSource::open(bounded(&cluster.bootstrap_servers(), "letters", fetch)).unwrap();
    // The client fetches these as well, since partition 1 takes it a while.
    writer.write(0, &["too late"]);
    writer.write(1, &["too late"]);

    let seen = read_to_end(&mut source);
    assert_eq!(payloads(&seen)[..3], ["a", "b", "r-0"]);
    assert_eq!(seen.len(), 2 + LONGER);
    assert_eq!(positions(&source), "letters/0@2 letters/1@10000");
    assert_eq!(poll(&mut source), (Polled::End, vec![]), "an end is an end");
}

fn a_record_longer_than_the_limit_is_an_error_that_names_it(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 2);
    writer.write(1, &["short", "exactly ten", "short"]);
    for (max, refused) in [(11, false), (10, true)] {
        let options = bounded(&cluster.bootstrap_servers(), "letters", fetch);
        let mut source = KafkaSource::open(options).unwrap().with_max_record(max);
        let mut records = Records::new();
        let end = loop {
            match source.poll(&mut records, Duration::from_millis(10)) {
                Ok(Polled::End) => break None,
                Ok(_) => {}
                Err(error) => break Some(error.to_string()),
            }
        };
        let said = "letters/1@1 is longer than 10 B; to accept longer records, raise --max-record";
        assert_eq!(end.as_deref(), refused.then_some(said));
    }
}

fn an_empty_topic_ends_at_once(fetch: Fetch) {
    let (cluster, _) = cluster_with("letters", 3);
    let mut source = KafkaSource::open(bounded(&cluster.bootstrap_servers(), "letters", fetch)).unwrap();
    assert_eq!(poll(&mut source), (Polled::End, vec![]));
}

fn an_empty_partition_does_not_hold_up_the_end(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 3);
    writer.write(1, &["a"]);
    let mut source = KafkaSource::open(bounded(&cluster.bootstrap_servers(), "letters", fetch)).unwrap();
    assert_eq!(payloads(&read_to_end(&mut source)), ["a"]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Where reading starts

fn earliest_reads_everything_and_latest_what_comes_next(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a", "b"]);
    let open = |start| {
        let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
        KafkaSource::open(KafkaOptions { start, ..options }).unwrap()
    };
    let (mut earliest, mut latest) = (open(Start::Earliest), open(Start::Latest));
    writer.write(0, &["c"]);
    assert_eq!(payloads(&read_up_to(&mut earliest, 3)), ["a", "b", "c"]);
    assert_eq!(payloads(&read_up_to(&mut latest, 3)), ["c"]);
}

fn given_offsets_are_where_reading_starts(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 3);
    for partition in 0..3 {
        writer.write(partition, &numbered("r", 0..3));
    }
    let start = Start::At(BTreeMap::from([(0, 2), (2, 3)]));
    let options = bounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(KafkaOptions { start, ..options }).unwrap();
    assert_eq!(
        places(&read_to_end(&mut source)),
        [(0, 2), (1, 0), (1, 1), (1, 2)],
        "1 is not named: from its oldest"
    );
}

/// The mock cluster answers each question about a time with "later than all I have".
fn a_time_after_the_newest_record_starts_at_the_end(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a", "b"]);
    let start = Start::Timestamp(i64::MAX);
    let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(KafkaOptions { start, ..options }).unwrap();
    writer.write(0, &["c"]);
    assert_eq!(payloads(&read_up_to(&mut source, 3)), ["c"]);
}

fn a_group_without_a_commit_starts_at_the_beginning(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a", "b"]);
    let options = bounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(KafkaOptions {
        start: Start::Group,
        ..options
    })
    .unwrap();
    assert_eq!(payloads(&read_to_end(&mut source)), ["a", "b"]);
}

fn a_group_resumes_at_exactly_the_next_offset(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 2);
    writer.write(0, &numbered("r", 0..5));
    let open = || {
        let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
        let start = Start::Group;
        KafkaSource::open(KafkaOptions { start, ..options }).unwrap()
    };

    let mut source = open();
    read_up_to(&mut source, 5);
    source.commit(&Positions::of(source.splits())).unwrap();
    drop(source);
    writer.write(0, &numbered("r", 5..7));
    writer.write(1, &["s-0"]);

    let seen = read_until_caught_up(&mut open());
    assert_eq!(places(&seen), [(0, 5), (0, 6), (1, 0)]);
    assert_eq!(payloads(&seen), ["r-5", "r-6", "s-0"]);
}

#[test]
fn a_partition_that_is_not_there_cannot_be_started_from() {
    let (cluster, _) = cluster_with("letters", 2);
    let start = Start::At(BTreeMap::from([(7, 0)]));
    let options = unbounded(&cluster.bootstrap_servers(), "letters", Fetch::default());
    let error = KafkaSource::open(KafkaOptions { start, ..options })
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        r#"no split "letters/7"; splits there: letters/0, letters/1"#
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// What a partition does not hold

fn a_start_out_of_range_is_refused_with_what_there_is(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 2);
    writer.write(1, &["a", "b"]);
    let start = Start::At(BTreeMap::from([(1, 3)]));
    let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
    let error = KafkaSource::open(KafkaOptions { start, ..options })
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "letters/1: offset 3 is out of range, available is 0 to 2; \
         to start at the oldest record that is left, use --from 1=0"
    );
}

fn a_reader_that_retention_has_passed_stops_with_an_error(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 2);
    writer.write(1, &["a"]);
    let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options.clone()).unwrap();
    push_out_the_oldest(&writer, 1);

    let Error::OffsetOutOfRange {
        partition,
        wanted,
        low,
        high,
        ..
    } = first_error(&mut source)
    else {
        panic!("another error");
    };
    assert_eq!((partition, wanted, high), (1, 0, 11));
    assert!(low > 0);

    // What the error advises works.
    let start = Start::At(BTreeMap::from([(partition, low)]));
    assert!(KafkaSource::open(KafkaOptions { start, ..options }).is_ok());
}

/// More than the 5 MiB that a mock cluster keeps of a partition.
fn push_out_the_oldest(writer: &Writer, partition: i32) {
    writer.write(partition, &vec!["x".repeat(900_000); 10]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Seeking

fn a_seek_before_the_first_poll_overrules_the_start(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 2);
    writer.write(0, &numbered("r", 0..3));
    writer.write(1, &numbered("s", 0..3));
    for start in [Start::Earliest, Start::Latest] {
        let options = bounded(&cluster.bootstrap_servers(), "letters", fetch);
        let mut source = KafkaSource::open(KafkaOptions { start, ..options }).unwrap();
        source.seek(&at([("letters/0", 2), ("letters/1", 1)])).unwrap();
        assert_eq!(payloads(&read_to_end(&mut source)), ["r-2", "s-1", "s-2"]);
    }
}

fn a_seek_while_reading_loses_and_doubles_nothing(fetch: Fetch) {
    const RECORDS: usize = 10_000;
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &numbered("r", 0..RECORDS));
    let options = bounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options).unwrap();
    // Each time with thousands of records on their way that are not wanted any more.
    for wanted in [5_000, 0, 9_999, 3] {
        read_until(&mut source, "a first batch", |splits| splits[0].position > 0);
        source.seek(&at([("letters/0", wanted)])).unwrap();
        assert_eq!(source.splits()[0].position, wanted);
        let (polled, seen) = eventually("records", || {
            Some(poll(&mut source)).filter(|(polled, _)| *polled != Polled::Idle)
        });
        assert_eq!(polled, Polled::Ready);
        assert_eq!(seen[0].offset, wanted);
    }
    source.seek(&at([("letters/0", 17)])).unwrap();
    let offsets: Vec<i64> = read_to_end(&mut source).iter().map(|seen| seen.offset).collect();
    assert!(offsets.into_iter().eq(17..RECORDS as i64));
}

/// With thousands of records on their way, at the end of a partition, and again and again.
fn a_partition_that_pauses_brings_nothing_and_goes_on_where_it_was(fetch: Fetch) {
    const RECORDS: usize = 10_000;
    let (cluster, writer) = cluster_with("letters", 2);
    for partition in 0..2 {
        writer.write(partition, &numbered("r", 0..RECORDS));
    }
    let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options).unwrap();
    let mut seen = read_until(&mut source, "a batch", |splits| splits[0].position > 0);
    for paused in [0, 1, 0, 1] {
        source.pause(&[paused]).unwrap();
        let position = |splits: &[Split], of: i32| splits[of as usize].position;
        let (stays, moves) = (
            position(source.splits(), paused),
            position(source.splits(), 1 - paused),
        );
        seen.extend(read_until(&mut source, "the other", |splits| {
            position(splits, 1 - paused) > (moves + 2_000).min(RECORDS as i64 - 1)
        }));
        assert_eq!(position(source.splits(), paused), stays);
    }
    source.pause(&[]).unwrap();
    seen.extend(read_until_caught_up(&mut source));
    source.pause(&[0]).unwrap();
    (0..2).for_each(|partition| writer.write(partition, &numbered("more", 0..10)));
    seen.extend(read_until(&mut source, "more of 1", |splits| {
        splits[1].position == RECORDS as i64 + 10
    }));
    assert_eq!(source.splits()[0].position, RECORDS as i64);
    source.pause(&[]).unwrap();
    seen.extend(read_until(&mut source, "more of 0", |splits| {
        splits[0].position == RECORDS as i64 + 10
    }));
    let all = (0..2).flat_map(|partition| (0..RECORDS as i64 + 10).map(move |offset| (partition, offset)));
    assert!(places(&seen).into_iter().eq(all), "each record once");
}

fn a_seek_that_is_refused_moves_nothing(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 2);
    writer.write(0, &["a", "b"]);
    writer.write(1, &["c"]);
    let options = bounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options).unwrap();
    read_until(&mut source, "a record", |splits| splits[1].position > 0);
    let before = positions(&source);
    for (refused, why) in [
        (
            at([("letters/0", 1), ("letters/1", 2)]),
            "letters/1: offset 2 is out of range",
        ),
        (
            at([("letters/0", 1), ("letters/2", 0)]),
            r#"no split "letters/2""#,
        ),
    ] {
        let error = source.seek(&refused).unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
        assert_eq!(positions(&source), before);
    }
    read_to_end(&mut source);
}

// ---------------------------------------------------------------------------------------------------------------------
// How far reading has come

fn a_split_is_caught_up_when_it_has_been_read_to_its_end(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a", "b"]);
    let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options).unwrap();
    let split = &source.splits()[0];
    assert_eq!(
        (split.caught_up, split.lag()),
        (false, Some(2)),
        "before the first fetch"
    );

    read_until_caught_up(&mut source);
    let split = &source.splits()[0];
    assert_eq!((split.position, split.end, split.lag()), (2, Some(2), Some(0)));

    writer.write(0, &["c"]);
    read_up_to(&mut source, 3);
    read_until_caught_up(&mut source);
    let split = &source.splits()[0];
    assert_eq!((split.position, split.end, split.lag()), (3, Some(3), Some(0)));
}

fn a_split_is_not_caught_up_while_newer_records_wait_in_the_client(fetch: Fetch) {
    const MORE_THAN_A_BATCH: usize = 3_000;
    let (cluster, writer) = cluster_with("letters", 1);
    let open = || KafkaSource::open(unbounded(&cluster.bootstrap_servers(), "letters", fetch)).unwrap();
    // The client hears of the end, then of more records, and is polled only then. A second reader tells when.
    let (mut source, mut witness) = (open(), open());
    poll(&mut source);
    read_until_caught_up(&mut witness);
    writer.write(0, &numbered("r", 0..MORE_THAN_A_BATCH));
    read_up_to(&mut witness, MORE_THAN_A_BATCH as i64);

    eventually("all records", || {
        let (_, seen) = poll(&mut source);
        let split = &source.splits()[0];
        let all = split.position == MORE_THAN_A_BATCH as i64;
        assert!(seen.is_empty() || all || !split.caught_up, "{split:?}");
        all.then_some(())
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// What arrives

fn tombstones_empty_payloads_keys_and_times_arrive_as_they_are(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.send([
        writer.to(0).key("k").payload("p").timestamp(1_767_225_600_123),
        writer.to(0).key("k").timestamp(2),
        writer.to(0).key("").payload("").timestamp(3),
        writer.to(0).payload("no key").timestamp(1),
    ]);
    let options = bounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options).unwrap();
    let seen: Vec<_> = read_to_end(&mut source)
        .into_iter()
        .map(|seen| (seen.offset, seen.key, seen.payload, seen.timestamp))
        .collect();
    let some = |text: &str| Some(text.to_string());
    let created = |millis| Some(Timestamp::Created(millis));
    assert_eq!(
        seen,
        [
            (0, some("k"), some("p"), created(1_767_225_600_123)),
            (1, some("k"), None, created(2)),
            (2, some(""), some(""), created(3)),
            (3, None, some("no key"), created(1)),
        ]
    );
    assert_eq!(source.splits()[0].position, 4, "behind the tombstone, too");
}

#[test]
fn what_is_produced_lies_where_its_key_says() {
    const PARTITIONS: i32 = 4;
    for key in [Key::OrderId, Key::MerchantId, Key::None] {
        let (cluster, _) = cluster_with("orders", PARTITIONS);
        let target = Target::Topic {
            cluster: cluster.bootstrap_servers().into(),
            topic: "orders".to_string(),
            partitions: PARTITIONS,
            key,
        };
        assert_eq!(produce(&orders(1_000), &target, &|| false).unwrap(), 1_000);

        let options = bounded(&cluster.bootstrap_servers(), "orders", Fetch::default());
        let seen = read_to_end(&mut KafkaSource::open(options).unwrap());
        assert_eq!(seen.len(), 1_000);
        let mut partitions: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
        for record in &seen {
            let (_, rest) = record
                .payload
                .as_deref()
                .unwrap()
                .split_once(r#""merchant_id":""#)
                .unwrap();
            let merchant = rest.split('"').next().unwrap();
            partitions.entry(merchant).or_default().insert(record.partition);
            let expected = match key {
                Key::MerchantId => Some(merchant),
                Key::OrderId => record.key.as_deref().filter(|key| key.starts_with("o-")),
                Key::None => None,
            };
            assert_eq!(record.key.as_deref(), expected);
        }
        let most = partitions.values().map(BTreeSet::len).max();
        assert_eq!(most, Some(if key == Key::MerchantId { 1 } else { 4 }), "{key:?}");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Brokers that go away, and brokers that refuse

#[test]
fn a_broker_that_is_not_there_is_named_within_seconds() {
    let begun = Instant::now();
    let options = unbounded(NOBODY, "letters", Fetch::default());
    let error = KafkaSource::open(options).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("cannot reach Kafka at {NOBODY}: Connection refused")
    );
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
}

/// A proxy stands for the broker's host: it has the broker say that it is to be reached at another address.
#[test]
fn an_advertised_address_that_cannot_be_reached_is_named() {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a"]);
    let broker = cluster.bootstrap_servers();
    let (_, port) = broker.rsplit_once(':').unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap().to_string();
    let to = broker.clone();
    std::thread::spawn(move || {
        for client in proxy.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&to).unwrap());
            let pairs = [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ];
            for (from, to) in pairs {
                std::thread::spawn(move || forward(from, to));
            }
        }
    });
    for start in [Start::Earliest, Start::Group] {
        let options = unbounded(&address, "letters", Fetch::default());
        let error = KafkaSource::open(KafkaOptions { start, ..options })
            .err()
            .unwrap();
        let error = error.to_string();
        assert!(error.contains(&format!("127.9.9.9:{port}")), "{error}");
        // Ports are others in each run.
        let (_, own) = address.rsplit_once(':').unwrap();
        let error = error.replace(own, "9092").replace(port, "9093");
        insta::assert_snapshot!("advertised", error);
    }
}

/// Hands on bytes until one side has had enough, with an address of as many letters in place of the broker's.
fn forward(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        let read = &mut bytes[..read];
        while let Some(at) = read.windows(9).position(|window| window == b"127.0.0.1") {
            read[at..at + 9].copy_from_slice(b"127.9.9.9");
        }
        if to.write_all(read).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_topic_that_is_not_there_is_named_with_those_that_are() {
    let (cluster, _) = cluster_with("letters", 1);
    cluster.create_topic("numbers", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    // Asking must not bring it about.
    for _ in 0..2 {
        let error = KafkaSource::open(unbounded(&brokers, "leters", Fetch::default()))
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            format!(r#"no topic "leters" at {brokers}; topics there: letters, numbers"#)
        );
    }
}

fn a_broker_that_goes_away_is_waited_for(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a"]);
    let brokers = cluster.bootstrap_servers();
    let mut source = KafkaSource::open(unbounded(&brokers, "letters", fetch)).unwrap();
    read_until_caught_up(&mut source);
    assert_eq!(source.warnings(), []);

    cluster.broker_down(1).unwrap();
    let away = eventually("a warning", || {
        assert_eq!(poll(&mut source), (Polled::Idle, vec![]));
        source.warnings().pop()
    });
    let Warning::BrokerAway {
        brokers: named,
        reason,
    } = away
    else {
        panic!("{away:?}");
    };
    assert_eq!(named, brokers);
    assert!(
        reason == "Connection refused" || reason == "Disconnected",
        "{reason}"
    );
    for _ in 0..20 {
        assert_eq!(poll(&mut source), (Polled::Idle, vec![]));
    }
    assert_eq!(source.warnings(), [], "once is enough");

    cluster.broker_up(1).unwrap();
    writer.write(0, &["b", "c"]);
    assert_eq!(payloads(&read_up_to(&mut source, 3)), ["b", "c"]);
    let back = eventually("a second warning", || {
        poll(&mut source);
        source.warnings().pop()
    });
    assert_eq!(back, Warning::BrokerBack { brokers });
}

fn a_bounded_source_waits_for_its_broker_too(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a", "b"]);
    let options = bounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options).unwrap();
    cluster.broker_down(1).unwrap();
    let away = eventually("a warning", || {
        assert_eq!(poll(&mut source), (Polled::Idle, vec![]));
        source.warnings().pop()
    });
    assert!(matches!(away, Warning::BrokerAway { .. }), "{away}");
    cluster.broker_up(1).unwrap();
    assert_eq!(payloads(&read_to_end(&mut source)), ["a", "b"]);
}

/// The broker is there and keeps each answer back for a minute, as one that is stopped (`kill -STOP`) does.
fn a_broker_that_hangs_holds_up_no_poll_and_no_end(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a"]);
    let mut source = KafkaSource::open(unbounded(&cluster.bootstrap_servers(), "letters", fetch)).unwrap();
    read_until_caught_up(&mut source);
    cluster.broker_round_trip_time(1, PATIENCE).unwrap();

    let (mut records, mut longest) = (Records::new(), Duration::ZERO);
    let away = eventually("a warning", || {
        let begun = Instant::now();
        source.poll(&mut records, Duration::from_millis(5)).unwrap();
        longest = longest.max(begun.elapsed());
        source.warnings().pop()
    });
    assert!(matches!(away, Warning::BrokerAway { .. }), "{away}");
    // A question waits for an answer for two seconds at least, and several were put.
    assert!(longest < Duration::from_millis(400), "a poll took {longest:?}");
    let begun = Instant::now();
    drop(source);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

fn a_broker_that_gives_topics_no_id_is_told_of_once(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 2);
    writer.write(0, &["a"]);
    let open = |index| {
        let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
        let mut source = KafkaSource::open(options).unwrap();
        source.share(Share { index, of: 2 });
        source
    };
    let mut with_ids = open(0);
    // Version 10 of the answer brought them.
    cluster
        .apiversion(RDKafkaApiKey::Metadata, Some(0), Some(9))
        .unwrap();
    let mut sources = [open(0), open(1)];
    let said = sources.each_mut().map(|source| {
        read_until_caught_up(source);
        source.warnings()
    });
    let topic = "letters".to_string();
    assert_eq!(said, [vec![Warning::NoTopicId { topic }], vec![]]);
    poll(&mut with_ids);
    assert_eq!(with_ids.warnings(), []);
    assert!(with_ids.splits().iter().all(|split| split.identity.is_some()));
}

fn one_broker_of_three_may_go_away_unnoticed(fetch: Fetch) {
    let cluster = MockCluster::new(3).unwrap();
    cluster.create_topic("letters", 2, 1).unwrap();
    cluster.partition_leader("letters", 0, Some(1)).unwrap();
    cluster.partition_leader("letters", 1, Some(2)).unwrap();
    let brokers = cluster.bootstrap_servers();
    let mut source = KafkaSource::open(unbounded(&brokers, "letters", fetch)).unwrap();
    read_until_caught_up(&mut source);
    let writer = Writer::new(&brokers, "letters");

    // Both that which leads a partition and that which leads none.
    for down in [2, 3] {
        cluster.broker_down(down).unwrap();
        for number in 0..5 {
            writer.write(0, &[format!("while {down} is away: {number}")]);
            poll(&mut source);
        }
    }
    read_up_to(&mut source, 10);
    assert_eq!(source.warnings(), [], "there was always one");
}

/// Of several addresses one is enough. `localhost` is often two by itself: `::1`, where no broker listens, and `127.0.0.1`.
fn an_address_without_a_broker_is_nothing_to_warn_of(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    let brokers = format!("{},{}", NOBODY, cluster.bootstrap_servers());
    let mut source = KafkaSource::open(unbounded(&brokers, "letters", fetch)).unwrap();
    writer.write(0, &["a"]);
    read_up_to(&mut source, 1);
    read_until_caught_up(&mut source);
    assert_eq!(source.warnings(), []);
}

fn a_broker_is_not_back_because_old_records_are_left(fetch: Fetch) {
    const RECORDS: usize = 8_000;
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &numbered("r", 0..RECORDS));
    let mut source = KafkaSource::open(unbounded(&cluster.bootstrap_servers(), "letters", fetch)).unwrap();
    read_until(&mut source, "a first batch", |splits| splits[0].position > 0);
    cluster.broker_down(1).unwrap();
    let mut warnings = Vec::new();
    eventually("the news that the broker is away", || {
        // It should come while thousands of records are left, so they are not read as fast as they could be.
        std::thread::sleep(Duration::from_millis(20));
        poll(&mut source);
        warnings.extend(source.warnings());
        (!warnings.is_empty()).then_some(())
    });
    while poll(&mut source).0 == Polled::Ready {}
    warnings.extend(source.warnings());
    assert!(
        matches!(warnings[..], [Warning::BrokerAway { .. }]),
        "{warnings:?}"
    );
}

fn an_error_of_the_broker_ends_the_reading_with_its_name(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a"]);
    let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options).unwrap();
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::Fetch, &[refused]);
    assert_eq!(
        first_error(&mut source).to_string(),
        "reading letters: Message consumption error: TopicAuthorizationFailed (Broker: Topic authorization failed)"
    );
}

fn a_topic_that_has_gone_ends_the_reading_with_its_name(fetch: Fetch) {
    let (cluster, writer) = cluster_with("letters", 1);
    writer.write(0, &["a"]);
    let options = unbounded(&cluster.bootstrap_servers(), "letters", fetch);
    let mut source = KafkaSource::open(options).unwrap();
    read_until_caught_up(&mut source);
    let gone = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    cluster.topic_error("letters", gone).unwrap();
    let error = first_error(&mut source);
    assert!(
        matches!(&error, Error::UnknownTopic { topic, .. } if topic == "letters"),
        "{error}"
    );
}

// ---------------------------------------------------------------------------------------------------------------------

/// A reader of the sandbox's topic.
fn read_from(sandbox: &Sandbox, fetch: Fetch) -> SandboxSource<KafkaSource> {
    let options = unbounded(&sandbox.brokers(), sandbox.topic(), fetch);
    sandbox.source(KafkaSource::open(options).unwrap())
}

/// Two readers of it, which share its partitions.
fn halves(sandbox: &Sandbox, fetch: Fetch) -> [SandboxSource<KafkaSource>; 2] {
    [0, 1].map(|index| {
        let mut half = read_from(sandbox, fetch);
        half.share(Share { index, of: 2 });
        half
    })
}

fn job_on(sandbox: &Sandbox, fetch: Fetch) -> Job<SandboxSource<KafkaSource>> {
    Job::new(read_from(sandbox, fetch), Commit::None, OnBadRecord::Fail)
}

fn orders(orders: u64) -> GeneratorOptions {
    GeneratorOptions {
        orders,
        ..GeneratorOptions::default()
    }
}

/// A client that only asks what a partition holds.
fn watcher(brokers: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).create().unwrap()
}

/// A broker with one empty topic, and a writer to it.
fn cluster_with(topic: &str, partitions: i32) -> (MockCluster<'static, DefaultProducerContext>, Writer) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(topic, partitions, 1).unwrap();
    let writer = Writer::new(&cluster.bootstrap_servers(), topic);
    (cluster, writer)
}

/// An address where nobody listens: this port is reserved for a service that nobody runs.
const NOBODY: &str = "127.0.0.1:1";

/// Everything until the positions add up to `position`.
fn read_up_to(source: &mut KafkaSource, position: i64) -> Vec<Seen> {
    read_until(source, "enough records", |splits| {
        splits.iter().map(|split| split.position).sum::<i64>() >= position
    })
}

fn at<const N: usize>(positions: [(&str, i64); N]) -> Positions {
    positions
        .into_iter()
        .map(|(split, offset)| (split.to_string(), offset))
        .collect()
}

fn positions(source: &KafkaSource) -> String {
    Positions::of(source.splits()).to_string()
}
