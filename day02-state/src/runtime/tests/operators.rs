//! What the jobs of these tests are made of.

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::keys::{self, Owners};
use crate::operator::Message::{self, Control, Data};
use crate::operator::{Batch, Input, Keyed, Operator, Out, Outcome, Turn};
use crate::runtime::Mail;
use crate::status::Status;

pub(super) const MILLI: Duration = Duration::from_millis(1);

pub(super) type Barrier = u32;

#[path = "../../../tests/runtime/numbers.rs"]
mod numbers;
pub(super) use numbers::{Numbers, owner};

/// A source that says what is on its list, all of it in one turn.
pub(super) struct Says(pub(super) Vec<Message<u64, Barrier>>);

impl Operator<Barrier> for Says {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, _: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, Barrier>) -> Outcome<Turn> {
        for word in take(&mut self.0) {
            match word {
                Data(number) => out.data(Numbers(vec![number])),
                Control(barrier) => out.control(barrier),
            }
        }
        Ok(Turn::Done)
    }
}

/// Passes everything on, mail too.
pub(super) struct Relay;

impl Operator<Barrier> for Relay {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, rows: Numbers, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        out.data(rows);
        Ok(())
    }

    fn on_mail(&mut self, barrier: Barrier, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        out.control(barrier);
        Ok(())
    }
}

/// What a sink has seen, in order.
pub(super) type Log = Arc<Mutex<Vec<Message<u64, Barrier>>>>;

/// The numbers before, between and behind the barriers, each sorted.
pub(super) fn sections(log: &Log) -> Vec<Vec<u64>> {
    let mut sections = vec![Vec::new()];
    for word in log.lock().unwrap().iter() {
        match word {
            Data(number) => sections.last_mut().unwrap().push(*number),
            Control(_) => sections.push(Vec::new()),
        }
    }
    sections.iter_mut().for_each(|section| section.sort_unstable());
    sections
}

/// A sink that aligns, which is nothing special if it has one channel.
pub(super) struct Align {
    /// The channels on which the barrier has come in.
    behind: BTreeSet<usize>,
    channels: usize,
    log: Log,
}

pub(super) fn align(channels: usize, log: &Log) -> Align {
    Align {
        behind: BTreeSet::new(),
        channels,
        log: log.clone(),
    }
}

impl Operator<Barrier> for Align {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, rows: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        self.log.lock().unwrap().extend(rows.0.into_iter().map(Data));
        Ok(())
    }

    fn on_control(&mut self, input: Input, barrier: Barrier, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        self.behind.insert(input.channel);
        if self.behind.len() == self.channels {
            self.behind.clear();
            self.log.lock().unwrap().push(Control(barrier));
        }
        Ok(())
    }

    fn accepts(&self, channel: usize) -> bool {
        !self.behind.contains(&channel)
    }

    fn status(&mut self, status: &mut Status) {
        let barriers = format!("has {} of {} barriers", self.behind.len(), self.channels);
        status.phrases.push(barriers);
    }
}

/// A sink that rests for a millisecond before each packet.
pub(super) struct Slow<S> {
    sink: S,
    until: Duration,
    resting: bool,
    tired: bool,
}

pub(super) fn slow<S>(sink: S) -> Slow<S> {
    Slow {
        sink,
        until: Duration::ZERO,
        resting: true,
        tired: true,
    }
}

impl<C: Clone + Send, S: Operator<C>> Operator<C> for Slow<S> {
    type In = S::In;
    type Out = S::Out;

    fn on_data(&mut self, input: Input, rows: S::In, out: Out<'_, Self::Out, C>) -> Outcome {
        self.tired = true;
        self.sink.on_data(input, rows, out)
    }

    fn on_control(&mut self, input: Input, control: C, out: Out<'_, Self::Out, C>) -> Outcome {
        self.tired = true;
        self.sink.on_control(input, control, out)
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        if take(&mut self.tired) {
            self.until = now + MILLI;
        }
        self.resting = now < self.until;
        Ok(match self.resting {
            true => Turn::Wait(Some(self.until)),
            false => Turn::Done,
        })
    }

    fn accepts(&self, channel: usize) -> bool {
        !self.resting && self.sink.accepts(channel)
    }
}
/// Asks one source after the other for the barrier, the next one when the one before has acknowledged.
pub(super) struct Coordinator {
    mails: std::vec::IntoIter<Mail<Barrier>>,
    /// When it begins.
    at: Duration,
    due: bool,
}

pub(super) fn coordinator(at: Duration, mails: Vec<Mail<Barrier>>) -> Coordinator {
    Coordinator {
        at,
        mails: mails.into_iter(),
        due: true,
    }
}

impl Operator<Barrier> for Coordinator {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, _: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        self.due = true;
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, Barrier>) -> Outcome<Turn> {
        if now < self.at {
            return Ok(Turn::Wait(Some(self.at)));
        }
        if take(&mut self.due)
            && let Some(mail) = self.mails.next()
        {
            mail.send(1);
        }
        Ok(Turn::Done)
    }
}
