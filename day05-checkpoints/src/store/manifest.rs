//! What a checkpoint is made of: for each part the runs that it consists of, in this file or in older ones.
//!
//! ```text
//!   checkpoint 7      windows 0    slice 10, by key group   ─► file 5 [12, 4,012)   file 6 [12, 90)   file 7 [12, 77)
//!                                  closed, of every worker   ─► file 7 [77, 101)
//!                     sink 0       epoch 4, of the first     ─► file 4 [300, 9,000)
//! ```
//!
//! A part that is one run is that run. A table may consist of several: the first holds all rows and each of the others what
//! has changed since, so they are [put on top of each other](day02_state::state::run::merge), the oldest first. Each run has
//! a checksum here, because a file that is named for one of its runs is not read as a whole.

use std::collections::{BTreeMap, BTreeSet};

use day02_state::state::Owner;
use day02_state::state::encoding::{
    put_bytes, put_length, put_owner, take, take_length, take_number, take_owner, take_text,
};

/// Where bytes of a part lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The number of the checkpoint in whose file they are.
    pub file: u64,
    /// At which byte they begin.
    pub offset: u64,
    /// How many there are.
    pub length: u64,
    /// Their checksum.
    pub checksum: u64,
}

/// A part, as the runs that it consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRuns {
    /// Which of the operator's states it is of.
    pub name: String,
    /// Who must get it back; none for the rows of a table, which lie by key group.
    pub owner: Option<Owner>,
    /// Where it lies, the oldest first.
    pub runs: Vec<Run>,
}

/// The state of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskState {
    /// The id of its operator.
    pub operator: String,
    /// Its parts.
    pub parts: Vec<PartRuns>,
}

/// All parts of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest(pub Vec<TaskState>);

/// How many bytes of a checkpoint were written for it, and how many it shares with older ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes in its own file.
    pub new: u64,
    /// Bytes in files of older checkpoints.
    pub reused: u64,
}

impl TaskState {
    /// The files that it needs.
    pub fn files(&self) -> BTreeSet<u64> {
        let runs = self.parts.iter().flat_map(|part| &part.runs);
        runs.map(|run| run.file).collect()
    }

    /// Its size, as part of the checkpoint with this number.
    pub fn size(&self, id: u64) -> Size {
        let mut size = Size::default();
        for run in self.parts.iter().flat_map(|part| &part.runs) {
            match run.file == id {
                true => size.new = size.new.saturating_add(run.length),
                false => size.reused = size.reused.saturating_add(run.length),
            }
        }
        size
    }
}

impl Manifest {
    /// The size of all parts, in the checkpoint with this number.
    pub fn size(&self, id: u64) -> Size {
        self.0.iter().fold(Size::default(), |all, task| {
            let Size { new, reused } = task.size(id);
            Size {
                new: all.new.saturating_add(new),
                reused: all.reused.saturating_add(reused),
            }
        })
    }

    /// All runs.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        let parts = self.0.iter().flat_map(|task| &task.parts);
        parts.flat_map(|part| &part.runs)
    }

    /// The files that it needs.
    pub fn files(&self) -> BTreeSet<u64> {
        self.runs().map(|run| run.file).collect()
    }

    /// How many bytes of each file it needs.
    pub fn live(&self) -> BTreeMap<u64, u64> {
        let mut live = BTreeMap::new();
        for run in self.runs() {
            let bytes: &mut u64 = live.entry(run.file).or_default();
            *bytes = bytes.saturating_add(run.length);
        }
        live
    }

    /// Appends it to a file.
    pub fn encode(&self, to: &mut Vec<u8>) {
        put_length(to, self.0.len());
        for task in &self.0 {
            put_bytes(to, task.operator.as_bytes());
            put_length(to, task.parts.len());
            for PartRuns { name, owner, runs } in &task.parts {
                put_bytes(to, name.as_bytes());
                to.push(u8::from(owner.is_some()));
                owner.iter().for_each(|owner| put_owner(to, owner));
                put_length(to, runs.len());
                for run in runs {
                    for number in [run.file, run.offset, run.length, run.checksum] {
                        to.extend(number.to_le_bytes());
                    }
                }
            }
        }
    }

    /// Reads one that is all of these bytes; none if they are not what [`Manifest::encode`] writes.
    pub fn decode(mut from: &[u8]) -> Option<Self> {
        let from = &mut from;
        let mut tasks = Vec::new();
        for _ in 0..take_length(from)? {
            let operator = take_text(from)?;
            let mut parts = Vec::new();
            for _ in 0..take_length(from)? {
                let name = take_text(from)?;
                let owner = match take(from)? {
                    [0] => None,
                    [1] => Some(take_owner(from)?),
                    _ => return None,
                };
                let mut runs = Vec::new();
                for _ in 0..take_length(from)? {
                    runs.push(Run {
                        file: take_number(from)?,
                        offset: take_number(from)?,
                        length: take_number(from)?,
                        checksum: take_number(from)?,
                    });
                }
                parts.push(PartRuns { name, owner, runs });
            }
            tasks.push(TaskState { operator, parts });
        }
        from.is_empty().then_some(Manifest(tasks))
    }
}
