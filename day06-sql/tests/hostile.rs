//! Statements that nobody means well with: an error with a place, in bounded time and memory.

#![allow(clippy::panic)] // Helpers of tests are not seen as tests.

use day06_sql::bind::{Catalog, read};
use day06_sql::error::SqlError;
use day06_sql::plan::Statement;

const TABLE: &str = "CREATE TABLE t (a INT, ok BOOLEAN) WITH ('connector' = 'datagen');";

fn bound(text: &str) -> Result<Vec<Statement>, SqlError> {
    read(&format!("{TABLE} {text}"), "t.sql", &mut Catalog::new())
}

fn refused(text: &str) -> SqlError {
    let error = match bound(text) {
        Err(error) => error,
        Ok(_) => panic!("{} was accepted", text.get(..200).unwrap_or(text)),
    };
    // Whatever it is about, a person can read it.
    let drawn = error.render();
    assert!(drawn.len() < 3_000, "{} bytes", drawn.len());
    assert!(drawn.contains('^'), "{drawn}");
    error
}

/// A query over itself, so many levels deep, from the inside to the outside.
fn over_itself(levels: usize, level: impl Fn(&str) -> String) -> String {
    (0..levels).fold("t".to_string(), |inner, _| level(&inner))
}

#[test]
fn what_lies_over_each_other_is_computed_once_a_level() {
    // Pasted into each other, these would be additions of 2^25 columns.
    let nested = over_itself(25, |inner| match inner {
        "t" => "SELECT a + a AS a FROM t".to_string(),
        inner => format!("SELECT a + a AS a FROM ({inner})"),
    });
    let Ok(statements) = bound(&nested) else {
        panic!("refused")
    };
    let Some(Statement::Query(query)) = statements.last() else {
        panic!("{statements:?}")
    };
    let shown = query.to_string();
    assert_eq!(shown.matches("a = a + a").count(), 25, "{shown}");
    let views = (1..=140).map(|n| format!("CREATE VIEW v{n} AS SELECT a + a AS a FROM v{};", n - 1));
    let views: String = views.collect();
    assert!(
        bound(&format!(
            "CREATE VIEW v0 AS SELECT a FROM t; {views} SELECT * FROM v140"
        ))
        .is_ok()
    );
    let materialized = (1..=2_000).map(|n| {
        format!(
            "CREATE MATERIALIZED VIEW v{n} AS SELECT a + a AS a FROM v{};",
            n - 1
        )
    });
    let materialized: String = materialized.collect();
    assert!(
        bound(&format!(
            "CREATE MATERIALIZED VIEW v0 AS SELECT a FROM t; {materialized}"
        ))
        .is_ok()
    );
}

#[test]
fn a_query_that_becomes_too_large_is_refused() {
    let twice = |how: &str| {
        let views = (1..=40).map(|n| {
            format!(
                "CREATE VIEW v{n} AS {};",
                how.replace("v", &format!("v{}", n - 1))
            )
        });
        format!("CREATE VIEW v0 AS SELECT a FROM t; {}", views.collect::<String>())
    };
    let union = refused(&twice("SELECT a FROM v UNION ALL SELECT a FROM v"));
    assert!(union.message.contains("more than 1000 operators"), "{union}");
    let join = refused(&twice("SELECT x.a FROM v x JOIN v y ON x.a = y.a"));
    assert!(join.message.contains("more than 1000 operators"), "{join}");
    let with: String = (1..=40)
        .map(|n| format!(", w{n} AS (SELECT x.a FROM w{0} x JOIN w{0} y USING (a))", n - 1))
        .collect();
    let with = refused(&format!("WITH w0 AS (SELECT a FROM t) {with} SELECT * FROM w40"));
    assert!(with.message.contains("more than 1000 operators"), "{with}");
    let deep: String = (1..=1_000)
        .map(|n| format!("CREATE VIEW v{n} AS SELECT a + 1 AS a FROM v{};", n - 1))
        .collect();
    let deep = refused(&format!("CREATE VIEW v0 AS SELECT a FROM t; {deep}"));
    assert!(
        deep.message.contains("more than 150 operators over each other"),
        "{deep}"
    );
    let many: String = (0..60).map(|n| format!(", t t{n}")).collect();
    let many = refused(&format!("SELECT * FROM t {many}"));
    assert!(many.message.contains("more than 50 inputs"), "{many}");
    let comma = refused(&format!("SELECT * FROM t{}", ", t".repeat(50_000)));
    assert!(
        comma.message.contains("two inputs") || comma.message.contains("more than 50"),
        "{comma}"
    );
    let nested = refused(&over_itself(60, |inner| format!("(SELECT * FROM {inner})")));
    assert!(nested.message.contains("nested more than"), "{nested}");
    // Each level compares what is inside of it twice.
    let between = over_itself(40, |inner| match inner {
        "t" => "ok".to_string(),
        inner => format!("({inner}) BETWEEN ok AND ok"),
    });
    let between = refused(&format!("SELECT {between} FROM t"));
    assert!(
        between.message.contains("operations") || between.message.contains("deep"),
        "{between}"
    );
}

#[test]
fn what_is_long_has_an_error_with_a_place_or_is_read() {
    let long = "x".repeat(1_000_000);
    #[rustfmt::skip]
    let table = [
        format!("SELECT {}1 FROM t", "1 + ".repeat(50_000)),
        format!("SELECT {}1{} FROM t", "(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT a FROM t WHERE {}ok", "ok AND ".repeat(50_000)),
        format!("SELECT a FROM t {}", "UNION ALL SELECT a FROM t ".repeat(50_000)),
        format!("SELECT * FROM t t0 {}", "JOIN t ON a = a ".repeat(50_000)),
        format!("SELECT * FROM {long}"),
        format!("SELECT {long} FROM t"),
        format!("SELECT {long}.a FROM t"),
        format!("SELECT {long}(a) FROM t"),
        format!("SELECT a FROM t AS {long} JOIN t AS b ON b.a = {long}.b"),
        format!("SELECT CAST(a AS {long}) FROM t"),
        format!("CREATE TABLE {long} (x INT) WITH ('connector' = '{long}')"),
        format!("CREATE TABLE u (x INT) WITH ('connector' = 'kafka', '{long}' = '{long}')"),
        format!("CREATE VIEW {long} AS SELECT {long} FROM t; SELECT y FROM {long}"),
        format!("SELECT a FROM t WHERE a = '{long}'"),
        format!("SELECT a FROM t WHERE a = {}", "9".repeat(1_000_000)),
        long.clone(),
    ];
    for text in table {
        refused(&text);
    }
    let columns: String = (0..10_000).map(|n| format!("column_{n} INT, ")).collect();
    let wide = format!("CREATE TABLE wide ({columns} ts TIMESTAMP(3)) WITH ('connector' = 'datagen');");
    assert!(
        bound(&format!(
            "{wide} SELECT * FROM wide; SELECT column_9999 FROM wide"
        ))
        .is_ok()
    );
    let error = refused(&format!("{wide} SELECT column_9999x FROM wide"));
    assert!(
        error
            .hint
            .is_some_and(|hint| hint.starts_with("did you mean column_9999? wide has: column_0, "))
    );
    refused(&format!(
        "{wide} SELECT b.column_7, column_8 FROM wide a JOIN wide b ON a.column_1 = b.column_2"
    ));
    let twice = refused(&format!(
        "CREATE TABLE wide ({columns} column_9999 INT) WITH ('connector' = 'datagen')"
    ));
    assert!(
        twice.message.contains("two columns are called column_9999"),
        "{twice}"
    );
}
