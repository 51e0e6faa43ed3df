//! Worked examples that others have published, out of order, as tables to read.
//!
//! - The six bids: Apache Flink's documentation, "Windowing table-valued functions (Windowing TVFs)", in the order of
//!   arrival of "One SQL to Rule Them All" (SIGMOD 2019).
//! - The nine scores: Tyler Akidau, "Streaming 102", and chapter 2 of "Streaming Systems".
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day02-state/tests/drive/mod.rs"]
mod drive;
#[path = "job/live.rs"]
mod live;
#[path = "../../day03-windows/tests/results/mod.rs"]
mod results;
#[path = "job/setup.rs"]
mod setup;

use day02_state::operator::{EndReason, Input, Operator, Output};
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day02_state::status::Status;
use day03_windows::job::{Options as Windows, WindowOutput, WindowStats};
use day03_windows::time::{EventTime, Span, Stamped};
use day04_watermarks::job::worker;
use day04_watermarks::watermark::Watermark;

use drive::Drive;
use live::{Event, Live, play};
use setup::{MILLI, Setup, logged};

/// 08:05 on 2020-04-15, or any other time of that day; with seconds, if there are any.
fn at(clock: &str) -> i64 {
    let time = match clock.len() {
        5 => format!("2020-04-15T{clock}:00Z"),
        _ => format!("2020-04-15T{clock}Z"),
    };
    time.parse::<EventTime>().unwrap().0
}

// ---------------------------------------------------------------------------------------------------------------------
// Six bids

/// `item`, `bidtime` and `price`, as they arrive.
const BIDS: [(&str, &str, i64); 6] = [
    ("A", "08:07", 2),
    ("B", "08:11", 3),
    ("C", "08:05", 4),
    ("D", "08:09", 5),
    ("E", "08:13", 1),
    ("F", "08:17", 6),
];

/// What a window came to: the bid that closed it, or `-` for the end; when the window begins; the sum of its prices.
type Fired = (&'static str, &'static str, i128);
/// Some delays; what closes with each of them, and how many rows and pairs of a row and a window are late: in windows one
/// behind the other, and in windows that overlap.
type Line = (
    &'static [&'static str],
    (&'static [Fired], (u64, u64)),
    (&'static [Fired], (u64, u64)),
);

/// The bids come a second apart, so what closes at a second closes by the bid of that second.
fn fired(setup: Setup) -> (Vec<(String, i64, i128)>, u64, u64) {
    let bids = (0..).step_by(1_000).zip(BIDS);
    let mut script: Vec<(u64, Event)> = bids
        .map(|(second, (_, time, price))| (second, Event::Sale(0, at(time), price)))
        .collect();
    script.push((6_000, Event::Over));
    let (closed, answer) = play(setup, &Live::new(1), &script, None);
    let by = |at: u64| {
        BIDS.get(at as usize / 1_000)
            .map_or("-", |(item, ..)| item)
            .to_string()
    };
    let fired = closed
        .iter()
        .map(|(at, closed)| (by(*at), closed.window.start.0, closed.summed.0.sum().unwrap()));
    (fired.collect(), answer.stats.late, answer.stats.late_assignments)
}

/// Flink's example has a delay of a second: with it, nine of eleven dollars of the first window would be lost if the bids
/// came like this. A row may be late for one window and on time for another, so a hop loses no row, only pairs of a row
/// and a window: two (C and D, for the window up to 08:10).
#[test]
fn six_bids_out_of_order_under_seven_delays() {
    #[rustfmt::skip]
    let table: [Line; 4] = [
        (&["0s", "1s", "1m"],
            (&[("B", "08:00", 2), ("-", "08:10", 10)],                                           (2, 2)),
            (&[("B", "08:00", 2), ("F", "08:05", 15), ("-", "08:10", 10), ("-", "08:15", 6)],    (0, 2))),
        (&["2m"],
            (&[("E", "08:00", 11), ("-", "08:10", 10)],                                          (0, 0)),
            (&[("E", "08:00", 11), ("F", "08:05", 15), ("-", "08:10", 10), ("-", "08:15", 6)],   (0, 0))),
        (&["3m"],
            (&[("E", "08:00", 11), ("-", "08:10", 10)],                                          (0, 0)),
            (&[("E", "08:00", 11), ("-", "08:05", 15), ("-", "08:10", 10), ("-", "08:15", 6)],   (0, 0))),
        (&["5m 59s", "6m"],
            (&[("F", "08:00", 11), ("-", "08:10", 10)],                                          (0, 0)),
            (&[("F", "08:00", 11), ("-", "08:05", 15), ("-", "08:10", 10), ("-", "08:15", 6)],   (0, 0))),
    ];
    let mut delays = 0;
    for (same, tumbling, hopping) in table {
        for delay in same {
            delays += 1;
            for (window, (wanted, late)) in [("tumble:10m", tumbling), ("hop:10m/5m", hopping)] {
                let wanted: Vec<(String, i64, i128)> = wanted
                    .iter()
                    .map(|(by, start, sum)| (by.to_string(), at(start), *sum))
                    .collect();
                for seed in 0..10 {
                    let setup = Setup {
                        delay: delay.parse::<Span>().unwrap(),
                        workers: 1 + seed % 3,
                        drive: Drive::Stepper(seed as u64),
                        ..Setup::new(window)
                    };
                    let (fired, rows, pairs) = fired(setup);
                    assert_eq!(fired, wanted, "{window}, delay {delay}, seed {seed}");
                    assert_eq!((rows, pairs), late, "{window}, delay {delay}, seed {seed}");
                }
            }
        }
    }
    assert_eq!(delays, 7);
}

/// Judged by the row, as RisingWave does, C would be lost in all of these. Judged by window it takes a minute and a bit:
/// behind B, the watermark has to be before 08:10.
#[test]
fn the_delay_from_which_nothing_is_lost_is_that_of_the_window_and_not_that_of_the_row() {
    let row = |(_, time, price): (&str, &str, i64)| ("m".to_string(), at(time), price);
    let log = logged(&[BIDS.map(row).to_vec()]);
    for (delay, lost) in [("1m", 2), ("1m 0.001s", 0), ("5m", 0)] {
        for drive in [Drive::Stepper(1), Drive::Threads] {
            let setup = Setup {
                delay: delay.parse().unwrap(),
                drive,
                ..Setup::new("tumble:10m")
            };
            assert_eq!(setup.run(&log).stats.late, lost, "{setup:?}");
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Nine scores

/// What comes to a worker.
enum Comes {
    /// A score, with its time.
    Score(i64, &'static str),
    /// What a perfect watermark is known to be, and what a heuristic one takes it for.
    Perfect(&'static str),
    Heuristic(&'static str),
    /// There is nothing more.
    End,
}
use Comes::{End, Heuristic, Perfect, Score};

/// The schedule, in the order of processing time.
#[rustfmt::skip]
const SCHEDULE: [Comes; 18] = [
    Score(5, "12:00:26"),
    Score(7, "12:02:24"),
    Heuristic("12:02"),
    Score(3, "12:03:39"),
    Score(4, "12:04:19"),
    Score(8, "12:03:06"),
    Score(3, "12:06:39"),
    Heuristic("12:04"),
    Heuristic("12:06"),
    Score(9, "12:01:25"),
    Perfect("12:02"),
    Score(8, "12:07:26"),
    Score(1, "12:07:46"),
    Perfect("12:04"),
    Perfect("12:06"),
    Perfect("12:08"),
    Heuristic("12:08:30"),
    End,
];

/// What a worker says, as lines.
#[derive(Default)]
struct Said(Vec<String>);

impl Output<WindowOutput, Watermark> for Said {
    fn data(&mut self, output: WindowOutput) {
        let rows = output.closed;
        self.0.extend(rows.values().iter().map(|closed| {
            let start = closed.window.start.to_string();
            format!("{} {}", &start[11..16], closed.acc.0.sum().unwrap())
        }));
    }

    fn control(&mut self, watermark: Watermark) {
        let text = match watermark {
            Watermark::At(EventTime::MAX) => "end".to_string(),
            Watermark::At(at) => at.to_string()[11..19].to_string(),
            Watermark::Idle => "idle".to_string(),
        };
        self.0.push(format!("W {text}"));
    }
}

/// Runs the schedule with one of the two kinds of watermarks; returns what the worker has said, and its late rows.
fn scores(is_mine: fn(&Comes) -> Option<&'static str>) -> (Vec<String>, u64) {
    let options = Windows::new("tumble:2m".parse().unwrap());
    let (mut worker, mut said) = (worker(1, &options), Said::default());
    let input = Input::default();
    worker.on_turn(MILLI, &mut said).unwrap();
    for comes in &SCHEDULE {
        match comes {
            Score(score, time) => {
                let mut rows = Rows::new();
                let (ts, value) = (EventTime(at(time)), Cents(*score));
                rows.push(b"team", Stamped { ts, value });
                worker.on_data(input, rows, &mut said).unwrap();
            }
            Perfect(_) | Heuristic(_) => {
                if let Some(time) = is_mine(comes) {
                    let watermark = Watermark::At(EventTime(at(time)));
                    worker.on_control(input, watermark, &mut said).unwrap();
                }
            }
            End => {
                let watermark = Watermark::At(EventTime::MAX);
                worker.on_control(input, watermark, &mut said).unwrap();
            }
        }
    }
    let before_the_end = said.0.len();
    worker.on_end(EndReason::Drained, &mut said).unwrap();
    assert_eq!(said.0.len(), before_the_end, "nothing comes at the end");
    let mut status = Status::default();
    worker.status(&mut status);
    (said.0, WindowStats::in_status(&status).late)
}

#[test]
fn nine_scores_under_a_perfect_watermark_are_all_counted() {
    let (said, late) = scores(|comes| match comes {
        Perfect(time) => Some(time),
        _ => None,
    });
    #[rustfmt::skip]
    let wanted = [
        "12:00 14", "W 12:02:00",
        "12:02 18", "W 12:04:00",
        "12:04 4",  "W 12:06:00",
        "12:06 12", "W 12:08:00",
        "W end",
    ];
    assert_eq!(said, wanted);
    assert_eq!(late, 0);
}

/// The 9 comes seven minutes after it happened, when its window has long closed.
#[test]
fn nine_scores_under_a_heuristic_watermark_lose_the_one_that_it_did_not_expect() {
    let (said, late) = scores(|comes| match comes {
        Heuristic(time) => Some(time),
        _ => None,
    });
    #[rustfmt::skip]
    let wanted = [
        "12:00 5",  "W 12:02:00",
        "12:02 18", "W 12:04:00",
        "12:04 4",  "W 12:06:00",
        "12:06 12", "W 12:08:30",
        "W end",
    ];
    assert_eq!(said, wanted);
    assert_eq!(late, 1);
}
