//! The options of day 1. Later days flatten [`InputArgs`] into their own.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::builder::NonEmptyStringValueParser as NotEmpty;

use crate::Error;
use crate::job::{Commit, OnBadRecord};
use crate::kafka::{ClientOption, Cluster};
use crate::lab::generator::GeneratorOptions;
use crate::lab::produce::Key;
use crate::lab::table::Format;
use crate::source::Start;

/// Counts orders per merchant_id, from a Kafka topic, from JSON-lines files, or (without arguments) from a broker inside
/// this process that is fed with generated orders.
#[derive(Debug, clap::Parser)]
#[command(name = "day01-consumer", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  day01-consumer                                          the demo, nothing to install
  day01-consumer --brokers localhost:9092 --until-end     count what a topic holds now
  day01-consumer --file orders.json --format csv          one row per merchant
  day01-consumer produce --brokers localhost:9092         fill a topic with generated orders

Results go to stdout, everything else to stderr. Ctrl-C ends the run and prints the count so far;
a second Ctrl-C aborts.
Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage.")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub records: RecordArgs,
    #[command(flatten)]
    pub keys: KeyArgs,
    /// Commit offsets to the broker before a batch is counted (a crash loses it) or after (a crash doubles it)
    #[arg(long, value_enum, default_value_t, help_heading = "Day 1: offsets by hand")]
    pub commit: Commit,
    #[command(flatten)]
    pub generator: GeneratorOptions,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write generated orders to a topic, a file or stdout
    Produce(ProduceArgs),
}

/// What later days take over: what is read, what happens to it, and what is generated if there is nothing to read.
#[derive(Debug, Clone, clap::Args)]
pub struct InputArgs {
    /// Where records come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// What happens to them and to results.
    #[command(flatten)]
    pub records: RecordArgs,
    /// By what they are counted.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// What is generated.
    #[command(flatten)]
    pub generator: GeneratorOptions,
}

/// Where records come from.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 1: where records come from")]
pub struct SourceArgs {
    /// Read from this Kafka
    #[arg(long, value_name = "HOST:PORT[,…]", value_parser = NotEmpty::new())]
    pub brokers: Option<String>,
    /// A librdkafka option for all clients, such as security.protocol=sasl_ssl; repeatable
    #[arg(long = "kafka-option", value_name = "NAME=VALUE", requires = "brokers")]
    pub kafka_options: Vec<ClientOption>,
    /// The topic to read
    #[arg(long, value_name = "NAME", default_value = "orders", value_parser = NotEmpty::new())]
    pub topic: String,
    /// Read JSON lines from this file or folder, plain or gzip, or from stdin with `-`; repeatable
    #[arg(long = "file", value_name = "PATH", conflicts_with = "brokers")]
    pub files: Vec<PathBuf>,
    /// Start at: earliest, latest, group (where the group has committed), timestamp:2026-01-01T00:00:00Z, or an offset
    /// for each partition like 0=12,1=40 [default: earliest]
    #[arg(long, value_name = "WHERE")]
    pub from: Option<Start>,
    /// Stop at the end offsets that the partitions have at the start
    #[arg(long)]
    pub until_end: bool,
    /// The consumer group that --from group reads; day 1 also commits to it
    #[arg(long, value_name = "NAME", default_value = "thirty-days", value_parser = NotEmpty::new())]
    pub group: String,
}

impl SourceArgs {
    /// The Kafka that the options name, if they name one.
    pub fn cluster(&self) -> Result<Option<Cluster>, Error> {
        let cluster = |brokers: &String| Cluster::new(brokers, &self.kafka_options);
        self.brokers.as_ref().map(cluster).transpose()
    }

    /// Whether the input never ends by itself.
    pub fn is_endless(&self) -> bool {
        self.brokers.is_some() && !self.until_end
    }
}

/// What happens to records and results.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 1: records and results")]
pub struct RecordArgs {
    /// What to do with a bad record: end with an error that names it, or skip and count it
    #[arg(long, value_enum, default_value_t)]
    pub on_bad_record: OnBadRecord,
    /// The longest record that is accepted; a longer one, such as a file without line ends, is an error
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = byte_count)]
    pub max_record: usize,
    /// The format of the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// By what records are counted.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 1: records and results")]
pub struct KeyArgs {
    /// The longest merchant_id that is accepted; a record with a longer one is a bad record
    #[arg(long, value_name = "BYTES", default_value = "64KiB", value_parser = byte_count)]
    pub max_key: usize,
}

/// The largest limit for a record: of each, some copies are in memory at a time.
const LARGEST_RECORD: ByteSize = ByteSize::gib(1);

/// A number of bytes like `16MiB`.
fn byte_count(text: &str) -> Result<usize, String> {
    match text.parse::<ByteSize>() {
        Ok(size) if (1..=LARGEST_RECORD.0).contains(&size.0) => Ok(size.0 as usize),
        Ok(_) => Err(format!(
            "a limit is 1B to {}",
            LARGEST_RECORD.display().iec_short()
        )),
        Err(_) => Err("a number of bytes is written like 64KiB, 16MiB or 1GiB".to_string()),
    }
}

/// Where generated orders go.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Day 1: where orders go")]
pub(super) struct ProduceArgs {
    /// Write to this Kafka
    #[arg(long, value_name = "HOST:PORT[,…]", value_parser = NotEmpty::new())]
    pub brokers: Option<String>,
    /// A librdkafka option for all clients, such as security.protocol=sasl_ssl; repeatable
    #[arg(long = "kafka-option", value_name = "NAME=VALUE", requires = "brokers")]
    pub kafka_options: Vec<ClientOption>,
    /// The topic to write to
    #[arg(long, value_name = "NAME", default_value = "orders", value_parser = NotEmpty::new(), requires = "brokers")]
    pub topic: String,
    /// The number of partitions, if the topic has to be created
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(i32).range(1..), requires = "brokers")]
    pub partitions: i32,
    /// The key of each record
    #[arg(long, value_enum, default_value_t, requires = "brokers")]
    pub key: Key,
    /// Write JSON lines to this file, or to stdout with `-` [default: stdout]
    #[arg(long, value_name = "PATH", conflicts_with = "brokers")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub generator: GeneratorOptions,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::order::MAX_KEY;
    use crate::source::MAX_RECORD;

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_limit_has_a_unit_and_bounds() {
        let cli = Cli::parse_from(["day01-consumer"]);
        assert_eq!((cli.records.max_record, cli.keys.max_key), (MAX_RECORD, MAX_KEY));
        assert_eq!(byte_count("64KiB"), Ok(65_536));
        assert_eq!(byte_count("1GiB"), Ok(1 << 30));
        for wrong in ["", "0", "2GiB", "many", "-1", "5 apples"] {
            assert!(byte_count(wrong).is_err(), "{wrong:?}");
        }
    }
}
