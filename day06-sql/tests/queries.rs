//! Queries from text to answer: what goes in is SQL and records, what comes out is rows.
//!
//! Most programs run over a topic in memory, in many ways: the answer depends neither on how many tasks there are, nor on
//! who of them is fast, nor on how rows come in packets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod run;

use std::collections::BTreeMap;

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::generator::{GeneratorOptions, generated_log};
use day01_consumer::lab::log::Log;
use proptest::prelude::*;
use tempfile::TempDir;

use run::{Drive, How, World, fails, folded, row_by_row, run as run_in, ways};

/// The programs of the seed, as they are.
const FLINK: &str = include_str!("../sql/flink.sql");
const RISINGWAVE: &str = include_str!("../sql/risingwave.sql");

/// A table over a topic of the same name.
fn table(name: &str, columns: &str) -> String {
    table_with(name, columns, "")
}

/// The same with further options.
fn table_with(name: &str, columns: &str, options: &str) -> String {
    format!(
        "CREATE TABLE {name} ({columns}) WITH ('connector' = 'kafka', 'topic' = '{name}', \
         'properties.bootstrap.servers' = 'memory', 'format' = 'json'{options});\n"
    )
}

/// Rows of a table that has been run in many ways, which all gave the same.
#[track_caller]
fn rows(sql: &str, world: &World) -> Vec<String> {
    let mut first = None;
    for how in ways() {
        let ran = run_in(sql, &mut world.clone(), how);
        let rows: Vec<String> = ran.rows().into_iter().map(str::to_string).collect();
        let first = first.get_or_insert_with(|| rows.clone());
        assert_eq!(*first, rows, "{how:?}");
    }
    first.unwrap()
}

/// A file in a folder of its own.
fn file(name: &str, content: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path.display().to_string())
}

// ---------------------------------------------------------------------------------------------------------------------
// The programs of the seed

const ORDERS: [&str; 5] = [
    r#"{"merchant_id":"m-1","amount":1.5,"user":"x"}"#,
    r#"{"merchant_id":"m-2"}"#,
    r#"{"amount":3,"merchant_id":"m-1"}"#,
    r#"{"merchant_id":"m-1"}"#,
    r#"{"amount":3}"#,
];

#[test]
fn the_program_of_flink_prints_its_lines_as_flink_does() {
    let ran = run_in(FLINK, &mut World::with("orders", &[&ORDERS]), row_by_row());
    #[rustfmt::skip]
    let lines = [
        "+I[m-1, 1]",
        "+I[m-2, 1]",
        "-U[m-1, 1]", "+U[m-1, 2]",
        "-U[m-1, 2]", "+U[m-1, 3]",
        "+I[null, 1]",
    ];
    assert_eq!(ran.printed, lines);
    assert_eq!(ran.shown, [], "it keeps no view");
    assert_eq!(ran.read, 5);
}

#[test]
fn changes_of_a_chunk_are_put_together() {
    let ran = run_in(
        FLINK,
        &mut World::with("orders", &[&ORDERS]),
        How {
            chunk_rows: 3,
            ..How::default()
        },
    );
    #[rustfmt::skip]
    let lines = ["+I[m-1, 2]", "+I[m-2, 1]", "-U[m-1, 2]", "+U[m-1, 3]", "+I[null, 1]"];
    assert_eq!(ran.printed, lines);
}

#[test]
fn both_programs_agree_however_they_are_run() {
    let options = GeneratorOptions {
        orders: 3_000,
        merchants: 40,
        ..GeneratorOptions::default()
    };
    let mut world = World::new().and("orders", generated_log(options.clone(), 5));
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut generator = day01_consumer::lab::generator::Generator::new(options);
    while let Some(order) = generator.next_order() {
        *counts.entry(order.merchant_id.clone()).or_default() += 1;
    }
    let mut expected: Vec<String> = counts
        .iter()
        .map(|(merchant, count)| format!("{merchant}, {count}"))
        .collect();
    for how in ways() {
        let view = run_in(RISINGWAVE, &mut world, how);
        assert_eq!(view.rows(), expected, "{how:?}");
    }
    expected.sort();
    for how in ways() {
        let ran = run_in(FLINK, &mut world, how);
        assert_eq!(ran.folded(), expected, "{how:?}");
        // Of each merchant alone, the lines are the same whoever else is counted.
        if how.chunk_rows == 1 {
            let of = |line: &&String| line[3..].starts_with("m-0,") || line[3..].starts_with("m-1,");
            for line in ran.printed.iter().filter(of).take(1) {
                assert!(line.ends_with(", 1]"), "{line}");
            }
        }
    }
}

#[test]
fn both_programs_run_over_files_too() {
    let (_folder, path) = file("orders.json", &(ORDERS.join("\n") + "\n\n"));
    let with = format!("'connector' = 'filesystem', 'path' = '{path}', 'format' = 'json'");
    let over_file = |program: &str| {
        let (before, rest) = program.split_once("WITH (").unwrap();
        let (_, after) = rest.split_once(");").unwrap();
        format!("{before}WITH ({with});{after}")
    };
    for how in ways() {
        let view = run_in(&over_file(RISINGWAVE), &mut World::new(), how);
        assert_eq!(view.rows(), ["m-1, 3", "m-2, 1", "null, 1"]);
        let printed = run_in(&over_file(FLINK), &mut World::new(), how);
        assert_eq!(printed.folded(), ["m-1, 3", "m-2, 1", "null, 1"]);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Rows

const ITEMS: [&str; 4] = [
    r#"{"id":1,"m":"a","amount":12.50,"n":7,"ok":true,"d":0.5}"#,
    r#"{"id":2,"m":"b","amount":-3,"n":-2,"ok":false,"d":1e3}"#,
    r#"{"id":3,"m":"a","n":10,"d":2}"#,
    r#"{"id":4,"m":null,"amount":0.01,"ok":true}"#,
];
const ITEM_COLUMNS: &str = "id INT, m STRING, amount DECIMAL(10, 2), n BIGINT, ok BOOLEAN, d DOUBLE";

#[test]
fn rows_are_filtered_and_computed() {
    let world = World::with("items", &[&ITEMS[..2], &ITEMS[2..]]);
    #[rustfmt::skip]
    let table = [
        ("* FROM items",                                  &["1, a, 12.50, 7, true, 0.5", "2, b, -3.00, -2, false, 1000.0",
                                                            "3, a, null, 10, null, 2.0", "4, null, 0.01, null, true, null"][..]),
        ("id FROM items WHERE amount > 0",                &["1", "4"]),
        ("id FROM items WHERE NOT amount > 0",            &["2"]),
        ("id FROM items WHERE amount IS NULL OR NOT ok",  &["2", "3"]),
        ("id FROM items WHERE m = 'a' AND n BETWEEN 7 AND 9",   &["1"]),
        ("id FROM items WHERE m IN ('b', 'c')",           &["2"]),
        ("id FROM items WHERE NOT m IN ('b', 'c')",       &["1", "3"]),
        ("id FROM items WHERE FALSE",                     &[]),
        ("id + 1 AS next, n * 2, -n, n % 3, n / 2 FROM items WHERE id = 1", &["2, 14, -7, 1, 3"]),
        ("amount * 2, amount / 4, d / 4 FROM items WHERE id = 1",           &["25.00, 3.125, 0.125"]),
        ("UPPER(m) || '!', COALESCE(m, '?') FROM items",  &["A!, a", "A!, a", "B!, b", "null, ?"]),
        ("CASE WHEN n > 5 THEN 'many' WHEN n < 0 THEN 'owed' ELSE 'none' END FROM items", &["many", "many", "none", "owed"]),
        ("CAST(n AS STRING) || 'x', CAST(amount AS INT), n::DOUBLE FROM items WHERE id < 3", &["-2x, -3, -2.0", "7x, 12, 7.0"]),
        ("DISTINCT_ FROM (SELECT m AS DISTINCT_, id FROM items WHERE id > 1) AS inside WHERE id < 4", &["a", "b"]),
        ("'it''s', 1, TRUE, NULL FROM items WHERE id = 1", &["it's, 1, true, null"]),
    ];
    for (query, expected) in table {
        let sql = self::table("items", ITEM_COLUMNS) + "SELECT " + query;
        let mut expected: Vec<&str> = expected.to_vec();
        let mut found = rows(&sql, &world);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn what_cannot_be_computed_ends_the_job_and_says_why() {
    let world = World::with("items", &[&ITEMS]);
    for (query, said) in [
        ("SELECT 10 / (id - 2) FROM items", "division by zero"),
        ("SELECT CAST(m AS INT) FROM items", "cannot be cast to INT"),
        (
            "SELECT n * 9223372036854775807 FROM items",
            "does not fit into BIGINT",
        ),
    ] {
        let sql = table("items", ITEM_COLUMNS) + query;
        for drive in [Drive::Threads, Drive::Stepper(1)] {
            let how = How {
                drive,
                ..How::default()
            };
            let error = fails(&sql, &mut world.clone(), how);
            assert!(error.contains(said), "{query}: {error}");
        }
    }
    // A filter that comes first keeps the bad row away.
    let sql = table("items", ITEM_COLUMNS) + "SELECT 10 / (id - 2) FROM items WHERE id <> 2";
    assert_eq!(rows(&sql, &world), ["-10", "5", "10"]);
}

#[test]
fn generated_rows_are_rows_like_others() {
    let sql = "CREATE TABLE g (id BIGINT, kind INT, at AS TO_TIMESTAMP_LTZ(id, 0), WATERMARK FOR at AS at)
        WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000',
              'fields.kind.min' = '1', 'fields.kind.max' = '4');
        SELECT window_start, COUNT(*), SUM(id) FROM TABLE(TUMBLE(TABLE g, DESCRIPTOR(at), INTERVAL '500' SECOND))
        GROUP BY window_start, window_end;";
    let expected = [
        "1970-01-01T00:00, 499, 124750",
        "1970-01-01T00:08:20, 500, 374750",
        "1970-01-01T00:16:40, 1, 1000",
    ];
    assert_eq!(rows(sql, &World::new()), expected);
}

// ---------------------------------------------------------------------------------------------------------------------
// Groups

#[test]
fn aggregates_are_those_of_all_rows_of_a_group() {
    let world = World::with("items", &[&ITEMS[..1], &ITEMS[1..3], &ITEMS[3..]]);
    #[rustfmt::skip]
    let table = [
        ("m, COUNT(*), COUNT(amount), SUM(amount), MIN(n), MAX(n), AVG(n) FROM items GROUP BY m",
            &["a, 2, 1, 12.50, 7, 10, 8.5", "b, 1, 1, -3.00, -2, -2, -2", "null, 1, 1, 0.01, null, null, null"][..]),
        ("COUNT(*), SUM(n), AVG(amount) FROM items",          &["4, 15, 3.17"]),
        ("COUNT(*), SUM(n) FROM items WHERE id > 9",          &["0, null"]),
        ("m FROM items WHERE id > 9 GROUP BY m",              &[]),
        ("COUNT(*) + 1, MAX(id) - MIN(id) FROM items",        &["5, 3"]),
        ("n > 5, COUNT(*) FROM items GROUP BY n > 5",         &["false, 1", "true, 2", "null, 1"]),
        ("UPPER(m) AS big, ok, COUNT(*) FROM items WHERE id < 4 GROUP BY UPPER(m), ok",
            &["A, true, 1", "A, null, 1", "B, false, 1"]),
        ("m FROM items GROUP BY m HAVING COUNT(*) > 1",       &["a"]),
        ("COUNT(*) FROM items HAVING COUNT(*) > 9",           &[]),
        ("times, COUNT(*) FROM (SELECT m, COUNT(*) AS times FROM items GROUP BY m) AS inside GROUP BY times", &["1, 2", "2, 1"]),
        ("SUM(times), COUNT(*) FROM (SELECT m, COUNT(*) AS times FROM items GROUP BY m) AS inside", &["4, 3"]),
    ];
    for (query, expected) in table {
        let sql = self::table("items", ITEM_COLUMNS) + "SELECT " + query;
        assert_eq!(rows(&sql, &world), expected, "{query}");
    }
}

/// Changes of one group as they come: `HAVING` lets some of them through, and what then looks the same is no change.
#[test]
fn a_condition_on_groups_is_a_condition_on_their_changes() {
    let records: Vec<String> = [3, 1, 9, 9].iter().map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let mut world = World::with("t", &[&records]);
    #[rustfmt::skip]
    let queries = [
        ("COUNT(*) FROM t",                           &["+I[0]", "-U[0]", "+U[1]", "-U[1]", "+U[2]", "-U[2]", "+U[3]", "-U[3]", "+U[4]"][..]),
        ("COUNT(*) FROM t HAVING COUNT(*) > 2",       &["+I[3]", "-U[3]", "+U[4]"]),
        ("COUNT(*) FROM t HAVING COUNT(*) < 3",       &["+I[0]", "-U[0]", "+U[1]", "-U[1]", "+U[2]", "-D[2]"]),
        ("COUNT(*) FROM t HAVING COUNT(*) % 2 = 1",   &["+I[1]", "-D[1]", "+I[3]", "-D[3]"]),
        ("MAX(n) FROM t",                             &["+I[null]", "-U[null]", "+U[3]", "-U[3]", "+U[9]"]),
        ("MIN(n) FROM t",                             &["+I[null]", "-U[null]", "+U[3]", "-U[3]", "+U[1]"]),
        ("COUNT(*) > 1 FROM t",                       &["+I[false]", "-U[false]", "+U[true]"]),
    ];
    for (query, lines) in queries {
        let sql = table("t", "n INT") + "CREATE TABLE p WITH ('connector' = 'print') AS SELECT " + query;
        assert_eq!(run_in(&sql, &mut world, row_by_row()).printed, lines, "{query}");
    }
}

/// The outer count moves a group from one number to the next: it is taken back where it was.
#[test]
fn groups_of_groups_take_back_what_has_moved_on() {
    let mut world = World::with("t", &[&[r#"{"m":"a"}"#, r#"{"m":"b"}"#, r#"{"m":"a"}"#]]);
    let sql = table("t", "m STRING")
        + "CREATE TABLE p WITH ('connector' = 'print', 'print-identifier' = 'often') AS
           SELECT times, COUNT(*) FROM (SELECT m, COUNT(*) AS times FROM t GROUP BY m) AS inside GROUP BY times;";
    let ran = run_in(&sql, &mut world, row_by_row());
    let lines: Vec<&str> = ran
        .printed
        .iter()
        .map(|line| line.strip_prefix("often> ").unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "+I[1, 1]", "-U[1, 1]", "+U[1, 2]", "-U[1, 2]", "+U[1, 1]", "+I[2, 1]"
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is asked: the lines that are printed are a changelog of the view, in any chunks.
    #[test]
    fn lines_add_up_to_the_view(
        records in prop::collection::vec((0..4_u8, -3..4_i64), 0..60),
        seed: u64,
        chunk_rows in 1..9_usize,
        workers in 1..4_usize,
        place in 0..4_usize,
    ) {
        let query = [
            "SELECT m, COUNT(*) AS c, MAX(n) AS x, SUM(n) AS s FROM t GROUP BY m",
            "SELECT m, SUM(n) AS s FROM t GROUP BY m HAVING SUM(n) > 0",
            "SELECT COUNT(*) AS c, AVG(n) AS a FROM t WHERE n <> 0",
            "SELECT s, COUNT(*) AS c, AVG(x) AS mean FROM
                (SELECT m, SUM(n) AS s, MAX(n) AS x FROM t GROUP BY m) AS inside GROUP BY s",
        ][place];
        let records: Vec<String> =
            records.iter().map(|(m, n)| format!(r#"{{"m":"{m}","n":{n}}}"#)).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let (first, second) = records.split_at(records.len() / 2);
        let mut world = World::with("t", &[first, second]);
        let sql = format!(
            "{}CREATE TABLE p WITH ('connector' = 'print') AS {query}; CREATE MATERIALIZED VIEW v AS {query};",
            table("t", "m STRING, n BIGINT"),
        );
        let how = How {
            chunk_rows,
            workers,
            sources: 2,
            drive: Drive::Stepper(seed),
            packets: (3, 2),
            ..How::default()
        };
        let ran = run_in(&sql, &mut world, how);
        let mut view: Vec<String> = ran.rows().into_iter().map(str::to_string).collect();
        view.sort();
        prop_assert_eq!(ran.folded(), view);
        // Another way to run it has the same view.
        let other = run_in(&sql, &mut world, How::default());
        prop_assert_eq!(other.rows(), ran.rows());
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Windows: the six bids of Flink's documentation

const BID_COLUMNS: &str = "bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING";

/// The bids by item; they come in this order.
fn bids(items: &str) -> World {
    let all = BTreeMap::from([
        ('C', ("05", "4.00")),
        ('A', ("07", "2.00")),
        ('D', ("09", "5.00")),
        ('B', ("11", "3.00")),
        ('E', ("13", "1.00")),
        ('F', ("17", "6.00")),
    ]);
    let records: Vec<String> = items
        .chars()
        .map(|item| {
            let (minute, price) = all[&item];
            format!(r#"{{"bidtime":"2020-04-15T08:{minute}:00Z","price":{price},"item":"{item}"}}"#)
        })
        .collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    World::with("bid", &[&records])
}

fn bid_table(delay: &str) -> String {
    let columns = format!("{BID_COLUMNS}, WATERMARK FOR bidtime AS bidtime - INTERVAL '{delay}' SECOND");
    table("bid", &columns)
}

/// Results of windows as `08:00-08:10 11.00`.
fn short(rows: &[String]) -> Vec<String> {
    let time = |text: &str| text.strip_prefix("2020-04-15T").unwrap().to_string();
    let row = |row: &String| {
        let columns: Vec<&str> = row.split(", ").collect();
        format!("{}-{} {}", time(columns[0]), time(columns[1]), columns[2])
    };
    rows.iter().map(row).collect()
}

/// Windows, in the dialects of Flink and RisingWave, and what comes out of the bids in their order.
#[rustfmt::skip]
const WINDOWS: [(&str, &str, &[&str]); 5] = [
    ("TUMBLE(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES)",
     "TUMBLE(bid, bidtime, INTERVAL '10 MINUTES')",
     &["08:00-08:10 11.00", "08:10-08:20 10.00"]),
    ("TUMBLE(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES, INTERVAL '1' MINUTES)",
     "TUMBLE(bid, bidtime, INTERVAL '10 MINUTES', INTERVAL '1 MINUTE')",
     &["08:01-08:11 11.00", "08:11-08:21 10.00"]),
    ("HOP(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '5' MINUTES, INTERVAL '10' MINUTES)",
     "HOP(bid, bidtime, INTERVAL '5 MINUTES', INTERVAL '10 MINUTES')",
     &["08:00-08:10 11.00", "08:05-08:15 15.00", "08:10-08:20 10.00", "08:15-08:25 6.00"]),
    ("CUMULATE(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '2' MINUTES, INTERVAL '10' MINUTES)",
     "CUMULATE(bid, bidtime, INTERVAL '2 MINUTES', INTERVAL '10 MINUTES')",
     &["08:00-08:06 4.00", "08:00-08:08 6.00", "08:00-08:10 11.00", "08:10-08:12 3.00", "08:10-08:14 4.00",
       "08:10-08:16 4.00", "08:10-08:18 10.00", "08:10-08:20 10.00"]),
    ("HOP(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES, INTERVAL '10' MINUTES)",
     "HOP(bid, bidtime, INTERVAL '10 MINUTES', INTERVAL '10 MINUTES')",
     &["08:00-08:10 11.00", "08:10-08:20 10.00"]),
];

#[test]
fn windows_of_both_dialects_are_those_of_the_documentation() {
    for (flink, risingwave, expected) in WINDOWS {
        let select = "SELECT window_start, window_end, SUM(price) AS total FROM";
        let by = "GROUP BY window_start, window_end";
        let flink = format!("{select} TABLE({flink}) {by};");
        let risingwave =
            format!("CREATE MATERIALIZED VIEW totals AS {select} {risingwave} {by} EMIT ON WINDOW CLOSE;");
        for query in [flink, risingwave] {
            assert_eq!(
                short(&rows(&(bid_table("1") + &query), &bids("CADBEF"))),
                expected,
                "{query}"
            );
        }
    }
}

#[test]
fn without_emit_on_window_close_each_row_changes_the_result() {
    let query = "SELECT window_start, SUM(price) FROM TUMBLE(bid, bidtime, INTERVAL '10 MINUTES') GROUP BY window_start;";
    let sql = bid_table("1") + "CREATE TABLE p WITH ('connector' = 'print') AS " + query;
    let ran = run_in(&sql, &mut bids("CADBEF"), row_by_row());
    #[rustfmt::skip]
    let lines = [
        "+I[2020-04-15T08:00, 4.00]",
        "-U[2020-04-15T08:00, 4.00]", "+U[2020-04-15T08:00, 6.00]",
        "-U[2020-04-15T08:00, 6.00]", "+U[2020-04-15T08:00, 11.00]",
        "+I[2020-04-15T08:10, 3.00]",
        "-U[2020-04-15T08:10, 3.00]", "+U[2020-04-15T08:10, 4.00]",
        "-U[2020-04-15T08:10, 4.00]", "+U[2020-04-15T08:10, 10.00]",
    ];
    assert_eq!(ran.printed, lines);
    // No row is late for what is never closed.
    let ran = run_in(&sql, &mut bids("ABCDEF"), row_by_row());
    assert_eq!(
        folded(&ran.printed),
        ["2020-04-15T08:00, 11.00", "2020-04-15T08:10, 10.00"]
    );
}

#[test]
fn rows_keep_their_columns_and_get_those_of_their_window() {
    let sql = bid_table("1")
        + "SELECT item, window_start, window_end, window_time
           FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES)) WHERE price > 3;";
    let day = "2020-04-15T";
    let row = |item: &str, start: &str, end: &str, time: &str| {
        format!("{item}, {day}{start}, {day}{end}, {day}{time}")
    };
    assert_eq!(
        rows(&sql, &bids("CADBEF")),
        [
            row("C", "08:00", "08:10", "08:09:59.999"),
            row("D", "08:00", "08:10", "08:09:59.999"),
            row("F", "08:10", "08:20", "08:19:59.999"),
        ]
    );
}

/// The same bids out of order: what a watermark of each delay loses.
#[test]
fn rows_that_come_too_late_are_in_no_window_and_counted() {
    #[rustfmt::skip]
    let table = [
        // delay   tumble, late rows and times    hop, late rows and times
        ("0",      ["2.00", "10.00"], (2, 2),     ["2.00", "15.00", "10.00", "6.00"], (0, 2)),
        ("1",      ["2.00", "10.00"], (2, 2),     ["2.00", "15.00", "10.00", "6.00"], (0, 2)),
        ("60",     ["2.00", "10.00"], (2, 2),     ["2.00", "15.00", "10.00", "6.00"], (0, 2)),
        ("120",    ["11.00", "10.00"], (0, 0),    ["11.00", "15.00", "10.00", "6.00"], (0, 0)),
        ("359",    ["11.00", "10.00"], (0, 0),    ["11.00", "15.00", "10.00", "6.00"], (0, 0)),
        ("360",    ["11.00", "10.00"], (0, 0),    ["11.00", "15.00", "10.00", "6.00"], (0, 0)),
    ];
    for (delay, tumble, tumble_late, hop, hop_late) in table {
        for (window, sums, late) in [
            (
                "TUMBLE(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES)",
                &tumble[..],
                tumble_late,
            ),
            (
                "HOP(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '5' MINUTES, INTERVAL '10' MINUTES)",
                &hop[..],
                hop_late,
            ),
        ] {
            let sql = bid_table(delay)
                + &format!(
                    "SELECT window_start, window_end, SUM(price) FROM TABLE({window}) GROUP BY window_start, window_end;"
                );
            // Where several sources are read side by side, it is chance who is late.
            for how in ways().filter(|how| how.sources == 1) {
                let ran = run_in(&sql, &mut bids("ABCDEF"), how);
                let found: Vec<&str> = ran
                    .rows()
                    .iter()
                    .map(|row| row.rsplit(", ").next().unwrap())
                    .collect();
                assert_eq!(found, sums, "{delay} {window}");
                let dropped = ran.stats.dropped;
                assert_eq!((dropped.late, dropped.late_assignments), late, "{delay} {window}");
            }
        }
    }
}

#[test]
fn rows_without_a_time_are_in_no_window_and_counted() {
    let mut world = World::with(
        "bid",
        &[&[
            r#"{"price":1,"bidtime":"2020-04-15T08:05:00Z"}"#,
            r#"{"price":2}"#,
            r#"{"price":3,"bidtime":null}"#,
        ]],
    );
    let sql = bid_table("1")
        + "SELECT window_start, window_end, SUM(price)
           FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES)) GROUP BY window_start, window_end;";
    for how in ways() {
        let ran = run_in(&sql, &mut world, how);
        assert_eq!(ran.rows(), ["2020-04-15T08:00, 2020-04-15T08:10, 1.00"]);
        assert_eq!(ran.stats.dropped.null_time, 2);
    }
}

#[test]
fn windows_by_key_are_counted_and_filtered_where_they_close() {
    let sql = bid_table("1")
        + "SELECT price > 2 AS dear, window_end, COUNT(*) AS n, MAX(item) AS last
           FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES))
           GROUP BY price > 2, window_start, window_end HAVING COUNT(*) > 1;";
    assert_eq!(
        rows(&sql, &bids("CADBEF")),
        ["true, 2020-04-15T08:10, 2, D", "true, 2020-04-15T08:20, 2, F",]
    );
}

/// What a window gives is final, so it can be grouped and printed again: nothing is ever taken back.
#[test]
fn windows_can_be_grouped_further() {
    let sql = bid_table("1")
        + "CREATE TABLE p WITH ('connector' = 'print') AS
           SELECT MAX(total), COUNT(*) FROM (
               SELECT window_start, window_end, SUM(price) AS total
               FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES)) GROUP BY window_start, window_end
           ) AS windows;";
    for how in ways() {
        assert_eq!(run_in(&sql, &mut bids("CADBEF"), how).folded(), ["11.00, 2"]);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Views

#[test]
fn a_view_is_read_when_everything_is_in_it() {
    let records = ["a", "b", "a", "c", "a"].map(|m| format!(r#"{{"m":"{m}"}}"#));
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let mut world = World::with("t", &[&records[..3], &records[3..]]);
    let sql = table("t", "m STRING")
        + "CREATE MATERIALIZED VIEW v AS SELECT m, COUNT(*) AS n FROM t GROUP BY m;
           SELECT * FROM v;
           SELECT m FROM v WHERE n > 1;
           SELECT COUNT(*) AS groups, SUM(n) AS times, MAX(n) FROM v;
           SELECT n, COUNT(*) FROM v GROUP BY n HAVING COUNT(*) > 1;
           SELECT COUNT(*), SUM(n) FROM v WHERE m = 'z';
           SELECT n * 10 AS tens FROM (SELECT n FROM v WHERE m <> 'a') AS rest;";
    #[rustfmt::skip]
    let expected: [&[&str]; 7] = [
        &["a, 3", "b, 1", "c, 1"],
        &["a, 3", "b, 1", "c, 1"],
        &["a"],
        &["3, 5, 3"],
        &["1, 2"],
        &["0, null"],
        &["10", "10"],
    ];
    for how in ways() {
        let ran = run_in(&sql, &mut world, how);
        let shown: Vec<&[String]> = ran.shown.iter().map(|(_, rows)| rows.as_slice()).collect();
        assert_eq!(shown, expected, "{how:?}");
    }
}

#[test]
fn a_view_of_nothing_has_no_rows_and_its_count_is_zero() {
    let mut world = World::with("t", &[&[]]);
    let sql = table("t", "m STRING")
        + "CREATE MATERIALIZED VIEW v AS SELECT m, COUNT(*) AS n FROM t GROUP BY m;
           SELECT COUNT(*), MAX(n) FROM v; SELECT m FROM v;";
    for how in ways() {
        let ran = run_in(&sql, &mut world, how);
        let shown: Vec<&[String]> = ran.shown.iter().map(|(_, rows)| rows.as_slice()).collect();
        assert_eq!(shown, [&[][..], &["0, null".to_string()], &[]]);
    }
}

#[test]
fn a_view_is_read_while_it_changes_too() {
    let sql = table("t", "m STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts")
        + "CREATE MATERIALIZED VIEW v AS SELECT m, ts FROM t;
           CREATE MATERIALIZED VIEW w AS SELECT m, COUNT(*) FROM v GROUP BY m;
           SELECT window_start, COUNT(*) FROM TUMBLE(v, ts, INTERVAL '1 minute') GROUP BY window_start;";
    let mut world = World::with("t", &[&[r#"{"m":"a","ts":"2026-01-01 00:00:30"}"#]]);
    let ran = run_in(&sql, &mut world, How::default());
    assert_eq!(ran.shown[1].1, ["a, 1"]);
    assert_eq!(ran.shown[2].1, ["2026-01-01T00:00, 1"]);
}

#[test]
fn one_end_of_a_range_is_enough_for_every_type() {
    let columns = [
        "a INT",
        "a BIGINT",
        "a NUMERIC(10, 2)",
        "a NUMERIC(28, 2)",
        "a TIMESTAMP(3)",
        "a TIMESTAMP_LTZ(3)",
    ];
    for column in columns {
        for end in ["'fields.a.min' = '0'", "'fields.a.max' = '0'"] {
            let sql = format!(
                "CREATE TABLE g ({column}) WITH ('connector' = 'datagen', 'number-of-rows' = '100', {end}); SELECT COUNT(a) FROM g;"
            );
            let ran = run_in(&sql, &mut World::default(), How::default());
            assert_eq!(ran.shown[0].1, ["100"], "{column} {end}");
        }
    }
}

#[test]
fn every_type_is_generated_without_a_word_about_it() {
    let sql = "CREATE TABLE g (a INT, b BIGINT, c NUMERIC, d NUMERIC(10, 2), e DOUBLE, f VARCHAR, g BOOLEAN, h TIMESTAMP(3),
                   i TIMESTAMP_LTZ(3), WATERMARK FOR h AS h - INTERVAL '1' SECOND)
               WITH ('connector' = 'datagen', 'number-of-rows' = '500');
               SELECT COUNT(a + b * 0), COUNT(c), COUNT(e), COUNT(g), MIN(d) >= 0 AND MAX(d) < 100000000, COUNT(f), MIN(h), MAX(i) FROM g;";
    let ran = run_in(sql, &mut World::default(), How::default());
    assert_eq!(
        ran.shown[0].1,
        ["500, 500, 500, 500, true, 500, 2026-01-01T00:00, 2026-01-01T00:00:00.499Z"]
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// Several queries, and what is written

#[test]
fn queries_of_one_file_run_side_by_side() {
    let mut world = World::with("items", &[&ITEMS[..2], &ITEMS[2..]]);
    let sql = table("items", ITEM_COLUMNS)
        + &table("kept", "id INT, double_amount DECIMAL(10, 2)")
        + "CREATE TABLE lines WITH ('connector' = 'print') AS SELECT m, COUNT(*) FROM items GROUP BY m;
           CREATE TABLE nowhere (id INT) WITH ('connector' = 'blackhole');
           CREATE MATERIALIZED VIEW v AS SELECT ok, COUNT(*) AS n FROM items GROUP BY ok;
           INSERT INTO kept SELECT id, amount * 2 FROM items WHERE amount IS NOT NULL;
           INSERT INTO nowhere SELECT id FROM items;
           SELECT SUM(n) FROM items;
           SELECT SUM(n) FROM items;";
    for how in ways() {
        let mut world = world.clone();
        let ran = run_in(&sql, &mut world, how);
        assert_eq!(ran.folded(), ["a, 2", "b, 1", "null, 1"]);
        let shown: Vec<(&str, Vec<&str>)> = ran
            .shown
            .iter()
            .map(|(name, rows)| (name.as_str(), rows.iter().map(String::as_str).collect()))
            .collect();
        let sum = ("result", vec!["15"]);
        assert_eq!(
            shown,
            [("v", vec!["false, 1", "true, 2", "null, 1"]), sum.clone(), sum]
        );
        let mut lines = world.lines("kept");
        lines.sort();
        assert_eq!(
            lines,
            [
                r#"{"id":1,"double_amount":25.00}"#,
                r#"{"id":2,"double_amount":-6.00}"#,
                r#"{"id":4,"double_amount":0.02}"#,
            ]
        );
        assert_eq!(ran.read, 4, "all queries share a scan");
    }
    let twice = table("items", ITEM_COLUMNS)
        + &table("kept", "id INT")
        + "INSERT INTO kept SELECT id FROM items; INSERT INTO kept SELECT id + 1 FROM items;";
    run_in(&twice, &mut world, How::default());
    assert_eq!(world.lines("kept").len(), 8, "two queries may write to one table");
}

/// Files in a real folder: the second program reads what the first has written.
#[test]
fn what_is_written_to_files_is_read_back() {
    let nasty = [
        r#"{"id":1,"m":"plain","amount":12.50,"n":7,"ok":true,"d":0.5}"#,
        r#"{"id":2,"m":"a \"quoted\", text","amount":-0.01,"n":9223372036854775807,"ok":false,"d":1e300}"#,
        r#"{"id":3}"#,
        r#"{"id":4,"m":"","n":-9223372036854775808,"d":-0.001}"#,
        r#"{"id":5,"m":" ü ","amount":99999999.99}"#,
    ];
    let columns = format!("{ITEM_COLUMNS}, at TIMESTAMP(3)");
    let items = table(
        "items",
        &format!("{ITEM_COLUMNS}, at AS CAST('2026-01-01T00:00:00.5' AS TIMESTAMP(3))"),
    );
    let direct = rows(
        &(items.clone() + "SELECT * FROM items"),
        &World::with("items", &[&nasty]),
    );
    assert_eq!(
        direct[2],
        "3, null, null, null, null, null, 2026-01-01T00:00:00.500"
    );
    for format in ["json", "csv"] {
        for (workers, sources) in [(1, 1), (3, 2)] {
            let how = How {
                workers,
                sources,
                drive: Drive::Threads,
                ..How::default()
            };
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("out").display().to_string();
            let with = format!("WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = '{format}')");
            let kept = format!("CREATE TABLE kept ({columns}) {with};");
            let write = format!("{items}{kept} INSERT INTO kept SELECT * FROM items;");
            on_disk(
                &write,
                &mut World::with("items", &[&nasty[..3], &nasty[3..]]),
                how,
            );
            let back = run_in(&format!("{kept} SELECT * FROM kept;"), &mut World::new(), how);
            assert_eq!(back.rows(), direct, "{format}");
        }
    }
}

/// Runs a program whose tables of the connector `filesystem` are files of the system.
fn on_disk(sql: &str, world: &mut World, how: How) {
    world.on_disk = true;
    run_in(sql, world, how);
    world.on_disk = false;
}

// ---------------------------------------------------------------------------------------------------------------------
// Records

/// What Flink makes of JSON that is not quite as it was declared.
#[test]
fn json_is_read_as_flink_reads_it() {
    #[rustfmt::skip]
    let table = [
        // A field that is missing is NULL, and others are not looked at.
        (r#"{"x":[1,{"s":2}]}"#,                "null, null, null, null"),
        // Names are case-sensitive.
        (r#"{"S":"big","s":"small"}"#,          "small, null, null, null"),
        // Of a field that is there twice, the last counts.
        (r#"{"s":"first","s":"last"}"#,         "last, null, null, null"),
        // Into a text goes whatever is there.
        (r#"{"s":12.50}"#,                      "12.50, null, null, null"),
        (r#"{"s":true}"#,                       "true, null, null, null"),
        (r#"{"s":{"a": [1]}}"#,                 "{\"a\": [1]}, null, null, null"),
        // Numbers may come as texts, and INT loses the fraction.
        (r#"{"d":"2.5"}"#,                      "null, 2.5, null, null"),
        (r#"{"i":2.9}"#,                        "null, null, 2, null"),
        (r#"{"n":1.005}"#,                      "null, null, null, 1.01"),
    ];
    for (record, row) in table {
        let sql = self::table("t", "s STRING, d DOUBLE, i INT, n DECIMAL(4, 2)") + "SELECT * FROM t";
        assert_eq!(rows(&sql, &World::with("t", &[&[record]])), [row], "{record}");
    }
}

#[test]
fn a_list_is_several_rows_and_a_tombstone_is_none() {
    let log = Log::new("t", 1);
    log.append(0, None, Some(br#"[{"i":1},{"i":2},{}]"#), None);
    log.append(0, Some(b"key"), None, None);
    log.append(0, None, Some(b" [ ] "), None);
    log.append(0, None, Some(br#"{"i":4}"#), None);
    let mut world = World::new().and("t", log);
    let sql = table("t", "i INT") + "SELECT i FROM t";
    assert_eq!(rows(&sql, &world), ["1", "2", "4", "null"]);
    assert_eq!(run_in(&sql, &mut world, How::default()).read, 4, "records");
}

#[test]
fn records_that_cannot_be_read_fail_or_are_skipped_or_are_null_as_was_said() {
    let records = [
        r#"{"i":1,"s":"a"}"#,
        "no json",
        r#"{"i":"x","s":"b"}"#,
        r#"{"i":99999999999,"s":"c"}"#,
        r#"[{"i":5},6]"#,
        r#"{"s":"d"}"#,
    ];
    let select = "SELECT i, s FROM t";
    let fail = table("t", "i INT, s STRING") + select;
    let world = World::with("t", &[&records]);

    // By default the first one ends the job, and the error says where it is.
    let error = fails(&fail, &mut world.clone(), How::default());
    assert!(error.contains("t/0@1: not JSON"), "{error}");
    let error = fails(&fail, &mut World::with("t", &[&records[2..]]), How::default());
    assert!(error.contains("t/0@0: i is not a"), "{error}");

    // The option of the program counts and skips whole records.
    let skip = How {
        on_bad_record: OnBadRecord::Skip,
        ..How::default()
    };
    let ran = run_in(&fail, &mut world.clone(), skip);
    assert_eq!(ran.rows(), ["1, a", "null, d"]);
    assert_eq!(ran.read, 2);

    // The option of the table makes NULL of a bad field.
    let ignore = table_with("t", "i INT, s STRING", ", 'json.ignore-parse-errors' = 'true'") + select;
    assert_eq!(
        rows(&ignore, &world),
        ["1, a", "5, null", "null, b", "null, c", "null, d"]
    );

    // And a field that is missing can be made an error.
    let missing = table_with("t", "i INT, s STRING", ", 'json.fail-on-missing-field' = 'true'") + select;
    let error = fails(&missing, &mut World::with("t", &[&records[5..]]), How::default());
    assert!(error.contains("t/0@0: no i"), "{error}");
}

#[test]
fn lines_of_csv_that_do_not_fit_are_errors_that_name_the_line() {
    let (_folder, path) = file("t.csv", "1,a\n2,b,c\n");
    let sql = format!(
        "CREATE TABLE t (i INT, s STRING) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
         SELECT s FROM t;"
    );
    let error = fails(&sql, &mut World::new(), How::default());
    assert!(error.contains("t.csv:2"), "{error}");
}

/// Partition, offset and timestamp of a record, as columns, and a watermark on the timestamp.
#[test]
fn a_record_has_columns_besides_its_payload() {
    let log = Log::new("t", 2);
    log.append(0, None, Some(br#"{"i":1}"#), Some(1_000));
    log.append(0, None, Some(br#"[{"i":2},{"i":3}]"#), Some(61_500));
    log.append(1, None, Some(br#"{"i":4}"#), None);
    log.skip(1, 5);
    log.append(1, None, Some(br#"{"i":5}"#), Some(2_000));
    let world = World::new().and("t", log);
    let columns =
        "at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL, i INT, `partition` BIGINT METADATA VIRTUAL,
        o BIGINT METADATA FROM 'offset' VIRTUAL, half AS i + 1, WATERMARK FOR at AS at - INTERVAL '5' SECOND";
    let sql = table("t", columns) + "SELECT i, `partition`, o, at, half FROM t";
    assert_eq!(
        rows(&sql, &world),
        [
            "1, 0, 0, 1970-01-01T00:00:01Z, 2",
            "2, 0, 1, 1970-01-01T00:01:01.500Z, 3",
            "3, 0, 1, 1970-01-01T00:01:01.500Z, 4",
            "4, 1, 0, null, 5",
            "5, 1, 6, 1970-01-01T00:00:02Z, 6",
        ]
    );
    let risingwave = "CREATE SOURCE t (i INT) INCLUDE partition AS p INCLUDE offset INCLUDE timestamp AS at
        WITH (connector = 'kafka', topic = 't', properties.bootstrap.server = 'memory') FORMAT PLAIN ENCODE JSON;
        SELECT p, MAX(i), MAX(\"offset\"), MIN(at) FROM t GROUP BY p;";
    assert_eq!(
        rows(risingwave, &world),
        ["0, 3, 1, 1970-01-01T00:00:01Z", "1, 5, 6, 1970-01-01T00:00:02Z"]
    );
    let windows = table("t", columns)
        + "SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(at), INTERVAL '1' MINUTE))
           GROUP BY window_start, window_end;";
    assert_eq!(
        rows(&windows, &world),
        ["1970-01-01T00:00, 2", "1970-01-01T00:01, 2"]
    );
}

#[test]
fn a_number_can_be_the_time() {
    let records = [
        r#"{"ms":1500,"s":"1"}"#,
        r#"{"ms":61000,"s":"61"}"#,
        r#"{"s":"2"}"#,
    ];
    let world = World::with("t", &[&records]);
    for (column, expected) in [
        (
            "at AS TO_TIMESTAMP_LTZ(ms, 3)",
            ["1970-01-01T00:00, 1", "1970-01-01T00:01, 1"],
        ),
        (
            "at AS TO_TIMESTAMP_LTZ(ms, 0)",
            ["1970-01-01T00:25, 1", "1970-01-01T16:56, 1"],
        ),
        (
            "at AS TO_TIMESTAMP_LTZ(ms + 60000, 3)",
            ["1970-01-01T00:01, 1", "1970-01-01T00:02, 1"],
        ),
    ] {
        let sql = table(
            "t",
            &format!("ms BIGINT, s STRING, {column}, WATERMARK FOR at AS at - INTERVAL '1' SECOND"),
        )
            + "SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(at), INTERVAL '1' MINUTE))
               GROUP BY window_start, window_end;";
        assert_eq!(rows(&sql, &world), expected, "{column}");
    }
}

/// Spellings that mean what others mean.
#[test]
fn a_table_can_be_declared_in_the_words_of_either_engine() {
    let record = r#"{"ts":1700000000.25,"s":"long","at":"2023-11-14T22:13:20.25Z"}"#;
    let world = World::with("t", &[&[record]]);
    let with = "WITH (connector = 'kafka', topic = 't', properties.bootstrap.server = 'memory') FORMAT PLAIN ENCODE JSON;";
    #[rustfmt::skip]
    let table = [
        // RisingWave's generated columns have a type, and its TO_TIMESTAMP takes seconds.
        ("ts DOUBLE PRECISION, rt TIMESTAMPTZ AS TO_TIMESTAMP(ts), WATERMARK FOR rt AS rt - INTERVAL '1 second'", "rt"),
        ("ts NUMERIC, rt TIMESTAMPTZ AS TO_TIMESTAMP(ts)",           "rt"),
        ("at TIMESTAMP(3) WITH LOCAL TIME ZONE, rt AS at",           "rt"),
        ("`at` TIMESTAMP WITH LOCAL TIME ZONE",                      "at"),
        ("at TIMESTAMP(3) WITH TIME ZONE",                           "at"),
        ("at TIMESTAMP_LTZ(3), s VARCHAR(2)",                        "at"),
    ];
    for (columns, time) in table {
        let sql = format!("CREATE SOURCE t ({columns}) {with} SELECT {time} FROM t;");
        assert_eq!(rows(&sql, &world), ["2023-11-14T22:13:20.250Z"], "{columns}");
    }
    // A length promises, and cuts nothing off.
    let sql = format!(
        "CREATE SOURCE t (s VARCHAR(2), n BIGINT AS 7, big CHARACTER VARYING(1000)) {with} SELECT s, n FROM t;"
    );
    assert_eq!(rows(&sql, &world), ["long, 7"]);
    // The second of two declarations counts only if there is no first.
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS t (s VARCHAR) {with} CREATE TABLE IF NOT EXISTS t (other INT) {with}
         CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT s FROM t;
         CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT COUNT(*) AS n FROM t;"
    );
    assert_eq!(rows(&sql, &world), ["long"]);
}

/// One text that is no date, one division by zero: each costs its record, and not the run.
#[test]
fn a_record_that_an_expression_cannot_use_is_a_bad_record() {
    let sql = table("t", "d STRING, n BIGINT, ts AS CAST(d AS TIMESTAMP(3))")
        + "CREATE MATERIALIZED VIEW dates AS SELECT ts FROM t;
           CREATE MATERIALIZED VIEW shares AS SELECT n, 12 / n AS share FROM t;
           CREATE MATERIALIZED VIEW numbers AS SELECT n FROM t;";
    let records = [
        r#"{"d":"2026-01-01 00:00:00","n":1}"#,
        r#"{"d":"01/01/2026","n":2}"#,
        r#"{"d":"2026-01-01 00:00:02","n":0}"#,
        r#"{"d":"2026-01-01 00:00:03","n":4}"#,
    ];
    for how in ways() {
        let mut world = World::with("t", &[&records]).with_checkpoints();
        let said = fails(&sql, &mut world, how);
        assert!(said.contains(": an expression has no value ("), "{said}");
        assert!(said.contains("t/0@1") || said.contains("t/0@2"), "{said}");
        let skip = How {
            on_bad_record: OnBadRecord::Skip,
            ..how
        };
        // It is no poison: the next run goes on behind the last checkpoint.
        let ran = run_in(&sql, &mut world, skip);
        let shown: Vec<Vec<&str>> = ran
            .shown
            .iter()
            .map(|(_, rows)| rows.iter().map(String::as_str).collect())
            .collect();
        // Whose computed column fails is no row of the table; whom a query cannot divide by is a row for the others.
        let dates = ["2026-01-01T00:00", "2026-01-01T00:00:02", "2026-01-01T00:00:03"];
        assert_eq!(
            shown,
            [dates.to_vec(), vec!["1, 12", "4, 3"], vec!["0", "1", "4"]]
        );
        let mut anew = World::with("t", &[&records]);
        assert_eq!(run_in(&sql, &mut anew, skip).read, 2, "two records were skipped");
    }
}

#[test]
fn an_error_behind_a_grouping_says_whose_expression_it_is() {
    let sql = table("t", "k STRING, n INT")
        + "CREATE MATERIALIZED VIEW sums AS SELECT k, SUM(n) AS s FROM t GROUP BY k;
           CREATE MATERIALIZED VIEW shares AS SELECT k, 10 / s AS share FROM sums;";
    let mut world = World::with("t", &[&[r#"{"k":"a","n":0}"#]]);
    let said = fails(&sql, &mut world, How::default());
    assert!(said.contains("in the query of shares: 10 / 0 of "), "{said}");
}
