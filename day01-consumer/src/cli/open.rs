//! Opens the source that the options name: files, a Kafka, or the sandbox.

use std::path::Path;
use std::sync::Arc;

use super::args::{InputArgs, RecordArgs, SourceArgs};
use super::live::say;
use crate::Error;
use crate::error::list_of;
use crate::files::{FileSource, JsonLines, refuse_as_output};
use crate::kafka::{Fetch, KafkaOptions, KafkaSource};
use crate::lab::generator::GeneratorOptions;
use crate::lab::sandbox::Sandbox;
use crate::source::{Share, Source, Split, Start};

/// How many partitions the sandbox's topic has.
const SANDBOX_PARTITIONS: usize = 8;
/// How fast the sandbox is fed unless told otherwise: slow enough to watch.
const SANDBOX_RATE: u64 = 200_000;

/// Sources, and the broker behind them if that lives in this process.
pub struct Opened {
    /// One source for each share.
    pub sources: Vec<Box<dyn Source + Send>>,
    /// The broker inside the process, to be kept as long as the sources.
    pub sandbox: Option<Sandbox>,
    /// What is being read, in a line.
    pub description: String,
}

/// Opens what the options name, divided into so many shares: files, a Kafka, or else the sandbox with generated orders.
pub fn open(
    args: &SourceArgs,
    records: &RecordArgs,
    generator: &GeneratorOptions,
    shares: usize,
) -> Result<Opened, Error> {
    let start = args.from.clone().unwrap_or_default();
    if !args.files.is_empty() {
        let (json, max) = (Arc::new(JsonLines), records.max_record);
        let sources = FileSource::open_shares(&args.files, &start, json, max, shares)?;
        let names: Vec<String> = splits(&sources).iter().map(|split| split.name.clone()).collect();
        return Ok(Opened {
            description: format!("reading {}", list_of(&names)),
            sources,
            sandbox: None,
        });
    }
    let (cluster, sandbox) = match args.cluster()? {
        Some(cluster) => (cluster, None),
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
            (sandbox.brokers().into(), Some(sandbox))
        }
    };
    let what = match sandbox {
        Some(_) => "generated orders in the sandbox, a Kafka broker inside this process",
        None => "Kafka",
    };
    say(format!("connecting to {cluster} ({what})"));
    let options = KafkaOptions {
        cluster,
        topic: args.topic.clone(),
        group: args.group.clone(),
        start,
        // The sandbox ends when all its orders have been read, not where it ends now.
        until_end: args.until_end && sandbox.is_none(),
        fetch: Fetch::Batch,
    };
    let sources = open_each(shares, || {
        let source = KafkaSource::open(options.clone())?.with_max_record(records.max_record);
        Ok(match &sandbox {
            Some(sandbox) => Box::new(sandbox.source(source)),
            None => Box::new(source),
        })
    })?;
    Ok(Opened {
        description: format!(
            "reading topic {}, {} partitions",
            args.topic,
            splits(&sources).len()
        ),
        sources,
        sandbox,
    })
}

impl InputArgs {
    /// The same of these options.
    pub fn open(&self, shares: usize) -> Result<Opened, Error> {
        open(&self.source, &self.records, &self.generator, shares)
    }

    /// An error if a file that is read, or a folder, is also written to. `written` is how a person wrote the output.
    pub fn refuse_as_output(&self, written: &str, output: &Path) -> Result<(), Error> {
        refuse_as_output(&self.source.files, written, output)
    }
}

/// Opens a source for each share, and leaves it nothing else.
fn open_each(
    shares: usize,
    open: impl Fn() -> Result<Box<dyn Source + Send>, Error>,
) -> Result<Vec<Box<dyn Source + Send>>, Error> {
    (0..shares)
        .map(|index| {
            let mut source = open()?;
            source.share(Share { index, of: shares });
            Ok(source)
        })
        .collect()
}

/// The splits of all sources, by rising partition number.
fn splits(sources: &[Box<dyn Source + Send>]) -> Vec<&Split> {
    let mut splits: Vec<&Split> = sources.iter().flat_map(|source| source.splits()).collect();
    splits.sort_by_key(|split| split.partition);
    splits
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::Cli;
    use super::*;

    /// What `shares` sources are opened by these options.
    fn opened(options: &[&str], shares: usize) -> Result<Opened, Error> {
        let cli = Cli::parse_from([&["day01-consumer"], options].concat());
        open(&cli.source, &cli.records, &cli.generator, shares)
    }

    /// The numbers of the splits of each source.
    fn numbers(opened: &Opened) -> Vec<Vec<i32>> {
        let numbers = |splits: &[Split]| splits.iter().map(|split| split.partition).collect();
        opened
            .sources
            .iter()
            .map(|source| numbers(source.splits()))
            .collect()
    }

    #[test]
    fn each_share_of_the_files_has_a_source_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ["a", "b", "c"].map(|name| folder.path().join(name).display().to_string());
        for file in &files {
            std::fs::write(file, "").expect("a file");
        }
        let [a, b, c] = files.each_ref().map(String::as_str);
        let from = |from| opened(&["--file", a, "--file", b, "--file", c, "--from", from], 2);
        // A start is checked against all files, before they are shared.
        for start in ["earliest", "0=0,1=0,2=0"] {
            let opened = from(start).expect("three files");
            assert_eq!(numbers(&opened), [vec![0, 2], vec![1]]);
            assert_eq!(opened.description, format!("reading {a}, {b}, {c}"));
        }
        assert!(matches!(from("3=0"), Err(Error::Usage(_))));
    }

    #[test]
    fn a_folder_of_many_files_is_described_in_a_line() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..40 {
            std::fs::write(folder.path().join(format!("{number:02}")), "").expect("a file");
        }
        let path = folder.path().display().to_string();
        let opened = opened(&["--file", &path], 2).expect("files");
        let said = opened.description;
        assert!(said.ends_with("09, and 30 more"), "{said}");
    }

    #[test]
    fn each_share_of_the_sandbox_has_a_source_of_its_own() {
        let opened = opened(&["--orders", "1"], 3).expect("a sandbox");
        assert_eq!(numbers(&opened), [vec![0, 3, 6], vec![1, 4, 7], vec![2, 5]]);
        assert_eq!(opened.description, "reading topic orders, 8 partitions");
    }
}
