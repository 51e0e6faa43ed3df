//! What the job comes to: closed windows, put together from all workers, and counts of what is not in them.

use std::borrow::Borrow;

use day02_state::job::{SavedState, Slot};
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome};
use day02_state::state::file::Snapshot;
use day02_state::status::{Progress, StatusBoard};

use super::in_order::{InOrder, TellsTime};
use super::{ClosedRows, LateOrder, Options, Summed, WindowOutput, WindowStats};
use crate::time::{EventTime, Span};
use crate::window::Window;

/// A merchant's orders in a window that has closed.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedWindow {
    /// The window. Results are ordered by it, and then by merchant.
    pub window: Window,
    /// The merchant.
    pub merchant_id: String,
    /// How often a result of this window has come out for this merchant before.
    pub pane: u32,
    /// What was kept of the orders.
    pub summed: Summed,
}

impl ClosedWindow {
    pub(super) fn place(&self) -> (Window, &str, u32) {
        (self.window, &self.merchant_id, self.pane)
    }
}

/// Windows that have closed, ordered by window and merchant; one that has closed again stands behind itself.
pub fn closed_windows(rows: &ClosedRows) -> Vec<ClosedWindow> {
    let closed = rows.keys().zip(rows.values());
    let mut closed: Vec<ClosedWindow> = closed
        .map(|((merchant, _), closed)| ClosedWindow {
            window: closed.window,
            pane: closed.pane,
            // Merchants come out of JSON, so they are text.
            merchant_id: String::from_utf8_lossy(merchant).into_owned(),
            summed: closed.acc,
        })
        .collect();
    closed.sort_by(|one, other| one.place().cmp(&other.place()));
    closed
}

/// Which closed windows are kept for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All.
    All,
    /// Those with the most orders, so many.
    Largest(usize),
    /// None: they were handed on when they closed.
    None,
    /// None: they were handed on in order, each as soon as no other could close that stands before it.
    InOrder,
}

/// Takes windows as they close.
pub trait OnClosed: Send {
    /// These windows have closed, ordered by window and merchant.
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome;

    /// These orders are in none. They come only if they are asked for.
    fn on_late(&mut self, _orders: &[LateOrder]) -> Outcome {
        Ok(())
    }
}

/// Takes none: they stand in the answer.
impl OnClosed for () {
    fn on_closed(&mut self, _: &[ClosedWindow]) -> Outcome {
        Ok(())
    }
}

/// What the job came to.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Answer {
    /// The windows that were kept, ordered by window and merchant.
    pub windows: Vec<ClosedWindow>,
    /// How many have closed.
    pub closed: u64,
    /// What is not in them.
    pub stats: WindowStats,
    /// How far it has come.
    pub progress: Progress,
    /// Positions and state, if they are to be saved.
    pub snapshot: Snapshot,
}

/// So many windows are shown as the latest.
const LATEST: usize = 10;
/// So many more than are to be kept may lie about before the smallest are thrown away.
const SLACK: usize = 10_000;

/// The windows that have closed so far.
#[derive(Debug, Default)]
struct Found {
    windows: Vec<ClosedWindow>,
    latest: Vec<ClosedWindow>,
    closed: u64,
}

/// Where the answer is left, and what can be seen of it until then.
#[derive(Debug, Clone)]
pub struct AnswerSlot {
    found: Slot<Found>,
    keep: Keep,
    lateness: Span,
    board: StatusBoard,
    saved: SavedState,
}

impl AnswerSlot {
    /// A slot for a job with these options.
    pub fn new(options: &Options) -> Self {
        AnswerSlot {
            found: Slot::default(),
            keep: options.keep,
            lateness: options.lateness,
            board: StatusBoard::default(),
            saved: options.tasks.save.clone().unwrap_or_default(),
        }
    }

    /// The same, for the job that has this board.
    pub fn with_board(self, board: StatusBoard) -> Self {
        AnswerSlot { board, ..self }
    }

    /// What hands windows on as they close, and keeps them. They come through so many channels.
    pub fn collector<V: OnClosed>(&self, on_closed: V, channels: usize) -> Results<V> {
        Results {
            on_closed,
            found: self.found.clone(),
            keep: self.keep,
            in_order: InOrder::new(channels, self.lateness),
        }
    }

    /// The windows that closed last, those with the most orders.
    pub fn latest(&self) -> Vec<ClosedWindow> {
        self.found.lock().latest.clone()
    }

    /// The answer, once the job has ended.
    pub fn take(&self) -> Answer {
        let Found { windows, closed, .. } = self.found.take();
        let windows = match self.keep {
            Keep::Largest(most) => largest(windows, most),
            Keep::All | Keep::None | Keep::InOrder => largest(windows, usize::MAX),
        };
        Answer {
            windows,
            closed,
            stats: WindowStats::of(&self.board),
            progress: self.board.progress(),
            snapshot: self.saved.take(),
        }
    }
}

/// Puts the windows of all workers together.
pub struct Results<V> {
    on_closed: V,
    found: Slot<Found>,
    keep: Keep,
    in_order: InOrder,
}

impl<V: OnClosed> Results<V> {
    fn take(&mut self, mut closed: Vec<ClosedWindow>) -> Outcome {
        if self.keep != Keep::InOrder {
            self.on_closed.on_closed(&closed)?;
        }
        let found = &mut *self.found.lock();
        found.closed += closed.len() as u64;
        let latest = largest(closed.iter().collect(), LATEST).into_iter();
        found.latest = latest.cloned().collect();
        match self.keep {
            Keep::All => found.windows.append(&mut closed),
            Keep::Largest(most) => {
                found.windows.append(&mut closed);
                if found.windows.len() > most + SLACK {
                    found.windows = largest(std::mem::take(&mut found.windows), most);
                }
            }
            Keep::None => {}
            Keep::InOrder => self.in_order.add(closed),
        }
        Ok(())
    }

    /// What is still to come through this channel ends at this time or later: hands on what stands before it.
    fn promise(&mut self, channel: usize, next: EventTime) -> Outcome {
        self.in_order.promise(channel, next);
        let ready = self.in_order.take();
        self.hand_on(&ready)
    }

    fn hand_on(&mut self, windows: &[ClosedWindow]) -> Outcome {
        match windows {
            [] => Ok(()),
            windows => self.on_closed.on_closed(windows),
        }
    }
}

impl<V: OnClosed, C: TellsTime> Operator<C> for Results<V> {
    type In = WindowOutput;
    type Out = ();

    fn on_data(&mut self, input: Input, output: WindowOutput, _: Out<'_, (), C>) -> Outcome {
        let closed = closed_windows(&output.closed);
        if let Some(ClosedWindow { window: last, .. }) = closed.last() {
            let end = last.end;
            self.take(closed)?;
            if !C::TELLS {
                self.promise(input.channel, end)?;
            }
        }
        match output.late.is_empty() {
            true => Ok(()),
            false => self.on_closed.on_late(&output.late),
        }
    }

    fn on_control(&mut self, input: Input, control: C, _: Out<'_, (), C>) -> Outcome {
        match control.time() {
            Some(time) => self.promise(input.channel, time.plus(Span::millis(1))),
            None => Ok(()),
        }
    }

    fn on_end(&mut self, _: EndReason, _: Out<'_, (), C>) -> Outcome {
        let left = self.in_order.take_all();
        self.hand_on(&left)
    }
}

/// Those with the most orders; among equals, those that come first.
fn largest<W: Borrow<ClosedWindow>>(mut windows: Vec<W>, most: usize) -> Vec<W> {
    if windows.len() > most {
        windows.select_nth_unstable_by(most, |one, other| {
            let (one, other): (&ClosedWindow, &ClosedWindow) = (one.borrow(), other.borrow());
            let by_size = other.summed.0.rows.cmp(&one.summed.0.rows);
            by_size.then_with(|| one.place().cmp(&other.place()))
        });
        windows.truncate(most);
    }
    windows.sort_by(|one, other| one.borrow().place().cmp(&other.borrow().place()));
    windows
}
