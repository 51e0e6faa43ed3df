//! Session windows: activity of a key, up to where it pauses for the length of the gap.
//!
//! Other windows are there before their rows; a session is made by them. A row at `ts` opens `[ts, ts +
//! gap)`, and merges with every session of its key that it overlaps. So a session ends one gap after its last
//! row, and a row that comes out of order can join two sessions that were apart until then:
//!
//! ```text
//! gap 10     0       8 10   15 18     25
//! row  0     [=========)                      [0, 10)
//! row 15                    [=========)       [0, 10)  [15, 25)
//! row  8             [=========)              [0, 25), which is the union
//! ```
//!
//! 1. Windows that only touch do not overlap: rows one gap apart are in two sessions, because half-open
//!    windows that touch have no time in common. The sessions that are kept of one key never overlap each
//!    other.
//! 2. As long as nothing is late, the sessions depend on the rows only, and not on their order.
//! 3. Whether a row is late is asked of the *merged* window. A row behind time that touches a session which
//!    is still kept is kept with it. One that touches none is late if its own window is over, lateness
//!    included.
//! 4. A row whose own window is not over yet opens a session, even where a closed one has been. With gap 5,
//!    row 0 and then time 6 close `[0, 5)`; row 3 is behind time and opens `[3, 8)`, which then comes out
//!    too. Results may overlap, in this one way.
//! 5. An end at [`EventTime::MAX`] may stand for any later one, so two sessions of a key that reach it are one.
//! 6. A session that has come out and is kept for late rows takes them in like an open one, and comes out again in its
//!    new form: at once if its end has passed, or else when time comes to its end. The *pane* of a result is one more
//!    than the highest pane of the sessions that it was merged from, and 0 if none of them has come out. Panes count
//!    results, not rows: two late rows that come before the new end make one new pane.
//! 7. A result with a pane above 0 replaces those of the sessions that it was merged from. They are the earlier results
//!    of the key whose windows lie within the window of this one. Bounds may differ: a sink that replaces by merchant,
//!    start and end has to delete these, it does not find them by their names.
//!
// ANCHOR: panes
//! ```text
//! gap 10, lateness 20     comes out                  and replaces
//! row 0, then time 12     [0, 10)   pane 0
//! row 1                   [0, 11)   pane 1, at once  [0, 10)
//! row 6                   nothing: [0, 16) is open
//! row 3                   nothing: it is open still
//! time 16                 [0, 16)   pane 2           [0, 11)
//! row 20, then time 30    [20, 30)  pane 0
//! row 15                  [0, 30)   pane 3, at once  [0, 16) and [20, 30)
//! time 50                 nothing; it is let go
//! row 12                  nothing: it is late
//! row 32                  nothing: it is not late, and opens [32, 42), whose end has passed: pane 0, at once
//! ```
// ANCHOR_END: panes
//!
//! What has been let go is replaced by nothing any more. A result of 4. may later grow over the window of one, and
//! does not contain its rows.
//!
//! Sessions lie in the ordered table under key ‖ start, so what a row overlaps is found next to where it
//! would lie itself. A timer in a set says when to look at a session. It is *lazy*: extending a session
//! leaves its timer where it was, so that a row in order costs one lookup and one change in place. A timer
//! that comes up too early is set again. What always holds: each session has one timer, and it comes up when
//! the session is due or before.
//!
//! A snapshot has the sessions, the time up to which they are closed, and gap and lateness: with another gap, a session that
//! was saved would end where none of this run does. Timers are made again from sessions.
//! Workers may have come to different times, and the largest is the one that holds. So each session says
//! itself whether it has come out, and one that has not, although its time has come, comes out before
//! anything else happens.
//!
//! Left out on purpose: gaps that differ by row; taking the results of merged sessions back; and a session that
//! is cut off at some length (one row a gap keeps it open for ever).

mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::{Bound, Range};

use day02_state::keys;
use day02_state::operator::Outcome;
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Owner, Part};

use self::session::Session;
use crate::aggregate::Aggregate;
use crate::ordered::{EntryKey, OrderedTable, suffix_time, time_suffix};
use crate::spec::WindowSpec;
use crate::time::{EventTime, Span, Stamped};
use crate::window::Window;
use crate::windower::{
    Closed, Fired, Unable, WINDOWS, Windower, check_layout, layout, layout_part, time_in, time_part,
};

/// The name of the state that the sessions are saved under.
const SESSIONS: &str = "sessions";
/// The name of the time up to which they are closed.
const CLOSED: &str = "closed";

/// Sessions over keys: stretches of time in which no pause is as long as the gap.
#[derive(Debug)]
pub struct SessionWindows<A: Aggregate> {
    gap: Span,
    lateness: Span,
    aggregate: A,
    /// Under key and start: those that are open, and those that are closed and kept for late rows.
    sessions: OrderedTable<Session<A::Acc>>,
    /// One for each session, at the time that it says.
    timers: BTreeSet<(EventTime, EntryKey)>,
    /// Up to when sessions are closed.
    now: EventTime,
}

impl<A: Aggregate> SessionWindows<A> {
    /// Sessions that a pause of the length of `gap` ends, and that are kept for late rows so long. Event time
    /// has whole milliseconds, so a shorter gap is one of them; lateness below zero is none.
    pub fn new(gap: Span, lateness: Span, aggregate: A) -> Self {
        SessionWindows {
            gap: gap.max(Span::millis(1)),
            lateness: lateness.max(Span::millis(0)),
            aggregate,
            sessions: OrderedTable::new(),
            timers: BTreeSet::new(),
            now: EventTime::MIN,
        }
    }

    // ANCHOR: row
    /// Takes a row in; `false` if it is late.
    #[inline]
    fn take_in(&mut self, key: &[u8], row: &Stamped<A::Row>, out: &mut Fired<A::Acc>) -> Outcome<bool> {
        let own = Window::new(row.ts, row.ts.plus(self.gap));
        // Sessions of a key are apart, so their ends rise with their starts: the last one that begins early
        // enough to overlap is the only one, unless it begins behind the row.
        let end = time_suffix(own.end);
        let last = self.sessions.last(key, begins_before(own.end, &end));
        let last = last.filter(|(_, session)| session.reaches(row.ts));
        let Some((at, session)) = last else {
            if own.end.plus(self.lateness) <= self.now {
                return Ok(false);
            }
            let mut acc = self.aggregate.empty();
            let added = self.aggregate.add(&mut acc, &row.value);
            added.map_err(|overflow| Unable::at(key, own, overflow))?;
            self.put(key, own, 0, acc, out);
            return Ok(true);
        };
        let start = start_of(at);
        if start > row.ts || session.fired {
            self.merge(key, own, &row.value, out)?;
            return Ok(true);
        }
        let at = at.clone();
        if let Some(session) = self.sessions.get_mut_at(&at) {
            session.end = session.end.max(own.end);
            let added = self.aggregate.add(&mut session.acc, &row.value);
            added.map_err(|overflow| Unable::at(key, Window::new(start, session.end), overflow))?;
        }
        Ok(true)
    }
    // ANCHOR_END: row

    /// Makes one session of a row and of all that its own window overlaps, of which there is one at least.
    fn merge(&mut self, key: &[u8], own: Window, row: &A::Row, out: &mut Fired<A::Acc>) -> Outcome {
        let end = time_suffix(own.end);
        let before = self
            .sessions
            .range(key, (Bound::Unbounded, begins_before(own.end, &end)));
        let overlapping = before.rev().take_while(|(_, session)| session.reaches(own.start));
        let mut places: Vec<EntryKey> = overlapping.map(|(start, _)| EntryKey::new(key, start)).collect();
        places.reverse();

        let mut merged: Option<A::Acc> = None;
        let (mut window, mut next_pane) = (own, 0);
        for at in places {
            let Some(session) = self.sessions.remove_at(&at) else {
                continue;
            };
            let start = start_of(&at);
            self.timers.remove(&(session.timer, at));
            window = window.cover(&Window::new(start, session.end));
            next_pane = next_pane.max(session.next_pane);
            match &mut merged {
                None => merged = Some(session.acc),
                Some(acc) => {
                    let added = self.aggregate.merge(acc, &session.acc);
                    added.map_err(|overflow| Unable::at(key, window, overflow))?;
                }
            }
        }
        let mut acc = merged.unwrap_or_else(|| self.aggregate.empty());
        let added = self.aggregate.add(&mut acc, row);
        added.map_err(|overflow| Unable::at(key, window, overflow))?;
        self.put(key, window, next_pane, acc, out);
        Ok(())
    }

    /// Keeps a session that is new, or new in its form. It closes at once if its time has come.
    fn put(&mut self, key: &[u8], window: Window, next_pane: u32, acc: A::Acc, out: &mut Fired<A::Acc>) {
        let at = EntryKey::new(key, &time_suffix(window.start));
        let mut session = Session::new(window.end, next_pane, acc);
        if window.end <= self.now
            && let Some(pane) = session.fire()
        {
            let acc = session.acc.clone();
            out.closed.push(key, Closed { window, pane, acc });
        }
        session.timer = session.due(self.lateness);
        self.timers.insert((session.timer, at.clone()));
        self.sessions.insert_at(at, session);
    }

    // ANCHOR: close
    /// Closes sessions whose time has come, and lets go of those that are kept no longer, until enough has come out. Gives the
    /// time up to which this is done.
    fn close(&mut self, out: &mut Fired<A::Acc>) -> EventTime {
        while let Some((time, _)) = self.timers.first()
            && *time <= self.now
            && let Some((time, at)) = self.timers.pop_first()
        {
            self.look_at(time, at, out);
            if out.is_enough() {
                break;
            }
        }
        match self.timers.first() {
            Some((next, _)) if *next <= self.now => next.minus(Span::millis(1)),
            _ => self.now,
        }
    }

    /// The timer of a session has come up.
    fn look_at(&mut self, time: EventTime, at: EntryKey, out: &mut Fired<A::Acc>) {
        let Some(session) = self.sessions.get_mut_at(&at) else {
            return;
        };
        // One that was extended waits for its turn even if its time has come too: windows close in the order
        // of their ends.
        if session.due(self.lateness) == time {
            let window = Window::new(start_of(&at), session.end);
            if let Some(pane) = session.fire() {
                let acc = session.acc.clone();
                out.closed.push(&at.key(), Closed { window, pane, acc });
            }
            if session.due(self.lateness) <= self.now {
                self.sessions.remove_at(&at);
                return;
            }
        }
        session.timer = session.due(self.lateness);
        self.timers.insert((session.timer, at));
    }
    // ANCHOR_END: close

    /// For a snapshot.
    fn layout(&self) -> String {
        layout(WindowSpec::Session { gap: self.gap }, self.lateness)
    }

    /// The first session that cannot be one: the place is none, or it overlaps the one before it.
    fn wrong(sessions: &OrderedTable<Session<A::Acc>>) -> Option<(&EntryKey, &'static str)> {
        let mut before: Option<(&EntryKey, EventTime)> = None;
        for (at, session) in sessions.places() {
            let Some(start) = suffix_time(at.suffix()) else {
                return Some((at, "a session begins at no time"));
            };
            if session.end <= start && start != EventTime::MAX {
                return Some((at, "a session ends before it begins"));
            }
            if before.is_some_and(|(other, end)| start < end && other.key() == at.key()) {
                return Some((at, "sessions overlap"));
            }
            before = Some((at, session.end));
        }
        None
    }
}

/// Up to which suffix sessions begin that a window with this end can overlap; `suffix` is that of the end.
fn begins_before(end: EventTime, suffix: &[u8; 8]) -> Bound<&[u8]> {
    match end {
        EventTime::MAX => Bound::Unbounded,
        _ => Bound::Excluded(suffix),
    }
}

/// When the session at a place of the table begins.
#[inline]
fn start_of(at: &EntryKey) -> EventTime {
    suffix_time(at.suffix()).unwrap_or(EventTime::MIN)
}

impl<A: Aggregate> Windower for SessionWindows<A> {
    type Row = A::Row;
    type Acc = A::Acc;

    /// The next millisecond: there may be a session that ends at any time, and what a row belongs to depends
    /// on all of them.
    fn until(&self, now: EventTime) -> EventTime {
        now.plus(Span::millis(1))
    }

    fn add(&mut self, rows: &Rows<Stamped<A::Row>>, range: Range<usize>, out: &mut Fired<A::Acc>) -> Outcome {
        // Only after a restore is there anything to close: no row may be taken into it.
        self.close(out);
        for row in range {
            if !self.take_in(rows.key(row), &rows.values()[row], out)? {
                out.late.push(row);
                out.is_late(rows.values()[row].ts, 1, self.now);
            }
        }
        Ok(())
    }

    fn advance_some(&mut self, now: EventTime, out: &mut Fired<A::Acc>) -> Outcome<EventTime> {
        self.now = self.now.max(now);
        Ok(self.close(out).min(now))
    }

    fn windows_of(&self, ts: EventTime) -> Vec<Window> {
        vec![Window::new(ts, ts.plus(self.gap))]
    }

    /// How many sessions there are: those that are open, and those that are closed and kept for late rows.
    fn open(&self) -> usize {
        self.sessions.len()
    }

    /// An estimate, as that of the [`OrderedTable`] is; the nodes of the set of timers are taken to be two
    /// thirds full too.
    fn memory(&self) -> usize {
        let timers = self.timers.len() * size_of::<(EventTime, EntryKey)>() * 3 / 2;
        // A key that is too long for the table is so for its timer as well.
        self.sessions.memory() + timers + self.sessions.outside()
    }

    fn snapshot(&mut self) -> Frozen {
        let (layout, now) = (self.layout(), self.now);
        let others = Frozen::new(move || vec![layout_part(layout), time_part(CLOSED, now)]);
        self.sessions.snapshot(SESSIONS).and(others)
    }

    fn restore(&mut self, parts: &[Part]) -> Outcome {
        check_layout(&self.layout(), parts)?;
        // A copy, so that parts which are refused have changed nothing.
        let (mut sessions, mut now) = (self.sessions.clone(), self.now);
        for part in parts {
            match part.name.as_str() {
                WINDOWS => {}
                SESSIONS => sessions.restore(part)?,
                CLOSED => now = now.max(time_in(part)?),
                _ => return Err(part.bad("no state of sessions has this name").into()),
            }
        }
        if let Some((at, problem)) = Self::wrong(&sessions) {
            let owner = Owner::Group(keys::key_group(keys::hash(&at.key())));
            let part = parts.iter().find(|part| part.owner == owner);
            return Err(part.map_or_else(|| problem.into(), |part| part.bad(problem).into()));
        }
        let timers = sessions.places().map(|(at, session)| (session.timer, at.clone()));
        self.timers = timers.collect();
        (self.sessions, self.now) = (sessions, now);
        Ok(())
    }
}
