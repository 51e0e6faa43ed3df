//! The changes of a few queries over eight orders, and the views that they add up to.

use std::error::Error;
use std::io::Write;

use day06_sql::lab::changelog::{Between, COUNTS, HISTOGRAM, MORE_THAN_ONE, run as run_query};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())?;
    println!();
    having(&mut std::io::stdout())?;
    println!();
    histogram(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for chunk_rows in [1, 4] {
        writeln!(out, "chunks of {chunk_rows}")?;
        show(out, COUNTS, chunk_rows)?;
    }
    Ok(())
}

pub(crate) fn having(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "HAVING COUNT(*) > 1")?;
    show(out, MORE_THAN_ONE, 1)
}

pub(crate) fn histogram(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for (what, between) in [
        ("all changes", Between::Changes),
        ("new rows only", Between::NewRowsOnly),
    ] {
        let steps = run_query(HISTOGRAM, 1, between).map_err(|failure| failure.to_string())?;
        let view = steps.last().map(|step| step.view.join("   ")).unwrap_or_default();
        writeln!(out, "{what:13}   {view}")?;
    }
    Ok(())
}

fn show(out: &mut impl Write, query: &str, chunk_rows: usize) -> Result<(), Box<dyn Error>> {
    for step in run_query(query, chunk_rows, Between::Changes).map_err(|failure| failure.to_string())? {
        let changes: Vec<&str> = step.changes.iter().map(|(_, line)| line.as_str()).collect();
        let line = format!("  {:18}  {}", step.orders.join(" "), changes.join(" "));
        writeln!(out, "{}", line.trim_end())?;
        if chunk_rows > 1 {
            writeln!(out, "    the view: {}", step.view.join("   "))?;
        }
    }
    Ok(())
}
