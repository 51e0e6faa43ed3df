//! From options to a source that is ready to read.

use super::args::SourceArgs;
use super::live::say;
use crate::Error;
use crate::files::FileSource;
use crate::kafka::{Fetch, KafkaOptions, KafkaSource};
use crate::lab::generator::GeneratorOptions;
use crate::lab::sandbox::Sandbox;
use crate::source::{Source, Start};

/// How many partitions the sandbox's topic has.
const SANDBOX_PARTITIONS: usize = 8;
/// How fast the sandbox is fed unless told otherwise: slow enough to watch.
const SANDBOX_RATE: u64 = 200_000;

/// A source, and the broker behind it if that lives in this process.
pub struct Opened {
    /// The source.
    pub source: Box<dyn Source + Send>,
    /// The broker inside the process. It wants to know how far the source has been read.
    pub sandbox: Option<Sandbox>,
    /// What is being read, in a line.
    pub description: String,
}

/// Opens what the options name: files, a Kafka, or else the sandbox with generated orders.
pub fn open(args: &SourceArgs, generator: &GeneratorOptions) -> Result<Opened, Error> {
    let start = args.from.clone().unwrap_or_default();
    if !args.files.is_empty() {
        let source = FileSource::open(&args.files, &start)?;
        let names: Vec<&str> = source.splits().iter().map(|split| split.name.as_str()).collect();
        return Ok(Opened {
            description: format!("reading {}", names.join(", ")),
            source: Box::new(source),
            sandbox: None,
        });
    }
    let (brokers, sandbox) = match &args.brokers {
        Some(brokers) => (brokers.clone(), None),
        None if start != Start::Earliest => {
            return Err(Error::Usage(
                "the sandbox is new and empty: --from needs --brokers or --file".to_string(),
            ));
        }
        None => {
            let options = GeneratorOptions {
                rate: generator.rate.or(Some(SANDBOX_RATE)),
                ..generator.clone()
            };
            let sandbox = Sandbox::start(&args.topic, SANDBOX_PARTITIONS, options)?;
            (sandbox.brokers(), Some(sandbox))
        }
    };
    let what = match sandbox {
        Some(_) => "generated orders in the sandbox, a Kafka broker inside this process",
        None => "Kafka",
    };
    say(format!("connecting to {brokers} ({what})"));
    let source = KafkaSource::open(KafkaOptions {
        brokers,
        topic: args.topic.clone(),
        group: args.group.clone(),
        start,
        // The sandbox ends when all its orders have been read, not where it ends now.
        until_end: args.until_end && sandbox.is_none(),
        fetch: Fetch::Batch,
    })?;
    Ok(Opened {
        description: format!(
            "reading topic {}, {} partitions",
            args.topic,
            source.splits().len()
        ),
        source: Box::new(source),
        sandbox,
    })
}
