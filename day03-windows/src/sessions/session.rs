//! A session as the table keeps it: its key and its start are where it lies, and this is all the rest.
//!
//! ```text
//! end, 8 bytes, little-endian | state, 1 byte | panes, 4 bytes, if it says so | accumulator, as its type writes itself
//! ```
//!
//! The state is 1 if the result has come out, and 0 if not. Two are added if the number of panes is not the same number,
//! and follows: then late rows have made results come out again.
//!
//! The timer is not written. One that is at the end of the session is never too late, whether the session has
//! come out or not, and that is where it is set when a session is read.

use day02_state::state::Value;

use crate::time::{EventTime, Span};

/// A session, beside its key and its start.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Session<V> {
    /// One gap behind its last row.
    pub end: EventTime,
    /// When its timer comes up. Never after the session is due.
    pub timer: EventTime,
    /// Whether its result has come out, and nothing has changed since. It is then only kept for late rows.
    pub fired: bool,
    /// The pane that comes out next: the results so far, of this session and of the one among those it was merged from
    /// that has had the most.
    pub next_pane: u32,
    /// What is kept of its rows.
    pub acc: V,
}

impl<V> Session<V> {
    /// A session with this end, and the timer there, that has not come out in this form.
    pub fn new(end: EventTime, next_pane: u32, acc: V) -> Self {
        Session {
            end,
            timer: end,
            fired: false,
            next_pane,
            acc,
        }
    }

    /// It comes out, if it has not: the number of the pane.
    pub fn fire(&mut self) -> Option<u32> {
        let pane = self.next_pane;
        let fires = !std::mem::replace(&mut self.fired, true);
        self.next_pane = pane.saturating_add(u32::from(fires));
        fires.then_some(pane)
    }

    /// Whether it overlaps what begins at `ts`, if it does not begin too late for that.
    #[inline]
    pub fn reaches(&self, ts: EventTime) -> bool {
        ts < self.end || self.end == EventTime::MAX
    }

    /// When something is to be done about it next: to close it, or to let it go.
    #[inline]
    pub fn due(&self, lateness: Span) -> EventTime {
        if self.fired {
            self.end.plus(lateness)
        } else {
            self.end
        }
    }
}

impl<V: Value> Value for Session<V> {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend(self.end.0.to_le_bytes());
        let has_more_panes = self.next_pane != u32::from(self.fired);
        to.push(u8::from(self.fired) + 2 * u8::from(has_more_panes));
        if has_more_panes {
            self.next_pane.encode(to);
        }
        self.acc.encode(to);
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (end, rest) = from.split_first_chunk()?;
        let (state, rest) = rest.split_first()?;
        *from = rest;
        let (fired, next_pane) = match state {
            0 => (false, 0),
            1 => (true, 1),
            2 => (false, u32::decode(from)?),
            3 => (true, u32::decode(from)?),
            _ => return None,
        };
        let end = EventTime(i64::from_le_bytes(*end));
        let mut session = Session::new(end, next_pane, V::decode(from)?);
        session.fired = fired;
        Some(session)
    }
}
