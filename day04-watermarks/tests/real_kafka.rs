//! The program of day 4 on a real Kafka: a partition without orders, partitions at several speeds, and who is named when
//! nothing comes out.
//!
//! ```text
//! .ci/kafka up --port 19092 --dir /tmp/kafka
//! export KAFKA_BROKERS=localhost:19092
//! cargo test -p day04-watermarks --test real_kafka -- --ignored --test-threads 1
//! ```
//!
//! Each test makes a topic of its own and leaves it behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
#[path = "../../day01-consumer/tests/kafka/mod.rs"]
mod kafka;
#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use std::time::{Duration, Instant};

use day03_windows::time::EventTime;
use jiff::SignedDuration;
use rdkafka::producer::Producer;

use kafka::Writer;
use kafka::real::{brokers, new_topic, unused_name};
use orders::{HEADER, KINDS, csv, disordered, order, ordered, rows};
use program::Folder;

on_a_real_kafka! {
    with_an_empty_partition_nothing_closes_before_the_idle_timeout_and_everything_due_behind_it,
    an_empty_partition_is_named_as_long_as_it_holds_windows_back,
    windows_close_by_the_slowest_partition_and_it_is_the_one_that_is_named,
    a_partition_whose_orders_wait_for_the_end_of_a_transaction_is_not_idle,
    partitions_out_of_order_lose_nothing_and_the_end_of_the_topic_gives_the_batch_answer,
}

/// What closes when time has come to `now`, as the program prints it.
fn due(windows: &str, lines: &[String], now: i64) -> Vec<String> {
    let all = csv(windows.parse().unwrap(), &rows(lines));
    let has_closed = |row: &&str| {
        let end: EventTime = row.split(',').nth(2).unwrap().parse().unwrap();
        end.0 <= now
    };
    all.lines()
        .filter(has_closed)
        .map(|row| format!("{row}\n"))
        .collect()
}

/// The timestamp of the last of these orders, which are in the order of their times.
fn last(lines: &[String]) -> i64 {
    rows(lines).last().unwrap().1
}

/// Down to the grid of watermarks, less a delay of 100 ms.
fn watermark(largest: i64) -> i64 {
    (largest - 100).div_euclid(100) * 100
}

fn with_an_empty_partition_nothing_closes_before_the_idle_timeout_and_everything_due_behind_it() {
    let topic = new_topic("one-is-empty", 3);
    let lines = ordered(2_000, 1);
    let writer = Writer::new(&brokers(), &topic);
    for partition in 0..2 {
        let own: Vec<&String> = lines.iter().skip(partition).step_by(2).collect();
        writer.write(partition as i32, &own);
    }
    for tasks in ["", "--sources 3 --workers 1"] {
        let started = Instant::now();
        let args = format!("--window tumble:100ms --delay 100ms --idle-timeout 2s {tasks}");
        let mut program = Folder::new().start(&reading(&topic, &args));
        assert_eq!(program.read_a_line(), HEADER);
        // First the empty one goes idle and then the others, and the highest watermark counts.
        for (number, row) in due("tumble:100ms", &lines, watermark(last(&lines)))
            .iter()
            .enumerate()
        {
            assert_eq!(program.read_a_line(), *row, "row {number}, {args}");
            let so_far = started.elapsed();
            assert!(so_far >= Duration::from_secs(2), "row {number} after {so_far:?}");
        }
        program.wait_for("all splits are idle");
        program.interrupt();
        let run = program.wait();
        assert_eq!(run.result(), "", "nothing of open windows");
        let (_, last_words) = run.stderr.split_once(" records in ").unwrap();
        assert!(
            !last_words.contains("held back"),
            "nobody is to blame: {}",
            run.stderr
        );
        assert!(last_words.contains("all splits are idle"), "{}", run.stderr);
    }
    // Orders that come later go on from there.
    let mut program = Folder::new().start(&reading(
        &topic,
        "--window tumble:100ms --delay 100ms --idle-timeout 2s",
    ));
    for _ in 0..=due("tumble:100ms", &lines, watermark(last(&lines))).len() {
        program.read_a_line();
    }
    writer.write(2, &[order("m-1", "1.00", last(&lines) + 100_000).trim_end()]);
    assert!(program.read_a_line().starts_with("m-"), "the rest closes");
    program.interrupt();
    assert!(!program.wait().stderr.contains(" late row"), "nothing was late");
}

fn an_empty_partition_is_named_as_long_as_it_holds_windows_back() {
    let topic = new_topic("named", 3);
    let lines = ordered(1_000, 2);
    let writer = Writer::new(&brokers(), &topic);
    for partition in 0..2 {
        writer.write(partition, &lines);
    }
    let mut program = Folder::new().start(&reading(&topic, "--window tumble:100ms --idle-timeout 1h"));
    program.wait_for("2,000 records, ");
    program.interrupt();
    let run = program.wait();
    assert_eq!(run.result(), HEADER, "not a row");
    let blamed = format!("\nno watermark yet, held back by {topic}/2: no record ");
    assert!(run.stderr.contains(&blamed), "{}", run.stderr);
    let named = run.stderr.matches("held back by").count();
    assert_eq!(
        run.stderr.matches(&blamed[1..]).count(),
        named,
        "and no other: {}",
        run.stderr
    );
}

fn a_partition_whose_orders_wait_for_the_end_of_a_transaction_is_not_idle() {
    let lines = ordered(600, 4);
    let (wait, timeout) = (Duration::from_secs(10), Duration::from_secs(3));
    // The client meets an open transaction, or it begins where the client has already seen the end.
    for begins_first in [true, false] {
        let (topic, id) = (new_topic("transaction", 2), unused_name("writer"));
        let plain = Writer::new(&brokers(), &topic);
        let writer = Writer::with(&brokers(), &topic, &[("transactional.id", &id)]);
        writer.producer().init_transactions(wait).unwrap();
        let begin = || {
            writer.producer().begin_transaction().unwrap();
            writer.write(0, &lines[100..200]);
        };
        plain.write(0, &lines[..100]);
        if begins_first {
            begin();
        }
        let args = "--window tumble:100ms --delay 100ms --idle-timeout 3s";
        let mut program = Folder::new().start(&reading(&topic, args));
        if !begins_first {
            // Long enough to see the end, and not long enough to be idle.
            std::thread::sleep(timeout / 2);
            begin();
        }
        plain.write(1, &lines[200..]);
        program.wait_for(&format!(
            "100 records of {topic}/0 are behind an open transaction"
        ));
        std::thread::sleep(timeout);
        writer.producer().commit_transaction(wait).unwrap();
        program.wait_for("all splits are idle");
        program.interrupt();
        let run = program.wait();
        assert!(!run.stderr.contains(" late row"), "{}", run.stderr);
        let wanted = due("tumble:100ms", &lines, watermark(last(&lines))).concat();
        assert_eq!(run.result(), format!("{HEADER}{wanted}"));
    }
}

fn windows_close_by_the_slowest_partition_and_it_is_the_one_that_is_named() {
    let topic = new_topic("speeds", 3);
    let lines = ordered(3_000, 3);
    let writer = Writer::new(&brokers(), &topic);
    let mut newest = Vec::new();
    for (partition, orders) in [(0, 3_000), (1, 1_500), (2, 2_400)] {
        let own: Vec<String> = lines
            .iter()
            .take(orders)
            .skip(partition)
            .step_by(3)
            .cloned()
            .collect();
        newest.push(last(&own));
        writer.write(partition as i32, &own);
    }
    let now = watermark(newest[1]);
    assert!(newest.iter().all(|newest| *newest >= now + 100));
    let mut program = Folder::new().start(&reading(
        &topic,
        "--window tumble:100ms --delay 100ms --idle-timeout 1h --sources 1",
    ));
    assert_eq!(program.read_a_line(), HEADER);
    for row in due("tumble:100ms", &lines, now) {
        assert_eq!(program.read_a_line(), row);
    }
    program.wait_for("2,300 records, ");
    program.interrupt();
    let run = program.wait();
    assert_eq!(run.result(), "", "nothing behind the slowest");
    let blamed = format!("\nwatermark {}, held back by {topic}/1: ", EventTime(now));
    assert!(run.stderr.contains(&blamed), "{}", run.stderr);
    assert!(!run.stderr.contains(" late row"), "{}", run.stderr);
}

fn partitions_out_of_order_lose_nothing_and_the_end_of_the_topic_gives_the_batch_answer() {
    let topic = new_topic("disorder", 3);
    let lines = disordered(12_000, 4, SignedDuration::from_millis(200));
    let writer = Writer::new(&brokers(), &topic);
    // Partition 1 begins where partition 0 ends, and partition 2 is empty.
    let (first, second) = lines.split_at(6_000);
    writer.write(0, first);
    writer.write(1, second);
    for windows in KINDS {
        let expected = format!("{HEADER}{}", csv(windows.parse().unwrap(), &rows(&lines)));
        for tasks in ["", "--sources 3 --workers 2", "--sources 2 --workers 3"] {
            let args = format!("--until-end --window {windows} --delay 200ms {tasks}");
            let run = Folder::new().run(&reading(&topic, &args));
            assert_eq!(run.result(), expected, "{args}");
            assert_eq!(run.counted(), 12_000, "{args}");
            assert!(!run.stderr.contains(" late row"), "{args}: {}", run.stderr);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------

/// Options that read a topic without an end.
fn reading(topic: &str, more: &str) -> String {
    format!("--brokers {} --topic {topic} --format csv {more}", brokers())
}
