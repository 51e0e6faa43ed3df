//! How a stateful operator takes part in checkpoints: an adapter around it, for tasks with channels, and one for sources.
//!
//! ```text
//!   channels ─► aligner ─► operator ─► results ────────────────────────────► next task
//!                  │ all barriers are in                       barrier n ──┘
//!                  └─► flush, freeze ──── state of checkpoint n ──► coordinator
//! ```
//!
//! 1. At the barrier: what the operator has held back is sent, its state is frozen, the frozen state goes to the
//!    coordinator, and the barrier goes on. Nothing comes in between, so the state is that of the rows before the barrier.
//! 2. Only freezing happens here. The coordinator turns the state into bytes, on its own thread.
//! 3. A source has no channels: a barrier reaches it by mail, wherever it is, also if there is nothing to read.
//! 4. A source that has nothing more to send does not end. It waits for the checkpoint that covers its last row, since a
//!    sink publishes only what a checkpoint covers. After that it sends nothing more, not even a barrier.

use std::time::Duration;

use day01_consumer::first_of;
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Output, Turn};
use day02_state::outbox::Either;
use day02_state::state::Stateful;
use day02_state::status::{NAMED, Status};

use crate::aligner::BarrierAligner;
use crate::fault::{Fault, put_in};
use crate::signal::{Ack, Signal};

/// What a task in a job with checkpoints sends: its rows to where they go, and acknowledgements to the coordinator.
pub type WithAcks<D> = Either<D, Vec<Ack>>;

/// The output of the operator inside an adapter.
struct InnerOutput<'a, D, C>(&'a mut (dyn Output<WithAcks<D>, Signal<C>> + 'a));

impl<D, C> Output<D, C> for InnerOutput<'_, D, C> {
    fn data(&mut self, data: D) {
        self.0.data(Either::Left(data));
    }

    fn control(&mut self, control: C) {
        self.0.control(Signal::Inner(control));
    }

    fn control_with_rows(&mut self, control: C) {
        self.0.control_with_rows(Signal::Inner(control));
    }
}

// ANCHOR: checkpoint
/// Everything before barrier `id` has been taken in, and nothing behind it.
fn checkpoint<C, O: Operator<C> + Stateful>(
    inner: &mut O,
    (id, aligned): (u64, Duration),
    out: &mut dyn Output<WithAcks<O::Out>, Signal<C>>,
) -> Outcome {
    inner.on_flush(&mut InnerOutput(out))?;
    out.data(Either::Right(vec![Ack::State(id, inner.snapshot(id), aligned)]));
    out.control(Signal::Barrier(id));
    Ok(())
}
// ANCHOR_END: checkpoint

/// An operator that takes part in checkpoints.
pub struct CheckpointedOperator<O> {
    aligner: BarrierAligner,
    inner: O,
    /// When the barrier that is being aligned came in first.
    aligns_since: Duration,
}

impl<O> CheckpointedOperator<O> {
    /// An operator whose task has so many channels, restored from this checkpoint (0 for none).
    pub fn new(channels: usize, restored: u64, inner: O) -> Self {
        Self::with(BarrierAligner::new(channels, restored), inner)
    }

    /// The same, but no channel is held back while others wait for their barriers: see [`BarrierAligner::tracking`].
    pub fn tracking(channels: usize, restored: u64, inner: O) -> Self {
        Self::with(BarrierAligner::tracking(channels, restored), inner)
    }

    fn with(aligner: BarrierAligner, inner: O) -> Self {
        CheckpointedOperator {
            aligner,
            inner,
            aligns_since: Duration::ZERO,
        }
    }

    /// Takes part in the checkpoint whose barrier has passed by this input, if one has.
    fn checkpoint<C>(
        &mut self,
        passed: Option<u64>,
        input: Input,
        out: Out<'_, WithAcks<O::Out>, Signal<C>>,
    ) -> Outcome
    where
        O: Operator<C> + Stateful,
    {
        let Some(id) = passed else {
            return Ok(());
        };
        let aligned = input.now.saturating_sub(self.aligns_since);
        checkpoint(&mut self.inner, (id, aligned), out)
    }
}

// ANCHOR: operator
impl<C: Clone + Send, O: Operator<C> + Stateful> Operator<Signal<C>> for CheckpointedOperator<O> {
    type In = O::In;
    type Out = WithAcks<O::Out>;

    fn on_control(&mut self, input: Input, signal: Signal<C>, out: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        match signal {
            Signal::Inner(control) => self.inner.on_control(input, control, &mut InnerOutput(out)),
            Signal::Barrier(id) => {
                if self.aligner.begins(id) {
                    self.aligns_since = input.now;
                }
                let passed = self.aligner.on_barrier(input.channel, id);
                self.checkpoint(passed, input, out)
            }
            Signal::Complete(_) | Signal::Pause | Signal::Finish | Signal::Suspend => {
                Err("this goes by mail, not through a channel".into())
            }
        }
    }

    fn on_mail(&mut self, signal: Signal<C>, out: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        match signal {
            Signal::Inner(control) => self.inner.on_mail(control, &mut InnerOutput(out)),
            Signal::Complete(id) => {
                self.inner.on_checkpoint_complete(id);
                Ok(())
            }
            Signal::Barrier(_) | Signal::Pause | Signal::Finish | Signal::Suspend => {
                Err("this goes to sources or to the coordinator".into())
            }
        }
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, out: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        self.inner.on_input_end(input, how, &mut InnerOutput(out))?;
        let passed = self.aligner.on_end(input.channel);
        self.checkpoint(passed, input, out)
    }

    fn accepts(&self, channel: usize) -> bool {
        self.aligner.accepts(channel) && self.inner.accepts(channel)
    }
    // ANCHOR_END: operator

    fn on_data(&mut self, input: Input, data: O::In, out: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        self.inner.on_data(input, data, &mut InnerOutput(out))
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, Signal<C>>) -> Outcome<Turn> {
        self.inner.on_turn(now, &mut InnerOutput(out))
    }

    fn on_flush(&mut self, out: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        self.inner.on_flush(&mut InnerOutput(out))
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        self.inner.on_end(how, &mut InnerOutput(out))
    }

    fn status(&mut self, status: &mut Status) {
        self.inner.status(status);
        if let Some((id, channels)) = self.aligner.waits_for() {
            let senders = channels
                .into_iter()
                .filter_map(|channel| status.senders.get(channel));
            let senders: Vec<&str> = senders.map(String::as_str).collect();
            let senders = first_of(&senders, NAMED, ", ");
            status
                .phrases
                .push(format!("waits for barrier {id} of {senders}"));
        }
    }
}

/// A source that takes part in checkpoints.
pub struct CheckpointedSource<O> {
    inner: O,
    state: State,
}

/// Where a source is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It produces.
    Produces,
    /// It was told to send no more rows.
    Paused,
    /// It has nothing more to send, and waits for the last checkpoint.
    Drained,
    /// The last checkpoint is durable.
    Finished,
}

impl<O> CheckpointedSource<O> {
    /// A source that produces.
    pub fn new(inner: O) -> Self {
        let state = State::Produces;
        CheckpointedSource { inner, state }
    }
}

impl<C: Clone + Send, O: Operator<C, In = ()> + Stateful> Operator<Signal<C>> for CheckpointedSource<O> {
    type In = ();
    type Out = WithAcks<O::Out>;

    // ANCHOR: source
    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, Signal<C>>) -> Outcome<Turn> {
        match self.state {
            State::Produces => {}
            State::Paused | State::Drained => return Ok(Turn::Wait(None)),
            State::Finished => return Ok(Turn::Done),
        }
        let turn = self.inner.on_turn(now, &mut InnerOutput(out))?;
        if turn != Turn::Done {
            return Ok(turn);
        }
        self.state = State::Drained;
        out.data(Either::Right(vec![Ack::Drained]));
        Ok(Turn::Wait(None))
    }

    fn on_mail(&mut self, signal: Signal<C>, out: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        match (signal, self.state) {
            // The last checkpoint covers everything that was sent; a later one would never be complete, because those
            // that have ended take no part in it.
            (Signal::Barrier(_), State::Finished) if !put_in(Fault::BarrierAfterFinish) => Ok(()),
            (Signal::Barrier(id), _) => checkpoint(&mut self.inner, (id, Duration::ZERO), out),
            (Signal::Complete(id), _) => {
                self.inner.on_checkpoint_complete(id);
                Ok(())
            }
            (Signal::Pause, State::Produces) => {
                self.state = State::Paused;
                Ok(())
            }
            (Signal::Pause, _) => Ok(()),
            (Signal::Finish, _) => {
                self.state = State::Finished;
                Ok(())
            }
            (Signal::Inner(control), _) => self.inner.on_mail(control, &mut InnerOutput(out)),
            (Signal::Suspend, _) => Err("this goes to the coordinator".into()),
        }
    }
    // ANCHOR_END: source

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        Err("a source has no channels".into())
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        self.inner.on_end(how, &mut InnerOutput(out))
    }

    fn status(&mut self, status: &mut Status) {
        self.inner.status(status);
        let phrase = match self.state {
            State::Produces => return,
            State::Paused => "is paused",
            State::Drained => "waits for the last checkpoint",
            State::Finished => "has finished",
        };
        status.phrases.push(phrase.to_string());
    }
}

#[cfg(test)]
mod tests;
