//! The command line of day 3: that of days 1 and 2, and which windows.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Parser;
use day01_consumer::Error as InputError;
use day01_consumer::cli::{self, Interrupt, Live, RecordArgs, SourceArgs, say};
use day01_consumer::lab::generator::GeneratorOptions;
use day01_consumer::lab::table::{self, Cell, Format};
use day02_state::cli::{TaskArgs, exit_code, shown};
use day02_state::error::Error;
use day02_state::job::Progress;
use day02_state::operator::Outcome;
use day02_state::order::money;
use day02_state::runtime::{Stop, run_threads};

use crate::job::{Answer, ClosedWindow, Keep, Options, Standing, View, wire};
use crate::spec::WindowSpec;

/// How often tasks report.
const REPORT_EVERY: Duration = Duration::from_millis(250);
/// How many windows the final table shows; json and csv have all of them.
const SHOWN: usize = 20;
/// The columns of the result.
const COLUMNS: [&str; 8] = [
    "merchant_id",
    "window_start",
    "window_end",
    "order_count",
    "amount_sum",
    "amount_min",
    "amount_max",
    "amount_avg",
];

/// Counts and sums orders per merchant_id and window of event time.
#[derive(Debug, clap::Parser)]
#[command(name = "day03-windows", version)]
#[command(after_help = "Windows:
  tumble:10s         one behind the other: every 10 seconds a new one begins
  tumble:1h+15m      the same, from quarter past to quarter past
  hop:1m/10s         a minute long, every 10 seconds a new one: each order counts in six
  cumulate:1h/10m    growing: the first 10 minutes of the hour, the first 20, … the hour
  session:30s        as long as a merchant's orders follow each other by less than 30 s
Lengths are written in ms, s, m, h and d. Windows are laid in UTC, have their start and not
their end, and give a row for each merchant with an order in them.

A window closes when an order comes whose ts is at its end or later, or at the end of the input.
An order that comes after that is late for it, and is not in its row. Each worker tells the time
by its own orders, so which ones are late can change with --workers.

Orders: {\"merchant_id\":\"m-7\",\"amount\":12.50,\"ts\":1767225600000}, ts in milliseconds since 1970

Examples:
  day03-windows                                            the demo, nothing to install
  day03-windows --window hop:1m/10s                        each order in six windows
  day03-windows --file orders.json --format csv            a row per merchant and window
  day03-windows --brokers localhost:9092 --format json     rows as windows close, until Ctrl-C

Results go to stdout, everything else to stderr. Ctrl-C ends the run with what has closed; twice
aborts. Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.")]
struct Cli {
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

/// Which windows.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 3: windows")]
pub struct WindowArgs {
    /// tumble:SIZE, hop:SIZE/SLIDE, cumulate:MAX/STEP, each with an offset if it is to be moved, or session:GAP
    #[arg(long, value_name = "KIND:LENGTHS", default_value = "tumble:10s")]
    pub window: WindowSpec,
}

/// Runs the program of day 3.
pub fn main() -> ExitCode {
    exit_code(run(&Cli::parse()))
}

fn run(args: &Cli) -> Result<(), Error> {
    let stop = Stop::new();
    let interrupt = Interrupt::install_with({
        let stop = stop.clone();
        move || stop.ask()
    })?;
    let opened = cli::open(&args.source, &args.generator, usize::from(args.tasks.sources))?;
    say(&opened.description);
    let format = args.records.format;
    let endless = args.source.brokers.is_some() && !args.source.until_end;
    let mut options = Options {
        keep: match (format, endless) {
            (Format::Table, _) => Keep::Largest(SHOWN),
            (Format::Json | Format::Csv, true) => Keep::None,
            (Format::Json | Format::Csv, false) => Keep::All,
        },
        ..Options::new(args.windows.window)
    };
    options.tasks.workers = usize::from(args.tasks.workers);
    options.tasks.on_bad_record = args.records.on_bad_record;
    options.tasks.report_every = Some(REPORT_EVERY);
    let screen = Screen {
        live: Arc::new(Mutex::new(Live::new())),
        print: (options.keep == Keep::None).then_some(format),
    };
    if options.keep == Keep::None {
        print(&[], format)?;
    }
    let (job, slot) = wire(opened.sources, &options, screen.clone(), None)?;
    run_threads(job, &stop)?;

    let answer = slot.take();
    screen
        .live()
        .finish(&shown(&answer.progress, &COLUMNS, Vec::new()));
    if options.keep != Keep::None {
        print(&answer.windows, format)?;
    }
    let hidden = answer.closed - answer.windows.len() as u64;
    if hidden > 0 && format == Format::Table {
        say(format!(
            "and {hidden} more rows, with fewer orders; --format csv or json prints all"
        ));
    }
    say_what_is_missing(&answer, interrupt.asked());
    if opened.sandbox.is_some() && !interrupt.asked() {
        say(TRY_NEXT);
    }
    Ok(())
}

/// What is in no row, and why.
fn say_what_is_missing(answer: &Answer, interrupted: bool) {
    let Standing {
        late,
        late_for,
        open,
        memory,
    } = answer.standing;
    if late > 0 {
        let share = late as f64 * 100.0 / answer.progress.counted.max(1) as f64;
        say(format!(
            "{late} orders ({share:.1} %) came late for all their windows, and are in no row"
        ));
    }
    if late_for > late {
        say(format!(
            "{late_for} times, an order came late for one of its windows, and is not in that row"
        ));
    }
    if interrupted {
        say(format!(
            "interrupted: these are the windows that have closed; what is still open is not printed (sums: {open}, {} KiB)",
            memory.div_ceil(1_024)
        ));
    }
}

const TRY_NEXT: &str = "
try next:
  cargo run --release -p day03-windows -- --disorder 0s                       no order is out of order: is any late?
  cargo run --release -p day03-windows -- --window hop:1m/10s                 each order in six windows
  cargo run --release -p day03-windows -- --window session:30s --merchants 100000
  cargo run --release -p day03-windows -- --help                              all options";

/// The live view of day 1, shown by the collector and finished by us, and where rows are printed as they close.
#[derive(Clone)]
struct Screen {
    live: Arc<Mutex<Live>>,
    print: Option<Format>,
}

impl Screen {
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View for Screen {
    fn closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        if let Some(format) = self.print {
            let mut out = std::io::stdout().lock();
            table::append(&mut out, format, &COLUMNS, windows.iter().map(row)).map_err(InputError::Output)?;
        }
        Ok(())
    }

    fn progress(&mut self, progress: &Progress, _: Standing, latest: &[ClosedWindow]) {
        // Rows that come out on the same screen show as well how far things are, and would break the table.
        if self.print.is_some() && std::io::stdout().is_terminal() {
            return;
        }
        let top = || latest.iter().map(row).collect();
        self.live().show(|| shown(progress, &COLUMNS, top()));
    }

    fn warn(&mut self, warning: &str) {
        self.live().say(format!("warning: {warning}"));
    }
}

fn row(closed: &ClosedWindow) -> Vec<Cell> {
    let (sums, extremes) = &closed.summed;
    let cents = |cents: Option<i128>| Cell::Number(cents.map_or("null".to_string(), money));
    vec![
        Cell::from(closed.merchant_id.as_str()),
        Cell::Text(closed.window.start.to_string()),
        Cell::Text(closed.window.end.to_string()),
        Cell::from(sums.rows),
        cents(sums.sum()),
        cents(extremes.min().map(i128::from)),
        cents(extremes.max().map(i128::from)),
        Cell::Number(
            sums.average()
                .map_or("null".to_string(), |average| average.of_cents().to_string()),
        ),
    ]
}

fn print(windows: &[ClosedWindow], format: Format) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    table::write(&mut out, format, &COLUMNS, windows.iter().map(row)).map_err(InputError::Output)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
