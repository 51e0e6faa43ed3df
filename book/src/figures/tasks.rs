//! A plan beside the tasks that it becomes: the tree on the left, from the sink down to the source, the line of tasks on the
//! right, from the source up to the sink.

use day06_sql::lab::tasks::{Lowered, Task};
use svg::node::element::{Group, Rectangle};

use super::{BLUE, GREEN, canvas, line, text};

const LEFT: f64 = 8.0;
const PLAN: f64 = 470.0;
const TASKS: f64 = LEFT + PLAN + 48.0;
const WIDTH: f64 = 250.0;
const TOP: f64 = 56.0;
const LINE: f64 = 16.0;
const GAP: f64 = 30.0;

/// Draws both.
pub(super) fn draw(title: &str, lowered: &Lowered) -> String {
    let heights = lowered.tasks.iter().map(height);
    let bottom = TOP + heights.map(|height| height + GAP).sum::<f64>() - GAP;
    let step = (bottom - TOP) / lowered.plan.len().max(1) as f64;
    let mut figure = canvas(title, TASKS + WIDTH + 16.0, bottom + 14.0)
        .add(text(LEFT, TOP - 14.0, "the plan"))
        .add(text(TASKS, TOP - 14.0, "its tasks"));
    for (nth, words) in lowered.plan.iter().enumerate() {
        let y = TOP + nth as f64 * step;
        if nth > 0 && !lowered.plan[nth - 1].contains("; ") {
            let rises = line((LEFT + 20.0, y), (LEFT + 20.0, y - step + 34.0));
            figure = figure.add(rises.set("stroke", GREEN));
        }
        figure = figure.add(operator(words, y));
    }
    let mut y = TOP;
    for (nth, task) in lowered.tasks.iter().rev().enumerate() {
        if nth > 0 {
            let middle = TASKS + WIDTH / 2.0;
            // The last edge goes to the one sink; every other is an exchange.
            let words = if nth == 1 { "" } else { "by key" };
            figure = figure
                .add(line((middle, y), (middle, y - GAP + 6.0)).set("stroke", BLUE))
                .add(text(middle - 4.0, y - GAP + 10.0, "▴").set("fill", BLUE))
                .add(text(middle + 10.0, y - GAP / 2.0 + 4.0, words).set("font-size", 11));
        }
        figure = figure.add(boxed(task, y));
        y += height(task) + GAP;
    }
    format!("{figure}\n")
}

fn height(task: &Task) -> f64 {
    26.0 + task.does.len() as f64 * LINE
}

/// An operator of the plan: its name, and what it is about in the lines below.
fn operator(words: &str, y: f64) -> Group {
    let (name, about) = words.split_once(": ").unwrap_or((words, ""));
    let mut group = Group::new().add(text(LEFT, y + 12.0, name).set("font-weight", "bold"));
    for (nth, about) in about.split("; ").enumerate() {
        group = group.add(text(LEFT, y + 27.0 + nth as f64 * 13.0, about).set("font-size", 11));
    }
    group
}

fn boxed(task: &Task, y: f64) -> Group {
    let rectangle = Rectangle::new()
        .set("x", TASKS)
        .set("y", y)
        .set("width", WIDTH)
        .set("height", height(task))
        .set("rx", 4)
        .set("stroke", BLUE)
        .set("fill", BLUE)
        .set("fill-opacity", 0.12);
    let mut group = Group::new()
        .add(rectangle)
        .add(text(TASKS + 10.0, y + 17.0, task.name).set("font-weight", "bold"));
    for (nth, does) in task.does.iter().enumerate() {
        let y = y + 33.0 + nth as f64 * LINE;
        group = group.add(text(TASKS + 10.0, y, does).set("font-size", 11));
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use day06_sql::lab::tasks::{BUSY, run};

    #[test]
    fn there_is_a_box_for_each_task_and_one_exchange_for_each_grouping() {
        let lowered = run(BUSY).expect("it is understood");
        let svg = draw("t", &lowered);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert_eq!(svg.matches("by key").count(), 1);
    }
}
