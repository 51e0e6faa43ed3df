//! The adapter around an operator: what it is told and when, what goes on behind it, and what is handed through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Output, Turn};
use day02_state::state::{Frozen, Owner, Part, Stateful};
use day02_state::status::Status;
use day03_windows::job::Options;
use day03_windows::time::EventTime;
use day04_watermarks::job::worker;
use day04_watermarks::operator::{OnWatermark, WatermarkOperator};
use day04_watermarks::watermark::Watermark::{self, At, Idle};

/// Writes down every call, and says something about each watermark, of which a part is held back until it is flushed.
#[derive(Default, Clone)]
struct Scribe {
    calls: Arc<Mutex<Vec<String>>>,
    held: Vec<String>,
}

impl Scribe {
    fn write(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }
}

/// A word that [`Scribe`] says, or a watermark behind it.
#[derive(Default)]
struct ValveOutput(Vec<String>);

impl Output<Vec<String>, Watermark> for ValveOutput {
    fn data(&mut self, words: Vec<String>) {
        self.0.extend(words);
    }

    fn control(&mut self, watermark: Watermark) {
        panic!("{watermark:?} is in no hurry");
    }

    fn control_with_rows(&mut self, watermark: Watermark) {
        self.0.push(match watermark {
            At(at) => format!("W {}", at.0),
            Idle => "idle".to_string(),
        });
    }
}

impl Operator<Watermark> for Scribe {
    type In = u32;
    type Out = Vec<String>;

    fn on_data(&mut self, input: Input, data: u32, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.write(format!("data {data} of {}/{}", input.port, input.channel));
        Ok(())
    }

    fn on_control(&mut self, _: Input, watermark: Watermark, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        panic!("{watermark:?} comes through the valve");
    }

    fn on_mail(&mut self, watermark: Watermark, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.write(format!("mail {watermark:?}"));
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        self.write(format!("turn {now:?}"));
        Ok(Turn::Wait(Some(2 * now)))
    }

    fn on_input_end(&mut self, input: Input, how: EndReason, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.write(format!("end of {}: {how:?}", input.channel));
        Ok(())
    }

    fn on_flush(&mut self, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        out.data(std::mem::take(&mut self.held));
        Ok(())
    }

    fn on_end(&mut self, how: EndReason, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.write(format!("end: {how:?}"));
        Ok(())
    }

    fn accepts(&self, channel: usize) -> bool {
        channel == 1
    }

    fn status(&mut self, status: &mut Status) {
        status.phrases.push("writes".to_string());
    }
}

impl OnWatermark for Scribe {
    fn on_watermark(&mut self, at: EventTime, out: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        out.data(vec![format!("all before {}", at.0)]);
        self.held.push(format!("and more before {}", at.0));
        Ok(at)
    }
}

impl Stateful for Scribe {
    fn snapshot(&mut self, id: u64) -> Frozen {
        Frozen::new(move || {
            vec![Part {
                name: format!("scribe {id}"),
                owner: Owner::First,
                bytes: Vec::new(),
            }]
        })
    }

    fn on_checkpoint_complete(&mut self, id: u64) {
        self.write(format!("durable {id}"));
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        parts
            .iter()
            .for_each(|part| self.write(format!("restore {}", part.name)));
        Ok(())
    }
}

fn status(operator: &mut impl Operator<Watermark>) -> String {
    let mut status = Status::default();
    operator.status(&mut status);
    status.to_string()
}

const fn channel(channel: usize) -> Input {
    Input {
        port: 0,
        channel,
        now: Duration::ZERO,
    }
}

fn at(millis: i64) -> Watermark {
    At(EventTime(millis))
}

#[test]
fn what_the_operator_says_about_a_watermark_stands_before_it_also_what_it_had_held_back() {
    let (mut valved, mut said) = (
        WatermarkOperator::new(2, Scribe::default()),
        ValveOutput::default(),
    );
    for (from, watermark) in [
        (0, at(10)),
        (1, at(5)),
        (1, at(5)),
        (0, Idle),
        (1, at(7)),
        (1, Idle),
    ] {
        valved.on_control(channel(from), watermark, &mut said).unwrap();
    }
    #[rustfmt::skip]
    let wanted = [
        "all before 5", "and more before 5", "W 5",
        "all before 7", "and more before 7", "W 7",
        // All are idle: up to the highest that any has said.
        "all before 10", "and more before 10", "W 10",
        "idle",
    ];
    assert_eq!(said.0, wanted);
}

#[test]
fn everything_else_is_handed_through() {
    let scribe = Scribe::default();
    let mut valved = WatermarkOperator::new(2, scribe.clone());
    let said = &mut ValveOutput::default();
    let parts = valved.snapshot(7).parts();
    assert_eq!(
        parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(),
        ["scribe 7"]
    );
    valved.restore(parts).unwrap();
    let second = Duration::from_secs(1);
    assert_eq!(
        valved.on_turn(second, said).unwrap(),
        Turn::Wait(Some(2 * second))
    );
    valved
        .on_data(
            Input {
                port: 1,
                channel: 3,
                now: Duration::ZERO,
            },
            5,
            said,
        )
        .unwrap();
    valved.on_mail(Idle, said).unwrap();
    valved.on_input_end(channel(1), EndReason::Stopped, said).unwrap();
    valved.on_flush(said).unwrap();
    valved.on_end(EndReason::Drained, said).unwrap();
    valved.on_checkpoint_complete(7);
    assert_eq!((valved.accepts(0), valved.accepts(1)), (false, true));
    assert_eq!(status(&mut valved), "writes; it has no watermark yet");
    valved.on_control(channel(0), at(3), said).unwrap();
    valved.on_control(channel(1), at(3), said).unwrap();
    assert_eq!(
        status(&mut valved),
        "writes; its watermark is 1970-01-01T00:00:00.003Z"
    );
    assert_eq!(said.0, ["all before 3", "and more before 3", "W 3"]);
    #[rustfmt::skip]
    let wanted = [
        "restore scribe 7", "turn 1s", "data 5 of 1/3", "mail Idle", "end of 1: Stopped", "end: Drained", "durable 7",
    ];
    assert_eq!(*scribe.calls.lock().unwrap(), wanted);
}

#[test]
fn a_restored_one_says_its_watermark_again_in_its_first_turn_and_none_that_is_lower() {
    let (mut valved, mut said) = (
        WatermarkOperator::new(1, Scribe::default()),
        ValveOutput::default(),
    );
    valved.on_control(channel(0), at(10), &mut said).unwrap();
    let parts = valved.snapshot(1).parts();
    assert_eq!(parts.len(), 2);

    // With more channels than before, and behind a worker that was ahead because one of its inputs was idle.
    let ahead = Part {
        bytes: 12_i64.to_le_bytes().to_vec(),
        ..parts
            .iter()
            .find(|part| part.name == "watermark")
            .unwrap()
            .clone()
    };
    let (mut valved, mut said) = (
        WatermarkOperator::new(2, Scribe::default()),
        ValveOutput::default(),
    );
    valved
        .restore(parts.into_iter().chain([ahead]).collect())
        .unwrap();
    assert_eq!(said.0, [""; 0]);
    for _ in 0..2 {
        valved.on_turn(Duration::ZERO, &mut said).unwrap();
        assert_eq!(said.0, ["W 12"], "once, and the operator has heard of it before");
    }
    for (from, watermark) in [(0, at(10)), (1, at(11)), (0, at(13)), (1, at(14))] {
        valved.on_control(channel(from), watermark, &mut said).unwrap();
    }
    assert_eq!(said.0, ["W 12", "all before 13", "and more before 13", "W 13"]);
}

#[test]
fn a_watermark_that_is_damaged_is_an_error_that_names_it() {
    let mut valved = WatermarkOperator::new(1, Scribe::default());
    let part = Part {
        name: "watermark".to_string(),
        owner: Owner::Every,
        bytes: vec![1, 2, 3],
    };
    let error = valved.restore(vec![part]).unwrap_err().to_string();
    assert_eq!(error, "state \"watermark\" of every worker: it is no time");
}

/// A checkpoint is taken from outside, of the adapter with the worker inside of it.
#[test]
fn the_snapshot_of_a_worker_has_its_watermark_its_clock_its_windows_and_how_far_they_have_closed() {
    let options = Options::new("tumble:10s".parse().unwrap());
    let mut valved = worker(1, &options);
    valved.on_control(channel(0), at(10), &mut Silent).unwrap();
    let names: Vec<String> = valved
        .snapshot(1)
        .parts()
        .into_iter()
        .map(|part| part.name)
        .collect();
    assert_eq!(names, ["clock", "closed up to", "watermark", "windows"]);
}

/// Hears nothing.
struct Silent;

impl<D> Output<D, Watermark> for Silent {
    fn data(&mut self, _: D) {}
    fn control(&mut self, _: Watermark) {}
}
