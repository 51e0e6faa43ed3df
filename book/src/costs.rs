//! What the benchmarks measured, and the tables, charts and single numbers that the pages take from it.
//!
//! `book/results.json` is the one place of every measured number: `cargo run -p book -- bench` runs the benchmarks and
//! writes it anew, with the machine, the toolchain, the commit and the date. Everything in `chapters/*/measured` is
//! rendered from that file, and a test fails when the two differ. Ratios come first: they mean something on your machine too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::BookError;
use crate::figures::{Bar, bars};

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

/// A table or a chart of a page: designs of one benchmark, the first being what the others are compared with.
struct Comparison {
    /// The folder of its page; empty for the one above all days.
    day: &'static str,
    /// The file, of which the ending says how it is rendered: `.svg` as a chart, `.md` as a table.
    file: &'static str,
    title: &'static str,
    rows: &'static [(&'static str, &'static str)],
}

const COMPARISONS: &[Comparison] = &[
    Comparison {
        day: "day01",
        file: "decode.svg",
        title: "One field out of an order, CPU time per order",
        rows: &[
            ("any JSON (Value)", "decode/value"),
            ("a struct that owns", "decode/owned-struct"),
            ("a struct that borrows", "decode/borrowed-struct"),
            ("only one field", "decode/one-field"),
            ("… and UTF-8 once a batch", "decode/batch-wise"),
        ],
    },
    Comparison {
        day: "day01",
        file: "count-few.svg",
        title: "Counting under 1,000 merchants, CPU time per order",
        rows: &[
            ("the map of std", "count/std-map/1000"),
            ("a faster hash", "count/foldhash/1000"),
            ("dense ids", "count/dense-ids/1000"),
        ],
    },
    Comparison {
        day: "day01",
        file: "count-many.svg",
        title: "Counting under 1,000,000 merchants, CPU time per order",
        rows: &[
            ("the map of std", "count/std-map/1000000"),
            ("a faster hash", "count/foldhash/1000000"),
            ("dense ids", "count/dense-ids/1000000"),
        ],
    },
    Comparison {
        day: "day01",
        file: "consume.md",
        title: "Reading from the sandbox, CPU time per order (the broker's included)",
        rows: &[
            ("one message a call", "consume/poll"),
            ("many messages a call", "consume/batch"),
            ("… and the whole job", "consume/job"),
        ],
    },
    Comparison {
        day: "day02",
        file: "exchange.svg",
        title: "One source to one worker, CPU time per row",
        rows: &[
            ("packets of 1 row", "exchange/1x1/1"),
            ("of 256 rows", "exchange/1x1/256"),
            ("of 1,000 rows", "exchange/1x1/1000"),
            ("of 8,000 rows", "exchange/1x1/8000"),
            ("… and counted by key", "exchange-count/1x1/8000"),
        ],
    },
    Comparison {
        day: "day02",
        file: "exchange-two.svg",
        title: "Two sources to two workers, CPU time per row",
        rows: &[
            ("packets of 1 row", "exchange/2x2/1"),
            ("of 256 rows", "exchange/2x2/256"),
            ("of 1,000 rows", "exchange/2x2/1000"),
            ("of 8,000 rows", "exchange/2x2/8000"),
            ("… and counted by key", "exchange-count/2x2/8000"),
        ],
    },
    Comparison {
        day: "day02",
        file: "scaling-wall.svg",
        title: "From JSON to totals, time on the clock per order",
        rows: &[
            ("one loop", "scaling-wall/fused"),
            ("1 source, 1 worker", "scaling-wall/tasks/1"),
            ("2 sources, 2 workers", "scaling-wall/tasks/2"),
        ],
    },
    Comparison {
        day: "day02",
        file: "scaling.svg",
        title: "From JSON to totals, CPU time per order",
        rows: &[
            ("one loop", "scaling-cpu/fused"),
            ("1 source, 1 worker", "scaling-cpu/tasks/1"),
            ("2 sources, 2 workers", "scaling-cpu/tasks/2"),
            ("1 and 1, summed up before", "scaling-cpu/local/1"),
            ("2 and 2, summed up before", "scaling-cpu/local/2"),
        ],
    },
    Comparison {
        day: "day02",
        file: "state-few.svg",
        title: "Counting under 1,000 keys, CPU time per row",
        rows: &[
            ("the map of std", "state/std-map/1000/uniform"),
            ("hashbrown, a faster hash", "state/hashbrown/1000/uniform"),
            ("the table, row by row", "state/table-row-by-row/1000/uniform"),
            ("the table, a batch a call", "state/table/1000/uniform"),
        ],
    },
    Comparison {
        day: "day02",
        file: "state-many.svg",
        title: "Counting under 1,000,000 keys, CPU time per row",
        rows: &[
            ("the map of std", "state/std-map/1000000/uniform"),
            ("hashbrown, a faster hash", "state/hashbrown/1000000/uniform"),
            ("the table, row by row", "state/table-row-by-row/1000000/uniform"),
            ("the table, a batch a call", "state/table/1000000/uniform"),
        ],
    },
    Comparison {
        day: "day02",
        file: "snapshot.md",
        title: "1,000,000 keys, CPU time",
        rows: &[
            ("a full copy", "snapshot/clone/1000000"),
            ("freezing", "snapshot/freeze/1000000"),
            ("the first batch after it", "snapshot/first-batch/1000000"),
        ],
    },
    Comparison {
        day: "day02",
        file: "snapshot-large.md",
        title: "10,000,000 keys, CPU time",
        rows: &[
            ("a full copy", "snapshot/clone/10000000"),
            ("freezing", "snapshot/freeze/10000000"),
            ("the first batch after it", "snapshot/first-batch/10000000"),
        ],
    },
    Comparison {
        day: "day02",
        file: "ladder.md",
        title: "Totals per merchant, CPU time per order",
        rows: &[
            ("day 1: the loop", "ladder-cpu/totals/day01"),
            ("day 2: one source, one worker", "ladder-cpu/totals/day02"),
        ],
    },
    Comparison {
        day: "day03",
        file: "overlap.svg",
        title: "Count, sum, min and max by key and window, CPU time per row",
        rows: &[
            ("tumbling", "overlap/summary/1"),
            ("hop, overlap 6", "overlap/summary/6"),
            ("hop, overlap 60", "overlap/summary/60"),
            ("hop, overlap 600", "overlap/summary/600"),
        ],
    },
    Comparison {
        day: "day03",
        file: "naive.md",
        title: "Each row into each of its windows, CPU time per row",
        rows: &[
            ("slices, overlap 6", "overlap/summary/6"),
            ("every window, overlap 6", "overlap/naive/6"),
            ("every window, overlap 60", "overlap/naive/60"),
            ("every window, overlap 600", "overlap/naive/600"),
        ],
    },
    Comparison {
        day: "day03",
        file: "fire.md",
        title: "1,000,000 keys, CPU time per result",
        rows: &[
            ("a timer for each key", "fire/timers"),
            ("a table for the slice", "fire/slices"),
        ],
    },
    Comparison {
        day: "day03",
        file: "session.svg",
        title: "10,000 keys, CPU time per row",
        rows: &[
            ("tumbling", "session/tumble/10000"),
            ("rows extend a session", "session/extend/10000"),
            ("rows begin a session", "session/begin/10000"),
        ],
    },
    Comparison {
        day: "day03",
        file: "ladder.md",
        title: "The jobs of all days, CPU time per order",
        rows: &[
            ("day 1: totals, the loop", "ladder-cpu/totals/day01"),
            ("day 2: totals, one source, one worker", "ladder-cpu/totals/day02"),
            ("day 3: totals", "ladder-cpu/totals/day03"),
            ("day 3: windows of ten seconds", "ladder-cpu/tumble/day03"),
        ],
    },
];

/// What the ladder of all days costs, in the order in which one climbs.
const LADDER: &[(&str, &str)] = &[
    ("day 1: totals, the loop", "ladder-cpu/totals/day01"),
    ("day 2: totals, one source, one worker", "ladder-cpu/totals/day02"),
    ("day 3: totals", "ladder-cpu/totals/day03"),
    ("day 3: windows of ten seconds", "ladder-cpu/tumble/day03"),
    ("day 4: windows, by watermarks", "ladder-cpu/tumble/day04"),
    (
        "day 5: windows, no checkpoints",
        "ladder-cpu/tumble-no-checkpoints/day05",
    ),
    ("day 5: windows, with checkpoints", "ladder-cpu/tumble/day05"),
    ("day 6: totals, in SQL", "ladder-cpu/totals/day06"),
    ("day 6: windows, in SQL", "ladder-cpu/tumble/day06"),
];

/// Those that are rendered only once all their numbers are there. Until then [`Results::missing`] says which are not, and
/// no page can include what is not rendered.
const ONCE_MEASURED: &[Comparison] = &[
    Comparison {
        day: "",
        file: "ladder.md",
        title: "The jobs of all days, CPU time per order",
        rows: LADDER,
    },
    Comparison {
        day: "",
        file: "ladder.svg",
        title: "The jobs of all days, CPU time per order",
        rows: LADDER,
    },
    Comparison {
        day: "day04",
        file: "ladder.md",
        title: "The jobs of all days, CPU time per order",
        rows: LADDER.split_at(5).0,
    },
    Comparison {
        day: "day04",
        file: "watermarks.md",
        title: "Windows of ten seconds, CPU time per order",
        rows: &[
            ("closed by stream time", "watermarks-cpu/none"),
            ("closed by watermarks", "watermarks-cpu/by-split"),
        ],
    },
    Comparison {
        day: "day05",
        file: "ladder.md",
        title: "The jobs of all days, CPU time per order",
        rows: LADDER.split_at(7).0,
    },
    Comparison {
        day: "day05",
        file: "checkpoint.md",
        title: "Windows of ten seconds, time on the clock per order",
        rows: &[
            ("no checkpoint but the last", "checkpoint-wall/none"),
            ("one each second", "checkpoint-wall/1s"),
            ("ten each second", "checkpoint-wall/100ms"),
        ],
    },
    Comparison {
        day: "day06",
        file: "ladder.md",
        title: "The jobs of all days, CPU time per order",
        rows: LADDER,
    },
];

/// The benchmarks whose results are kept.
pub const BENCHES: &[&str] = &[
    "ladder",
    "consume",
    "decode",
    "count",
    "exchange",
    "scaling",
    "state",
    "snapshot",
    "overlap",
    "session",
    "fire",
    "watermarks",
    "checkpoint",
];

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
    pub fn collect(criterion: &Path) -> Result<Self, BookError> {
        let mut nanoseconds = BTreeMap::new();
        collect_below(criterion, &mut nanoseconds)?;
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
        let is_measured = |comparison: &&Comparison| self.unmeasured(comparison).next().is_none();
        for comparison in COMPARISONS.iter().chain(ONCE_MEASURED.iter().filter(is_measured)) {
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
        files.insert(
            PathBuf::from("day01/measured/numbers.md"),
            anchored(&self.day01_numbers()?),
        );
        files.insert(
            PathBuf::from("day02/measured/numbers.md"),
            anchored(&self.day02_numbers()?),
        );
        files.insert(
            PathBuf::from("day03/measured/numbers.md"),
            anchored(&self.day03_numbers()?),
        );
        Ok(files)
    }

    /// Benchmarks of the later days that have no numbers yet, each once, by name.
    pub fn missing(&self) -> Vec<&'static str> {
        let all = ONCE_MEASURED
            .iter()
            .flat_map(|comparison| self.unmeasured(comparison));
        let names: BTreeSet<&str> = all.collect();
        names.into_iter().collect()
    }

    fn unmeasured(&self, comparison: &Comparison) -> impl Iterator<Item = &'static str> {
        let benchmarks = comparison.rows.iter().map(|(_, benchmark)| *benchmark);
        benchmarks.filter(|benchmark| !self.nanoseconds.contains_key(*benchmark))
    }

    fn measured_on(&self) -> String {
        format!(
            "Measured on {} with {} threads, {}, commit {}, {}.\n",
            self.processor, self.cores, self.toolchain, self.commit, self.date
        )
    }

    /// Single numbers that the prose of day 1 refers to.
    fn day01_numbers(&self) -> Result<Vec<(&'static str, String)>, BookError> {
        let value = self.of("decode/value")?;
        let decode = self.of("decode/batch-wise")?;
        let count = self.of("count/std-map/1000")?;
        let parts =
            self.of("consume/batch")? + self.of("consume/decode-only")? + self.of("consume/count-only")?;
        Ok(vec![
            ("value_per_count", format!("{:.0}", value / count)),
            ("decode_per_count", format!("{:.0}", decode / count)),
            ("decode_gain", format!("{:.1}", value / decode)),
            (
                "utf8_gain",
                format!("{:.2}", self.of("decode/one-field")? / decode),
            ),
            (
                "batch_share",
                format!("{:.1}", self.of("consume/batch")? / self.of("consume/poll")?),
            ),
            ("sum_of_parts", format!("{:.1}", self.of("consume/job")? / parts)),
            (
                "hash_gain",
                format!("{:.1}", count / self.of("count/foldhash/1000")?),
            ),
            (
                "miss_cost",
                format!("{:.1}", self.of("count/std-map/1000000")? / count),
            ),
            ("job_ns", duration(self.of("ladder-cpu/totals/day01")?)),
        ])
    }

    /// Single numbers that the prose of day 2 refers to.
    fn day02_numbers(&self) -> Result<Vec<(&'static str, String)>, BookError> {
        let (alone, batched) = (self.of("exchange/1x1/1")?, self.of("exchange/1x1/1000")?);
        Ok(vec![
            ("row_by_row", duration(alone)),
            ("row_batched", duration(batched)),
            (
                "row_factor",
                format!("about {:.0}", (alone / batched / 10.0).round() * 10.0),
            ),
            ("freeze_1m", duration(self.of("snapshot/freeze/1000000")?)),
            (
                "first_batch_1m",
                duration(self.of("snapshot/first-batch/1000000")?),
            ),
            ("clone_1m", duration(self.of("snapshot/clone/1000000")?)),
        ])
    }

    /// Single numbers that the prose of day 3 refers to.
    fn day03_numbers(&self) -> Result<Vec<(&'static str, String)>, BookError> {
        let ratio =
            |one: &str, other: &str| Ok::<_, BookError>(format!("{:.2}", self.of(one)? / self.of(other)?));
        Ok(vec![
            ("overlap_600", ratio("overlap/summary/600", "overlap/summary/6")?),
            ("overlap_60", ratio("overlap/summary/60", "overlap/summary/1")?),
        ])
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

/// What criterion knows of a benchmark, as far as it is needed here.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
    throughput: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Walks criterion's folders: each `new` holds the last run of one benchmark.
fn collect_below(folder: &Path, nanoseconds: &mut BTreeMap<String, f64>) -> Result<(), BookError> {
    for entry in std::fs::read_dir(folder).map_err(BookError::file(folder))? {
        let path = entry.map_err(BookError::file(folder))?.path();
        if path.file_name().is_some_and(|name| name == "new") {
            let benchmark: Benchmark = read_json(&path.join("benchmark.json"))?;
            let estimates: Estimates = read_json(&path.join("estimates.json"))?;
            let elements = elements(benchmark.throughput.as_ref());
            nanoseconds.insert(
                benchmark.full_id,
                round(estimates.median.point_estimate / elements),
            );
        } else if path.is_dir() {
            collect_below(&path, nanoseconds)?;
        }
    }
    Ok(())
}

/// How many elements one iteration works on; 1 if the benchmark does not say.
fn elements(throughput: Option<&serde_json::Value>) -> f64 {
    let plain = throughput.and_then(|value| value.get("Elements")?.as_f64());
    let with_bytes = throughput.and_then(|value| value.get("ElementsAndBytes")?.get("elements")?.as_f64());
    plain.or(with_bytes).unwrap_or(1.0)
}

/// Three digits behind the point are more than a measurement has.
fn round(nanoseconds: f64) -> f64 {
    (nanoseconds * 1_000.0).round() / 1_000.0
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, BookError> {
    let text = std::fs::read_to_string(path).map_err(BookError::file(path))?;
    serde_json::from_str(&text).map_err(|error| BookError::Results(format!("{}: {error}", path.display())))
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
