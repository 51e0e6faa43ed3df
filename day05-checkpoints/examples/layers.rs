//! What the checkpoints of a table write, when little of it changes from one to the next.

use std::error::Error;
use std::io::Write;

use day05_checkpoints::lab::layers::{self, Layer};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "{}", Layer::HEADER)?;
    for layer in layers::run().map_err(|failure| failure.to_string())? {
        writeln!(out, "{layer}")?;
    }
    Ok(())
}
