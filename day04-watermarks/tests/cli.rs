//! The program of day 4 as its users meet it: how far orders may be out of order goes in; what was late, and why nothing
//! comes out, is said.
//!
//! What the tests of days 1 to 3 hold for the options that the days share is not repeated here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use jiff::SignedDuration;

use orders::{HEADER, KINDS, csv, disordered, in_rows, order, rows};
use program::{Folder, Run};

/// 2026-01-01T00:00:00Z.
const MIDNIGHT: i64 = 1_767_225_600_000;

/// Five orders of two merchants, of which the fourth is eight seconds behind the third.
const FIVE_ORDERS: &str = r#"{"merchant_id":"m-1","amount":12.50,"ts":1767225600000}
{"merchant_id":"m-2","amount":0.1,"ts":1767225601000}
{"merchant_id":"m-1","amount":-3,"ts":1767225612000}
{"merchant_id":"m-1","amount":1e1,"ts":1767225604000}
{"merchant_id":"m-2","amount":2,"ts":1767225611001}
"#;

fn five_orders() -> Folder {
    Folder::with("orders.json", FIVE_ORDERS)
}

#[test]
fn limits_of_the_days_before_hold_on_this_day_too() {
    let folder = Folder::with(
        "orders.json",
        format!("{FIVE_ORDERS}{}", order("m-10", "1", MIDNIGHT)),
    );
    for (options, code, said) in [
        (
            "--max-key 3B",
            1,
            "orders.json:6: merchant_id is longer than 3 B (4 bytes; to accept longer keys, raise --max-key)",
        ),
        ("--window hop:1m/1ms", 2, "60000 windows, and 10000 is the limit"),
        (
            "--window hop:1m/10s --max-windows-per-row 5",
            2,
            "or raise --max-windows-per-row",
        ),
    ] {
        let run = folder.run(&format!("--file orders.json --format csv {options}"));
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{options}");
        assert!(run.stderr.contains(said), "{options}: {}", run.stderr);
    }
    let run = folder.run(
        "--file orders.json --max-key 3B --on-bad-record skip --window hop:1m/10s --max-windows-per-row 6",
    );
    assert!(
        run.stderr.contains("skipped 1: merchant_id is longer than 3 B\n"),
        "{}",
        run.stderr
    );
    assert_eq!(run.counted(), 5);
}

/// What the program says was late, if anything.
fn late(run: &Run) -> Option<&str> {
    run.stderr.lines().find(|line| line.contains(" late row"))
}

// ---------------------------------------------------------------------------------------------------------------------
// Results

#[test]
fn an_order_that_is_behind_by_no_more_than_the_delay_is_in_its_row() {
    let with = "\
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,2,22.50,10.00,12.50,11.250000
m-2,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1,0.10,0.10,0.10,0.100000
m-1,2026-01-01T00:00:10.000Z,2026-01-01T00:00:20.000Z,1,-3.00,-3.00,-3.00,-3.000000
m-2,2026-01-01T00:00:10.000Z,2026-01-01T00:00:20.000Z,1,2.00,2.00,2.00,2.000000
";
    let without = with.replace("2,22.50,10.00,12.50,11.250000", "1,12.50,12.50,12.50,12.500000");
    let folder = five_orders();
    // The default is five seconds, with which the watermark is at 7 when it comes.
    let kept = ["", "--delay 2001ms", "--delay 8s", "--delay 1h"].map(|delay| (delay, with));
    let late_with = ["--delay 2s", "--delay 0s"].map(|delay| (delay, without.as_str()));
    // The second of two sources has nothing to read. Until the worker has heard that, it has no watermark, and may take in
    // what would be late a moment later.
    let tasks = [
        ("", true),
        ("--workers 2", true),
        ("--sources 2 --workers 3", false),
    ];
    for (tasks, always_late) in tasks {
        for (delay, printed) in kept
            .into_iter()
            .chain(late_with.into_iter().filter(|_| always_late))
        {
            let run = folder.run(&format!("--file orders.json --format csv {delay} {tasks}"));
            assert_eq!(run.result(), format!("{HEADER}{printed}"), "{delay} {tasks}");
            assert_eq!(run.counted(), 5);
            assert_eq!(
                late(&run).is_some(),
                printed == without,
                "{delay}: {}",
                run.stderr
            );
        }
    }
}

#[test]
fn json_is_one_object_a_line() {
    let run = five_orders().run("--file orders.json --format json --window session:5s --delay 8s");
    let object = |merchant: &str, (start, end): (&str, &str), numbers: [&str; 5]| {
        let [count, sum, min, max, average] = numbers;
        format!(
            "{{\"merchant_id\":\"{merchant}\",\
             \"window_start\":\"2026-01-01T00:00:{start}Z\",\"window_end\":\"2026-01-01T00:00:{end}Z\",\
             \"order_count\":{count},\"amount_sum\":{sum},\"amount_min\":{min},\"amount_max\":{max},\
             \"amount_avg\":{average}}}\n"
        )
    };
    let objects = [
        object(
            "m-2",
            ("01.000", "06.000"),
            ["1", "0.10", "0.10", "0.10", "0.100000"],
        ),
        object(
            "m-1",
            ("00.000", "09.000"),
            ["2", "22.50", "10.00", "12.50", "11.250000"],
        ),
        object(
            "m-2",
            ("11.001", "16.001"),
            ["1", "2.00", "2.00", "2.00", "2.000000"],
        ),
        object(
            "m-1",
            ("12.000", "17.000"),
            ["1", "-3.00", "-3.00", "-3.00", "-3.000000"],
        ),
    ];
    assert_eq!(run.result(), objects.concat());
}

#[test]
fn with_a_delay_as_large_as_the_disorder_it_prints_what_the_evaluator_says_on_any_tasks() {
    let lines = disordered(4_000, 1, SignedDuration::from_millis(200));
    let halves = lines.split_at(lines.len() / 2);
    // Two files, of which one is in all of its orders ahead of the other.
    let folder = Folder::with("one.json", halves.0.concat()).and("other.json", halves.1.concat());
    for windows in KINDS {
        let expected = format!("{HEADER}{}", csv(windows.parse().unwrap(), &rows(&lines)));
        for tasks in ["", "--workers 3", "--sources 2", "--sources 3 --workers 2"] {
            let args = format!(
                "--file one.json --file other.json --format csv --window {windows} --delay 200ms {tasks}"
            );
            let run = folder.run(&args);
            assert_eq!(run.result(), expected, "{args}");
            assert_eq!(late(&run), None, "{args}");
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What was late

/// The line that says so, and whether the delay that it names keeps all.
#[test]
fn what_was_late_is_said_with_the_delay_that_would_have_kept_it() {
    let folder = five_orders();
    #[rustfmt::skip]
    let table = [
        ("--delay 0s",                        "1 late row, at most 8s behind; a delay of 8s would have kept all"),
        ("--delay 2s",                        "1 late row, at most 6s behind; a delay of 8s would have kept all"),
        ("--delay 1950ms",                    "1 late row, at most 6s behind; a delay of 7s 950ms would have kept all"),
        ("--delay 0s --window tumble:5s",     "1 late row, at most 8s behind; a delay of 8s would have kept all"),
        // Late for a window that ends at 10 and not for one that ends at 15.
        ("--delay 0s --window hop:20s/5s",    "0 late rows, at most 8s behind; a delay of 8s would have kept all"),
    ];
    for (args, line) in table {
        let run = folder.run(&format!("--file orders.json --format csv {args}"));
        assert_eq!(run.code, 0);
        assert_eq!(late(&run), Some(line), "{args}: {}", run.stderr);
        let (_, said) = line.split_once("a delay of ").unwrap();
        let enough = said
            .strip_suffix(" would have kept all")
            .unwrap()
            .replace(' ', "");
        let windows = args
            .split_once("--window")
            .map_or(String::new(), |(_, rest)| format!("--window{rest}"));
        let again = folder.run(&format!(
            "--file orders.json --format csv --delay {enough} {windows}"
        ));
        assert_eq!(late(&again), None, "{enough}: {}", again.stderr);
    }
    let hop = folder.run("--file orders.json --format csv --delay 0s --window hop:20s/5s");
    let missing = "2 times an order was late for one of its windows, and is not counted in it\n";
    assert!(hop.stderr.ends_with(missing), "{}", hop.stderr);
}

#[test]
fn every_order_is_in_a_row_or_late() {
    let lines = disordered(5_000, 2, SignedDuration::from_millis(150));
    let folder = Folder::with("orders.json", lines.concat());
    for workers in [1, 3] {
        let run = folder.run(&format!(
            "--file orders.json --format csv --window tumble:100ms --delay 30ms --workers {workers}"
        ));
        let in_rows = in_rows(run.result());
        let late = program::number(late(&run).expect("some are late"));
        assert!(late > 100, "{}", run.stderr);
        assert_eq!(in_rows + late, 5_000, "{workers} workers");
    }
}

#[test]
fn one_order_from_2099_makes_the_rest_late_and_the_delay_that_is_said_gives_it_away() {
    let lines = [
        order("m-1", "1.00", MIDNIGHT),
        order("m-1", "2.00", 4_070_908_800_000),
        order("m-1", "4.00", MIDNIGHT + 1_000),
        order("m-1", "8.00", MIDNIGHT + 2_000),
    ];
    let folder = Folder::with("orders.json", lines.concat());
    let run = folder.run("--file orders.json --format csv");
    let printed = "\
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1,1.00,1.00,1.00,1.000000
m-1,2099-01-01T00:00:00.000Z,2099-01-01T00:00:10.000Z,1,2.00,2.00,2.00,2.000000
";
    assert_eq!(run.result(), format!("{HEADER}{printed}"));
    // 73 years.
    let line = "2 late rows, at most 639911h 59m 54s behind; a delay of 639911h 59m 59s would have kept all";
    assert_eq!(late(&run), Some(line), "{}", run.stderr);
}

/// What is late comes out again with the number of its pane, and what is lost is a file that can be read as an input.
#[test]
fn late_orders_make_new_panes_and_lost_ones_are_a_file_that_is_an_input() {
    let orders = [(2, "1.00"), (12, "2.00"), (3, "4.00"), (40, "8.00"), (4, "16.00")];
    let orders = orders.map(|(second, amount)| order("m-1", amount, MIDNIGHT + second * 1_000));
    let folder = Folder::with("orders.json", orders.concat());
    let run = folder.run("--file orders.json --format csv --delay 0s --lateness 10s --late lost.json");
    let printed = "\
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1,1.00,1.00,1.00,1.000000,0
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,2,5.00,1.00,4.00,2.500000,1
m-1,2026-01-01T00:00:10.000Z,2026-01-01T00:00:20.000Z,1,2.00,2.00,2.00,2.000000,0
m-1,2026-01-01T00:00:40.000Z,2026-01-01T00:00:50.000Z,1,8.00,8.00,8.00,8.000000,0
";
    assert_eq!(run.result(), format!("{},pane\n{printed}", HEADER.trim_end()));
    let line = "1 late row, at most 36s behind; a delay of 36s would have kept all";
    assert_eq!(late(&run), Some(line), "{}", run.stderr);
    let lost = std::fs::read_to_string(folder.path("lost.json")).unwrap();
    let wanted = r#"{"merchant_id":"m-1","amount":16.00,"ts":1767225604000,"late_ms":36000,"windows":[{"window_start":"2026-01-01T00:00:00.000Z","window_end":"2026-01-01T00:00:10.000Z"}]}"#;
    assert_eq!(lost, format!("{wanted}\n"));
    let again = folder.run("--file lost.json --format csv");
    assert_eq!(
        again.result(),
        format!(
            "{HEADER}m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1,16.00,16.00,16.00,16.000000\n"
        )
    );
}

#[test]
fn late_orders_do_not_go_to_what_is_read() {
    let folder = five_orders();
    std::fs::create_dir(folder.path("in")).unwrap();
    folder.write("in/a.json", FIVE_ORDERS);
    for (file, late, said) in [
        ("orders.json", "./orders.json", "is also the input orders.json"),
        ("in", "in/a.json", "is also the input in/a.json"),
        ("in", "in/late", "lies in the input in"),
    ] {
        let run = folder.run(&format!("--file {file} --late {late}"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        let said = format!("--late {late} {said}");
        assert!(run.stderr.contains(&said), "{}", run.stderr);
    }
    assert!(!folder.path("in/late").exists());
    for file in ["orders.json", "in/a.json"] {
        assert_eq!(folder.read(file), FIVE_ORDERS.as_bytes());
    }
}

#[test]
fn an_order_too_far_ahead_is_an_error_that_names_it_or_is_skipped() {
    let lines = [(1, "1.00"), (7_200, "2.00"), (2, "4.00")];
    let lines = lines.map(|(second, amount)| order("m-1", amount, MIDNIGHT + second * 1_000));
    let folder = Folder::with("orders.json", lines.concat());
    let run = folder.run("--file orders.json --format csv --max-ahead 1h");
    assert_eq!(run.code, 1);
    let said = "orders.json:2: ts is too far ahead (2026-01-01T02:00:00.000Z is 1h 59m 59s after 2026-01-01T00:00:01.000Z";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let run = folder.run("--file orders.json --format csv --max-ahead 1h --on-bad-record skip");
    assert_eq!(in_rows(run.result()), 2, "{}", run.stderr);
    assert!(run.stderr.contains("ts is too far ahead"), "{}", run.stderr);
}

// ---------------------------------------------------------------------------------------------------------------------
// Ctrl-C, and pipes that close

#[test]
fn ctrl_c_prints_what_has_closed_and_names_the_split_that_holds_the_rest_back() {
    let folder = Folder::new();
    let mut running: Vec<_> = [("5s", 7, 0), ("1s", 11, 2)]
        .map(|(delay, second, closed)| {
            let mut program = folder.start(&format!("--file - --format csv --delay {delay}"));
            program.write(FIVE_ORDERS);
            (program, second, closed)
        })
        .into();
    for (program, _, _) in &mut running {
        program.wait_for("5 records, ");
    }
    for (program, second, closed) in running {
        program.interrupt();
        let run = program.wait();
        assert_eq!(run.result().lines().count(), 1 + closed, "{}", run.stdout);
        let status = format!("\nwatermark 2026-01-01T00:00:{second:02}.000Z, held back by stdin: ");
        assert!(run.stderr.contains(&status), "{}", run.stderr);
        let open = "interrupted: only windows that have closed are printed (sums in open windows: ";
        assert!(run.stderr.contains(open), "{}", run.stderr);
    }
}

#[test]
fn a_program_whose_reader_goes_away_ends_quietly() {
    let orders = (0..20_000).map(|n| order(&format!("m-{n}"), "1.00", MIDNIGHT + n));
    let folder = Folder::with("many.json", orders.collect::<String>());
    for (format, first) in [("csv", HEADER), ("json", "{\"merchant_id\":\"m-0\",")] {
        let mut program = folder.start(&format!(
            "--file many.json --format {format} --workers 2 --window tumble:1ms"
        ));
        // Dropped behind its first line, as by `| head -1`.
        assert!(program.read_a_line().starts_with(first));
        program.child.stdout = None;
        let run: Run = program.finish();
        assert_eq!(run.code, 0, "{}", run.stderr);
        for word in ["error", "panic"] {
            assert!(!run.stderr.contains(word), "{}", run.stderr);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What is said

#[test]
fn times_are_written_with_a_unit() {
    let folder = five_orders();
    for time in ["5s", "250ms", "1m", "1h30m", "2d", "PT10S"] {
        for option in ["delay", "idle-timeout"] {
            let run = folder.run(&format!("--file orders.json --format csv --{option} {time}"));
            assert_eq!(run.code, 0, "--{option} {time}: {}", run.stderr);
        }
    }
}

#[test]
fn times_that_cannot_be_had_are_refused_with_the_sentence_that_says_why() {
    let folder = five_orders();
    let positive = "it must be longer than zero, because a partition is silent between any two orders";
    #[rustfmt::skip]
    let table = [
        ("delay",        "-1s",  "-1s is negative: the watermark would be ahead of every order"),
        ("delay",        "5",    "\"5\" is not a length of time; write it like 10s, 15m, 1h or 250ms"),
        ("delay",        "soon", "\"soon\" is not a length of time; write it like 10s, 15m, 1h or 250ms"),
        ("delay",        "1us",  "\"1us\": event time has whole milliseconds"),
        ("delay",        "1mo",  "\"1mo\": months and years have no fixed length"),
        ("idle-timeout", "0s",   positive),
        ("idle-timeout", "-1m",  positive),
        ("idle-timeout", "30",   "\"30\" is not a length of time; write it like 10s, 15m, 1h or 250ms"),
    ];
    for (option, time, said) in table {
        let run = folder.run(&format!("--file orders.json --{option}={time}"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{time}: {}", run.stderr);
        let begins = format!("error: invalid value '{time}' for '--{option} <TIME>': {said}");
        assert!(run.stderr.starts_with(&begins), "{}", run.stderr);
        assert!(run.stderr.contains("--help"), "{}", run.stderr);
    }
    // Without an equals sign, a minus begins another option.
    assert_eq!(folder.run("--file orders.json --delay -1s").code, 2);
}

#[test]
fn what_goes_wrong_while_it_runs_has_the_code_1() {
    let folder = Folder::with("orders.json", format!("{FIVE_ORDERS}nonsense\n"));
    let run = folder.run("--file orders.json --format csv");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr.contains("error: source 0: orders.json:6: "),
        "{}",
        run.stderr
    );
    let skipping = folder.run("--file orders.json --format csv --on-bad-record skip");
    let without = five_orders().run("--file orders.json --format csv");
    assert_eq!(skipping.result(), without.result());
    let missing = folder.run("--file missing.json");
    assert_eq!(missing.code, 1, "{}", missing.stderr);
}

#[test]
fn help_explains_watermarks_and_groups_the_options_by_day() {
    let folder = Folder::new();
    let help = folder.run("--help");
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    let is_heading = |line: &&str| line.starts_with("Day ") && line.ends_with(':');
    let headings: Vec<&str> = help.stdout.lines().filter(is_heading).collect();
    let days = [
        "Day 4: event time:",
        "Day 3: windows:",
        "Day 2: tasks:",
        "Day 1: where records come from:",
        "Day 1: records and results:",
    ];
    assert_eq!(headings, days);
    let position = |text: &str| help.stdout.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(position("Day 4: event time:") < position("--delay <TIME>"));
    assert!(position("--delay <TIME>") < position("--idle-timeout <TIME>"));
    assert!(position("--idle-timeout <TIME>") < position("Day 3: windows:"));
    position("[default: 5s]");
    position("[default: 30s]");
    position("\nWatermarks:\n");
    position("Does no window close?");
    position("Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.");
    assert_eq!(
        folder.run("--version").result(),
        concat!("day04-watermarks ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

/// What the story has to tell is said beside it, in the lab.
#[test]
fn without_arguments_it_tells_a_story_that_fits_on_a_screen() {
    let run = Folder::new().run("");
    let story = day04_watermarks::lab::demo::story().unwrap();
    assert_eq!(run.result(), format!("{story}\n"));
    let lines = run.stdout.lines().chain(run.stderr.lines());
    assert!(lines.count() <= 30, "{}", run.stderr);
}

#[test]
fn generated_orders_need_nothing_installed_and_the_program_says_what_to_try_next() {
    let run = Folder::new().run("--rate 0 --orders 20000");
    assert!(run.result().contains("│ m-1 "), "{}", run.result());
    assert!(
        run.stderr.contains("a Kafka broker inside this process"),
        "{}",
        run.stderr
    );
    assert_eq!(run.counted(), 20_000);
    // Its disorder is less than its delay.
    assert_eq!(late(&run), None, "{}", run.stderr);
    let tips: Vec<&str> = run
        .stderr
        .lines()
        .skip_while(|line| *line != "try next:")
        .filter_map(|line| {
            line.trim()
                .strip_prefix("cargo run --release -p day04-watermarks -- ")
        })
        .collect();
    assert_eq!(tips.len(), 3, "{}", run.stderr);
    // What it says can be done, and what it promises of it.
    for tip in tips {
        let args = tip.split("  ").next().unwrap();
        let run = Folder::new().run(&format!("{args} --rate 0 --orders 20000"));
        run.result();
        let loses = ["--delay 0s", "--disorder 20s"].contains(&args);
        assert_eq!(late(&run).is_some(), loses, "{args}: {}", run.stderr);
    }
}
