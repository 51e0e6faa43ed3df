//! What statements come to, as EXPLAIN shows it: the snapshots are to be read.

#![allow(clippy::panic)] // Helpers of tests are not seen as tests.

use day01_consumer::source::Start;
use day03_windows::time::Span;
use day06_sql::bind::{Catalog, read};
use day06_sql::plan::{Connector, CsvOptions, Generated, Plan, Query, RowFormat, Sink, Statement};

/// Everything in a text, one plan behind the other.
fn explained(text: &str) -> String {
    let statements =
        read(text, "test.sql", &mut Catalog::new()).unwrap_or_else(|error| panic!("{}", error.render()));
    let shown = statements.into_iter().map(|statement| match statement {
        Statement::Created(table) => format!("created {} ({})\n", table.name, table.connector.name()),
        Statement::Named(name) => format!("named {name}\n"),
        Statement::Query(query) => query.to_string(),
        Statement::Explain(query) => format!("explained, not run:\n{query}"),
    });
    shown.collect()
}

#[test]
fn the_two_programs_of_the_seed_are_read_as_they_are() {
    insta::assert_snapshot!("seed_flink", explained(include_str!("../sql/flink.sql")));
    insta::assert_snapshot!(
        "seed_risingwave",
        explained(include_str!("../sql/risingwave.sql"))
    );
}

#[test]
fn windows_fire_once_in_both_spellings() {
    insta::assert_snapshot!("windows_flink", explained(include_str!("sql/windows_flink.sql")));
    insta::assert_snapshot!(
        "windows_risingwave",
        explained(include_str!("sql/windows_risingwave.sql"))
    );
}

#[test]
fn expressions_are_shown_with_their_casts() {
    insta::assert_snapshot!("expressions", explained(include_str!("sql/expressions.sql")));
}

#[test]
fn only_what_is_asked_for_is_read() {
    insta::assert_snapshot!("pruning", explained(include_str!("sql/pruning.sql")));
}

#[test]
fn a_union_has_the_types_that_all_its_values_fit_into_and_the_names_of_the_first() {
    let union = last(
        "SELECT i AS x, NULL AS y, 'a' AS z FROM t UNION ALL SELECT b, n, s FROM t WHERE ok
         UNION ALL (SELECT n, 1, s FROM t UNION ALL SELECT 5, b, NULL FROM t)",
    );
    let fields = union.plan.fields();
    let fields = fields
        .iter()
        .map(|field| format!("{} {}", field.name, field.data_type));
    assert_eq!(
        fields.collect::<Vec<_>>().join(", "),
        "x NUMERIC, y NUMERIC, z VARCHAR"
    );
    assert_eq!((union.plan.updates(), union.plan.tables().len()), (false, 4));
    insta::assert_snapshot!("union", union.to_string());
    // All inputs keep the same columns, whatever each has to read for them.
    let pruned =
        last("SELECT x FROM (SELECT s, i AS x FROM t WHERE ok UNION ALL SELECT s, i + 1 FROM t) WHERE x > 1");
    insta::assert_snapshot!("union_pruned", pruned.to_string());
    let updates = last("SELECT i FROM t UNION ALL SELECT COUNT(*) FROM t");
    assert!(updates.plan.updates());
}

#[test]
fn a_view_and_a_name_of_with_are_the_query_that_they_stand_for() {
    let direct = last("SELECT s, SUM(x) AS total FROM (SELECT s, i AS x FROM t WHERE i > 1) GROUP BY s");
    let view = "CREATE VIEW big AS SELECT s, i AS x FROM t WHERE i > 1; CREATE TEMPORARY VIEW IF NOT EXISTS big AS SELECT i FROM t;";
    for text in [
        &format!("{view} SELECT s, SUM(x) AS total FROM big GROUP BY s"),
        &format!("{view} CREATE VIEW totals AS SELECT s, SUM(x) AS total FROM big GROUP BY s; SELECT * FROM totals"),
        "WITH big AS (SELECT s, i AS x FROM t WHERE i > 1), totals AS (SELECT s, SUM(x) AS total FROM Big GROUP BY s)
         SELECT s, total FROM totals",
        // What is inside is nearer than what is outside.
        "WITH t AS (SELECT s, i AS x FROM t WHERE i > 1) SELECT * FROM (WITH u AS (SELECT * FROM t) SELECT s, SUM(x) AS total FROM u GROUP BY s)",
    ] {
        assert_eq!(last(text), direct, "{text}");
    }
    // Nothing is run for it, and it can be read any number of times.
    let both = last(&format!(
        "{view} SELECT s FROM big UNION ALL SELECT b.s FROM big AS b"
    ));
    assert_eq!(both.plan.tables().len(), 2);
}

#[test]
fn a_statement_set_is_its_inserts_and_a_sink_takes_several() {
    let inserts = "INSERT INTO p SELECT s, b FROM t; INSERT INTO p SELECT s, COUNT(*) FROM t GROUP BY s;";
    let all = |text: &str| {
        read(&format!("{TABLES}{text}"), "test.sql", &mut Catalog::new()).map_err(|error| error.to_string())
    };
    let plain = all(inserts).unwrap();
    assert_eq!(
        all(&format!("EXECUTE STATEMENT SET BEGIN {inserts} END;")),
        Ok(plain.clone())
    );
    assert_eq!(all(&format!("BEGIN STATEMENT SET; {inserts} END")), Ok(plain));
    #[rustfmt::skip]
    let table = [
        ("BEGIN STATEMENT SET; INSERT INTO p SELECT s, b FROM t;", "test.sql:5:1: a statement set without END"),
        ("EXECUTE STATEMENT SET BEGIN SELECT s FROM t; END;",      "expected INSERT, or END of the statement set, found SELECT"),
        ("END;",                                                   "found END"),
        ("EXECUTE STATEMENT SET INSERT INTO p SELECT s, b FROM t", "expected BEGIN, found INSERT"),
    ];
    for (text, said) in table {
        let error = all(text).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
    // A sink reads a view of either kind, or a table.
    let sink = "WITH (connector = 'blackhole')";
    let created = "CREATE MATERIALIZED VIEW m AS SELECT s FROM t; CREATE VIEW v AS SELECT s FROM m;";
    for (from, names) in [("m", "s"), ("v", "s"), ("t", "i, b, d, n, s, ok, ts, tz")] {
        let fields = last(&format!("{created} CREATE SINK k FROM {from} {sink}"))
            .plan
            .fields();
        let found: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(found.join(", "), names, "{from}");
    }
}

/// What is joined.
const JOINED: &str = "
    CREATE TABLE orders (id INT, merchant_id STRING, amount DECIMAL(10,2), note STRING) WITH ('connector' = 'datagen');
    CREATE TABLE merchants (id STRING, name STRING, city BIGINT, floor DECIMAL(8,1)) WITH ('connector' = 'datagen');
    CREATE TABLE cities (id INT, name STRING) WITH ('connector' = 'datagen');
";

#[test]
fn joins_have_keys_and_meet_conditions_as_early_as_they_can() {
    let text = format!("{JOINED} {}", include_str!("sql/joins.sql"));
    let shown = explained(&text);
    assert_eq!(shown.matches("join: ").count(), 8, "{shown}");
    for below in [
        "─ filter: note = 'x' [",
        "─ filter: city > 3 [",
        "─ filter: amount > 1 [",
    ] {
        assert_eq!(shown.matches(below).count(), 1, "{below} in {shown}");
    }
    insta::assert_snapshot!("joins", shown);
}

#[test]
fn a_star_over_a_join_has_each_column_once_and_in_order() {
    #[rustfmt::skip]
    let table = [
        ("* FROM orders o JOIN merchants m ON o.merchant_id = m.id",     "id, merchant_id, amount, note, id, name, city, floor"),
        ("m.*, o.id FROM orders o JOIN merchants m ON o.merchant_id = m.id", "id, name, city, floor, id"),
        ("* FROM orders JOIN cities USING (id)",                         "id, merchant_id, amount, note, name"),
        ("* FROM merchants m JOIN cities c USING (name)",                "name, id, city, floor, id"),
        ("id, cities.id FROM orders JOIN cities USING (id)",             "id, id"),
        // The order of joins is another one.
        ("* FROM orders o, cities c, merchants m WHERE o.merchant_id = m.id AND c.id = m.city",
                                                                         "id, merchant_id, amount, note, id, name, id, name, city, floor"),
    ];
    for (query, names) in table {
        let fields = last(&format!("{JOINED} SELECT {query}")).plan.fields();
        let found: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(found.join(", "), names, "{query}");
    }
}

#[test]
fn both_sides_of_a_key_have_one_type() {
    let keys = |query: &str| {
        let mut plan = last(&format!("{JOINED} SELECT COUNT(*) FROM {query}")).plan;
        loop {
            plan = match plan {
                Plan::Join { on, .. } => break on,
                Plan::Filter { input, .. } | Plan::Project { input, .. } | Plan::Aggregate { input, .. } => {
                    *input
                }
                other => panic!("{other:?}"),
            };
        }
    };
    #[rustfmt::skip]
    let table = [
        ("orders o JOIN merchants m ON o.merchant_id = m.id",                    "VARCHAR"),
        ("cities c JOIN merchants m ON m.city = c.id",                           "BIGINT"),
        ("orders o JOIN merchants m ON o.amount = m.floor",                      "NUMERIC"),
        ("orders o JOIN merchants m ON o.amount = m.city",                       "NUMERIC"),
        ("orders o JOIN merchants m ON UPPER(o.note) = m.name || '!'",           "VARCHAR"),
    ];
    for (query, data_type) in table {
        for (left, right) in keys(query) {
            assert_eq!(left.data_type().to_string(), data_type, "{query}");
            assert_eq!(right.data_type().to_string(), data_type, "{query}");
        }
    }
}

/// A table with a column of each kind, and what can be written to.
const TABLES: &str = "
    CREATE TABLE t (i INT, b BIGINT, d DOUBLE, n DECIMAL(10,2), s STRING, ok BOOLEAN, ts TIMESTAMP(3), tz TIMESTAMP_LTZ(3),
        WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'datagen');
    CREATE TABLE p (k STRING, c BIGINT) WITH ('connector' = 'print');
";

fn last(text: &str) -> Query {
    let statements = read(&format!("{TABLES}{text}"), "test.sql", &mut Catalog::new());
    match statements
        .unwrap_or_else(|error| panic!("{}", error.render()))
        .pop()
    {
        Some(Statement::Query(query) | Statement::Explain(query)) => query,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unnamed_column_is_called_as_its_engine_calls_it() {
    #[rustfmt::skip]
    let table = [
        ("SELECT s, COUNT(*), i + 1 FROM t GROUP BY s, i",                                "s, EXPR$1, EXPR$2"),
        ("CREATE MATERIALIZED VIEW v AS SELECT s, COUNT(*), SUM(b), 1 FROM t GROUP BY s", "s, count, sum, EXPR$3"),
        ("SELECT S, ts AS Time, T.i, `b` \"B B\" FROM t",                                 "s, Time, i, B B"),
        ("SELECT * FROM (SELECT s, UPPER(s) FROM t)",                                     "s, EXPR$1"),
        ("INSERT INTO p SELECT s, COUNT(*) FROM t GROUP BY s",                            "k, c"),
    ];
    for (text, names) in table {
        let fields = last(text).plan.fields();
        let found: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(found.join(", "), names, "{text}");
    }
}

#[test]
fn types_are_known_when_the_query_is() {
    #[rustfmt::skip]
    let table = [
        ("i + i",                      "INT"),
        ("i + b",                      "BIGINT"),
        ("i * n",                      "NUMERIC"),
        ("n + n",                      "NUMERIC"),
        ("n",                          "NUMERIC(10, 2)"),
        ("b / d",                      "DOUBLE PRECISION"),
        ("2147483647",                 "INT"),
        ("2147483648",                 "BIGINT"),
        ("-9223372036854775808",       "BIGINT"),
        ("9223372036854775808",        "NUMERIC"),
        ("1.50",                       "NUMERIC"),
        ("1e3",                        "DOUBLE PRECISION"),
        ("ts - INTERVAL '1' HOUR",     "TIMESTAMP"),
        ("INTERVAL '2 days' + tz",     "TIMESTAMPTZ"),
        ("ts > '2020-04-15 08:00:00'", "BOOLEAN"),
        ("i IN (1, b, 2.5)",           "BOOLEAN"),
        ("COALESCE(NULL, i, n)",       "NUMERIC"),
        ("CASE WHEN ok THEN i END",    "INT"),
        ("CASE i WHEN 1 THEN 'a' ELSE s END", "VARCHAR"),
        ("CAST(s AS DECIMAL(5, 1))",   "NUMERIC(5, 1)"),
        ("s::int8",                    "BIGINT"),
        ("s || '!'",                   "VARCHAR"),
        ("TO_TIMESTAMP_LTZ(i, 3)",     "TIMESTAMPTZ"),
        ("COUNT(*)",                   "BIGINT"),
        ("SUM(i)",                     "BIGINT"),
        ("SUM(n)",                     "NUMERIC"),
        ("SUM(d)",                     "DOUBLE PRECISION"),
        ("AVG(b)",                     "NUMERIC"),
        ("AVG(d)",                     "DOUBLE PRECISION"),
        ("MIN(ts)",                    "TIMESTAMP"),
        ("MAX(n)",                     "NUMERIC(10, 2)"),
    ];
    for (expr, data_type) in table {
        let fields = last(&format!("SELECT {expr} FROM t")).plan.fields();
        assert_eq!(fields[0].data_type.to_string(), data_type, "{expr}");
    }
}

#[test]
fn a_watermark_survives_only_what_leaves_its_column_alone() {
    let tumble = |input: &str| {
        format!(
            "CREATE TABLE q WITH ('connector' = 'print') AS SELECT window_start, COUNT(*) AS c
             FROM TUMBLE({input}, ts, INTERVAL '1 minute') GROUP BY window_start EMIT ON WINDOW CLOSE"
        )
    };
    for input in [
        "t",
        "(SELECT i, ts FROM t WHERE i > 1)",
        "(SELECT tz AS other, x AS ts FROM (SELECT ts AS x, tz FROM t))",
        "(SELECT * FROM t WHERE ok) ",
    ] {
        assert!(!last(&tumble(input)).plan.updates(), "{input}");
    }
    for input in [
        "(SELECT ts + INTERVAL '1' DAY AS ts FROM t)",
        "(SELECT tz AS ts, ts AS x FROM t)",
    ] {
        let text = format!("{TABLES} {}", tumble(input));
        let error = read(&text, "test.sql", &mut Catalog::new()).unwrap_err();
        assert!(
            error.message.contains("ts of the input has no watermark"),
            "{error}"
        );
    }
}

/// Windows of five minutes over the table, with the time of the result.
const FIVE: &str = "SELECT window_start, window_end, window_time AS rowtime, i, COUNT(*) AS c
    FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE)) GROUP BY i, window_start, window_end, window_time";

/// Windows of ten minutes over something else.
fn ten(input: &str, time: &str) -> String {
    format!(
        "SELECT window_start, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE {input}, DESCRIPTOR({time}), INTERVAL '10' MINUTE))
         GROUP BY window_start, window_end"
    )
}

#[test]
fn a_watermark_goes_through_views_unions_joins_and_windows() {
    let tumble = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE))";
    let windows = format!(
        "(SELECT a.window_end AS e FROM {tumble} a JOIN {tumble} b ON a.i = b.i AND a.window_end = b.window_end)"
    );
    #[rustfmt::skip]
    let table = [
        (String::new(),                             format!("({FIVE})"),                              "rowtime"),
        (String::new(),                             format!("({FIVE})"),                              "window_end"),
        (String::new(),                             format!("(SELECT * FROM {tumble})"),              "window_time"),
        (format!("CREATE VIEW v AS {FIVE};"),       "v".to_string(),                                  "rowtime"),
        (format!("CREATE MATERIALIZED VIEW v AS {FIVE}; CREATE VIEW w AS SELECT rowtime AS r FROM v WHERE c > 1;"),
                                                    "w".to_string(),                                  "r"),
        (String::new(),                             "(SELECT ts FROM t UNION ALL SELECT ts FROM t)".to_string(), "ts"),
        (String::new(),                             "(SELECT b.ts FROM t a JOIN t b ON a.i = b.i AND a.ts = b.ts)".to_string(), "ts"),
        (String::new(),                             windows,                                          "e"),
    ];
    for (created, input, time) in table {
        let query = last(&format!("{created} {}", ten(&input, time)));
        assert!(!query.plan.updates(), "{input}");
    }
    let refused = |created: &str, input: &str, time: &str| {
        let text = format!("{TABLES} {created} {}", ten(input, time));
        read(&text, "test.sql", &mut Catalog::new())
            .unwrap_err()
            .to_string()
    };
    #[rustfmt::skip]
    let table = [
        // The start of a window is over when its result comes.
        ("",  format!("({FIVE})"),  "window_start", "window_start of the input has no watermark"),
        ("",  "(SELECT ts FROM t UNION ALL SELECT CAST(tz AS TIMESTAMP(3)) FROM t)".to_string(), "ts", "ts of the input has no watermark"),
        // A row of one side may be paired with one that came long before it.
        ("",  "(SELECT a.ts FROM t a JOIN t b ON a.i = b.i)".to_string(), "ts", "ts of the input has no watermark"),
        ("CREATE MATERIALIZED VIEW v AS SELECT tz FROM t;", "v".to_string(), "tz", "tz of v has no watermark"),
        ("CREATE MATERIALIZED VIEW v AS SELECT ts, COUNT(*) FROM t GROUP BY ts;", "v".to_string(), "ts", "this input is updated"),
    ];
    for (created, input, time, said) in table {
        let error = refused(created, &input, time);
        assert!(error.contains(said), "{input}: {error}");
    }
}

#[test]
fn the_bounds_of_windows_have_the_type_that_the_engine_gives_them() {
    let table = "CREATE TABLE z (tz TIMESTAMP_LTZ(3), WATERMARK FOR tz AS tz) WITH ('connector' = 'datagen');
        CREATE TABLE into_flink (a TIMESTAMP(3), b TIMESTAMP(3), c TIMESTAMP_LTZ(3)) WITH ('connector' = 'blackhole');";
    let types = |query: &str| {
        let fields = last(&format!("{table} {query}")).plan.fields();
        let types: Vec<String> = fields.iter().map(|field| field.data_type.to_string()).collect();
        types.join(", ")
    };
    let bounds = "SELECT window_start, window_end, window_time FROM TABLE";
    let grouped = "GROUP BY window_start, window_end, window_time";
    let tumble = "(TUMBLE(TABLE z, DESCRIPTOR(tz), INTERVAL '1' MINUTE))";
    let hop = "(HOP(TABLE z, DESCRIPTOR(tz), INTERVAL '1' MINUTE, INTERVAL '2' MINUTE))";
    for query in [
        format!("{bounds} {tumble}"),
        format!("{bounds} {tumble} {grouped}"),
        format!("{bounds} {hop} {grouped}"),
        format!("INSERT INTO into_flink {bounds} {hop} {grouped}"),
    ] {
        assert_eq!(types(&query), "TIMESTAMP, TIMESTAMP, TIMESTAMPTZ", "{query}");
    }
    // A column of the other type takes them too, as in Flink.
    let other = "CREATE TABLE other (a TIMESTAMP_LTZ(3), b TIMESTAMP(3)) WITH ('connector' = 'blackhole');";
    let other = format!("{other} INSERT INTO other SELECT window_start, window_time FROM TABLE{tumble}");
    assert_eq!(types(&other), "TIMESTAMPTZ, TIMESTAMP");
    let risingwave = "SELECT window_start, window_end FROM TUMBLE(z, tz, INTERVAL '1 minute')";
    assert_eq!(types(risingwave), "TIMESTAMPTZ, TIMESTAMPTZ");
    let once = format!("{risingwave} GROUP BY window_start, window_end EMIT ON WINDOW CLOSE");
    assert_eq!(types(&once), "TIMESTAMPTZ, TIMESTAMPTZ");
}

#[test]
fn what_updates_is_told_from_what_does_not() {
    let windowed = "FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))";
    let table = [
        ("SELECT s FROM t WHERE i > 1".to_string(), false),
        ("SELECT COUNT(*) FROM t".to_string(), true),
        (
            "SELECT s, MAX(i) FROM t GROUP BY s HAVING MAX(i) > 3".to_string(),
            true,
        ),
        (
            "SELECT c FROM (SELECT s, COUNT(*) AS c FROM t GROUP BY s) WHERE c > 1".to_string(),
            true,
        ),
        (
            format!("SELECT COUNT(*) {windowed} GROUP BY window_start, window_end"),
            false,
        ),
        (
            format!("SELECT s, COUNT(*) {windowed} GROUP BY window_end, s, window_start"),
            false,
        ),
        // The trap: with one bound only it is an ordinary aggregation.
        (format!("SELECT COUNT(*) {windowed} GROUP BY window_start"), true),
        (format!("SELECT COUNT(*) {windowed} GROUP BY s"), true),
        (format!("SELECT s, window_end, window_time {windowed}"), false),
        (
            "SELECT COUNT(*) FROM TUMBLE(t, ts, INTERVAL '1 minute') GROUP BY window_start, window_end"
                .to_string(),
            true,
        ),
    ];
    for (text, updates) in table {
        assert_eq!(last(&text).plan.updates(), updates, "{text}");
    }
}

#[test]
fn a_text_with_an_error_leaves_the_catalog_alone() {
    let mut catalog = Catalog::new();
    read(
        "CREATE TABLE a (x INT) WITH ('connector' = 'datagen')",
        "1",
        &mut catalog,
    )
    .unwrap();
    let before = catalog.clone();
    let text = "CREATE TABLE b (x INT) WITH ('connector' = 'datagen'); SELECT y FROM b";
    assert!(read(text, "2", &mut catalog).is_err());
    assert_eq!(catalog, before);
    // What is explained is not created either.
    read(
        "EXPLAIN CREATE MATERIALIZED VIEW v AS SELECT x FROM a",
        "3",
        &mut catalog,
    )
    .unwrap();
    assert_eq!(catalog, before);
    // What is created is there for the next text.
    read("CREATE MATERIALIZED VIEW v AS SELECT x FROM a", "4", &mut catalog).unwrap();
    let statements = read("SELECT X FROM V", "5", &mut catalog).unwrap();
    let [
        Statement::Query(Query {
            plan: Plan::View { name, .. },
            sink: Sink::Result,
        }),
    ] = &statements[..]
    else {
        panic!("{statements:?}");
    };
    assert_eq!(name, "v");
}

fn connector(options: &str) -> Connector {
    let text = format!("CREATE TABLE x (a INT, s STRING, ts TIMESTAMP(3)) WITH ({options})");
    let statements = read(&text, "test.sql", &mut Catalog::new());
    match statements
        .unwrap_or_else(|error| panic!("{}", error.render()))
        .pop()
    {
        Some(Statement::Created(table)) => table.connector,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_topic_is_read_from_where_either_dialect_says() {
    #[rustfmt::skip]
    let table = [
        ("",                                                                       Start::Earliest),
        ("'scan.startup.mode' = 'earliest-offset'",                                Start::Earliest),
        ("scan.startup.mode = 'earliest'",                                         Start::Earliest),
        ("'scan.startup.mode' = 'latest-offset'",                                  Start::Latest),
        ("scan.startup.mode = 'latest'",                                           Start::Latest),
        ("'source.offset' = 'latest', type = 'source'",                            Start::Latest),
        ("'scan.startup.mode' = 'group-offsets', 'properties.group.id' = 'g'",     Start::Group),
        ("'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '7'", Start::Timestamp(7)),
        ("scan.startup.timestamp.millis = 7",                                      Start::Timestamp(7)),
        ("'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:42; partition:3,offset:7'",
                                                                                   Start::At([(0, 42), (3, 7)].into())),
    ];
    for (options, from) in table {
        let comma = if options.is_empty() { "" } else { ", " };
        let all = format!(
            "connector = 'kafka', topic = 't', bootstrap_servers = 'b:1', format = 'json'{comma}{options}"
        );
        let Connector::Kafka(kafka) = connector(&all) else {
            panic!("{options}")
        };
        assert_eq!(
            (kafka.brokers.as_str(), kafka.topic.as_str(), kafka.start),
            ("b:1", "t", from),
            "{options}"
        );
    }
}

#[test]
fn options_come_to_what_they_say() {
    let kafka = connector(
        "'connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b', 'properties.group.id' = 'g',
         'format' = 'json', 'json.ignore-parse-errors' = 'true', 'scan.watermark.idle-timeout' = '30 s'",
    );
    let Connector::Kafka(kafka) = kafka else {
        panic!("{kafka:?}")
    };
    let RowFormat::Json(json) = kafka.format else {
        panic!("{kafka:?}")
    };
    assert_eq!(
        (kafka.group.as_deref(), kafka.idle_timeout),
        (Some("g"), Some(Span::seconds(30)))
    );
    assert!(json.ignore_parse_errors && !json.fail_on_missing_field);

    let secret = "hunter2-hunter2";
    let kafka = connector(&format!(
        "'connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:1', 'format' = 'json',
         'properties.sasl.password' = '{secret}', 'properties.fetch.wait.max.ms' = '7',
         'scan.bounded.mode' = 'latest-offset', 'sink.transactional-id-prefix' = 'mine'"
    ));
    assert!(!format!("{kafka:?}").contains(secret));
    let Connector::Kafka(kafka) = kafka else {
        panic!("{kafka:?}")
    };
    let prefix = kafka.transactional_id_prefix.as_deref();
    assert_eq!(
        (kafka.properties.len(), kafka.bounded, prefix),
        (2, true, Some("mine"))
    );

    let csv = connector(
        "'connector' = 'filesystem', 'path' = 'p', 'format' = 'csv', 'csv.field-delimiter' = '\\t',
         'csv.quote-character' = '''', 'csv.escape-character' = '\\', 'csv.null-literal' = 'n/a',
         'csv.allow-comments' = 'true', 'csv.ignore-parse-errors' = 'true'",
    );
    let options = CsvOptions {
        ignore_parse_errors: true,
        delimiter: b'\t',
        quote: Some(b'\''),
        escape: Some(b'\\'),
        null: "n/a".to_string(),
        header: None,
        allow_comments: true,
    };
    assert_eq!(csv.format(), Some(&RowFormat::Csv(options)));
    let csv = connector(
        "connector = 'filesystem', path = 'p', format = 'csv', delimiter = ';', without_header = false",
    );
    let options = CsvOptions {
        delimiter: b';',
        header: Some(true),
        ..CsvOptions::default()
    };
    assert_eq!(csv.format(), Some(&RowFormat::Csv(options)));

    let datagen = connector(
        "'connector' = 'datagen', 'number-of-rows' = '10', 'rows-per-second' = '5', 'fields.s.length' = '4',
         'fields.a.min' = '-1', 'fields.a.max' = '1',
         'fields.ts.kind' = 'sequence', 'fields.ts.start' = '0', 'fields.ts.end' = '99'",
    );
    let Connector::Datagen { rows, rate, fields } = datagen else {
        panic!("{datagen:?}")
    };
    assert_eq!((rows, rate), (Some(10), Some(5)));
    assert_eq!(fields["a"], Generated::Random(-1, 1));
    assert_eq!(fields["s"], Generated::Text(4));
    assert_eq!(fields["ts"], Generated::Sequence(0, 99));

    let print = connector("connector = 'print', 'print-identifier' = '>'");
    assert_eq!(
        print,
        Connector::Print {
            identifier: Some(">".to_string())
        }
    );
    assert_eq!(connector("connector = 'blackhole'"), Connector::Blackhole);
}
