//! Errors, panics and neighbours that vanish: the job ends, says who began, and leaves no thread behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::channel;

use day02_state::error::JobError;
use day02_state::operator::Message::{Control, Data};
use day02_state::operator::{Input, Operator, Out, Outcome, Output, Turn};
use day02_state::runtime::{Job, Mail, Stop, broadcast, mailbox, run_threads, single};
use day02_state::stepper::run_stepper;

use crate::operators::*;

/// How an operator breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Panics,
    Fails,
}

use Manner::{Fails, Panics};

/// In which call it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Data,
    Control,
    Mail,
    FirstTurn,
    LaterTurn,
    InputEnd,
    End,
}

fn break_in(place: Place, manner: Manner) -> Outcome<Turn> {
    match manner {
        Panics => panic!("broken in {place:?}"),
        Fails => Err(format!("broken in {place:?}").into()),
    }
}

/// An operator that does what `act` does until it is called in that place, if there is one. It holds on to `alive`.
fn breaks<F>(
    at: Option<(Place, Manner)>,
    alive: &Arc<()>,
    mut act: F,
) -> impl Operator<Barrier, In = Numbers, Out = Numbers> + use<F>
where
    F: FnMut(Call, &mut dyn Output<Numbers, Barrier>) -> Outcome<Turn> + Send,
{
    let alive = alive.clone();
    let mut turns = 0;
    does(move |call, out| {
        let _held = &alive;
        let place = match &call {
            Call::Data(..) => Place::Data,
            Call::Control(..) => Place::Control,
            Call::Mail(_) => Place::Mail,
            Call::Turn(_) if turns == 0 => Place::FirstTurn,
            Call::Turn(_) => Place::LaterTurn,
            Call::InputEnd(..) => Place::InputEnd,
            Call::End(_) => Place::End,
        };
        turns += u32::from(matches!(call, Call::Turn(_)));
        match at {
            Some((bad, manner)) if bad == place => break_in(place, manner),
            _ => act(call, out),
        }
    })
}

const SOURCE: &[Place] = &[Place::FirstTurn, Place::LaterTurn, Place::Mail, Place::End];
const BEHIND: &[Place] = &[
    Place::FirstTurn,
    Place::LaterTurn,
    Place::Mail,
    Place::Data,
    Place::Control,
    Place::InputEnd,
    Place::End,
];
const TASKS: [(&str, &[Place]); 3] = [("source", SOURCE), ("middle", BEHIND), ("sink", BEHIND)];

/// A source, a task in the middle and a sink, of which one is broken, and an endless source with a sink of its own, which
/// have nothing to do with it.
fn broken_job(broken: &str, place: Place, manner: Manner, alive: &Arc<()>) -> Job {
    let at = |name: &str| (name == broken).then_some((place, manner));
    let mut job = Job::new();
    let [mut other, mut up, mut down]: [Edge; 3] = [(); 3].map(|()| single(1, buffers(1, 1)));
    let endless = |call, out: &mut dyn Output<Numbers, Barrier>| {
        say(Data(0), out);
        pass_on(call, out)?;
        Ok(Turn::Again)
    };
    job.task(
        "other",
        Inbox::none(),
        breaks(None, alive, endless),
        other.outboxes.remove(0),
    );
    job.task(
        "drain",
        other.inboxes.remove(0),
        breaks(None, alive, pass_on),
        Outbox::none(),
    );
    let mut task = |name, inbox, act: fn(Call, &mut dyn Output<Numbers, Barrier>) -> Outcome<Turn>, out| {
        let (mail, mailbox) = mailbox();
        if at(name).is_some() {
            mail.send(1);
        }
        job.task_with_mail(name, inbox, mailbox, breaks(at(name), alive, act), out);
    };
    let from_list = |call, out: &mut dyn Output<Numbers, Barrier>| {
        if matches!(call, Call::Turn(_)) {
            for word in [Data(1), Control(1), Data(2), Data(3)] {
                say(word, out);
            }
        }
        Ok(Turn::Done)
    };
    task("source", Inbox::none(), from_list, up.outboxes.remove(0));
    task("middle", up.inboxes.remove(0), pass_on, down.outboxes.remove(0));
    task("sink", down.inboxes.remove(0), pass_on, Outbox::none());
    job
}

/// The error is that of the task that broke, in its words.
#[track_caller]
fn assert_blamed(result: Result<(), JobError>, broken: &str, place: Place, manner: Manner) {
    let said = format!("broken in {place:?}");
    match (result, manner) {
        (Err(JobError::Panicked { task, message }), Panics) => assert_eq!((&*task, message), (broken, said)),
        (Err(JobError::Failed { task, failure }), Fails) => {
            assert_eq!((&*task, failure.to_string()), (broken, said));
        }
        (other, _) => panic!("{broken} {manner:?} in {place:?}, but {other:?}"),
    }
}

fn under_every_breakage(test: impl Fn(&str, Place)) {
    for (task, places) in TASKS {
        places.iter().for_each(|place| test(task, *place));
    }
}

#[test]
fn an_error_in_any_task_and_any_call_ends_the_job_and_is_its_result() {
    under_every_breakage(|broken, place| {
        both(50, 24, |driver| {
            let alive = Arc::new(());
            let result = driver.run(broken_job(broken, place, Fails, &alive), &Stop::new());
            assert_blamed(result, broken, place, Fails);
            // All tasks are dropped, those of other threads too.
            assert_eq!(Arc::strong_count(&alive), 1);
        });
    });
}

#[test]
fn a_panic_in_any_task_and_any_call_ends_the_job_and_is_its_result() {
    under_every_breakage(|broken, place| {
        for _ in 0..24 {
            let alive = Arc::new(());
            let result = run_threads(broken_job(broken, place, Panics, &alive), &Stop::new());
            assert_blamed(result, broken, place, Panics);
            assert_eq!(Arc::strong_count(&alive), 1);
        }
    });
}

#[test]
fn a_panic_under_the_stepper_is_a_panic_of_whoever_runs_it() {
    under_every_breakage(|broken, place| {
        let alive = Arc::new(());
        let job = broken_job(broken, place, Panics, &alive);
        let run = || run_stepper(job, 0, &Stop::new(), &mut |_, _, _| ());
        let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(
            *panic.downcast::<String>().unwrap(),
            format!("broken in {place:?}")
        );
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

/// Reads nothing more from a channel on which control has come in, and tells when it has begun to.
struct Refuses {
    refused: Option<usize>,
    tell: Mail<Barrier>,
}

impl Operator<Barrier> for Refuses {
    type In = Numbers;
    type Out = Numbers;

    fn on_data(&mut self, _: Input, _: Numbers, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        Ok(())
    }

    fn on_control(&mut self, input: Input, barrier: Barrier, _: Out<'_, Self::Out, Barrier>) -> Outcome {
        self.refused = Some(input.channel);
        self.tell.send(barrier);
        Ok(())
    }

    fn accepts(&self, channel: usize) -> bool {
        self.refused != Some(channel)
    }
}

/// A source that sends a barrier and breaks when its receiver refuses it because of that, so that nobody will ever see that
/// its channel is gone. The receiver has another source, which is endless or waits for ever.
fn refused_job(manner: Manner, other: Turn, alive: &Arc<()>) -> Job {
    let mut edge: Edge = single(2, buffers(1, 1));
    let (tell, told) = mailbox();
    let mut job = Job::new();
    let broken = breaks(Some((Place::Mail, manner)), alive, |call, out| {
        if matches!(call, Call::Turn(_)) {
            say(Control(1), out);
        }
        Ok(Turn::Wait(None))
    });
    job.task_with_mail("broken", Inbox::none(), told, broken, edge.outboxes.remove(0));
    let other = breaks(None, alive, move |_, out| {
        say(Data(0), out);
        Ok(other)
    });
    job.task("other", Inbox::none(), other, edge.outboxes.remove(0));
    let refuses = Refuses { refused: None, tell };
    job.task("refuses", edge.inboxes.remove(0), refuses, Outbox::none());
    job
}

#[test]
fn a_failure_ends_the_job_although_the_only_neighbour_refuses_to_look() {
    for other in [Turn::Again, Turn::Wait(None)] {
        for manner in [Fails, Panics] {
            let seeds = if manner == Fails { 300 } else { 0 };
            both(seeds, 48, |driver| {
                let alive = Arc::new(());
                let result = driver.run(refused_job(manner, other, &alive), &Stop::new());
                assert_blamed(result, "broken", Place::Mail, manner);
                assert_eq!(Arc::strong_count(&alive), 1);
            });
        }
    }
}

#[test]
fn the_first_failure_is_the_result_and_not_one_that_it_led_to() {
    for manner in [Fails, Panics] {
        for _ in 0..48 {
            let (begin, begun) = channel::<()>();
            let (held, gone) = channel::<()>();
            let mut job = Job::new();
            let first = does(move |_, _| {
                let _held = &held;
                // The other one is in its turn.
                begun.recv()?;
                break_in(Place::FirstTurn, manner)
            });
            job.task("first", Inbox::none(), first, Outbox::none());
            let second = does(move |_, _| {
                begin.send(())?;
                // Until the first one is dropped with what it holds.
                let _ = gone.recv();
                break_in(Place::FirstTurn, manner)
            });
            job.task("second", Inbox::none(), second, Outbox::none());
            let result = run_threads(job, &Stop::new());
            assert_blamed(result, "first", Place::FirstTurn, manner);
        }
    }
}

#[test]
fn an_outbox_that_was_never_wired_is_an_error_and_no_quiet_end() {
    for others_end in [true, false] {
        both(300, 24, |driver| {
            let mut edge: Edge = single(2, buffers(1, 1));
            let mut job = Job::new();
            let turn = if others_end { Turn::Done } else { Turn::Again };
            let wired = source(move |_, out| {
                say(Data(1), out);
                turn
            });
            job.task("wired", Inbox::none(), wired, edge.outboxes.remove(0));
            job.task("sink", edge.inboxes.remove(0), Plain, Outbox::none());
            drop(edge.outboxes);
            let error = driver.run(job, &Stop::new()).unwrap_err();
            assert!(matches!(error, JobError::Vanished { .. }));
            assert_eq!(
                error.to_string(),
                "sink: a task that was never wired disappeared before its end"
            );
        });
    }
}

#[test]
fn an_inbox_that_was_never_wired_is_an_error_of_those_that_send_to_it() {
    both(300, 24, |driver| {
        let mut edge: Edge = broadcast(1, 2, buffers(1, 1));
        let mut job = Job::new();
        job.task(
            "source",
            Inbox::none(),
            says([Data(1)], 1),
            edge.outboxes.remove(0),
        );
        job.task("sink", edge.inboxes.remove(0), Plain, Outbox::none());
        drop(edge.inboxes);
        let error = driver.run(job, &Stop::new()).unwrap_err();
        assert!(matches!(error, JobError::Vanished { .. }));
        assert_eq!(error.to_string(), "source: a receiver disappeared before its end");
    });
}

/// Panics when it is dropped.
struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {
        panic!("broken in drop");
    }
}

#[test]
fn a_panic_while_a_task_is_taken_down_ends_the_job_too() {
    let mut job = Job::new();
    let dropped = Dropped;
    let ends = source(move |_, _| {
        let _held = &dropped;
        Turn::Done
    });
    job.task("ends", Inbox::none(), ends, Outbox::none());
    job.task(
        "endless",
        Inbox::none(),
        source(|_, _| Turn::Again),
        Outbox::none(),
    );
    match run_threads(job, &Stop::new()) {
        Err(JobError::Panicked { task, message }) => {
            assert_eq!((task.as_str(), message.as_str()), ("ends", "broken in drop"));
        }
        other => panic!("{other:?}"),
    }
}
