//! The program as its users meet it: options go in; results, words and an exit code come out.
//!
//! Every test runs the real binary in a folder of its own. What a test waits for is a line or an end, never a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod signals;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take; who waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// An address at which nobody listens.
const NOBODY: &str = "127.0.0.1:1";

const THREE_ORDERS: &str =
    "{\"merchant_id\":\"m-2\"}\n{\"merchant_id\":\"m-1\"}\n{\"merchant_id\":\"m-2\"}\n";
const THREE_ORDERS_COUNTED: &str = "merchant_id,order_count\nm-1,1\nm-2,2\n";

// ---------------------------------------------------------------------------------------------------------------------
// Results

#[test]
fn csv_has_a_header_and_every_merchant_by_name() {
    let run = Folder::with("orders.json", THREE_ORDERS).run("--file orders.json --format csv");
    assert_eq!(run.code, 0);
    assert_eq!(run.stdout, THREE_ORDERS_COUNTED);
}

#[test]
fn json_is_one_object_a_line_with_every_merchant_by_name() {
    let run = Folder::with("orders.json", THREE_ORDERS).run("--file orders.json --format json");
    assert_eq!(run.code, 0);
    assert_eq!(
        run.stdout,
        "{\"merchant_id\":\"m-1\",\"order_count\":1}\n{\"merchant_id\":\"m-2\",\"order_count\":2}\n"
    );
}

#[test]
fn a_table_has_the_largest_first_and_cannot_be_broken_by_a_name() {
    let names = [
        "a",
        "店舗",
        "tab\\there",
        "\\u001b[2J",
        "店舗",
        "Zoë",
        "店舗",
        "a",
    ];
    let orders: Vec<String> = names.map(order).into();
    let run = Folder::with("orders.json", orders.concat()).run("--file orders.json");
    assert_eq!(run.code, 0);
    assert!(!run.stdout.contains('\x1b'), "{:?}", run.stdout);
    insta::assert_snapshot!("table", run.stdout);
}

#[test]
fn a_table_says_how_many_merchants_it_hides() {
    let orders: Vec<String> = (0..25).map(|n| order(&format!("m-{n}"))).collect();
    let run = Folder::with("orders.json", orders.concat()).run("--file orders.json --format table");
    assert_eq!(run.stdout.matches("m-").count(), 20);
    assert!(run.stderr.contains("5 more merchants"), "{}", run.stderr);
}

#[test]
fn stdout_holds_the_results_and_stderr_the_rest() {
    let run = Folder::new().run("--orders 100 --rate 0 --merchants 3 --format csv");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", run.stdout);
    assert_eq!(lines[0], "merchant_id,order_count");
    assert!(lines[1..].iter().all(|line| line.starts_with("m-")), "{lines:?}");
    for said in ["reading topic orders", "100 records in", "try next"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}

#[test]
fn several_files_are_counted_together() {
    let folder = Folder::with("one.json", THREE_ORDERS).and("two.json", order("m-3").repeat(2_500));
    let run = folder.run("--file one.json --file two.json --format csv");
    assert_eq!(run.stdout, format!("{THREE_ORDERS_COUNTED}m-3,2500\n"));
}

#[test]
fn a_dash_is_stdin() {
    let mut program = Folder::new().start("--file - --format csv");
    program.write(THREE_ORDERS);
    let run = program.finish();
    assert_eq!(run.stdout, THREE_ORDERS_COUNTED);
    assert!(run.stderr.contains("reading stdin"), "{}", run.stderr);
}

#[test]
fn blank_lines_crlf_and_a_missing_last_newline_change_nothing() {
    for file in [
        THREE_ORDERS.replace('\n', "\r\n"),
        THREE_ORDERS.replace('\n', "\n\n   \n\r\n"),
        THREE_ORDERS.trim_end().to_string(),
        format!("\n\n{THREE_ORDERS}"),
    ] {
        let run = Folder::with("orders.json", &file).run("--file orders.json --format csv");
        assert_eq!(run.stdout, THREE_ORDERS_COUNTED, "{file:?}");
    }
}

#[test]
fn an_empty_file_has_no_merchants() {
    let folder = Folder::with("empty.json", "");
    let run = folder.run("--file empty.json --format csv");
    assert_eq!((run.code, run.stdout.as_str()), (0, "merchant_id,order_count\n"));
    let run = folder.run("--file empty.json --format json");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
}

// ---------------------------------------------------------------------------------------------------------------------
// Bad records

/// Ways to be bad: the line, the reason that must be named, and a part of the line that must be shown.
const BAD: [(&[u8], &str, &str); 6] = [
    (b"{\"merchant_id\":\"m-7", "not JSON", "m-7"),
    (b"{\"order_id\":\"o-7\"}", "no merchant_id", "o-7"),
    (b"{\"merchant_id\":null}", "merchant_id is null", "null"),
    (b"{\"merchant_id\":77}", "merchant_id is not a string", "77"),
    (b"{\"merchant_id\":\"caf\xff\"}", "not UTF-8", "caf"),
    (b"[\"m-7\"]", "not a JSON object", "m-7"),
];

#[test]
fn a_bad_record_ends_the_run_and_is_named_with_a_way_on() {
    for (bad, reason, excerpt) in BAD {
        let file = [order("m-1").as_bytes(), bad, b"\n", order("m-2").as_bytes()].concat();
        let run = Folder::with("orders.json", file).run("--file orders.json --format csv");
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{reason}");
        for said in [
            format!("error: orders.json:2: {reason}").as_str(),
            excerpt,
            "--on-bad-record skip",
        ] {
            assert!(run.stderr.contains(said), "{said:?} is not in: {}", run.stderr);
        }
    }
}

#[test]
fn a_message_shows_what_is_around_the_place_and_never_all_of_a_long_record() {
    let long = "x".repeat(3 << 20);
    for (record, shown) in [
        (
            format!("{{\"note\":\"{long}\",\"merchant_id\":\"m-1\" oops \"{long}\"}}"),
            "\"m-1\" oops \"xxx",
        ),
        (format!("\"{long}\""), "not a JSON object"),
        (
            format!("{{\"merchant_id\":[\"{long}\"]}}"),
            "merchant_id is not a string",
        ),
        (
            format!("{{\"merchant_id\":\"\u{1b}[2J\u{202e}{long}"),
            "\\u{1b}[2J\\u{202e}xxx",
        ),
    ] {
        let folder = Folder::with("long.json", format!("{record}\n"));
        let run = folder.run("--file long.json");
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains(shown), "{:.1000}", run.stderr);
        assert!(run.stderr.len() < 1_000, "{} bytes", run.stderr.len());
        assert!(!run.stderr.contains('\u{1b}') && !run.stderr.contains('\u{202e}'));
        let run = folder.run("--file long.json --max-record 64KiB");
        let said =
            "error: long.json:1 is longer than 64.0 KiB; to accept longer records, raise --max-record\n";
        assert!(run.stderr.ends_with(said), "{:.1000}", run.stderr);
    }
}

#[test]
fn csv_on_a_terminal_does_not_steer_it_and_a_program_gets_the_text_as_it_is() {
    let folder = Folder::with("orders.json", order("\\u001b[2J\\nm-1"));
    let run = folder.run("--file orders.json --format csv");
    assert_eq!(run.stdout, "merchant_id,order_count\n\"\u{1b}[2J\nm-1\",1\n");

    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let screen = File::options().read(true).write(true).open(name).unwrap();
    let mut command = folder.command("--file orders.json --format csv");
    let status = command
        .stdout(screen.try_clone().unwrap())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    // The terminal is open as long as we have it, so its lines are counted and not read to an end.
    let lines: Vec<String> = BufReader::new(File::from(terminal))
        .lines()
        .take(2)
        .map(Result::unwrap)
        .collect();
    assert_eq!(lines, ["merchant_id,order_count", "\\u{1b}[2J\\nm-1,1"]);
}

#[test]
fn a_key_past_the_limit_makes_a_bad_record_and_the_option_that_moves_the_limit_is_named() {
    let long = "m".repeat((64 << 10) + 1);
    let folder = Folder::with("orders.json", format!("{}{}", order("m-1"), order(&long)));
    let run = folder.run("--file orders.json");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    let said = "error: orders.json:2: merchant_id is longer than 64.0 KiB (65537 bytes; to accept longer keys, raise \
                --max-key): {\"merchant_id\":\"mmm";
    assert!(run.stderr.contains(said), "{:.1000}", run.stderr);
    assert!(
        run.stderr.contains("--on-bad-record skip"),
        "{:.1000}",
        run.stderr
    );

    let run = folder.run("--file orders.json --format csv --on-bad-record skip");
    assert_eq!(run.stdout, "merchant_id,order_count\nm-1,1\n");
    let said = "skipped 1: merchant_id is longer than 64.0 KiB\n";
    assert!(run.stderr.contains(said), "{}", run.stderr);

    let run = folder.run("--file orders.json --format csv --max-key 65537B");
    assert_eq!(run.stdout, format!("merchant_id,order_count\nm-1,1\n{long},1\n"));
    assert_eq!(folder.run("--file orders.json --max-key 2B").code, 1);
}

#[test]
fn bad_records_can_be_skipped_and_are_counted_by_reason() {
    let mut file = Vec::new();
    for (times, (bad, ..)) in BAD.iter().enumerate() {
        for _ in 0..=times {
            file.extend_from_slice(bad);
            file.push(b'\n');
        }
        file.extend_from_slice(order("m-1").as_bytes());
    }
    let run = Folder::with("orders.json", file).run("--file orders.json --format csv --on-bad-record skip");
    assert_eq!(run.code, 0);
    assert_eq!(run.stdout, "merchant_id,order_count\nm-1,6\n");
    assert_eq!(run.skipped(), 1 + 2 + 3 + 4 + 5 + 6);
    let reasons: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("  ")).collect();
    insta::assert_snapshot!("skipped", reasons.join("\n"));
}

#[test]
fn a_bad_line_from_a_pipe_is_reported_while_the_pipe_is_open() {
    let mut program = Folder::new().start("--file -");
    program.write("no JSON\n");
    program.wait_for("stdin:1: not JSON");
    assert_eq!(program.finish().code, 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Where to start, and what cannot be done

#[test]
fn a_file_can_be_read_from_a_line_on() {
    let folder = Folder::with("one.json", THREE_ORDERS).and("two.json", THREE_ORDERS);
    let run = folder.run("--file one.json --from 0=2 --format csv");
    assert_eq!(run.stdout, "merchant_id,order_count\nm-2,1\n");
    let run = folder.run("--file one.json --file two.json --from 1=1 --format csv");
    assert_eq!(run.stdout, "merchant_id,order_count\nm-1,2\nm-2,3\n");
    let run = folder.run("--file one.json --from 0=3 --format csv");
    assert_eq!(run.stdout, "merchant_id,order_count\n");
}

#[test]
fn a_start_behind_the_end_of_a_file_is_an_error_and_not_an_empty_result() {
    let run = Folder::with("orders.json", THREE_ORDERS).run("--file orders.json --from 0=4");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    for said in ["orders.json", "offset 4 is out of range", "0 to 3"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_a_helpful_word() {
    // Refused before a record is read: there is none.
    let folder = Folder::with("orders.json", "");
    #[rustfmt::skip]
    let table = [
        ("--file orders.json --from latest",                         "--from 0=12"),
        ("--file orders.json --from group",                          "--from 0=12"),
        ("--file orders.json --from timestamp:2026-01-01T00:00:00Z", "--from 0=12"),
        ("--file orders.json --from 1=0",                            "there is no file 1"),
        ("--file orders.json --from newest",                         "expected earliest, latest, group"),
        ("--file orders.json --from timestamp:noon",                 "2026-01-01T00:00:00Z"),
        ("--file orders.json --file orders.json",                    "given twice"),
        ("--file orders.json --commit after",                        "--commit needs --brokers"),
        ("--file orders.json --brokers localhost:9092",              "cannot be used with '--brokers"),
        ("--from latest",                                            "--from needs --brokers or --file"),
        ("--brokers=",                                               "--brokers"),
        ("--brokers kafka://localhost:9092",                         "leave out kafka:// and write localhost:9092"),
        ("--kafka-option security.protocol=ssl",                     "--brokers"),
        ("--brokers localhost:1 --kafka-option sasl.pasword=s3cret", "did you mean sasl.password?"),
        ("--brokers localhost:1 --kafka-option isolation.level=s3cret", "reads committed records only"),
        ("produce --brokers localhost:1 --kafka-option acks=s3cret", "--kafka-option acks"),
        ("--topic=",                                                 "--topic"),
        ("--fiel orders.json",                                       "similar argument exists: '--file'"),
        ("--format xml",                                             "table, json, csv"),
        ("--on-bad-record ignore",                                   "fail, skip"),
        ("produce --topic orders",                                   "--brokers"),
        ("produce --bad 2",                                          "a share from 0 to 1"),
    ];
    for (args, said) in table {
        let run = folder.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{args}: {}", run.stderr);
        assert!(run.stderr.contains("--help"), "{args}: {}", run.stderr);
        assert!(!run.stderr.contains("s3cret"), "{args}: {}", run.stderr);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    for args in [
        "--file missing.json",
        "--file .",
        "produce --file missing/orders.json",
    ] {
        let name = args.rsplit(' ').next().unwrap();
        let run = folder.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{args}");
        assert!(run.stderr.contains(&format!("error: {name}: ")), "{}", run.stderr);
    }
}

#[test]
fn a_broker_that_is_not_there_is_reported_within_seconds() {
    let folder = Folder::new();
    let started = Instant::now();
    let programs = ["", "produce"].map(|command| folder.start(&format!("{command} --brokers {NOBODY}")));
    for run in programs.map(Running::finish) {
        // Five seconds of trying, and room for a busy machine.
        assert!(
            started.elapsed() < Duration::from_secs(9),
            "{:?}",
            started.elapsed()
        );
        assert_eq!((run.code, run.stdout.as_str()), (1, ""));
        let last = run.stderr.lines().last();
        let expected = format!("error: cannot reach Kafka at {NOBODY}: Connection refused");
        assert_eq!(last, Some(expected.as_str()), "{}", run.stderr);
    }
}

#[test]
fn help_is_grouped_by_day_and_version_is_said() {
    let folder = Folder::new();
    let help = folder.run("--help");
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    let headings: Vec<&str> = help
        .stdout
        .lines()
        .filter(|line| !line.starts_with(' ') && line.ends_with(':'))
        .collect();
    insta::assert_snapshot!("help_headings", headings.join("\n"));
    for option in [
        "--file",
        "--from",
        "--on-bad-record",
        "--format",
        "--commit",
        "--orders",
    ] {
        assert!(help.stdout.contains(option), "{option}");
    }
    let version = folder.run("--version");
    assert_eq!(
        version.stdout,
        concat!("day01-consumer ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// Pipes that close

#[test]
fn a_program_whose_reader_goes_away_ends_quietly() {
    let many: String = (0..20_000).map(|n| order(&format!("m-{n}"))).collect();
    let folder = Folder::with("many.json", many);
    for args in ["--file many.json --format csv", "produce --orders 1000000"] {
        let mut program = folder.start(args);
        // Dropped behind its first line, as by `| head -1`.
        assert!(!program.read_a_line().is_empty());
        program.child.stdout = None;
        let run = program.finish();
        assert_eq!(run.code, 0, "{args}: {}", run.stderr);
        assert!(!run.stderr.contains("error"), "{args}: {}", run.stderr);
        assert!(!run.stderr.contains("panic"), "{args}: {}", run.stderr);
    }
}

#[test]
fn results_are_written_even_if_nobody_listens_to_stderr() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let folder = Folder::with("orders.json", THREE_ORDERS);
    let mut command = folder.command("--file orders.json --format csv");
    let output = command.stderr(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), THREE_ORDERS_COUNTED);
}

// ---------------------------------------------------------------------------------------------------------------------
// Generated orders

#[test]
fn one_seed_gives_one_row_of_orders_on_stdout_and_in_a_file() {
    let folder = Folder::new();
    let stdout = folder.run("produce --orders 1000 --seed 7").stdout;
    let run = folder.run("produce --orders 1000 --seed 7 --file orders.json");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert_eq!(stdout.lines().count(), 1000);
    assert_eq!(folder.read("orders.json"), stdout);
    let other = folder.run("produce --orders 1000 --seed 8").stdout;
    assert_ne!(other, stdout);
}

#[test]
fn produced_orders_are_counted_as_an_independent_count_says() {
    let folder = Folder::new();
    folder.run("produce --orders 5000 --merchants 50 --file orders.json");
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for line in folder.read("orders.json").lines() {
        let order: Value = serde_json::from_str(line).unwrap();
        *counts
            .entry(order["merchant_id"].as_str().unwrap().to_string())
            .or_default() += 1;
    }
    let expected: Vec<String> = counts
        .iter()
        .map(|(merchant, count)| format!("{merchant},{count}\n"))
        .collect();
    let run = folder.run("--file orders.json --format csv");
    assert_eq!(
        run.stdout,
        format!("merchant_id,order_count\n{}", expected.concat())
    );
}

#[test]
fn every_bad_order_is_either_the_end_or_counted() {
    let folder = Folder::new();
    folder.run("produce --orders 5000 --bad 0.1 --file orders.json");
    assert_eq!(folder.run("--file orders.json").code, 1);
    let run = folder.run("--file orders.json --format csv --on-bad-record skip");
    assert_eq!(run.code, 0);
    assert!(run.skipped() > 0);
    assert_eq!(run.counted() + run.skipped(), 5000);
}

#[test]
fn the_demo_counts_every_order_and_says_what_to_try_next() {
    let run = Folder::new().run("--orders 2000 --rate 0 --format csv");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.counted(), 2000, "{}", run.stderr);
    assert!(run.stderr.contains("try next"), "{}", run.stderr);
}

// ---------------------------------------------------------------------------------------------------------------------
// Ctrl-C

#[test]
fn ctrl_c_prints_the_count_so_far() {
    let mut program = Folder::new().start("--orders 1000000 --rate 1000 --format csv");
    program.wait_for(" records, ");
    program.interrupt();
    let run = program.finish();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("this is the count so far"), "{}", run.stderr);
    assert!(!run.stderr.contains("try next"), "{}", run.stderr);
    assert!((1..1_000_000).contains(&run.counted()), "{}", run.counted());
    let summary = run
        .stderr
        .lines()
        .find(|line| line.contains(" records in "))
        .unwrap();
    assert_eq!(number(summary), run.counted(), "{summary}");
}

#[test]
fn tests_that_ignore_ctrl_c_themselves_start_programs_that_heed_it() {
    let test = "exec \"$0\" --exact any_signal_that_asks_for_an_end_is_a_clean_one";
    let output = Command::new("sh")
        .args(["-c", &format!("trap '' INT HUP; {test}")])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_second_ctrl_c_aborts() {
    // The result is larger than a pipe, so a program whose reader does not read cannot end by itself.
    let many: String = (0..20_000).map(|n| order(&format!("m-{n}"))).collect();
    let folder = Folder::with("many.json", many);
    let mut program = folder.start("--file many.json --file - --format csv");
    program.wait_for(" records, ");
    program.interrupt();
    program.wait_for("this is the count so far");
    program.interrupt();
    // Two signals that arrive at the same moment are one, so this is repeated until it has an effect.
    while program.child.try_wait().unwrap().is_none() {
        program.interrupt();
        thread::yield_now();
    }
    assert_eq!(program.finish().code, 130);
}

#[test]
fn what_is_not_at_work_yet_ends_at_once() {
    // The address belongs to a port that takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut program = Folder::new().start(&format!("--brokers {}", silent.local_addr().unwrap()));
    program.wait_for("connecting to");
    program.signal(Signal::TERM);
    let run = program.finish();
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.ends_with("interrupted\n"), "{}", run.stderr);
}

#[test]
fn any_signal_that_asks_for_an_end_is_a_clean_one() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut program = Folder::new().start("--file - --format csv");
        // In the middle of a line.
        program.write(&format!("{THREE_ORDERS}{{\"merchant_id\":"));
        program.wait_for("3 records, ");
        program.signal(signal);
        let stdin = program.child.stdin.take();
        let run = program.finish();
        drop(stdin);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (0, THREE_ORDERS_COUNTED),
            "{}",
            run.stderr
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_help_that_cannot_be_printed_is_an_error() {
    let folder = Folder::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = folder.command("--help").stdout(full).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(
        ran.status.code() == Some(1) && said.starts_with("error: "),
        "{said}"
    );
}

#[test]
fn a_named_pipe_without_a_writer_does_not_keep_a_program_from_ending() {
    let folder = Folder::new();
    mknodat(
        CWD,
        folder.0.path().join("pipe"),
        FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let mut program = folder.start("--file pipe --format csv");
    program.wait_for(" records, ");
    program.signal(Signal::TERM);
    let run = program.finish();
    assert_eq!((run.code, run.stdout.as_str()), (0, "merchant_id,order_count\n"));
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let folder = Folder::new();
    let mut program = folder.start_in_shell("trap '' HUP;", "--file - --format csv");
    program.write(THREE_ORDERS);
    program.wait_for("3 records, ");
    program.signal(Signal::HUP);
    program.write(THREE_ORDERS);
    let run = program.finish();
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "merchant_id,order_count\nm-1,2\nm-2,4\n")
    );
}

#[test]
fn a_closed_stdout_is_an_error() {
    let folder = Folder::with("orders.json", THREE_ORDERS);
    for args in ["--file orders.json", "produce --orders 1"] {
        let run = folder.start_in_shell("exec >&-;", args).finish();
        assert_eq!(run.code, 1, "{args}");
        let said = "error: cannot write the result: stdout is closed; to discard the result, redirect it to \
            /dev/null\n";
        assert_eq!(run.stderr, said, "{args}");
        let run = folder.start_in_shell("exec >/dev/null;", args).finish();
        assert_eq!(run.code, 0, "{args}");
    }
}

#[test]
fn a_sandbox_without_descriptors_ends() {
    for descriptors in [8, 12, 16] {
        let mut program = Folder::new().start_in_shell(&format!("ulimit -n {descriptors};"), "--orders 1000");
        program.wait_for("connecting to");
        program.signal(Signal::TERM);
        let run = program.finish();
        assert!(
            [0, 1].contains(&run.code),
            "{descriptors}: {} {}",
            run.code,
            run.stderr
        );
    }
}

#[test]
fn slow_orders_come_one_by_one_and_ctrl_c_ends_them_at_once() {
    let mut program = Folder::new().start("produce --rate 1 --orders 60");
    let first: Value = serde_json::from_str(&program.read_a_line()).unwrap();
    assert_eq!(first["order_id"], "o-1");
    program.interrupt();
    let run = program.finish();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let written = 1 + run.stdout.lines().count();
    assert!(written < 60, "{written}");
    let said = format!("wrote {written} orders to stdout");
    assert!(run.stderr.contains(&said), "{}", run.stderr);
}

// ---------------------------------------------------------------------------------------------------------------------
// How the program is run

/// A line of a file: an order of `merchant`, which is written as it stands in JSON.
fn order(merchant: &str) -> String {
    format!("{{\"merchant_id\":\"{merchant}\"}}\n")
}

/// The number at the beginning of a line, which may be written like 12,345.
fn number(line: &str) -> u64 {
    let digits = line.trim_start().split(' ').next().unwrap_or_default();
    digits.replace(',', "").parse().expect(line)
}

/// A folder of its own for a test, in which the program is run.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    /// A folder with one file in it.
    fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        Folder::new().and(name, content)
    }

    /// One file more.
    fn and(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_day01-consumer"));
        command.args(args.split_whitespace()).current_dir(&self.0);
        command
    }

    /// Starts the program; its stdin stays open.
    fn start(&self, args: &str) -> Running {
        Folder::spawn(self.command(args))
    }

    /// The same from a shell that runs `first` before it becomes the program.
    fn start_in_shell(&self, first: &str, args: &str) -> Running {
        let mut command = Command::new("sh");
        let script = format!("{first} exec {} {args}", env!("CARGO_BIN_EXE_day01-consumer"));
        command.args(["-c", &script]).current_dir(&self.0);
        Folder::spawn(command)
    }

    fn spawn(mut command: Command) -> Running {
        signals::are_heeded_by_children();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (say, said) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // A test that has ended does not listen.
                let _ = say.send(line);
            }
        });
        Running {
            child,
            said,
            stderr: String::new(),
        }
    }

    /// Runs the program to its end, with nothing on its stdin.
    fn run(&self, args: &str) -> Run {
        self.start(args).finish()
    }
}

/// A program under way.
struct Running {
    child: Child,
    said: Receiver<String>,
    /// What it has said so far.
    stderr: String,
}

impl Running {
    fn write(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
    }

    /// A line of its stdout.
    fn read_a_line(&mut self) -> String {
        let mut line = String::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        BufReader::with_capacity(1, stdout).read_line(&mut line).unwrap();
        line
    }

    /// Waits until it has said `text` on stderr.
    fn wait_for(&mut self, text: &str) {
        while !self.stderr.contains(text) {
            let line = self.said.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{text:?} was not said: {}", self.stderr));
            self.stderr += &format!("{line}\n");
        }
    }

    /// Presses Ctrl-C.
    fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Closes its stdin and waits for its end.
    fn finish(self) -> Run {
        let Running {
            child,
            said,
            mut stderr,
        } = self;
        let pid = Pid::from_child(&child);
        let (done, output) = channel();
        thread::spawn(move || done.send(child.wait_with_output()));
        let Ok(output) = output.recv_timeout(PATIENCE) else {
            let _ = kill_process(pid, Signal::KILL);
            panic!("it did not end, and said: {stderr}");
        };
        let output = output.unwrap();
        stderr.extend(said.iter().map(|line| line + "\n"));
        Run {
            code: output.status.code().expect("an exit code and no signal"),
            stdout: String::from_utf8(output.stdout).expect("results are text"),
            stderr,
        }
    }
}

/// What a run came to.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    /// The sum of all counts in a csv result.
    fn counted(&self) -> u64 {
        let rows = self.stdout.lines().skip(1);
        rows.map(|row| number(row.rsplit(',').next().unwrap())).sum()
    }

    /// How many records were skipped, over all reasons.
    fn skipped(&self) -> u64 {
        let reasons = self
            .stderr
            .lines()
            .filter_map(|line| line.strip_prefix("  skipped "));
        reasons.map(|reason| number(&reason.replace(':', " "))).sum()
    }
}
