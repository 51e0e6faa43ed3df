//! A barrier on two channels: a column for each thing that the task takes, a row for each channel, and the state below.
//!
//! ```text
//! channel 0     a  |  ░  ░  ░  b  c
//! channel 1  x        y  z  |        w
//! state      x  xa    …  axyz ✔
//! ```

use day05_checkpoints::lab::barrier::{Event, Run};
use svg::node::element::{Group, Rectangle};

use super::{BLUE, GREEN, ORANGE, RED, canvas, line, text};

const LEFT: f64 = 96.0;
const TOP: f64 = 66.0;
const COLUMN: f64 = 56.0;
const ROW: f64 = 36.0;
const PANEL: f64 = 172.0;
const BOX: f64 = 26.0;

/// Draws runs of the same job, one below the other, each below what it is called.
pub(super) fn draw(title: &str, runs: &[(&str, Run)]) -> String {
    let taken = |run: &Run| {
        run.events
            .iter()
            .filter(|event| matches!(event, Event::Took(..)))
            .count()
    };
    let columns = runs.iter().map(|(_, run)| taken(run)).max().unwrap_or(0);
    let width = LEFT + columns as f64 * COLUMN + 24.0;
    let mut figure = canvas(title, width, TOP - 20.0 + runs.len() as f64 * PANEL).add(legend());
    for (nth, (name, run)) in runs.iter().enumerate() {
        figure = figure.add(draw_run(name, run, TOP + nth as f64 * PANEL));
    }
    format!("{figure}\n")
}

fn draw_run(name: &str, run: &Run, top: f64) -> Group {
    let y = |channel: usize| top + 18.0 + channel as f64 * ROW;
    let mut group = Group::new()
        .add(text(8.0, top, name).set("font-weight", "bold"))
        .add(text(8.0, y(0) + 18.0, "channel 0"))
        .add(text(8.0, y(1) + 18.0, "channel 1"))
        .add(text(8.0, y(2) + 18.0, "state"));
    let (mut column, mut state) = (0, String::new());
    let (mut saved, mut read_on) = (false, false);
    let mut barriers: [Option<usize>; 2] = [None; 2];
    for event in &run.events {
        match event {
            Event::Sent(..) => {}
            Event::Took(channel, letter) => {
                let is_behind = barriers[*channel].is_some() && !saved;
                read_on |= is_behind;
                let colour = match (letter, is_behind) {
                    ('|', _) => ORANGE,
                    // Taken although it stands behind the barrier.
                    (_, true) => RED,
                    _ => BLUE,
                };
                let mark = if *letter == '|' {
                    "▮".to_string()
                } else {
                    letter.to_string()
                };
                group = group.add(boxed(x(column), y(*channel), &mark, colour));
                if *letter == '|' {
                    barriers[*channel] = Some(column);
                } else {
                    state.push(*letter);
                    let shown = text(x(column), y(2) + 18.0, &state);
                    group = group.add(shown.set("text-anchor", "middle").set("font-size", 11));
                }
                column += 1;
            }
            Event::Saved(state) => {
                saved = true;
                let at = x(column - 1) + COLUMN / 2.0;
                let barriers = barriers.iter().enumerate();
                let waits = barriers.filter_map(|(channel, from)| Some((channel, (*from)?)));
                for (channel, from) in waits.filter(|(_, from)| from + 1 < column && !read_on) {
                    let start = x(from) + BOX / 2.0 + 3.0;
                    let shade = Rectangle::new()
                        .set("x", start)
                        .set("y", y(channel) + 4.0)
                        .set("width", at - start)
                        .set("height", BOX - 8.0)
                        .set("fill", ORANGE)
                        .set("fill-opacity", 0.18);
                    group = group.add(shade);
                }
                let words = text(at, y(3) + 12.0, &format!("saved: {state}"));
                group = group
                    .add(
                        line((at, y(0) - 4.0), (at, y(3)))
                            .set("stroke", GREEN)
                            .set("stroke-width", 1.6),
                    )
                    .add(words.set("text-anchor", "middle").set("fill", GREEN));
            }
        }
    }
    group
}

fn x(column: usize) -> f64 {
    LEFT + (column as f64 + 0.5) * COLUMN
}

fn boxed(x: f64, y: f64, words: &str, colour: &str) -> Group {
    let rectangle = Rectangle::new()
        .set("x", x - BOX / 2.0)
        .set("y", y)
        .set("width", BOX)
        .set("height", BOX)
        .set("rx", 3)
        .set("stroke", colour)
        .set("fill", colour)
        .set("fill-opacity", 0.2);
    Group::new()
        .add(rectangle)
        .add(text(x, y + 18.0, words).set("text-anchor", "middle"))
}

fn legend() -> Group {
    let entries = [
        (8.0, "■", BLUE, "letter"),
        (74.0, "■", ORANGE, "barrier, and then the channel waits"),
        (312.0, "■", RED, "letter behind a barrier, taken too early"),
    ];
    let mut group = Group::new().set("font-size", 11);
    for (x, mark, colour, words) in entries {
        group = group
            .add(text(x, 36.0, mark).set("fill", colour))
            .add(text(x + 14.0, 36.0, words));
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use day05_checkpoints::lab::barrier::{SEED, TAPES, Waits, run};

    #[test]
    fn every_letter_has_a_box_and_those_that_are_taken_too_early_are_red() {
        let job = |waits| run(TAPES, "", waits, SEED).expect("it runs");
        let red = |waits| {
            draw("t", &[("r", job(waits))])
                .matches(&format!("stroke=\"{RED}\""))
                .count()
        };
        assert_eq!(red(Waits::UntilAllAreIn), 0);
        let never = job(Waits::Never);
        assert_eq!(
            red(Waits::Never),
            never.saved().len() - 4,
            "four letters stand before the barriers"
        );
        let letter = format!("stroke=\"{BLUE}\"");
        assert_eq!(
            draw("t", &[("r", job(Waits::UntilAllAreIn))])
                .matches(&letter)
                .count(),
            7
        );
    }
}
