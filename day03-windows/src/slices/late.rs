//! Rows that come after a window of theirs has closed, but within the allowed lateness: they change what the window that
//! slides holds, and make the windows that have closed come out again, as new panes.
//!
// ANCHOR: life
//! ```text
//! lateness 20 s         12:00:00      :10          :30
//! window                [─── open ────)── kept ────)   gone
//! the watermark         is before     is within    is past
//! a row for it          is counted    closes it    is lost
//!                                     again
//! ```
// ANCHOR_END: life
//!
//! A pane is put together from the slices of its window for this one key. The windows of a row overlap, so the slices of all
//! of them are looked up once, and what a window shares with the next is not merged again.

use std::ops::Bound::{Excluded, Included};
use std::ops::Range;

use day02_state::operator::Outcome;
use day02_state::rows::Rows;

use super::sliding::LateRow;
use super::{Picked, SliceWindows};
use crate::aggregate::{Aggregate, Overflow};
use crate::time::{EventTime, Stamped};
use crate::window::Window;
use crate::windower::{Closed, Fired, Unable};

impl<A: Aggregate> SliceWindows<A> {
    /// Brings the window that slides up to date with rows that were added to a slice behind it.
    pub(super) fn straggle(
        &mut self,
        slice: EventTime,
        rows: &Rows<Stamped<A::Row>>,
        picked: Picked<'_>,
    ) -> Outcome {
        // If its last window has closed, the slice has left; if the window does not slide yet, it will enter
        // as it is.
        if self.assigner.last_window(slice) <= self.closed || !self.window.has_passed(slice) {
            return Ok(());
        }
        for (row, place) in picked.rows().zip(&self.slots) {
            let straggler = LateRow {
                slice,
                key: rows.key(row),
                hash: rows.hashes()[row],
                place: *place,
                row: &rows.values()[row].value,
            };
            self.window
                .straggle(straggler, &self.slices, &self.aggregate)
                .map_err(|overflow| Unable::at(rows.key(row), self.assigner.slice(slice), overflow))?;
        }
        Ok(())
    }

    // ANCHOR: close_again
    /// Closes the windows of a slice again that have closed, and are not over. The slice had `known` keys before these
    /// rows: a key that is in none of the slices of a window has had no result of it.
    pub(super) fn close_again(
        &mut self,
        slice: EventTime,
        rows: &Rows<Stamped<A::Row>>,
        picked: Picked<'_>,
        known: usize,
        out: &mut Fired<A::Acc>,
    ) -> Outcome {
        let over = self.closed.minus(self.lateness);
        let last = self.closed.min(self.assigner.last_window(slice));
        for (row, slot) in picked.rows().zip(&self.slots) {
            let (key, hash) = (rows.key(row), rows.hashes()[row]);
            let mut end = slice.max(self.assigner.slice_of(over));
            let reached = (Excluded(self.assigner.window(end).start), Included(last));
            let parts = self.slices.range(reached);
            let parts = parts.filter_map(|(end, entries)| Some((*end, entries.get(key, hash)?)));
            let mut range = MovingRange::over(parts.collect(), &self.aggregate);
            while end <= last {
                let window = self.assigner.window(end);
                let acc = range.merged(window, &self.aggregate);
                let acc = acc.map_err(|overflow| Unable::at(key, window, overflow))?;
                // The slice of the row is one of those that are merged.
                let had_result = slot.index() < known || range.len() > 1;
                let mut pane = 0;
                if had_result {
                    let last_pane = self.panes.entry(end).or_default().update(key, hash, || 0);
                    *last_pane = last_pane.saturating_add(1);
                    pane = *last_pane;
                }
                out.closed.push(key, Closed { window, pane, acc });
                end = self.assigner.slice_of(end);
            }
        }
        Ok(())
    }
    // ANCHOR_END: close_again

    /// Forgets the panes of windows for which every row is late by now.
    pub(super) fn expire_panes(&mut self) {
        // At the end of time every lateness is over, however long.
        let over = match self.closed {
            EventTime::MAX => EventTime::MAX,
            closed => closed.minus(self.lateness),
        };
        while self.panes.first_key_value().is_some_and(|(end, _)| *end <= over) {
            self.panes.pop_first();
        }
    }
}

/// The slices of a key that lie in a window, merged, for windows that move on: two stacks, as in [`sliding`](super::sliding),
/// over slices that are all there from the beginning.
struct MovingRange<'a, Acc> {
    /// By their ends.
    slices: Vec<(EventTime, &'a Acc)>,
    /// The slices of the window: from the first of the front, up to behind the last of the back.
    range: Range<usize>,
    /// Where the front ends and the back begins.
    cut: usize,
    /// Of each slice of the front, what it and those behind it come to, the last one first.
    front: Vec<Acc>,
    back: Acc,
}

impl<'a, Acc: Clone> MovingRange<'a, Acc> {
    fn over<A: Aggregate<Acc = Acc>>(slices: Vec<(EventTime, &'a Acc)>, aggregate: &A) -> Self {
        MovingRange {
            slices,
            range: 0..0,
            cut: 0,
            front: Vec::new(),
            back: aggregate.empty(),
        }
    }

    /// How many slices of the key lie in the window.
    fn len(&self) -> usize {
        self.range.len()
    }

    /// What the slices of a window come to, which neither begins nor ends before the last one.
    fn merged<A: Aggregate<Acc = Acc>>(&mut self, window: Window, aggregate: &A) -> Result<Acc, Overflow> {
        while let Some((_, acc)) = self
            .slices
            .get(self.range.end)
            .filter(|(end, _)| *end <= window.end)
        {
            aggregate.merge(&mut self.back, acc)?;
            self.range.end += 1;
        }
        while !self.range.is_empty() && self.slices[self.range.start].0 <= window.start {
            if self.range.start == self.cut {
                self.back = aggregate.empty();
                self.cut = self.range.end;
                let mut merged = aggregate.empty();
                for (_, acc) in self.slices[self.range.clone()].iter().rev() {
                    aggregate.merge(&mut merged, acc)?;
                    self.front.push(merged.clone());
                }
            }
            self.front.pop();
            self.range.start += 1;
        }
        let mut acc = self.front.last().cloned().unwrap_or_else(|| aggregate.empty());
        aggregate.merge(&mut acc, &self.back)?;
        Ok(acc)
    }
}
