//! A materialized view: the table that a stream of changes adds up to, kept up to date, and shown epoch by epoch.
//!
//! ```text
//! rows  ─ barrier 1 ─ rows ─ barrier 2 ─ rows           the task that keeps the view
//!              │                  │
//!         as of epoch 1      as of epoch 2              what can be read of it
//! ```
//!
//! Views that are computed from the same orders are behind each other: one may have seen an order that another has not. A
//! barrier divides all streams of a job at the same orders. So each view freezes its table when a barrier passes, and what is
//! shown of all views is the newest epoch that *all* of them have come to: a sum over two of them is right whenever anybody looks.
//!
//! Rows are told apart by their values, to the last digit: 1.0 and 1.00 are equal, and yet what was added as the one is never
//! taken out as the other. A row that is in the table twice is counted twice. Left out: an order of rows, which tables do not
//! have; whoever reads a view gets its rows sorted.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use day02_state::keys::hash;
use day02_state::operator::Outcome;
use day02_state::state::{Frozen, FrozenTable, Part, Table, Value};

use crate::aggregate::saved::{decode_scalar, encode_scalar};
use crate::chunk::{Change, Chunk, Column};
use crate::plan::Field;
use crate::value::{DataType, Scalar};

/// The name of the rows among the parts of a snapshot.
const ROWS: &str = "rows";

/// The rows of a view, in the task that keeps them up to date.
#[derive(Debug)]
pub struct Materialized {
    types: Vec<DataType>,
    rows: Table<Kept>,
}

/// A table as it was, for somebody else to read.
pub type Shown = FrozenTable<Kept>;

/// A row, and how often it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    row: Box<[Scalar]>,
    times: u64,
}

impl Value for Kept {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend(self.times.to_le_bytes());
        to.extend((self.row.len() as u32).to_le_bytes());
        self.row.iter().for_each(|value| encode_scalar(value, to));
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (times, rest) = from.split_first_chunk()?;
        let (columns, rest) = rest.split_first_chunk()?;
        *from = rest;
        let row = (0..u32::from_le_bytes(*columns)).map(|_| decode_scalar(from));
        Some(Kept {
            row: row.collect::<Option<_>>()?,
            times: u64::from_le_bytes(*times),
        })
    }
}

impl Materialized {
    /// No rows yet, of these columns.
    pub fn new(fields: &[Field]) -> Self {
        Materialized {
            types: fields.iter().map(|field| field.data_type).collect(),
            rows: Table::new(),
        }
    }

    // ANCHOR: apply
    /// Applies a chunk of changes. To take out what is not there is an error: somebody has lost a row.
    pub fn apply(&mut self, chunk: &Chunk) -> Outcome {
        let columns: Vec<&Column> = chunk.columns.iter().collect();
        let (table, mut key) = (&mut self.rows, Vec::new());
        for row in 0..chunk.rows {
            key.clear();
            let values = columns.iter().map(|column| column.value(row));
            values.for_each(|value| encode_scalar(&value, &mut key));
            let hash = hash(&key);
            if chunk.change(row).adds() {
                let new = || Kept {
                    row: columns.iter().map(|column| column.get(row)).collect(),
                    times: 0,
                };
                table.update(&key, hash, new).times += 1;
                continue;
            }
            match table.find(&key, hash) {
                Some(slot) if table.value_mut(slot).times > 1 => table.value_mut(slot).times -= 1,
                Some(_) => drop(table.remove(&key, hash)),
                None => {
                    let row: Vec<String> = columns.iter().map(|column| column.get(row).to_string()).collect();
                    return Err(format!(
                        "a view is to lose a row that it does not have: {}",
                        row.join(", ")
                    )
                    .into());
                }
            }
        }
        Ok(())
    }
    // ANCHOR_END: apply

    /// How many different rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as it is now, for somebody else to read.
    pub fn freeze(&mut self) -> Shown {
        self.rows.freeze()
    }

    /// All rows, as insertions.
    pub fn chunk(&self) -> Outcome<Chunk> {
        let mut chunk = Chunk::of(self.types.iter().copied());
        for (_, kept) in self.rows.iter() {
            for _ in 0..kept.times {
                chunk.push(Change::Insert, &kept.row)?;
            }
        }
        Ok(chunk)
    }

    /// Freezes its rows as state.
    pub fn snapshot(&mut self) -> Frozen {
        self.rows.snapshot(ROWS)
    }

    /// Takes rows over.
    pub fn restore(&mut self, part: &Part) -> Outcome {
        match part.name.as_str() {
            ROWS => Ok(self.rows.restore(part)?),
            _ => Err(part.bad("a view has no such state").into()),
        }
    }
}

// ANCHOR: epochs
/// The tables of a view that are not forgotten, each with its epoch: the first is shown.
type FrozenEpochs = VecDeque<(u64, Shown)>;

/// What is shown of the views of a job.
#[derive(Debug, Clone, Default)]
pub struct Epochs {
    /// By view.
    views: Arc<Mutex<Vec<FrozenEpochs>>>,
    /// Whether each view shows each chunk at once, whatever the others have seen.
    at_once: bool,
}

impl Epochs {
    /// The same job without epochs, as most engines show their views: each as far as it has come.
    pub fn at_once() -> Self {
        Epochs {
            at_once: true,
            ..Epochs::default()
        }
    }

    /// One view more, with these columns.
    pub fn view(&self, fields: Vec<Field>) -> View {
        let mut views = self.lock();
        views.push(FrozenEpochs::new());
        View {
            fields: fields.into(),
            number: views.len() - 1,
            epochs: self.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<FrozenEpochs>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A view has come to an epoch. Once all have, older ones are forgotten.
    fn publish(&self, view: usize, epoch: u64, table: Shown) {
        let mut views = self.lock();
        if self.at_once {
            views[view].clear();
        }
        views[view].push_back((epoch, table));
        let newest = |of: &FrozenEpochs| of.back().map_or(0, |(epoch, _)| *epoch);
        let all = views.iter().map(newest).min().unwrap_or_default();
        for of in views.iter_mut() {
            while of.get(1).is_some_and(|(epoch, _)| *epoch <= all) {
                of.pop_front();
            }
        }
    }

    /// The rows of all views in the same epoch, each view sorted.
    pub fn rows(&self) -> Vec<Vec<Vec<Scalar>>> {
        let views = self.lock();
        let shown: Vec<Option<Shown>> = (0..views.len()).map(|view| self.shown(&views, view)).collect();
        drop(views);
        shown.iter().map(|table| sorted(table.as_ref())).collect()
    }

    /// What is shown of a view: nothing before all of them have begun.
    fn shown(&self, views: &[FrozenEpochs], view: usize) -> Option<Shown> {
        let have_begun = self.at_once || views.iter().all(|of| !of.is_empty());
        let (_, table) = views.get(view)?.front()?;
        have_begun.then(|| table.clone())
    }
}
// ANCHOR_END: epochs

fn sorted(table: Option<&Shown>) -> Vec<Vec<Scalar>> {
    let mut rows: Vec<Vec<Scalar>> = Vec::new();
    for (_, kept) in table.iter().flat_map(|table| table.iter()) {
        rows.extend(std::iter::repeat_n(kept.row.to_vec(), kept.times as usize));
    }
    rows.sort_by(|one, other| {
        let pairs = one.iter().zip(other).map(|(one, other)| one.cmp_sql(other));
        pairs.fold(Ordering::Equal, Ordering::then)
    });
    rows
}

/// A view, for all who read it.
#[derive(Debug, Clone)]
pub struct View {
    fields: Arc<[Field]>,
    number: usize,
    epochs: Epochs,
}

impl View {
    /// Its columns.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether it shows each chunk at once.
    pub fn is_shown_at_once(&self) -> bool {
        self.epochs.at_once
    }

    /// It has come to an epoch.
    pub fn publish(&self, epoch: u64, table: Shown) {
        self.epochs.publish(self.number, epoch, table);
    }

    fn shown(&self) -> Option<Shown> {
        self.epochs.shown(&self.epochs.lock(), self.number)
    }

    /// Its rows, sorted by their columns from left to right.
    pub fn rows(&self) -> Vec<Vec<Scalar>> {
        sorted(self.shown().as_ref())
    }

    /// Some of its rows, so many at most, in no order: sorting all of them would take too long to do it often.
    pub fn first(&self, rows: usize) -> Vec<Vec<Scalar>> {
        let table = self.shown();
        let some = table.iter().flat_map(|table| table.iter()).take(rows);
        some.map(|(_, kept)| kept.row.to_vec()).collect()
    }
}
