//! The lives of windows that are kept for late orders: open, come out but kept, let go; and each result that came out.
//!
//! ```text
//! orders        :02    :16    :05    :08    :36
//! window m-1    ▓▓▓▓▓▓▓(4.00)░(24.00)(25.25)░░░|
//! ```

use day02_state::order::money;
use day03_windows::lab::trace::clock;
use day03_windows::time::{EventTime, Span};
use day03_windows::window::Window;
use day04_watermarks::lab::marked::{Run, Step};
use svg::node::element::{Circle, Group, Rectangle};

use super::axis::thin;
use super::{BLUE, GREEN, ORANGE, RED, canvas, text};

const LEFT: f64 = 150.0;
const TOP: f64 = 96.0;
const COLUMN: f64 = 62.0;
const LANE: f64 = 34.0;

/// Draws a lane for each window and merchant, in the order in which they came out.
pub(super) fn draw(title: &str, run: &Run, lateness: Span) -> String {
    let mut lanes: Vec<(Window, &str)> = run
        .closed()
        .map(|content| (content.window, content.merchant_id.as_str()))
        .collect();
    lanes.sort_unstable();
    lanes.dedup();
    let right = LEFT + (run.steps.len() + 1) as f64 * COLUMN;
    let bottom = TOP + lanes.len() as f64 * LANE;
    let mut figure = canvas(title, right + 16.0, bottom + 20.0).add(legend());
    for (column, step) in run.steps.iter().enumerate() {
        figure = figure.add(order(column, step, bottom));
    }
    let end = text(x(run.steps.len()), 66.0, "the end");
    figure = figure.add(end.set("text-anchor", "middle").set("font-size", 11));
    for (lane, (window, merchant)) in lanes.iter().enumerate() {
        figure = figure.add(life(run, *window, merchant, lateness, TOP + lane as f64 * LANE));
    }
    format!("{figure}\n")
}

fn x(column: usize) -> f64 {
    LEFT + (column as f64 + 0.5) * COLUMN
}

/// Whether an order came after its window had come out, and was counted.
fn is_counted_late(step: &Step) -> bool {
    let closed = step.closed.iter();
    !step.late
        && closed
            .clone()
            .any(|content| content.window.contains(step.placed.order.ts))
        && step.before.is_some_and(|before| before > step.placed.order.ts)
}

fn order(column: usize, step: &Step, bottom: f64) -> Group {
    let colour = match (step.late, is_counted_late(step)) {
        (true, _) => RED,
        (_, true) => ORANGE,
        _ => "currentColor",
    };
    let words = |y: f64, words: &str| {
        let words = text(x(column), y, words);
        words.set("text-anchor", "middle").set("font-size", 11)
    };
    let watermark = step.after.map_or("–".to_string(), short);
    Group::new()
        .add(thin((x(column), TOP - 6.0), (x(column), bottom)))
        .add(words(58.0, &step.placed.merchant_id).set("fill", colour))
        .add(words(72.0, &short(step.placed.order.ts)).set("fill", colour))
        .add(words(86.0, &format!("W {watermark}")).set("opacity", 0.6))
}

/// The seconds of a time of day.
fn short(ts: EventTime) -> String {
    let clock = clock(ts).to_string();
    clock
        .rfind(':')
        .map_or(clock.clone(), |colon| clock[colon..].to_string())
}

/// The lane of a window of a merchant.
fn life(run: &Run, window: Window, merchant: &str, lateness: Span, y: f64) -> Group {
    let is_own = |step: &&Step| {
        !step.late && step.placed.merchant_id == merchant && window.contains(step.placed.order.ts)
    };
    let column_of = |found: Option<usize>| found.unwrap_or(run.steps.len());
    let has_come_to = |end: EventTime| run.steps.iter().position(|step| step.after >= Some(end));
    let first = column_of(run.steps.iter().position(|step| is_own(&step)));
    let fires = column_of(has_come_to(window.end)).max(first);
    let goes = column_of(has_come_to(window.end.plus(lateness)));
    let bar = |from: f64, to: f64| {
        Rectangle::new()
            .set("x", from)
            .set("y", y + 4.0)
            .set("width", (to - from).max(0.0))
            .set("height", LANE - 12.0)
            .set("rx", 3)
    };
    let open = bar(x(first), x(fires)).set("fill", BLUE).set("fill-opacity", 0.3);
    let kept = bar(x(fires), x(goes))
        .set("fill", "none")
        .set("stroke", BLUE)
        .set("stroke-dasharray", "3 3");
    let name = format!("{} to {}  {merchant}", short(window.start), short(window.end));
    let mut lane = Group::new().add(text(8.0, y + 19.0, &name)).add(open).add(kept);
    let steps = run.steps.iter().map(|step| &step.closed).chain([&run.at_end]);
    for (column, closed) in steps.enumerate() {
        let own = closed
            .iter()
            .filter(|content| content.window == window && content.merchant_id == merchant);
        for content in own {
            let last = content.pane + 1 == panes_of(run, window, merchant);
            lane = lane.add(result(column, y, &money(content.sum).to_string(), last));
        }
    }
    lane
}

fn panes_of(run: &Run, window: Window, merchant: &str) -> u32 {
    let own = run
        .closed()
        .filter(|content| content.window == window && content.merchant_id == merchant);
    own.map(|content| content.pane + 1).max().unwrap_or_default()
}

/// A result that came out, faint if another one replaces it.
fn result(column: usize, y: f64, sum: &str, is_last: bool) -> Group {
    let middle = y + LANE / 2.0 - 2.0;
    let words = text(x(column) + 8.0, middle + 4.0, sum).set("font-size", 11);
    let dot = Circle::new()
        .set("cx", x(column))
        .set("cy", middle)
        .set("r", 5)
        .set("fill", GREEN);
    Group::new()
        .add(dot)
        .add(words)
        .set("opacity", if is_last { 1.0 } else { 0.45 })
}

fn legend() -> Group {
    let swatch = |x: f64| {
        Rectangle::new()
            .set("x", x)
            .set("y", 29.0)
            .set("width", 22.0)
            .set("height", 12.0)
            .set("rx", 3)
    };
    let dot = |x: f64, opacity: f64| {
        Circle::new()
            .set("cx", x)
            .set("cy", 35.0)
            .set("r", 5)
            .set("fill", GREEN)
            .set("opacity", opacity)
    };
    Group::new()
        .set("font-size", 11)
        .add(swatch(8.0).set("fill", BLUE).set("fill-opacity", 0.3))
        .add(text(36.0, 39.0, "open"))
        .add(
            swatch(84.0)
                .set("fill", "none")
                .set("stroke", BLUE)
                .set("stroke-dasharray", "3 3"),
        )
        .add(text(112.0, 39.0, "kept for late orders"))
        .add(dot(244.0, 1.0))
        .add(text(254.0, 39.0, "a result"))
        .add(dot(320.0, 0.45))
        .add(text(330.0, 39.0, "one that was replaced"))
        .add(text(464.0, 39.0, "late, counted").set("fill", ORANGE))
        .add(text(552.0, 39.0, "late, lost").set("fill", RED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use day04_watermarks::lab::panes::{LATENESS, run};

    #[test]
    fn each_result_is_a_dot_and_what_was_replaced_is_faint() {
        let run = run(LATENESS).expect("it runs");
        let svg = draw("t", &run, LATENESS);
        let results = run.closed().count();
        assert_eq!(svg.matches("<circle").count(), results + 2, "two of the legend");
        let replaced = run.closed().filter(|content| content.pane > 0).count();
        assert_eq!(svg.matches("opacity=\"0.45\"").count(), replaced + 1);
        assert_eq!(
            svg.matches(&format!("fill=\"{RED}\"")).count(),
            1 + 2 * run.lost().len()
        );
        assert_eq!(svg.matches(&format!("fill=\"{ORANGE}\"")).count(), 1 + 2 * 3);
    }
}
