//! The contract between a clock and the windows that it closes.
//!
//! Whatever kind of windows there are, an operator drives them with two calls: here are rows; time has come
//! to this point. Where that time comes from is no business of the windows. On this day it is the largest
//! timestamp that the task has seen, from day 4 on it is a watermark.
//!
//! 1. A window is *complete* when time has come to its end. It then *closes*: its results come out, one a key.
//! 2. Windows close in the order of their ends. Within one, keys come in no order.
//! 3. A row is *late* for a window that is complete, if the allowed lateness is over too. A row that is late
//!    for all its windows is dropped and counted; one that is late for some of them counts in the others.
//! 4. A row that comes after its window has closed, but within the allowed lateness, is counted in, and the
//!    window closes *again*, for the key of this row and at once. What comes out is a new *pane* of the window: the
//!    whole result, which replaces the one before. Panes are counted from 0 for each key and window. A key whose first
//!    row in a window is such a row begins with pane 0: it replaces nothing.
//! 5. After the last window has closed nothing is left.

use std::ops::Range;

use day02_state::operator::Outcome;
use day02_state::rows::Rows;
use day02_state::state::{BadPart, Frozen, Owner, Part, Value};

use crate::aggregate::Overflow;
use crate::spec::WindowSpec;
use crate::time::{EventTime, Span, Stamped};
use crate::window::Window;

/// What a closed window holds for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed<A> {
    /// The window.
    pub window: Window,
    /// How often a result of this window has come out for this key before.
    pub pane: u32,
    /// What was kept of its rows.
    pub acc: A,
}

/// What comes out of windows.
#[derive(Debug)]
pub struct Fired<A> {
    /// Results, by the key that they are of.
    pub closed: Rows<Closed<A>>,
    /// The rows, by their place in the batch, that were late for all their windows.
    pub late: Vec<usize>,
    /// How often a row was late for a window; a late row of a hop counts several times here, and a row that
    /// is late for some windows only, too.
    pub late_assignments: u64,
    /// How far behind the time that closed its window a row has been at most.
    pub behind: Span,
    /// With how many results it is [enough](Fired::is_enough).
    enough: usize,
}

/// How many results are enough for a turn.
const ENOUGH: usize = 10_000;

impl<A> Fired<A> {
    /// Nothing yet, and room for what goes on its way in one turn.
    pub fn for_a_turn() -> Self {
        Fired {
            enough: ENOUGH,
            ..Fired::default()
        }
    }

    /// Whether so much has come out that it should go on its way before more does. So what a worker holds of its results
    /// is bounded, however many windows time has passed at once.
    pub fn is_enough(&self) -> bool {
        self.closed.values().len() >= self.enough
    }

    /// A row is late for so many windows, at this time.
    pub fn is_late(&mut self, ts: EventTime, windows: u64, now: EventTime) {
        self.late_assignments += windows;
        self.behind = self.behind.max(Span(now.0.saturating_sub(ts.0)));
    }
}

impl<A> Default for Fired<A> {
    fn default() -> Self {
        Fired {
            closed: Rows::new(),
            late: Vec::new(),
            late_assignments: 0,
            behind: Span(0),
            enough: usize::MAX,
        }
    }
}

// ANCHOR: windower
/// Windows of one kind, open ones, over keys.
pub trait Windower: Send {
    /// What a row brings.
    type Row;
    /// What is kept of the rows of a window.
    type Acc: Value;

    /// The time after `now` at which, at the earliest, something closes, or a row is late that would not be
    /// late now. Until then, it makes no difference whether time is told.
    fn until(&self, now: EventTime) -> EventTime;

    /// Takes in the rows of this range.
    fn add(
        &mut self,
        rows: &Rows<Stamped<Self::Row>>,
        range: Range<usize>,
        out: &mut Fired<Self::Acc>,
    ) -> Outcome;

    /// Time has come to `now`: closes what is complete, in the order of time, one window at least, until all is closed or
    /// [enough](Fired::is_enough) has come out. Gives the time up to which all is closed; if that is before `now`, the rest
    /// is to be closed before any row comes.
    fn advance_some(&mut self, now: EventTime, out: &mut Fired<Self::Acc>) -> Outcome<EventTime>;

    /// Time has come to `now`: closes all that is complete.
    fn advance(&mut self, now: EventTime, out: &mut Fired<Self::Acc>) -> Outcome {
        while self.advance_some(now, out)? < now {}
        Ok(())
    }

    /// The windows that a row with this time belongs to by itself: for a session, the one that it would open.
    fn windows_of(&self, ts: EventTime) -> Vec<Window>;

    /// How many accumulators are kept: one for each key and session, or for each key and slice.
    fn open(&self) -> usize;

    /// How many bytes are held, as far as they were asked for.
    fn memory(&self) -> usize;

    /// Freezes all open windows, and up to when they have been closed.
    fn snapshot(&mut self) -> Frozen;

    /// Takes open windows over. Parts may come from workers that had closed up to different times: what is
    /// complete for the one that was ahead, and not for others, closes with the next call of
    /// [`advance`](Windower::advance), which comes before any row.
    fn restore(&mut self, parts: &[Part]) -> Outcome;
}
// ANCHOR_END: windower

/// A time as a part of a snapshot that every worker gets back.
pub(crate) fn time_part(name: &str, time: EventTime) -> Part {
    Part {
        name: name.to_string(),
        owner: Owner::Every,
        bytes: time.0.to_le_bytes().to_vec(),
    }
}

/// The time that [`time_part`] has put into a part.
pub(crate) fn time_in(part: &Part) -> Result<EventTime, BadPart> {
    match (&part.owner, part.bytes.as_slice().try_into()) {
        (Owner::Every, Ok(bytes)) => Ok(EventTime(i64::from_le_bytes(bytes))),
        (Owner::Every, Err(_)) => Err(part.bad("it is no time")),
        _ => Err(part.bad("it belongs to every worker")),
    }
}

/// The name of how windows are laid out, among the parts of a snapshot.
pub(crate) const WINDOWS: &str = "windows";

/// How windows are laid out, as `--window` takes it, and how long they are kept. What was saved of others would mean
/// something else, and with a longer lateness there would be rows for windows that are gone.
pub(crate) fn layout(windows: WindowSpec, lateness: Span) -> String {
    match lateness {
        Span(0) => windows.to_string(),
        lateness => format!("{windows} with a lateness of {lateness}"),
    }
}

/// The layout as a part of a snapshot that every worker gets back.
pub(crate) fn layout_part(layout: String) -> Part {
    Part {
        name: WINDOWS.to_string(),
        owner: Owner::Every,
        bytes: layout.into_bytes(),
    }
}

/// An error if one of these parts is of windows with another layout.
pub(crate) fn check_layout(layout: &str, parts: &[Part]) -> Result<(), BadPart> {
    let mut others = parts.iter().filter(|part| part.name == WINDOWS);
    match others.find(|part| part.bytes != layout.as_bytes()) {
        None => Ok(()),
        Some(part) => {
            let saved = String::from_utf8_lossy(&part.bytes);
            Err(part.bad(format!(
                "the saved windows are {saved}, and this run has {layout}; use {saved}, or start anew"
            )))
        }
    }
}

/// An accumulator that cannot go on, with its key and its window.
#[derive(Debug, thiserror::Error)]
#[error("{key}, window {window}: {overflow}")]
pub struct Unable {
    /// The key.
    pub key: String,
    /// The window, or the slice of it.
    pub window: Window,
    /// What does not fit.
    pub overflow: Overflow,
}

impl Unable {
    /// What does not fit, with the key and the window where it showed.
    pub fn at(key: &[u8], window: Window, overflow: Overflow) -> Self {
        Unable {
            key: String::from_utf8_lossy(key).into_owned(),
            window,
            overflow,
        }
    }
}
