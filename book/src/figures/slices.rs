//! Windows of a hop, one below the other as they close: each a bracket under the slices that it was put together from.
//!
//! ```text
//! 12:00:30     [ 3 ][ 1 ][ 2 ]              6 orders
//!              └─────────────┘
//! 12:00:40          [ 1 ][ 2 ][ 1 ]         4 orders
//!                   └─────────────┘
//! ```
//!
//! A slice that is dropped behind a window is dashed there, and in no row below.

use day03_windows::lab::sharing::{Slice, Step};
use day03_windows::lab::trace::{clock, count};
use svg::node::element::{Group, Polyline, Rectangle};

use super::axis::Axis;
use super::{BLUE, canvas, text};

const LEFT: f64 = 84.0;
const WIDTH: f64 = 520.0;
const RESULT: f64 = LEFT + WIDTH + 34.0;
const TOP: f64 = 78.0;
const ROW: f64 = 42.0;
const BOX: f64 = 20.0;

/// Draws window after window.
pub(super) fn draw(title: &str, steps: &[Step]) -> String {
    let axis = Axis::over(steps.iter().map(|step| step.closed.window), LEFT, WIDTH);
    let bottom = TOP + steps.len() as f64 * ROW;
    let mut figure = canvas(title, LEFT + WIDTH + 96.0, bottom + 24.0)
        .add(legend())
        .add(axis.grid(TOP - 8.0, bottom));
    for (index, step) in steps.iter().enumerate() {
        figure = figure.add(draw_step(step, &axis, TOP + index as f64 * ROW));
    }
    format!("{figure}\n")
}

fn draw_step(step: &Step, axis: &Axis, y: f64) -> Group {
    let window = step.closed.window;
    let (start, end) = (axis.place(window.start), axis.place(window.end));
    let result = count(step.closed.orders).to_string();
    let mut group = Group::new()
        .add(text(8.0, y + 15.0, &clock(window.end).to_string()))
        .add(bracket(start + 1.5, end - 1.5, y + BOX + 7.0))
        .add(text(RESULT, y + 15.0, result.trim_end()));
    for slice in &step.from {
        group = group.add(draw_slice(slice, step.dropped.contains(slice), axis, y));
    }
    group
}

fn draw_slice(slice: &Slice, dropped: bool, axis: &Axis, y: f64) -> Group {
    let outline = match dropped {
        true => gone(axis.stretch(slice.window, y, BOX, BLUE)),
        false => axis.stretch(slice.window, y, BOX, BLUE),
    };
    let x = (axis.place(slice.window.start) + axis.place(slice.window.end)) / 2.0;
    let orders = text(x, y + 14.0, &slice.orders.to_string());
    Group::new().add(outline).add(orders.set("text-anchor", "middle"))
}

/// A window, from here to there.
fn bracket(start: f64, end: f64, y: f64) -> Polyline {
    let tip = y - 5.0;
    Polyline::new()
        .set(
            "points",
            format!("{start:.1},{tip} {start:.1},{y} {end:.1},{y} {end:.1},{tip}"),
        )
        .set("fill", "none")
        .set("stroke", "currentColor")
}

/// How a slice looks that is dropped.
fn gone(slice: Rectangle) -> Rectangle {
    slice.set("stroke-dasharray", "4 3").set("fill-opacity", 0.06)
}

fn legend() -> Group {
    let sample = |x: f64| {
        Rectangle::new()
            .set("x", x)
            .set("y", 30.0)
            .set("width", 18.0)
            .set("height", 12.0)
            .set("rx", 3)
            .set("stroke", BLUE)
            .set("fill", BLUE)
            .set("fill-opacity", 0.25)
    };
    Group::new()
        .set("font-size", 11)
        .add(sample(8.0))
        .add(text(32.0, 40.0, "slice, with its orders"))
        .add(gone(sample(168.0)))
        .add(text(192.0, 40.0, "slice that goes when this window has closed"))
        .add(bracket(470.0, 500.0, 40.0))
        .add(text(508.0, 40.0, "window"))
        .add(text(8.0, TOP - 10.0, "closes at"))
        .add(text(RESULT, TOP - 10.0, "with"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use day03_windows::lab::sharing::trace;

    #[test]
    fn every_window_has_a_bracket_and_every_slice_goes_once() {
        let steps = trace().expect("it runs");
        let svg = draw("t", &steps);
        let (legend, slices) = (1, 4);
        assert_eq!(svg.matches("<polyline").count(), legend + steps.len());
        assert_eq!(svg.matches("stroke-dasharray").count(), legend + slices);
    }
}
