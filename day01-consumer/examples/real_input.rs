//! Five records that are no orders, between two that are: what the job says of each, and what it does.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use day01_consumer::job::{Commit, Job, OnBadRecord};
use day01_consumer::lab::log::Log;
use day01_consumer::lab::scenario::Scenario;
use day01_consumer::source::{Polled, Start};

const POISON: &str = include_str!("../../book/scenarios/poison.toml");

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let log = Log::new("orders", 1);
    for event in Scenario::parse("poison", POISON)?.events {
        log.append(
            event.partition,
            None,
            event.payload.as_ref().map(|text| text.as_bytes()),
            None,
        );
    }

    writeln!(out, "--on-bad-record fail")?;
    let mut job = job(&log, OnBadRecord::Fail)?;
    if let Err(error) = job.step(Duration::ZERO) {
        writeln!(out, "error: {error}")?;
    }

    writeln!(out, "\n--on-bad-record skip")?;
    let mut job = self::job(&log, OnBadRecord::Skip)?;
    while job.step(Duration::ZERO)? != Polled::End {}
    for (reason, count) in job.skipped() {
        writeln!(out, "skipped {count}: {reason}")?;
    }
    for (merchant, count) in job.counts().sorted() {
        writeln!(out, "{merchant} {count}")?;
    }
    Ok(())
}

fn job(
    log: &Log,
    on_bad_record: OnBadRecord,
) -> Result<Job<day01_consumer::lab::log::LogSource>, day01_consumer::Error> {
    Ok(Job::new(
        log.source("real-input", &Start::Earliest, true)?,
        Commit::None,
        on_bad_record,
    ))
}
