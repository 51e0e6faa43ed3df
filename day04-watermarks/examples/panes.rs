//! Late orders make windows come out again. What has a sink at the end that replaces, and one that adds?

use std::error::Error;
use std::io::Write;

use day03_windows::time::Span;
use day04_watermarks::lab::panes::{LATENESS, line, panes, run, table};

fn main() -> Result<(), Box<dyn Error>> {
    run_all(&mut std::io::stdout())
}

pub(crate) fn run_all(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for lateness in [Span(0), LATENESS] {
        writeln!(out, "windows are kept for {lateness}")?;
        writeln!(out, "{}\n", run(lateness)?)?;
    }
    let run = run(LATENESS)?;
    let right = panes(&run).0.last().copied().unwrap_or_default();
    writeln!(out, "[12:00:00, 12:00:10) of m-1 in a sink that")?;
    writeln!(out, "{:<22} {:>8}{:>16}", "", "replaces", "adds")?;
    for each in table(&run) {
        writeln!(out, "{}", line(&each, right))?;
    }
    Ok(())
}
