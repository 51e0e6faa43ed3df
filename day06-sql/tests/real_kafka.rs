//! SQL on a real Kafka: the two programs of the seed, windows that are published exactly once while the program is killed, and
//! a run without an end.
//!
//! ```text
//! .ci/kafka up --port 19092 --dir /tmp/kafka
//! export KAFKA_BROKERS=localhost:19092
//! cargo test -p day06-sql --test real_kafka -- --ignored --test-threads 1
//! ```
//!
//! The programs of the seed name the broker `localhost:9092` and the topic `orders`. On a broker with this address that has no
//! such topic they run to the letter; anywhere else the two names are replaced in their text, and nothing else is. Each test
//! makes topics of its own; only `orders` is removed again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
#[path = "../../day01-consumer/tests/kafka/mod.rs"]
mod kafka;
#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use day01_consumer::kafka::{Fetch, KafkaSource};
use futures_executor::block_on;
use rdkafka::admin::AdminOptions;

use kafka::real::{admin, brokers, create_topic, new_topic, unused_name};
use kafka::{Writer, bounded, eventually, read_to_end};
use orders::{csv, ordered, rows};
use program::Folder;

const FLINK: &str = include_str!("../sql/flink.sql");
const RISINGWAVE: &str = include_str!("../sql/risingwave.sql");
/// The names in them.
const ADDRESS: &str = "localhost:9092";
const TOPIC: &str = "orders";

on_a_real_kafka! {
    the_programs_of_the_seed_count_what_a_topic_holds,
    a_run_without_an_end_shows_changes_as_they_come_and_goes_on_later,
    windows_are_published_once_though_the_program_is_killed,
    a_topic_that_is_not_there_is_an_error_that_names_it,
}

fn the_programs_of_the_seed_count_what_a_topic_holds() {
    let lines = ordered(20_000, 1);
    let expected = counts(&lines);
    with_the_topic_of_the_seed(4, |topic| {
        let writer = Writer::new(&brokers(), topic);
        for partition in 0..4 {
            let own: Vec<&String> = lines.iter().skip(partition).step_by(4).collect();
            writer.write(partition as i32, &own);
        }
        let folder =
            Folder::with("flink.sql", over(FLINK, topic)).and("risingwave.sql", over(RISINGWAVE, topic));
        for tasks in ["", "--workers 2 --sources 3"] {
            let view = folder.run(&format!("-f risingwave.sql --until-end --format csv {tasks}"));
            let mut csv = "merchant_id,order_count\n".to_string();
            csv.extend(
                expected
                    .iter()
                    .map(|(merchant, count)| format!("{merchant},{count}\n")),
            );
            assert_eq!(view.result(), csv, "{tasks}");
            assert_eq!(view.counted(), 20_000);

            let printed = folder.run(&format!("-f flink.sql --until-end --chunk-rows 1 {tasks}"));
            assert_eq!(printed.result().lines().count(), 2 * 20_000 - expected.len());
            assert_eq!(folded(printed.result().lines()), expected, "{tasks}");
        }
    });
}

fn a_run_without_an_end_shows_changes_as_they_come_and_goes_on_later() {
    let (first, second) = (ordered(2_000, 2), ordered(500, 3));
    let topic = new_topic("endless", 2);
    let writer = Writer::new(&brokers(), &topic);
    let view = over(RISINGWAVE, &topic)
        .split_once("CREATE MATERIALIZED")
        .unwrap()
        .1
        .to_string();
    let both = format!(
        "{} CREATE MATERIALIZED{view}",
        over(FLINK, &topic).replace("order_summary", "changes")
    );
    let folder = Folder::with("both.sql", both);
    let args =
        "-f both.sql --chunk-rows 1 --format csv --checkpoint-dir checkpoints --checkpoint-interval 200ms";
    writer.write(0, &first);
    let mut program = folder.start(args);
    program.wait_for("the input has no end: Ctrl-C stops");
    let mut lines: Vec<String> = Vec::new();
    // What is there, and then what comes while it runs.
    for (orders, write) in [(2_000, None), (2_500, Some(&second))] {
        if let Some(lines) = write {
            writer.write(1, lines);
        }
        while folded_sum(&lines) < orders {
            lines.push(program.read_a_line().trim_end().to_string());
        }
    }
    let all: Vec<String> = first.iter().chain(&second).cloned().collect();
    assert_eq!(folded(lines.iter().map(String::as_str)), counts(&all));
    assert!(program.child.try_wait().unwrap().is_none(), "it goes on");
    program.interrupt();
    let run = program.wait();
    assert!(
        run.result().contains("merchant_id,order_count\n"),
        "{}",
        run.stdout
    );

    // The view has perhaps not seen everything; whoever goes on from its checkpoint adds the rest.
    writer.write(0, &first);
    let run = folder.run(&format!("{args} --until-end --workers 2"));
    assert!(run.stderr.contains("going on from checkpoint "), "{}", run.stderr);
    let (_, view) = run.result().split_once("merchant_id,order_count\n").unwrap();
    let view: BTreeMap<String, u64> = view
        .lines()
        .map(|line| line.split_once(',').unwrap())
        .map(|(merchant, count)| (merchant.to_string(), count.parse().unwrap()))
        .collect();
    let all: Vec<String> = all.into_iter().chain(first).collect();
    assert_eq!(view, counts(&all));
}

fn windows_are_published_once_though_the_program_is_killed() {
    const KILLS: usize = 5;
    let lines = ordered(30_000, 4);
    let (topic, out) = (new_topic("killed", 1), new_topic("windows", 3));
    let sql = format!(
        "CREATE TABLE orders (merchant_id STRING, amount DECIMAL(10, 2), ts BIGINT, at AS TO_TIMESTAMP_LTZ(ts, 3),
             WATERMARK FOR at AS at)
         WITH ('connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{0}', 'format' = 'json');
         CREATE TABLE windows (merchant_id STRING, window_start TIMESTAMP_LTZ(3), window_end TIMESTAMP_LTZ(3),
             order_count BIGINT, amount_sum DECIMAL(12, 2), amount_min DECIMAL(10, 2), amount_max DECIMAL(10, 2))
         WITH ('connector' = 'kafka', 'topic' = '{out}', 'properties.bootstrap.servers' = '{0}', 'format' = 'json');
         INSERT INTO windows
         SELECT merchant_id, window_start, window_end, COUNT(*), SUM(amount), MIN(amount), MAX(amount)
         FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '0.1' SECOND))
         GROUP BY merchant_id, window_start, window_end;",
        brokers()
    );
    let folder = Folder::with("windows.sql", sql);
    let args = "-f windows.sql --checkpoint-dir checkpoints --checkpoint-interval 50ms";
    let expected = published(&lines);
    let seen = || {
        let mut source = KafkaSource::open(bounded(&brokers(), &out, Fetch::Poll)).unwrap();
        let mut seen: Vec<String> = read_to_end(&mut source)
            .into_iter()
            .map(|seen| seen.payload.unwrap())
            .collect();
        seen.sort();
        seen
    };
    let (writer, mut before) = (Writer::new(&brokers(), &topic), 0);
    let parts: Vec<&[String]> = lines.chunks(lines.len() / (KILLS + 1)).collect();
    for (kill, part) in parts.iter().take(KILLS).enumerate() {
        let program = folder.start(&format!("{args} --workers {}", 1 + kill % 2));
        let (now, later) = part.split_at(part.len() / 2);
        writer.write(0, now);
        before = eventually("more windows", || {
            Some(seen().len()).filter(|rows| *rows > before)
        });
        // It is at work again when the power goes: reading, publishing, or in the midst of a checkpoint.
        writer.write(0, later);
        thread::sleep(Duration::from_millis(37 * kill as u64));
        program.kill();
        let seen = seen();
        assert!(
            seen.iter().all(|row| expected.binary_search(row).is_ok()),
            "no window is half"
        );
    }
    writer.write(0, parts[KILLS]);
    let run = folder.run(&format!("{args} --until-end"));
    assert_eq!(run.result(), "");
    assert!(run.stderr.contains("going on from checkpoint "), "{}", run.stderr);
    // A commit is answered before readers see it.
    let seen = eventually("all windows", || {
        Some(seen()).filter(|seen| seen.len() >= expected.len())
    });
    assert_eq!(seen, expected);
}

fn a_topic_that_is_not_there_is_an_error_that_names_it() {
    let topic = unused_name("missing");
    let folder = Folder::with("q.sql", over(RISINGWAVE, &topic));
    let run = folder.run("-f q.sql --until-end");
    assert_eq!(run.code, 1, "{}", run.stderr);
    let said = format!("no topic \"{topic}\" at {}", brokers());
    assert!(run.stderr.contains(&said), "{}", run.stderr);
}

// ---------------------------------------------------------------------------------------------------------------------

/// How many orders each merchant has.
fn counts(lines: &[String]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    rows(lines)
        .into_iter()
        .for_each(|row| *counts.entry(row.0).or_default() += 1);
    counts
}

/// What `print` has said of each merchant at last; before it says something new, it takes the old back.
fn folded<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut folded: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines {
        let (change, row) = line.split_once('[').unwrap();
        let (merchant, count) = row.strip_suffix(']').unwrap().split_once(", ").unwrap();
        let count: u64 = count.parse().unwrap();
        let before = match change {
            "+I" | "+U" => folded.insert(merchant.to_string(), count),
            _ => folded.remove(merchant).filter(|before| *before != count),
        };
        assert_eq!(before, None, "{line}");
    }
    folded
}

/// How many orders these lines have counted.
fn folded_sum(lines: &[String]) -> u64 {
    // Each line that adds has counted one order more, where chunks are of one row.
    lines.iter().filter(|line| line.starts_with('+')).count() as u64
}

/// A time as SQL writes it: `2026-01-01T00:00:00.100Z` is `2026-01-01 00:00:00.1Z`.
fn in_sql(time: &str) -> String {
    let time = time.trim_end_matches('Z').replace('T', " ");
    format!("{}Z", time.trim_end_matches('0').trim_end_matches('.'))
}

/// The windows of orders as they are to be published, sorted.
fn published(lines: &[String]) -> Vec<String> {
    let windows = csv("tumble:100ms".parse().unwrap(), &rows(lines));
    let mut published: Vec<String> = windows
        .lines()
        .map(|line| {
            let [merchant, start, end, count, sum, min, max, _] = line.split(',').collect::<Vec<_>>()[..]
            else {
                panic!("{line}");
            };
            let [start, end] = [start, end].map(in_sql);
            format!(
                "{{\"merchant_id\":\"{merchant}\",\"window_start\":\"{start}\",\"window_end\":\"{end}\",\
                 \"order_count\":{count},\"amount_sum\":{sum},\"amount_min\":{min},\"amount_max\":{max}}}"
            )
        })
        .collect();
    published.sort();
    published
}

/// A program of the seed over this topic of the broker of the tests.
fn over(program: &str, topic: &str) -> String {
    let (written, named) = (
        program.replace(&format!("'{TOPIC}'"), &format!("'{topic}'")),
        brokers(),
    );
    written.replace(ADDRESS, &named)
}

/// With the topic that the programs of the seed name, where that is possible; else with another one.
fn with_the_topic_of_the_seed(partitions: i32, test: impl Fn(&str)) {
    let admin = admin();
    let is_there = || {
        let metadata = admin
            .inner()
            .fetch_metadata(None, Duration::from_secs(10))
            .unwrap();
        metadata.topics().iter().any(|topic| topic.name() == TOPIC)
    };
    if brokers() != ADDRESS || is_there() {
        let topic = new_topic("seed", partitions);
        eprintln!(
            "{ADDRESS} with a topic {TOPIC} is not ours: the programs read {topic} at {}",
            brokers()
        );
        return test(&topic);
    }
    create_topic(TOPIC, partitions, &[]);
    assert_eq!(over(FLINK, TOPIC), FLINK, "to the letter");
    test(TOPIC);
    block_on(admin.delete_topics(&[TOPIC], &AdminOptions::new())).unwrap()[0]
        .as_ref()
        .unwrap();
}
