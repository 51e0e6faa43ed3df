//! Where checkpoints are kept: one file each, in a folder that belongs to one job.
//!
//! ```text
//!            begin(n)
//!   ┌──────┐ ───────► write ─► … ─► sync ─► rename ─► sync folder ─► Durable(n)
//!   │ Idle │                                                            │
//!   └──────┘ ◄───────── remove files that no checkpoint needs ◄─────────┘
//! ```
//!
//! 1. A checkpoint is *durable* when its file has its name and the folder is synced.
//!    [`Progress::Durable`] says so once. Whoever acts on a checkpoint, a sink that publishes or a
//!    source that tells its broker, does so after it.
//! 2. After a crash at any moment, [`Store::latest`] is the last checkpoint that was durable, or one
//!    that was begun later. It is whole, and never an older one.
//! 3. What a run finds when it starts is durable before it is used: the run before may have died with
//!    its last rename not yet synced.
//! 4. The newest checkpoint that is damaged is an error, and not skipped: it had all its bytes when it
//!    got its name, and what was published since relies on it. To go back is for a person to decide.
//! 5. The last few are kept, and the newest durable one always: output that is pending stands in it.
//! 6. One is under way at a time. If a step fails, that one is given up, and those before it are untouched.
//! 7. A checkpoint is *incremental*: its file holds what has changed since the last durable one, and its manifest names
//!    where the rest lies, in the files of older ones. So a file is removed only when no checkpoint that is kept names
//!    it. One that was given up is never named, since changes are counted from durable ones only.
//!
//! There is no file that points to the latest: the largest number is the latest, so that the rename
//! alone decides.

pub mod background;
mod file;
mod groups;
mod manifest;
mod writer;

use std::collections::{BTreeMap, BTreeSet};

use day02_state::state::file::Snapshot;
use day02_state::state::{Completion, Frozen};

use crate::atomic_file::{AtomicFile, digits, from_digits, recover};
use crate::disk::{Disk, DiskError, file_of};
pub use file::{Unreadable, read_checkpoint, read_manifest, read_tasks};
pub use manifest::{Manifest, PartRuns, Run, Size, TaskState};
use writer::{Base, Writer};

const PREFIX: &str = "checkpoint-";
/// How many bytes are written at once.
const BLOCK: usize = 1 << 20;

/// The checkpoints of one job.
#[derive(Debug)]
pub struct Store<D> {
    disk: D,
    keep: usize,
    block: usize,
    under_way: Option<(u64, AtomicFile<Writer>)>,
    /// The newest one that is durable, and what it is made of, if that is known.
    durable: Option<u64>,
    manifest: Option<Manifest>,
    files: BTreeMap<u64, File>,
    /// Whether there may be files that are not needed.
    crowded: bool,
}

/// What has to be known of the file of a checkpoint.
#[derive(Debug)]
struct File {
    /// The files that the checkpoint needs.
    needs: BTreeSet<u64>,
    /// How many bytes of runs were written into it.
    written: u64,
}

impl File {
    fn of(id: u64, manifest: &Manifest) -> Self {
        File {
            needs: manifest.files(),
            written: manifest.size(id).new,
        }
    }
}

/// A checkpoint that can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its number.
    pub id: u64,
    /// What all operators remember.
    pub snapshot: Snapshot,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    Again,
    /// This checkpoint is durable now.
    Durable(u64),
    /// There is nothing to do.
    Idle,
    /// Something is being done elsewhere.
    Pending,
}

/// The state of each task under the id of its operator: the same tasks in the same order each time.
pub type TaskStates = Vec<(String, Frozen)>;

/// Where a coordinator brings checkpoints.
pub trait CheckpointStorage: Send {
    /// Begins to write a checkpoint, which is newer than any before it. An error if another is under way.
    fn begin(&mut self, id: u64, states: TaskStates) -> Result<(), StoreError>;

    /// Does the next thing that there is to do, with at most one change of the disk. After an error,
    /// the checkpoint that was under way is given up.
    fn step(&mut self) -> Result<Progress, StoreError>;

    /// How many bytes the newest durable checkpoint has in its own file, and how many in older ones.
    fn size(&self) -> Size;
}

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk has failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The newest checkpoint cannot be restored.
    #[error(
        "{file} is the newest checkpoint and cannot be restored: {problem}; {}",
        way_back(before.as_deref())
    )]
    Unusable {
        /// Its file.
        file: String,
        /// What is wrong with it, or with an older file that it needs.
        problem: String,
        /// The file of the one before it, if there is one.
        before: Option<String>,
    },
    /// A checkpoint was begun before the last one was finished.
    #[error("checkpoint {id} cannot begin while checkpoint {under_way} is being written")]
    UnderWay {
        /// The one that cannot begin.
        id: u64,
        /// The one that is being written.
        under_way: u64,
    },
    /// A checkpoint would not be the newest one, and so not be the one that is restored.
    #[error("checkpoint {id} cannot be written behind checkpoint {durable}: numbers have to grow")]
    NotNewer {
        /// The one that cannot begin.
        id: u64,
        /// The newest one that is durable.
        durable: u64,
    },
    /// Nothing can be stored any more.
    #[error("the thread that stores checkpoints has ended")]
    ThreadEnded,
}

fn way_back(before: Option<&str>) -> String {
    match before {
        Some(before) => {
            format!("removing it goes back to {before}, and what was published since then comes out again")
        }
        None => {
            "there is none before it that can be restored, so moving all of them away starts the job anew"
                .to_string()
        }
    }
}

impl<D: Disk> Store<D> {
    /// Opens the store, of which at least the newest `keep` checkpoints are kept, and never less than
    /// one. Removes what an earlier run has left unfinished.
    pub fn open(mut disk: D, keep: usize) -> Result<Self, StoreError> {
        let ids = recover(&mut disk, id_of)?;
        let mut store = Store {
            disk,
            keep: keep.max(1),
            block: BLOCK,
            under_way: None,
            durable: ids.last().copied(),
            manifest: None,
            files: BTreeMap::new(),
            crowded: true,
        };
        for id in ids {
            match read_manifest(&store.disk, id) {
                Ok(manifest) => {
                    store.files.insert(id, File::of(id, &manifest));
                    store.manifest = Some(manifest);
                }
                Err(Unreadable::Damaged { .. }) => store.manifest = None,
                Err(Unreadable::Disk(error)) => return Err(error.into()),
            }
        }
        Ok(store)
    }

    /// The same store, which writes files in blocks of about so many bytes.
    pub fn in_blocks_of(self, block: usize) -> Self {
        Store { block, ..self }
    }

    /// The newest checkpoint, if there is any. An error if it is not whole.
    pub fn latest(&self) -> Result<Option<Checkpoint>, StoreError> {
        let ids = ids(&self.disk)?;
        let Some(&id) = ids.last() else {
            return Ok(None);
        };
        let problem = match read_checkpoint(&self.disk, id) {
            Ok(checkpoint) => return Ok(Some(checkpoint)),
            Err(Unreadable::Damaged { file, problem }) if file == file_of(&self.disk, &name_of(id)) => {
                problem
            }
            Err(Unreadable::Damaged { file, problem }) => format!("it needs {file}, and {problem}"),
            // A disk that cannot be read says nothing about what is on it, unless a file that is named is not there.
            Err(Unreadable::Disk(error)) if error.is_missing() => format!("it needs a file: {error}"),
            Err(Unreadable::Disk(error)) => return Err(error.into()),
        };
        let is_usable = |before: &&u64| read_checkpoint(&self.disk, **before).is_ok();
        Err(StoreError::Unusable {
            file: file_of(&self.disk, &name_of(id)),
            problem,
            before: ids
                .range(..id)
                .rev()
                .find(is_usable)
                .map(|before| name_of(*before)),
        })
    }

    // ANCHOR: make_room
    /// Removes the oldest file that no checkpoint needs which is kept. One that was given up may have its name, but is
    /// not safe, so those behind the newest durable one do not count. As long as it is not known what one needs that is
    /// kept, nothing is removed.
    fn make_room(&mut self) -> Result<Progress, StoreError> {
        let Some(durable) = self.durable.filter(|_| self.crowded) else {
            return Ok(Progress::Idle);
        };
        self.crowded = false;
        let ids = ids(&self.disk)?;
        let mut needed = BTreeSet::new();
        for kept in ids.range(..=durable).rev().take(self.keep) {
            let Some(file) = self.files.get(kept) else {
                return Ok(Progress::Idle);
            };
            needed.insert(*kept);
            needed.extend(&file.needs);
        }
        let Some(garbage) = ids.range(..=durable).find(|id| !needed.contains(id)) else {
            return Ok(Progress::Idle);
        };
        let name = name_of(*garbage);
        let removed = self.disk.remove(&name);
        removed.map_err(DiskError::of(&self.disk, "remove", &name))?;
        self.files.remove(garbage);
        self.crowded = true;
        Ok(Progress::Again)
    }
    // ANCHOR_END: make_room
}

// ANCHOR: commit
impl<D: Disk> CheckpointStorage for Store<D> {
    fn begin(&mut self, id: u64, states: TaskStates) -> Result<(), StoreError> {
        match (&self.under_way, self.durable) {
            (Some((under_way, _)), _) => {
                let under_way = *under_way;
                Err(StoreError::UnderWay { id, under_way })
            }
            (None, Some(durable)) if id <= durable => Err(StoreError::NotNewer { id, durable }),
            (None, _) => {
                let base = Base {
                    id: self.durable,
                    manifest: self.manifest.as_ref(),
                    written: self.files.iter().map(|(id, file)| (*id, file.written)).collect(),
                };
                let writer = Writer::new(id, states, base, self.block);
                self.under_way = Some((id, AtomicFile::in_blocks(name_of(id), writer)));
                Ok(())
            }
        }
    }

    fn step(&mut self) -> Result<Progress, StoreError> {
        let Some((id, mut file)) = self.under_way.take() else {
            return self.make_room();
        };
        let stepped = file.step(&mut self.disk);
        if let Ok(false) = stepped {
            self.under_way = Some((id, file));
            return Ok(Progress::Again);
        }
        let (manifest, completions) = file.into_blocks().finish();
        // One that is given up may have its name already.
        self.files.insert(id, File::of(id, &manifest));
        stepped?;
        self.manifest = Some(manifest);
        self.durable = Some(id);
        self.crowded = true;
        completions
            .iter()
            .for_each(|completion: &Completion| completion.complete(id));
        Ok(Progress::Durable(id))
    }

    fn size(&self) -> Size {
        let sized = self.durable.zip(self.manifest.as_ref());
        sized.map(|(id, manifest)| manifest.size(id)).unwrap_or_default()
    }
}
// ANCHOR_END: commit

/// The numbers of the files in a folder that checkpoints are kept in.
pub fn ids<D: Disk>(disk: &D) -> Result<BTreeSet<u64>, DiskError> {
    let names = disk.list();
    let names = names.map_err(DiskError::of(disk, "list the files of", ""))?;
    Ok(names.iter().filter_map(|name| id_of(name)).collect())
}

/// The name of the file of a checkpoint.
pub fn name_of(id: u64) -> String {
    format!("{PREFIX}{}", digits(id))
}

fn id_of(name: &str) -> Option<u64> {
    from_digits(name.strip_prefix(PREFIX)?)
}

#[cfg(test)]
mod tests;
