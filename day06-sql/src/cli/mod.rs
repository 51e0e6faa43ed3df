//! The command line of day 6: SQL from a file or from the line, over what the SQL names or over a sandbox.

mod args;
mod current;
mod demo;
mod show;

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use day01_consumer::Error as InputError;
use day01_consumer::cli::{self, say};
use day01_consumer::lab::generator::GeneratorOptions;
use day02_state::cli::exit_code;
use day02_state::error::Error;
use day02_state::runtime::{Buffers, Stop};
use day03_windows::time::Span;
use day04_watermarks::cli::say_what_was_late;
use day04_watermarks::splits::Strategy;
use day05_checkpoints::cli::{CheckpointLog, open_store};
use day05_checkpoints::job::Checkpoints;

use crate::aggregate::Dropped;
use crate::bind::{Catalog, read};
use crate::error::SqlError;
use crate::exec::once::{answer, reads_views};
use crate::exec::open::{Inputs, check_outputs, job_name};
use crate::exec::report::WindowStats;
use crate::exec::{Options, Printed, Running, wire};
use crate::format::findings::findings;
use crate::plan::{Connector, Query, Sink, Statement};
use crate::view::View;
use args::Cli;
use current::Current;
use show::Screen;

/// How fast the sandbox is fed unless told otherwise: slow enough to watch.
const SANDBOX_RATE: u64 = 200_000;

/// Why a run has failed.
#[derive(Debug)]
enum Failed {
    /// The SQL was not understood.
    Sql(Box<SqlError>),
    /// It was, and could not be run.
    Run(Error),
}

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Failed::Run(error.into())
    }
}

/// Runs the program of day 6.
pub fn main() -> ExitCode {
    let args: Cli = match cli::parse() {
        Ok(args) => args,
        Err(code) => return code,
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Run(error)) => exit_code(Err(error)),
        Err(Failed::Sql(error)) => {
            say(error.render().trim_end());
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Cli) -> Result<(), Failed> {
    let is_demo = args.sql.file.is_none() && args.sql.command.is_none();
    if args.checkpoints.checkpoint_dir.is_some() && (is_demo || args.sql.sandbox) {
        let said =
            "the sandbox is new and empty in every run: --checkpoint-dir needs an input that is still there";
        return Err(InputError::Usage(said.to_string()).into());
    }
    let (text, origin) = match (&args.sql.file, &args.sql.command) {
        (Some(path), _) => (text_of(path)?, path.display().to_string()),
        (None, Some(command)) => (command.clone(), "command line".to_string()),
        (None, None) => return demo::run(args),
    };
    let statements = parse(&text, &origin)?;
    let current = Current::install()?;
    execute(args, &statements, &Printed::new(std::io::stdout()), &current)?;
    Ok(())
}

fn parse(text: &str, origin: &str) -> Result<Vec<Statement>, Failed> {
    read(text, origin, &mut Catalog::new()).map_err(|error| Failed::Sql(Box::new(error)))
}

fn text_of(path: &Path) -> Result<String, Error> {
    let failed = |error| InputError::File {
        path: path.to_path_buf(),
        error,
    };
    let text = match path.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        false => std::fs::read_to_string(path),
    };
    Ok(text.map_err(failed)?)
}

/// Runs statements to their end, and shows what views hold then.
fn execute(
    args: &Cli,
    statements: &[Statement],
    printed: &Printed,
    current: &Current,
) -> Result<Vec<(String, View)>, Failed> {
    let mut running: Vec<Query> = Vec::new();
    for statement in statements {
        match statement {
            Statement::Explain(query) => {
                writeln!(std::io::stdout(), "{}", query.to_string().trim_end())
                    .map_err(InputError::Output)?;
            }
            Statement::Query(query) if !reads_views(query) => running.push(query.clone()),
            Statement::Query(_) | Statement::Created(_) | Statement::Named(_) => {}
        }
    }
    let views = match running.is_empty() {
        true => Vec::new(),
        false => run_queries(args, &running, printed, current)?,
    };
    let (mut shown, mut read) = (Vec::new(), Vec::new());
    for statement in statements {
        let Statement::Query(query) = statement else {
            continue;
        };
        if reads_views(query) {
            let mut names = query.plan.views();
            names.sort_unstable();
            names.dedup();
            shown.push((names.join(", "), answer(query, &views)?));
            read.extend(names);
        }
    }
    shown.extend(
        views
            .into_iter()
            .filter(|(name, _)| !read.contains(&name.as_str())),
    );
    for (name, view) in &shown {
        if shown.len() > 1 {
            say(format!("{name}:"));
        }
        show::print(view, args.records.format)?;
    }
    if running.is_empty()
        && shown.is_empty()
        && !statements.iter().any(|one| matches!(one, Statement::Explain(_)))
    {
        say(match statements {
            [] => "nothing to run: there is no statement",
            _ => "nothing to run: there are tables, and no query",
        });
    }
    Ok(shown)
}

/// Runs queries until their inputs end, or until Ctrl-C; returns their views.
fn run_queries(
    args: &Cli,
    queries: &[Query],
    printed: &Printed,
    current: &Current,
) -> Result<Vec<(String, View)>, Failed> {
    let stop = Stop::new();
    current.begin(&stop);
    check_outputs(queries, args.checkpoints.checkpoint_dir.as_ref())?;
    let (store, restore) = open_store(&args.checkpoints)?;
    if let Some(checkpoint) = &restore {
        say(format!("going on from checkpoint {}", checkpoint.id));
    }
    let options = Options {
        workers: usize::from(args.tasks.workers),
        inputs: Inputs {
            sources: usize::from(args.tasks.sources),
            until_end: args.sql.until_end,
            sandbox: args.sql.sandbox.then(|| sandbox(args)),
            max_record: args.records.max_record,
            kafka_options: args.sql.kafka_options.clone(),
        },
        on_bad_record: args.records.on_bad_record,
        chunk_rows: args.sql.chunk_rows.map_or(usize::MAX, |rows| rows as usize),
        lost_marker: args.sql.publish.lost_marker,
        job: args
            .checkpoints
            .checkpoint_dir
            .as_ref()
            .map(job_name)
            .unwrap_or_default(),
        access: args.checkpoints.access(),
        sink_buffer: args.sql.publish.sink_buffer.0,
        buffers: Buffers::default(),
        shown_at_once: false,
    };
    if args.checkpoints.checkpoint_dir.is_none() {
        let topics = queries.iter().filter_map(|query| query.sink.topic());
        topics.for_each(|topic| {
            say(format!(
                "writing to topic {topic} without --checkpoint-dir: another run writes its rows once more"
            ));
        });
    }
    let words = CheckpointLog::default();
    let checkpoints = Checkpoints {
        store,
        restore,
        schedule: args.checkpoints.schedule(),
        listener: words.listener(),
        late: None,
        stop: stop.clone(),
    };
    let Running {
        job,
        coordinator,
        views,
        tasks,
        bounded,
        sandboxes,
        ..
    } = wire(queries, &options, printed, checkpoints)?;
    let _at_work = current.coordinated(coordinator);
    let first = views.iter().flatten().next().cloned();
    let (mut screen, board) = (Screen::new(queries.iter().any(prints), first), job.board());
    if !bounded {
        say("the input has no end: Ctrl-C stops, and shows what views hold then");
    }
    screen.run(job, &stop).map_err(Error::from)?;
    drop(sandboxes);

    screen.finish(&board);
    findings(&board.tallies()).iter().for_each(say);
    for (query, tasks) in queries.iter().zip(tasks) {
        let stats = WindowStats::of(&board, &tasks);
        say_what_is_missing(query, stats, current.was_interrupted());
    }
    if args.checkpoints.checkpoint_dir.is_some() {
        say(words.summary());
    }
    if current.was_interrupted() {
        board.progress().status.iter().for_each(say);
    }
    let named = queries
        .iter()
        .zip(views)
        .filter_map(|(query, view)| Some((query.sink.name().to_string(), view?)));
    Ok(named.collect())
}

/// Orders for the sandbox.
fn sandbox(args: &Cli) -> GeneratorOptions {
    GeneratorOptions {
        rate: args.generator.rate.or(Some(SANDBOX_RATE)),
        ..args.generator.clone()
    }
}

fn prints(query: &Query) -> bool {
    matches!(&query.sink, Sink::Table(table) if matches!(table.connector, Connector::Print { .. }))
}

/// What is in no result of a query, and why.
fn say_what_is_missing(query: &Query, stats: WindowStats, interrupted: bool) {
    let Dropped {
        late,
        late_assignments,
        behind,
        null_time,
    } = stats.dropped;
    let tables = query.plan.tables().into_iter();
    let watermark = tables
        .filter_map(|table| table.watermark)
        .max_by_key(|watermark| watermark.delay);
    let rows = day03_windows::job::WindowStats {
        late,
        late_assignments,
        behind,
        ..Default::default()
    };
    let watermarks = Strategy {
        delay: watermark.map_or(Span(0), |watermark| watermark.delay),
        ..Strategy::default()
    };
    if late > 0 {
        say_what_was_late(rows, &watermarks);
    }
    if late_assignments > late {
        say(format!(
            "{late_assignments} times, a row came late for a window, and is not in its result"
        ));
    }
    if null_time > 0 {
        say(format!("{null_time} rows without a time are in no window"));
    }
    if interrupted && query.plan.has_windows() {
        say(format!(
            "interrupted: these are the windows that have closed; what is still open is not shown (groups: {}, {} KiB)",
            stats.open,
            stats.memory.div_ceil(1_024)
        ));
    }
}

/// A title for what is shown.
fn title(what: impl fmt::Display) {
    say(format!("\n── {what}"));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
