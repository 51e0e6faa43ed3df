//! The program of day 5 as its users meet it: it is stopped, killed, started twice, and finds its checkpoints damaged.
//!
//! What the tests of days 1 to 4 hold for the options that they share is not repeated here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day01-consumer/tests/kafka/mod.rs"]
mod kafka;
#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use std::collections::BTreeMap;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use kafka::{Writer, eventually};
use orders::{HEADER, csv, order, ordered, rows};
use program::{Folder, Run};

/// Everything but the input and the sink.
const CHECKPOINTS: &str = "--checkpoint-dir checkpoints --window tumble:1s --format csv";

/// The files in a folder that have their final names, in the order of these.
fn names(folder: &Folder, below: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.path(below)) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter(|name| !name.starts_with('.') && !name.ends_with(".writing"))
        .collect();
    names.sort();
    names
}

/// These files with what is in them.
fn files(folder: &Folder, below: &str) -> BTreeMap<String, String> {
    let names = names(folder, below).into_iter();
    names
        .map(|name| {
            let text = folder.read(&format!("{below}/{name}"));
            (name, String::from_utf8_lossy(&text).into_owned())
        })
        .collect()
}

/// All rows of all files, sorted, each file with its header.
fn published(folder: &Folder) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, text) in files(folder, "windows") {
        let rows = text.strip_prefix(HEADER).expect(&name);
        lines.extend(rows.lines().map(str::to_string));
    }
    lines.sort();
    lines
}

fn right(orders: &[String]) -> Vec<String> {
    let all = csv("tumble:1s".parse().unwrap(), &rows(orders));
    let mut lines: Vec<String> = all.lines().map(str::to_string).collect();
    lines.sort();
    lines
}

/// The names of the checkpoints.
fn checkpoints(folder: &Folder) -> Vec<String> {
    names(folder, "checkpoints")
}

/// The only line of stderr that begins with `error:`.
#[track_caller]
fn error(run: &Run) -> &str {
    assert_eq!(run.code, 1, "{}", run.stderr);
    let mut errors = run.stderr.lines().filter(|line| line.starts_with("error:"));
    let error = errors.next().expect(&run.stderr);
    assert_eq!(errors.next(), None, "{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    error
}

// ---------------------------------------------------------------------------------------------------------------------
// Options

#[test]
fn help_says_what_there_is() {
    let help = Folder::new().run("--help");
    let words = [
        "Checkpoints:",
        "--checkpoint-dir <DIR|s3://BUCKET/PREFIX>",
        "AWS_ENDPOINT",
        "--checkpoint-interval <TIME>",
        "[default: 1s;",
        "--sink <WHERE>",
        "--sink kafka:TOPIC",
        "--lost-marker",
        "--delay",
        "--window",
        "--workers",
        "Exit codes:",
    ];
    for words in words {
        assert!(help.result().contains(words), "{words}");
    }
    let version = Folder::new().run("--version");
    assert!(
        version.result().starts_with("day05-checkpoints "),
        "{}",
        version.stdout
    );
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_touched() {
    #[rustfmt::skip]
    let table = [
        ("--file o.json --sink file:w",                          "needs --checkpoint-dir"),
        ("--brokers localhost:1 --sink kafka:w",                 "needs --checkpoint-dir"),
        ("--checkpoint-dir c",                                   "the sandbox is new and empty"),
        ("--sink file:w",                                        "needs --checkpoint-dir"),
        ("--file o.json --checkpoint-dir c --sink kafka:w",      "--sink kafka:TOPIC needs --brokers"),
        ("--brokers localhost:1 --checkpoint-dir c --sink kafka:orders", "would write into the topic that is read"),
        ("--file o.json --checkpoint-dir c --sink file:c",       "different directories"),
        ("--file o.json --window hop:1m/1ms",                    "or raise --max-windows-per-row"),
        ("--window hop:1m/1ms",                                  "or raise --max-windows-per-row"),
        ("--file o.json --checkpoint-dir c --sink file:./c",     "different directories"),
        ("--file o.json --checkpoint-dir c --late x/../c",       "different directories"),
        ("--file o.json --late ./o.json",                        "--late ./o.json is also the input o.json"),
        ("--file o.json --checkpoint-dir .",                     "--checkpoint-dir . is a folder in which the input o.json lies"),
        ("--file . --checkpoint-dir c",                          "--checkpoint-dir c lies in the input ."),
        ("--file . --checkpoint-dir ../c --sink file:w",         "--sink file:w lies in the input ."),
        ("--file . --checkpoint-dir ../c --late w",              "--late w lies in the input ."),
        ("--file o.json --checkpoint-dir s3://b",                "expected s3://BUCKET/PREFIX"),
        ("--file o.json --checkpoint-dir hdfs://b/c",            "expected a directory, or s3://BUCKET/PREFIX"),
        ("--file o.json --checkpoint-dir c --sink w",            "expected print, file:DIR, kafka:TOPIC or postgres:URL"),
        ("--file o.json --checkpoint-dir c --sink file:",        "expected print, file:DIR, kafka:TOPIC or postgres:URL"),
        ("--file o.json --checkpoint-dir c --checkpoint-interval 0s", "longer than zero"),
        ("--file o.json --checkpoint-dir c --checkpoint-interval soon", "soon"),
        ("--file o.json --checkpoint-dir c --lost-marker maybe", "invalid value 'maybe'"),
    ];
    for (options, said) in table {
        let folder = Folder::with("o.json", order("m-1", "1.00", 0));
        let run = folder.run(options);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (2, ""),
            "{options}: {}",
            run.stderr
        );
        assert!(run.stderr.contains(said), "{options}: {}", run.stderr);
        assert!(
            !folder.path("c").exists() && !folder.path("w").exists(),
            "{options}"
        );
    }
}

#[test]
fn without_checkpoints_it_prints_what_day_4_prints() {
    let orders = ordered(3_000, 1);
    let folder = Folder::with("orders.json", orders.concat());
    let run = folder.run("--file orders.json --window tumble:1s --format csv --workers 2");
    let mut lines: Vec<&str> = run.result().strip_prefix(HEADER).unwrap().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, right(&orders));
    assert!(!run.stderr.contains("checkpoint"), "{}", run.stderr);
    // Behind the sink for late orders, rows of both workers come through one channel.
    let with_sink = folder.run(&format!(
        "--file orders.json {CHECKPOINTS} --workers 2 --late late"
    ));
    assert_eq!(with_sink.result(), run.result(), "in the same order");
    let run = folder.run("--file orders.json --max-key 2B");
    assert!(
        run.stderr
            .contains("orders.json:1: merchant_id is longer than 2 B"),
        "{}",
        run.stderr
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// Files

#[test]
fn windows_are_in_files_and_a_run_that_finds_nothing_new_adds_nothing() {
    for format in ["csv", "json"] {
        let orders = ordered(3_000, 2);
        let folder = Folder::with("orders.json", orders.concat());
        let options = format!(
            "--file orders.json --checkpoint-dir checkpoints --sink file:windows --window tumble:1s --format {format}"
        );
        let run = folder.run(&options);
        assert_eq!(run.result(), "", "nothing is printed");
        assert!(
            run.stderr.contains("writing to files in windows"),
            "{}",
            run.stderr
        );
        let before = files(&folder, "windows");
        let rows: usize = before.values().map(|text| text.lines().count()).sum();
        let headers = if format == "csv" { before.len() } else { 0 };
        assert_eq!(rows, right(&orders).len() + headers);

        let run = folder.run(&format!("{options} --workers 3"));
        assert_eq!(run.result(), "");
        assert!(
            run.stderr.contains("going on from checkpoint 1\n"),
            "{}",
            run.stderr
        );
        assert_eq!(run.counted(), 0);
        assert_eq!(files(&folder, "windows"), before);
    }
}

#[test]
fn what_is_added_to_a_file_that_was_read_to_its_end_is_refused_and_not_dropped() {
    let orders = ordered(3_000, 3);
    let folder = Folder::with("orders.json", orders[..2_000].concat());
    let options = format!("--file orders.json --sink file:windows {CHECKPOINTS}");
    folder.run(&options).result();
    let (before, saved) = (files(&folder, "windows"), checkpoints(&folder));
    folder.append("orders.json", &orders[2_000..].concat());
    for _ in 0..2 {
        let run = folder.run(&options);
        let said = "error: source 0: orders.json:2001 was added after the job had come to the end of its input and closed \
                    all windows; to count it, start anew with another --checkpoint-dir";
        assert_eq!(error(&run), said);
        assert_eq!(files(&folder, "windows"), before);
        assert_eq!(checkpoints(&folder), saved);
    }
}

#[test]
fn a_file_that_was_replaced_is_refused_with_the_way_out_of_this_day() {
    let folder = Folder::with("orders.json", ordered(100, 1).concat());
    let args = format!("--file orders.json {CHECKPOINTS}");
    folder.run(&args).result();
    folder.write("orders.json", ordered(200, 2).concat());
    let run = folder.run(&args);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    for said in [
        "orders.json has changed since its position was saved",
        "to start anew, take another --checkpoint-dir",
    ] {
        assert!(error(&run).contains(said), "{}", run.stderr);
    }
}

#[test]
fn a_damaged_checkpoint_is_an_error_that_names_it_and_the_one_before() {
    let (cluster, writer) = cluster(1);
    let orders = ordered(2_000, 4);
    writer.write(0, &orders);
    let folder = Folder::new();
    let options = format!(
        "--brokers {} --sink file:windows {CHECKPOINTS} --checkpoint-interval 20ms",
        cluster.bootstrap_servers()
    );
    let running = folder.start(&options);
    eventually("three checkpoints", || {
        (checkpoints(&folder).len() > 2).then_some(())
    });
    running.kill();
    let names = checkpoints(&folder);
    let [.., before, newest] = &names[..] else {
        panic!("{names:?}");
    };
    let path = format!("checkpoints/{newest}");
    let good = folder.read(&path);
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let published = files(&folder, "windows");
    #[rustfmt::skip]
    let table = [
        (b"".to_vec(),                         "it is not a checkpoint"),
        (good[..good.len() - 1].to_vec(),      "it is not a checkpoint, or it is cut off"),
        (flipped,                              "it is damaged: "),
    ];
    for (bytes, problem) in table {
        folder.write(&path, bytes);
        let run = folder.run(&format!("{options} --until-end"));
        let said = error(&run);
        let begins = format!(
            "error: cannot restore the saved state: {path} is the newest checkpoint and cannot be restored: {problem}"
        );
        assert!(said.starts_with(&begins), "{said}");
        assert!(
            said.contains(&format!("removing it goes back to {before}")),
            "{said}"
        );
        assert_eq!(files(&folder, "windows"), published);
        let inspected = folder.run("checkpoint inspect checkpoints");
        assert!(
            error(&inspected).contains(&format!("{path}: {problem}")),
            "{}",
            inspected.stderr
        );
        assert!(inspected.stdout.contains(before), "the others are shown");
    }
    folder.write(&path, good);
    folder.run(&format!("{options} --until-end")).result();
}

#[test]
fn inspect_shows_what_a_checkpoint_holds_task_by_task() {
    let folder = Folder::with("orders.json", ordered(3_000, 5).concat());
    folder
        .run(&format!(
            "--file orders.json {CHECKPOINTS} --workers 2 --checkpoint-interval 1h"
        ))
        .result();
    let inspected = folder.run("checkpoint inspect checkpoints --format csv");
    let table: Vec<Vec<&str>> = inspected
        .result()
        .lines()
        .map(|line| line.split(',').collect())
        .collect();
    let tasks: Vec<&str> = table.iter().map(|row| row[1]).collect();
    assert_eq!(tasks, ["task", "source 0", "windows 0", "windows 1"]);
    let [_, source, windows, _] = &table[..] else {
        panic!("{}", inspected.stdout);
    };
    assert_eq!(source[0], "checkpoint-00000000000000000001");
    assert_eq!((source[7], windows[8]), ("orders.json 3000", "the end of time"));
    assert!(source[3] == source[4] && source[5] == "0", "all of it is new");
    let nothing = Folder::new().run("checkpoint inspect missing");
    assert!(error(&nothing).contains("missing"), "{}", nothing.stderr);
}

#[test]
fn results_of_a_newer_checkpoint_than_the_newest_are_an_error() {
    let orders = ordered(3_000, 5);
    let folder = Folder::with("orders.json", orders.concat());
    let options = format!("--file orders.json --sink file:windows {CHECKPOINTS}");
    folder.run(&options).result();
    std::fs::remove_dir_all(folder.path("checkpoints")).unwrap();
    let run = folder.run(&options);
    let said = error(&run);
    assert!(
        said.contains("windows holds files of another run, up to epoch 1, but this run starts anew: "),
        "{said}"
    );
    assert_eq!(published(&folder), right(&orders));
}

// ---------------------------------------------------------------------------------------------------------------------
// Without an end

/// A broker in this process.
fn cluster(partitions: i32) -> (MockCluster<'static, DefaultProducerContext>, Writer) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", partitions, 1).unwrap();
    let writer = Writer::new(&cluster.bootstrap_servers(), "orders");
    (cluster, writer)
}

#[test]
fn ctrl_c_takes_a_last_checkpoint_and_the_next_run_goes_on() {
    let (cluster, writer) = cluster(2);
    let orders = ordered(20_000, 6);
    let deal_out = |orders: &[String]| {
        for partition in 0..2 {
            let own: Vec<&String> = orders.iter().skip(partition).step_by(2).collect();
            writer.write(partition as i32, &own);
        }
    };
    let folder = Folder::new();
    let options = format!(
        "--brokers {} --sink file:windows {CHECKPOINTS} --delay 100ms",
        cluster.bootstrap_servers()
    );
    // An interval that never comes: the only checkpoints are those that Ctrl-C takes.
    let rarely = format!("{options} --checkpoint-interval 1h");
    for (run, workers) in [(0, 1), (1, 3)] {
        deal_out(&orders[run * 8_000..(run + 1) * 8_000]);
        let mut running = folder.start(&format!("{rarely} --workers {workers}"));
        running.wait_for("writing to files in windows");
        // It is about to begin, or has begun.
        running.interrupt();
        let run = running.wait();
        assert_eq!(run.result(), "");
        assert!(!run.stderr.contains("error"), "{}", run.stderr);
    }
    deal_out(&orders[16_000..]);
    // And now at a moment at which it has certainly read something.
    let often = format!("{options} --checkpoint-interval 50ms");
    let before = checkpoints(&folder).last().cloned();
    let running = folder.start(&format!("{often} --workers 2"));
    eventually("windows", || (published(&folder).len() > 10).then_some(()));
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.result(), "");
    assert!(
        run.stderr.contains(" checkpoints, the longest took "),
        "{}",
        run.stderr
    );
    assert!(checkpoints(&folder).last().cloned() > before);
    let last = folder.run(&format!("{often} --workers 3 --sources 2 --until-end"));
    assert_eq!(last.result(), "");
    assert!(
        last.stderr.contains("going on from checkpoint "),
        "{}",
        last.stderr
    );
    assert_eq!(published(&folder), right(&orders));
}

#[test]
fn ctrl_c_saves_what_was_read_although_no_checkpoint_was_due() {
    let (cluster, writer) = cluster(1);
    let orders = ordered(4_000, 7);
    writer.write(0, &orders);
    let folder = Folder::new();
    let options = format!(
        "--brokers {} {CHECKPOINTS} --delay 100ms --checkpoint-interval 1h",
        cluster.bootstrap_servers()
    );
    // Printed at once, so what is printed was read.
    let mut running = folder.start(&options);
    assert_eq!(running.read_a_line(), HEADER);
    let first = running.read_a_line();
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("1 checkpoint, the longest took "),
        "{}",
        run.stderr
    );
    let mut printed = vec![first.trim_end().to_string()];
    printed.extend(run.stdout.lines().map(str::to_string));

    let last = folder.run(&format!("{options} --until-end"));
    let rows = last.result().strip_prefix(HEADER).unwrap().lines();
    printed.extend(rows.map(str::to_string));
    printed.sort();
    assert_eq!(
        printed,
        right(&orders),
        "no window is lost, and none is printed again"
    );
    assert!(
        last.stderr.contains("going on from checkpoint 1"),
        "{}",
        last.stderr
    );
}

#[test]
fn two_runs_in_one_directory_are_an_error_and_the_first_goes_on() {
    let (cluster, writer) = cluster(1);
    let orders = ordered(3_000, 8);
    writer.write(0, &orders);
    let folder = Folder::new();
    let brokers = cluster.bootstrap_servers();
    let options = format!(
        "--brokers {brokers} --sink file:windows {CHECKPOINTS} --delay 100ms --checkpoint-interval 50ms"
    );
    let first = folder.start(&options);
    eventually("a checkpoint", || {
        (!checkpoints(&folder).is_empty()).then_some(())
    });
    let inspected = folder.run("checkpoint inspect checkpoints --format json");
    assert!(
        inspected.result().contains(r#""task":"windows 0""#),
        "it may be looked at"
    );
    let second = folder.run(&options);
    let said = "error: the place for checkpoints: checkpoints is used by another run; wait for its end, or give \
                this run a folder of its own";
    assert_eq!(error(&second), said);
    let other = options.replace("--checkpoint-dir checkpoints", "--checkpoint-dir others");
    let third = folder.run(&other);
    assert!(
        error(&third).contains("windows is used by another run"),
        "{}",
        third.stderr
    );
    first.kill();
    // The lock goes with the process, however it went.
    folder.run(&format!("{options} --until-end")).result();
    assert_eq!(published(&folder), right(&orders));
}

#[test]
fn a_run_that_is_killed_goes_on_where_its_last_checkpoint_was() {
    let (cluster, writer) = cluster(3);
    let orders = ordered(30_000, 9);
    let folder = Folder::new();
    let options = format!(
        "--brokers {} --sink file:windows {CHECKPOINTS} --checkpoint-interval 20ms",
        cluster.bootstrap_servers()
    );
    for (life, orders) in (0..).zip(orders.chunks(6_000)) {
        for partition in 0..3 {
            let own: Vec<&String> = orders.iter().skip(partition).step_by(3).collect();
            writer.write(partition as i32, &own);
        }
        let before = checkpoints(&folder).last().cloned();
        let running = folder.start(&format!("{options} --workers {}", 1 + life % 3));
        eventually("another checkpoint", || {
            (checkpoints(&folder).last().cloned() > before).then_some(())
        });
        running.kill();
    }
    folder.run(&format!("{options} --until-end")).result();
    assert_eq!(published(&folder), right(&orders));
}

// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn the_demo_kills_itself_three_times_and_nothing_is_missing() {
    let run = Folder::new().run("");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stderr.matches(": killed after ").count(), 3, "{}", run.stderr);
    assert!(
        run.stderr.contains("none is missing, none is there twice"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("try next:"), "{}", run.stderr);
    assert!(run.stdout.contains("m-"), "{}", run.stdout);
}

#[test]
fn the_demo_gives_its_options_to_the_job() {
    let run = Folder::new().run("--orders 4000 --bad 0.01");
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("error: a run of the demo: ") && run.stderr.contains("--on-bad-record skip"),
        "{}",
        run.stderr
    );
    let run = Folder::new().run("--orders 4000 --bad 0.01 --on-bad-record skip --sources 2 --workers 2");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("none is missing, none is there twice"),
        "{}",
        run.stderr
    );
}

#[test]
fn where_orders_may_be_late_the_demo_does_not_call_itself_wrong() {
    let run = Folder::new().run("--orders 40000 --delay 0s");
    assert_eq!(run.code, 0, "{}", run.stderr);
    // Now and then the same ones are late in both runs.
    let (same, differs) = ("comes to the same windows", "with a --delay of 0s some are late");
    assert!(
        run.stderr.contains(same) != run.stderr.contains(differs),
        "{}",
        run.stderr
    );
}

#[test]
fn ctrl_c_ends_the_demo_and_the_job_with_it() {
    let mut demo = Folder::new().start("");
    demo.wait_for("run 1: killed");
    demo.interrupt();
    let run = demo.finish();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.ends_with("interrupted\n"), "{}", run.stderr);
}
