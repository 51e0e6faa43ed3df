//! What day 4 still gets wrong, as passing snapshots: nothing outlives a crash, and a clock that is wrong by years is
//! believed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day02-state/tests/drive/mod.rs"]
mod drive;
#[path = "job/live.rs"]
mod live;
#[path = "../../day03-windows/tests/results/mod.rs"]
mod results;
#[path = "../../day03-windows/tests/scenarios/mod.rs"]
mod scenarios;
#[path = "job/setup.rs"]
mod setup;

use std::collections::BTreeMap;

use day01_consumer::lab::log::Log;
use day01_consumer::source::Start;
use day02_state::order::money;
use day02_state::runtime::Stop;
use day03_windows::job::ClosedWindow;
use day03_windows::lab::trace::{Placed, clock, clocks, count, orders};
use day03_windows::time::{EventTime, Span};
use day04_watermarks::generator::BoundedDisorder;
use day04_watermarks::job::wire;

use drive::{Drive, drive};
use live::{Event, Live, play};
use results::expected;
use scenarios::named;
use setup::{Setup, logged, places};

/// The orders of this scenario lie in one partition, and are up to three seconds behind each other.
fn disorder() -> Vec<Placed> {
    orders(&named("disorder"))
}

fn setup() -> Setup {
    Setup {
        delay: Span::seconds(3),
        ..Setup::new("tumble:10s")
    }
}

fn log_of(orders: &[Placed]) -> Log {
    let row = |placed: &Placed| {
        (
            placed.merchant_id.clone(),
            placed.order.ts.0,
            placed.order.value.0,
        )
    };
    logged(&[orders.iter().map(row).collect()])
}

/// A line for each window that was shown.
fn lines(shown: &[ClosedWindow]) -> Vec<String> {
    let line = |closed: &ClosedWindow| {
        let sums = &closed.summed.0;
        let (window, sum) = (clocks(closed.window), money(sums.sum().unwrap()));
        format!(
            "    closes {window}  {}  {}  {sum:>6}",
            closed.merchant_id,
            count(sums.rows)
        )
    };
    shown.iter().map(line).collect()
}

/// How many orders all lines together say that each window has of each merchant.
fn added_up<'a>(shown: impl IntoIterator<Item = &'a ClosedWindow>) -> BTreeMap<(i64, String), u64> {
    let mut sums = BTreeMap::new();
    for closed in shown {
        let place = (closed.window.start.0, closed.merchant_id.clone());
        *sums.entry(place).or_default() += closed.summed.0.rows;
    }
    sums
}

/// Reads from this order on to the end.
fn from(log: &Log, offset: usize) -> Vec<ClosedWindow> {
    let start = Start::At([(0, offset as i64)].into());
    let source = log.source("tests", &start, true).unwrap().with_batch(1);
    let (job, slot) = wire(vec![source], &setup().options(), (), None).unwrap();
    drive(job, Drive::Threads, &Stop::new()).unwrap();
    slot.take().windows
}

/// Nothing is saved, so a crash leaves what was shown before it, and no more than a stop would leave: whoever starts again
/// from the beginning shows it twice, and whoever goes on where the last one has read has lost what was open.
#[test]
fn behind_a_crash_windows_are_shown_twice_or_lack_what_was_open() {
    let (orders, crash) = (disorder(), 7);
    let (log, whole) = (log_of(&orders[..crash]), log_of(&orders));
    let (shown, _) = play(setup(), &Live::on(log), &[(1_000, Event::Stop)], None);
    let first: Vec<ClosedWindow> = shown.into_iter().map(|(_, closed)| closed).collect();
    let (anew, on) = (from(&whole, 0), from(&whole, crash));

    let rows: Vec<_> = orders
        .iter()
        .map(|placed| {
            (
                placed.merchant_id.clone(),
                placed.order.ts.0,
                placed.order.value.0,
            )
        })
        .collect();
    let right = expected(setup().window, &rows);
    assert_eq!(places(&anew), right, "a run without a crash is right");
    let total = |sums: BTreeMap<_, u64>| sums.into_values().sum::<u64>();
    assert_eq!(
        total(added_up(first.iter().chain(&anew))),
        9 + 4,
        "four orders are shown twice"
    );
    assert_eq!(
        total(added_up(first.iter().chain(&on))),
        9 - 3,
        "three are lost: they were in open windows"
    );

    let mut all = vec!["orders/0@0 to orders/0@6".to_string()];
    all.extend(lines(&first));
    all.extend(["CRASH".to_string(), "again, from orders/0@0".to_string()]);
    all.extend(lines(&anew));
    all.push("or on, from orders/0@7".to_string());
    all.extend(lines(&on));
    insta::assert_snapshot!("crash", all.join("\n"));
}

/// The fourth order is from 2099, because its till has lost its battery. The watermark of its partition follows it, and
/// never comes back.
#[test]
fn one_order_from_2099_makes_all_orders_behind_it_late() {
    let mut orders = disorder();
    let placed = &mut orders[3];
    placed.order.ts = "2099-01-01T00:00:00Z".parse().unwrap();
    let answer = setup().run(&log_of(&orders));

    let (mut generator, mut steps, mut late) =
        (BoundedDisorder::new(Span::seconds(3), Span(1)), Vec::new(), 0);
    for placed in &orders {
        let ts = placed.order.ts;
        let found = generator.watermark();
        let is_late = found.is_some_and(|found| ts.0 - ts.0.rem_euclid(10_000) + 10_000 <= found.0);
        late += u64::from(is_late);
        let _ = generator.on_row(ts);
        let (place, merchant, value) = (&placed.at, &placed.merchant_id, placed.order.value);
        let watermark = generator.watermark().map_or(String::new(), when);
        let late = if is_late { "   late" } else { "" };
        steps.push(format!(
            "{place}  {merchant}  {:10}  {value:>5}   watermark {watermark}{late}",
            when(ts)
        ));
    }
    assert_eq!((answer.stats.late, late), (5, 5), "all behind it");
    let in_windows: u64 = answer.windows.iter().map(|closed| closed.summed.0.rows).sum();
    assert_eq!(in_windows, 4);
    steps.push("no more orders".to_string());
    let shown = |closed: &&ClosedWindow| when(closed.window.start).len() < 10;
    steps.extend(lines(
        &answer.windows.iter().filter(shown).cloned().collect::<Vec<_>>(),
    ));
    steps.push("    and the window of 2099, with one order".to_string());
    insta::assert_snapshot!("year_2099", steps.join("\n"));
}

/// The time of day, or the date on any other day than that of the scenario.
fn when(ts: EventTime) -> String {
    let text = ts.to_string();
    match text.starts_with("2026-01-01") {
        true => clock(ts).to_string(),
        false => text[..10].to_string(),
    }
}
