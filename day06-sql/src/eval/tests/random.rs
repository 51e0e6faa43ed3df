//! Random expressions over random chunks: all rows at once are as each row alone, errors included.

use proptest::prelude::*;
use proptest::sample::select;

use Function::*;

use super::*;
use crate::arbitrary::{TYPES, same};

/// An expression of a type over columns of all types, so many levels deep.
fn expr(data_type: DataType, depth: u32) -> BoxedStrategy<Expr> {
    let place = TYPES
        .iter()
        .position(|other| *other == data_type)
        .expect("every type has its column");
    let leaf = prop_oneof![
        3 => Just(Expr::Column(place, data_type)),
        1 => arbitrary::scalar(data_type).prop_map(move |value| Expr::Literal(value, data_type)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = move |data_type| expr(data_type, depth - 1);
    let case = (inner(DataType::Boolean), inner(data_type), inner(data_type));
    let case = case.prop_map(move |(condition, then, otherwise)| {
        Expr::Case(vec![(condition, then)], Box::new(otherwise), data_type)
    });
    let coalesce =
        (inner(data_type), inner(data_type)).prop_map(move |(a, b)| call(Coalesce, [a, b], data_type));
    let casts = TYPES.into_iter().filter(|from| castable(*from, data_type));
    let cast = select(casts.collect::<Vec<_>>()).prop_flat_map(inner);
    let cast = cast.prop_map(move |inner| Expr::Cast(Box::new(inner), data_type));
    let own = match data_type {
        DataType::Boolean => boolean(depth),
        DataType::Int | DataType::BigInt | DataType::Double | DataType::Numeric(_) => {
            let function = select(vec![Plus, Minus, Times, Divide, Modulo]);
            let sides = (function, inner(data_type), inner(data_type));
            sides
                .prop_map(move |(function, a, b)| call(function, [a, b], data_type))
                .boxed()
        }
        DataType::Varchar => (inner(data_type), inner(data_type))
            .prop_map(move |(a, b)| call(Concat, [a, b], data_type))
            .boxed(),
        DataType::Timestamp | DataType::TimestampTz => {
            let sides = (
                select(vec![Plus, Minus]),
                inner(data_type),
                inner(DataType::Interval),
            );
            sides
                .prop_map(move |(function, a, b)| call(function, [a, b], data_type))
                .boxed()
        }
        DataType::Interval => inner(data_type)
            .prop_map(move |a| call(Negate, [a], data_type))
            .boxed(),
    };
    prop_oneof![1 => leaf, 1 => case, 1 => coalesce, 1 => cast, 3 => own].boxed()
}

fn boolean(depth: u32) -> BoxedStrategy<Expr> {
    let boolean = DataType::Boolean;
    let inner = move |data_type| expr(data_type, depth - 1);
    let comparisons = select(vec![Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]);
    let compared = (comparisons, select(TYPES.to_vec())).prop_flat_map(move |(function, data_type)| {
        (inner(data_type), inner(data_type)).prop_map(move |(a, b)| call(function, [a, b], boolean))
    });
    let logic = (select(vec![And, Or]), inner(boolean), inner(boolean));
    let logic = logic.prop_map(move |(function, a, b)| call(function, [a, b], boolean));
    let not = inner(boolean).prop_map(move |a| call(Not, [a], boolean));
    let asked = (
        select(vec![IsNull, IsNotNull]),
        select(TYPES.to_vec()).prop_flat_map(inner),
    );
    let asked = asked.prop_map(move |(function, a)| call(function, [a], boolean));
    prop_oneof![compared, logic, not, asked].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_chunk_is_evaluated_as_its_rows_are(
        expr in select(TYPES.to_vec()).prop_flat_map(|data_type| expr(data_type, 3)),
        rows in arbitrary::rows(TYPES.to_vec(), 6),
    ) {
        let chunk = arbitrary::chunk(&TYPES, &rows);
        let alone = (0..chunk.rows).map(|row| {
            let one = chunk.gather(&[row as u32]);
            evaluate(&expr, &one).map(|column| column.get(0))
        });
        let alone: Vec<Result<Scalar, EvalError>> = alone.collect();
        match evaluate(&expr, &chunk) {
            Ok(column) => {
                prop_assert_eq!(column.len(), chunk.rows);
                let together: Vec<Scalar> = (0..chunk.rows).map(|row| column.get(row)).collect();
                let alone: Vec<Scalar> = alone.into_iter().collect::<Result<_, _>>().unwrap();
                prop_assert!(same(&together, &alone), "{:?}\n{:?}", together, alone);
            }
            // Which of several bad rows is named is not said.
            Err(error) => { prop_assert!(alone.contains(&Err(error.clone())), "{error}")},
        }
    }

    #[test]
    fn rows_are_kept_exactly_where_the_predicate_is_true(
        expr in expr(DataType::Boolean, 2), rows in arbitrary::rows(TYPES.to_vec(), 6)
    ) {
        let chunk = arbitrary::chunk(&TYPES, &rows);
        match (evaluate(&expr, &chunk), predicate(&expr, &chunk)) {
            (Ok(column), Ok(keep)) => {
                let expected: Vec<bool> = (0..chunk.rows).map(|row| column.get(row) == bool(true)).collect();
                prop_assert_eq!(keep, expected);
            }
            (result, keep) => prop_assert_eq!(result.err(), keep.err()),
        }
    }
}
