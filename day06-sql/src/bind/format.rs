//! The options of formats: `format`, and those that begin with its name.

use super::options::{Declared, OptionReader, flag, no_such};
use crate::error::{Outcome, SqlError, unsupported};
use crate::parse::ast::OptionDef;
use crate::plan::{CsvOptions, JsonOptions, RowFormat, TableColumn};
use crate::value::DataType;
use crate::value::write::TimeForm;

const FORMATS: [&str; 3] = ["json", "csv", "raw"];
/// Those that the engines have besides.
const ELSEWHERE: [&str; 16] = [
    "avro",
    "avro-confluent",
    "bytes",
    "canal-json",
    "debezium-avro-confluent",
    "debezium-json",
    "debezium_json",
    "maxwell-json",
    "ogg-json",
    "orc",
    "parquet",
    "protobuf",
    "protobuf-confluent",
    "raw_bytes",
    "template",
    "text",
];

pub(super) const FORMAT: Declared = Declared {
    owner: "a table",
    options: &[("format", &[])],
    elsewhere: &[
        "value.format",
        "key.format",
        "value.json.*",
        "key.json.*",
        "value.csv.*",
        "key.csv.*",
    ],
};
const JSON: Declared = Declared {
    owner: "json",
    options: &[
        ("json.fail-on-missing-field", &[]),
        ("json.ignore-parse-errors", &[]),
        ("json.timestamp-format.standard", &[]),
    ],
    elsewhere: &[
        "json.confluent_schema_registry",
        "json.confluent_schema_version",
        "json.debezium",
        "json.decode.json-parser.enabled",
        "json.encode.decimal-as-plain-number",
        "json.encode.ignore-null-fields",
        "json.include_schema",
        "json.map-null-key.literal",
        "json.map-null-key.mode",
        "json.timestamp_format",
        "json.unstructured",
        "jsonb.handling.mode",
        "schema.registry",
        "timestamp.handling.mode",
        "timestamptz.handling.mode",
    ],
};
const CSV: Declared = Declared {
    owner: "csv",
    options: &[
        ("csv.field-delimiter", &["delimiter"]),
        ("csv.quote-character", &[]),
        ("csv.disable-quote-character", &[]),
        ("csv.escape-character", &[]),
        ("csv.null-literal", &[]),
        ("csv.ignore-first-line", &[]),
        ("without_header", &[]),
        ("csv.allow-comments", &[]),
        ("csv.ignore-parse-errors", &[]),
    ],
    elsewhere: &[
        "csv.array-element-delimiter",
        "csv.write-bigdecimal-in-scientific-notation",
    ],
};
const RAW: Declared = Declared {
    owner: "raw",
    options: &[],
    elsewhere: &["raw.charset", "raw.endianness"],
};

/// What may be said of the format that the options name; of json if they name none.
pub(super) fn declared(options: &OptionReader<'_>) -> Outcome<&'static Declared> {
    let named = options.get("format").map(|option| option.value.to_lowercase());
    let declared = match named.as_deref() {
        Some("csv") => &CSV,
        Some("raw" | "raw_string") => &RAW,
        _ => &JSON,
    };
    for (other, prefix) in [(&JSON, "json."), (&CSV, "csv."), (&RAW, "raw.")] {
        if other.owner != declared.owner
            && let Some((_, option)) = options.beginning(prefix).next()
        {
            let said = format!(
                "{} is an option of {}, and the format is {}",
                option.key, other.owner, declared.owner
            );
            return Err(SqlError::new(option.key_span, said));
        }
    }
    Ok(declared)
}

/// The format that the options name.
pub(super) fn format(
    options: &OptionReader<'_>,
    connector: &Declared,
    columns: &[TableColumn],
) -> Outcome<RowFormat> {
    let option = options.required(connector, "format")?;
    match option.value.to_lowercase().as_str() {
        "json" => json(options).map(RowFormat::Json),
        "csv" => csv(options).map(RowFormat::Csv),
        "raw" | "raw_string" => raw(option, columns),
        other if ELSEWHERE.contains(&other) => {
            let what = format!("the format {other}");
            Err(unsupported(option.value_span, &what).hint(format!("there are: {}", FORMATS.join(", "))))
        }
        _ => Err(no_such(option, &FORMATS)),
    }
}

fn json(options: &OptionReader<'_>) -> Outcome<JsonOptions> {
    let ignore = options.get("json.ignore-parse-errors");
    let json = JsonOptions {
        fail_on_missing_field: flag(options.get("json.fail-on-missing-field"))?,
        ignore_parse_errors: flag(ignore)?,
        any_case: options.has_bare_keys(),
        times: match options.get("json.timestamp-format.standard") {
            None => TimeForm::Sql,
            Some(option) if option.value.eq_ignore_ascii_case("SQL") => TimeForm::Sql,
            Some(option) if option.value.eq_ignore_ascii_case("ISO-8601") => TimeForm::Iso8601,
            Some(option) => return Err(no_such(option, &["SQL", "ISO-8601"])),
        },
    };
    match ignore {
        Some(option) if json.fail_on_missing_field && json.ignore_parse_errors => Err(SqlError::new(
            option.key_span,
            "json.fail-on-missing-field and json.ignore-parse-errors exclude each other",
        )),
        _ => Ok(json),
    }
}

fn csv(options: &OptionReader<'_>) -> Outcome<CsvOptions> {
    let get = |key| options.get_of(&CSV, key);
    let usual = CsvOptions::default();
    let delimiter = get("csv.field-delimiter").map(mark).transpose()?;
    let quote = get("csv.quote-character").map(mark).transpose()?;
    let is_unquoted = flag(get("csv.disable-quote-character"))?;
    if let (true, Some(option)) = (is_unquoted, get("csv.quote-character")) {
        let said = "csv.quote-character and csv.disable-quote-character exclude each other";
        return Err(SqlError::new(option.key_span, said));
    }
    let header = get("csv.ignore-first-line")
        .map(|option| flag(Some(option)))
        .transpose()?;
    let without_header = get("without_header")
        .map(|option| flag(Some(option)))
        .transpose()?;
    let csv = CsvOptions {
        ignore_parse_errors: flag(get("csv.ignore-parse-errors"))?,
        delimiter: delimiter.unwrap_or(usual.delimiter),
        quote: quote.or(usual.quote).filter(|_| !is_unquoted),
        escape: get("csv.escape-character").map(mark).transpose()?,
        null: get("csv.null-literal").map_or(usual.null, |option| option.value.clone()),
        header: header.or(without_header.map(|without| !without)),
        allow_comments: flag(get("csv.allow-comments"))?,
    };
    let marks = [Some(csv.delimiter), csv.quote, csv.escape];
    let mut known = marks.iter().enumerate();
    if known.any(|(index, mark)| mark.is_some() && marks[..index].contains(mark)) {
        let said = "the delimiter, the quote and the escape character of csv are different ones";
        return Err(SqlError::new(options.span, said));
    }
    match get("csv.null-literal") {
        Some(option) if !is_plain(&csv) => Err(SqlError::new(
            option.value_span,
            "a text for NULL has no delimiter, quote, line end, or blank around it, and does not begin with #",
        )),
        _ => Ok(csv),
    }
}

/// Whether the text for NULL is read back as it is written, without quotes.
fn is_plain(csv: &CsvOptions) -> bool {
    let null = &csv.null;
    let is_mark =
        |byte: u8| matches!(byte, b'\n' | b'\r') || byte == csv.delimiter || Some(byte) == csv.quote;
    null.trim() == null && !null.starts_with(['#', '\u{feff}']) && !null.bytes().any(is_mark)
}

/// A single character, perhaps written as in Java.
fn mark(option: &OptionDef) -> Outcome<u8> {
    match option.value.as_bytes() {
        b"\\t" => Ok(b'\t'),
        b"\\\\" => Ok(b'\\'),
        [mark] if mark.is_ascii() && !matches!(*mark, b'\n' | b'\r' | 0) => Ok(*mark),
        _ => Err(SqlError::new(
            option.value_span,
            format!("{} is one character of ASCII, and no line end", option.key),
        )),
    }
}

fn raw(option: &OptionDef, columns: &[TableColumn]) -> Outcome<RowFormat> {
    let mut payload = columns.iter().filter(|column| column.is_written());
    match (payload.next(), payload.next()) {
        (Some(column), None) if column.field.data_type == DataType::Varchar => Ok(RowFormat::Raw),
        _ => Err(SqlError::new(
            option.value_span,
            "raw is the text of one column: a table of this format has one that is STRING (VARCHAR), besides metadata and \
             computed ones",
        )),
    }
}
