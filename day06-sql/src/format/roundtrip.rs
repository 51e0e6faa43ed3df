//! What a sink writes, the source of the same format reads back: random tables through files, and through records.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use day01_consumer::decode::{Payload, texts};
use day01_consumer::files::FileSource;
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Source, Start};
use day05_checkpoints::sink::files::Format;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::encode::RowWriter;
use super::lines::{file_format, line_format};
use super::testing::{reader, table};
use crate::arbitrary::{COLUMN_TYPES, readable};
use crate::chunk::{Change, Chunk};
use crate::plan::{CsvOptions, JsonOptions, RowFormat, Table};
use crate::value::write::TimeForm;
use crate::value::{DataType, Scalar};

const NAMES: [&str; 5] = ["a", "b \"c\"", "d,e", "ß", "line\nend"];

/// Texts that mean something to a format.
fn awkward() -> BoxedStrategy<Scalar> {
    let parts = vec![
        "a", " ", ",", ";", "|", "\t", "\"", "'", "\\", "#", "\n", "\r", "\r\n", "\u{feff}", "é", "null",
        "\\N", "1",
    ];
    vec(select(parts), 0..5)
        .prop_map(|parts| Scalar::Varchar(parts.concat().into()))
        .boxed()
}

fn value(data_type: DataType) -> BoxedStrategy<Scalar> {
    match data_type {
        DataType::Varchar => {
            prop_oneof![1 => Just(Scalar::Null), 6 => awkward(), 1 => readable(data_type)].boxed()
        }
        data_type => prop_oneof![1 => Just(Scalar::Null), 4 => readable(data_type)].boxed(),
    }
}

/// Columns, and rows of them.
fn rows() -> impl Strategy<Value = (Vec<(&'static str, DataType)>, Vec<Vec<Scalar>>)> {
    vec(select(COLUMN_TYPES.to_vec()), 1..=NAMES.len()).prop_flat_map(|types| {
        let row: Vec<_> = types.iter().map(|data_type| value(*data_type)).collect();
        let columns = NAMES.into_iter().zip(types).collect();
        (Just(columns), vec(row, 0..6))
    })
}

fn csv() -> impl Strategy<Value = CsvOptions> {
    (
        select(b",;|\t".to_vec()),
        select(b"\"'".to_vec()),
        select(vec![None, Some(b'\\')]),
        select(vec!["", "null", "\\N", "1"]),
        any::<[bool; 2]>(),
    )
        .prop_map(
            |(delimiter, quote, escape, null, [header, allow_comments])| CsvOptions {
                delimiter,
                quote: Some(quote),
                escape,
                null: null.to_string(),
                header: Some(header),
                allow_comments,
                ..CsvOptions::default()
            },
        )
}

fn json(times: TimeForm) -> RowFormat {
    RowFormat::Json(JsonOptions {
        fail_on_missing_field: true,
        times,
        ..JsonOptions::default()
    })
}

fn written(table: &Table, rows: &[Vec<Scalar>]) -> Vec<Vec<u8>> {
    let mut chunk = Chunk::of(table.payload().map(|field| field.data_type));
    for row in rows {
        chunk.push(Change::Insert, row).expect("rows are of these types");
    }
    let writer = RowWriter::of(table);
    writer.check(&chunk).expect("a format that holds all values");
    let row = |row| {
        let mut bytes = Vec::new();
        writer.write(&chunk, row, &mut bytes);
        bytes
    };
    (0..chunk.rows).map(row).collect()
}

/// The rows, as they come back through a file.
fn through_a_file(columns: &[(&str, DataType)], format: &RowFormat, rows: &[Vec<Scalar>]) -> Chunk {
    let table = table(columns, format.clone());
    let header = match file_format(&table) {
        Some(Format::Csv { header: Some(header) }) => format!("{header}\n").into_bytes(),
        _ => Vec::new(),
    };
    let lines = written(&table, rows)
        .into_iter()
        .map(|line| [line, b"\n".to_vec()].concat());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(
        &path,
        std::iter::once(header).chain(lines).collect::<Vec<_>>().concat(),
    )
    .expect("written");
    let paths: [PathBuf; 1] = [path];
    let source = FileSource::open_lines(&paths, &Start::Earliest, line_format(&table), 1 << 20);
    let (mut source, mut records) = (source.expect("a file"), Records::new());
    let (mut reader, mut back) = reader(columns, format.clone());
    while source.poll(&mut records, Duration::ZERO).expect("records") == Polled::Ready {
        for (record, payload) in texts(&records) {
            reader
                .read(payload, record.offset == 0, &mut back)
                .expect("a row");
        }
    }
    back
}

/// The rows, as they come back through records of a topic.
fn through_records(columns: &[(&str, DataType)], format: &RowFormat, rows: &[Vec<Scalar>]) -> Chunk {
    let (mut reader, mut back) = reader(columns, format.clone());
    for bytes in written(&table(columns, format.clone()), rows) {
        reader
            .read(Payload::from(Some(bytes.as_slice())), false, &mut back)
            .expect("a row");
    }
    back
}

/// Rows in words: equal decimals of different scales are not the same.
fn words(rows: &[Vec<Scalar>]) -> Vec<String> {
    rows.iter().map(|row| format!("{row:?}")).collect()
}

fn words_of(chunk: &Chunk) -> Vec<String> {
    words(&(0..chunk.rows).map(|row| chunk.row(row)).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn csv_is_read_back(options in csv(), (columns, rows) in rows()) {
        let format = RowFormat::Csv(options);
        prop_assert_eq!(words_of(&through_a_file(&columns, &format, &rows)), words(&rows));
        prop_assert_eq!(words_of(&through_records(&columns, &format, &rows)), words(&rows));
    }

    #[test]
    fn json_is_read_back((columns, rows) in rows(), iso in any::<bool>()) {
        let format = json(if iso { TimeForm::Iso8601 } else { TimeForm::Sql });
        prop_assert_eq!(words_of(&through_a_file(&columns, &format, &rows)), words(&rows));
        prop_assert_eq!(words_of(&through_records(&columns, &format, &rows)), words(&rows));
    }

    #[test]
    fn raw_is_read_back(texts in vec("[a \"#,\\\\é\t]{0,5}", 0..6)) {
        let columns = [("a", DataType::Varchar)];
        let rows: Vec<Vec<Scalar>> = texts.into_iter().map(|text| vec![Scalar::Varchar(text.into())]).collect();
        prop_assert_eq!(words_of(&through_a_file(&columns, &RowFormat::Raw, &rows)), words(&rows));
        prop_assert_eq!(words_of(&through_records(&columns, &RowFormat::Raw, &rows)), words(&rows));
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused_and_not_written() {
    let unquoted = RowFormat::Csv(CsvOptions {
        quote: None,
        ..CsvOptions::default()
    });
    let text = |text: &str| Scalar::Varchar(text.to_string().into());
    #[rustfmt::skip]
    let table_of = [
        (&RowFormat::Raw, Scalar::Null,  Some("raw cannot hold NULL")),
        (&RowFormat::Raw, text("a\nb"),  Some("one of several lines")),
        (&RowFormat::Raw, text("a"),     None),
        (&unquoted,       text("a,b"),   Some("csv without quotes")),
        (&unquoted,       text(""),      Some("csv without quotes")),
        (&unquoted,       text("a\"b"),  None),
        (&unquoted,       Scalar::Null,  None),
    ];
    for (format, value, wrong) in table_of {
        let mut chunk = Chunk::of([DataType::Varchar]);
        chunk
            .push(Change::Insert, std::slice::from_ref(&value))
            .expect("a text");
        let checked = RowWriter::of(&table(&[("a", DataType::Varchar)], format.clone())).check(&chunk);
        match wrong {
            None => assert!(checked.is_ok(), "{value}"),
            Some(wrong) => assert!(
                checked.expect_err("refused").to_string().contains(wrong),
                "{value}"
            ),
        }
    }
}
