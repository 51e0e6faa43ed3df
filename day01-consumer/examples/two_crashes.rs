//! The same crash twice: with offsets committed before counting, and after.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use day01_consumer::job::Commit;
use day01_consumer::lab::replay::replay;
use day01_consumer::lab::scenario::Scenario;

const CRASH: &str = include_str!("../../book/scenarios/crash.toml");

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let crash = Scenario::parse("crash", CRASH)?;
    writeln!(out, "right:          {}", list(&crash.right.order_count))?;
    for (name, commit) in [("before", Commit::Before), ("after", Commit::After)] {
        let run = replay(&crash, commit)?;
        let times: Vec<String> = (0..crash.events.len())
            .map(|offset| times(&run.times_counted, offset))
            .collect();
        writeln!(out)?;
        writeln!(out, "commit {name}")?;
        writeln!(out, "  each record:  {}", times.join(", "))?;
        writeln!(out, "  the map:      {}", list(&run.order_count))?;
    }
    Ok(())
}

fn list(counts: &BTreeMap<String, u64>) -> String {
    let each: Vec<String> = counts
        .iter()
        .map(|(merchant, count)| format!("{merchant} = {count}"))
        .collect();
    each.join(", ")
}

fn times(counted: &BTreeMap<String, u32>, offset: usize) -> String {
    match counted.get(&format!("orders/0@{offset}")) {
        None => format!("@{offset} never"),
        Some(1) => format!("@{offset} once"),
        Some(times) => format!("@{offset} {times} times"),
    }
}
