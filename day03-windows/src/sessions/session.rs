//! A session as the table keeps it: its key and its start are where it lies, and this is all the rest.
//!
//! ```text
//! end, 8 bytes, little-endian | whether it has come out, 1 byte | accumulator, as its type writes itself
//! ```
//!
//! The timer is not written. One that is at the end of the session is never too late, whether the session has
//! come out or not, and that is where it is set when a session is read.

use day02_state::state::Value;

use crate::time::{EventTime, Span};

/// A session, beside its key and its start.
#[derive(Debug, Clone)]
pub(super) struct Session<V> {
    /// One gap behind its last row.
    pub end: EventTime,
    /// When its timer comes up. Never after the session is due.
    pub timer: EventTime,
    /// Whether its result has come out, and nothing has changed since. It is then only kept for late rows.
    pub fired: bool,
    /// What is kept of its rows.
    pub acc: V,
}

impl<V> Session<V> {
    /// A session with this end, and the timer there.
    pub fn new(end: EventTime, fired: bool, acc: V) -> Self {
        let timer = end;
        Session {
            end,
            timer,
            fired,
            acc,
        }
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
        to.push(u8::from(self.fired));
        self.acc.encode(to);
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (end, rest) = from.split_first_chunk()?;
        let (fired, rest) = rest.split_first()?;
        let fired = match fired {
            0 => false,
            1 => true,
            _ => return None,
        };
        *from = rest;
        let end = EventTime(i64::from_le_bytes(*end));
        Some(Session::new(end, fired, V::decode(from)?))
    }
}
