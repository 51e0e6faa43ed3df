//! One table for each rule, then any object against a slow reader, then what is made to hurt.

use std::collections::BTreeMap;

use day03_windows::time::EventTime;
use proptest::prelude::*;
use serde_json::Value as Json;

use day01_consumer::decode::Payload;

use super::*;
use crate::format::RowReader;
use crate::format::testing::{self, read as read_one};
use crate::plan::RowFormat;
use crate::value::Scalar;
use crate::value::write::TimeForm;

const LENIENT: JsonOptions = JsonOptions {
    fail_on_missing_field: false,
    ignore_parse_errors: true,
    any_case: false,
    times: TimeForm::Sql,
};
const STRICT: JsonOptions = JsonOptions {
    fail_on_missing_field: true,
    ignore_parse_errors: false,
    any_case: false,
    times: TimeForm::Sql,
};

/// All types that a column can have.
const TYPES: [DataType; 9] = [
    DataType::Boolean,
    DataType::Int,
    DataType::BigInt,
    DataType::Double,
    DataType::Numeric(None),
    DataType::Numeric(Some((6, 2))),
    DataType::Varchar,
    DataType::Timestamp,
    DataType::TimestampTz,
];

fn reader(fields: &[(&str, DataType)], options: JsonOptions) -> (RowReader, Chunk) {
    testing::reader(fields, RowFormat::Json(options))
}

fn rows(chunk: &Chunk) -> Vec<Vec<Scalar>> {
    (0..chunk.rows).map(|row| chunk.row(row)).collect()
}

/// The rows of one record.
fn read(
    fields: &[(&str, DataType)],
    options: JsonOptions,
    json: &str,
) -> Result<Vec<Vec<Scalar>>, BadRecord> {
    let (mut reader, mut chunk) = reader(fields, options);
    let appended = read_one(&mut reader, Payload::Text(json), &mut chunk)?;
    assert_eq!(appended, chunk.rows);
    Ok(rows(&chunk))
}

/// The value of the field `v` of an object in which it is written like this.
fn value(data_type: DataType, options: JsonOptions, json: &str) -> Result<Scalar, BadRecord> {
    let rows = read(&[("v", data_type)], options, &format!("{{\"v\":{json}}}"))?;
    Ok(rows[0][0].clone())
}

fn text(text: &str) -> Scalar {
    Scalar::Varchar(text.to_string().into())
}

#[test]
fn each_type_takes_what_stands_for_one_of_its_values() {
    let numeric = |text: &str| Scalar::Numeric(text.parse().unwrap());
    let max = i64::MAX;
    #[rustfmt::skip]
    let table: Vec<(DataType, &str, Scalar)> = vec![
        (DataType::Boolean,         "true",                       Scalar::Boolean(true)),
        (DataType::Boolean,         "\"False\"",                  Scalar::Boolean(false)),
        (DataType::Int,             "-7",                         Scalar::Int(-7)),
        (DataType::Int,             "2.9",                        Scalar::Int(2)),
        (DataType::Int,             "-2.9",                       Scalar::Int(-2)),
        (DataType::Int,             "-0.9",                       Scalar::Int(0)),
        (DataType::Int,             "1.5e2",                      Scalar::Int(150)),
        (DataType::Int,             "123e-2",                     Scalar::Int(1)),
        (DataType::Int,             "\" 12 \"",                   Scalar::Int(12)),
        (DataType::BigInt,          "9223372036854775807",        Scalar::BigInt(max)),
        (DataType::BigInt,          "9223372036854775807.9",      Scalar::BigInt(max)),
        (DataType::BigInt,          "-9223372036854775808",       Scalar::BigInt(i64::MIN)),
        (DataType::BigInt,          "9.223372036854775807E+18",   Scalar::BigInt(max)),
        (DataType::BigInt,          "\"9223372036854775807\"",    Scalar::BigInt(max)),
        (DataType::BigInt,          "0e999999999999999999999",    Scalar::BigInt(0)),
        (DataType::BigInt,          "5e-999999999999999999999",   Scalar::BigInt(0)),
        (DataType::Double,          "2.5",                        Scalar::Double(2.5)),
        (DataType::Double,          "\"2.5\"",                    Scalar::Double(2.5)),
        (DataType::Double,          "1e308",                      Scalar::Double(1e308)),
        (DataType::Double,          "\"-Infinity\"",              Scalar::Double(f64::NEG_INFINITY)),
        (DataType::Numeric(None),   "12.50",                      numeric("12.50")),
        (DataType::Numeric(None),   "0.1",                        numeric("0.1")),
        (DataType::Numeric(None),   "-1.25e3",                    numeric("-1250")),
        (DataType::Numeric(None),   "1.250E1",                    numeric("12.50")),
        (DataType::Numeric(None),   "25e-4",                      numeric("0.0025")),
        (DataType::Numeric(None),   "7e27",                       numeric("7000000000000000000000000000")),
        (DataType::Numeric(None),   "\"12.50\"",                  numeric("12.50")),
        (DataType::Numeric(None),   "79228162514264337593543950335", numeric("79228162514264337593543950335")),
        (DataType::Varchar,         "\"m-7\"",                    text("m-7")),
        (DataType::Varchar,         "\"\"",                       text("")),
        (DataType::Varchar,         "\"caf\\u00e9 \\ud83d\\ude00\\n\"", text("café 😀\n")),
        (DataType::Varchar,         "12.50",                      text("12.50")),
        (DataType::Varchar,         "true",                       text("true")),
        (DataType::Varchar,         "{\"a\": [1, null]}",         text("{\"a\": [1, null]}")),
        (DataType::Timestamp,       "\"2020-04-15 08:05:00\"",    Scalar::Timestamp(EventTime(1_586_937_900_000))),
        (DataType::Timestamp,       "\"2020-04-15T08:05:00.123\"", Scalar::Timestamp(EventTime(1_586_937_900_123))),
        (DataType::Timestamp,       "\"2020-04-15T08:05:00.123Z\"", Scalar::Timestamp(EventTime(1_586_937_900_123))),
        (DataType::TimestampTz,     "\"2020-04-15 08:05:00Z\"",   Scalar::TimestampTz(EventTime(1_586_937_900_000))),
        (DataType::TimestampTz,     "\"2020-04-15T10:05:00.5+02:00\"", Scalar::TimestampTz(EventTime(1_586_937_900_500))),
        (DataType::TimestampTz,     "\"2020-04-15 03:05:00-0500\"", Scalar::TimestampTz(EventTime(1_586_937_900_000))),
    ];
    for (data_type, json, expected) in table {
        assert_eq!(
            value(data_type, STRICT, json),
            Ok(expected),
            "{json} as {data_type}"
        );
    }
    for data_type in TYPES {
        assert_eq!(
            value(data_type, STRICT, "null"),
            Ok(Scalar::Null),
            "null as {data_type}"
        );
    }
}

#[test]
fn a_value_that_does_not_fit_is_an_error_or_null() {
    #[rustfmt::skip]
    let table = [
        (DataType::Int,                   "2147483648"),
        (DataType::Int,                   "-2147483648.5e1"),
        (DataType::Int,                   "true"),
        (DataType::Int,                   "\"\""),
        (DataType::BigInt,                "9223372036854775808"),
        (DataType::BigInt,                "1e19"),
        (DataType::BigInt,                "1e999999999999999999999"),
        (DataType::BigInt,                "[1]"),
        (DataType::Double,                "\"inf\""),
        (DataType::Double,                "{}"),
        (DataType::Numeric(None),         "79228162514264337593543950336"),
        (DataType::Numeric(None),         "\"1_000\""),
        (DataType::Numeric(None),         "\"NaN\""),
        (DataType::Numeric(None),         "true"),
        (DataType::Numeric(Some((6, 2))), "10000"),
        (DataType::Numeric(Some((6, 2))), "-9999.995"),
        (DataType::Varchar,               "\"\\ud800\""),
        (DataType::Timestamp,             "\"2020-04-15 08:05:00+02:00\""),
        (DataType::Timestamp,             "\"2020-04-15T08:05:00[UTC]\""),
        (DataType::Timestamp,             "\"2020-02-30 08:05:00\""),
        (DataType::Timestamp,             "\"2020-04-15 08:05:00.\""),
        (DataType::Timestamp,             "\"2020-04-15T08:05-04\""),
        (DataType::Timestamp,             "1586937900000"),
        (DataType::TimestampTz,           "\"20200415T080500Z\""),
        (DataType::TimestampTz,           "1586937900000"),
    ];
    for (data_type, json) in table {
        let bad = value(data_type, STRICT, json).expect_err(json);
        assert!(
            matches!(bad.reason, Reason::NotA(_, "v")),
            "{json} as {data_type}: {bad:?}"
        );
        assert_eq!(
            value(data_type, LENIENT, json),
            Ok(Scalar::Null),
            "{json} as {data_type}"
        );
    }
}

#[test]
fn a_bad_field_is_named_with_its_value() {
    let bad = value(DataType::Int, STRICT, "2147483648").unwrap_err();
    assert_eq!(
        bad.reason.to_string(),
        "v is not a valid INT: those are -2147483648 to 2147483647; BIGINT has more"
    );
    assert_eq!(bad.detail.as_deref(), Some("2147483648"));
    let long = value(DataType::Int, STRICT, &format!("\"{}\"", "é".repeat(300))).unwrap_err();
    let detail = long.detail.unwrap();
    assert!(detail.starts_with("\"éé") && detail.ends_with('…'), "{detail}");
    assert!(
        detail.chars().count() <= 201,
        "an excerpt of {} characters",
        detail.chars().count()
    );
}

#[test]
fn a_missing_field_is_null_or_an_error() {
    let fields = [("a", DataType::Int), ("b", DataType::Varchar)];
    let missing = "{\"a\":1,\"B\":\"names are case-sensitive\"}";
    let null = vec![vec![Scalar::Int(1), Scalar::Null]];
    assert_eq!(read(&fields, JsonOptions::default(), missing), Ok(null.clone()));
    assert_eq!(read(&fields, LENIENT, missing), Ok(null));
    let bad = read(&fields, STRICT, missing).unwrap_err();
    assert_eq!(bad.reason, Reason::Missing("b"));
}

#[test]
fn a_name_matches_but_for_case_only_where_that_is_asked_for_and_nothing_else_matches() {
    let fields = [("a", DataType::Int), ("Größe", DataType::Int)];
    let any_case = JsonOptions {
        any_case: true,
        ..JsonOptions::default()
    };
    let int = |number: Option<i32>| number.map_or(Scalar::Null, Scalar::Int);
    #[rustfmt::skip]
    let table = [
        (r#"{"a":1,"Größe":2}"#,   [Some(1), Some(2)], [Some(1), Some(2)]),
        (r#"{"A":1,"GRÖSSE":2}"#,  [None, None],       [Some(1), None]),
        (r#"{"GRÖßE":2,"A":1}"#,   [None, None],       [Some(1), Some(2)]),
        (r#"{"A":1,"a":2}"#,       [Some(2), None],    [Some(2), None]),
        (r#"{"a":2,"A":1}"#,       [Some(2), None],    [Some(2), None]),
        (r#"{"A":1,"A":3}"#,       [None, None],       [Some(3), None]),
        (r#"{"a":null,"A":1}"#,    [None, None],       [None, None]),
    ];
    for (json, exact, loose) in table {
        assert_eq!(
            read(&fields, JsonOptions::default(), json),
            Ok(vec![exact.map(int).to_vec()]),
            "{json}"
        );
        assert_eq!(
            read(&fields, any_case, json),
            Ok(vec![loose.map(int).to_vec()]),
            "{json}"
        );
    }
}

#[test]
fn fields_may_come_in_any_order_and_the_last_of_two_wins() {
    let fields = [
        ("a", DataType::Int),
        ("b", DataType::Varchar),
        ("c", DataType::Int),
    ];
    for json in [
        r#"{"a":1,"b":"x","c":3}"#,
        r#"{"c":3,"b":"x","a":1}"#,
        r#"{"b":"x","other":{"a":9},"a":1,"c":3}"#,
        r#"{"a":"bad, but not the last","b":null,"c":3,"\u0061":1,"b":"x"}"#,
        " \n{ \"c\" : 3 , \"a\" : 1 , \"b\" : \"x\" } ",
    ] {
        let row = vec![Scalar::Int(1), text("x"), Scalar::Int(3)];
        assert_eq!(read(&fields, STRICT, json), Ok(vec![row]), "{json}");
    }
}

#[test]
fn a_list_of_objects_is_as_many_rows() {
    let fields = [("a", DataType::Int)];
    let read = |options, json| {
        let rows = read(&fields, options, json)?;
        Ok(rows.into_iter().map(|row| row[0].clone()).collect())
    };
    let strict = |json| read(JsonOptions::default(), json);
    assert_eq!(
        strict(" [{\"a\":1}, {}, {\"a\":3}] "),
        Ok(vec![Scalar::Int(1), Scalar::Null, Scalar::Int(3)])
    );
    assert_eq!(strict("[]"), Ok(vec![]));
    #[rustfmt::skip]
    let table: [(&str, Reason, Vec<Scalar>); 5] = [
        ("[{\"a\":1}, 7, {\"a\":3}]",          Reason::NotAnObject,            vec![Scalar::Int(1), Scalar::Int(3)]),
        ("[{\"a\":1}, [{\"a\":2}]]",           Reason::NotAnObject,            vec![Scalar::Int(1)]),
        ("[{\"a\":1}, {\"a\":\"x\"}]",         Reason::NotA("valid INT", "a"), vec![Scalar::Int(1), Scalar::Null]),
        ("[{\"a\":1}, {\"a\":2}",              Reason::NotJson,                vec![]),
        ("[{\"a\":1}, {\"a\":2}] x",           Reason::NotJson,                vec![]),
    ];
    for (json, reason, lenient) in table {
        let bad: Result<Vec<Scalar>, BadRecord> = strict(json);
        assert_eq!(bad.unwrap_err().reason, reason, "{json}");
        assert_eq!(read(LENIENT, json), Ok(lenient), "{json}");
    }
}

#[test]
fn what_is_no_row_is_an_error_or_dropped_and_a_tombstone_is_neither() {
    let bytes = vec![b'{', 0xff, b'}'];
    let invalid = std::str::from_utf8(&bytes).unwrap_err();
    use Payload::{NotUtf8, Text, Tombstone};
    #[rustfmt::skip]
    let table = [
        (NotUtf8(invalid),       Reason::InvalidUtf8),
        (Text(""),               Reason::NotJson),
        (Text("{\"a\":1"),       Reason::NotJson),
        (Text("{\"a\":1} x"),    Reason::NotJson),
        (Text("{\"a\":01}"),     Reason::NotJson),
        (Text("{\"\\ud800\":1}"), Reason::NotJson),
        (Text("[oops"),          Reason::NotJson),
        (Text("7"),              Reason::NotAnObject),
        (Text("null"),           Reason::NotAnObject),
        (Text("\"text\""),       Reason::NotAnObject),
    ];
    for options in [STRICT, JsonOptions::default(), LENIENT] {
        let (mut reader, mut chunk) = reader(&[("a", DataType::Int), ("b", DataType::Varchar)], options);
        let first = "{\"a\":1,\"b\":null}";
        assert_eq!(read_one(&mut reader, Payload::Text(first), &mut chunk), Ok(1));
        let before = chunk.clone();
        for (payload, reason) in table {
            match read_one(&mut reader, payload, &mut chunk) {
                Ok(rows) => assert_eq!((rows, options), (0, LENIENT), "{payload:?}"),
                Err(bad) => assert_eq!(bad.reason, reason, "{payload:?}"),
            }
            assert_eq!(chunk, before, "{payload:?}");
        }
        assert_eq!(read_one(&mut reader, Tombstone, &mut chunk), Ok(0));
        assert_eq!(chunk, before);
    }
}

#[test]
fn a_row_that_is_bad_in_its_last_field_leaves_nothing_behind() {
    let fields = [
        ("a", DataType::Varchar),
        ("b", DataType::Varchar),
        ("c", DataType::Int),
    ];
    let (mut reader, mut chunk) = reader(&fields, STRICT);
    let good = r#"{"a":"x","b":null,"c":1}"#;
    assert_eq!(read_one(&mut reader, Payload::Text(good), &mut chunk), Ok(1));
    let before = chunk.clone();
    for bad in [
        r#"{"a":null,"b":"y","c":"z"}"#,
        r#"[{"a":"x","b":null,"c":1},{"a":null,"b":"y","c":"z"}]"#,
    ] {
        assert!(read_one(&mut reader, Payload::Text(bad), &mut chunk).is_err());
        assert_eq!(chunk, before);
    }
    assert_eq!(read_one(&mut reader, Payload::Text(good), &mut chunk), Ok(1));
    assert_eq!(chunk.row(1), before.row(0), "the columns are still of one length");
}

#[test]
fn without_any_wanted_field_rows_are_still_counted() {
    let (mut reader, mut chunk) = reader(&[], STRICT);
    assert_eq!(
        read_one(&mut reader, Payload::Text("[{\"a\":1},{}]"), &mut chunk),
        Ok(2)
    );
    assert_eq!(
        read_one(&mut reader, Payload::Text("{\"a\":1}"), &mut chunk),
        Ok(1)
    );
    assert_eq!(chunk.rows, 3);
    assert!(read_one(&mut reader, Payload::Text("{\"a\":}"), &mut chunk).is_err());
}

#[test]
fn rows_behind_changes_are_insertions() {
    let (mut reader, mut chunk) = reader(&[("a", DataType::Int)], STRICT);
    chunk
        .push(crate::chunk::Change::Delete, &[Scalar::Int(0)])
        .unwrap();
    assert_eq!(
        read_one(&mut reader, Payload::Text("{\"a\":1}"), &mut chunk),
        Ok(1)
    );
    assert_eq!(chunk.change(0), crate::chunk::Change::Delete);
    assert_eq!(chunk.change(1), crate::chunk::Change::Insert);
}

#[test]
fn a_table_of_many_columns_is_read_in_and_out_of_order() {
    let names: Vec<String> = (0..100).map(|number| format!("f{number}")).collect();
    let fields: Vec<(&str, DataType)> = names.iter().map(|name| (name.as_str(), DataType::Int)).collect();
    let object = |order: &mut dyn Iterator<Item = usize>| {
        let fields: Vec<String> = order.map(|number| format!("\"f{number}\":{number}")).collect();
        format!("{{{}}}", fields.join(","))
    };
    let expected: Vec<Scalar> = (0..100).map(Scalar::Int).collect();
    for json in [object(&mut (0..100)), object(&mut (0..100).rev())] {
        assert_eq!(read(&fields, STRICT, &json), Ok(vec![expected.clone()]));
    }
}

/// The same rules, read off a document that was built as a whole.
fn slowly(json: &str, data_type: DataType) -> Option<Scalar> {
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).ok()?;
    let Some(raw) = fields.get("v").map(|raw| raw.get()) else {
        return Some(Scalar::Null);
    };
    let value: Json = serde_json::from_str(raw).ok()?;
    if value.is_null() {
        return Some(Scalar::Null);
    }
    match data_type {
        DataType::Varchar => Some(text(value.as_str().unwrap_or(raw))),
        DataType::Boolean => match value.as_bool() {
            Some(value) => Some(Scalar::Boolean(value)),
            None => value
                .as_str()?
                .trim()
                .to_lowercase()
                .parse()
                .ok()
                .map(Scalar::Boolean),
        },
        DataType::Int | DataType::BigInt => {
            let whole = match &value {
                Json::Number(number) => number.as_i64().or_else(|| {
                    let number = number.as_f64()?.trunc();
                    (number.abs() < 9e15).then_some(number as i64)
                })?,
                other => other.as_str()?.trim().parse().ok()?,
            };
            match data_type {
                DataType::Int => i32::try_from(whole).ok().map(Scalar::Int),
                _ => Some(Scalar::BigInt(whole)),
            }
        }
        DataType::Double => match &value {
            Json::Number(number) => number.as_f64().map(Scalar::Double),
            other => {
                let number: f64 = other.as_str()?.trim().parse().ok()?;
                number.is_finite().then_some(Scalar::Double(number))
            }
        },
        _ => None,
    }
}

/// JSON of a few levels, with what is wanted among it, and numbers that all readers read exactly.
fn documents() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_string()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i32>().prop_map(|value| value.to_string()),
        (-9_000_000_000_000_000_i64..9_000_000_000_000_000).prop_map(|value| value.to_string()),
        (-1_000_000_i64..1_000_000, 0_i32..12).prop_map(|(value, down)| format!("{value}e-{down}")),
        (-99_999_i64..100_000, 0_u32..99).prop_map(|(value, part)| format!("{value}.{part:02}")),
        any::<String>().prop_map(|text| Json::String(text).to_string()),
        "\"[ a\\\\\\\\ntruefals0-9.]{0,6}\"",
        "\" ?(true|FALSE|-?[0-9]{1,12}|[0-9]\\.[0-9]) ?\"",
    ];
    let name = || prop_oneof![Just("v"), Just("\\u0076"), Just("V"), Just("w"), Just("")];
    let value = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(" , "))),
            proptest::collection::vec((name(), inner), 0..4).prop_map(object),
        ]
    });
    proptest::collection::vec((name(), value), 0..6).prop_map(object)
}

fn object(fields: Vec<(&str, String)>) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\": {value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

proptest! {
    #[test]
    fn any_object_is_read_as_a_slow_reader_reads_it(json in documents()) {
        for data_type in [DataType::Boolean, DataType::Int, DataType::BigInt, DataType::Double, DataType::Varchar] {
            let rows = read(&[("v", data_type)], JsonOptions::default(), &json);
            let read = rows.ok().map(|mut rows| rows.remove(0).remove(0));
            prop_assert_eq!(read, slowly(&json, data_type), "{} as {}", json, data_type);
        }
    }

    /// With parts that mean something to JSON in any order, and cut anywhere.
    #[test]
    fn any_text_is_rows_or_an_error_and_leaves_all_or_nothing(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "{", "}", "[", "]", "\"v\"", ":", ",", "\"", "\\", "\\u", "d800", "\\udc00", "null", "true", "-", "0", "1",
            "9999999999999999999999999999999", ".5", "e", "e+99999999999", " ", "é", "\u{0}", "\"2020-04-15 08:05:00\"",
        ]), 0..24),
        wrap in any::<bool>(),
    ) {
        let text: String = parts.concat();
        let json = if wrap { format!("{{\"v\":{text}}}") } else { text };
        let valid = serde_json::from_str::<&RawValue>(&json).is_ok();
        for data_type in TYPES {
            let (mut strict, mut chunk) = reader(&[("v", data_type), ("w", DataType::Varchar)], JsonOptions::default());
            read_one(&mut strict, Payload::Text(r#"{"w":"before"}"#), &mut chunk).unwrap();
            let before = chunk.clone();
            match read_one(&mut strict, Payload::Text(&json), &mut chunk) {
                Ok(rows) => {
                    prop_assert!(valid, "{}", json);
                    prop_assert_eq!(chunk.rows, 1 + rows);
                    prop_assert!(chunk.columns.iter().all(|column| column.len() == chunk.rows));
                }
                Err(_) => prop_assert_eq!(&chunk, &before),
            }
            let (mut lenient, mut chunk) = reader(&[("v", data_type)], LENIENT);
            let rows = read_one(&mut lenient, Payload::Text(&json), &mut chunk);
            prop_assert_eq!(rows, Ok(chunk.rows), "{}", json);
        }
    }
}

#[test]
fn nothing_that_is_made_to_hurt_does() {
    let deep = |open: &str, close: &str| open.repeat(20_000) + &close.repeat(20_000);
    let digits = "9".repeat(50_000);
    let documents = [
        format!("{{\"other\":{}}}", deep("[", "]")),
        format!("{{\"v\":{}}}", deep("[", "]")),
        format!("{{\"v\":{}1{}}}", "{\"v\":".repeat(20_000), "}".repeat(20_000)),
        deep("[", "]"),
        "[".repeat(50_000),
        "{\"v\":".repeat(20_000),
        format!("{{\"v\":{digits}}}"),
        format!("{{\"v\":-0.{digits}}}"),
        format!("{{\"v\":1e{digits}}}"),
        format!("{{\"v\":{digits}e-{digits}}}"),
        format!("{{\"v\":\"{digits}\"}}"),
        "{\"v\":\"\\ud800\\ud800\"}".to_string(),
        "{\"v\":\"\\udc00\"}".to_string(),
        "{\"v\":\"\\u12\"}".to_string(),
    ];
    for json in &documents {
        for data_type in TYPES {
            let (mut strict, mut chunk) = reader(&[("v", data_type)], STRICT);
            let rows = read_one(&mut strict, Payload::Text(json), &mut chunk);
            assert_eq!(chunk.rows, rows.unwrap_or(0));
            let (mut lenient, mut chunk) = reader(&[("v", data_type)], LENIENT);
            assert_eq!(
                read_one(&mut lenient, Payload::Text(json), &mut chunk),
                Ok(chunk.rows)
            );
        }
    }
}
