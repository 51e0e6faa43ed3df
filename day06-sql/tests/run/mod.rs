//! How tests run SQL: in this process, over a topic and a disk in memory, under threads or step by step.
//!
//! A table of the connector `kafka` reads the log of its topic to the end that it has at the start; whatever is written
//! exactly once goes to a disk in memory, a file for each epoch. All other tables are what they say they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, reason = "each file of tests uses a part of this")]

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::log::Log;
use day01_consumer::source::{MAX_RECORD, Share, Source, Start};
use day02_state::error::Error;
use day02_state::runtime::{Buffers, Stop, run_threads};
use day02_state::stepper::{Schedule as Steps, run_stepper};
use day05_checkpoints::coordinator::Schedule;
use day05_checkpoints::disk::Access;
use day05_checkpoints::job::Checkpoints;
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::signal::Signal;
use day05_checkpoints::sink::files::FileTarget;
use day05_checkpoints::sink::kafka::LostMarker;
use day05_checkpoints::sink::target::Target;
use day05_checkpoints::store::{CheckpointStorage, Store};
use day06_sql::bind::{Catalog, read};
use day06_sql::exec::once::{answer, reads_views};
use day06_sql::exec::open::{AnySource, Connectors, Inputs, Opened, Outside};
use day06_sql::exec::report::WindowStats;
use day06_sql::exec::{Options, Printed, Running, wire_over};
use day06_sql::format::lines::file_format;
use day06_sql::plan::{Connector, Query, Statement, Table};
use day06_sql::value::Scalar;
use day06_sql::view::View;

/// How long a job on threads may take; one that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who runs the tasks.
#[derive(Debug, Clone, Copy)]
pub enum Drive {
    Threads,
    /// The stepper, in the order of this seed.
    Stepper(u64),
}

/// When a run ends before its input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// It does not.
    AtTheEnd,
    /// As a power cut ends it, after so many events of the stepper.
    Crashes(usize),
    /// As Ctrl-C ends it, after so many events of the stepper: with a last checkpoint.
    Suspends(usize),
}

/// The rows of a view.
pub type Rows = Vec<Vec<Scalar>>;

/// How a program is run.
#[derive(Debug, Clone, Copy)]
pub struct How {
    pub workers: usize,
    pub sources: usize,
    pub chunk_rows: usize,
    pub drive: Drive,
    /// Rows in a packet, and packets in a channel.
    pub packets: (usize, usize),
    /// Records of a topic that are read at a time.
    pub poll: usize,
    pub on_bad_record: OnBadRecord,
    pub ends: Ends,
    /// Whether views show each change at once.
    pub shown_at_once: bool,
    /// Called with all views after each event of the stepper.
    pub looks: Option<fn(&[Rows])>,
}

impl Default for How {
    fn default() -> Self {
        How {
            workers: 1,
            sources: 1,
            chunk_rows: 4_096,
            drive: Drive::Stepper(0),
            packets: (1_000, 4),
            poll: 1_000,
            on_bad_record: OnBadRecord::Fail,
            ends: Ends::AtTheEnd,
            shown_at_once: false,
            looks: None,
        }
    }
}

/// A line of `print` for each row, as Flink writes it.
pub fn row_by_row() -> How {
    How {
        chunk_rows: 1,
        ..How::default()
    }
}

/// Many ways to run a program, whose answer must not depend on them.
pub fn ways() -> impl Iterator<Item = How> {
    let tasks = [(1, 1), (2, 1), (1, 3), (3, 2)];
    let drives = [
        Drive::Threads,
        Drive::Stepper(1),
        Drive::Stepper(2),
        Drive::Stepper(3),
    ];
    let packets = [((1, 1), 1), ((3, 2), 2), ((1_000, 4), 4_096)];
    tasks.into_iter().flat_map(move |(workers, sources)| {
        let each = drives.into_iter().zip(packets.into_iter().cycle());
        each.map(move |(drive, (packets, chunk_rows))| How {
            workers,
            sources,
            chunk_rows,
            drive,
            poll: 2 * packets.0,
            packets,
            ..How::default()
        })
    })
}

/// What stands outside of a job.
#[derive(Debug, Clone, Default)]
pub struct World {
    logs: BTreeMap<String, Log>,
    /// By table, what it was written to.
    written: BTreeMap<String, Fragile>,
    /// Whether what is written goes to files of the system after all.
    pub on_disk: bool,
    /// Where checkpoints are, if any are taken.
    pub checkpoints: Option<Fragile>,
}

impl World {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one topic, by partition its records.
    pub fn with(topic: &str, partitions: &[&[&str]]) -> Self {
        let log = Log::new(topic, partitions.len());
        for (partition, records) in partitions.iter().enumerate() {
            for record in *records {
                log.append(partition, None, Some(record.as_bytes()), None);
            }
        }
        World::new().and(topic, log)
    }

    /// One topic more.
    pub fn and(mut self, topic: &str, log: Log) -> Self {
        self.logs.insert(topic.to_string(), log);
        self
    }

    /// The same, and checkpoints are kept.
    pub fn with_checkpoints(mut self) -> Self {
        self.checkpoints = Some(Fragile::new());
        self
    }

    /// All disks.
    pub fn disks(&mut self) -> impl Iterator<Item = &mut Fragile> {
        self.written.values_mut().chain(self.checkpoints.as_mut())
    }

    /// The lines that were written to a table, in the order of the epochs.
    pub fn lines(&self, table: &str) -> Vec<String> {
        let Some(disk) = self.written.get(table) else {
            return Vec::new();
        };
        let files = disk.files().into_iter();
        let files = files.filter(|(name, _)| name.starts_with("part-") && !name.ends_with(".writing"));
        let lines = files.flat_map(|(_, bytes)| {
            let text = String::from_utf8(bytes).unwrap();
            text.lines().map(str::to_string).collect::<Vec<_>>()
        });
        lines.collect()
    }
}

/// The world as a job sees it.
struct Around<'a> {
    world: &'a mut World,
    options: &'a Options,
    poll: usize,
}

impl Outside for Around<'_> {
    fn sources(&mut self, table: &Table) -> Result<Opened, Error> {
        let Connector::Kafka(kafka) = &table.connector else {
            return Connectors(self.options).sources(table);
        };
        let (topic, start) = (&kafka.topic, &kafka.start);
        let log = self
            .world
            .logs
            .get(topic)
            .unwrap_or_else(|| panic!("no topic {topic}"));
        let of = self.options.inputs.sources;
        let share = |index| -> AnySource {
            let start = match start {
                Start::Earliest => Start::Earliest,
                other => panic!("{other:?} is not for tests"),
            };
            let source = log.source("tests", &start, true).unwrap();
            let mut source = source.with_batch(self.poll);
            source.share(Share { index, of });
            Box::new(source)
        };
        Ok(Opened {
            sources: (0..of).map(share).collect(),
            sandbox: None,
            bounded: true,
        })
    }

    fn target(&mut self, table: &Table, durable: bool) -> Result<Option<Box<dyn Target>>, Error> {
        if self.world.on_disk {
            return Connectors(self.options).target(table, durable);
        }
        let Some(format) = file_format(table) else {
            return Ok(None);
        };
        let disk = self.world.written.entry(table.name.clone()).or_default();
        Ok(Some(Box::new(FileTarget::new(disk.clone(), format))))
    }
}

/// What is printed, to be read later.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What `print` has written.
    pub printed: Vec<String>,
    /// By view or query its rows, in the order of the statements.
    pub shown: Vec<(String, Vec<String>)>,
    /// What the workers have reported at last.
    pub stats: WindowStats,
    /// How many records were read.
    pub read: u64,
    /// How many events the stepper has seen.
    pub events: usize,
}

impl Ran {
    /// The rows of the only view, or the answer of the only query.
    #[track_caller]
    pub fn rows(&self) -> Vec<&str> {
        let [(_, rows)] = self.shown.as_slice() else {
            panic!("{:?}", self.shown);
        };
        rows.iter().map(String::as_str).collect()
    }

    /// The rows that all lines of `print` add up to.
    pub fn folded(&self) -> Vec<String> {
        folded(&self.printed)
    }
}

/// The rows that lines of `print` add up to, which must never take out what is not there.
pub fn folded(lines: &[String]) -> Vec<String> {
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines {
        let (change, row) = line.split_once('[').unwrap();
        let row = row.strip_suffix(']').unwrap();
        match change {
            "+I" | "+U" => *rows.entry(row.to_string()).or_default() += 1,
            "-U" | "-D" => {
                let times = rows
                    .get_mut(row)
                    .unwrap_or_else(|| panic!("{line}, and there is no such row"));
                *times -= 1;
            }
            _ => panic!("{line}"),
        }
        rows.retain(|_, times| *times > 0);
    }
    let rows = rows.into_iter();
    rows.flat_map(|(row, times)| std::iter::repeat_n(row, times))
        .collect()
}

/// The statements of a program, which must be understood.
pub fn statements(sql: &str) -> Vec<Statement> {
    read(sql, "test.sql", &mut Catalog::new()).unwrap_or_else(|error| panic!("{}", error.render()))
}

/// Runs a program, which must end well.
#[track_caller]
pub fn run(sql: &str, world: &mut World, how: How) -> Ran {
    try_run(sql, world, how).unwrap_or_else(|error| panic!("{how:?}: {error}"))
}

/// Runs a program, which must fail; returns what it says.
#[track_caller]
pub fn fails(sql: &str, world: &mut World, how: How) -> String {
    try_run(sql, world, how).expect_err("an error")
}

/// Runs a program.
pub fn try_run(sql: &str, world: &mut World, how: How) -> Result<Ran, String> {
    let statements = statements(sql);
    let queries: Vec<Query> = statements
        .iter()
        .filter_map(|statement| match statement {
            Statement::Query(query) if !reads_views(query) => Some(query.clone()),
            _ => None,
        })
        .collect();
    let options = Options {
        workers: how.workers,
        inputs: Inputs {
            sources: how.sources,
            until_end: true,
            sandbox: None,
            max_record: MAX_RECORD,
            kafka_options: Vec::new(),
        },
        on_bad_record: how.on_bad_record,
        chunk_rows: how.chunk_rows,
        lost_marker: LostMarker::Stop,
        access: Access::Shared,
        job: "tests".to_string(),
        sink_buffer: 64 << 20,
        buffers: Buffers {
            rows: how.packets.0,
            capacity: how.packets.1,
            linger: Duration::from_micros(100),
        },
        shown_at_once: how.shown_at_once,
    };
    let (tape, stop) = (Tape::default(), Stop::new());
    let store = world
        .checkpoints
        .clone()
        .map(|disk| Store::open(disk, 3).unwrap());
    let restore = store.as_ref().and_then(|store| store.latest().unwrap());
    let checkpoints = Checkpoints {
        restore,
        schedule: Schedule::every(Some(Duration::from_millis(2))),
        ..Checkpoints::new(
            store.map(|store| Box::new(store) as Box<dyn CheckpointStorage>),
            &stop,
        )
    };
    let mut outside = Around {
        world,
        options: &options,
        poll: how.poll,
    };
    let printed = Printed::new(tape.clone());
    let running = wire_over(&mut outside, &queries, &options, &printed, checkpoints);
    let Running {
        job,
        coordinator,
        views,
        tasks,
        epochs,
        ..
    } = running.map_err(|error| error.to_string())?;
    let board = job.board();
    let mut events = 0;
    let result = match how.drive {
        Drive::Threads => {
            assert_eq!(how.ends, Ends::AtTheEnd, "only the stepper counts events");
            let (done, result) = channel();
            let runner = thread::spawn(move || done.send(run_threads(job, &stop)));
            let result = result.recv_timeout(PATIENCE).expect("the job ends");
            runner.join().unwrap().unwrap();
            result
        }
        Drive::Stepper(seed) => {
            let schedule = Steps {
                seed,
                step: Duration::from_micros(100),
            };
            let mut observe = |_: Duration, _: &str, _: day02_state::runtime::Did| {
                events += 1;
                if let Some(look) = how.looks {
                    look(&epochs.rows());
                }
                match how.ends {
                    Ends::Crashes(after) if events > after => resume_unwind(Box::new(Crash)),
                    Ends::Suspends(after) if events == after + 1 => coordinator.send(Signal::Suspend),
                    _ => {}
                }
            };
            let run = || run_stepper(job, schedule, &stop, &mut observe);
            match catch_unwind(AssertUnwindSafe(run)) {
                Ok(result) => result,
                Err(panic) if panic.is::<Crash>() => return Err(CRASHED.to_string()),
                Err(panic) => resume_unwind(panic),
            }
        }
    };
    result.map_err(|error| Error::from(error).to_string())?;
    let printed = String::from_utf8(tape.0.lock().unwrap().clone()).unwrap();
    let stats = WindowStats::of(&board, "");
    let mut of_queries = WindowStats::default();
    for one in tasks.iter().map(|tasks| WindowStats::of(&board, tasks)) {
        of_queries.add(one.dropped);
        of_queries.open += one.open;
        of_queries.memory += one.memory;
    }
    assert_eq!(of_queries, stats, "every worker is of a query");
    let shown = shown(&statements, &queries, &views)?;
    Ok(Ran {
        printed: printed.lines().map(str::to_string).collect(),
        shown,
        stats,
        read: board.progress().counted,
        events,
    })
}

/// What a run says that was crashed.
pub const CRASHED: &str = "crashed";

/// Ends a stepper from within.
struct Crash;

/// Views, and answers from views.
fn shown(
    statements: &[Statement],
    queries: &[Query],
    views: &[Option<View>],
) -> Result<Vec<(String, Vec<String>)>, String> {
    let named = queries.iter().zip(views);
    let named = named.filter_map(|(query, view)| Some((query.sink.name().to_string(), view.clone()?)));
    let named: Vec<(String, View)> = named.collect();
    let mut of_queries = views.iter();
    let mut shown = Vec::new();
    for statement in statements {
        let Statement::Query(query) = statement else {
            continue;
        };
        let view = match reads_views(query) {
            true => Some(answer(query, &named).map_err(|error| error.to_string())?),
            false => of_queries.next().unwrap().clone(),
        };
        if let Some(view) = view {
            shown.push((query.sink.name().to_string(), in_words(&view)));
        }
    }
    Ok(shown)
}

/// The rows of a view, each as `print` would show it.
fn in_words(view: &View) -> Vec<String> {
    let rows = view.rows().into_iter();
    rows.map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        .collect()
}
