//! Orders as they arrive, against the time at which they were made: arrival to the right, event time upwards.
//!
//! ```text
//! :20 ───────────────────────────── the end of a window
//!                   ┌───● ─ stream time
//! :10 ──────────────│───│───────────
//!          ┌────●───┘   ● late: its window ended below where stream time is
//!     ●────┘
//! ```

use day03_windows::lab::stream_time::{Run, Step};
use day03_windows::lab::trace::clock;
use day03_windows::time::EventTime;
use svg::node::element::{Circle, Group, Line, Polyline};

use super::axis::{Axis, thin};
use super::{BLUE, GREEN, PURPLE, RED, canvas, line, text};

const COLOURS: [&str; 3] = [BLUE, GREEN, PURPLE];
const LEFT: f64 = 76.0;
const TOP: f64 = 60.0;
const HEIGHT: f64 = 240.0;
const COLUMN: f64 = 58.0;

/// Draws the orders, stream time, and the ends of the windows that closed.
///
/// What moves up is called so in `words`: stream time, or a watermark, which there may not be from the beginning.
pub(super) fn draw(title: &str, run: &Run, words: &str) -> String {
    let windows = run.closed().map(|content| content.window);
    let axis = Axis::over(windows, TOP + HEIGHT, -HEIGHT);
    let right = LEFT + run.steps.len() as f64 * COLUMN;
    let mut partitions: Vec<&str> = run.steps.iter().map(partition).collect();
    partitions.sort_unstable();
    partitions.dedup();

    let mut figure = canvas(title, right + 24.0, TOP + HEIGHT + 44.0).add(legend(&partitions, words));
    let mut ends: Vec<_> = run.closed().map(|content| content.window.end).collect();
    ends.dedup();
    for end in ends {
        let y = axis.place(end);
        let label = text(LEFT - 10.0, y + 4.0, &clock(end).to_string());
        figure = figure
            .add(window_end((LEFT, y), (right, y)))
            .add(label.set("text-anchor", "end"));
    }
    figure = figure.add(stream_time(run, &axis, right));
    for (index, step) in run.steps.iter().enumerate() {
        let colour = partitions
            .iter()
            .position(|name| *name == partition(step))
            .map_or(BLUE, |index| COLOURS[index % COLOURS.len()]);
        figure = figure.add(draw_order(step, &axis, x(index), colour));
    }
    let below = text(
        LEFT,
        TOP + HEIGHT + 38.0,
        "orders as they arrive, by partition and offset; event time upwards",
    );
    format!("{}\n", figure.add(below))
}

fn x(index: usize) -> f64 {
    LEFT + (index as f64 + 0.5) * COLUMN
}

/// The partition in `orders/0@3`.
fn partition(step: &Step) -> &str {
    step.placed.at.split('@').next().unwrap_or_default()
}

fn window_end(from: (f64, f64), to: (f64, f64)) -> Line {
    thin(from, to).set("opacity", 0.4)
}

/// How far time had come, as stairs; nothing where it was not known.
fn stream_time(run: &Run, axis: &Axis, right: f64) -> Polyline {
    let mut points = Vec::new();
    let mut to = |x: f64, time: EventTime| {
        if time > EventTime::MIN {
            // What lies below the first window is drawn at its beginning.
            points.push((x, axis.place(time).min(TOP + HEIGHT)));
        }
    };
    for (index, step) in run.steps.iter().enumerate() {
        if index > 0 {
            to(x(index), step.before);
        }
        to(x(index), step.after);
    }
    if let Some(last) = run.steps.last() {
        to(right, last.after);
    }
    stairs(&points)
}

fn stairs(points: &[(f64, f64)]) -> Polyline {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    Polyline::new()
        .set("points", points.join(" "))
        .set("fill", "none")
        .set("stroke", "currentColor")
        .set("stroke-width", 1.8)
        .set("opacity", 0.7)
}

fn draw_order(step: &Step, axis: &Axis, x: f64, colour: &str) -> Group {
    let y = axis.place(step.placed.order.ts);
    let mut group = Group::new();
    if step.late {
        let behind = line((x, y), (x, axis.place(step.before)));
        group = group.add(behind.set("stroke", RED).set("stroke-dasharray", "3 3"));
    }
    let colour = if step.late { RED } else { colour };
    let name = step.placed.at.trim_start_matches("orders/");
    group
        .add(
            Circle::new()
                .set("cx", x)
                .set("cy", y)
                .set("r", 5)
                .set("fill", colour),
        )
        .add(
            text(x, TOP + HEIGHT + 18.0, name)
                .set("text-anchor", "middle")
                .set("font-size", 11)
                .set("fill", if step.late { RED } else { "currentColor" }),
        )
}

fn legend(partitions: &[&str], words: &str) -> Group {
    let colours = COLOURS.iter().cycle();
    let each = partitions.iter().zip(colours);
    let mut entries: Vec<(&str, &str, String)> = each
        .map(|(partition, colour)| match partitions.len() {
            1 => ("●", *colour, "order".to_string()),
            _ => ("●", *colour, format!("order in {partition}")),
        })
        .collect();
    entries.push(("●", RED, "late order: lost".to_string()));
    let mut group = Group::new().set("font-size", 11);
    let mut x = 8.0;
    for (mark, colour, words) in entries {
        group = group
            .add(text(x, 38.0, mark).set("fill", colour))
            .add(text(x + 15.0, 38.0, &words));
        x += 32.0 + words.len() as f64 * 6.0;
    }
    let far = x + 116.0;
    group
        .add(stairs(&[(x, 34.0), (x + 22.0, 34.0)]))
        .add(text(x + 30.0, 38.0, words))
        .add(window_end((far, 34.0), (far + 22.0, 34.0)))
        .add(text(far + 30.0, 38.0, "end of a window"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use day01_consumer::lab::scenario::Scenario;
    use day03_windows::lab::stream_time::run;

    #[test]
    fn as_many_orders_are_red_as_are_late() {
        for (text, orders, late) in [
            (include_str!("../../scenarios/disorder.toml"), 9, 2),
            (include_str!("../../scenarios/two_speeds.toml"), 10, 3),
        ] {
            let scenario = Scenario::parse("s", text).expect("a good scenario");
            let spec = "tumble:10s".parse().expect("a window");
            let svg = draw("t", &run(&scenario, spec).expect("it runs"), "stream time");
            assert_eq!(svg.matches("<circle").count(), orders);
            assert_eq!(svg.matches("stroke-dasharray").count(), late);
            let red = svg.matches(&format!("fill=\"{RED}\"")).count();
            assert_eq!(red, 1 + 2 * late, "the legend, and each late order with its name");
        }
    }
}
