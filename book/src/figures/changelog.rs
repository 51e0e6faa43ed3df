//! Changes that fold into a view: a column for each chunk, with its orders, the changes that came out, and the view behind it.
//!
//! ```text
//! orders     m-7 m-9       m-7 m-7
//! changes    +I m-7 1      -U m-7 1
//!            +I m-9 1      +U m-7 3
//! view       m-7 1         m-7 3
//!            m-9 1         m-9 1
//! ```

use day06_sql::chunk::Change;
use day06_sql::lab::changelog::Step;
use svg::node::element::{Group, Rectangle};

use super::axis::thin;
use super::{BLUE, GREEN, ORANGE, RED, canvas, text};

const LEFT: f64 = 76.0;
const TOP: f64 = 64.0;
const COLUMN: f64 = 150.0;
const LINE: f64 = 20.0;

/// Draws chunk after chunk.
pub(super) fn draw(title: &str, steps: &[Step]) -> String {
    let most = |count: fn(&Step) -> usize| steps.iter().map(count).max().unwrap_or(0) as f64;
    let changes = TOP + LINE + 10.0;
    let view = changes + most(|step| step.changes.len()) * LINE + 14.0;
    let bottom = view + most(|step| step.view.len()) * LINE;
    let right = LEFT + steps.len() as f64 * COLUMN;
    let mut figure = canvas(title, right + 8.0, bottom + 14.0)
        .add(legend())
        .add(text(8.0, TOP + 14.0, "orders"))
        .add(text(8.0, changes + 14.0, "changes"))
        .add(text(8.0, view + 14.0, "the view"))
        .add(thin((8.0, changes - 6.0), (right, changes - 6.0)))
        .add(thin((8.0, view - 7.0), (right, view - 7.0)));
    for (nth, step) in steps.iter().enumerate() {
        let x = LEFT + nth as f64 * COLUMN;
        figure = figure.add(text(x, TOP + 14.0, &step.orders.join(" ")));
        let mut column = Group::new();
        for (row, (change, words)) in step.changes.iter().enumerate() {
            column = column.add(boxed(x, changes + row as f64 * LINE, words, colour(*change), 0.2));
        }
        for (row, words) in step.view.iter().enumerate() {
            column = column.add(boxed(x, view + row as f64 * LINE, words, BLUE, 0.12));
        }
        figure = figure.add(column);
    }
    format!("{figure}\n")
}

fn colour(change: Change) -> &'static str {
    match change {
        Change::Insert => GREEN,
        Change::UpdateBefore | Change::UpdateAfter => ORANGE,
        Change::Delete => RED,
    }
}

fn boxed(x: f64, y: f64, words: &str, colour: &str, opacity: f64) -> Group {
    let rectangle = Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", COLUMN - 22.0)
        .set("height", LINE - 2.0)
        .set("rx", 3)
        .set("fill", colour)
        .set("fill-opacity", opacity);
    Group::new().add(rectangle).add(text(x + 8.0, y + 13.5, words))
}

fn legend() -> Group {
    let entries = [
        (8.0, GREEN, "new"),
        (62.0, ORANGE, "update: as it was, as it is"),
        (246.0, RED, "gone"),
        (306.0, BLUE, "a row of the view"),
    ];
    let mut group = Group::new().set("font-size", 11);
    for (x, colour, words) in entries {
        group = group
            .add(text(x, 38.0, "■").set("fill", colour))
            .add(text(x + 14.0, 38.0, words));
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use day06_sql::lab::changelog::{Between, COUNTS, run};

    #[test]
    fn there_is_a_box_for_each_change_and_each_row() {
        let steps = run(COUNTS, 2, Between::Changes).expect("it runs");
        let boxes: usize = steps
            .iter()
            .map(|step| step.changes.len() + step.view.len())
            .sum();
        assert_eq!(draw("t", &steps).matches("<rect").count(), boxes);
    }
}
