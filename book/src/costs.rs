//! What the benchmarks measured, and the tables, charts and single numbers that the pages take from it.
//!
//! `book/results.json` is the one place of every measured number: `cargo run -p book -- bench` runs the benchmarks and
//! writes it anew, with the machine, the toolchain, the commit and the date. Everything in `chapters/*/measured` is
//! rendered from that file, and a test fails when the two differ. Ratios come first: they mean something on your machine too.

mod criterion;
mod pages;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::BookError;
use crate::figures::{Bar, bars};
pub use pages::BENCHES;
use pages::{COMPARISONS, NUMBERS, Shown};

/// The results file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The processor.
    pub processor: String,
    /// How many of its threads there were.
    pub cores: usize,
    /// What `rustc --version` says.
    pub toolchain: String,
    /// The commit that was measured.
    pub commit: String,
    /// The day of the measurement.
    pub date: String,
    /// The median of each benchmark in nanoseconds per element, by its full name.
    pub nanoseconds: BTreeMap<String, f64>,
}

impl Results {
    /// Reads the results file.
    pub fn read(book: &Path) -> Result<Self, BookError> {
        let path = book.join("results.json");
        let text = std::fs::read_to_string(&path).map_err(BookError::file(&path))?;
        serde_json::from_str(&text).map_err(|error| BookError::Results(error.to_string()))
    }

    /// Writes the results file.
    pub fn write(&self, book: &Path) -> Result<(), BookError> {
        let path = book.join("results.json");
        let text =
            serde_json::to_string_pretty(self).map_err(|error| BookError::Results(error.to_string()))?;
        std::fs::write(&path, text + "\n").map_err(BookError::file(&path))
    }

    /// Collects what criterion has left in the build folder.
    pub fn collect(folder: &Path) -> Result<Self, BookError> {
        let mut nanoseconds = BTreeMap::new();
        criterion::collect_below(folder, &mut nanoseconds)?;
        Ok(Results {
            processor: processor(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            toolchain: said("rustc", &["--version"]),
            commit: said("git", &["rev-parse", "--short", "HEAD"]),
            date: said("date", &["-u", "+%Y-%m-%d"]),
            nanoseconds,
        })
    }

    fn of(&self, benchmark: &str) -> Result<f64, BookError> {
        let found = self.nanoseconds.get(benchmark).copied();
        found.ok_or_else(|| {
            BookError::Results(format!(
                "no benchmark {benchmark}; run `cargo run -p book -- bench`"
            ))
        })
    }

    /// Every rendered file, by its path below `chapters`.
    pub fn rendered(&self) -> Result<BTreeMap<PathBuf, String>, BookError> {
        let mut files = BTreeMap::new();
        for comparison in COMPARISONS {
            let measured = comparison
                .rows
                .iter()
                .map(|(label, benchmark)| Ok((*label, self.of(benchmark)?)))
                .collect::<Result<Vec<_>, BookError>>()?;
            let rendered = match comparison.file.ends_with(".svg") {
                true => chart(comparison.title, &measured),
                false => table(comparison.title, &measured),
            };
            files.insert(
                Path::new(comparison.day).join("measured").join(comparison.file),
                rendered,
            );
        }
        files.insert(PathBuf::from("measured-on.md"), self.measured_on());
        for (day, numbers) in NUMBERS {
            let numbers = numbers
                .iter()
                .map(|(name, shown)| Ok((*name, self.shown(shown)?)))
                .collect::<Result<Vec<_>, BookError>>()?;
            files.insert(Path::new(day).join("measured/numbers.md"), anchored(&numbers));
        }
        Ok(files)
    }

    fn shown(&self, shown: &Shown) -> Result<String, BookError> {
        Ok(match shown {
            Shown::Ratio(of, to, digits) => {
                let to = to.iter().map(|benchmark| self.of(benchmark));
                format!("{:.digits$}", self.of(of)? / to.sum::<Result<f64, _>>()?)
            }
            Shown::AboutTimes(of, to) => {
                format!("about {:.0}", (self.of(of)? / self.of(to)? / 10.0).round() * 10.0)
            }
            Shown::Duration(of) => duration(self.of(of)?),
        })
    }

    fn measured_on(&self) -> String {
        format!(
            "Measured on {} with {} threads, {}, commit {}, {}.\n",
            self.processor, self.cores, self.toolchain, self.commit, self.date
        )
    }
}

/// Each number between anchors, for pages to include.
fn anchored(numbers: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, number) in numbers {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "<!-- ANCHOR: {name} -->\n{number}\n<!-- ANCHOR_END: {name} -->\n"
        );
    }
    text
}

fn table(title: &str, measured: &[(&str, f64)]) -> String {
    let mut text = format!("| {title} | | against the first |\n|---|---:|---:|\n");
    let first = measured.first().map_or(1.0, |(_, nanoseconds)| *nanoseconds);
    for (label, nanoseconds) in measured {
        let ratio = nanoseconds / first;
        let ratio = match ratio < 0.01 {
            true => format!("{ratio:.4}"),
            false => format!("{ratio:.2}"),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {label} | {} | {ratio} |", duration(*nanoseconds));
    }
    text
}

fn chart(title: &str, measured: &[(&str, f64)]) -> String {
    let each: Vec<Bar> = measured
        .iter()
        .map(|(label, nanoseconds)| Bar {
            label: label.to_string(),
            value: *nanoseconds,
            text: duration(*nanoseconds),
        })
        .collect();
    bars(title, &each)
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        few if few < 10.0 => format!("{few:.1} ns"),
        some if some < 10_000.0 => format!("{some:.0} ns"),
        many if many < 1e6 => format!("{:.0} µs", many / 1e3),
        most => format!("{:.1} ms", most / 1e6),
    }
}

/// The first line that a command prints, or "unknown".
fn said(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output().ok();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    text.filter(|text| !text.is_empty())
        .unwrap_or_else(|| "unknown".to_string())
}

fn processor() -> String {
    let known = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = known
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or(std::env::consts::ARCH, |(_, name)| name.trim())
        .to_string()
}
