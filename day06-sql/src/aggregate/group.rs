//! GROUP BY without windows: one row a group, and whenever it changes, the change.
//!
//! ```text
//! a chunk of orders     groups                 out
//! +I m-7                m-7  1                 +I m-7 1
//! ─────────────────────────────────────────────────────────────────
//! +I m-7                m-7  1 ─► 3            -U m-7 1
//! +I m-9                m-9  1                 +U m-7 3
//! +I m-7                                       +I m-9 1
//! ─────────────────────────────────────────────────────────────────
//! -D m-9                m-7  3                 -D m-9 1
//! ```
//!
//! A chunk is taken in as a whole. First all its keys are looked up, then each aggregate goes through
//! its column, and then each group that was touched says what it has come to. So:
//!
//! 1. However often a chunk touches a group, the group comes out once: in the order in which groups
//!    were first touched, `-U` and `+U` side by side. One whose row has not changed says nothing.
//! 2. After every row that comes out, all rows so far are a valid changelog; after every chunk, they
//!    add up to what a batch query says of the input so far.
//! 3. A group without rows is gone: `-D`, and its state with it. A row of it that is taken back then is
//!    an error.
//! 4. Without a key, there is one group, and it is there from the beginning, also over no rows: COUNT
//!    is 0, SUM is NULL. It belongs to the worker that owns the empty key, and no other.
//!
//! Left out on purpose: an expiry of old groups, which would make results wrong by design, and minima
//! and maxima of an input that takes rows back.

use day02_state::keys::Owners;
use day02_state::operator::Outcome;
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Part, Slot, Stateful, Table};
use day03_windows::aggregate::Overflow;

use super::acc::{Acc, Accs, Sign};
use super::calls::{Call, Calls, retractable};
use super::changes::same;
use super::saved::{check_signature, signature};
use super::{AggregateError, append, describe, takes_back};
use crate::chunk::{Change, Chunk, Column, Values};
use crate::keyed::KeyedChunk;
use crate::keys;
use crate::plan::AggregateFunction;
use crate::value::{DataType, Scalar};

/// The name of the groups among the parts of a snapshot.
const GROUPS: &str = "groups";
/// The key of all rows, if they are not grouped by anything.
const ALL: &[u8] = b"";

/// The worker, of so many, that has the one group of a query without a key.
pub fn owner_of_all(workers: usize) -> usize {
    Owners::of(workers).lane(day02_state::keys::hash(ALL))
}

/// A group that the chunk in hand has touched.
#[derive(Debug)]
struct Touched {
    slot: Slot,
    /// The first of its rows in the chunk.
    row: u32,
    /// Whether it was there before.
    was: bool,
}

/// Groups, and the result that is always up to date.
#[derive(Debug)]
pub struct GroupBy {
    keys: Vec<DataType>,
    calls: Calls,
    owns_all: bool,
    groups: Table<Accs>,
    /// Of each row of the chunk in hand, where its group is.
    slots: Vec<Slot>,
    touched: Vec<Touched>,
    /// By slot, where its group may be in `touched`; what stands there of earlier chunks does no harm,
    /// because a group that was touched says itself where it is.
    marks: Vec<u32>,
    /// The results of the touched groups before the chunk, end to end.
    before: Vec<Scalar>,
}

impl GroupBy {
    /// Groups by keys of these types. `owns_all` is asked for without a key: whether this worker has
    /// the one group of all rows, see [`owner_of_all`].
    pub fn new(keys: Vec<DataType>, calls: Calls, owns_all: bool) -> Self {
        GroupBy {
            owns_all: owns_all && keys.is_empty(),
            keys,
            calls,
            groups: Table::new(),
            slots: Vec::new(),
            touched: Vec::new(),
            marks: Vec::new(),
            before: Vec::new(),
        }
    }

    /// How many columns are keys.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// The types of the columns of the result: first the keys, then the aggregates.
    pub fn types(&self) -> Vec<DataType> {
        let results = self.calls.all().iter().map(Call::data_type);
        self.keys.iter().copied().chain(results).collect()
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// How many bytes are held, as far as they were asked for.
    pub fn memory(&self) -> usize {
        self.groups.memory() + self.marks.capacity() * size_of::<u32>()
    }

    /// Says what there is before any row has come: without a key, the one row of all rows. After a
    /// restore it has been said.
    ///
    /// # Errors
    /// None that is not one of the program.
    pub fn on_start(&mut self, out: &mut Chunk) -> Result<(), AggregateError> {
        if self.owns_all && self.groups.is_empty() {
            let calls = &self.calls;
            self.groups
                .update(ALL, day02_state::keys::hash(ALL), || calls.empty());
            let mut results = Vec::new();
            finish(calls, &calls.empty(), ALL, &self.keys, &mut results)?;
            self.prepare(out);
            append(out, Change::Insert, &[], &results)?;
        }
        Ok(())
    }

    // ANCHOR: chunk
    /// Takes the rows of a chunk in, or back, and appends the changes of their groups to `out`, which
    /// is of the types of the result or has no column yet.
    ///
    /// # Errors
    /// A row is taken back that was never there, or from an aggregate that cannot; or a result does not
    /// fit in its type. The groups are then good for nothing any more.
    pub fn on_chunk(&mut self, input: &KeyedChunk, out: &mut Chunk) -> Result<(), AggregateError> {
        self.on_start(out)?;
        let (keys, chunk) = (&input.keys, &input.chunk);
        if chunk.rows == 0 {
            return Ok(());
        }
        self.refuse_retractions(chunk)?;
        let calls = &self.calls;
        self.groups.slots(
            keys.hashes(),
            |row| keys.key(row),
            || calls.empty(),
            &mut self.slots,
        );
        self.touch(keys)?;
        self.count_rows(keys, chunk)?;
        for number in 0..self.calls.subtract().len() {
            self.take_in(number, keys, chunk)?;
        }
        self.emit(keys, out)
    }
    // ANCHOR_END: chunk

    fn refuse_retractions(&self, chunk: &Chunk) -> Result<(), AggregateError> {
        let mut calls = self.calls.all().iter();
        match calls.find(|call| !retractable(call.function())) {
            Some(call) if takes_back(chunk) => Err(AggregateError::OnlyGrows(call.to_string())),
            _ => Ok(()),
        }
    }

    /// Notes each group once, with its result as it is now.
    fn touch(&mut self, keys: &Rows<()>) -> Result<(), AggregateError> {
        self.touched.clear();
        self.before.clear();
        let needed = self.slots.iter().map(|slot| slot.index() + 1).max().unwrap_or(0);
        if self.marks.len() < needed {
            self.marks.resize(needed, 0);
        }
        for (row, slot) in self.slots.iter().enumerate() {
            let mark = &mut self.marks[slot.index()];
            let known = self.touched.get(*mark as usize);
            if known.is_some_and(|touched| touched.slot == *slot) {
                continue;
            }
            *mark = self.touched.len() as u32;
            let accs = self.groups.at(*slot).1;
            let was = accs.rows > 0 || self.owns_all;
            self.touched.push(Touched {
                slot: *slot,
                row: row as u32,
                was,
            });
            match was {
                true => finish(&self.calls, accs, keys.key(row), &self.keys, &mut self.before)?,
                false => self.before.extend(self.calls.all().iter().map(|_| Scalar::Null)),
            }
        }
        Ok(())
    }

    /// Counts the rows of all groups, which is all that `COUNT(*)` asks for.
    fn count_rows(&mut self, keys: &Rows<()>, chunk: &Chunk) -> Result<(), AggregateError> {
        let Some(changes) = &chunk.changes else {
            self.slots
                .iter()
                .for_each(|slot| self.groups.value_mut(*slot).count());
            return Ok(());
        };
        for (row, (slot, change)) in self.slots.iter().zip(changes).enumerate() {
            let accs = self.groups.value_mut(*slot);
            match change.adds() {
                true => accs.count(),
                false => accs.uncount().map_err(|_| self.unknown_row(keys.key(row)))?,
            }
        }
        Ok(())
    }

    fn unknown_row(&self, key: &[u8]) -> AggregateError {
        AggregateError::UnknownRow {
            group: describe(key, &self.keys),
        }
    }

    /// Takes a column into the accumulators of this number.
    fn take_in(&mut self, number: usize, keys: &Rows<()>, chunk: &Chunk) -> Result<(), AggregateError> {
        let Some((call, place)) = self.calls.with_argument().nth(number) else {
            return Ok(());
        };
        let unfit = || AggregateError::column(chunk, place, call);
        let column = chunk.columns.get(place).ok_or_else(unfit)?;
        let mut of = Argument {
            groups: &mut self.groups,
            slots: &self.slots,
            number,
            column,
            changes: chunk.changes.as_deref(),
        };
        let taken = match (call.function(), &column.values) {
            (AggregateFunction::Count, _) => of.each(|acc, _, sign| acc.count(1, sign)),
            (AggregateFunction::Min | AggregateFunction::Max, _) => {
                of.each(|acc, row, _| acc.extreme_at(column, row))
            }
            (_, Values::Int(list)) => of.each(|acc, row, sign| acc.exact(1, i128::from(list[row]), 0, sign)),
            (_, Values::BigInt(list)) => {
                of.each(|acc, row, sign| acc.exact(1, i128::from(list[row]), 0, sign))
            }
            (_, Values::Numeric(list)) => {
                of.each(|acc, row, sign| acc.exact(1, list[row].mantissa(), list[row].scale() as u8, sign))
            }
            (_, Values::Double(list)) => of.each(|acc, row, sign| acc.double(1, list[row], sign)),
            _ => return Err(unfit()),
        };
        taken.map_err(|(row, overflow)| match (overflow, chunk.change(row).adds()) {
            // More values are taken back than there were.
            (Overflow("count"), false) => self.unknown_row(keys.key(row)),
            _ => AggregateError::Overflow {
                call: *call,
                group: describe(keys.key(row), &self.keys),
                overflow,
            },
        })
    }

    // ANCHOR: emit
    /// What has become of the touched groups.
    fn emit(&mut self, keys: &Rows<()>, out: &mut Chunk) -> Result<(), AggregateError> {
        self.prepare(out);
        let (mut results, mut gone) = (Vec::new(), Vec::new());
        for (nth, touched) in self.touched.iter().enumerate() {
            let key = keys.key(touched.row as usize);
            let accs = self.groups.at(touched.slot).1;
            let is = accs.rows > 0 || self.owns_all;
            let before = &self.before[nth * self.calls.all().len()..][..self.calls.all().len()];
            results.clear();
            if is {
                finish(&self.calls, accs, key, &self.keys, &mut results)?;
            } else {
                gone.push(touched.row as usize);
            }
            let is_same = || results.iter().zip(before).all(|(now, then)| same(now, then));
            let rows: &[(Change, &[Scalar])] = match (touched.was, is) {
                (false, true) => &[(Change::Insert, &results)],
                (true, true) if !is_same() => {
                    &[(Change::UpdateBefore, before), (Change::UpdateAfter, &results)]
                }
                (true, false) => &[(Change::Delete, before)],
                // It is as it was, or came and went within the chunk.
                _ => continue,
            };
            let key = keys::decode(key, &self.keys)?;
            for (change, results) in rows {
                append(out, *change, &key, results)?;
            }
        }
        for row in gone {
            self.groups.remove(keys.key(row), keys.hashes()[row]);
        }
        if self.groups.is_empty() {
            self.marks = Vec::new();
        }
        Ok(())
    }
    // ANCHOR_END: emit

    /// Makes sure that `out` has the columns of the result and says what each row does.
    fn prepare(&self, out: &mut Chunk) {
        if out.columns.is_empty() {
            *out = Chunk::of(self.types());
        }
        let rows = out.rows;
        out.changes.get_or_insert_with(|| vec![Change::Insert; rows]);
    }

    /// What the state is of.
    fn signature(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(DataType::to_string).collect();
        format!("{} by ({})", self.calls, keys.join(", "))
    }
}

#[inline]
fn sign(changes: Option<&[Change]>, row: usize) -> Sign {
    match changes.is_none_or(|changes| changes[row].adds()) {
        true => Sign::Plus,
        false => Sign::Minus,
    }
}

/// The column that an aggregate is called on, and where its accumulators are.
struct Argument<'a> {
    groups: &'a mut Table<Accs>,
    slots: &'a [Slot],
    /// Which of its group's accumulators.
    number: usize,
    column: &'a Column,
    changes: Option<&'a [Change]>,
}

impl Argument<'_> {
    /// Goes through the rows that are not NULL, up to the first that fails.
    #[inline]
    fn each(
        &mut self,
        take: impl Fn(&mut Acc, usize, Sign) -> Result<(), Overflow>,
    ) -> Result<(), (usize, Overflow)> {
        for (row, slot) in self.slots.iter().enumerate() {
            if self.column.is_null(row) {
                continue;
            }
            let accs = self.groups.value_mut(*slot);
            let acc = accs.acc(self.number);
            acc.and_then(|acc| take(acc, row, sign(self.changes, row)))
                .map_err(|overflow| (row, overflow))?;
        }
        Ok(())
    }
}

/// Appends the results of a group.
fn finish(
    calls: &Calls,
    accs: &Accs,
    key: &[u8],
    types: &[DataType],
    results: &mut Vec<Scalar>,
) -> Result<(), AggregateError> {
    calls
        .finish(accs, results)
        .map_err(|(call, overflow)| AggregateError::Overflow {
            call,
            group: describe(key, types),
            overflow,
        })
}

impl Stateful for GroupBy {
    fn snapshot(&mut self, _: u64) -> Frozen {
        self.groups.snapshot(GROUPS).and(signature(&self.signature()))
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in check_signature(parts, &self.signature())? {
            match part.name.as_str() {
                GROUPS => self.groups.restore(&part)?,
                _ => return Err(part.bad("no state of groups has this name").into()),
            }
        }
        Ok(())
    }
}
