//! How the job of each day is asked the question of a scenario, and what it keeps when its process dies.
//!
//! | day | is asked by               | what comes out           | keeps                                      |
//! |-----|---------------------------|--------------------------|--------------------------------------------|
//! | 1   | its loop                  | the maps of all lives    | the group's offsets, at the broker         |
//! | 2   | a run for each arrival    | the table of the last    | the file of `--save`                       |
//! | 3   | its windows               | each window that closes  | nothing: it reads from the beginning again |
//! | 4   | the same, by watermarks   | each window that closes  | nothing                                    |
//! | 5   | the same, in a job        | files, or a screen       | checkpoints, on a disk that loses power    |
//! | 6   | SQL                       | a view, files, a screen  | checkpoints                                |
//!
//! Days 3 to 5 know windows only. Their totals are windows of a day.

mod closed;
mod day1;
mod day2;
mod day3;
mod day4;
mod day5;
mod day6;

use day01_consumer::lab::scenario::{Question, Scenario};
use day03_windows::job::Options;
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;

use super::found::Found;
use crate::BookError;

/// What comes out of a day's job in an order of steps; none if it cannot be asked.
pub(super) type Run = fn(&Scenario, u64) -> Result<Option<Found>, BookError>;

/// By day.
pub(super) const DAYS: [Run; super::LAST_DAY] =
    [day1::run, day2::run, day3::run, day4::run, day5::run, day6::run];

/// How many workers a life has, counted from 0.
fn workers(scenario: &Scenario, life: usize) -> usize {
    let said = scenario.workers.get(life).or(scenario.workers.last());
    said.copied().unwrap_or(1)
}

/// The windows of the question, in a life of the process.
fn windows(scenario: &Scenario, life: usize) -> Options {
    let size = match scenario.question {
        Question::Windows => Span::seconds(10),
        Question::Totals => Span::seconds(24 * 60 * 60),
    };
    let offset = Span(0);
    let mut options = Options::new(WindowSpec::Tumble { size, offset });
    options.tasks.workers = workers(scenario, life);
    options.tasks.on_bad_record = day01_consumer::job::OnBadRecord::Skip;
    options
}
