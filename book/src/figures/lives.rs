//! The life of a job, and the next one after a crash: a row for each thing that happens, time going down.
//!
//! ```text
//! 12:00:01  poll     [m-1][m-2]          m-1 = 1
//!                         ▲ next to read   ◆ committed
//! ```
//!
//! A record's box is an outline until it is counted, green once it was, orange when it is counted again, and red when
//! the group's offset has passed it, a crash has come between, and so nobody will ever count it.

use std::collections::{BTreeMap, BTreeSet};

use day01_consumer::lab::replay::{Replay, Step, What};
use day01_consumer::lab::scenario::Scenario;
use day01_consumer::source::Positions;
use svg::node::element::{Group, Rectangle};

use super::{BLUE, GREEN, ORANGE, PURPLE, RED, canvas, text};

const ROW: f64 = 38.0;
const TOP: f64 = 82.0;
const BOX: f64 = 46.0;
const TIME_X: f64 = 8.0;
const WORD_X: f64 = 78.0;
const LOG_X: f64 = 148.0;
const GAP: f64 = 26.0;

/// What is known after a step.
#[derive(Debug, Clone, Default)]
struct State {
    /// How often each record that has arrived was counted.
    counted: BTreeMap<String, u32>,
    /// What each record says, as far as it fits into its box.
    labels: BTreeMap<String, String>,
    position: Positions,
    committed: Positions,
    map: BTreeMap<String, u64>,
    /// Records that a committed offset had passed, uncounted, when the process died.
    lost: BTreeSet<String>,
}

/// A line of the figure: one or more steps that belong together.
struct Row {
    time: String,
    word: &'static str,
    state: State,
}

/// Draws what happened in a replay.
pub(super) fn draw(title: &str, scenario: &Scenario, run: &Replay) -> String {
    let rows = rows(run);
    let records = records_by_partition(scenario);
    let log_width: f64 = records.iter().map(|count| *count as f64 * BOX + GAP).sum();
    let map_x = LOG_X + log_width;
    let (width, height) = (map_x + 170.0, TOP + rows.len() as f64 * ROW + 8.0);

    let mut figure = canvas(title, width, height).add(legend(TIME_X, 38.0));
    let mut x = LOG_X;
    for (partition, count) in records.iter().enumerate() {
        figure = figure.add(text(x, TOP - 22.0, &format!("orders/{partition}, by offset")));
        for offset in 0..*count {
            let number = text(x + offset as f64 * BOX + 16.0, TOP - 6.0, &offset.to_string());
            figure = figure.add(number.set("opacity", 0.7));
        }
        x += *count as f64 * BOX + GAP;
    }
    figure = figure.add(text(map_x, TOP - 22.0, "the map"));
    for (index, row) in rows.iter().enumerate() {
        figure = figure.add(draw_row(row, TOP + index as f64 * ROW, &records, map_x));
    }
    format!("{figure}\n")
}

fn records_by_partition(scenario: &Scenario) -> Vec<usize> {
    (0..scenario.partitions)
        .map(|partition| {
            scenario
                .events
                .iter()
                .filter(|event| event.partition == partition)
                .count()
        })
        .collect()
}

/// Merges steps of the same kind into rows, and follows the state.
fn rows(run: &Replay) -> Vec<Row> {
    let mut state = State::default();
    let mut rows: Vec<Row> = Vec::new();
    for step in &run.steps {
        let word = apply(&mut state, step);
        let time = step.time.strftime("%H:%M:%S").to_string();
        match rows.last_mut() {
            Some(last) if last.word == word && word != "poll" => last.state = state.clone(),
            _ => rows.push(Row {
                time,
                word,
                state: state.clone(),
            }),
        }
    }
    rows
}

/// Moves the state by one step, and names the step.
fn apply(state: &mut State, step: &Step) -> &'static str {
    match &step.what {
        What::Arrived(at, payload) => {
            state.counted.insert(at.clone(), 0);
            state.labels.insert(at.clone(), label(payload.as_deref()));
            "arrive"
        }
        What::Started(positions) => {
            state.position = positions.clone();
            "start"
        }
        What::Polled(_, positions) => {
            state.position = positions.clone();
            "poll"
        }
        What::Counted(at, merchant, count) => {
            *state.counted.entry(at.clone()).or_default() += 1;
            state.map.insert(merchant.clone(), *count);
            "count"
        }
        What::Skipped(..) => "skip",
        What::Committed(positions) => {
            state.committed.update(positions);
            "commit"
        }
        What::Crashed => {
            state.map.clear();
            let passed = |at: &str| {
                let (split, offset) = at.split_once('@')?;
                Some(offset.parse::<i64>().ok()? < state.committed.get(split)?)
            };
            let uncounted = state.counted.iter().filter(|(_, times)| **times == 0);
            state.lost = uncounted
                .map(|(at, _)| at.clone())
                .filter(|at| passed(at) == Some(true))
                .collect();
            "CRASH"
        }
    }
}

/// The merchant of an order, or a mark for what is none.
fn label(payload: Option<&str>) -> String {
    let order = payload.and_then(|payload| serde_json::from_str::<serde_json::Value>(payload).ok());
    let merchant = order
        .as_ref()
        .and_then(|order| order.get("merchant_id")?.as_str());
    match (payload, merchant) {
        (None, _) => "∅".to_string(),
        (_, None) => "?".to_string(),
        (_, Some(merchant)) => merchant.to_string(),
    }
}

fn draw_row(row: &Row, y: f64, records: &[usize], map_x: f64) -> Group {
    let crash = row.word == "CRASH";
    let rule = Rectangle::new()
        .set("x", TIME_X)
        .set("y", y - 1.0)
        .set("width", map_x + 150.0)
        .set("height", 0.5)
        .set("opacity", 0.25);
    let mut group = Group::new()
        .add(rule)
        .add(text(TIME_X, y + 15.0, &row.time).set("opacity", 0.7))
        .add(text(WORD_X, y + 15.0, row.word).set("fill", if crash { RED } else { "currentColor" }));
    let mut x = LOG_X;
    for (partition, count) in records.iter().enumerate() {
        let split = format!("orders/{partition}");
        for offset in 0..*count {
            group = draw_record(
                group,
                &row.state,
                &split,
                offset as i64,
                x + offset as f64 * BOX,
                y,
            );
        }
        for (mark, colour, positions, shift) in [
            ("▲", BLUE, &row.state.position, 0.0),
            ("◆", PURPLE, &row.state.committed, 10.0),
        ] {
            if let Some(offset) = positions.get(&split) {
                let mark_x = x + offset as f64 * BOX - 5.0 + shift;
                group = group.add(
                    text(mark_x, y + 32.0, mark)
                        .set("fill", colour)
                        .set("font-size", 11),
                );
            }
        }
        x += *count as f64 * BOX + GAP;
    }
    let map: Vec<String> = row
        .state
        .map
        .iter()
        .map(|(merchant, count)| format!("{merchant} {count}"))
        .collect();
    let map = match (crash, map.is_empty()) {
        (true, _) => "gone".to_string(),
        (false, true) => "empty".to_string(),
        (false, false) => map.join(", "),
    };
    group.add(text(map_x, y + 15.0, &map).set("fill", if crash { RED } else { "currentColor" }))
}

fn draw_record(group: Group, state: &State, split: &str, offset: i64, x: f64, y: f64) -> Group {
    let at = format!("{split}@{offset}");
    let Some(times) = state.counted.get(&at) else {
        return group;
    };
    let colour = match (times, state.lost.contains(&at)) {
        (0, true) => Some(RED),
        (0, false) => None,
        (1, _) => Some(GREEN),
        (_, _) => Some(ORANGE),
    };
    let outline = Rectangle::new()
        .set("x", x)
        .set("y", y + 1.0)
        .set("width", BOX - 4.0)
        .set("height", 20)
        .set("rx", 3)
        .set("stroke", colour.unwrap_or("currentColor"))
        .set("fill", colour.unwrap_or("none"))
        .set("fill-opacity", 0.35);
    let label = state.labels.get(&at).map_or("", String::as_str);
    group.add(outline).add(text(x + 4.0, y + 15.0, label))
}

fn legend(x: f64, y: f64) -> Group {
    let entries = [
        ("▲", BLUE, "next to read"),
        ("◆", PURPLE, "committed"),
        ("■", GREEN, "counted once"),
        ("■", ORANGE, "counted twice"),
        ("■", RED, "lost"),
    ];
    let mut group = Group::new().set("font-size", 11);
    let mut x = x;
    for (mark, colour, words) in entries {
        group = group
            .add(text(x, y, mark).set("fill", colour))
            .add(text(x + 14.0, y, words));
        x += 30.0 + words.len() as f64 * 6.0;
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use day01_consumer::job::Commit;
    use day01_consumer::lab::replay::replay;

    const CRASH: &str = include_str!("../../scenarios/crash.toml");

    fn last_counts(commit: Commit) -> Vec<u32> {
        let scenario = Scenario::parse("crash", CRASH).expect("a good scenario");
        let rows = rows(&replay(&scenario, commit).expect("a replay"));
        rows.last()
            .expect("rows")
            .state
            .counted
            .values()
            .copied()
            .collect()
    }

    fn ever_lost(commit: Commit) -> BTreeSet<String> {
        let scenario = Scenario::parse("crash", CRASH).expect("a good scenario");
        let rows = rows(&replay(&scenario, commit).expect("a replay"));
        rows.into_iter().flat_map(|row| row.state.lost).collect()
    }

    #[test]
    fn the_figures_show_what_is_lost_and_what_is_doubled() {
        assert_eq!(last_counts(Commit::Before), [1, 1, 0, 0, 1]);
        assert_eq!(last_counts(Commit::After), [1, 1, 2, 2, 1]);
    }

    #[test]
    fn only_what_is_never_counted_is_ever_drawn_as_lost() {
        let two = ["orders/0@2", "orders/0@3"].map(str::to_string);
        assert_eq!(ever_lost(Commit::Before), BTreeSet::from(two));
        assert!(ever_lost(Commit::After).is_empty());
    }
}
