//! A scenario: a handful of records, what happens to the job that reads them, and the right answer.
//!
//! Scenarios are the ladder that the days of the book climb: each day gets each of them right, or wrong in a known way. A file reads like this:
//!
//! ```toml
//! title = "Doubled by a crash"
//! story = "The process dies after it has counted a batch and before it has committed it."
//! partitions = 1
//! # partition, arrival, payload; `-` is a tombstone. What arrives at the same moment is read in one batch.
//! events = '''
//! 0  12:00:01.000  {"merchant_id":"m-1","amount":4.00}
//! 0  12:00:02.000  {"merchant_id":"m-2","amount":7.50}
//! '''
//! crash_in_batch_of = 2
//!
//! [right.order_count]
//! m-1 = 1
//! m-2 = 1
//!
//! [right.amount_sum]
//! m-1 = "4.00"
//! m-2 = "7.50"
//!
//! [right.amount_max]
//! m-1 = "4.00"
//! m-2 = "7.50"
//! ```
//!
//! The right answer is written down *and* recomputed by the batch evaluator, so neither is believed alone.
//!
//! What else may happen has a line of its own where it happens, and none where it does not: see the fields of [`Scenario`].
//! Where the question is one of windows, `windows` holds their right answer, and `[days]` says for each day of the book
//! what it makes of the scenario:
//!
//! ```toml
//! question = "windows"
//! # start of the ten seconds, merchant, orders, sum
//! windows = '''
//! 12:00:00  m-1  2  11.50
//! '''
//! [days]
//! day3 = "late"
//! day4 = "right"
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Time;
use serde::Deserialize;

use crate::Error;

/// A scenario, as read from its file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The name of its file, without the ending.
    #[serde(skip)]
    pub name: String,
    /// A few words.
    pub title: String,
    /// What happens, in a sentence or two.
    pub story: String,
    /// How many partitions the topic has.
    pub partitions: usize,
    /// What arrives, in the order of arrival.
    #[serde(deserialize_with = "events")]
    pub events: Vec<Event>,
    /// The process dies in the middle of the batch that holds this event, counted from 1.
    pub crash_in_batch_of: Option<usize>,
    /// Whoever commits offsets does it before counting, not after.
    #[serde(default)]
    pub commits_before: bool,
    /// While the process is down, the broker removes everything that had arrived before the batch of the crash.
    #[serde(default)]
    pub forgets: bool,
    /// How many workers there are in each life of the process; one, where nothing is said.
    #[serde(default)]
    pub workers: Vec<usize>,
    /// What comes out is printed on a screen, from which nothing can be taken back.
    #[serde(default)]
    pub prints: bool,
    /// The records of this partition are in the broker, but it cannot hand them out.
    pub stuck: Option<usize>,
    /// The input has no end, and at this time somebody looks at what has come out. A window that has ended a minute
    /// before has to be there.
    #[serde(default, deserialize_with = "time_of_day")]
    pub asked_at: Option<Time>,
    /// What is asked.
    #[serde(default)]
    pub question: Question,
    /// The right answer, by merchant.
    pub right: Answer,
    /// The right answer by merchant and ten seconds, if that is asked: sorted, and without windows that are not due.
    #[serde(default, deserialize_with = "windows")]
    pub windows: Vec<WindowRow>,
    /// What each day makes of it, by the name of the day.
    #[serde(default)]
    pub days: BTreeMap<String, String>,
}

/// A question that a scenario asks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Question {
    /// Orders per merchant.
    #[default]
    Totals,
    /// Orders per merchant and ten seconds of event time.
    Windows,
}

/// The orders of a merchant in ten seconds of event time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WindowRow {
    /// When the window begins.
    pub start: Time,
    /// The merchant.
    pub merchant_id: String,
    /// How many orders.
    pub order_count: u64,
    /// The sum of their amounts, with two decimals.
    pub amount_sum: String,
}

/// A record that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The partition it is written to.
    pub partition: usize,
    /// When it arrives, by the clock on the wall.
    pub arrival: Time,
    /// Its payload; none is a tombstone.
    pub payload: Option<String>,
}

/// What a job must come to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Orders per merchant.
    pub order_count: BTreeMap<String, u64>,
    /// The sum of their amounts per merchant, a decimal with two decimals such as `27.75`.
    pub amount_sum: BTreeMap<String, String>,
    /// The largest of their amounts per merchant, written in the same way.
    pub amount_max: BTreeMap<String, String>,
}

impl Scenario {
    /// Reads a scenario from the text of its file.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let failed = |problem: String| Error::failed(format!("scenario {name}"))(problem);
        let mut scenario: Scenario = toml::from_str(text).map_err(|error| failed(error.to_string()))?;
        scenario.name = name.to_string();
        for event in &scenario.events {
            if event.partition >= scenario.partitions {
                return Err(failed(format!("there is no partition {}", event.partition)));
            }
        }
        if !scenario.events.is_sorted_by_key(|event| event.arrival) {
            return Err(failed("events must be in the order of arrival".to_string()));
        }
        if scenario
            .stuck
            .is_some_and(|partition| partition >= scenario.partitions)
        {
            return Err(failed("the partition that is stuck does not exist".to_string()));
        }
        match scenario.crash_in_batch_of {
            Some(event) if event == 0 || event > scenario.events.len() => Err(failed(format!(
                "crash_in_batch_of = {event}, but the events are 1 to {}",
                scenario.events.len()
            ))),
            _ => Ok(scenario),
        }
    }

    /// Reads all `*.toml` files of a folder, by name.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, Error> {
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
            let path = entry.map_err(Error::file(folder))?.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                files.push(path);
            }
        }
        files.sort();
        files
            .iter()
            .map(|path| {
                let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                Scenario::parse(&name, &text)
            })
            .collect()
    }
}

fn time_of_day<'de, D: serde::Deserializer<'de>>(parser: D) -> Result<Option<Time>, D::Error> {
    let text = String::deserialize(parser)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// The lines of `events`.
fn events<'de, D: serde::Deserializer<'de>>(parser: D) -> Result<Vec<Event>, D::Error> {
    lines(parser, event)
}

/// The lines of `windows`.
fn windows<'de, D: serde::Deserializer<'de>>(parser: D) -> Result<Vec<WindowRow>, D::Error> {
    lines(parser, window)
}

fn lines<'de, D: serde::Deserializer<'de>, T>(
    parser: D,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(parser)?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| read(line).map_err(serde::de::Error::custom))
        .collect()
}

fn window(line: &str) -> Result<WindowRow, String> {
    let wrong = |what: &str| format!("{what} in the window `{line}`");
    let words: Vec<&str> = line.split_whitespace().collect();
    let [start, merchant_id, order_count, amount_sum] = words.as_slice() else {
        return Err(wrong("not a start, a merchant, orders and a sum"));
    };
    Ok(WindowRow {
        start: start.parse().map_err(|_| wrong("no time of day"))?,
        merchant_id: merchant_id.to_string(),
        order_count: order_count.parse().map_err(|_| wrong("no number of orders"))?,
        amount_sum: amount_sum.to_string(),
    })
}

fn event(line: &str) -> Result<Event, String> {
    let wrong = |what: &str| format!("{what} in the event `{line}`");
    let (partition, rest) = line
        .trim()
        .split_once(char::is_whitespace)
        .ok_or_else(|| wrong("no arrival"))?;
    let (arrival, payload) = rest
        .trim()
        .split_once(char::is_whitespace)
        .ok_or_else(|| wrong("no payload"))?;
    Ok(Event {
        partition: partition.parse().map_err(|_| wrong("no partition"))?,
        arrival: arrival.parse().map_err(|_| wrong("no time of day"))?,
        payload: match payload.trim() {
            "-" => None,
            json => Some(json.to_string()),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        title = "t"
        story = "s"
        partitions = 2
        events = '''
        0 12:00:01.000 {"merchant_id":"m-1","amount":4.00}
        1 12:00:02.000 -
        '''
        [right.order_count]
        m-1 = 1
        [right.amount_sum]
        m-1 = "4.00"
        [right.amount_max]
        m-1 = "4.00"
    "#;

    #[test]
    fn a_scenario_reads_as_written() {
        let scenario = Scenario::parse("good", GOOD).expect("a good scenario");
        assert_eq!(
            scenario.events[0].payload.as_deref(),
            Some(r#"{"merchant_id":"m-1","amount":4.00}"#)
        );
        assert_eq!(scenario.events[1].payload, None);
        assert_eq!(scenario.events[1].partition, 1);
        assert_eq!(scenario.right.order_count["m-1"], 1);
        assert_eq!(scenario.right.amount_sum["m-1"], "4.00");
        assert_eq!(scenario.right.amount_max["m-1"], "4.00");
    }

    #[test]
    fn what_is_wrong_with_a_scenario_is_said() {
        #[rustfmt::skip]
        let table = [
            ("partitions = 2",      "partitions = 1",     "there is no partition 1"),
            ("12:00:02.000",        "12:00:00.000",       "in the order of arrival"),
            ("12:00:02.000",        "noon",               "no time of day"),
            ("1 12:00:02.000 -",    "1 12:00:02.000",     "no payload"),
            ("title = \"t\"",       "titel = \"t\"",      "unknown field `titel`"),
            ("partitions = 2",      "partitions = 2\nstuck = 2", "does not exist"),
            ("partitions = 2",      "partitions = 2\nquestion = \"sums\"", "unknown variant `sums`"),
            ("partitions = 2",      "partitions = 2\nwindows = '12:00:00 m-1 2'", "not a start, a merchant"),
            ("partitions = 2",      "partitions = 2\nwindows = '12:00:00 m-1 two 1.00'", "no number of orders"),
            ("[right.order_count]", "crash_in_batch_of = 3\n[right.order_count]", "events are 1 to 2"),
            ("[right.amount_sum]",  "[right.amount_avg]", "unknown field `amount_avg`"),
            ("[right.amount_max]\n        m-1 = \"4.00\"", "", "missing field `amount_max`"),
        ];
        for (good, bad, said) in table {
            let error = Scenario::parse("bad", &GOOD.replace(good, bad)).expect_err(bad);
            assert!(error.to_string().contains(said), "{bad}: {error}");
        }
    }
}
