//! The program of day 3 as its users meet it: windows as options go in; rows, words and an exit code come out.
//!
//! What the tests of days 1 and 2 hold for the options that the days share is not repeated here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use day03_windows::spec::WindowSpec;
use jiff::SignedDuration;

use orders::{HEADER, KINDS, csv, disordered, in_rows, late, order, ordered, rows};
use program::{Folder, Run};

/// 2026-01-01T00:00:00Z.
const MIDNIGHT: i64 = 1_767_225_600_000;

/// Five orders of two merchants in the first twelve seconds of a year.
const FIVE_ORDERS: &str = r#"{"merchant_id":"m-1","amount":12.50,"ts":1767225600000}
{"merchant_id":"m-2","amount":0.1,"ts":1767225601000}
{"merchant_id":"m-1","amount":-3,"ts":1767225604999}
{"merchant_id":"m-1","amount":1e1,"ts":1767225605000}
{"merchant_id":"m-2","amount":2,"ts":1767225611001}
"#;

fn five_orders() -> Folder {
    Folder::with("orders.json", FIVE_ORDERS)
}

fn spec(written: &str) -> WindowSpec {
    written.parse().unwrap()
}

// ---------------------------------------------------------------------------------------------------------------------
// Results

#[test]
fn csv_has_a_row_for_each_merchant_and_window_of_each_kind() {
    #[rustfmt::skip]
    let table = [
        ("tumble:5s", "\
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:05.000Z,2,9.50,-3.00,12.50,4.750000
m-2,2026-01-01T00:00:00.000Z,2026-01-01T00:00:05.000Z,1,0.10,0.10,0.10,0.100000
m-1,2026-01-01T00:00:05.000Z,2026-01-01T00:00:10.000Z,1,10.00,10.00,10.00,10.000000
m-2,2026-01-01T00:00:10.000Z,2026-01-01T00:00:15.000Z,1,2.00,2.00,2.00,2.000000
"),
        ("tumble:5s+1s", "\
m-1,2025-12-31T23:59:56.000Z,2026-01-01T00:00:01.000Z,1,12.50,12.50,12.50,12.500000
m-1,2026-01-01T00:00:01.000Z,2026-01-01T00:00:06.000Z,2,7.00,-3.00,10.00,3.500000
m-2,2026-01-01T00:00:01.000Z,2026-01-01T00:00:06.000Z,1,0.10,0.10,0.10,0.100000
m-2,2026-01-01T00:00:11.000Z,2026-01-01T00:00:16.000Z,1,2.00,2.00,2.00,2.000000
"),
        ("hop:10s/5s", "\
m-1,2025-12-31T23:59:55.000Z,2026-01-01T00:00:05.000Z,2,9.50,-3.00,12.50,4.750000
m-2,2025-12-31T23:59:55.000Z,2026-01-01T00:00:05.000Z,1,0.10,0.10,0.10,0.100000
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,3,19.50,-3.00,12.50,6.500000
m-2,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1,0.10,0.10,0.10,0.100000
m-1,2026-01-01T00:00:05.000Z,2026-01-01T00:00:15.000Z,1,10.00,10.00,10.00,10.000000
m-2,2026-01-01T00:00:05.000Z,2026-01-01T00:00:15.000Z,1,2.00,2.00,2.00,2.000000
m-2,2026-01-01T00:00:10.000Z,2026-01-01T00:00:20.000Z,1,2.00,2.00,2.00,2.000000
"),
        ("cumulate:10s/5s", "\
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:05.000Z,2,9.50,-3.00,12.50,4.750000
m-2,2026-01-01T00:00:00.000Z,2026-01-01T00:00:05.000Z,1,0.10,0.10,0.10,0.100000
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,3,19.50,-3.00,12.50,6.500000
m-2,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1,0.10,0.10,0.10,0.100000
m-2,2026-01-01T00:00:10.000Z,2026-01-01T00:00:15.000Z,1,2.00,2.00,2.00,2.000000
m-2,2026-01-01T00:00:10.000Z,2026-01-01T00:00:20.000Z,1,2.00,2.00,2.00,2.000000
"),
        ("session:5s", "\
m-2,2026-01-01T00:00:01.000Z,2026-01-01T00:00:06.000Z,1,0.10,0.10,0.10,0.100000
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,3,19.50,-3.00,12.50,6.500000
m-2,2026-01-01T00:00:11.001Z,2026-01-01T00:00:16.001Z,1,2.00,2.00,2.00,2.000000
"),
    ];
    for (windows, printed) in table {
        let run = five_orders().run(&format!("--file orders.json --format csv --window {windows}"));
        assert_eq!(run.result(), format!("{HEADER}{printed}"), "{windows}");
        assert_eq!(run.counted(), 5);
        assert!(!run.stderr.contains("late"), "{windows}: {}", run.stderr);
    }
}

/// Amounts are numbers and keep their decimals, times are text.
#[test]
fn json_is_one_object_a_line() {
    let run = five_orders().run("--file orders.json --format json --window session:5s");
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
            ("00.000", "10.000"),
            ["3", "19.50", "-3.00", "12.50", "6.500000"],
        ),
        object(
            "m-2",
            ("11.001", "16.001"),
            ["1", "2.00", "2.00", "2.00", "2.000000"],
        ),
    ];
    assert_eq!(run.result(), objects.concat());
}

#[test]
fn a_table_is_ordered_as_the_rows_are() {
    let run = five_orders().run("--file orders.json --window tumble:5s");
    let table = "\
┌─────────────┬──────────────────────────┬──────────────────────────┬─────────────┬────────────┬────────────┬────────────┬────────────┐
│ merchant_id ┆ window_start             ┆ window_end               ┆ order_count ┆ amount_sum ┆ amount_min ┆ amount_max ┆ amount_avg │
╞═════════════╪══════════════════════════╪══════════════════════════╪═════════════╪════════════╪════════════╪════════════╪════════════╡
│ m-1         ┆ 2026-01-01T00:00:00.000Z ┆ 2026-01-01T00:00:05.000Z ┆           2 ┆       9.50 ┆      -3.00 ┆      12.50 ┆   4.750000 │
│ m-2         ┆ 2026-01-01T00:00:00.000Z ┆ 2026-01-01T00:00:05.000Z ┆           1 ┆       0.10 ┆       0.10 ┆       0.10 ┆   0.100000 │
│ m-1         ┆ 2026-01-01T00:00:05.000Z ┆ 2026-01-01T00:00:10.000Z ┆           1 ┆      10.00 ┆      10.00 ┆      10.00 ┆  10.000000 │
│ m-2         ┆ 2026-01-01T00:00:10.000Z ┆ 2026-01-01T00:00:15.000Z ┆           1 ┆       2.00 ┆       2.00 ┆       2.00 ┆   2.000000 │
└─────────────┴──────────────────────────┴──────────────────────────┴─────────────┴────────────┴────────────┴────────────┴────────────┘
";
    assert_eq!(run.result(), table);
    assert!(!run.stderr.contains("more rows"), "{}", run.stderr);
}

#[test]
fn a_table_has_the_twenty_rows_with_the_most_orders_and_says_how_many_it_hides() {
    // In the nth window n orders; the first five are hidden.
    let windows = (1..=25).flat_map(|n| (0..n).map(move |at| order("m-1", "1", MIDNIGHT + n * 1_000 + at)));
    let folder = Folder::with("orders.json", windows.collect::<String>());
    for tasks in ["", "--workers 3"] {
        let run = folder.run(&format!("--file orders.json --window tumble:1s {tasks}"));
        let starts: Vec<&str> = run
            .result()
            .lines()
            .filter_map(|line| line.strip_prefix("│ m-1         ┆ 2026-01-01T00:00:"))
            .map(|rest| &rest[..2])
            .collect();
        let shown: Vec<String> = (6..=25).map(|second| format!("{second:02}")).collect();
        assert_eq!(starts, shown);
        let said = "and 5 more rows, with fewer orders; --format csv or json prints all\n";
        assert!(run.stderr.ends_with(said), "{}", run.stderr);
    }
}

#[test]
fn without_orders_there_are_no_rows() {
    let folder = Folder::with("empty.json", "");
    for windows in KINDS {
        let args = format!("--file empty.json --window {windows}");
        assert_eq!(folder.run(&format!("{args} --format csv")).result(), HEADER);
        assert_eq!(folder.run(&format!("{args} --format json")).result(), "");
    }
}

#[test]
fn any_number_of_workers_prints_what_the_evaluator_says_by_end_start_and_merchant() {
    let lines = ordered(5_000, 1);
    let rows = rows(&lines);
    let folder = Folder::with("orders.json", lines.concat());
    for windows in KINDS {
        let expected = format!("{HEADER}{}", csv(spec(windows), &rows));
        assert!(expected.lines().count() > 100, "{windows}");
        for workers in [1, 2, 7] {
            let args = format!("--file orders.json --format csv --window {windows} --workers {workers}");
            let run = folder.run(&args);
            assert_eq!(run.result(), expected, "{args}");
            assert!(!run.stderr.contains("late"), "{args}: {}", run.stderr);
        }
    }
}

#[test]
fn a_dash_is_stdin() {
    let mut program = Folder::new().start("--file - --format csv --window tumble:5s");
    program.write(FIVE_ORDERS);
    let run = program.finish();
    let file = five_orders().run("--file orders.json --format csv --window tumble:5s");
    assert_eq!(run.result(), file.result());
    assert!(run.stderr.contains("reading stdin"), "{}", run.stderr);
}

// ---------------------------------------------------------------------------------------------------------------------
// What is in no row

#[test]
fn late_orders_are_told_and_are_in_no_row() {
    let lines = [
        order("m-1", "1.00", MIDNIGHT),
        order("m-1", "2.00", MIDNIGHT + 10_000),
        order("m-1", "4.00", MIDNIGHT + 9_999),
        order("m-2", "8.00", MIDNIGHT + 4_999),
        order("m-2", "16.00", MIDNIGHT + 10_001),
    ];
    let folder = Folder::with("orders.json", lines.concat());
    let (late, missing) = (
        "2 orders (40.0 %) were late for all their windows, and are not counted\n",
        "times an order was late for one of its windows, and is not counted in it\n",
    );
    let run = folder.run("--file orders.json --format csv --window tumble:10s");
    let printed = "\
m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1,1.00,1.00,1.00,1.000000
m-1,2026-01-01T00:00:10.000Z,2026-01-01T00:00:20.000Z,1,2.00,2.00,2.00,2.000000
m-2,2026-01-01T00:00:10.000Z,2026-01-01T00:00:20.000Z,1,16.00,16.00,16.00,16.000000
";
    assert_eq!(run.result(), format!("{HEADER}{printed}"));
    assert!(run.stderr.ends_with(late), "{}", run.stderr);
    assert!(!run.stderr.contains(missing), "{}", run.stderr);

    // The order at 9.999 still counts in [5, 15), that at 4.999 in nothing.
    let run = folder.run("--file orders.json --format csv --window hop:10s/5s");
    let overlapping = "m-1,2026-01-01T00:00:05.000Z,2026-01-01T00:00:15.000Z,2,6.00,2.00,4.00,3.000000\n";
    assert!(run.result().contains(overlapping), "{}", run.result());
    assert!(!run.result().contains("8.00"), "{}", run.result());
    assert!(run.stderr.ends_with(&format!("\n3 {missing}")), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("\n1 orders (20.0 %) were late for all their windows"),
        "{}",
        run.stderr
    );
}

#[test]
fn every_order_is_in_a_row_or_counted_as_late() {
    let lines = disordered(5_000, 2, SignedDuration::from_millis(150));
    let folder = Folder::with("orders.json", lines.concat());
    for workers in [1, 3] {
        let args = format!("--file orders.json --format csv --window tumble:100ms --workers {workers}");
        let run = folder.run(&args);
        let late = late(&run.stderr);
        assert!(late > 100, "{}", run.stderr);
        assert_eq!(in_rows(run.result()) + late, 5_000, "{workers} workers");
    }
}

#[test]
fn a_key_past_the_limit_makes_a_bad_record() {
    let folder = Folder::with(
        "orders.json",
        format!("{FIVE_ORDERS}{}", order("m-10", "1", MIDNIGHT)),
    );
    let options = "--file orders.json --format csv";
    let run = folder.run(&format!("{options} --max-key 3B"));
    let said = "error: source 0: orders.json:6: merchant_id is longer than 3 B (4 bytes; to accept longer keys, raise \
                --max-key): ";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let skipping = folder.run(&format!("{options} --max-key 3B --on-bad-record skip"));
    assert!(
        skipping
            .stderr
            .contains("skipped 1: merchant_id is longer than 3 B\n"),
        "{}",
        skipping.stderr
    );
    assert_eq!(
        skipping.counted() + 1,
        folder.run(&format!("{options} --max-key 4B")).counted()
    );
}

#[test]
fn too_many_windows_per_row_are_refused_and_the_option_that_allows_them_is_named() {
    let folder = Folder::with("orders.json", order("m-1", "1", MIDNIGHT));
    let run = |options: &str| folder.run(&format!("--file orders.json --format csv {options}"));
    #[rustfmt::skip]
    let refused = [
        ("--window hop:1000000000s/1s",                        "puts each row into 1000000000 windows, and 10000 is the limit"),
        ("--window cumulate:1d/1s",                            "puts each row into 86400 windows, and 10000 is the limit"),
        ("--window hop:1m/10s --max-windows-per-row 5",        "puts each row into 6 windows, and 5 is the limit"),
    ];
    for (options, said) in refused {
        let run = run(options);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{options}");
        assert!(run.stderr.contains(said), "{options}: {}", run.stderr);
        assert!(
            run.stderr.contains(", or raise --max-windows-per-row\n"),
            "{options}: {}",
            run.stderr
        );
    }
    let rows = |options: &str| run(options).result().lines().count() - 1;
    assert_eq!(rows("--window hop:1m/10s --max-windows-per-row 6"), 6);
    assert_eq!(rows("--window hop:11s/1ms --max-windows-per-row 11000"), 11_000);
}

#[test]
fn an_order_without_a_time_is_a_bad_record() {
    let not = "ts is not a time: a whole number of milliseconds since 1970, within the years 1 to 9999";
    #[rustfmt::skip]
    let table = [
        (r#""amount":1"#,                            "no ts"),
        (r#""amount":1,"ts":null"#,                  "ts is null"),
        (r#""amount":1,"ts":"1767225600000""#,       not),
        (r#""amount":1,"ts":"2026-01-01T00:00:00Z""#,not),
        (r#""amount":1,"ts":1767225600000000"#,      not), // microseconds
        (r#""amount":1,"ts":1e400"#,                 not),
        (r#""amount":1,"ts":0.5"#,                   not),
        (r#""ts":1767225600000"#,                    "no amount"),
    ];
    for (fields, reason) in table {
        let bad = format!("{{\"merchant_id\":\"m-1\",{fields}}}");
        let folder = Folder::with("orders.json", format!("{FIVE_ORDERS}{bad}\n"));
        let run = folder.run("--file orders.json --format csv --window tumble:5s --workers 2");
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{bad}");
        let said = format!(
            "error: source 0: orders.json:6: {reason}: {bad}\n  \
             to skip and count such records, use --on-bad-record skip\n"
        );
        assert!(run.stderr.ends_with(&said), "{}", run.stderr);

        let skipping = folder.run("--file orders.json --format csv --window tumble:5s --on-bad-record skip");
        let without = five_orders().run("--file orders.json --format csv --window tumble:5s");
        assert_eq!(skipping.result(), without.result(), "{bad}");
        assert!(
            skipping.stderr.contains(&format!("  skipped 1: {reason}\n")),
            "{}",
            skipping.stderr
        );
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Ctrl-C, and pipes that close

#[test]
fn ctrl_c_while_a_pipe_stays_open_prints_what_has_closed_and_counts_what_has_not() {
    #[rustfmt::skip]
    let table = [
        ("tumble:5s",        3, 1),
        ("hop:10s/5s",       4, 2),
        ("hop:20s/5s",       4, 4),
        ("cumulate:10s/5s",  4, 1),
        ("session:5s",       2, 1),
        ("session:1h",       0, 2),
    ];
    let folder = Folder::new();
    // All at once: how far they are is said every five seconds.
    let running: Vec<_> = table
        .iter()
        .map(|(windows, ..)| {
            let mut program = folder.start(&format!("--file - --format csv --window {windows}"));
            program.write(FIVE_ORDERS);
            program
        })
        .collect();
    for (mut program, (windows, closed, open)) in running.into_iter().zip(table) {
        program.wait_for("5 records, ");
        program.interrupt();
        let run = program.wait();
        let whole = five_orders().run(&format!("--file orders.json --format csv --window {windows}"));
        let rows: Vec<&str> = whole.result().lines().take(1 + closed).collect();
        assert_eq!(run.result().lines().collect::<Vec<_>>(), rows, "{windows}");
        let said =
            format!("interrupted: only windows that have closed are printed (sums in open windows: {open}, ");
        assert!(run.stderr.contains(&said), "{windows}: {}", run.stderr);
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
fn windows_that_cannot_be_had_are_refused_with_the_sentence_that_says_why() {
    let folder = five_orders();
    #[rustfmt::skip]
    let table = [
        ("tumble:0s",        "the size of a window must be longer than zero, and 0s is not"),
        ("tumble:-5s",       "the size of a window must be longer than zero, and -5s is not"),
        ("hop:1m/0s",        "the slide of a window must be longer than zero, and 0s is not"),
        ("session:-1s",      "the gap of a window must be longer than zero, and -1s is not"),
        ("hop:1m/7s",        "a size of 1m is not a multiple of a slide of 7s; choose a slide that divides it"),
        ("cumulate:1h/7m",   "a maximum of 1h is not a multiple of a step of 7m; choose a step that divides it"),
        ("tumble:1mo",       "\"1mo\": months and years have no fixed length"),
        ("tumble:1us",       "\"1us\": event time has whole milliseconds"),
        ("session:30s+5s",   "a session has no offset: it begins with its first row"),
        ("nonsense",         "\"nonsense\" is not a window; write tumble:SIZE, hop:SIZE/SLIDE, cumulate:MAX/STEP or \
            session:GAP"),
        ("tumble:nonsense",  "\"nonsense\" is not a length of time; write it like 10s, 15m, 1h or 250ms"),
    ];
    for (windows, said) in table {
        let run = folder.run(&format!("--file orders.json --window {windows}"));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (2, ""),
            "{windows}: {}",
            run.stderr
        );
        let begins = format!("error: invalid value '{windows}' for '--window <KIND:LENGTHS>': {said}");
        assert!(run.stderr.starts_with(&begins), "{}", run.stderr);
        assert!(run.stderr.contains("--help"), "{}", run.stderr);
    }
}

#[test]
fn help_names_every_kind_and_groups_the_options_by_day() {
    let folder = Folder::new();
    let help = folder.run("--help");
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    let is_heading = |line: &&str| line.starts_with("Day ") && line.ends_with(':');
    let headings: Vec<&str> = help.stdout.lines().filter(is_heading).collect();
    let days = [
        "Day 3: windows:",
        "Day 2: tasks:",
        "Day 1: where records come from:",
        "Day 1: records and results:",
    ];
    assert_eq!(headings, days);
    let position = |text: &str| help.stdout.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(position("Day 3: windows:") < position("--window "));
    assert!(position("--window ") < position("Day 2: tasks:"));
    assert!(position("Day 2: tasks:") < position("--workers"));
    for kind in [
        "tumble:SIZE",
        "hop:SIZE/SLIDE",
        "cumulate:MAX/STEP",
        "session:GAP",
    ] {
        position(kind);
    }
    // What the examples of windows are written like is read.
    for window in [
        "tumble:10s",
        "tumble:1h+15m",
        "hop:1m/10s",
        "cumulate:1h/10m",
        "session:30s",
    ] {
        position(&format!("\n  {window} "));
        assert_eq!(spec(window).to_string(), window);
    }
    position("Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.");
    assert_eq!(
        folder.run("--version").result(),
        concat!("day03-windows ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

/// What is in the picture is said beside it, in the lab.
#[test]
fn without_arguments_it_draws_a_picture_that_fits_on_a_screen() {
    let run = Folder::new().run("");
    let picture = day03_windows::lab::demo::picture().unwrap();
    assert_eq!(run.result(), format!("{picture}\n"));
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
    let tips: Vec<&str> = run
        .stderr
        .lines()
        .skip_while(|line| *line != "try next:")
        .filter_map(|line| {
            line.trim()
                .strip_prefix("cargo run --release -p day03-windows -- ")
        })
        .collect();
    assert_eq!(tips.len(), 5, "{}", run.stderr);
    assert!(
        tips.iter().any(|tip| tip.starts_with("--window session:")),
        "{tips:?}"
    );
    // What it says can be done.
    for tip in tips {
        let args = tip.split("  ").next().unwrap();
        Folder::new()
            .run(&format!("{args} --rate 0 --orders 2000"))
            .result();
    }
}
