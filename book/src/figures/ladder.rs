//! The correctness ladder: a row for each scenario, a column for each day, and in each cell what the day makes of it.
//!
//! ```text
//!                        day 1    day 2    day 3
//! a crash                doubled  right    right      green is right, red is wrong, an outline is out of reach
//! orders that overtake   –        –        late
//! ```
//!
//! Colours are not needed to read it: what is wrong is named, and what is out of reach is a dash.

use svg::node::element::{Group, Rectangle};

use super::{GREEN, ORANGE, PURPLE, RED, canvas, text};
use crate::ladder::{Cell, LAST_DAY, Matrix, Verdict, Way};

const TITLES: f64 = 290.0;
const COLUMN: f64 = 74.0;
const TOP: f64 = 52.0;
const ROW: f64 = 24.0;

/// Draws what all days make of all scenarios.
pub(super) fn draw(title: &str, matrix: &Matrix) -> String {
    let width = TITLES + LAST_DAY as f64 * COLUMN + 8.0;
    let height = TOP + matrix.0.len() as f64 * ROW + 8.0;
    let mut figure = canvas(title, width, height);
    for day in 1..=LAST_DAY {
        let x = column(day) + COLUMN / 2.0;
        figure = figure.add(text(x, TOP - 10.0, &format!("day {day}")).set("text-anchor", "middle"));
    }
    for (index, row) in matrix.0.iter().enumerate() {
        let y = TOP + index as f64 * ROW;
        figure = figure.add(text(8.0, y + 15.0, &row.title));
        for (day, cell) in (1..).zip(&row.cells) {
            figure = figure.add(draw_cell(cell, column(day), y));
        }
    }
    format!("{figure}\n")
}

fn column(day: usize) -> f64 {
    TITLES + (day - 1) as f64 * COLUMN
}

fn draw_cell(cell: &Cell, x: f64, y: f64) -> Group {
    let (colour, word) = match &cell.found {
        Verdict::Right => (Some(GREEN), "right".to_string()),
        Verdict::OutOfReach => (None, "–".to_string()),
        wrong @ Verdict::Wrong(ways) => (Some(colour(ways.first())), wrong.to_string()),
    };
    let (fill, opacity) = (
        colour.unwrap_or("none"),
        if colour.is_some() { 0.35 } else { 1.0 },
    );
    let outline = Rectangle::new()
        .set("x", x + 2.0)
        .set("y", y)
        .set("width", COLUMN - 4.0)
        .set("height", ROW - 4.0)
        .set("rx", 3)
        .set("fill", fill)
        .set("fill-opacity", opacity)
        .set("stroke", colour.unwrap_or("currentColor"))
        .set("stroke-opacity", if colour.is_some() { 1.0 } else { 0.25 });
    let word = text(x + COLUMN / 2.0, y + 14.0, &word)
        .set("text-anchor", "middle")
        .set("font-size", 11);
    Group::new().add(outline).add(word)
}

/// What is missing without a word is worse than what is there twice, and that is worse than what is said.
fn colour(way: Option<&Way>) -> &'static str {
    match way {
        None | Some(Way::Lost) => RED,
        Some(Way::Doubled | Way::Extra) => ORANGE,
        Some(Way::Late | Way::NeverFires) => PURPLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::Row;
    use day01_consumer::lab::scenario::Question;

    #[test]
    fn each_cell_says_its_verdict() {
        let words = ["right", "lost", "doubled", "late", "never fires", "out of reach"];
        let cell = |word: &str| Cell {
            found: word.parse().expect("a verdict"),
            expected: None,
        };
        let row = Row {
            scenario: "s".to_string(),
            title: "what happens".to_string(),
            question: Question::Totals,
            cells: words.map(cell).to_vec(),
        };
        let svg = draw("t", &Matrix(vec![row]));
        for word in [
            "right",
            "lost",
            "doubled",
            "late",
            "never fires",
            "–",
            "what happens",
            "day 6",
        ] {
            assert!(svg.contains(&format!("\n{word}\n")), "{word}: {svg}");
        }
        let filled = |colour: &str| svg.matches(&format!("fill=\"{colour}\"")).count();
        assert_eq!([GREEN, RED, ORANGE, PURPLE, "none"].map(filled), [1, 1, 1, 2, 1]);
    }
}
