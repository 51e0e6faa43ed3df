//! Which rows a branch is computed for.

use Function::*;

use super::*;

const INT: DataType = DataType::Int;
const BOOLEAN: DataType = DataType::Boolean;

fn n() -> Expr {
    Expr::Column(0, INT)
}

/// `100 / n`, which fails for 0.
fn share() -> Expr {
    call(Divide, [literal(int(100)), n()], INT)
}

fn is(function: Function, value: i32) -> Expr {
    call(function, [n(), literal(int(value))], BOOLEAN)
}

fn numbers() -> Chunk {
    let values = [int(2), int(0), Scalar::Null, int(-5)];
    Chunk::from_columns(vec![arbitrary::column(INT, &values)])
}

fn printed(expr: &Expr) -> Result<Vec<String>, EvalError> {
    let column = evaluate(expr, &numbers())?;
    assert_eq!(column.len(), 4);
    Ok((0..4).map(|row| column.get(row).to_string()).collect())
}

#[test]
fn unguarded_it_fails() {
    assert!(matches!(printed(&share()), Err(EvalError::DivisionByZero { .. })));
}

#[test]
fn a_branch_of_a_case_is_for_the_rows_that_take_it() {
    let case = |branches: Vec<(Expr, Expr)>, otherwise: Expr| Expr::Case(branches, Box::new(otherwise), INT);
    let guarded = case(vec![(is(NotEqual, 0), share())], literal(int(0)));
    assert_eq!(
        printed(&guarded),
        Ok(["50", "0", "0", "-20"].map(String::from).to_vec())
    );
    let in_else = case(vec![(is(Equal, 0), literal(int(-1)))], share());
    assert_eq!(
        printed(&in_else),
        Ok(["50", "-1", "null", "-20"].map(String::from).to_vec())
    );
    // The second condition is only asked where the first was not true.
    let second = call(Greater, [share(), literal(int(0))], BOOLEAN);
    let in_condition = case(vec![(is(Equal, 0), literal(int(7))), (second, n())], null(INT));
    assert_eq!(
        printed(&in_condition),
        Ok(["2", "7", "null", "null"].map(String::from).to_vec())
    );
    // The first branch that is true is taken.
    let overlapping = case(
        vec![(is(Greater, -9), literal(int(1))), (is(Greater, -9), share())],
        literal(int(3)),
    );
    assert_eq!(
        printed(&overlapping),
        Ok(["1", "1", "3", "1"].map(String::from).to_vec())
    );
    // A guard within a guard, in a cast that can fail as well.
    let inner = case(vec![(is(Less, 0), share())], n());
    let nested = case(vec![(is(NotEqual, 0), Expr::Cast(Box::new(inner), INT))], share());
    assert!(matches!(printed(&nested), Err(EvalError::DivisionByZero { .. })));
    let never = case(vec![(literal(bool(false)), share())], literal(int(1)));
    assert_eq!(printed(&never), Ok(["1"; 4].map(String::from).to_vec()));
}

#[test]
fn every_function_that_can_fail_heeds_the_rows() {
    let texts = arbitrary::column(DataType::Varchar, &[text("7"), text("x")]);
    let longs = arbitrary::column(DataType::BigInt, &[big(7), big(i64::MIN)]);
    let chunk = Chunk::from_columns(vec![texts, longs]);
    let long = Expr::Column(1, DataType::BigInt);
    let stamp = Expr::Cast(
        Box::new(Expr::Column(2, DataType::Timestamp)),
        DataType::Timestamp,
    );
    let chunk = Chunk {
        columns: [
            chunk.columns,
            vec![arbitrary::column(DataType::Timestamp, &[ts(0), ts(i64::MIN)])],
        ]
        .concat(),
        ..chunk
    };
    let guard = call(Greater, [long.clone(), literal(big(0))], BOOLEAN);
    #[rustfmt::skip]
    let table = [
        (Expr::Cast(Box::new(Expr::Column(0, DataType::Varchar)), INT),               "7"),
        (call(Negate, [long.clone()], DataType::BigInt),                              "-7"),
        (call(ToTimestampLtz, [long.clone(), literal(int(0))], DataType::TimestampTz), "1970-01-01T00:00:07Z"),
        (call(Minus, [stamp, literal(span(1_000))], DataType::Timestamp),             "1969-12-31T23:59:59"),
        (call(Times, [long.clone(), literal(big(2))], DataType::BigInt),              "14"),
    ];
    for (expr, first) in table {
        assert!(evaluate(&expr, &chunk).is_err(), "{expr:?}");
        let data_type = expr.data_type();
        let guarded = Expr::Case(vec![(guard.clone(), expr)], Box::new(null(data_type)), data_type);
        let column = evaluate(&guarded, &chunk).unwrap();
        assert_eq!(
            (column.get(0).to_string().as_str(), column.get(1)),
            (first, Scalar::Null)
        );
    }
}

#[test]
fn a_later_argument_of_coalesce_is_for_the_rows_that_have_nothing_yet() {
    let first = call(
        Coalesce,
        [n(), call(Divide, [literal(int(1)), literal(int(0))], INT)],
        INT,
    );
    assert!(matches!(printed(&first), Err(EvalError::DivisionByZero { .. })));
    let two = call(Coalesce, [n(), literal(int(9)), share()], INT);
    assert_eq!(
        printed(&two),
        Ok(["2", "0", "9", "-5"].map(String::from).to_vec())
    );
    let zero_is_there = call(Coalesce, [n(), share()], INT);
    assert_eq!(
        printed(&zero_is_there),
        Ok(["2", "0", "null", "-5"].map(String::from).to_vec())
    );
    let nothing = call(Coalesce, [null(INT), null(INT)], INT);
    assert_eq!(printed(&nothing), Ok(["null"; 4].map(String::from).to_vec()));
}

#[test]
fn the_right_side_of_and_and_or_is_for_the_rows_that_the_left_has_not_decided() {
    let positive = || call(Greater, [share(), literal(int(0))], BOOLEAN);
    let both = call(And, [is(NotEqual, 0), positive()], BOOLEAN);
    assert_eq!(
        printed(&both),
        Ok(["true", "false", "null", "false"].map(String::from).to_vec())
    );
    let either = call(Or, [is(Equal, 0), positive()], BOOLEAN);
    assert_eq!(
        printed(&either),
        Ok(["true", "true", "null", "false"].map(String::from).to_vec())
    );
    let other_way = call(And, [positive(), is(NotEqual, 0)], BOOLEAN);
    assert!(matches!(
        printed(&other_way),
        Err(EvalError::DivisionByZero { .. })
    ));
    let not_known = call(And, [null(BOOLEAN), positive()], BOOLEAN);
    assert!(matches!(
        printed(&not_known),
        Err(EvalError::DivisionByZero { .. })
    ));
    let decided = call(Or, [literal(bool(true)), positive()], BOOLEAN);
    assert_eq!(printed(&decided), Ok(["true"; 4].map(String::from).to_vec()));
    assert_eq!(predicate(&both, &numbers()), Ok(vec![true, false, false, false]));
}

#[test]
fn rows_that_a_branch_leaves_out_stay_out_within_it() {
    let positive = || call(Greater, [share(), literal(int(0))], BOOLEAN);
    let not_null = || call(IsNotNull, [n()], BOOLEAN);
    let inner_case = Expr::Case(vec![(not_null(), positive())], Box::new(null(BOOLEAN)), BOOLEAN);
    #[rustfmt::skip]
    let table = [
        call(And, [not_null(), positive()], BOOLEAN),
        call(Or, [call(IsNull, [n()], BOOLEAN), positive()], BOOLEAN),
        call(Coalesce, [null(BOOLEAN), positive()], BOOLEAN),
        call(Not, [positive()], BOOLEAN),
        inner_case,
    ];
    for inner in table {
        assert!(
            matches!(printed(&inner), Err(EvalError::DivisionByZero { .. })),
            "{inner:?}"
        );
        let outer = Expr::Case(vec![(is(NotEqual, 0), inner)], Box::new(null(BOOLEAN)), BOOLEAN);
        assert_eq!(
            printed(&outer).map(|rows| rows[1].clone()),
            Ok("null".to_string())
        );
    }
}

#[test]
fn a_chunk_without_rows_or_without_columns_has_values_all_the_same() {
    let empty = Chunk::of([INT]);
    let guarded = Expr::Case(vec![(is(NotEqual, 0), share())], Box::new(n()), INT);
    assert_eq!(evaluate(&guarded, &empty), Ok(Column::new(INT, 0)));
    let two_rows = Chunk {
        rows: 2,
        ..Chunk::default()
    };
    assert_eq!(
        evaluate(&literal(text("a")), &two_rows),
        Column::repeat(&text("a"), DataType::Varchar, 2).map_err(EvalError::from)
    );
}

#[test]
fn a_plain_column_is_not_copied() {
    let chunk = numbers();
    assert!(matches!(evaluate_ref(&n(), &chunk), Ok(Cow::Borrowed(_))));
    assert!(matches!(
        evaluate_ref(&Expr::Cast(Box::new(n()), INT), &chunk),
        Ok(Cow::Borrowed(_))
    ));
}
