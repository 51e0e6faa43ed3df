//! How much lies in a channel over time, for some capacities of it.

use day02_state::lab::backpressure::Level;
use svg::node::element::{Line, Polyline};

use super::{canvas, line, text};

const LEFT: f64 = 44.0;
const TOP: f64 = 34.0;
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 170.0;

/// Draws one line for each run: its name, its colour, and what it had in the channel.
pub(super) fn draw(title: &str, runs: &[(&str, &str, Vec<Level>)]) -> String {
    let levels = || runs.iter().flat_map(|(_, _, levels)| levels);
    let longest = levels()
        .map(|level| level.time.as_millis())
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    let most = levels().map(Level::waiting).max().unwrap_or(1).max(1) as f64;
    let at = |time: f64, waiting: f64| {
        (
            LEFT + WIDTH * time / longest,
            TOP + HEIGHT * (1.0 - waiting / most),
        )
    };

    let axis = |line: Line| line.set("stroke", "currentColor").set("opacity", 0.5);
    let mut figure = canvas(title, LEFT + WIDTH + 16.0, TOP + HEIGHT + 44.0)
        .add(axis(line((LEFT, TOP), (LEFT, TOP + HEIGHT))))
        .add(axis(line((LEFT, TOP + HEIGHT), (LEFT + WIDTH, TOP + HEIGHT))))
        .add(text(LEFT - 6.0, TOP + 10.0, &format!("{most}")).set("text-anchor", "end"))
        .add(text(LEFT - 6.0, TOP + HEIGHT, "0").set("text-anchor", "end"))
        .add(text(
            LEFT,
            TOP + HEIGHT + 18.0,
            "packets in the channel, over milliseconds",
        ))
        .add(text(LEFT + WIDTH, TOP + HEIGHT + 18.0, &format!("{longest}")).set("text-anchor", "end"));
    for (index, (name, colour, levels)) in runs.iter().enumerate() {
        let mut points: Vec<String> = Vec::new();
        let mut before = 0.0;
        for level in levels {
            let (time, waiting) = (level.time.as_millis() as f64, level.waiting() as f64);
            // A channel holds what it held until the moment of the change.
            for (x, y) in [at(time, before), at(time, waiting)] {
                points.push(format!("{x:.1},{y:.1}"));
            }
            before = waiting;
        }
        let line = Polyline::new()
            .set("points", points.join(" "))
            .set("fill", "none")
            .set("stroke", *colour)
            .set("stroke-width", 1.6);
        let label = text(
            LEFT + 190.0 * index as f64,
            TOP + HEIGHT + 36.0,
            &format!("━ {name}"),
        );
        figure = figure.add(line).add(label.set("fill", *colour));
    }
    format!("{figure}\n")
}
