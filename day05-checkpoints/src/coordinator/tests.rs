//! The coordinator as a state machine: what it is told, and when, and what becomes of its checkpoints. How it fares in a
//! job is tried by the crash replay and in `tests/job.rs`.

use std::sync::{Arc, Mutex};

use day02_state::operator::Output;
use day02_state::runtime::{Job, mailbox};
use day02_state::state::{Owner, Part};

use day02_state::status::Status;

use super::*;
use crate::fault::with;
use crate::lab::fragile::Fragile;
use crate::store::{Size, Store, StoreError, TaskStates};

const MS: Duration = Duration::from_millis(1);

fn ms(millis: u64) -> Duration {
    MS * millis as u32
}

/// Takes nothing, because a coordinator sends nothing through channels.
struct Nowhere;

impl Output<(), Signal<()>> for Nowhere {
    fn data(&mut self, (): ()) {
        panic!("it has no rows");
    }
    fn control(&mut self, control: Signal<()>) {
        panic!("it sends {control:?} into a channel");
    }
}

/// A coordinator of two sources and one task, and what it has said.
struct Office {
    coordinator: Coordinator<()>,
    events: Arc<Mutex<Vec<Event>>>,
    disk: Fragile,
    stop: Stop,
    now: Duration,
}

/// The place of the only task that is no source.
const TASK: usize = 2;

fn member(task: &str, is_source: bool) -> Member {
    Member {
        task: task.to_string(),
        operator: task.to_string(),
        is_source,
        state: None,
        drained: false,
        ended: false,
    }
}

impl Office {
    fn new(interval: Option<u64>, timeout: u64) -> Self {
        let members = [("source 0", true), ("source 1", true), ("task", false)];
        let members = members.map(|(task, is_source)| member(task, is_source));
        let mails = || vec![mailbox().0];
        let (events, disk, stop) = (Arc::default(), Fragile::new(), Stop::new());
        let board = Job::new().board();
        let heard: Arc<Mutex<Vec<Event>>> = Arc::clone(&events);
        let coordinator = Coordinator::new(
            (members.into(), mails(), mails()),
            Some(Box::new(Store::open(disk.clone(), 3).expect("an empty disk"))),
            Schedule {
                interval: interval.map(ms),
                timeout: ms(timeout),
            },
            Box::new(move |event| heard.lock().expect("one thread").push(event)),
            (stop.clone(), board.clone(), 0),
        );
        Office {
            coordinator,
            events,
            disk,
            stop,
            now: Duration::ZERO,
        }
    }

    /// Lets it have its turns until it has nothing more to do at this time.
    fn at(&mut self, millis: u64) -> Turn {
        self.now = ms(millis);
        loop {
            match self.coordinator.on_turn(self.now, &mut Nowhere).expect("a turn") {
                Turn::Again => {}
                turn => return turn,
            }
        }
    }

    fn tell(&mut self, member: usize, ack: Ack) {
        let input = Input {
            port: 0,
            channel: member,
            ..Input::default()
        };
        self.coordinator
            .on_data(input, vec![ack], &mut Nowhere)
            .expect("it is told");
    }

    /// This member acknowledges a checkpoint.
    fn state(&mut self, member: usize, id: u64) {
        let part = Part {
            name: "state".to_string(),
            owner: Owner::First,
            bytes: vec![member as u8],
        };
        let aligned = ms(member as u64);
        self.tell(member, Ack::State(id, Frozen::new(move || vec![part]), aligned));
    }

    fn all_states(&mut self, id: u64) {
        (0..3).for_each(|member| self.state(member, id));
    }

    fn events(&self) -> Vec<Event> {
        self.events.lock().expect("one thread").clone()
    }

    /// Which checkpoints were durable, and after how long.
    fn durable(&self) -> Vec<(u64, Duration)> {
        let durable = self.events().into_iter().filter_map(|event| match event {
            Event::Durable(id, cost) => Some((id, cost.took)),
            Event::Aborted(..) => None,
        });
        durable.collect()
    }

    /// How it says that things stand.
    fn says(&mut self) -> String {
        let mut status = Status::default();
        self.coordinator.status(&mut status);
        status.to_string()
    }
}

#[test]
fn a_checkpoint_is_complete_when_all_have_acknowledged_and_durable_when_it_is_stored() {
    let mut office = Office::new(Some(10), 1_000);
    assert_eq!(office.at(0), Turn::Wait(Some(ms(10))));
    office.at(10);
    assert_eq!(office.says(), "checkpoint 1 waits for source 0, source 1, task");
    office.state(0, 1);
    office.state(TASK, 1);
    assert_eq!(office.at(12), Turn::Wait(Some(ms(1_010))));
    assert_eq!(office.says(), "checkpoint 1 waits for source 1");
    office.state(1, 1);
    // One turn after the other: the store is not done before its last step, and nobody hears of it before that.
    let mut turns = 0;
    while office.events().is_empty() {
        assert!(
            !office
                .disk
                .files()
                .contains_key("checkpoint-00000000000000000001")
                || turns > 3
        );
        office.coordinator.on_turn(ms(13), &mut Nowhere).expect("a turn");
        turns += 1;
    }
    assert_eq!(turns, 5, "begin, write, sync, rename, sync the folder");
    let [Event::Durable(1, cost)] = office.events()[..] else {
        panic!("{:?}", office.events());
    };
    // Two tasks more were behind the slowest in aligning; the store began and ended in the same millisecond.
    assert_eq!((cost.took, cost.aligned, cost.stored), (ms(3), ms(2), ms(0)));
    assert_eq!((cost.size.new, cost.size.reused), (3, 0), "a byte each");
    let saved = Store::open(office.disk.clone(), 3).expect("a store").latest();
    let saved = saved.expect("whole").expect("there");
    assert_eq!(
        saved.snapshot.operators().collect::<Vec<_>>(),
        ["source 0", "source 1", "task"]
    );
}

#[test]
fn the_next_one_is_due_an_interval_after_the_beginning_and_not_before_the_end_of_the_one_before() {
    let mut office = Office::new(Some(10), 1_000);
    office.at(0);
    office.at(10);
    office.all_states(1);
    office.at(14);
    assert_eq!(
        office.at(14),
        Turn::Wait(Some(ms(20))),
        "not from its end, but from its beginning"
    );
    office.at(20);
    assert_eq!(office.says(), "checkpoint 2 waits for source 0, source 1, task");
    office.at(35);
    assert_eq!(
        office.says(),
        "checkpoint 2 waits for source 0, source 1, task",
        "one at a time"
    );
    office.all_states(2);
    office.at(36);
    assert_eq!(office.durable(), [(1, ms(4)), (2, ms(16))]);
    assert_eq!(
        office.says(),
        "checkpoint 3 waits for source 0, source 1, task",
        "it was due long ago"
    );
}

#[test]
fn of_hundreds_of_tasks_that_have_not_acknowledged_a_few_are_named() {
    let mut office = Office::new(Some(10), 5);
    let more = (3..303).map(|task| member(&format!("task {task}"), false));
    office.coordinator.members.extend(more);
    office.at(0);
    office.at(10);
    (0..3).for_each(|task| office.state(task, 1));
    let named = "task 3, task 4, task 5, task 6, task 7, and 295 more";
    assert_eq!(office.says(), format!("checkpoint 1 waits for {named}"));
    office.at(15);
    assert_eq!(office.events(), [Event::Aborted(1, ms(5), named.to_string())]);
}

#[test]
fn what_belongs_to_a_checkpoint_that_was_given_up_is_worth_nothing() {
    let mut office = Office::new(Some(10), 5);
    office.at(0);
    office.at(10);
    office.state(0, 1);
    office.at(15);
    let missing = "source 1, task".to_string();
    assert_eq!(office.events(), [Event::Aborted(1, ms(5), missing)]);
    // What source 0 had sent for the first one does not count for the second, and neither does what comes late, before the
    // second one begins or after.
    office.state(TASK, 1);
    office.at(20);
    office.state(1, 1);
    assert_eq!(office.says(), "checkpoint 2 waits for source 0, source 1, task");
    office.all_states(2);
    office.state(TASK, 1);
    office.at(21);
    assert_eq!(office.durable(), [(2, ms(1))]);
    let names: Vec<String> = office.disk.files().into_keys().collect();
    assert_eq!(names, ["checkpoint-00000000000000000002"]);
}

/// How many checkpoints a job has in two seconds whose tasks take so long for one, and how many were given up.
fn slow_job(takes: u64) -> (usize, usize) {
    let mut office = Office::new(Some(10), 20);
    let mut begun = (0, 0);
    for now in 0..2_000 {
        office.at(now);
        if office.coordinator.id > begun.0 {
            begun = (office.coordinator.id, now);
        }
        if begun.0 > 0 && now == begun.1 + takes {
            office.all_states(begun.0);
        }
    }
    let events = office.events();
    let durable = events.iter().filter(|event| matches!(event, Event::Durable(..)));
    let durable = durable.count();
    (durable, events.len() - durable)
}

#[test]
fn a_job_slower_than_the_timeout_completes_checkpoints_because_the_timeout_grows() {
    let (durable, given_up) = slow_job(15);
    assert!(durable > 90, "{durable}");
    assert_eq!(given_up, 0);
    let (durable, given_up) = slow_job(150);
    assert!(durable >= 5 && given_up >= 3, "{durable}, {given_up}");
    let (durable, given_up) = with(Some(Fault::TimeoutStays), || slow_job(150));
    assert_eq!(durable, 0, "none is ever complete");
    assert!(given_up > 50, "{given_up}");
}

#[test]
fn once_all_sources_are_drained_there_is_a_last_one_and_none_after_it() {
    for interval in [None, Some(10)] {
        let mut office = Office::new(interval, 1_000);
        office.at(0);
        office.tell(0, Ack::Drained);
        office.at(1);
        assert!(office.says().contains("was 0"), "{}", office.says());
        office.tell(1, Ack::Drained);
        office.at(2);
        office.all_states(1);
        assert_eq!(office.at(3), Turn::Wait(None), "{interval:?}");
        assert_eq!(office.durable(), [(1, ms(1))]);
        assert_eq!(office.at(500), Turn::Wait(None), "none after the last");
        assert!(!office.stop.is_asked(), "it ends by itself");
        for member in 0..3 {
            let input = Input {
                port: 0,
                channel: member,
                ..Input::default()
            };
            let ended = office
                .coordinator
                .on_input_end(input, EndReason::Drained, &mut Nowhere);
            ended.expect("it is told");
        }
        assert_eq!(office.at(501), Turn::Done);
    }
}

#[test]
fn one_that_was_begun_before_the_last_source_was_drained_is_not_the_last() {
    let mut office = Office::new(Some(10), 1_000);
    office.at(0);
    office.at(10);
    office.state(0, 1);
    // Its last rows stand behind the barrier, or before it: nobody can tell.
    office.tell(0, Ack::Drained);
    office.tell(1, Ack::Drained);
    office.state(1, 1);
    office.state(TASK, 1);
    office.at(11);
    assert_eq!(office.durable(), [(1, ms(1))]);
    assert_eq!(office.says(), "checkpoint 2 waits for source 0, source 1, task");
}

#[test]
fn a_job_that_is_suspended_stops_behind_its_last_checkpoint_even_if_that_takes_two() {
    let mut office = Office::new(None, 5);
    office.at(0);
    office
        .coordinator
        .on_mail(Signal::Suspend, &mut Nowhere)
        .expect("mail");
    office.at(1);
    assert!(!office.stop.is_asked(), "not before it is durable");
    // The first one is given up, and another one is begun at once.
    office.at(6);
    assert!(!office.stop.is_asked());
    office.all_states(2);
    office.at(8);
    assert!(office.stop.is_asked());
    assert_eq!(office.durable(), [(2, ms(2))]);
    assert_eq!(office.at(900), Turn::Wait(None));
}

#[test]
fn a_job_that_is_suspended_does_not_wait_for_a_task_that_hangs() {
    let mut office = Office::new(None, 60_000);
    office.at(0);
    let suspend = Signal::Suspend;
    office.coordinator.on_mail(suspend, &mut Nowhere).expect("mail");
    office.at(1);
    office.state(0, 1);
    office.state(1, 1);
    assert_eq!(office.at(500), Turn::Wait(Some(ms(1_001))));
    assert!(!office.stop.is_asked());
    office.at(1_001);
    assert!(office.stop.is_asked());
    let aborted = Event::Aborted(1, ms(1_000), "task".to_string());
    assert_eq!(office.events(), [aborted]);
    // No other checkpoint is begun.
    assert_eq!(office.at(5_000), Turn::Wait(None));
}

#[test]
fn a_job_that_is_suspended_behind_its_last_checkpoint_stops_at_once() {
    let mut office = Office::new(None, 60_000);
    office.tell(0, Ack::Drained);
    office.tell(1, Ack::Drained);
    office.at(0);
    office.all_states(1);
    office.at(1);
    assert!(!office.stop.is_asked(), "it comes to its end by itself");
    let suspend = Signal::Suspend;
    office.coordinator.on_mail(suspend, &mut Nowhere).expect("mail");
    office.at(2);
    assert!(office.stop.is_asked());
}

#[test]
fn a_disk_that_fails_ends_the_job_and_leaves_the_checkpoint_before() {
    let mut office = Office::new(Some(10), 1_000);
    office.at(0);
    office.at(10);
    office.all_states(1);
    office.at(11);
    office.at(20);
    office.all_states(2);
    office.disk.fail_after(1);
    let turns = std::iter::repeat_with(|| office.coordinator.on_turn(ms(21), &mut Nowhere));
    let failure = turns.take(9).find_map(Result::err).expect("the disk is full");
    assert!(
        failure
            .to_string()
            .contains("cannot sync memory/checkpoint-00000000000000000002"),
        "{failure}"
    );
    let latest = Store::open(office.disk.clone(), 3).expect("a store").latest();
    assert_eq!(latest.expect("whole").map(|latest| latest.id), Some(1));
}

/// Never comes to an end.
struct Hangs;

impl CheckpointStorage for Hangs {
    fn begin(&mut self, _: u64, _: TaskStates) -> Result<(), StoreError> {
        Ok(())
    }

    fn step(&mut self) -> Result<Progress, StoreError> {
        Ok(Progress::Pending)
    }

    fn size(&self) -> Size {
        Size::default()
    }
}

#[test]
fn a_job_that_is_to_stop_does_not_wait_for_a_store_that_hangs() {
    let mut office = Office::new(Some(10), 1_000);
    office.coordinator.store = Some(Box::new(Hangs));
    office.at(0);
    office.at(10);
    office.all_states(1);
    assert_eq!(office.at(11), Turn::Wait(Some(ms(16))), "it looks again soon");
    let suspend = Signal::Suspend;
    office.coordinator.on_mail(suspend, &mut Nowhere).expect("mail");
    office.at(20);
    office.at(2_019);
    assert!(!office.stop.is_asked());
    office.at(2_020);
    assert!(office.stop.is_asked());
    let place = "the place where checkpoints are kept".to_string();
    assert_eq!(office.events(), [Event::Aborted(1, ms(2_010), place)]);
}

#[test]
fn mail_for_others_is_an_error() {
    let mut office = Office::new(None, 5);
    for signal in [Signal::Barrier(1), Signal::Finish, Signal::Inner(())] {
        let failure = office.coordinator.on_mail(signal, &mut Nowhere);
        failure.expect_err("it is not for the coordinator");
    }
}
