//! Two epochs on their way out, step by step.

use std::error::Error;
use std::io::Write;

use day05_checkpoints::lab::epochs::{self, Step};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "{}", Step::HEADER)?;
    for step in epochs::run().map_err(|failure| failure.to_string())? {
        writeln!(out, "{step}")?;
    }
    Ok(())
}
