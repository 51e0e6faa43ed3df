//! Three orders of a merchant in session windows, the third of which lies between the other two and bridges
//! them.
//!
//! What comes of it depends on what time it is when the third order comes: nothing was told of time until the
//! end, or stream time was, and the first session has closed.

use std::fmt;

use day02_state::error::Error;
use day02_state::order::Cents;

use super::stream_time::{Run, closes, run_orders};
use super::trace::{Content, NOON, Placed, clock, clocks, contents, failed, open};
use crate::aggregate::Summary;
use crate::sessions::SessionWindows;
use crate::spec::WindowSpec;
use crate::time::{EventTime, Span, Stamped};
use crate::windower::{Fired, Windower};

/// How long a pause ends a session.
pub const GAP: Span = Span::seconds(10);

/// An order, and the sessions that are open behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The order.
    pub placed: Placed,
    /// The sessions.
    pub open: Vec<Content>,
}

/// Everything that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untimed {
    /// Order by order.
    pub steps: Vec<Step>,
    /// What closed at the end.
    pub at_end: Vec<Content>,
}

/// The orders: at :00, at :15, and the one that bridges them, at :08.
pub fn orders() -> Vec<Placed> {
    let orders = [(0, 400), (15, 825), (8, 375)];
    let placed = orders
        .iter()
        .enumerate()
        .map(|(offset, (seconds, cents))| Placed {
            at: format!("orders/0@{offset}"),
            merchant_id: "m-7".to_string(),
            order: Stamped {
                ts: NOON.plus(Span::seconds(*seconds)),
                value: Cents(*cents),
            },
        });
    placed.collect()
}

/// The orders in session windows that are told of time only at the end.
pub fn untimed() -> Result<Untimed, Error> {
    let mut windows = SessionWindows::new(GAP, Span(0), Summary::<Cents>::default());
    let (mut steps, mut fired) = (Vec::new(), Fired::default());
    for placed in orders() {
        windows.add(&placed.rows(), 0..1, &mut fired).map_err(failed)?;
        let open = open(spec(), windows.snapshot().parts())?;
        steps.push(Step { placed, open });
    }
    windows.advance(EventTime::MAX, &mut fired).map_err(failed)?;
    let at_end = contents(&fired, |(sums, _)| sums);
    Ok(Untimed { steps, at_end })
}

/// The same orders under stream time.
pub fn under_stream_time() -> Result<Run, Error> {
    run_orders(&orders(), spec())
}

fn spec() -> WindowSpec {
    WindowSpec::Session { gap: GAP }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.open.iter();
        let open: Vec<String> = open
            .map(|session| format!("{} {}", clocks(session.window), session.orders))
            .collect();
        write!(
            f,
            "{}  {}  {}  {:>5}   open: {}",
            self.placed.at,
            self.placed.merchant_id,
            clock(self.placed.order.ts),
            self.placed.order.value,
            open.join("  ")
        )
    }
}

impl fmt::Display for Untimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        write!(f, "no more orders")?;
        closes(f, &self.at_end)
    }
}
