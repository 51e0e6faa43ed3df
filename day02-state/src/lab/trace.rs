//! An adapter that writes down what the operator inside it takes and sends. Later days stack their adapters in the same way:
//! handle what is one's own, hand on the rest.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::operator::{EndReason, Input, Operator, Out, Outcome, Output, Turn};
use crate::status::Status;

/// One thing that happened at a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, by the clock of the job.
    pub time: Duration,
    /// The task.
    pub task: String,
    /// What.
    pub what: What,
}

/// What can happen at a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It took these rows from a channel.
    Took(usize, Vec<String>),
    /// It sent these rows.
    Sent(Vec<String>),
    /// It ended.
    Ended,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:10}  ", self.task)?;
        match &self.what {
            What::Took(channel, rows) => write!(f, "takes  {}  from channel {channel}", rows.join(", ")),
            What::Sent(rows) => write!(f, "sends  {}", rows.join(", ")),
            What::Ended => write!(f, "ends"),
        }
    }
}

/// Where events are written down, in the order in which they happen.
#[derive(Debug, Default, Clone)]
pub struct Trace(Arc<Mutex<Vec<Event>>>);

impl Trace {
    /// Everything so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, time: Duration, task: &str, what: What) {
        let task = task.to_string();
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(Event { time, task, what });
    }
}

/// Rows in words, one for each; none for what need not be shown.
pub type InWords<D> = fn(&D) -> Vec<String>;

/// An operator whose doings are written down.
pub struct Traced<O, In, Out> {
    inner: O,
    task: String,
    trace: Trace,
    taken: InWords<In>,
    sent: InWords<Out>,
    now: Duration,
}

impl<O, In, Out> Traced<O, In, Out> {
    /// `inner`, as the task of this name.
    pub fn new(inner: O, task: &str, trace: &Trace, taken: InWords<In>, sent: InWords<Out>) -> Self {
        Traced {
            inner,
            task: task.to_string(),
            trace: trace.clone(),
            taken,
            sent,
            now: Duration::ZERO,
        }
    }
}

/// An output that writes down what passes.
struct Watched<'a, D, C> {
    out: &'a mut dyn Output<D, C>,
    trace: &'a Trace,
    task: &'a str,
    now: Duration,
    sent: InWords<D>,
}

impl<D, C> Output<D, C> for Watched<'_, D, C> {
    fn data(&mut self, data: D) {
        let rows = (self.sent)(&data);
        if !rows.is_empty() {
            self.trace.note(self.now, self.task, What::Sent(rows));
        }
        self.out.data(data);
    }

    fn control(&mut self, control: C) {
        self.out.control(control);
    }
}

/// Calls the inner operator with an output that is watched.
macro_rules! inner {
    ($self:ident, $out:ident, $call:ident ( $($argument:expr),* )) => {{
        let watched = &mut Watched {
            out: $out,
            trace: &$self.trace,
            task: &$self.task,
            now: $self.now,
            sent: $self.sent,
        };
        $self.inner.$call($($argument,)* watched)
    }};
}

impl<C: Clone + Send, O: Operator<C>> Operator<C> for Traced<O, O::In, O::Out> {
    type In = O::In;
    type Out = O::Out;

    fn on_data(&mut self, input: Input, data: O::In, out: Out<'_, Self::Out, C>) -> Outcome {
        let rows = (self.taken)(&data);
        if !rows.is_empty() {
            self.trace
                .note(self.now, &self.task, What::Took(input.channel, rows));
        }
        inner!(self, out, on_data(input, data))
    }

    fn on_control(&mut self, input: Input, control: C, out: Out<'_, Self::Out, C>) -> Outcome {
        inner!(self, out, on_control(input, control))
    }

    fn on_mail(&mut self, control: C, out: Out<'_, Self::Out, C>) -> Outcome {
        inner!(self, out, on_mail(control))
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        self.now = now;
        inner!(self, out, on_turn(now))
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        inner!(self, out, on_input_end(input, how))
    }

    fn on_flush(&mut self, out: Out<'_, Self::Out, C>) -> Outcome {
        inner!(self, out, on_flush())
    }

    fn on_drain(&mut self, out: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        inner!(self, out, on_drain())
    }

    fn on_stop(&mut self) {
        self.inner.on_stop();
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        self.trace.note(self.now, &self.task, What::Ended);
        inner!(self, out, on_end(how))
    }

    fn accepts(&self, channel: usize) -> bool {
        self.inner.accepts(channel)
    }

    fn status(&mut self, status: &mut Status) {
        self.inner.status(status);
    }
}
