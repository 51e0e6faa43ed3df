//! What a table is connected to, and how its rows are written there.

use std::collections::BTreeMap;

use day01_consumer::kafka::ClientOption;
use day01_consumer::source::Start;
use day03_windows::time::Span;

use crate::value::write::TimeForm;

/// What a table is connected to.
#[derive(Debug, Clone, PartialEq)]
pub enum Connector {
    /// A topic.
    Kafka(Box<KafkaTable>),
    /// A file or a folder.
    Filesystem {
        /// Where.
        path: String,
        /// How rows are written, one a record.
        format: RowFormat,
    },
    /// Generated rows.
    Datagen {
        /// So many in all; none without end.
        rows: Option<u64>,
        /// So many a second; none as fast as it goes.
        rate: Option<u64>,
        /// By column what is drawn.
        fields: BTreeMap<String, Generated>,
    },
    /// Each change as a line on stdout.
    Print {
        /// What each line begins with.
        identifier: Option<String>,
    },
    /// Nothing at all.
    Blackhole,
}

impl Connector {
    /// Its name in WITH.
    pub fn name(&self) -> &'static str {
        match self {
            Connector::Kafka { .. } => "kafka",
            Connector::Filesystem { .. } => "filesystem",
            Connector::Datagen { .. } => "datagen",
            Connector::Print { .. } => "print",
            Connector::Blackhole => "blackhole",
        }
    }

    /// How its rows are written; none if nobody else reads or writes them.
    pub fn format(&self) -> Option<&RowFormat> {
        match self {
            Connector::Kafka(kafka) => Some(&kafka.format),
            Connector::Filesystem { format, .. } => Some(format),
            Connector::Datagen { .. } | Connector::Print { .. } | Connector::Blackhole => None,
        }
    }
}

/// A topic, as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaTable {
    /// Addresses.
    pub brokers: String,
    /// Options of the client, from `properties.*`.
    pub properties: Vec<ClientOption>,
    /// The topic.
    pub topic: String,
    /// Where a source starts to read.
    pub start: Start,
    /// Whether a source ends where the topic ends when it starts.
    pub bounded: bool,
    /// The consumer group, for a start at what it has committed.
    pub group: Option<String>,
    /// After how long a silent partition that is caught up counts as idle, if the table says it.
    pub idle_timeout: Option<Span>,
    /// What the transactional id of a sink begins with, if the table says it.
    pub transactional_id_prefix: Option<String>,
    /// How rows are written.
    pub format: RowFormat,
}

/// How a column of generated rows is drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Generated {
    /// One after the other, from the first to the last; the input ends with it.
    Sequence(i64, i64),
    /// Any number between these two, both included.
    Random(i64, i64),
    /// A text of so many characters.
    Text(usize),
}

/// How a row is written, as a record of a topic or of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFormat {
    /// An object.
    Json(JsonOptions),
    /// Values with a delimiter between them.
    Csv(CsvOptions),
    /// The text of the only column, as it is.
    Raw,
}

/// How JSON is read and written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct JsonOptions {
    /// A field that is not there is an error, not NULL.
    pub fail_on_missing_field: bool,
    /// A bad document drops the row, a bad field is NULL.
    pub ignore_parse_errors: bool,
    /// Where no field has the name of a column to the letter, one that has it but for case will do, as in RisingWave.
    pub any_case: bool,
    /// How times are written. They are read in every form.
    pub times: TimeForm,
}

/// How CSV is read and written. All marks are ASCII, and no two are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// A bad line drops the row, a bad field is NULL.
    pub ignore_parse_errors: bool,
    /// What stands between two fields.
    pub delimiter: u8,
    /// What stands around a field that would be misread without; none if nothing does.
    pub quote: Option<u8>,
    /// Within quotes, the character behind this one is meant as it is.
    pub escape: Option<u8>,
    /// The field that is NULL when it has no quotes.
    pub null: String,
    /// Whether the first line of a file is a header. If it is not said, a first line that holds the names of the columns is an
    /// error.
    pub header: Option<bool>,
    /// Lines that begin with `#` are comments.
    pub allow_comments: bool,
}

/// As RFC 4180 has it, with an empty field for NULL.
impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions {
            ignore_parse_errors: false,
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            null: String::new(),
            header: None,
            allow_comments: false,
        }
    }
}
