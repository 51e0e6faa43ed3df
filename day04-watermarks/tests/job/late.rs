//! Windows that close again for late orders, and what is lost all the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use day01_consumer::lab::log::Log;
use day02_state::operator::Outcome;
use day02_state::runtime::Stop;
use day03_windows::job::{ClosedWindow, LateOrder, OnClosed};
use day03_windows::lab::evaluator::Row;
use day03_windows::time::Span;
use day04_watermarks::job::wire;
use day04_watermarks::late;
use jiff::SignedDuration;

use crate::drive::{Drive, drive};
use crate::orders::{KINDS, disordered, rows};
use crate::setup::{Setup, logged};

/// Takes what is lost, as lines.
#[derive(Clone, Default)]
struct Lost(Arc<Mutex<Vec<String>>>);

impl OnClosed for Lost {
    fn on_closed(&mut self, _: &[ClosedWindow]) -> Outcome {
        Ok(())
    }

    fn on_late(&mut self, orders: &[LateOrder]) -> Outcome {
        for order in orders {
            let mut line = Vec::new();
            late::append(order, &mut line)?;
            self.0.lock().unwrap().push(String::from_utf8(line)?);
        }
        Ok(())
    }
}

/// What closes, and the lines of what is lost, sorted: workers do not wait for each other.
fn run(setup: Setup, log: &Log) -> (Vec<ClosedWindow>, Vec<String>) {
    let lost = Lost::default();
    let (job, slot) = wire(setup.readers(log), &setup.options(), lost.clone(), None).unwrap();
    drive(job, setup.drive, &Stop::new()).unwrap();
    let answer = slot.take();
    let mut lost = std::mem::take(&mut *lost.0.lock().unwrap());
    lost.sort();
    assert_eq!(lost.len() as u64, answer.stats.late);
    (answer.windows, lost)
}

fn late_setup(kind: &str) -> (Setup, Vec<Row>) {
    let setup = Setup {
        delay: Span::millis(20),
        lateness: Span::millis(60),
        grid: Span::millis(10),
        ..Setup::new(kind)
    };
    (setup, rows(&disordered(300, 3, SignedDuration::from_millis(150))))
}

#[test]
fn panes_and_lost_orders_do_not_depend_on_batches_packets_seeds_threads_or_workers() {
    let mut lost = 0;
    for kind in KINDS {
        let (plain, rows) = late_setup(kind);
        let log = logged(&[rows]);
        let right = run(plain, &log);
        assert!(right.0.iter().any(|closed| closed.pane > 0), "{kind}");
        lost += right.1.len();
        for seed in 0..12 {
            let setup = Setup {
                workers: 1 + seed % 4,
                batch: [1, 7, 1_000][seed % 3],
                drive: match seed % 4 {
                    3 => Drive::Threads,
                    _ => Drive::Stepper(seed as u64),
                },
                ..plain
            };
            assert_eq!(run(setup, &log), right, "{setup:?}");
        }
    }
    assert!(lost > 20, "{lost}");
}

/// The last pane of each window is what the window would have been if it had been closed so much later.
#[test]
fn what_the_last_panes_say_is_what_a_longer_delay_says_at_once() {
    for kind in KINDS.into_iter().filter(|kind| !kind.starts_with("session")) {
        let (setup, rows) = late_setup(kind);
        let log = logged(&[rows]);
        let later = Setup {
            delay: setup.delay.plus(setup.lateness),
            lateness: Span(0),
            ..setup
        };
        let (windows, lost) = run(setup, &log);
        let last: BTreeMap<_, _> = windows
            .into_iter()
            .map(|closed| ((closed.window, closed.merchant_id), closed.summed))
            .collect();
        let (at_once, lost_later) = run(later, &log);
        let at_once: BTreeMap<_, _> = at_once
            .into_iter()
            .map(|closed| ((closed.window, closed.merchant_id), closed.summed))
            .collect();
        assert_eq!(last, at_once, "{kind}");
        assert_eq!(lost.len(), lost_later.len(), "{kind}");
    }
}

/// Wherever it is stopped, and with however many workers it goes on.
#[test]
fn a_restored_job_goes_on_counting_panes() {
    let (setup, rows) = late_setup("tumble:100ms");
    let log = logged(&[rows]);
    let whole = run(setup, &log).0;
    let mut again = 0;
    for steps in (40..800).step_by(40) {
        let first = setup.stopped_after(steps, &log, None);
        let workers = 1 + steps / 40 % 3;
        let second = Setup { workers, ..setup }.go_on(&log, Some(&first.snapshot));
        again += second.windows.iter().filter(|closed| closed.pane > 0).count();
        let mut all = [first.windows, second.windows].concat();
        all.sort_by(|one, other| {
            let place = |closed: &ClosedWindow| (closed.window, closed.merchant_id.clone(), closed.pane);
            place(one).cmp(&place(other))
        });
        assert_eq!(all, whole, "stopped after {steps} steps");
    }
    assert!(again > 20, "{again}");
}
