//! Random values, columns and chunks for tests: few different ones, so that they meet, and the
//! awkward ones often.

use day03_windows::time::{EventTime, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;

use crate::chunk::{Change, Chunk, Column};
use crate::value::{DataType, Scalar};

/// Every type that a column of a table can have.
pub const COLUMN_TYPES: [DataType; 8] = [
    DataType::Boolean,
    DataType::Int,
    DataType::BigInt,
    DataType::Double,
    DataType::Numeric(None),
    DataType::Varchar,
    DataType::Timestamp,
    DataType::TimestampTz,
];

/// Every type that an expression can have.
pub const TYPES: [DataType; 9] = {
    let [a, b, c, d, e, f, g, h] = COLUMN_TYPES;
    [a, b, c, d, e, f, g, h, DataType::Interval]
};

/// A value of a type, never NULL.
pub fn value(data_type: DataType) -> BoxedStrategy<Scalar> {
    let longs = || prop_oneof![4 => -3_i64..4, 1 => select(vec![i64::MIN, i64::MAX, 1_586_937_900_000])];
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Scalar::Boolean).boxed(),
        DataType::Int => prop_oneof![4 => -3..4, 1 => select(vec![i32::MIN, i32::MAX])]
            .prop_map(Scalar::Int)
            .boxed(),
        DataType::BigInt => longs().prop_map(Scalar::BigInt).boxed(),
        DataType::Double => {
            let negative_nan = f64::from_bits(f64::NAN.to_bits() | 1 << 63 | 1);
            let doubles = vec![
                0.0,
                -0.0,
                1.0,
                -1.5,
                2.0,
                1e300,
                f64::NAN,
                negative_nan,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ];
            select(doubles).prop_map(Scalar::Double).boxed()
        }
        DataType::Numeric(_) => {
            let near = (select(vec![-150_i64, -15, 0, 1, 10, 100, 15, 150]), 0_u32..3)
                .prop_map(|(digits, scale)| Decimal::new(digits, scale));
            let any = prop_oneof![8 => near, 1 => select(vec![Decimal::MAX, Decimal::MIN, -Decimal::ZERO])];
            any.prop_map(Scalar::Numeric).boxed()
        }
        DataType::Varchar => "[abß1\u{0}]{0,3}"
            .prop_map(|text| Scalar::Varchar(text.into()))
            .boxed(),
        DataType::Timestamp => longs()
            .prop_map(|millis| Scalar::Timestamp(EventTime(millis)))
            .boxed(),
        DataType::TimestampTz => longs()
            .prop_map(|millis| Scalar::TimestampTz(EventTime(millis)))
            .boxed(),
        DataType::Interval => longs().prop_map(|millis| Scalar::Interval(Span(millis))).boxed(),
    }
}

/// A value of a type from all that it has and that a text stands for, but NaN, which is not equal to itself.
pub fn readable(data_type: DataType) -> BoxedStrategy<Scalar> {
    let times = || (EventTime::FIRST.0..=EventTime::LAST.0).prop_map(EventTime);
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Scalar::Boolean).boxed(),
        DataType::Int => any::<i32>().prop_map(Scalar::Int).boxed(),
        DataType::BigInt => any::<i64>().prop_map(Scalar::BigInt).boxed(),
        DataType::Double => prop_oneof![any::<f64>(), Just(f64::INFINITY)]
            .prop_filter("a number", |value| !value.is_nan())
            .prop_map(Scalar::Double)
            .boxed(),
        DataType::Numeric(_) => (any::<i64>(), 0_u32..19)
            .prop_map(|(units, scale)| Scalar::Numeric(Decimal::new(units, scale)))
            .boxed(),
        DataType::Timestamp => times().prop_map(Scalar::Timestamp).boxed(),
        DataType::TimestampTz => times().prop_map(Scalar::TimestampTz).boxed(),
        _ => any::<String>()
            .prop_map(|text| Scalar::Varchar(text.into()))
            .boxed(),
    }
}

/// A value of a type, or NULL.
pub fn scalar(data_type: DataType) -> BoxedStrategy<Scalar> {
    prop_oneof![1 => Just(Scalar::Null), 4 => value(data_type)].boxed()
}

/// The values of a row of these types, and what it does.
pub fn row(types: Vec<DataType>) -> impl Strategy<Value = (Change, Vec<Scalar>)> {
    let changes = vec![
        Change::Insert,
        Change::Insert,
        Change::UpdateBefore,
        Change::UpdateAfter,
        Change::Delete,
    ];
    let values: Vec<_> = types.into_iter().map(scalar).collect();
    (select(changes), values)
}

/// Rows of these types.
pub fn rows(types: Vec<DataType>, most: usize) -> impl Strategy<Value = Vec<(Change, Vec<Scalar>)>> {
    vec(row(types), 0..=most)
}

/// The chunk of such rows.
pub fn chunk(types: &[DataType], rows: &[(Change, Vec<Scalar>)]) -> Chunk {
    let mut chunk = Chunk::of(types.iter().copied());
    for (change, row) in rows {
        chunk.push(*change, row).expect("rows are of these types");
    }
    chunk
}

/// The column of such values.
pub fn column(data_type: DataType, values: &[Scalar]) -> Column {
    let mut column = Column::new(data_type, values.len());
    for value in values {
        column.push(value.clone()).expect("values are of this type");
    }
    column
}

/// Whether values are the same, NaN included, and shown alike: `1.0` and `1.00` are not.
pub fn same(a: &[Scalar], b: &[Scalar]) -> bool {
    let alike = |a: &Scalar, b: &Scalar| a.data_type() == b.data_type() && a.to_string() == b.to_string();
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
}
