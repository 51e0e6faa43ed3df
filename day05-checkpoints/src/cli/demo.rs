//! The demo: a job that is killed three times, and what it has published.
//!
//! The broker lives in this process and survives. The job runs in a child process, which is killed in the middle of its
//! work by a signal that it cannot catch, and started again. At the end, the demo compares what it has published
//! with the result of an undisturbed run.
//!
//! If orders come late, the two may differ, since which of them do is a matter of which partition is read first. Where they
//! do, the demo says so, and claims nothing.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use day01_consumer::Error as InputError;
use day01_consumer::cli::{Interrupt, say};
use day01_consumer::job::OnBadRecord;
use day01_consumer::kafka::{Fetch, KafkaOptions, KafkaSource};
use day01_consumer::lab::generator::GeneratorOptions;
use day01_consumer::lab::sandbox::Sandbox;
use day01_consumer::lab::table::{self, Format as Text};
use day01_consumer::source::Start;
use day02_state::error::Error;
use day02_state::runtime::{Stop, run_threads};
use day03_windows::cli::{columns, row};
use day03_windows::job::{ClosedWindow, Options as Windows};
use day03_windows::time::Span;
use day04_watermarks::job::{Options, wire};

use super::args::Cli;

/// The most orders that fit into the sandbox, however slowly they are read.
const ORDERS: u64 = 80_000;
const PARTITIONS: usize = 8;
/// Orders per second by default, and so how long the job runs and can be killed.
const RATE: u64 = 20_000;
/// Time between checkpoints by default: several in the shortest life.
const INTERVAL: Span = Span::millis(200);
/// How often the demo looks at a run.
const LOOK: Duration = Duration::from_millis(10);
/// How long each run lives before it is killed.
const LIVES: [Duration; 3] = [
    Duration::from_millis(1_300),
    Duration::from_millis(900),
    Duration::from_millis(1_100),
];

pub(super) fn run(args: &Cli) -> Result<(), Error> {
    args.windows.check()?;
    let generator = GeneratorOptions {
        orders: args.input.generator.orders.min(ORDERS),
        rate: args.input.generator.rate.or(Some(RATE)),
        ..args.input.generator.clone()
    };
    let interrupt = Interrupt::install()?;
    let folder = tempfile::tempdir().map_err(system("making a folder for the demo"))?;
    say(format!(
        "{} orders, {} a second; the job that counts them is killed {} times",
        generator.orders,
        generator.rate.unwrap_or(RATE),
        LIVES.len()
    ));
    let sandbox = Sandbox::start(&args.input.source.topic, PARTITIONS, generator)?;
    for (run, life) in (1..).zip(LIVES) {
        let mut job = Run::start(args, &sandbox, folder.path(), false)?;
        match job.watch(Some(life), &interrupt)? {
            Watched::Alive => drop(job),
            Watched::Ended(_) => return Err(failed(job.last_words())),
            Watched::Interrupted => return Ok(()),
        }
        say(format!(
            "run {run}: killed after {:.1} s; it leaves {} checkpoints and {} windows",
            life.as_secs_f64(),
            names(&folder.path().join("checkpoints"), "checkpoint-")?.len(),
            published(folder.path())?.len(),
        ));
    }
    sandbox.wait_until_fed()?;
    match Run::start(args, &sandbox, folder.path(), true)?.watch(None, &interrupt)? {
        Watched::Ended(status) if status.success() => {}
        Watched::Ended(status) => return Err(failed(status.to_string())),
        Watched::Alive | Watched::Interrupted => return Ok(()),
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
    let may_be_late = args.input.generator.disorder.as_millis() > i128::from(args.time.delay.0);
    if lines == wanted_lines {
        say("an undisturbed run has the same windows: none is missing, none is there twice");
    } else if may_be_late {
        say(format!(
            "an undisturbed run has {} windows, and some of them differ: orders are up to {:#} out of order, so with \
             a --delay of {} some are late, and which ones depends on which partition is read first",
            wanted_lines.len(),
            args.input.generator.disorder,
            args.time.delay
        ));
    } else {
        let failed = InputError::failed("comparing with an undisturbed run");
        let (published, right) = (lines.len(), wanted_lines.len());
        return Err(failed(format!(
            "{published} windows were published, and {right} are right"
        ))
        .into());
    }
    show(args, wanted)?;
    say(TRY_NEXT);
    Ok(())
}

/// The job in a process of its own, which is killed when nobody looks at it any more.
struct Run(Child);

/// How a run is.
enum Watched {
    /// Its time is over, and it runs.
    Alive,
    /// It has ended by itself.
    Ended(ExitStatus),
    /// Somebody asked the demo to end.
    Interrupted,
}

impl Run {
    fn start(args: &Cli, sandbox: &Sandbox, folder: &Path, last: bool) -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(system("finding this program"))?;
        let interval = args.checkpoints.checkpoint_interval.unwrap_or(INTERVAL);
        let mut command = Command::new(program);
        command
            .args(["--brokers", &sandbox.brokers(), "--topic", sandbox.topic()])
            .args(["--window", &args.windows.window.to_string()])
            .arg(format!(
                "--max-windows-per-row={}",
                args.windows.max_windows_per_row
            ))
            .arg(format!("--max-key={}", args.input.keys.max_key))
            .args(["--delay", &args.time.delay.to_string()])
            .args(["--idle-timeout", &args.time.idle_timeout.to_string()])
            .args(["--sources", &args.tasks.sources.to_string()])
            .args(["--workers", &args.tasks.workers.to_string()])
            .args(match args.input.records.on_bad_record {
                OnBadRecord::Fail => ["--on-bad-record", "fail"],
                OnBadRecord::Skip => ["--on-bad-record", "skip"],
            })
            .args(["--checkpoint-interval", &interval.to_string(), "--checkpoint-dir"])
            .arg(folder.join("checkpoints"))
            .arg("--sink")
            .arg(format!("file:{}", folder.join("windows").display()))
            .args(last.then_some("--until-end"))
            .stdout(Stdio::null())
            .stderr(if last { Stdio::inherit() } else { Stdio::piped() })
            // Ctrl-C is for the demo, which ends its runs by itself.
            .process_group(0);
        command.spawn().map(Run).map_err(system("starting the job"))
    }

    /// Waits until it ends, for so long at most.
    fn watch(&mut self, life: Option<Duration>, interrupt: &Interrupt) -> Result<Watched, Error> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().map_err(system("waiting for the job"))? {
                return Ok(Watched::Ended(status));
            }
            if interrupt.asked() {
                say("interrupted");
                return Ok(Watched::Interrupted);
            }
            if life.is_some_and(|life| began.elapsed() >= life) {
                return Ok(Watched::Alive);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// What it said of its error, if it said anything.
    fn last_words(&mut self) -> String {
        let mut said = String::new();
        if let Some(stderr) = &mut self.0.stderr {
            // What can be read of it is better than nothing.
            let _ = stderr.read_to_string(&mut said);
        }
        let error = said.split_once("error: ").map(|(_, error)| error.trim_end());
        error.unwrap_or("it ended by itself").to_string()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn failed(error: String) -> Error {
    InputError::failed("a run of the demo")(error).into()
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
        cluster: sandbox.brokers().into(),
        topic: sandbox.topic().to_string(),
        group: args.input.source.group.clone(),
        start: Start::Earliest,
        until_end: true,
        fetch: Fetch::Batch,
    })?;
    let mut windows = Windows::new(args.windows.window);
    windows.tasks.on_bad_record = args.input.records.on_bad_record;
    windows.tasks.max_key = args.input.keys.max_key;
    let options = Options {
        windows,
        watermarks: args.time.strategy(),
    };
    let (job, slot) = wire(vec![source], &options, (), None)?;
    run_threads(job, &Stop::new())?;
    Ok(slot.take().windows)
}

fn json(windows: &[ClosedWindow]) -> Result<Vec<String>, Error> {
    let mut text = Vec::new();
    table::append(
        &mut text,
        Text::Json,
        columns(false),
        windows.iter().map(|closed| row(closed, false)),
    )
    .map_err(InputError::Output)?;
    Ok(String::from_utf8_lossy(&text)
        .lines()
        .map(str::to_string)
        .collect())
}

/// The windows with the most orders, or all of them as csv or json.
fn show(args: &Cli, mut windows: Vec<ClosedWindow>) -> Result<(), Error> {
    const SHOWN: usize = 10;
    let all = windows.len();
    if args.input.records.format == Text::Table {
        windows.sort_by_key(|closed| std::cmp::Reverse(closed.summed.0.rows));
        windows.truncate(SHOWN);
    }
    let rows = windows.iter().map(|closed| row(closed, false));
    table::print(args.input.records.format, columns(false), rows)?;
    if windows.len() < all {
        say(format!(
            "and {} more rows, with fewer orders",
            all - windows.len()
        ));
    }
    Ok(())
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| InputError::failed(what)(error).into()
}

const TRY_NEXT: &str = "
try next:
  cargo run --release -p day05-checkpoints -- --workers 2 --window hop:1m/10s     the same, with more state to lose
  cargo run --release -p day01-consumer -- produce --file orders.json
  cargo run --release -p day05-checkpoints -- --file orders.json --checkpoint-dir checkpoints --sink file:windows
  cargo run --release -p day05-checkpoints -- --help                              all options";
