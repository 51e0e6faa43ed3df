//! Three orders, of which the last bridges the other two: without a clock, and under stream time.

use std::error::Error;
use std::io::Write;

use day03_windows::lab::bridge;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "session:{}, and time is told at the end", bridge::GAP)?;
    writeln!(out, "{}", bridge::untimed()?)?;
    writeln!(out)?;
    writeln!(out, "session:{} under stream time", bridge::GAP)?;
    let run = bridge::under_stream_time()?;
    writeln!(out, "{run}")?;
    writeln!(out, "late orders: {}", run.lost().len())?;
    Ok(())
}
