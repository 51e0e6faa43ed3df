//! Checkpoint barriers as they will come on a later day, on top of whatever control a job has already.
//!
//! A task that has received barrier `n` on one channel reads nothing more from it until it has `n` on all of them. Then
//! its state is exactly that of the rows before the barrier, and is frozen; the barrier goes on, and the parts go aside.
//! The only means to hold a channel back is to say no in `accepts`.

use std::sync::mpsc;
use std::time::Duration;

use day02_state::operator::{EndReason, Failure, Input, Operator, Out, Outcome, Output, Turn};
use day02_state::outbox::Either;
use day02_state::state::{Frozen, Part, Stateful};

use super::plan::{Acknowledge, Fault};

/// The control of a job with checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal<C> {
    /// Control of the job without them.
    Inner(C),
    /// What was sent before belongs to this checkpoint. To sources by mail, then in band.
    Barrier(u64),
    /// The checkpoint is complete. By mail.
    Complete(u64),
    /// No row may follow the next barrier. By mail.
    Pause,
    /// The last checkpoint is complete: sources end. By mail.
    Finish,
}

/// What a task tells the coordinator.
#[derive(Debug)]
pub enum Aside {
    /// Its state at this barrier.
    Parts(u64, Vec<Part>),
    /// It is a source, and has nothing more to send.
    Drained,
}

/// Which channels have received the barrier that is under way.
#[derive(Debug)]
pub struct Aligner {
    /// The last barrier of each channel; none if it has ended.
    channels: Vec<Option<u64>>,
    /// The last barrier that all channels have received.
    passed: u64,
    fault: Option<Fault>,
}

impl Aligner {
    /// The first barrier will be the one behind `passed`.
    pub fn new(channels: usize, passed: u64, fault: Option<Fault>) -> Self {
        Aligner {
            channels: vec![Some(passed); channels],
            passed,
            fault,
        }
    }

    /// Whether the channel may be read: not if its barrier waits for the others.
    pub fn accepts(&self, channel: usize) -> bool {
        self.fault == Some(Fault::AcceptsEverything)
            || self.channels[channel].is_none_or(|barrier| barrier == self.passed)
    }

    /// A barrier has arrived; returns it if it was the last one to be waited for.
    pub fn barrier(&mut self, channel: usize, barrier: u64) -> Result<Option<u64>, Failure> {
        match self.channels[channel] {
            Some(before) if before + 1 == barrier => self.channels[channel] = Some(barrier),
            before => return Err(format!("barrier {barrier} on channel {channel} behind {before:?}").into()),
        }
        Ok(self.pass())
    }

    /// A channel has ended; returns the barrier that waited only for this channel.
    pub fn end(&mut self, channel: usize) -> Option<u64> {
        if self.fault != Some(Fault::WaitsForTheEnded) {
            self.channels[channel] = None;
        }
        self.pass()
    }

    fn pass(&mut self) -> Option<u64> {
        let slowest = self.channels.iter().flatten().min().copied();
        let passed = slowest.filter(|slowest| *slowest > self.passed);
        self.passed = passed.unwrap_or(self.passed);
        passed
    }
}

/// The output of an operator inside an adapter.
pub struct Within<'a, D, C>(pub &'a mut (dyn Output<Either<D, Vec<Aside>>, Signal<C>> + 'a));

impl<D, C> Output<D, C> for Within<'_, D, C> {
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

/// What happens at a barrier, in a source as in any other task.
pub struct Snapshots {
    acknowledge: Acknowledge,
    fault: Option<Fault>,
    /// What is still to be encoded, and in how many turns.
    kept: Option<(u64, Option<Frozen>, u8)>,
}

impl Snapshots {
    pub fn new(acknowledge: Acknowledge, fault: Option<Fault>) -> Self {
        Snapshots {
            acknowledge,
            fault,
            kept: None,
        }
    }

    /// Everything before the barrier has arrived.
    pub fn take<O: Operator + Stateful>(
        &mut self,
        inner: &mut O,
        id: u64,
        out: &mut dyn Output<Either<O::Out, Vec<Aside>>, Signal<O::Control>>,
    ) -> Outcome {
        if self.fault != Some(Fault::SnapshotWithoutFlush) {
            inner.on_flush(&mut Within(out))?;
        }
        match self.acknowledge {
            Acknowledge::First => {
                send_parts(id, inner.snapshot(id), out);
                out.control(Signal::Barrier(id));
            }
            Acknowledge::Behind => {
                out.control(Signal::Barrier(id));
                send_parts(id, inner.snapshot(id), out);
            }
            Acknowledge::Later => {
                let frozen = (self.fault != Some(Fault::FreezesLate)).then(|| inner.snapshot(id));
                self.kept = Some((id, frozen, 3));
                out.control(Signal::Barrier(id));
            }
        }
        Ok(())
    }

    /// A turn has come. Asks for another one as long as something is to be encoded, else for what the operator wants.
    pub fn turn<O: Operator + Stateful>(
        &mut self,
        inner: &mut O,
        wanted: Turn,
        out: &mut dyn Output<Either<O::Out, Vec<Aside>>, Signal<O::Control>>,
    ) -> Turn {
        match self.kept.take() {
            None => wanted,
            Some((id, frozen, 0)) => {
                send_parts(id, frozen.unwrap_or_else(|| inner.snapshot(id)), out);
                wanted
            }
            Some((id, frozen, turns)) => {
                self.kept = Some((id, frozen, turns - 1));
                Turn::Again
            }
        }
    }
}

fn send_parts<D, C>(id: u64, frozen: Frozen, out: &mut dyn Output<Either<D, Vec<Aside>>, Signal<C>>) {
    out.data(Either::Right(vec![Aside::Parts(id, frozen.parts())]));
}

/// Takes a stateful operator's snapshots at the barriers that arrive.
pub struct Aligned<O> {
    name: String,
    aligner: Aligner,
    snapshots: Snapshots,
    inner: O,
    /// Who is told which checkpoints this task knows to be complete.
    durable: mpsc::Sender<(String, u64)>,
}

impl<O> Aligned<O> {
    pub fn new(
        name: &str,
        aligner: Aligner,
        snapshots: Snapshots,
        inner: O,
        durable: mpsc::Sender<(String, u64)>,
    ) -> Self {
        Aligned {
            name: name.to_string(),
            aligner,
            snapshots,
            inner,
            durable,
        }
    }
}

impl<O: Operator + Stateful> Aligned<O> {
    fn pass(&mut self, barrier: Option<u64>, out: Out<'_, Self>) -> Outcome {
        match barrier {
            Some(id) => self.snapshots.take(&mut self.inner, id, out),
            None => Ok(()),
        }
    }
}

impl<O: Operator + Stateful> Operator for Aligned<O> {
    type In = O::In;
    type Out = Either<O::Out, Vec<Aside>>;
    type Control = Signal<O::Control>;

    fn on_data(&mut self, input: Input, data: O::In, out: Out<'_, Self>) -> Outcome {
        self.inner.on_data(input, data, &mut Within(out))
    }

    fn on_control(&mut self, input: Input, signal: Self::Control, out: Out<'_, Self>) -> Outcome {
        match signal {
            Signal::Inner(control) => self.inner.on_control(input, control, &mut Within(out)),
            Signal::Barrier(id) => {
                let passed = self.aligner.barrier(input.channel, id)?;
                self.pass(passed, out)
            }
            Signal::Complete(_) | Signal::Pause | Signal::Finish => Err("this goes by mail".into()),
        }
    }

    fn on_mail(&mut self, signal: Self::Control, out: Out<'_, Self>) -> Outcome {
        match signal {
            Signal::Inner(control) => self.inner.on_mail(control, &mut Within(out))?,
            Signal::Complete(id) => {
                self.inner.on_checkpoint_complete(id);
                self.durable.send((self.name.clone(), id))?;
            }
            Signal::Barrier(_) | Signal::Pause | Signal::Finish => return Err("this goes to sources".into()),
        }
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self>) -> Outcome<Turn> {
        let wanted = self.inner.on_turn(now, &mut Within(out))?;
        Ok(self.snapshots.turn(&mut self.inner, wanted, out))
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, out: Out<'_, Self>) -> Outcome {
        self.inner.on_input_end(input, how, &mut Within(out))?;
        let passed = self.aligner.end(input.channel);
        self.pass(passed, out)
    }

    fn on_flush(&mut self, out: Out<'_, Self>) -> Outcome {
        self.inner.on_flush(&mut Within(out))
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self>) -> Outcome {
        self.inner.on_end(how, &mut Within(out))
    }

    fn accepts(&self, channel: usize) -> bool {
        self.aligner.accepts(channel) && self.inner.accepts(channel)
    }

    fn status(&self) -> String {
        format!(
            "{}, is behind barrier {}",
            self.inner.status(),
            self.aligner.passed
        )
    }
}

#[test]
fn a_channel_is_not_read_between_its_barrier_and_that_of_the_slowest() {
    let mut aligner = Aligner::new(3, 4, None);
    assert_eq!(aligner.barrier(1, 5).unwrap(), None);
    assert_eq!(
        [0, 1, 2].map(|channel| aligner.accepts(channel)),
        [true, false, true]
    );
    assert_eq!(aligner.barrier(0, 5).unwrap(), None);
    assert_eq!(aligner.end(2), Some(5));
    assert_eq!([0, 1, 2].map(|channel| aligner.accepts(channel)), [true; 3]);
    assert!(aligner.barrier(0, 7).is_err());
    assert_eq!(aligner.barrier(0, 6).unwrap(), None);
    assert_eq!(aligner.end(1), Some(6));
    assert_eq!(aligner.end(0), None);
}
