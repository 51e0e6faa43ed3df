//! Windows made of slices: tumbling, hopping and cumulating ones.
//!
//! There is one table for each slice, from keys to accumulators, and the tables stand in the order of the
//! slices' ends. A row costs one lookup in one of them. A window that closes is a scan over tables, not a
//! timer for each key; a slice that is over is a table that is dropped.
//!
//! ```text
//! hop:30s/10s                      closed up to 12:00:40
//!
//! slice ends   :30   :40   :50   1:00
//! tables       [m-1] [m-1] [m-7] [m-2]
//!              [m-7]       [m-1]
//!               └──────┴─────┘
//!               the next window, which ends at :50; when it has closed, the table of :30 goes
//! ```
//!
//! 1. A slice stays until its *last* window has closed and the allowed lateness is over, and no longer.
//! 2. Windows close in the order of their ends. One without any row is skipped, also by a jump over a
//!    thousand years.
//! 3. A window that has closed again for a key has a count of its panes for that key, until the allowed lateness is
//!    over. A window that has closed once, or not at all, has none: without late rows, panes cost nothing.
//! 4. What is saved are the slices, the panes, and up to when windows were closed. The rest follows from them.
//!
//! Left out on purpose: slices made by the rows, at no fixed length (Scotty has them), for windows of mixed
//! kinds in one operator.

mod late;
mod saved;
mod sliding;

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::ops::Range;

use day02_state::keys;
use day02_state::operator::{Batch, Outcome};
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Part, Slot, Table};

use crate::aggregate::Aggregate;
use crate::assigner::SliceAssigner;
use crate::time::{EventTime, Span, Stamped};
use crate::window::Window;
use crate::windower::{Closed, Fired, Unable, Windower, layout};
use sliding::{Slices, Sliding};

/// Open windows, as slices.
pub struct SliceWindows<A: Aggregate> {
    assigner: SliceAssigner,
    lateness: Span,
    aggregate: A,
    slices: Slices<A::Acc>,
    /// Of the keys for which a window has closed again: the number of the last pane, by the end of the window.
    panes: Slices<u32>,
    /// The windows that end up to here have closed.
    closed: EventTime,
    window: Sliding<A>,
    /// What came to be complete when parts of several workers were put together.
    pending: Option<Fired<A::Acc>>,
    /// For each row of the range in hand, the end of its slice, if they differ.
    ends: Vec<(EventTime, u32)>,
    slots: Vec<Slot>,
}

impl<A: Aggregate> SliceWindows<A> {
    /// No windows yet.
    pub fn new(assigner: SliceAssigner, lateness: Span, aggregate: A) -> Self {
        SliceWindows {
            assigner,
            lateness,
            aggregate,
            slices: BTreeMap::new(),
            panes: BTreeMap::new(),
            closed: EventTime::MIN,
            window: Sliding::new(),
            pending: None,
            ends: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// The slices that are kept, in the order of their ends, each with what its keys have.
    pub fn slices(&self) -> impl Iterator<Item = (Window, &Table<A::Acc>)> {
        self.slices
            .iter()
            .map(|(end, slice)| (self.assigner.slice(*end), slice))
    }

    // ANCHOR: add
    /// Counts rows in their slice.
    fn add_to(
        &mut self,
        end: EventTime,
        rows: &Rows<Stamped<A::Row>>,
        picked: Picked<'_>,
        out: &mut Fired<A::Acc>,
    ) -> Outcome {
        if self.is_over(end) {
            let windows = self.assigner.windows_up_to(end, EventTime::MAX);
            picked
                .rows()
                .for_each(|row| out.is_late(rows.values()[row].ts, windows, self.closed));
            out.late.extend(picked.rows());
            return Ok(());
        }
        let over = self.closed.minus(self.lateness);
        let windows = self.assigner.windows_up_to(end, over);
        if windows > 0 {
            picked
                .rows()
                .for_each(|row| out.is_late(rows.values()[row].ts, windows, self.closed));
        }
        let slice = self.slices.entry(end).or_default();
        let known = slice.len();
        let empty = || self.aggregate.empty();
        slice.slots(
            picked.hashes,
            |nth| rows.key(picked.row(nth)),
            empty,
            &mut self.slots,
        );
        for (row, slot) in picked.rows().zip(&self.slots) {
            self.aggregate
                .add(slice.value_mut(*slot), &rows.values()[row].value)
                .map_err(|overflow| Unable::at(rows.key(row), self.assigner.slice(end), overflow))?;
        }
        // Windows of this slice have closed already.
        if end <= self.closed {
            self.straggle(end, rows, picked)?;
            self.close_again(end, rows, picked, known, out)?;
        }
        Ok(())
    }
    // ANCHOR_END: add

    // ANCHOR: close
    /// Closes the window that ends here.
    fn close(&mut self, end: EventTime, out: &mut Fired<A::Acc>) -> Outcome {
        let window = self.assigner.window(end);
        let pane = 0;
        let mut result = |key: &[u8], acc: A::Acc| out.closed.push(key, Closed { window, pane, acc });
        if self.assigner.slice(end) == window && self.assigner.last_window(end) == end {
            // A window of one slice, of which it is the only one.
            let slice = self.slices.get(&end).into_iter();
            slice
                .flat_map(Table::iter)
                .for_each(|(key, acc)| result(key, acc.clone()));
            return Ok(());
        }
        let (start, slices) = (window.start, &self.slices);
        self.window
            .enter(start, end, slices, &self.aggregate)
            .and_then(|()| self.window.merged(&self.aggregate, result))
            .map_err(|(key, overflow)| Unable::at(&key, window, overflow).into())
    }
    // ANCHOR_END: close

    /// The end of the next window that has rows.
    fn next(&self) -> Option<EventTime> {
        let next = self.assigner.slice_of(self.closed);
        let behind = Excluded(self.assigner.window(next).start);
        let (first, _) = self.slices.range((behind, Unbounded)).next()?;
        Some(next.max(*first))
    }

    /// Drops the slices that no window needs any more.
    fn expire(&mut self) -> Outcome {
        let next = self.assigner.window(self.assigner.slice_of(self.closed));
        let start = match self.closed {
            EventTime::MAX => EventTime::MAX,
            _ => next.start,
        };
        self.window
            .leave(start, &self.slices, &self.aggregate)
            .map_err(|(key, overflow)| Unable::at(&key, next, overflow))?;
        while let Some(oldest) = self.slices.keys().next().copied()
            && self.is_over(oldest)
        {
            self.slices.remove(&oldest);
        }
        self.expire_panes();
        Ok(())
    }

    /// For a snapshot.
    fn layout(&self) -> String {
        layout(self.assigner.spec(), self.lateness)
    }

    /// Whether a slice takes rows no more: its last window has closed, and the allowed lateness is over.
    fn is_over(&self, slice: EventTime) -> bool {
        self.assigner.last_window(slice).plus(self.lateness) <= self.closed
    }
}

/// Rows of a batch that belong to the same slice.
#[derive(Clone, Copy)]
struct Picked<'a> {
    /// The hashes of their keys.
    hashes: &'a [u64],
    /// Which rows they are: those from this one on, or these.
    from: usize,
    listed: Option<&'a [(EventTime, u32)]>,
}

impl Picked<'_> {
    /// The place in the batch of the nth of them.
    #[inline]
    fn row(&self, nth: usize) -> usize {
        match self.listed {
            None => self.from + nth,
            Some(listed) => listed[nth].1 as usize,
        }
    }

    #[inline]
    fn rows(self) -> impl Iterator<Item = usize> {
        (0..self.hashes.len()).map(move |nth| self.row(nth))
    }
}

impl<A: Aggregate> Windower for SliceWindows<A> {
    type Row = A::Row;
    type Acc = A::Acc;

    fn until(&self, now: EventTime) -> EventTime {
        let closes = self.assigner.slice_of(now);
        let is_over = self
            .assigner
            .slice_of(now.minus(self.lateness))
            .plus(self.lateness);
        closes.min(is_over)
    }

    /// Most ranges belong to one slice, and are counted as they lie. If not, rows are brought together by
    /// their slices.
    fn add(&mut self, rows: &Rows<Stamped<A::Row>>, range: Range<usize>, out: &mut Fired<A::Acc>) -> Outcome {
        let values = &rows.values()[range.clone()];
        let Some(first) = values.first() else {
            return Ok(());
        };
        let end = self.assigner.slice_of(first.ts);
        let slice = self.assigner.slice(end);
        // A row that closes a window again must be counted before the next one is.
        let one_by_one = self.lateness > Span(0) && values.iter().any(|row| row.ts < self.closed);
        if !one_by_one && values.iter().all(|row| slice.contains(row.ts)) {
            let picked = Picked {
                hashes: &rows.hashes()[range.clone()],
                from: range.start,
                listed: None,
            };
            return self.add_to(end, rows, picked, out);
        }
        let before = out.late.len();
        let mut ends = std::mem::take(&mut self.ends);
        ends.clear();
        ends.extend(range.map(|row| (self.assigner.slice_of(rows.values()[row].ts), row as u32)));
        if !one_by_one {
            ends.sort_by_key(|(end, _)| *end);
        }
        let mut hashes = Vec::new();
        for listed in ends.chunk_by(|one, next| !one_by_one && one.0 == next.0) {
            hashes.clear();
            hashes.extend(listed.iter().map(|(_, row)| rows.hashes()[*row as usize]));
            let picked = Picked {
                hashes: &hashes,
                from: 0,
                listed: Some(listed),
            };
            self.add_to(listed[0].0, rows, picked, out)?;
        }
        self.ends = ends;
        out.late[before..].sort_unstable();
        Ok(())
    }

    fn advance_some(&mut self, now: EventTime, out: &mut Fired<A::Acc>) -> Outcome<EventTime> {
        if let Some(pending) = self.pending.take() {
            out.closed.append(pending.closed);
        }
        if now <= self.closed {
            return Ok(now);
        }
        while let Some(end) = self.next().filter(|end| *end <= now) {
            self.close(end, out)?;
            self.closed = end;
            self.expire()?;
            if out.is_enough() {
                return Ok(end);
            }
        }
        self.closed = now;
        self.expire()?;
        Ok(now)
    }

    fn windows_of(&self, ts: EventTime) -> Vec<Window> {
        let first = self.assigner.slice_of(ts);
        let last = self.assigner.last_window(first);
        let next =
            |end: &EventTime| Some(self.assigner.slice_of(*end)).filter(|next| *next <= last && next > end);
        let ends = std::iter::successors(Some(first), next);
        ends.map(|end| self.assigner.window(end)).collect()
    }

    fn open(&self) -> usize {
        self.slices.values().map(Table::len).sum()
    }

    fn memory(&self) -> usize {
        let slices: usize = self.slices.values().map(Table::memory).sum();
        let panes: usize = self.panes.values().map(Table::memory).sum();
        slices + panes + self.slices.len() * size_of::<(EventTime, Table<A::Acc>)>() + self.window.memory()
    }

    fn snapshot(&mut self) -> Frozen {
        saved::frozen(self.layout(), self.closed, &mut self.slices, &mut self.panes)
    }

    // ANCHOR: restore
    /// Workers need not have closed up to the same time. What one of them had left open and another had not,
    /// is closed before their slices are put together; otherwise a window would close twice for one key or
    /// never for the other.
    fn restore(&mut self, parts: &[Part]) -> Outcome {
        let mut saved: BTreeMap<EventTime, Slices<A::Acc>> = BTreeMap::new();
        let mut panes = Slices::new();
        for (closed, parts) in saved::read(&self.layout(), parts)? {
            let slices = saved.entry(closed).or_default();
            for saved::Table { of, end, part } in parts {
                match of {
                    saved::Of::Slice => slices.entry(end).or_default().restore(part)?,
                    saved::Of::Panes => panes.entry(end).or_default().restore(part)?,
                }
            }
        }
        let latest = saved.keys().copied().max().unwrap_or(EventTime::MIN);
        let (mut all, mut pending) = (Slices::new(), Fired::default());
        for (closed, slices) in saved {
            (self.closed, self.slices) = (closed, slices);
            self.advance(latest, &mut pending)?;
            self.window = Sliding::new();
            for (end, slice) in std::mem::take(&mut self.slices) {
                let into = all.entry(end).or_default();
                if into.is_empty() {
                    *into = slice;
                    continue;
                }
                for (key, acc) in slice.iter() {
                    into.update(key, keys::hash(key), || acc.clone());
                }
            }
        }
        (self.closed, self.slices, self.panes) = (latest, all, panes);
        self.pending = Some(pending);
        Ok(())
    }
    // ANCHOR_END: restore
}
