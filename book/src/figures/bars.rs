//! A bar chart: one measured figure for each of a few designs, the shortest bar being the best.

use svg::node::element::Rectangle;

use super::{canvas, text};

const LABELS: f64 = 190.0;
const BARS: f64 = 330.0;
const ROW: f64 = 26.0;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What was measured.
    pub label: String,
    /// How much.
    pub value: f64,
    /// The value with its unit, as it is written beside the bar.
    pub text: String,
}

/// Draws the bars below a title.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    let largest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let (width, height) = (LABELS + BARS + 110.0, 32.0 + bars.len() as f64 * ROW);
    let mut chart = canvas(title, width, height);
    for (index, bar) in bars.iter().enumerate() {
        let y = 28.0 + index as f64 * ROW;
        let length = (BARS * bar.value / largest).max(1.0).round();
        chart = chart
            .add(text(LABELS - 8.0, y + 14.0, &bar.label).set("text-anchor", "end"))
            .add(
                Rectangle::new()
                    .set("x", LABELS)
                    .set("y", y)
                    .set("width", length)
                    .set("height", ROW - 8.0)
                    .set("fill", "#3b82c4"),
            )
            .add(text(LABELS + length + 6.0, y + 14.0, &bar.text));
    }
    format!("{chart}\n")
}
