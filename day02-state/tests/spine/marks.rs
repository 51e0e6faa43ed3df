//! Watermarks as they will come on a later day: a control, a state machine, and an adapter around an operator.
//!
//! `Mark(t)` on a channel says that no row below `t` follows on it. A task may say so behind it when all its channels have
//! said so: the lowest mark counts. A channel that has ended holds nothing back any more, except if it was stopped: then
//! there are rows that it has not sent, and its last mark stays.

use day02_state::operator::{EndReason, Failure, Input, Operator, Out, Outcome, Turn};
use day02_state::state::{Frozen, Part, Stateful};
use std::time::Duration;

use super::plan::Fault;

/// No row below this time follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub i64);

/// No row follows at all.
pub const FINAL: Mark = Mark(i64::MAX);

/// No promise yet.
pub const NONE: Mark = Mark(i64::MIN);

/// The marks of a task's channels, and the lowest of them that was sent on.
#[derive(Debug)]
pub struct Marks {
    /// The last mark of each channel.
    channels: Vec<Mark>,
    sent: Mark,
    fault: Option<Fault>,
}

impl Marks {
    pub fn new(channels: usize, fault: Option<Fault>) -> Self {
        Marks {
            channels: vec![NONE; channels],
            sent: NONE,
            fault,
        }
    }

    /// A mark has arrived; returns the one to send on if the lowest has moved.
    pub fn mark(&mut self, channel: usize, mark: Mark) -> Result<Option<Mark>, Failure> {
        let before = std::mem::replace(&mut self.channels[channel], mark);
        match mark < before {
            true => Err(format!("channel {channel} goes back from {before:?} to {mark:?}").into()),
            false => Ok(self.lowest()),
        }
    }

    /// A channel has ended; returns the mark to send on if only this channel held it back.
    pub fn end(&mut self, channel: usize, how: EndReason) -> Option<Mark> {
        if how == EndReason::Drained && self.fault != Some(Fault::MarksOfTheEnded) {
            self.channels[channel] = FINAL;
        }
        self.lowest()
    }

    /// What the channel has promised.
    pub fn of(&self, channel: usize) -> Mark {
        self.channels[channel]
    }

    fn lowest(&mut self) -> Option<Mark> {
        let open = self.channels.iter().copied();
        let lowest = match self.fault {
            Some(Fault::HighestMark) => open.max(),
            _ => open.min(),
        };
        let moved = lowest.filter(|lowest| *lowest > self.sent);
        self.sent = moved.unwrap_or(self.sent);
        moved
    }
}

/// An operator that knows of event time.
pub trait Timed: Operator<Control = Mark> {
    /// Every row below the mark has arrived.
    fn on_watermark(&mut self, _mark: Mark, _out: Out<'_, Self>) -> Outcome {
        Ok(())
    }
}

/// Rows that have event times.
pub trait Dated {
    /// The first of the times.
    fn oldest(&self) -> Option<i64>;
}

/// Gives an operator its marks, and sends them on behind what it has to say about them. Checks what the channels promise.
pub struct Valve<O> {
    marks: Marks,
    inner: O,
}

impl<O: Timed> Valve<O> {
    pub fn new(channels: usize, fault: Option<Fault>, inner: O) -> Self {
        Valve {
            marks: Marks::new(channels, fault),
            inner,
        }
    }

    fn pass(&mut self, mark: Option<Mark>, out: Out<'_, O>) -> Outcome {
        let Some(mark) = mark else { return Ok(()) };
        self.inner.on_watermark(mark, out)?;
        if self.marks.fault != Some(Fault::MarkWithoutFlush) {
            self.inner.on_flush(out)?;
        }
        // Of both kinds, so that packets with marks among their rows are held back in the middle, and others are not.
        match mark.0 % 5 {
            0 => out.control_with_rows(mark),
            _ => out.control(mark),
        }
        Ok(())
    }
}

impl<O: Timed<In: Dated>> Operator for Valve<O> {
    type In = O::In;
    type Out = O::Out;
    type Control = Mark;

    fn on_data(&mut self, input: Input, data: O::In, out: Out<'_, Self>) -> Outcome {
        let promised = self.marks.of(input.channel);
        match data.oldest() {
            Some(time) if Mark(time) < promised => {
                Err(format!("a row of {time} behind {promised:?} on {input:?}").into())
            }
            _ => self.inner.on_data(input, data, out),
        }
    }

    fn on_control(&mut self, input: Input, mark: Mark, out: Out<'_, Self>) -> Outcome {
        let moved = self.marks.mark(input.channel, mark)?;
        self.pass(moved, out)
    }

    fn on_mail(&mut self, mark: Mark, out: Out<'_, Self>) -> Outcome {
        self.inner.on_mail(mark, out)
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self>) -> Outcome<Turn> {
        self.inner.on_turn(now, out)
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, out: Out<'_, Self>) -> Outcome {
        self.inner.on_input_end(input, how, out)?;
        let moved = self.marks.end(input.channel, how);
        self.pass(moved, out)
    }

    fn on_flush(&mut self, out: Out<'_, Self>) -> Outcome {
        self.inner.on_flush(out)
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self>) -> Outcome {
        match how {
            EndReason::Drained if self.marks.sent != FINAL => Err(format!(
                "everything has ended, but the last mark was {:?}",
                self.marks.sent
            )
            .into()),
            _ => self.inner.on_end(how, out),
        }
    }

    fn accepts(&self, channel: usize) -> bool {
        self.inner.accepts(channel)
    }

    fn status(&self) -> String {
        self.inner.status()
    }
}

impl<O: Stateful> Stateful for Valve<O> {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.inner.snapshot(id)
    }

    fn on_checkpoint_complete(&mut self, id: u64) {
        self.inner.on_checkpoint_complete(id);
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        self.inner.restore(parts)
    }
}
