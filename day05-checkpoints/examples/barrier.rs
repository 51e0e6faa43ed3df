//! A barrier passes two channels: what the task takes when, what it saves, and what less careful designs come to.

use std::error::Error;
use std::io::Write;

use day05_checkpoints::lab::barrier::{SEED, TAPES, Waits, doubled, run as run_job};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())?;
    println!();
    anytime(&mut std::io::stdout())?;
    println!();
    reads_on(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let aligned = run_job(TAPES, "", Waits::UntilAllAreIn, SEED)?;
    for event in &aligned.events {
        writeln!(out, "{event}")?;
    }
    writeln!(out, "after a restart: {}", aligned.after_restart()?)?;
    Ok(())
}

/// What comes of it if each task is saved as it is at one moment, without barriers.
pub(crate) fn anytime(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (mut losing, mut moments) = (0, 0);
    for seed in 0..RUNS {
        let (lose, all) = run_job(TAPES, "", Waits::UntilAllAreIn, seed)?.anytime();
        (losing, moments) = (losing + lose, moments + all);
    }
    writeln!(
        out,
        "each task saved as it is: {losing} of {moments} moments lose a letter"
    )?;
    Ok(())
}

/// What comes of it if a channel is read on behind its barrier.
pub(crate) fn reads_on(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let reads_on = run_job(TAPES, "", Waits::Never, SEED)?;
    let after = reads_on.after_restart()?;
    writeln!(out, "read on behind the barrier: saved {}", reads_on.saved())?;
    writeln!(out, "after a restart: {after}, doubled: {}", doubled(&after))?;
    let mut doubling = 0;
    for seed in 0..RUNS {
        let after = run_job(TAPES, "", Waits::Never, seed)?.after_restart()?;
        doubling += usize::from(!doubled(&after).is_empty());
    }
    writeln!(out, "{doubling} of {RUNS} orders of events double a letter")?;
    Ok(())
}

/// How many orders of events are tried.
const RUNS: u64 = 200;
