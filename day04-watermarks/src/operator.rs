//! How an operator gets its watermarks: an adapter around it, with a valve over all channels of its task.
//!
//! ```text
//!   channel 0 ─ rows ──────────────► operator ─ results ─► results, then the watermark
//!   channel 0 ─ watermark ─► valve ─────▲
//!   channel 1 ─ watermark ─────┘  when the lowest has moved
//! ```
//!
//! 1. The operator is told of a watermark before it goes on, so that what it has to say about it stands before it.
//!    Whoever comes next, another window for instance, finds these rows in time.
//! 2. What a restored task has said before it was stopped is its floor, and the first thing that it says again.
//! 3. What the operator has to say may be much: a thousand windows close at once. Then it takes several turns. The watermark
//!    goes on with each of them as far as it has come, so that nobody behind has to keep it all, and nothing is read until
//!    everything is said. The operator needs no input to go on, so nothing can hang on that.
//!
//! The operator sees neither channels nor watermarks that say nothing new. Watermarks travel with the rows: they are in
//! no hurry, since there is nothing to do about them before the rows are there.

use std::collections::VecDeque;
use std::time::Duration;

use day01_consumer::source::Source;
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::state::{Frozen, Owner, Part, Stateful};
use day02_state::status::Status;
use day03_windows::time::EventTime;

use crate::fault::{Fault, put_in};
use crate::valve::WatermarkValve;
use crate::watermark::Watermark;

/// The name of the watermark among the parts of a snapshot.
const WATERMARK: &str = "watermark";

// ANCHOR: on_watermark
/// An operator that is told how far event time has come.
pub trait OnWatermark: Operator<Watermark> {
    /// No row follows whose timestamp is before this. Gives the time up to which all is said about it: if there is much to
    /// say, an earlier one, and then it is called with the same watermark again, and nothing comes before that.
    fn on_watermark(&mut self, at: EventTime, out: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime>;
}
// ANCHOR_END: on_watermark

/// The watermark that an operator had announced when these parts of it were saved; none if it had not.
pub fn watermark_in(parts: &[Part]) -> Option<EventTime> {
    let saved = parts.iter().filter(|part| part.name == WATERMARK);
    saved.filter_map(announced).max()
}

fn announced(part: &Part) -> Option<EventTime> {
    let bytes = part.bytes.as_slice().try_into().ok()?;
    Some(EventTime(i64::from_le_bytes(bytes)))
}

/// An operator with the valve over its channels.
pub struct WatermarkOperator<O> {
    valve: WatermarkValve,
    /// Whether it has to say again what it had said before it was restored.
    repeats: bool,
    /// What the valve has let through, and the operator has not said everything about.
    unsaid: VecDeque<Watermark>,
    /// Whether its state is saved when the job has stopped: then everything is said first.
    is_saved: bool,
    /// Whether the job stops: then nothing more is said.
    stopped: bool,
    inner: O,
}

impl<O> WatermarkOperator<O> {
    /// An operator whose task has so many channels.
    pub fn new(channels: usize, inner: O) -> Self {
        WatermarkOperator {
            valve: WatermarkValve::new(channels),
            repeats: false,
            unsaid: VecDeque::new(),
            is_saved: false,
            stopped: false,
            inner,
        }
    }

    /// The same operator, whose state is saved when the job has stopped.
    pub fn saved_at_the_end(self, is_saved: bool) -> Self {
        WatermarkOperator { is_saved, ..self }
    }

    /// The same, of which these channels are idle from the start: see [`without_splits`].
    pub fn with_idle(mut self, channels: &[usize]) -> Self {
        channels
            .iter()
            .for_each(|channel| self.valve.starts_idle(*channel));
        self
    }
}

/// The sources that have no split to read, by their numbers: they have nothing to say, unless a split appears. They say so
/// themselves, but rows of the others may be there before; if these found the watermark held back, which of them are late
/// would depend on who is faster.
pub fn without_splits<S: Source>(sources: &[S]) -> Vec<usize> {
    let numbered = sources.iter().enumerate();
    let without = numbered.filter(|(_, source)| source.splits().is_empty());
    without.map(|(number, _)| number).collect()
}

impl<O: OnWatermark> WatermarkOperator<O> {
    // ANCHOR: say
    /// Goes on with what is to be said. A watermark goes on as far as everything is said about it.
    fn say(&mut self, out: Out<'_, O::Out, Watermark>) -> Outcome {
        while let Some(watermark) = self.unsaid.front().copied() {
            if let Watermark::At(at) = watermark {
                let said = self.inner.on_watermark(at, out)?;
                self.inner.on_flush(out)?;
                if said < at {
                    out.control_with_rows(Watermark::At(said));
                    return Ok(());
                }
            }
            out.control_with_rows(watermark);
            self.unsaid.pop_front();
        }
        Ok(())
    }
    // ANCHOR_END: say
}

impl<O: OnWatermark> Operator<Watermark> for WatermarkOperator<O> {
    type In = O::In;
    type Out = O::Out;

    fn on_data(&mut self, input: Input, data: O::In, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.inner.on_data(input, data, out)
    }

    fn on_control(
        &mut self,
        input: Input,
        watermark: Watermark,
        out: Out<'_, Self::Out, Watermark>,
    ) -> Outcome {
        let passed = self.valve.on_watermark(input.channel, watermark);
        if !self.stopped {
            self.unsaid.extend(passed.watermarks());
        }
        self.say(out)
    }

    fn on_mail(&mut self, watermark: Watermark, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.inner.on_mail(watermark, out)
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        let turn = self.inner.on_turn(now, out)?;
        if std::mem::take(&mut self.repeats) {
            let again = self.valve.watermark().map(Watermark::At);
            again.into_iter().for_each(|again| out.control_with_rows(again));
        }
        self.say(out)?;
        match self.unsaid.is_empty() {
            true => Ok(turn),
            false => Ok(Turn::Again),
        }
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.inner.on_input_end(input, how, out)
    }

    fn on_flush(&mut self, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.inner.on_flush(out)
    }

    fn on_drain(&mut self, out: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        self.inner.on_drain(out)
    }

    /// From here on windows may be left open that should have closed, and so the state must not be saved any more.
    fn on_stop(&mut self) {
        if !self.is_saved {
            self.unsaid.clear();
            self.stopped = true;
        }
        self.inner.on_stop();
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.inner.on_end(how, out)
    }

    fn accepts(&self, channel: usize) -> bool {
        self.unsaid.is_empty() && self.inner.accepts(channel)
    }

    fn status(&mut self, status: &mut Status) {
        self.inner.status(status);
        status.phrases.push(match self.valve.watermark() {
            Some(at) => format!("its watermark is {at}"),
            None => "it has no watermark yet".to_string(),
        });
    }
}

impl<O: Stateful> Stateful for WatermarkOperator<O> {
    fn snapshot(&mut self, id: u64) -> Frozen {
        let said = self.valve.watermark();
        let part = |said: EventTime| Part {
            name: WATERMARK.to_string(),
            owner: Owner::Every,
            bytes: said.0.to_le_bytes().to_vec(),
        };
        let said = Frozen::new(move || said.map(part).into_iter().collect());
        self.inner.snapshot(id).and(said)
    }

    fn on_checkpoint_complete(&mut self, id: u64) {
        self.inner.on_checkpoint_complete(id);
    }

    /// The workers of a stage have all said the same, unless an input was idle for some of them; then the one that is
    /// ahead counts.
    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        let (said, parts): (Vec<Part>, Vec<Part>) =
            parts.into_iter().partition(|part| part.name == WATERMARK);
        for part in said {
            let at = announced(&part).ok_or_else(|| part.bad("it is no time"))?;
            if !put_in(Fault::NoFloor) {
                self.valve.set_floor(at);
            }
            self.repeats = true;
        }
        self.inner.restore(parts)
    }
}

#[cfg(test)]
mod tests {
    use day03_windows::time::Span;

    use super::*;
    use crate::fault;

    /// An operator that says what it is told, so many milliseconds of it in a turn.
    struct Says {
        in_a_turn: i64,
        said: EventTime,
    }

    impl Says {
        fn at_once() -> Self {
            Says::slowly(i64::MAX)
        }

        fn slowly(in_a_turn: i64) -> Self {
            let said = EventTime(0);
            Says { in_a_turn, said }
        }
    }

    impl Operator<Watermark> for Says {
        type In = ();
        type Out = EventTime;

        fn on_data(&mut self, _: Input, (): (), _: Out<'_, EventTime, Watermark>) -> Outcome {
            Ok(())
        }
    }

    impl OnWatermark for Says {
        fn on_watermark(&mut self, at: EventTime, out: Out<'_, EventTime, Watermark>) -> Outcome<EventTime> {
            self.said = at.min(self.said.plus(Span(self.in_a_turn)));
            out.data(self.said);
            Ok(self.said)
        }
    }

    impl Stateful for Says {
        fn snapshot(&mut self, _: u64) -> Frozen {
            Frozen::new(Vec::new)
        }

        fn restore(&mut self, _: Vec<Part>) -> Outcome {
            Ok(())
        }
    }

    fn channel(channel: usize) -> Input {
        Input {
            port: 0,
            channel,
            now: Duration::ZERO,
        }
    }

    #[test]
    fn a_watermark_goes_on_as_far_as_everything_is_said_and_meanwhile_nothing_is_read_unless_the_job_stops() {
        let (mut slow, mut times) = (WatermarkOperator::new(1, Says::slowly(4)), Times::default());
        let at = |millis| Watermark::At(EventTime(millis));
        slow.on_control(channel(0), at(10), &mut times).unwrap();
        assert!(!slow.accepts(0) && times == Times(vec![4], vec![4]));
        assert_eq!(slow.on_turn(Duration::ZERO, &mut times).unwrap(), Turn::Again);
        assert_eq!(slow.on_turn(Duration::ZERO, &mut times).unwrap(), Turn::Done);
        assert!(slow.accepts(0) && times == Times(vec![4, 8, 10], vec![4, 8, 10]));
        slow.on_control(channel(0), at(20), &mut times).unwrap();
        slow.on_stop();
        slow.on_control(channel(0), at(30), &mut times).unwrap();
        assert_eq!(slow.on_turn(Duration::ZERO, &mut times).unwrap(), Turn::Done);
        assert!(slow.accepts(0) && times == Times(vec![4, 8, 10, 14], vec![4, 8, 10, 14]));
        let mut saved = WatermarkOperator::new(1, Says::slowly(4)).saved_at_the_end(true);
        saved.on_control(channel(0), at(10), &mut times).unwrap();
        saved.on_stop();
        assert_eq!(saved.on_turn(Duration::ZERO, &mut times).unwrap(), Turn::Again);
    }

    /// Which times the operator was told, and which went on.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Times(Vec<i64>, Vec<i64>);

    impl day02_state::operator::Output<EventTime, Watermark> for Times {
        fn data(&mut self, told: EventTime) {
            self.0.push(told.0);
        }

        fn control(&mut self, watermark: Watermark) {
            if let Watermark::At(at) = watermark {
                self.1.push(at.0);
            }
        }
    }

    /// A task that has said 10 goes on with more channels, and these are behind it at first.
    fn restored(fault: Option<Fault>) -> Outcome<Times> {
        fault::with(fault, || {
            let at = |millis| Watermark::At(EventTime(millis));
            let (mut before, mut times) = (WatermarkOperator::new(1, Says::at_once()), Times::default());
            before.on_control(channel(0), at(10), &mut times)?;
            let (mut after, mut times) = (WatermarkOperator::new(2, Says::at_once()), Times::default());
            after.restore(before.snapshot(1).parts())?;
            after.on_turn(Duration::ZERO, &mut times)?;
            for (from, millis) in [(0, 5), (1, 6), (0, 13), (1, 14)] {
                after.on_control(channel(from), at(millis), &mut times)?;
            }
            Ok(times)
        })
    }

    #[test]
    fn a_restored_task_without_its_floor_goes_back_behind_what_it_had_said() {
        assert_eq!(restored(None).unwrap(), Times(vec![13], vec![10, 13]));
        // A window that was closed at 10 would be open again for late rows, and the next task hears nothing at first.
        let faulty = restored(Some(Fault::NoFloor)).unwrap();
        assert_eq!(faulty, Times(vec![5, 6, 13], vec![5, 6, 13]));
    }
}
