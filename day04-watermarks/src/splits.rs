//! The watermarks of a source: one generator for each of its splits, and a valve over them.
//!
//! A split is read in order, but nothing is known of the order between splits: one may be an hour behind another, and a
//! source that took the largest timestamp of all would make everything late in the one that is behind. So each has a
//! generator of its own, and the source promises what the slowest of them does.
//!
//! ```text
//! orders/0   12:00:40 12:00:41 12:00:43     W 12:00:38 ─┐
//! orders/1   11:02:10 11:02:12              W 11:02:07 ─┴─► W 11:02:07
//! orders/2   (nothing for a minute)         idle
//! ```
//!
//! **Idle** is a split that has been read to its end and has been silent for long enough, counted only while the source
//! looked for records. A source that is stuck because those behind it are slow does not look, and what it has not seen
//! is not silence: if it called such a split idle, the watermark would jump, and rows that are there would be dropped as
//! late. So each look counts for no more than the time that lies between two looks when nothing is in the way.
//!
//! Left out: holding back a split that is far ahead (alignment of watermarks in Flink).

use std::time::Duration;

use day01_consumer::source::Split;
use day02_state::operator::Outcome;
use day02_state::state::{Owner, Part};
use day03_windows::time::{EventTime, Span};

use crate::fault::{Fault, put_in};
use crate::generator::{BoundedDisorder, GRID};
use crate::valve::WatermarkValve;
use crate::watermark::Watermark;

/// The name of what is saved for each split: its largest timestamp.
const LARGEST: &str = "largest timestamp";
/// No look counts for more than this.
const LOOK: Duration = Duration::from_millis(20);

/// How watermarks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// How far a row may be behind the largest of its split and not be late.
    pub delay: Span,
    /// Watermarks stand at multiples of this.
    pub grid: Span,
    /// After how long a silent split is idle; none for never.
    pub idle_timeout: Option<Duration>,
}

/// That of a command line without options.
impl Default for Strategy {
    fn default() -> Self {
        Strategy {
            delay: Span::seconds(5),
            grid: GRID,
            idle_timeout: Some(Duration::from_secs(30)),
        }
    }
}

/// One split.
#[derive(Debug)]
struct SplitState {
    partition: i32,
    generator: BoundedDisorder,
    /// Whether a record came since the last look.
    saw_record: bool,
    /// For how long none has come.
    silent: Duration,
}

/// The watermarks of a source.
#[derive(Debug)]
pub struct SplitWatermarks {
    strategy: Strategy,
    splits: Vec<SplitState>,
    /// Has a channel for each split.
    valve: WatermarkValve,
    /// The split that the last row was of.
    current: usize,
    looked: Option<Duration>,
}

impl SplitWatermarks {
    /// No split is known yet.
    pub fn new(strategy: Strategy) -> Self {
        SplitWatermarks {
            strategy,
            splits: Vec::new(),
            valve: WatermarkValve::new(0),
            current: 0,
            looked: None,
        }
    }

    // ANCHOR: row
    /// A row; says what is to be promised behind it, if anything is.
    #[inline]
    pub fn on_row(&mut self, partition: i32, ts: EventTime) -> Option<Watermark> {
        if self.splits.get(self.current).map(|split| split.partition) != Some(partition) {
            self.current = self.place(partition);
        }
        let split = &mut self.splits[self.current];
        split.saw_record = true;
        let moved = split.generator.on_row(ts);
        let comes_back = self.valve.channel_is_idle(self.current);
        match moved {
            None if comes_back => {
                let watermark = split.generator.watermark();
                self.moved(watermark)
            }
            None => None,
            moved => self.moved(moved),
        }
    }

    /// The watermark of the current split is here; says where that of the source is, if it has moved.
    fn moved(&mut self, at: Option<EventTime>) -> Option<Watermark> {
        let said = self.valve.on_watermark(self.current, Watermark::At(at?));
        said.at.map(Watermark::At)
    }
    // ANCHOR_END: row

    /// The place of a split, which may be new.
    fn place(&mut self, partition: i32) -> usize {
        let place = self.splits.iter().position(|split| split.partition == partition);
        place.unwrap_or_else(|| {
            self.splits.push(SplitState {
                partition,
                generator: BoundedDisorder::new(self.strategy.delay, self.strategy.grid),
                saw_record: false,
                silent: Duration::ZERO,
            });
            self.valve.add_channel();
            self.splits.len() - 1
        })
    }

    /// Before the first row: what was promised in an earlier run. Whoever restored those behind the source waits for it,
    /// and it may be long until the watermark moves.
    pub fn on_start(&mut self, splits: &[Split]) -> Vec<Watermark> {
        let mut said = Vec::new();
        // First all of them: one of which nothing is known yet holds the others back.
        for split in splits {
            self.place(split.partition);
        }
        for (place, of) in self.splits.iter().enumerate() {
            if let Some(at) = of.generator.watermark() {
                said.extend(self.valve.on_watermark(place, Watermark::At(at)).watermarks());
            }
        }
        if splits.is_empty() {
            // There is nobody to wait for, and there may never be.
            said.push(Watermark::Idle);
        }
        match put_in(Fault::RestoredSourceIsSilent) {
            true => Vec::new(),
            false => said,
        }
    }

    // ANCHOR: idle
    /// Everything that was found has been read, and it is `now`: finds splits that are new, and such that are idle.
    pub fn on_look(&mut self, now: Duration, splits: &[Split]) -> Vec<Watermark> {
        let since = now.saturating_sub(self.looked.replace(now).unwrap_or(now));
        let mut said = Vec::new();
        for split in splits {
            let place = self.place(split.partition);
            let of = &mut self.splits[place];
            let timeout = self.strategy.idle_timeout;
            let counts = match put_in(Fault::BlockedCountsAsIdle) {
                true => since,
                false => since.min(timeout.map_or(LOOK, |timeout| LOOK.min(timeout / 4))),
            };
            of.silent = match std::mem::take(&mut of.saw_record) || !split.caught_up {
                true => Duration::ZERO,
                false => of.silent + counts,
            };
            if timeout.is_some_and(|timeout| of.silent >= timeout) {
                said.extend(self.valve.on_watermark(place, Watermark::Idle).watermarks());
            }
        }
        said
    }
    // ANCHOR_END: idle

    /// The watermark; none if there is none yet.
    pub fn watermark(&self) -> Option<EventTime> {
        self.valve.watermark()
    }

    /// Where the watermark is, and which split holds it back.
    pub fn status(&self, splits: &[Split]) -> String {
        let at = match self.valve.watermark() {
            Some(at) => format!("watermark {at}"),
            None => "no watermark yet".to_string(),
        };
        let Some((place, said)) = self.valve.held_back_by() else {
            return match splits.is_empty() {
                true => "no splits to read, idle".to_string(),
                false => format!("{at}, all splits are idle"),
            };
        };
        let of = &self.splits[place];
        let Some(split) = splits.iter().find(|split| split.partition == of.partition) else {
            return at;
        };
        let silence = format!("no record for {} s", of.silent.as_secs());
        let why = match (said, split.caught_up, self.strategy.idle_timeout) {
            (None, false, _) => "no record of it was read yet".to_string(),
            (_, false, _) => "its latest records are not read yet".to_string(),
            (_, true, _) if of.silent < Duration::from_secs(1) => "it is the slowest".to_string(),
            (_, true, Some(timeout)) => format!("{silence}, idle after {} s", timeout.as_secs_f64()),
            (_, true, None) => format!("{silence}, never idle: there is no idle timeout"),
        };
        format!("{at}, held back by {}: {why}", split.name)
    }

    /// What is to be remembered of each split.
    pub fn parts(&self, splits: &[Split]) -> Vec<Part> {
        let largest = |of: &SplitState| {
            let split = splits.iter().find(|split| split.partition == of.partition)?;
            Some(Part {
                name: LARGEST.to_string(),
                owner: Owner::Split(split.name.clone()),
                bytes: of.generator.largest()?.0.to_le_bytes().to_vec(),
            })
        };
        self.splits.iter().filter_map(largest).collect()
    }

    /// Takes over what was remembered of a split.
    pub fn restore(&mut self, part: &Part, splits: &[Split]) -> Outcome {
        let split = match &part.owner {
            Owner::Split(name) => splits.iter().find(|split| split.name == *name),
            _ => None,
        };
        match (part.name.as_str(), split, part.bytes.as_slice().try_into()) {
            (LARGEST, Some(split), Ok(bytes)) => {
                let place = self.place(split.partition);
                self.splits[place]
                    .generator
                    .restore(EventTime(i64::from_le_bytes(bytes)));
                Ok(())
            }
            _ => Err(part
                .bad("not the largest timestamp of a split that is read here")
                .into()),
        }
    }
}

#[cfg(test)]
mod tests;
