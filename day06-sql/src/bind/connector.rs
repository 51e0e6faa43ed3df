//! Connectors: which options each has, and what they come to.

use std::collections::BTreeMap;

use day01_consumer::kafka::ClientOption;
use day01_consumer::source::Start;
use day03_windows::time::Span as Length;

use super::datagen::datagen;
use super::format::{FORMAT, declared, format};
use super::options::{Declared, OptionReader, no_such, parsed};
use crate::error::{Outcome, SqlError, unsupported};
use crate::parse::ast::{OptionDef, Options};
use crate::plan::{Connector, KafkaTable, RowFormat, TableColumn};

const CONNECTORS: [&str; 5] = ["kafka", "filesystem", "datagen", "print", "blackhole"];
/// Those that the engines have besides.
const ELSEWHERE: [&str; 33] = [
    "azblob",
    "cassandra",
    "clickhouse",
    "deltalake",
    "delta",
    "dynamodb",
    "elasticsearch",
    "elasticsearch-7",
    "faker",
    "filesystem_s3",
    "fluvio",
    "gcs",
    "google_pubsub",
    "hive",
    "iceberg",
    "impulse",
    "jdbc",
    "kinesis",
    "mongodb",
    "mongodb-cdc",
    "mqtt",
    "mysql-cdc",
    "nats",
    "nexmark",
    "posix_fs",
    "postgres-cdc",
    "preview",
    "pulsar",
    "redis",
    "s3",
    "single_file",
    "upsert-kafka",
    "websocket",
];

const KAFKA: Declared = Declared {
    owner: "kafka",
    options: &[
        ("topic", &[]),
        (
            "properties.bootstrap.servers",
            &["properties.bootstrap.server", "bootstrap_servers"],
        ),
        ("properties.group.id", &["group.id", "source.group_id"]),
        ("scan.startup.mode", &["source.offset"]),
        (
            "scan.startup.timestamp-millis",
            &["scan.startup.timestamp.millis"],
        ),
        ("scan.startup.specific-offsets", &[]),
        ("scan.bounded.mode", &[]),
        ("scan.watermark.idle-timeout", &[]),
        ("sink.transactional-id-prefix", &[]),
        ("properties.*", &[]),
    ],
    elsewhere: &[
        "aws.*",
        "broker.rewrite.endpoints",
        "client_configs.*",
        "group.id.prefix",
        "key.fields",
        "key.fields-prefix",
        "max.packet.bytes",
        "privatelink.*",
        "scan.bounded.specific-offsets",
        "scan.bounded.timestamp-millis",
        "scan.topic-partition-discovery.interval",
        "scan.watermark.alignment.group",
        "scan.watermark.alignment.max-drift",
        "scan.watermark.alignment.update-interval",
        "scan.watermark.emit.on-event.gap",
        "scan.watermark.emit.strategy",
        "schema_registry.*",
        "sink.buffer-flush.interval",
        "sink.buffer-flush.max-rows",
        "sink.commit_mode",
        "sink.delivery-guarantee",
        "sink.key_field",
        "sink.partitioner",
        "sink.semantic",
        "sink.timestamp_field",
        "sink.transaction-naming-strategy",
        "source.group_id_prefix",
        "source.read_mode",
        "topic-pattern",
        "value.fields-include",
        "value_subject",
    ],
};
const FILESYSTEM: Declared = Declared {
    owner: "filesystem",
    options: &[("path", &[])],
    elsewhere: &[
        "auto-compaction",
        "compaction.*",
        "compression_format",
        "match_pattern",
        "partition.default-name",
        "sink.partition-commit.*",
        "sink.rolling-policy.*",
        "sink.shuffle-by-partition.enable",
        "source.monitor-interval",
        "source.path.regex-pattern",
        "source.report-statistics",
    ],
};
const PRINT: Declared = Declared {
    owner: "print",
    options: &[("print-identifier", &[])],
    elsewhere: &["standard-error"],
};
const BLACKHOLE: Declared = Declared {
    owner: "blackhole",
    options: &[],
    elsewhere: &[],
};

/// What a table is connected to.
pub(crate) fn connector(options: &Options, columns: &[TableColumn]) -> Outcome<Connector> {
    let options = OptionReader::new(options);
    let there_are = || format!("there are: {}", CONNECTORS.join(", "));
    let Some(kind) = options.get("connector") else {
        let hint = format!("WITH ('connector' = '…', …); {}", there_are());
        return Err(SqlError::new(options.span, "a table needs the option \"connector\"").hint(hint));
    };
    if let Some(option) = options.get("type")
        && !["source", "sink"].contains(&option.value.as_str())
    {
        return Err(no_such(option, &["source", "sink"]));
    }
    match kind.value.to_lowercase().as_str() {
        "kafka" => kafka(&options, columns),
        "filesystem" => filesystem(&options, columns),
        "datagen" => datagen(&options, columns),
        "print" => {
            options.check(&[&PRINT])?;
            let identifier = options.get("print-identifier");
            Ok(Connector::Print {
                identifier: identifier.map(|option| option.value.clone()),
            })
        }
        "blackhole" => {
            options.check(&[&BLACKHOLE])?;
            Ok(Connector::Blackhole)
        }
        other if ELSEWHERE.contains(&other) => {
            Err(unsupported(kind.value_span, &format!("the connector {other}")).hint(there_are()))
        }
        _ => Err(no_such(kind, &CONNECTORS)),
    }
}

fn kafka(options: &OptionReader<'_>, columns: &[TableColumn]) -> Outcome<Connector> {
    let get = |key| options.get_of(&KAFKA, key);
    options.check(&[&KAFKA, &FORMAT, declared(options)?])?;
    let properties = properties(options)?;
    let topic = options.required(&KAFKA, "topic")?.value.clone();
    let brokers = options
        .required(&KAFKA, "properties.bootstrap.servers")?
        .value
        .clone();
    let mut format = format(options, &KAFKA, columns)?;
    if let RowFormat::Csv(csv) = &mut format {
        if let (Some(true), Some(option)) = (csv.header, options.get("csv.ignore-first-line")) {
            let said = "a topic has no first line: its records are rows, each by itself";
            return Err(SqlError::new(option.key_span, said));
        }
        csv.header = Some(false);
    }
    let group = get("properties.group.id").map(|option| option.value.clone());
    Ok(Connector::Kafka(Box::new(KafkaTable {
        brokers,
        properties,
        topic,
        start: start(options, group.as_deref())?,
        bounded: bounded(options)?,
        group,
        idle_timeout: get("scan.watermark.idle-timeout").map(length).transpose()?,
        transactional_id_prefix: get("sink.transactional-id-prefix").map(|option| option.value.clone()),
        format,
    })))
}

/// Options of the client. Those of Java's client that librdkafka has under another name are not guessed at.
fn properties(options: &OptionReader<'_>) -> Outcome<Vec<ClientOption>> {
    let mut properties = Vec::new();
    for (name, option) in options.beginning("properties.") {
        let reason = match name {
            "bootstrap.servers" | "bootstrap.server" | "group.id" => continue,
            "metadata.broker.list" => {
                Some("properties.bootstrap.servers says where the brokers are".to_string())
            }
            "auto.offset.reset" => Some("scan.startup.mode says where a source starts".to_string()),
            _ => {
                let property = ClientOption::new(name, &option.value);
                let checked = property.check();
                properties.push(property);
                checked.err()
            }
        };
        if let Some(reason) = reason {
            return Err(SqlError::new(
                option.key_span,
                format!("{}: {reason}", option.key),
            ));
        }
    }
    Ok(properties)
}

fn start(options: &OptionReader<'_>, group: Option<&str>) -> Outcome<Start> {
    const MODES: [&str; 5] = [
        "earliest-offset",
        "latest-offset",
        "group-offsets",
        "timestamp",
        "specific-offsets",
    ];
    let get = |key| options.get_of(&KAFKA, key);
    let (millis, offsets) = (
        get("scan.startup.timestamp-millis"),
        get("scan.startup.specific-offsets"),
    );
    let at = |option: &OptionDef| parsed(option, "a number of milliseconds since 1970").map(Start::Timestamp);
    let Some(mode) = get("scan.startup.mode") else {
        return match (millis, offsets) {
            (Some(millis), _) => at(millis),
            (None, Some(offsets)) => specific(offsets),
            (None, None) => Ok(Start::Earliest),
        };
    };
    let value = mode.value.to_lowercase();
    for (option, of_mode) in [(millis, "timestamp"), (offsets, "specific-offsets")] {
        if let Some(option) = option
            && value != of_mode
        {
            let said = format!(
                "{} says where to start, and 'scan.startup.mode' does, too",
                option.key
            );
            return Err(
                SqlError::new(option.key_span, said).hint(format!("'scan.startup.mode' = '{of_mode}'"))
            );
        }
    }
    let needs = |what: &str, key: &str| -> Outcome<Start> {
        let said = format!("a start at {what} needs the option \"{key}\"");
        Err(SqlError::new(mode.value_span, said))
    };
    match value.as_str() {
        "earliest-offset" | "earliest" => Ok(Start::Earliest),
        "latest-offset" | "latest" => Ok(Start::Latest),
        "group-offsets" | "group" if group.is_some() => Ok(Start::Group),
        "group-offsets" | "group" => needs("the offsets of a group", "properties.group.id"),
        "timestamp" => millis.map_or_else(|| needs("a timestamp", "scan.startup.timestamp-millis"), at),
        "specific-offsets" => offsets.map_or_else(
            || needs("specific offsets", "scan.startup.specific-offsets"),
            specific,
        ),
        _ => Err(no_such(mode, &MODES)),
    }
}

/// `partition:0,offset:42;partition:1,offset:300`. A partition that is not named is read from its beginning.
fn specific(option: &OptionDef) -> Outcome<Start> {
    let pair = |text: &str| -> Option<(i32, i64)> {
        let (partition, offset) = text.trim().split_once(',')?;
        let partition = partition.trim().strip_prefix("partition:")?.trim().parse().ok()?;
        let offset = offset.trim().strip_prefix("offset:")?.trim().parse().ok()?;
        (partition >= 0 && offset >= 0).then_some((partition, offset))
    };
    let pairs: Vec<&str> = option
        .value
        .split(';')
        .filter(|text| !text.trim().is_empty())
        .collect();
    let offsets: Option<BTreeMap<i32, i64>> = pairs.iter().map(|text| pair(text)).collect();
    match offsets.filter(|offsets| offsets.len() == pairs.len() && !offsets.is_empty()) {
        Some(offsets) => Ok(Start::At(offsets)),
        None => Err(SqlError::new(
            option.value_span,
            format!("{} has an offset for each partition, once", option.key),
        )
        .hint("'partition:0,offset:42;partition:1,offset:300'")),
    }
}

fn bounded(options: &OptionReader<'_>) -> Outcome<bool> {
    let Some(option) = options.get("scan.bounded.mode") else {
        return Ok(false);
    };
    match option.value.to_lowercase().as_str() {
        "unbounded" => Ok(false),
        "latest-offset" => Ok(true),
        mode @ ("group-offsets" | "timestamp" | "specific-offsets") => {
            Err(unsupported(option.value_span, &format!("an end at {mode}")))
        }
        _ => Err(no_such(option, &["unbounded", "latest-offset"])),
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

fn filesystem(options: &OptionReader<'_>, columns: &[TableColumn]) -> Outcome<Connector> {
    options.check(&[&FILESYSTEM, &FORMAT, declared(options)?])?;
    let path = options.required(&FILESYSTEM, "path")?;
    if path.value.trim().is_empty() {
        return Err(SqlError::new(path.value_span, "an empty path"));
    }
    if let Some((scheme, _)) = path
        .value
        .split_once("://")
        .filter(|(scheme, _)| *scheme != "file")
    {
        return Err(unsupported(path.value_span, &format!("a path of {scheme}://"))
            .hint("a path is a file or a folder of this machine, also as file:///…"));
    }
    Ok(Connector::Filesystem {
        path: path.value.clone(),
        format: format(options, &FILESYSTEM, columns)?,
    })
}
