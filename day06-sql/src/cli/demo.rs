//! The demo: the same question to the same orders, asked in the SQL of two engines.
//!
//! The first program prints each change of the result, so its answer is a story: what the result is now is what all of its
//! lines add up to. The second keeps the result in a view. Both are run as they are, from the files of this crate; only
//! the broker that they name is replaced by one inside this process.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use day01_consumer::Error as InputError;
use day01_consumer::cli::say;
use day02_state::error::Error;

use super::args::Cli;
use super::current::Current;
use super::{Failed, execute, parse, title};
use crate::exec::Printed;

/// In the SQL of Flink, with a table that prints.
pub const FLINK: &str = include_str!("../../sql/flink.sql");
/// In the SQL of RisingWave, with a materialized view.
pub const RISINGWAVE: &str = include_str!("../../sql/risingwave.sql");

/// How many lines are shown of those that are printed.
const SHOWN: usize = 6;

/// Lines that were printed, and what they add up to.
#[derive(Debug, Default)]
struct Lines {
    printed: u64,
    first: Vec<String>,
    last: Vec<String>,
    /// By the row, how often it is there.
    rows: BTreeMap<String, i64>,
    rest: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
struct Tape(Arc<Mutex<Lines>>);

impl Tape {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.lines();
        lines.rest.extend_from_slice(bytes);
        while let Some(end) = lines.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = lines.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim_end().to_string();
            lines.take(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn take(&mut self, line: String) {
        if let Some((kind, row)) = line.split_once('[') {
            let change = if kind.starts_with('+') { 1 } else { -1 };
            let times = self
                .rows
                .entry(row.trim_end_matches(']').to_string())
                .or_default();
            *times += change;
            if *times == 0 {
                self.rows.remove(row.trim_end_matches(']'));
            }
        }
        self.printed += 1;
        if self.first.len() < SHOWN {
            self.first.push(line);
            return;
        }
        self.last.push(line);
        if self.last.len() > SHOWN {
            self.last.remove(0);
        }
    }
}

pub(super) fn run(args: &Cli) -> Result<(), Failed> {
    let mut sandboxed = args.clone();
    sandboxed.sql.sandbox = true;
    let current = Current::install()?;

    title("day06-sql/sql/flink.sql, as Flink would print it");
    say(FLINK.trim_end());
    let tape = Tape::default();
    execute(
        &sandboxed,
        &parse(FLINK, "flink.sql")?,
        &Printed::new(tape.clone()),
        &current,
    )?;
    let lines = tape.lines();
    let mut out = std::io::stdout().lock();
    let written = [&lines.first, &lines.last]
        .map(|some| some.join("\n"))
        .join("\n…\n");
    writeln!(out, "{written}").map_err(InputError::Output)?;
    drop(out);
    say(format!(
        "{} lines, which add up to {} rows",
        lines.printed,
        lines.rows.len()
    ));

    if current.was_interrupted() {
        return Ok(());
    }
    title("day06-sql/sql/risingwave.sql, as RisingWave would keep it");
    say(RISINGWAVE.trim_end());
    let views = execute(
        &sandboxed,
        &parse(RISINGWAVE, "risingwave.sql")?,
        &Printed::new(std::io::sink()),
        &current,
    )?;
    if current.was_interrupted() {
        return Ok(());
    }
    let same = views.iter().all(|(_, view)| {
        let rows = view.rows().into_iter();
        let rows = rows.map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        counted(rows) == lines.rows
    });
    if !same {
        let error = "the lines of the first do not add up to the view of the second";
        return Err(Error::from(InputError::failed("comparing the two programs")(error)).into());
    }
    say("\nthe lines of the first program add up to the view of the second");
    say(TRY_NEXT);
    Ok(())
}

/// How often each row is there.
fn counted(rows: impl Iterator<Item = String>) -> BTreeMap<String, i64> {
    let mut counted = BTreeMap::new();
    rows.for_each(|row| *counted.entry(row).or_default() += 1);
    counted
}

const TRY_NEXT: &str = "
try next:
  cargo run --release -p day06-sql -- -f day06-sql/sql/flink.sql --sandbox --orders 20 --merchants 3 --chunk-rows 1
  cargo run --release -p day06-sql -- -f day06-sql/sql/risingwave.sql --until-end       on a Kafka at localhost:9092
  cargo run --release -p day06-sql -- --help                                            all options";
