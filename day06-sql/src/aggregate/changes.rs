//! Rules for streams of changes: what a filter and a projection make of them, and which table they add
//! up to.
//!
//! A changelog is a table that is told as a story. `+I` and `+U` put a row in, `-U` and `-D` take one
//! out, and an update is a `-U` with its `+U` right behind it. Rows are told apart by their values
//! alone, so the table is a multiset: the same row can be in it several times, and taking it out takes
//! *one* of them.
//!
//! ```text
//! HAVING COUNT(*) > 1        the table afterwards
//! -U m-7 1                   before fails ┐
//! +U m-7 2      ─►  +I m-7 2 after passes ┘          m-7 2
//! -U m-7 2      ─►  -U m-7 2 before passes ┐
//! +U m-7 3      ─►  +U m-7 3 after passes  ┘         m-7 3
//! -U m-7 3      ─►  -D m-7 3 before passes ┐
//! +U m-7 1                   after fails   ┘         (empty)
//! ```
//!
//! Half an update, which is one at the end of a chunk or without its other half, is read as what it
//! does alone: `-U` as `-D` and `+U` as `+I`.

use std::collections::BTreeMap;

use crate::chunk::{Change, Chunk, Column};
use crate::keys;
use crate::value::Scalar;

/// Whether an update begins at a row: a `-U` and its `+U`.
fn is_pair(chunk: &Chunk, row: usize) -> bool {
    row + 1 < chunk.rows
        && chunk.change(row) == Change::UpdateBefore
        && chunk.change(row + 1) == Change::UpdateAfter
}

// ANCHOR: filter
/// The changes of the rows that pass, for which `passes` says so. A row that did not pass before an
/// update and does afterwards is new; one that did and does not any more is gone.
pub fn filter(chunk: Chunk, passes: &[bool]) -> Chunk {
    if chunk.changes.is_none() {
        return chunk.filter(passes);
    }
    let mut kept = Kept::default();
    let mut row = 0;
    while row < chunk.rows {
        let is_pair = is_pair(&chunk, row);
        match (is_pair, passes[row], is_pair && passes[row + 1]) {
            (true, true, true) => {
                kept.keep(row, Change::UpdateBefore);
                kept.keep(row + 1, Change::UpdateAfter);
            }
            // It passed before.
            (true, true, false) => kept.keep(row, Change::Delete),
            // It passes now.
            (true, false, true) => kept.keep(row + 1, Change::Insert),
            (false, true, _) => kept.keep(row, alone(chunk.change(row))),
            (_, false, _) => {}
        }
        row += if is_pair { 2 } else { 1 };
    }
    kept.of(&chunk)
}
// ANCHOR_END: filter

/// Leaves out updates that change nothing, as a projection makes them when it hides the column that has
/// changed.
pub fn elide(chunk: Chunk) -> Chunk {
    if chunk.changes.is_none() {
        return chunk;
    }
    let mut kept = Kept::default();
    let mut row = 0;
    while row < chunk.rows {
        let is_pair = is_pair(&chunk, row);
        let unchanged = |column: &Column| same(&column.get(row), &column.get(row + 1));
        if is_pair && chunk.columns.iter().all(unchanged) {
            row += 2;
            continue;
        }
        kept.keep(row, chunk.change(row));
        row += 1;
    }
    match kept.rows.len() == chunk.rows {
        true => chunk,
        false => kept.of(&chunk),
    }
}

/// What half an update does.
fn alone(change: Change) -> Change {
    match change {
        Change::Insert | Change::UpdateAfter => Change::Insert,
        Change::Delete | Change::UpdateBefore => Change::Delete,
    }
}

/// Rows of a chunk that stay, and what they do now.
#[derive(Default)]
struct Kept {
    rows: Vec<u32>,
    changes: Vec<Change>,
}

impl Kept {
    fn keep(&mut self, row: usize, change: Change) {
        self.rows.push(row as u32);
        self.changes.push(change);
    }

    fn of(self, chunk: &Chunk) -> Chunk {
        let mut chunk = chunk.gather(&self.rows);
        chunk.changes = Some(self.changes);
        chunk
    }
}

/// Whether two values are written alike, to the last digit: 1.0 and 1.00 are equal, and yet a changelog
/// that has said one must not take back the other.
pub(super) fn same(one: &Scalar, other: &Scalar) -> bool {
    match (one, other) {
        (Scalar::Double(one), Scalar::Double(other)) => one.to_bits() == other.to_bits(),
        (Scalar::Numeric(one), Scalar::Numeric(other)) => one == other && one.scale() == other.scale(),
        _ => one == other,
    }
}

/// A row in words.
pub(super) fn words(row: &[Scalar]) -> String {
    let values: Vec<String> = row.iter().map(Scalar::to_string).collect();
    values.join(", ")
}

/// A row was taken out that is not in the table.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{change}[{}] takes out a row that is not there", words(.row))]
pub struct NotThere {
    /// What the change was.
    pub change: Change,
    /// The row.
    pub row: Vec<Scalar>,
}

/// The table that changes have added up to.
///
/// ```
/// use day06_sql::aggregate::changes::Folded;
/// use day06_sql::chunk::{Change, Chunk};
/// use day06_sql::value::{DataType, Scalar};
/// let mut chunk = Chunk::of([DataType::Int]);
/// for (change, value) in [(Change::Insert, 1), (Change::Insert, 1), (Change::Delete, 1)] {
///     chunk.push(change, &[Scalar::Int(value)]).unwrap();
/// }
/// let mut table = Folded::default();
/// table.apply(&chunk).unwrap();
/// assert_eq!(table.rows().collect::<Vec<_>>(), [(&[Scalar::Int(1)][..], 1)]);
/// ```
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Folded {
    /// By the bytes of all their values, the rows and how often each is there.
    rows: BTreeMap<Vec<u8>, (Vec<Scalar>, u64)>,
}

impl Folded {
    /// Applies changes, in their order.
    ///
    /// # Errors
    /// A row is taken out that is not there. The changes before it have been applied.
    pub fn apply(&mut self, chunk: &Chunk) -> Result<(), NotThere> {
        let columns: Vec<&Column> = chunk.columns.iter().collect();
        for row in 0..chunk.rows {
            let change = chunk.change(row);
            let mut key = Vec::new();
            keys::encode(&columns, row, &mut key);
            if change.adds() {
                let (_, times) = self.rows.entry(key).or_insert_with(|| (chunk.row(row), 0));
                *times += 1;
                continue;
            }
            match self.rows.get_mut(&key) {
                Some((_, 1)) => _ = self.rows.remove(&key),
                Some((_, times)) => *times -= 1,
                None => {
                    let row = chunk.row(row);
                    return Err(NotThere { change, row });
                }
            }
        }
        Ok(())
    }

    /// The rows, and how often each is there: in one order, whatever has happened before.
    pub fn rows(&self) -> impl Iterator<Item = (&[Scalar], u64)> {
        self.rows.values().map(|(row, times)| (row.as_slice(), *times))
    }

    /// How many rows there are, each as often as it is there.
    pub fn len(&self) -> u64 {
        self.rows.values().map(|(_, times)| times).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The table that these changes add up to.
///
/// # Errors
/// A row is taken out that is not there.
pub fn fold<'a>(chunks: impl IntoIterator<Item = &'a Chunk>) -> Result<Folded, NotThere> {
    let mut table = Folded::default();
    chunks.into_iter().try_for_each(|chunk| table.apply(chunk))?;
    Ok(table)
}

/// What changes come to: of each row how often it is there more than before, or less; rows for which
/// that is 0 are left out. Two changelogs that say the same in different words come to the same.
pub fn consolidate<'a>(chunks: impl IntoIterator<Item = &'a Chunk>) -> Vec<(Vec<Scalar>, i64)> {
    let mut sums: BTreeMap<Vec<u8>, (Vec<Scalar>, i64)> = BTreeMap::new();
    for chunk in chunks {
        let columns: Vec<&Column> = chunk.columns.iter().collect();
        for row in 0..chunk.rows {
            let mut key = Vec::new();
            keys::encode(&columns, row, &mut key);
            let (_, times) = sums.entry(key).or_insert_with(|| (chunk.row(row), 0));
            *times += if chunk.change(row).adds() { 1 } else { -1 };
        }
    }
    sums.into_values().filter(|(_, times)| *times != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::DataType;
    use Change::{Delete, Insert, UpdateAfter, UpdateBefore};

    fn chunk(rows: &[(Change, i64, i64)]) -> Chunk {
        let mut chunk = Chunk::of([DataType::BigInt, DataType::BigInt]);
        for (change, one, other) in rows {
            chunk
                .push(*change, &[Scalar::BigInt(*one), Scalar::BigInt(*other)])
                .unwrap();
        }
        chunk
    }

    fn larger_than_one(rows: &[(Change, i64, i64)]) -> Vec<(Change, i64, i64)> {
        let passes: Vec<bool> = rows.iter().map(|(_, _, value)| *value > 1).collect();
        let filtered = filter(chunk(rows), &passes);
        let value = |scalar: &Scalar| match scalar {
            Scalar::BigInt(value) => *value,
            _ => unreachable!(),
        };
        let rows = (0..filtered.rows).map(|row| (filtered.change(row), filtered.row(row)));
        rows.map(|(change, row)| (change, value(&row[0]), value(&row[1])))
            .collect()
    }

    #[test]
    fn a_filter_turns_updates_into_what_they_are_for_those_who_see_only_what_passes() {
        type Rows = [(Change, i64, i64)];
        #[rustfmt::skip]
        let table: [(&Rows, &Rows); 9] = [
            (&[(UpdateBefore, 7, 1), (UpdateAfter, 7, 2)], &[(Insert, 7, 2)]),
            (&[(UpdateBefore, 7, 2), (UpdateAfter, 7, 3)], &[(UpdateBefore, 7, 2), (UpdateAfter, 7, 3)]),
            (&[(UpdateBefore, 7, 3), (UpdateAfter, 7, 1)], &[(Delete, 7, 3)]),
            (&[(UpdateBefore, 7, 0), (UpdateAfter, 7, 1)], &[]),
            (&[(Insert, 7, 1), (Insert, 8, 2), (Delete, 9, 2), (Delete, 9, 1)], &[(Insert, 8, 2), (Delete, 9, 2)]),
            (&[(UpdateBefore, 7, 2)], &[(Delete, 7, 2)]),
            (&[(UpdateAfter, 7, 2)], &[(Insert, 7, 2)]),
            (&[(UpdateBefore, 7, 2), (UpdateBefore, 8, 3), (UpdateAfter, 8, 4)],
                &[(Delete, 7, 2), (UpdateBefore, 8, 3), (UpdateAfter, 8, 4)]),
            (&[], &[]),
        ];
        for (before, after) in table {
            assert_eq!(larger_than_one(before), after, "{before:?}");
        }
    }

    #[test]
    fn a_filter_over_insertions_gives_insertions() {
        let filtered = filter(chunk(&[(Insert, 1, 1), (Insert, 2, 2)]), &[false, true]);
        assert_eq!((filtered.rows, filtered.changes), (1, None));
    }

    #[test]
    fn updates_that_change_nothing_are_left_out() {
        let before = [
            (Insert, 1, 1),
            (UpdateBefore, 1, 1),
            (UpdateAfter, 1, 1),
            (UpdateBefore, 1, 1),
            (UpdateAfter, 1, 2),
            (Delete, 3, 3),
            (Insert, 3, 3),
        ];
        let after = [before[0], before[3], before[4], before[5], before[6]];
        assert_eq!(elide(chunk(&before)), chunk(&after));
        assert_eq!(elide(chunk(&after)), chunk(&after));
    }

    #[test]
    fn the_same_number_in_other_digits_is_a_change() {
        let of = |before: &str, after: &str| {
            let mut chunk = Chunk::of([DataType::Numeric(None)]);
            for (change, text) in [(UpdateBefore, before), (UpdateAfter, after)] {
                chunk
                    .push(change, &[Scalar::Numeric(text.parse().unwrap())])
                    .unwrap();
            }
            elide(chunk).rows
        };
        assert_eq!((of("1.0", "1.0"), of("1.0", "1.00")), (0, 2));
    }

    #[test]
    fn taking_out_takes_one_of_equal_rows_and_no_more_than_there_are() {
        let mut table = fold([&chunk(&[(Insert, 1, 1), (Insert, 1, 1), (Delete, 1, 1)])]).unwrap();
        assert_eq!(table.len(), 1);
        table
            .apply(&chunk(&[(UpdateBefore, 1, 1), (UpdateAfter, 1, 2)]))
            .unwrap();
        assert_eq!(
            table
                .rows()
                .map(|(row, times)| (row.to_vec(), times))
                .collect::<Vec<_>>(),
            [(vec![Scalar::BigInt(1), Scalar::BigInt(2)], 1)]
        );
        let refused = table
            .apply(&chunk(&[(Delete, 1, 2), (Delete, 1, 2)]))
            .unwrap_err();
        assert_eq!(refused.to_string(), "-D[1, 2] takes out a row that is not there");
        assert!(table.is_empty());
    }

    #[test]
    fn changelogs_that_say_the_same_consolidate_to_the_same() {
        let step_by_step = [
            chunk(&[(Insert, 1, 1), (UpdateBefore, 1, 1), (UpdateAfter, 1, 2)]),
            chunk(&[(Insert, 2, 1), (Delete, 2, 1), (Delete, 3, 3), (Delete, 3, 3)]),
        ];
        let at_once = chunk(&[(Delete, 3, 3), (Insert, 1, 2), (Delete, 3, 3)]);
        let sums = consolidate(&step_by_step);
        assert_eq!(sums, consolidate([&at_once]));
        let times: Vec<i64> = sums.iter().map(|(_, times)| *times).collect();
        assert_eq!(times, [1, -2]);
    }
}
