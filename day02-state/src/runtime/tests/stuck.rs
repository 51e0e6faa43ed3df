//! Rule 2: a stuck task does not go on, but its linger does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::operators::{Barrier, Log, Numbers, align, coordinator, sections, slow};
use super::{SEEDS, TIGHT, Verdict, assert_right_without_a_fault, judge, the_hang, under_all_seeds};
use crate::fault::Fault;
use crate::operator::{Input, Operator, Out, Outcome, Turn};
use crate::outbox::{Either, Outbox};
use crate::runtime::{Buffers, Inbox, Job, Stop, mailbox, single};
use crate::status::Status;
use crate::stepper::run_stepper;

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
