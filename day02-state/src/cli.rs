//! The command line of day 2: that of day 1, and how many tasks, and one file to save to and to go on from.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::cli::{self, InputArgs, Interrupt, Live, parse, say};
use day01_consumer::first_of;
use day01_consumer::lab::table::{Cell, Format};

use crate::error::{Error, JobError};
use crate::job::{Answer, Options, POSITION, SOURCE, SavedState, Totals, wire};
use crate::keys::KEY_GROUPS;
use crate::operator::Failure;
use crate::order::money;
use crate::runtime::{Job, Stop, run_observed};
use crate::state::file::Snapshot;
use crate::status::{Progress, StatusBoard};

/// How often a person is shown how far a job has come.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The columns of the result.
const COLUMNS: [&str; 4] = ["merchant_id", "order_count", "amount_sum", "amount_max"];

/// Counts and sums orders per merchant_id on any number of tasks. Can be stopped, and restored from a file.
#[derive(Debug, clap::Parser)]
#[command(name = "day02-state", version)]
#[command(after_help = "Examples:
  day02-state                                                the demo, nothing to install
  day02-state --workers 2 --sources 2                        the same answer from more tasks
  day02-state --file orders.json --save state                count, and save state and positions to one file
  day02-state --file orders.json --load state --save state   restore from there: only new orders are counted
  day01-consumer produce --file orders.json                  write generated orders

Results go to stdout, everything else to stderr. Ctrl-C ends the run, and prints and saves the result
so far; a second Ctrl-C aborts.
Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.")]
struct Cli {
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// How many tasks there are.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 2: tasks")]
pub struct TaskArgs {
    /// The number of workers; each keeps the state of its share of the 128 key groups
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(KEY_GROUPS)))]
    pub workers: u16,
    /// The number of source tasks; each reads and decodes its share of the partitions or files
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=128))]
    pub sources: u16,
}

/// Where state is kept.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 2: state")]
struct StateArgs {
    /// Save state and positions to this file at the end, also after Ctrl-C
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Restore from this file, with any number of workers and sources. --from is then ignored: a partition that is
    /// not in the file is read from its beginning
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
}

/// Runs the program of day 2.
pub fn main() -> ExitCode {
    match parse::<Cli>() {
        Ok(args) => exit_code(run(&args)),
        Err(code) => code,
    }
}

/// Prints an error as one line and turns it into an exit code.
pub fn exit_code(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // A task that prints may find that nobody reads any more.
        Err(Error::Job(JobError::Failed { failure, .. })) if is_closed_pipe(&failure) => ExitCode::SUCCESS,
        Err(Error::Input(error)) => cli::exit_code(Err(error)),
        Err(error) => {
            say(format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(failure: &Failure) -> bool {
    failure.downcast_ref().is_some_and(InputError::is_closed_pipe)
}

/// A stop, and Ctrl-C, which asks for it.
pub fn interruptible() -> Result<(Stop, Interrupt), Error> {
    let stop = Stop::new();
    let interrupt = Interrupt::install_with({
        let stop = stop.clone();
        move || stop.ask()
    })?;
    Ok((stop, interrupt))
}

fn run(args: &Cli) -> Result<(), Error> {
    let (mut input, mut restore) = (args.input.clone(), None);
    if let Some(path) = &args.state.load {
        if input.source.brokers.is_none() && input.source.files.is_empty() {
            let said = "the sandbox is new and empty: --load needs --brokers or --file";
            return Err(InputError::Usage(said.to_string()).into());
        }
        let snapshot = Snapshot::read(path)?;
        say(going_on(path, &snapshot));
        restore = Some(snapshot);
        // A split that the file does not know has been found since, and is read from its beginning.
        input.source.from = None;
    }
    if let Some(path) = &args.state.save {
        input.refuse_as_output(&format!("--save {}", path.display()), path)?;
        Snapshot::check_writable(path)?;
    }
    let (stop, interrupt) = interruptible()?;
    let opened = input.open(usize::from(args.tasks.sources))?;
    let _at_work = interrupt.begin_work();
    say(&opened.description);
    let options = Options {
        workers: usize::from(args.tasks.workers),
        on_bad_record: input.records.on_bad_record,
        max_key: input.keys.max_key,
        refresh_every: Some(LOOK_EVERY),
        save: args.state.save.is_some().then(SavedState::default),
        ..Options::default()
    };
    let mut live = Live::new();
    let (job, slot) = wire(opened.sources, &options, restore.as_ref())?;
    run_watched(job, &stop, |board, warnings| {
        let top = || slot.largest().iter().take(10).map(row).collect();
        warnings.iter().for_each(|warning| live.say(warning));
        live.show(|| shown(&board.progress(), &COLUMNS, top()));
    })?;

    let answer = slot.take();
    live.finish(&shown(&answer.progress, &COLUMNS, Vec::new()));
    if interrupt.asked() {
        say("interrupted: this is the result so far");
    }
    let saved = match &args.state.save {
        Some(path) => answer
            .snapshot
            .write(path)
            .map(|()| say(format!("saved state and positions to {}", path.display()))),
        None => Ok(()),
    };
    // A result that cannot be saved can still be read.
    let printed = print(&answer, input.records.format);
    saved?;
    printed?;
    if opened.sandbox.is_some() && !interrupt.asked() {
        say(TRY_NEXT);
    }
    Ok(())
}

/// What a person should know of a snapshot before it is used.
fn going_on(path: &Path, snapshot: &Snapshot) -> String {
    let positions = snapshot.parts(SOURCE).iter().filter(|part| part.name == POSITION);
    let positions: Vec<String> = positions.map(|part| part.owner.to_string()).collect();
    format!(
        "going on from {}, with positions in {}",
        path.display(),
        first_of(&positions, 10, ", ")
    )
}

const TRY_NEXT: &str = "
try next:
  cargo run --release -p day02-state -- --workers 2 --sources 2                     the same answer from more tasks
  cargo run --release -p day01-consumer -- produce --file orders.json
  cargo run --release -p day02-state -- --file orders.json --save state             stop it with Ctrl-C, if you are quick
  cargo run --release -p day02-state -- --file orders.json --load state --workers 3
  cargo run --release -p day02-state -- --help                                      all options";

/// Runs a job for a person, who hears of how far it has come and of what has gone wrong.
pub fn run_watched(
    job: Job,
    stop: &Stop,
    mut show: impl FnMut(&StatusBoard, &[String]),
) -> Result<(), JobError> {
    run_observed(job, stop, LOOK_EVERY, |board| {
        let warnings = board.take_warnings().into_iter();
        let warnings: Vec<String> = warnings.map(|warning| format!("warning: {warning}")).collect();
        show(board, &warnings);
    })
}

/// What a person sees of how far a job has come, above a table of its rows worth seeing.
pub fn shown(progress: &Progress, columns: &[&str], top: Vec<Vec<Cell>>) -> cli::Progress {
    let skipped = progress.skipped.iter();
    cli::Progress {
        counted: progress.counted,
        skipped: skipped
            .map(|(reason, count)| (reason.to_string(), *count))
            .collect(),
        lag: progress.lag.clone().into_iter().collect(),
        status: progress.status.clone(),
        columns: columns.iter().map(ToString::to_string).collect(),
        top,
    }
}

fn row((merchant, totals): &(String, Totals)) -> Vec<Cell> {
    vec![
        Cell::from(merchant.as_str()),
        Cell::from(totals.count),
        Cell::Number(money(totals.sum)),
        Cell::Number(totals.max.to_string()),
    ]
}

/// The result: all merchants by name, or for a table the largest first.
fn print(answer: &Answer, format: Format) -> Result<(), InputError> {
    let mut merchants: Vec<&(String, Totals)> = answer.merchants.iter().collect();
    if format == Format::Table {
        merchants.sort_by_key(|(_, totals)| std::cmp::Reverse(totals.count));
        merchants.truncate(cli::SHOWN);
    }
    let rows = merchants.into_iter().map(row).collect();
    cli::print_merchants(format, &COLUMNS, rows, answer.merchants.len())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
