//! Splits without rows, and sources without splits: who holds windows back, and for how long.

use std::time::Duration;

use day02_state::job::{Stages, pipeline};
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::order::Cents;
use day02_state::runtime::Did;
use day02_state::state::{Frozen, Part, Stateful};
use day02_state::status::Status;
use day03_windows::job::{AnswerSlot, WINDOWS, WindowStats};
use day03_windows::time::Span;
use day04_watermarks::job::worker;
use day04_watermarks::reader::TimestampReader;

use crate::drive::Drive;
use crate::live::{Closed, Event, Live, Script, play, write_while};
use crate::setup::{MILLI, Setup, counts};

const SECOND: Duration = Duration::from_secs(1);

/// The millisecond at which each window closed, by its start, and how many orders it has.
fn times(closed: &Closed) -> Vec<(u64, i64, u64)> {
    let each = closed.iter();
    each.map(|(at, closed)| (*at, closed.window.start.0, closed.summed.0.rows))
        .collect()
}

/// These windows with these numbers of orders closed within 50 ms behind their times.
#[track_caller]
fn assert_times(closed: &Closed, wanted: &[(u64, i64, u64)], setup: Setup) {
    let found = times(closed);
    assert_eq!(found.len(), wanted.len(), "{found:?}, {setup:?}");
    for ((at, start, rows), wanted) in found.into_iter().zip(wanted) {
        assert_eq!((start, rows), (wanted.1, wanted.2), "{setup:?}");
        assert!(
            (wanted.0..wanted.0 + 50).contains(&at),
            "{at} and not {wanted:?}, {setup:?}"
        );
    }
}

/// Each test runs with sources that read one partition each or all, on some workers, in some orders of steps.
fn in_many_ways(plain: Setup, test: impl Fn(Setup)) {
    for seed in 0..20 {
        test(Setup {
            sources: 1 + seed % 2,
            workers: 1 + seed % 3,
            drive: Drive::Stepper(seed as u64),
            ..plain
        });
    }
}

/// An order every second into partition 0, and never one into partition 1.
const ONE_IS_EMPTY: Script<'static> = &[
    (0, Event::Row(0, 0)),
    (1_000, Event::Row(0, 1_000)),
    (2_000, Event::Row(0, 2_000)),
    (3_000, Event::Row(0, 3_000)),
    (4_000, Event::Row(0, 4_000)),
    (5_000, Event::Row(0, 5_000)),
    (9_000, Event::Over),
];

#[test]
fn an_empty_partition_holds_all_windows_back_until_the_end_if_it_never_goes_idle() {
    in_many_ways(Setup::new("tumble:1s"), |setup| {
        let (closed, _) = play(setup, &Live::new(2), ONE_IS_EMPTY, None);
        let windows: Vec<_> = (0..6).map(|second| (9_000, 1_000 * second, 1)).collect();
        assert_times(&closed, &windows, setup);
    });
}

#[test]
fn an_empty_partition_holds_windows_back_until_it_goes_idle_and_not_longer() {
    let plain = Setup {
        idle_timeout: Some(3 * SECOND),
        ..Setup::new("tumble:1s")
    };
    in_many_ways(plain, |setup| {
        let (closed, _) = play(setup, &Live::new(2), ONE_IS_EMPTY, None);
        // From the third second on it does not count, and windows close with the orders of partition 0.
        #[rustfmt::skip]
        let windows = [
            (3_000,     0, 1),
            (3_000, 1_000, 1),
            (3_000, 2_000, 1),
            (4_000, 3_000, 1),
            (5_000, 4_000, 1),
            (9_000, 5_000, 1),
        ];
        assert_times(&closed, &windows, setup);
    });
}

#[test]
fn a_partition_that_is_added_holds_windows_back_until_it_goes_idle() {
    let plain = Setup {
        idle_timeout: Some(2 * SECOND),
        ..Setup::new("tumble:1s")
    };
    let script = [
        (0, Event::Row(0, 0)),
        (500, Event::Row(0, 1_000)),
        (1_000, Event::Partition),
        (1_500, Event::Row(0, 2_000)),
        (2_500, Event::Row(0, 3_000)),
        (3_500, Event::Row(0, 4_000)),
        (4_500, Event::Over),
    ];
    for seed in 0..20 {
        let setup = Setup {
            workers: 1 + seed % 3,
            drive: Drive::Stepper(seed as u64),
            ..plain
        };
        let (closed, _) = play(setup, &Live::new(1), &script, None);
        #[rustfmt::skip]
        let windows = [
            (  500,     0, 1),
            (3_000, 1_000, 1),
            (3_000, 2_000, 1),
            (3_500, 3_000, 1),
            (4_500, 4_000, 1),
        ];
        assert_times(&closed, &windows, setup);
    }
}

#[test]
fn sources_that_have_no_partition_hold_nothing_back() {
    for sources in 2..=4 {
        for seed in 0..8 {
            let setup = Setup {
                sources,
                workers: 1 + seed % 3,
                drive: Drive::Stepper(seed as u64),
                ..Setup::new("tumble:1s")
            };
            let script = [
                (0, Event::Row(0, 0)),
                (1_000, Event::Row(0, 1_000)),
                (2_000, Event::Row(0, 2_500)),
                (9_000, Event::Over),
            ];
            let (closed, answer) = play(setup, &Live::new(1), &script, None);
            assert_times(
                &closed,
                &[(1_000, 0, 1), (2_000, 1_000, 1), (9_000, 2_000, 1)],
                setup,
            );
            let idle = answer
                .progress
                .status
                .iter()
                .filter(|said| *said == "no splits to read, idle");
            assert_eq!(idle.count(), sources - 1, "{:?}", answer.progress.status);
        }
    }
}

/// The highest watermark counts when nobody is left to wait for, so it does not matter who went idle first.
#[test]
fn when_all_are_idle_windows_close_up_to_the_highest_and_later_orders_go_on_from_there() {
    let plain = Setup {
        idle_timeout: Some(SECOND),
        ..Setup::new("tumble:10ms")
    };
    for (first, second) in [(0, 1), (1, 0)] {
        let script = [
            (0, Event::Row(first, 25)),
            (300, Event::Row(second, 12)),
            // Late, and it does not bring the other one back.
            (5_000, Event::Row(second, 13)),
            (6_000, Event::Row(second, 27)),
            (7_000, Event::Row(second, 41)),
            (9_500, Event::Row(first, 55)),
            (9_600, Event::Row(second, 52)),
            (9_700, Event::Over),
        ];
        in_many_ways(plain, |setup| {
            let (closed, answer) = play(setup, &Live::new(2), &script, None);
            #[rustfmt::skip]
            let windows = [
                // Partition `first` is idle at 1.0, which alone changes nothing; `second` at 1.3.
                (1_300, 10, 1),
                (7_000, 20, 2),
                // Both have been idle again; `first` comes back alone.
                (9_500, 40, 1),
                (9_700, 50, 2),
            ];
            assert_times(&closed, &windows, setup);
            assert_eq!(answer.stats.late, 1, "{setup:?}");
        });
    }
}

#[test]
fn a_partition_that_comes_back_behind_is_not_waited_for_until_it_has_caught_up() {
    let plain = Setup {
        idle_timeout: Some(SECOND),
        ..Setup::new("tumble:10ms")
    };
    let script = [
        (0, Event::Row(0, 8)),
        (0, Event::Row(1, 5)),
        (2_000, Event::Row(0, 25)),
        // Late for its window, and 18 is, too; 31 is not.
        (2_200, Event::Row(1, 7)),
        (2_400, Event::Row(0, 38)),
        (2_600, Event::Row(1, 18)),
        (2_800, Event::Row(1, 31)),
        (3_000, Event::Row(0, 41)),
        // From here on partition 1 has caught up, and is waited for.
        (3_200, Event::Row(1, 45)),
        (3_400, Event::Row(0, 60)),
        (3_600, Event::Row(1, 52)),
        (3_800, Event::Over),
    ];
    in_many_ways(plain, |setup| {
        let (closed, answer) = play(setup, &Live::new(2), &script, None);
        #[rustfmt::skip]
        let windows = [
            (2_000,  0, 2),
            (2_400, 20, 1),
            (3_000, 30, 2),
            (3_600, 40, 2),
            (3_800, 50, 1),
            (3_800, 60, 1),
        ];
        assert_times(&closed, &windows, setup);
        assert_eq!(answer.stats.late, 2, "{setup:?}");
    });
}

/// A worker that is busy with something else between two times.
struct Busy<O> {
    inner: O,
    from: Duration,
    until: Duration,
    now: Duration,
}

impl<C: Clone + Send, O: Operator<C>> Operator<C> for Busy<O> {
    type In = O::In;
    type Out = O::Out;

    fn on_data(&mut self, input: Input, data: O::In, out: Out<'_, Self::Out, C>) -> Outcome {
        self.inner.on_data(input, data, out)
    }

    fn on_control(&mut self, input: Input, control: C, out: Out<'_, Self::Out, C>) -> Outcome {
        self.inner.on_control(input, control, out)
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        self.now = now;
        let turn = self.inner.on_turn(now, out)?;
        Ok(match (now < self.from, now < self.until) {
            (true, _) => Turn::Wait(Some(self.from)),
            (false, true) => Turn::Wait(Some(self.until)),
            (false, false) => turn,
        })
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        self.inner.on_end(how, out)
    }

    fn status(&mut self, status: &mut Status) {
        self.inner.status(status);
    }

    fn accepts(&self, channel: usize) -> bool {
        !(self.from..self.until).contains(&self.now) && self.inner.accepts(channel)
    }
}

impl<O: Stateful> Stateful for Busy<O> {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.inner.snapshot(id)
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        self.inner.restore(parts)
    }
}

/// Partition 1 has an order at first, and one more ten seconds later. In between the worker is busy, and partition 0 has
/// more than its channel holds, or nothing is in the way at all.
fn behind(busy: bool, seed: u64) -> (WindowStats, Duration) {
    let setup = Setup {
        idle_timeout: Some(SECOND),
        ..Setup::new("tumble:10ms")
    };
    let live = Live::new(2);
    let mut script = vec![(0, Event::Row(1, 5)), (0, Event::Row(0, 5))];
    script.extend((1..50).map(|n| (100, Event::Row(0, 100 * n))));
    // When the worker goes on, the source looks, finds nothing in partition 1, and a moment later the order is there.
    script.extend([(10_020, Event::Row(1, 7)), (10_100, Event::Over)]);

    let options = setup.options();
    let slot = AnswerSlot::new(&options.windows);
    let until = if busy { 10 * SECOND } else { Duration::ZERO };
    let stages = Stages {
        reader: || TimestampReader::<Cents>::new(options.watermarks, None),
        operator: WINDOWS,
        worker: |_| Busy {
            inner: worker(setup.sources, &options.windows),
            from: 50 * MILLI,
            until,
            now: Duration::ZERO,
        },
        collector: slot.collector((), options.windows.tasks.workers),
    };
    let readers = setup.share(|| live.reader());
    let job = pipeline(readers, &options.windows.tasks, stages, None).unwrap();
    let slot = slot.with_board(job.board());
    let (mut last, mut longest) = (Duration::ZERO, Duration::ZERO);
    write_while(job, seed, &live, &script, &mut |now, task, did| {
        if task == "source 0" && did == Did::Turn {
            longest = longest.max(now - last);
            last = now;
        }
    });
    let answer = slot.take();
    let rows: u64 = counts(&answer.windows).iter().map(|(_, rows)| rows).sum();
    assert_eq!(rows + answer.stats.late, 52);
    (answer.stats, longest)
}

#[test]
fn a_source_that_is_stuck_behind_a_slow_worker_for_ten_times_the_timeout_has_no_idle_partition() {
    for seed in 0..20 {
        let (stats, longest) = behind(true, seed);
        assert!(longest > 9 * SECOND, "it was stuck for {longest:?} only");
        assert_eq!(stats.late, 0, "seed {seed}");
        // The same silence, with nobody in the way, is one.
        let (stats, longest) = behind(false, seed);
        assert!(longest < 50 * MILLI, "it looked all the time: {longest:?}");
        assert_eq!(stats.late, 1, "seed {seed}");
        assert_eq!(stats.behind, Span(4_900 - 7));
    }
}
