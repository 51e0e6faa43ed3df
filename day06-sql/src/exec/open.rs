//! From connectors to what reads and writes.
//!
//! A job asks [`Outside`] for the sources and the targets of its tables, and does not care what is behind them. The program
//! answers with [`Connectors`]; tests and benchmarks answer with a log and a disk in memory.

use std::path::{Path, PathBuf};

use day01_consumer::Error as InputError;
use day01_consumer::files::{FileSource, local_path, refuse_as_output};
use day01_consumer::kafka::{ClientOption, Cluster, Fetch, KafkaOptions, KafkaSource};
use day01_consumer::lab::generator::GeneratorOptions;
use day01_consumer::lab::sandbox::Sandbox;
use day01_consumer::source::{Share, Source, Start};
use day02_state::error::Error;
use day02_state::keys::hash;
use day05_checkpoints::cli::CheckpointDir;
use day05_checkpoints::disk::Folder;
use day05_checkpoints::sink::background::Background;
use day05_checkpoints::sink::files::{FileTarget, Format as Lines};
use day05_checkpoints::sink::kafka::{KafkaTarget, KafkaTargetOptions, PlainKafkaTarget};
use day05_checkpoints::sink::target::Target;

use super::Options;
use crate::datagen::Datagen;
use crate::format::lines::{file_format, line_format};
use crate::plan::{Connector, Field, KafkaTable, Query, Sink, Table};

/// A file or folder that one query reads is not written to by another one, nor by checkpoints.
pub fn check_outputs(queries: &[Query], checkpoint_dir: Option<&CheckpointDir>) -> Result<(), Error> {
    let path_of = |table: &Table| match &table.connector {
        Connector::Filesystem { path, .. } => Some(PathBuf::from(path)),
        _ => None,
    };
    let tables = queries.iter().flat_map(|query| query.plan.tables());
    let inputs: Vec<PathBuf> = tables.filter_map(path_of).collect();
    if let Some(CheckpointDir::Folder(dir)) = checkpoint_dir {
        refuse_as_output(&inputs, &format!("--checkpoint-dir {}", dir.display()), dir)?;
    }
    for query in queries {
        let Sink::Table(table) = &query.sink else { continue };
        if let Some(path) = path_of(table) {
            let written = format!("{}, the path of table {},", path.display(), table.name);
            refuse_as_output(&inputs, &written, &local_path(&path)?)?;
        }
    }
    Ok(())
}

/// What tells a job that saves its checkpoints here from others that publish to the same topic. Files that are moved make
/// another job of it, which stops rather than publish twice; `sink.transactional-id-prefix` names it in their place.
pub fn job_name(dir: &CheckpointDir) -> String {
    let place = match dir {
        CheckpointDir::Folder(path) => path.canonicalize().or_else(|_| std::path::absolute(path)).ok(),
        CheckpointDir::S3(_) => None,
    };
    let place = place.map_or_else(|| dir.to_string(), |path| path.display().to_string());
    format!("{:016x}", hash(place.as_bytes()))
}

/// How many partitions the sandbox's topic has.
const SANDBOX_PARTITIONS: usize = 8;

/// A source, whatever is behind it.
pub type AnySource = Box<dyn Source + Send>;

/// How inputs are opened.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// How many sources share an input.
    pub sources: usize,
    /// Whether a topic is read only up to the end that it has now.
    pub until_end: bool,
    /// In place of any Kafka that a table names: a sandbox with such orders.
    pub sandbox: Option<GeneratorOptions>,
    /// How many bytes a record may have.
    pub max_record: usize,
    /// Options of the clients of every Kafka that a table names.
    pub kafka_options: Vec<ClientOption>,
}

impl Inputs {
    /// The options of the command line come last, and so win over those of a table.
    fn cluster(&self, kafka: &KafkaTable) -> Result<Cluster, Error> {
        let options = [&kafka.properties[..], &self.kafka_options].concat();
        Ok(Cluster::new(&kafka.brokers, &options)?)
    }
}

/// Sources over an input.
pub struct Opened {
    /// One for each share.
    pub sources: Vec<AnySource>,
    /// The broker inside the process, to be kept as long as they are read.
    pub sandbox: Option<Sandbox>,
    /// Whether they end by themselves.
    pub bounded: bool,
}

/// What stands outside of a job.
pub trait Outside {
    /// Opens a table for reading.
    fn sources(&mut self, table: &Table) -> Result<Opened, Error>;

    /// Opens a table for writing; none if rows do not have to be there exactly once. `durable` says whether there are
    /// checkpoints that a restart goes on from.
    fn target(&mut self, table: &Table, durable: bool) -> Result<Option<Box<dyn Target>>, Error>;
}

/// What the connectors of tables say.
pub struct Connectors<'a>(pub &'a Options);

impl Outside for Connectors<'_> {
    fn sources(&mut self, table: &Table) -> Result<Opened, Error> {
        open_sources(table, &self.0.inputs)
    }

    fn target(&mut self, table: &Table, durable: bool) -> Result<Option<Box<dyn Target>>, Error> {
        open_target(table, durable, self.0)
    }
}

/// Opens a table for reading.
fn open_sources(table: &Table, inputs: &Inputs) -> Result<Opened, Error> {
    let (mut sandbox, mut bounded) = (None, true);
    let sources = match &table.connector {
        Connector::Kafka(kafka) => {
            let topic = &kafka.topic;
            if let Some(generator) = &inputs.sandbox {
                sandbox = Some(Sandbox::start(topic, SANDBOX_PARTITIONS, generator.clone())?);
            }
            let until_end = inputs.until_end || kafka.bounded;
            bounded = until_end || sandbox.is_some();
            let options = KafkaOptions {
                cluster: match &sandbox {
                    Some(sandbox) => sandbox.brokers().into(),
                    None => inputs.cluster(kafka)?,
                },
                topic: topic.clone(),
                group: kafka.group.clone().unwrap_or_else(|| "thirty-days".to_string()),
                start: kafka.start.clone(),
                until_end: until_end && sandbox.is_none(),
                fetch: Fetch::Batch,
            };
            shares(inputs, || {
                let source = KafkaSource::open(options.clone())?.with_max_record(inputs.max_record);
                Ok(match &sandbox {
                    Some(sandbox) => Box::new(sandbox.source(source)),
                    None => Box::new(source),
                })
            })?
        }
        Connector::Filesystem { path, .. } => {
            let (path, of) = ([PathBuf::from(path)], inputs.sources.max(1));
            FileSource::open_shares(&path, &Start::Earliest, line_format(table), inputs.max_record, of)?
        }
        Connector::Datagen { rows, rate, fields } => {
            let written: Vec<Field> = table.payload().cloned().collect();
            let sources = shares(inputs, || {
                Ok(Box::new(Datagen::new(&written, fields, *rows, *rate, 1)?))
            })?;
            // A sequence ends too.
            let mut splits = sources.iter().flat_map(|source| source.splits());
            bounded = splits.all(|split| split.end.is_some());
            sources
        }
        Connector::Print { .. } | Connector::Blackhole => {
            let said = format!("{} has nothing that could be read", table.name);
            return Err(InputError::Usage(said).into());
        }
    };
    Ok(Opened {
        sources,
        sandbox,
        bounded,
    })
}

/// Opens a source for each share, and leaves it nothing else.
fn shares(
    inputs: &Inputs,
    open: impl Fn() -> Result<AnySource, InputError>,
) -> Result<Vec<AnySource>, Error> {
    let of = inputs.sources.max(1);
    let share = |index| {
        let mut source = open()?;
        source.share(Share { index, of });
        Ok(source)
    };
    (0..of)
        .map(share)
        .collect::<Result<_, InputError>>()
        .map_err(Error::from)
}

/// Opens a table for writing; none if rows do not have to be there exactly once. `durable` says whether there are
/// checkpoints that a restart goes on from.
fn open_target(table: &Table, durable: bool, options: &Options) -> Result<Option<Box<dyn Target>>, Error> {
    let failed = |failure| Error::Place {
        what: "the place for results",
        failure,
    };
    let target = match &table.connector {
        Connector::Kafka(kafka) => {
            let topic = &kafka.topic;
            let cluster = options.inputs.cluster(kafka)?;
            if durable {
                let own = format!("sql-{}", options.job);
                let prefix = kafka.transactional_id_prefix.as_ref().unwrap_or(&own);
                let name = format!("{prefix}-{}-to-{topic}", table.name);
                let target = KafkaTargetOptions {
                    lost_marker: options.lost_marker,
                    ..KafkaTargetOptions::new(cluster, topic, name)
                };
                Background::start(KafkaTarget::open(target).map_err(|error| failed(error.into()))?)
            } else {
                let target = PlainKafkaTarget::open(cluster, topic);
                Background::start(target.map_err(|error| failed(error.into()))?)
            }
        }
        Connector::Filesystem { path, .. } => {
            let path = local_path(Path::new(path))?;
            let folder = Folder::open_as(path, options.access).map_err(|error| failed(error.into()))?;
            Background::start(FileTarget::new(folder, file_format(table).unwrap_or(Lines::Json)))
        }
        Connector::Datagen { .. } => {
            let said = format!("{} generates rows and takes none", table.name);
            return Err(InputError::Usage(said).into());
        }
        Connector::Print { .. } | Connector::Blackhole => return Ok(None),
    };
    let target = target.map_err(|error| failed(error.into()))?;
    Ok(Some(Box::new(target)))
}
