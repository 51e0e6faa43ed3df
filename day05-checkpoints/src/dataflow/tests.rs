//! What a restored job refuses, and what its tasks have heard when they end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use day02_state::keys::KEY_GROUPS;
use day02_state::operator::{Input, Out, Outcome, Turn};
use day02_state::runtime::{forward, mailbox, run_threads};
use day02_state::state::file::Snapshot;
use day02_state::state::{Frozen, Owner, Part};
use day02_state::stepper::run_stepper;

use super::*;
use crate::coordinator::Event;
use crate::lab::fragile::Fragile;
use crate::store::Store;

/// Counts what it was given: as a source, the turns that it has had.
#[derive(Debug, Default)]
struct Counts {
    count: u64,
    /// Up to where it counts; a source then has nothing more to send.
    until: u64,
    has_ended: Option<Heard>,
    durable: u64,
}

impl Stateful for Counts {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let bytes = self.count.to_le_bytes().to_vec();
        Frozen::new(move || {
            vec![Part {
                name: "count".to_string(),
                owner: Owner::First,
                bytes,
            }]
        })
    }

    fn on_checkpoint_complete(&mut self, id: u64) {
        self.durable = id;
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in parts {
            let bytes = part.bytes.as_slice().try_into();
            self.count = u64::from_le_bytes(bytes.map_err(|_| part.bad("no number"))?);
        }
        Ok(())
    }
}

/// Of which checkpoint each task had heard when it ended.
type Heard = Arc<Mutex<Vec<u64>>>;

struct Source(Counts);

impl Operator<Watermark> for Source {
    type In = ();
    type Out = Vec<u64>;

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, Watermark>) -> Outcome {
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        if self.0.count == self.0.until {
            return Ok(Turn::Done);
        }
        self.0.count += 1;
        out.data(vec![self.0.count]);
        Ok(Turn::Again)
    }
}

impl Stateful for Source {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.0.snapshot(id)
    }
    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        self.0.restore(parts)
    }
}

impl Operator<Watermark> for Counts {
    type In = Vec<u64>;
    type Out = ();

    fn on_data(&mut self, _: Input, rows: Vec<u64>, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.count += rows.len() as u64;
        Ok(())
    }

    fn on_end(&mut self, _: day02_state::operator::EndReason, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        if let Some(has_ended) = &self.has_ended {
            has_ended.lock().expect("one thread").push(self.durable);
        }
        Ok(())
    }
}

fn subtask(operator: &str) -> Subtask<'_> {
    Subtask {
        operator,
        number: 0,
        of: 1,
    }
}

/// A source that counts to `until`, and a task behind it that counts what comes.
fn wired(restore: Option<Checkpoint>, until: u64) -> Result<(Dataflow, Heard), Error> {
    let buffers = Buffers {
        capacity: 1,
        rows: 2,
        linger: Duration::ZERO,
    };
    let mut dataflow = Dataflow::new(buffers, restore);
    let mut edge = forward(1, buffers);
    let has_ended = Arc::default();
    let source = Source(Counts {
        until,
        ..Counts::default()
    });
    dataflow.source(subtask("numbers"), source, |_, _| false, edge.outboxes.remove(0))?;
    let counts = Counts {
        has_ended: Some(Arc::clone(&has_ended)),
        ..Counts::default()
    };
    dataflow.task(subtask("counts"), edge.inboxes.remove(0), counts, Outbox::none())?;
    Ok((dataflow, has_ended))
}

fn checkpoint(operators: &[(&str, &[u8])]) -> Checkpoint {
    let mut snapshot = Snapshot::new();
    for (operator, bytes) in operators {
        let part = Part {
            name: "count".to_string(),
            owner: Owner::First,
            bytes: bytes.to_vec(),
        };
        snapshot.add(operator, vec![part]);
    }
    Checkpoint { id: 4, snapshot }
}

fn finished(restore: Checkpoint) -> Result<(), Error> {
    let (dataflow, _) = wired(Some(restore), 10)?;
    let store = Store::open(Fragile::new(), 3).expect("an empty disk");
    let finished = dataflow.finish(
        Some(Box::new(store)),
        Schedule::default(),
        Box::new(|_| {}),
        &Stop::new(),
    );
    finished.map(drop)
}

#[test]
fn state_that_nobody_takes_and_state_that_nobody_understands_are_errors() {
    let count = 3_u64.to_le_bytes();
    assert!(finished(checkpoint(&[("numbers", &count), ("counts", &count)])).is_ok());
    assert!(
        finished(checkpoint(&[("numbers", &count)])).is_ok(),
        "a task that is new begins"
    );
    #[rustfmt::skip]
    let table = [
        (checkpoint(&[("numbers", &count), ("join", &count)]),
            "cannot restore the saved state: it has state of \"join\", which this job does not have"),
        (checkpoint(&[("numbers", &count), ("counts", b"three")]),
            "cannot restore the saved state: state \"count\" of the first worker: no number"),
    ];
    for (restore, said) in table {
        assert_eq!(finished(restore).expect_err(said).to_string(), said);
    }
    let owned_by = |owner| {
        let mut restore = checkpoint(&[("numbers", &count)]);
        let part = Part {
            name: "count".to_string(),
            owner,
            bytes: count.to_vec(),
        };
        restore.snapshot.add("counts", vec![part]);
        restore
    };
    assert!(finished(owned_by(Owner::Group(KEY_GROUPS - 1))).is_ok());
    for (owner, whose) in [
        (Owner::Group(KEY_GROUPS), format!("key group {KEY_GROUPS}")),
        (Owner::Split("orders/7".to_string()), "split orders/7".to_string()),
    ] {
        let said = format!("cannot restore the saved state: state \"count\" of {whose}: no task owns it");
        assert_eq!(finished(owned_by(owner)).expect_err(&said).to_string(), said);
    }
}

/// Runs the job over so many numbers, with so many others who are told before the task behind the source. Returns of which checkpoint the task behind the source had heard when it ended, and
/// which were durable.
fn run(until: u64, also_told: usize, drive: impl FnOnce(Job, &Stop)) -> (Vec<u64>, Vec<u64>) {
    let (mut dataflow, has_ended) = wired(None, until).expect("wired");
    let nobody = mailbox().0;
    dataflow
        .others
        .splice(0..0, std::iter::repeat_n(nobody, also_told));
    let durable: Arc<Mutex<Vec<u64>>> = Arc::default();
    let heard = Arc::clone(&durable);
    let listener: Listener = Box::new(move |event| match event {
        Event::Durable(id, _) => heard.lock().expect("whole").push(id),
        Event::Aborted(id, ..) => panic!("{id} was given up"),
    });
    let schedule = Schedule {
        interval: Some(Duration::from_millis(8)),
        timeout: Duration::from_secs(1),
    };
    let (store, stop) = (Store::open(Fragile::new(), 3).expect("empty"), Stop::new());
    let (job, _) = dataflow
        .finish(Some(Box::new(store)), schedule, listener, &stop)
        .expect("wired");
    drive(job, &stop);
    let ended = has_ended.lock().expect("whole").clone();
    let durable = durable.lock().expect("whole").clone();
    (ended, durable)
}

#[test]
fn who_stands_behind_a_source_has_heard_of_the_last_checkpoint_when_it_ends() {
    for seed in 0..100 {
        let steps = day02_state::stepper::Schedule {
            seed,
            step: Duration::from_millis(1),
        };
        let (ended, durable) = run(20, 0, |job, stop| {
            run_stepper(job, steps, stop, &mut |_, _, _| {}).expect("it ends");
        });
        assert!(durable.len() > 3, "{durable:?}");
        assert_eq!(ended, [durable.len() as u64], "seed {seed}");
    }
    // Where it takes long to tell all, a source that is told first has ended before the last one hears of it.
    for (repetition, also_told) in (0..100).zip([0, 100_000].into_iter().cycle()) {
        let (ended, durable) = run(repetition, also_told, |job, stop| {
            run_threads(job, stop).expect("it ends")
        });
        assert_eq!(ended, [durable.len() as u64], "repetition {repetition}");
    }
}
