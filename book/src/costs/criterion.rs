//! What criterion has left in the build folder.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::BookError;

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
pub(super) fn collect_below(folder: &Path, nanoseconds: &mut BTreeMap<String, f64>) -> Result<(), BookError> {
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
