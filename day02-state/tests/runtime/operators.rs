//! What the tests share: rows, a few operators, a log, and the two drivers behind one name.

use std::mem::take;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use day02_state::error::JobError;
use day02_state::keys::{self, Owners};
use day02_state::operator::Message::{self, Control, Data};
use day02_state::operator::{Batch, EndReason, Input, Keyed, Operator, Out, Outcome, Output, Turn};
use day02_state::outbox::Either;
use day02_state::runtime::{Buffers, Job, Stop, run_threads};
use day02_state::status::Status;
use day02_state::stepper::run_stepper;

pub const MILLI: Duration = Duration::from_millis(1);

pub type Barrier = u32;
pub type Word = Message<u64, Barrier>;
pub type Inbox = day02_state::runtime::Inbox<Numbers, Barrier>;
pub type Outbox = day02_state::outbox::Outbox<Numbers, Barrier>;
pub type Edge = day02_state::runtime::Edge<Numbers, Barrier>;

/// Room for so many packets of so many rows, which wait 10 ms for each other.
pub fn buffers(capacity: usize, rows: usize) -> Buffers {
    Buffers {
        capacity,
        rows,
        linger: 10 * MILLI,
    }
}

// -------------------------------------------------------------------------------------------------------------- rows

#[path = "numbers.rs"]
mod numbers;
pub use numbers::{Numbers, owner};

// ----------------------------------------------------------------------------------------------------------- drivers

/// What runs a job.
#[derive(Debug, Clone, Copy)]
pub enum Driver {
    Seed(u64),
    Threads,
}

impl Driver {
    pub fn run(self, job: Job, stop: &Stop) -> Result<(), JobError> {
        match self {
            Driver::Seed(seed) => run_stepper(job, seed, stop, &mut |_, _, _| ()),
            Driver::Threads => run_threads(job, stop),
        }
    }
}

/// Says under which driver a test has failed.
struct Named(Driver);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("under {:?}", self.0);
        }
    }
}

/// Runs a test under so many seeds, and so many times with threads.
pub fn both(seeds: u64, times: usize, test: impl Fn(Driver)) {
    let threads = std::iter::repeat_n(Driver::Threads, times);
    for driver in (0..seeds).map(Driver::Seed).chain(threads) {
        let _named = Named(driver);
        test(driver);
    }
}

// --------------------------------------------------------------------------------------------------------- operators

/// A call to an operator, as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Data(Input, Numbers),
    Control(Input, Barrier),
    Mail(Barrier),
    Turn(Duration),
    InputEnd(Input, EndReason),
    End(EndReason),
}

/// An operator that is nothing but what it does when it is called; the answer counts for turns only.
pub struct Does<F>(F);

pub fn does<F>(act: F) -> Does<F>
where
    F: FnMut(Call, &mut dyn Output<Numbers, Barrier>) -> Outcome<Turn> + Send,
{
    Does(act)
}

/// Without when it came, which depends on the driver; `time.rs` looks at that.
fn where_from(input: Input) -> Input {
    Input {
        now: Duration::ZERO,
        ..input
    }
}

impl<F> Operator<Barrier> for Does<F>
where
    F: FnMut(Call, &mut dyn Output<Numbers, Barrier>) -> Outcome<Turn> + Send,
{
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, input: Input, rows: Numbers, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        (self.0)(Call::Data(where_from(input), rows), out).map(drop)
    }

    fn on_control(&mut self, input: Input, barrier: Barrier, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        (self.0)(Call::Control(where_from(input), barrier), out).map(drop)
    }

    fn on_mail(&mut self, barrier: Barrier, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        (self.0)(Call::Mail(barrier), out).map(drop)
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, Barrier>) -> Outcome<Turn> {
        (self.0)(Call::Turn(now), out)
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        (self.0)(Call::InputEnd(where_from(input), how), out).map(drop)
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        (self.0)(Call::End(how), out).map(drop)
    }
}

/// Passes on what came in.
pub fn pass_on(call: Call, out: &mut dyn Output<Numbers, Barrier>) -> Outcome<Turn> {
    match call {
        Call::Data(_, rows) => out.data(rows),
        Call::Control(_, barrier) => out.control(barrier),
        _ => {}
    }
    Ok(Turn::Done)
}

/// A source that is nothing but its turns.
pub fn source(
    mut turn: impl FnMut(Duration, &mut dyn Output<Numbers, Barrier>) -> Turn + Send,
) -> impl Operator<Barrier, In = Numbers, Out = Numbers> {
    does(move |call, out| match call {
        Call::Turn(now) => Ok(turn(now, out)),
        _ => Ok(Turn::Done),
    })
}

/// A source that says what is on its list, so many words in a turn.
pub fn says(
    words: impl IntoIterator<Item = Word>,
    in_a_turn: usize,
) -> impl Operator<Barrier, In = Numbers, Out = Numbers> {
    let words: Vec<Word> = words.into_iter().collect();
    let mut words = words.into_iter();
    source(move |_, out| {
        for word in words.by_ref().take(in_a_turn) {
            say(word, out);
        }
        match words.len() {
            0 => Turn::Done,
            _ => Turn::Again,
        }
    })
}

pub fn say(word: Word, out: &mut dyn Output<Numbers, Barrier>) {
    match word {
        Data(number) => out.data(Numbers(vec![number])),
        Control(barrier) => out.control(barrier),
    }
}

/// An operator that says only what it must: everything else is left as it is by default.
pub struct Plain;

impl Operator<Barrier> for Plain {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, rows: Numbers, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        out.data(rows);
        Ok(())
    }
}

/// Even rows to the left, odd ones to the right.
pub struct Sorts;

impl Operator<Barrier> for Sorts {
    type In = Numbers;
    type Out = Either<Numbers, Numbers>;

    fn on_data(&mut self, _: Input, rows: Numbers, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        for number in rows.0 {
            out.data(match number % 2 {
                0 => Either::Left(Numbers(vec![number])),
                _ => Either::Right(Numbers(vec![number])),
            });
        }
        Ok(())
    }
}

/// Reads nothing from a channel behind a barrier until it has come in on all of them, and then passes it on, once.
pub struct Aligns<O> {
    inner: O,
    behind: Vec<usize>,
    channels: usize,
}

pub fn aligns<O>(channels: usize, inner: O) -> Aligns<O> {
    Aligns {
        inner,
        behind: Vec::new(),
        channels,
    }
}

impl<C: Clone + Send, O: Operator<C>> Operator<C> for Aligns<O> {
    type In = O::In;
    type Out = O::Out;

    fn on_data(&mut self, input: Input, rows: O::In, out: Out<'_, Self::Out, C>) -> Outcome {
        self.inner.on_data(input, rows, out)
    }

    fn on_control(&mut self, input: Input, control: C, out: Out<'_, Self::Out, C>) -> Outcome {
        self.behind.push(input.channel);
        if self.behind.len() < self.channels {
            return Ok(());
        }
        self.behind.clear();
        self.inner.on_control(input, control, out)
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        self.inner.on_end(how, out)
    }

    fn accepts(&self, channel: usize) -> bool {
        !self.behind.contains(&channel)
    }

    fn status(&mut self, status: &mut Status) {
        let barriers = format!("has {} of {} barriers", self.behind.len(), self.channels);
        status.phrases.push(barriers);
    }
}

/// Reads from all other channels only when the one that is first has ended.
pub struct Ordered<O> {
    inner: O,
    first: usize,
    over: bool,
}

pub fn ordered<O>(first: usize, inner: O) -> Ordered<O> {
    Ordered {
        inner,
        first,
        over: false,
    }
}

impl<C: Clone + Send, O: Operator<C>> Operator<C> for Ordered<O> {
    type In = O::In;
    type Out = O::Out;

    fn on_data(&mut self, input: Input, rows: O::In, out: Out<'_, Self::Out, C>) -> Outcome {
        self.inner.on_data(input, rows, out)
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        self.over |= input.channel == self.first;
        self.inner.on_input_end(input, how, out)
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        self.inner.on_end(how, out)
    }

    fn accepts(&self, channel: usize) -> bool {
        self.over || channel == self.first
    }
}

/// A sink that rests for a millisecond before each packet, and then tells how many rows it has.
pub struct Slow<F> {
    tell: F,
    until: Duration,
    resting: bool,
    tired: bool,
}

pub fn slow<F: FnMut(usize) + Send>(tell: F) -> Slow<F> {
    Slow {
        tell,
        until: Duration::ZERO,
        resting: true,
        tired: true,
    }
}

impl<F: FnMut(usize) + Send> Operator<Barrier> for Slow<F> {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, rows: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        self.tired = true;
        (self.tell)(rows.0.len());
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, Barrier>) -> Outcome<Turn> {
        if take(&mut self.tired) {
            self.until = now + MILLI;
        }
        self.resting = now < self.until;
        Ok(match self.resting {
            true => Turn::Wait(Some(self.until)),
            false => Turn::Done,
        })
    }

    fn accepts(&self, _: usize) -> bool {
        !self.resting
    }
}

// --------------------------------------------------------------------------------------------------------------- log

/// All calls to an operator but its turns.
#[derive(Debug, Default, Clone)]
pub struct Log(Arc<Mutex<Vec<Call>>>);

impl Log {
    pub fn add(&self, call: &Call) {
        if !matches!(call, Call::Turn(_)) {
            self.0.lock().unwrap().push(call.clone());
        }
    }

    /// An operator that passes everything on, and is logged.
    pub fn keeper(&self) -> impl Operator<Barrier, In = Numbers, Out = Numbers> + use<> {
        let log = self.clone();
        does(move |call, out| {
            log.add(&call);
            pass_on(call, out)
        })
    }

    pub fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().clone()
    }

    /// What has come in on all channels, row by row.
    pub fn words(&self) -> Vec<Word> {
        self.words_where(|_| true)
    }

    /// What has come in on this channel, row by row.
    pub fn words_of(&self, channel: usize) -> Vec<Word> {
        self.words_where(|input| input.channel == channel)
    }

    fn words_where(&self, wanted: impl Fn(Input) -> bool) -> Vec<Word> {
        let mut words = Vec::new();
        for call in self.calls() {
            match call {
                Call::Data(input, rows) if wanted(input) => words.extend(rows.0.into_iter().map(Data)),
                Call::Control(input, barrier) if wanted(input) => words.push(Control(barrier)),
                _ => {}
            }
        }
        words
    }

    /// The rows among `words`.
    pub fn rows(&self) -> Vec<u64> {
        let words = self.words().into_iter();
        words
            .filter_map(|word| {
                if let Data(number) = word {
                    Some(number)
                } else {
                    None
                }
            })
            .collect()
    }
}
