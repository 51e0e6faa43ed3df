//! The contract between an operator and whatever runs it.
//!
//! An operator is a plain state machine. It is called with what arrives, puts what it has to say into an [`Output`], and
//! returns. It knows no thread, no channel and no clock, so it can be tested with a list of calls, and the same operator
//! runs under threads and under the seeded stepper.
//!
//! Everything between operators is in band: data, and *control*, which travels through the same channels and so keeps its
//! place between the rows. Which control there is, is up to the job: on this day there is none.
//!
//! 1. [`Operator::on_turn`] comes first, before any mail or input; after that, whenever something has happened, and when
//!    the time has come that it asked for.
//! 2. An operator never waits. It says what it is waiting for by what it returns from `on_turn` and from `accepts`.
//! 3. What it puts into its output is sent after it has returned. Output never fails and never blocks: it queues, and an
//!    operator whose output is stuck is not called again until everything has left.
//! 4. An operator has ended when all its inputs have ended and its turn is [`Turn::Done`]; then comes `on_end`, once.
//!
//! Left out: calling back from another thread (as async I/O operators of Flink do), and iterations.

use std::error::Error;
use std::time::Duration;

use crate::keys::Owners;
use crate::status::Status;

/// Why an operator cannot go on. It ends the whole job.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What every call to an operator returns.
pub type Outcome<T = ()> = Result<T, Failure>;

// ANCHOR: words
/// What goes through a channel: rows, or a word about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<D, C> {
    /// Some rows.
    Data(D),
    /// Control, in its place between the rows.
    Control(C),
}

/// What control can be: each receiver gets a copy, on a thread of its own.
pub trait Control: Clone + Send + 'static {}
impl<C: Clone + Send + 'static> Control for C {}

/// Where something came from, and when it was taken. Channels are counted over all ports of a task, from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input {
    /// Which of the operator's inputs: a join has two.
    pub port: usize,
    /// Which channel: one for each task that sends.
    pub channel: usize,
    /// By the clock of the job.
    pub now: Duration,
}

/// How a stream has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// There is nothing more: what is still open can be closed.
    Drained,
    /// Somebody asked for an end: what is open stays open.
    Stopped,
}

/// What an operator wants after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Another turn, soon.
    Again,
    /// A turn at this time of the job's clock, or, without a time, only when something has arrived.
    Wait(Option<Duration>),
    /// No turn of its own: it ends with its inputs.
    Done,
}

/// Where an operator puts what it has to say.
pub trait Output<D, C> {
    /// Sends rows.
    fn data(&mut self, data: D);
    /// Sends control behind everything that was sent before, to every receiver, and at once.
    fn control(&mut self, control: C);
    /// The same for control that is in no hurry: like a row, it waits for its packet to fill.
    fn control_with_rows(&mut self, control: C) {
        self.control(control);
    }
}
// ANCHOR_END: words

// ANCHOR: contract
/// One step of a job, which understands control `C`.
pub trait Operator<C>: Send {
    /// The rows it takes.
    type In: Send;
    /// The rows it gives.
    type Out: Send;

    /// Rows have arrived.
    fn on_data(&mut self, input: Input, data: Self::In, out: Out<'_, Self::Out, C>) -> Outcome;

    /// Control has arrived. Passed on by default, which is only right for an operator with one channel.
    fn on_control(&mut self, _input: Input, control: C, out: Out<'_, Self::Out, C>) -> Outcome {
        out.control(control);
        Ok(())
    }

    /// Control has arrived by mail, that is, outside of the channels.
    fn on_mail(&mut self, _control: C, _out: Out<'_, Self::Out, C>) -> Outcome {
        Ok(())
    }

    /// A turn of its own: a source produces, a timer ticks.
    fn on_turn(&mut self, _now: Duration, _out: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        Ok(Turn::Done)
    }

    /// A channel has ended.
    fn on_input_end(&mut self, _input: Input, _how: EndReason, _out: Out<'_, Self::Out, C>) -> Outcome {
        Ok(())
    }

    /// Whoever wraps this operator is about to send control: rows that it has held back must go first.
    fn on_flush(&mut self, _out: Out<'_, Self::Out, C>) -> Outcome {
        Ok(())
    }

    /// All channels have ended as they should: what is left to be sent may be sent in several turns, before
    /// [`on_end`](Self::on_end). `Again` asks for another one, `Done` for the end.
    fn on_drain(&mut self, _out: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        Ok(Turn::Done)
    }

    /// The job was asked to stop: what would take further turns is given up.
    fn on_stop(&mut self) {}

    /// Everything has ended.
    fn on_end(&mut self, _how: EndReason, _out: Out<'_, Self::Out, C>) -> Outcome {
        Ok(())
    }

    /// Whether anything may be read from this channel now. An operator says no only while it goes on without: one that aligns
    /// barriers, one that has not said all there is to say about a watermark, a sink that holds too much.
    fn accepts(&self, _channel: usize) -> bool {
        true
    }

    /// Says what it waits for and how far it has come, for a person who asks why nothing comes out.
    fn status(&mut self, status: &mut Status) {
        status.phrases.push("waits for input".to_string());
    }
}

/// The output of an operator, for the length of a call.
pub type Out<'a, D, C> = &'a mut dyn Output<D, C>;
// ANCHOR_END: contract

// ANCHOR: batch
/// Rows that can be merged into larger batches on their way.
pub trait Batch: Default + Send + 'static {
    /// How many rows there are.
    fn rows(&self) -> usize;
    /// Appends the rows of `other`.
    fn append(&mut self, other: Self);
    /// The same rows in batches of at most so many, which are not zero.
    fn cut(self, rows: usize) -> Vec<Self>;
    /// Takes the rows out, and leaves an empty batch that expects about as many again.
    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

/// Rows that have keys, and so can be dealt out by them.
pub trait Keyed: Batch {
    /// Appends each row to the batch of the lane that owns its key.
    fn scatter(self, owners: &Owners, lanes: &mut [Self]);
}
// ANCHOR_END: batch

/// Rows that need no more than a list.
impl<T: Send + 'static> Batch for Vec<T> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn append(&mut self, mut other: Self) {
        match self.is_empty() {
            true => *self = other,
            false => Vec::append(self, &mut other),
        }
    }

    fn cut(self, rows: usize) -> Vec<Self> {
        let mut left = self.into_iter();
        let batches = std::iter::from_fn(|| Some(left.by_ref().take(rows).collect::<Vec<T>>()));
        batches.take_while(|batch| !batch.is_empty()).collect()
    }
}
