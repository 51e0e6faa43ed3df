//! A partition without times, and one that is a day ahead.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use day03_windows::time::Span;
use day04_watermarks::lab::drift;
use day04_watermarks::lab::silence::Silence;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(
        out,
        "orders/1 has a broken record every tenth of a second; idle after 5 s"
    )?;
    let mut silence = Silence::broken(Duration::from_secs(5));
    for seconds in [4, 2] {
        silence.goes_on(seconds);
        writeln!(out, "{}", silence.line())?;
    }

    writeln!(out, "\norders/1 is a day ahead")?;
    writeln!(out, "orders read            open windows")?;
    writeln!(out, "of orders/0            reads on   waits, at most 30 s ahead")?;
    let drift = Some(Span::seconds(30));
    for orders in [100, 200, 400] {
        let (reads_on, waits) = (drift::run(orders, None)?, drift::run(orders, drift)?);
        writeln!(out, "{orders:>11} {:>19} {:>10}", reads_on.open, waits.open)?;
    }
    writeln!(out, "\n{}", drift::run(400, drift)?.table())?;
    Ok(())
}
