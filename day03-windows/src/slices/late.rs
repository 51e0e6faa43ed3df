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
//! A pane is put together from the slices of its window for this one key, which costs a lookup in each of them. A late
//! row is rare, or the delay is too short.

use std::ops::Bound::{Excluded, Included};

use day02_state::operator::Outcome;
use day02_state::rows::Rows;

use super::sliding::LateRow;
use super::{Picked, SliceWindows};
use crate::aggregate::Aggregate;
use crate::time::{EventTime, Stamped};
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
        for (row, slot) in picked.rows().zip(&self.slots) {
            let (key, hash) = (rows.key(row), rows.hashes()[row]);
            let last = self.closed.min(self.assigner.last_window(slice));
            let mut end = slice.max(self.assigner.slice_of(over));
            while end <= last {
                let window = self.assigner.window(end);
                let mut acc = self.aggregate.empty();
                let mut had_result = slot.index() < known;
                for (part, entries) in self.slices.range((Excluded(window.start), Included(end))) {
                    if let Some(more) = entries.get(key, hash) {
                        had_result |= *part != slice;
                        self.aggregate
                            .merge(&mut acc, more)
                            .map_err(|overflow| Unable::at(key, window, overflow))?;
                    }
                }
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
