//! Draws the figures of the book from runs of the code.
//!
//! A figure is a function from a trace to an SVG, and the trace comes from running a scenario, so a figure cannot show
//! what the code does not do. The files are committed, and a test compares them with a new run. Text and lines take the
//! colour of the page around them, and the other colours are middle tones, so that a figure can be read on light and on
//! dark pages; for that, pages include the SVG itself, not a link to it.

mod bars;
mod lives;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use day01_consumer::job::Commit;
use day01_consumer::lab::replay::replay;
use day01_consumer::lab::scenario::Scenario;

pub use bars::{Bar, bars};

use svg::Document;
use svg::node::element::{Text, Title};

use crate::BookError;

/// All figures that are drawn from traces, by the path of their file below `chapters`.
pub fn figures(book: &Path) -> Result<BTreeMap<PathBuf, String>, BookError> {
    let scenarios: BTreeMap<String, Scenario> = Scenario::read_all(&book.join("scenarios"))?
        .into_iter()
        .map(|scenario| (scenario.name.clone(), scenario))
        .collect();
    let figure = |name: &str, scenario: &str, commit, title: &str| {
        let scenario = scenarios
            .get(scenario)
            .ok_or_else(|| BookError::NoScenario(scenario.to_string()))?;
        let svg = lives::draw(title, scenario, &replay(scenario, commit)?);
        Ok::<_, BookError>((PathBuf::from(name), svg))
    };
    [
        figure(
            "day01/figures/offsets.svg",
            "first_counts",
            Commit::After,
            "Records, positions and the map over time",
        ),
        figure(
            "day01/figures/crash-before.svg",
            "crash",
            Commit::Before,
            "Committed before counting: the crash loses a batch",
        ),
        figure(
            "day01/figures/crash-after.svg",
            "crash",
            Commit::After,
            "Committed after counting: the crash doubles a batch",
        ),
    ]
    .into_iter()
    .collect()
}

/// An empty figure with its title, as large as its content needs and never wider than the page.
fn canvas(title: &str, width: f64, height: f64) -> Document {
    Document::new()
        .set("viewBox", format!("0 0 {width} {height}"))
        .set("role", "img")
        .set("style", format!("width:100%;max-width:{width}px;height:auto"))
        .set("font-family", "sans-serif")
        .set("font-size", 12)
        .set("fill", "currentColor")
        .add(Title::new(title))
        .add(text(8.0, 16.0, title).set("font-weight", "bold"))
}

/// Words at a place.
fn text(x: f64, y: f64, content: &str) -> Text {
    Text::new(content).set("x", x).set("y", y)
}
