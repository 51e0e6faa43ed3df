//! What the liveness rules of `runtime` are for: for each fault a small job that comes out right under every seed, and
//! that hangs, or comes out wrong, as soon as the fault is put back in.
//!
//! The first two rules are about a task that *aligns*: behind a barrier it reads nothing from a channel until the barrier
//! has come in on all of them. It so leaves its neighbours stuck on purpose, and they must not wait for each other then.
//!
//! ```text
//!            ┌───────── direct ─────────┐
//!   source ──┤                          ├─► align
//!            └─ detour ─► relay ────────┘
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::JobError;
use crate::fault::{self, Fault};
use crate::keys::{self, Owners};
use crate::operator::Message::{self, Control, Data};
use crate::operator::{Batch, Input, Keyed, Operator, Out, Outcome, Turn};
use crate::outbox::{Either, Outbox};
use crate::runtime::{Buffers, Edge, Inbox, Job, Mail, Stop, broadcast, by_key, mailbox, single};
use crate::status::Status;
use crate::stepper::run_stepper;

const SEEDS: u64 = 300;
const MILLI: Duration = Duration::from_millis(1);

/// A packet for each row, and room for one of them.
const TIGHT: Buffers = Buffers {
    capacity: 1,
    rows: 1,
    linger: Duration::ZERO,
};

type Barrier = u32;

/// Rows that are their own keys.
#[derive(Debug, Default, Clone)]
struct Numbers(Vec<u64>);

impl Batch for Numbers {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn cut(self, rows: usize) -> Vec<Self> {
        self.0.cut(rows).into_iter().map(Numbers).collect()
    }
}

impl Keyed for Numbers {
    fn scatter(self, owners: &Owners, lanes: &mut [Self]) {
        for number in self.0 {
            lanes[lane_of(owners, number)].0.push(number);
        }
    }
}

fn lane_of(owners: &Owners, number: u64) -> usize {
    owners.lane(keys::hash(&number.to_le_bytes()))
}

// ---------------------------------------------------------------------------------------------------------- verdicts

/// How a job came out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Right,
    Wrong,
    /// It hung; who waits for whom.
    Hangs(String),
}

/// Runs a job; if it does not hang, `right` says how it came out.
fn judge(job: Job, seed: u64, right: impl FnOnce() -> bool) -> Verdict {
    match run_stepper(job, seed, &Stop::new(), &mut |_, _, _| ()) {
        Ok(()) if right() => Verdict::Right,
        Ok(()) => Verdict::Wrong,
        Err(JobError::Stuck(who)) => Verdict::Hangs(who),
        Err(other) => panic!("seed {seed}: {other}"),
    }
}

/// What a scenario comes to under all seeds, with under how many of them.
fn under_all_seeds<T: Ord>(fault: Option<Fault>, scenario: impl Fn(u64) -> T) -> BTreeMap<T, u64> {
    let mut seen = BTreeMap::new();
    for seed in 0..SEEDS {
        *seen.entry(fault::with(fault, || scenario(seed))).or_default() += 1;
    }
    seen
}

#[track_caller]
fn assert_right_without_a_fault(scenario: impl Fn(u64) -> Verdict) {
    assert_eq!(
        under_all_seeds(None, scenario),
        BTreeMap::from([(Verdict::Right, SEEDS)])
    );
}

/// Who waits for whom in a job that hangs under every seed, and always in the same way.
#[track_caller]
fn the_hang(fault: Fault, scenario: impl Fn(u64) -> Verdict) -> String {
    let seen: Vec<Verdict> = under_all_seeds(Some(fault), scenario).into_keys().collect();
    match seen.as_slice() {
        [Verdict::Hangs(who)] => who.clone(),
        other => panic!("not one hang, but {other:?}"),
    }
}

// --------------------------------------------------------------------------------------------------------- operators

/// A source that says what is on its list, all of it in one turn.
struct Says(Vec<Message<u64, Barrier>>);

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
struct Relay;

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
type Log = Arc<Mutex<Vec<Message<u64, Barrier>>>>;

/// The numbers before, between and behind the barriers, each sorted.
fn sections(log: &Log) -> Vec<Vec<u64>> {
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
struct Align {
    /// The channels on which the barrier has come in.
    behind: BTreeSet<usize>,
    channels: usize,
    log: Log,
}

fn align(channels: usize, log: &Log) -> Align {
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
struct Slow<S> {
    sink: S,
    until: Duration,
    resting: bool,
    tired: bool,
}

fn slow<S>(sink: S) -> Slow<S> {
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

// ------------------------------------------------ rule 1: one lane, or branch, that is stuck holds back no other

/// A source that says all this in one turn; its ways to `align` are the channels of `direct` and `detour`.
fn two_ways(
    says: &[Message<u64, Barrier>],
    source: Outbox<Numbers, Barrier>,
    direct: Inbox<Numbers, Barrier>,
    detour: Inbox<Numbers, Barrier>,
) -> (Job, Log) {
    let log = Log::default();
    let mut relay: Edge<Numbers, Barrier> = single(1, TIGHT);
    let mut job = Job::new();
    job.task("source", Inbox::none(), Says(says.to_vec()), source);
    job.task("relay", detour, Relay, relay.outboxes.remove(0));
    job.task(
        "align",
        direct.join(relay.inboxes.remove(0)),
        align(2, &log),
        Outbox::none(),
    );
    (job, log)
}

/// A row, a barrier, and more rows than the direct way has room for: two lanes of an edge that deals out copies.
fn two_lanes(seed: u64) -> Verdict {
    let mut edge = broadcast(1, 2, TIGHT);
    let [direct, detour] = [edge.inboxes.remove(0), edge.inboxes.remove(0)];
    let says = [Data(1), Control(1), Data(2), Data(3)];
    let (job, log) = two_ways(&says, edge.outboxes.remove(0), direct, detour);
    judge(job, seed, || sections(&log) == [vec![1, 1], vec![2, 2, 3, 3]])
}

/// The same with an edge that deals out by key; behind the barrier there are rows only for the direct way.
fn two_lanes_by_key(seed: u64) -> Verdict {
    let mut edge = by_key(1, 2, TIGHT);
    let [direct, detour] = [edge.inboxes.remove(0), edge.inboxes.remove(0)];
    let owners = Owners::of(2);
    let mut of_direct = (0..).filter(|number| lane_of(&owners, *number) == 0);
    let [a, b, c] = std::array::from_fn(|_| of_direct.next().unwrap());
    let says = [Data(a), Control(1), Data(b), Data(c)];
    let (job, log) = two_ways(&says, edge.outboxes.remove(0), direct, detour);
    judge(job, seed, || sections(&log) == [vec![a], vec![b, c]])
}

/// The same with an edge for each way.
fn two_branches(seed: u64) -> Verdict {
    let (mut direct, mut detour) = (single(1, TIGHT), single(1, TIGHT));
    let both = direct.outboxes.remove(0).tee(detour.outboxes.remove(0));
    let says = [Data(1), Control(1), Data(2), Data(3)];
    let (job, log) = two_ways(&says, both, direct.inboxes.remove(0), detour.inboxes.remove(0));
    judge(job, seed, || sections(&log) == [vec![1, 1], vec![2, 2, 3, 3]])
}

#[test]
fn a_stuck_lane_that_holds_back_the_others_keeps_the_barrier_from_the_relay() {
    assert_right_without_a_fault(two_lanes);
    insta::assert_snapshot!(the_hang(Fault::StuckLaneHoldsBackOthers, two_lanes), @r"
    source: waits for input (its output is stuck)
    relay: waits for input (source may send)
    align: has 1 of 2 barriers (source is held back, 1 waiting; relay may send)
    ");
    assert_right_without_a_fault(two_lanes_by_key);
    insta::assert_snapshot!(the_hang(Fault::StuckLaneHoldsBackOthers, two_lanes_by_key), @r"
    source: waits for input (its output is stuck)
    relay: waits for input (source may send)
    align: has 1 of 2 barriers (source is held back, 1 waiting; relay may send)
    ");
}

#[test]
fn a_stuck_branch_that_holds_back_the_other_keeps_the_barrier_from_the_relay() {
    assert_right_without_a_fault(two_branches);
    insta::assert_snapshot!(the_hang(Fault::StuckBranchHoldsBackOther, two_branches), @r"
    source: waits for input (its output is stuck)
    relay: waits for input (source may send)
    align: has 1 of 2 barriers (source is held back, 1 waiting; relay may send)
    ");
}

#[test]
fn lanes_and_branches_are_two_rules_because_each_fault_shows_only_in_its_own_job() {
    let right = BTreeMap::from([(Verdict::Right, SEEDS)]);
    assert_eq!(
        under_all_seeds(Some(Fault::StuckBranchHoldsBackOther), two_lanes),
        right
    );
    assert_eq!(
        under_all_seeds(Some(Fault::StuckLaneHoldsBackOthers), two_branches),
        right
    );
}

// ----------------------------------------------- rule 2: a stuck task does not go on, but its linger does

/// A source that has a row in every turn, so many times.
struct Busy {
    turns: usize,
    produced: Arc<AtomicUsize>,
}

impl Operator<Barrier> for Busy {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, _: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, Barrier>) -> Outcome<Turn> {
        if self.turns == 0 {
            return Ok(Turn::Done);
        }
        self.turns -= 1;
        let number = self.produced.fetch_add(1, Ordering::Relaxed);
        out.data(Numbers(vec![number as u64]));
        Ok(Turn::Again)
    }
}

const BUSY: Buffers = Buffers {
    capacity: 1,
    rows: 3,
    linger: Duration::from_millis(10),
};

/// The most rows that ever lay between a source that always wants another turn and a slow sink.
fn backlog(seed: u64) -> usize {
    let (produced, log) = (Arc::new(AtomicUsize::new(0)), Log::default());
    let mut edge = single(1, BUSY);
    let mut job = Job::new();
    let source = Busy {
        turns: 100,
        produced: produced.clone(),
    };
    job.task("source", Inbox::none(), source, edge.outboxes.remove(0));
    job.task(
        "sink",
        edge.inboxes.remove(0),
        slow(align(1, &log)),
        Outbox::none(),
    );
    let mut most = 0;
    let mut watch = |_, _: &str, _| {
        let between = produced.load(Ordering::Relaxed) - log.lock().unwrap().len();
        most = most.max(between);
    };
    run_stepper(job, seed, &Stop::new(), &mut watch).unwrap();
    assert_eq!(sections(&log), [(0..100).collect::<Vec<u64>>()]);
    most
}

#[test]
fn a_stuck_task_that_goes_on_queues_everything_it_has() {
    // What the channel holds, and the packet that does not fit.
    let bound = (BUSY.capacity + 1) * BUSY.rows;
    assert_eq!(under_all_seeds(None, backlog), BTreeMap::from([(bound, SEEDS)]));
    let faulty = under_all_seeds(Some(Fault::StepsWhileStuck), backlog);
    assert_eq!(faulty, BTreeMap::from([(100, SEEDS)]));
}

/// A source that waits until it is asked for its barrier, sends it, acknowledges, and goes on with its rows.
struct Asked {
    rows: std::vec::IntoIter<u64>,
    asked: bool,
}

impl Operator<Barrier> for Asked {
    type In = Numbers;
    type Out = Either<Numbers, Numbers>;

    fn on_data(&mut self, _: Input, _: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        Ok(())
    }

    fn on_mail(&mut self, barrier: Barrier, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        out.control(barrier);
        out.data(Either::Right(Numbers(vec![u64::from(barrier)])));
        self.asked = true;
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, Barrier>) -> Outcome<Turn> {
        if !self.asked {
            return Ok(Turn::Wait(None));
        }
        let Some(number) = self.rows.next() else {
            return Ok(Turn::Done);
        };
        out.data(Either::Left(Numbers(vec![number])));
        Ok(Turn::Again)
    }

    fn status(&mut self, status: &mut Status) {
        let phrase = match self.asked {
            true => "has sent its barrier",
            false => "waits to be asked",
        };
        status.phrases.push(phrase.to_string());
    }
}

/// Asks one source after the other for the barrier, the next one when the one before has acknowledged.
struct Coordinator {
    mails: std::vec::IntoIter<Mail<Barrier>>,
    /// When it begins.
    at: Duration,
    due: bool,
}

fn coordinator(at: Duration, mails: Vec<Mail<Barrier>>) -> Coordinator {
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

/// Two sources that are asked for their barriers one after the other, and a task that aligns them.
fn one_after_the_other(seed: u64) -> Verdict {
    let log = Log::default();
    let mut rows = single(2, TIGHT);
    let mut acks = single(2, Buffers { rows: 1_000, ..BUSY });
    let mut job = Job::new();
    let mut mails = Vec::new();
    for (name, from) in [("first", 10), ("second", 20)] {
        let (mail, mailbox) = mailbox();
        mails.push(mail);
        let source = Asked {
            rows: Vec::from_iter(from..from + 5).into_iter(),
            asked: false,
        };
        let out = rows.outboxes.remove(0).split(acks.outboxes.remove(0));
        job.task_with_mail(name, Inbox::none(), mailbox, source, out);
    }
    job.task(
        "coordinator",
        acks.inboxes.remove(0),
        coordinator(Duration::ZERO, mails),
        Outbox::none(),
    );
    job.task("align", rows.inboxes.remove(0), align(2, &log), Outbox::none());
    judge(job, seed, || {
        sections(&log) == [vec![], (10..15).chain(20..25).collect()]
    })
}

#[test]
fn a_stuck_task_whose_linger_stands_still_keeps_back_its_acknowledgement() {
    assert_right_without_a_fault(one_after_the_other);
    insta::assert_snapshot!(the_hang(Fault::NoLingerWhileStuck, one_after_the_other), @r"
    first: has sent its barrier (its output is stuck)
    second: waits to be asked
    coordinator: waits for input (first may send; second may send)
    align: has 1 of 2 barriers (first is held back, 1 waiting; second may send)
    ");
}

// ------------------------------------------- rule 3: the first turn before any mail, and mail before packets

/// A source that announces itself in its first turn, and then waits to be asked for its barrier.
struct Announces {
    asked: bool,
    announced: bool,
}

impl Operator<Barrier> for Announces {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, _: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        Ok(())
    }

    fn on_mail(&mut self, barrier: Barrier, out: Out<'_, Self::Out, Barrier>) -> Outcome {
        self.asked = true;
        out.control(barrier);
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, Barrier>) -> Outcome<Turn> {
        if !std::mem::replace(&mut self.announced, true) {
            out.data(Numbers(vec![7]));
        }
        Ok(match self.asked {
            true => Turn::Done,
            false => Turn::Wait(None),
        })
    }
}

/// A barrier that must not come before the announcement.
fn announcement(seed: u64) -> Verdict {
    let log = Log::default();
    let (mail, mailbox) = mailbox();
    let mut edge = single(1, TIGHT);
    let mut job = Job::new();
    let source = Announces {
        asked: false,
        announced: false,
    };
    job.task_with_mail("source", Inbox::none(), mailbox, source, edge.outboxes.remove(0));
    job.task(
        "coordinator",
        Inbox::none(),
        coordinator(Duration::ZERO, vec![mail]),
        Outbox::none(),
    );
    job.task("sink", edge.inboxes.remove(0), align(1, &log), Outbox::none());
    judge(job, seed, || sections(&log) == [vec![7], vec![]])
}

#[test]
fn mail_before_the_first_turn_puts_the_barrier_before_the_announcement() {
    assert_right_without_a_fault(announcement);
    let faulty = under_all_seeds(Some(Fault::MailBeforeFirstTurn), announcement);
    let verdicts: Vec<Verdict> = faulty.into_keys().collect();
    assert_eq!(verdicts, [Verdict::Right, Verdict::Wrong]);
}

/// How many of 20 rows go before a barrier that a relay is asked for while its output is stuck behind two of
/// them, and more wait for it.
fn rows_before_the_barrier(seed: u64) -> usize {
    let log = Log::default();
    let (mail, mailbox) = mailbox();
    let (mut backlog, mut edge) = (single(4, TIGHT), single(1, TIGHT));
    let mut job = Job::new();
    for (number, out) in backlog.outboxes.into_iter().enumerate() {
        let says = Says(vec![Data(number as u64); 5]);
        job.task(format!("source {number}"), Inbox::none(), says, out);
    }
    let asks = coordinator(MILLI / 2, vec![mail]);
    job.task("coordinator", Inbox::none(), asks, Outbox::none());
    job.task_with_mail(
        "relay",
        backlog.inboxes.remove(0),
        mailbox,
        Relay,
        edge.outboxes.remove(0),
    );
    job.task(
        "sink",
        edge.inboxes.remove(0),
        slow(align(1, &log)),
        Outbox::none(),
    );
    run_stepper(job, seed, &Stop::new(), &mut |_, _, _| ()).unwrap();
    let sections = sections(&log);
    assert_eq!(sections.iter().map(Vec::len).sum::<usize>(), 20);
    assert_eq!(sections.len(), 2);
    sections[0].len()
}

#[test]
fn packets_before_mail_put_the_barrier_behind_all_that_waits() {
    // One row in the channel to the sink, and one that does not fit.
    assert_eq!(
        under_all_seeds(None, rows_before_the_barrier),
        BTreeMap::from([(2, SEEDS)])
    );
    let faulty = under_all_seeds(Some(Fault::PacketsBeforeMail), rows_before_the_barrier);
    assert_eq!(faulty, BTreeMap::from([(20, SEEDS)]));
}
