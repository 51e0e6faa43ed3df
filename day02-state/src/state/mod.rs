//! State that can be saved and restored, also at another number of workers.
//!
//! An operator's state leaves it in *parts*, and each part says who must get it back. That is all there is to rescaling:
//! a job that saves does not know how many workers will restore, so the one rule of [`share`] decides.
//!
//! Saving happens in two steps, because only the first one stops the work. [`Stateful::snapshot`] freezes the state as it
//! is now; [`Frozen::parts`] turns it into bytes whenever there is time, on whichever thread, while the operator goes on.
//!
//! What is frozen can be written whole, or, if an earlier snapshot is durable, as what has changed since. Which of the two
//! it will be, the state does not know: the store decides, piece by piece.
//!
//! - [`Table`]: state by key, over chunks that can be frozen
//! - [`History`]: which snapshot changes are counted from; [`run`]: rows and changes as bytes
//! - [`mod@file`]: the parts of all operators in one file; [`encoding`]: what all files have in common

mod chunks;
pub mod encoding;
pub mod file;
mod history;
mod key;
pub mod run;
mod snapshot;
mod table;

pub use chunks::Slot;
pub use history::{Completion, History};
pub use snapshot::{Flaw, FrozenTable, Malformed, Value, decode_all};
pub use table::Table;

use std::collections::VecDeque;
use std::fmt;

use crate::keys;
use crate::operator::Outcome;

// ANCHOR: stateful
/// Something that has state.
pub trait Stateful {
    /// Freezes the state as it is now, under the number of the snapshot that it belongs to.
    fn snapshot(&mut self, id: u64) -> Frozen;

    /// The snapshot with this number is safe: what only it needed can go.
    fn on_checkpoint_complete(&mut self, _id: u64) {}

    /// Takes the state over from the parts of a snapshot, those that [`share`] gives it. Called before anything else.
    fn restore(&mut self, parts: Vec<Part>) -> Outcome;
}

/// A piece of an operator's state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Which of the operator's states it is of.
    pub name: String,
    /// Who must get it back.
    pub owner: Owner,
    /// The state itself, in an encoding of its own.
    pub bytes: Vec<u8>,
}

/// Who must get a part back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The first worker: there is only one of it.
    First,
    /// Every worker.
    Every,
    /// The worker that owns this key group.
    Group(u16),
    /// The worker that reads this split.
    Split(String),
}

/// The parts that `worker` (of `workers`) gets; `reads` says which splits are its own.
pub fn share(parts: &[Part], worker: usize, workers: usize, reads: impl Fn(&str) -> bool) -> Vec<Part> {
    let groups = keys::groups_of(worker, workers);
    let is_its_own = |part: &&Part| match &part.owner {
        Owner::First => worker == 0,
        Owner::Every => true,
        Owner::Group(group) => groups.contains(group),
        Owner::Split(split) => reads(split),
    };
    parts.iter().filter(is_its_own).cloned().collect()
}
// ANCHOR_END: stateful

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::First => f.write_str("the first worker"),
            Owner::Every => f.write_str("every worker"),
            Owner::Group(group) => write!(f, "key group {group}"),
            Owner::Split(split) => write!(f, "split {split}"),
        }
    }
}

/// State that does not change any more: its pieces, in no order that a caller may rely on.
#[derive(Default)]
pub struct Frozen {
    states: VecDeque<Box<dyn Iterator<Item = Piece> + Send>>,
    completions: Vec<Completion>,
}

/// What frozen state is made of.
pub enum Piece {
    /// A part.
    Part(Part),
    /// The rows of a table, under a name: a part for each key group that has rows.
    Rows(String, Box<dyn FrozenRows>),
}

/// Frozen rows by key group, which become bytes, each group as a [`run`], only when they are asked for.
pub trait FrozenRows: Send {
    /// All rows of a group.
    fn whole(&self, group: u16) -> Vec<u8>;

    /// The checkpoint that changes are counted from; none if there is none, or if so much has changed that it is better to
    /// write all rows.
    fn base(&self) -> Option<u64>;

    /// What has changed in a group since the base.
    fn changes(&self, group: u16) -> Vec<u8>;
}

impl Frozen {
    /// State that `encode` turns into parts when it is asked.
    pub fn new(encode: impl FnOnce() -> Vec<Part> + Send + 'static) -> Self {
        let parts = std::iter::once_with(encode).flatten().map(Piece::Part);
        Frozen {
            states: VecDeque::from([Box::new(parts) as _]),
            completions: Vec::new(),
        }
    }

    /// Rows under a name. The completion is filled in when they are durable.
    pub fn rows(name: &str, rows: impl FrozenRows + 'static, completion: Completion) -> Self {
        let piece = Piece::Rows(name.to_string(), Box::new(rows));
        Frozen {
            states: VecDeque::from([Box::new(std::iter::once(piece)) as _]),
            completions: vec![completion],
        }
    }

    /// Both.
    pub fn and(mut self, mut other: Frozen) -> Self {
        self.states.append(&mut other.states);
        self.completions.append(&mut other.completions);
        self
    }

    /// What whoever stores all pieces fills in once they are durable.
    pub fn completions(&self) -> Vec<Completion> {
        self.completions.clone()
    }

    /// The parts, whole and in their order: equal state gives equal parts, however it came to be.
    pub fn parts(self) -> Vec<Part> {
        let mut parts = Vec::new();
        for piece in self {
            match piece {
                Piece::Part(part) => parts.push(part),
                Piece::Rows(name, rows) => {
                    let groups = (0..keys::KEY_GROUPS).map(|group| (group, rows.whole(group)));
                    let full = groups.filter(|(_, bytes)| !bytes.is_empty());
                    parts.extend(full.map(|(group, bytes)| Part {
                        name: name.clone(),
                        owner: Owner::Group(group),
                        bytes,
                    }));
                }
            }
        }
        parts.sort();
        parts
    }
}

/// Each state is let go of when its last piece has been taken.
impl Iterator for Frozen {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while let Some(state) = self.states.front_mut() {
            match state.next() {
                Some(piece) => return Some(piece),
                None => self.states.pop_front(),
            };
        }
        None
    }
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frozen({} states)", self.states.len())
    }
}

/// A part that cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state {name:?} of {owner}: {problem}")]
pub struct BadPart {
    /// Which of the operator's states it is of.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// What is wrong with it.
    pub problem: String,
}

impl Part {
    /// This part with what is wrong with it.
    pub fn bad(&self, problem: impl fmt::Display) -> BadPart {
        BadPart {
            name: self.name.clone(),
            owner: self.owner.clone(),
            problem: problem.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(owner: Owner) -> Part {
        Part {
            name: "n".to_string(),
            owner,
            bytes: Vec::new(),
        }
    }

    #[test]
    fn each_part_goes_back_to_whom_it_belongs_at_any_number_of_workers() {
        let mut parts = vec![part(Owner::First), part(Owner::Every)];
        parts.extend((0..keys::KEY_GROUPS).map(|group| part(Owner::Group(group))));
        parts.extend(["orders/0", "orders/1", "orders/2"].map(|split| part(Owner::Split(split.to_string()))));
        for workers in [1, 2, 3, 5, 128] {
            let reads = |worker: usize| {
                move |split: &str| {
                    split.bytes().last().map_or(0, |digit| usize::from(digit - b'0')) % workers == worker
                }
            };
            let shares: Vec<Vec<Part>> = (0..workers)
                .map(|worker| share(&parts, worker, workers, reads(worker)))
                .collect();
            for part in &parts {
                let owners = shares.iter().filter(|share| share.contains(part)).count();
                let wanted = if part.owner == Owner::Every { workers } else { 1 };
                assert_eq!(owners, wanted, "{} at {workers}", part.owner);
            }
            assert!(shares[0].contains(&part(Owner::First)));
        }
    }
}
