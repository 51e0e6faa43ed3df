//! The job as a library, on the log in memory of day 1: the same answer on any number of tasks, in any order of their steps,
//! and over any number of lives.
//!
//! What is expected is counted by a loop over the generated orders themselves, which knows nothing of tasks, nor of JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drive;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::order::MAX_KEY;
use day01_consumer::order::Reason;
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Share, Source, Split, Start, Warning};
use day02_state::error::{Error, JobError};
use day02_state::job::{Answer, AnswerSlot, Options, SOURCE, SavedState, TOTALS, Totals, wire};
use day02_state::order::money;
use day02_state::runtime::{Buffers, Job, Stop, run_observed};
use day02_state::state::file::Snapshot;
use day02_state::state::{Owner, Part, run};
use day02_state::status::StatusBoard;
use day02_state::stepper::run_stepper;
use drive::{Drive, drive};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PARTITIONS: usize = 4;

// ---------------------------------------------------------------------------------------------------------------------
// The same answer

#[test]
fn any_number_of_tasks_gives_the_same_answer_in_a_drawn_order_of_steps() {
    let (log, made) = generated(1_500, 1);
    let expected = evaluate(&made);
    for (number, tasks) in all_layouts().into_iter().enumerate() {
        let setup = tasks.drawn(number as u64);
        assert_is(&life(&log, setup, None), &expected, setup);
    }
}

#[test]
fn any_number_of_tasks_gives_the_same_answer_on_threads() {
    let (log, made) = generated(2_500, 2);
    let expected = evaluate(&made);
    for setup in all_layouts() {
        assert_is(&life(&log, setup, None), &expected, setup);
    }
}

#[test]
fn every_order_of_steps_gives_the_same_answer() {
    let (log, made) = generated(500, 3);
    let expected = evaluate(&made);
    for seed in 0..100 {
        for (workers, sources) in [(1, 1), (2, 2), (3, 5), (7, 3)] {
            let setup = Setup::new(workers, sources).packets(7, 1).drawn(seed);
            assert_is(&life(&log, setup, None), &expected, setup);
        }
    }
}

#[test]
fn every_row_of_orders_gives_its_own_answer() {
    let mut seen = Vec::new();
    for seed in 10..20 {
        let (log, made) = generated(1_000, seed);
        let expected = evaluate(&made);
        for setup in [Setup::new(3, 2), Setup::new(3, 2).drawn(seed)] {
            assert_is(&life(&log, setup, None), &expected, setup);
        }
        assert!(expected.skipped.len() > 3, "several ways to be bad");
        assert!(!seen.contains(&expected.merchants));
        seen.push(expected.merchants);
    }
}

#[test]
fn an_empty_log_has_no_merchants() {
    let setup = Setup::new(3, 2);
    assert_is(
        &life(&Log::new("orders", PARTITIONS), setup, None),
        &Expected::default(),
        setup,
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// What a merchant can be

#[test]
fn sums_are_exact_beyond_64_bits_and_below_zero_and_a_merchant_may_have_any_name() {
    const MAX: &str = "92233720368547758.07";
    const MIN: &str = "-92233720368547758.08";
    #[rustfmt::skip]
    let table = [
        ("large",                                  vec![MAX, MAX, MAX],             "276701161105643274.21", MAX),
        ("small",                                  vec![MIN, MIN, MIN],             "-276701161105643274.24", MIN),
        ("up and down",                            vec![MAX, MIN, "0.01", "-1e-2"], "-0.01", MAX),
        ("only below zero",                        vec!["-3", "-0.50", "-2"],       "-5.50", "-0.50"),
        ("",                                       vec!["1.5", "2"],                "3.50", "2.00"),
        ("14 bytes, full",                         vec!["1"],                       "1.00", "1.00"),
        ("15 bytes, boxed",                        vec!["2"],                       "2.00", "2.00"),
        ("a name of far more bytes than a key has room for", vec!["3", "4"],        "7.00", "4.00"),
        ("店舗 \\\"Zoë\\\"\\n",                    vec!["5"],                       "5.00", "5.00"),
    ];
    let log = Log::new("orders", PARTITIONS);
    let (mut expected, mut partition) = (BTreeMap::new(), 0);
    for (merchant, amounts, sum, max) in &table {
        for amount in amounts {
            append(
                &log,
                partition,
                format!(r#"{{"amount":{amount},"merchant_id":"{merchant}"}}"#),
            );
            partition = (partition + 1) % PARTITIONS;
        }
        let name = merchant.replace("\\n", "\n").replace("\\\"", "\"");
        expected.insert(name, (amounts.len() as u64, sum.to_string(), max.to_string()));
    }
    let printed = |answer: &Answer| {
        let each = answer.merchants.iter().map(|(name, totals)| {
            let printed = (totals.count, money(totals.sum), totals.max.to_string());
            (name.clone(), printed)
        });
        each.collect::<BTreeMap<_, _>>()
    };
    for workers in [1, 3, 128] {
        let first = life(&log, Setup::new(workers, 2), None);
        assert_eq!(printed(&first), expected, "{workers} workers");
        let again = life(&log, Setup::new(130 - workers, 1), Some(&first.snapshot));
        assert_eq!(printed(&again), expected, "saved by {workers} workers and loaded");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Stop and go on

#[test]
fn over_the_lives_of_a_growing_log_each_record_is_read_once() {
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let all = made(800, seed);
        let log = Log::new("orders", PARTITIONS);
        let (mut rest, mut so_far) = (all.as_slice(), Vec::new());
        let (mut last, mut counted) = (None, 0);
        let mut lives = 0;
        while !rest.is_empty() || lives < 3 {
            let (now, later) = rest.split_at(random.below(1 + rest.len().min(400)));
            rest = later;
            so_far.extend(append_all(&log, now));
            // What compaction and transaction markers leave.
            log.skip(random.below(PARTITIONS), random.below(4) as i64);

            let setup = random.setup();
            let answer = life(&log, setup, last.as_ref());
            let expected = evaluate(&so_far);
            assert_eq!(merchants(&answer), expected.merchants, "seed {seed}, {setup:?}");
            counted += answer.progress.counted;
            assert_eq!(counted, expected.counted, "seed {seed}, {setup:?}");
            assert!(answer.progress.lag.values().all(|lag| *lag == Some(0)));

            let undisturbed = life(&log, Setup::new(1, 1), None);
            assert_eq!(
                answer.snapshot.encode(),
                undisturbed.snapshot.encode(),
                "seed {seed}"
            );
            last = Some(reloaded(&answer.snapshot));
            lives += 1;
        }
    }
}

#[test]
fn stopped_after_any_number_of_steps_it_goes_on_where_it_was() {
    let (log, made) = generated(400, 4);
    let expected = evaluate(&made);
    let whole = life(&log, Setup::new(1, 1), None).snapshot.encode();
    let mut stopped_in_the_middle = 0;
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let (mut last, mut counted, mut stopped_before) = (None, 0, true);
        for steps in [Some(seed as usize * 3), Some(random.below(400)), None] {
            let setup = random.setup().packets(1, 1 + random.below(2)).drawn(seed);
            let answer = stopped_after(&log, setup, last.as_ref(), steps);
            counted += answer.progress.counted;

            // Wherever it stopped: state and positions are of the same records.
            let read = prefix(&made, &answer.snapshot);
            let so_far = evaluate(&read);
            assert_eq!(
                merchants(&answer),
                so_far.merchants,
                "seed {seed}, {steps:?}, {setup:?}"
            );
            assert_eq!(counted, so_far.counted, "seed {seed}, {steps:?}, {setup:?}");
            if read.len() < made.len() && !read.is_empty() {
                stopped_in_the_middle += 1;
            }
            assert!(stopped_before, "only the last life reads to the end");
            stopped_before = steps.is_some();
            last = Some(reloaded(&answer.snapshot));
        }
        let last = last.unwrap();
        assert_eq!(counted, expected.counted);
        assert_eq!(last.encode(), whole, "seed {seed}");
    }
    assert!(stopped_in_the_middle > 150, "{stopped_in_the_middle} of 300");
}

#[test]
fn stopped_on_threads_it_goes_on_where_it_was() {
    let (log, made) = generated(2_000, 5);
    let expected = evaluate(&made);
    let whole = life(&log, Setup::new(1, 1), None).snapshot.encode();
    let mut stopped_in_the_middle = 0;
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let (mut last, mut counted) = (None, 0);
        for until in [
            Some(random.below(1_000) as u64),
            Some(random.below(500) as u64),
            None,
        ] {
            let setup = random.setup().packets(1, 1);
            let stop = Stop::new();
            let (job, slot) = wire(sources(&log, setup, true), &setup.options(), last.as_ref()).unwrap();
            drive_observed(job, setup.drive, &stop, stop_at(until, &stop)).unwrap();
            let answer = slot.take();
            counted += answer.progress.counted;

            let read = prefix(&made, &answer.snapshot);
            let so_far = evaluate(&read);
            assert_eq!(
                merchants(&answer),
                so_far.merchants,
                "seed {seed}, {until:?}, {setup:?}"
            );
            assert_eq!(counted, so_far.counted, "seed {seed}, {until:?}, {setup:?}");
            if read.len() < made.len() && !read.is_empty() {
                stopped_in_the_middle += 1;
            }
            last = Some(reloaded(&answer.snapshot));
        }
        assert_eq!(counted, expected.counted);
        assert_eq!(last.unwrap().encode(), whole, "seed {seed}");
    }
    assert!(stopped_in_the_middle > 20, "{stopped_in_the_middle} of 40");
}

#[test]
fn a_job_without_an_end_stops_when_it_is_asked() {
    let (log, made) = generated(1_000, 6);
    let expected = evaluate(&made);
    for setup in [Setup::new(3, 2), Setup::new(3, 2).drawn(1)] {
        let stop = Stop::new();
        let (job, slot) = wire(sources(&log, setup, false), &setup.options(), None).unwrap();
        drive_observed(job, setup.drive, &stop, stop_at(Some(expected.counted), &stop)).unwrap();
        assert_is(&slot.take(), &expected, setup);
    }
}

#[test]
fn the_snapshot_is_the_same_bytes_whatever_the_number_of_tasks() {
    let (log, _) = generated(2_000, 7);
    let whole = life(&log, Setup::new(1, 1), None).snapshot.encode();
    for workers in [1, 2, 3, 7, 128] {
        for sources in [1, 2, 3, 5] {
            let setup = Setup::new(workers, sources);
            for setup in [setup, setup.packets(7, 1).drawn(1)] {
                assert_eq!(life(&log, setup, None).snapshot.encode(), whole, "{setup:?}");
            }
        }
    }
}

#[test]
fn saved_again_without_new_input_it_is_the_same_bytes() {
    let (log, made) = generated(2_000, 8);
    let expected = evaluate(&made);
    for (workers, sources, then_workers, then_sources) in [
        (1, 1, 1, 1),
        (3, 2, 3, 2),
        (1, 1, 7, 5),
        (7, 5, 2, 3),
        (2, 3, 128, 1),
        (128, 4, 3, 2),
    ] {
        let first = life(&log, Setup::new(workers, sources), None);
        let setup = Setup::new(then_workers, then_sources);
        for setup in [setup, setup.drawn(8)] {
            let again = life(&log, setup, Some(&reloaded(&first.snapshot)));
            assert_eq!(again.snapshot.encode(), first.snapshot.encode(), "{setup:?}");
            assert_eq!(again.merchants, first.merchants);
            assert_eq!(again.progress.counted, 0, "nothing was read");
        }
        assert_eq!(merchants(&first), expected.merchants);
    }
}

#[test]
fn a_partition_added_between_two_lives_is_read_from_its_beginning() {
    let (log, mut made) = generated(500, 9);
    let first = life(&log, Setup::new(2, 2), None);
    log.add_partition();
    for merchant in ["new-1", "new-2", "new-1"] {
        append(
            &log,
            PARTITIONS,
            format!(r#"{{"merchant_id":"{merchant}","amount":1}}"#),
        );
        made.push(Made {
            partition: PARTITIONS,
            payload: None,
            offset: 0,
            means: Ok((merchant.to_string(), 100)),
        });
    }
    for setup in [Setup::new(3, 3), Setup::new(1, 5).drawn(1)] {
        let second = life(&log, setup, Some(&first.snapshot));
        assert_eq!(second.progress.counted, 3);
        assert_eq!(merchants(&second), evaluate(&made).merchants);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What cannot be gone on from

#[test]
fn state_that_cannot_be_restored_is_an_error_and_nothing_runs() {
    let good = life(&generated(300, 10).0, Setup::new(1, 1), None).snapshot;
    let group = good.parts(TOTALS)[0].clone();
    let Owner::Group(number) = group.owner else {
        panic!("{group:?}");
    };
    let last_row = run::rows(&group.bytes).last().unwrap().unwrap().at;
    let cut = |length: usize| part("merchants", Owner::Group(number), &group.bytes[..length]);
    let split = |name: &str| Owner::Split(name.to_string());
    let position = |offset: i64| offset.to_le_bytes();
    let with = |operator: &str, part: Part| {
        let mut snapshot = good.clone();
        snapshot.add(operator, vec![part]);
        snapshot
    };
    let instead = |operator: &str, part: Part| {
        let mut snapshot = Snapshot::new();
        for id in good.operators() {
            let parts = good.parts(id).iter();
            let others = parts.filter(|other| id != operator || other.owner != part.owner);
            snapshot.add(id, others.cloned().collect());
        }
        snapshot.add(operator, vec![part]);
        snapshot
    };
    #[rustfmt::skip]
    let table = [
        (with("windows", part("open", Owner::Group(3), b"")),
         r#"it has state of "windows", which this job does not have"#.to_string()),
        (with(SOURCE, part("position", split("orders/9"), &position(1))),
         "it has a position in orders/9, which is not part of the input; to start anew, leave out \
          --load".to_string()),
        (instead(SOURCE, part("position", split("orders/1"), b"123")),
         r#"state "position" of split orders/1: not a position"#.to_string()),
        (instead(SOURCE, part("position", split("orders/1"), &[0; 9])),
         r#"state "position" of split orders/1: not a position"#.to_string()),
        (instead(SOURCE, part("position", split("orders/1"), &position(-1))),
         r#"state "position" of split orders/1: not a position"#.to_string()),
        (instead(SOURCE, part("skipped", split("orders/1"), &position(1))),
         r#"state "skipped" of split orders/1: the source has no such state"#.to_string()),
        (with(SOURCE, part("position", Owner::First, &position(1))),
         r#"state "position" of the first worker: no source reads it"#.to_string()),
        (with(SOURCE, part("position", Owner::Group(200), &position(1))),
         r#"state "position" of key group 200: no source reads it"#.to_string()),
        (instead(TOTALS, Part { owner: Owner::Group(number ^ 64), ..group.clone() }),
         format!(r#"state "merchants" of key group {}: malformed key group at byte 0: the key belongs to another group"#,
                 number ^ 64)),
        (instead(TOTALS, cut(group.bytes.len() - 1)),
         format!(r#"state "merchants" of key group {number}: malformed key group at byte {last_row}: the bytes end within an entry"#)),
        (instead(TOTALS, cut(3)),
         format!(r#"state "merchants" of key group {number}: malformed key group at byte 0: the bytes end within an entry"#)),
        (with(TOTALS, group.clone()),
         format!(r#"state "merchants" of key group {number}: malformed key group at byte 0: the table has the key already"#)),
        (instead(TOTALS, Part { name: "windows".to_string(), ..group.clone() }),
         format!(r#"state "windows" of key group {number}: the totals have no such state"#)),
        (with(TOTALS, part("merchants", Owner::Group(128), &group.bytes)),
         r#"state "merchants" of key group 128: no worker owns it"#.to_string()),
        (with(TOTALS, part("merchants", split("orders/0"), &group.bytes)),
         r#"state "merchants" of split orders/0: no worker owns it"#.to_string()),
        (with(TOTALS, part("merchants", Owner::Every, &group.bytes)),
         r#"state "merchants" of every worker: it belongs to no key group"#.to_string()),
    ];
    for (snapshot, said) in table {
        for (workers, tasks) in [(1, 1), (3, 2), (128, 3)] {
            let (log, _) = generated(300, 10);
            let touched = Touched::default();
            let setup = Setup::new(workers, tasks);
            let probes = probes(&log, setup, &touched, |_| Vec::new());
            let wired = wire(probes, &setup.options(), Some(&snapshot));
            let error = wired.err().expect(&said);
            assert_eq!(
                error.to_string(),
                format!("cannot restore the saved state: {said}")
            );
            assert_eq!(touched.times(), 0, "nothing was read");
            assert!(touched.is_let_go(), "no task is left");
        }
    }
    // The table is about what is wrong: what is right is taken.
    assert!(
        wire(
            sources(&generated(300, 10).0, Setup::new(2, 2), true),
            &Options::default(),
            Some(&good)
        )
        .is_ok()
    );
}

#[test]
fn a_position_out_of_range_is_an_error_that_names_the_split() {
    let (log, _) = generated(400, 11);
    let good = life(&log, Setup::new(1, 1), None).snapshot;
    log.forget_before(2, 60);
    for (position, available) in [(101, "60 to 100"), (59, "60 to 100")] {
        let mut snapshot = Snapshot::new();
        snapshot.add(TOTALS, good.parts(TOTALS).to_vec());
        let place = part(
            "position",
            Owner::Split("orders/2".to_string()),
            &i64::to_le_bytes(position),
        );
        snapshot.add(SOURCE, vec![place]);
        for setup in [Setup::new(2, 2), Setup::new(2, 2).drawn(1)] {
            let error = failed(&log, setup, Some(&snapshot));
            assert_eq!(
                error.to_string(),
                format!(
                    "source 0: orders/2: the saved position {position} is out of range, available is {available}: records \
                     were deleted, or this is another input of the same name. To start anew, leave out --load"
                )
            );
        }
    }
}

#[test]
fn a_bad_record_ends_the_whole_job_and_names_its_task_and_itself() {
    for round in 0..60 {
        let (log, bad_at) = (Log::new("orders", PARTITIONS), 100 + round as usize);
        for number in 0..300 {
            for partition in 0..PARTITIONS {
                let merchant = match (partition, number) {
                    (1, number) if number == bad_at => "null".to_string(),
                    _ => format!(r#""m-{number}""#),
                };
                append(
                    &log,
                    partition,
                    format!(r#"{{"merchant_id":{merchant},"amount":1.00}}"#),
                );
            }
        }
        let setup = Setup::new(3, 3).packets(1, 1);
        for setup in [setup, setup.drawn(round)] {
            let touched = Touched::default();
            let options = Options {
                on_bad_record: OnBadRecord::Fail,
                ..setup.options()
            };
            // Without an end: the other sources would go on for ever.
            let probes = probes_without_end(&log, setup, &touched);
            let (job, slot) = wire(probes, &options, None).unwrap();
            let error = drive(job, setup.drive, &Stop::new()).unwrap_err();
            let JobError::Failed { task, failure } = &error else {
                panic!("{error}");
            };
            assert_eq!(task, "source 1");
            assert!(matches!(
                failure.downcast_ref(),
                Some(InputError::BadRecord {
                    reason: Reason::Null("merchant_id"),
                    ..
                })
            ));
            assert_eq!(
                error.to_string(),
                format!(
                    "source 1: orders/1@{bad_at}: merchant_id is null: {{\"merchant_id\":null,\"amount\":1.00}}\n  \
                     to skip and count such records, use --on-bad-record skip"
                )
            );
            assert!(touched.is_let_go(), "no task is left, and so no thread");
            let answer = slot.take();
            assert!(
                answer.merchants.is_empty() && answer.snapshot == Snapshot::new(),
                "half an answer is none"
            );
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What a person sees meanwhile

#[test]
fn what_several_sources_warn_of_is_said_once_each_time_it_happens() {
    let (log, _) = generated(400, 12);
    let away = || Warning::BrokerAway {
        brokers: "b:1".to_string(),
        reason: "gone".to_string(),
    };
    let back = || Warning::BrokerBack {
        brokers: "b:1".to_string(),
    };
    let script = |source: usize| match source {
        0 => vec![vec![away()], vec![back()], vec![], vec![away(), back()]],
        1 => vec![vec![], vec![away(), back(), away()]],
        _ => vec![vec![], vec![], vec![away()], vec![back()]],
    };
    for observed in [false, true] {
        for round in 0..30 {
            let setup = Setup::new(2, 3).packets(7, 1);
            for setup in [setup, setup.drawn(round)] {
                let probes = probes(&log, setup, &Touched::default(), script);
                let (job, _) = wire(probes, &setup.options(), None).unwrap();
                let (board, stop, mut said) = (job.board(), Stop::new(), Vec::new());
                match observed {
                    true => drive_observed(job, setup.drive, &stop, |board| {
                        said.extend(board.take_warnings())
                    }),
                    false => drive(job, setup.drive, &stop),
                }
                .unwrap();
                said.extend(board.take_warnings());
                let expected = [away(), back(), away(), back()].map(|warning| warning.to_string());
                assert_eq!(said, expected, "{observed}, {setup:?}");
            }
        }
    }
}

#[test]
fn progress_rises_and_ends_at_the_sum_over_the_sources() {
    let (log, made) = generated(2_000, 13);
    let expected = evaluate(&made);
    for setup in [(1, 1), (3, 3), (7, 5)].map(|(workers, sources)| Setup::new(workers, sources)) {
        let setup = setup.packets(1, 1);
        for setup in [setup, setup.drawn(1)] {
            let (job, slot) = wire(sources(&log, setup, true), &setup.options(), None).unwrap();
            let mut seen = Vec::new();
            drive_observed(job, setup.drive, &Stop::new(), |board| {
                seen.push(board.progress())
            })
            .unwrap();
            let answer = slot.take();

            let counted: Vec<u64> = seen.iter().map(|progress| progress.counted).collect();
            assert!(counted.is_sorted(), "{counted:?}");
            let skipped = seen.iter().map(|progress| progress.skipped.values().sum::<u64>());
            assert!(skipped.is_sorted());
            let mut distinct = counted.clone();
            distinct.dedup();
            assert!(distinct.len() > 10, "{distinct:?}");

            assert_eq!(seen.last(), Some(&answer.progress));
            assert_is(&answer, &expected, setup);
            let lag: Vec<_> = answer
                .progress
                .lag
                .iter()
                .map(|(split, lag)| (split.as_str(), *lag))
                .collect();
            let caught_up = ["orders/0", "orders/1", "orders/2", "orders/3"].map(|split| (split, Some(0)));
            assert_eq!(lag, caught_up);
        }
    }
}

#[test]
fn the_largest_merchants_are_shown_the_larger_first() {
    let (log, made) = generated(2_000, 14);
    let expected = evaluate(&made);
    let mut largest: Vec<(String, u64)> = expected
        .merchants
        .iter()
        .map(|(name, (count, ..))| (name.clone(), *count))
        .collect();
    largest.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
    assert!(largest.len() > 30);
    for setup in [(1, 1), (2, 2), (3, 3), (128, 1)].map(|(workers, sources)| Setup::new(workers, sources)) {
        for setup in [setup, setup.drawn(1)] {
            let options = Options {
                refresh_every: Some(Duration::ZERO),
                ..setup.options()
            };
            let (job, slot) = wire(sources(&log, setup, true), &options, None).unwrap();
            let mut seen = Vec::new();
            drive_observed(job, setup.drive, &Stop::new(), |_| seen.push(slot.largest())).unwrap();
            let by_size = |(_, totals): &(String, Totals)| u64::MAX - totals.count;
            assert!(seen.iter().all(|largest| largest.is_sorted_by_key(by_size)));
            let last = seen.last().unwrap().iter().take(10);
            let last: Vec<_> = last.map(|(name, totals)| (name.clone(), totals.count)).collect();
            assert_eq!(last, largest[..10], "{setup:?}");
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Orders, and what they come to

/// A record as it was made.
#[derive(Debug, Clone)]
struct Made {
    partition: usize,
    /// Where it lies, once it was appended.
    offset: i64,
    payload: Option<Vec<u8>>,
    /// A merchant and cents, or why it cannot be used.
    means: Result<(String, i64), Reason>,
}

/// What the job must come to.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    merchants: Merchants,
    counted: u64,
    skipped: BTreeMap<Reason, u64>,
}

/// By name: how many orders, the sum in cents, the largest.
type Merchants = BTreeMap<String, (u64, i128, i64)>;

fn evaluate<'a>(made: impl IntoIterator<Item = &'a Made>) -> Expected {
    let mut expected = Expected::default();
    for record in made {
        match &record.means {
            Ok((merchant, cents)) => {
                let entry = expected
                    .merchants
                    .entry(merchant.clone())
                    .or_insert((0, 0, i64::MIN));
                *entry = (entry.0 + 1, entry.1 + i128::from(*cents), entry.2.max(*cents));
                expected.counted += 1;
            }
            Err(reason) => *expected.skipped.entry(*reason).or_default() += 1,
        }
    }
    expected
}

/// Numbers drawn from a seed.
struct Random(ChaCha8Rng);

impl Random {
    fn new(seed: u64) -> Self {
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    fn below(&mut self, n: usize) -> usize {
        (self.0.next_u64() % n as u64) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn setup(&mut self) -> Setup {
        let setup = Setup::new(self.of(&[1, 2, 3, 7]), self.of(&[1, 2, 3, 5]));
        let setup = setup.packets(self.of(&[1, 7, 1_000]), self.of(&[1, 8]));
        match self.below(2) {
            0 => setup,
            _ => setup.drawn(self.0.next_u64()),
        }
    }
}

/// So many records, of which about one in thirty is bad.
fn made(count: usize, seed: u64) -> Vec<Made> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|number| one(&mut random, number % PARTITIONS))
        .collect()
}

fn one(random: &mut Random, partition: usize) -> Made {
    let bad = |payload: &[u8], reason| (Some(payload.to_vec()), Err(reason));
    // Half of them at most as far as the other half: some merchants sell more than others.
    let merchant = match random.below(60).min(random.below(60)) {
        0 => String::new(),
        1 => "a merchant with a name that no key has room for".to_string(),
        2 => "店舗 Zoë".to_string(),
        number => format!("m-{number}"),
    };
    let (payload, means) = match random.below(200) {
        0 => (None, Err(Reason::Tombstone)),
        1 => bad(b"{\"merchant_id\":\"m-1\xff\",\"amount\":1}", Reason::InvalidUtf8),
        2 => bad(b"{\"merchant_id\":\"m-1\",\"amo", Reason::NotJson),
        3 => bad(b"[\"m-1\",1]", Reason::NotAnObject),
        4 => bad(b"{\"amount\":1}", Reason::Missing("merchant_id")),
        5 => bad(
            b"{\"merchant_id\":\"m-1\",\"amount\":null}",
            Reason::Null("amount"),
        ),
        6 => bad(
            b"{\"merchant_id\":\"m-1\",\"amount\":1.005}",
            Reason::NotA("number with at most two decimals", "amount"),
        ),
        draw => {
            let cents = match draw {
                // Three of these exceed 64 bits.
                7..20 => i64::MAX / 2 - random.below(100) as i64,
                20..60 => -(random.below(10_000) as i64),
                _ => random.below(50_000) as i64,
            };
            let sign = if cents < 0 { "-" } else { "" };
            let (units, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
            let payload =
                format!(r#"{{"merchant_id":"{merchant}","amount":{sign}{units}.{rest:02},"user_id":"u"}}"#);
            (Some(payload.into_bytes()), Ok((merchant, cents)))
        }
    };
    Made {
        partition,
        offset: 0,
        payload,
        means,
    }
}

fn append_all(log: &Log, made: &[Made]) -> Vec<Made> {
    let mut made = made.to_vec();
    for record in &mut made {
        record.offset = log.append(record.partition, None, record.payload.as_deref(), None);
    }
    made
}

fn append(log: &Log, partition: usize, payload: String) {
    log.append(partition, None, Some(payload.as_bytes()), None);
}

fn generated(count: usize, seed: u64) -> (Log, Vec<Made>) {
    let log = Log::new("orders", PARTITIONS);
    let made = append_all(&log, &made(count, seed));
    (log, made)
}

/// The records before the positions of a snapshot.
fn prefix(made: &[Made], snapshot: &Snapshot) -> Vec<Made> {
    let positions: BTreeMap<String, i64> = snapshot
        .parts(SOURCE)
        .iter()
        .map(|part| {
            let Owner::Split(split) = &part.owner else {
                panic!("{part:?}");
            };
            (
                split.clone(),
                i64::from_le_bytes(part.bytes.as_slice().try_into().unwrap()),
            )
        })
        .collect();
    assert_eq!(positions.len(), PARTITIONS);
    let is_before = |made: &&Made| made.offset < positions[&format!("orders/{}", made.partition)];
    made.iter().filter(is_before).cloned().collect()
}

fn merchants(answer: &Answer) -> Merchants {
    let each = answer.merchants.iter();
    let all: Merchants = each
        .map(|(name, totals)| (name.clone(), (totals.count, totals.sum, totals.max.0)))
        .collect();
    assert!(
        answer.merchants.iter().map(|(name, _)| name).eq(all.keys()),
        "by name, and each once"
    );
    all
}

#[track_caller]
fn assert_is(answer: &Answer, expected: &Expected, setup: Setup) {
    assert_eq!(merchants(answer), expected.merchants, "{setup:?}");
    assert_eq!(answer.progress.counted, expected.counted, "{setup:?}");
    assert_eq!(answer.progress.skipped, expected.skipped, "{setup:?}");
}

// ---------------------------------------------------------------------------------------------------------------------
// How the job is run

/// On how many tasks, with which packets, and how.
#[derive(Debug, Clone, Copy)]
struct Setup {
    workers: usize,
    sources: usize,
    rows: usize,
    capacity: usize,
    drive: Drive,
}

impl Setup {
    /// On threads.
    fn new(workers: usize, sources: usize) -> Self {
        Setup {
            workers,
            sources,
            rows: 1_000,
            capacity: 8,
            drive: Drive::Threads,
        }
    }

    fn packets(self, rows: usize, capacity: usize) -> Self {
        Setup {
            rows,
            capacity,
            ..self
        }
    }

    /// On the stepper.
    fn drawn(self, seed: u64) -> Self {
        let drive = Drive::Stepper(seed);
        Setup { drive, ..self }
    }

    fn options(self) -> Options {
        Options {
            workers: self.workers,
            on_bad_record: OnBadRecord::Skip,
            max_key: MAX_KEY,
            refresh_every: None,
            save: Some(SavedState::default()),
            buffers: Buffers {
                rows: self.rows,
                capacity: self.capacity,
                ..Buffers::default()
            },
        }
    }
}

/// On threads.
fn all_layouts() -> Vec<Setup> {
    let mut all = Vec::new();
    for workers in [1, 2, 3, 7, 128] {
        for sources in [1, 2, 3, 5] {
            for rows in [1, 7, 1_000] {
                all.extend([1, 8].map(|capacity| Setup::new(workers, sources).packets(rows, capacity)));
            }
        }
    }
    all
}

/// Sources that divide the log. What they read at once makes a packet, so they read no more than belongs into one.
fn sources(log: &Log, setup: Setup, until_end: bool) -> Vec<LogSource> {
    let source = |index| {
        let source = log.source("tests", &Start::Earliest, until_end).unwrap();
        let mut source = source.with_batch(setup.rows.min(23));
        source.share(Share {
            index,
            of: setup.sources,
        });
        source
    };
    (0..setup.sources).map(source).collect()
}

/// Reads the log to its end.
fn life(log: &Log, setup: Setup, restore: Option<&Snapshot>) -> Answer {
    let (job, slot) = wire(sources(log, setup, true), &setup.options(), restore).unwrap();
    drive(job, setup.drive, &Stop::new()).unwrap();
    slot.take()
}

/// Reads the log in a drawn order of steps, and is asked to stop after so many of them.
fn stopped_after(log: &Log, setup: Setup, restore: Option<&Snapshot>, steps: Option<usize>) -> Answer {
    let Drive::Stepper(seed) = setup.drive else {
        panic!("{setup:?}");
    };
    let (job, slot) = wire(sources(log, setup, true), &setup.options(), restore).unwrap();
    let (stop, mut done) = (Stop::new(), 0);
    run_stepper(job, seed, &stop, &mut |_, _, _| {
        done += 1;
        if steps == Some(done) {
            stop.ask();
        }
    })
    .unwrap();
    slot.take()
}

/// The error of a job that must fail, and must leave no answer.
fn failed(log: &Log, setup: Setup, restore: Option<&Snapshot>) -> Error {
    let (job, slot): (Job, AnswerSlot) = wire(sources(log, setup, true), &setup.options(), restore).unwrap();
    let error = drive(job, setup.drive, &Stop::new()).unwrap_err();
    assert!(slot.take().merchants.is_empty());
    error.into()
}

/// A snapshot after its way through a file.
fn reloaded(snapshot: &Snapshot) -> Snapshot {
    let read = Snapshot::decode(&snapshot.encode()).unwrap();
    assert_eq!(read, *snapshot);
    read
}

fn part(name: &str, owner: Owner, bytes: &[u8]) -> Part {
    Part {
        name: name.to_string(),
        owner,
        bytes: bytes.to_vec(),
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Who watches

/// Asks for a stop when so many orders were counted.
fn stop_at(counted: Option<u64>, stop: &Stop) -> impl FnMut(&StatusBoard) {
    move |board| {
        if counted.is_some_and(|counted| board.progress().counted >= counted) {
            stop.ask();
        }
    }
}

/// Drives a job, and looks at its board: on threads as often as it can, on the stepper after each step.
fn drive_observed(
    job: Job,
    drive: Drive,
    stop: &Stop,
    mut look: impl FnMut(&StatusBoard),
) -> Result<(), JobError> {
    match drive {
        Drive::Threads => run_observed(job, stop, Duration::from_micros(50), look),
        Drive::Stepper(seed) => {
            let board = job.board();
            board.observe();
            run_stepper(job, seed, stop, &mut |_, _, _| look(&board))?;
            look(&board);
            Ok(())
        }
    }
}

/// How often the sources of a job were polled; each of them keeps a clone.
#[derive(Default, Clone)]
struct Touched(Arc<AtomicUsize>);

impl Touched {
    fn touch(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn times(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether this is the last clone.
    fn is_let_go(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// A source that is watched, and that warns by a script: a list for each poll.
struct Probe {
    source: LogSource,
    touched: Touched,
    script: VecDeque<Vec<Warning>>,
    warnings: Vec<Warning>,
}

fn probes(
    log: &Log,
    setup: Setup,
    touched: &Touched,
    script: impl Fn(usize) -> Vec<Vec<Warning>>,
) -> Vec<Probe> {
    let sources = sources(log, setup, true).into_iter().enumerate();
    let probe = |(number, source)| Probe {
        source,
        touched: touched.clone(),
        script: script(number).into(),
        warnings: Vec::new(),
    };
    sources.map(probe).collect()
}

fn probes_without_end(log: &Log, setup: Setup, touched: &Touched) -> Vec<Probe> {
    let mut probes = probes(log, setup, touched, |_| Vec::new());
    for (probe, source) in probes.iter_mut().zip(sources(log, setup, false)) {
        probe.source = source;
    }
    probes
}

impl Source for Probe {
    fn splits(&self) -> &[Split] {
        self.source.splits()
    }

    fn share(&mut self, share: Share) {
        self.source.share(share);
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.source.seek(positions)
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, InputError> {
        self.touched.touch();
        self.warnings.extend(self.script.pop_front().unwrap_or_default());
        self.source.poll(records, wait)
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.source.commit(positions)
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        self.source.locate(partition, offset)
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }
}
