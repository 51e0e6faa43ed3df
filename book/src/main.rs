//! `cargo run -p book -- check | figures | ladder | bench`

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use book::costs::{BENCHES, Results};
use book::{BookError, book_root, figures, stale_files, write_files};
use clap::Parser;

/// Checks the book against the code, and draws its figures and tables from runs of the code.
#[derive(Parser)]
#[command(version)]
enum Cli {
    /// Check every listing, output, link, question, figure and table of the pages
    Check,
    /// Draw the figures again, from runs of the scenarios
    Figures,
    /// Let every day run every scenario, and print what each makes of it
    Ladder,
    /// Run the benchmarks (some minutes), write results.json, and render tables and charts from it
    Bench {
        /// Only render results.json again
        #[arg(long)]
        render: bool,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse() {
        Cli::Check => check(),
        Cli::Figures => draw(),
        Cli::Ladder => climb(),
        Cli::Bench { render } => bench(render),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<ExitCode, BookError> {
    let book = book_root();
    let project = book.parent().map_or_else(|| book.clone(), PathBuf::from);
    let report = book::check::check(&book, &project)?;
    println!("{report}");
    let mut drawn = figures::figures(&book)?;
    drawn.extend(Results::read(&book)?.rendered()?);
    let stale = stale_files(&book, &drawn);
    for file in &stale {
        println!(
            "{}: is not what the code draws now; run `cargo run -p book -- figures` or `-- bench --render`",
            file.display()
        );
    }
    println!("compared {} figures and tables with a new run", drawn.len());
    Ok(match report.problems.is_empty() && stale.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn draw() -> Result<ExitCode, BookError> {
    let book = book_root();
    let drawn = figures::figures(&book)?;
    let changed = write_files(&book, &drawn)?;
    println!("drew {} figures, {} of them changed", drawn.len(), changed.len());
    Ok(ExitCode::SUCCESS)
}

fn climb() -> Result<ExitCode, BookError> {
    let matrix = book::ladder::matrix(&book_root())?;
    println!("{matrix}");
    let surprises = matrix.surprises();
    surprises
        .iter()
        .for_each(|surprise| println!("unexpected: {surprise}"));
    Ok(match surprises.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn bench(render_only: bool) -> Result<ExitCode, BookError> {
    let book = book_root();
    if !render_only {
        for bench in BENCHES {
            let mut command = Command::new("cargo");
            command.args(["bench", "--workspace", "--bench", bench]);
            let status = command.status().map_err(|error| BookError::File {
                path: "cargo".into(),
                error,
            })?;
            if !status.success() {
                return Err(BookError::Command(format!(
                    "cargo bench --workspace --bench {bench}"
                )));
            }
        }
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| book.join("../target"), PathBuf::from);
        Results::collect(&target.join("criterion"))?.write(&book)?;
    }
    let rendered = Results::read(&book)?.rendered()?;
    let changed = write_files(&book, &rendered)?;
    println!(
        "rendered {} tables and charts, {} of them changed",
        rendered.len(),
        changed.len()
    );
    Ok(ExitCode::SUCCESS)
}
