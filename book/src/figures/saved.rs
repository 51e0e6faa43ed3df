//! Runs of a program that saves: what is in its memory, what is on the disk, and what a crash leaves.
//!
//! ```text
//!                   in memory               on the disk
//! 12:00:02  count   [0][1][2][3]            [0][1]      ▲ position 2
//! ```
//!
//! A box is a record: green once it is in the counts, orange when it is in them twice, red when the position has passed it
//! and it is not in them.

use std::collections::BTreeMap;

use day02_state::lab::crash::{Runs, Step, What};
use svg::node::element::{Group, Rectangle};

use super::{BLUE, GREEN, ORANGE, RED, canvas, text};

const ROW: f64 = 36.0;
const TOP: f64 = 82.0;
const BOX: f64 = 34.0;
const WORD_X: f64 = 78.0;
const MEMORY_X: f64 = 178.0;

/// Draws what happened.
pub(super) fn draw(title: &str, runs: &Runs) -> String {
    let records = runs
        .steps
        .iter()
        .map(|step| step.position)
        .max()
        .unwrap_or_default();
    let disk_x = MEMORY_X + records as f64 * BOX + 40.0;
    let (width, height) = (
        disk_x + records as f64 * BOX + 24.0,
        TOP + runs.steps.len() as f64 * ROW + 8.0,
    );
    let mut figure = canvas(title, width, height)
        .add(
            text(8.0, 40.0, "▲ saved position")
                .set("fill", BLUE)
                .set("font-size", 11),
        )
        .add(
            text(120.0, 40.0, "■ counted once")
                .set("fill", GREEN)
                .set("font-size", 11),
        )
        .add(
            text(220.0, 40.0, "■ counted twice")
                .set("fill", ORANGE)
                .set("font-size", 11),
        )
        .add(text(324.0, 40.0, "■ lost").set("fill", RED).set("font-size", 11))
        .add(text(MEMORY_X, TOP - 14.0, "in memory"))
        .add(text(disk_x, TOP - 14.0, "on the disk"));
    for (index, step) in runs.steps.iter().enumerate() {
        figure = figure.add(draw_step(step, TOP + index as f64 * ROW, records, disk_x, width));
    }
    format!("{figure}\n")
}

fn draw_step(step: &Step, y: f64, records: i64, disk_x: f64, width: f64) -> Group {
    let crash = step.what == What::Crashed;
    let word = match &step.what {
        What::Loaded => "load".to_string(),
        What::Counted(_) => "count".to_string(),
        What::Saved(file) => format!("save {file}"),
        What::Crashed => "CRASH".to_string(),
    };
    let rule = Rectangle::new()
        .set("x", 8.0)
        .set("y", y - 1.0)
        .set("width", width - 16.0)
        .set("height", 0.5)
        .set("opacity", 0.25);
    let time = step.time.strftime("%H:%M:%S").to_string();
    let mut group = Group::new()
        .add(rule)
        .add(text(8.0, y + 15.0, &time).set("opacity", 0.7))
        .add(text(WORD_X, y + 15.0, &word).set("fill", if crash { RED } else { "currentColor" }));
    match crash {
        true => group = group.add(text(MEMORY_X, y + 15.0, "gone").set("fill", RED)),
        false => group = draw_records(group, &step.in_memory, None, records, MEMORY_X, y),
    }
    let mark_x = disk_x + step.position as f64 * BOX - 6.0;
    draw_records(group, &step.on_disk, Some(step.position), records, disk_x, y)
        .add(text(mark_x, y + 32.0, "▲").set("fill", BLUE).set("font-size", 11))
}

/// What is counted in one place; with a position, also what that place has lost.
fn draw_records(
    mut group: Group,
    counted: &BTreeMap<String, u32>,
    position: Option<i64>,
    records: i64,
    x: f64,
    y: f64,
) -> Group {
    for offset in 0..records {
        let times = counted
            .get(&format!("orders/0@{offset}"))
            .copied()
            .unwrap_or_default();
        let passed = position.is_some_and(|position| offset < position);
        let colour = match (times, passed) {
            (0, true) => RED,
            (0, false) => continue,
            (1, _) => GREEN,
            (_, _) => ORANGE,
        };
        let place = x + offset as f64 * BOX;
        let outline = Rectangle::new()
            .set("x", place)
            .set("y", y + 1.0)
            .set("width", BOX - 4.0)
            .set("height", 20)
            .set("rx", 3)
            .set("stroke", colour)
            .set("fill", colour)
            .set("fill-opacity", 0.35);
        let number = text(place + 12.0, y + 15.0, &offset.to_string());
        group = group.add(outline).add(number);
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use day01_consumer::lab::scenario::Scenario;
    use day02_state::lab::crash::{Saving, run};

    const CRASH: &str = include_str!("../../scenarios/crash.toml");

    fn colours(saving: Saving) -> (bool, bool) {
        let scenario = Scenario::parse("crash", CRASH).expect("a good scenario");
        let svg = draw("t", &run(&scenario, saving).expect("it runs"));
        let boxes = |colour: &str| svg.contains(&format!("stroke=\"{colour}\""));
        (boxes(ORANGE), boxes(RED))
    }

    #[test]
    fn the_figures_show_what_is_doubled_and_what_is_lost() {
        assert_eq!(colours(Saving::StateFirst), (true, false));
        assert_eq!(colours(Saving::PositionsFirst), (false, true));
        assert_eq!(colours(Saving::OneWriteNotRenamed), (false, false));
    }
}
