//! The answer to "why does nothing come out?": each split with its time, and the one that holds the watermark.
//!
//! ```text
//! watermark 2026-01-01T12:00:05.000Z, held back by orders/1: 1204 records, none with a time, idle after 30 s
//! ```

use std::fmt;
use std::time::Duration;

use day03_windows::time::EventTime;

/// How a split stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitStatus {
    /// Its name.
    pub name: String,
    /// Its largest timestamp; none before its first row.
    pub largest: Option<EventTime>,
    /// How many records it is behind its end, if that is known.
    pub lag: Option<i64>,
    /// Whether everything there is has been read.
    pub is_caught_up: bool,
    /// Whether nothing waits for it.
    pub is_idle: bool,
    /// Whether it is too far ahead of the slowest split, and not read for now.
    pub pauses: bool,
    /// For how long it has brought no row, counted while the source looked for records.
    pub silent: Duration,
    /// How many of its records could not be used.
    pub unusable: u64,
    /// Whether the watermark waits for it.
    pub holds_watermark: bool,
}

impl SplitStatus {
    /// Why it brings no watermark that is further on.
    fn reason(&self, idle_timeout: Option<Duration>) -> String {
        let silence = match (self.largest, self.unusable) {
            (None, 0) if !self.is_caught_up => "no record of it was read yet".to_string(),
            (None, unusable @ 1..) => format!("{unusable} records, none with a time"),
            (_, 0) => format!("no record for {} s", self.silent.as_secs()),
            (Some(_), unusable) => {
                let seconds = self.silent.as_secs();
                format!("no record with a time for {seconds} s, {unusable} without")
            }
        };
        match (self.is_caught_up, idle_timeout) {
            (false, _) if self.largest.is_none() => silence,
            (false, _) => "its latest records are not read yet".to_string(),
            (true, _) if self.largest.is_some() && self.silent < Duration::from_secs(1) => {
                "it is the slowest".to_string()
            }
            (true, Some(timeout)) => format!("{silence}, idle after {} s", timeout.as_secs_f64()),
            (true, None) => format!("{silence}, never idle: there is no idle timeout"),
        }
    }
}

/// Where the watermark is, and which split it waits for.
pub fn summary(
    watermark: Option<EventTime>,
    splits: &[SplitStatus],
    idle_timeout: Option<Duration>,
) -> String {
    let at = match watermark {
        Some(at) => format!("watermark {at}"),
        None => "no watermark yet".to_string(),
    };
    match splits.iter().find(|split| split.holds_watermark) {
        Some(split) => format!(
            "{at}, held back by {}: {}",
            split.name,
            split.reason(idle_timeout)
        ),
        None if splits.is_empty() => "no splits to read, idle".to_string(),
        None if splits.iter().all(|split| split.is_idle) => format!("{at}, all splits are idle"),
        None => at,
    }
}

/// A line of a table: see [`HEADINGS`].
impl fmt::Display for SplitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self
            .largest
            .map_or("–".to_string(), |largest| largest.to_string());
        let lag = self.lag.map_or("?".to_string(), |lag| lag.to_string());
        let state = match (self.holds_watermark, self.is_idle, self.pauses) {
            (true, ..) => "holds the watermark",
            (_, true, _) => "idle",
            (_, _, true) => "pauses, ahead of the slowest",
            _ => "",
        };
        let (name, silent, unusable) = (&self.name, self.silent.as_secs(), self.unusable);
        let line = format!("{name:<14} {time:<24} {lag:>9} {silent:>9} s {unusable:>13}  {state}");
        f.write_str(line.trim_end())
    }
}

/// The headings of the table.
pub const HEADINGS: &str = "split          time                           lag  no row for  without time";
