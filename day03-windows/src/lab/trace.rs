//! The words that runs of this day are printed in: orders with their positions, results of windows, times of day.
//!
//! Everything in a run happens on the same day, so a time is printed as `12:00:09`, with milliseconds only if
//! it has any.

use std::fmt;

use day01_consumer::decode::Payload;
use day01_consumer::lab::scenario::Scenario;
use day02_state::error::{Error, JobError};
use day02_state::operator::Failure;
use day02_state::order::{Cents, money};
use day02_state::rows::Rows;
use day02_state::state::{Part, Stateful};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::aggregate::Counted;
use crate::clock::StreamTime;
use crate::job::{Summed, WINDOWS, windows};
use crate::order::Order;
use crate::spec::WindowSpec;
use crate::time::{EventTime, Span, Stamped};
use crate::window::Window;
use crate::windower::{Fired, Windower};
use crate::windowing::Windowing;

/// 2026-01-01 at noon, when the runs begin that have no scenario.
pub const NOON: EventTime = EventTime(1_767_268_800_000);

/// A task of the job, without the job around it: windows that stream time closes.
pub type Task = Windowing<StreamTime, dyn Windower<Row = Cents, Acc = Summed>>;

/// Such a task with these windows, none of which is kept for late rows.
pub fn task(spec: WindowSpec) -> Task {
    Windowing::new(StreamTime::default(), windows::<Cents>(spec, Span(0)))
}

/// An order, and where it lay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Where: `orders/0@3`.
    pub at: String,
    /// Who sold.
    pub merchant_id: String,
    /// When, and for how much.
    pub order: Stamped<Cents>,
}

impl Placed {
    /// The order as a batch of one row.
    pub fn rows(&self) -> Rows<Stamped<Cents>> {
        let mut rows = Rows::new();
        rows.push(self.merchant_id.as_bytes(), self.order);
        rows
    }
}

/// The orders of a scenario, as they arrive, read as the job reads them. What is no order has a place and is
/// left out.
pub fn orders(scenario: &Scenario) -> Vec<Placed> {
    let mut offsets = vec![0_u64; scenario.partitions];
    let placed = scenario.events.iter().filter_map(|event| {
        let offset = offsets[event.partition];
        offsets[event.partition] += 1;
        let payload = event.payload.as_deref().map_or(Payload::Tombstone, Payload::Text);
        let order = Order::decode(payload).ok()?;
        Some(Placed {
            at: format!("orders/{}@{offset}", event.partition),
            merchant_id: order.merchant_id.into_owned(),
            order: Stamped {
                ts: order.ts,
                value: order.amount,
            },
        })
    });
    placed.collect()
}

/// What a window holds of a merchant: when it closes, or when somebody looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The window.
    pub window: Window,
    /// Who sold.
    pub merchant_id: String,
    /// How often a result of them has come out before.
    pub pane: u32,
    /// How many orders.
    pub orders: u64,
    /// For how much, in cents.
    pub sum: i128,
}

/// What has closed, in the order of windows, and then of merchants.
pub fn contents<A>(fired: &Fired<A>, counted: impl Fn(&A) -> &Counted) -> Vec<Content> {
    let closed = fired.closed.keys().zip(fired.closed.values());
    let content = closed.map(|((key, _), closed)| {
        let counted = counted(&closed.acc);
        Content {
            window: closed.window,
            merchant_id: String::from_utf8_lossy(key).into_owned(),
            pane: closed.pane,
            orders: counted.rows,
            sum: counted.sum().unwrap_or_default(),
        }
    });
    let mut contents: Vec<Content> = content.collect();
    contents.sort_by(|one, other| (one.window, &one.merchant_id).cmp(&(other.window, &other.merchant_id)));
    contents
}

/// What the windows hold that are open in this snapshot: a copy is restored from it, and closed.
pub fn open(spec: WindowSpec, snapshot: Vec<Part>) -> Result<Vec<Content>, Error> {
    let (mut copy, mut fired) = (task(spec), Fired::default());
    copy.restore(snapshot).map_err(Error::Restore)?;
    copy.on_drained(&mut fired).map_err(failed)?;
    Ok(contents(&fired, |(sums, _)| sums))
}

/// The error of a run whose windows have failed.
pub fn failed(failure: Failure) -> Error {
    let task = WINDOWS.to_string();
    JobError::Failed { task, failure }.into()
}

/// The time of day at this time.
pub fn clock(ts: EventTime) -> impl fmt::Display {
    match Timestamp::from_millisecond(ts.0) {
        Ok(time) => time.to_zoned(TimeZone::UTC).strftime("%H:%M:%S%.f").to_string(),
        Err(_) if ts == EventTime::MIN => "–".to_string(),
        Err(_) => ts.to_string(),
    }
}

/// A window in times of day.
pub fn clocks(window: Window) -> impl fmt::Display {
    format!("[{}, {})", clock(window.start), clock(window.end))
}

/// So many orders, always in the same width.
pub fn count(orders: u64) -> impl fmt::Display {
    format!("{orders} {:6}", if orders == 1 { "order" } else { "orders" })
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  {}  {}  {:>6}",
            clocks(self.window),
            self.merchant_id,
            count(self.orders),
            money(self.sum)
        )?;
        match self.pane {
            0 => Ok(()),
            pane => write!(f, "  pane {pane}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_have_milliseconds_if_there_are_any() {
        assert_eq!(clock(NOON).to_string(), "12:00:00");
        assert_eq!(clock(EventTime(1_767_268_800_500)).to_string(), "12:00:00.5");
        assert_eq!(clock(EventTime::MIN).to_string(), "–");
    }
}
