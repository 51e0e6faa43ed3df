//! Day 5: the job of day 4 with a checkpoint each second, and its windows in files, each exactly once.
//!
//! With its process dies the power, so that of what was not synced nothing is sure to be left. Where the scenario prints,
//! there are checkpoints, but no sink that could wait for them.

use day01_consumer::lab::scenario::{Question, Scenario};
use day01_consumer::lab::table::Format as Text;
use day02_state::error::Error;
use day02_state::runtime::Stop;
use day03_windows::job::WindowStats;
use day04_watermarks::job::Options;
use day04_watermarks::splits::Strategy;
use day05_checkpoints::job::{Checkpoints, Publishes, wire};
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::sink::files::{FileTarget, Format};
use day05_checkpoints::store::Store;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::closed::{Closed, counted};
use super::windows;
use crate::BookError;
use crate::ladder::found::{Found, cents};
use crate::ladder::world::{Ended, World};

/// How many checkpoints are kept.
const KEEP: usize = 3;

pub(super) fn run(scenario: &Scenario, seed: u64) -> Result<Option<Found>, BookError> {
    let (world, screen) = (World::new(scenario), Closed::default());
    let (mut kept, mut published) = (Fragile::new(), Fragile::new());
    let mut power = ChaCha8Rng::seed_from_u64(seed);
    let mut life = 0;
    loop {
        let failed = |error: day05_checkpoints::store::StoreError| Error::Restore(error.into());
        let store = Store::open(kept.clone(), KEEP).map_err(failed)?;
        let restore = store.latest().map_err(failed)?;
        let options = Options {
            windows: windows(scenario, life),
            watermarks: Strategy::default(),
        };
        let stop = Stop::new();
        let checkpoints = Checkpoints {
            restore,
            ..Checkpoints::new(Some(Box::new(store)), &stop)
        };
        let files = || Publishes::new(Text::Json, FileTarget::new(published.clone(), Format::Json));
        let target = (!scenario.prints).then(files);
        let (job, slot, _) = wire(
            vec![world.source()?],
            &options,
            screen.clone(),
            target,
            checkpoints,
        )?;
        match world.live(job, seed, &stop)? {
            Ended::Well => {
                let stats = slot.take().stats;
                return match scenario.prints {
                    true => Ok(Some(screen.found(scenario, stats))),
                    false => read(scenario, &published, stats).map(Some),
                };
            }
            Ended::Died => {
                kept.crash(&mut power);
                published.crash(&mut power);
                life += 1;
            }
        }
    }
}

/// What a reader finds in the files.
fn read(scenario: &Scenario, published: &Fragile, stats: WindowStats) -> Result<Found, BookError> {
    let mut found = counted(stats);
    let files = published.files();
    for (_, bytes) in files.iter().filter(|(name, _)| name.ends_with(".json")) {
        for line in String::from_utf8_lossy(bytes).lines() {
            let added = add(scenario, &mut found, line);
            added.ok_or_else(|| BookError::Ladder(format!("this was published: {line}")))?;
        }
    }
    Ok(found)
}

/// Adds a published line, `{"merchant_id":"m-7","window_start":"2026-01-01T12:00:00Z",…}`; none if it is none.
pub(super) fn add(scenario: &Scenario, found: &mut Found, line: &str) -> Option<()> {
    let row: serde_json::Value = serde_json::from_str(line).ok()?;
    let start = match scenario.question {
        Question::Windows => Some(row.get("window_start")?.as_str()?.get(11..19)?.parse().ok()?),
        Question::Totals => None,
    };
    let sum = row.get("amount_sum")?.to_string();
    found.add(
        start,
        row.get("merchant_id")?.as_str()?,
        row.get("order_count")?.as_u64()?,
        Some(cents(sum.trim_matches('"'))?),
    );
    Some(())
}
