//! Checkpoints of a table: for each a bar of what it consists of, what was written for it at the right end of what it shares
//! with older ones.
//!
//! ```text
//! 1  ████████████████████████
//! 2  ░░░░░░░░░░░░░░░░░░░░░░░░██
//! 3  ░░░░░░░░░░░░░░░░░░░░░░░░░░██
//! ```

use day05_checkpoints::lab::layers::Layer;
use svg::node::element::Rectangle;

use super::{BLUE, ORANGE, canvas, text};

const LEFT: f64 = 96.0;
const TOP: f64 = 54.0;
const ROW: f64 = 24.0;
const WIDTH: f64 = 420.0;

/// Draws the checkpoints, downwards.
pub(super) fn draw(title: &str, layers: &[Layer]) -> String {
    let sizes = layers.iter().map(|layer| layer.size.new + layer.size.reused);
    let largest = sizes.max().unwrap_or(1).max(1) as f64;
    let bottom = TOP + layers.len() as f64 * ROW;
    let mut figure = canvas(title, LEFT + WIDTH + 170.0, bottom + 12.0)
        .add(text(8.0, TOP - 10.0, "checkpoint"))
        .add(text(LEFT, TOP - 10.0, "reused, and written"))
        .add(text(LEFT + WIDTH + 12.0, TOP - 10.0, "its files"));
    for (row, layer) in layers.iter().enumerate() {
        let y = TOP + row as f64 * ROW;
        let [reused, new] = [layer.size.reused, layer.size.new].map(|bytes| WIDTH * bytes as f64 / largest);
        let bar = |x: f64, width: f64| {
            Rectangle::new()
                .set("x", (LEFT + x).round())
                .set("y", y)
                .set("width", width.round().max(1.0))
                .set("height", ROW - 6.0)
        };
        if !layer.is_full() {
            figure = figure.add(bar(0.0, reused).set("fill", BLUE).set("fill-opacity", 0.22));
        }
        let files = layer
            .files
            .iter()
            .map(u64::to_string)
            .collect::<Vec<_>>()
            .join(" ");
        figure = figure
            .add(text(8.0, y + 14.0, &layer.checkpoint.to_string()))
            .add(bar(reused, new).set("fill", if layer.is_full() { ORANGE } else { BLUE }))
            .add(text(LEFT + WIDTH + 12.0, y + 14.0, &files));
    }
    format!("{figure}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use day05_checkpoints::lab::layers::run;

    #[test]
    fn each_checkpoint_has_a_bar_of_what_it_wrote_and_most_one_of_what_they_reuse() {
        let layers = run().expect("it runs");
        let svg = draw("t", &layers);
        let full = layers.iter().filter(|layer| layer.is_full()).count();
        assert_eq!(svg.matches("<rect").count(), 2 * layers.len() - full);
        assert_eq!(svg.matches(ORANGE).count(), full);
    }
}
