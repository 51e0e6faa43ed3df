//! A query as a plan and as tasks, and one that is refused.

use std::error::Error;
use std::io::Write;

use day06_sql::bind::{Catalog, read};
use day06_sql::lab::tasks::{self, BUSY};

const WRONG: &str = include_str!("wrong.sql");

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())?;
    println!();
    refused(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let lowered = tasks::run(BUSY).map_err(|failure| failure.to_string())?;
    for (depth, line) in lowered.plan.iter().enumerate() {
        writeln!(out, "{}{line}", "  ".repeat(depth))?;
    }
    writeln!(out)?;
    for task in &lowered.tasks {
        writeln!(out, "{:6}  {}", task.name, task.does.join("; "))?;
    }
    Ok(())
}

pub(crate) fn refused(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match read(WRONG, "wrong.sql", &mut Catalog::new()) {
        Ok(_) => Err("it was accepted".into()),
        Err(error) => Ok(write!(out, "{}", error.render())?),
    }
}
