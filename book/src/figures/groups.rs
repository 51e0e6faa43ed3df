//! The key groups as a row of cells, coloured by their owner, before and after a change of the number of workers.

use day02_state::keys::{KEY_GROUPS, groups_of, worker_of};
use svg::node::element::Rectangle;

use super::{BLUE, GREEN, ORANGE, PURPLE, RED, canvas, text};

const COLOURS: [&str; 4] = [BLUE, GREEN, ORANGE, PURPLE];
const CELL: f64 = 5.5;
const LEFT: f64 = 96.0;

/// Draws who owns which groups with `before` workers and with `after`, and which of them move.
pub(super) fn draw(title: &str, before: usize, after: usize) -> String {
    let mut figure = canvas(title, LEFT + f64::from(KEY_GROUPS) * CELL + 16.0, 168.0);
    for (workers, y) in [(before, 34.0), (after, 108.0)] {
        figure = figure.add(text(8.0, y + 15.0, &format!("{workers} workers")));
        for group in 0..KEY_GROUPS {
            let colour = COLOURS[worker_of(group, workers) % COLOURS.len()];
            figure = figure.add(cell(group, y, 20.0).set("fill", colour).set("fill-opacity", 0.55));
        }
        for worker in 0..workers {
            let groups = groups_of(worker, workers);
            let label = format!("{worker}: {}–{}", groups.start(), groups.end());
            figure = figure.add(text(x(*groups.start()), y + 36.0, &label).set("font-size", 11));
        }
    }
    let moved = moved(before, after);
    figure = figure.add(text(8.0, 92.0, &format!("{} move", moved.len())));
    for group in moved {
        figure = figure.add(cell(group, 82.0, 12.0).set("fill", RED).set("fill-opacity", 0.75));
    }
    format!("{figure}\n")
}

fn moved(before: usize, after: usize) -> Vec<u16> {
    (0..KEY_GROUPS)
        .filter(|group| worker_of(*group, before) != worker_of(*group, after))
        .collect()
}

fn x(group: u16) -> f64 {
    LEFT + f64::from(group) * CELL
}

fn cell(group: u16, y: f64, height: f64) -> Rectangle {
    Rectangle::new()
        .set("x", x(group))
        .set("y", y)
        .set("width", CELL - 0.7)
        .set("height", height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_cells_are_red_as_groups_move() {
        assert_eq!(draw("t", 3, 4).matches(RED).count(), 65);
        assert_eq!(draw("t", 3, 3).matches(RED).count(), 0);
    }
}
