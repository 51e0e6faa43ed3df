//! The crash replay: a job is run once undisturbed, and then once for each of its moments, after which it dies.
//!
//! ```text
//!   moments of the first life    1  2  3  4  5  …  300          as [`mortal`](super::mortal) counts them
//!                                │  │  └─ dies ─► what is not synced is lost, or not ─► second life, which dies, too
//!                                │  └─ dies ─►  …                                          └─► third life: to the end
//!                                └─ dies ─►  …                      is the same out as if nothing had happened?
//! ```
//!
//! The job is the one of this day, and so are the coordinator, the store and the sink. Only what is external can be told
//! to die. It runs under the stepper, so that the moment after which it dies is the same in every run, and each life has
//! another number of workers and of sources.
//!
//! Beside the job as it is built stand some that leave out one thing each. Every one of them is right as long as nothing
//! happens, and most are right after most crashes. A test that kills a job now and then finds none of them; what it takes
//! is to kill it everywhere.

mod design;
mod external;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use day01_consumer::lab::log::Log;
use day01_consumer::source::{Share, Source, Start};
use day02_state::error::Error;
use day02_state::runtime::{Buffers, Stop};
use day02_state::stepper::{self, run_stepper};
use day03_windows::job::Options as Windows;
use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;
use day04_watermarks::job::Options;
use day04_watermarks::splits::Strategy;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::mortal::{Life, Mortal};
use crate::dataflow::Dataflow;
use crate::job::{Checkpoints, wire_on};
use crate::store::Store;
pub use design::Design;
use external::{ExternalSystems, Reads, Shows, orders, target};
use table::Found;
pub use table::{Row, Table};

/// How many checkpoints are kept.
const KEEP: usize = 3;
/// How many bytes are written at once: so few that a checkpoint takes several writes.
const BLOCK: usize = 512;
/// How far rows may be out of order.
const DELAY: Span = Span(500);
/// How far each step moves the clock.
const STEP: Duration = Duration::from_millis(1);
/// How far sources run apart: less than late orders are late, so that these are late in every order of steps.
const DRIFT: Span = Span(1_000);
/// Workers and sources of each life.
const LIVES: [(usize, usize); 3] = [(1, 2), (2, 1), (3, 3)];

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
        let external = ExternalSystems::default();
        let life = Life::undisturbed();
        if let End::Refused(error) = replay.live(Design::IntoFiles, &external, &life, LIVES[0], 0) {
            return Err(error);
        }
        replay.right = external.windows();
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
        if let End::Refused(error) =
            self.live(design, &ExternalSystems::default(), &undisturbed, LIVES[0], seed)
        {
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
            let (external, changed, refused) = self.live_and_die(design, seed, moment, moments);
            let found = Found::compare(&self.right, &external.windows());
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

    /// Three lives, of which the first ends after this moment, and the second somewhere. Returns what they leave external,
    /// whether a file has changed that was there, and whether one of them would not go on.
    fn live_and_die(
        &self,
        design: Design,
        seed: u64,
        moment: u64,
        moments: u64,
    ) -> (ExternalSystems, bool, bool) {
        let mut random = ChaCha8Rng::seed_from_u64(seed << 32 | moment);
        let second = u64::from(random.next_u32()) % moments;
        let deaths = [Life::of(moment), Life::of(second), Life::undisturbed()];
        let mut external = ExternalSystems::default();
        let mut seen: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let (mut changed, mut refused) = (false, false);
        for (life, layout) in deaths.iter().zip(LIVES) {
            let end = self.live(design, &external, life, layout, seed);
            refused |= matches!(end, End::Refused(_));
            // Sometimes only the process dies.
            if life.is_over() && random.next_u32() % 4 > 0 {
                external.checkpoints.crash(&mut random);
                external.files.crash(&mut random);
            }
            let parts = external.parts();
            // A power cut may take back a file whose folder was not synced yet: it was not out, and comes out again.
            changed |= seen
                .iter()
                .any(|(name, bytes)| parts.get(name).is_some_and(|now| now != bytes));
            seen = parts;
        }
        (external, changed, refused)
    }
    // ANCHOR_END: replay

    /// What has come out in the end, sorted, of a job that is so built and dies once, after this moment of its first life.
    pub fn after(&self, design: Design, seed: u64, moment: u64) -> Vec<String> {
        let external = ExternalSystems::default();
        for (life, layout) in [Life::of(moment), Life::undisturbed()].iter().zip(LIVES) {
            self.live(design, &external, life, layout, seed);
        }
        external.windows()
    }

    /// One run of the program, on so many workers and sources.
    fn live(
        &self,
        design: Design,
        external: &ExternalSystems,
        life: &Life,
        layout: (usize, usize),
        seed: u64,
    ) -> End {
        match self.try_to_live(design, external, life, layout, seed) {
            // Whatever the last words are, they are those of a dead.
            Err(error) if !life.is_over() => End::Refused(error),
            _ => End::Natural,
        }
    }

    fn try_to_live(
        &self,
        design: Design,
        external: &ExternalSystems,
        life: &Life,
        (workers, readers): (usize, usize),
        seed: u64,
    ) -> Result<(), Error> {
        let disk = Mortal::new(&external.checkpoints, life, design.care());
        let store = Store::open(disk, KEEP).map_err(|error| Error::Restore(error.into()))?;
        let store = store.in_blocks_of(BLOCK);
        let latest = store.latest().map_err(|error| Error::Restore(error.into()))?;
        let restore = latest.map(|checkpoint| design.restores(checkpoint));
        let mut options = Options {
            windows: Windows::new(self.windows),
            watermarks: Strategy {
                delay: DELAY,
                grid: Span(500),
                idle_timeout: None,
                max_drift: Some(DRIFT),
                ..Strategy::default()
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
        let shows = (design == Design::AsTheyClose).then(|| (external.topic.clone(), life.clone()));
        let target = target(design, external, life);
        let checkpoints = Checkpoints {
            schedule: design.schedule(),
            ..Checkpoints::new(Some(Box::new(store)), &stop)
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
            let mut log = self.log.source("lab", &Start::Earliest, true)?.with_batch(4);
            log.share(Share { index, of: readers });
            Ok(Reads {
                log,
                ends_with: ends_with.map(|stop| (stop.clone(), Arc::clone(&left))),
            })
        };
        (0..readers).map(source).collect()
    }
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
