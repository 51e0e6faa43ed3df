//! The screen of day 3: a live view while windows close, and the result.
//!
//! As json or csv, rows are printed while the job runs: those of an input that never ends when their windows close, those
//! of one that ends in the order of the result, which is the same for any number of workers. A table shows the largest, at
//! the end or when it is interrupted.

use std::io::IsTerminal;

use day01_consumer::Error as InputError;
use day01_consumer::cli::{Live, say};
use day01_consumer::lab::table::{self, Cell, Format};
use day02_state::cli::{run_watched, shown};
use day02_state::error::{Error, JobError};
use day02_state::operator::Outcome;
use day02_state::order::money;
use day02_state::runtime::{Job, Stop};

use crate::job::{Answer, AnswerSlot, ClosedWindow, Keep, OnClosed, WindowStats};

/// How many windows the final table shows; json and csv have all of them.
const SHOWN: usize = 20;
/// The columns of the result. The last one is there only if windows may close again.
const COLUMNS: [&str; 9] = [
    "merchant_id",
    "window_start",
    "window_end",
    "order_count",
    "amount_sum",
    "amount_min",
    "amount_max",
    "amount_avg",
    "pane",
];

/// The columns of the result, with the number of the pane or without.
pub fn columns(with_pane: bool) -> &'static [&'static str] {
    &COLUMNS[..COLUMNS.len() - usize::from(!with_pane)]
}

/// The live view of day 1, and where rows are printed as they close.
pub struct Screen {
    live: Live,
    printer: Printer,
}

/// Prints rows as windows close, or leaves them to the end.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    format: Format,
    prints: Prints,
    with_pane: bool,
    /// Whether the header stands there.
    has_begun: bool,
}

/// When rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prints {
    /// While the job runs.
    Meanwhile { in_order: bool },
    /// At the end.
    AtEnd,
    /// Never: they go to a sink.
    Never,
}

impl Screen {
    /// A screen for results in this format, of an input that may be `endless`.
    pub fn new(format: Format, endless: bool) -> Self {
        Screen {
            live: Live::new(),
            printer: Printer {
                format,
                prints: match format {
                    Format::Table => Prints::AtEnd,
                    Format::Json | Format::Csv => Prints::Meanwhile { in_order: !endless },
                },
                with_pane: false,
                has_begun: false,
            },
        }
    }

    /// With the number of the pane, as windows may close again.
    pub fn with_pane(mut self, with_pane: bool) -> Self {
        self.printer.with_pane = with_pane;
        self
    }

    /// Without rows, if they go to a sink.
    pub fn with_sink(mut self, with_sink: bool) -> Self {
        if with_sink {
            self.printer.prints = Prints::Never;
        }
        self
    }

    fn columns(&self) -> &'static [&'static str] {
        columns(self.printer.with_pane)
    }

    /// What takes windows as they close.
    pub fn printer(&self) -> Printer {
        self.printer
    }

    /// Runs a job, and shows how far it has come.
    pub fn run(&mut self, job: Job, slot: &AnswerSlot, stop: &Stop) -> Result<(), JobError> {
        // Rows that come out on the same screen show as well how far things are, and would break the table.
        let is_quiet = self.printer.prints_meanwhile() && std::io::stdout().is_terminal();
        run_watched(job, stop, |board, warnings| {
            warnings.iter().for_each(|warning| self.live.say(warning));
            if !is_quiet {
                let printer = self.printer;
                let top = || slot.latest().iter().map(|closed| printer.row(closed)).collect();
                let columns = columns(printer.with_pane);
                self.live.show(|| shown(&board.progress(), columns, top()));
            }
        })
    }

    /// Which closed windows it wants to have at the end.
    pub fn keeps(&self) -> Keep {
        match self.printer.prints {
            Prints::Meanwhile { in_order: true } => Keep::InOrder,
            Prints::Meanwhile { in_order: false } | Prints::Never => Keep::None,
            Prints::AtEnd => Keep::Largest(SHOWN),
        }
    }

    /// Says how long everything took, and prints what is left to the end.
    pub fn finish(&mut self, answer: &Answer) -> Result<(), Error> {
        let shown = shown(&answer.progress, self.columns(), Vec::new());
        self.live.finish(&shown);
        match self.printer.prints {
            Prints::AtEnd => {
                self.printer.write(&answer.windows)?;
                let hidden = answer.closed - answer.windows.len() as u64;
                if hidden > 0 {
                    say(format!(
                        "and {hidden} more rows, with fewer orders; --format csv or json prints all"
                    ));
                }
            }
            Prints::Meanwhile { .. } if answer.closed == 0 => self.printer.write(&[])?,
            Prints::Meanwhile { .. } | Prints::Never => {}
        }
        Ok(())
    }
}

impl OnClosed for Printer {
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        if self.prints_meanwhile() {
            self.write(windows)?;
        }
        Ok(())
    }
}

impl WindowStats {
    /// How many of so many orders were late for all their windows; none if none was.
    pub fn late_share(&self, counted: u64) -> Option<String> {
        let share = self.late as f64 * 100.0 / counted.max(1) as f64;
        (self.late > 0).then(|| {
            format!(
                "{} orders ({share:.1} %) were late for all their windows",
                self.late
            )
        })
    }

    /// Says what else is in no row.
    pub fn say_what_is_missing(&self, interrupted: bool) {
        let WindowStats {
            late,
            late_assignments,
            open,
            memory,
            ..
        } = *self;
        if late_assignments > late {
            say(format!(
                "{late_assignments} times an order was late for one of its windows, and is not counted in it"
            ));
        }
        if interrupted {
            say(format!(
                "interrupted: only windows that have closed are printed (sums in open windows: {open}, {} KiB)",
                memory.div_ceil(1_024)
            ));
        }
    }
}

impl Printer {
    fn prints_meanwhile(&self) -> bool {
        matches!(self.prints, Prints::Meanwhile { .. })
    }

    fn row(&self, closed: &ClosedWindow) -> Vec<Cell> {
        row(closed, self.with_pane)
    }

    /// Writes rows, behind the header or those before them.
    fn write(&mut self, windows: &[ClosedWindow]) -> Result<(), InputError> {
        let with_pane = self.with_pane;
        let rows = windows.iter().map(|closed| row(closed, with_pane));
        let print = match std::mem::replace(&mut self.has_begun, true) {
            true => table::print_more,
            false => table::print,
        };
        print(self.format, columns(with_pane), rows)
    }
}

/// A closed window as a row of the result, with the number of the pane or without.
pub fn row(closed: &ClosedWindow, with_pane: bool) -> Vec<Cell> {
    let (sums, extremes) = &closed.summed;
    let cents = |cents: Option<i128>| Cell::Number(cents.map_or("null".to_string(), money));
    let mut row = vec![
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
    ];
    row.extend(with_pane.then(|| Cell::from(u64::from(closed.pane))));
    row
}
