//! Five orders through two sources, an exchange and two workers, step by step; then the same with other numbers of tasks.

use std::error::Error;
use std::io::Write;

use day01_consumer::lab::scenario::Scenario;
use day02_state::job::Totals;
use day02_state::lab::two_workers;
use day02_state::order::money;

const FIRST_COUNTS: &str = include_str!("../../book/scenarios/first_counts.toml");

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let scenario = Scenario::parse("first_counts", FIRST_COUNTS)?;
    for event in two_workers::run(&scenario, 2, 2, 37)?.events {
        writeln!(out, "{event}")?;
    }
    writeln!(out)?;
    for (sources, workers) in [(1, 1), (2, 2), (3, 7)] {
        let mut answers: Vec<String> = Vec::new();
        for seed in 0..100 {
            let run = two_workers::run(&scenario, sources, workers, seed)?;
            answers.push(run.merchants.iter().map(line).collect::<Vec<_>>().join(", "));
        }
        answers.sort();
        answers.dedup();
        writeln!(
            out,
            "sources: {sources}, workers: {workers}, 100 sequences of steps: {} answer",
            answers.len()
        )?;
        answers
            .iter()
            .try_for_each(|answer| writeln!(out, "  {answer}"))?;
    }
    Ok(())
}

fn line((merchant, totals): &(String, Totals)) -> String {
    format!("{merchant} {} orders {}", totals.count, money(totals.sum))
}
