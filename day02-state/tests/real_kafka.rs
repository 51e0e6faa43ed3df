//! The program of day 2 on a real Kafka: what was saved is gone on from, whatever has become of the topic or of the program.
//!
//! ```text
//! .ci/kafka up --port 19092 --dir /tmp/kafka
//! export KAFKA_BROKERS=localhost:19092
//! cargo test -p day02-state --test real_kafka -- --ignored --test-threads 1
//! ```
//!
//! Each test makes topics of its own and leaves them behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod generated;
#[macro_use]
#[path = "../../day01-consumer/tests/kafka/mod.rs"]
mod kafka;
mod program;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rdkafka::producer::Producer;

use generated::{Counted, lines, options};
use kafka::real::{add_partitions, brokers, delete_records, new_topic, unused_name};
use kafka::{PATIENCE, Writer};
use program::{Folder, Run, number};

on_a_real_kafka! {
    two_sources_and_two_workers_read_a_topic_to_its_end,
    what_was_saved_is_gone_on_from_at_other_numbers_of_tasks,
    only_committed_transactions_are_counted_over_two_lives,
    a_partition_added_since_is_read_from_its_beginning,
    a_partition_added_while_two_sources_read_is_told_of_once_and_saved,
    a_position_that_retention_has_passed_is_an_error_that_names_the_split,
    ctrl_c_while_it_reads_is_gone_on_from_exactly,
    killed_between_two_saved_runs_it_loses_and_doubles_nothing,
}

/// Numbers of sources and workers.
const TASKS: [(u16, u16); 5] = [(1, 1), (2, 2), (3, 1), (1, 7), (5, 128)];

fn two_sources_and_two_workers_read_a_topic_to_its_end() {
    let topic = new_topic("whole", 4);
    let all = lines(&options(20_000, 1));
    deal_out(&topic, 4, &all);
    let run = Folder::new().run(&to_the_end(&topic, "--sources 2 --workers 2"));
    assert_eq!(run.result(), Counted::of(&all).csv());
    assert_eq!(run.counted(), 20_000);
    assert!(
        run.stderr
            .contains(&format!("reading topic {topic}, 4 partitions")),
        "{}",
        run.stderr
    );
}

fn what_was_saved_is_gone_on_from_at_other_numbers_of_tasks() {
    let topic = new_topic("growing", 4);
    let all = lines(&options(10_000, 2));
    let folder = Folder::new();
    let (mut written, mut load) = (0, "");
    for (more, (sources, workers)) in [4_000, 3_000, 0, 1, 2_999].into_iter().zip(TASKS) {
        deal_out(&topic, 4, &all[written..written + more]);
        written += more;
        let args = format!("--sources {sources} --workers {workers} {load} --save state");
        let run = folder.run(&to_the_end(&topic, &args));
        assert_eq!(run.result(), Counted::of(&all[..written]).csv(), "{args}");
        assert_eq!(run.counted(), more as u64, "{args}");
        load = "--load state";
    }
    folder.run(&to_the_end(&topic, "--save at-once")).result();
    assert_eq!(folder.read("at-once"), folder.read("state"));
}

/// The position passes the markers behind the last record, so that a restart finds nothing to do.
fn only_committed_transactions_are_counted_over_two_lives() {
    let topic = new_topic("transactions", 2);
    let all = lines(&options(1_000, 3));
    let id = unused_name("writer");
    let writer = Writer::with(&brokers(), &topic, &[("transactional.id", &id)]);
    writer.producer().init_transactions(PATIENCE).unwrap();
    let folder = Folder::new();
    let (mut committed, mut load) = (Vec::new(), "");
    for (number, lines) in all.chunks(50).enumerate() {
        writer.producer().begin_transaction().unwrap();
        writer.write((number % 2) as i32, lines);
        match number % 3 {
            1 => writer.producer().abort_transaction(PATIENCE).unwrap(),
            _ => {
                writer.producer().commit_transaction(PATIENCE).unwrap();
                committed.extend_from_slice(lines);
            }
        }
        if number % 5 == 4 {
            let args = format!("--sources 2 --workers 2 {load} --save state");
            let run = folder.run(&to_the_end(&topic, &args));
            assert_eq!(run.result(), Counted::of(&committed).csv());
            load = "--load state";
        }
    }
    let run = folder.run(&to_the_end(&topic, "--load state"));
    assert_eq!(
        (run.result(), run.counted()),
        (Counted::of(&committed).csv().as_str(), 0)
    );
}

fn a_partition_added_since_is_read_from_its_beginning() {
    let topic = new_topic("added", 2);
    let all = lines(&options(3_000, 4));
    deal_out(&topic, 2, &all[..1_000]);
    let folder = Folder::new();
    folder
        .run(&to_the_end(&topic, "--sources 2 --save state"))
        .result();
    add_partitions(&topic, 5);
    deal_out(&topic, 5, &all[1_000..]);
    for (sources, workers) in TASKS {
        // Where to start is no question any more, whatever the options say.
        let args = format!("--load state --from latest --sources {sources} --workers {workers}");
        let run = folder.run(&to_the_end(&topic, &args));
        assert_eq!(run.result(), Counted::of(&all).csv(), "{args}");
        assert_eq!(run.counted(), 2_000, "{args}");
    }
}

fn a_partition_added_while_two_sources_read_is_told_of_once_and_saved() {
    let topic = new_topic("found", 1);
    let all = lines(&options(1_000, 5));
    deal_out(&topic, 1, &all[..500]);
    let folder = Folder::new();
    let mut program = folder.start(&reading(&topic, "--sources 2 --workers 2 --save state"));
    program.wait_for("500 records, ");
    add_partitions(&topic, 2);
    deal_out(&topic, 2, &all[500..]);
    program.wait_for("1,000 records, ");
    program.interrupt();
    let run = program.wait();
    assert_eq!(run.result(), Counted::of(&all).csv());
    let warnings: Vec<&str> = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("warning"))
        .collect();
    assert_eq!(
        warnings,
        [format!(
            "warning: found partition {topic}/1; reading it from its beginning"
        )]
    );
    let positions = [(format!("{topic}/0"), 750), (format!("{topic}/1"), 250)];
    assert_eq!(folder.positions("state"), BTreeMap::from(positions));
}

fn a_position_that_retention_has_passed_is_an_error_that_names_the_split() {
    let topic = new_topic("retention", 2);
    let all = lines(&options(40, 6));
    deal_out(&topic, 2, &all[..20]);
    let folder = Folder::new();
    folder.run(&to_the_end(&topic, "--save state")).result();
    let before = folder.read("state");
    deal_out(&topic, 2, &all[20..]);
    // What was read already may go.
    delete_records(&topic, 1, 10);
    let run = folder.run(&to_the_end(&topic, "--load state"));
    assert_eq!(run.result(), Counted::of(&all).csv());

    delete_records(&topic, 1, 13);
    for (sources, workers) in TASKS {
        let args = format!("--load state --save state --sources {sources} --workers {workers}");
        let run = folder.run(&to_the_end(&topic, &args));
        assert_eq!((run.code, run.stdout.as_str()), (1, ""));
        let said = format!(
            "error: cannot restore the saved state: {topic}/1: the saved position 10 is out of range, available is 13 \
             to 20: "
        );
        assert!(run.stderr.contains(&said), "{}", run.stderr);
    }
    assert_eq!(folder.read("state"), before);
}

fn ctrl_c_while_it_reads_is_gone_on_from_exactly() {
    let topic = new_topic("interrupted", 4);
    let all = lines(&options(400_000, 7));
    let folder = Folder::new();
    let done = AtomicBool::new(false);
    let (counted, written) = thread::scope(|scope| {
        // Goes on writing as long as there are lives, so that each ends in the middle.
        let writer = scope.spawn(|| {
            let writer = Writer::new(&brokers(), &topic);
            let mut chunks = all.chunks(400).take_while(|_| !done.load(Ordering::Relaxed));
            chunks.by_ref().map(|chunk| write(&writer, 4, chunk)).count() * 400
        });
        let (mut load, mut counted) = ("", 0);
        for (sources, workers) in [(2, 2), (3, 1), (1, 7)] {
            let args = format!("--sources {sources} --workers {workers} {load} --save state");
            let mut program = folder.start(&reading(&topic, &args));
            program.wait_for(" records, ");
            program.interrupt();
            let run = program.wait();
            assert!(run.counted() > 0);
            counted += run.counted();
            let read = before(&folder.positions("state"), &topic, &all);
            assert_eq!(run.result(), Counted::of(&read).csv());
            assert_eq!(counted, read.len() as u64);
            load = "--load state";
        }
        assert!(
            !writer.is_finished(),
            "it had no more to write, and no life ended in the middle"
        );
        done.store(true, Ordering::Relaxed);
        (counted, writer.join().unwrap())
    });
    let run = folder.run(&to_the_end(&topic, "--load state --sources 2 --workers 3"));
    assert_eq!(run.result(), Counted::of(&all[..written]).csv());
    assert_eq!(counted + run.counted(), written as u64);
}

fn killed_between_two_saved_runs_it_loses_and_doubles_nothing() {
    let topic = new_topic("killed", 4);
    let all = lines(&options(60_000, 8));
    let folder = Folder::new();
    let (mut written, mut load) = (0, String::new());
    for (round, (sources, workers)) in TASKS.into_iter().enumerate() {
        deal_out(&topic, 4, &all[written..written + 12_000]);
        written += 12_000;
        let tasks = format!("--sources {sources} --workers {workers}");
        let mut program = folder.start(&reading(&topic, &format!("{tasks} {load} --save state")));
        let killed_when = ["reading topic", " records, "][round % 2];
        program.wait_for(killed_when);
        if killed_when == " records, " {
            let line = program
                .stderr
                .lines()
                .find(|line| line.contains(killed_when))
                .unwrap();
            assert!(number(line) > 0, "it has read: {line}");
        }
        program.kill();

        let run: Run = folder.run(&to_the_end(&topic, &format!("{tasks} {load} --save state")));
        assert_eq!(run.result(), Counted::of(&all[..written]).csv(), "{tasks}");
        assert_eq!(run.counted(), 12_000, "{tasks}");
        load = "--load state".to_string();
    }
    let whole = folder.run(&to_the_end(&topic, "--save whole"));
    assert_eq!(whole.result(), Counted::of(&all).csv());
    assert_eq!(folder.read("whole"), folder.read("state"));
}

// ---------------------------------------------------------------------------------------------------------------------

/// Options that read a topic without an end.
fn reading(topic: &str, more: &str) -> String {
    format!("--brokers {} --topic {topic} --format csv {more}", brokers())
}

/// Options that read a topic to its end.
fn to_the_end(topic: &str, more: &str) -> String {
    reading(topic, &format!("--until-end {more}"))
}

/// Writes orders to so many partitions in turn.
fn deal_out(topic: &str, partitions: usize, lines: &[String]) {
    // A writer of its own: it knows of partitions that were added.
    write(&Writer::new(&brokers(), topic), partitions, lines);
}

fn write(writer: &Writer, partitions: usize, lines: &[String]) {
    for partition in 0..partitions {
        let own: Vec<&String> = lines.iter().skip(partition).step_by(partitions).collect();
        writer.write(partition as i32, &own);
    }
}

/// Of orders that were dealt out to four partitions, those before these positions.
fn before<'a>(positions: &BTreeMap<String, i64>, topic: &str, lines: &'a [String]) -> Vec<&'a String> {
    let of = |partition: usize| {
        let position = positions[&format!("{topic}/{partition}")];
        lines.iter().skip(partition).step_by(4).take(position as usize)
    };
    (0..4).flat_map(of).collect()
}
