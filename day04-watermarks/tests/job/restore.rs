//! What a stage and a source must remember, and what happens if they do not.
//!
//! Each of the two rules of liveness that belong to this day is shown with its part of the snapshot and without it.

use day02_state::job::SOURCE;
use day02_state::state::file::Snapshot;
use day02_state::state::{Owner, Part};
use day03_windows::job::{ClosedWindow, WINDOWS};
use day03_windows::lab::evaluator::Row;
use day03_windows::time::Span;
use jiff::SignedDuration;

use crate::drive::Drive;
use crate::live::{Event, Live, play};
use crate::orders::{KINDS, disordered, rows};
use crate::results::expected;
use crate::setup::{MILLI, Setup, counts, logged, places};

/// A snapshot of which these parts are left; `None` takes one out.
fn changed(snapshot: &Snapshot, mut change: impl FnMut(&str, Part) -> Option<Part>) -> Snapshot {
    let operators: Vec<String> = snapshot.operators().map(str::to_string).collect();
    let mut left = Snapshot::new();
    for operator in operators {
        let parts = snapshot.parts(&operator).iter().cloned();
        left.add(
            &operator,
            parts.filter_map(|part| change(&operator, part)).collect(),
        );
    }
    left
}

/// Without what the workers know of how far they had come: event time begins anew for them.
fn without_floor(snapshot: &Snapshot) -> Snapshot {
    let mut taken = 0;
    let left = changed(snapshot, |operator, mut part| {
        match (operator, part.name.as_str()) {
            (WINDOWS, "clock" | "watermark") => {
                taken += 1;
                return None;
            }
            // Behind it, slices have the key groups that it is about.
            (WINDOWS, "closed" | "closed up to") => {
                taken += 1;
                part.bytes[..8].copy_from_slice(&i64::MIN.to_le_bytes());
            }
            _ => {}
        }
        Some(part)
    });
    assert!(taken >= 2, "{taken}");
    left
}

/// Without what the source knows of one of its splits: it has to begin anew with it.
fn without_largest(snapshot: &Snapshot, split: &str) -> Snapshot {
    let mut taken = 0;
    let left = changed(snapshot, |operator, part| {
        let is_it = operator == SOURCE
            && part.name == "largest timestamp"
            && part.owner == Owner::Split(split.to_string());
        taken += usize::from(is_it);
        (!is_it).then_some(part)
    });
    assert_eq!(taken, 1);
    left
}

fn in_many_ways(plain: Setup, test: impl Fn(Setup)) {
    for seed in 0..30 {
        test(Setup {
            sources: 1 + seed % 2,
            workers: 1 + seed % 3,
            drive: Drive::Stepper(seed as u64),
            ..plain
        });
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Nothing late

#[test]
fn stopped_and_restored_at_other_sources_and_workers_each_window_closes_once_and_holds_everything() {
    let partition =
        |number: u64| -> Vec<Row> { rows(&disordered(60, number, SignedDuration::from_millis(30))) };
    let partitions: Vec<Vec<Row>> = (1..=3).map(partition).collect();
    let log = logged(&partitions);
    let mut in_the_middle = 0;
    for kind in KINDS {
        let right = expected(kind.parse().unwrap(), &partitions.concat());
        for seed in 0..25 {
            let (mut windows, mut last) = (Vec::new(), None);
            for (life, steps) in [Some(200 + seed * 37), Some(50 + seed * 11), None]
                .into_iter()
                .enumerate()
            {
                let setup = Setup {
                    delay: Span::millis(30),
                    grid: Span::millis(10),
                    sources: 1 + (seed + 2 * life) % 3,
                    workers: 1 + (seed + life) % 4,
                    batch: [1, 2, 7][(seed + life) % 3],
                    drive: Drive::Stepper(seed as u64),
                    ..Setup::new(kind)
                };
                let answer = match steps {
                    Some(steps) => setup.stopped_after(steps, &log, last.as_ref()),
                    None => setup.go_on(&log, last.as_ref()),
                };
                assert_eq!(answer.stats.late_assignments, 0, "{setup:?}");
                in_the_middle += usize::from(steps.is_some() && !answer.windows.is_empty());
                windows.extend(answer.windows);
                let bytes = answer.snapshot.encode();
                last = Some(Snapshot::decode(&bytes).unwrap());
            }
            assert_eq!(places(&windows), right, "{kind}, seed {seed}");
        }
    }
    assert!(in_the_middle > 90, "{in_the_middle} of 200");
}

// ---------------------------------------------------------------------------------------------------------------------
// Rule 4: a restored source announces its watermark at once

#[test]
fn windows_close_by_what_a_restored_partition_had_promised_although_it_is_silent_since() {
    in_many_ways(Setup::new("tumble:10ms"), |setup| {
        let live = Live::new(2);
        let script = [
            (0, Event::Row(0, 105)),
            (0, Event::Row(1, 50)),
            (100, Event::Stop),
        ];
        let (closed, answer) = play(setup, &live, &script, None);
        assert_eq!(closed, [], "{setup:?}");

        // Partition 0 is silent for as long as anybody looks.
        let script = [(1_000, Event::Row(1, 90)), (10_000, Event::Stop)];
        let again = |snapshot: &Snapshot| {
            let (closed, answer) = play(setup, &Live::on(live.log.clone()), &script[..], Some(snapshot));
            let closed: Vec<(bool, i64)> = closed
                .iter()
                .map(|(at, closed)| ((1_000..1_050).contains(at), closed.window.start.0))
                .collect();
            (closed, answer)
        };
        let (closed, stopped) = again(&answer.snapshot);
        assert_eq!(closed, [(true, 50)], "{setup:?}");
        assert_eq!(stopped.stats.open, 2, "{setup:?}");
        let held_back = |status: &[String], split: &str| {
            status
                .iter()
                .any(|said| said.contains(&format!("held back by {split}")))
        };
        assert!(
            held_back(&stopped.progress.status, "orders/1"),
            "{:?}",
            stopped.progress.status
        );
    });
}

/// The same as above, with the largest timestamp of the silent partition taken out of the snapshot.
#[test]
fn if_a_restored_partition_has_forgotten_what_it_had_promised_windows_wait_for_it() {
    in_many_ways(Setup::new("tumble:10ms"), |setup| {
        let live = Live::new(2);
        let script = [
            (0, Event::Row(0, 105)),
            (0, Event::Row(1, 50)),
            (100, Event::Stop),
        ];
        let (_, answer) = play(setup, &live, &script, None);
        let snapshot = without_largest(&answer.snapshot, "orders/0");
        let script = [(1_000, Event::Row(1, 90)), (10_000, Event::Stop)];
        let (closed, stopped) = play(setup, &live, &script, Some(&snapshot));
        assert_eq!(closed, [], "{setup:?}: for ten seconds");
        assert_eq!(stopped.stats.open, 3, "{setup:?}");
        let waits = |said: &String| {
            said.starts_with("no watermark yet, held back by orders/0: no record for ")
                && said.ends_with(", never idle: there is no idle timeout")
        };
        assert!(
            stopped.progress.status.iter().any(waits),
            "{:?}",
            stopped.progress.status
        );
    });
}

/// No row comes at all: what is announced is enough.
#[test]
fn restored_with_a_smaller_delay_it_closes_at_once_what_is_complete_by_it() {
    let plain = Setup {
        delay: Span(40),
        ..Setup::new("tumble:10ms")
    };
    in_many_ways(plain, |setup| {
        let live = Live::new(2);
        let script = [
            (0, Event::Row(0, 105)),
            (0, Event::Row(1, 50)),
            (0, Event::Row(1, 62)),
            (100, Event::Stop),
        ];
        let (_, answer) = play(setup, &live, &script, None);
        let patient = play(setup, &live, &[(1_000, Event::Stop)], Some(&answer.snapshot));
        assert_eq!(patient.0, [], "{setup:?}");
        let eager = Setup {
            delay: Span(0),
            ..setup
        };
        let (closed, _) = play(eager, &live, &[(1_000, Event::Stop)], Some(&answer.snapshot));
        let closed: Vec<(bool, i64)> = closed
            .iter()
            .map(|(at, closed)| (*at < 50, closed.window.start.0))
            .collect();
        assert_eq!(closed, [(true, 50)], "{setup:?}");
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Rule 7: a restored stage keeps its floor

/// Partition 1 goes idle at 5, so windows close by partition 0. Then a stop, and directly behind it a late order. Partition
/// 1 is not idle after the restore, and has promised no more than 5: nobody but the stage itself knows that it was at 100.
fn a_late_order_behind_a_restore(setup: Setup, forget: bool) -> (Vec<ClosedWindow>, u64) {
    let live = Live::new(2);
    let script = [
        (0, Event::Row(0, 4)),
        (0, Event::Row(1, 5)),
        (0, Event::Row(0, 105)),
        (2_000, Event::Stop),
    ];
    let first = Setup {
        idle_timeout: Some(1_000 * MILLI),
        ..setup
    };
    let (_, answer) = play(first, &live, &script, None);
    let closed = counts(&answer.windows);
    assert!(matches!(closed[..], [(0 | 4, 2)]), "{closed:?}, {setup:?}");
    let snapshot = match forget {
        true => without_floor(&answer.snapshot),
        false => answer.snapshot,
    };
    let script = [
        (0, Event::Row(0, 7)),
        (100, Event::Row(1, 120)),
        (100, Event::Row(0, 120)),
        (200, Event::Over),
    ];
    let (_, again) = play(setup, &live, &script, Some(&snapshot));
    let mut windows = answer.windows;
    windows.extend(again.windows);
    (windows, again.stats.late)
}

#[test]
fn a_late_order_behind_a_restore_does_not_make_a_window_close_twice() {
    for kind in ["tumble:10ms", "session:10ms"] {
        in_many_ways(Setup::new(kind), |setup| {
            let (windows, late) = a_late_order_behind_a_restore(setup, false);
            assert_eq!(late, 1, "{setup:?}");
            let orders: u64 = counts(&windows).iter().map(|(_, rows)| rows).sum();
            assert_eq!(orders, 5, "{setup:?}");
            places(&windows);
        });
    }
}

#[test]
fn if_a_restored_stage_has_forgotten_how_far_it_was_a_window_closes_twice() {
    in_many_ways(Setup::new("tumble:10ms"), |setup| {
        let (windows, late) = a_late_order_behind_a_restore(setup, true);
        assert_eq!(late, 0, "{setup:?}");
        assert_eq!(
            counts(&windows),
            [(0, 2), (0, 1), (100, 1), (120, 2)],
            "{setup:?}"
        );
    });
}
