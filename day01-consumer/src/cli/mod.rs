//! The command line of day 1. Its options, its use of stdout and stderr, and its exit codes hold for all days.
//!
//! stdout carries the result and nothing else; progress and messages go to stderr. Exit code 0 means that the work
//! was done or that Ctrl-C ended it, 1 that the run failed (one line says why), 2 that the options are wrong.

mod args;
mod inherited;
mod interrupt;
mod live;
mod open;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::Error;
use crate::job::{Commit, Job};
use crate::kafka::Cluster;
use crate::lab::produce::{Target, produce};
use crate::lab::table::{self, Cell, Format};
use crate::source::{Polled, Source};

pub use args::{InputArgs, KeyArgs, RecordArgs, SourceArgs};
pub use interrupt::{AtWork, Interrupt};
pub use live::{Live, Progress, say};
pub use open::{Opened, open};

use args::{Cli, Command, ProduceArgs};

/// How long a poll waits before the loop looks at the clock and at Ctrl-C.
const WAIT: Duration = Duration::from_millis(100);
/// How many merchants the final table shows; json and csv have all of them.
pub const SHOWN: usize = 20;
/// The columns of the result.
const COLUMNS: [&str; 2] = ["merchant_id", "order_count"];

/// Runs the program of day 1.
pub fn main() -> ExitCode {
    let result = match parse::<Cli>() {
        Ok(cli) => match &cli.command {
            Some(Command::Produce(args)) => run_produce(args),
            None => run(&cli),
        },
        Err(code) => return code,
    };
    exit_code(result)
}

/// The arguments of this program.
///
/// # Errors
/// With what to exit: 0 if it was asked for help, and 1 if that cannot be printed; 2 for arguments that make no sense, of which
/// it has said so.
pub fn parse<A: Parser>() -> Result<A, ExitCode> {
    A::try_parse().map_err(|answer| match answer.print() {
        Ok(()) => ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2)),
        Err(error) => exit_code(Err(Error::Output(error))),
    })
}

/// Prints an error as one line and turns it into an exit code.
pub fn exit_code(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error @ Error::Usage(_)) => {
            say(format!("error: {error}\n\nFor more information, try '--help'."));
            ExitCode::from(2)
        }
        Err(error) => {
            say(format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Error> {
    if cli.commit != Commit::None && !cli.source.files.is_empty() {
        return Err(Error::Usage(
            "files keep no group offsets: --commit needs --brokers".to_string(),
        ));
    }
    let interrupt = Interrupt::install()?;
    let mut opened = open(&cli.source, &cli.records, &cli.generator, 1)?;
    let source = opened.sources.remove(0);
    let mut job = Job::new(source, cli.commit, cli.records.on_bad_record).with_max_key(cli.keys.max_key);
    let mut live = Live::new();
    let _at_work = interrupt.begin_work();
    say(&opened.description);

    let finished = loop {
        if interrupt.asked() {
            break false;
        }
        let polled = job.step(WAIT)?;
        for warning in job.source().warnings() {
            live.say(format!("warning: {warning}"));
        }
        if polled == Polled::End {
            break true;
        }
        live.show(|| progress(&mut job));
    };

    live.finish(&progress(&mut job));
    if !finished {
        say("interrupted: this is the count so far");
    }
    print(&job, cli.records.format)?;
    if opened.sandbox.is_some() && finished {
        say(TRY_NEXT);
    }
    Ok(())
}

const TRY_NEXT: &str = "
try next:
  cargo run --release -p day01-consumer -- --format csv | head           every merchant, for a program
  cargo run --release -p day01-consumer -- --bad 0.001                   stops at the first bad record
  cargo run --release -p day01-consumer -- --brokers localhost:9092      the same from a real Kafka
  cargo run --release -p day01-consumer -- --help                        all options";

/// What a person wants to see while the job runs.
fn progress<S: Source>(job: &mut Job<S>) -> Progress {
    Progress {
        counted: job.counted(),
        skipped: job
            .skipped()
            .iter()
            .map(|(reason, count)| (reason.to_string(), *count))
            .collect(),
        status: Vec::new(),
        lag: job
            .source()
            .splits()
            .iter()
            .map(|split| (split.name.clone(), split.lag()))
            .collect(),
        columns: COLUMNS.map(str::to_string).to_vec(),
        top: job.counts().top(10).into_iter().map(row).collect(),
    }
}

fn row((merchant, count): (&str, u64)) -> Vec<Cell> {
    vec![Cell::from(merchant), Cell::from(count)]
}

/// The result: all merchants by name, or for a table the largest first.
fn print<S: Source>(job: &Job<S>, format: Format) -> Result<(), Error> {
    let rows: Vec<Vec<Cell>> = match format {
        Format::Table => job.counts().top(SHOWN).into_iter().map(row).collect(),
        Format::Json | Format::Csv => job.counts().sorted().into_iter().map(row).collect(),
    };
    print_merchants(format, &COLUMNS, rows, job.counts().len())
}

/// Prints merchants, a row each, and says how many more there are.
pub fn print_merchants(
    format: Format,
    columns: &[&str],
    rows: Vec<Vec<Cell>>,
    all: usize,
) -> Result<(), Error> {
    let hidden = all - rows.len();
    table::print(format, columns, rows)?;
    if hidden > 0 {
        say(format!(
            "and {hidden} more merchants; --format csv or json prints all"
        ));
    }
    Ok(())
}

fn run_produce(args: &ProduceArgs) -> Result<(), Error> {
    let target = match (&args.brokers, &args.file) {
        (Some(brokers), None) => Target::Topic {
            cluster: Cluster::new(brokers, &args.kafka_options)?,
            topic: args.topic.clone(),
            partitions: args.partitions,
            key: args.key,
        },
        (None, Some(path)) if path.as_os_str() != "-" => Target::File(path.clone()),
        _ => Target::Stdout,
    };
    let interrupt = Interrupt::install()?;
    if let Target::Topic { cluster, .. } = &target {
        say(format!("connecting to {cluster} (Kafka)"));
    }
    let _at_work = interrupt.begin_work();
    let written = produce(&args.generator, &target, &|| interrupt.asked())?;
    let to = match &target {
        Target::Topic { cluster, topic, .. } => format!("topic {topic} at {cluster}"),
        Target::File(path) => path.display().to_string(),
        Target::Stdout => "stdout".to_string(),
    };
    say(format!("wrote {} orders to {to}", indicatif::HumanCount(written)));
    Ok(())
}
