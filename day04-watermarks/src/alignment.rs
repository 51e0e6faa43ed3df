//! Alignment: no split runs far ahead of the slowest one.
//!
//! Windows close when the slowest split lets them. What a faster split brings until then is kept open: the further it is
//! ahead, the more windows there are. If partitions differ by a day, and the job begins with all of them at once, that is a
//! day of windows in memory. Reading the faster one brings no result earlier, so it is not read until the others have
//! caught up.
//!
//! ```text
//! at most 30 s ahead      time of 0   time of 1   not read
//!                         12:00:10    11:58:00    0          2 m 10 s ahead
//!                         12:00:10    11:59:50    0          still: 1 has not caught up
//!                         12:00:10    12:00:12    none
//! ```
//!
//! 1. The time of a split is its largest timestamp. A split is not read if its time is more than the allowed drift ahead
//!    of the slowest active split, and it is read again when the slowest has come to that time. (If it went on as soon as
//!    it is within the drift, it would stop again after a few records, and a broker sends each time what it then drops.)
//! 2. Idle splits do not count, and are read: a row is all they need to be active. One of a bounded source that has come
//!    to its end does not count either. So the slowest is always read, and a bounded input is always read to its end.
//! 3. An active split without any time yet holds back all that have one: it may be the slowest by far.
//! 4. A split that is not read is not silent. It stays active, and takes part in the watermark of its source. So nothing
//!    in it is late that would not be late without alignment, and results do not depend on it.
//!
//! Source tasks know each other's slowest split from a list that they share. What they find there may be a moment old, and
//! a poll brings up to some thousand records at once. So the drift is kept up to one poll; only that the slowest split is
//! never held back is exact. A source that is told to pause may also go on (see [`Source::pause`]): then memory grows, as
//! it does without alignment.
//!
//! A split that has come to its end holds back no other split, but it holds the watermark until its source has come
//! to its end too. Until then the windows of the others stay open.
//!
//! Flink aligns in the same way (`withWatermarkAlignment`), with a message to the coordinator once a second.
//!
//! [`Source::pause`]: day01_consumer::source::Source::pause

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use day03_windows::time::{EventTime, Span};

/// The time of a source without an active split: nobody waits for it.
const NOBODY: EventTime = EventTime::MAX;
/// The time of a source with an active split of which no time is known. A source that has not begun is one.
const UNKNOWN: EventTime = EventTime::MIN;

/// A split as alignment sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitTime {
    /// Its number.
    pub partition: i32,
    /// Its largest timestamp; none before its first row.
    pub largest: Option<EventTime>,
    /// Whether it is waited for.
    pub is_active: bool,
}

/// Which splits of a source task are not read for now.
#[derive(Debug)]
pub struct Alignment {
    max_drift: Span,
    /// The time of the slowest active split of each source task, and which of them is this one.
    slowest: Arc<[AtomicI64]>,
    source: usize,
    /// By rising number, as splits are.
    paused: Vec<i32>,
}

impl Alignment {
    /// For so many source tasks, one for each; for none of them if there is no such drift.
    pub fn of_sources(max_drift: Option<Span>, sources: usize) -> impl Iterator<Item = Alignment> {
        let sources = max_drift.map_or(0, |_| sources);
        let slowest: Arc<[AtomicI64]> = (0..sources).map(|_| AtomicI64::new(UNKNOWN.0)).collect();
        (0..sources).map(move |source| Alignment {
            max_drift: max_drift.unwrap_or_default(),
            slowest: slowest.clone(),
            source,
            paused: Vec::new(),
        })
    }

    /// Whether this split is not read for now.
    pub fn pauses(&self, partition: i32) -> bool {
        self.paused.binary_search(&partition).is_ok()
    }

    // ANCHOR: align
    /// The splits stand so: says which of them pause, if these are others than before.
    pub fn on_splits(&mut self, splits: &[SplitTime]) -> Option<&[i32]> {
        let active = splits.iter().filter(|split| split.is_active);
        let own = active.clone().map(|split| split.largest.unwrap_or(UNKNOWN)).min();
        self.publish(own.unwrap_or(NOBODY));
        let slowest = self.slowest_of_all();
        let runs_ahead = |split: &&SplitTime| {
            let limit = match self.pauses(split.partition) {
                true => slowest,
                false => slowest.plus(self.max_drift),
            };
            split.largest.is_some_and(|largest| largest > limit)
        };
        let paused: Vec<i32> = active.filter(runs_ahead).map(|split| split.partition).collect();
        let others = paused != self.paused;
        self.paused = paused;
        others.then_some(&self.paused)
    }
    // ANCHOR_END: align

    /// Nothing more will be read: nobody has to wait for this source.
    pub fn on_drained(&mut self) {
        self.publish(NOBODY);
    }

    fn publish(&self, time: EventTime) {
        self.slowest[self.source].store(time.0, Ordering::Relaxed);
    }

    fn slowest_of_all(&self) -> EventTime {
        let times = self.slowest.iter().map(|time| time.load(Ordering::Relaxed));
        times.min().map_or(NOBODY, EventTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times by split, none for a split without any; an idle one is left out.
    fn splits(times: &[Option<i64>], idle: &[i32]) -> Vec<SplitTime> {
        let split = |(partition, largest): (i32, &Option<i64>)| SplitTime {
            partition,
            largest: largest.map(EventTime),
            is_active: !idle.contains(&partition),
        };
        (0..).zip(times).map(split).collect()
    }

    fn alone() -> Alignment {
        Alignment::of_sources(Some(Span(30)), 1).next().unwrap()
    }

    #[test]
    fn a_split_that_is_too_far_ahead_pauses_until_the_slowest_has_caught_up() {
        let mut alignment = alone();
        #[rustfmt::skip]
        let table: [([i64; 2], Option<&[i32]>); 7] = [
            ([100, 100], None),
            ([130, 100], None),           // As far as it may.
            ([131, 100], Some(&[0])),
            ([131, 120], None),           // Within the drift, and still paused.
            ([131, 131], Some(&[])),
            ([131, 170], Some(&[1])),
            ([170, 170], Some(&[])),
        ];
        for (times, changes) in table {
            let splits = splits(&times.map(Some), &[]);
            assert_eq!(alignment.on_splits(&splits), changes, "{times:?}");
        }
    }

    #[test]
    fn the_slowest_is_never_paused_and_nobody_waits_for_idle_splits() {
        let mut alignment = alone();
        let times = [Some(0), Some(500), Some(1_000)];
        assert_eq!(alignment.on_splits(&splits(&times, &[])), Some(&[1, 2][..]));
        assert_eq!(alignment.on_splits(&splits(&times, &[0])), Some(&[2][..]));
        assert_eq!(alignment.on_splits(&splits(&times, &[0, 1])), Some(&[][..]));
        assert_eq!(alignment.on_splits(&splits(&times, &[0, 1, 2])), None);
    }

    #[test]
    fn a_split_without_a_time_holds_back_those_that_have_one() {
        let mut alignment = alone();
        assert_eq!(
            alignment.on_splits(&splits(&[None, Some(5)], &[])),
            Some(&[1][..])
        );
        assert_eq!(
            alignment.on_splits(&splits(&[Some(9), Some(5)], &[])),
            Some(&[][..])
        );
        assert_eq!(alignment.on_splits(&splits(&[None, None], &[])), None);
    }

    #[test]
    fn without_a_drift_nothing_is_aligned() {
        assert_eq!(Alignment::of_sources(None, 3).count(), 0);
    }

    #[test]
    fn the_slowest_may_be_of_another_source() {
        let mut both = Alignment::of_sources(Some(Span(30)), 2);
        let (mut one, mut other) = (both.next().unwrap(), both.next().unwrap());
        let (fast, slow) = (splits(&[Some(1_000)], &[]), splits(&[Some(0)], &[]));
        assert_eq!(one.on_splits(&fast), Some(&[0][..]), "the other has not begun");
        assert_eq!(other.on_splits(&slow), None);
        assert_eq!(one.on_splits(&fast), None);
        other.on_drained();
        assert_eq!(one.on_splits(&fast), Some(&[][..]));
    }
}
