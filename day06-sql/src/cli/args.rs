//! The options of day 6.

use std::path::PathBuf;

use day01_consumer::cli::RecordArgs;
use day01_consumer::kafka::ClientOption;
use day01_consumer::lab::generator::GeneratorOptions;
use day02_state::cli::TaskArgs;
use day05_checkpoints::cli::{CheckpointArgs, PublishArgs};

/// Runs streaming SQL in the dialects of Flink and RisingWave.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "day06-sql", version)]
#[command(after_help = "Statements, each ended by a semicolon:
  CREATE TABLE t (…) WITH ('connector' = 'kafka', …)        or CREATE SOURCE t (…) WITH (connector = 'kafka', …)
  CREATE MATERIALIZED VIEW v AS SELECT …                    kept up to date, and shown at the end
  CREATE TABLE s WITH ('connector' = 'print') AS SELECT …   each change as a line: +I[…] -U[…] +U[…] -D[…]
  INSERT INTO s SELECT …                                    into a table with a connector
  CREATE VIEW v AS SELECT …                                 a name for a query, for those that read it
  SELECT … FROM v                                           what the view holds at the end
  EXPLAIN SELECT …                                          how it would run
Queries read tables and views: JOIN … ON, UNION ALL, WITH, GROUP BY. Windows: TUMBLE, HOP, CUMULATE.
Connectors: kafka, filesystem, datagen, print, blackhole; formats: json, csv, raw. A table is read once
for all queries, and all views show the same epoch (--checkpoint-interval).

Examples:
  day06-sql                                  the demo: two programs, one of Flink and one of RisingWave
  day06-sql -f orders.sql                    against the brokers that the file names, until Ctrl-C
  day06-sql -f orders.sql --until-end        what the topics hold now
  day06-sql -f orders.sql --sandbox          generated orders in place of the brokers that the file names
  day06-sql -c \"EXPLAIN SELECT …\"

Results go to stdout, everything else to stderr. Ctrl-C ends the run with what views hold; twice
aborts. Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.")]
pub(super) struct Cli {
    #[command(flatten)]
    pub sql: SqlArgs,
    #[command(flatten)]
    pub tasks: TaskArgs,
    #[command(flatten)]
    pub checkpoints: CheckpointArgs,
    #[command(flatten)]
    pub records: RecordArgs,
    #[command(flatten)]
    pub generator: GeneratorOptions,
}

/// Which SQL, and over what.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 6: SQL")]
pub struct SqlArgs {
    /// Run the statements of this file, or of stdin with `-`
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "command")]
    pub file: Option<PathBuf>,
    /// Run these statements
    #[arg(short = 'c', long, value_name = "SQL")]
    pub command: Option<String>,
    /// Generated orders in place of every Kafka that the statements name
    #[arg(long)]
    pub sandbox: bool,
    /// An option of librdkafka for all clients, such as security.protocol=sasl_ssl; may be given several times
    #[arg(long = "kafka-option", value_name = "NAME=VALUE", conflicts_with = "sandbox")]
    pub kafka_options: Vec<ClientOption>,
    /// Stop at the ends that topics have at the start
    #[arg(long)]
    pub until_end: bool,
    /// Put together the changes of so many rows, at most: 1 gives a line for each row, as Flink prints it; without it,
    /// of as many as come at once, which are some thousands when much is waiting
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub chunk_rows: Option<u32>,
    #[command(flatten)]
    pub publish: PublishArgs,
}
