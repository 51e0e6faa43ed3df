//! What is refused: each with the place, the reason, and what would have been accepted.

#![allow(clippy::panic)] // Helpers of tests are not seen as tests.

use day06_sql::bind::{Catalog, read};
use day06_sql::error::SqlError;
use proptest::prelude::*;

/// A topic with a time, one without, and what can be written to.
const TABLES: &str = "
    CREATE TABLE orders (merchant_id STRING, amount DECIMAL(10,2), many INT, ts TIMESTAMP(3),
        WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
        WITH ('connector' = 'kafka', 'topic' = 'o', 'properties.bootstrap.servers' = 'b', 'format' = 'json');
    CREATE TABLE clicks (page STRING, at TIMESTAMP(3), `end` INT)
        WITH ('connector' = 'datagen');
    CREATE TABLE log (merchant_id STRING, n BIGINT)
        WITH ('connector' = 'kafka', 'topic' = 'l', 'properties.bootstrap.servers' = 'b', 'format' = 'json');
    CREATE TABLE screen (merchant_id STRING, n BIGINT) WITH ('connector' = 'print');
    CREATE TABLE small (n INT, at TIMESTAMP(3)) WITH ('connector' = 'print');
    CREATE MATERIALIZED VIEW counts AS SELECT merchant_id, COUNT(*) AS n FROM orders GROUP BY merchant_id;
";

fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    read(TABLES, "tables.sql", &mut catalog).unwrap_or_else(|error| panic!("{}", error.render()));
    catalog
}

fn refused(text: &str) -> SqlError {
    match read(text, "t.sql", &mut catalog()) {
        Err(error) => error,
        Ok(statements) => panic!("{text}\nwas accepted: {statements:?}"),
    }
}

/// What the carets stand under.
fn marked(error: &SqlError) -> String {
    let at = &error.at;
    at.text.chars().skip(at.column - 1).take(at.width).collect()
}

/// The statement, the words that are marked, and what is said of them. The hint begins behind the ` | `.
fn check(table: &[(&str, &str, &str)]) {
    for (text, under, said) in table {
        let error = refused(text);
        assert_eq!(marked(&error), *under, "{text}\n{}", error.render());
        let all = format!("{} | {}", error.message, error.hint.clone().unwrap_or_default());
        assert!(
            all.contains(said),
            "{text}\nshould say {said:?}:\n{}",
            error.render()
        );
    }
}

#[test]
fn an_error_shows_its_line_and_what_was_perhaps_meant() {
    let text =
        "-- by merchant\nINSERT INTO screen\nSELECT merchnt_id, COUNT(*)\nFROM orders GROUP BY merchant_id;";
    let drawn = "\
error: no column \"merchnt_id\" in orders
 --> t.sql:3:8
  |
3 | SELECT merchnt_id, COUNT(*)
  |        ^^^^^^^^^^
  = did you mean merchant_id? orders has: merchant_id, amount, many, ts
";
    assert_eq!(refused(text).render(), drawn);
}

#[test]
fn names_that_nothing_has_are_refused() {
    #[rustfmt::skip]
    check(&[
        ("SELECT * FROM oders",                        "oders",       "no table or view \"oders\" | did you mean orders?"),
        ("SELECT amont FROM orders",                   "amont",       "did you mean amount?"),
        ("SELECT o.amount FROM orders AS p",           "o",           "no table \"o\" in this query | there are: p"),
        ("SELECT zzz.* FROM orders",                   "zzz",         "no table \"zzz\""),
        ("SELECT `AMOUNT` FROM orders",                "`AMOUNT`",    "no column \"AMOUNT\""),
        ("SELECT uper(merchant_id) FROM orders",       "uper",        "no function uper | did you mean UPPER?"),
        ("SELECT a FROM (SELECT many AS a, amount AS a FROM orders)", "a", "several columns are called a"),
        ("INSERT INTO nowhere SELECT many FROM orders", "nowhere",    "no table or view"),
        ("INSERT INTO screen (m) SELECT many FROM orders", "m",       "no column \"m\" to write in screen"),
        ("CREATE TABLE Orders (x INT) WITH ('connector'='print')", "Orders", "there is already a table orders"),
        ("SELECT end FROM clicks",                     "end",         "quote it: `end` or \"end\""),
        ("SELECT a FROM TABEL(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' DAY))", "TABEL", "no window function TABEL"),
    ]);
}

#[test]
fn types_that_do_not_go_together_are_named() {
    #[rustfmt::skip]
    check(&[
        ("SELECT merchant_id + 1 FROM orders",                 "merchant_id + 1",   "VARCHAR + INT does not go together"),
        ("SELECT many FROM orders WHERE merchant_id = 5",      "merchant_id = 5",   "VARCHAR = INT"),
        ("SELECT many FROM orders WHERE ts > 5",               "ts > 5",            "TIMESTAMP > INT"),
        ("SELECT many FROM orders WHERE ts > 'noon'",          "'noon'",            "'noon' is no valid TIMESTAMP"),
        ("SELECT many FROM orders WHERE many",                 "many",              "a condition is BOOLEAN, and this is INT"),
        ("SELECT many || 'x' FROM orders",                     "many || 'x'",       "CAST(… AS VARCHAR)"),
        ("SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM orders GROUP BY many) AS i", "MAX(n",
            "MAX of rows that are updated is not supported yet | COUNT, SUM and AVG can take a row back"),
        ("SELECT TO_TIMESTAMP(merchant_id) FROM orders",       "merchant_id",       "TO_TIMESTAMP takes a number of seconds"),
        ("CREATE TABLE t (x STRING(3)) WITH ('connector' = 'print')", "STRING(3)", "STRING(3), with a length, is not supported yet | write STRING"),
        ("CREATE TABLE t (b BOOLEAN, x DOUBLE AS b) WITH ('connector' = 'datagen')", "b", "BOOLEAN cannot be cast to DOUBLE PRECISION"),
        ("SELECT UPPER(many) FROM orders",                     "many",              "UPPER takes VARCHAR, and this is INT"),
        ("SELECT SUM(merchant_id) FROM orders",                "SUM(merchant_id",   "SUM takes no VARCHAR"),
        ("SELECT CAST(ts AS INT) FROM orders",                 "ts",                "TIMESTAMP cannot be cast to INT"),
        ("SELECT COALESCE(many, merchant_id) FROM orders",     "merchant_id",       "COALESCE are INT and VARCHAR"),
        ("SELECT INTERVAL '1' DAY FROM orders",                "SELECT",            "is an INTERVAL"),
        ("SELECT CAST(many AS BLOB) FROM orders",              "many",              "no type BLOB"),
        ("SELECT 1 FROM orders WHERE 99999999999999999999999999999999999999999 > many", "99999999999999999999999999999999999999999", "is no number"),
        ("INSERT INTO screen SELECT merchant_id FROM orders",  "SELECT",            "takes 2 columns, and the query gives 1 | screen takes: merchant_id VARCHAR, n BIGINT"),
        ("INSERT INTO screen SELECT many, many FROM orders",   "SELECT",            "many is INT, and merchant_id of screen is VARCHAR"),
        ("INSERT INTO small (n) SELECT COUNT(*) FROM orders",  "SELECT",            "is BIGINT, and n of small is INT | CAST("),
    ]);
}

#[test]
fn what_is_of_groups_and_what_is_of_rows_is_told_apart() {
    #[rustfmt::skip]
    check(&[
        ("SELECT merchant_id, many FROM orders GROUP BY merchant_id", "many", "many is neither grouped by nor aggregated"),
        ("SELECT many + 1 FROM orders GROUP BY many + 2",           "many",   "neither grouped by nor aggregated"),
        ("SELECT merchant_id, COUNT(*) FROM orders",                "merchant_id", "put merchant_id into GROUP BY"),
        ("SELECT 1 FROM orders WHERE COUNT(*) > 1",                 "COUNT",  "goes into HAVING"),
        ("SELECT 1 FROM orders GROUP BY SUM(many)",                 "SUM",    "is an aggregate"),
        ("SELECT SUM(MAX(many)) FROM orders",                       "MAX",    "the argument of an aggregate"),
        ("SELECT * FROM orders GROUP BY many",                      "*",      "no meaning over groups"),
        ("SELECT MAX(*) FROM orders",                               "MAX",    "* is for COUNT(*)"),
        ("SELECT COUNT() FROM orders",                              "COUNT",  "takes one argument, and this has 0"),
        ("SELECT UPPER(merchant_id, 'x') FROM orders",              "UPPER",  "UPPER takes one argument, and this has 2"),
        ("SELECT merchant_id FROM orders GROUP BY 1",               "1",      "GROUP BY the place of a column is not supported yet"),
    ]);
}

#[test]
fn windows_need_a_time_a_watermark_and_lengths_that_fit() {
    #[rustfmt::skip]
    check(&[
        ("SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(at), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end",
            "TUMBLE", "at of clicks has no watermark, so no window would ever close | add to CREATE TABLE: WATERMARK FOR at AS at"),
        ("SELECT COUNT(*) FROM TUMBLE(clicks, at, INTERVAL '1 minute') GROUP BY window_start EMIT ON WINDOW CLOSE",
            "TUMBLE", "no watermark"),
        ("SELECT many, COUNT(*) FROM orders GROUP BY many EMIT ON WINDOW CLOSE",
            "EMIT ON WINDOW CLOSE", "EMIT ON WINDOW CLOSE needs windows"),
        ("SELECT many, COUNT(*) FROM TUMBLE(orders, ts, INTERVAL '1 minute') GROUP BY many EMIT ON WINDOW CLOSE",
            "EMIT ON WINDOW CLOSE", "needs the window in GROUP BY"),
        ("SELECT many FROM orders EMIT ON WINDOW CLOSE", "EMIT ON WINDOW CLOSE", "needs GROUP BY"),
        ("SELECT COUNT(*) FROM HOP(orders, ts, INTERVAL '7 minutes', INTERVAL '10 minutes') GROUP BY window_start, window_end",
            "'7 minutes', INTERVAL '10 minutes'", "a size of 10m is not a multiple of a slide of 7m"),
        ("SELECT COUNT(*) FROM HOP(orders, ts, INTERVAL '10 minutes', INTERVAL '5 minutes') GROUP BY window_start, window_end",
            "'10 minutes', INTERVAL '5 minutes'", "HOP takes the slide, then the size"),
        ("SELECT COUNT(*) FROM HOP(orders, ts, INTERVAL '5 minutes', INTERVAL '10 minutes') GROUP BY window_start, window_end",
            "HOP", "overlapping windows that are updated is not supported yet | end the query with EMIT ON WINDOW CLOSE"),
        ("SELECT COUNT(*) FROM HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start",
            "HOP", "GROUP BY window_start, window_end"),
        ("SELECT many FROM HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE)",
            "HOP", "the rows of overlapping windows"),
        ("SELECT COUNT(*) FROM HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE)
            WHERE window_start > '2020-01-01' GROUP BY window_start, window_end",
            "window_start", "window_start of overlapping windows outside of GROUP BY"),
        ("SELECT COUNT(*) FROM TUMBLE(orders, many, INTERVAL '1 minute')", "many", "many is INT, and windows go by a time"),
        ("SELECT COUNT(*) FROM TUMBLE(orders, ts)", "TUMBLE", "TUMBLE takes a table, a time, and the size"),
        ("SELECT COUNT(*) FROM TUMBLE(orders, ts, '1 minute')", "'1 minute'", "expected an interval"),
        ("SELECT COUNT(*) FROM TUMBLE(orders, ts, INTERVAL '0 minutes')", "'0 minutes'", "longer than zero"),
        ("SELECT COUNT(*) FROM TUMBLE(orders, ts, INTERVAL '1 month')", "'1 month'", "no fixed length"),
        ("SELECT COUNT(*) FROM TUMBLE(orders, ts, INTERVAL '10')", "'10'", "has no unit"),
        ("SELECT COUNT(*) FROM TUMBLE(orders, ts, INTERVAL 'ten' MINUTE)", "'ten'", "no number of MINUTE"),
        ("SELECT COUNT(*) FROM SESSION(orders, ts, INTERVAL '1 minute')", "SESSION", "SESSION is not supported yet"),
        ("SELECT COUNT(*) FROM orders GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)", "TUMBLE", "windows go into FROM"),
        ("SELECT COUNT(*) FROM TUMBLE((SELECT ts + INTERVAL '1' DAY AS ts FROM orders), ts, INTERVAL '1 minute') GROUP BY window_start EMIT ON WINDOW CLOSE",
            "TUMBLE", "ts of the input has no watermark"),
        ("SELECT COUNT(*) FROM TUMBLE((SELECT CAST(ts AS TIMESTAMP(3)) AS t2, MAX(ts) AS ts FROM orders GROUP BY CAST(ts AS TIMESTAMP(3))), ts, INTERVAL '1 minute') GROUP BY window_start EMIT ON WINDOW CLOSE",
            "TUMBLE", "this input is updated"),
        ("SELECT COUNT(*) FROM TUMBLE(counts, n, INTERVAL '1 minute')", "n", "n is BIGINT"),
    ]);
}

#[test]
fn a_sink_that_only_adds_refuses_what_is_updated() {
    let sink = "WITH ('connector'='filesystem', 'path'='x', 'format'='json')";
    let (into, of) = (format!("CREATE TABLE f {sink} AS SELECT * FROM counts"), "SELECT");
    #[rustfmt::skip]
    check(&[
        ("INSERT INTO log SELECT merchant_id, COUNT(*) FROM orders GROUP BY merchant_id",
            "log", "the kafka table log doesn't support updates, and this query updates EXPR$1 for each merchant_id | a result that is final"),
        ("INSERT INTO log SELECT * FROM counts", "log", "updates the rows of the view counts"),
        (&into, of, "the filesystem table f doesn't support updates"),
        ("CREATE SINK k FROM counts WITH (connector='kafka', topic='k', properties.bootstrap.server='b') FORMAT PLAIN ENCODE JSON (force_append_only='true')",
            "FROM", "doesn't support updates"),
        ("INSERT INTO clicks SELECT merchant_id, ts, many FROM orders", "clicks", "can only be read"),
        ("INSERT INTO counts SELECT merchant_id, 1 FROM orders", "counts", "counts is a view"),
        ("SELECT * FROM screen", "screen", "screen can only be written to"),
        ("CREATE MATERIALIZED VIEW v AS SELECT COUNT(*), COUNT(many) FROM orders", "SELECT", "two columns of the query are called count"),
    ]);
}

#[test]
fn options_are_checked_when_a_table_is_created() {
    #[rustfmt::skip]
    check(&[
        ("CREATE TABLE t (x INT)",                                "t",       "needs the option \"connector\""),
        ("CREATE TABLE t (x INT) WITH ('connector'='kafak')",     "'kafak'", "did you mean kafka?"),
        ("CREATE TABLE t (x INT) WITH ('connector'='upsert-kafka')", "'upsert-kafka'", "not supported yet"),
        ("CREATE TABLE t (x INT) WITH ('connector'='kafka', 'topik'='t')", "'topik'", "kafka has no option \"topik\" | did you mean topic?"),
        ("CREATE TABLE t (x INT) WITH ('connector'='kafka', 'format'='json')", "WITH", "kafka needs the option \"topic\""),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', format='json')", "WITH", "needs the option \"properties.bootstrap.servers\""),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', bootstrap_servers='b', properties.bootstrap.server='b', format='json')",
            "properties.bootstrap.server", "is given twice"),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', bootstrap_servers='b', format='avro')", "'avro'", "the format avro is not supported yet | there are: json, csv, raw"),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', bootstrap_servers='b', format='json', 'key.format'='raw')", "'key.format'", "not supported yet"),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', bootstrap_servers='b', format='json', scan.startup.mode='group-offsets')",
            "'group-offsets'", "needs the option \"properties.group.id\""),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', bootstrap_servers='b', format='json', scan.startup.mode='erliest')", "'erliest'", "did you mean earliest-offset?"),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', bootstrap_servers='b', format='json', scan.startup.mode='timestamp')", "'timestamp'", "timestamp-millis"),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', bootstrap_servers='b', format='json', 'json.ignore-parse-errors'='yes')", "'yes'", "true or false"),
        ("CREATE TABLE t (x INT) WITH (connector='kafka', topic='t', bootstrap_servers='b', format='json', 'scan.watermark.idle-timeout'='soon')", "'soon'", "is not a length of time"),
        ("CREATE TABLE t (x INT) WITH (connector='filesystem', path='p', format='xml')", "'xml'", "json, csv"),
        ("CREATE TABLE t (x INT) WITH (connector='datagen', 'fields.y.kind'='random')", "'fields.y.kind'", "no column \"y\" to generate"),
        ("CREATE TABLE t (x INT) WITH (connector='datagen', 'fields.x.kind'='sequence')", "'sequence'", "fields.x.start"),
        ("CREATE TABLE t (x INT) WITH (connector='datagen', 'fields.x.min'='5', 'fields.x.max'='4')", "'4'", "from 5 up to 4"),
        ("CREATE TABLE t (x INT) WITH (connector='print', topic='t')", "topic", "print has no option \"topic\""),
        ("CREATE SOURCE t (x INT) WITH (connector='kafka') FORMAT DEBEZIUM ENCODE JSON", "DEBEZIUM", "not supported yet"),
        ("CREATE SOURCE t (x INT) WITH (connector='kafka') FORMAT UPSERT ENCODE JSON", "UPSERT", "FORMAT UPSERT is not supported yet | "),
    ]);
}

#[test]
fn an_option_of_another_engine_is_not_taken_for_a_mistyped_one() {
    let kafka = |option: &str| {
        format!(
            "CREATE TABLE t (x STRING) WITH ('connector'='kafka', 'topic'='t', 'properties.bootstrap.servers'='b:1', 'format'='json',\n{option})"
        )
    };
    let file = |format: &str, option: &str| {
        format!(
            "CREATE TABLE t (x STRING) WITH ('connector'='filesystem', 'path'='p', 'format'='{format}', {option})"
        )
    };
    #[rustfmt::skip]
    let table = [
        (kafka("'topic-pattern'='t.*'"),                        "'topic-pattern'",   "not supported yet | "),
        (kafka("'sink.delivery-guarantee'='exactly-once'"),     "'sink.delivery-guarantee'", "not supported yet | "),
        (kafka("'value.format'='json'"),                        "'value.format'",    "not supported yet | "),
        (kafka("'sink.delivery-garantee'='exactly-once'"),      "'sink.delivery-garantee'", "kafka has no option"),
        (kafka("'scan.bounded.mode'='timestamp'"),              "'timestamp'",       "an end at timestamp is not supported yet | "),
        (kafka("'scan.bounded.mode'='latest'"),                 "'latest'",          "did you mean latest-offset?"),
        (kafka("'scan.startup.mode'='specific-offsets'"),       "'specific-offsets'", "needs the option \"scan.startup.specific-offsets\""),
        (kafka("'scan.startup.specific-offsets'='0=1'"),        "'0=1'",             "an offset for each partition, once | 'partition:0,offset:42"),
        (kafka("'scan.startup.specific-offsets'='partition:0,offset:1;partition:0,offset:2'"), "'partition:0,offset:1;partition:0,offset:2'", "once"),
        (kafka("'scan.startup.mode'='latest-offset', 'scan.startup.specific-offsets'='partition:0,offset:1'"), "'scan.startup.specific-offsets'", "'scan.startup.mode' does, too | 'scan.startup.mode' = 'specific-offsets'"),
        (kafka("'properties.sasl.pasword'='hunter2'"),          "'properties.sasl.pasword'", "librdkafka has no such option; did you mean sasl.password? | "),
        (kafka("'properties.auto.offset.reset'='latest'"),      "'properties.auto.offset.reset'", "scan.startup.mode says where a source starts | "),
        (kafka("'properties.enable.auto.commit'='true'"),       "'properties.enable.auto.commit'", "lose or double records"),
        (kafka("'csv.null-literal'='x'"),                       "'csv.null-literal'", "is an option of csv, and the format is json | "),
        (file("csv", "'csv.field-delimiter'=';;'"),             "';;'",              "one character of ASCII"),
        (file("csv", "'csv.field-delimiter'='\"'"),             "WITH",              "are different ones"),
        (file("csv", "'csv.null-literal'='a,b'"),               "'a,b'",             "a text for NULL has no delimiter"),
        (file("csv", "'csv.array-element-delimiter'='|'"),      "'csv.array-element-delimiter'", "not supported yet"),
        (file("raw", "'raw.charset'='UTF-16'"),                 "'raw.charset'",     "not supported yet"),
        ("CREATE TABLE t (x STRING, y STRING) WITH ('connector'='filesystem', 'path'='p', 'format'='raw')".to_string(), "'raw'", "raw is the text of one column"),
        ("CREATE TABLE t (x INT) WITH ('connector'='filesystem', 'path'='p', 'format'='raw')".to_string(), "'raw'", "STRING (VARCHAR)"),
        ("CREATE TABLE t (x STRING) WITH ('connector'='filesystem', 'path'='s3://b/p', 'format'='csv')".to_string(), "'s3://b/p'", "a path of s3:// is not supported yet"),
        ("CREATE TABLE t (x STRING) WITH ('connector'='kafka', 'topic'='t', 'properties.bootstrap.servers'='b:1', 'format'='csv', 'csv.ignore-first-line'='true')".to_string(), "'csv.ignore-first-line'", "a topic has no first line"),
        ("CREATE TABLE t (x STRING) WITH ('connector'='jdbc')".to_string(), "'jdbc'", "the connector jdbc is not supported yet"),
        ("CREATE TABLE t (x STRING) WITH ('connector'='datagen', 'fields.x.var-len'='true')".to_string(), "'fields.x.var-len'", "not supported yet"),
    ];
    let table: Vec<_> = table
        .iter()
        .map(|(text, under, said)| (text.as_str(), *under, *said))
        .collect();
    check(&table);
}

#[test]
fn columns_of_a_table_are_checked_when_it_is_created() {
    #[rustfmt::skip]
    check(&[
        ("CREATE TABLE t (x INTEGRE) WITH ('connector'='print')", "INTEGRE", "no type INTEGRE | "),
        ("CREATE TABLE t (x DECIMAL(40,2)) WITH ('connector'='print')", "DECIMAL(40,2)", "1 to 38 digits"),
        ("CREATE TABLE t (x TIMESTAMP(9)) WITH ('connector'='print')", "TIMESTAMP(9)", "finer than milliseconds"),
        ("CREATE TABLE t (x INT, x INT) WITH ('connector'='print')", "x", "two columns are called x"),
        ("CREATE TABLE t (x INT, y AS z + 1) WITH ('connector'='print')", "z", "no column \"z\" in the columns that are read"),
        ("CREATE TABLE t (x INT, WATERMARK FOR x AS x) WITH ('connector'='print')", "x", "x is INT, and a watermark is for a time"),
        ("CREATE TABLE t (x TIMESTAMP(3), WATERMARK FOR y AS y) WITH ('connector'='print')", "y", "no column \"y\" for the watermark"),
        ("CREATE TABLE t (x TIMESTAMP(3), WATERMARK FOR x AS x + INTERVAL '1' DAY) WITH ('connector'='print')", "x + INTERVAL '1'", "a watermark of this form"),
        ("CREATE TABLE t (x TIMESTAMP(3), WATERMARK FOR x AS x - INTERVAL '-1' DAY) WITH ('connector'='print')", "x - INTERVAL '-1'", "every row late"),
        ("CREATE TABLE t (x INT METADATA FROM 'partition' VIRTUAL) WITH ('connector'='print')", "x", "print has no metadata"),
        ("CREATE TABLE t (x INT METADATA FROM 'part' VIRTUAL) WITH ('connector'='print')", "'part'", "did you mean partition?"),
        ("CREATE TABLE t (x INT PRIMARY KEY) WITH ('connector'='print')", "PRIMARY KEY", "NOT ENFORCED"),
        ("CREATE TABLE t (x INT, PRIMARY KEY (x) NOT ENFORCED) WITH (connector='filesystem', path='p', format='csv')", "PRIMARY KEY (x)", "its rows are only added"),
        ("CREATE TABLE t (x INT DEFAULT 1) WITH ('connector'='print')", "DEFAULT", "not supported yet"),
        ("CREATE TABLE t (x INT) WITH ('connector'='print') AS SELECT many FROM orders", "x", "columns of a table AS SELECT"),
    ]);
}

#[test]
fn a_join_needs_an_equality_and_names_that_say_which_side() {
    let join = "FROM orders a JOIN orders b ON a.many = b.many";
    let ambiguous = format!("SELECT ts {join}");
    let unknown = format!("SELECT amuont {join}");
    let whose = format!("SELECT c.ts {join}");
    #[rustfmt::skip]
    check(&[
        (&ambiguous, "ts", "ts is in several inputs of the query | write a.ts or b.ts"),
        (&unknown,   "amuont", "no column \"amuont\" in a or b | did you mean amount? there are: merchant_id, amount, many, ts"),
        (&whose,     "c",  "no table \"c\" in this query | there are: a, b"),
        ("SELECT * FROM orders JOIN clicks ON 1 = 1",            "JOIN", "a join needs an equality between its inputs | a column of one is equal to a column of the other"),
        ("SELECT * FROM orders, clicks",                         ",",    "a join needs an equality between its inputs"),
        ("SELECT * FROM orders, clicks WHERE many = `end` OR page = 'x'", ",", "a join needs an equality"),
        ("SELECT * FROM orders a JOIN clicks ON many > `end`",   "JOIN", "a join needs an equality"),
        ("SELECT * FROM orders a JOIN clicks b",                 "",     "expected ON or USING"),
        ("SELECT * FROM orders JOIN orders ON 1 = 1",            "JOIN", "two inputs of the query are called orders | give one another name: orders AS orders2"),
        ("SELECT * FROM orders o JOIN clicks AS o ON many = `end`", "o", "two inputs of the query are called o"),
        ("SELECT * FROM orders JOIN clicks USING (many)",        "many", "no column \"many\" in clicks"),
        ("SELECT * FROM orders JOIN clicks ON merchant_id = `end`", "merchant_id = `end`", "VARCHAR = INT does not go together"),
        ("SELECT * FROM orders JOIN clicks ON COUNT(*) = 1",     "COUNT", "COUNT is an aggregate, and ON is about single rows"),
        ("SELECT * FROM HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE) h JOIN clicks ON many = `end`",
            "HOP", "the rows of overlapping windows"),
    ]);
}

#[test]
fn the_queries_of_a_union_go_together() {
    #[rustfmt::skip]
    check(&[
        ("SELECT many, ts FROM orders UNION ALL SELECT many FROM orders", "SELECT", "gives 1 columns, and the first one gives 2"),
        ("SELECT many FROM orders UNION ALL SELECT page FROM clicks",     "SELECT", "the values of column 1 of UNION ALL are INT and VARCHAR | CAST one of them"),
        ("SELECT many FROM orders UNION ALL SELECT 'x' FROM clicks",      "SELECT", "'x' is no valid INT"),
    ]);
}

#[test]
fn a_view_is_refused_where_it_is_created() {
    #[rustfmt::skip]
    check(&[
        ("CREATE VIEW v AS SELECT amont FROM orders",            "amont",  "did you mean amount?"),
        ("CREATE VIEW v AS SELECT many, many FROM orders",       "SELECT", "two columns of the query are called many"),
        ("CREATE VIEW counts AS SELECT many FROM orders",        "counts", "there is already a view counts"),
        ("CREATE VIEW v AS SELECT many FROM orders; CREATE VIEW V AS SELECT many FROM orders", "V", "there is already a view v"),
        ("CREATE VIEW v AS SELECT many FROM orders; INSERT INTO v SELECT many FROM orders", "v", "v is a view"),
        ("WITH a AS (SELECT many FROM orders), A AS (SELECT many FROM a) SELECT * FROM a", "A", "two queries of WITH are called A"),
        ("SELECT * FROM (WITH a AS (SELECT many FROM orders) SELECT * FROM a) JOIN a ON 1 = 1", "a", "no table or view \"a\""),
        // Whether a view of updates can be read depends on the reader.
        ("CREATE VIEW v AS SELECT MAX(n) FROM counts; CREATE MATERIALIZED VIEW w AS SELECT * FROM v", "v", "of rows that are updated, in the view v, is not supported yet"),
    ]);
}

#[test]
fn what_is_not_there_yet_is_said_and_never_skipped() {
    #[rustfmt::skip]
    check(&[
        ("SELECT * FROM orders o LEFT JOIN clicks c ON 1 = 1",   "LEFT",      "LEFT JOIN is not supported yet"),
        ("SELECT * FROM orders FULL OUTER JOIN clicks ON 1 = 1", "FULL",      "FULL JOIN is not supported yet"),
        ("SELECT * FROM orders o LEFT SEMI JOIN clicks c ON 1 = 1", "LEFT",   "LEFT JOIN is not supported yet"),
        ("SELECT * FROM orders NATURAL JOIN clicks",             "NATURAL",   "NATURAL JOIN is not supported yet"),
        ("SELECT * FROM orders ASOF JOIN clicks ON 1 = 1",       "ASOF",      "ASOF JOIN is not supported yet"),
        ("SELECT * FROM orders JOIN clicks FOR SYSTEM_TIME AS OF ts ON 1 = 1", "FOR", "FOR SYSTEM_TIME"),
        ("SELECT many FROM orders ORDER BY many",                "ORDER",     "ORDER BY is not supported yet"),
        ("SELECT many FROM orders LIMIT 1",                      "LIMIT",     "LIMIT is not supported yet"),
        ("SELECT many FROM orders UNION SELECT 1 FROM orders",   "UNION",     "UNION without ALL is not supported yet"),
        ("SELECT many FROM orders EXCEPT SELECT 1 FROM orders",  "EXCEPT",    "EXCEPT is not supported yet"),
        ("SELECT many FROM orders INTERSECT SELECT 1 FROM orders", "INTERSECT", "INTERSECT is not supported yet"),
        ("(SELECT many FROM orders) EMIT ON WINDOW CLOSE",       "EMIT ON WINDOW CLOSE", "behind a query in parentheses is not supported yet"),
        ("SELECT DISTINCT many FROM orders",                     "DISTINCT",  "DISTINCT is not supported yet"),
        ("SELECT COUNT(DISTINCT many) FROM orders",              "COUNT",     "DISTINCT in a call is not supported yet"),
        ("SELECT SUM(many) FILTER (WHERE many > 1) FROM orders", "SUM",       "FILTER (WHERE …) is not supported yet"),
        ("SELECT ROW_NUMBER() OVER (ORDER BY many) FROM orders", "ROW_NUMBER", "OVER is not supported yet"),
        ("SELECT (SELECT 1 FROM orders) FROM orders",            "SELECT 1 FROM orders", "a sub-query in an expression"),
        ("SELECT many FROM orders WHERE many IN (SELECT 1 FROM orders)", "many IN (SELECT 1 FROM orders", "a sub-query in an expression"),
        ("SELECT many FROM orders WHERE merchant_id LIKE 'a%'",  "merchant_id LIKE 'a%'", "LIKE is not supported yet"),
        ("SELECT CURRENT_TIMESTAMP FROM orders",                 "CURRENT_TIMESTAMP", "not supported yet"),
        ("WITH RECURSIVE a AS (SELECT 1 FROM orders) SELECT * FROM a", "RECURSIVE", "WITH RECURSIVE is not supported yet"),
        ("WITH a (x) AS (SELECT 1 FROM orders) SELECT * FROM a", "(",         "names for columns in WITH"),
        ("SELECT many FROM orders GROUP BY ROLLUP (many)",       "ROLLUP",    "GROUP BY ROLLUP is not supported yet"),
        ("SELECT 1",                                             "SELECT",    "SELECT without FROM"),
        ("INSERT INTO screen VALUES ('a', 1)",                   "VALUES",    "INSERT … VALUES"),
        ("CREATE TEMPORARY TABLE v (x INT)",                     "TEMPORARY", "CREATE TEMPORARY is not supported yet"),
        ("CREATE VIEW v (x) AS SELECT 1 FROM orders",            "(",         "a view with names for columns"),
        ("DROP TABLE orders",                                    "DROP",      "DROP is not supported yet"),
        ("SET x = 1",                                            "SET",       "SET is not supported yet"),
        ("SELECT many /*+ STATE_TTL('1d') */ FROM orders",       "/*+ STATE_TTL('1d') */", "a hint"),
        ("SELECT many FROM db.orders",                           ".",         "a name with a catalog"),
        ("SELECT many FROM orders FOR SYSTEM_TIME AS OF ts",     "FOR",       "FOR SYSTEM_TIME"),
    ]);
}

#[test]
fn what_cannot_be_read_has_a_place_too() {
    #[rustfmt::skip]
    check(&[
        ("SELEC many FROM orders",                "SELEC", "expected CREATE, INSERT, SELECT or EXPLAIN, found SELEC"),
        ("SELECT many FROM",                      "",      "and the statement ends here"),
        ("SELECT many,\nFROM orders;",            "FROM",  "expected an expression, found FROM"),
        ("SELECT many + FROM orders",             "FROM",  "found FROM"),
        ("SELECT (many FROM orders",              "FROM",  "expected ), found FROM"),
        ("SELECT many FROM orders WHERE many >",  "",      "expected an expression, and the statement ends here"),
        ("SELECT many FROM orders wher many = 1", "many",  "expected the end of the statement, found many"),
        ("SELECT 'open FROM orders",              "'",     "unterminated string literal"),
        ("CREATE TABLE t (x INT WITH ('connector'='print')", "WITH", "expected ), found WITH"),
        ("CREATE TABLE t (x INT) WITH ('connector'=print)", "print", "expected the value of connector, found print"),
        ("EXPLAIN CREATE TABLE t (x INT) WITH ('connector'='print')", "EXPLAIN", "nothing to explain"),
        ("SELECT many FROM orders EMIT CHANGES",  "CHANGES", "expected ON WINDOW CLOSE"),
    ]);
}

/// Statements to be cut and put together.
const PIECES: [&str; 6] = [
    include_str!("../sql/flink.sql"),
    include_str!("../sql/risingwave.sql"),
    include_str!("sql/windows_flink.sql"),
    include_str!("sql/windows_risingwave.sql"),
    include_str!("sql/expressions.sql"),
    include_str!("sql/pruning.sql"),
];

/// The words and signs of a text, with the white space that follows each.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| !(part(first) && part(*c)))
            .map_or(rest.len(), |(end, _)| end);
        let (word, behind) = rest.split_at(end);
        words.push(word);
        rest = behind;
    }
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_a_panic(
        cuts in prop::collection::vec((0..PIECES.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8),
        noise in "[ -~é\n\t]{0,12}",
        at in any::<prop::sample::Index>(),
    ) {
        // Either pieces of words anywhere in the texts, or a whole text with some words replaced.
        let mut text: Vec<&str> = words(PIECES[cuts[0].0]);
        for (piece, from, to) in &cuts {
            let words = words(PIECES[*piece]);
            let (from, to) = (from.index(words.len()), to.index(words.len()));
            let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 12));
            let place = from.min(text.len());
            let end = (place + 5).min(text.len());
            text.splice(place..end, words[from..to].iter().copied());
        }
        text.insert(at.index(text.len() + 1), &noise);
        let text = text.concat();
        if let Err(error) = read(&text, "t.sql", &mut catalog()) {
            // The place is in the text, and the drawing shows it.
            prop_assert!(error.at.line <= text.lines().count() + 1, "{error}");
            prop_assert!(error.at.before <= error.at.text.chars().count(), "{error}");
            prop_assert!(error.render().contains('^'));
            prop_assert!(!error.message.is_empty());
        }
    }
}
