use std::collections::BTreeMap;

use day02_state::keys::Owners;
use day02_state::operator::Keyed;
use day02_state::state::share;
use proptest::prelude::*;

use super::*;
use crate::aggregate::changes::{Folded, fold};
use crate::value::Scalar;
use Change::{Delete, Insert, UpdateAfter, UpdateBefore};

const TYPES: [DataType; 2] = [DataType::Int, DataType::Varchar];

type Row = (i32, &'static str);

fn keyed(rows: &[(Change, Row)]) -> KeyedChunk {
    let mut chunk = Chunk::of(TYPES);
    for (change, (key, text)) in rows {
        let row = [Scalar::Int(*key), Scalar::Varchar((*text).into())];
        chunk.push(*change, &row).unwrap();
    }
    KeyedChunk::by(chunk, &[0])
}

fn join() -> Join {
    Join::new([TYPES.to_vec(), TYPES.to_vec()])
}

/// What comes out as lines: the change, and the texts of both sides.
fn lines(chunk: &Chunk) -> Vec<String> {
    let line = |row: usize| {
        let values = chunk.row(row);
        format!("{} {} {}", chunk.change(row), values[1], values[3])
    };
    (0..chunk.rows).map(line).collect()
}

#[test]
fn the_story_of_the_header() {
    let mut join = join();
    let (left, right) = (0, 1);
    #[rustfmt::skip]
    type Rows = [(Change, Row)];
    let story: [(usize, &Rows, &[&str]); 5] = [
        (left, &[(Insert, (7, "5 EUR"))], &[]),
        (right, &[(Insert, (7, "Anna"))], &["+I 5 EUR Anna"]),
        (
            left,
            &[(Insert, (7, "9 EUR")), (Insert, (8, "1 EUR"))],
            &["+I 9 EUR Anna"],
        ),
        (
            right,
            &[(UpdateBefore, (7, "Anna")), (UpdateAfter, (7, "Ana"))],
            &["-U 5 EUR Anna", "+U 5 EUR Ana", "-U 9 EUR Anna", "+U 9 EUR Ana"],
        ),
        (left, &[(Delete, (7, "5 EUR"))], &["-D 5 EUR Ana"]),
    ];
    for (side, rows, expected) in story {
        let mut out = Chunk::default();
        join.on_rows(side, &keyed(rows), &mut out).unwrap();
        assert_eq!(lines(&out), expected);
    }
}

#[test]
fn an_update_that_moves_a_row_to_another_key_is_two_halves() {
    let mut join = join();
    let mut ignored = Chunk::default();
    join.on_rows(
        1,
        &keyed(&[(Insert, (1, "one")), (Insert, (2, "two"))]),
        &mut ignored,
    )
    .unwrap();
    join.on_rows(0, &keyed(&[(Insert, (1, "x"))]), &mut ignored)
        .unwrap();
    let mut out = Chunk::default();
    let moved = [(UpdateBefore, (1, "x")), (UpdateAfter, (2, "x"))];
    join.on_rows(0, &keyed(&moved), &mut out).unwrap();
    assert_eq!(lines(&out), ["-D x one", "+I x two"]);
}

#[test]
fn a_row_that_is_there_twice_is_in_twice_as_many_pairs_and_is_taken_back_once() {
    let mut join = join();
    let mut out = Chunk::default();
    let twice = [(Insert, (1, "x")), (Insert, (1, "x"))];
    join.on_rows(0, &keyed(&twice), &mut out).unwrap();
    join.on_rows(1, &keyed(&twice), &mut out).unwrap();
    assert_eq!(out.rows, 4);
    join.on_rows(0, &keyed(&[(Delete, (1, "x"))]), &mut out).unwrap();
    assert_eq!(fold([&out]).unwrap().len(), 2);
}

#[test]
fn what_is_not_there_cannot_be_taken_back() {
    let gone = keyed(&[(Delete, (1, "x"))]);
    let error = join().on_rows(0, &gone, &mut Chunk::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a join is to lose a row that it does not have: 1, x"
    );
}

/// What may happen to a side: a row is added, or one of those that are there goes, or becomes another.
#[derive(Debug, Clone)]
enum Op {
    Add(Row),
    Remove(usize),
    Update(usize, Row),
}

fn ops() -> impl Strategy<Value = Vec<(usize, Op)>> {
    let row = || (0..3_i32, prop::sample::select(vec!["a", "b"]));
    let op = prop_oneof![
        3 => row().prop_map(Op::Add),
        1 => (0..9_usize).prop_map(Op::Remove),
        2 => (0..9_usize, row()).prop_map(|(which, row)| Op::Update(which, row)),
    ];
    prop::collection::vec((0..2_usize, op), 0..40)
}

/// The changes that an operation makes of the rows of a side.
fn apply(rows: &mut Vec<Row>, op: &Op) -> Vec<(Change, Row)> {
    match op {
        Op::Add(row) => {
            rows.push(*row);
            vec![(Insert, *row)]
        }
        Op::Remove(_) | Op::Update(..) if rows.is_empty() => Vec::new(),
        Op::Remove(which) => {
            let row = rows.remove(which % rows.len());
            vec![(Delete, row)]
        }
        Op::Update(which, row) => {
            let which = which % rows.len();
            let before = std::mem::replace(&mut rows[which], *row);
            vec![(UpdateBefore, before), (UpdateAfter, *row)]
        }
    }
}

/// All pairs, by a loop in a loop.
fn expected(sides: &[Vec<Row>; 2]) -> BTreeMap<String, u64> {
    let mut pairs = BTreeMap::new();
    for left in &sides[0] {
        for right in sides[1].iter().filter(|right| right.0 == left.0) {
            *pairs.entry(format!("{left:?} {right:?}")).or_insert(0) += 1;
        }
    }
    pairs
}

fn found(folded: &Folded) -> BTreeMap<String, u64> {
    let value = |value: &Scalar| match value {
        Scalar::Varchar(text) => text.to_string(),
        other => panic!("{other}"),
    };
    let line = |row: &[Scalar]| {
        let (Scalar::Int(left), Scalar::Int(right)) = (&row[0], &row[2]) else {
            panic!("{row:?}");
        };
        format!("{:?} {:?}", (left, value(&row[1])), (right, value(&row[3])))
    };
    folded.rows().map(|(row, times)| (line(row), times)).collect()
}

proptest! {
    /// With any number of workers, any chunks, and a restore with another number of workers on the way.
    #[test]
    fn the_changes_add_up_to_the_pairs_of_what_both_sides_add_up_to(
        ops in ops(), at_once in 1..5_usize, workers in 1..4_usize, later in 1..4_usize, restores_after in 0..40_usize,
    ) {
        let mut joins: Vec<Join> = (0..workers).map(|_| join()).collect();
        let mut sides = [Vec::new(), Vec::new()];
        let mut table = Folded::default();
        for (number, some) in ops.chunks(at_once).enumerate() {
            if number == restores_after {
                let parts: Vec<Part> = joins.iter_mut().flat_map(|join| join.snapshot(1).parts()).collect();
                joins = (0..later).map(|_| join()).collect();
                for (worker, join) in joins.iter_mut().enumerate() {
                    join.restore(share(&parts, worker, later, |_| false)).unwrap();
                }
            }
            let of = joins.len();
            for (side, rows) in sides.iter_mut().enumerate() {
                let changes = some.iter().filter(|(of, _)| *of == side);
                let changes: Vec<_> = changes.flat_map(|(_, op)| apply(rows, op)).collect();
                let mut dealt = vec![KeyedChunk::default(); of];
                keyed(&changes).scatter(&Owners::of(of), &mut dealt);
                for (join, rows) in joins.iter_mut().zip(dealt) {
                    let mut out = Chunk::default();
                    join.on_rows(side, &rows, &mut out).unwrap();
                    // Every prefix is a valid story: nothing is taken back that is not there.
                    table.apply(&out).unwrap();
                }
            }
            prop_assert_eq!(found(&table), expected(&sides));
        }
    }
}
