//! The program of day 6 as its users meet it: SQL goes in; rows, words and an exit code come out.
//!
//! What SQL comes to is tested in `queries.rs`, and which SQL is refused in `errors.rs`; here it is what surrounds it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use program::{Folder, Run};

const ORDERS: &str = r#"{"merchant_id":"m-1","amount":12.50,"ts":1767225600000}
{"merchant_id":"m-2","amount":0.1,"ts":1767225601000}

{"merchant_id":"m-1","amount":-3,"ts":1767225612000}
{"merchant_id":"m-1","amount":1e1,"ts":1767225605000}
"#;

const TABLE: &str = "CREATE TABLE orders (
  merchant_id STRING, amount DECIMAL(10, 2), ts BIGINT,
  at AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR at AS at - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'orders.json', 'format' = 'json');
";
const TOTALS: &str = "CREATE MATERIALIZED VIEW totals AS
SELECT merchant_id, COUNT(*) AS order_count, SUM(amount) AS amount_sum FROM orders GROUP BY merchant_id;
";
const WINDOWS: &str = "SELECT merchant_id, window_start, window_end, COUNT(*) AS order_count
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '10' SECOND))
GROUP BY merchant_id, window_start, window_end;
";

/// A folder with orders and a program over them.
fn with(sql: &str) -> Folder {
    Folder::with("orders.json", ORDERS).and("q.sql", format!("{TABLE}{sql}"))
}

fn run_with(folder: &Folder, args: &[&str]) -> Run {
    folder.start_with(args.iter().copied()).finish()
}

#[track_caller]
fn says(run: &Run, text: &str) {
    assert!(
        run.stderr.contains(text),
        "{text:?} was not said:\n{}",
        run.stderr
    );
}

/// A run that has failed in this way, without a result.
#[track_caller]
fn failed(run: &Run, code: i32, text: &str) {
    assert_eq!(run.code, code, "{}", run.stderr);
    assert_eq!(run.stdout, "");
    says(run, text);
}

// ---------------------------------------------------------------------------------------------------------------------
// Results

#[test]
fn csv_and_json_have_the_columns_of_the_view() {
    let folder = with(TOTALS);
    assert_eq!(
        folder.run("-f q.sql --format csv").result(),
        "merchant_id,order_count,amount_sum\nm-1,3,19.50\nm-2,1,0.10\n"
    );
    assert_eq!(
        folder
            .run("-f q.sql --format json --workers 3 --sources 2")
            .result(),
        "{\"merchant_id\":\"m-1\",\"order_count\":3,\"amount_sum\":19.50}\n\
         {\"merchant_id\":\"m-2\",\"order_count\":1,\"amount_sum\":0.10}\n"
    );
}

#[test]
fn what_is_read_is_not_written_to() {
    let copy = |path: &str| {
        format!(
            "CREATE TABLE copy WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json')
             AS SELECT merchant_id FROM orders;"
        )
    };
    for (path, options, said) in [
        (
            ".",
            "",
            "., the path of table copy, is a folder in which the input orders.json lies",
        ),
        (
            "orders.json",
            "",
            "orders.json, the path of table copy, is also the input orders.json",
        ),
        (
            "out",
            "--checkpoint-dir .",
            "--checkpoint-dir . is a folder in which the input orders.json lies",
        ),
    ] {
        let folder = with(&copy(path));
        failed(&folder.run(&format!("-f q.sql {options}")), 2, said);
        assert!(!folder.path("out").exists());
        assert_eq!(folder.read("orders.json"), ORDERS.as_bytes());
    }
}

#[test]
fn names_in_the_header_are_quoted_as_texts_are() {
    let run =
        with("SELECT merchant_id AS `a,b`, 1 FROM orders WHERE amount < 0;").run("-f q.sql --format csv");
    assert_eq!(run.result(), "\"a,b\",EXPR$1\nm-1,1\n");
}

#[test]
fn a_table_is_for_people_and_says_what_it_hides() {
    let run = with(TOTALS).run("-f q.sql");
    let table = "\
┌─────────────┬─────────────┬────────────┐
│ merchant_id ┆ order_count ┆ amount_sum │
╞═════════════╪═════════════╪════════════╡
│ m-1         ┆           3 ┆      19.50 │
│ m-2         ┆           1 ┆       0.10 │
└─────────────┴─────────────┴────────────┘
";
    assert_eq!(run.result(), table);
    assert_eq!(run.counted(), 4);
    let many: String = (10..35)
        .map(|n| format!("{{\"merchant_id\":\"m-{n}\"}}\n"))
        .collect();
    let folder = with(TOTALS).and("orders.json", many);
    let run = folder.run("-f q.sql");
    assert_eq!(run.result().matches("m-").count(), 20);
    says(&run, "and 5 more rows; --format csv or json prints all");
}

#[test]
fn statements_come_from_a_file_or_from_stdin_or_from_the_line() {
    let folder = with(TOTALS);
    let sql = format!("{TABLE}{TOTALS}");
    let expected = folder.run("-f q.sql --format csv");
    let mut program = folder.start("-f - --format csv");
    program.write(&sql);
    assert_eq!(program.finish().result(), expected.result());
    let line = run_with(&folder, &["-c", &sql, "--format", "csv"]);
    assert_eq!(line.result(), expected.result());
}

#[test]
fn what_is_printed_goes_to_stdout_a_line_a_change() {
    let print = "CREATE TABLE p WITH ('connector' = 'print') AS SELECT merchant_id, COUNT(*) FROM orders GROUP BY merchant_id;";
    let run = with(print).run("-f q.sql --chunk-rows 1");
    assert_eq!(
        run.result(),
        "+I[m-1, 1]\n+I[m-2, 1]\n-U[m-1, 1]\n+U[m-1, 2]\n-U[m-1, 2]\n+U[m-1, 3]\n"
    );
    // All at once, where nobody wants to see the way.
    assert_eq!(with(print).run("-f q.sql").result(), "+I[m-1, 3]\n+I[m-2, 1]\n");
}

#[test]
fn a_view_that_is_asked_is_not_shown_beside_the_answer() {
    let sql = format!("{TOTALS}SELECT merchant_id FROM totals WHERE order_count > 1;");
    let run = with(&sql).run("-f q.sql --format csv");
    assert_eq!(run.result(), "merchant_id\nm-1\n");
    let two = format!("{TOTALS}CREATE MATERIALIZED VIEW number AS SELECT COUNT(*) AS n FROM orders;");
    let run = with(&two).run("-f q.sql --format csv");
    assert_eq!(
        run.result(),
        "merchant_id,order_count,amount_sum\nm-1,3,19.50\nm-2,1,0.10\nn\n4\n"
    );
    says(&run, "totals:");
    says(&run, "number:");
}

#[test]
fn late_rows_are_counted_with_the_delay_that_would_have_kept_them() {
    let run = with(WINDOWS).run("-f q.sql --format csv");
    assert_eq!(
        run.result(),
        "merchant_id,window_start,window_end,order_count\n\
         m-1,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1\n\
         m-1,2026-01-01T00:00:10.000Z,2026-01-01T00:00:20.000Z,1\n\
         m-2,2026-01-01T00:00:00.000Z,2026-01-01T00:00:10.000Z,1\n"
    );
    // At 12 s the watermark was 11 s; the row at 5 s was 1 s behind the end of its window.
    says(&run, "1 late row, at most ");
    let delay = run.stderr.split("a delay of ").nth(1).unwrap();
    let delay = delay.split(" would").next().unwrap();
    let longer = format!("{TABLE}{WINDOWS}")
        .replace("INTERVAL '1' SECOND", &format!("INTERVAL '{}'", in_words(delay)));
    let folder = with("").and("q.sql", longer);
    let run = folder.run("-f q.sql --format csv");
    assert_eq!(
        run.result().lines().filter(|line| line.ends_with(",2")).count(),
        1
    );
    assert!(!run.stderr.contains("late"), "{}", run.stderr);
}

/// `7s` as SQL writes it.
fn in_words(length: &str) -> String {
    length.replace('s', " seconds")
}

#[test]
fn rows_without_a_time_are_counted() {
    let folder = with(WINDOWS);
    folder.append("orders.json", "{\"merchant_id\":\"m-3\"}\n");
    let run = folder.run("-f q.sql --format csv");
    assert!(!run.result().contains("m-3"));
    says(&run, "1 rows without a time are in no window");
}

#[test]
fn explain_shows_the_plan_and_runs_nothing() {
    let run = with("EXPLAIN SELECT merchant_id, COUNT(*) FROM orders WHERE amount > 1 GROUP BY merchant_id;")
        .run("-f q.sql");
    assert_eq!(
        run.result(),
        "result: merchant_id, EXPR$1\n\
         └─ aggregate: EXPR$1 = COUNT(*) by merchant_id [updates; key (merchant_id); state: by key (merchant_id)]\n\
         \u{20}  └─ filter: amount > 1 [append-only]\n\
         \u{20}     └─ scan orders (filesystem): merchant_id, amount [append-only]\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn tables_without_a_query_are_nothing_to_run() {
    let run = with("").run("-f q.sql");
    assert_eq!(run.result(), "");
    says(&run, "nothing to run: there are tables, and no query");
}

// ---------------------------------------------------------------------------------------------------------------------
// The sandbox and the demo

#[test]
fn in_the_sandbox_the_programs_of_the_seed_run_as_they_are() {
    let folder = Folder::with("flink.sql", include_str!("../sql/flink.sql"))
        .and("risingwave.sql", include_str!("../sql/risingwave.sql"));
    let orders = "--sandbox --orders 3000 --merchants 20 --rate 0";
    let view = folder.run(&format!(
        "-f risingwave.sql --format csv --workers 2 --sources 2 {orders}"
    ));
    let mut counts: Vec<(&str, u64)> = view
        .result()
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(merchant, count)| (merchant, count.parse().unwrap()))
        .collect();
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 3_000);
    assert_eq!(view.counted(), 3_000);
    let printed = folder.run(&format!("-f flink.sql --chunk-rows 1 {orders}"));
    let mut last: Vec<(&str, u64)> = Vec::new();
    for line in printed.result().lines().filter(|line| line.starts_with('+')) {
        let (merchant, count) = line[3..line.len() - 1].split_once(", ").unwrap();
        last.retain(|(known, _)| *known != merchant);
        last.push((merchant, count.parse().unwrap()));
    }
    counts.sort();
    last.sort();
    assert_eq!(counts, last);
    assert_eq!(
        printed.stdout.lines().count() as u64,
        2 * 3_000 - counts.len() as u64
    );
}

#[test]
fn without_arguments_two_engines_answer_the_same_question() {
    let run = Folder::new().run("--orders 20000 --rate 0");
    assert_eq!(run.code, 0, "{}", run.stderr);
    for text in [
        "flink.sql",
        "'connector'='print'",
        "CREATE MATERIALIZED VIEW order_summary",
        "the lines of the first program add up to the view of the second",
        "try next",
    ] {
        says(&run, text);
    }
    assert!(run.stdout.starts_with("+I["), "{}", run.stdout);
    assert!(run.stdout.contains("order_count"), "{}", run.stdout);
}

// ---------------------------------------------------------------------------------------------------------------------
// What goes wrong

#[test]
fn an_error_in_the_sql_has_a_place_and_a_hint() {
    let folder = with("SELECT merchnt_id\nFROM orders;");
    let drawn = "\
error: no column \"merchnt_id\" in orders
 --> q.sql:6:8
  |
6 | SELECT merchnt_id
  |        ^^^^^^^^^^
  = did you mean merchant_id? orders has: merchant_id, amount, ts, at
";
    let run = folder.run("-f q.sql");
    failed(&run, 1, drawn);
    assert_eq!(run.stderr, drawn);
    let run = run_with(&folder, &["-c", "SELEC 1"]);
    failed(&run, 1, " --> command line:1:1");
}

#[test]
fn what_fails_says_what_and_where() {
    let folder = with("SELECT merchant_id FROM orders;");
    failed(&folder.run("-f other.sql"), 1, "other.sql: No such file");
    folder.write("orders.json", format!("{ORDERS}oops\n"));
    failed(&folder.run("-f q.sql"), 1, "orders.json:6: not JSON");
    let run = folder.run("-f q.sql --on-bad-record skip --format csv");
    assert_eq!(run.result().lines().count(), 5);
    says(&run, "not JSON");
    std::fs::remove_file(folder.path("orders.json")).unwrap();
    failed(&folder.run("-f q.sql"), 1, "orders.json: No such file");
    let nobody = include_str!("../sql/flink.sql").replace("localhost:9092", "127.0.0.1:1");
    folder.write("nobody.sql", nobody);
    failed(
        &folder.run("-f nobody.sql"),
        1,
        "cannot reach Kafka at 127.0.0.1:1",
    );
}

#[test]
fn wrong_usage_is_two() {
    let folder = with(TOTALS);
    for args in [
        "-f q.sql -c x",
        "--nonsense",
        "-f",
        "-f q.sql --chunk-rows 0",
        "-f q.sql --workers 0",
    ] {
        assert_eq!(folder.run(args).code, 2, "{args}");
    }
    // What is in the sandbox is gone with the run, so there is nothing to go on with.
    for args in ["--checkpoint-dir c", "-f q.sql --sandbox --checkpoint-dir c"] {
        failed(
            &folder.run(args),
            2,
            "--checkpoint-dir needs an input that is still there",
        );
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let generated = "CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence',
        'fields.id.start' = '1', 'fields.id.end' = '1000000');";
    for (query, args) in [
        (
            "CREATE TABLE p WITH ('connector' = 'print') AS SELECT id FROM g;",
            "",
        ),
        (
            "SELECT id, COUNT(*) FROM g WHERE id < 50000 GROUP BY id;",
            "--format csv",
        ),
    ] {
        let folder = Folder::with("q.sql", format!("{generated}{query}"));
        let mut program = folder.start(&format!("-f q.sql {args}"));
        program.read_a_line();
        drop(program.child.stdout.take());
        let run = program.finish();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stderr.contains("rror"), "{}", run.stderr);
    }
    // Here nobody reads from the beginning.
    for sql in ["EXPLAIN SELECT id FROM g;", "SELECT COUNT(*) FROM g;"] {
        let mut program = Folder::new().start("-f -");
        drop(program.child.stdout.take());
        program.write(&format!("{generated}{sql}"));
        let run = program.finish();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(
            !run.stderr.contains("rror") && !run.stderr.contains("panic"),
            "{}",
            run.stderr
        );
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Ctrl-C and checkpoints

#[test]
fn ctrl_c_shows_what_views_hold_then() {
    let sql = "CREATE TABLE g (id BIGINT, kind INT, at AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR at AS at)
        WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.id.min' = '0', 'fields.id.max' = '1000',
              'fields.kind.min' = '1', 'fields.kind.max' = '3');
        CREATE TABLE p WITH ('connector' = 'print') AS SELECT COUNT(*) FROM g;
        CREATE MATERIALIZED VIEW v AS SELECT COUNT(*) AS n FROM g;
        CREATE MATERIALIZED VIEW w AS SELECT window_end, COUNT(*) AS n
        FROM TUMBLE(g, at, INTERVAL '1 hour') GROUP BY window_start, window_end EMIT ON WINDOW CLOSE;
        SELECT n >= 0 AS counted FROM v;
        SELECT COUNT(*) AS closed FROM w;";
    let folder = Folder::with("q.sql", sql);
    let mut program = folder.start("-f q.sql --chunk-rows 1 --format csv");
    let lines: Vec<String> = (0..3).map(|_| program.read_a_line()).collect();
    assert_eq!(lines, ["+I[0]\n", "-U[0]\n", "+U[1]\n"]);
    program.interrupt();
    let run = program.wait();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let shown: Vec<&str> = run.stdout.lines().filter(|line| !line.contains('[')).collect();
    assert_eq!(shown, ["counted", "true", "closed", "0"], "the hour is not over");
    says(&run, "interrupted: these are the windows that have closed");
}

#[test]
fn an_input_without_an_end_says_so() {
    let sql = "CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
        SELECT COUNT(*) AS n FROM g;";
    let folder = Folder::with("q.sql", sql);
    let mut program = folder.start("-f q.sql --format csv");
    program.wait_for("the input has no end: Ctrl-C stops");
    program.interrupt();
    let run = program.wait();
    assert!(run.result().starts_with("n\n"), "{}", run.stdout);
}

#[test]
fn a_run_goes_on_where_the_last_one_has_ended() {
    let sql = format!(
        "{TABLE}{TOTALS}
         CREATE TABLE kept (merchant_id STRING, amount DECIMAL(10, 2))
         WITH ('connector' = 'filesystem', 'path' = 'kept', 'format' = 'csv');
         INSERT INTO kept SELECT merchant_id, amount FROM orders WHERE amount > 1;"
    );
    let folder = Folder::with("orders.json", ORDERS).and("q.sql", &sql);
    let args = "-f q.sql --format csv --checkpoint-dir checkpoints";
    let run = folder.run(args);
    assert_eq!(
        run.result(),
        "merchant_id,order_count,amount_sum\nm-1,3,19.50\nm-2,1,0.10\n"
    );
    folder.append("orders.json", "{\"merchant_id\":\"m-2\",\"amount\":2}\n");
    let run = folder.run(&format!("{args} --workers 3"));
    says(&run, "going on from checkpoint ");
    assert_eq!(
        run.counted(),
        1,
        "both queries are given the one record that is new: {}",
        run.stderr
    );
    assert_eq!(
        run.result(),
        "merchant_id,order_count,amount_sum\nm-1,3,19.50\nm-2,2,2.10\n"
    );
    let mut parts: Vec<_> = std::fs::read_dir(folder.path("kept"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    parts.sort();
    let rows: String = parts
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(rows, "m-1,12.50\nm-1,10.00\nm-2,2.00\n");

    // The state of another query is not taken up.
    let changed = sql.replace("COUNT(*) AS order_count", "COUNT(amount) AS order_count");
    folder.write("q.sql", changed);
    let said = "cannot restore the saved state: the query of totals was another one when the checkpoint was taken; \
                run the SQL that took it, or begin anew in another folder";
    failed(&folder.run(args), 1, said);
}

/// A window that was shown does not open again, and a row that nobody counts is not read in silence.
#[test]
fn windows_that_have_closed_at_the_end_of_the_input_stay_closed() {
    let folder = with(WINDOWS);
    let args = "-f q.sql --format csv --checkpoint-dir checkpoints";
    let first = folder.run(args);
    assert_eq!(first.result().lines().count(), 4);
    assert_eq!(
        folder.run(args).result(),
        first.result(),
        "nothing was added, and it shows the same"
    );
    folder.append("orders.json", "{\"merchant_id\":\"m-2\",\"ts\":1767225699000}\n");
    let said =
        "orders.json:6 was added after the job had come to the end of its input and closed all windows";
    failed(&folder.run(args), 1, said);
}

// ---------------------------------------------------------------------------------------------------------------------
// Formats

/// A table over a file, and what is asked of it.
fn over(file: &str, columns: &str, format: &str, option: &str, query: &str) -> String {
    format!(
        "CREATE TABLE t ({columns}) WITH ('connector' = 'filesystem', 'path' = '{file}', 'format' = '{format}'{option});
         {query};"
    )
}

#[test]
fn what_an_option_ignores_is_counted_and_said() {
    let records = "{\"k\":\"a\",\"n\":1}\ngarbage\n{\"k\":\n{\"k\":\"b\",\"n\":\"x\"}\n";
    let sql = over(
        "t.json",
        "k STRING, n INT",
        "json",
        ", 'json.ignore-parse-errors' = 'true'",
        "SELECT k FROM t",
    );
    let run = Folder::with("t.json", records)
        .and("q.sql", sql)
        .run("-f q.sql --format csv");
    assert_eq!(run.result(), "k\na\nb\n");
    says(&run, "2 records");
    says(&run, "2 skipped");
    says(&run, "1 field of t could not be read, and is NULL");
}

#[test]
fn a_column_that_no_record_has_is_named() {
    let records = "{\"id\":1,\"campaign_id\":\"x\"}\n{\"id\":2,\"campaign_id\":\"y\"}\n";
    let sql = over(
        "t.json",
        "id INT, campaing_id STRING",
        "json",
        "",
        "SELECT id FROM t",
    );
    let run = Folder::with("t.json", records)
        .and("q.sql", sql)
        .run("-f q.sql --format csv --sources 2");
    says(&run, "the column campaing_id of t is NULL in every row");
    says(&run, "did you mean campaign_id?");
}

#[test]
fn a_header_is_skipped_or_said_to_be_one() {
    let texts = Folder::with("t.csv", "name,city\na,b\n");
    let all = |option: &str| {
        over(
            "t.csv",
            "name STRING, city STRING",
            "csv",
            option,
            "SELECT name, city FROM t",
        )
    };
    let texts = texts.and("none.sql", all(""));
    failed(
        &texts.run("-f none.sql"),
        1,
        "t.csv:1: the line is not a row of CSV",
    );
    says(
        &texts.run("-f none.sql"),
        "'csv.ignore-first-line' = 'true' skips a header",
    );
    for (value, rows) in [
        ("true", "name,city\na,b\n"),
        ("false", "name,city\na,b\nname,city\n"),
    ] {
        let texts = Folder::with("t.csv", "name,city\na,b\n")
            .and("q.sql", all(&format!(", 'csv.ignore-first-line' = '{value}'")));
        assert_eq!(texts.run("-f q.sql --format csv").result(), rows);
    }
}

#[test]
fn a_table_is_written_and_read_again() {
    const OPTIONS: [(&str, &str); 4] = [
        ("json", ", 'json.timestamp-format.standard' = 'ISO-8601'"),
        ("csv", ""),
        (
            "csv",
            ", 'csv.field-delimiter' = '\\t', 'csv.null-literal' = 'NULL', 'csv.ignore-first-line' = 'true'",
        ),
        (
            "csv",
            ", 'csv.quote-character' = '|', 'csv.escape-character' = '\\'",
        ),
    ];
    let records = "{\"note\":\"one\",\"at\":\"2026-01-01T03:04\"}\n{\"note\":\"two\\nlines, |\\t\\\\\"}\n{\"note\":\"\",\"at\":\"2026-01-01\"}\n{}\n";
    for (format, option) in OPTIONS {
        let columns = "note STRING, at TIMESTAMP(3)";
        let write = over("in.json", columns, "json", "", "")
            + &over("out", columns, format, option, "INSERT INTO s SELECT * FROM t")
                .replacen("TABLE t", "TABLE s", 1);
        let read = over("out", columns, format, option, "SELECT note, at FROM t");
        let folder = Folder::with("in.json", records)
            .and("w.sql", write)
            .and("r.sql", read);
        folder.run("-f w.sql").result();
        assert_eq!(
            folder.run("-f r.sql --format json").result(),
            "{\"note\":\"\",\"at\":\"2026-01-01T00:00:00.000Z\"}\n\
             {\"note\":\"one\",\"at\":\"2026-01-01T03:04:00.000Z\"}\n\
             {\"note\":\"two\\nlines, |\\t\\\\\",\"at\":null}\n\
             {\"note\":null,\"at\":null}\n",
            "{format}{option}"
        );
    }
}

#[test]
fn a_path_may_be_a_file_uri() {
    let folder = Folder::with("t.json", "{\"k\":\"a\"}\n");
    let uri = format!(
        "file://{}",
        folder.path("t.json").canonicalize().unwrap().display()
    );
    let folder = folder.and("q.sql", over(&uri, "k STRING", "json", "", "SELECT k FROM t"));
    assert_eq!(folder.run("-f q.sql --format csv").result(), "k\na\n");
}
