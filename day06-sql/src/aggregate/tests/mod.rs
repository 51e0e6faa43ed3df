//! Groups and windows against batch queries over the same rows: whatever the changes, the chunks and
//! the number of workers.

mod updating;
mod windows;

use std::cmp::Ordering;

use day02_state::keys::Owners;
use day02_state::operator::Keyed;
use day02_state::state::{Part, Stateful, share};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{Call, Calls};
use crate::chunk::{Change, Chunk};
use crate::keyed::KeyedChunk;
use crate::plan::AggregateFunction::{Avg, Count, Max, Min, Sum};
use crate::value::numeric;
use crate::value::{DataType, Scalar};

/// What a row holds: a merchant, a number, an amount, a measure, and a time.
const COLUMNS: [DataType; 5] = [
    DataType::Varchar,
    DataType::BigInt,
    DataType::Numeric(None),
    DataType::Double,
    DataType::Timestamp,
];
/// The place of the time.
const TIME: usize = 4;

type Row = [Scalar; 5];

/// Rows of four merchants and of none, with small numbers, so that groups come, meet and go.
fn a_row() -> impl Strategy<Value = Row> {
    let merchant = proptest::option::weighted(0.9, 0..4_u8);
    let number = proptest::option::weighted(0.8, -5..5_i64);
    let amount = proptest::option::weighted(0.8, (-500..500_i64, 0..3_u32));
    let measure = proptest::option::weighted(0.8, -8..8_i32);
    (merchant, number, amount, measure).prop_map(|(merchant, number, amount, measure)| {
        let or_null = |value: Option<Scalar>| value.unwrap_or(Scalar::Null);
        [
            or_null(merchant.map(|merchant| Scalar::Varchar(format!("m-{merchant}").into()))),
            or_null(number.map(Scalar::BigInt)),
            or_null(amount.map(|(digits, scale)| Scalar::Numeric(Decimal::new(digits, scale)))),
            // A sum of halves is exact.
            or_null(measure.map(|halves| Scalar::Double(f64::from(halves) / 2.0))),
            Scalar::Null,
        ]
    })
}

/// Every aggregate that takes rows back, over every kind of column.
fn retractable_calls() -> Calls {
    Calls::new(vec![
        Call::count_rows(),
        Call::of(Count, 0, COLUMNS[0]).unwrap(),
        Call::of(Sum, 1, COLUMNS[1]).unwrap(),
        Call::of(Avg, 1, COLUMNS[1]).unwrap(),
        Call::of(Sum, 2, COLUMNS[2]).unwrap(),
        Call::of(Avg, 2, COLUMNS[2]).unwrap(),
        Call::of(Sum, 3, COLUMNS[3]).unwrap(),
        Call::of(Avg, 3, COLUMNS[3]).unwrap(),
    ])
}

/// The same, and the others.
fn all_calls() -> Calls {
    let mut all = retractable_calls().all().to_vec();
    for (column, data_type) in COLUMNS.into_iter().enumerate().take(TIME) {
        all.extend([Min, Max].map(|function| Call::of(function, column, data_type).unwrap()));
    }
    Calls::new(all)
}

/// Equal values by how long they are written.
fn written(one: &Scalar, other: &Scalar) -> Ordering {
    one.to_string().len().cmp(&other.to_string().len())
}

/// What a batch query says of the rows of a group.
fn evaluate(calls: &Calls, rows: &[Row]) -> Vec<Scalar> {
    let of = |call: &Call| {
        let Some(column) = call.column() else {
            return Scalar::BigInt(rows.len() as i64);
        };
        let values = rows.iter().map(|row| row[column].clone());
        let values: Vec<Scalar> = values.filter(|value| *value != Scalar::Null).collect();
        let decimals = values.iter().map(|value| match value {
            Scalar::Numeric(value) => *value,
            Scalar::BigInt(value) => Decimal::from(*value),
            _ => Decimal::ZERO,
        });
        let sum = decimals.fold(Decimal::ZERO, |sum, value| numeric::plus(sum, value).unwrap());
        let doubles: f64 = values
            .iter()
            .map(|value| {
                if let Scalar::Double(value) = value {
                    *value
                } else {
                    0.0
                }
            })
            .sum();
        match (call.function(), call.data_type()) {
            (Count, _) => Scalar::BigInt(values.len() as i64),
            _ if values.is_empty() => Scalar::Null,
            (Sum, DataType::BigInt) => Scalar::BigInt(i64::try_from(sum).unwrap()),
            (Sum, DataType::Double) => Scalar::Double(doubles),
            (Sum, _) => Scalar::Numeric(sum),
            (Avg, DataType::Double) => Scalar::Double(doubles / values.len() as f64),
            (Avg, _) => Scalar::Numeric(numeric::divide(sum, Decimal::from(values.len())).unwrap()),
            (Min, _) => values
                .iter()
                .min_by(|one, other| one.cmp_sql(other).then(written(one, other)))
                .unwrap()
                .clone(),
            (Max, _) => values
                .iter()
                .max_by(|one, other| one.cmp_sql(other).then(written(other, one)))
                .unwrap()
                .clone(),
        }
    };
    calls.all().iter().map(of).collect()
}

/// Rows and what they do, in chunks of this size, each with the columns at `keys` as its key.
fn chunks(rows: &[(Change, Row)], size: usize, keys: &[usize]) -> Vec<KeyedChunk> {
    let chunk = |rows: &[(Change, Row)]| {
        let mut chunk = Chunk::of(COLUMNS);
        for (change, row) in rows {
            chunk.push(*change, row).unwrap();
        }
        KeyedChunk::by(chunk, keys)
    };
    rows.chunks(size).map(chunk).collect()
}

/// A chunk for each of so many workers.
fn scatter(chunk: KeyedChunk, workers: usize) -> Vec<KeyedChunk> {
    let mut lanes = vec![KeyedChunk::default(); workers];
    chunk.scatter(&Owners::of(workers), &mut lanes);
    lanes
}

/// Other workers in place of these, which take over what these have saved.
fn replace<S: Stateful>(before: &mut [S], mut after: Vec<S>) -> Vec<S> {
    let parts: Vec<Part> = before
        .iter_mut()
        .flat_map(|worker| worker.snapshot(1).parts())
        .collect();
    let workers = after.len();
    for (worker, state) in after.iter_mut().enumerate() {
        state.restore(share(&parts, worker, workers, |_| false)).unwrap();
    }
    after
}
