//! A materialized view: the table that a stream of changes adds up to, kept up to date.
//!
//! A view is written by one task and read by anybody: each chunk of changes is applied as a whole while nobody looks, so
//! what is read is always the table after some chunk, never half of one.
//!
//! Rows are told apart by their values, and a row that is in the table twice is counted twice. Left out: an order of
//! rows, which tables do not have; whoever reads a view gets its rows sorted.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use day02_state::keys::hash;
use day02_state::operator::Outcome;
use day02_state::state::{Frozen, Part, Table, Value};

use crate::aggregate::saved::{decode_scalar, encode_scalar};
use crate::chunk::{Chunk, Column};
use crate::keys;
use crate::plan::Field;
use crate::value::Scalar;

/// The name of the rows among the parts of a snapshot.
const ROWS: &str = "rows";

/// A view, to be shared by those who write and read it.
#[derive(Debug, Clone)]
pub struct View {
    fields: Arc<[Field]>,
    rows: Arc<Mutex<Table<Kept>>>,
}

/// A row, and how often it is there.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
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

impl View {
    /// A view without rows.
    pub fn new(fields: Vec<Field>) -> Self {
        View {
            fields: fields.into(),
            rows: Arc::default(),
        }
    }

    /// Its columns.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn table(&self) -> MutexGuard<'_, Table<Kept>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: apply
    /// Applies a chunk of changes. To take out what is not there is an error: somebody has lost a row.
    pub fn apply(&self, chunk: &Chunk) -> Outcome {
        let columns: Vec<&Column> = chunk.columns.iter().collect();
        let (mut table, mut key) = (self.table(), Vec::new());
        for row in 0..chunk.rows {
            key.clear();
            keys::encode(&columns, row, &mut key);
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

    /// How many different rows it has.
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its rows, sorted by their columns from left to right.
    pub fn rows(&self) -> Vec<Vec<Scalar>> {
        let mut rows: Vec<Vec<Scalar>> = Vec::new();
        for (_, kept) in self.table().iter() {
            rows.extend(std::iter::repeat_n(kept.row.to_vec(), kept.times as usize));
        }
        rows.sort_by(|one, other| {
            let pairs = one.iter().zip(other).map(|(one, other)| one.cmp_sql(other));
            pairs.fold(Ordering::Equal, Ordering::then)
        });
        rows
    }

    /// Some of its rows, so many at most, in no order: sorting all of them would take too long to do it often.
    pub fn first(&self, rows: usize) -> Vec<Vec<Scalar>> {
        let table = self.table();
        let some = table.iter().take(rows);
        some.map(|(_, kept)| kept.row.to_vec()).collect()
    }

    /// Freezes its rows.
    pub fn snapshot(&self) -> Frozen {
        self.table().snapshot(ROWS)
    }

    /// Takes rows over.
    pub fn restore(&self, part: &Part) -> Outcome {
        match part.name.as_str() {
            ROWS => Ok(self.table().restore(part)?),
            _ => Err(part.bad("a view has no such state").into()),
        }
    }
}
