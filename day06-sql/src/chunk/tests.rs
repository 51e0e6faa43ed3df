use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::arbitrary::{self, TYPES, same};

fn listed(chunk: &Chunk) -> Vec<(Change, Vec<Scalar>)> {
    (0..chunk.rows)
        .map(|row| (chunk.change(row), chunk.row(row)))
        .collect()
}

/// The same rows, though `==` takes NaN for different from itself.
fn same_rows(a: &[(Change, Vec<Scalar>)], b: &[(Change, Vec<Scalar>)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
}

/// What every chunk keeps to.
fn is_whole(chunk: &Chunk) -> bool {
    let lengths = chunk
        .changes
        .as_ref()
        .is_none_or(|changes| changes.len() == chunk.rows);
    lengths
        && chunk.columns.iter().all(|column| {
            let mask = column
                .valid
                .as_ref()
                .is_none_or(|valid| valid.len() == chunk.rows);
            mask && column.len() == chunk.rows
        })
}

proptest! {
    #[test]
    fn a_chunk_gives_the_rows_that_were_pushed(rows in arbitrary::rows(TYPES.to_vec(), 8)) {
        let chunk = arbitrary::chunk(&TYPES, &rows);
        prop_assert!(is_whole(&chunk));
        prop_assert_eq!(chunk.types(), TYPES);
        prop_assert!(same_rows(&listed(&chunk), &rows));
    }

    #[test]
    fn appending_chunks_is_appending_their_rows(
        a in arbitrary::rows(TYPES.to_vec(), 6), b in arbitrary::rows(TYPES.to_vec(), 6), default in any::<bool>()
    ) {
        let mut both = if default && a.is_empty() { Chunk::default() } else { arbitrary::chunk(&TYPES, &a) };
        both.append(arbitrary::chunk(&TYPES, &b));
        prop_assert!(is_whole(&both));
        prop_assert!(same_rows(&listed(&both), &[a, b].concat()));
    }

    #[test]
    fn what_was_taken_leaves_the_same_columns_for_others(
        a in arbitrary::rows(TYPES.to_vec(), 6), b in arbitrary::rows(TYPES.to_vec(), 6)
    ) {
        let mut chunk = arbitrary::chunk(&TYPES, &a);
        let taken = chunk.take();
        prop_assert!(same_rows(&listed(&taken), &a));
        prop_assert!(is_whole(&chunk) && chunk.rows == 0);
        for (change, row) in &b {
            chunk.push(*change, row).expect("the same types");
        }
        prop_assert!(is_whole(&chunk));
        prop_assert!(same_rows(&listed(&chunk), &b));
    }

    #[test]
    fn a_chunk_without_rows_adds_nothing(a in arbitrary::rows(TYPES.to_vec(), 6)) {
        let chunk = arbitrary::chunk(&TYPES, &a);
        let mut same = chunk.clone();
        same.append(Chunk::default());
        same.append(Chunk::of([DataType::Int]));
        prop_assert_eq!(same.types(), TYPES);
        prop_assert!(same_rows(&listed(&same), &a));
    }

    #[test]
    fn gathering_and_filtering_choose_rows(
        rows in arbitrary::rows(TYPES.to_vec(), 8), places in proptest::collection::vec(any::<Index>(), 0..10),
        keep in proptest::collection::vec(any::<bool>(), 8), all in any::<bool>()
    ) {
        let chunk = arbitrary::chunk(&TYPES, &rows);
        if !rows.is_empty() {
            let places: Vec<u32> = places.iter().map(|place| place.index(rows.len()) as u32).collect();
            let expected: Vec<_> = places.iter().map(|place| rows[*place as usize].clone()).collect();
            let gathered = chunk.gather(&places);
            prop_assert!(is_whole(&gathered));
            prop_assert!(same_rows(&listed(&gathered), &expected));
        }
        let keep: Vec<bool> = keep[..rows.len()].iter().map(|keep| *keep || all).collect();
        let expected: Vec<_> = rows.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(row, _)| row.clone()).collect();
        for (place, column) in chunk.columns.iter().enumerate() {
            let filtered = column.filter(&keep);
            let kept: Vec<Scalar> = (0..filtered.len()).map(|row| filtered.get(row)).collect();
            let expected: Vec<Scalar> = expected.iter().map(|(_, row)| row[place].clone()).collect();
            prop_assert!(same(&kept, &expected));
        }
        let filtered = chunk.filter(&keep);
        prop_assert!(is_whole(&filtered));
        prop_assert!(same_rows(&listed(&filtered), &expected));
    }
}

#[test]
fn a_chunk_without_columns_still_has_rows() {
    let mut chunk = Chunk::of([]);
    chunk.push(Change::Insert, &[]).unwrap();
    chunk.push(Change::Delete, &[]).unwrap();
    chunk.append(chunk.clone());
    assert_eq!(chunk.rows, 4);
    assert_eq!(chunk.gather(&[1, 2]).change(0), Change::Delete);
    assert_eq!(chunk.filter(&[false, true, false, true]).rows, 2);
}

#[test]
fn a_row_that_does_not_fit_is_not_appended_at_all() {
    let mut chunk = Chunk::of([DataType::Int, DataType::Varchar]);
    let error = chunk
        .push(Change::Insert, &[Scalar::Int(1), Scalar::Int(2)])
        .unwrap_err();
    assert_eq!(error.to_string(), "2 does not fit into a column of type VARCHAR");
    assert!(is_whole(&chunk));
    assert_eq!((chunk.rows, chunk.columns[0].len()), (0, 0));
}

#[test]
fn a_value_of_another_type_leaves_the_column_as_it_was() {
    for (place, data_type) in TYPES.iter().enumerate() {
        let mut column = Column::new(*data_type, 1);
        column.push_null();
        let other = Column::new(TYPES[(place + 1) % TYPES.len()], 0).values;
        let mut one = Column::of(other);
        one.push_null();
        let stranger = one.values.get(0);
        assert!(column.push(stranger).is_err());
        assert_eq!(
            column.push(Scalar::Varchar("a".into())).is_ok(),
            *data_type == DataType::Varchar
        );
        let rows = column.len();
        assert_eq!(rows, column.valid.as_ref().unwrap().len());
    }
}

#[test]
fn texts_are_pushed_with_and_without_nulls_before_them() {
    let mut column = Column::new(DataType::Varchar, 0);
    column.push(Scalar::Varchar("ß".into())).unwrap();
    assert_eq!(column.valid, None);
    column.push_null();
    column.push(Scalar::Varchar("".into())).unwrap();
    let values: Vec<Scalar> = (0..3).map(|row| column.get(row)).collect();
    assert_eq!(
        values,
        [
            Scalar::Varchar("ß".into()),
            Scalar::Null,
            Scalar::Varchar("".into())
        ]
    );
}

#[test]
fn what_stands_where_null_is_does_not_matter() {
    let column = |values: Vec<i32>, valid: Option<Vec<bool>>| Column {
        values: Values::Int(values),
        valid,
    };
    assert_eq!(
        column(vec![1, 5], Some(vec![true, false])),
        column(vec![1, 6], Some(vec![true, false]))
    );
    assert_eq!(
        column(vec![1, 5], Some(vec![true, true])),
        column(vec![1, 5], None)
    );
    assert_ne!(
        column(vec![1, 5], Some(vec![true, false])),
        column(vec![1, 5], None)
    );
    assert_ne!(column(vec![], None), Column::new(DataType::BigInt, 0));
    let said = Chunk {
        changes: Some(vec![Change::Insert; 2]),
        ..Chunk::from_columns(vec![column(vec![1, 5], None)])
    };
    assert_eq!(said, Chunk::from_columns(vec![column(vec![1, 5], None)]));
}

#[test]
fn a_repeated_value_is_there_for_every_row() {
    for value in [Scalar::Varchar("ab".into()), Scalar::Null] {
        let column = Column::repeat(&value, DataType::Varchar, 3).unwrap();
        assert!((0..3).all(|row| column.get(row) == value));
        assert_eq!(Column::repeat(&value, DataType::Varchar, 0).unwrap().len(), 0);
    }
    assert!(Column::repeat(&Scalar::Int(1), DataType::BigInt, 3).is_err());
}

#[test]
fn changes_are_printed_with_their_signs() {
    let all = [
        Change::Insert,
        Change::UpdateBefore,
        Change::UpdateAfter,
        Change::Delete,
    ];
    assert_eq!(all.map(|change| change.to_string()), ["+I", "-U", "+U", "-D"]);
    assert_eq!(all.map(Change::adds), [true, false, true, false]);
}
