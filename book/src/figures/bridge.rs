//! Sessions of a merchant, order by order: a row for each order, the sessions as boxes over their orders.
//!
//! ```text
//! :00    [●        1)
//! :15    [●        1)    [●        1)
//! :08    [●       ○       ●        3)
//! ```
//!
//! An order that lies before one that came earlier is orange. Sessions that have closed are green, open ones blue.

use day03_windows::lab::bridge::Untimed;
use day03_windows::lab::stream_time::Run;
use day03_windows::lab::trace::{Content, Placed, clock};
use day03_windows::time::EventTime;
use svg::node::element::{Circle, Group};

use super::axis::{Axis, lanes};
use super::{BLUE, GREEN, ORANGE, canvas, text};

const LEFT: f64 = 132.0;
const WIDTH: f64 = 500.0;
const TOP: f64 = 64.0;
const LANE: f64 = 26.0;
const ROW_GAP: f64 = 8.0;
const PANEL_GAP: f64 = 52.0;

/// What is to be seen after an order.
struct Row<'a> {
    label: String,
    orders: &'a [Placed],
    open: Vec<&'a Content>,
    closed: Vec<&'a Content>,
}

/// Draws what comes of the orders when time is told at the end, and below it what comes of them under stream time.
pub(super) fn draw(title: &str, untimed: &Untimed, timed: &Run) -> String {
    let orders: Vec<Placed> = untimed.steps.iter().map(|step| step.placed.clone()).collect();
    let mut above = Vec::new();
    for (index, step) in untimed.steps.iter().enumerate() {
        above.push(Row {
            label: format!("order of {}", clock(step.placed.order.ts)),
            orders: &orders[..=index],
            open: step.open.iter().collect(),
            closed: Vec::new(),
        });
    }
    above.push(end(&orders, untimed.at_end.iter()));
    let mut below = Vec::new();
    for (index, step) in timed.steps.iter().enumerate() {
        below.push(Row {
            label: format!("order of {}", clock(step.placed.order.ts)),
            orders: &orders[..=index],
            open: step.open.iter().collect(),
            closed: timed.steps[..=index]
                .iter()
                .flat_map(|step| &step.closed)
                .collect(),
        });
    }
    below.push(end(&orders, timed.closed()));

    let all = above.iter().chain(&below);
    let windows = all.flat_map(|row| row.open.iter().chain(&row.closed));
    let axis = Axis::over(windows.map(|content| content.window), LEFT, WIDTH);
    let (panel, bottom) = draw_rows("time is told at the end", &above, &axis, TOP);
    let (second, height) = draw_rows("under stream time", &below, &axis, bottom + PANEL_GAP);
    let figure = canvas(title, LEFT + WIDTH + 32.0, height + 24.0).add(legend());
    format!("{}\n", figure.add(panel).add(second))
}

/// The row behind the last order: everything has closed.
fn end<'a>(orders: &'a [Placed], closed: impl Iterator<Item = &'a Content>) -> Row<'a> {
    Row {
        label: "no more orders".to_string(),
        orders,
        open: Vec::new(),
        closed: closed.collect(),
    }
}

/// The rows below a heading, and where they end.
fn draw_rows(heading: &str, rows: &[Row<'_>], axis: &Axis, top: f64) -> (Group, f64) {
    let mut group = Group::new();
    let mut y = top + 16.0;
    for row in rows {
        let sessions = || {
            let closed = row.closed.iter().map(|content| (*content, GREEN));
            closed.chain(row.open.iter().map(|content| (*content, BLUE)))
        };
        let lanes = lanes(sessions().map(|(content, _)| content.window));
        let height = lanes.iter().max().map_or(1, |lane| lane + 1) as f64 * LANE;
        group = group.add(text(8.0, y + 15.0, &row.label));
        for ((content, colour), lane) in sessions().zip(&lanes) {
            let top = y + *lane as f64 * LANE;
            let end = text(
                axis.place(content.window.end) - 8.0,
                top + 15.0,
                &content.orders.to_string(),
            );
            group = group
                .add(axis.stretch(content.window, top, LANE - 4.0, colour))
                .add(end.set("text-anchor", "end"));
        }
        for (ts, is_behind) in behind(row.orders) {
            // Results overlap only where an order has come behind time: it is in the later one, the others are not.
            let with_order = sessions()
                .zip(&lanes)
                .filter(|((content, _), _)| content.window.contains(ts));
            let with_order = with_order.map(|(_, lane)| *lane);
            let lane = if is_behind {
                with_order.max()
            } else {
                with_order.min()
            }
            .unwrap_or_default();
            let dot = Circle::new()
                .set("cx", axis.place(ts))
                .set("cy", y + lane as f64 * LANE + LANE / 2.0 - 2.0)
                .set("r", 4.5);
            group = group.add(dot.set("fill", if is_behind { ORANGE } else { "currentColor" }));
        }
        y += height + ROW_GAP;
    }
    let bottom = y - ROW_GAP + 4.0;
    let heading = text(8.0, top, heading).set("font-weight", "bold");
    (
        Group::new()
            .add(axis.grid(top + 10.0, bottom))
            .add(heading)
            .add(group),
        bottom,
    )
}

/// The times of orders, and whether one that came before lies behind.
fn behind(orders: &[Placed]) -> impl Iterator<Item = (EventTime, bool)> {
    orders.iter().scan(EventTime::MIN, |latest, placed| {
        let ts = placed.order.ts;
        *latest = ts.max(*latest);
        Some((ts, ts < *latest))
    })
}

fn legend() -> Group {
    let entries = [
        (8.0, "●", "currentColor", "order"),
        (70.0, "●", ORANGE, "order that comes behind a later one"),
        (292.0, "■", BLUE, "open session"),
        (396.0, "■", GREEN, "session that has closed"),
    ];
    let mut group = Group::new().set("font-size", 11);
    for (x, mark, colour, words) in entries {
        group = group
            .add(text(x, 34.0, mark).set("fill", colour))
            .add(text(x + 14.0, 34.0, words));
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use day03_windows::lab::bridge::{under_stream_time, untimed};

    #[test]
    fn the_order_that_comes_behind_is_marked_wherever_it_is() {
        let svg = draw(
            "t",
            &untimed().expect("it runs"),
            &under_stream_time().expect("it runs"),
        );
        let (legend, rows) = (1, 4);
        assert_eq!(svg.matches(ORANGE).count(), legend + rows);
        assert_eq!(svg.matches("<circle").count(), 2 * (1 + 2 + 3 + 3));
        let boxes = |colour: &str| svg.matches(&format!("stroke=\"{colour}\"")).count();
        assert_eq!((boxes(BLUE), boxes(GREEN)), (4 + 3, 1 + 4));
    }
}
