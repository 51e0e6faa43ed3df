//! The program of day 3 on a real Kafka: windows of a topic to its end, and rows that come out while it is
//! read.
//!
//! ```text
//! .ci/kafka up --port 19092 --dir /tmp/kafka
//! export KAFKA_BROKERS=localhost:19092
//! cargo test -p day03-windows --test real_kafka -- --ignored --test-threads 1
//! ```
//!
//! Each test makes a topic of its own and leaves it behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
#[path = "../../day01-consumer/tests/kafka/mod.rs"]
mod kafka;
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use std::collections::BTreeSet;

use jiff::SignedDuration;

use kafka::Writer;
use kafka::real::{brokers, new_topic};
use orders::{HEADER, KINDS, csv, disordered, in_rows, late, order, ordered, rows};
use program::Folder;

on_a_real_kafka! {
    a_topic_of_one_partition_is_read_to_its_end_as_the_evaluator_says,
    rows_are_printed_as_windows_close_and_ctrl_c_counts_what_is_open,
    each_order_of_four_partitions_is_in_a_row_or_counted_as_late,
}

fn a_topic_of_one_partition_is_read_to_its_end_as_the_evaluator_says() {
    let topic = new_topic("ordered", 1);
    let lines = ordered(10_000, 1);
    Writer::new(&brokers(), &topic).write(0, &lines);
    for windows in KINDS {
        let expected = format!("{HEADER}{}", csv(windows.parse().unwrap(), &rows(&lines)));
        for workers in [1, 3] {
            let args = format!("--until-end --window {windows} --workers {workers}");
            let run = Folder::new().run(&reading(&topic, &args));
            assert_eq!(run.result(), expected, "{args}");
            assert_eq!(run.counted(), 10_000, "{args}");
            assert!(!run.stderr.contains("late"), "{args}: {}", run.stderr);
        }
    }
}

fn rows_are_printed_as_windows_close_and_ctrl_c_counts_what_is_open() {
    let topic = new_topic("endless", 1);
    let lines = ordered(2_000, 2);
    let writer = Writer::new(&brokers(), &topic);
    #[rustfmt::skip]
    let table = [
        // Windows that are open begin this long before the last order, at most.
        ("tumble:100ms",       100),
        ("hop:300ms/100ms",    300),
        ("cumulate:1m/100ms",  60_000),
    ];
    for (number, line) in lines.chunks(500).enumerate() {
        assert_eq!(rows(line)[0].1 % 100, 0, "packet {number} begins with a window");
        writer.write(0, line);
    }
    // Time has come to 1.999, so the windows up to 1.900 have closed.
    let newest = rows(&lines).last().unwrap().1;
    for (windows, back) in table {
        let all_rows = rows(&lines);
        let slices = all_rows.iter().filter(|row| newest - row.1 < back);
        let open: BTreeSet<(&str, i64)> = slices.map(|row| (row.0.as_str(), row.1 / 100)).collect();
        let open = open.len();
        let all = csv(windows.parse().unwrap(), &rows(&lines));
        let has_closed = |row: &&str| {
            let end: day03_windows::time::EventTime = row.split(',').nth(2).unwrap().parse().unwrap();
            end.0 <= newest
        };
        let expected: Vec<&str> = all.lines().filter(has_closed).collect();
        let mut program = Folder::new().start(&reading(&topic, &format!("--window {windows}")));
        assert_eq!(program.read_a_line(), HEADER);
        // While it runs, and without an end in sight.
        for row in &expected {
            assert_eq!(program.read_a_line(), format!("{row}\n"), "{windows}");
        }
        assert!(program.child.try_wait().unwrap().is_none(), "it goes on");
        program.interrupt();
        let run = program.wait();
        assert_eq!(run.result(), "", "{windows}: nothing of open windows");
        let said =
            format!("interrupted: only windows that have closed are printed (sums in open windows: {open}, ");
        assert!(run.stderr.contains(&said), "{windows}: {}", run.stderr);
    }
    // One more order closes more, and the program that is there sees it come.
    let mut program = Folder::new().start(&reading(&topic, "--window tumble:100ms --format json"));
    let closed = csv("tumble:100ms".parse().unwrap(), &rows(&lines))
        .lines()
        .count();
    writer.write(0, &[order("m-1", "1.00", newest + 100_000).trim_end()]);
    for _ in 0..closed {
        assert!(program.read_a_line().starts_with("{\"merchant_id\":\""));
    }
    program.interrupt();
    assert_eq!(program.wait().result(), "");
}

fn each_order_of_four_partitions_is_in_a_row_or_counted_as_late() {
    let topic = new_topic("four", 4);
    let lines = disordered(20_000, 3, SignedDuration::from_millis(200));
    let writer = Writer::new(&brokers(), &topic);
    for partition in 0..4 {
        let own: Vec<&String> = lines.iter().skip(partition).step_by(4).collect();
        writer.write(partition as i32, &own);
    }
    let run = Folder::new().run(&reading(
        &topic,
        "--until-end --window tumble:100ms --workers 2 --sources 2",
    ));
    let (in_rows, late) = (in_rows(run.result()), late(&run.stderr));
    assert!(in_rows > 0 && late > 0, "{in_rows} in rows, {late} late");
    assert_eq!(in_rows + late, 20_000);
    assert_eq!(run.counted(), 20_000);
}

// ---------------------------------------------------------------------------------------------------------------------

/// Options that read a topic without an end.
fn reading(topic: &str, more: &str) -> String {
    let format = if more.contains("--format") {
        ""
    } else {
        "--format csv"
    };
    format!("--brokers {} --topic {topic} {format} {more}", brokers())
}
