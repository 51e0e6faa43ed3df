//! Who says when there is a checkpoint, and when it is durable.
//!
//! The coordinator is a task like any other. It hears from each task on a channel of its own, and speaks by mail.
//!
//! ```text
//!  due ─► mail barrier n ─► … all tasks have acknowledged ─► store, step by step ─► durable ─► mail complete n
//!           to sources                                                               │
//!                                       the last one: sources may finish ◄───────────┘
//! ```
//!
//! 1. A checkpoint is complete when *all* tasks have sent their state, and durable when the store says so. Nobody is told
//!    before that; what was told cannot be taken back.
//! 2. One at a time. The next one is due an interval after the beginning of the one before, but not before that has ended.
//! 3. One that takes too long is given up, and the next one gets twice the time. Without that, a job whose checkpoints
//!    are slower than the limit never completes any.
//! 4. When all sources are drained, or when the job is asked to stop, there is a last one. After that nothing is sent
//!    any more, so it covers everything. A job that is to stop does not wait for tasks that cannot acknowledge it,
//!    because what they wait for hangs: after a second it stops without, and the next run goes on from the checkpoint
//!    before. A store has a second more.
//! 5. Sources hear of a durable checkpoint after all other tasks: they may end when they hear of it, and the tasks
//!    behind them then end too, so all of them must have it in their mail by then.

mod cost;

use std::time::Duration;

use day01_consumer::first_of;
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::runtime::{Mail, Stop};
use day02_state::state::Frozen;
use day02_state::status::{NAMED, Status, StatusBoard};

use crate::fault::{Fault, put_in};
use crate::signal::{Ack, Signal};
use crate::store::{CheckpointStorage, Progress};
pub use cost::{ALIGNMENT_MILLIS, CHECKPOINT_BYTES, CHECKPOINT_MILLIS, Cost, STORE_MILLIS};

/// How long a job that is to stop waits for all tasks to acknowledge the last checkpoint.
const STOPS_WITHIN: Duration = Duration::from_secs(1);
/// How soon a store that is at work elsewhere is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// When there are checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// From the beginning of one to the beginning of the next; none for only a last one.
    pub interval: Option<Duration>,
    /// How long one may take before it is given up, at first.
    pub timeout: Duration,
}

impl Schedule {
    /// So often; without an interval, only when somebody asks and at the end.
    pub fn every(interval: Option<Duration>) -> Self {
        Schedule {
            interval,
            timeout: Duration::from_secs(60),
        }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule::every(Some(Duration::from_secs(1)))
    }
}

/// What happens to checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This one is durable.
    Durable(u64, Cost),
    /// This one was given up after so long; these tasks had not acknowledged it, and this is how they stood: at most
    /// [`NAMED`] of them, and how many more.
    Aborted(u64, Duration, String),
}

/// Whoever hears of them.
pub type Listener = Box<dyn FnMut(Event) + Send>;

/// A task that takes part.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name.
    pub task: String,
    /// The id under which its state is saved.
    pub operator: String,
    pub is_source: bool,
    /// What it has sent for the checkpoint that is under way, and for how long it has held channels back.
    pub state: Option<(Frozen, Duration)>,
    pub drained: bool,
    pub ended: bool,
}

/// How far the checkpoint under way has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is none.
    Rests,
    /// Not all tasks have acknowledged it.
    Gathers { started: Duration, deadline: Duration },
    /// The store is at work, since all have acknowledged it.
    Stores { started: Duration, complete: Duration },
}

/// Begins checkpoints, and says when they are durable.
pub struct Coordinator<C> {
    members: Vec<Member>,
    sources: Vec<Mail<Signal<C>>>,
    others: Vec<Mail<Signal<C>>>,
    /// Where checkpoints are kept; without one they only divide the stream.
    store: Option<Box<dyn CheckpointStorage>>,
    schedule: Schedule,
    listener: Listener,
    stop: Stop,
    /// Where tasks say what they wait for.
    board: StatusBoard,
    /// The last one that was begun.
    id: u64,
    phase: Phase,
    /// What the one under way, or the last one, has cost.
    cost: Cost,
    due: Option<Duration>,
    timeout: Duration,
    /// Whether the job is to stop.
    suspends: bool,
    /// When it stops even without a last checkpoint, once it is to.
    stops_at: Option<Duration>,
    /// The one that is the last, once it was begun.
    last: Option<u64>,
}

impl<C: Clone> Coordinator<C> {
    /// Checkpoints begin behind `restored`, which is 0 in a job that begins.
    pub(crate) fn new(
        (members, sources, others): Members<C>,
        store: Option<Box<dyn CheckpointStorage>>,
        schedule: Schedule,
        listener: Listener,
        (stop, board, restored): (Stop, StatusBoard, u64),
    ) -> Self {
        Coordinator {
            members,
            sources,
            others,
            store,
            schedule,
            listener,
            stop,
            board,
            id: restored,
            phase: Phase::Rests,
            cost: Cost::default(),
            due: None,
            timeout: schedule.timeout,
            suspends: false,
            stops_at: None,
            last: None,
        }
    }

    /// The tasks that have not acknowledged the checkpoint under way.
    fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = self.members.iter().filter(|member| member.state.is_none());
        missing.map(|member| member.task.as_str())
    }

    fn all_sources(&self, are: impl Fn(&Member) -> bool) -> bool {
        self.members.iter().filter(|member| member.is_source).all(are)
    }

    // ANCHOR: begin
    fn begin(&mut self, now: Duration) {
        self.id += 1;
        self.phase = Phase::Gathers {
            started: now,
            deadline: now.saturating_add(self.timeout),
        };
        self.due = self.schedule.interval.map(|interval| now + interval);
        if self.suspends {
            self.tell_sources(&Signal::Pause);
        }
        if self.suspends || self.all_sources(|source| source.drained) {
            self.last = Some(self.id);
        }
        self.tell_sources(&Signal::Barrier(self.id));
    }

    fn give_up(&mut self, now: Duration, started: Duration) {
        let missing = self.missing().map(|task| match self.board.task(task) {
            Some(status) => format!("{task} ({status})"),
            None => task.to_string(),
        });
        let missing: Vec<String> = missing.collect();
        let missing = first_of(&missing, NAMED, ", ");
        (self.listener)(Event::Aborted(self.id, now - started, missing));
        self.members.iter_mut().for_each(|member| member.state = None);
        self.phase = Phase::Rests;
        self.last = None;
        if !put_in(Fault::TimeoutStays) {
            self.timeout = self.timeout.saturating_mul(2);
        }
    }
    // ANCHOR_END: begin

    /// All have acknowledged: everything goes to the store.
    fn store(&mut self, started: Duration, complete: Duration) -> Outcome {
        self.cost = Cost::default();
        let members = self.members.iter_mut();
        let states = members.map(|member| {
            let (state, aligned) = member.state.take().unwrap_or_default();
            self.cost.aligned = self.cost.aligned.max(aligned);
            (member.operator.clone(), state)
        });
        let states = states.collect();
        if let Some(store) = &mut self.store {
            store.begin(self.id, states)?;
        }
        self.phase = Phase::Stores { started, complete };
        Ok(())
    }

    /// The next step of the store, if there is one.
    fn step(&mut self) -> Outcome<Option<Progress>> {
        Ok(self.store.as_mut().map(|store| store.step()).transpose()?)
    }

    // ANCHOR: durable
    fn durable(&mut self, took: Duration, stored: Duration) {
        self.phase = Phase::Rests;
        self.timeout = self.schedule.timeout.max(self.timeout / 2);
        self.cost = Cost {
            took,
            stored,
            size: self.store.as_ref().map(|store| store.size()).unwrap_or_default(),
            ..self.cost
        };
        (self.listener)(Event::Durable(self.id, self.cost));
        self.others
            .iter()
            .for_each(|mail| mail.send(Signal::Complete(self.id)));
        self.tell_sources(&Signal::Complete(self.id));
        match (self.last, self.suspends) {
            (None, _) => {}
            (Some(_), true) => self.stop.ask(),
            (Some(_), false) => self.tell_sources(&Signal::Finish),
        }
    }
    // ANCHOR_END: durable

    fn tell_sources(&self, signal: &Signal<C>) {
        self.sources.iter().for_each(|mail| mail.send(signal.clone()));
    }

    /// Begins the next checkpoint, if it is time to.
    fn look_for_next(&mut self, now: Duration) -> Turn {
        if self.last.is_some() || self.stop.is_asked() || self.all_sources(|source| source.ended) {
            // Nothing is left to be saved.
            if self.suspends {
                self.stop.ask();
            }
            return Turn::Wait(None);
        }
        let wanted = self.suspends || self.all_sources(|source| source.drained);
        match self.due {
            _ if wanted => {}
            Some(due) if due <= now => {}
            due => return Turn::Wait(due),
        }
        self.begin(now);
        Turn::Again
    }
}

impl<C: Clone + Send> Operator<Signal<C>> for Coordinator<C> {
    type In = Vec<Ack>;
    type Out = ();

    fn on_data(&mut self, input: Input, acks: Vec<Ack>, _: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        let gathers = matches!(self.phase, Phase::Gathers { .. });
        let member = &mut self.members[input.channel];
        for ack in acks {
            match ack {
                Ack::Drained => member.drained = true,
                // What belongs to a checkpoint that was given up is worth nothing, and would stand in the next one, also
                // while that has not begun.
                Ack::State(id, state, aligned) if gathers && id == self.id => {
                    member.state = Some((state, aligned))
                }
                Ack::State(..) => {}
            }
        }
        Ok(())
    }

    /// What stands between acknowledgements says nothing that they do not say.
    fn on_control(&mut self, _: Input, _: Signal<C>, _: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        Ok(())
    }

    fn on_mail(&mut self, signal: Signal<C>, _: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        match signal {
            Signal::Suspend => {
                self.suspends = true;
                Ok(())
            }
            _ => Err("this does not go to the coordinator".into()),
        }
    }

    fn on_input_end(&mut self, input: Input, _: EndReason, _: Out<'_, Self::Out, Signal<C>>) -> Outcome {
        self.members[input.channel].ended = true;
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, Signal<C>>) -> Outcome<Turn> {
        if self.due.is_none() {
            self.due = self.schedule.interval.map(|interval| now + interval);
        }
        if self.suspends {
            self.stops_at.get_or_insert(now + STOPS_WITHIN);
        }
        if self.members.iter().all(|member| member.ended) {
            return Ok(Turn::Done);
        }
        match self.phase {
            Phase::Rests => match self.step()? {
                // It removes what it does not keep.
                Some(Progress::Again) => {}
                _ => return Ok(self.look_for_next(now)),
            },
            Phase::Gathers { started, deadline } => {
                let all = self.members.iter().all(|member| member.state.is_some());
                let deadline = self.stops_at.map_or(deadline, |stops_at| stops_at.min(deadline));
                match all {
                    true => self.store(started, now)?,
                    false if now >= deadline => {
                        self.give_up(now, started);
                        if self.stops_at.is_some_and(|stops_at| now >= stops_at) {
                            self.stop.ask();
                        }
                    }
                    false => return Ok(Turn::Wait(Some(deadline))),
                }
            }
            Phase::Stores { started, complete } => match self.step()? {
                None | Some(Progress::Durable(_)) => self.durable(now - started, now - complete),
                Some(Progress::Pending) if self.stops_at.is_some_and(|at| now >= at + STOPS_WITHIN) => {
                    self.phase = Phase::Rests;
                    let missing = "the place where checkpoints are kept".to_string();
                    (self.listener)(Event::Aborted(self.id, now - started, missing));
                    self.stop.ask();
                }
                Some(Progress::Pending) => return Ok(Turn::Wait(Some(now + LOOK_AGAIN))),
                Some(_) => {}
            },
        }
        Ok(Turn::Again)
    }

    fn status(&mut self, status: &mut Status) {
        let missing: Vec<&str> = self.missing().collect();
        status.phrases.push(match self.phase {
            Phase::Rests => format!("the last checkpoint was {}", self.id),
            Phase::Gathers { .. } => {
                let missing = first_of(&missing, NAMED, ", ");
                format!("checkpoint {} waits for {missing}", self.id)
            }
            Phase::Stores { .. } => format!("checkpoint {} is being stored", self.id),
        });
        status.gauges.extend(self.cost.gauges());
    }
}

/// The tasks of a job, and where mail to its sources and to everybody else goes.
pub(crate) type Members<C> = (Vec<Member>, Vec<Mail<Signal<C>>>, Vec<Mail<Signal<C>>>);

#[cfg(test)]
mod tests;
