//! Channels and the watermark that a valve makes of them: one column for each thing that is said, time upwards.
//!
//! ```text
//! 12        ●───────●
//! 10 ●══════════════            ═ the task
//!  7             ○              ○ said, and not waited for
//!  5    ●                       ┆ idle
//! ```

use day03_windows::time::EventTime;
use day04_watermarks::lab::timeline::Step;
use day04_watermarks::watermark::Watermark;
use svg::node::element::{Circle, Group, Polyline};

use super::axis::thin;
use super::{BLUE, ORANGE, canvas, text};

const COLOURS: [&str; 2] = [BLUE, ORANGE];
const LEFT: f64 = 48.0;
const TOP: f64 = 58.0;
const COLUMN: f64 = 74.0;
const UNIT: f64 = 9.0;

/// Draws what channels said, and what was said to that.
pub(super) fn draw(title: &str, steps: &[Step]) -> String {
    let highest = steps
        .iter()
        .filter_map(|step| millis(step.said))
        .max()
        .unwrap_or(1);
    let bottom = TOP + highest as f64 * UNIT;
    let right = LEFT + steps.len() as f64 * COLUMN;
    let y = |at: i64| bottom - at as f64 * UNIT;
    let mut figure = canvas(title, right + 16.0, bottom + 44.0).add(legend());
    for at in (0..=highest).step_by(5) {
        figure = figure
            .add(thin((LEFT, y(at)), (right, y(at))))
            .add(text(LEFT - 8.0, y(at) + 4.0, &at.to_string()).set("text-anchor", "end"));
    }
    for (channel, colour) in COLOURS.iter().enumerate() {
        figure = figure.add(draw_channel(steps, channel, colour, &y));
    }
    let mut task = Vec::new();
    let mut before: Option<EventTime> = None;
    for (index, step) in steps.iter().enumerate() {
        for at in [before, step.watermark].into_iter().flatten() {
            task.push(format!("{:.1},{:.1}", x(index), y(at.0)));
        }
        before = step.watermark;
    }
    task.extend(before.map(|at| format!("{right:.1},{:.1}", y(at.0))));
    let task = Polyline::new()
        .set("points", task.join(" "))
        .set("fill", "none")
        .set("stroke", "currentColor")
        .set("stroke-width", 4)
        .set("opacity", 0.45);
    let mut words = Group::new().set("font-size", 11).set("text-anchor", "middle");
    for (index, step) in steps.iter().enumerate() {
        let said = millis(step.said).map_or("idle".to_string(), |at| at.to_string());
        words = words
            .add(text(
                x(index),
                bottom + 18.0,
                &format!("c{}: {said}", step.channel),
            ))
            .add(text(x(index), bottom + 34.0, &out(step)));
    }
    format!("{}\n", figure.add(task).add(words))
}

/// What a channel said last, as stairs; nothing where it is idle.
fn draw_channel(steps: &[Step], channel: usize, colour: &str, y: &impl Fn(i64) -> f64) -> Group {
    let (mut group, mut from) = (Group::new(), None::<(f64, i64)>);
    let stretch = |from: (f64, i64), to: f64| {
        Polyline::new()
            .set(
                "points",
                format!("{:.1},{2:.1} {1:.1},{2:.1}", from.0, to, y(from.1)),
            )
            .set("fill", "none")
            .set("stroke", colour)
            .set("stroke-width", 1.6)
    };
    for (index, step) in steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.channel == channel)
    {
        if let Some(from) = from {
            group = group.add(stretch(from, x(index)));
        }
        from = millis(step.said).map(|at| (x(index), at));
        if let Some((x, at)) = from {
            // Behind the task's watermark it is not waited for.
            let behind = step.watermark > Some(EventTime(at));
            let dot = Circle::new().set("cx", x).set("cy", y(at)).set("r", 5);
            let dot = dot.set("stroke", colour).set("stroke-width", 1.6);
            group = group.add(dot.set("fill", if behind { "none" } else { colour }));
        }
    }
    let end = LEFT + steps.len() as f64 * COLUMN;
    match from {
        Some(from) => group.add(stretch(from, end)),
        None => group,
    }
}

fn x(index: usize) -> f64 {
    LEFT + (index as f64 + 0.5) * COLUMN
}

fn millis(watermark: Watermark) -> Option<i64> {
    match watermark {
        Watermark::At(at) => Some(at.0),
        Watermark::Idle => None,
    }
}

fn out(step: &Step) -> String {
    let said: Vec<String> = step
        .out
        .iter()
        .map(|said| millis(*said).map_or("idle".to_string(), |at| at.to_string()))
        .collect();
    match said.is_empty() {
        true => "–".to_string(),
        false => format!("out: {}", said.join(", ")),
    }
}

fn legend() -> Group {
    let entries = [
        (8.0, "●", BLUE, "channel 0"),
        (100.0, "●", ORANGE, "channel 1"),
        (192.0, "○", ORANGE, "behind: takes no part"),
        (346.0, "━", "currentColor", "what the task promises"),
    ];
    let mut group = Group::new().set("font-size", 11);
    for (x, mark, colour, words) in entries {
        group = group
            .add(text(x, 36.0, mark).set("fill", colour))
            .add(text(x + 15.0, 36.0, words));
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use day04_watermarks::lab::timeline::run;

    #[test]
    fn one_of_the_seven_times_is_said_behind_the_watermark() {
        let steps = run();
        let svg = draw("t", &steps);
        let times = steps.iter().filter(|step| millis(step.said).is_some()).count();
        assert_eq!(svg.matches("<circle").count(), times);
        let hollow = svg.matches("<circle").count() - svg.matches("r=\"5\" stroke").count();
        assert_eq!(hollow, 0, "all dots have an outline");
        assert_eq!(svg.matches("fill=\"none\" r=\"5\"").count(), 1);
    }
}
