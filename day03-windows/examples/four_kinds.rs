//! Eight orders of one merchant, in order, under the four kinds of windows.

use std::error::Error;
use std::io::Write;

use day01_consumer::lab::scenario::Scenario;
use day03_windows::lab::stream_time;
use day03_windows::lab::trace::{Placed, clock, orders};
use day03_windows::spec::WindowSpec;

const FOUR_KINDS: &str = include_str!("../../book/scenarios/four_kinds.toml");

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let scenario = Scenario::parse("four_kinds", FOUR_KINDS)?;
    writeln!(out, "orders")?;
    for orders in orders(&scenario).chunks(4) {
        let orders: Vec<String> = orders.iter().map(order).collect();
        writeln!(out, "  {}", orders.join("   "))?;
    }
    for spec in ["tumble:20s", "hop:20s/10s", "cumulate:30s/10s", "session:10s"] {
        writeln!(out, "{spec}")?;
        let spec: WindowSpec = spec.parse()?;
        for closed in stream_time::run(&scenario, spec)?.closed() {
            writeln!(out, "  {closed}")?;
        }
    }
    Ok(())
}

fn order(placed: &Placed) -> String {
    format!("{} {:>5}", clock(placed.order.ts), placed.order.value)
}
