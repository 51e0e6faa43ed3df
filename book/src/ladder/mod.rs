//! The correctness ladder: every day runs every scenario, and what it makes of it is compared with what is expected.
//!
//! ```text
//! scenario ──► the real job of each day, in a world with a virtual clock ──► what came out
//!     │                                                                         │
//!     ├─ right answer ──────────────────────────────────────────────────► verdict: right, or wrong in which way
//!     └─ [days] what is expected ─────────────────────────────────────────► the same? a pass too many fails as well
//! ```
//!
//! - [`world`]: the clock on the wall, the broker, and the death of the process
//! - [`found`]: what has come out, and the [`Verdict`] on it
//! - `days`: how the job of each day is asked, and what it keeps when the process dies
//!
//! The jobs are those of the days, wired by their own `wire`; nothing of them is built again here. Only the driver is
//! another one: the stepper, in several orders of the tasks' steps, which must all come to the same verdict.
//!
//! What a day gets wrong is no failure of a test. It is expected, written into the scenario, and the reason for the next day.

mod days;
pub mod found;
pub mod world;

use std::cmp::Reverse;
use std::fmt;
use std::path::Path;

use day01_consumer::lab::evaluator::evaluate_windows;
use day01_consumer::lab::scenario::{Question, Scenario};

use crate::BookError;
use days::DAYS;
pub use found::{Found, Verdict, Way};

/// How many days there are.
pub const LAST_DAY: usize = 6;
/// The orders of steps in which each job runs.
const SEEDS: [u64; 3] = [1, 2, 3];

/// What all days make of all scenarios.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix(pub Vec<Row>);

/// What all days make of one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The name of its file, without the ending.
    pub scenario: String,
    /// A few words.
    pub title: String,
    /// What is asked.
    pub question: Question,
    /// By day.
    pub cells: Vec<Cell>,
}

/// What one day makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it has come to.
    pub found: Verdict,
    /// What the scenario says of it.
    pub expected: Option<Verdict>,
}

impl Cell {
    /// Whether it is as expected.
    pub fn is_expected(&self) -> bool {
        self.expected.as_ref() == Some(&self.found)
    }
}

/// Runs everything.
pub fn matrix(book: &Path) -> Result<Matrix, BookError> {
    let mut scenarios = Scenario::read_all(&book.join("scenarios"))?;
    // As one climbs: totals before windows, and each by how many days are expected to get it right.
    let rights = |scenario: &Scenario| scenario.days.values().filter(|said| *said == "right").count();
    let place = |scenario: &Scenario| {
        let is_windows = scenario.question == Question::Windows;
        (is_windows, Reverse(rights(scenario)), scenario.name.clone())
    };
    scenarios.sort_by_key(place);
    let rows = scenarios.iter().map(row);
    rows.collect::<Result<_, _>>().map(Matrix)
}

/// Lets every day run one scenario.
pub fn row(scenario: &Scenario) -> Result<Row, BookError> {
    check(scenario)?;
    let cells = (1..).zip(DAYS).map(|(day, run)| {
        let said = scenario.days.get(&format!("day{day}"));
        let expected = said
            .map(|said| said.parse().map_err(BookError::Ladder))
            .transpose()?;
        let found = agreed(scenario, day, |seed| run(scenario, seed))?;
        Ok(Cell { found, expected })
    });
    Ok(Row {
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        question: scenario.question,
        cells: cells.collect::<Result<_, BookError>>()?,
    })
}

/// The verdict on a day, which no order of steps may change.
fn agreed(
    scenario: &Scenario,
    day: usize,
    run: impl Fn(u64) -> Result<Option<Found>, BookError>,
) -> Result<Verdict, BookError> {
    let verdicts = SEEDS.map(|seed| run(seed).map(|found| Verdict::of(scenario, found)));
    let [first, rest @ ..] = verdicts;
    let first = first?;
    for other in rest {
        let other = other?;
        if other != first {
            let name = &scenario.name;
            let said = format!("{name}, day {day}: {first} in one order of steps, and {other} in another");
            return Err(BookError::Ladder(said));
        }
    }
    Ok(first)
}

/// What is written as the right answer has to be right.
fn check(scenario: &Scenario) -> Result<(), BookError> {
    let name = &scenario.name;
    if scenario.question == Question::Windows && scenario.windows != evaluate_windows(scenario) {
        let windows = evaluate_windows(scenario);
        let lines = windows.iter().map(|row| {
            let start = row.start.strftime("%H:%M:%S");
            format!(
                "{start}  {}  {}  {}\n",
                row.merchant_id, row.order_count, row.amount_sum
            )
        });
        let lines: String = lines.collect();
        return Err(BookError::Ladder(format!(
            "{name}: the right windows are\n{lines}"
        )));
    }
    let known = |day: &String| (1..=LAST_DAY).any(|number| *day == format!("day{number}"));
    match scenario.days.keys().find(|day| !known(day)) {
        Some(day) => Err(BookError::Ladder(format!("{name}: there is no {day}"))),
        None => Ok(()),
    }
}

impl Matrix {
    /// What is not as expected, a line each.
    pub fn surprises(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for row in &self.0 {
            for (day, cell) in (1..).zip(&row.cells) {
                let (name, found) = (&row.scenario, &cell.found);
                match &cell.expected {
                    _ if cell.is_expected() => {}
                    Some(expected) => lines.push(format!("{name}, day {day}: {found}, expected {expected}")),
                    None => lines.push(format!("{name}, day {day}: {found}, and nothing is expected")),
                }
            }
        }
        lines
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:48}", "scenario")?;
        for day in 1..=LAST_DAY {
            write!(f, "{:14}", format!("day {day}"))?;
        }
        for row in &self.0 {
            write!(f, "\n{:48}", row.title)?;
            for cell in &row.cells {
                let mark = if cell.is_expected() { "" } else { " (!)" };
                write!(f, "{:14}", format!("{}{mark}", cell.found))?;
            }
        }
        Ok(())
    }
}
