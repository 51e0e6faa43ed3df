//! Every function by a table.

use Function::*;

use super::*;

#[test]
fn arithmetic_of_every_type() {
    #[rustfmt::skip]
    let table = [
        (Plus,   int(2),      int(-5),       "-3"),
        (Minus,  int(2),      int(-5),       "7"),
        (Times,  int(2),      int(-5),       "-10"),
        (Divide, int(7),      int(-2),       "-3"),
        (Modulo, int(-7),     int(2),        "-1"),
        (Modulo, int(7),      int(-2),       "1"),
        (Modulo, int(i32::MIN), int(-1),     "0"),
        (Plus,   big(1 << 40), big(1),       "1099511627777"),
        (Minus,  big(i64::MIN), big(-1),     "-9223372036854775807"),
        (Times,  big(1 << 40), big(-2),      "-2199023255552"),
        (Divide, big(-9),     big(4),        "-2"),
        (Modulo, big(-9),     big(4),        "-1"),
        (Plus,   double(0.5), double(0.25),  "0.75"),
        (Minus,  double(1.0), double(1.0),   "0.0"),
        (Times,  double(1e4), double(1e4),   "1.0E8"),
        (Divide, double(1.0), double(-8.0),  "-0.125"),
        (Modulo, double(-7.5), double(2.0),  "-1.5"),
        (Plus,   double(f64::INFINITY), double(1.0), "Infinity"),
        (Minus,  double(f64::INFINITY), double(f64::INFINITY), "NaN"),
        (Divide, double(f64::NAN), double(0.0), "NaN"),
        (Plus,   num("1.5"),  num("1.25"),   "2.75"),
        (Minus,  num("1.50"), num("1.5"),    "0.00"),
        (Times,  num("1.5"),  num("1.25"),   "1.875"),
        (Divide, num("1.00"), num("4"),      "0.25"),
        (Modulo, num("-7.5"), num("2"),      "-1.5"),
    ];
    for (function, a, b, result) in table {
        let to = a.data_type().unwrap();
        assert_eq!(
            apply(function, &[a.clone(), b.clone()], to).as_deref(),
            Ok(result),
            "{a} {function} {b}"
        );
    }
}

#[test]
fn times_move_by_intervals() {
    let (stamp, zoned) = (DataType::Timestamp, DataType::TimestampTz);
    #[rustfmt::skip]
    let table = [
        (Plus,  ts(0),          span(1_000), stamp, "1970-01-01T00:00:01"),
        (Minus, ts(0),          span(1),     stamp, "1969-12-31T23:59:59.999"),
        (Plus,  tz(0),          span(-1),    zoned, "1969-12-31T23:59:59.999Z"),
        (Minus, tz(60_000),     span(60_000), zoned, "1970-01-01T00:00:00Z"),
        (Plus,  span(1_000),    ts(0),       stamp, "1970-01-01T00:00:01"),
        (Plus,  span(1_000),    tz(0),       zoned, "1970-01-01T00:00:01Z"),
    ];
    for (function, a, b, to, result) in table {
        assert_eq!(
            apply(function, &[a.clone(), b.clone()], to).as_deref(),
            Ok(result),
            "{a} {function} {b}"
        );
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_says_value_and_type() {
    #[rustfmt::skip]
    let table = [
        (Plus,   int(i32::MAX),    int(1),        "2147483647 + 1 does not fit into INT"),
        (Minus,  int(i32::MIN),    int(1),        "-2147483648 - 1 does not fit into INT"),
        (Times,  int(1 << 20),     int(1 << 20),  "1048576 * 1048576 does not fit into INT"),
        (Divide, int(i32::MIN),    int(-1),       "-2147483648 / -1 does not fit into INT"),
        (Divide, int(7),           int(0),        "7 / 0 of INT is a division by zero"),
        (Modulo, int(7),           int(0),        "7 % 0 of INT is a division by zero"),
        (Plus,   big(i64::MAX),    big(1),        "9223372036854775807 + 1 does not fit into BIGINT"),
        (Divide, big(7),           big(0),        "7 / 0 of BIGINT is a division by zero"),
        (Times,  double(1e300),    double(1e300), "does not fit into DOUBLE PRECISION"),
        (Plus,   double(f64::MAX), double(f64::MAX), "does not fit into DOUBLE PRECISION"),
        (Minus,  double(f64::MIN), double(f64::MAX), "does not fit into DOUBLE PRECISION"),
        (Divide, double(1e300),    double(1e-300), "does not fit into DOUBLE PRECISION"),
        (Divide, double(1.5),      double(-0.0),  "1.5 / -0 of DOUBLE PRECISION is a division by zero"),
        (Modulo, double(1.5),      double(0.0),   "1.5 % 0 of DOUBLE PRECISION is a division by zero"),
        (Divide, num("1.50"),      num("0.0"),    "1.50 / 0.0 of NUMERIC is a division by zero"),
        (Modulo, num("1.50"),      num("0"),      "1.50 % 0 of NUMERIC is a division by zero"),
        (Times,  num("1e20"),      num("1e20"),   "100000000000000000000 * 100000000000000000000 does not fit into NUMERIC"),
        (Plus,   ts(EventTime::LAST.0), span(1),   "9999-12-31T23:59:59.999Z + 1ms does not fit into TIMESTAMP"),
        (Minus,  tz(EventTime::FIRST.0), span(1),  "0001-01-01T00:00:00.000Z - 1ms does not fit into TIMESTAMPTZ"),
    ];
    for (function, a, b, said) in table {
        let to = a.data_type().unwrap();
        let error = apply(function, &[a.clone(), b.clone()], to).unwrap_err();
        assert!(error.contains(said), "{a} {function} {b}: {error}");
    }
}

#[test]
fn the_other_sign() {
    #[rustfmt::skip]
    let table = [
        (int(5), Ok("-5")), (big(-5), Ok("5")), (double(1.5), Ok("-1.5")), (double(0.0), Ok("-0.0")),
        (num("1.50"), Ok("-1.50")),
        (num("0.0"), Ok("0.0")), (span(60_000), Ok("-1m")),
        (int(i32::MIN), Err("-(-2147483648) does not fit into INT")),
        (big(i64::MIN), Err("-(-9223372036854775808) does not fit into BIGINT")),
        (span(i64::MIN), Err("does not fit into INTERVAL")),
    ];
    for (a, result) in table {
        match (
            apply(Negate, std::slice::from_ref(&a), a.data_type().unwrap()),
            result,
        ) {
            (Ok(negative), Ok(expected)) => assert_eq!(negative, expected),
            (Err(error), Err(said)) => assert!(error.contains(said), "{error}"),
            (result, _) => panic!("-({a}) is {result:?}"),
        }
    }
}

#[test]
fn comparisons_of_every_type() {
    // Each is less than the next, or equal to it.
    #[rustfmt::skip]
    let ladders = [
        vec![(bool(false), '<'), (bool(true), '.')],
        vec![(int(i32::MIN), '<'), (int(-1), '<'), (int(3), '=') , (int(3), '.')],
        vec![(big(i64::MIN), '<'), (big(-1), '<'), (big(3), '='), (big(3), '.')],
        vec![(double(f64::NEG_INFINITY), '<'), (double(-0.0), '='), (double(0.0), '<'), (double(1.0), '<'),
             (double(f64::INFINITY), '<'), (double(f64::NAN), '='), (double(-f64::NAN), '.')],
        vec![(num("-1"), '<'), (num("1.0"), '='), (num("1.00"), '<'), (num("1.01"), '.')],
        vec![(text(""), '<'), (text("Z"), '<'), (text("a"), '<'), (text("ab"), '='), (text("ab"), '<'), (text("ß"), '.')],
        vec![(ts(-1), '<'), (ts(0), '='), (ts(0), '.')],
        vec![(tz(-1), '<'), (tz(0), '='), (tz(0), '.')],
        vec![(span(-1), '<'), (span(0), '='), (span(0), '.')],
    ];
    let compared = |function, a: &Scalar, b: &Scalar| {
        let columns = apply(function, &[a.clone(), b.clone()], DataType::Boolean).unwrap();
        // With a literal on the right, texts take a path of their own.
        let on = Chunk::from_columns(vec![arbitrary::column(
            a.data_type().unwrap(),
            &[a.clone(), Scalar::Null],
        )]);
        let place = Expr::Column(0, a.data_type().unwrap());
        let with = evaluate(
            &call(function, [place, literal(b.clone())], DataType::Boolean),
            &on,
        )
        .unwrap();
        assert_eq!(with.get(0).to_string(), columns);
        assert!(with.is_null(1));
        columns == "true"
    };
    for ladder in ladders {
        for pair in ladder.windows(2) {
            let ((a, relation), (b, _)) = (&pair[0], &pair[1]);
            let less = *relation == '<';
            for (function, forth, back) in [
                (Equal, !less, !less),
                (NotEqual, less, less),
                (Less, less, false),
                (LessOrEqual, true, !less),
                (Greater, false, less),
                (GreaterOrEqual, !less, true),
            ] {
                assert_eq!(compared(function, a, b), forth, "{a} {function} {b}");
                assert_eq!(compared(function, b, a), back, "{b} {function} {a}");
            }
        }
    }
}

#[test]
fn logic_has_three_values() {
    let values = [bool(true), bool(false), Scalar::Null];
    let and = [
        ["true", "false", "null"],
        ["false", "false", "false"],
        ["null", "false", "null"],
    ];
    let or = [
        ["true", "true", "true"],
        ["true", "false", "null"],
        ["true", "null", "null"],
    ];
    // All nine pairs as rows of one chunk, and each as a chunk of its own, where there may be no
    // mask at all.
    let pairs: Vec<_> = values
        .iter()
        .flat_map(|a| values.iter().map(move |b| (a.clone(), b.clone())))
        .collect();
    let places = [0, 1].map(|place| Expr::Column(place, DataType::Boolean));
    for (function, results) in [(And, and), (Or, or)] {
        let expr = call(function, places.clone(), DataType::Boolean);
        let sides = |pairs: &[(Scalar, Scalar)]| {
            let (a, b): (Vec<_>, Vec<_>) = pairs.iter().cloned().unzip();
            Chunk::from_columns(
                [a, b]
                    .map(|side| arbitrary::column(DataType::Boolean, &side))
                    .to_vec(),
            )
        };
        let all = evaluate(&expr, &sides(&pairs)).unwrap();
        for (row, (a, b)) in pairs.iter().enumerate() {
            let alone = evaluate(&expr, &sides(&pairs[row..=row])).unwrap();
            let expected = results.concat()[row];
            assert_eq!(
                (all.get(row).to_string(), alone.get(0).to_string()),
                (expected.into(), expected.into()),
                "{a} {function} {b}"
            );
        }
        let kept: Vec<bool> = results.concat().iter().map(|result| *result == "true").collect();
        assert_eq!(predicate(&expr, &sides(&pairs)), Ok(kept));
    }
    assert_eq!(
        apply(Not, &[bool(true)], DataType::Boolean).as_deref(),
        Ok("false")
    );
    assert_eq!(
        apply(Not, &[bool(false)], DataType::Boolean).as_deref(),
        Ok("true")
    );
}

#[test]
fn asking_for_null_is_never_null() {
    for data_type in arbitrary::TYPES {
        let mut column = Column::new(data_type, 2);
        column.push_null();
        let mut there = Column {
            valid: None,
            ..column.clone()
        };
        there.append(column);
        let chunk = Chunk::from_columns(vec![there]);
        let asked = |function| {
            let column = evaluate(
                &call(function, [Expr::Column(0, data_type)], DataType::Boolean),
                &chunk,
            )
            .unwrap();
            [column.get(0), column.get(1)]
        };
        assert_eq!(asked(IsNull), [bool(false), bool(true)]);
        assert_eq!(asked(IsNotNull), [bool(true), bool(false)]);
    }
}

#[test]
fn texts_are_joined_and_change_case() {
    let to = DataType::Varchar;
    assert_eq!(
        apply(Concat, &[text("m-"), text("ß7")], to).as_deref(),
        Ok("m-ß7")
    );
    assert_eq!(apply(Concat, &[text(""), text("")], to).as_deref(), Ok(""));
    assert_eq!(
        apply(Upper, &[text("straße ø1")], to).as_deref(),
        Ok("STRASSE Ø1")
    );
    assert_eq!(apply(Lower, &[text("ÉTÉ Z")], to).as_deref(), Ok("été z"));
}

#[test]
fn numbers_become_points_in_time() {
    #[rustfmt::skip]
    let table = [
        (int(5),          0, Ok("1970-01-01T00:00:05Z")),
        (big(1_586_937_900), 0, Ok("2020-04-15T08:05:00Z")),
        (big(1_586_937_900_123), 3, Ok("2020-04-15T08:05:00.123Z")),
        (big(-1),         3, Ok("1969-12-31T23:59:59.999Z")),
        (double(1.5),     0, Ok("1970-01-01T00:00:01.500Z")),
        (double(-1.5),    3, Ok("1969-12-31T23:59:59.999Z")),
        (num("1.2345"),   0, Ok("1970-01-01T00:00:01.234Z")),
        (num("7.9"),      3, Ok("1970-01-01T00:00:00.007Z")),
        (big(i64::MAX),   0, Err("the BIGINT 9223372036854775807 cannot be cast to TIMESTAMPTZ")),
        (double(1e30),    3, Err("the DOUBLE PRECISION 1.0E30 cannot be cast to TIMESTAMPTZ")),
        (double(f64::NAN), 3, Err("the DOUBLE PRECISION NaN cannot be cast to TIMESTAMPTZ")),
        (num("7e28"),     0, Err("cannot be cast to TIMESTAMPTZ")),
        (text("7"),       0, Err("there is no TO_TIMESTAMP_LTZ of (VARCHAR, INT)")),
        (int(5),          1, Err("there is no TO_TIMESTAMP_LTZ of (INT, INT)")),
    ];
    for (number, unit, expected) in table {
        let data_type = number.data_type().unwrap();
        let chunk = Chunk::from_columns(vec![arbitrary::column(
            data_type,
            &[number.clone(), Scalar::Null],
        )]);
        let args = [Expr::Column(0, data_type), literal(int(unit))];
        match (
            evaluate(&call(ToTimestampLtz, args, DataType::TimestampTz), &chunk),
            expected,
        ) {
            (Ok(column), Ok(expected)) => {
                assert_eq!(
                    (column.get(0).to_string().as_str(), column.is_null(1)),
                    (expected, true)
                );
            }
            (Err(error), Err(said)) => assert!(error.to_string().contains(said), "{error}"),
            (result, _) => panic!("{number}, {unit}: {result:?}"),
        }
    }
}

#[test]
fn tumbling_windows_of_times_before_1970_are_right_too() {
    #[rustfmt::skip]
    let table = [
        (0, 10, 0, 0, 10), (9, 10, 0, 0, 10), (10, 10, 0, 10, 20), (-1, 10, 0, -10, 0),
        (-10, 10, 0, -10, 0), (-11, 10, 0, -20, -10),
        (0, 10, 3, -7, 3), (3, 10, 3, 3, 13), (2, 10, -4, -4, 6), (-5, 10, -4, -14, -4), (0, 10, 23, -7, 3),
        (EventTime::LAST.0, 10, 0, EventTime::LAST.0 - 9, EventTime::LAST.0),
    ];
    for (time, size, offset, start, end) in table {
        for stamp in [ts as fn(i64) -> Scalar, tz] {
            let data_type = stamp(0).data_type().unwrap();
            let chunk = Chunk::from_columns(vec![arbitrary::column(data_type, &[stamp(time), Scalar::Null])]);
            let bound = |function| {
                let args = [
                    Expr::Column(0, data_type),
                    literal(span(size)),
                    literal(span(offset)),
                ];
                let column = evaluate(&call(function, args, data_type), &chunk).unwrap();
                assert!(column.is_null(1));
                column.get(0)
            };
            assert_eq!(
                (bound(TumbleStart), bound(TumbleEnd)),
                (stamp(start), stamp(end)),
                "{time} {size} {offset}"
            );
        }
    }
}

#[test]
fn what_the_binder_never_makes_is_an_error_and_no_panic() {
    let on = Chunk::from_columns(vec![arbitrary::column(DataType::Int, &[int(1)])]);
    let (one, boolean) = (Expr::Column(0, DataType::Int), DataType::Boolean);
    let both = |function, a: Scalar, b: Scalar| call(function, [literal(a), literal(b)], boolean);
    #[rustfmt::skip]
    let table = [
        (both(Plus, int(1), big(1)),               "there is no + of (INT, BIGINT)"),
        (both(Plus, text("a"), text("b")),         "there is no + of (VARCHAR, VARCHAR)"),
        (both(Times, ts(1), span(1)),              "there is no * of (TIMESTAMP, INTERVAL)"),
        (both(Minus, span(1), ts(1)),              "there is no - of (INTERVAL, TIMESTAMP)"),
        (both(Less, int(1), text("b")),            "there is no < of (INT, VARCHAR)"),
        (both(Equal, ts(1), tz(1)),                "there is no = of (TIMESTAMP, TIMESTAMPTZ)"),
        (both(And, int(1), bool(true)),            "there is no AND of (INT)"),
        (both(Or, bool(false), int(1)),            "there is no OR of (INT)"),
        (both(Concat, text("a"), int(1)),          "there is no || of (VARCHAR, INT)"),
        (call(Not, [one.clone()], boolean),        "there is no NOT of (INT)"),
        (call(Upper, [one.clone()], boolean),      "there is no UPPER of (INT)"),
        (call(Negate, [literal(text("a"))], boolean), "there is no - of (VARCHAR)"),
        (call(Plus, [one.clone()], boolean),       "there is no + of (INT)"),
        (call(IsNull, [], boolean),                "there is no IS NULL of ()"),
        (call(Coalesce, [], boolean),              "there is no COALESCE of ()"),
        (call(Coalesce, [one.clone()], boolean),   "have to be of one type, not BOOLEAN and INT"),
        (both(TumbleStart, ts(1), span(1)),        "there is no TUMBLE_START of (TIMESTAMP, INTERVAL)"),
        (call(TumbleEnd, [one.clone(), literal(span(1)), literal(span(0))], boolean), "there is no TUMBLE_END of (INT, INTERVAL, INTERVAL)"),
        (call(TumbleEnd, [literal(ts(1)), literal(span(0)), literal(span(0))], boolean), "the size of a window must be longer than zero"),
        (Expr::Column(1, DataType::Int),           "there is no column 1 among 1"),
        (Expr::Literal(int(1), DataType::BigInt),  "1 does not fit into a column of type BIGINT"),
        (Expr::Case(vec![(one.clone(), one.clone())], Box::new(one.clone()), DataType::Int), "a condition has to be BOOLEAN, and this one is INT"),
    ];
    for (expr, said) in table {
        let error = evaluate(&expr, &on).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(predicate(&one, &on).is_err());
}
