//! Connectors: which options each has, and what they come to.

use std::collections::BTreeMap;

use day01_consumer::source::Start;
use day03_windows::time::{EventTime, Span as Length};

use super::catalog::{Found, find};
use super::options::{OptionReader, no_such};
use crate::error::{Outcome, SqlError, suggest, unsupported};
use crate::parse::ast::{Name, OptionDef, Options};
use crate::plan::{Connector, FileFormat, Generated, JsonOptions, TableColumn};
use crate::value::DataType;
use crate::value::write::TimeForm;

const CONNECTORS: [&str; 5] = ["kafka", "filesystem", "datagen", "print", "blackhole"];
const KAFKA: [&str; 11] = [
    "connector",
    "topic",
    "properties.bootstrap.servers",
    "properties.group.id",
    "scan.startup.mode",
    "scan.startup.timestamp-millis",
    "scan.watermark.idle-timeout",
    "format",
    "json.fail-on-missing-field",
    "json.ignore-parse-errors",
    "json.timestamp-format.standard",
];
const FILESYSTEM: [&str; 6] = [
    "connector",
    "path",
    "format",
    "json.fail-on-missing-field",
    "json.ignore-parse-errors",
    "json.timestamp-format.standard",
];
const DATAGEN: [&str; 9] = [
    "connector",
    "number-of-rows",
    "rows-per-second",
    "fields.COLUMN.kind",
    "fields.COLUMN.start",
    "fields.COLUMN.end",
    "fields.COLUMN.min",
    "fields.COLUMN.max",
    "fields.COLUMN.length",
];
const MODES: [&str; 4] = ["earliest-offset", "latest-offset", "group-offsets", "timestamp"];

/// Arroyo says which way a table goes; here its use does.
fn common(key: &str) -> bool {
    matches!(key, "connector" | "type")
}

/// What a table is connected to.
pub(crate) fn connector(options: &Options, columns: &[TableColumn]) -> Outcome<Connector> {
    let taker = OptionReader::new(options)?;
    let kind = taker.required("a table", "connector").map_err(|error| {
        let hint = format!(
            "{}; there are: {}",
            error.hint.clone().unwrap_or_default(),
            CONNECTORS.join(", ")
        );
        error.hint(hint)
    })?;
    if let Some(option) = taker
        .get("type")
        .filter(|option| !["source", "sink"].contains(&option.value.as_str()))
    {
        return Err(no_such(option, &["source", "sink"]));
    }
    match kind.value.to_lowercase().as_str() {
        "kafka" => kafka(&taker),
        "filesystem" => filesystem(&taker),
        "datagen" => datagen(&taker, columns),
        "print" => {
            let all = ["connector", "print-identifier"];
            taker.known("print", |key| common(key) || all.contains(&key), &all)?;
            Ok(Connector::Print {
                identifier: taker.text("print-identifier"),
            })
        }
        "blackhole" => {
            taker.known("blackhole", common, &["connector"])?;
            Ok(Connector::Blackhole)
        }
        "upsert-kafka" => Err(unsupported(kind.value_span, "the connector upsert-kafka")
            .hint(format!("there are: {}", CONNECTORS.join(", ")))),
        _ => Err(no_such(kind, &CONNECTORS)),
    }
}

fn kafka(taker: &OptionReader<'_>) -> Outcome<Connector> {
    for key in [
        "key.format",
        "key.fields",
        "value.format",
        "sink.delivery-guarantee",
        "properties.security.protocol",
    ] {
        if let Some(option) = taker.get(key) {
            return Err(
                unsupported(option.key_span, &format!("the option \"{key}\"")).hint(suggest(
                    key,
                    "there are",
                    KAFKA,
                )),
            );
        }
    }
    taker.known("kafka", |key| common(key) || KAFKA.contains(&key), &KAFKA)?;
    let topic = taker.required("kafka", "topic")?.value.clone();
    let brokers = taker
        .required("kafka", "properties.bootstrap.servers")?
        .value
        .clone();
    let format = taker.required("kafka", "format")?;
    if !format.value.eq_ignore_ascii_case("json") {
        return Err(no_such(format, &["json"]));
    }
    let group = taker.text("properties.group.id");
    let start = start(taker, group.as_deref())?;
    let idle_timeout = taker.get("scan.watermark.idle-timeout").map(length).transpose()?;
    Ok(Connector::Kafka {
        brokers,
        topic,
        start,
        group,
        idle_timeout,
        json: json(taker)?,
    })
}

fn start(taker: &OptionReader<'_>, group: Option<&str>) -> Outcome<Start> {
    let millis = taker.parsed(
        "scan.startup.timestamp-millis",
        "a number of milliseconds since 1970",
    )?;
    let Some(mode) = taker.get("scan.startup.mode") else {
        return Ok(millis.map_or(Start::Earliest, Start::Timestamp));
    };
    if let (Some(option), false) = (
        taker.get("scan.startup.timestamp-millis"),
        mode.value == "timestamp",
    ) {
        return Err(SqlError::new(
            option.key_span,
            "a timestamp to start from, and another mode to start in",
        )
        .hint("'scan.startup.mode' = 'timestamp'"));
    }
    match (mode.value.as_str(), millis, group) {
        ("earliest-offset" | "earliest", ..) => Ok(Start::Earliest),
        ("latest-offset" | "latest", ..) => Ok(Start::Latest),
        ("group-offsets" | "group", _, Some(_)) => Ok(Start::Group),
        ("group-offsets" | "group", _, None) => Err(SqlError::new(
            mode.value_span,
            "a start at the offsets of a group needs the option \"properties.group.id\"",
        )),
        ("timestamp", Some(millis), _) => Ok(Start::Timestamp(millis)),
        ("timestamp", None, _) => Err(SqlError::new(
            mode.value_span,
            "a start at a timestamp needs the option \"scan.startup.timestamp-millis\"",
        )),
        ("specific-offsets", ..) => Err(unsupported(mode.value_span, "the start at specific offsets")),
        _ => Err(no_such(mode, &MODES)),
    }
}

fn length(option: &OptionDef) -> Outcome<Length> {
    let length: Result<Length, String> = option.value.to_lowercase().parse();
    match length {
        Ok(length) if length > Length(0) => Ok(length),
        Ok(_) => Err(SqlError::new(
            option.value_span,
            format!("{} has to be longer than zero", option.key),
        )),
        Err(reason) => Err(SqlError::new(option.value_span, reason)),
    }
}

fn json(taker: &OptionReader<'_>) -> Outcome<JsonOptions> {
    let options = JsonOptions {
        fail_on_missing_field: taker.flag("json.fail-on-missing-field")?,
        ignore_parse_errors: taker.flag("json.ignore-parse-errors")?,
        times: match taker.get("json.timestamp-format.standard") {
            None => TimeForm::Sql,
            Some(option) if option.value.eq_ignore_ascii_case("SQL") => TimeForm::Sql,
            Some(option) if option.value.eq_ignore_ascii_case("ISO-8601") => TimeForm::Iso8601,
            Some(option) => return Err(no_such(option, &["SQL", "ISO-8601"])),
        },
    };
    match taker.get("json.ignore-parse-errors") {
        Some(option) if options.fail_on_missing_field && options.ignore_parse_errors => Err(SqlError::new(
            option.key_span,
            "json.fail-on-missing-field and json.ignore-parse-errors exclude each other",
        )),
        _ => Ok(options),
    }
}

fn filesystem(taker: &OptionReader<'_>) -> Outcome<Connector> {
    taker.known(
        "filesystem",
        |key| common(key) || FILESYSTEM.contains(&key),
        &FILESYSTEM,
    )?;
    let path = taker.required("filesystem", "path")?;
    if path.value.trim().is_empty() {
        return Err(SqlError::new(path.value_span, "an empty path"));
    }
    let option = taker.required("filesystem", "format")?;
    let format = match option.value.to_lowercase().as_str() {
        "json" => FileFormat::Json,
        "csv" => FileFormat::Csv,
        _ => return Err(no_such(option, &["json", "csv"])),
    };
    let of_json = FILESYSTEM.iter().filter(|key| key.starts_with("json."));
    if let Some(option) = of_json
        .filter_map(|key| taker.get(key))
        .find(|_| format == FileFormat::Csv)
    {
        return Err(SqlError::new(
            option.key_span,
            format!("{} is an option of json, and the format is csv", option.key),
        ));
    }
    Ok(Connector::Filesystem {
        path: path.value.clone(),
        format,
        json: json(taker)?,
    })
}

fn datagen(taker: &OptionReader<'_>, columns: &[TableColumn]) -> Outcome<Connector> {
    let is_known = |key: &str| match key.strip_prefix("fields.").and_then(|rest| rest.rsplit_once('.')) {
        Some((_, what)) => ["kind", "start", "end", "min", "max", "length"].contains(&what),
        None => common(key) || ["number-of-rows", "rows-per-second"].contains(&key),
    };
    taker.known("datagen", is_known, &DATAGEN)?;
    let read: Vec<&TableColumn> = columns.iter().filter(|column| column.is_written()).collect();
    let names: Vec<&str> = read.iter().map(|column| column.field.name.as_str()).collect();
    for option in taker.fields() {
        let column = option
            .key
            .trim_start_matches("fields.")
            .rsplit_once('.')
            .map_or("", |(column, _)| column);
        let name = Name {
            value: column.to_string(),
            quoted: true,
            span: option.key_span,
        };
        if find(&name, names.iter().copied()) == Found::None {
            return Err(
                SqlError::new(option.key_span, format!("no column \"{column}\" to generate")).hint(suggest(
                    column,
                    "the table has",
                    names.iter().copied(),
                )),
            );
        }
    }
    let mut fields = BTreeMap::new();
    for column in read {
        if let Some(generated) = generated(taker, &column.field.name, column.field.data_type)? {
            fields.insert(column.field.name.clone(), generated);
        }
    }
    let positive = |key: &str| -> Outcome<Option<u64>> {
        match (taker.parsed(key, "a number")?, taker.get(key)) {
            (Some(0), Some(option)) => Err(SqlError::new(
                option.value_span,
                format!("{key} has to be at least 1"),
            )),
            (number, _) => Ok(number),
        }
    };
    Ok(Connector::Datagen {
        rows: positive("number-of-rows")?,
        rate: positive("rows-per-second")?,
        fields,
    })
}

/// How a column is drawn, if anything is said of it. For times, numbers are milliseconds since 1970; for BOOLEAN, 0 and 1.
fn generated(taker: &OptionReader<'_>, column: &str, data_type: DataType) -> Outcome<Option<Generated>> {
    let key = |what: &str| format!("fields.{column}.{what}");
    let number = |what: &str| taker.parsed::<i64>(&key(what), "a whole number");
    let useless = |whats: &[&str], why: &str| match whats.iter().find_map(|what| taker.get(&key(what))) {
        Some(option) => Err(SqlError::new(
            option.key_span,
            format!("{} has no meaning for {why}", option.key),
        )),
        None => Ok(()),
    };
    let kind = taker.get(&key("kind"));
    let ordered = |from: i64, to: i64, what: &str| match from <= to {
        true => Ok((from, to)),
        false => {
            let span = taker
                .get(&key(what))
                .map_or(taker.span, |option| option.value_span);
            Err(SqlError::new(
                span,
                format!("fields.{column} would go from {from} up to {to}"),
            ))
        }
    };
    match kind.map(|option| (option, option.value.as_str())) {
        Some((option, "sequence")) => {
            if data_type == DataType::Varchar || data_type == DataType::Boolean {
                return Err(SqlError::new(
                    option.value_span,
                    format!("a sequence is of numbers, and {column} is {data_type}"),
                ));
            }
            useless(&["min", "max", "length"], "a sequence")?;
            let (Some(start), Some(end)) = (number("start")?, number("end")?) else {
                return Err(SqlError::new(
                    option.value_span,
                    format!("a sequence needs fields.{column}.start and .end"),
                ));
            };
            let (start, end) = ordered(start, end, "end")?;
            Ok(Some(Generated::Sequence(start, end)))
        }
        None | Some((_, "random")) => {
            useless(&["start", "end"], "random values")?;
            if data_type == DataType::Varchar {
                useless(&["min", "max"], "a text")?;
                let length = taker.parsed(&key("length"), "a number of characters")?;
                return Ok(length.map(Generated::Text));
            }
            useless(&["length"], &data_type.to_string())?;
            let (min, max) = (number("min")?, number("max")?);
            if min.is_none() && max.is_none() {
                return Ok(None);
            }
            let (least, most) = range(data_type);
            let (min, max) = ordered(min.unwrap_or(least), max.unwrap_or(most), "max")?;
            Ok(Some(Generated::Random(min, max)))
        }
        Some((option, _)) => Err(no_such(option, &["sequence", "random"])),
    }
}

/// The least and the greatest number that is drawn for a type, where only one end of a range is given. A NUMERIC is drawn in units of
/// its last digit, of which 18 fit.
fn range(data_type: DataType) -> (i64, i64) {
    match data_type {
        DataType::Boolean => (0, 1),
        DataType::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
        DataType::Numeric(Some((precision, scale))) => {
            let most = 10_i64.pow(u32::from(precision.min(18).saturating_sub(scale))) - 1;
            (-most, most)
        }
        DataType::Timestamp | DataType::TimestampTz => (EventTime::FIRST.0, EventTime::LAST.0),
        _ => (i64::MIN, i64::MAX),
    }
}
