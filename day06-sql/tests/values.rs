//! A text stands for one value, wherever it comes from: in SQL, in a column that is cast, in a record of JSON or CSV.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod run;

use day06_sql::bind::{Catalog, read};
use run::{How, World, try_run};

/// The only row that a query gives, as text; none if it is refused, when it is read or when it runs.
fn one(sql: &str) -> Option<String> {
    read(sql, "test.sql", &mut Catalog::new()).ok()?;
    let ran = try_run(sql, &mut World::new(), How::default()).ok()?;
    let rows = ran.rows();
    assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
    Some(rows[0].to_string())
}

/// The value of a text as a literal, as a column that is cast, as a field of JSON, and as a field of CSV.
fn everywhere(text: &str, data_type: &str) -> [Option<String>; 4] {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str, columns: &str, format: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let path = path.display();
        format!(
            "CREATE TABLE {name} ({columns}) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = '{format}');"
        )
    };
    let json = format!("{{\"v\":{}}}\n", serde_json::to_string(text).unwrap());
    let csv = format!("\"{}\"\n", text.replace('"', "\"\""));
    let literal = text.replace('\'', "''");
    let texts = table("texts", "v STRING", "json", &json);
    [
        one(&format!(
            "{texts} SELECT CAST('{literal}' AS {data_type}) FROM texts;"
        )),
        one(&format!("{texts} SELECT CAST(v AS {data_type}) FROM texts;")),
        one(&(table("typed", &format!("v {data_type}"), "json", &json) + "SELECT v FROM typed;")),
        one(&(table("lines", &format!("v {data_type}"), "csv", &csv) + "SELECT v FROM lines;")),
    ]
}

#[test]
fn a_text_is_the_same_value_or_the_same_error_everywhere() {
    #[rustfmt::skip]
    let table = [
        ("yes",                       "BOOLEAN",          Some("true")),
        ("0",                         "BOOLEAN",          Some("false")),
        ("on",                        "BOOLEAN",          None),
        (" 7 ",                       "INT",              Some("7")),
        ("2.9",                       "INT",              Some("2")),
        ("1e3",                       "BIGINT",           Some("1000")),
        ("1_000",                     "INT",              None),
        ("2147483648",                "INT",              None),
        ("1_000",                     "DECIMAL(10, 2)",   None),
        ("5",                         "DECIMAL(10, 2)",   Some("5.00")),
        ("12345.6",                   "DECIMAL(4, 1)",    None),
        ("1.005",                     "DECIMAL(10, 2)",   Some("1.01")),
        ("99999999999999999999999999999999999999", "DECIMAL(38, 0)", None),
        ("1e400",                     "DOUBLE",           Some("Infinity")),
        ("NaN",                       "DOUBLE",           Some("NaN")),
        ("inf",                       "DOUBLE",           None),
        ("2026-01-01T00:00:00+02:00", "TIMESTAMP(3)",     None),
        ("2026-01-01T00:00:00Z",      "TIMESTAMP(3)",     Some("2026-01-01T00:00")),
        ("2026-01-01T00:00:00+02:00", "TIMESTAMP_LTZ(3)", Some("2025-12-31T22:00:00Z")),
        ("2026-01-01 00:00:00",       "TIMESTAMP_LTZ(3)", Some("2026-01-01T00:00:00Z")),
        ("2016-12-31 23:59:60",       "TIMESTAMP(3)",     None),
        ("1969-12-31 23:59:59.9999",  "TIMESTAMP(3)",     Some("1969-12-31T23:59:59.999")),
        ("9999-12-31 23:59:59.999",   "TIMESTAMP(3)",     Some("9999-12-31T23:59:59.999")),
        ("2026-02-29",                "TIMESTAMP(3)",     None),
        ("1767225600000",             "TIMESTAMP(3)",     None),
    ];
    for (text, data_type, expected) in table {
        let values = everywhere(text, data_type);
        let expected = expected.map(str::to_string);
        let expected: [Option<String>; 4] = std::array::from_fn(|_| expected.clone());
        assert_eq!(values, expected, "{text:?} as {data_type}");
    }
}

#[test]
fn a_cast_with_a_length_keeps_the_first_characters() {
    assert_eq!(
        everywhere("größer", "VARCHAR(3)")[..2],
        [Some("grö".to_string()), Some("grö".to_string())]
    );
}
