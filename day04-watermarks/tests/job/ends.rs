//! How a job ends: drained, it closes what is open; stopped, it leaves it open. And an order from a far future.

use day01_consumer::source::{Share, Source, Start};
use day02_state::runtime::Stop;
use day02_state::state::Owner;
use day03_windows::job::WINDOWS;
use day03_windows::time::Span;
use day04_watermarks::cli::would_have_kept_all;
use day04_watermarks::job::wire;

use crate::drive::{Drive, drive};
use crate::live::{Event, Live, Script, play};
use crate::orders::KINDS;
use crate::results::expected;
use crate::setup::{Setup, counts, logged, of_m, places};

/// 2099-01-01T00:00:00Z.
const IN_2099: i64 = 4_070_908_800_000;
/// 2026-01-01T00:00:00Z.
const IN_2026: i64 = 1_767_225_600_000;

#[test]
fn drained_it_closes_everything_and_stopped_it_leaves_open_what_the_watermark_has_not_passed() {
    let times = [3, 90, 140, 260, 330, 345, 410];
    let end = times.len() as u64 * 1_000;
    for kind in KINDS {
        for seed in 0..10 {
            let setup = Setup {
                workers: 1 + seed % 3,
                delay: Span(20),
                drive: Drive::Stepper(seed as u64),
                ..Setup::new(kind)
            };
            let run = |last| {
                let mut script: Vec<(u64, Event)> = (0..)
                    .step_by(1_000)
                    .zip(times.map(|ts| Event::Row(0, ts)))
                    .collect();
                script.push((end, last));
                play(setup, &Live::new(1), &script, None).1
            };
            let all = expected(setup.window, &of_m(&times));
            let has_open = |parts: &[day02_state::state::Part]| {
                parts.iter().any(|part| matches!(part.owner, Owner::Group(_)))
            };

            let drained = run(Event::Over);
            assert_eq!(places(&drained.windows), all, "{setup:?}");
            assert_eq!((drained.stats.open, drained.stats.memory), (0, 0), "{setup:?}");
            assert!(!has_open(drained.snapshot.parts(WINDOWS)), "{setup:?}");

            let stopped = run(Event::Stop);
            let mut passed = all.clone();
            passed.retain(|(window, _), _| window.end.0 <= 410 - 20);
            assert_ne!(passed, all);
            assert_eq!(places(&stopped.windows), passed, "{setup:?}");
            assert!(stopped.stats.open > 0, "{setup:?}");
            assert!(has_open(stopped.snapshot.parts(WINDOWS)), "{setup:?}");
            assert_eq!(stopped.stats.late_assignments, 0, "{setup:?}");
        }
    }
}

/// One source has read its last order while another goes on: it says the end of time, and is waited for no more.
#[test]
fn a_source_that_is_drained_holds_nothing_back() {
    for seed in 0..50 {
        let setup = Setup {
            workers: 2,
            drive: Drive::Stepper(seed),
            ..Setup::new("tumble:10ms")
        };
        let log = logged(&[of_m(&[5, 6]), of_m(&[7, 13, 38])]);
        let of = 2;
        let mut bounded = log.source("tests", &Start::Earliest, true).unwrap();
        bounded.share(Share { index: 0, of });
        let mut endless = log.source("tests", &Start::Earliest, false).unwrap();
        endless.share(Share { index: 1, of });
        let readers: Vec<Box<dyn Source + Send>> = vec![Box::new(bounded), Box::new(endless)];
        let (job, slot) = wire(readers, &setup.options(), (), None).unwrap();
        let (stop, mut steps) = (Stop::new(), 0);
        day02_state::stepper::run_stepper(job, seed, &stop, &mut |now, _, _| {
            steps += 1;
            if now.as_secs() >= 1 {
                stop.ask();
            }
        })
        .unwrap();
        assert_eq!(counts(&slot.take().windows), [(0, 3), (10, 1)], "seed {seed}");
        assert!(steps > 200, "the second source went on for a second");
    }
}

/// Orders of two partitions a second apart, with one in between whose clock is wrong by 73 years.
const ONE_FROM_2099: Script<'static> = &[
    (0, Event::Row(0, IN_2026)),
    (0, Event::Row(1, IN_2026)),
    (1_000, Event::Row(0, IN_2099)),
    (2_000, Event::Row(0, IN_2026 + 2_000)),
    (2_000, Event::Row(1, IN_2026 + 2_500)),
    (3_000, Event::Row(0, IN_2026 + 3_000)),
    (3_500, Event::Row(1, IN_2026 + 60_000)),
    (4_000, Event::Row(0, IN_2026 + 4_000)),
    (5_000, Event::Over),
];

#[test]
fn an_order_from_2099_does_no_harm_as_long_as_another_partition_holds_the_watermark_back() {
    for seed in 0..20 {
        let setup = Setup {
            drive: Drive::Stepper(seed),
            ..Setup::new("tumble:10s")
        };
        let (_, answer) = play(setup, &Live::new(2), ONE_FROM_2099, None);
        // Late is the last one: partition 1 has come to a minute.
        let starts = [IN_2026, IN_2026 + 60_000, IN_2099];
        let found = counts(&answer.windows);
        assert_eq!(found, starts.into_iter().zip([5, 1, 1]).collect::<Vec<_>>());
        assert_eq!((answer.stats.late, answer.stats.behind), (1, Span(56_000)));
    }
}

#[test]
fn an_order_from_2099_makes_all_later_ones_of_its_partition_late_and_the_summary_says_how_late() {
    let script: Vec<(u64, Event)> = ONE_FROM_2099
        .iter()
        .copied()
        .filter(|(_, event)| !matches!(event, Event::Row(1, _)))
        .collect();
    for seed in 0..20 {
        let setup = Setup {
            delay: Span::seconds(5),
            drive: Drive::Stepper(seed),
            ..Setup::new("tumble:10s")
        };
        let (_, answer) = play(setup, &Live::new(1), &script, None);
        assert_eq!(counts(&answer.windows), [(IN_2026, 1), (IN_2099, 1)]);
        assert_eq!(answer.stats.late, 3);
        // The first of them was behind most: by 73 years.
        assert_eq!(answer.stats.behind, Span(IN_2099 - 5_000 - (IN_2026 + 2_000)));
        let enough = would_have_kept_all(answer.stats, &setup.options().watermarks).unwrap();
        let years = enough.0 / (1_000 * 60 * 60 * 24 * 365);
        assert_eq!(years, 73, "which nobody takes for a delay");
    }
}

#[test]
fn a_job_on_threads_that_is_stopped_ends_with_what_has_closed() {
    for round in 0..20 {
        let setup = Setup {
            sources: 1 + round % 2,
            workers: 1 + round % 3,
            ..Setup::new("tumble:10ms")
        };
        let log = logged(&[of_m(&[1, 12, 23, 34]), of_m(&[2, 13, 24, 35])]);
        let readers = setup.share(|| log.source("tests", &Start::Earliest, false).unwrap());
        let stop = Stop::new();
        let seen = Asks(stop.clone(), 0);
        let (job, slot) = wire(readers, &setup.options(), seen, None).unwrap();
        drive(job, Drive::Threads, &stop).unwrap();
        let answer = slot.take();
        assert_eq!(counts(&answer.windows), [(0, 2), (10, 2), (20, 2)], "{setup:?}");
        assert_eq!(answer.stats.open, 1, "{setup:?}");
    }
}

/// Asks for a stop when the third window has closed.
struct Asks(Stop, usize);

impl day03_windows::job::OnClosed for Asks {
    fn on_closed(&mut self, windows: &[day03_windows::job::ClosedWindow]) -> day02_state::operator::Outcome {
        self.1 += windows.len();
        if self.1 == 3 {
            self.0.ask();
        }
        Ok(())
    }
}
