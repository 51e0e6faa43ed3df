//! The screen of day 3: a live view while windows close, and the result.
//!
//! A bounded run prints its result at its end. One that never ends prints rows as windows close, as json or csv; as a table
//! it shows the largest when it is interrupted.

use std::io::IsTerminal;

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
    /// Whether rows are printed as windows close.
    prints: bool,
    with_pane: bool,
}

impl Screen {
    /// A screen for results in this format, of an input that may be `endless`.
    pub fn new(format: Format, endless: bool) -> Self {
        Screen {
            live: Live::new(),
            printer: Printer {
                format,
                prints: endless && format != Format::Table,
                with_pane: false,
            },
        }
    }

    /// With the number of the pane, as windows may close again.
    pub fn with_pane(mut self, with_pane: bool) -> Self {
        self.printer.with_pane = with_pane;
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
        let is_quiet = self.printer.prints && std::io::stdout().is_terminal();
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
        match (self.printer.prints, self.printer.format) {
            (true, _) => Keep::None,
            (false, Format::Table) => Keep::Largest(SHOWN),
            (false, _) => Keep::All,
        }
    }

    /// Prints what stands before the first row.
    pub fn begin(&self) -> Result<(), Error> {
        match self.printer.prints {
            true => self.printer.write(&[]),
            false => Ok(()),
        }
    }

    /// Says how long everything took.
    pub fn finish_without_rows(&mut self, answer: &Answer) {
        let shown = shown(&answer.progress, self.columns(), Vec::new());
        self.live.finish(&shown);
    }

    /// Says how long everything took, and prints the result, if it was not printed as it came.
    pub fn finish(&mut self, answer: &Answer) -> Result<(), Error> {
        self.finish_without_rows(answer);
        if !self.printer.prints {
            self.printer.write(&answer.windows)?;
        }
        let hidden = answer.closed - answer.windows.len() as u64;
        if hidden > 0 && self.printer.format == Format::Table {
            say(format!(
                "and {hidden} more rows, with fewer orders; --format csv or json prints all"
            ));
        }
        Ok(())
    }
}

impl OnClosed for Printer {
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        if self.prints {
            let rows = windows.iter().map(|closed| self.row(closed));
            table::print_more(self.format, columns(self.with_pane), rows)?;
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
    fn row(&self, closed: &ClosedWindow) -> Vec<Cell> {
        row(closed, self.with_pane)
    }

    fn write(&self, windows: &[ClosedWindow]) -> Result<(), Error> {
        let rows = windows.iter().map(|closed| self.row(closed));
        Ok(table::print(self.format, columns(self.with_pane), rows)?)
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
