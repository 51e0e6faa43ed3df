//! Where rows come from: a script that is drawn from a seed, a source that plays it, and its adapter for checkpoints.
//!
//! A source has no channels, so a barrier reaches it by mail. It snapshots where it is, and sends the barrier behind that.
//! It does not end with its script, but when nothing that it has sent can be needed again.

use std::sync::Arc;
use std::time::Duration;

use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::outbox::Either;
use day02_state::rows::Rows;
use day02_state::runtime::Stop;
use day02_state::state::{Frozen, Owner, Part, Stateful};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::marks::{Dated, FINAL, Mark};
use super::parts::{Reader, encode};
use super::plan::{Ending, Fate, Fault};
use super::signals::{Aside, Signal, Snapshots, Within};

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub time: i64,
    pub kind: Kind,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A row of this source with this id.
    Row { source: usize, id: u64 },
    /// A window that has closed with so many rows.
    Window { rows: u64 },
}

impl Dated for Rows<Event> {
    fn oldest(&self) -> Option<i64> {
        self.values().iter().map(|event| event.time).min()
    }
}

/// A key in the rows of this test.
pub fn key_of(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |key, byte| key << 8 | u64::from(*byte))
}

/// What a source does.
#[derive(Debug, Clone, Copy)]
pub enum Line {
    Row { key: u64, event: Event },
    Mark(Mark),
}

/// Numbers drawn from a seed.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }
}

/// The script of a source: rows, and marks that are right about those behind them.
pub fn script(seed: u64, source: usize, rows: u64) -> Arc<[Line]> {
    let mut dice = Dice::new(seed * 2 + source as u64);
    let mut clock = 0;
    let mut events: Vec<(u64, Event, bool)> = Vec::new();
    for row in 0..rows {
        clock += dice.below(4) as i64;
        let event = Event {
            time: clock + dice.below(20) as i64,
            kind: Kind::Row {
                source,
                id: 10_000 * source as u64 + row,
            },
        };
        events.push((dice.below(9), event, dice.below(4) == 0));
    }
    let mut lines = vec![Line::Mark(FINAL)];
    let mut lowest = FINAL;
    for (key, event, marked) in events.into_iter().rev() {
        if marked {
            lines.push(Line::Mark(lowest));
        }
        lowest = lowest.min(Mark(event.time));
        lines.push(Line::Row { key, event });
    }
    lines.into_iter().rev().collect()
}

/// Plays a script, some lines in a turn.
pub struct Player {
    name: String,
    lines: Arc<[Line]>,
    at: usize,
    /// The mark that those behind it do not know any more.
    repeats: Option<Mark>,
    burst: usize,
    pace: Option<Duration>,
    due: Duration,
    fate: Option<(Fate, Stop)>,
}

impl Player {
    pub fn new(name: &str, lines: Arc<[Line]>, burst: usize) -> Self {
        Player {
            name: name.to_string(),
            lines,
            at: 0,
            repeats: None,
            burst,
            pace: None,
            due: Duration::ZERO,
            fate: None,
        }
    }

    /// A source that waits between two turns, and something that befalls it.
    pub fn with(self, pace: Option<Duration>, fate: Option<(Fate, Stop)>) -> Self {
        Player { pace, fate, ..self }
    }
}

impl Operator for Player {
    type In = ();
    type Out = Rows<Event>;
    type Control = Mark;

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self>) -> Outcome {
        Err("a source has no channels".into())
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self>) -> Outcome<Turn> {
        if let Some(mark) = self.repeats.take() {
            out.control(mark);
        }
        if now < self.due {
            return Ok(Turn::Wait(Some(self.due)));
        }
        let mut rows = Rows::new();
        for line in self.lines.iter().skip(self.at).take(self.burst) {
            self.at += 1;
            match line {
                Line::Row { key, event } => rows.push(&key.to_le_bytes(), *event),
                Line::Mark(mark) => {
                    out.data(std::mem::take(&mut rows));
                    out.control(*mark);
                }
            }
        }
        out.data(rows);
        match &self.fate {
            Some((Fate::Stops { at, .. }, stop)) if *at <= self.at => stop.ask(),
            Some((Fate::Dies { at, .. }, _)) if *at <= self.at => return Err("its time has come".into()),
            _ => {}
        }
        Ok(match self.pace {
            _ if self.at == self.lines.len() => Turn::Done,
            None => Turn::Again,
            Some(pace) => {
                self.due = now + pace;
                Turn::Wait(Some(self.due))
            }
        })
    }
}

impl Stateful for Player {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let part = Part {
            name: "position".to_string(),
            owner: Owner::Split(self.name.clone()),
            bytes: encode([self.at as u64]),
        };
        Frozen::new(move || vec![part])
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in &parts {
            self.at = Reader::new(part).word()? as usize;
        }
        let mut before = self.lines.iter().take(self.at).rev();
        self.repeats = before.find_map(|line| match line {
            Line::Mark(mark) => Some(*mark),
            Line::Row { .. } => None,
        });
        Ok(())
    }
}

/// Takes a source's snapshots at the barriers that come by mail, and keeps it from ending too soon.
pub struct Injected<S> {
    snapshots: Snapshots,
    ending: Ending,
    fault: Option<Fault>,
    inner: S,
    state: Sending,
}

/// How far a source has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Sends,
    /// It could send more, but may not.
    Paused,
    /// It has nothing more to send; a snapshot with this number says so.
    Drained(Option<u64>),
    Finished,
}

impl<S> Injected<S> {
    pub fn new(snapshots: Snapshots, ending: Ending, fault: Option<Fault>, inner: S) -> Self {
        Injected {
            snapshots,
            ending,
            fault,
            inner,
            state: Sending::Sends,
        }
    }
}

impl<S: Operator + Stateful> Operator for Injected<S> {
    type In = S::In;
    type Out = Either<S::Out, Vec<Aside>>;
    type Control = Signal<S::Control>;

    fn on_data(&mut self, input: Input, data: S::In, out: Out<'_, Self>) -> Outcome {
        self.inner.on_data(input, data, &mut Within(out))
    }

    fn on_mail(&mut self, signal: Self::Control, out: Out<'_, Self>) -> Outcome {
        match (signal, self.state) {
            (Signal::Inner(control), _) => self.inner.on_mail(control, &mut Within(out))?,
            // All that it has sent is safe. Who has ended is not waited for.
            (Signal::Barrier(_), Sending::Finished) => {}
            (Signal::Barrier(id), state) => {
                self.snapshots.take(&mut self.inner, id, out)?;
                if state == Sending::Drained(None) {
                    self.state = Sending::Drained(Some(id));
                }
            }
            (Signal::Complete(id), state) => {
                self.inner.on_checkpoint_complete(id);
                if self.ending == Ending::Each && state == Sending::Drained(Some(id)) {
                    self.state = Sending::Finished;
                }
            }
            (Signal::Pause, Sending::Sends) => self.state = Sending::Paused,
            (Signal::Pause, _) => {}
            (Signal::Finish, Sending::Drained(_)) => self.state = Sending::Finished,
            (Signal::Finish, _) => return Err("it has more to send".into()),
        }
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self>) -> Outcome<Turn> {
        let wanted = match self.state {
            Sending::Sends => match self.inner.on_turn(now, &mut Within(out))? {
                Turn::Done => {
                    out.data(Either::Right(vec![Aside::Drained]));
                    self.state = Sending::Drained(None);
                    Turn::Again
                }
                turn => turn,
            },
            Sending::Drained(_) if self.fault == Some(Fault::EndsAtOnce) => Turn::Done,
            Sending::Drained(_) | Sending::Paused => Turn::Wait(None),
            Sending::Finished => Turn::Done,
        };
        Ok(self.snapshots.turn(&mut self.inner, wanted, out))
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self>) -> Outcome {
        self.inner.on_end(how, &mut Within(out))
    }

    fn status(&self) -> String {
        format!("{:?}", self.state)
    }
}
