//! The command line of day 3: that of days 1 and 2, and which windows.

mod screen;

use std::io::Write;
use std::process::ExitCode;

use day01_consumer::Error as InputError;
use day01_consumer::cli::{InputArgs, parse, say};
use day02_state::cli::{TaskArgs, exit_code, interruptible};
use day02_state::error::Error;

pub use screen::{Printer, Screen, columns, row};

use crate::job::{Options, wire};
use crate::lab::demo;
use crate::spec::{MAX_WINDOWS_PER_ROW, WindowSpec};

/// Counts and sums orders per merchant_id and window of event time.
#[derive(Debug, clap::Parser)]
#[command(name = "day03-windows", version)]
#[command(after_help = "Windows:
  tumble:10s         10 seconds long, one after the other
  tumble:1h+15m      an hour long, from quarter past to quarter past
  hop:1m/10s         a minute long, and every 10 seconds a new one: each order is in six
  cumulate:1h/10m    the first 10 minutes of each hour, its first 20, … the whole hour
  session:30s        as long as a merchant's orders follow each other by less than 30 s
Lengths are written in ms, s, m, h and d. Windows are aligned to UTC. The start belongs to a window,
the end does not. The result has a row for each window and merchant with an order in it.

A window closes when an order arrives whose ts is at the window's end or later, and at the end of
the input. An order that arrives after that is late and is not counted in the window. Each worker
closes windows by the orders that it receives itself, so which orders are late depends on --workers.

Orders: {\"merchant_id\":\"m-7\",\"amount\":12.50,\"ts\":1767225600000}, ts in milliseconds since 1970

Examples:
  day03-windows                                            a picture of three kinds of windows
  day03-windows --window hop:1m/10s                        a million generated orders, nothing to install
  day03-windows --file orders.json --format csv            a row per merchant and window
  day03-windows --brokers localhost:9092 --format json     rows as windows close, until Ctrl-C

Rows of csv and json are printed while the program runs: of an input that has an end, in the order
of window_end, window_start and merchant_id, otherwise as their windows close.
Results go to stdout, everything else to stderr. Ctrl-C ends the run, and windows that have closed
are printed; a second Ctrl-C aborts.
Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.")]
struct Cli {
    #[command(flatten)]
    windows: WindowArgs,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// The windows to count in.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 3: windows")]
pub struct WindowArgs {
    /// tumble:SIZE, hop:SIZE/SLIDE or cumulate:MAX/STEP, each with an optional offset, or session:GAP
    #[arg(long, value_name = "KIND:LENGTHS", default_value = "tumble:10s")]
    pub window: WindowSpec,
    /// In how many windows an order may be. Each of them is a row of the result
    #[arg(long, value_name = "N", default_value_t = MAX_WINDOWS_PER_ROW, value_parser = clap::value_parser!(i64).range(1..))]
    pub max_windows_per_row: i64,
}

impl WindowArgs {
    /// An error if a row would be in too many windows.
    pub fn check(&self) -> Result<(), InputError> {
        let checked = self.window.with_at_most(self.max_windows_per_row);
        let usage = |error| InputError::Usage(format!("{error}, or raise --max-windows-per-row"));
        checked.map(|_| ()).map_err(usage)
    }

    /// How a job runs that shows its windows on this screen.
    pub fn options(&self, tasks: &TaskArgs, input: &InputArgs, screen: &Screen) -> Options {
        let mut options = Options {
            keep: screen.keeps(),
            ..Options::new(self.window)
        };
        options.tasks.workers = usize::from(tasks.workers);
        options.tasks.on_bad_record = input.records.on_bad_record;
        options.tasks.max_key = input.keys.max_key;
        options
    }
}

/// Runs the program of day 3.
pub fn main() -> ExitCode {
    match parse::<Cli>() {
        Ok(args) => exit_code(run(&args)),
        Err(code) => code,
    }
}

fn run(args: &Cli) -> Result<(), Error> {
    let (stop, interrupt) = interruptible()?;
    if std::env::args_os().len() == 1 {
        writeln!(std::io::stdout(), "{}", demo::picture()?).map_err(InputError::Output)?;
        say(TRY_NEXT);
        return Ok(());
    }
    args.windows.check()?;
    let opened = args.input.open(usize::from(args.tasks.sources))?;
    let _at_work = interrupt.begin_work();
    say(&opened.description);
    let InputArgs { source, records, .. } = &args.input;
    let mut screen = Screen::new(records.format, source.is_endless());
    let options = args.windows.options(&args.tasks, &args.input, &screen);
    let (job, slot) = wire(opened.sources, &options, screen.printer(), None)?;
    screen.run(job, &slot, &stop)?;

    let answer = slot.take();
    screen.finish(&answer)?;
    let stats = answer.stats;
    if let Some(share) = stats.late_share(answer.progress.counted) {
        say(format!("{share}, and are not counted"));
    }
    stats.say_what_is_missing(interrupt.asked());
    if opened.sandbox.is_some() && !interrupt.asked() {
        say(TRY_NEXT);
    }
    Ok(())
}

const TRY_NEXT: &str = "
try next:
  cargo run --release -p day03-windows -- --window tumble:10s   a million orders: how many are late?
  cargo run --release -p day03-windows -- --disorder 0s         none out of order: is any late?
  cargo run --release -p day03-windows -- --window hop:1m/10s   each order in six windows
  cargo run --release -p day03-windows -- --window session:30s --merchants 100000
  cargo run --release -p day03-windows -- --help                all options";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
