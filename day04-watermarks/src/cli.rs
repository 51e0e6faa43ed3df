//! The command line of day 4: that of day 3, and how far orders may be out of order.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::cli::{InputArgs, parse, say};
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

/// Counts and sums orders per merchant_id and window of event time, also if they arrive out of order.
#[derive(Debug, clap::Parser)]
#[command(name = "day04-watermarks", version)]
#[command(after_help = "Watermarks:
  The watermark of a partition is its latest ts less --delay, and a task goes by the slowest of its
  partitions. A partition that has been silent for --idle-timeout is not waited for. A window closes
  when the watermark reaches its end, and at the end of the input. An order that arrives after that
  is late. Late orders are counted and reported, but are not in the result. Results do not depend on
  --workers, and if no order is late they do not depend on --sources either.

Late orders:
  With --lateness a closed window still takes orders for that long. Each of them makes the window
  fire again, with its whole result, which replaces the one before. Orders that arrive later still
  are lost. --late FILE writes them to a file, which can be read again as an input.

Does no window close? The status line names the partition that holds the watermark back, and the
reason. After Ctrl-C a table shows all partitions: the latest ts of each, how many records wait, how
long it has had no order, and how many of its records had no ts. A partition whose clock is wrong
closes all windows too early; --max-ahead refuses its orders, if the timestamps that Kafka keeps
with its records are right: by default the producer's clock makes them too (CreateTime).

Orders: {\"merchant_id\":\"m-7\",\"amount\":12.50,\"ts\":1767225600000}, ts in milliseconds since 1970

Examples:
  day04-watermarks                                            fifteen orders, row by row
  day04-watermarks --delay 0s                                 a million, none out of order: what is lost?
  day04-watermarks --delay 0s --lateness 10s --late lost.json nothing is lost, some rows come twice
  day04-watermarks --window hop:1m/10s --file orders.json     windows of all kinds, as on day 3
  day04-watermarks --brokers localhost:9092 --format json     rows as windows close, until Ctrl-C

Rows of csv and json are printed while the program runs: of an input that has an end, in the order
of window_end, window_start and merchant_id, otherwise as their windows close.
Results go to stdout, everything else to stderr. Ctrl-C ends the run, and windows that have closed
are printed; a second Ctrl-C aborts.
Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.")]
struct Cli {
    #[command(flatten)]
    time: TimeArgs,
    #[command(flatten)]
    windows: WindowArgs,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// How watermarks are made from event time.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 4: event time")]
pub struct TimeArgs {
    /// How far the watermark is behind the latest order of a partition, and so how far an order may be behind
    /// without being late
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = not_negative, allow_hyphen_values = true)]
    pub delay: Span,
    /// How long a partition that has been read to its end may be without orders before windows no longer wait for it
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = positive)]
    pub idle_timeout: Span,
    /// How long a closed window still takes late orders; each of them makes it fire again, with the next number in
    /// the column `pane`
    #[arg(long, value_name = "TIME", value_parser = not_zero)]
    pub lateness: Option<Span>,
    /// Write orders that are late for all their windows to this file as JSON lines; on day 5 with checkpoints, to a
    /// folder
    #[arg(long, value_name = "FILE")]
    pub late: Option<PathBuf>,
    /// Treat an order as a bad record if its ts is further ahead of its partition's latest order and of the time at
    /// which its record was written
    #[arg(long, value_name = "TIME", value_parser = not_zero)]
    pub max_ahead: Option<Span>,
    /// Pause a partition that is further ahead of the slowest one until that one has caught up
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

    /// An error if late orders would be written to an input.
    pub fn check_late(&self, input: &InputArgs) -> Result<(), InputError> {
        self.late
            .iter()
            .try_for_each(|late| input.refuse_as_output(&format!("--late {}", late.display()), late))
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
        _ => Err("it must be longer than zero; to turn it off, leave the option out".to_string()),
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
        _ => Err(
            "it must be longer than zero, because a partition is silent between any two orders".to_string(),
        ),
    }
}

/// Runs the program of day 4.
pub fn main() -> ExitCode {
    match parse::<Cli>() {
        Ok(args) => exit_code(run(&args)),
        Err(code) => code,
    }
}

fn run(args: &Cli) -> Result<(), Error> {
    let (stop, interrupt) = interruptible()?;
    if std::env::args_os().len() == 1 {
        writeln!(std::io::stdout(), "{}", demo::story()?).map_err(InputError::Output)?;
        say(TRY_NEXT);
        return Ok(());
    }
    args.windows.check()?;
    args.time.check_late(&args.input)?;
    let opened = args.input.open(usize::from(args.tasks.sources))?;
    let _at_work = interrupt.begin_work();
    say(&opened.description);
    let InputArgs { source, records, .. } = &args.input;
    let mut screen = Screen::new(records.format, source.is_endless()).with_pane(args.time.lateness.is_some());
    let windows = args.windows.options(&args.tasks, &args.input, &screen);
    let options = args.time.options(windows);
    let output = WithLateFile::create(screen.printer(), args.time.late.as_deref())?;
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

    use clap::Parser;

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
