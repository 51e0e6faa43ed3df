//! Watermarks alone: between two marks are exactly the rows that belong there, on every channel and behind every valve.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use day02_state::error::JobError;
use day02_state::keys::{Owners, hash};
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome};
use day02_state::outbox::Outbox;
use day02_state::rows::Rows;
use day02_state::runtime::{Buffers, Edge, Inbox, Job, Stop, by_key};
use day02_state::stepper::run_stepper;

use super::marks::{FINAL, Mark, Marks, NONE, Timed, Valve};
use super::plan::Fault;
use super::sources::{Event, Line, Player, script};

const RECEIVERS: usize = 3;

/// One thing that a receiver has seen: a row with its time, or a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Row(Event),
    Mark(Mark),
}

/// What was seen, and by which receiver on which channel.
type Record = Vec<((usize, usize), Seen)>;

/// Records everything, and from which channel; [`ANY`] if it does not know.
struct Tape {
    receiver: usize,
    record: mpsc::Sender<((usize, usize), Seen)>,
}

/// The channel of marks that come through a valve.
const ANY: usize = usize::MAX;

impl Operator for Tape {
    type In = Rows<Event>;
    type Out = ();
    type Control = Mark;

    fn on_data(&mut self, input: Input, data: Rows<Event>, _: Out<'_, Self>) -> Outcome {
        for event in data.values() {
            self.record
                .send(((self.receiver, input.channel), Seen::Row(*event)))?;
        }
        Ok(())
    }

    fn on_control(&mut self, input: Input, mark: Mark, _: Out<'_, Self>) -> Outcome {
        Ok(self
            .record
            .send(((self.receiver, input.channel), Seen::Mark(mark)))?)
    }
}

impl Timed for Tape {
    fn on_watermark(&mut self, mark: Mark, _: Out<'_, Self>) -> Outcome {
        Ok(self.record.send(((self.receiver, ANY), Seen::Mark(mark)))?)
    }
}

/// Two sources, of which the second ends without a last word about its marks; each sends to bare tapes and, by a tee, to
/// tapes behind valves. Returns what was recorded, by the former and by the latter.
fn record(seed: u64, rows: usize, fault: Option<Fault>) -> (Result<(), JobError>, Record, Record) {
    let buffers = Buffers {
        capacity: 1,
        rows,
        linger: Duration::from_millis(1),
    };
    let (bare, all_bare) = mpsc::channel();
    let (valved, all_valved) = mpsc::channel();
    let mut job = Job::new();
    let edge = || -> Edge<Rows<Event>, Mark> { by_key(2, RECEIVERS, buffers) };
    let (first, second) = (edge(), edge());
    let outboxes = first.outboxes.into_iter().zip(second.outboxes);
    for ((source, lines), (one, other)) in scripts(seed).into_iter().enumerate().zip(outboxes) {
        let name = format!("source-{source}");
        let player = Player::new(&name, lines, 2);
        job.task(name, Inbox::none(), player, one.tee(other));
    }
    let inboxes = first.inboxes.into_iter().zip(second.inboxes);
    for (receiver, (one, other)) in inboxes.enumerate() {
        let tape = |record: &mpsc::Sender<_>| Tape {
            receiver,
            record: record.clone(),
        };
        job.task(format!("bare-{receiver}"), one, tape(&bare), Outbox::none());
        let valve = Valve::new(2, fault, tape(&valved));
        job.task(format!("valve-{receiver}"), other, valve, Outbox::none());
    }
    let result = run_stepper(job, seed, &Stop::new(), &mut |_, _, _| {});
    (
        result,
        all_bare.try_iter().collect(),
        all_valved.try_iter().collect(),
    )
}

fn scripts(seed: u64) -> [Arc<[Line]>; 2] {
    let short = script(seed, 1, 30);
    let unfinished = short
        .iter()
        .copied()
        .filter(|line| !matches!(line, Line::Mark(FINAL)));
    [script(seed, 0, 60), unfinished.collect()]
}

/// What a receiver must see of a source.
fn expected(lines: &[Line], receiver: usize) -> Vec<Seen> {
    let owners = Owners::of(RECEIVERS);
    let seen = lines.iter().filter_map(|line| match line {
        Line::Row { key, event } => {
            (owners.lane(hash(&key.to_le_bytes())) == receiver).then_some(Seen::Row(*event))
        }
        Line::Mark(mark) => Some(Seen::Mark(*mark)),
    });
    seen.collect()
}

#[test]
fn between_two_marks_are_exactly_the_rows_that_belong_there() {
    for seed in 0..1_000 {
        let (result, bare, _) = record(seed, 1 + 2 * (seed as usize % 3), None);
        result.unwrap();
        let mut tapes: BTreeMap<(usize, usize), Vec<Seen>> = BTreeMap::new();
        for (place, seen) in bare {
            tapes.entry(place).or_default().push(seen);
        }
        let scripts = scripts(seed);
        for (place, tape) in &tapes {
            assert_eq!(
                *tape,
                expected(&scripts[place.1], place.0),
                "seed {seed}, {place:?}"
            );
        }
        assert_eq!(tapes.len(), 2 * RECEIVERS);
    }
}

#[test]
fn a_valve_lets_a_mark_pass_when_every_row_below_it_has() {
    let mut marks = 0;
    for seed in 0..1_000 {
        let (result, _, valved) = record(seed, 1 + 2 * (seed as usize % 3), None);
        result.unwrap();
        for receiver in 0..RECEIVERS {
            let tape = valved
                .iter()
                .filter(|((at, _), _)| *at == receiver)
                .map(|(_, seen)| *seen);
            let due = scripts(seed)
                .iter()
                .map(|lines| expected(lines, receiver))
                .collect::<Vec<_>>()
                .concat();
            let below = |tape: &[Seen], mark: Mark| {
                let is_below = |seen: &&Seen| matches!(seen, Seen::Row(event) if Mark(event.time) < mark);
                tape.iter().filter(is_below).count()
            };
            let mut before = Vec::new();
            let mut last = NONE;
            for seen in tape {
                match seen {
                    Seen::Mark(mark) => {
                        assert!(mark > last, "seed {seed}: {mark:?} behind {last:?}");
                        assert_eq!(below(&before, mark), below(&due, mark), "seed {seed}: {mark:?}");
                        last = mark;
                        marks += 1;
                    }
                    Seen::Row(event) => {
                        assert!(Mark(event.time) >= last, "seed {seed}: {event:?} behind {last:?}");
                        before.push(seen);
                    }
                }
            }
            assert_eq!(last, FINAL, "seed {seed}");
        }
    }
    assert!(marks > 30_000, "{marks} marks");
}

#[test]
fn a_valve_that_waits_for_the_ended_is_found() {
    let (result, ..) = record(0, 1, Some(Fault::MarksOfTheEnded));
    assert!(result.unwrap_err().to_string().contains("but the last mark was"));
}

#[test]
fn the_lowest_mark_counts_and_an_ended_channel_does_not() {
    let mut marks = Marks::new(3, None);
    assert_eq!(marks.mark(0, Mark(5)).unwrap(), None);
    assert_eq!(marks.mark(1, Mark(7)).unwrap(), None);
    assert_eq!(marks.end(2, EndReason::Drained), Some(Mark(5)));
    assert_eq!(marks.mark(0, Mark(6)).unwrap(), Some(Mark(6)));
    assert_eq!(marks.mark(0, Mark(9)).unwrap(), Some(Mark(7)));
    assert!(marks.mark(0, Mark(8)).is_err());
    assert_eq!(marks.mark(0, Mark(9)).unwrap(), None);
    assert_eq!(marks.end(0, EndReason::Drained), None);
    assert_eq!(marks.end(1, EndReason::Drained), Some(FINAL));
}

#[test]
fn a_channel_that_was_stopped_still_holds_the_mark_back() {
    let mut marks = Marks::new(2, None);
    assert_eq!(marks.mark(0, Mark(5)).unwrap(), None);
    assert_eq!(marks.mark(1, Mark(7)).unwrap(), Some(Mark(5)));
    assert_eq!(marks.end(0, EndReason::Stopped), None);
    assert_eq!(marks.mark(1, Mark(9)).unwrap(), None);
}
