//! Two channels and a valve: what channels say, and what the task may promise.

use std::error::Error;
use std::io::Write;

use day04_watermarks::lab::timeline;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for step in timeline::run() {
        writeln!(out, "{step}")?;
    }
    Ok(())
}
