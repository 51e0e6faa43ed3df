//! A table that changes a little from checkpoint to checkpoint: what each of them writes, what it needs of older ones, and
//! which files are there.
//!
//! The store is that of the job, on a disk in memory, and keeps one checkpoint, so that every file that is there is needed.

use std::fmt;

use day02_state::keys;
use day02_state::operator::Outcome;
use day02_state::state::Table;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fragile::Fragile;
use crate::store::{CheckpointStorage, Progress, Size, Store, ids};

/// How many keys there are.
const KEYS: u32 = 20_000;
/// How many rows come between two checkpoints, each for a key drawn from all of them.
const ROWS: u32 = 1_500;
const CHECKPOINTS: u64 = 12;

/// One checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its number.
    pub checkpoint: u64,
    /// How many bytes all rows take.
    pub full: u64,
    /// How many bytes were written for it, and how many it needs of older files.
    pub size: Size,
    /// The numbers of the files that are there behind it.
    pub files: Vec<u64>,
}

impl Layer {
    /// What stands above the columns.
    pub const HEADER: &str = "checkpoint  all rows  written   reused  files";

    /// Whether all rows were written.
    pub fn is_full(&self) -> bool {
        self.size.reused == 0
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Size { new, reused } = self.size;
        let files: Vec<String> = self.files.iter().map(u64::to_string).collect();
        let files = files.join(" ");
        write!(
            f,
            "{:>10}  {:>8}  {new:>7}  {reused:>7}  {files}",
            self.checkpoint, self.full
        )
    }
}

/// Takes the checkpoints.
pub fn run() -> Outcome<Vec<Layer>> {
    let (disk, mut table) = (Fragile::new(), Table::new());
    let mut store = Store::open(disk.clone(), 1)?;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let count = |table: &mut Table<u64>, key: u32| {
        let key = format!("merchant-{key}");
        *table.update(key.as_bytes(), keys::hash(key.as_bytes()), || 0) += 1;
    };
    (0..KEYS).for_each(|key| count(&mut table, key));
    let mut layers = Vec::new();
    for checkpoint in 1..=CHECKPOINTS {
        store.begin(
            checkpoint,
            vec![("totals".to_string(), table.snapshot("merchants"))],
        )?;
        while store.step()? != Progress::Idle {}
        let full = table.freeze().encode_groups();
        layers.push(Layer {
            checkpoint,
            full: full.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
            size: store.size(),
            files: ids(&disk)?.into_iter().collect(),
        });
        (0..ROWS).for_each(|_| count(&mut table, random.next_u32() % KEYS));
    }
    Ok(layers)
}
