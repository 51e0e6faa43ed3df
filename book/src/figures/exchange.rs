//! Tasks side by side, time going down: what each sends, what each takes, and an arrow for each row between them.
//!
//! ```text
//!  source 0      source 1      totals 0      totals 1
//!  m-7 8.25 ─────────────────► m-7 8.25
//! ```

use day02_state::lab::trace::{Event, What};
use svg::node::element::{Group, Rectangle};

use super::{BLUE, GREEN, canvas, line, text};

const LANE: f64 = 150.0;
const ROW: f64 = 30.0;
const TOP: f64 = 66.0;
const BOX: f64 = 96.0;

/// A row that has been sent and not yet taken.
struct Sent {
    task: usize,
    row: String,
    y: f64,
}

/// Draws what the tasks did.
pub(super) fn draw(title: &str, events: &[Event]) -> String {
    let mut tasks: Vec<&str> = events.iter().map(|event| event.task.as_str()).collect();
    tasks.sort_unstable();
    tasks.dedup();
    let height = TOP + events.len() as f64 * ROW + 8.0;
    let mut figure = canvas(title, tasks.len() as f64 * LANE + 16.0, height);
    for (lane, task) in tasks.iter().enumerate() {
        let x = middle(lane);
        figure = figure.add(text(x, 44.0, task).set("text-anchor", "middle")).add(
            line((x, 52.0), (x, height - 8.0))
                .set("stroke", "currentColor")
                .set("opacity", 0.2),
        );
    }
    let mut under_way: Vec<Sent> = Vec::new();
    // Boxes lie above the arrows that pass below them.
    let mut boxes = Group::new();
    for (index, event) in events.iter().enumerate() {
        let lane = tasks
            .iter()
            .position(|task| *task == event.task)
            .unwrap_or_default();
        let (x, y) = (middle(lane), TOP + index as f64 * ROW);
        let (label, colour) = match &event.what {
            What::Sent(rows) => {
                let row = rows.join(", ");
                under_way.push(Sent {
                    task: lane,
                    row: row.clone(),
                    y,
                });
                (row, BLUE)
            }
            What::Took(channel, rows) => {
                let row = rows.join(", ");
                // Channels are numbered by their senders, and the sources come first.
                let from = under_way
                    .iter()
                    .position(|sent| sent.task == *channel && sent.row == row);
                if let Some(sent) = from.map(|place| under_way.remove(place)) {
                    let start = (middle(sent.task) + BOX / 2.0, sent.y);
                    let arrow = line(start, (x - BOX / 2.0 - 2.0, y));
                    figure = figure
                        .add(arrow.set("stroke", BLUE).set("stroke-width", 1.2))
                        .add(text(x - BOX / 2.0 - 9.0, y + 4.0, "▸").set("fill", BLUE));
                }
                (row, GREEN)
            }
            What::Ended => ("end".to_string(), "currentColor"),
        };
        let rectangle = Rectangle::new()
            .set("x", x - BOX / 2.0)
            .set("y", y - 10.0)
            .set("width", BOX)
            .set("height", 20)
            .set("rx", 3)
            .set("stroke", colour)
            .set("fill", colour)
            .set("fill-opacity", 0.2);
        boxes = boxes
            .add(rectangle)
            .add(text(x, y + 4.0, &label).set("text-anchor", "middle"));
    }
    format!("{}\n", figure.add(boxes))
}

fn middle(lane: usize) -> f64 {
    8.0 + LANE * (lane as f64 + 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_row_that_is_taken_has_an_arrow_from_where_it_was_sent() {
        let event = |task: &str, what| Event {
            time: Duration::ZERO,
            task: task.to_string(),
            what,
        };
        let rows = |row: &str| vec![row.to_string()];
        let events = [
            event("source 0", What::Sent(rows("m-1"))),
            event("source 1", What::Sent(rows("m-1"))),
            event("totals 0", What::Took(1, rows("m-1"))),
            event("totals 0", What::Took(0, rows("m-1"))),
        ];
        assert_eq!(draw("t", &events).matches('▸').count(), 2);
        assert_eq!(draw("t", &events[..2]).matches('▸').count(), 0);
    }
}
