//! Which rows are late, told from the rows alone: a plain evaluation of what was above the watermark when it came.
//!
//! With one source the order in which rows are read is known, and so is the watermark that each row finds. It depends
//! on nothing else: not on workers, packets, seeds or threads, and a stop with a restore in between changes nothing.

use std::collections::BTreeMap;

use day03_windows::lab::evaluator::{Answer, Row, evaluate};
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day03_windows::window::Window;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use crate::drive::Drive;
use crate::results::Results;
use crate::setup::{Setup, logged, places, positions};

/// The slow way, without a state machine in sight.
struct Oracle {
    setup: Setup,
    /// The largest timestamp of each partition.
    largest: Vec<Option<i64>>,
    /// The values of windows on the calendar.
    values: Answer,
    /// Rows of sessions that may still be open.
    rows: Vec<Row>,
    late: u64,
    late_assignments: u64,
    behind: i64,
}

impl Oracle {
    fn new(setup: Setup, partitions: usize) -> Self {
        Oracle {
            setup,
            largest: vec![None; partitions],
            values: Answer::new(),
            rows: Vec::new(),
            late: 0,
            late_assignments: 0,
            behind: 0,
        }
    }

    /// No lower than any partition is, less the delay, down to the grid; none if nothing is known of a partition.
    fn watermark(&self) -> Option<i64> {
        let grid = self.setup.grid.0;
        let of = |largest: i64| (largest - self.setup.delay.0).div_euclid(grid) * grid;
        self.largest.iter().map(|largest| largest.map(of)).min().flatten()
    }

    fn on_row(&mut self, partition: usize, row: Row) {
        let now = self.watermark();
        let is_over = |window: &Window| now.is_some_and(|now| window.end.0 <= now);
        let ts = row.1;
        let (passed, open): (Vec<_>, Vec<_>) = self
            .windows_of(&row, is_over)
            .into_iter()
            .partition(|(window, _)| is_over(window));
        if !passed.is_empty() {
            self.late_assignments += passed.len() as u64;
            self.behind = self.behind.max(now.unwrap() - ts);
        }
        self.late += u64::from(open.is_empty());
        match self.setup.window {
            WindowSpec::Session { .. } if !open.is_empty() => self.rows.push(row),
            WindowSpec::Session { .. } => {}
            _ => {
                for place in open {
                    self.values.entry(place).or_default().push(row.2);
                }
            }
        }
        self.largest[partition] = self.largest[partition].max(Some(ts));
    }

    /// All windows that a row belongs to; for a session, together with those of its rows that are not over.
    fn windows_of(&mut self, row: &Row, is_over: impl Fn(&Window) -> bool) -> Vec<(Window, String)> {
        if let WindowSpec::Session { .. } = self.setup.window {
            let over: Answer = self
                .sessions()
                .into_iter()
                .filter(|((window, _), _)| is_over(window))
                .collect();
            let in_one = |row: &Row| {
                over.keys()
                    .any(|(window, key)| row.0 == *key && holds(window, row.1))
            };
            self.rows.retain(|row| !in_one(row));
            self.values.extend(over);
        }
        let mut rows = self.rows.clone();
        rows.push(row.clone());
        let all = evaluate(self.setup.window, &rows).into_keys();
        all.filter(|(window, key)| *key == row.0 && holds(window, row.1))
            .collect()
    }

    fn sessions(&self) -> Answer {
        evaluate(self.setup.window, &self.rows)
    }

    fn results(&self) -> Results {
        let mut values = self.values.clone();
        if let WindowSpec::Session { .. } = self.setup.window {
            values.extend(self.sessions());
        }
        let summed = values.into_iter().map(|(place, mut values)| {
            values.sort_unstable();
            let sum = values.iter().map(|value| i128::from(*value)).sum();
            (
                place,
                (values.len() as u64, sum, values[0], values[values.len() - 1]),
            )
        });
        summed.collect()
    }
}

fn holds(window: &Window, ts: i64) -> bool {
    (window.start.0..window.end.0).contains(&ts)
}

/// The order in which a log is read from these offsets on: so many records of a partition in turn.
fn read_order(partitions: &[Vec<Row>], from: &[usize], batch: usize) -> Vec<(usize, Row)> {
    let mut left: Vec<&[Row]> = partitions
        .iter()
        .zip(from)
        .map(|(rows, from)| &rows[*from..])
        .collect();
    let mut order = Vec::new();
    while left.iter().any(|rows| !rows.is_empty()) {
        for (partition, rows) in left.iter_mut().enumerate() {
            let (now, later) = rows.split_at(batch.min(rows.len()));
            order.extend(now.iter().map(|row| (partition, row.clone())));
            *rows = later;
        }
    }
    order
}

/// Rows of each partition, each a little ahead of the one before, or behind it by far more than any delay.
fn partitions(most: usize) -> impl Strategy<Value = Vec<Vec<Row>>> {
    let row = (select(vec!["a", "b", "c"]), -60_i64..100, -500_i64..500);
    let rows = prop::collection::vec(row, 0..60).prop_map(|rows| {
        let mut now = 0;
        let rows = rows.into_iter().map(|(key, step, cents)| {
            now += step.rem_euclid(25);
            (key.to_string(), now + step.min(0), cents)
        });
        rows.collect::<Vec<Row>>()
    });
    prop::collection::vec(rows, 1..=most)
}

fn any_window() -> impl Strategy<Value = &'static str> {
    select(vec![
        "tumble:20ms",
        "tumble:7ms+3ms",
        "hop:30ms/10ms",
        "cumulate:40ms/10ms-3ms",
        "session:5ms",
    ])
}

prop_compose! {
    /// One source.
    fn any_setup()(
        window in any_window(), delay in 0_i64..30, grid in select(vec![1_i64, 4, 10]), workers in 1_usize..=4,
        batch in select(vec![1_usize, 2, 7, 1_000]), rows in select(vec![1_usize, 2, 7, 1_000]), seed in any::<u64>(),
        threads in prop::bool::weighted(0.2),
    ) -> Setup {
        let mut setup = Setup::new(window);
        (setup.delay, setup.grid) = (Span(delay), Span(grid));
        (setup.workers, setup.batch, setup.buffers.rows) = (workers, batch, rows);
        setup.drive = if threads { Drive::Threads } else { Drive::Stepper(seed) };
        setup
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_closes_is_the_batch_answer_over_the_rows_that_were_above_the_watermark(
        setup in any_setup(), partitions in partitions(3)
    ) {
        let mut oracle = Oracle::new(setup, partitions.len());
        let from = vec![0; partitions.len()];
        for (partition, row) in read_order(&partitions, &from, setup.batch) {
            oracle.on_row(partition, row);
        }
        let answer = setup.run(&logged(&partitions));
        prop_assert_eq!(places(&answer.windows), oracle.results());
        let stats = answer.stats;
        prop_assert_eq!((stats.late, stats.late_assignments), (oracle.late, oracle.late_assignments));
        prop_assert_eq!(stats.behind, Span(oracle.behind));
        prop_assert_eq!((stats.open, stats.memory), (0, 0), "all has closed");
    }

    /// Late rows stay as late as they were, and nothing closes twice.
    #[test]
    fn stops_and_restores_at_other_workers_change_neither_what_closes_nor_what_is_late(
        setup in any_setup(), partitions in partitions(3), seeds in prop::collection::vec(any::<u64>(), 4),
        stops in prop::collection::vec((1_usize..400, 1_usize..=4, select(vec![1_usize, 2, 7])), 1..4),
    ) {
        let log = logged(&partitions);
        let mut oracle = Oracle::new(setup, partitions.len());
        let mut from = vec![0; partitions.len()];
        let (mut all, mut last, mut late, mut late_assignments) = (Vec::new(), None, 0, 0);
        let lives = stops.into_iter().map(|(steps, workers, batch)| (Some(steps), workers, batch));
        let lives = lives.chain([(None, setup.workers, setup.batch)]);
        for ((steps, workers, batch), seed) in lives.zip(seeds) {
            let setup = Setup { workers, batch, drive: Drive::Stepper(seed), ..setup };
            let answer = match steps {
                Some(steps) => setup.stopped_after(steps, &log, last.as_ref()),
                None => setup.go_on(&log, last.as_ref()),
            };
            let until = positions(&answer.snapshot);
            let until: Vec<usize> = until.into_values().collect();
            let read = until.iter().sum::<usize>() - from.iter().sum::<usize>();
            let rows = read_order(&partitions, &from, batch);
            for (partition, row) in rows.into_iter().take(read) {
                oracle.on_row(partition, row);
                from[partition] += 1;
            }
            prop_assert_eq!(&from, &until, "it reads in the order that is expected here");
            all.extend(answer.windows);
            late += answer.stats.late;
            late_assignments += answer.stats.late_assignments;
            last = Some(answer.snapshot);
        }
        prop_assert_eq!(places(&all), oracle.results());
        prop_assert_eq!((late, late_assignments), (oracle.late, oracle.late_assignments));
    }
}

/// The strategies above make what they are there for.
#[test]
fn many_of_the_drawn_rows_are_late_and_many_are_not() {
    let (mut late, mut all) = (0, 0);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..100 {
        let case = (any_setup(), partitions(3))
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let (setup, partitions) = case;
        let mut oracle = Oracle::new(setup, partitions.len());
        for (partition, row) in read_order(&partitions, &vec![0; partitions.len()], setup.batch) {
            oracle.on_row(partition, row);
            all += 1;
        }
        late += oracle.late;
    }
    assert!((all / 50..all / 2).contains(&late), "{late} of {all}");
}

/// The oracle itself, checked by hand.
#[test]
fn five_rows_by_hand() {
    let setup = Setup {
        delay: Span(2),
        ..Setup::new("hop:10ms/5ms")
    };
    let mut oracle = Oracle::new(setup, 1);
    // Watermarks behind each: 5, 11, 11, 11, 20.
    for ts in [7, 13, 8, 4, 22] {
        oracle.on_row(0, ("m".to_string(), ts, 1));
    }
    // 8 is late for [0, 10) and not for [5, 15); 4 for [-5, 5) and [0, 10).
    assert_eq!((oracle.late, oracle.late_assignments, oracle.behind), (1, 3, 7));
    let counts: BTreeMap<i64, u64> = oracle
        .results()
        .into_iter()
        .map(|((window, _), (rows, ..))| (window.start.0, rows))
        .collect();
    assert_eq!(
        counts,
        BTreeMap::from([(0, 1), (5, 3), (10, 1), (15, 1), (20, 1)])
    );
}
