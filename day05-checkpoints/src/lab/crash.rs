//! The crash replay: a job is run once undisturbed, and then once for each of its moments, after which it dies.
//!
//! ```text
//!   moments of the first life    1  2  3  4  5  …  300          as [`mortal`](super::mortal) counts them
//!                                │  │  └─ dies ─► what is not synced is lost, or not ─► second life, which dies, too
//!                                │  └─ dies ─►  …                                          └─► third life: to the end
//!                                └─ dies ─►  …                      is the same out as if nothing had happened?
//! ```
//!
//! The job is the one of this day, and so are the coordinator, the store and the sink. Only what is outside can be told
//! to die. It runs under the stepper, so that the moment after which it dies is the same in every run, and each life has
//! another number of workers and of sources.
//!
//! Beside the job as it is built stand some that leave out one thing each. Every one of them is right as long as nothing
//! happens, and most are right after most crashes. A test that kills a job now and then finds none of them; what it takes
//! is to kill it everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::lab::table::{self, Format as Text};
use day01_consumer::log::{Log, LogSource};
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Share, Source, Split, Start};
use day02_state::error::Error;
use day02_state::job::Progress;
use day02_state::operator::Outcome;
use day02_state::runtime::{Buffers, Stop};
use day02_state::state::file::Snapshot;
use day02_state::stepper::{self, run_stepper};
use day03_windows::cli::{COLUMNS, row};
use day03_windows::job::{ClosedWindow, Options as Windows, Standing, View, WINDOWS};
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day04_watermarks::job::Options;
use day04_watermarks::splits::Strategy;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fragile::Fragile;
use super::mortal::{Care, Life, Mortal, Topic, Transactions};
use crate::coordinator::Schedule;
use crate::dataflow::Dataflow;
use crate::job::{Checkpoints, Publishes, wire_on};
use crate::sink::files::{FileTarget, Format};
use crate::store::{Checkpoint, Store};

/// How many checkpoints are kept.
const KEEP: usize = 3;
/// Partitions of the topic that is read.
const PARTITIONS: usize = 3;
/// How far rows may be out of order.
const DELAY: Span = Span(500);
/// How far each step moves the clock.
const STEP: Duration = Duration::from_millis(1);
/// From the beginning of one checkpoint to that of the next: some steps.
const INTERVAL: Duration = Duration::from_millis(40);
/// Workers and sources of each life.
const LIVES: [(usize, usize); 3] = [(1, 2), (2, 1), (3, 3)];

/// How a job is built.
// ANCHOR: designs
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// As it is, into files.
    IntoFiles,
    /// As it is, into a topic with transactions.
    IntoTransactions,
    /// Windows go out when they close, as `--sink print` shows them.
    AsTheyClose,
    /// Windows go out at the barrier. Their checkpoint is not on the disk yet.
    BeforeDurable,
    /// After a restart everything that waits is published, without asking what is out.
    WithoutAsking,
    /// Checkpoints hold positions and what waits to go out, but not what is in open windows.
    WithoutState,
    /// No channel is held back at a barrier.
    WithoutAlignment,
    /// Sources end when they have read everything.
    WithoutLastCheckpoint,
    /// Checkpoints are written and renamed, and nothing is synced.
    WithoutSync,
}
// ANCHOR_END: designs

impl Design {
    /// All of them, first those that are right.
    pub const ALL: [Design; 9] = [
        Design::IntoFiles,
        Design::IntoTransactions,
        Design::AsTheyClose,
        Design::BeforeDurable,
        Design::WithoutAsking,
        Design::WithoutState,
        Design::WithoutAlignment,
        Design::WithoutLastCheckpoint,
        Design::WithoutSync,
    ];

    fn care(self) -> Care {
        match self {
            Design::WithoutSync => Care::NoSync,
            Design::BeforeDurable => Care::Later,
            _ => Care::Full,
        }
    }

    /// What is left of a checkpoint.
    fn restores(self, mut checkpoint: Checkpoint) -> Checkpoint {
        if self == Design::WithoutState {
            let mut left = Snapshot::new();
            for operator in checkpoint.snapshot.operators().filter(|id| *id != WINDOWS) {
                left.add(operator, checkpoint.snapshot.parts(operator).to_vec());
            }
            checkpoint.snapshot = left;
        }
        checkpoint
    }
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Design::IntoFiles => "as built, into files",
            Design::IntoTransactions => "as built, into transactions",
            Design::AsTheyClose => "windows go out as they close",
            Design::BeforeDurable => "they go out before the checkpoint is durable",
            Design::WithoutAsking => "nobody asks what is out already",
            Design::WithoutState => "positions are saved, state is not",
            Design::WithoutAlignment => "no channel waits at a barrier",
            Design::WithoutLastCheckpoint => "no last checkpoint",
            Design::WithoutSync => "checkpoints are not synced",
        })
    }
}

/// What became of a job that died after each of its moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// How it was built.
    pub design: Design,
    /// After how many moments it died, each time in a run of its own.
    pub moments: u64,
    /// In how many of these runs exactly the right windows came out.
    pub right: u64,
    /// In how many some window never came out.
    pub missing: u64,
    /// In how many some window came out more than once.
    pub twice: u64,
    /// In how many some window came out with wrong sums.
    pub wrong: u64,
    /// In how many a file that was there after a crash has later changed or gone.
    pub changed: u64,
    /// In how many the job would not go on.
    pub refused: u64,
}

/// What became of jobs that were built differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table(pub Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            "dies after",
            "right",
            "missing",
            "twice",
            "wrong",
            "refuses to go on",
        ];
        write!(f, "{:44}", "")?;
        columns.iter().try_for_each(|column| write!(f, "  {column}"))?;
        for row in &self.0 {
            write!(f, "\n{:44}", row.design)?;
            let numbers = [
                row.moments,
                row.right,
                row.missing,
                row.twice,
                row.wrong,
                row.refused,
            ];
            for (column, number) in columns.iter().zip(numbers) {
                write!(f, "  {number:>0$}", column.len())?;
            }
        }
        writeln!(f)
    }
}

/// Everything that survives a job.
#[derive(Debug, Clone, Default)]
struct Outside {
    checkpoints: Fragile,
    files: Fragile,
    topic: Topic,
}

impl Outside {
    /// Files that a reader takes, with their bytes.
    fn parts(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.files.files();
        files.retain(|name, _| name.ends_with(".csv"));
        files
    }

    /// Every window that is out, as its line.
    fn windows(&self) -> Vec<String> {
        let files = self.parts().into_values().flatten().collect();
        let files = String::from_utf8_lossy(Vec::as_slice(&files)).into_owned();
        let mut windows = self.topic.rows();
        windows.extend(files.lines().map(str::to_string));
        windows.sort();
        windows
    }
}

/// Orders, windows, and what has to come out.
#[derive(Debug)]
pub struct Replay {
    log: Log,
    windows: WindowSpec,
    right: Vec<String>,
}

/// What a life came to.
enum End {
    /// It came to its end, or it died.
    Natural,
    /// It would not go on, for this reason.
    Refused(Error),
}

impl Replay {
    /// Over 90 orders, of which some are out of order and some late.
    pub fn new(windows: WindowSpec) -> Result<Self, Error> {
        let mut replay = Replay {
            log: orders(),
            windows,
            right: Vec::new(),
        };
        let outside = Outside::default();
        let life = Life::undisturbed();
        if let End::Refused(error) = replay.live(Design::IntoFiles, &outside, &life, LIVES[0], 0) {
            return Err(error);
        }
        replay.right = outside.windows();
        Ok(replay)
    }

    /// The orders.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The windows that have to come out, sorted, as lines of csv.
    pub fn right(&self) -> &[String] {
        &self.right
    }

    // ANCHOR: replay
    /// Lets a job that is built so die after each of its moments. The order of its steps is drawn from the seed.
    pub fn run(&self, design: Design, seed: u64) -> Result<Row, Error> {
        let undisturbed = Life::undisturbed();
        if let End::Refused(error) = self.live(design, &Outside::default(), &undisturbed, LIVES[0], seed) {
            return Err(error);
        }
        let moments = undisturbed.lived();
        let mut row = Row {
            design,
            moments,
            right: 0,
            missing: 0,
            twice: 0,
            wrong: 0,
            changed: 0,
            refused: 0,
        };
        for moment in 1..=moments {
            let (outside, changed, refused) = self.live_and_die(design, seed, moment, moments);
            let found = Found::compare(&self.right, &outside.windows());
            let is_right = found == Found::default() && !changed && !refused;
            row.right += u64::from(is_right);
            row.missing += u64::from(found.missing);
            row.twice += u64::from(found.twice);
            row.wrong += u64::from(found.wrong);
            row.changed += u64::from(changed);
            row.refused += u64::from(refused);
        }
        Ok(row)
    }

    /// Three lives, of which the first ends after this moment, and the second somewhere. Returns what they leave outside,
    /// whether a file has changed that was there, and whether one of them would not go on.
    fn live_and_die(&self, design: Design, seed: u64, moment: u64, moments: u64) -> (Outside, bool, bool) {
        let mut random = ChaCha8Rng::seed_from_u64(seed << 32 | moment);
        let second = u64::from(random.next_u32()) % moments;
        let deaths = [Life::of(moment), Life::of(second), Life::undisturbed()];
        let mut outside = Outside::default();
        let mut seen: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let (mut changed, mut refused) = (false, false);
        for (life, layout) in deaths.iter().zip(LIVES) {
            let end = self.live(design, &outside, life, layout, seed);
            refused |= matches!(end, End::Refused(_));
            // Sometimes only the process dies.
            if life.is_over() && random.next_u32() % 4 > 0 {
                outside.checkpoints.crash(&mut random);
                outside.files.crash(&mut random);
            }
            let parts = outside.parts();
            changed |= seen.iter().any(|(name, bytes)| parts.get(name) != Some(bytes));
            seen = parts;
        }
        (outside, changed, refused)
    }
    // ANCHOR_END: replay

    /// What has come out in the end, sorted, of a job that is so built and dies once, after this moment of its first life.
    pub fn after(&self, design: Design, seed: u64, moment: u64) -> Vec<String> {
        let outside = Outside::default();
        for (life, layout) in [Life::of(moment), Life::undisturbed()].iter().zip(LIVES) {
            self.live(design, &outside, life, layout, seed);
        }
        outside.windows()
    }

    /// One run of the program, on so many workers and sources.
    fn live(&self, design: Design, outside: &Outside, life: &Life, layout: (usize, usize), seed: u64) -> End {
        match self.try_to_live(design, outside, life, layout, seed) {
            // Whatever the last words are, they are those of a dead.
            Err(error) if !life.is_over() => End::Refused(error),
            _ => End::Natural,
        }
    }

    fn try_to_live(
        &self,
        design: Design,
        outside: &Outside,
        life: &Life,
        (workers, readers): (usize, usize),
        seed: u64,
    ) -> Result<(), Error> {
        let disk = Mortal::new(&outside.checkpoints, life, design.care());
        let store = Store::open(disk, KEEP).map_err(|error| Error::Restore(error.into()))?;
        let latest = store.latest().map_err(|error| Error::Restore(error.into()))?;
        let restore = latest.map(|checkpoint| design.restores(checkpoint));
        let mut options = Options {
            windows: Windows::new(self.windows),
            watermarks: Strategy {
                delay: DELAY,
                grid: Span(500),
                idle_timeout: None,
            },
        };
        options.windows.tasks.workers = workers;
        options.windows.tasks.buffers = Buffers {
            capacity: 2,
            rows: 8,
            linger: 3 * STEP,
        };
        let stop = Stop::new();
        let ends_with = (design == Design::WithoutLastCheckpoint).then_some(&stop);
        let sources = self.sources(readers, ends_with)?;
        let shows = (design == Design::AsTheyClose).then(|| (outside.topic.clone(), life.clone()));
        let target = target(design, outside, life);
        let checkpoints = Checkpoints {
            store: Some(store),
            restore: None,
            schedule: Schedule {
                interval: Some(INTERVAL),
                ..Schedule::default()
            },
            listener: Box::new(|_| {}),
            stop: stop.clone(),
        };
        let mut dataflow = Dataflow::new(options.windows.tasks.buffers, restore);
        if design == Design::WithoutAlignment {
            dataflow = dataflow.tracking();
        }
        let (job, _, _) = wire_on(dataflow, sources, &options, Shows(shows), target, checkpoints)?;
        let schedule = stepper::Schedule { seed, step: STEP };
        run_stepper(job, schedule, &stop, &mut |_, _, _| {
            if !life.passes() || life.is_over() {
                // Nothing that it does is seen any more.
                stop.ask();
            }
        })?;
        Ok(())
    }

    fn sources(&self, readers: usize, ends_with: Option<&Stop>) -> Result<Vec<Reads>, Error> {
        let left = Arc::new(AtomicUsize::new(readers));
        let source = |index| {
            let mut log = self.log.source("lab", &Start::Earliest, true)?.with_batch(8);
            log.share(Share { index, of: readers });
            Ok(Reads {
                log,
                ends_with: ends_with.map(|stop| (stop.clone(), Arc::clone(&left))),
            })
        };
        (0..readers).map(source).collect()
    }
}

/// Where windows go, if they wait for their checkpoint.
fn target(design: Design, outside: &Outside, life: &Life) -> Option<Publishes> {
    match design {
        Design::AsTheyClose => None,
        Design::IntoFiles => {
            let disk = Mortal::new(&outside.files, life, Care::Full);
            Some((
                Text::Csv,
                Box::new(FileTarget::new(disk, Format::Csv { header: None })),
            ))
        }
        _ => {
            let asks = design != Design::WithoutAsking;
            Some((Text::Csv, Box::new(Transactions::new(&outside.topic, life, asks))))
        }
    }
}

/// What is wrong with what came out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Found {
    missing: bool,
    twice: bool,
    wrong: bool,
}

impl Found {
    fn compare(right: &[String], found: &[String]) -> Self {
        let wanted: BTreeSet<&str> = right.iter().map(|line| window_of(line)).collect();
        let lines: BTreeSet<&String> = right.iter().collect();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for line in found {
            *times.entry(window_of(line)).or_default() += 1;
        }
        Found {
            missing: wanted.iter().any(|window| !times.contains_key(window)),
            twice: times.values().any(|times| *times > 1),
            wrong: found.iter().any(|line| !lines.contains(line)),
        }
    }
}

/// Merchant and window: the first three columns.
fn window_of(line: &str) -> &str {
    let end = line.match_indices(',').nth(2).map_or(line.len(), |(at, _)| at);
    &line[..end]
}

/// The table of all designs, over tumbling windows.
pub fn table(seed: u64) -> Result<Table, Error> {
    let windows = WindowSpec::Tumble {
        size: Span(1_000),
        offset: Span(0),
    };
    let replay = Replay::new(windows)?;
    let rows = Design::ALL.map(|design| replay.run(design, seed));
    Ok(Table(rows.into_iter().collect::<Result<_, _>>()?))
}

/// 90 orders of nine seconds, dealt out over all partitions. Each is up to 400 ms out of order, which is within the delay,
/// and some come so late that their windows have closed in every order of steps.
fn orders() -> Log {
    let log = Log::new("orders", PARTITIONS);
    for order in 0..90 {
        let late = order >= 50 && order % 11 == 0;
        let ts = match late {
            true => order % 10 * 100,
            false => order * 100 - order * 37 % 5 * 100,
        };
        let payload = format!(
            r#"{{"merchant_id":"m-{}","amount":{}.{:02},"ts":{}}}"#,
            order * 7 % 5,
            order % 9,
            order % 100,
            1_767_225_600_500_i64 + ts
        );
        log.append(order as usize % PARTITIONS, None, Some(payload.as_bytes()), None);
    }
    log
}

/// Reads the log. If it is told to, it ends the job with itself: nobody waits for a last checkpoint.
struct Reads {
    log: LogSource,
    ends_with: Option<(Stop, Arc<AtomicUsize>)>,
}

impl Source for Reads {
    fn splits(&self) -> &[Split] {
        self.log.splits()
    }

    fn share(&mut self, share: Share) {
        self.log.share(share);
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.log.seek(positions)
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, InputError> {
        let polled = self.log.poll(records, wait)?;
        if polled == Polled::End
            && let Some((stop, left)) = self.ends_with.take()
            && left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            stop.ask();
        }
        Ok(polled)
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.log.commit(positions)
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        self.log.locate(partition, offset)
    }
}

/// Shows windows as they close, by writing them to a topic; or shows nothing.
struct Shows(Option<(Topic, Life)>);

impl View for Shows {
    fn closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        let Some((topic, life)) = &self.0 else {
            return Ok(());
        };
        for window in windows {
            let mut line = Vec::new();
            table::append(&mut line, Text::Csv, &COLUMNS, [row(window)]).map_err(InputError::Output)?;
            topic.append(life, String::from_utf8_lossy(&line).trim_end())?;
        }
        Ok(())
    }

    fn progress(&mut self, _: &Progress, _: Standing, _: &[ClosedWindow]) {}

    fn warn(&mut self, _: &str) {}
}
