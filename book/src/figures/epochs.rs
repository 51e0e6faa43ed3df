//! The lives of epochs: a band for each, step by step from open to out, and below what can be read outside.
//!
//! ```text
//! epoch 1   ▒ open ▒ sealed ▒ is stored ▒ durable ▒ goes out ▒ out
//! epoch 2                    ▒ open               ▒ sealed …
//! ```

use day05_checkpoints::lab::epochs::{Stage, Step};
use svg::node::element::{Group, Rectangle};

use super::axis::thin;
use super::{BLUE, GREEN, ORANGE, PURPLE, canvas, text};

const LEFT: f64 = 214.0;
const TOP: f64 = 72.0;
const ROW: f64 = 21.0;
const LANE: f64 = 118.0;
const BAND: f64 = 96.0;

/// Draws the steps, downwards.
pub(super) fn draw(title: &str, steps: &[Step]) -> String {
    let epochs = steps.iter().map(|step| step.stages.len()).max().unwrap_or(0);
    let bottom = TOP + steps.len() as f64 * ROW;
    let output = LEFT + epochs as f64 * LANE;
    let mut figure = canvas(title, output + 190.0, bottom + 12.0)
        .add(text(8.0, TOP - 12.0, "step"))
        .add(text(output, TOP - 12.0, "can be read outside"));
    for epoch in 0..epochs {
        let x = LEFT + epoch as f64 * LANE;
        figure = figure.add(text(x, TOP - 12.0, &format!("epoch {}", epoch + 1)));
        figure = figure.add(draw_epoch(steps, epoch, x));
    }
    for (row, step) in steps.iter().enumerate() {
        let y = TOP + row as f64 * ROW;
        let parts: Vec<&str> = step
            .output
            .iter()
            .map(String::as_str)
            .filter(|name| name.ends_with(".json"))
            .collect();
        let last = parts
            .iter()
            .map(|name| name.trim_end_matches(".json"))
            .collect::<Vec<_>>()
            .join(", ");
        figure = figure
            .add(text(8.0, y + 15.0, &step.what))
            .add(thin((8.0, y + ROW), (output + 182.0, y + ROW)))
            .add(text(output, y + 15.0, &last).set("font-size", 11));
    }
    format!("{figure}\n")
}

/// A stretch for each stage, with its name at the step with which it begins.
fn draw_epoch(steps: &[Step], epoch: usize, x: f64) -> Group {
    let mut group = Group::new();
    let mut before = None;
    for (row, step) in steps.iter().enumerate() {
        let Some(stage) = step.stages.get(epoch) else {
            continue;
        };
        let y = TOP + row as f64 * ROW;
        let band = Rectangle::new()
            .set("x", x)
            .set("y", y + 1.0)
            .set("width", BAND)
            .set("height", ROW - 1.0)
            .set("fill", colour(*stage))
            .set("fill-opacity", if *stage == Stage::Out { 0.45 } else { 0.22 });
        group = group.add(band);
        if before != Some(*stage) {
            group = group.add(text(x + 8.0, y + 15.0, &stage.to_string()));
        }
        before = Some(*stage);
    }
    group
}

fn colour(stage: Stage) -> &'static str {
    match stage {
        Stage::Open => "currentColor",
        Stage::Sealed | Stage::Storing => ORANGE,
        Stage::Durable => BLUE,
        Stage::Publishing => PURPLE,
        Stage::Out => GREEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use day05_checkpoints::lab::epochs::run;

    #[test]
    fn each_stage_of_each_epoch_is_named_once() {
        let svg = draw("t", &run().expect("it runs"));
        for stage in ["open", "sealed", "is stored", "durable", "goes out", "out"] {
            assert_eq!(svg.matches(&format!(">\n{stage}\n<")).count(), 2, "{stage}");
        }
    }
}
