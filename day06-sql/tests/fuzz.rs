//! Input that nobody has thought of: programs, JSON and CSV that were changed at random are read or refused, and nothing panics.
//!
//! `FUZZ_CASES=1000000 cargo test --release -p day06-sql --test fuzz` looks for longer; a failure says the number of its case, which
//! is its seed.
#![allow(clippy::panic)] // Helpers of tests are not seen as tests.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use day01_consumer::decode::Payload;
use day06_sql::bind::{Catalog, read};
use day06_sql::chunk::Chunk;
use day06_sql::format::RowReader;
use day06_sql::plan::{Statement, Table};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// No case may take longer, whatever it says.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many cases there are; a small part of them takes a second.
fn cases() -> u64 {
    let asked = std::env::var("FUZZ_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(1_500)
}

/// Runs a case for each seed.
fn fuzz(mut case: impl FnMut(&mut ChaCha8Rng) -> String) {
    for seed in 0..cases() {
        let began = Instant::now();
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            case(&mut ChaCha8Rng::seed_from_u64(seed))
        }));
        let Ok(text) = tried else {
            panic!("case {seed} panicked");
        };
        assert!(began.elapsed() < PATIENCE, "case {seed} took too long: {text}");
    }
}

/// Words that mean something somewhere.
const WORDS: [&str; 44] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "JOIN",
    "ON",
    "USING",
    "UNION ALL",
    "AS",
    "WITH",
    "CREATE VIEW",
    "CREATE TABLE",
    "CREATE MATERIALIZED VIEW",
    "INSERT INTO",
    "EMIT ON WINDOW CLOSE",
    "TUMBLE",
    "HOP",
    "TABLE",
    "DESCRIPTOR",
    "INTERVAL '1' SECOND",
    "CAST",
    "CASE WHEN",
    "END",
    "NULL",
    "NOT",
    "IN",
    "BETWEEN",
    "AND",
    "COUNT(*)",
    "SUM",
    "(",
    ")",
    ",",
    ";",
    ".",
    "*",
    "=",
    "'",
    "\"",
    "`",
    "9999999999999999999",
    "-1",
    "\u{feff}",
];

/// Whatever stands in our own programs.
fn programs() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut programs = Vec::new();
    for folder in ["sql", "examples", "tests/sql"] {
        let files = fs::read_dir(root.join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        for file in files.flatten() {
            if file
                .path()
                .extension()
                .is_some_and(|extension| extension == "sql")
            {
                programs.extend(fs::read_to_string(file.path()));
            }
        }
    }
    programs.sort();
    assert!(programs.len() > 5, "there are programs to be changed");
    programs
}

/// The text with a few of its words moved, doubled, taken out or replaced.
fn changed(text: &str, words: &[&str], random: &mut ChaCha8Rng) -> String {
    let mut parts: Vec<&str> = text
        .split_inclusive([' ', '\n', ',', '(', ')', ';', '\''])
        .collect();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=parts.len());
        let other = parts.choose(random).copied().unwrap_or(" ");
        let word = words.choose(random).copied().unwrap_or(" ");
        match random.random_range(0..5) {
            0 if at < parts.len() => drop(parts.remove(at)),
            1 => parts.insert(at, other),
            2 if at < parts.len() => parts[at] = word,
            3 => parts.truncate(at),
            _ => parts.insert(at, word),
        }
    }
    parts.concat()
}

#[test]
fn changed_programs_are_understood_or_refused_in_a_few_words() {
    let programs = programs();
    let mut refused = 0_u64;
    fuzz(|random| {
        let program = programs.choose(random).map(String::as_str).unwrap_or_default();
        let text = changed(program, &WORDS, random);
        match read(&text, "fuzz.sql", &mut Catalog::new()) {
            // What is understood can be explained.
            Ok(statements) => statements.iter().for_each(|statement| {
                if let Statement::Query(query) = statement {
                    assert!(!query.to_string().is_empty());
                }
            }),
            Err(error) => {
                refused += 1;
                let drawn = error.render();
                assert!(drawn.len() < 5_000, "{drawn}");
            }
        }
        text
    });
    assert!(refused * 2 > cases(), "most changes are mistakes: {refused}");
}

/// A table with a column of each type, whose payloads are of this format.
fn table(format: &str) -> Table {
    let sql = format!(
        "CREATE TABLE t (a BOOLEAN, b INT, c BIGINT, d DOUBLE, e DECIMAL(10, 2), f STRING, g TIMESTAMP(3), h TIMESTAMP_LTZ(3))
         WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = '{format}');"
    );
    let statements =
        read(&sql, "table.sql", &mut Catalog::new()).unwrap_or_else(|error| panic!("{}", error.render()));
    match statements.into_iter().next() {
        Some(Statement::Created(table)) => table,
        other => panic!("{other:?}"),
    }
}

/// Reads changed records, with all columns and with one; both must agree on which can be read.
fn read_changed(format: &str, records: &[&str], words: &[&str]) {
    let table = table(format);
    let types: Vec<_> = table.payload().map(|field| field.data_type).collect();
    let all: Vec<usize> = (0..types.len()).collect();
    let (mut whole, mut part) = (RowReader::new(&table, &all), RowReader::new(&table, &[5]));
    let (mut good, mut bad) = (0_u64, 0_u64);
    fuzz(|random| {
        let record = records.choose(random).copied().unwrap_or_default();
        let text = changed(record, words, random);
        let (mut rows, mut texts) = (Chunk::of(types.clone()), Chunk::of([types[5]]));
        let read = whole.read(Payload::Text(&text), false, &mut rows);
        let again = part.read(Payload::Text(&text), false, &mut texts);
        assert_eq!(
            read.is_ok(),
            again.is_ok(),
            "{text}: {read:?}, and of one column {again:?}"
        );
        assert_eq!(rows.rows, texts.rows, "{text}");
        assert!(
            rows.columns.iter().all(|column| column.len() == rows.rows),
            "{text}"
        );
        match read {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        }
        text
    });
    assert!(good > 0 && bad > 0, "{good} were read, {bad} were not");
}

#[test]
fn changed_json_is_read_or_refused_whichever_columns_are_asked_for() {
    let records = [
        r#"{"a":true,"b":1,"c":2,"d":3.5,"e":"4.25","f":"x","g":"2026-01-01 00:00:00","h":"2026-01-01T00:00:00Z"}"#,
        r#"[{"a":false,"b":-1},{"f":null,"g":"1969-12-31 23:59:59.999"}]"#,
        r#"{"f":{"x":[1,2,"\ud83d\ude00"]},"e":99999999.99}"#,
    ];
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "null",
        "true",
        "1e400",
        "-0",
        "1e-7",
        "99999999999999999999",
        "\"a\"",
        "\"f\"",
        "\u{0}",
        "\u{1F600}",
        "NaN",
    ];
    read_changed("json", &records, &words);
}

#[test]
fn changed_csv_is_read_or_refused_whichever_columns_are_asked_for() {
    let records = [
        "true,1,2,3.5,4.25,x,2026-01-01 00:00:00,2026-01-01T00:00:00Z",
        "false,-1,,,,\"a \"\"b\"\", c\",,",
        ",,,,,,,",
    ];
    let words = [
        ",",
        "\"",
        "\"\"",
        "\r",
        " ",
        "NaN",
        "1e400",
        "-0",
        "99999999999",
        "yes",
        "\u{0}",
        "\u{1F600}",
        "'",
    ];
    read_changed("csv", &records, &words);
}
