//! Formats and connectors, as a query sees them: which records are rows, and that this does not depend on the query.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod run;

use day01_consumer::job::OnBadRecord;
use run::{How, World, run, try_run};

/// Records of which some are bad, each in another column.
const JSON: [&str; 8] = [
    r#"{"k":"a","n":1,"at":"2026-01-01 00:00:00","amount":1.50}"#,
    r#"{"k":"a","n":"oops","at":"2026-01-01 00:00:00","amount":1.50}"#,
    r#"{"k":"b","n":1,"at":"01/01/2026","amount":1.50}"#,
    r#"{"k":"b","n":1,"at":"2026-01-01 00:00:00","amount":123456}"#,
    r#"{"k":"b\ud800","n":1,"at":"2026-01-01 00:00:00","amount":1}"#,
    r#"{"k":"b","n":1,"at":"2026-01-01 00:00:00"}"#,
    "not JSON",
    r#"[{"k":"a","n":2,"at":"2026-01-01 00:00:00","amount":1},{"k":"a","n":true}]"#,
];
const CSV: [&str; 7] = [
    "a,1,2026-01-01 00:00:00,1.50",
    "a,oops,2026-01-01 00:00:00,1.50",
    "b,1,01/01/2026,1.50",
    "b,1,2026-01-01 00:00:00,123456",
    "b,1,2026-01-01 00:00:00",
    "b,1,,",
    "b,1,\"2026-01-01 00:00:00,1.50",
];

/// Queries that read no column, one, or all; the first column of each answer is how many rows it has seen.
const QUERIES: [&str; 5] = [
    "SELECT COUNT(*) AS c FROM t",
    "SELECT COUNT(*) AS c, COUNT(n) AS n FROM t",
    "SELECT COUNT(*) AS c, COUNT(k) AS k FROM t",
    "SELECT COUNT(*) AS c, COUNT(k) AS k, COUNT(n) AS n, COUNT(at) AS at, COUNT(amount) AS amount FROM t",
    "SELECT COUNT(*) AS c FROM t WHERE amount >= 0 OR amount IS NULL OR amount < 0",
];

fn table(format: &str, option: &str) -> String {
    let option = if option.is_empty() {
        String::new()
    } else {
        format!(", '{option}' = 'true'")
    };
    format!(
        "CREATE TABLE t (k STRING, n INT, at TIMESTAMP(3), amount DECIMAL(5, 2), twice AS n + n) WITH (
         'connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:1', 'format' = '{format}'{option});"
    )
}

#[test]
fn all_queries_over_a_table_see_the_same_rows() {
    #[rustfmt::skip]
    let table_of: [(&str, &str, &[&str], &str); 5] = [
        ("json", "",                            &JSON, "2"),
        ("json", "json.fail-on-missing-field",  &JSON, "1"),
        ("json", "json.ignore-parse-errors",    &JSON, "8"),
        ("csv",  "",                            &CSV,  "2"),
        ("csv",  "csv.ignore-parse-errors",     &CSV,  "5"),
    ];
    for (format, option, records, rows) in table_of {
        let views = QUERIES.iter().enumerate();
        let views = views.map(|(number, query)| format!("CREATE MATERIALIZED VIEW v{number} AS {query};"));
        let sql = format!("{}{}", table(format, option), views.collect::<String>());
        let how = How {
            on_bad_record: OnBadRecord::Skip,
            ..How::default()
        };
        let ran = run(&sql, &mut World::with("t", &[records]), how);
        for (view, answer) in &ran.shown {
            let counted = answer[0].split(',').next();
            assert_eq!(counted, Some(rows), "{format} {option}, {view}: {answer:?}");
        }
    }
}

#[test]
fn a_record_that_ends_one_query_ends_them_all() {
    for (format, option, records) in [
        ("json", "", JSON.as_slice()),
        ("json", "json.fail-on-missing-field", &JSON),
        ("csv", "", &CSV),
    ] {
        for record in records {
            let fails = QUERIES.map(|query| {
                let sql = format!("{}{query};", table(format, option));
                let said = try_run(&sql, &mut World::with("t", &[&[record]]), How::default()).err();
                // Behind the name of the query.
                said.map(|said| said.split_once(": ").map(|(_, said)| said.to_string()))
            });
            assert!(fails.iter().all(|fail| *fail == fails[0]), "{record}: {fails:?}");
        }
    }
}

#[test]
fn names_of_fields_match_as_the_dialect_of_the_table_has_it() {
    let records: &[&str] = &[r#"{"Merchant_ID":"m-1"}"#, r#"{"merchant_id":"m-2"}"#];
    let rows = |with: &str| {
        let sql = format!("CREATE TABLE t (merchant_id VARCHAR) {with}; SELECT merchant_id FROM t;");
        let ran = run(&sql, &mut World::with("t", &[records]), How::default());
        ran.rows().into_iter().map(str::to_string).collect::<Vec<_>>()
    };
    let flink = "WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:1', 'format' = 'json')";
    let risingwave = "WITH (connector = 'kafka', topic = 't', properties.bootstrap.server = 'b:1') FORMAT PLAIN ENCODE JSON";
    assert_eq!(rows(flink), ["m-2", "null"]);
    assert_eq!(rows(risingwave), ["m-1", "m-2"]);
}

#[test]
fn csv_and_raw_come_from_topics_too() {
    let with = |format: &str, option: &str| {
        format!(
            "WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:1', 'format' = '{format}'{option})"
        )
    };
    let csv = format!(
        "CREATE TABLE t (a STRING, b INT) {}; SELECT a, b FROM t;",
        with(
            "csv",
            ", 'csv.field-delimiter' = ';', 'csv.null-literal' = 'n/a', 'csv.allow-comments' = 'true'"
        )
    );
    let ran = run(
        &csv,
        &mut World::with("t", &[&["x,y;1", "n/a;2", "# no;row", "'n/a';n/a"]]),
        How::default(),
    );
    assert_eq!(ran.rows(), ["'n/a', null", "x,y, 1", "null, 2"]);
    let raw = format!(
        "CREATE TABLE t (line STRING, place BIGINT METADATA FROM 'offset' VIRTUAL) {}; SELECT place, line FROM t;",
        with("raw", "")
    );
    let ran = run(
        &raw,
        &mut World::with("t", &[&["{\"a\":1}", "", "a,b"]]),
        How::default(),
    );
    assert_eq!(ran.rows(), ["0, {\"a\":1}", "1, ", "2, a,b"]);
}

#[test]
fn a_sum_that_is_too_large_for_its_type_becomes_a_wider_one_or_names_its_group() {
    let records: &[&str] = &[
        r#"{"k":"b","l":1,"d":1}"#,
        r#"{"k":"a","l":9223372036854775807,"d":1e308}"#,
        r#"{"k":"a","l":9223372036854775807,"d":1e308}"#,
    ];
    let table = "CREATE TABLE t (k STRING, l BIGINT, d DOUBLE) WITH ('connector' = 'kafka', 'topic' = 't',
                 'properties.bootstrap.servers' = 'b:1', 'format' = 'json');";
    let world = || World::with("t", &[records]);
    let risingwave = format!(
        "{table} CREATE MATERIALIZED VIEW v AS SELECT k, SUM(l) AS s, SUM(d) AS d FROM t GROUP BY k;"
    );
    assert_eq!(
        run(&risingwave, &mut world(), How::default()).rows(),
        ["a, 18446744073709551614, Infinity", "b, 1, 1.0"]
    );
    let flink = format!("{table} SELECT k, SUM(l) AS s FROM t GROUP BY k;");
    let said = run::fails(&flink, &mut world(), How::default());
    assert!(said.contains("SUM(BIGINT) of group (a)"), "{said}");
}

#[test]
fn try_cast_is_null_where_a_cast_fails() {
    let records: &[&str] = &[r#"{"k":"7"}"#, r#"{"k":"x"}"#, r#"{"k":null}"#];
    let sql = "CREATE TABLE t (k STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:1',
               'format' = 'json');
               SELECT k, TRY_CAST(k AS INT) AS n, TRY_CAST('x' AS INT) AS x, TRY_CAST('5' AS DECIMAL(4, 1)) AS five FROM t;";
    let ran = run(sql, &mut World::with("t", &[records]), How::default());
    assert_eq!(
        ran.rows(),
        ["7, 7, null, 5.0", "x, null, null, 5.0", "null, null, null, 5.0"]
    );
}
