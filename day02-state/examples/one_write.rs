//! A crash while state and positions are saved: in two writes, both ways round, and in one. Then orders per minute of
//! arrival, which no way of saving can mend.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use day01_consumer::lab::scenario::Scenario;
use day02_state::lab::crash::{self, Saving};
use day02_state::lab::per_minute::{PerMinute, by_arrival, by_event_time, orders};

const CRASH: &str = include_str!("../../book/scenarios/crash.toml");

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let scenario = Scenario::parse("crash", CRASH)?;
    for (name, saving) in [
        ("state, CRASH, positions", Saving::StateFirst),
        ("positions, CRASH, state", Saving::PositionsFirst),
        ("CRASH, both in one write", Saving::OneWriteNotRenamed),
        ("both in one write, CRASH", Saving::OneWriteRenamed),
    ] {
        let times = crash::run(&scenario, saving)?.times();
        let each = (0..scenario.events.len()).map(|offset| times.get(&format!("orders/0@{offset}")));
        let each: Vec<String> = each
            .map(|times| times.copied().unwrap_or_default().to_string())
            .collect();
        writeln!(
            out,
            "{name:26} each record is in the answer {} times",
            each.join(", ")
        )?;
    }
    writeln!(out)?;
    let orders = orders(600);
    writeln!(
        out,
        "orders per minute, as they were made:  {}",
        list(&by_event_time(&orders))
    )?;
    for seed in [1, 2] {
        let answer = by_arrival(&orders, Duration::from_secs(20), seed)?;
        writeln!(
            out,
            "by the minute of arrival, run {seed}:       {}",
            list(&answer)
        )?;
    }
    Ok(())
}

fn list(counts: &PerMinute) -> String {
    let each: Vec<String> = counts
        .iter()
        .map(|(minute, count)| format!("12:0{minute} {count:3}"))
        .collect();
    each.join("  ")
}
