//! The demo: a job that is killed three times, and what it has published.
//!
//! The broker lives in this process and survives. The job runs in a child process, which is killed in the middle of its
//! work by a signal that it cannot catch, and started again. At the end, what it has published is compared with what a run
//! comes to that nothing befell.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::cli::say;
use day01_consumer::kafka::{Fetch, KafkaOptions, KafkaSource};
use day01_consumer::lab::generator::GeneratorOptions;
use day01_consumer::lab::sandbox::Sandbox;
use day01_consumer::lab::table::{self, Format as Text};
use day01_consumer::source::Start;
use day02_state::error::Error;
use day02_state::runtime::{Stop, run_threads};
use day03_windows::cli::{COLUMNS, row};
use day03_windows::job::{ClosedWindow, Options as Windows};
use day04_watermarks::job::{Options, wire};

use super::args::Cli;

/// So many orders fit into the sandbox, whoever reads them and whenever.
const ORDERS: u64 = 80_000;
const PARTITIONS: usize = 8;
/// How fast they come, and so how long there is something to be killed.
const RATE: u64 = 20_000;
/// How long a run lives before it is killed.
const LIVES: [Duration; 3] = [
    Duration::from_millis(1_300),
    Duration::from_millis(900),
    Duration::from_millis(1_100),
];

pub(super) fn run(args: &Cli) -> Result<(), Error> {
    let generator = GeneratorOptions {
        orders: ORDERS,
        rate: Some(RATE),
        ..args.generator.clone()
    };
    let folder = tempfile::tempdir().map_err(system("making a folder for the demo"))?;
    let sandbox = Sandbox::start(&args.source.topic, PARTITIONS, generator)?;
    say(format!(
        "{ORDERS} orders come in {} seconds; the job that counts them is killed {} times",
        ORDERS / RATE,
        LIVES.len()
    ));
    for (run, life) in (1..).zip(LIVES) {
        let mut child = start(args, &sandbox, folder.path(), false)?;
        std::thread::sleep(life);
        child.kill().map_err(system("killing the job"))?;
        child.wait().map_err(system("waiting for the job"))?;
        say(format!(
            "run {run}: killed after {:.1} s; it leaves {} checkpoints and {} windows",
            life.as_secs_f64(),
            names(&folder.path().join("checkpoints"), "checkpoint-")?.len(),
            published(folder.path())?.len(),
        ));
    }
    sandbox.wait_until_fed()?;
    let status = start(args, &sandbox, folder.path(), true)?
        .wait()
        .map_err(system("waiting for the job"))?;
    if !status.success() {
        return Err(InputError::System {
            what: "the last run of the demo",
            error: status.to_string(),
        }
        .into());
    }
    let mut lines = published(folder.path())?;
    say(format!(
        "run {}: reads to the end; {} windows in all",
        LIVES.len() + 1,
        lines.len()
    ));

    let wanted = undisturbed(args, &sandbox)?;
    let mut wanted_lines = json(&wanted)?;
    lines.sort();
    wanted_lines.sort();
    if lines != wanted_lines {
        return Err(InputError::System {
            what: "comparing with a run that nothing befell",
            error: format!(
                "{} windows were published, and {} are right",
                lines.len(),
                wanted_lines.len()
            ),
        }
        .into());
    }
    say("a run that nothing befell comes to the same windows: none is missing, none is there twice");
    show(args, wanted)?;
    say(TRY_NEXT);
    Ok(())
}

/// Starts the job in a process of its own.
fn start(args: &Cli, sandbox: &Sandbox, folder: &Path, last: bool) -> Result<Child, Error> {
    let program = std::env::current_exe().map_err(system("finding this program"))?;
    let mut command = Command::new(program);
    command
        .args(["--brokers", &sandbox.brokers(), "--topic", sandbox.topic()])
        .args(["--window", &args.windows.window.to_string()])
        .args(["--delay", &args.time.delay.to_string()])
        .args(["--workers", &args.tasks.workers.to_string()])
        .args(["--checkpoint-interval", "200ms", "--checkpoint-dir"])
        .arg(folder.join("checkpoints"))
        .arg("--sink")
        .arg(format!("file:{}", folder.join("windows").display()))
        .args(last.then_some("--until-end"))
        .stdout(Stdio::null())
        .stderr(if last { Stdio::inherit() } else { Stdio::null() });
    command.spawn().map_err(system("starting the job"))
}

/// The names of the files in a folder that begin so; none if there is no folder yet.
fn names(folder: &Path, prefix: &str) -> Result<Vec<String>, Error> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(system("reading a folder of the demo"))?.file_name();
        names.extend(name.into_string().ok());
    }
    names.retain(|name| name.starts_with(prefix) && !name.ends_with(".writing"));
    names.sort();
    Ok(names)
}

/// All windows that were published, a line each.
fn published(folder: &Path) -> Result<Vec<String>, Error> {
    let folder = folder.join("windows");
    let mut lines = Vec::new();
    for name in names(&folder, "part-")? {
        let text =
            std::fs::read_to_string(folder.join(name)).map_err(system("reading what was published"))?;
        lines.extend(text.lines().map(str::to_string));
    }
    Ok(lines)
}

/// The windows of all orders, by the job of day 4.
fn undisturbed(args: &Cli, sandbox: &Sandbox) -> Result<Vec<ClosedWindow>, Error> {
    let source = KafkaSource::open(KafkaOptions {
        brokers: sandbox.brokers(),
        topic: sandbox.topic().to_string(),
        group: args.source.group.clone(),
        start: Start::Earliest,
        until_end: true,
        fetch: Fetch::Batch,
    })?;
    let options = Options {
        windows: Windows::new(args.windows.window),
        watermarks: args.time.strategy(),
    };
    let (job, slot) = wire(vec![source], &options, (), None)?;
    run_threads(job, &Stop::new())?;
    Ok(slot.take().windows)
}

fn json(windows: &[ClosedWindow]) -> Result<Vec<String>, Error> {
    let mut text = Vec::new();
    table::append(&mut text, Text::Json, &COLUMNS, windows.iter().map(row)).map_err(InputError::Output)?;
    Ok(String::from_utf8_lossy(&text)
        .lines()
        .map(str::to_string)
        .collect())
}

/// The windows with the most orders, or all of them as csv or json.
fn show(args: &Cli, mut windows: Vec<ClosedWindow>) -> Result<(), Error> {
    const SHOWN: usize = 10;
    let all = windows.len();
    if args.records.format == Text::Table {
        windows.sort_by_key(|closed| std::cmp::Reverse(closed.summed.0.rows));
        windows.truncate(SHOWN);
    }
    let mut out = std::io::stdout().lock();
    table::write(&mut out, args.records.format, &COLUMNS, windows.iter().map(row))
        .map_err(InputError::Output)?;
    if windows.len() < all {
        say(format!(
            "and {} more rows, with fewer orders",
            all - windows.len()
        ));
    }
    Ok(())
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| {
        let error = error.to_string();
        InputError::System { what, error }.into()
    }
}

const TRY_NEXT: &str = "
try next:
  cargo run --release -p day05-checkpoints -- --workers 2 --window hop:1m/10s     the same, with more state to lose
  cargo run --release -p day01-consumer -- produce --file orders.json
  cargo run --release -p day05-checkpoints -- --file orders.json --checkpoint-dir state --sink file:windows
  cargo run --release -p day05-checkpoints -- --help                              all options";
