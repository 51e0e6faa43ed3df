//! The window operator, put together from three parts that do not know each other.
//!
//! ```text
//! rows ──► clock ──► windower ──► results
//!          what time   which windows   (and what is kept of the rows,
//!          is it?      are complete?    the aggregate, inside of it)
//! ```
//!
//! The clock is told of every row and says what time it is; the windower takes rows in and is told the time.
//! That is all there is between them, so either can be replaced. This file only decides *when* time is told:
//! a row has to be judged by the time that it finds, not by that of a row behind it, and yet rows shall be
//! handed on by the batch. So a batch is cut exactly where time crosses a point at which it matters, and that
//! point the windower names.
//!
//! Results do therefore not depend on how rows come in batches.

use day02_state::operator::Outcome;
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Part, Stateful};

use crate::clock::Clock;
use crate::time::{EventTime, Stamped};
use crate::windower::{Fired, Windower, time_in, time_part};

/// The name of the clock's time among the parts of a snapshot.
const CLOCK: &str = "clock";

/// Windows, and the clock that closes them.
pub struct Windowing<C, W: ?Sized> {
    clock: C,
    windows: Box<W>,
}

impl<C: Clock, W: Windower + ?Sized> Windowing<C, W> {
    /// These windows, closed by this clock.
    pub fn new(clock: C, windows: Box<W>) -> Self {
        Windowing { clock, windows }
    }

    /// The windows.
    pub fn windows(&self) -> &W {
        &self.windows
    }

    /// What time it is.
    pub fn now(&self) -> EventTime {
        self.clock.now()
    }

    // ANCHOR: rows
    /// Takes in a batch of rows.
    pub fn on_rows(&mut self, rows: &Rows<Stamped<W::Row>>, out: &mut Fired<W::Acc>) -> Outcome {
        let mut from = 0;
        let mut until = self.windows.until(self.clock.now());
        for (row, stamped) in rows.values().iter().enumerate() {
            let now = self.clock.on_row(stamped.ts);
            if now >= until {
                self.windows.add(rows, from..row, out)?;
                self.windows.advance(now, out)?;
                from = row;
                until = self.windows.until(now);
            }
        }
        self.windows.add(rows, from..rows.len(), out)
    }
    // ANCHOR_END: rows

    /// Moves the clock to `time`, and closes some of what is complete. Gives the time up to which all is closed (see
    /// [`Windower::advance_some`]).
    pub fn on_time_some(&mut self, time: EventTime, out: &mut Fired<W::Acc>) -> Outcome<EventTime> {
        self.clock.at_least(time);
        self.windows.advance_some(self.clock.now(), out)
    }

    /// Moves the clock to `time`, and closes all that is complete.
    pub fn on_time(&mut self, time: EventTime, out: &mut Fired<W::Acc>) -> Outcome {
        self.clock.at_least(time);
        self.windows.advance(self.clock.now(), out)
    }

    /// Closes what is complete before any row has come, which is something only after a restore.
    pub fn on_start(&mut self, out: &mut Fired<W::Acc>) -> Outcome {
        self.windows.advance(EventTime::MIN, out)
    }

    /// There will be no more rows: closes some of the windows that are left. Gives the time up to which all is closed.
    pub fn on_drained_some(&mut self, out: &mut Fired<W::Acc>) -> Outcome<EventTime> {
        self.windows.advance_some(EventTime::MAX, out)
    }

    /// There will be no more rows: closes everything.
    pub fn on_drained(&mut self, out: &mut Fired<W::Acc>) -> Outcome {
        self.windows.advance(EventTime::MAX, out)
    }
}

impl<C: Clock, W: Windower + ?Sized> Stateful for Windowing<C, W> {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let now = self.clock.now();
        let clock = Frozen::new(move || vec![time_part(CLOCK, now)]);
        clock.and(self.windows.snapshot())
    }

    /// Workers need not agree about the time; it has come as far as it has for the one that is ahead.
    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        let (clocks, parts): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.name == CLOCK);
        for part in clocks {
            self.clock.at_least(time_in(&part)?);
        }
        self.windows.restore(&parts)
    }
}
