//! The same orders under windows of several kinds: event time to the right, a band for each kind.
//!
//! ```text
//!                ●  ●●      ●  ●     ●
//! tumble:20s     [3        )[3        )
//! hop:20s/10s    [3        )[3        )
//!                     [2        )
//! ```

use day03_windows::lab::stream_time::Run;
use day03_windows::lab::trace::Content;
use day03_windows::spec::WindowSpec;
use svg::node::element::{Circle, Group};

use super::axis::{Axis, lanes};
use super::{BLUE, GREEN, ORANGE, PURPLE, canvas, text};

const COLOURS: [&str; 4] = [GREEN, BLUE, ORANGE, PURPLE];
const LEFT: f64 = 128.0;
const WIDTH: f64 = 536.0;
const DOTS: f64 = 60.0;
const TOP: f64 = 80.0;
const LANE: f64 = 23.0;
const BAND_GAP: f64 = 13.0;
/// A label of a dot needs so much room.
const LABEL: f64 = 22.0;

/// Draws the orders, and the windows of each kind that closed over them.
pub(super) fn draw(title: &str, runs: &[(WindowSpec, Run)]) -> String {
    let closed = runs.iter().flat_map(|(_, run)| run.closed());
    let axis = Axis::over(closed.map(|content| content.window), LEFT, WIDTH);
    let mut y = TOP;
    let mut bands = Group::new();
    for (index, (spec, run)) in runs.iter().enumerate() {
        let closed: Vec<&Content> = run.closed().collect();
        let lanes = lanes(closed.iter().map(|content| content.window));
        bands = bands.add(text(8.0, y + 14.0, &spec.to_string()));
        for (content, lane) in closed.iter().zip(&lanes) {
            let top = y + *lane as f64 * LANE;
            let colour = COLOURS[index % COLOURS.len()];
            let label = text(
                axis.place(content.window.start) + 8.0,
                top + 14.0,
                &content.orders.to_string(),
            );
            bands = bands
                .add(axis.stretch(content.window, top, LANE - 4.0, colour))
                .add(label);
        }
        y += (lanes.iter().max().map_or(0, |lane| lane + 1)) as f64 * LANE + BAND_GAP;
    }
    let figure = canvas(title, LEFT + WIDTH + 36.0, y + 22.0)
        .add(axis.grid(DOTS - 8.0, y))
        .add(text(8.0, DOTS + 4.0, "orders"))
        .add(dots(&axis, runs))
        .add(bands);
    format!("{figure}\n")
}

/// A dot for each order; the second in which it was made, where there is room for it.
fn dots(axis: &Axis, runs: &[(WindowSpec, Run)]) -> Group {
    let mut dots = Group::new().set("font-size", 11);
    let mut labelled = f64::MIN;
    for step in runs.first().iter().flat_map(|(_, run)| &run.steps) {
        let ts = step.placed.order.ts;
        let x = axis.place(ts);
        dots = dots.add(Circle::new().set("cx", x).set("cy", DOTS).set("r", 4.5));
        if x - labelled >= LABEL {
            let second = format!(":{:02}", ts.0.div_euclid(1_000).rem_euclid(60));
            dots = dots.add(text(x, DOTS - 12.0, &second).set("text-anchor", "middle"));
            labelled = x;
        }
    }
    dots
}

#[cfg(test)]
mod tests {
    use super::*;
    use day01_consumer::lab::scenario::Scenario;
    use day03_windows::lab::stream_time::run;

    const FOUR_KINDS: &str = include_str!("../../scenarios/four_kinds.toml");

    #[test]
    fn there_is_a_dot_for_each_order_and_a_box_for_each_window() {
        let scenario = Scenario::parse("four_kinds", FOUR_KINDS).expect("a good scenario");
        let runs = ["tumble:20s", "hop:20s/10s", "session:10s"].map(|spec| {
            let spec = spec.parse().expect("a window");
            (spec, run(&scenario, spec).expect("it runs"))
        });
        let svg = draw("t", &runs);
        assert_eq!(svg.matches("<circle").count(), scenario.events.len());
        let boxes = |colour: &str| svg.matches(&format!("stroke=\"{colour}\"")).count();
        assert_eq!([GREEN, BLUE, ORANGE, PURPLE].map(boxes), [3, 7, 4, 0]);
    }
}
