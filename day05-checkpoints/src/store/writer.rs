//! The file of a checkpoint while it is written, block by block: frozen state becomes bytes just before these leave.
//!
//! For each part and each table there are three ways to stand in the checkpoint, and here it is decided which:
//!
//! 1. *Nothing has changed* since the last durable checkpoint: it is named where it lies, and not written.
//! 2. *Little has changed*, in a table: a run of what has, on top of the runs that there are.
//! 3. *Much has changed*, since then or in all: it is written whole, and what there was is garbage from then on.
//!
//! **Write amplification.** A table is written whole once its changes exceed half of it. Until then changes of half its size
//! were written, so a byte that changes is written three times in the long run: once as a change and twice as its share of a
//! whole run. In return a restore never reads more than one and a half times the state. (RocksDB and Hummock merge runs
//! level by level instead, and Hummock on other machines.)
//!
//! **Space.** A file lives as long as one of its runs is needed. So that it is not kept for a small rest, what lies in a file of
//! which less than a quarter is needed is written again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use day02_state::keys::KEY_GROUPS;
use day02_state::state::{Completion, Frozen, FrozenRows, Owner, Part, Piece};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::file;
use super::groups::Index;
use super::manifest::{Manifest, PartRuns, Run, TaskState};

/// A table of more runs than this is written whole: a restore would have to put too many on top of each other.
const MOST_RUNS: usize = 64;
/// A file is worth keeping if this part of it is needed.
const WORTH_KEEPING: u64 = 4;

/// The checkpoint that changes are counted from.
#[derive(Debug, Default)]
pub(super) struct Base<'a> {
    pub id: Option<u64>,
    pub manifest: Option<&'a Manifest>,
    /// How many bytes of runs were written into each file.
    pub written: BTreeMap<u64, u64>,
}

/// The bytes of a checkpoint, in blocks.
pub(super) struct Writer {
    id: u64,
    base: Option<u64>,
    /// The runs of the base, which are not worth keeping if they lie in one of the `sparse` files.
    before: BTreeMap<(usize, String, Option<Owner>), Vec<Run>>,
    sparse: BTreeSet<u64>,
    states: VecDeque<Frozen>,
    table: Option<OpenTable>,
    completions: Vec<Completion>,
    manifest: Manifest,
    /// The task whose state comes next.
    task: usize,
    /// Bytes in blocks that have been given out.
    written: u64,
    block: usize,
    ended: bool,
}

/// A table of which the run is being written.
struct OpenTable {
    name: String,
    /// The groups that are still to come.
    groups: Box<dyn Iterator<Item = (u16, Vec<u8>)> + Send>,
    /// The runs that it is put on top of.
    below: Vec<Run>,
    offset: u64,
    length: usize,
    checksum: Xxh3,
    index: Index,
}

impl OpenTable {
    fn write(&mut self, bytes: &[u8], block: &mut Vec<u8>) {
        self.checksum.update(bytes);
        self.length += bytes.len();
        block.extend_from_slice(bytes);
    }
}

impl Writer {
    /// The checkpoint with this number, in blocks of about this many bytes.
    pub fn new(id: u64, states: Vec<(String, Frozen)>, base: Base<'_>, block: usize) -> Self {
        let live = base.manifest.map(Manifest::live).unwrap_or_default();
        let is_sparse = |(file, live): &(u64, u64)| {
            let written = base.written.get(file).copied().unwrap_or_default();
            live.saturating_mul(WORTH_KEEPING) < written
        };
        let mut before = BTreeMap::new();
        let tasks = base
            .manifest
            .iter()
            .flat_map(|manifest| manifest.0.iter().enumerate());
        for (number, task) in tasks {
            for part in &task.parts {
                before.insert((number, part.name.clone(), part.owner.clone()), part.runs.clone());
            }
        }
        let (operators, states): (Vec<String>, VecDeque<Frozen>) = states.into_iter().unzip();
        let task = |operator| TaskState {
            operator,
            parts: Vec::new(),
        };
        Writer {
            id,
            base: base.id,
            before,
            sparse: live.into_iter().filter(is_sparse).map(|(file, _)| file).collect(),
            completions: states.iter().flat_map(Frozen::completions).collect(),
            states,
            table: None,
            manifest: Manifest(operators.into_iter().map(task).collect()),
            task: 0,
            written: 0,
            block,
            ended: false,
        }
    }

    /// What was written, and whom to tell once it is durable.
    pub fn finish(self) -> (Manifest, Vec<Completion>) {
        (self.manifest, self.completions)
    }

    fn next_piece(&mut self) -> Option<Piece> {
        while let Some(state) = self.states.front_mut() {
            match state.next() {
                Some(piece) => return Some(piece),
                None => {
                    self.states.pop_front();
                    self.task += 1;
                }
            }
        }
        None
    }

    // ANCHOR: place
    /// Writes a part, unless it is what it was.
    fn part(&mut self, Part { name, owner, bytes }: Part, block: &mut Vec<u8>) {
        let run = match self.runs_before(&name, Some(&owner)).as_deref() {
            Some([run]) if run.length == bytes.len() as u64 && run.checksum == xxh3_64(&bytes) => *run,
            _ => {
                let offset = self.offset(block);
                block.extend_from_slice(&bytes);
                Run {
                    file: self.id,
                    offset,
                    length: bytes.len() as u64,
                    checksum: xxh3_64(&bytes),
                }
            }
        };
        self.name(name, Some(owner), vec![run]);
    }

    /// Begins to write a table, in one of the three ways.
    fn rows(&mut self, name: String, rows: Box<dyn FrozenRows>, block: &[u8]) {
        let before = self.runs_before(&name, None);
        let before = before.filter(|_| rows.base().is_some() && rows.base() == self.base);
        let changes = before.and_then(|runs| Some((changes(&*rows, room_for_changes(&runs)?)?, runs)));
        let (groups, below): (Box<dyn Iterator<Item = _> + Send>, _) = match changes {
            Some((changes, runs)) if changes.is_empty() => return self.name(name, None, runs),
            Some((changes, runs)) => (Box::new(changes.into_iter()), runs),
            None => (
                Box::new((0..KEY_GROUPS).map(move |group| (group, rows.whole(group)))),
                Vec::new(),
            ),
        };
        self.table = Some(OpenTable {
            name,
            groups,
            below,
            offset: self.offset(block),
            length: 0,
            checksum: Xxh3::new(),
            index: Index::default(),
        });
    }
    // ANCHOR_END: place

    /// Writes the next group of a table, or what stands behind the last one.
    fn group(&mut self, mut table: OpenTable, block: &mut Vec<u8>) {
        if let Some((group, bytes)) = table.groups.next() {
            if !bytes.is_empty() {
                table.index.push(group, bytes.len());
                table.write(&bytes, block);
            }
            self.table = Some(table);
            return;
        }
        if table.index.is_empty() {
            return;
        }
        let index = std::mem::take(&mut table.index).encode();
        table.write(&index, block);
        let mut runs = table.below;
        runs.push(Run {
            file: self.id,
            offset: table.offset,
            length: table.length as u64,
            checksum: table.checksum.digest(),
        });
        self.name(table.name, None, runs);
    }

    /// The runs of the base, if it is worth keeping them.
    fn runs_before(&mut self, name: &str, owner: Option<&Owner>) -> Option<Vec<Run>> {
        let runs = self
            .before
            .remove(&(self.task, name.to_string(), owner.cloned()))?;
        let is_sparse = runs.iter().any(|run| self.sparse.contains(&run.file));
        (!is_sparse).then_some(runs)
    }

    fn name(&mut self, name: String, owner: Option<Owner>, runs: Vec<Run>) {
        self.manifest.0[self.task]
            .parts
            .push(PartRuns { name, owner, runs });
    }

    fn offset(&self, block: &[u8]) -> u64 {
        self.written + block.len() as u64
    }
}

/// How many bytes of changes may be put on top of these runs.
fn room_for_changes(runs: &[Run]) -> Option<u64> {
    let (whole, changes) = runs.split_first().filter(|_| runs.len() < MOST_RUNS)?;
    let changed: u64 = changes.iter().map(|run| run.length).sum();
    (whole.length / 2).checked_sub(changed)
}

/// What has changed in each group, if it is not more than there is room for.
fn changes(rows: &dyn FrozenRows, room: u64) -> Option<Vec<(u16, Vec<u8>)>> {
    let (mut changes, mut bytes) = (Vec::new(), 0);
    for group in 0..KEY_GROUPS {
        let run = rows.changes(group);
        bytes += run.len() as u64;
        if bytes > room {
            return None;
        }
        if !run.is_empty() {
            changes.push((group, run));
        }
    }
    Some(changes)
}

impl Iterator for Writer {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let mut block = Vec::new();
        if self.written == 0 {
            file::begin(&mut block);
        }
        while block.len() < self.block {
            if let Some(table) = self.table.take() {
                self.group(table, &mut block);
                continue;
            }
            match self.next_piece() {
                Some(Piece::Part(part)) => self.part(part, &mut block),
                Some(Piece::Rows(name, rows)) => self.rows(name, rows, &block),
                None => {
                    file::end(&self.manifest, &mut block);
                    self.ended = true;
                    break;
                }
            }
        }
        self.written += block.len() as u64;
        Some(block)
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer(checkpoint {}, {} bytes)", self.id, self.written)
    }
}
