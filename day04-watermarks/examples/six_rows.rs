//! Six bids out of order: which delay gives which answer, under three ways to say who is late.

use std::error::Error;
use std::io::Write;

use day04_watermarks::lab::six_rows::{Found, table};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "{}", Found::HEADER)?;
    for found in table()? {
        writeln!(out, "{found}")?;
    }
    Ok(())
}
