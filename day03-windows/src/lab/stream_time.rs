//! Orders one by one through windows that stream time closes: what each order finds, and what closes because
//! of it.
//!
//! The windows are those of the job, and so is the clock. What is drawn from a run is written down here,
//! nothing of it decided.

use std::fmt;

use day01_consumer::lab::scenario::Scenario;
use day02_state::error::Error;
use day02_state::state::Stateful;

use super::trace::{Content, Placed, clock, contents, failed, open, orders, task};
use crate::spec::WindowSpec;
use crate::time::EventTime;
use crate::windower::Fired;

/// An order, and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The order.
    pub placed: Placed,
    /// Stream time when it came.
    pub before: EventTime,
    /// Stream time since then.
    pub after: EventTime,
    /// Whether it came too late for all its windows.
    pub late: bool,
    /// What closed because of it.
    pub closed: Vec<Content>,
    /// What is open behind it.
    pub open: Vec<Content>,
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

/// Runs the orders of a scenario as they arrive.
pub fn run(scenario: &Scenario, spec: WindowSpec) -> Result<Run, Error> {
    run_orders(&orders(scenario), spec)
}

/// Runs these orders, one after another.
pub fn run_orders(orders: &[Placed], spec: WindowSpec) -> Result<Run, Error> {
    let mut task = task(spec);
    let mut steps = Vec::new();
    for placed in orders {
        let (before, mut fired) = (task.now(), Fired::default());
        task.on_rows(&placed.rows(), &mut fired).map_err(failed)?;
        steps.push(Step {
            placed: placed.clone(),
            before,
            after: task.now(),
            late: !fired.late.is_empty(),
            closed: contents(&fired, |(sums, _)| sums),
            open: open(spec, task.snapshot(0).parts())?,
        });
    }
    let mut fired = Fired::default();
    task.on_drained(&mut fired).map_err(failed)?;
    let at_end = contents(&fired, |(sums, _)| sums);
    Ok(Run { steps, at_end })
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  {}  {}  {:>5}   stream time {}",
            self.placed.at,
            self.placed.merchant_id,
            clock(self.placed.order.ts),
            self.placed.order.value,
            clock(self.after)
        )?;
        if self.late {
            write!(f, "   late")?;
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
pub(super) fn closes(f: &mut fmt::Formatter<'_>, contents: &[Content]) -> fmt::Result {
    contents
        .iter()
        .try_for_each(|content| write!(f, "\n    closes {content}"))
}
