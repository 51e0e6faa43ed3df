//! Why does no window close? A partition falls silent, and the status line says so.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use day04_watermarks::lab::silence::Silence;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let timeout = Duration::from_secs(5);
    writeln!(out, "without an idle timeout")?;
    let mut silence = Silence::new(None);
    silence.goes_on(41);
    writeln!(out, "{}", silence.line())?;
    writeln!(out)?;

    writeln!(out, "idle after 5 s")?;
    let mut silence = Silence::new(Some(timeout));
    for seconds in [1, 3, 2] {
        silence.goes_on(seconds);
        writeln!(out, "{}", silence.line())?;
    }
    let said = silence.comes_back(2);
    writeln!(
        out,
        "orders/1 comes back with 12:00:02, and the source says {}",
        words(said.is_some())
    )?;
    silence.goes_on(1);
    writeln!(out, "{}", silence.line())?;
    writeln!(out)?;

    writeln!(out, "idle after 5 s, but stuck for 60 s from the first second on")?;
    let mut silence = Silence::new(Some(timeout));
    silence.goes_on(1);
    let said = silence.is_stuck(60);
    writeln!(out, "{}", silence.line())?;
    writeln!(
        out,
        "the source looks again, and says {}",
        words(!said.is_empty())
    )?;
    Ok(())
}

fn words(something: bool) -> &'static str {
    if something { "where it is" } else { "nothing" }
}
