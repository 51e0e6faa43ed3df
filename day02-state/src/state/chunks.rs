//! Where the entries of a table lie: in chunks of 512, each either ours alone or shared with frozen tables.
//!
//! ```text
//! slot 1,025 = chunk 2, row 1
//!
//! chunk 0  mine    [ a=3 ][ b=1 ][ c=9 ] …       written since the last freeze
//! chunk 1  shared  [ d=2 ][ e=7 ][ f=1 ] …  ───  a frozen table holds it too
//! chunk 2  mine    [ g=4 ][ free ][ h=2 ]        the next insert goes into the free row
//! chunk 3  mine                                  vacant: no entry, no memory
//! ```
//!
//! Freezing shares every chunk and copies no entry. The first write to a shared chunk takes it back: without a copy if
//! no frozen table holds it any more, with a copy of its 512 entries if one does. Writing to a chunk that is ours
//! costs no atomic operation.
//!
//! Each chunk has a bit for each row, which a write sets. A snapshot that is to hold only what has changed reads these
//! bits: ten thousand rows among a million touch nearly every chunk, so a mark for each chunk would find all of them.
//! The bits of a frozen snapshot are kept aside until that snapshot is known to be durable
//! ([`Chunks::share_changes`]).
//!
//! An entry never moves while it lives, so its slot stays good until it is removed. Space comes back in three steps:
//!
//! 1. a removed entry drops its key and its value at once, and its row is the next to be filled in its chunk;
//! 2. a chunk whose last entry goes gives its memory back, all but the 32 bytes that describe it;
//! 3. those go when the table becomes empty.
//!
//! Left out on purpose: compaction. A chunk with one entry left keeps room for 512 until new entries fill it up,
//! which they do before any new chunk is begun.

use std::mem;
use std::sync::Arc;

use super::key::Key;

/// Entries in a full chunk. A freeze does a little for each chunk; the first batch after it copies every chunk that it
/// touches, which with keys from all over is one for almost every row. Four times as many entries make the freeze of a
/// million keys some 40 µs cheaper, and the batch after it some 10 ms dearer (`benches/snapshot.rs`).
pub(crate) const ROWS: usize = 512;
const ROW_BITS: u32 = ROWS.trailing_zeros();

/// Where an entry lies. Good until that entry is removed; afterwards another one may lie there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// The slot of no entry.
    pub(crate) const NONE: Slot = Slot(u32::MAX);

    /// Its number. As long as no key has been removed from a table, the keys have the numbers from 0 in the order of
    /// their insertion.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    #[inline]
    fn new(chunk: u32, row: usize) -> Self {
        Slot(chunk << ROW_BITS | row as u32)
    }

    #[inline]
    fn chunk(self) -> usize {
        (self.0 >> ROW_BITS) as usize
    }

    #[inline]
    fn row(self) -> usize {
        self.0 as usize % ROWS
    }
}

/// One row of a chunk. A free one hides in bytes that no key uses, so it makes an entry no larger.
#[derive(Debug, Clone)]
pub(crate) enum Entry<V> {
    Taken {
        key: Key,
        value: V,
    },
    /// `next` is the next free row of the same chunk, or [`END`].
    Free {
        next: u16,
    },
}

/// The end of the free rows of a chunk.
const END: u16 = u16::MAX;

/// The entries among some rows.
pub(crate) fn taken<V>(rows: &[Entry<V>]) -> impl Iterator<Item = (&[u8], &V)> {
    rows.iter().filter_map(|entry| match entry {
        Entry::Taken { key, value } => Some((key.bytes(), value)),
        Entry::Free { .. } => None,
    })
}

/// The rows of a chunk, and whose they are.
#[derive(Debug)]
enum Rows<V> {
    Mine(Vec<Entry<V>>),
    Shared(Arc<Vec<Entry<V>>>),
}

impl<V: Clone> Rows<V> {
    #[inline]
    fn get(&self) -> &Vec<Entry<V>> {
        match self {
            Rows::Mine(rows) => rows,
            Rows::Shared(rows) => rows,
        }
    }

    /// The rows, to be written.
    #[inline]
    fn mine(&mut self) -> &mut Vec<Entry<V>> {
        match self {
            Rows::Mine(rows) => rows,
            Rows::Shared(_) => self.take_back(),
        }
    }

    #[cold]
    #[inline(never)]
    fn take_back(&mut self) -> &mut Vec<Entry<V>> {
        *self = Rows::Mine(match mem::replace(self, Rows::Mine(Vec::new())) {
            Rows::Mine(rows) => rows,
            Rows::Shared(rows) => Arc::try_unwrap(rows).unwrap_or_else(|rows| {
                // A plain clone would have no room for the entries still to come.
                let mut copy = Vec::with_capacity(rows.capacity());
                copy.extend_from_slice(&rows);
                copy
            }),
        });
        match self {
            Rows::Mine(rows) => rows,
            Rows::Shared(rows) => Arc::make_mut(rows),
        }
    }

    /// Makes the rows shared, and gives the other share away.
    fn share(&mut self) -> Arc<Vec<Entry<V>>> {
        let rows = match mem::replace(self, Rows::Mine(Vec::new())) {
            Rows::Mine(rows) => Arc::new(rows),
            Rows::Shared(rows) => rows,
        };
        *self = Rows::Shared(Arc::clone(&rows));
        rows
    }
}

/// A bit for each row of a chunk.
pub(crate) type Bits = [u64; ROWS / 64];
const NO_BITS: Bits = [0; ROWS / 64];

/// The rows of a chunk as a frozen table holds them, and which of them have changed.
#[derive(Debug, Clone)]
pub(crate) struct FrozenChunk<V> {
    pub rows: Arc<Vec<Entry<V>>>,
    pub changed: Bits,
}

impl<V> FrozenChunk<V> {
    /// The numbers of the rows that have changed.
    pub(crate) fn changed(&self) -> impl Iterator<Item = usize> {
        let words = self.changed.iter().enumerate();
        words.flat_map(|(word, bits)| {
            let is_set = move |bit: &usize| bits >> bit & 1 == 1;
            (0..64).filter(is_set).map(move |bit| word * 64 + bit)
        })
    }
}

#[derive(Debug)]
struct Chunk<V> {
    rows: Rows<V>,
    /// The rows that were written since the last snapshot was frozen.
    changed: Bits,
    /// How many rows are taken.
    taken: u16,
    /// The first free row among those that have been filled before, or [`END`].
    free: u16,
}

impl<V> Chunk<V> {
    #[inline]
    fn has_changed(&mut self, row: usize) {
        self.changed[row / 64] |= 1 << (row % 64);
    }
}

/// The entries of a table.
#[derive(Debug)]
pub(crate) struct Chunks<V> {
    chunks: Vec<Chunk<V>>,
    /// The chunks that have entries, and room for more. The last one is filled next.
    open: Vec<u32>,
    /// The chunks that have no entry and hold no memory.
    vacant: Vec<u32>,
    /// What the keys hold outside of the chunks.
    boxed: usize,
}

impl<V> Chunks<V> {
    pub(crate) const fn new() -> Self {
        Chunks {
            chunks: Vec::new(),
            open: Vec::new(),
            vacant: Vec::new(),
            boxed: 0,
        }
    }
}

impl<V: Clone> Chunks<V> {
    /// Whether `key` lies at `slot`. Any slot may be asked for.
    #[inline]
    pub(crate) fn holds(&self, slot: Slot, key: &[u8]) -> bool {
        let chunk = self.chunks.get(slot.chunk());
        match chunk.and_then(|chunk| chunk.rows.get().get(slot.row())) {
            Some(Entry::Taken { key: taken, .. }) => taken.is(key),
            _ => false,
        }
    }

    /// The entry at `slot`.
    #[inline]
    pub(crate) fn at(&self, slot: Slot) -> (&[u8], &V) {
        match &self.chunks[slot.chunk()].rows.get()[slot.row()] {
            Entry::Taken { key, value } => (key.bytes(), value),
            Entry::Free { .. } => stale(slot),
        }
    }

    /// The value at `slot`, to be written.
    #[inline]
    pub(crate) fn value_mut(&mut self, slot: Slot) -> &mut V {
        let chunk = &mut self.chunks[slot.chunk()];
        chunk.has_changed(slot.row());
        match &mut chunk.rows.mine()[slot.row()] {
            Entry::Taken { value, .. } => value,
            Entry::Free { .. } => stale(slot),
        }
    }

    /// Adds an entry and says where.
    pub(crate) fn put(&mut self, key: &[u8], value: V) -> Slot {
        let number = match self.open.last() {
            Some(number) => *number,
            None => self.open_another(),
        };
        let key = Key::new(key);
        self.boxed += key.boxed();
        let chunk = &mut self.chunks[number as usize];
        let rows = chunk.rows.mine();
        let entry = Entry::Taken { key, value };
        let row = match rows.get_mut(usize::from(chunk.free)) {
            Some(free) => {
                let row = usize::from(chunk.free);
                if let Entry::Free { next } = mem::replace(free, entry) {
                    chunk.free = next;
                }
                row
            }
            None => {
                // Only the first chunk grows step by step, so that a small table is small.
                if number > 0 && rows.capacity() == 0 {
                    rows.reserve_exact(ROWS);
                }
                rows.push(entry);
                rows.len() - 1
            }
        };
        chunk.taken += 1;
        chunk.has_changed(row);
        if usize::from(chunk.taken) == ROWS {
            self.open.pop();
        }
        Slot::new(number, row)
    }

    #[cold]
    fn open_another(&mut self) -> u32 {
        let number = self.vacant.pop().unwrap_or_else(|| {
            let number = self.chunks.len() as u32;
            // The last chunk is never begun, so that `Slot::NONE` stays the slot of no entry.
            assert!(
                number < u32::MAX >> ROW_BITS,
                "a table holds four billion entries at most"
            );
            if number == 0 {
                // A small table has one chunk.
                self.chunks.reserve_exact(1);
            }
            self.chunks.push(Chunk {
                rows: Rows::Mine(Vec::new()),
                changed: NO_BITS,
                taken: 0,
                free: END,
            });
            number
        });
        self.open.push(number);
        number
    }

    /// Removes the entry at `slot`.
    pub(crate) fn take(&mut self, slot: Slot) -> (Key, V) {
        let number = slot.chunk() as u32;
        let chunk = &mut self.chunks[slot.chunk()];
        let free = Entry::Free { next: chunk.free };
        let Entry::Taken { key, value } = mem::replace(&mut chunk.rows.mine()[slot.row()], free) else {
            stale(slot)
        };
        self.boxed -= key.boxed();
        chunk.free = slot.row() as u16;
        if usize::from(chunk.taken) == ROWS {
            self.open.push(number);
        }
        chunk.taken -= 1;
        if chunk.taken == 0 {
            chunk.rows = Rows::Mine(Vec::new());
            chunk.free = END;
            self.open.retain(|open| *open != number);
            self.vacant.push(number);
        }
        (key, value)
    }

    /// Shares all rows that hold entries, for a reader to whom it is all the same what has changed.
    pub(crate) fn share(&mut self) -> Vec<FrozenChunk<V>> {
        self.share_with(|_| NO_BITS)
    }

    /// Shares all rows that hold entries, with those that have changed since the base: the ones that stand in `pending`, and
    /// the ones that were written since the last call, which stand there from now on.
    pub(crate) fn share_changes(&mut self, pending: &mut Vec<Bits>) -> Vec<FrozenChunk<V>> {
        pending.resize(self.chunks.len(), NO_BITS);
        for (pending, chunk) in pending.iter_mut().zip(&mut self.chunks) {
            let changed = mem::replace(&mut chunk.changed, NO_BITS);
            pending
                .iter_mut()
                .zip(changed)
                .for_each(|(word, bits)| *word |= bits);
        }
        self.share_with(|number| pending[number])
    }

    fn share_with(&mut self, changed: impl Fn(usize) -> Bits) -> Vec<FrozenChunk<V>> {
        let chunks = self.chunks.iter_mut().enumerate();
        let chunks = chunks.filter(|(_, chunk)| chunk.taken > 0);
        let frozen = |(number, chunk): (usize, &mut Chunk<V>)| FrozenChunk {
            rows: chunk.rows.share(),
            changed: changed(number),
        };
        chunks.map(frozen).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.chunks.iter().flat_map(|chunk| taken(chunk.rows.get()))
    }

    /// The bytes that all this holds, by what was asked for.
    pub(crate) fn memory(&self) -> usize {
        let rows: usize = self.chunks.iter().map(|chunk| chunk.rows.get().capacity()).sum();
        rows * size_of::<Entry<V>>()
            + self.chunks.capacity() * size_of::<Chunk<V>>()
            + (self.open.capacity() + self.vacant.capacity()) * size_of::<u32>()
            + self.boxed
    }
}

/// A slot was used after its entry had been removed. Going on would count for the wrong key.
#[cold]
#[inline(never)]
fn stale(slot: Slot) -> ! {
    unreachable!("no entry lies at {slot:?} any more")
}

#[cfg(test)]
mod tests;
