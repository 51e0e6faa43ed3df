//! A bar chart: one measured figure for each of a few designs, the shortest bar being the best.

use svg::Document;
use svg::node::element::{Rectangle, Text, Title};

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
    let mut chart = Document::new()
        .set("viewBox", format!("0 0 {width} {height}"))
        .set("role", "img")
        .set("style", format!("width:100%;max-width:{width}px;height:auto"))
        .set("font-family", "sans-serif")
        .set("font-size", 12)
        .set("fill", "currentColor")
        .add(Title::new(title))
        .add(
            Text::new(title)
                .set("x", 8)
                .set("y", 16)
                .set("font-weight", "bold"),
        );
    for (index, bar) in bars.iter().enumerate() {
        let y = 28.0 + index as f64 * ROW;
        let length = (BARS * bar.value / largest).max(1.0).round();
        chart = chart
            .add(
                Text::new(bar.label.as_str())
                    .set("x", LABELS - 8.0)
                    .set("y", y + 14.0)
                    .set("text-anchor", "end"),
            )
            .add(
                Rectangle::new()
                    .set("x", LABELS)
                    .set("y", y)
                    .set("width", length)
                    .set("height", ROW - 8.0)
                    .set("fill", "#3b82c4"),
            )
            .add(
                Text::new(bar.text.as_str())
                    .set("x", LABELS + length + 6.0)
                    .set("y", y + 14.0),
            );
    }
    format!("{chart}\n")
}
