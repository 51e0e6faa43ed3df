//! Orders one by one through windows that watermarks close: where the watermark was when an order came, and what closed
//! because of it.
//!
//! Generators, valve, clock and windows are those of the job. What is drawn from a run is written down here, nothing of
//! it decided, except for one question: whose watermarks there are. [`Per::Source`] is the design that this day rejects,
//! one generator for everything that a source reads.

use std::fmt;

use day01_consumer::source::Split;
use day02_state::error::Error;
use day02_state::order::Cents;
use day03_windows::job::{Summed, windows};
use day03_windows::lab::trace::{Content, NOON, Placed, clock, contents, failed};
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span};
use day03_windows::windower::{Fired, Windower};
use day03_windows::windowing::Windowing;

use crate::clock::WatermarkClock;
use crate::splits::{SplitWatermarks, Strategy};
use crate::watermark::Watermark;

/// Windows that watermarks close.
pub type Task = Windowing<WatermarkClock, dyn Windower<Row = Cents, Acc = Summed>>;

/// Such a task with these windows, which are kept so long for late rows.
pub fn task(spec: WindowSpec, lateness: Span) -> Task {
    Windowing::new(WatermarkClock::default(), windows::<Cents>(spec, lateness))
}

/// By which rules rows are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How far watermarks are behind.
    pub delay: Span,
    /// How long windows are kept for late rows.
    pub lateness: Span,
    /// How far ahead a row may be.
    pub max_ahead: Option<Span>,
    /// Whose watermarks there are.
    pub per: Per,
}

impl Rules {
    /// Watermarks for each split, so far behind, and nothing else.
    pub fn delay(delay: Span) -> Self {
        Rules {
            delay,
            lateness: Span(0),
            max_ahead: None,
            per: Per::Split,
        }
    }
}

/// Whose watermarks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Each split has its own, and the slowest counts.
    Split,
    /// One for all that the source reads.
    Source,
}

/// An order, and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The order.
    pub placed: Placed,
    /// The watermark that it found; none if there was none yet.
    pub before: Option<EventTime>,
    /// The watermark behind it.
    pub after: Option<EventTime>,
    /// Whether it came too late for all its windows.
    pub late: bool,
    /// Whether it was refused, because it is too far ahead.
    pub refused: bool,
    /// What closed because of it.
    pub closed: Vec<Content>,
}

/// Everything that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Order by order.
    pub steps: Vec<Step>,
    /// What closed when there were no more.
    pub at_end: Vec<Content>,
}

impl Run {
    /// All that closed, in order.
    pub fn closed(&self) -> impl Iterator<Item = &Content> {
        self.steps
            .iter()
            .flat_map(|step| &step.closed)
            .chain(&self.at_end)
    }

    /// Where the orders lay that are in no result.
    pub fn lost(&self) -> Vec<&str> {
        let late = self.steps.iter().filter(|step| step.late);
        late.map(|step| step.placed.at.as_str()).collect()
    }
}

/// Runs these orders, one after another.
pub fn run(orders: &[Placed], spec: WindowSpec, rules: Rules) -> Result<Run, Error> {
    let strategy = Strategy {
        delay: rules.delay,
        grid: Span::millis(1),
        idle_timeout: None,
        max_ahead: rules.max_ahead,
        ..Strategy::default()
    };
    let (mut marks, mut task) = (SplitWatermarks::new(strategy), task(spec, rules.lateness));
    // A source knows its splits before it has read anything.
    let partition = |placed: &Placed| match rules.per {
        Per::Split => partition_of(placed),
        Per::Source => 0,
    };
    let mut partitions: Vec<i32> = orders.iter().map(partition).collect();
    partitions.sort_unstable();
    partitions.dedup();
    let splits: Vec<Split> = partitions.into_iter().map(split).collect();
    let _ = marks.on_start(&splits);

    let mut steps = Vec::new();
    for placed in orders {
        let (before, mut fired) = (marks.watermark(), Fired::default());
        let refused = marks.check(partition(placed), placed.order.ts, None).is_err();
        if !refused {
            task.on_rows(&placed.rows(), &mut fired).map_err(failed)?;
            if let Some(Watermark::At(at)) = marks.on_row(partition(placed), placed.order.ts) {
                task.on_time(at, &mut fired).map_err(failed)?;
            }
        }
        steps.push(Step {
            placed: placed.clone(),
            before,
            after: marks.watermark(),
            late: !fired.late.is_empty(),
            refused,
            closed: contents(&fired, |(sums, _)| sums),
        });
    }
    let mut fired = Fired::default();
    task.on_drained(&mut fired).map_err(failed)?;
    let at_end = contents(&fired, |(sums, _)| sums);
    Ok(Run { steps, at_end })
}

/// The partition in `orders/1@3`.
fn partition_of(placed: &Placed) -> i32 {
    let split = placed.at.split('@').next().unwrap_or_default();
    let number = split.rsplit('/').next().unwrap_or_default();
    number.parse().unwrap_or_default()
}

/// A split of which nobody asks more than its name.
pub(super) fn split(partition: i32) -> Split {
    Split {
        partition,
        name: format!("orders/{partition}"),
        position: 0,
        end: None,
        caught_up: true,
        identity: None,
    }
}

/// A time of day, the date if it is another day, or a dash before there is any.
fn shown(at: Option<EventTime>) -> String {
    let text = at.map_or_else(|| "–".to_string(), |at| at.to_string());
    match (at, text.split_once('T')) {
        (Some(at), Some((day, _))) if NOON.to_string().starts_with(day) => clock(at).to_string(),
        (_, Some((day, _))) => day.to_string(),
        _ => text,
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  {}  {}  {:>5}   watermark {}",
            self.placed.at,
            self.placed.merchant_id,
            shown(Some(self.placed.order.ts)),
            self.placed.order.value,
            shown(self.after)
        )?;
        if self.late {
            write!(f, "   late")?;
        }
        if self.refused {
            write!(f, "   refused")?;
        }
        closes(f, &self.closed)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        write!(f, "no more orders")?;
        closes(f, &self.at_end)
    }
}

/// A line for each window that closes.
fn closes(f: &mut fmt::Formatter<'_>, contents: &[Content]) -> fmt::Result {
    contents
        .iter()
        .try_for_each(|content| write!(f, "\n    closes {content}"))
}
