//! When a task ends, and how; ports; stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use day02_state::operator::Message::Data;
use day02_state::operator::{EndReason, Input, Turn};
use day02_state::runtime::{Did, Job, Stop, by_key, forward, mailbox, run_threads, single};
use day02_state::stepper::run_stepper;

use crate::operators::*;

const fn input(port: usize, channel: usize) -> Input {
    Input {
        port,
        channel,
        now: Duration::ZERO,
    }
}

#[test]
fn a_task_ends_when_all_its_inputs_have_ended_and_not_before() {
    both(300, 24, |driver| {
        let (mail, mailbox) = mailbox();
        let (mut edge, mut last): (Edge, Edge) = (single(2, buffers(1, 1)), single(1, buffers(1, 1)));
        let (log, behind) = (Log::default(), Log::default());
        let mut job = Job::new();
        job.task("short", Inbox::none(), says([], 1), edge.outboxes.remove(0));
        // It ends when the relay has told it that the other one has ended.
        let mut turn = Turn::Wait(None);
        let long = does(move |call, out| {
            if matches!(call, Call::Mail(_)) {
                say(Data(7), out);
                turn = Turn::Done;
            }
            Ok(turn)
        });
        job.task_with_mail("long", Inbox::none(), mailbox, long, edge.outboxes.remove(0));
        let kept = log.clone();
        let relay = does(move |call, out| {
            kept.add(&call);
            if call == Call::InputEnd(input(0, 0), EndReason::Drained) {
                mail.send(1);
            }
            pass_on(call, out)
        });
        job.task("relay", edge.inboxes.remove(0), relay, last.outboxes.remove(0));
        job.task("sink", last.inboxes.remove(0), behind.keeper(), Outbox::none());
        driver.run(job, &Stop::new()).unwrap();
        let (row, end) = (Numbers(vec![7]), Call::End(EndReason::Drained));
        let expected = [
            Call::InputEnd(input(0, 0), EndReason::Drained),
            Call::Data(input(0, 1), row.clone()),
            Call::InputEnd(input(0, 1), EndReason::Drained),
            end.clone(),
        ];
        assert_eq!(log.calls(), expected);
        let expected = [
            Call::Data(input(0, 0), row),
            Call::InputEnd(input(0, 0), EndReason::Drained),
            end,
        ];
        assert_eq!(behind.calls(), expected);
    });
}

#[test]
fn a_task_that_has_something_left_to_do_outlives_its_inputs() {
    both(300, 24, |driver| {
        let (mut edge, mut last): (Edge, Edge) = (single(1, buffers(1, 1)), single(1, buffers(1, 1)));
        let log = Log::default();
        let mut job = Job::new();
        job.task(
            "source",
            Inbox::none(),
            says([Data(1)], 1),
            edge.outboxes.remove(0),
        );
        // It says a last row two milliseconds behind the end of its input, and one more when it ends.
        let (mut ended, mut until) = (false, None);
        let relay = does(move |call, out| {
            match call {
                Call::InputEnd(..) => ended = true,
                Call::End(_) => say(Data(3), out),
                Call::Turn(now) if ended => {
                    let until = *until.get_or_insert(now + 2 * MILLI);
                    if now < until {
                        return Ok(Turn::Wait(Some(until)));
                    }
                    say(Data(2), out);
                }
                call => drop(pass_on(call, out)?),
            }
            Ok(Turn::Done)
        });
        job.task("relay", edge.inboxes.remove(0), relay, last.outboxes.remove(0));
        job.task("sink", last.inboxes.remove(0), log.keeper(), Outbox::none());
        driver.run(job, &Stop::new()).unwrap();
        assert_eq!(log.rows(), [1, 2, 3]);
    });
}

#[test]
fn one_input_that_was_stopped_makes_the_end_a_stop_whichever_ends_last() {
    for drained_is_last in [false, true] {
        both(300, 24, |driver| {
            let stop = Stop::new();
            let (mut edge, mut last): (Edge, Edge) = (single(2, buffers(1, 1)), single(1, buffers(1, 1)));
            let (log, behind) = (Log::default(), Log::default());
            let mut job = Job::new();
            let drained = Arc::new(AtomicBool::new(false));
            let (sets, asks) = (drained.clone(), stop.clone());
            let short = does(move |call, _| {
                if matches!(call, Call::End(EndReason::Drained)) {
                    sets.store(true, Ordering::SeqCst);
                }
                Ok(Turn::Done)
            });
            job.task("drained", Inbox::none(), short, edge.outboxes.remove(0));
            let endless = source(move |_, _| {
                if drained.load(Ordering::SeqCst) {
                    asks.ask();
                }
                Turn::Again
            });
            job.task("stopped", Inbox::none(), endless, edge.outboxes.remove(0));
            let relay = ordered(usize::from(drained_is_last), log.keeper());
            job.task("relay", edge.inboxes.remove(0), relay, last.outboxes.remove(0));
            job.task("sink", last.inboxes.remove(0), behind.keeper(), Outbox::none());
            driver.run(job, &stop).unwrap();
            let mut expected = vec![
                Call::InputEnd(input(0, 0), EndReason::Drained),
                Call::InputEnd(input(0, 1), EndReason::Stopped),
                Call::End(EndReason::Stopped),
            ];
            if drained_is_last {
                expected.swap(0, 1);
            }
            assert_eq!(log.calls(), expected);
            let stopped = [
                Call::InputEnd(input(0, 0), EndReason::Stopped),
                Call::End(EndReason::Stopped),
            ];
            assert_eq!(behind.calls(), stopped);
        });
    }
}

// ------------------------------------------------------------------------------------------------------------- ports

/// Sends a row into each outbox, and says which row came in where.
fn arrivals(driver: Driver, outboxes: Vec<Outbox>, inbox: Inbox) -> Vec<(u64, Input)> {
    let log = Log::default();
    let mut job = Job::new();
    for (n, out) in (0..).zip(outboxes) {
        job.task(format!("source {n}"), Inbox::none(), says([Data(n)], 1), out);
    }
    job.task("sink", inbox, log.keeper(), Outbox::none());
    driver.run(job, &Stop::new()).unwrap();
    let mut rows: Vec<(u64, Input)> = Vec::new();
    let mut ends = Vec::new();
    for call in log.calls() {
        match call {
            Call::Data(input, numbers) => rows.extend(numbers.0.into_iter().map(|number| (number, input))),
            Call::InputEnd(input, _) => ends.push(input),
            _ => {}
        }
    }
    rows.sort();
    ends.sort();
    // What ends is what sent.
    let mut sent: Vec<Input> = rows.iter().map(|(_, input)| *input).collect();
    sent.sort();
    assert_eq!(ends, sent);
    rows
}

#[test]
fn joined_inboxes_keep_their_ports_and_count_channels_over_all_of_them() {
    both(100, 12, |driver| {
        let [mut a, mut b, mut c]: [Edge; 3] = [2, 1, 1].map(|senders| single(senders, buffers(1, 1)));
        let inbox = Inbox::none()
            .join(a.inboxes.remove(0))
            .join(b.inboxes.remove(0).join(c.inboxes.remove(0)));
        let outboxes = a
            .outboxes
            .into_iter()
            .chain(b.outboxes)
            .chain(c.outboxes)
            .collect();
        let expected = [
            (0, input(0, 0)),
            (1, input(0, 1)),
            (2, input(1, 2)),
            (3, input(2, 3)),
        ];
        assert_eq!(arrivals(driver, outboxes, inbox), expected);
    });
}

#[test]
fn merged_inboxes_share_their_ports_and_still_count_channels_over_all_of_them() {
    both(100, 12, |driver| {
        let [mut a, mut b, mut c]: [Edge; 3] = [2, 1, 1].map(|senders| single(senders, buffers(1, 1)));
        // Two ports, of which a third inbox becomes part of the first.
        let two = a.inboxes.remove(0).join(b.inboxes.remove(0));
        let inbox = two.merge(c.inboxes.remove(0));
        let outboxes = a
            .outboxes
            .into_iter()
            .chain(b.outboxes)
            .chain(c.outboxes)
            .collect();
        let expected = [
            (0, input(0, 0)),
            (1, input(0, 1)),
            (2, input(1, 2)),
            (3, input(0, 3)),
        ];
        assert_eq!(arrivals(driver, outboxes, inbox), expected);
    });
}

// ---------------------------------------------------------------------------------------------------------- stopping

/// Two endless sources, three relays, a sink.
struct Endless {
    job: Job,
    produced: Arc<AtomicU64>,
    /// Of the sources, the relays and the sink.
    logs: Vec<Log>,
}

/// What the sink does with all that it is told may be more than to keep it.
fn endless(mut tell: impl FnMut(&Call) + Send + 'static) -> Endless {
    let produced = Arc::new(AtomicU64::new(0));
    let logs: Vec<Log> = (0..6).map(|_| Log::default()).collect();
    let (mut up, mut down): (Edge, Edge) = (by_key(2, 3, buffers(1, 4)), single(3, buffers(1, 4)));
    let mut job = Job::new();
    for (out, log) in up.outboxes.into_iter().zip(logs.clone()) {
        let count = produced.clone();
        let source = does(move |call, out| {
            log.add(&call);
            // In every turn, and a last time when it ends.
            if matches!(call, Call::Turn(_) | Call::End(_)) {
                say(Data(count.fetch_add(1, Ordering::SeqCst)), out);
            }
            Ok(Turn::Again)
        });
        job.task("source", Inbox::none(), source, out);
    }
    for ((inbox, out), log) in up.inboxes.drain(..).zip(down.outboxes).zip(&logs[2..5]) {
        job.task("relay", inbox, log.keeper(), out);
    }
    let log = logs[5].clone();
    let sink = does(move |call, out| {
        log.add(&call);
        tell(&call);
        pass_on(call, out)
    });
    job.task("sink", down.inboxes.remove(0), sink, Outbox::none());
    Endless { job, produced, logs }
}

/// Everything that was sent has arrived, and everyone has ended by being stopped. Says how many rows that were.
fn assert_stopped(produced: &AtomicU64, logs: &[Log]) -> u64 {
    let produced = produced.load(Ordering::SeqCst);
    let mut rows = logs[5].rows();
    rows.sort_unstable();
    assert_eq!(rows, Vec::from_iter(0..produced));
    for log in logs {
        let calls = log.calls();
        assert_eq!(calls.last(), Some(&Call::End(EndReason::Stopped)));
        assert!(
            !calls
                .iter()
                .any(|call| matches!(call, Call::InputEnd(_, EndReason::Drained)))
        );
    }
    produced
}

#[test]
fn a_stop_asked_by_an_operator_ends_endless_sources_and_loses_nothing() {
    both(300, 24, |driver| {
        let (stop, mut rows) = (Stop::new(), 0);
        let asks = stop.clone();
        let Endless { job, produced, logs } = endless(move |call| {
            if let Call::Data(_, numbers) = call {
                rows += numbers.0.len();
            }
            if rows >= 50 {
                asks.ask();
            }
        });
        driver.run(job, &stop).unwrap();
        assert!(assert_stopped(&produced, &logs) >= 50);
    });
}

#[test]
fn a_stop_asked_by_the_observer_ends_endless_sources_and_loses_nothing() {
    for seed in 0..300 {
        let stop = Stop::new();
        let Endless { job, produced, logs } = endless(|_| ());
        let mut events = 0;
        let mut observer = |_: Duration, _: &str, _: Did| {
            events += 1;
            if events == 100 {
                stop.ask();
            }
        };
        run_stepper(job, seed, &stop, &mut observer).unwrap();
        assert!(assert_stopped(&produced, &logs) > 10);
    }
}

#[test]
fn a_stop_asked_from_another_thread_ends_endless_sources_and_loses_nothing() {
    for _ in 0..24 {
        let stop = Stop::new();
        let (first_row, seen) = std::sync::mpsc::channel();
        let Endless { job, produced, logs } = endless(move |_| {
            // The other thread has heard of the first one, and is gone.
            let _ = first_row.send(());
        });
        let asks = stop.clone();
        let other = std::thread::spawn(move || {
            seen.recv().unwrap();
            asks.ask();
        });
        run_threads(job, &stop).unwrap();
        other.join().unwrap();
        assert!(assert_stopped(&produced, &logs) > 2);
    }
}

#[test]
fn a_stop_asked_before_the_start_leaves_each_source_its_first_turn() {
    both(300, 24, |driver| {
        let stop = Stop::new();
        stop.ask();
        assert!(stop.is_asked() && stop.clone().is_asked());
        let Endless { job, produced, logs } = endless(|_| ());
        driver.run(job, &stop).unwrap();
        // And the row of its end.
        assert_eq!(assert_stopped(&produced, &logs), 2 * 2);
    });
}

#[test]
fn a_source_that_waits_for_nothing_can_be_stopped() {
    both(300, 24, |driver| {
        let stop = Stop::new();
        let asks = stop.clone();
        let (mut edge, log): (Edge, Log) = (forward(1, buffers(1, 1)), Log::default());
        let mut job = Job::new();
        job.task(
            "idle",
            Inbox::none(),
            source(|_, _| Turn::Wait(None)),
            edge.outboxes.remove(0),
        );
        job.task("sink", edge.inboxes.remove(0), log.keeper(), Outbox::none());
        let timer = source(move |now, _| match now < MILLI {
            true => Turn::Wait(Some(MILLI)),
            false => {
                asks.ask();
                Turn::Done
            }
        });
        job.task("timer", Inbox::none(), timer, Outbox::none());
        driver.run(job, &stop).unwrap();
        let stopped = [
            Call::InputEnd(input(0, 0), EndReason::Stopped),
            Call::End(EndReason::Stopped),
        ];
        assert_eq!(log.calls(), stopped);
    });
}
