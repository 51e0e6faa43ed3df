//! The command line of day 5: that of day 4, where checkpoints are kept, and where the result goes.

mod args;
mod checkpoint_dir;
mod demo;
mod inspect;
mod log;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use day01_consumer::Error as InputError;
use day01_consumer::cli::{InputArgs, Interrupt, parse, say};
use day01_consumer::lab::table::Format as Text;
use day02_state::cli::exit_code;
use day02_state::error::Error;
use day02_state::runtime::{Mail, Stop};
use day03_windows::cli::{Screen, columns};
use day04_watermarks::cli::{say_what_is_waited_for, say_what_was_late};
use day04_watermarks::late::WithLateFile;

pub use args::{Bytes, CheckpointArgs, PublishArgs, SinkArg};
pub use checkpoint_dir::{CheckpointDir, open_store};
pub use log::CheckpointLog;

use crate::dataflow::Control;
use crate::disk::{Access, Folder};
use crate::job::{Checkpoints, Publishes, wire};
use crate::signal::Signal;
use crate::sink::SinkOptions;
use crate::sink::background::Background;
use crate::sink::files::{FileTarget, Format};
use crate::sink::kafka::{KafkaTarget, KafkaTargetOptions};
use crate::sink::postgres::{Column, PostgresOptions, PostgresTarget};
use crate::sink::target::Target;
use args::{Cli, Command};

/// Runs the program of day 5.
pub fn main() -> ExitCode {
    let args: Cli = match parse() {
        Ok(args) => args,
        Err(code) => return code,
    };
    exit_code(match &args.command {
        Some(Command::Checkpoint { command }) => inspect::run(command),
        None if args.is_demo() => demo::run(&args),
        None => run(&args),
    })
}

fn run(args: &Cli) -> Result<(), Error> {
    args.check()?;
    let stop = Stop::new();
    let mail: Arc<OnceLock<Mail<Control>>> = Arc::default();
    let interrupt = Interrupt::install_with({
        let (stop, mail) = (stop.clone(), Arc::clone(&mail));
        // With a last checkpoint, if there is anybody yet who could take one.
        move || match mail.get() {
            Some(coordinator) => coordinator.send(Signal::Suspend),
            None => stop.ask(),
        }
    })?;
    let (store, restore) = open_store(&args.checkpoints)?;
    let mut input = args.input.clone();
    if let Some(checkpoint) = &restore {
        say(format!("going on from checkpoint {}", checkpoint.id));
        // A split that the checkpoint does not know has been found since, and is read from its beginning.
        input.source.from = None;
    }
    let opened = input.open(usize::from(args.tasks.sources))?;
    say(&opened.description);
    let target = open_target(args)?;
    if let Some(publishes) = &target {
        say(format!("writing to {}", publishes.target.describe()));
    }
    let InputArgs { source, records, .. } = &args.input;
    let mut screen = Screen::new(records.format, source.is_endless())
        .with_pane(args.time.lateness.is_some())
        .with_sink(target.is_some());
    let windows = args.windows.options(&args.tasks, &args.input, &screen);
    let options = args.time.options(windows);
    // Without checkpoints, there is no epoch that late orders could go out with.
    let (late_folder, late_file) = match store {
        Some(_) => (args.time.late.as_deref(), None),
        None => (None, args.time.late.as_deref()),
    };
    let output = WithLateFile::create(screen.printer(), late_file)?;
    let words = CheckpointLog::default();
    let checkpoints = Checkpoints {
        store,
        restore,
        schedule: args.checkpoints.schedule(),
        listener: words.listener(),
        late: late_folder
            .map(|folder| open_late(folder, args.checkpoints.access()))
            .transpose()?,
        stop: stop.clone(),
    };
    let (job, slot, coordinator) = wire(opened.sources, &options, output, target, checkpoints)?;
    let _ = mail.set(coordinator);
    let _at_work = interrupt.begin_work();
    screen.run(job, &slot, &stop)?;

    let answer = slot.take();
    screen.finish(&answer)?;
    say_what_was_late(answer.stats, &options.watermarks);
    if args.checkpoints.checkpoint_dir.is_some() {
        say(words.summary());
    }
    if interrupt.asked() {
        say_what_is_waited_for(&answer.progress);
    }
    answer.stats.say_what_is_missing(interrupt.asked());
    Ok(())
}

/// A column of the result in PostgreSQL.
fn column(name: &str) -> Column {
    let (sql_type, is_key) = match name {
        "merchant_id" => ("text", true),
        "window_start" | "window_end" => ("timestamp with time zone", true),
        "order_count" | "pane" => ("bigint", false),
        _ => ("numeric", false),
    };
    Column {
        name: name.to_string(),
        sql_type,
        is_key,
    }
}

/// Where late orders are published: a folder, with a file for each checkpoint.
fn open_late(folder: &Path, access: Access) -> Result<Box<dyn Target>, Error> {
    let failed = |failure| Error::Place {
        what: "the place for late orders",
        failure,
    };
    let folder = Folder::open_as(folder, access).map_err(|error| failed(error.into()))?;
    let target = Background::start(FileTarget::new(folder, Format::Json));
    Ok(Box::new(target.map_err(|error| failed(error.into()))?))
}

/// Where the result is published; none if it is printed. What has to wait for it does so on another thread.
fn open_target(args: &Cli) -> Result<Option<Publishes>, Error> {
    let text = match (args.input.records.format, &args.sinks.sink) {
        (Text::Csv, SinkArg::File(_) | SinkArg::Kafka(_)) => Text::Csv,
        _ => Text::Json,
    };
    let failed = |failure| Error::Place {
        what: "the place for results",
        failure,
    };
    let target = match (&args.sinks.sink, args.input.source.cluster()?) {
        // What is unknown was refused.
        (SinkArg::Print | SinkArg::Unknown, _) => return Ok(None),
        (SinkArg::File(folder), _) => {
            let access = args.checkpoints.access();
            let folder = Folder::open_as(folder, access).map_err(|error| failed(error.into()))?;
            let format = match text {
                Text::Csv => Format::Csv {
                    header: Some(columns(args.time.lateness.is_some()).join(",")),
                },
                _ => Format::Json,
            };
            Background::start(FileTarget::new(folder, format))
        }
        (SinkArg::Kafka(topic), Some(cluster)) => {
            let options = KafkaTargetOptions {
                lost_marker: args.sinks.publish.lost_marker,
                ..KafkaTargetOptions::new(cluster, topic, format!("{}-to-{topic}", args.input.source.topic))
            };
            Background::start(KafkaTarget::open(options).map_err(|error| failed(error.into()))?)
        }
        (SinkArg::Postgres(url), _) => {
            let (table, topic) = (&args.sinks.sink_table, &args.input.source.topic);
            let columns = columns(args.time.lateness.is_some()).iter();
            let columns = columns.map(|name| column(name)).collect();
            let options = PostgresOptions::new(url, table, format!("{topic}-to-{table}"), columns)
                .map_err(|problem| InputError::Usage(format!("--sink postgres:URL: {problem}")))?;
            Background::start(PostgresTarget::open(options).map_err(|error| failed(error.into()))?)
        }
        (SinkArg::Kafka(_), None) => {
            return Err(InputError::Usage("--sink kafka:TOPIC needs --brokers".to_string()).into());
        }
    };
    Ok(Some(Publishes {
        text,
        target: Box::new(target.map_err(|error| failed(error.into()))?),
        options: SinkOptions {
            buffer: args.sinks.publish.sink_buffer.0,
            ..SinkOptions::default()
        },
    }))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
