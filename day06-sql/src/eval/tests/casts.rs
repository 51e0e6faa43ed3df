//! Casts by a table, and which there are.

use DataType::*;

use super::*;

/// The cast of a value between two NULLs, as it is printed.
fn cast(value: &Scalar, to: DataType) -> Result<String, String> {
    let from = value.data_type().unwrap();
    let column = arbitrary::column(from, &[Scalar::Null, value.clone(), Scalar::Null]);
    let expr = Expr::Cast(Box::new(Expr::Column(0, from)), to);
    let column = evaluate(&expr, &Chunk::from_columns(vec![column])).map_err(|error| error.to_string())?;
    assert!(column.is_null(0) && column.is_null(2));
    assert_eq!(
        std::mem::discriminant(&column.data_type()),
        std::mem::discriminant(&to)
    );
    Ok(column.get(1).to_string())
}

#[test]
fn values_that_the_other_type_has() {
    let cents = Numeric(Some((6, 2)));
    #[rustfmt::skip]
    let table = [
        (bool(true),    Int,     "1"), (bool(false), BigInt, "0"), (bool(true), Varchar, "true"),
        (bool(true), Boolean, "true"),
        (int(0),        Boolean, "false"), (int(-2), Boolean, "true"), (big(0), Boolean, "false"),
        (big(1 << 40), Boolean, "true"),
        (int(-7),       BigInt,  "-7"), (int(-7), Double, "-7.0"), (int(-7), Numeric(None), "-7"),
        (int(-7), cents, "-7.00"),
        (int(-7),       Varchar, "-7"),
        (big(-7),       Int,     "-7"), (big(1 << 53), Double, "9.007199254740992E15"),
        (big(i64::MIN), Numeric(None), "-9223372036854775808"),
        (big(12),       cents,   "12.00"), (big(12), Varchar, "12"),
        (double(2.5),   Int,     "2"), (double(3.5), Int, "3"), (double(-2.9), BigInt, "-2"),
        (double(-0.4), Int, "0"), (double(2147483647.9), Int, "2147483647"),
        (double(0.1),   Numeric(None), "0.1"), (double(1.005), cents, "1.01"),
        (double(12.0), Varchar, "12.0"), (double(1e7), Varchar, "1.0E7"),
        (num("2.9"),    Int,     "2"), (num("-2.5"), BigInt, "-2"), (num("2147483647.5"), Int, "2147483647"),
        (num("0.10"), Double, "0.1"),
        (num("1.005"),  cents,   "1.01"), (num("-1.005"), cents, "-1.01"),
        (num("9999.994"), cents, "9999.99"), (num("7"), cents, "7.00"),
        (num("1.50"),   Varchar, "1.50"), (num("1.50"), Numeric(None), "1.50"),
        (text(" TRUE "), Boolean, "true"), (text("No"), Boolean, "false"), (text("1"), Boolean, "true"),
        (text("n"), Boolean, "false"),
        (text(" -7 "),  Int,     "-7"), (text("+7"), BigInt, "7"),
        (text("-9223372036854775808"), BigInt, "-9223372036854775808"),
        (text(" 1.5e3"), Double, "1500.0"), (text("NaN"), Double, "NaN"),
        (text("1e999"), Double, "Infinity"), (text("2.9"), Int, "2"),
        (text("-Infinity"), Double, "-Infinity"),
        (text("1.50"),  Numeric(None), "1.50"), (text("1.505"), cents, "1.51"),
        (text("1.5e3"), Numeric(None), "1500"),
        (text("2020-04-15 08:05:00"), Timestamp, "2020-04-15T08:05"),
        (text("2020-04-15T08:05:00.123"), Timestamp, "2020-04-15T08:05:00.123"),
        (text("2020-04-15 08:05:00"), TimestampTz, "2020-04-15T08:05:00Z"),
        (text("2020-04-15T10:05:00+02:00"), TimestampTz, "2020-04-15T08:05:00Z"),
        (text("2020-04-15T08:05:00Z"), Timestamp, "2020-04-15T08:05"), (text("2020-04-15"), Timestamp, "2020-04-15T00:00"),
        (ts(5_000),     TimestampTz, "1970-01-01T00:00:05Z"), (tz(5_000), Timestamp, "1970-01-01T00:00:05"),
        (ts(0),         Varchar, "1970-01-01 00:00:00"),
        (tz(-1), Varchar, "1969-12-31 23:59:59.999Z"), (span(90_000), Varchar, "1m 30s"),
        (text("a"),     Varchar, "a"), (span(1), Interval, "1ms"),
    ];
    for (value, to, result) in table {
        assert_eq!(cast(&value, to).as_deref(), Ok(result), "{value} as {to}");
    }
}

#[test]
fn values_that_it_does_not_have_are_named_with_both_types() {
    let cents = Numeric(Some((4, 2)));
    #[rustfmt::skip]
    let table = [
        (big(1 << 31),      Int,     "the BIGINT 2147483648 cannot be cast to INT"),
        (int(100),          cents,   "the INT 100 cannot be cast to NUMERIC(4, 2)"),
        (num("99.995"),     cents,   "the NUMERIC 99.995 cannot be cast to NUMERIC(4, 2)"),
        (double(2147483648.0), Int,  "cannot be cast to INT"),
        (double(9.3e18),    BigInt,  "the DOUBLE PRECISION 9.3E18 cannot be cast to BIGINT"),
        (double(f64::NAN),  BigInt,  "the DOUBLE PRECISION NaN cannot be cast to BIGINT"),
        (double(1e29),      Numeric(None), "the DOUBLE PRECISION 1.0E29 cannot be cast to NUMERIC"),
        (num("1e19"),       BigInt,  "the NUMERIC 10000000000000000000 cannot be cast to BIGINT"),
        (text("maybe"),     Boolean, r#"the VARCHAR "maybe" cannot be cast to BOOLEAN"#),
        (text("2147483648"), Int,    r#"the VARCHAR "2147483648" cannot be cast to INT"#),
        (text(""),          BigInt,  r#"the VARCHAR "" cannot be cast to BIGINT"#),
        (text("inf"),       Double,  r#"the VARCHAR "inf" cannot be cast to DOUBLE PRECISION"#),
        (text("1,5"),       Double,  r#"the VARCHAR "1,5" cannot be cast to DOUBLE PRECISION"#),
        (text("nan"),       Numeric(None), r#"the VARCHAR "nan" cannot be cast to NUMERIC"#),
        (text("100"),       cents,   r#"the VARCHAR "100" cannot be cast to NUMERIC(4, 2)"#),
        (text("2020-04-31"), Timestamp, r#"the VARCHAR "2020-04-31" cannot be cast to TIMESTAMP"#),
        (text("2020-04-15T08:05:00+01"), Timestamp, "cannot be cast to TIMESTAMP"),
        (text("noon"),      TimestampTz, r#"the VARCHAR "noon" cannot be cast to TIMESTAMPTZ"#),
        (int(1),            Timestamp, "there is no cast from INT to TIMESTAMP"),
        (bool(true),        Numeric(None), "there is no cast from BOOLEAN to NUMERIC"),
        (text("1 day"),     Interval, "there is no cast from VARCHAR to INTERVAL"),
    ];
    for (value, to, said) in table {
        let error = cast(&value, to).unwrap_err();
        assert!(error.contains(said), "{value} as {to}: {error}");
    }
}

#[test]
fn there_is_a_cast_exactly_where_the_planner_is_told_so() {
    for from in arbitrary::TYPES {
        for to in [arbitrary::TYPES.as_slice(), &[Numeric(Some((10, 2)))]].concat() {
            let nulls = Chunk::from_columns(vec![Column::repeat(&Scalar::Null, from, 2).unwrap()]);
            let result = evaluate(&Expr::Cast(Box::new(Expr::Column(0, from)), to), &nulls);
            match castable(from, to) {
                true => assert!(result.is_ok_and(|column| column.is_null(1)), "{from} as {to}"),
                false => assert_eq!(result, Err(EvalError::NoCast { from, to })),
            }
        }
    }
}
