//! What becomes of a job that dies everywhere, as a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::design::Design;

/// What became of a job that died after each of its moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// How it was built.
    pub design: Design,
    /// After how many moments it died, each time in a run of its own.
    pub moments: u64,
    /// In how many of these runs exactly the right windows came out.
    pub right: u64,
    /// In how many some window never came out.
    pub missing: u64,
    /// In how many some window came out more than once.
    pub twice: u64,
    /// In how many some window came out with wrong sums.
    pub wrong: u64,
    /// In how many a file that was there after a crash has later changed or gone.
    pub changed: u64,
    /// In how many the job would not go on.
    pub refused: u64,
}

/// What became of jobs that were built differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table(pub Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            "dies after",
            "right",
            "missing",
            "twice",
            "wrong",
            "refuses to go on",
        ];
        write!(f, "{:44}", "")?;
        columns.iter().try_for_each(|column| write!(f, "  {column}"))?;
        for row in &self.0 {
            write!(f, "\n{:44}", row.design)?;
            let numbers = [
                row.moments,
                row.right,
                row.missing,
                row.twice,
                row.wrong,
                row.refused,
            ];
            for (column, number) in columns.iter().zip(numbers) {
                write!(f, "  {number:>0$}", column.len())?;
            }
        }
        writeln!(f)
    }
}

/// What is wrong with what came out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub missing: bool,
    pub twice: bool,
    pub wrong: bool,
}

impl Found {
    pub fn compare(right: &[String], found: &[String]) -> Self {
        let wanted: BTreeSet<&str> = right.iter().map(|line| window_of(line)).collect();
        let lines: BTreeSet<&String> = right.iter().collect();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for line in found {
            *times.entry(window_of(line)).or_default() += 1;
        }
        Found {
            missing: wanted.iter().any(|window| !times.contains_key(window)),
            twice: times.values().any(|times| *times > 1),
            wrong: found.iter().any(|line| !lines.contains(line)),
        }
    }
}

/// Merchant and window: the first three columns.
fn window_of(line: &str) -> &str {
    let end = line.match_indices(',').nth(2).map_or(line.len(), |(at, _)| at);
    &line[..end]
}
