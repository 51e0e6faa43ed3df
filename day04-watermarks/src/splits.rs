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
//! **Idle** is a split that has been read to its end and has brought no row for long enough, counted only while the source
//! looked for records. A record that cannot be used is no row: it says nothing about time, so a split of broken records,
//! tombstones or rows without a time becomes idle like a silent one. A source that is stuck because those behind it are
//! slow does not look, and what it has not seen is not silence: if it called such a split idle, the watermark would jump,
//! and rows that are there would be dropped as late. So each look counts for no more than the time that lies between two
//! looks when nothing is in the way, and none counts while there is more to read, or while the split pauses.
//!
//! **Too far ahead** is a row that would carry the watermark away: one bad clock that says 2099 closes every window, and
//! all later rows of the split are late. With a limit, a row is refused whose time is further ahead of the split's clock.
//! That is the later one of two times: the largest timestamp so far, and the time at which the record itself was written,
//! where it has one (in Kafka it has). Both are part of the input, so a second run refuses the same rows; the wall clock
//! would not be. The time of writing is what the first row is compared with, and what keeps a split that was silent for
//! longer than the limit from being refused ever after. The first row of a file is believed.

use std::collections::HashMap;
use std::time::Duration;

use day01_consumer::order::{BadRecord, Reason};
use day01_consumer::source::Split;
use day02_state::operator::Outcome;
use day02_state::state::{Owner, Part};
use day03_windows::time::{EventTime, Span};

use crate::alignment::{Alignment, SplitTime};
use crate::fault::{Fault, put_in};
use crate::generator::{BoundedDisorder, GRID};
use crate::status::{self, SplitStatus};
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
    /// After how long a split without rows is idle; none for never.
    pub idle_timeout: Option<Duration>,
    /// How far a row may be ahead of the clock of its split and not be refused; none for any distance.
    pub max_ahead: Option<Span>,
    /// How far a split may be read ahead of the slowest one; none for any distance.
    pub max_drift: Option<Span>,
}

/// That of a command line without options.
impl Default for Strategy {
    fn default() -> Self {
        Strategy {
            delay: Span::seconds(5),
            grid: GRID,
            idle_timeout: Some(Duration::from_secs(30)),
            max_ahead: None,
            max_drift: None,
        }
    }
}

/// One split.
#[derive(Debug)]
struct SplitState {
    partition: i32,
    generator: BoundedDisorder,
    /// Whether a row came since the last look.
    saw_row: bool,
    /// For how long none has come.
    silent: Duration,
    /// How many records could not be used.
    unusable: u64,
}

/// The watermarks of a source.
#[derive(Debug)]
pub struct SplitWatermarks {
    strategy: Strategy,
    splits: Vec<SplitState>,
    /// Where each of them is, by its number: there may be thousands.
    indices: HashMap<i32, usize>,
    /// Whether a split that has caught up has come to its end.
    is_bounded: bool,
    /// Has a channel for each split.
    valve: WatermarkValve,
    /// The split that the last row was of.
    current: usize,
    looked: Option<Duration>,
    alignment: Option<Alignment>,
}

impl SplitWatermarks {
    /// No split is known yet.
    pub fn new(strategy: Strategy) -> Self {
        SplitWatermarks {
            strategy,
            splits: Vec::new(),
            indices: HashMap::new(),
            is_bounded: false,
            valve: WatermarkValve::new(0),
            current: 0,
            looked: None,
            alignment: None,
        }
    }

    /// With splits that wait for the slowest one.
    pub fn aligned(self, alignment: Option<Alignment>) -> Self {
        SplitWatermarks { alignment, ..self }
    }

    /// Whether a split that has caught up has come to its end, which it has not unless told.
    pub fn set_bounded(&mut self, is_bounded: bool) {
        self.is_bounded = is_bounded;
    }

    // ANCHOR: row
    /// A row; says what is to be promised behind it, if anything is.
    #[inline]
    pub fn on_row(&mut self, partition: i32, ts: EventTime) -> Option<Watermark> {
        self.current = self.index_of(partition);
        let split = &mut self.splits[self.current];
        split.saw_row = true;
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

    /// The index of a split, which may be new. It is nearly always that of the last row.
    #[inline]
    fn index_of(&mut self, partition: i32) -> usize {
        match self.splits.get(self.current) {
            Some(split) if split.partition == partition => self.current,
            _ => self.find_or_add(partition),
        }
    }

    fn find_or_add(&mut self, partition: i32) -> usize {
        *self.indices.entry(partition).or_insert_with(|| {
            self.splits.push(SplitState {
                partition,
                generator: BoundedDisorder::new(self.strategy.delay, self.strategy.grid),
                saw_row: false,
                silent: Duration::ZERO,
                unusable: 0,
            });
            self.valve.add_channel();
            self.splits.len() - 1
        })
    }

    // ANCHOR: too_far_ahead
    /// Refuses a row that is too far ahead, of a record that was written then.
    #[inline]
    pub fn check(
        &mut self,
        partition: i32,
        ts: EventTime,
        written: Option<EventTime>,
    ) -> Result<(), BadRecord> {
        let Some(max_ahead) = self.strategy.max_ahead else {
            return Ok(());
        };
        let index = self.index_of(partition);
        let clock = self.splits[index].generator.largest().max(written);
        match clock {
            Some(clock) if ts > clock.plus(max_ahead) => Err(too_far_ahead(ts, clock, max_ahead)),
            _ => Ok(()),
        }
    }
    // ANCHOR_END: too_far_ahead

    /// A record that cannot be used.
    pub fn on_bad_record(&mut self, partition: i32) {
        let index = self.index_of(partition);
        self.splits[index].unusable += 1;
    }

    /// Before the first row: what was promised in an earlier run. Whoever restored those behind the source waits for it,
    /// and it may be long until the watermark moves.
    pub fn on_start(&mut self, splits: &[Split]) -> Vec<Watermark> {
        let mut said = Vec::new();
        // First all of them: one of which nothing is known yet holds the others back.
        for split in splits {
            self.index_of(split.partition);
        }
        for (index, of) in self.splits.iter().enumerate() {
            if let Some(at) = of.generator.watermark() {
                said.extend(self.valve.on_watermark(index, Watermark::At(at)).watermarks());
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
    /// Everything that was found has been read, and it is `now`: finds new splits and idle ones.
    pub fn on_look(&mut self, now: Duration, splits: &[Split]) -> Vec<Watermark> {
        let since = now.saturating_sub(self.looked.replace(now).unwrap_or(now));
        let mut said = Vec::new();
        for split in splits {
            let index = self.index_of(split.partition);
            let pauses = self.pauses(split.partition);
            let of = &mut self.splits[index];
            let timeout = self.strategy.idle_timeout;
            let counts = match put_in(Fault::BlockedCountsAsIdle) {
                true => since,
                false => since.min(timeout.map_or(LOOK, |timeout| LOOK.min(timeout / 4))),
            };
            of.silent = match (std::mem::take(&mut of.saw_row), split.caught_up && !pauses) {
                (true, _) => Duration::ZERO,
                // There may be rows in what is not read yet.
                (false, false) => of.silent,
                (false, true) => of.silent + counts,
            };
            let is_silent = timeout.is_some_and(|timeout| of.silent >= timeout);
            if is_silent && !self.valve.channel_is_idle(index) {
                said.extend(self.valve.on_watermark(index, Watermark::Idle).watermarks());
            }
        }
        said
    }
    // ANCHOR_END: idle

    /// The watermark; none if there is none yet.
    pub fn watermark(&self) -> Option<EventTime> {
        self.valve.watermark()
    }

    fn pauses(&self, partition: i32) -> bool {
        self.alignment
            .as_ref()
            .is_some_and(|alignment| alignment.pauses(partition))
    }

    /// Which splits pause, if others do from now on than did before.
    pub fn on_splits(&mut self, splits: &[Split]) -> Option<&[i32]> {
        self.alignment.as_ref()?;
        let mut times = Vec::with_capacity(splits.len());
        for split in splits {
            let index = self.index_of(split.partition);
            times.push(SplitTime {
                partition: split.partition,
                largest: self.splits[index].generator.largest(),
                is_active: !(self.valve.channel_is_idle(index) || self.is_bounded && split.caught_up),
            });
        }
        self.alignment.as_mut()?.on_splits(&times)
    }

    /// Nothing more will be read.
    pub fn on_drained(&mut self) {
        self.alignment.iter_mut().for_each(Alignment::on_drained);
    }

    /// How each of these splits stands.
    pub fn statuses(&self, splits: &[Split]) -> Vec<SplitStatus> {
        let holds = self.valve.held_back_by().map(|(index, _)| index);
        let status = |split: &Split| {
            let index = self.indices.get(&split.partition).copied();
            let of = index.map(|index| &self.splits[index]);
            SplitStatus {
                name: split.name.clone(),
                largest: of.and_then(|of| of.generator.largest()),
                lag: split.lag(),
                is_caught_up: split.caught_up,
                is_idle: index.is_some_and(|index| self.valve.channel_is_idle(index)),
                pauses: self.pauses(split.partition),
                silent: of.map_or(Duration::ZERO, |of| of.silent),
                unusable: of.map_or(0, |of| of.unusable),
                holds_watermark: index.is_some() && index == holds,
            }
        };
        splits.iter().map(status).collect()
    }

    /// Where the watermark is, and which split holds it back.
    pub fn status(&self, splits: &[Split]) -> String {
        status::summary(
            self.valve.watermark(),
            &self.statuses(splits),
            self.strategy.idle_timeout,
        )
    }

    /// What is to be remembered of each split.
    pub fn parts(&self, splits: &[Split]) -> Vec<Part> {
        let largest = |split: &Split| {
            let of = &self.splits[*self.indices.get(&split.partition)?];
            Some(Part {
                name: LARGEST.to_string(),
                owner: Owner::Split(split.name.clone()),
                bytes: of.generator.largest()?.0.to_le_bytes().to_vec(),
            })
        };
        splits.iter().filter_map(largest).collect()
    }

    /// Takes over what was remembered of a split.
    pub fn restore(&mut self, part: &Part, splits: &[Split]) -> Outcome {
        let split = match &part.owner {
            Owner::Split(name) => splits.iter().find(|split| split.name == *name),
            _ => None,
        };
        match (part.name.as_str(), split, part.bytes.as_slice().try_into()) {
            (LARGEST, Some(split), Ok(bytes)) => {
                let index = self.index_of(split.partition);
                self.splits[index]
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

#[cold]
fn too_far_ahead(ts: EventTime, clock: EventTime, max_ahead: Span) -> BadRecord {
    BadRecord {
        reason: Reason::Refused("ts is too far ahead"),
        place: 0,
        detail: Some(format!(
            "{ts} is {} after {clock}, the latest time that its partition has come to, and --max-ahead is {max_ahead}",
            Span(ts.0.saturating_sub(clock.0))
        )),
    }
}

#[cfg(test)]
mod tests;
