//! The command line of day 4: that of day 3, and how far orders may be out of order.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use day01_consumer::Error as InputError;
use day01_consumer::cli::{self, RecordArgs, SourceArgs, say};
use day01_consumer::lab::generator::GeneratorOptions;
use day02_state::cli::{TaskArgs, exit_code, interruptible};
use day02_state::error::Error;
use day02_state::status::Progress;
use day03_windows::cli::{Screen, WindowArgs};
use day03_windows::job::WindowStats;
use day03_windows::time::Span;

use crate::job::{Options, wire};
use crate::lab::demo;
use crate::late::WithLateFile;
use crate::splits::Strategy;
use crate::status::HEADINGS;

/// Counts and sums orders per merchant_id and window of event time, also where they come out of order.
#[derive(Debug, clap::Parser)]
#[command(name = "day04-watermarks", version)]
#[command(after_help = "Watermarks:
  Each partition may have its orders out of order by up to --delay: none of them is late for its
  window. A window closes when every partition has had an order with a ts at its end plus the
  delay, or has been silent for --idle-timeout, or at the end of the input. What comes after that
  is late, and is counted, not printed. Results do not depend on --workers, and with orders that
  are within the delay not on --sources either.

Late orders: with --lateness a window takes orders for so long after it has closed, and comes out
again for each of them: the whole result, which replaces the one before. What comes later still is
lost, counted, and with --late FILE written down; that file can be read again as an input.

Nothing comes out? The line that says where the watermark is also names the partition that holds
it back, and why. Behind a run that ends with Ctrl-C stands a table of all partitions: how far each
has come in time, how many records wait, for how long it has had no order, and how many of its
records had no time. One whose clock is wrong closes all windows: --max-ahead refuses its orders.

Orders: {\"merchant_id\":\"m-7\",\"amount\":12.50,\"ts\":1767225600000}, ts in milliseconds since 1970

Examples:
  day04-watermarks                                            fifteen orders, row by row
  day04-watermarks --delay 0s                                 a million, none out of order: what is lost?
  day04-watermarks --delay 0s --lateness 10s --late lost.json nothing is, and some rows come twice
  day04-watermarks --window hop:1m/10s --file orders.json     windows of all kinds, as on day 3
  day04-watermarks --brokers localhost:9092 --format json     rows as windows close, until Ctrl-C

Results go to stdout, everything else to stderr. Ctrl-C ends the run with what has closed; twice
aborts. Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.")]
struct Cli {
    #[command(flatten)]
    time: TimeArgs,
    #[command(flatten)]
    windows: WindowArgs,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    records: RecordArgs,
    #[command(flatten)]
    generator: GeneratorOptions,
}

/// How event time is told.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 4: event time")]
pub struct TimeArgs {
    /// How far an order may be behind the latest one of its partition without being late
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = not_negative, allow_hyphen_values = true)]
    pub delay: Span,
    /// After how long a partition that has been read to its end and stays silent holds windows back no longer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = positive)]
    pub idle_timeout: Span,
    /// How long after its close a window takes late orders, each of which makes it come out again with a higher `pane`
    #[arg(long, value_name = "TIME", value_parser = not_zero)]
    pub lateness: Option<Span>,
    /// Write orders that are late for all their windows here, as JSON lines: to a file, on day 5 with checkpoints to a folder
    #[arg(long, value_name = "FILE")]
    pub late: Option<PathBuf>,
    /// Refuse an order whose ts is further ahead of its partition's latest one and of when its record was written
    #[arg(long, value_name = "TIME", value_parser = not_zero)]
    pub max_ahead: Option<Span>,
    /// Do not read a partition that is further ahead of the slowest one, until that has caught up
    #[arg(long, value_name = "TIME", value_parser = not_zero)]
    pub max_drift: Option<Span>,
}

impl TimeArgs {
    /// How watermarks are made.
    pub fn strategy(&self) -> Strategy {
        Strategy {
            delay: self.delay,
            idle_timeout: Some(Duration::from_millis(self.idle_timeout.0.unsigned_abs())),
            max_ahead: self.max_ahead,
            max_drift: self.max_drift,
            ..Strategy::default()
        }
    }

    /// How a job runs that makes its watermarks so.
    pub fn options(&self, windows: day03_windows::job::Options) -> Options {
        let windows = day03_windows::job::Options {
            lateness: self.lateness.unwrap_or_default(),
            late_orders: self.late.is_some(),
            ..windows
        };
        Options {
            windows,
            watermarks: self.strategy(),
        }
    }
}

fn not_zero(text: &str) -> Result<Span, String> {
    match text.parse::<Span>()? {
        span if span > Span(0) => Ok(span),
        _ => Err("it has to be longer than zero; leave the option out for none".to_string()),
    }
}

fn not_negative(text: &str) -> Result<Span, String> {
    match text.parse::<Span>()? {
        span if span >= Span(0) => Ok(span),
        span => Err(format!(
            "{span} is negative: the watermark would be ahead of every order"
        )),
    }
}

fn positive(text: &str) -> Result<Span, String> {
    match text.parse::<Span>()? {
        span if span > Span(0) => Ok(span),
        _ => Err("it has to be longer than zero: a partition is silent between any two orders".to_string()),
    }
}

/// Runs the program of day 4.
pub fn main() -> ExitCode {
    exit_code(run(&Cli::parse()))
}

fn run(args: &Cli) -> Result<(), Error> {
    let (stop, interrupt) = interruptible()?;
    if std::env::args_os().len() == 1 {
        writeln!(std::io::stdout(), "{}", demo::story()?).map_err(InputError::Output)?;
        say(TRY_NEXT);
        return Ok(());
    }
    let opened = cli::open(
        &args.source,
        &args.records,
        &args.generator,
        usize::from(args.tasks.sources),
    )?;
    let _at_work = interrupt.begin_work();
    say(&opened.description);
    let endless = args.source.brokers.is_some() && !args.source.until_end;
    let mut screen = Screen::new(args.records.format, endless).with_pane(args.time.lateness.is_some());
    let windows = args.windows.options(&args.tasks, &args.records, &screen);
    let options = args.time.options(windows);
    let output = WithLateFile::create(screen.printer(), args.time.late.as_deref())?;
    screen.begin()?;
    let (job, slot) = wire(opened.sources, &options, output, None)?;
    screen.run(job, &slot, &stop)?;

    let answer = slot.take();
    screen.finish(&answer)?;
    say_what_was_late(answer.stats, &options.watermarks);
    if interrupt.asked() {
        say_what_is_waited_for(&answer.progress);
    }
    answer.stats.say_what_is_missing(interrupt.asked());
    if opened.sandbox.is_some() && !interrupt.asked() {
        say(TRY_NEXT);
    }
    Ok(())
}

/// Says where each split is, and which of them windows wait for.
pub fn say_what_is_waited_for(progress: &Progress) {
    if !progress.details.is_empty() {
        say(HEADINGS);
        progress.details.iter().for_each(say);
    }
    progress.status.iter().for_each(say);
}

/// Says how many rows were late, and what would have kept them.
pub fn say_what_was_late(stats: WindowStats, watermarks: &Strategy) {
    if let Some(enough) = would_have_kept_all(stats, watermarks) {
        let behind = rounded_up(stats.behind);
        say(format!(
            "{} late row{}, at most {behind} behind; a delay of {enough} would have kept all",
            stats.late,
            if stats.late == 1 { "" } else { "s" },
        ));
    }
}

/// The delay with which no row would have been late; none if none was. It is longer by whole steps of the grid, with which
/// each watermark is earlier by just as much. By anything else, one that was held back to the grid might stay where it was.
pub fn would_have_kept_all(stats: WindowStats, watermarks: &Strategy) -> Option<Span> {
    let Span(behind) = rounded_up(stats.behind);
    let short_of_a_step = (-behind).rem_euclid(watermarks.grid.0);
    let longer = Span(behind).plus(Span(short_of_a_step));
    (stats.late_assignments > 0).then(|| watermarks.delay.plus(longer))
}

/// To whole seconds, or what is less than one to whole milliseconds.
fn rounded_up(span: Span) -> Span {
    match span.0 {
        millis @ ..1_000 => Span(millis),
        millis => Span::seconds(millis / 1_000 + i64::from(millis % 1_000 > 0)),
    }
}

const TRY_NEXT: &str = "
try next:
  cargo run --release -p day04-watermarks -- --delay 0s       a million orders: what is lost?
  cargo run --release -p day04-watermarks -- --disorder 20s   more disorder than the delay allows
  cargo run --release -p day04-watermarks -- --help           all options";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_options_watermarks_are_the_usual_ones() {
        let args = Cli::parse_from(["day04-watermarks"]);
        assert_eq!(args.time.strategy(), Strategy::default());
    }

    #[test]
    fn times_that_make_no_sense_are_refused() {
        assert_eq!(not_negative("5s"), Ok(Span::seconds(5)));
        assert_eq!(not_negative("0s"), Ok(Span(0)));
        assert!(not_negative("-1s").is_err());
        assert!(positive("0s").is_err());
    }

    #[test]
    fn what_is_behind_is_rounded_up() {
        let rounded = [0, 137, 1_000, 41_001].map(|millis| rounded_up(Span(millis)).to_string());
        assert_eq!(rounded, ["0s", "137ms", "1s", "42s"]);
    }
}
