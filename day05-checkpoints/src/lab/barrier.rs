//! Two sources send letters to a task, and each sends a barrier between two of them: what the task takes when, and what
//! its state is when the barrier has passed.
//!
//! ```text
//! source 0   a | b c   ─┐
//!                       ├─► task: keeps all letters that it has taken, in order
//! source 1   x y z | w ─┘
//! ```
//!
//! The job runs under the stepper, with the aligner and the adapter of this day. Two designs stand beside it that this day
//! rejects. [`Waits::Never`] is the same job with an aligner that holds no channel back. And [`Run::anytime`] asks what
//! a restart would come to if each task was saved as it is at one moment, without any barrier.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use day02_state::error::JobError;
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::outbox::Outbox;
use day02_state::runtime::{Buffers, Inbox, Job, Stop, single};
use day02_state::state::{Frozen, Owner, Part, Stateful};
use day02_state::stepper::run_stepper;
use day04_watermarks::watermark::Watermark;

use crate::checkpointed::{CheckpointedOperator, WithAcks};
use crate::dataflow::Control;
use crate::signal::Signal;

/// What the sources send; a bar is the barrier.
pub const TAPES: [&str; 2] = ["a|bc", "xyz|w"];

/// An order of events in which one barrier comes long before the other.
pub const SEED: u64 = 7;

/// Whether a channel that has delivered its barrier waits for the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// As it should.
    UntilAllAreIn,
    /// It is read on.
    Never,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A source sent a letter, or its barrier.
    Sent(usize, char),
    /// The task took a letter from a channel, or a barrier.
    Took(usize, char),
    /// The barrier has passed, and this is the state.
    Saved(String),
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// In order.
    pub events: Vec<Event>,
    /// The letters that the task had at its end.
    pub letters: String,
}

/// What is written down, by all tasks.
#[derive(Debug, Default, Clone)]
struct Notes(Arc<Mutex<Vec<Event>>>);

impl Notes {
    fn note(&self, event: Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// Sends a tape, a letter a turn.
struct Tape {
    number: usize,
    left: std::vec::IntoIter<char>,
    notes: Notes,
}

impl Operator<Control> for Tape {
    type In = ();
    type Out = Vec<char>;

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, Control>) -> Outcome {
        Err("a source has no channels".into())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, Control>) -> Outcome<Turn> {
        let Some(letter) = self.left.next() else {
            return Ok(Turn::Done);
        };
        match letter {
            '|' => out.control(Signal::Barrier(1)),
            letter => out.data(vec![letter]),
        }
        self.notes.note(Event::Sent(self.number, letter));
        Ok(Turn::Again)
    }
}

/// Keeps all letters.
struct Letters {
    letters: Arc<Mutex<String>>,
    notes: Notes,
}

impl Letters {
    fn letters(&self) -> String {
        self.letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Operator<Watermark> for Letters {
    type In = Vec<char>;
    type Out = Vec<()>;

    fn on_data(&mut self, _: Input, letters: Vec<char>, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(letters);
        Ok(())
    }
}

impl Stateful for Letters {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let letters = self.letters();
        self.notes.note(Event::Saved(letters.clone()));
        Frozen::new(move || {
            vec![Part {
                name: "letters".to_string(),
                owner: Owner::First,
                bytes: letters.into_bytes(),
            }]
        })
    }

    fn restore(&mut self, _: Vec<Part>) -> Outcome {
        Err("a run that goes on is given its letters".into())
    }
}

/// Writes down what comes in, and reads on if it shall.
struct Noted {
    inner: CheckpointedOperator<Letters>,
    waits: Waits,
    notes: Notes,
}

impl Operator<Control> for Noted {
    type In = Vec<char>;
    type Out = WithAcks<Vec<()>>;

    fn on_data(&mut self, input: Input, letters: Vec<char>, out: Out<'_, Self::Out, Control>) -> Outcome {
        letters
            .iter()
            .for_each(|letter| self.notes.note(Event::Took(input.channel, *letter)));
        self.inner.on_data(input, letters, out)
    }

    fn on_control(&mut self, input: Input, signal: Control, out: Out<'_, Self::Out, Control>) -> Outcome {
        self.notes.note(Event::Took(input.channel, '|'));
        self.inner.on_control(input, signal, out)
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, out: Out<'_, Self::Out, Control>) -> Outcome {
        self.inner.on_input_end(input, how, out)
    }

    fn accepts(&self, channel: usize) -> bool {
        self.waits == Waits::Never || self.inner.accepts(channel)
    }
}

/// Runs the job; the task begins with these letters.
pub fn run(tapes: [&str; 2], begins_with: &str, waits: Waits, seed: u64) -> Result<Run, JobError> {
    let buffers = Buffers {
        rows: 1,
        ..Buffers::default()
    };
    let (notes, letters) = (Notes::default(), Arc::new(Mutex::new(begins_with.to_string())));
    let (edge, mut job) = (single(tapes.len(), buffers), Job::new());
    for (number, (tape, outbox)) in tapes.iter().zip(edge.outboxes).enumerate() {
        let source = Tape {
            number,
            left: tape.chars().collect::<Vec<char>>().into_iter(),
            notes: notes.clone(),
        };
        job.task(format!("source {number}"), Inbox::none(), source, outbox);
    }
    let inbox = edge.inboxes.into_iter().fold(Inbox::none(), Inbox::merge);
    let inner = Letters {
        letters: Arc::clone(&letters),
        notes: notes.clone(),
    };
    let task = Noted {
        inner: CheckpointedOperator::new(inbox.channels(), 0, inner),
        waits,
        notes: notes.clone(),
    };
    job.task("task", inbox, task, Outbox::none());
    run_stepper(job, seed, &Stop::new(), &mut |_, _, _| {})?;
    let events = notes.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let letters = letters.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Run { events, letters })
}

impl Run {
    /// The state when the barrier had passed.
    pub fn saved(&self) -> &str {
        let saved = self.events.iter().find_map(|event| match event {
            Event::Saved(state) => Some(state.as_str()),
            _ => None,
        });
        saved.unwrap_or_default()
    }

    /// The letters after a crash: the task goes on from what was saved, and the sources from their barriers.
    pub fn after_restart(&self) -> Result<String, JobError> {
        let behind = TAPES.map(|tape| tape.split_once('|').map_or("", |(_, behind)| behind));
        Ok(run(behind, self.saved(), Waits::UntilAllAreIn, 0)?.letters)
    }

    /// At how many moments of the run a letter would be lost if each task was saved as it is, and at how many there are.
    /// What a source has sent and the task has not taken is in neither.
    pub fn anytime(&self) -> (usize, usize) {
        let (mut under_way, mut losing, mut moments) = (0_usize, 0, 0);
        for event in &self.events {
            match event {
                Event::Sent(_, '|') | Event::Took(_, '|') | Event::Saved(_) => continue,
                Event::Sent(..) => under_way += 1,
                Event::Took(..) => under_way -= 1,
            }
            moments += 1;
            losing += usize::from(under_way > 0);
        }
        (losing, moments)
    }
}

/// The letters that are there more than once.
pub fn doubled(letters: &str) -> String {
    let times = |letter: &char| letters.matches(*letter).count();
    let mut doubled: Vec<char> = letters.chars().filter(|letter| times(letter) > 1).collect();
    doubled.sort_unstable();
    doubled.dedup();
    doubled.into_iter().collect()
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = |letter: &char| match letter {
            '|' => "its barrier".to_string(),
            letter => letter.to_string(),
        };
        match self {
            Event::Sent(source, letter) => write!(f, "source {source}  sends {}", what(letter)),
            Event::Took(channel, '|') => write!(f, "task      takes the barrier from channel {channel}"),
            Event::Took(channel, letter) => write!(f, "task      takes {letter} from channel {channel}"),
            Event::Saved(state) => write!(f, "task      saves {state}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_every_order_the_state_is_of_the_letters_before_the_barrier_and_each_is_there_once_after_a_restart()
    {
        for seed in 0..200 {
            let run = run(TAPES, "", Waits::UntilAllAreIn, seed).expect("it runs");
            let mut saved: Vec<char> = run.saved().chars().collect();
            saved.sort_unstable();
            assert_eq!(saved, ['a', 'x', 'y', 'z'], "{seed}");
            let after = run.after_restart().expect("it runs");
            assert_eq!((after.len(), doubled(&after)), (7, String::new()), "{seed}");
        }
    }

    #[test]
    fn without_waiting_some_orders_double_a_letter_and_none_loses_one() {
        let mut doubling = 0;
        for seed in 0..200 {
            let run = run(TAPES, "", Waits::Never, seed).expect("it runs");
            let after = run.after_restart().expect("it runs");
            assert!(
                "abcwxyz".chars().all(|letter| after.contains(letter)),
                "{seed}: {after}"
            );
            doubling += usize::from(!doubled(&after).is_empty());
        }
        assert!((50..200).contains(&doubling), "{doubling}");
    }
}
