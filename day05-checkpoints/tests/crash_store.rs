//! The store in crashes: a job commits checkpoints, dies after any step, starts again and looks for
//! what is left.
//!
//! Its state is two tables and a position, so that a checkpoint is made of runs in several files: rows come, change and go
//! at random, checkpoints are given up, each life has another number of workers, and whatever is restored is compared
//! with what the whole state was when it was frozen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod weaker;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::LazyLock;

use day02_state::keys::{self, worker_of};
use day02_state::state::file::Snapshot;
use day02_state::state::{Frozen, Owner, Part, Table, share};
use day05_checkpoints::disk::{Disk, DiskError};
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::store::{
    Checkpoint, CheckpointStorage, Progress, Store, StoreError, Unreadable, ids, read_checkpoint,
    read_manifest,
};

use weaker::{Life, Random, Weakened, Weaker, first_failure};

const KEEP: usize = 3;

/// Keys of two groups, of which each has so many that a few changes are a small part of it.
static KEYS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let keys = (0..u32::MAX).map(|number| number.to_le_bytes().to_vec());
    let of_two_groups = keys.filter(|key| [3, 100].contains(&keys::key_group(keys::hash(key))));
    of_two_groups.take(40).collect()
});

/// What a job remembers: a position, and a table for each of its workers.
struct Job {
    position: u64,
    workers: Vec<Table<u64>>,
}

impl Job {
    fn start(workers: usize, found: Option<&Checkpoint>) -> Result<Self, String> {
        let mut job = Job {
            position: 0,
            workers: (0..workers).map(|_| Table::new()).collect(),
        };
        let Some(Checkpoint { snapshot, .. }) = found else {
            return Ok(job);
        };
        for (worker, table) in job.workers.iter_mut().enumerate() {
            for part in share(snapshot.parts("totals"), worker, workers, |_| false) {
                table.restore(&part).map_err(|error| error.to_string())?;
            }
        }
        let position = snapshot.parts("source")[0].bytes.as_slice();
        job.position = u64::from_le_bytes(position.try_into().expect("eight bytes"));
        Ok(job)
    }

    /// Rows come, change and go, and some of them often.
    fn work(&mut self, random: &mut Random) {
        for _ in 0..1 + random.below(8) {
            self.position += 1;
            let hot = 1 + random.below(KEYS.len());
            let key = &KEYS[random.below(hot)];
            let hash = keys::hash(key);
            let worker = worker_of(keys::key_group(hash), self.workers.len());
            let table = &mut self.workers[worker];
            match random.below(4) {
                0 => drop(table.remove(key, hash)),
                _ => *table.update(key, hash, || 0) = self.position,
            }
        }
    }

    /// Everything, as it is now.
    fn snapshot(&mut self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        snapshot.add("source", vec![position(self.position)]);
        for table in &mut self.workers {
            let groups = table.freeze().encode_groups().into_iter();
            let part = |(group, bytes)| Part {
                name: "rows".to_string(),
                owner: Owner::Group(group),
                bytes,
            };
            snapshot.add("totals", groups.map(part).collect());
        }
        snapshot
    }

    fn freeze(&mut self) -> Vec<(String, Frozen)> {
        let position = position(self.position);
        let mut states = vec![("source".to_string(), Frozen::new(move || vec![position]))];
        let tables = self.workers.iter_mut().map(|table| table.snapshot("rows"));
        states.extend(tables.map(|state| ("totals".to_string(), state)));
        states
    }
}

fn position(position: u64) -> Part {
    Part {
        name: "position".to_string(),
        owner: Owner::First,
        bytes: position.to_le_bytes().to_vec(),
    }
}

/// The checkpoints that are there with all that they need. What is there has to be whole.
fn whole(disk: &Fragile) -> Result<BTreeSet<u64>, String> {
    let mut whole = BTreeSet::new();
    let disk = &copy(disk);
    for id in ids(disk).map_err(|error| error.to_string())? {
        match read_checkpoint(disk, id) {
            Ok(_) => drop(whole.insert(id)),
            Err(Unreadable::Disk(DiskError::Failed { error, .. })) if error.kind() == ErrorKind::NotFound => {
            }
            Err(error) => return Err(format!("not whole: {error}")),
        }
    }
    Ok(whole)
}

/// A copy of a disk, to look at: no operation of the disk itself, of which one may fail.
fn copy(disk: &Fragile) -> Fragile {
    let mut copy = Fragile::new();
    for (name, bytes) in disk.files() {
        copy.write(&name, &bytes).expect("it has room");
    }
    copy
}

/// What somebody knows who has heard all that the stores have said.
#[derive(Default)]
struct Heard {
    /// The last checkpoint that is durable.
    durable: Option<Checkpoint>,
    /// Those that were begun after it, each of which may be there or not.
    begun: Vec<Checkpoint>,
    /// Those that have to be there.
    kept: BTreeSet<u64>,
}

impl Heard {
    fn durable(&mut self, checkpoint: Checkpoint, disk: &Fragile) -> Result<(), String> {
        self.kept = whole(disk)?.into_iter().rev().take(KEEP).collect();
        self.durable = Some(checkpoint);
        self.begun.clear();
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

    /// The store has nothing more to do: nothing is there that no checkpoint needs which is kept.
    fn idle(&self, disk: &Fragile) -> Result<(), String> {
        let durable = self.durable.as_ref().map_or(0, |durable| durable.id);
        let disk = &copy(disk);
        let ids = ids(disk).map_err(|error| error.to_string())?;
        let mut needed = BTreeSet::new();
        for id in ids.range(..=durable).rev().take(KEEP) {
            needed.insert(*id);
            needed.extend(
                read_manifest(disk, *id)
                    .map_err(|error| error.to_string())?
                    .files(),
            );
        }
        match ids.range(..=durable).find(|id| !needed.contains(id)) {
            None => Ok(()),
            Some(id) => Err(format!("nothing needs {id} of {ids:?}, and {durable} is durable")),
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
    steps: usize,
    heard: &mut Heard,
) -> Result<(), String> {
    let store = insist(|| Store::open(Weakened::new(disk, weaker), KEEP))?;
    let mut store = store.in_blocks_of(64);
    let found = insist(|| store.latest())?;
    let mut job = Job::start(1 + random.below(3), found.as_ref())?;
    let mut id = found.as_ref().map_or(0, |found| found.id);
    let mut last_durable = id;
    heard.found(found, disk)?;
    let (mut under_way, mut could_not_remove) = (None, false);
    for _ in 0..steps {
        job.work(random);
        // Sometimes before the store has made room.
        if under_way.is_none() && random.below(2) == 0 {
            id += 1;
            let (snapshot, states) = (job.snapshot(), job.freeze());
            if random.below(4) == 0 {
                // It is given up: some task has not acknowledged it.
                if weaker == Some(Weaker::ForgetsAtFreeze) {
                    let completions = states.iter().flat_map(|(_, state)| state.completions());
                    completions.for_each(|completion| completion.complete(last_durable));
                }
                continue;
            }
            store.begin(id, states).map_err(|error| error.to_string())?;
            let next = Checkpoint { id, snapshot };
            heard.begun.push(next.clone());
            under_way = Some(next);
        }
        match (store.step(), &under_way) {
            (Ok(Progress::Again), _) => {}
            (Ok(Progress::Durable(id)), Some(next)) if next.id == id => {
                heard.durable(next.clone(), disk)?;
                last_durable = id;
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
    for life in lives {
        disk.fail_after(life.fails_after.unwrap_or(usize::MAX));
        live(&disk, weaker, random, life.steps, &mut heard)?;
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
        (Weaker::RemovesByAge,        "lost: "),
        (Weaker::ForgetsAtFreeze,     "lost: "),
    ];
    for (weaker, problem) in table {
        let failure = first_failure(false, |random, lives| check(Some(weaker), random, lives));
        assert!(
            failure.as_ref().is_err_and(|failure| failure.contains(problem)),
            "{weaker:?}: {failure:?}"
        );
    }
}

/// One row changes before a freeze, whose checkpoint is then aborted (0), or whose store fails at its first, second, …
/// operation on the disk. Another row changes behind it.
#[test]
fn what_has_changed_before_a_freeze_is_in_the_next_checkpoint_if_this_one_is_aborted_or_not_stored() {
    let mut failed = 0;
    for (fails_at, killed) in (0..).flat_map(|fails_at| [(fails_at, false), (fails_at, true)]) {
        let mut disk = Fragile::new();
        let open = |disk: &Fragile| Store::open(disk.clone(), KEEP).expect("a disk").in_blocks_of(64);
        let commit = |store: &mut Store<Fragile>, id, states| {
            store.begin(id, states)?;
            while store.step()? != Progress::Durable(id) {}
            Ok::<(), StoreError>(())
        };
        let change = |job: &mut Job, key: &Vec<u8>| {
            job.position += 1;
            *job.workers[0].update(key, keys::hash(key), || 0) = job.position;
        };
        let (mut store, mut job) = (open(&disk), Job::start(1, None).expect("anew"));
        KEYS.iter().for_each(|key| change(&mut job, key));
        commit(&mut store, 1, job.freeze()).expect("it has room");

        change(&mut job, &KEYS[0]);
        let states = job.freeze();
        if fails_at > 0 {
            disk.fail_after(fails_at - 1);
            match commit(&mut store, 2, states) {
                Ok(()) => break,
                Err(error) => assert!(is_full(&error), "{error}"),
            }
            failed += 1;
        }
        if killed {
            disk.crash(&mut Random::new(fails_at as u64).0);
            store = open(&disk);
            let found = store.latest().expect("readable");
            job = Job::start(1, found.as_ref()).expect("whole");
        }
        change(&mut job, &KEYS[1]);
        let snapshot = job.snapshot();
        commit(&mut store, 3, job.freeze()).expect("it has room again");
        // Without a kill it holds only what has changed, so it is the marks that are tried.
        assert!(
            killed || store.size().reused > store.size().new,
            "{:?}",
            store.size()
        );
        let found = open(&disk).latest().expect("readable");
        assert_eq!(
            found,
            Some(Checkpoint { id: 3, snapshot }),
            "{fails_at}, {killed}"
        );
    }
    assert!(failed > 6, "{failed}");
}
