//! Where checkpoints are kept: one file each, in a folder that belongs to one job.
//!
//! ```text
//!            begin(n)
//!   ┌──────┐ ───────► write ─► sync ─► rename ─► sync folder ─► Durable(n)
//!   │ Idle │                                                       │
//!   └──────┘ ◄─────────────── remove the oldest ◄──────────────────┘
//!                             while there are more than are kept
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
//! 6. One is under way at a time. If a step fails, that one is given up; those before it are untouched,
//!    and another can be begun.
//!
//! There is no file that points to the latest: the largest number is the latest, so that the rename
//! alone decides. Left out: checkpoints that hold only what has changed (RocksDB in Flink), and files
//! that several checkpoints share.

use std::collections::BTreeSet;

use day02_state::state::file::Snapshot;

use crate::atomic_file::{AtomicFile, digits, from_digits, recover};
use crate::disk::{Disk, DiskError, file_of};

const PREFIX: &str = "checkpoint-";

/// The checkpoints of one job.
#[derive(Debug)]
pub struct Store<D> {
    disk: D,
    keep: usize,
    under_way: Option<(u64, AtomicFile)>,
    /// The newest one that is durable.
    durable: Option<u64>,
    /// Whether there may be more than are kept.
    crowded: bool,
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
        /// What is wrong with it.
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
}

fn way_back(before: Option<&str>) -> String {
    match before {
        Some(before) => {
            format!("removing it goes back to {before}, and what was published since then comes out again")
        }
        None => "there is none before it, so removing it starts the job anew".to_string(),
    }
}

impl<D: Disk> Store<D> {
    /// Opens the store, of which at least the newest `keep` checkpoints are kept, and never less than
    /// one. Removes what an earlier run has left unfinished.
    pub fn open(mut disk: D, keep: usize) -> Result<Self, StoreError> {
        let durable = recover(&mut disk, id_of)?.last().copied();
        Ok(Store {
            disk,
            keep: keep.max(1),
            under_way: None,
            durable,
            crowded: true,
        })
    }

    /// The newest checkpoint, if there is any. An error if it is not whole.
    pub fn latest(&self) -> Result<Option<Checkpoint>, StoreError> {
        let ids = self.ids()?;
        let Some(&id) = ids.last() else {
            return Ok(None);
        };
        let bytes = self.disk.read(&name_of(id));
        let bytes = bytes.map_err(DiskError::of(&self.disk, "read", &name_of(id)))?;
        let unusable = |problem| StoreError::Unusable {
            file: file_of(&self.disk, &name_of(id)),
            problem,
            before: ids.range(..id).next_back().map(|before| name_of(*before)),
        };
        let snapshot = Snapshot::decode(&bytes).map_err(unusable)?;
        Ok(Some(Checkpoint { id, snapshot }))
    }

    // ANCHOR: commit
    /// Begins to write a checkpoint, which is newer than any before it. An error if another is under way.
    pub fn begin(&mut self, id: u64, snapshot: &Snapshot) -> Result<(), StoreError> {
        match (&self.under_way, self.durable) {
            (Some((under_way, _)), _) => {
                let under_way = *under_way;
                Err(StoreError::UnderWay { id, under_way })
            }
            (None, Some(durable)) if id <= durable => Err(StoreError::NotNewer { id, durable }),
            (None, _) => {
                self.under_way = Some((id, AtomicFile::new(name_of(id), snapshot.encode())));
                Ok(())
            }
        }
    }

    /// Does the next thing that there is to do, with at most one change of the disk. After an error,
    /// the checkpoint that was under way is given up.
    pub fn step(&mut self) -> Result<Progress, StoreError> {
        let Some((id, mut file)) = self.under_way.take() else {
            return self.make_room();
        };
        if file.step(&mut self.disk)? {
            self.durable = Some(id);
            self.crowded = true;
            return Ok(Progress::Durable(id));
        }
        self.under_way = Some((id, file));
        Ok(Progress::Again)
    }
    // ANCHOR_END: commit

    /// Removes the oldest checkpoint, if there are more than are kept. One that was given up may have
    /// its name, but is not safe, so those behind the newest durable one do not count.
    fn make_room(&mut self) -> Result<Progress, StoreError> {
        let Some(durable) = self.durable.filter(|_| self.crowded) else {
            return Ok(Progress::Idle);
        };
        self.crowded = false;
        let ids = self.ids()?;
        let oldest = ids.first().filter(|_| ids.range(..=durable).count() > self.keep);
        let Some(oldest) = oldest.map(|id| name_of(*id)) else {
            return Ok(Progress::Idle);
        };
        let removed = self.disk.remove(&oldest);
        removed.map_err(DiskError::of(&self.disk, "remove", &oldest))?;
        self.crowded = true;
        Ok(Progress::Again)
    }

    fn ids(&self) -> Result<BTreeSet<u64>, StoreError> {
        let names = self.disk.list();
        let names = names.map_err(DiskError::of(&self.disk, "list the files of", ""))?;
        Ok(names.iter().filter_map(|name| id_of(name)).collect())
    }
}

fn name_of(id: u64) -> String {
    format!("{PREFIX}{}", digits(id))
}

fn id_of(name: &str) -> Option<u64> {
    from_digits(name.strip_prefix(PREFIX)?)
}

#[cfg(test)]
mod tests;
