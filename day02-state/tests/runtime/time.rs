//! Linger, timers, turns and mail. The stepper repeats itself, and says who waits for whom.

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use day02_state::error::JobError;
use day02_state::operator::Message::{Control, Data};
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::runtime::{Buffers, Did, Job, Stop, by_key, mailbox, single};
use day02_state::stepper::{Schedule, run_stepper};

use crate::operators::*;

type Events = Vec<(Duration, String, Did)>;

/// Runs a job under the stepper, and says all that happened.
fn events(job: Job, seed: u64) -> Events {
    let mut events = Vec::new();
    let mut observer = |now, task: &str, did| events.push((now, task.to_string(), did));
    run_stepper(job, seed, &Stop::new(), &mut observer).unwrap();
    events
}

/// Remembers when rows were taken, and when it had its turns.
struct Clocked(Arc<Mutex<(Vec<Duration>, Vec<Duration>)>>);

impl Operator<Barrier> for Clocked {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, input: Input, _: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        self.0.lock().unwrap().0.push(input.now);
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, Barrier>) -> Outcome<Turn> {
        self.0.lock().unwrap().1.push(now);
        Ok(Turn::Done)
    }
}

#[test]
fn an_input_has_the_time_of_the_turn_behind_it() {
    for seed in 0..100 {
        let times = Arc::default();
        let mut edge: Edge = single(1, buffers(1, 1));
        let mut job = Job::new();
        let source = source(|now, out| {
            say(Data(1), out);
            match now < 20 * MILLI {
                true => Turn::Wait(Some(now + 7 * MILLI)),
                false => Turn::Done,
            }
        });
        job.task("source", Inbox::none(), source, edge.outboxes.remove(0));
        let clocked = Clocked(Arc::clone(&times));
        job.task("clocked", edge.inboxes.remove(0), clocked, Outbox::none());
        run_stepper(job, seed, &Stop::new(), &mut |_, _, _| {}).unwrap();
        let (inputs, turns) = take(&mut *times.lock().unwrap());
        assert_eq!(inputs, [0, 7, 14, 21].map(|millis| millis * MILLI));
        // The first turn came before any input, and the last one after the end of the channel.
        assert_eq!(inputs, turns[1..=4], "{turns:?}");
    }
}

// ------------------------------------------------------------------------------------------------------------ linger

#[test]
fn a_packet_leaves_when_its_first_row_has_waited_long_enough() {
    for seed in 0..300 {
        let log = Log::default();
        let mut edge: Edge = single(1, buffers(1, 1_000));
        let mut job = Job::new();
        let source = source(|now, out| {
            say(Data(now.as_millis() as u64), out);
            match now.as_millis() {
                0 => Turn::Wait(Some(4 * MILLI)),
                4 => Turn::Wait(Some(15 * MILLI)),
                15 => Turn::Wait(Some(50 * MILLI)),
                _ => Turn::Done,
            }
        });
        job.task("source", Inbox::none(), source, edge.outboxes.remove(0));
        job.task("sink", edge.inboxes.remove(0), log.keeper(), Outbox::none());
        let mut times = events(job, seed);
        times.retain(|(_, task, did)| task == "sink" && matches!(did, Did::Data(_)));
        let times: Vec<u128> = times.iter().map(|(now, ..)| now.as_millis()).collect();
        // The row of 4 goes with that of 0; that of 50 goes with the end.
        assert_eq!(times, [10, 25, 50]);
        let packets = log.calls().into_iter().filter_map(|call| match call {
            Call::Data(_, rows) => Some(rows.0),
            _ => None,
        });
        assert_eq!(packets.collect::<Vec<_>>(), [vec![0, 4], vec![15], vec![50]]);
    }
}

#[test]
fn a_row_alone_does_not_wait_for_ever() {
    both(300, 24, |driver| {
        let stop = Stop::new();
        let mut edge: Edge = single(1, buffers(1, 1_000));
        let mut job = Job::new();
        let mut first = true;
        // Nobody but the sink, when it has the row, gets this source to end.
        let source = source(move |_, out| {
            if take(&mut first) {
                say(Data(7), out);
            }
            Turn::Wait(None)
        });
        job.task("source", Inbox::none(), source, edge.outboxes.remove(0));
        let (seen, asks) = (Log::default(), stop.clone());
        let log = seen.clone();
        let sink = does(move |call, out| {
            log.add(&call);
            if matches!(call, Call::Data(..)) {
                asks.ask();
            }
            pass_on(call, out)
        });
        job.task("sink", edge.inboxes.remove(0), sink, Outbox::none());
        driver.run(job, &stop).unwrap();
        assert_eq!(seen.rows(), [7]);
    });
}

#[test]
fn waiting_for_the_end_of_time_is_waiting_and_no_error() {
    both(300, 24, |driver| {
        let forever = Buffers {
            linger: Duration::MAX,
            ..buffers(1, 1_000)
        };
        let (mut rows, mut end): (Edge, Edge) = (single(1, forever), single(1, forever));
        let log = Log::default();
        let mut job = Job::new();
        job.task("early", Inbox::none(), says([Data(1)], 1), end.outboxes.remove(0));
        // It has rows that linger and a timer of its own, until its input ends.
        let mut turn = Turn::Wait(Some(Duration::MAX));
        let relay = does(move |call, out| {
            if matches!(call, Call::InputEnd(..)) {
                turn = Turn::Done;
            }
            pass_on(call, out)?;
            Ok(turn)
        });
        job.task("relay", end.inboxes.remove(0), relay, rows.outboxes.remove(0));
        job.task("sink", rows.inboxes.remove(0), log.keeper(), Outbox::none());
        driver.run(job, &Stop::new()).unwrap();
        assert_eq!(log.rows(), [1]);
    });
}

// ------------------------------------------------------------------------------------------------------------- turns

/// A task that waits for each of these times, in milliseconds, one after the other, and says when its turns were.
fn waits_for(
    times: &'static [u32],
    turns: &Arc<Mutex<Vec<Duration>>>,
) -> impl Operator<Barrier, In = Numbers, Out = Numbers> + use<> {
    let (mut times, turns) = (times.iter(), turns.clone());
    source(move |now, _| {
        turns.lock().unwrap().push(now);
        match times.next() {
            Some(millis) => Turn::Wait(Some(*millis * MILLI)),
            None => Turn::Done,
        }
    })
}

#[test]
fn timers_go_off_at_their_times_and_in_their_order() {
    for seed in 0..300 {
        let mut job = Job::new();
        let turns = Arc::default();
        job.task(
            "a",
            Inbox::none(),
            waits_for(&[3, 20, 20], &turns),
            Outbox::none(),
        );
        job.task("b", Inbox::none(), waits_for(&[5, 7, 6], &turns), Outbox::none());
        let mut turns: Vec<(u128, String)> = events(job, seed)
            .into_iter()
            .filter(|(.., did)| *did == Did::Turn)
            .map(|(now, task, _)| (now.as_millis(), task))
            .collect();
        // Both begin at the same time, in any order.
        turns[..2].sort();
        let turns: Vec<(u128, &str)> = turns.iter().map(|(now, task)| (*now, task.as_str())).collect();
        // A time that has come already is no reason to wait.
        let expected = [
            (0, "a"),
            (0, "b"),
            (3, "a"),
            (5, "b"),
            (7, "b"),
            (7, "b"),
            (20, "a"),
            (20, "a"),
        ];
        assert_eq!(turns, expected);
    }
}

#[test]
fn no_timer_goes_off_before_its_time() {
    both(300, 24, |driver| {
        let turns = Arc::default();
        let mut job = Job::new();
        job.task(
            "timer",
            Inbox::none(),
            waits_for(&[1, 2, 4], &turns),
            Outbox::none(),
        );
        driver.run(job, &Stop::new()).unwrap();
        let turns = turns.lock().unwrap();
        assert_eq!(turns.len(), 4);
        let asked = [Duration::ZERO, MILLI, 2 * MILLI, 4 * MILLI];
        assert!(
            turns.iter().zip(asked).all(|(now, asked)| *now >= asked),
            "{turns:?}"
        );
    });
}

#[test]
fn what_arrives_gives_a_turn_before_the_timer_and_the_timer_stays() {
    for seed in 0..300 {
        let mut edge: Edge = single(1, buffers(1, 1));
        let mut job = Job::new();
        let source = source(|now, out| match now < 2 * MILLI {
            true => Turn::Wait(Some(2 * MILLI)),
            false => {
                say(Data(1), out);
                Turn::Done
            }
        });
        job.task("source", Inbox::none(), source, edge.outboxes.remove(0));
        let turns = Arc::new(Mutex::new(Vec::new()));
        let log = turns.clone();
        let sink = does(move |call, _| {
            let Call::Turn(now) = call else {
                return Ok(Turn::Done);
            };
            log.lock().unwrap().push(now.as_millis());
            Ok(match now < 10 * MILLI {
                true => Turn::Wait(Some(10 * MILLI)),
                false => Turn::Done,
            })
        });
        job.task("sink", edge.inboxes.remove(0), sink, Outbox::none());
        run_stepper(job, seed, &Stop::new(), &mut |_, _, _| ()).unwrap();
        // The first turn, the row, the end of the input, the timer.
        assert_eq!(*turns.lock().unwrap(), [0, 2, 2, 10]);
    }
}

#[test]
fn again_goes_on_until_done() {
    both(300, 24, |driver| {
        let turns = Arc::new(AtomicUsize::new(0));
        let count = turns.clone();
        let mut job = Job::new();
        let source = source(move |_, _| match count.fetch_add(1, Ordering::SeqCst) {
            5 => Turn::Done,
            _ => Turn::Again,
        });
        job.task("source", Inbox::none(), source, Outbox::none());
        driver.run(job, &Stop::new()).unwrap();
        assert_eq!(turns.load(Ordering::SeqCst), 6);
    });
}

// -------------------------------------------------------------------------------------------------------------- mail

#[test]
fn mail_to_a_task_that_has_ended_is_ignored() {
    both(300, 24, |driver| {
        let (mail, mailbox) = mailbox();
        let (mut edge, log): (Edge, Log) = (single(1, buffers(1, 1)), Log::default());
        let mut job = Job::new();
        job.task_with_mail(
            "source",
            Inbox::none(),
            mailbox,
            log.keeper(),
            edge.outboxes.remove(0),
        );
        let sink = does(move |call, out| {
            if matches!(call, Call::InputEnd(..)) {
                mail.send(1);
            }
            pass_on(call, out)
        });
        job.task("sink", edge.inboxes.remove(0), sink, Outbox::none());
        driver.run(job, &Stop::new()).unwrap();
        assert_eq!(log.calls(), [Call::End(EndReason::Drained)]);
    });
}

#[test]
fn mail_is_read_although_nobody_is_left_who_could_write() {
    both(300, 24, |driver| {
        let (mail, mailbox) = mailbox();
        mail.send(1);
        mail.send(2);
        drop(mail);
        let log = Log::default();
        let mut job = Job::new();
        job.task_with_mail("task", Inbox::none(), mailbox, log.keeper(), Outbox::none());
        driver.run(job, &Stop::new()).unwrap();
        let end = Call::End(EndReason::Drained);
        assert_eq!(log.calls(), [Call::Mail(1), Call::Mail(2), end]);
    });
}

/// Counts how often it is asked what it accepts, which every look for input does.
struct Looks(Arc<AtomicUsize>);

impl Operator<Barrier> for Looks {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, _: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        Ok(())
    }

    fn accepts(&self, _: usize) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst);
        true
    }
}

#[test]
fn a_mailbox_that_nobody_can_write_to_keeps_no_task_busy_and_none_from_ending() {
    both(300, 24, |driver| {
        let (mail, mailbox) = mailbox();
        drop(mail);
        let looks = Arc::new(AtomicUsize::new(0));
        let mut edge: Edge = single(1, buffers(1, 1));
        let mut job = Job::new();
        // It ends after a while, in which the sink has nothing to do.
        let turns = Arc::default();
        job.task(
            "source",
            Inbox::none(),
            waits_for(&[5], &turns),
            edge.outboxes.remove(0),
        );
        job.task_with_mail(
            "sink",
            edge.inboxes.remove(0),
            mailbox,
            Looks(looks.clone()),
            Outbox::none(),
        );
        driver.run(job, &Stop::new()).unwrap();
        let looks = looks.load(Ordering::SeqCst);
        assert!((1..20).contains(&looks), "{looks} looks");
    });
}

// ----------------------------------------------------------------------------------------------------------- stepper

#[test]
fn a_seed_is_one_order_and_another_seed_is_another() {
    let run = |seed| {
        let mut edge: Edge = by_key(2, 2, buffers(1, 2));
        let mut job = Job::new();
        for (n, out) in edge.outboxes.drain(..).enumerate() {
            job.task(
                format!("source {n}"),
                Inbox::none(),
                says((0..20).map(Data), 3),
                out,
            );
        }
        for (n, inbox) in edge.inboxes.into_iter().enumerate() {
            job.task(format!("sink {n}"), inbox, Plain, Outbox::none());
        }
        events(job, seed)
    };
    let mut orders = BTreeSet::new();
    for seed in 0..100 {
        let once = run(seed);
        assert!(once.len() > 30);
        assert_eq!(once, run(seed));
        orders.insert(format!("{once:?}"));
    }
    assert_eq!(orders.len(), 100);
}

#[test]
fn a_job_that_is_stuck_says_who_waits_for_whom_and_who_is_held_back() {
    let stuck = |seed| {
        let mut edge: Edge = single(3, buffers(1, 1));
        let mut job = Job::new();
        let early = says([Control(1), Data(1), Data(2), Data(3)], 4);
        job.task("early", Inbox::none(), early, edge.outboxes.remove(0));
        job.task(
            "late",
            Inbox::none(),
            source(|_, _| Turn::Wait(None)),
            edge.outboxes.remove(0),
        );
        job.task("short", Inbox::none(), says([], 1), edge.outboxes.remove(0));
        job.task("sink", edge.inboxes.remove(0), aligns(3, Plain), Outbox::none());
        match run_stepper(job, seed, &Stop::new(), &mut |_, _, _| ()) {
            Err(error @ JobError::Stuck(_)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    insta::assert_snapshot!(stuck(0), @r"
    the job is stuck:
    early: waits for input (its output is stuck)
    late: waits for input
    sink: has 1 of 3 barriers (early is held back, 1 waiting; late may send; short has ended)
    ");
    assert!((1..300).all(|seed| stuck(seed) == stuck(0)));
}

#[test]
fn a_timer_beside_a_source_that_never_waits_needs_a_clock_that_steps_move() {
    let job = || {
        let mut job = Job::new();
        let busy = source(|now, _| match now < 10 * MILLI {
            true => Turn::Again,
            false => Turn::Done,
        });
        job.task("busy", Inbox::none(), busy, Outbox::none());
        let timer = source(|now, _| match now < MILLI {
            true => Turn::Wait(Some(MILLI)),
            false => Turn::Done,
        });
        job.task("timer", Inbox::none(), timer, Outbox::none());
        job
    };
    let step = Duration::from_micros(10);
    let mut ended = Vec::new();
    let schedule = Schedule { seed: 1, step };
    run_stepper(job(), schedule, &Stop::new(), &mut |now, task, did| {
        if did == Did::End {
            ended.push((task.to_string(), now));
        }
    })
    .unwrap();
    assert_eq!(ended[0].0, "timer");
    assert!(
        ended[0].1 < 2 * MILLI,
        "soon after its time, and not after the other: {ended:?}"
    );
}
