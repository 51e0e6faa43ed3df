//! GROUP BY over windows: each group comes out once, when its window closes.
//!
//! The windows are those of day 3, and so is everything that is hard about them: slices, sessions,
//! lateness, snapshots. What is new is what they keep, the accumulators of a query, and the two ends: a
//! chunk becomes rows with times, and what has closed becomes a chunk again.
//!
//! ```text
//! keys, ts, amount ─► Rows<Stamped<Args>> ─► windows of day 3 ─► Accs ─► m-7  [12:00:00  12:00:10)  3  16.50
//!   a chunk             (amount)              watermark ─┘                key  start     end        results
//! ```
//!
//! 1. A window closes when the watermark has come to its end. A row whose windows have all closed is
//!    late: dropped, and counted. One that is late for some of its windows counts in the others.
//! 2. A row without a time belongs to no window: dropped, and counted apart.
//! 3. Results come in the order of the ends of their windows, then of their starts, then of their keys
//!    as bytes. So they do not depend on how rows came in chunks, and not on a restore in between. The
//!    last digits of a sum of doubles are the exception, because they depend on the order of additions.
//! 4. Overlapping windows are computed as day 3 does it: accumulators that can be taken out again
//!    exactly are, the others come with what remains. Sums of doubles and decimals belong to the
//!    others, or the result of a window would show which rows there were *before* it.
//!
//! Left out on purpose: lateness that is allowed, which would make results come out again, and inputs
//! that take rows back.

use std::fmt;

use day02_state::operator::{Failure, Outcome};
use day02_state::state::{Frozen, Part, Stateful};
use day03_windows::aggregate::{Aggregate, Overflow};
use day03_windows::assigner::SliceAssigner;
use day03_windows::sessions::SessionWindows;
use day03_windows::slices::SliceWindows;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::windower::{Fired, Unable, Windower};
use smallvec::SmallVec;

use super::acc::{Acc, Accs, FOREIGN, Sign};
use super::calls::{Call, Calls};
use super::saved::{check_signature, signature};
use super::{AggregateError, append, describe, takes_back};
use crate::chunk::{Change, Chunk, Column, Values, chosen};
use crate::keyed::KeyedChunk;
use crate::keys;
use crate::plan::Window;
use crate::value::{DataType, Scalar};

/// Who reads the column of times.
const EVENT_TIME: &str = "the event time of windows";

/// What aggregates are called on for one row: the value of each of their columns, and nothing for `COUNT(*)`.
pub type Args = SmallVec<[Scalar; 1]>;

// ANCHOR: aggregate
/// The aggregates of a query as one of day 3. Whether windows may take out what they have merged is
/// decided when the query is planned, and is part of the type because it is there.
struct Sql<const SUBTRACTS: bool>(Calls);

impl<const SUBTRACTS: bool> Aggregate for Sql<SUBTRACTS> {
    type Row = Args;
    type Acc = Accs;

    fn empty(&self) -> Accs {
        self.0.empty()
    }

    #[inline]
    fn add(&self, acc: &mut Accs, row: &Args) -> Result<(), Overflow> {
        acc.count();
        let mut each = acc.of.iter_mut().zip(self.0.arguments());
        each.try_for_each(|(acc, place)| acc.add(row.get(*place).ok_or(FOREIGN)?))
    }

    fn merge(&self, acc: &mut Accs, other: &Accs) -> Result<(), Overflow> {
        acc.count_all(other, Sign::Plus)?;
        acc.with(other)?.try_for_each(|(acc, other)| acc.merge(other))
    }

    /// Of the accumulators that do not subtract, what they are without the rows that are taken out.
    type Rest = SmallVec<[Acc; 1]>;
    const SUBTRACTS: bool = SUBTRACTS;

    fn rest(&self, acc: &Accs) -> Self::Rest {
        let kept = acc
            .of
            .iter()
            .zip(self.0.subtract())
            .filter(|(_, subtracts)| !**subtracts);
        kept.map(|(acc, _)| acc.clone()).collect()
    }

    fn retract(&self, acc: &mut Accs, other: &Accs, rest: &Self::Rest) -> Result<(), Overflow> {
        acc.count_all(other, Sign::Minus)?;
        let mut rest = rest.iter();
        for ((acc, other), subtracts) in acc.with(other)?.zip(self.0.subtract()) {
            match subtracts {
                true => acc.unmerge(other)?,
                false => *acc = rest.next().cloned().ok_or(Overflow("rest of a window"))?,
            }
        }
        Ok(())
    }
}
// ANCHOR_END: aggregate

/// How many rows, and how often, were not counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Rows that were late for all their windows.
    pub late: u64,
    /// How often a row was late for a window: rows that were late for some of them only are here, too.
    pub late_assignments: u64,
    /// How far behind a late row has been at most.
    pub behind: Span,
    /// Rows without a time.
    pub null_time: u64,
}

/// Groups by windows, open ones.
pub struct WindowBy {
    keys: Vec<DataType>,
    calls: Calls,
    window: Window,
    windows: Box<dyn Windower<Row = Args, Acc = Accs>>,
}

impl WindowBy {
    /// Groups by keys of these types and by windows.
    pub fn new(keys: Vec<DataType>, calls: Calls, window: Window) -> Self {
        let (never, subtracts) = (Span(0), calls.subtract().iter().all(|subtracts| *subtracts));
        let windows: Box<dyn Windower<Row = Args, Acc = Accs>> = match SliceAssigner::new(window.spec) {
            Ok(slices) if subtracts => Box::new(SliceWindows::new(slices, never, Sql::<true>(calls.clone()))),
            Ok(slices) => Box::new(SliceWindows::new(slices, never, Sql::<false>(calls.clone()))),
            Err(gap) => Box::new(SessionWindows::new(gap, never, Sql::<false>(calls.clone()))),
        };
        WindowBy {
            keys,
            calls,
            window,
            windows,
        }
    }

    /// The types of the columns of the result: the keys, window_start, window_end, the aggregates.
    pub fn types(&self) -> Vec<DataType> {
        let bounds = [self.window.bounds; 2];
        let results = self.calls.all().iter().map(Call::data_type);
        self.keys.iter().copied().chain(bounds).chain(results).collect()
    }

    /// How many accumulators are kept: for each key and slice, or for each key and session.
    pub fn open(&self) -> usize {
        self.windows.open()
    }

    /// How many bytes are held, as far as they were asked for.
    pub fn memory(&self) -> usize {
        self.windows.memory()
    }

    /// Gives out what is complete before any row has come, which is something only after a restore.
    ///
    /// # Errors
    /// As of [`WindowBy::on_watermark`].
    pub fn on_start(&mut self, out: &mut Chunk) -> Result<(), AggregateError> {
        self.on_watermark(EventTime::MIN, out).map(|_| ())
    }

    // ANCHOR: rows
    /// Takes the rows of a chunk in, and says how many were not counted. Nothing comes out before the
    /// watermark is told.
    ///
    /// # Errors
    /// The input takes rows back, or a sum does not fit. The windows are then good for nothing any more.
    pub fn on_chunk(&mut self, mut input: KeyedChunk, out: &mut Chunk) -> Result<Dropped, AggregateError> {
        let came = input.chunk.rows;
        if came == 0 {
            return Ok(Dropped::default());
        }
        if takes_back(&input.chunk) {
            return Err(AggregateError::OnlyGrows("an aggregate over windows".to_string()));
        }
        let time = self.window.time;
        if let Some(has_time) = &column(&input.chunk, time, EVENT_TIME)?.valid {
            input = input.gather(&chosen(has_time));
        }
        let KeyedChunk { keys, chunk } = input;
        let (Values::Timestamp(times) | Values::TimestampTz(times)) =
            &column(&chunk, time, EVENT_TIME)?.values
        else {
            return Err(AggregateError::column(&chunk, time, EVENT_TIME));
        };
        let places = self.calls.columns().iter();
        let arguments = places.map(|place| column(&chunk, *place, &self.calls));
        let arguments: Vec<&Column> = arguments.collect::<Result<_, _>>()?;
        let rows = keys.with(|row| Stamped {
            ts: times[row],
            value: arguments.iter().map(|column| column.get(row)).collect(),
        });
        let mut fired = Fired::default();
        self.windows
            .add(&rows, 0..rows.len(), &mut fired)
            .map_err(unable)?;
        self.emit(&fired, out)?;
        Ok(Dropped {
            late: fired.late.len() as u64,
            late_assignments: fired.late_assignments,
            behind: fired.behind,
            null_time: (came - rows.len()) as u64,
        })
    }
    // ANCHOR_END: rows

    /// Rows before this time are late from now on: gives out the groups of windows that end up to here, as insertions, as many
    /// as go on their way in one turn. `out` is of the types of the result or has no column yet. Gives the time up to which all
    /// have come out, after which it is called with the same time again.
    ///
    /// # Errors
    /// A result does not fit in its type.
    pub fn on_watermark(&mut self, time: EventTime, out: &mut Chunk) -> Result<EventTime, AggregateError> {
        let mut fired = Fired::for_a_turn();
        let closed = self.windows.advance_some(time, &mut fired).map_err(unable)?;
        self.emit(&fired, out)?;
        Ok(closed)
    }

    fn emit(&self, fired: &Fired<Accs>, out: &mut Chunk) -> Result<(), AggregateError> {
        if out.columns.is_empty() {
            *out = Chunk::of(self.types());
        }
        let closed = &fired.closed;
        let mut order: Vec<usize> = (0..closed.len()).collect();
        order.sort_unstable_by_key(|row| (closed.values()[*row].window, closed.key(*row)));
        // A window that reaches past the calendar is shown to end with it.
        let bound = |time: EventTime| match self.window.bounds {
            DataType::TimestampTz => Scalar::TimestampTz(time.on_calendar()),
            _ => Scalar::Timestamp(time.on_calendar()),
        };
        let mut results = Vec::new();
        for row in order {
            let (key, group) = (closed.key(row), &closed.values()[row]);
            results.clear();
            results.extend([bound(group.window.start), bound(group.window.end)]);
            self.calls
                .finish(&group.acc, &mut results)
                .map_err(|(call, overflow)| AggregateError::Overflow {
                    call,
                    group: format!("{}, window {}", describe(key, &self.keys), group.window),
                    overflow,
                })?;
            append(out, Change::Insert, &keys::decode(key, &self.keys)?, &results)?;
        }
        Ok(())
    }

    /// What the state is of.
    fn signature(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(DataType::to_string).collect();
        format!("{} by ({}) and {}", self.calls, keys.join(", "), self.window.spec)
    }
}

/// A column that somebody is to read.
fn column(chunk: &Chunk, place: usize, by: impl fmt::Display) -> Result<&Column, AggregateError> {
    let found = chunk.columns.get(place);
    found.ok_or_else(|| AggregateError::column(chunk, place, by))
}

/// Windows name a key by its bytes, which mean nothing to a reader here; what does not fit, and where
/// in time, does.
fn unable(failure: Failure) -> AggregateError {
    match failure.downcast::<Unable>() {
        Ok(unable) => AggregateError::Window {
            window: unable.window,
            overflow: unable.overflow,
        },
        Err(failure) => AggregateError::Windows(failure),
    }
}

impl Stateful for WindowBy {
    fn snapshot(&mut self, _: u64) -> Frozen {
        self.windows.snapshot().and(signature(&self.signature()))
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        let parts = check_signature(parts, &self.signature())?;
        self.windows.restore(&parts)
    }
}
