//! Draws the figures of the book from runs of the code.
//!
//! A figure is a function from a trace to an SVG, and the trace comes from running a scenario, so a figure cannot show
//! what the code does not do. The files are committed, and a test compares them with a new run. Text and lines take the
//! colour of the page around them, and the other colours are middle tones, so that a figure can be read on light and on
//! dark pages; for that, pages include the SVG itself, not a link to it.

mod axis;
mod barrier;
mod bars;
mod bridge;
mod changelog;
mod channel;
mod epochs;
mod exchange;
mod groups;
mod kinds;
mod ladder;
mod layers;
mod lives;
mod panes;
mod saved;
mod slices;
mod stream_time;
mod tasks;
mod valve;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use day01_consumer::job::Commit;
use day01_consumer::lab::replay::replay;
use day01_consumer::lab::scenario::Scenario;
use day02_state::lab::crash::{self, Saving};
use day02_state::lab::{backpressure, two_workers};
use day03_windows::lab;
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span};
use day04_watermarks::lab::{self as watermarks, marked, timeline};
use day05_checkpoints::lab as checkpoints;
use day06_sql::lab as sql;
use svg::Document;
use svg::node::element::{Line, Text, Title};

use crate::BookError;
use crate::ladder::matrix;

pub use bars::{Bar, bars};

const GREEN: &str = "#2e9e5b";
const ORANGE: &str = "#d9822b";
const RED: &str = "#d64545";
const BLUE: &str = "#3b82c4";
const PURPLE: &str = "#9457c9";

/// All figures that are drawn from traces, by the path of their file below `chapters`.
pub fn figures(book: &Path) -> Result<BTreeMap<PathBuf, String>, BookError> {
    let scenarios = Scenarios(Scenario::read_all(&book.join("scenarios"))?);
    let mut all = day01(&scenarios)?;
    all.extend(day02(&scenarios)?);
    all.extend(day03(&scenarios)?);
    all.extend(day04(&scenarios)?);
    all.extend(day05()?);
    all.extend(day06()?);
    all.push((
        "figures/ladder.svg",
        ladder::draw("What each day makes of each scenario", &matrix(book)?),
    ));
    let named = all.into_iter();
    Ok(named.map(|(name, svg)| (PathBuf::from(name), svg)).collect())
}

type Figures = Vec<(&'static str, String)>;

struct Scenarios(Vec<Scenario>);

impl Scenarios {
    fn named(&self, name: &str) -> Result<&Scenario, BookError> {
        let found = self.0.iter().find(|scenario| scenario.name == name);
        found.ok_or_else(|| BookError::NoScenario(name.to_string()))
    }
}

fn day01(scenarios: &Scenarios) -> Result<Figures, BookError> {
    let draw = |title, scenario, commit| {
        let scenario = scenarios.named(scenario)?;
        Ok::<_, BookError>(lives::draw(title, scenario, &replay(scenario, commit)?))
    };
    Ok(vec![
        (
            "day01/figures/offsets.svg",
            draw(
                "Records, positions and the map over time",
                "first_counts",
                Commit::After,
            )?,
        ),
        (
            "day01/figures/crash-before.svg",
            draw(
                "Committed before counting: the crash loses a batch",
                "crash",
                Commit::Before,
            )?,
        ),
        (
            "day01/figures/crash-after.svg",
            draw(
                "Committed after counting: the crash doubles a batch",
                "crash",
                Commit::After,
            )?,
        ),
    ])
}

fn day02(scenarios: &Scenarios) -> Result<Figures, BookError> {
    let crash = scenarios.named("crash")?;
    let saved = |title, saving| Ok::<_, BookError>(saved::draw(title, &crash::run(crash, saving)?));
    Ok(vec![
        (
            "day02/figures/two-workers.svg",
            exchange::draw(
                "Two sources, an exchange, two workers",
                &two_workers::run(scenarios.named("first_counts")?, 2, 2, 37)?.events,
            ),
        ),
        (
            "day02/figures/channel.svg",
            channel::draw(
                "What lies between a fast task and a slow one",
                &[
                    ("without a bound", RED, backpressure::run(60, 1_000)?),
                    ("at most four packets", BLUE, backpressure::run(60, 4)?),
                ],
            ),
        ),
        (
            "day02/figures/key-groups.svg",
            groups::draw("Who owns which key groups, with 3 workers and with 4", 3, 4),
        ),
        (
            "day02/figures/state-first.svg",
            saved(
                "Two writes, state first: the crash doubles a batch",
                Saving::StateFirst,
            )?,
        ),
        (
            "day02/figures/positions-first.svg",
            saved(
                "Two writes, positions first: the crash loses a batch",
                Saving::PositionsFirst,
            )?,
        ),
        (
            "day02/figures/one-write.svg",
            saved(
                "One write: the crash costs time, and nothing else",
                Saving::OneWriteNotRenamed,
            )?,
        ),
    ])
}

fn day03(scenarios: &Scenarios) -> Result<Figures, BookError> {
    let (ten, twenty, none) = (Span::seconds(10), Span::seconds(20), Span(0));
    let tumble = |size| WindowSpec::Tumble { size, offset: none };
    let kinds = [
        tumble(twenty),
        WindowSpec::Hop {
            size: twenty,
            slide: ten,
            offset: none,
        },
        WindowSpec::Cumulate {
            max: Span::seconds(30),
            step: ten,
            offset: none,
        },
        WindowSpec::Session { gap: ten },
    ];
    let in_order = scenarios.named("four_kinds")?;
    let kinds = kinds
        .into_iter()
        .map(|spec| Ok((spec, lab::stream_time::run(in_order, spec)?)))
        .collect::<Result<Vec<_>, BookError>>()?;
    let late = |title, scenario| {
        let run = lab::stream_time::run(scenarios.named(scenario)?, tumble(ten))?;
        Ok::<_, BookError>(stream_time::draw(title, &run, "stream time"))
    };
    Ok(vec![
        (
            "day03/figures/four-kinds.svg",
            kinds::draw("The same orders in windows of four kinds", &kinds),
        ),
        (
            "day03/figures/slices.svg",
            slices::draw(
                "Windows of 30 seconds, put together from slices of 10",
                &lab::sharing::trace()?,
            ),
        ),
        (
            "day03/figures/bridge.svg",
            bridge::draw(
                "An order bridges two sessions, or comes too late for one of them",
                &lab::bridge::untimed()?,
                &lab::bridge::under_stream_time()?,
            ),
        ),
        (
            "day03/figures/disorder.svg",
            late(
                "Orders that arrive up to three seconds after they were made",
                "disorder",
            )?,
        ),
        (
            "day03/figures/two-speeds.svg",
            late("Two partitions in order, read at two speeds", "two_speeds")?,
        ),
    ])
}

fn day04(scenarios: &Scenarios) -> Result<Figures, BookError> {
    let tumble = WindowSpec::Tumble {
        size: Span::seconds(10),
        offset: Span(0),
    };
    let marked = |title, scenario, delay, per| {
        let orders = lab::trace::orders(scenarios.named(scenario)?);
        let rules = marked::Rules {
            per,
            ..marked::Rules::delay(Span::seconds(delay))
        };
        let run = marked::run(&orders, tumble, rules)?;
        Ok::<_, BookError>(stream_time::draw(title, &watermarks_as_time(&run), "watermark"))
    };
    Ok(vec![
        (
            "day04/figures/one-second.svg",
            marked("A watermark one second behind", "disorder", 1, marked::Per::Split)?,
        ),
        (
            "day04/figures/two-speeds.svg",
            marked(
                "Two partitions, each with a watermark of its own",
                "two_speeds",
                0,
                marked::Per::Split,
            )?,
        ),
        (
            "day04/figures/valve.svg",
            valve::draw("Two channels, and what their task may promise", &timeline::run()),
        ),
        (
            "day04/figures/panes.svg",
            panes::draw(
                "Windows of ten seconds, kept for twenty more",
                &watermarks::panes::run(watermarks::panes::LATENESS)?,
                watermarks::panes::LATENESS,
            ),
        ),
    ])
}

fn day05() -> Result<Figures, BookError> {
    use checkpoints::barrier::{SEED, TAPES, Waits, run};
    let job = |waits| run(TAPES, "", waits, SEED).map_err(day02_state::error::Error::from);
    let runs = [
        ("a channel waits behind its barrier", job(Waits::UntilAllAreIn)?),
        ("it is read on", job(Waits::Never)?),
    ];
    let epochs = checkpoints::epochs::run().map_err(|failure| BookError::Lab(failure.to_string()))?;
    let layers = checkpoints::layers::run().map_err(|failure| BookError::Lab(failure.to_string()))?;
    Ok(vec![
        (
            "day05/figures/barrier.svg",
            barrier::draw("A barrier on two channels", &runs),
        ),
        (
            "day05/figures/epochs.svg",
            epochs::draw("Two epochs on their way out", &epochs),
        ),
        (
            "day05/figures/layers.svg",
            layers::draw("What each checkpoint is made of", &layers),
        ),
    ])
}

fn day06() -> Result<Figures, BookError> {
    use sql::changelog::{Between, COUNTS, run};
    let failed = |failure: day02_state::operator::Failure| BookError::Lab(failure.to_string());
    let steps = run(COUNTS, 2, Between::Changes).map_err(failed)?;
    let lowered = sql::tasks::run(sql::tasks::BUSY).map_err(failed)?;
    Ok(vec![
        (
            "day06/figures/changelog.svg",
            changelog::draw("Changes that fold into a view, two orders a chunk", &steps),
        ),
        (
            "day06/figures/tasks.svg",
            tasks::draw("A plan, and the tasks that it becomes", &lowered),
        ),
    ])
}

/// A run under watermarks as one under a clock, to be drawn alike. Before the first watermark it is no time at all.
fn watermarks_as_time(run: &marked::Run) -> lab::stream_time::Run {
    let step = |step: &marked::Step| lab::stream_time::Step {
        placed: step.placed.clone(),
        before: step.before.unwrap_or(EventTime::MIN),
        after: step.after.unwrap_or(EventTime::MIN),
        late: step.late,
        closed: step.closed.clone(),
        open: Vec::new(),
    };
    lab::stream_time::Run {
        steps: run.steps.iter().map(step).collect(),
        at_end: run.at_end.clone(),
    }
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

/// A straight line.
fn line(from: (f64, f64), to: (f64, f64)) -> Line {
    Line::new()
        .set("x1", from.0)
        .set("y1", from.1)
        .set("x2", to.0)
        .set("y2", to.1)
}
