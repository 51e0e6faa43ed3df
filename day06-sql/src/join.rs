//! An inner join of two streams of changes.
//!
//! Each side is kept, and a row that comes in on one is paired with all rows of the other that have the same key. So the result
//! is right whichever side comes first, and whatever is taken back later.
//!
//! ```text
//! orders           merchants            what is kept           out
//! +I m-7 5 EUR                          orders    m-7 5        (nobody knows m-7)
//!                  +I m-7 Anna          merchants m-7 Anna     +I m-7 5  Anna
//! +I m-7 9 EUR                          orders    m-7 9        +I m-7 9  Anna
//!                  -U m-7 Anna          merchants m-7 Ana      -U m-7 5  Anna  +U m-7 5 Ana
//!                  +U m-7 Ana                                  -U m-7 9  Anna  +U m-7 9 Ana
//! -D m-7 5 EUR                          orders    m-7 9        -D m-7 5  Ana
//! ```
//!
//! 1. A row that is there twice is in twice as many pairs.
//! 2. An update within a key gives updates. One that moves a row to another key comes as two halves, because the keys belong
//!    to different workers: pairs of the old row go, pairs of the new row are added.
//! 3. Rows whose key has a NULL never come here: the plan filters them out.
//! 4. To take back a row that is not there is an error: somebody has lost a row.
//!
//! Both sides are kept as long as their rows are not taken back. Left out: conditions that say how long a row can still be
//! paired, and the outer joins.

use day02_state::operator::Outcome;
use day02_state::state::{Frozen, Part, Stateful};
use day02_state::status::Status;
use day03_windows::ordered::OrderedTable;

use crate::aggregate::saved::{decode_scalar, encode_scalar};
use crate::chunk::{Change, Chunk, Column};
use crate::exec::operator::ChunkOperator;
use crate::keyed::KeyedChunk;
use crate::value::DataType;

/// The names of both sides among the parts of a snapshot.
const SIDES: [&str; 2] = ["left", "right"];

/// A join, of those keys that this worker owns.
pub struct Join {
    sides: [Side; 2],
}

/// The rows of one side: under each key the bytes of a row, and how often it is there.
struct Side {
    types: Vec<DataType>,
    rows: OrderedTable<u64>,
}

impl Join {
    /// Joins rows of these types.
    pub fn new(types: [Vec<DataType>; 2]) -> Self {
        let rows = OrderedTable::new;
        Join {
            sides: types.map(|types| Side { types, rows: rows() }),
        }
    }

    // ANCHOR: pairs
    /// Takes the rows of one side in, and appends the changes of their pairs.
    pub fn on_rows(&mut self, side: usize, input: &KeyedChunk, out: &mut Chunk) -> Outcome {
        let chunk = &input.chunk;
        let columns: Vec<&Column> = chunk.columns.iter().collect();
        let (mut pairs, mut bytes) = (Pairs::of(&self.sides[1 - side].types), Vec::new());
        let mut row = 0;
        while row < chunk.rows {
            let key = input.keys.key(row);
            let is_update = row + 1 < chunk.rows
                && (chunk.change(row), chunk.change(row + 1)) == (Change::UpdateBefore, Change::UpdateAfter)
                && input.keys.key(row + 1) == key;
            let changes: &[(usize, Change)] = match (is_update, chunk.change(row).adds()) {
                (true, _) => &[(row, Change::UpdateBefore), (row + 1, Change::UpdateAfter)],
                (false, true) => &[(row, Change::Insert)],
                (false, false) => &[(row, Change::Delete)],
            };
            for (row, change) in changes {
                bytes.clear();
                columns
                    .iter()
                    .for_each(|column| encode_scalar(&column.value(*row), &mut bytes));
                self.sides[side].change(key, &bytes, *change, || words(&columns, *row))?;
            }
            for (other, times) in self.sides[1 - side].rows.range(key, ..) {
                for _ in 0..*times {
                    changes
                        .iter()
                        .try_for_each(|(row, change)| pairs.add(*row, other, *change))?;
                }
            }
            row += changes.len();
        }
        out.append(pairs.chunk(side, chunk));
        Ok(())
    }
    // ANCHOR_END: pairs
}

impl Side {
    fn change(&mut self, key: &[u8], row: &[u8], change: Change, words: impl Fn() -> String) -> Outcome {
        match (self.rows.get_mut(key, row), change.adds()) {
            (Some(times), true) => *times += 1,
            (None, true) => drop(self.rows.insert(key, row, 1)),
            (Some(times), false) if *times > 1 => *times -= 1,
            (Some(_), false) => drop(self.rows.remove(key, row)),
            (None, false) => {
                return Err(format!("a join is to lose a row that it does not have: {}", words()).into());
            }
        }
        Ok(())
    }
}

fn words(columns: &[&Column], row: usize) -> String {
    let values: Vec<String> = columns.iter().map(|column| column.get(row).to_string()).collect();
    values.join(", ")
}

/// Pairs, until they are a chunk.
struct Pairs {
    /// Rows of the chunk in hand, by their places.
    rows: Vec<u32>,
    /// Rows of the other side.
    others: Vec<Column>,
    changes: Vec<Change>,
}

impl Pairs {
    fn of(others: &[DataType]) -> Self {
        Pairs {
            rows: Vec::new(),
            others: others
                .iter()
                .map(|data_type| Column::new(*data_type, 0))
                .collect(),
            changes: Vec::new(),
        }
    }

    fn add(&mut self, row: usize, mut other: &[u8], change: Change) -> Outcome {
        for column in &mut self.others {
            column.push(decode_scalar(&mut other).ok_or("a row of a join cannot be read")?)?;
        }
        self.rows.push(row as u32);
        self.changes.push(change);
        Ok(())
    }

    fn chunk(self, side: usize, chunk: &Chunk) -> Chunk {
        let own = chunk.columns.iter().map(|column| column.gather(&self.rows));
        let columns: Vec<Column> = match side {
            0 => own.chain(self.others).collect(),
            _ => self.others.into_iter().chain(own).collect(),
        };
        let only_new = self.changes.iter().all(|change| *change == Change::Insert);
        Chunk {
            columns,
            rows: self.rows.len(),
            changes: (!only_new).then_some(self.changes),
        }
    }
}

impl ChunkOperator for Join {
    fn on_chunk(&mut self, port: usize, rows: KeyedChunk, out: &mut Chunk) -> Outcome {
        self.on_rows(port, &rows, out)
    }

    fn status(&mut self, status: &mut Status) {
        let [left, right] = self.sides.each_ref().map(|side| side.rows.len());
        status.phrases.push(format!(
            "keeps {left} rows of its left side and {right} of its right side"
        ));
    }
}

impl Stateful for Join {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let [left, right] = &mut self.sides;
        left.rows.snapshot(SIDES[0]).and(right.rows.snapshot(SIDES[1]))
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in parts {
            match SIDES.iter().position(|side| *side == part.name) {
                Some(side) => self.sides[side].rows.restore(&part)?,
                None => return Err(part.bad("a join has no such state").into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
