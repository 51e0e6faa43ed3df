//! The job of this test, wired: a keyed exchange, a tee, two splits, and a diamond that ends in a join.
//!
//! ```text
//!   source-0 ─┬──────────────────────────────────────────► port 0
//!             └─ by key ─► worker-0 ──── pack-0 ────┐      join ──► sink
//!   source-1 ─── by key ─► worker-1 ──── pack-1 ────┴────► port 1
//!                              └─ late rows ─────────────────────► late
//!   every task ── parts ─► coordinator ── mail ─► every task
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

use day02_state::error::JobError;
use day02_state::operator::Operator;
use day02_state::outbox::Outbox;
use day02_state::rows::Rows;
use day02_state::runtime::{
    Edge, Inbox, Job, Mail, Mailbox, Stop, by_key, forward, mailbox, run_threads, single,
};
use day02_state::state::{Part, Stateful, share};
use day02_state::stepper::run_stepper;

use super::coordinator::{Checkpoint, Coordinator, Ledger};
use super::marks::{Mark, Timed, Valve};
use super::operators::{Join, Pack, Worker};
use super::plan::{Fate, Plan};
use super::signals::{Aligned, Aligner, Aside, Signal, Snapshots};
use super::sink::{Arrival, Sink};
use super::sources::{Event, Injected, Line, Player};

/// The scripts of the sources.
pub type Scripts = [Arc<[Line]>; SOURCES];

/// How many sources there are.
pub const SOURCES: usize = 2;

/// What a run has left behind.
#[derive(Debug)]
pub struct Run {
    pub result: Result<(), JobError>,
    pub workers: usize,
    pub checkpoints: Vec<Checkpoint>,
    pub joined: Vec<Arrival>,
    pub late: Vec<Arrival>,
    /// The last checkpoint that each task behind the sources knows to be complete.
    pub durable: BTreeMap<String, u64>,
}

/// What runs a job.
#[derive(Debug, Clone, Copy)]
pub enum Driver {
    Threads,
    Stepper(u64),
}

/// Runs the job over these scripts, from the end of a checkpoint, or from the beginning.
pub fn run(driver: Driver, scripts: &Scripts, plan: &Plan, from: Option<&(Checkpoint, usize)>) -> Run {
    let (checkpoints, all_checkpoints) = mpsc::channel();
    let (joined, all_joined) = mpsc::channel();
    let (late, all_late) = mpsc::channel();
    let (durable, all_durable) = mpsc::channel();
    let told = Told {
        checkpoints,
        joined,
        late,
        durable,
    };
    let stop = Stop::new();
    let result = wire(scripts, plan, from, told, &stop).and_then(|job| match driver {
        Driver::Threads => run_threads(job, &stop),
        Driver::Stepper(seed) => run_stepper(job, seed, &stop, &mut |_, _, _| {}),
    });
    Run {
        result,
        workers: plan.workers,
        checkpoints: all_checkpoints.try_iter().collect(),
        joined: all_joined.try_iter().collect(),
        late: all_late.try_iter().collect(),
        durable: all_durable.try_iter().collect(),
    }
}

/// Where a job says what it does.
struct Told {
    checkpoints: mpsc::Sender<Checkpoint>,
    joined: mpsc::Sender<Arrival>,
    late: mpsc::Sender<Arrival>,
    durable: mpsc::Sender<(String, u64)>,
}

/// A job while it is wired.
struct Wiring<'a> {
    job: Job,
    plan: &'a Plan,
    from: Option<&'a (Checkpoint, usize)>,
    durable: mpsc::Sender<(String, u64)>,
    /// How tasks speak to the coordinator, and it to them.
    asides: Inbox<Vec<Aside>, Signal<Mark>>,
    lanes: usize,
    mail: Vec<Mail<Signal<Mark>>>,
}

/// The way out for what goes aside.
type AsideBox = Outbox<Vec<Aside>, Signal<Mark>>;

/// A kind of task: so many of them have such names, and their parts were these.
struct Group {
    parts: Vec<Part>,
    tasks: usize,
}

impl Wiring<'_> {
    /// The group of tasks behind those that are wired, and those that were in its place when the checkpoint was taken.
    fn group(&self, tasks: usize, before: impl Fn(usize) -> std::ops::Range<usize>) -> Group {
        let saved = self
            .from
            .map(|(checkpoint, workers)| &checkpoint.parts[before(*workers)]);
        Group {
            parts: saved.unwrap_or_default().concat(),
            tasks,
        }
    }

    fn passed(&self) -> u64 {
        self.from.map_or(0, |(checkpoint, _)| checkpoint.id)
    }

    fn snapshots(&self) -> Snapshots {
        Snapshots::new(self.plan.acknowledge, self.plan.fault)
    }

    /// What connects a task with the coordinator.
    fn connect(&mut self) -> (AsideBox, Mailbox<Signal<Mark>>) {
        let Edge { outboxes, inboxes } = single(1, self.plan.buffers);
        for inbox in inboxes {
            self.asides = std::mem::replace(&mut self.asides, Inbox::none()).merge(inbox);
        }
        self.lanes += 1;
        let (mail, mailbox) = mailbox();
        self.mail.push(mail);
        let outbox = outboxes.into_iter().next();
        (outbox.unwrap_or_else(Outbox::none), mailbox)
    }

    /// Adds a task behind the sources, with its adapters and its part of the state.
    fn task<O>(
        &mut self,
        name: String,
        (mut operator, place, group): (O, usize, &Group),
        inbox: Inbox<O::In, Signal<Mark>>,
        outbox: Outbox<O::Out, Signal<Mark>>,
    ) -> Result<(), JobError>
    where
        O: Timed + Stateful + 'static,
        Valve<O>: Operator<In = O::In, Out = O::Out, Control = Mark>,
        O::Out: Send,
    {
        restore(
            &name,
            &mut operator,
            share(&group.parts, place, group.tasks, |_| false),
        )?;
        let fault = self.plan.fault;
        let aligned = Aligned::new(
            &name,
            Aligner::new(inbox.channels(), self.passed(), fault),
            self.snapshots(),
            Valve::new(inbox.channels(), fault, operator),
            self.durable.clone(),
        );
        let (asides, mailbox) = self.connect();
        self.job
            .task_with_mail(name, inbox, mailbox, aligned, outbox.split(asides));
        Ok(())
    }
}

fn restore(task: &str, state: &mut impl Stateful, parts: Vec<Part>) -> Result<(), JobError> {
    state.restore(parts).map_err(|bad| JobError::Failed {
        task: task.to_string(),
        failure: bad,
    })
}

fn wire(
    scripts: &Scripts,
    plan: &Plan,
    from: Option<&(Checkpoint, usize)>,
    told: Told,
    stop: &Stop,
) -> Result<Job, JobError> {
    let (buffers, workers) = (plan.buffers, plan.workers);
    let mut wiring = Wiring {
        job: Job::new(),
        plan,
        from,
        durable: told.durable,
        asides: Inbox::none(),
        lanes: 0,
        mail: Vec::new(),
    };

    let exchange: Edge<Rows<Event>, Signal<Mark>> = by_key(SOURCES, workers, buffers);
    let direct = single(1, buffers);
    let mut directs = direct.outboxes.into_iter();
    let sources = wiring.group(SOURCES, |_| 0..SOURCES);
    for (source, outbox) in exchange.outboxes.into_iter().enumerate() {
        let name = format!("source-{source}");
        let is_meant = |fate: &Fate| match fate {
            Fate::Stops { source: meant, .. } | Fate::Dies { source: meant, .. } => *meant == source,
            Fate::Suspends(_) => false,
        };
        let fate = plan.fate.filter(is_meant).map(|fate| (fate, stop.clone()));
        let mut player = Player::new(&name, scripts[source].clone(), plan.burst).with(plan.pace, fate);
        restore(
            &name,
            &mut player,
            share(&sources.parts, source, SOURCES, |split| split == name),
        )?;
        let injected = Injected::new(wiring.snapshots(), plan.ending, plan.fault, player);
        let outbox = match directs.next() {
            Some(direct) => outbox.tee(direct),
            None => outbox,
        };
        let (asides, mailbox) = wiring.connect();
        wiring
            .job
            .task_with_mail(name, Inbox::none(), mailbox, injected, outbox.split(asides));
    }

    let (packed, late) = (forward(workers, buffers), single(workers, buffers));
    let group = wiring.group(workers, |before| SOURCES..SOURCES + before);
    let outboxes = packed.outboxes.into_iter().zip(late.outboxes);
    for (worker, (inbox, (good, late))) in exchange.inboxes.into_iter().zip(outboxes).enumerate() {
        let operator = (Worker::default(), worker, &group);
        wiring.task(format!("worker-{worker}"), operator, inbox, good.split(late))?;
    }

    let matched = single(workers, buffers);
    let group = wiring.group(workers, |before| SOURCES + before..SOURCES + 2 * before);
    for (pack, (inbox, outbox)) in packed.inboxes.into_iter().zip(matched.outboxes).enumerate() {
        let operator = (Pack::default(), pack, &group);
        wiring.task(format!("pack-{pack}"), operator, inbox, outbox)?;
    }

    // Each of the rest is one task with one inbox.
    let place =
        |task: usize| move |before: usize| SOURCES + 2 * before + task..SOURCES + 2 * before + task + 1;
    let joined = single(1, buffers);
    let group = wiring.group(1, place(0));
    let ports = direct.inboxes.into_iter().zip(matched.inboxes);
    for ((direct, packed), outbox) in ports.zip(joined.outboxes) {
        let operator = (Join::default(), 0, &group);
        wiring.task("join".to_string(), operator, direct.join(packed), outbox)?;
    }
    let group = wiring.group(1, place(1));
    for inbox in joined.inboxes {
        let operator = (Sink::new(told.joined.clone()), 0, &group);
        wiring.task("sink".to_string(), operator, inbox, Outbox::none())?;
    }
    let group = wiring.group(1, place(2));
    for inbox in late.inboxes {
        let operator = (Sink::new(told.late.clone()), 0, &group);
        wiring.task("late".to_string(), operator, inbox, Outbox::none())?;
    }

    let others = wiring.mail.split_off(SOURCES);
    let coordinator = Coordinator::new(
        Ledger::new(wiring.lanes, SOURCES, wiring.passed(), plan.fault),
        plan,
        stop.clone(),
        wiring.mail,
        others,
        told.checkpoints,
    );
    wiring
        .job
        .task("coordinator", wiring.asides, coordinator, Outbox::none());
    Ok(wiring.job)
}
