//! The program of day 2 as its users meet it: options go in; results, words, a saved file and an exit code come out.
//!
//! What day 1's tests hold for the options that both days share is not repeated here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod generated;
mod program;

use generated::{Counted, HEADER, lines, options};
use program::{Folder, Run};

const FOUR_ORDERS: &str = r#"{"merchant_id":"m-2","amount":12.50}
{"merchant_id":"m-1","amount":0.1}
{"merchant_id":"m-2","amount":-3}
{"merchant_id":"m-2","amount":1e1}
"#;
const FOUR_ORDERS_COUNTED: &str =
    "merchant_id,order_count,amount_sum,amount_max\nm-1,1,0.10,0.10\nm-2,3,19.50,12.50\n";

/// Numbers of workers and sources.
const TASKS: [(u16, u16); 6] = [(1, 1), (2, 2), (3, 1), (1, 3), (7, 5), (128, 128)];

// ---------------------------------------------------------------------------------------------------------------------
// Results

#[test]
fn a_key_past_the_limit_makes_a_bad_record() {
    let folder = Folder::with("orders.json", format!("{FOUR_ORDERS}{}", order(10)));
    let run = folder.run("--file orders.json --max-key 3B");
    let said =
        "orders.json:5: merchant_id is longer than 3 B (4 bytes; to accept longer keys, raise --max-key): ";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let run = folder.run("--file orders.json --format csv --max-key 3B --on-bad-record skip");
    assert_eq!(run.result(), FOUR_ORDERS_COUNTED);
}

#[test]
fn csv_has_a_header_and_every_merchant_by_name() {
    let run = Folder::with("orders.json", FOUR_ORDERS).run("--file orders.json --format csv");
    assert_eq!(run.result(), FOUR_ORDERS_COUNTED);
}

#[test]
fn json_is_one_object_a_line_with_amounts_as_numbers_of_two_decimals() {
    let run = Folder::with("orders.json", FOUR_ORDERS).run("--file orders.json --format json");
    assert_eq!(
        run.result(),
        "{\"merchant_id\":\"m-1\",\"order_count\":1,\"amount_sum\":0.10,\"amount_max\":0.10}\n\
         {\"merchant_id\":\"m-2\",\"order_count\":3,\"amount_sum\":19.50,\"amount_max\":12.50}\n"
    );
}

#[test]
fn a_table_has_the_largest_first() {
    let run = Folder::with("orders.json", FOUR_ORDERS).run("--file orders.json");
    insta::assert_snapshot!("table", run.result());
}

#[test]
fn a_table_says_how_many_merchants_it_hides() {
    let folder = Folder::with("orders.json", (0..25).map(order).collect::<String>());
    for tasks in ["", "--workers 3"] {
        let run = folder.run(&format!("--file orders.json {tasks}"));
        assert_eq!(run.result().matches("m-").count(), 20);
        assert!(
            run.stderr
                .contains("and 5 more merchants; --format csv or json prints all"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn an_empty_file_has_no_merchants() {
    let folder = Folder::with("empty.json", "");
    for (workers, sources) in TASKS {
        let args = format!("--file empty.json --workers {workers} --sources {sources}");
        assert_eq!(folder.run(&format!("{args} --format csv")).result(), HEADER);
        assert_eq!(folder.run(&format!("{args} --format json")).result(), "");
    }
}

#[test]
fn stdout_holds_the_results_and_stderr_the_rest() {
    let run = Folder::new().run("--orders 2000 --rate 0 --format csv --workers 2 --sources 2");
    assert_eq!(run.result(), Counted::of(&lines(&options(2_000, 1))).csv());
    for said in [
        "reading topic orders, 8 partitions",
        "2,000 records in",
        "try next",
    ] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}

#[test]
fn any_number_of_workers_and_sources_prints_the_same_bytes() {
    let all = lines(&options(6_000, 2));
    let (folder, files) = five_files(&all);
    for format in ["csv", "json", "table"] {
        let mut first = None;
        for (workers, sources) in TASKS {
            let args = format!("{files} --format {format} --workers {workers} --sources {sources}");
            let run = folder.run(&args);
            let first = first.get_or_insert(run.result().to_string());
            assert_eq!(run.result(), first, "{args}");
            assert_eq!(run.counted(), 6_000);
        }
        if format == "csv" {
            assert_eq!(first, Some(Counted::of(&all).csv()));
        }
    }
}

#[test]
fn a_dash_is_stdin_beside_other_files_and_among_several_sources() {
    for tasks in ["", "--sources 2", "--sources 3 --workers 3"] {
        let folder = Folder::with("orders.json", FOUR_ORDERS);
        let mut program = folder.start(&format!("--file orders.json --file - --format csv {tasks}"));
        program.write(&order(7));
        program.write(&order(7));
        let run = program.finish();
        assert_eq!(
            run.result(),
            format!("{FOUR_ORDERS_COUNTED}m-7,2,2.00,1.00\n"),
            "{tasks}"
        );
        assert!(
            run.stderr.contains("reading orders.json, stdin"),
            "{}",
            run.stderr
        );
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Bad records

#[test]
fn a_bad_record_ends_the_run_and_is_named_with_its_task_and_a_way_on() {
    let folder =
        Folder::with("one.json", FOUR_ORDERS).and("two.json", "{\"merchant_id\":\"m-1\",\"amount\":\"1\"}\n");
    for (tasks, task) in [("", "source 0"), ("--sources 2 --workers 3", "source 1")] {
        let run = folder.run(&format!("--file one.json --file two.json --format csv {tasks}"));
        assert_eq!((run.code, run.stdout.as_str()), (1, ""));
        let said = format!(
            "error: {task}: two.json:1: amount is not a number with at most two decimals: \
             {{\"merchant_id\":\"m-1\",\"amount\":\"1\"}}\n  \
             to skip and count such records, use --on-bad-record skip\n"
        );
        assert!(run.stderr.ends_with(&said), "{}", run.stderr);
    }
}

#[test]
fn bad_records_can_be_skipped_and_are_counted_by_reason_over_all_sources() {
    let bad = "no JSON\n{\"merchant_id\":\"m-1\"}\n";
    let folder = Folder::with("one.json", format!("{bad}{FOUR_ORDERS}")).and("two.json", bad);
    let run = folder.run("--file one.json --file two.json --sources 2 --format csv --on-bad-record skip");
    assert_eq!(run.result(), FOUR_ORDERS_COUNTED);
    let skipped: Vec<&str> = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("  skipped"))
        .collect();
    assert_eq!(skipped, ["  skipped 2: not JSON", "  skipped 2: no amount"]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Save and load

#[test]
fn what_was_saved_is_gone_on_from_and_only_what_is_new_is_counted() {
    let all = lines(&options(5_000, 3));
    let folder = Folder::with("orders.json", "");
    let mut written = 0;
    for (more, tasks) in [
        (2_000, "--save state"),
        (0, "--load state --save state"),
        (1, "--load state --save state --workers 3"),
        (1_999, "--load state --save state --workers 128 --sources 2"),
        (1_000, "--load state --save state --workers 2 --sources 3"),
    ] {
        folder.append("orders.json", &all[written..written + more].concat());
        written += more;
        let run = folder.run(&format!("--file orders.json --format csv {tasks}"));
        assert_eq!(run.result(), Counted::of(&all[..written]).csv(), "{tasks}");
        assert_eq!(run.counted(), more as u64, "{tasks}");
        assert!(
            run.stderr.contains("saved state and positions to state\n"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(written, all.len());

    // The file does not tell how it came to be.
    folder
        .run("--file orders.json --save at-once --workers 5")
        .result();
    assert_eq!(folder.read("at-once"), folder.read("state"));
    assert!(!folder.path("state.writing").exists());
}

#[test]
fn each_of_several_files_is_gone_on_from_and_a_new_one_is_read_from_its_beginning() {
    let all = lines(&options(6_000, 4));
    let (folder, files) = five_files(&all[..5_000]);
    folder
        .run(&format!("{files} --save state --workers 2 --sources 2"))
        .result();
    folder.append("2.json", &all[5_000..5_500].concat());
    folder.write("new.json", all[5_500..].concat());
    for (workers, sources) in TASKS {
        let args = format!("--file new.json {files} --load state --workers {workers} --sources {sources}");
        let run = folder.run(&format!("{args} --format csv"));
        assert_eq!(run.result(), Counted::of(&all).csv(), "{args}");
        assert_eq!(run.counted(), 1_000, "{args}");
    }
}

#[test]
fn what_was_loaded_overrides_where_to_start() {
    let folder = Folder::with("orders.json", FOUR_ORDERS).and("new.json", order(7).repeat(3));
    folder.run("--file orders.json --save state").result();
    for from in ["earliest", "0=1", "1=1", "latest"] {
        let args = format!("--file orders.json --file new.json --load state --format csv --from {from}");
        let run = folder.run(&args);
        assert_eq!(
            run.result(),
            format!("{FOUR_ORDERS_COUNTED}m-7,3,3.00,1.00\n"),
            "{from}"
        );
        assert_eq!(run.counted(), 3, "{from}");
    }
}

#[test]
fn what_cannot_be_gone_on_from_is_named_with_its_file_and_nothing_is_counted() {
    let folder = Folder::with("orders.json", FOUR_ORDERS);
    folder.run("--file orders.json --save good").result();
    let good = folder.read("good");
    let damaged = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        assert_ne!(bytes[at], byte);
        bytes[at] = byte;
        bytes
    };
    let bytes = good.len();
    std::fs::create_dir(folder.path("folder")).unwrap();
    folder.write("empty", "");
    folder.write("foreign", FOUR_ORDERS);
    folder.write("header", &good[..15]);
    folder.write("truncated", &good[..bytes - 1]);
    folder.write("longer", [good.as_slice(), b"\n"].concat());
    folder.write("damaged", damaged(bytes / 2, 255));
    folder.write("newer", damaged(8, 3));
    #[rustfmt::skip]
    let table = [
        ("missing",   "No such file or directory (os error 2)".to_string()),
        ("folder",    "Is a directory (os error 21)".to_string()),
        ("empty",     "it is not a snapshot".to_string()),
        ("foreign",   "it is not a snapshot".to_string()),
        ("header",    "it is cut off: it has 15 of 20 bytes".to_string()),
        ("truncated", format!("it is cut off: it has {} of {bytes} bytes", bytes - 1)),
        ("longer",    "it has 1 bytes after its end".to_string()),
        ("damaged",   "it is damaged: its checksum is wrong".to_string()),
        ("newer",     "its format has version 3, and this program reads version 2".to_string()),
    ];
    for (name, problem) in table {
        let run = folder.run(&format!(
            "--file orders.json --load {name} --save saved --format csv"
        ));
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{name}");
        assert_eq!(run.stderr, format!("error: {name}: {problem}\n"));
        assert!(!folder.path("saved").exists(), "{name}");
    }
    let run = folder.run("--file orders.json --load good --format csv");
    assert_eq!(run.result(), FOUR_ORDERS_COUNTED);
}

#[test]
fn a_saved_position_that_the_input_does_not_have_is_named() {
    let folder = Folder::with("orders.json", FOUR_ORDERS).and("other.json", FOUR_ORDERS);
    folder.run("--file orders.json --save state").result();
    let run = folder.run("--file other.json --load state");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    let said = "error: cannot restore the saved state: it has a position in orders.json, \
                which is not part of the input; to start anew, leave out --load\n";
    assert!(run.stderr.ends_with(said), "{}", run.stderr);
}

#[test]
fn a_file_that_was_replaced_or_cut_is_not_gone_on_from_and_one_that_has_grown_is() {
    let folder = Folder::with("orders.json", FOUR_ORDERS);
    folder.run("--file orders.json --save state").result();
    // A rotated log is another file under the old name, and here it is even longer.
    let other = order(5).repeat(9);
    let cut = FOUR_ORDERS.lines().next().unwrap();
    for now in [other.as_str(), cut, ""] {
        folder.write("orders.json", now);
        for tasks in ["", "--workers 3 --sources 2"] {
            let run = folder.run(&format!("--file orders.json --load state --save state {tasks}"));
            assert_eq!((run.code, run.stdout.as_str()), (1, ""));
            for said in [
                "error: cannot restore the saved state: orders.json has changed since its position was saved: \
                 it was a file whose first 141 bytes",
                "Bring back what was there, or to start anew, leave out --load\n",
            ] {
                assert!(run.stderr.contains(said), "{}", run.stderr);
            }
            assert_eq!(folder.positions("state")["orders.json"], 4, "as it was");
        }
    }
    folder.write("orders.json", format!("{FOUR_ORDERS}{}", order(7)));
    let run = folder.run("--file orders.json --load state --format csv");
    assert_eq!(run.result(), format!("{FOUR_ORDERS_COUNTED}m-7,1,1.00,1.00\n"));
}

#[test]
fn a_half_written_last_line_is_read_again_when_it_is_whole_and_a_whole_one_is_not() {
    let whole = FOUR_ORDERS.trim_end();
    for cut in [1, 20, 33] {
        let folder = Folder::with("orders.json", &whole[..whole.len() - cut]);
        let args = "--file orders.json --format csv --on-bad-record skip";
        let run = folder.run(&format!("{args} --save state"));
        assert_eq!((run.counted(), folder.positions("state")["orders.json"]), (3, 3));
        folder.append("orders.json", &whole[whole.len() - cut..]);
        let run = folder.run(&format!("{args} --load state --save state"));
        assert_eq!(run.result(), FOUR_ORDERS_COUNTED, "{cut} bytes were missing");
        folder.append("orders.json", &format!("\n{}", order(7)));
        let run = folder.run(&format!("{args} --load state"));
        assert_eq!(run.result(), format!("{FOUR_ORDERS_COUNTED}m-7,1,1.00,1.00\n"));
    }
    let folder = Folder::with("orders.json", &whole[..whole.len() - 1]);
    let run = folder.run("--file orders.json --save state");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    let said = "orders.json:4, the last line, which has no line end: not JSON";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn a_last_line_that_was_counted_and_goes_on_is_an_error() {
    let whole = FOUR_ORDERS.trim_end();
    let folder = Folder::with("orders.json", whole);
    folder.run("--file orders.json --save state").result();
    folder.append("orders.json", "and more\n");
    let run = folder.run("--file orders.json --load state");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr.contains("that line goes on behind byte 140"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_folder_is_gone_on_from_with_the_files_that_came_since() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("in")).unwrap();
    folder.write("in/b.json", FOUR_ORDERS);
    folder.run("--file in --save state").result();
    folder.write("in/a.json", order(7));
    folder.write("in/_tmp", order(7));
    let run = folder.run("--file in --load state --format csv");
    assert_eq!(run.result(), format!("{FOUR_ORDERS_COUNTED}m-7,1,1.00,1.00\n"));
    assert!(
        run.stderr
            .contains("warning: not read: in/_tmp; in a folder, names"),
        "{}",
        run.stderr
    );
    let run = folder.run("--file in --save in/state");
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("--save in/state lies in the input in"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_is_read() {
    let folder = Folder::with("orders.json", FOUR_ORDERS);
    std::fs::create_dir(folder.path("folder")).unwrap();
    for (path, problem) in [
        ("missing/state", "No such file or directory (os error 2)"),
        ("folder", "is a directory"),
    ] {
        let run = folder.run(&format!("--file orders.json --format csv --save {path}"));
        assert_eq!((run.code, run.stdout.as_str()), (1, ""));
        assert_eq!(run.stderr, format!("error: {path}: {problem}\n"));
    }
}

#[test]
fn what_is_read_is_not_overwritten() {
    let folder = Folder::with("orders.json", FOUR_ORDERS);
    for (file, save) in [
        ("orders.json", "orders.json"),
        ("orders.json", "./orders.json"),
        ("./orders.json", "orders.json"),
    ] {
        let run = folder.run(&format!("--file {file} --save {save}"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        let said = format!("--save {save} is also the input {file}");
        assert!(run.stderr.contains(&said), "{}", run.stderr);
        assert_eq!(folder.read("orders.json"), FOUR_ORDERS.as_bytes());
    }
}

#[test]
fn a_run_that_fails_leaves_the_old_file() {
    let folder = Folder::with("orders.json", FOUR_ORDERS);
    folder.run("--file orders.json --save state").result();
    let before = folder.read("state");
    folder.append("orders.json", &format!("{}no JSON\n", order(3)));
    for tasks in ["", "--workers 3 --sources 2"] {
        let run = folder.run(&format!("--file orders.json --load state --save state {tasks}"));
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
        assert!(run.stderr.contains("orders.json:6: not JSON"), "{}", run.stderr);
        assert_eq!(folder.read("state"), before);
    }
    let run = folder.run("--file orders.json --load state --on-bad-record skip --format csv");
    assert_eq!(run.result(), format!("{FOUR_ORDERS_COUNTED}m-3,1,1.00,1.00\n"));
}

#[test]
fn killed_around_its_save_it_loses_and_doubles_nothing() {
    let all = lines(&options(3_000, 5));
    let folder = Folder::with("orders.json", all[..1_000].concat());
    folder.run("--file orders.json --save state").result();
    let (mut saved, mut not_saved) = (0, 0);
    for round in 0..20 {
        let (from, to) = (1_000 + 100 * round, 1_100 + 100 * round);
        folder.append("orders.json", &all[from..to].concat());
        let before = folder.positions("state")["orders.json"];
        let mut program = folder.start("--file orders.json --load state --save state --workers 3");
        // On the way there, right before the file is written, and when it is.
        program.wait_for(["reading ", " records in ", "saved state"][round % 3]);
        program.kill();
        match folder.positions("state")["orders.json"] {
            position if position == to as i64 => saved += 1,
            position if position == before => not_saved += 1,
            position => panic!("neither the old file nor the new one: {position}"),
        }
        let run = folder.run("--file orders.json --load state --format csv --workers 2");
        assert_eq!(run.result(), Counted::of(&all[..to]).csv());
    }
    assert!(saved > 0 && not_saved > 0, "{saved} saved, {not_saved} not");
}

// ---------------------------------------------------------------------------------------------------------------------
// Ctrl-C

#[test]
fn ctrl_c_while_a_pipe_stays_open_prints_and_saves_the_result_so_far() {
    let all = lines(&options(1_500, 6));
    let folder = Folder::new();
    let mut program = folder.start("--file - --format csv --save state --workers 2 --sources 2");
    program.write(&all[..1_000].concat());
    // Said every five seconds: long after the pipe was empty.
    program.wait_for("1,000 records, ");
    program.interrupt();
    let run = program.wait();
    assert_eq!(run.result(), Counted::of(&all[..1_000]).csv());
    assert!(
        run.stderr.contains("interrupted: this is the result so far"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("try next"), "{}", run.stderr);
    assert_eq!(folder.positions("state")["stdin"], 1_000);

    let mut program = folder.start("--file - --format csv --load state --save state --workers 3");
    program.write(&all.concat());
    let run = program.finish();
    assert_eq!(run.result(), Counted::of(&all).csv());
    assert_eq!(run.counted(), 500, "what was counted before is passed over");
    assert_eq!(folder.positions("state")["stdin"], 1_500);
}

#[test]
fn ctrl_c_at_any_moment_is_gone_on_from_exactly() {
    let all = lines(&options(60_000, 7));
    let (folder, files) = five_files(&all);
    let (mut load, mut counted, mut in_the_middle) = ("", 0, 0);
    for life in 0..12 {
        let (workers, sources) = TASKS[life % 5];
        let args =
            format!("{files} {load} --save state --format csv --workers {workers} --sources {sources}");
        let mut program = folder.start(&args);
        program.wait_for("reading ");
        program.interrupt();
        let run = program.wait();
        counted += run.counted();
        // Of each file, what lies before its position, and nothing else.
        let positions = folder.positions("state");
        let read: Vec<&String> = (0..5)
            .flat_map(|file| {
                all.iter()
                    .skip(file)
                    .step_by(5)
                    .take(positions[&format!("{file}.json")] as usize)
            })
            .collect();
        assert_eq!(run.result(), Counted::of(&read).csv());
        assert_eq!(counted, read.len() as u64);
        in_the_middle += usize::from((1..all.len()).contains(&read.len()));
        load = "--load state";
    }
    assert!(in_the_middle > 0, "none was interrupted in the middle");
    let run = folder.run(&format!("{files} --load state --format csv --workers 7"));
    assert_eq!(run.result(), Counted::of(&all).csv());
    assert_eq!(counted + run.counted(), 60_000);
}

// ---------------------------------------------------------------------------------------------------------------------
// What is refused, and pipes that close

#[test]
fn what_cannot_be_done_is_refused_with_a_helpful_word() {
    let folder = Folder::with("orders.json", "");
    #[rustfmt::skip]
    let table = [
        ("--file orders.json --workers 0",     "0 is not in 1..=128"),
        ("--file orders.json --workers 129",   "129 is not in 1..=128"),
        ("--file orders.json --workers two",   "invalid digit"),
        ("--file orders.json --sources 0",     "0 is not in 1..=128"),
        ("--file orders.json --sources 129",   "129 is not in 1..=128"),
        ("--load state",                       "the sandbox is new and empty: --load needs --brokers or --file"),
        ("--load missing --orders 10",         "the sandbox is new and empty: --load needs --brokers or --file"),
        ("--file orders.json --save",          "a value is required for '--save <FILE>'"),
        ("--file orders.json --from latest",   "--from 0=12"),
        ("--file orders.json --worker 2",      "similar argument exists: '--workers'"),
        ("--file orders.json --commit after",  "unexpected argument '--commit'"),
    ];
    for (args, said) in table {
        let run = folder.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{args}: {}", run.stderr);
        assert!(run.stderr.contains("--help"), "{args}: {}", run.stderr);
    }
}

#[test]
fn help_groups_the_options_by_day_and_names_every_exit_code() {
    let folder = Folder::new();
    let help = folder.run("--help");
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    let is_heading = |line: &&str| !line.starts_with(' ') && line.ends_with(':');
    let headings: Vec<&str> = help.stdout.lines().filter(is_heading).collect();
    insta::assert_snapshot!("help_headings", headings.join("\n"));
    let position = |text: &str| help.stdout.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(position("Day 2: tasks") < position("--workers"));
    assert!(position("--workers") < position("--sources"));
    assert!(position("Day 2: state") < position("--save"));
    assert!(position("--save") < position("--load"));
    assert!(position("--load") < position("Day 1: where records come from"));
    position("Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.");
    assert_eq!(
        folder.run("--version").result(),
        concat!("day02-state ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn a_program_whose_reader_goes_away_has_saved_and_ends_quietly() {
    let folder = Folder::with("many.json", (0..20_000).map(order).collect::<String>());
    let mut program = folder.start("--file many.json --format csv --save state --workers 2");
    // Dropped behind its first line, as by `| head -1`.
    assert_eq!(program.read_a_line(), HEADER);
    program.child.stdout = None;
    let run: Run = program.finish();
    assert_eq!(run.code, 0, "{}", run.stderr);
    for word in ["error", "panic"] {
        assert!(!run.stderr.contains(word), "{}", run.stderr);
    }
    assert_eq!(folder.positions("state")["many.json"], 20_000);
}

// ---------------------------------------------------------------------------------------------------------------------

/// A line of a file: an order at merchant `m-number` for one.
fn order(number: u32) -> String {
    format!("{{\"merchant_id\":\"m-{number}\",\"amount\":1.00}}\n")
}

/// A folder with these orders dealt out in turn to `0.json` to `4.json`, and the options that name these files.
fn five_files(lines: &[String]) -> (Folder, String) {
    let folder = Folder::new();
    let mut files = String::new();
    for file in 0..5 {
        let name = format!("{file}.json");
        let own: String = lines.iter().skip(file).step_by(5).map(String::as_str).collect();
        folder.write(&name, own);
        files += &format!("--file {name} ");
    }
    (folder, files)
}
