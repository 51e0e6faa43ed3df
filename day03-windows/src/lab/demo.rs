//! The demo: the same generated orders, counted by three kinds of windows and drawn on a line of time; and what is
//! counted of them when they arrive out of order.
//!
//! Every window in the picture is a result of the job, which reads a log in memory. A column is a second.

use day01_consumer::lab::generator::{Generated, Generator, GeneratorOptions};
use day01_consumer::lab::log::Log;
use day01_consumer::source::Start;
use day02_state::error::Error;
use day02_state::runtime::{Stop, run_threads};
use jiff::SignedDuration;

use crate::job::{Answer, ClosedWindow, Options, wire};
use crate::lab::trace::clock;
use crate::spec::WindowSpec;
use crate::time::{EventTime, Span};
use crate::window::Window;

/// The orders of the demo are all younger than this: 2026-01-01, ten seconds after midnight.
const BEGIN: EventTime = EventTime(1_767_225_610_000);
/// What the picture begins with. The first hop begins before the first order.
const LEFT: EventTime = EventTime(BEGIN.0 - 10_000);
/// How many seconds the picture shows.
const WIDTH: usize = 70;
/// The kinds of windows.
pub const KINDS: [WindowSpec; 3] = [
    TUMBLE,
    WindowSpec::Hop {
        size: Span::seconds(20),
        slide: Span::seconds(10),
        offset: Span(0),
    },
    WindowSpec::Session {
        gap: Span::seconds(5),
    },
];
/// The kind that the days are compared by.
pub const TUMBLE: WindowSpec = WindowSpec::Tumble {
    size: Span::seconds(10),
    offset: Span(0),
};
/// The merchants, by the number of their orders.
pub const MERCHANTS: [&str; 2] = ["m-1", "m-2"];

/// The orders of the demo, as they arrive: one every two seconds, with times that lie up to six seconds back.
pub fn orders(merchants: u32) -> Vec<Generated> {
    let mut generator = Generator::new(GeneratorOptions {
        orders: 25,
        seed: 1,
        merchants,
        begin: jiff::Timestamp::constant(BEGIN.0 / 1_000 + 6, 0),
        spacing: SignedDuration::from_secs(2),
        disorder: SignedDuration::from_secs(6),
        ..GeneratorOptions::default()
    });
    std::iter::from_fn(|| generator.next_order().cloned()).collect()
}

/// These orders as a topic with one partition.
pub fn log(orders: &[Generated]) -> Log {
    let log = Log::new("orders", 1);
    for order in orders {
        log.append(0, None, Some(&order.payload), Some(order.ts));
    }
    log
}

/// What the job of this day makes of these orders.
pub fn counted(orders: &[Generated], window: WindowSpec) -> Result<Answer, Error> {
    let source = log(orders).source("demo", &Start::Earliest, true)?;
    let (job, slot) = wire(vec![source], &Options::new(window), (), None)?;
    run_threads(job, &Stop::new())?;
    Ok(slot.take())
}

/// What the picture says first.
const LEGEND: &str = "\
Orders of two merchants, counted in three kinds of windows. [5···) is a window with 5 orders.
  tumble:10s   one window after the other: each order counts once
  hop:20s/10s  20 s long, and every 10 s a new one: each order counts twice
  session:5s   as long as a merchant's orders follow each other by less than 5 s";

/// The picture, in lines.
pub fn picture() -> Result<String, Error> {
    let arriving = orders(MERCHANTS.len() as u32);
    let mut in_order = arriving.clone();
    in_order.sort_by_key(|order| order.ts);

    let mut answers = Vec::new();
    for kind in KINDS {
        answers.push((kind, counted(&in_order, kind)?.windows));
    }
    let mut lines = vec![LEGEND.to_string(), axis()];
    for merchant in MERCHANTS {
        lines.push(line(&format!("{merchant}  orders"), &dots(&in_order, merchant)));
        for (kind, windows) in &answers {
            let label = format!("     {kind}");
            lines.extend(drawn(&label, windows, windows, merchant));
        }
    }
    let wrong = counted(&arriving, TUMBLE)?;
    lines.push(format!(
        "\nThe same orders, as they arrive: {} of {} come after their window has closed, and are missing in the\n\
         counts marked with a !. The watermarks of day 4 mend that.",
        wrong.stats.late,
        arriving.len()
    ));
    for merchant in MERCHANTS {
        let label = format!("{merchant}  {TUMBLE}");
        lines.extend(drawn(&label, &wrong.windows, &answers[0].1, merchant));
    }
    Ok(lines.join("\n"))
}

fn line(label: &str, drawn: &str) -> String {
    format!("{label:<17}{drawn}").trim_end().to_string()
}

/// The column of a time, if it is in the picture.
fn column(at: EventTime) -> usize {
    let seconds = (at.0 - LEFT.0).div_euclid(1_000);
    usize::try_from(seconds).unwrap_or_default().min(WIDTH - 1)
}

/// A time of day every ten seconds.
fn axis() -> String {
    let times = (0..WIDTH / 10).map(|nth| clock(LEFT.plus(Span::seconds(10 * nth as i64))).to_string());
    line("", &times.map(|time| format!("{time:<10}")).collect::<String>())
}

/// How many orders a merchant has in each second.
fn dots(orders: &[Generated], merchant: &str) -> String {
    let mut counts = [0; WIDTH];
    for order in orders.iter().filter(|order| order.merchant_id == merchant) {
        counts[column(EventTime(order.ts))] += 1;
    }
    let dot = |count: &u32| {
        if *count == 0 {
            " ".to_string()
        } else {
            count.to_string()
        }
    };
    counts.iter().map(dot).collect()
}

/// A merchant's windows, those that overlap in lines of their own. What is not among the right ones is marked.
fn drawn(label: &str, windows: &[ClosedWindow], right: &[ClosedWindow], merchant: &str) -> Vec<String> {
    let mut lanes: Vec<(EventTime, Vec<char>)> = Vec::new();
    for closed in windows.iter().filter(|closed| closed.merchant_id == merchant) {
        let Window { start, end } = closed.window;
        let free = lanes.iter().position(|(until, _)| *until <= start);
        let lane = free.unwrap_or_else(|| {
            lanes.push((end, vec![' '; WIDTH]));
            lanes.len() - 1
        });
        let (until, drawn) = &mut lanes[lane];
        *until = end;
        let (from, to) = (column(start), column(EventTime(end.0 - 1)));
        drawn[from..=to].fill('·');
        drawn[to] = ')';
        let mark = if right.contains(closed) { "" } else { "!" };
        let count = format!("[{}{mark}", closed.summed.0.rows);
        let cells = drawn[from..].iter_mut().zip(count.chars());
        cells.for_each(|(cell, sign)| *cell = sign);
    }
    let label = |lane| if lane == 0 { label } else { "" };
    let lanes = lanes.into_iter().enumerate();
    lanes
        .map(|(lane, (_, drawn))| line(label(lane), &drawn.iter().collect::<String>()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::evaluator::{Row, evaluate};

    /// What is drawn is what an evaluator without any streaming finds; and out of order, it is not.
    #[test]
    fn in_order_each_count_is_right_and_out_of_order_some_are_not() {
        let mut orders = orders(2);
        let row = |order: &Generated| -> Row { (order.merchant_id.clone(), order.ts, 0) };
        let rows: Vec<Row> = orders.iter().map(row).collect();
        let right = |window| {
            let windows = evaluate(window, &rows).into_iter();
            windows
                .map(|((window, merchant), rows)| (window, merchant, rows.len() as u64))
                .collect::<Vec<_>>()
        };
        let found = |orders: &[Generated], window| {
            let windows = counted(orders, window).expect("it runs").windows.into_iter();
            windows
                .map(|closed| (closed.window, closed.merchant_id, closed.summed.0.rows))
                .collect::<Vec<_>>()
        };
        assert_ne!(found(&orders, TUMBLE), right(TUMBLE));
        orders.sort_by_key(|order| order.ts);
        for window in KINDS {
            assert_eq!(found(&orders, window), right(window), "{window}");
        }
    }

    #[test]
    fn the_picture_has_every_window_and_fits_on_a_screen() {
        let picture = picture().expect("it runs");
        assert!(picture.lines().count() <= 23, "{picture}");
        assert!(
            picture.lines().all(|line| line.chars().count() <= 100),
            "{picture}"
        );
        insta::assert_snapshot!(picture);
    }
}
