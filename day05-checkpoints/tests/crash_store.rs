//! The store in crashes: a job commits checkpoints, dies after any step, starts again and looks for
//! what is left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod weaker;

use std::collections::BTreeSet;
use std::io::ErrorKind;

use day02_state::state::file::Snapshot;
use day02_state::state::{Owner, Part};
use day05_checkpoints::disk::DiskError;
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::store::{Checkpoint, Progress, Store, StoreError};

use weaker::{Life, Random, Weakened, Weaker, first_failure};

const KEEP: usize = 3;

/// A checkpoint that no other life has begun.
fn checkpoint(id: u64, life: usize) -> Checkpoint {
    let mut snapshot = Snapshot::new();
    let part = Part {
        name: "positions".to_string(),
        owner: Owner::First,
        bytes: [id, life as u64].map(u64::to_le_bytes).concat(),
    };
    snapshot.add("source", vec![part]);
    Checkpoint { id, snapshot }
}

/// The checkpoints that are there, all of which have to be whole.
fn whole(disk: &Fragile) -> Result<BTreeSet<u64>, String> {
    let mut ids = BTreeSet::new();
    for (name, bytes) in disk.files() {
        let digits = name.strip_prefix("checkpoint-").expect("nothing else is written");
        if let Ok(id) = digits.parse() {
            Snapshot::decode(&bytes).map_err(|problem| format!("not whole: {name}: {problem}"))?;
            ids.insert(id);
        }
    }
    Ok(ids)
}

/// What somebody knows who has heard all that the stores have said.
#[derive(Default)]
struct Heard {
    /// The last checkpoint that is durable.
    durable: Option<Checkpoint>,
    /// Those that were begun after it, each of which may be there or not.
    begun: Vec<Checkpoint>,
    /// How many are durable, with those that have been removed.
    commits: usize,
    /// Those that have to be there.
    kept: BTreeSet<u64>,
}

impl Heard {
    fn durable(&mut self, checkpoint: Checkpoint, disk: &Fragile) -> Result<(), String> {
        self.kept = whole(disk)?.into_iter().rev().take(KEEP).collect();
        self.durable = Some(checkpoint);
        self.begun.clear();
        self.commits += 1;
        Ok(())
    }

    /// A run has started, and has found this.
    fn found(&mut self, found: Option<Checkpoint>, disk: &Fragile) -> Result<(), String> {
        match found {
            found if found == self.durable => self.begun.clear(),
            Some(found) if self.begun.contains(&found) => self.durable(found, disk)?,
            found => {
                let [found, durable] = [&found, &self.durable].map(|one| one.as_ref().map(|one| one.id));
                return Err(format!("lost: found {found:?}, and {durable:?} was durable"));
            }
        }
        self.nothing_is_lost(disk)
    }

    fn nothing_is_lost(&self, disk: &Fragile) -> Result<(), String> {
        let (ids, kept) = (whole(disk)?, &self.kept);
        match kept.is_subset(&ids) {
            true => Ok(()),
            false => Err(format!("lost: {kept:?} have to be there, and {ids:?} are")),
        }
    }

    /// The store has nothing more to do.
    fn idle(&self, disk: &Fragile) -> Result<(), String> {
        let ids = whole(disk)?;
        let durable = self.durable.as_ref().map_or(0, |durable| durable.id);
        match ids.range(..=durable).count() {
            count if (KEEP.min(self.commits)..=KEEP).contains(&count) => Ok(()),
            _ => Err(format!("{ids:?} are there after {} commits", self.commits)),
        }
    }
}

fn is_full(error: &StoreError) -> bool {
    match error {
        StoreError::Disk(DiskError::Failed { error, .. }) => error.kind() == ErrorKind::StorageFull,
        _ => false,
    }
}

/// Tries again when the disk was full, which it is once.
fn insist<T>(attempt: impl Fn() -> Result<T, StoreError>) -> Result<T, String> {
    let again = |error| if is_full(&error) { attempt() } else { Err(error) };
    attempt().or_else(again).map_err(|error| error.to_string())
}

fn live(
    disk: &Fragile,
    weaker: Option<Weaker>,
    random: &mut Random,
    number: usize,
    steps: usize,
    heard: &mut Heard,
) -> Result<(), String> {
    let mut store = insist(|| Store::open(Weakened::new(disk, weaker), KEEP))?;
    let found = insist(|| store.latest())?;
    let mut id = found.as_ref().map_or(0, |found| found.id);
    heard.found(found, disk)?;
    let (mut under_way, mut could_not_remove) = (None, false);
    for _ in 0..steps {
        // Sometimes before the store has made room.
        if under_way.is_none() && random.below(2) == 0 {
            id += 1;
            let next = checkpoint(id, number);
            store
                .begin(id, &next.snapshot)
                .map_err(|error| error.to_string())?;
            heard.begun.push(next.clone());
            under_way = Some(next);
        }
        match (store.step(), &under_way) {
            (Ok(Progress::Again), _) => {}
            (Ok(Progress::Durable(id)), Some(next)) if next.id == id => {
                heard.durable(next.clone(), disk)?;
                (under_way, could_not_remove) = (None, false);
            }
            (Ok(Progress::Idle), None) if could_not_remove => {}
            (Ok(Progress::Idle), None) => heard.idle(disk)?,
            (Ok(progress), _) => return Err(format!("{progress:?} while {under_way:?}")),
            (Err(error), _) if is_full(&error) => {
                could_not_remove |= under_way.is_none();
                under_way = None;
            }
            (Err(error), _) => return Err(error.to_string()),
        }
        heard.nothing_is_lost(disk)?;
    }
    Ok(())
}

/// Lets the job live these lives. An error if ever anything is not as it was said to be.
fn check(weaker: Option<Weaker>, random: &mut Random, lives: &[Life]) -> Result<(), String> {
    let mut disk = Fragile::new();
    let mut heard = Heard::default();
    for (number, life) in lives.iter().enumerate() {
        disk.fail_after(life.fails_after.unwrap_or(usize::MAX));
        live(&disk, weaker, random, number, life.steps, &mut heard)?;
        if life.power_cut {
            disk.crash(&mut random.0);
        }
        heard.nothing_is_lost(&disk)?;
    }
    Ok(())
}

#[test]
fn after_any_crash_the_latest_is_the_last_durable_one_or_a_newer_one_that_is_whole() {
    let failure = first_failure(false, |random, lives| check(None, random, lives));
    assert_eq!(failure, Ok(()));
}

#[test]
fn so_it_is_on_a_disk_that_is_full_at_times() {
    let failure = first_failure(true, |random, lives| check(None, random, lives));
    assert_eq!(failure, Ok(()));
}

#[test]
fn a_weaker_design_loses_a_checkpoint_or_leaves_half_of_one() {
    #[rustfmt::skip]
    let table = [
        (Weaker::NoSync,              "not whole: "),
        (Weaker::NoFolderSync,        "lost: "),
        (Weaker::NoFolderSyncAtStart, "lost: "),
        (Weaker::RenameFirst,         "not whole: "),
    ];
    for (weaker, problem) in table {
        let failure = first_failure(false, |random, lives| check(Some(weaker), random, lives));
        assert!(
            failure.as_ref().is_err_and(|failure| failure.contains(problem)),
            "{weaker:?}: {failure:?}"
        );
    }
}
