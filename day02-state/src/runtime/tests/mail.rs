//! Rule 3: the first turn before any mail, and mail before packets.

use std::collections::BTreeMap;
use std::time::Duration;

use super::operators::{Barrier, Log, MILLI, Numbers, Relay, Says, align, coordinator, sections, slow};
use super::{SEEDS, TIGHT, Verdict, assert_right_without_a_fault, judge, under_all_seeds};
use crate::fault::Fault;
use crate::operator::Message::Data;
use crate::operator::{Input, Operator, Out, Outcome, Turn};
use crate::outbox::Outbox;
use crate::runtime::{Inbox, Job, Stop, mailbox, single};
use crate::stepper::run_stepper;

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
