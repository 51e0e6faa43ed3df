//! The demo: a few orders of one merchant, row by row, closed by the latest time as on day 3 and by watermarks.
//!
//! The rows are told by the windows and watermarks of the jobs, one order at a time. The counts below them come from the jobs
//! themselves, which read the same orders from a log in memory.

use std::collections::BTreeMap;

use day01_consumer::lab::generator::Generated;
use day01_consumer::source::Start;
use day02_state::error::Error;
use day02_state::order::Cents;
use day02_state::runtime::{Stop, run_threads};
use day03_windows::job::Answer;
use day03_windows::lab::demo::{TUMBLE, counted, log, orders};
use day03_windows::lab::evaluator::{Row, evaluate};
use day03_windows::lab::stream_time;
use day03_windows::lab::trace::{Content, Placed, clock};
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::window::Window;

use super::marked::{self, Rules};
use crate::job::{Options, wire};
use crate::splits::Strategy;

/// How many orders are shown.
const ORDERS: usize = 15;
/// How far the watermark is behind the latest order.
const DELAY: Span = Span::seconds(1);
/// How long windows are kept for late orders.
const LATENESS: Span = Span::seconds(20);

/// How many orders each window has.
type Counts = BTreeMap<Window, u64>;

/// The rows, and the counts below them, in lines.
pub fn story() -> Result<String, Error> {
    let orders = &orders(1)[..ORDERS];
    let placed: Vec<Placed> = orders.iter().map(placed).collect();
    let rules = Rules {
        lateness: LATENESS,
        ..Rules::delay(DELAY)
    };
    let by_latest = stream_time::run_orders(&placed, TUMBLE)?;
    let by_watermark = marked::run(&placed, TUMBLE, rules)?;

    let mut lines = vec![
        format!(
            "{ORDERS} orders as they arrive, some out of order, counted in windows of 10 s, such as [:10, :20)."
        ),
        format!(
            "The watermark is {DELAY} behind the latest ts. A closed window is kept for another {LATENESS}."
        ),
        row([
            " ts",
            "day 3:",
            "the latest ts closes windows",
            "day 4:",
            "the watermark closes them",
        ]),
    ];
    for (latest, marked) in by_latest.steps.iter().zip(&by_watermark.steps) {
        let watermark = marked.after.map(second).unwrap_or_default();
        let (one, other) = (
            told(latest.late, &latest.closed),
            told(marked.late, &marked.closed),
        );
        lines.push(row([
            &second(latest.placed.order.ts),
            &second(latest.after),
            &one,
            &watermark,
            &other,
        ]));
    }
    let (one, other) = (told(false, &by_latest.at_end), told(false, &by_watermark.at_end));
    lines.push(row(["end", "", &one, "", &other]));

    let right = right(orders);
    let [day_3, day_4] = [
        count(counted(orders, TUMBLE)?),
        count(counted_by_watermarks(orders)?),
    ];
    lines.push(format!(
        "\n{:<13}{:>7}{:>9}{:>9}",
        "orders in", "right", "day 3", "day 4"
    ));
    for (window, right) in &right {
        let cell = |counts: &Counts| {
            let count = counts.get(window).copied().unwrap_or_default();
            format!("{count:>8}{}", if count == *right { " " } else { "!" })
        };
        lines.push(format!(
            "{:<13}{right:>7} {}{}",
            short(*window),
            cell(&day_3),
            cell(&day_4)
        ));
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    Ok(lines.join("\n"))
}

/// What the job of this day makes of these orders.
fn counted_by_watermarks(orders: &[Generated]) -> Result<Answer, Error> {
    let source = log(orders).source("demo", &Start::Earliest, true)?;
    let options = Options {
        windows: day03_windows::job::Options {
            lateness: LATENESS,
            ..day03_windows::job::Options::new(TUMBLE)
        },
        watermarks: Strategy {
            delay: DELAY,
            ..Strategy::default()
        },
    };
    let (job, slot) = wire(vec![source], &options, (), None)?;
    run_threads(job, &Stop::new())?;
    Ok(slot.take())
}

/// The counts that a reader ends with who replaces a result by the one that comes out after it.
fn count(answer: Answer) -> Counts {
    let windows = answer.windows.into_iter();
    windows
        .map(|closed| (closed.window, closed.summed.0.rows))
        .collect()
}

fn right(orders: &[Generated]) -> Counts {
    let rows: Vec<Row> = orders
        .iter()
        .map(|order| (order.merchant_id.clone(), order.ts, 0))
        .collect();
    let windows = evaluate(TUMBLE, &rows).into_iter();
    windows
        .map(|((window, _), rows)| (window, rows.len() as u64))
        .collect()
}

fn placed(order: &Generated) -> Placed {
    Placed {
        at: order.order_id.clone(),
        merchant_id: order.merchant_id.clone(),
        order: Stamped {
            ts: EventTime(order.ts),
            value: Cents(100),
        },
    }
}

fn row([ts, latest, one, watermark, other]: [&str; 5]) -> String {
    format!("{ts:<4} {latest:<6} {one:<29} {watermark:<6} {other}")
}

/// The second of a time; all lie in the same minute.
fn second(at: EventTime) -> String {
    let clock = clock(EventTime(at.0.div_euclid(1_000) * 1_000)).to_string();
    format!(":{}", &clock[6..])
}

fn short(window: Window) -> String {
    format!("[{}, {})", second(window.start), second(window.end))
}

fn told(is_late: bool, closed: &[Content]) -> String {
    let closes = closed.iter().map(
        |closed| match (short(closed.window), closed.orders, closed.pane) {
            (window, orders, 0) => format!("{window} closes with {orders}"),
            (window, orders, pane) => format!("LATE: {window} closes again with {orders}, pane {pane}"),
        },
    );
    let late = is_late.then(|| "LATE, and not counted".to_string());
    late.into_iter().chain(closes).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The jobs and the rows are two runs: what the one counts is what the other tells.
    #[test]
    fn watermarks_and_lateness_count_every_order_and_the_latest_time_does_not() {
        let orders = &orders(1)[..ORDERS];
        let late = counted(orders, TUMBLE).expect("it runs").stats.late;
        let answer = counted_by_watermarks(orders).expect("it runs");
        assert_eq!((late, answer.stats.late), (2, 0));
        assert_eq!(count(answer), right(orders));
        let story = story().expect("it runs");
        assert_eq!(story.matches("LATE, and not counted").count(), 2, "{story}");
        assert_eq!(story.matches("closes again").count(), 1, "{story}");
        assert_eq!(
            story.matches('!').count(),
            2,
            "each wrong count, and no other: {story}"
        );
    }

    #[test]
    fn the_story_fits_on_a_screen() {
        let story = story().expect("it runs");
        assert!(story.lines().count() <= 25, "{story}");
        assert!(story.lines().all(|line| line.chars().count() <= 100), "{story}");
        insta::assert_snapshot!(story);
    }
}
