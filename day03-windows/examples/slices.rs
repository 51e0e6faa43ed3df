//! From which slices the windows of a hop are put together, and what that asks of the aggregate.

use std::error::Error;
use std::io::Write;

use day03_windows::lab::sharing;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "{}", sharing::SPEC)?;
    for step in sharing::trace()? {
        writeln!(out, "{step}")?;
    }
    writeln!(out)?;
    writeln!(out, "calls of the aggregate for each slide of 10 rows, one key")?;
    writeln!(out, "{}", sharing::Costs::HEADER)?;
    for costs in sharing::costs()? {
        writeln!(out, "{costs}")?;
    }
    Ok(())
}
