//! Who says when there is a checkpoint, and when it is complete.
//!
//! The coordinator is a task like any other. It hears from each task on a lane of its own, and speaks by mail. A
//! checkpoint is complete when all tasks have sent their parts. A source that has ended counts with the parts it sent
//! last, for it has sent no row since; one that was stopped has, so its checkpoint will never be complete.

use std::sync::mpsc;
use std::time::Duration;

use day02_state::operator::{EndReason, Failure, Input, Operator, Out, Outcome, Turn};
use day02_state::runtime::{Mail, Stop};
use day02_state::state::{Owner, Part};

use super::marks::Mark;
use super::plan::{Ending, Fate, Fault, Plan};
use super::signals::{Aside, Signal};

/// A checkpoint that is complete.
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    pub id: u64,
    /// Of each task its parts, in the order of the lanes: sources first.
    pub parts: Vec<Vec<Part>>,
    /// When its barrier was mailed, and when the last parts came.
    pub started: Duration,
    pub completed: Duration,
}

/// What is known of a task.
#[derive(Debug, Clone, Default)]
struct Lane {
    drained: bool,
    ended: Option<EndReason>,
    /// The number of the last snapshot, and its parts.
    last: (u64, Vec<Part>),
}

/// Which tasks have sent the parts of the checkpoint that is under way.
#[derive(Debug)]
pub struct Ledger {
    lanes: Vec<Lane>,
    sources: usize,
    /// The last checkpoint that was begun, and whether all its parts are to be waited for.
    id: u64,
    running: bool,
    fault: Option<Fault>,
}

impl Ledger {
    /// Of so many tasks, of which the first are sources. The first checkpoint will be the one behind `from`.
    pub fn new(tasks: usize, sources: usize, from: u64, fault: Option<Fault>) -> Self {
        Ledger {
            lanes: vec![Lane::default(); tasks],
            sources,
            id: from,
            running: false,
            fault,
        }
    }

    /// Begins a checkpoint.
    pub fn begin(&mut self) -> u64 {
        self.id += 1;
        self.running = true;
        self.id
    }

    pub fn is_running(&self) -> bool {
        self.running
    }

    pub fn drained(&mut self, lane: usize) {
        self.lanes[lane].drained = true;
    }

    /// Whether no source has anything more to send.
    pub fn all_drained(&self) -> bool {
        self.lanes[..self.sources].iter().all(|lane| lane.drained)
    }

    /// Whether no source is there any more to send a barrier.
    pub fn all_sources_ended(&self) -> bool {
        self.lanes[..self.sources].iter().all(|lane| lane.ended.is_some())
    }

    pub fn all_ended(&self) -> bool {
        self.lanes.iter().all(|lane| lane.ended.is_some())
    }

    /// Parts have come.
    pub fn parts(&mut self, lane: usize, id: u64, parts: Vec<Part>) -> Result<(), Failure> {
        match self.lanes[lane].last.0 {
            before if before >= id || id > self.id => {
                Err(format!("snapshot {id} behind {before} on lane {lane}").into())
            }
            _ => {
                self.lanes[lane].last = (id, parts);
                Ok(())
            }
        }
    }

    /// A task has ended.
    pub fn ended(&mut self, lane: usize, how: EndReason) {
        self.lanes[lane].ended = Some(how);
    }

    /// The checkpoint that has become complete, with the parts of all tasks.
    pub fn complete(&mut self) -> Option<(u64, Vec<Vec<Part>>)> {
        let counts = |(place, lane): (usize, &Lane)| {
            let at_its_end = match lane.ended {
                Some(EndReason::Drained) => true,
                Some(EndReason::Stopped) => self.fault == Some(Fault::StoppedIsDrained),
                None => false,
            };
            lane.last.0 == self.id || (place < self.sources && at_its_end)
        };
        let complete = self.running && self.lanes.iter().enumerate().all(counts);
        self.running &= !complete;
        complete.then(|| {
            (
                self.id,
                self.lanes.iter().map(|lane| lane.last.1.clone()).collect(),
            )
        })
    }
}

/// Begins checkpoints, and says when they are complete.
pub struct Coordinator {
    ledger: Ledger,
    ending: Ending,
    interval: Duration,
    /// The checkpoint behind which the job is to stop.
    suspends: Option<u64>,
    stop: Stop,
    due: Duration,
    started: Duration,
    /// The checkpoint that is the last one: all sources were at their ends before it, or were told to pause.
    last: Option<u64>,
    sources: Vec<Mail<Signal<Mark>>>,
    others: Vec<Mail<Signal<Mark>>>,
    checkpoints: mpsc::Sender<Checkpoint>,
}

impl Coordinator {
    pub fn new(
        ledger: Ledger,
        plan: &Plan,
        stop: Stop,
        sources: Vec<Mail<Signal<Mark>>>,
        others: Vec<Mail<Signal<Mark>>>,
        checkpoints: mpsc::Sender<Checkpoint>,
    ) -> Self {
        Coordinator {
            ledger,
            ending: plan.ending,
            interval: plan.interval,
            suspends: match plan.fate {
                Some(Fate::Suspends(id)) => Some(id),
                _ => None,
            },
            stop,
            due: plan.interval,
            started: Duration::ZERO,
            last: None,
            sources,
            others,
            checkpoints,
        }
    }

    fn tell_sources(&self, signal: Signal<Mark>) {
        self.sources.iter().for_each(|mail| mail.send(signal));
    }

    fn tell_complete(&self, id: u64) {
        // Sources may end at the word, and those behind them after that: they must have it in their mail by then.
        self.others
            .iter()
            .for_each(|mail| mail.send(Signal::Complete(id)));
        self.tell_sources(Signal::Complete(id));
        match self.last {
            Some(last) if last == id && self.suspends == Some(id) => self.stop.ask(),
            Some(last) if last == id => self.tell_sources(Signal::Finish),
            _ => {}
        }
    }
}

impl Operator for Coordinator {
    type In = Vec<Aside>;
    type Out = ();
    type Control = Signal<Mark>;

    fn on_data(&mut self, input: Input, asides: Vec<Aside>, _: Out<'_, Self>) -> Outcome {
        for aside in asides {
            match aside {
                Aside::Parts(id, parts) => self.ledger.parts(input.channel, id, parts)?,
                Aside::Drained => self.ledger.drained(input.channel),
            }
        }
        Ok(())
    }

    fn on_control(&mut self, _: Input, _: Self::Control, _: Out<'_, Self>) -> Outcome {
        // A split sends it both ways; here it says nothing that the parts do not say.
        Ok(())
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, _: Out<'_, Self>) -> Outcome {
        self.ledger.ended(input.channel, how);
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self>) -> Outcome<Turn> {
        if let Some((id, parts)) = self.ledger.complete() {
            self.checkpoints.send(Checkpoint {
                id,
                parts,
                started: self.started,
                completed: now,
            })?;
            self.tell_complete(id);
            self.due = now + self.interval;
        }
        if self.ledger.all_ended() {
            return Ok(Turn::Done);
        }
        let is_last = self.ending == Ending::Together && self.ledger.all_drained();
        if self.ledger.is_running() || self.last.is_some() || self.ledger.all_sources_ended() {
            return Ok(Turn::Wait(None));
        }
        if now < self.due && !is_last {
            return Ok(Turn::Wait(Some(self.due)));
        }
        self.started = now;
        let id = self.ledger.begin();
        if self.suspends == Some(id) {
            self.tell_sources(Signal::Pause);
        }
        self.last = (is_last || self.suspends == Some(id)).then_some(id);
        self.tell_sources(Signal::Barrier(id));
        Ok(Turn::Wait(None))
    }

    fn status(&self) -> String {
        format!(
            "checkpoint {} is under way: {}",
            self.ledger.id, self.ledger.running
        )
    }
}

#[test]
fn a_source_at_its_end_counts_with_its_last_parts_and_one_that_was_stopped_does_not() {
    let part = |at: u8| Part {
        name: "position".to_string(),
        owner: Owner::First,
        bytes: vec![at],
    };
    for (how, complete) in [
        (EndReason::Drained, Some((2, vec![vec![part(1)], vec![part(2)]]))),
        (EndReason::Stopped, None),
    ] {
        let mut ledger = Ledger::new(2, 1, 0, None);
        assert_eq!(ledger.begin(), 1);
        ledger.parts(0, 1, vec![part(1)]).unwrap();
        assert_eq!(ledger.complete(), None);
        ledger.parts(1, 1, vec![part(1)]).unwrap();
        assert!(ledger.complete().is_some());
        assert_eq!(ledger.begin(), 2);
        ledger.parts(1, 2, vec![part(2)]).unwrap();
        assert!(ledger.parts(1, 2, Vec::new()).is_err());
        ledger.ended(0, how);
        assert_eq!(ledger.complete(), complete, "{how:?}");
    }
}
