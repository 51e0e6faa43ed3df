//! What somebody sees who looks at the total of all balances after each step of a job.

use std::error::Error;
use std::io::Write;

use day06_sql::lab::balances;

/// How many wrong totals are shown.
const SHOWN: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for (what, shown_at_once) in [
        ("each view as far as it has come", true),
        ("all views in the same epoch", false),
    ] {
        let looks = balances::run(shown_at_once, 1).map_err(|failure| failure.to_string())?;
        let right = looks.looks - looks.wrong;
        writeln!(
            out,
            "{what:33}  the total is 0 in {right} of {} looks",
            looks.looks
        )?;
        let others: Vec<&str> = looks
            .totals
            .iter()
            .map(String::as_str)
            .filter(|total| *total != "0")
            .collect();
        if let Some((some, rest)) = others.split_at_checked(SHOWN) {
            writeln!(
                out,
                "    and otherwise {} or one of {} others",
                some.join(", "),
                rest.len()
            )?;
        }
    }
    Ok(())
}
