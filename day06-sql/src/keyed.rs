//! Chunks with a key for each row, on their way to the tasks that own the keys.
//!
//! The keys lie beside the chunk, encoded and hashed once where they were made; the task that
//! receives them looks them up without a look at the columns they were made of. A chunk that goes
//! to several tasks is cut by gathering the rows of each; one that goes to a single task passes as
//! it is.
//!
//! ```text
//! keys     m-7 m-1 m-7          lane 0   m-7 m-7    lane 1   m-1
//! changes  +I  -U  +I                    +I  +I              -U
//! price    5   2   1                     5   1               2
//! ```
//!
//! Rows keep their order within a lane. A `-U` and its `+U` stay together as long as they have the
//! same key.

use day02_state::keys::Owners;
use day02_state::operator::{Batch, Keyed};
use day02_state::rows::Rows;

use crate::chunk::{Chunk, Column, Values};
use crate::keys;

/// A chunk with the key of each row.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct KeyedChunk {
    /// The keys with their hashes, as many as the chunk has rows.
    pub keys: Rows<()>,
    /// The rows.
    pub chunk: Chunk,
}

impl KeyedChunk {
    /// The rows with the columns at these places as their keys. Without any, all rows have one key.
    pub fn by(chunk: Chunk, places: &[usize]) -> Self {
        let columns: Vec<&Column> = places.iter().map(|place| &chunk.columns[*place]).collect();
        let keys = keys_of(chunk.rows, &columns);
        KeyedChunk { keys, chunk }
    }

    /// The rows with these columns, which are not among theirs, as their keys.
    pub fn with(chunk: Chunk, columns: &[&Column]) -> Self {
        let keys = keys_of(chunk.rows, columns);
        KeyedChunk { keys, chunk }
    }
}

impl KeyedChunk {
    /// These rows, in this order.
    pub fn gather(&self, rows: &[u32]) -> Self {
        KeyedChunk {
            keys: self.keys.gather(rows),
            chunk: self.chunk.gather(rows),
        }
    }
}

fn keys_of(rows: usize, columns: &[&Column]) -> Rows<()> {
    // A single text is its own key, so nothing has to be put together.
    if let [
        Column {
            values: Values::Varchar(texts),
            valid: None,
        },
    ] = columns
    {
        let mut keys = Rows::with_capacity(rows, texts.byte_len());
        for text in texts.iter() {
            keys.push(text.as_bytes(), ());
        }
        return keys;
    }
    let mut keys = Rows::with_capacity(rows, 0);
    let mut key = Vec::new();
    for row in 0..rows {
        key.clear();
        keys::encode(columns, row, &mut key);
        keys.push(&key, ());
    }
    keys
}

impl Batch for KeyedChunk {
    fn rows(&self) -> usize {
        self.chunk.rows
    }

    fn append(&mut self, other: Self) {
        self.keys.append(other.keys);
        self.chunk.append(other.chunk);
    }

    fn cut(self, rows: usize) -> Vec<Self> {
        let all: Vec<u32> = (0..self.rows() as u32).collect();
        all.chunks(rows).map(|some| self.gather(some)).collect()
    }

    fn take(&mut self) -> Self {
        KeyedChunk {
            keys: self.keys.take(),
            chunk: std::mem::take(&mut self.chunk),
        }
    }
}

impl Keyed for KeyedChunk {
    fn scatter(self, owners: &Owners, lanes: &mut [Self]) {
        if let [lane] = lanes {
            return lane.append(self);
        }
        let mut rows_of = vec![Vec::new(); lanes.len()];
        for (row, hash) in (0..).zip(self.keys.hashes()) {
            rows_of[owners.lane(*hash)].push(row);
        }
        let mut keys_of = vec![Rows::new(); lanes.len()];
        self.keys.scatter(owners, &mut keys_of);
        for ((lane, keys), rows) in lanes.iter_mut().zip(keys_of).zip(rows_of) {
            if !rows.is_empty() {
                let chunk = self.chunk.gather(&rows);
                lane.append(KeyedChunk { keys, chunk });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;
    use crate::chunk::Change;
    use crate::value::{DataType, Scalar};

    const TYPES: [DataType; 3] = [DataType::Int, DataType::Varchar, DataType::BigInt];

    /// Rows whose last value is their number.
    fn numbered() -> impl Strategy<Value = Vec<(Change, Vec<Scalar>)>> {
        arbitrary::rows(TYPES.to_vec(), 40).prop_map(|mut rows| {
            for (number, (_, row)) in (0..).zip(&mut rows) {
                row[2] = Scalar::BigInt(number);
            }
            rows
        })
    }

    proptest! {
        #[test]
        fn every_row_goes_to_the_owner_of_its_key_and_keeps_its_order_and_its_change(
            rows in numbered(), before in 0_usize..3, lanes in 1_usize..5, places in prop::sample::subsequence(vec![0, 1], 0..=2)
        ) {
            let first = before.min(rows.len());
            let keyed = |rows| KeyedChunk::by(arbitrary::chunk(&TYPES, rows), &places);
            let (owners, whole) = (Owners::of(lanes), keyed(&rows));
            let mut scattered = vec![KeyedChunk::default(); lanes];
            keyed(&rows[..first]).scatter(&owners, &mut scattered);
            keyed(&rows[first..]).scatter(&owners, &mut scattered);
            let mut seen = 0;
            for (lane, part) in scattered.iter().enumerate() {
                prop_assert_eq!(part.keys.len(), part.chunk.rows);
                let mut last = None;
                for (row, (key, hash)) in part.keys.keys().enumerate() {
                    let Scalar::BigInt(number) = part.chunk.row(row)[2] else { panic!("numbered") };
                    let (change, values) = &rows[number as usize];
                    prop_assert_eq!(&part.chunk.row(row), values);
                    prop_assert_eq!(part.chunk.change(row), *change);
                    prop_assert_eq!(key, whole.keys.key(number as usize));
                    prop_assert_eq!(owners.lane(hash), lane);
                    prop_assert!(last < Some(number));
                    last = Some(number);
                    seen += 1;
                }
            }
            prop_assert_eq!(seen, rows.len());
        }

        #[test]
        fn keys_are_those_of_the_columns_whichever_way_they_are_made(rows in numbered()) {
            let chunk = arbitrary::chunk(&TYPES, &rows);
            for places in [vec![], vec![0], vec![1], vec![1, 0]] {
                let columns: Vec<&Column> = places.iter().map(|place| &chunk.columns[*place]).collect();
                let by = KeyedChunk::by(chunk.clone(), &places);
                prop_assert_eq!(&by, &KeyedChunk::with(chunk.clone(), &columns));
                for row in 0..chunk.rows {
                    let mut key = Vec::new();
                    keys::encode(&columns, row, &mut key);
                    prop_assert_eq!(by.keys.key(row), key);
                }
            }
        }
    }

    #[test]
    fn a_text_has_the_same_key_in_a_chunk_with_nulls_and_without() {
        let text = |text: &str| Scalar::Varchar(text.to_string().into());
        let with = arbitrary::column(DataType::Varchar, &[text("m-7"), Scalar::Null]);
        let without = arbitrary::column(DataType::Varchar, &[text("m-7")]);
        let keys = |column| KeyedChunk::by(Chunk::from_columns(vec![column]), &[0]).keys;
        assert_eq!(keys(with.clone()).key(0), keys(without).key(0));
        assert_eq!(keys(with).hashes()[0], day02_state::keys::hash(b"m-7"));
    }

    #[test]
    fn what_was_taken_leaves_room_for_the_next_rows() {
        let row =
            |number| Chunk::from_columns(vec![arbitrary::column(DataType::Int, &[Scalar::Int(number)])]);
        let mut all = KeyedChunk::by(row(1), &[0]);
        all.append(KeyedChunk::by(row(2), &[0]));
        assert_eq!(all.rows(), 2);
        let taken = all.take();
        assert_eq!((taken.rows(), all.rows()), (2, 0));
        all.append(KeyedChunk::by(row(3), &[0]));
        assert_eq!(all, KeyedChunk::by(row(3), &[0]));
    }
}
