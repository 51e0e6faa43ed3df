//! The aggregates of a query, ready to run: what each is called on, what it gives, and which
//! accumulator is its own.
//!
//! ```text
//!                   COUNT(*)   SUM(#0)    AVG(#0)    MAX(#2)
//! accumulators      –          Exact      Exact      Max
//! result            BIGINT     BIGINT     NUMERIC    as #2
//! ```
//!
//! `COUNT(*)` has none: how many rows a group has is kept anyway. Left out on purpose: one accumulator
//! for SUM and AVG of the same column.

use std::fmt;

use day03_windows::aggregate::Overflow;
use rust_decimal::Decimal;

use super::acc::{Acc, Accs, Wide};
use super::average::average;
use crate::plan::AggregateFunction;
use crate::value::{DataType, Scalar};

/// The type of the result of an aggregate of values of a type, or of whole rows; none if there is no such aggregate.
pub fn result_type(function: AggregateFunction, argument: Option<DataType>) -> Option<DataType> {
    use AggregateFunction::{Avg, Count, Max, Min, Sum};
    Some(match (function, argument) {
        (Count, _) => DataType::BigInt,
        (Min | Max, Some(DataType::Boolean | DataType::Interval) | None) => return None,
        (Min | Max, Some(argument)) => argument,
        (Sum, Some(DataType::Int | DataType::BigInt)) => DataType::BigInt,
        (Avg, Some(DataType::Int | DataType::BigInt)) => DataType::Numeric(None),
        (Sum | Avg, Some(DataType::Numeric(_))) => DataType::Numeric(None),
        (Sum | Avg, Some(DataType::Double)) => DataType::Double,
        (Sum | Avg, _) => return None,
    })
}

/// Whether rows can be taken back from an aggregate, as changes of its input ask for.
pub fn retractable(function: AggregateFunction) -> bool {
    match function {
        AggregateFunction::Count | AggregateFunction::Sum | AggregateFunction::Avg => true,
        AggregateFunction::Min | AggregateFunction::Max => false,
    }
}

/// An aggregate that is called on a column, or on whole rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    function: AggregateFunction,
    argument: Option<(usize, DataType)>,
    result: DataType,
}

impl Call {
    /// `COUNT(*)`.
    pub fn count_rows() -> Self {
        Call {
            function: AggregateFunction::Count,
            argument: None,
            result: DataType::BigInt,
        }
    }

    /// An aggregate of the column of the input at this place, which has this type; none if there is no
    /// such aggregate.
    pub fn of(function: AggregateFunction, column: usize, data_type: DataType) -> Option<Self> {
        Some(Call {
            function,
            argument: Some((column, data_type)),
            result: result_type(function, Some(data_type))?,
        })
    }

    /// Which aggregate it is.
    pub fn function(&self) -> AggregateFunction {
        self.function
    }

    /// The place of the column that it is called on; none for `COUNT(*)`.
    pub fn column(&self) -> Option<usize> {
        self.argument.map(|(column, _)| column)
    }

    /// The type of its result.
    pub fn data_type(&self) -> DataType {
        self.result
    }

    /// Of no rows; none for `COUNT(*)`.
    fn empty(&self) -> Option<Acc> {
        use AggregateFunction::{Avg, Count, Max, Min, Sum};
        let (_, argument) = self.argument?;
        Some(match (self.function, argument) {
            (Count, _) => Acc::Count(0),
            (Min, _) => Acc::Min(Scalar::Null),
            (Max, _) => Acc::Max(Scalar::Null),
            (Sum | Avg, DataType::Double) => Acc::Doubles { values: 0, sum: 0.0 },
            (Sum | Avg, _) => Acc::Exact {
                values: 0,
                sum: Wide(0),
                scale: 0,
            },
        })
    }

    /// Whether taking out what was merged gives what there was before, to the last digit. Of doubles it
    /// does not, and of decimals neither, because a sum keeps the scale of a value that is gone.
    pub(super) fn subtracts(&self) -> bool {
        let whole = |(_, argument)| matches!(argument, DataType::Int | DataType::BigInt);
        self.function == AggregateFunction::Count
            || retractable(self.function) && self.argument.is_some_and(whole)
    }

    fn finish(&self, acc: &Acc) -> Result<Scalar, Overflow> {
        let is_average = self.function == AggregateFunction::Avg;
        Ok(match acc {
            Acc::Count(values) => count(*values)?,
            Acc::Min(value) | Acc::Max(value) => value.clone(),
            Acc::Exact { values: 0, .. } | Acc::Doubles { values: 0, .. } => Scalar::Null,
            Acc::Exact { values, sum, scale } if is_average => {
                Scalar::Numeric(average(sum.0, *scale, *values).ok_or(Overflow("average"))?)
            }
            Acc::Exact { sum, .. } if self.result == DataType::BigInt => {
                Scalar::BigInt(i64::try_from(sum.0).map_err(|_| Overflow("sum"))?)
            }
            Acc::Exact { sum, scale, .. } => {
                let sum = Decimal::try_from_i128_with_scale(sum.0, u32::from(*scale));
                Scalar::Numeric(sum.map_err(|_| Overflow("sum"))?)
            }
            Acc::Doubles { values, sum } if is_average => Scalar::Double(sum / *values as f64),
            Acc::Doubles { sum, .. } => Scalar::Double(*sum),
        })
    }
}

fn count(rows: u64) -> Result<Scalar, Overflow> {
    let rows = i64::try_from(rows).map_err(|_| Overflow("count"))?;
    Ok(Scalar::BigInt(rows))
}

/// `SUM(BIGINT)`, by the type of what it is called on.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.function {
            AggregateFunction::Count => "COUNT",
            AggregateFunction::Sum => "SUM",
            AggregateFunction::Min => "MIN",
            AggregateFunction::Max => "MAX",
            AggregateFunction::Avg => "AVG",
        };
        match self.argument {
            Some((_, data_type)) => write!(f, "{name}({data_type})"),
            None => write!(f, "{name}(*)"),
        }
    }
}

/// All aggregates of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    all: Vec<Call>,
    /// Of those with an argument: whether they subtract.
    subtract: Vec<bool>,
    /// Which columns they are called on, each once.
    columns: Vec<usize>,
    /// Of those with an argument: which of these columns that is.
    arguments: Vec<usize>,
}

impl Calls {
    /// These, in the order of the result.
    pub fn new(all: Vec<Call>) -> Self {
        let with_argument = all.iter().filter(|call| call.argument.is_some());
        let mut columns = Vec::new();
        let mut place_of = |column| {
            columns
                .iter()
                .position(|known| *known == column)
                .unwrap_or_else(|| {
                    columns.push(column);
                    columns.len() - 1
                })
        };
        Calls {
            subtract: with_argument.map(Call::subtracts).collect(),
            arguments: all.iter().filter_map(Call::column).map(&mut place_of).collect(),
            columns,
            all,
        }
    }

    /// All of them, in the order of the result.
    pub fn all(&self) -> &[Call] {
        &self.all
    }

    /// Those with an argument, in the order of their accumulators.
    pub(super) fn with_argument(&self) -> impl Iterator<Item = (&Call, usize)> {
        self.all.iter().filter_map(|call| Some((call, call.column()?)))
    }

    /// The columns that they are called on, each once.
    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Of the accumulators in their order: which of [`columns`](Calls::columns) they take in.
    pub(super) fn arguments(&self) -> &[usize] {
        &self.arguments
    }

    /// Of the accumulators in their order: whether what was merged can be taken out again, exactly.
    pub(super) fn subtract(&self) -> &[bool] {
        &self.subtract
    }

    /// Of no rows.
    pub fn empty(&self) -> Accs {
        Accs {
            rows: 0,
            of: self.all.iter().filter_map(Call::empty).collect(),
        }
    }

    /// Appends the results of all aggregates of a group.
    ///
    /// # Errors
    /// The aggregate whose result does not fit in its type.
    pub fn finish(&self, accs: &Accs, results: &mut Vec<Scalar>) -> Result<(), (Call, Overflow)> {
        let mut of = accs.of.iter();
        for call in &self.all {
            let result = match call.argument {
                None => count(accs.rows),
                Some(_) => match of.next() {
                    Some(acc) => call.finish(acc),
                    None => Err(Overflow("state of another query")),
                },
            };
            results.push(result.map_err(|overflow| (*call, overflow))?);
        }
        Ok(())
    }
}

/// `COUNT(*), SUM(BIGINT)`.
impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, call) in self.all.iter().enumerate() {
            write!(f, "{}{call}", if nth > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AggregateFunction::{Avg, Count, Max, Min, Sum};

    #[test]
    fn results_have_the_types_that_are_promised() {
        let decimal = DataType::Numeric(Some((10, 2)));
        #[rustfmt::skip]
        let table = [
            (Count, DataType::Varchar,   Some(DataType::BigInt)),
            (Sum,   DataType::Int,       Some(DataType::BigInt)),
            (Sum,   DataType::BigInt,    Some(DataType::BigInt)),
            (Sum,   decimal,             Some(DataType::Numeric(None))),
            (Sum,   DataType::Double,    Some(DataType::Double)),
            (Sum,   DataType::Varchar,   None),
            (Avg,   DataType::Int,       Some(DataType::Numeric(None))),
            (Avg,   decimal,             Some(DataType::Numeric(None))),
            (Avg,   DataType::Double,    Some(DataType::Double)),
            (Avg,   DataType::Timestamp, None),
            (Min,   DataType::Varchar,   Some(DataType::Varchar)),
            (Max,   DataType::Timestamp, Some(DataType::Timestamp)),
            (Max,   DataType::Interval,  None),
        ];
        for (function, argument, result) in table {
            assert_eq!(
                result_type(function, Some(argument)),
                result,
                "{function:?} of {argument}"
            );
            assert_eq!(
                Call::of(function, 0, argument).map(|call| call.data_type()),
                result
            );
        }
    }

    #[test]
    fn results_are_of_their_types_and_null_without_a_value() {
        let scalar = |text: &str| Scalar::Numeric(text.parse().unwrap());
        let text = |text: &str| Scalar::Varchar(text.to_string().into());
        let (none, zero) = (Scalar::Null, Scalar::BigInt(0));
        let (int, big, double) = (Scalar::Int, Scalar::BigInt, Scalar::Double);
        let decimal = DataType::Numeric(None);
        #[rustfmt::skip]
        let table = [
            (Count, DataType::Int,     [int(3), none.clone()],             big(1),         zero),
            (Sum,   DataType::Int,     [int(i32::MAX), int(1)],            big(1 << 31),   none.clone()),
            (Sum,   decimal,           [scalar("1.5"), scalar("0.05")],    scalar("1.55"), none.clone()),
            (Sum,   DataType::Double,  [double(0.5), double(2.0)],         double(2.5),    none.clone()),
            (Avg,   DataType::BigInt,  [big(2), big(3)],                   scalar("2.5"),  none.clone()),
            (Avg,   decimal,           [scalar("2.00"), scalar("4.0")],    scalar("3.00"), none.clone()),
            (Avg,   DataType::Double,  [double(2.0), double(3.0)],         double(2.5),    none.clone()),
            (Min,   DataType::Varchar, [text("b"), text("a")],             text("a"),      none.clone()),
            (Max,   DataType::Varchar, [text("b"), text("a")],             text("b"),      none.clone()),
        ];
        for (function, argument, values, some, none) in table {
            let call = Call::of(function, 0, argument).unwrap();
            let mut acc = call.empty().unwrap();
            assert_eq!(call.finish(&acc), Ok(none), "{call} of nothing");
            acc.add(&Scalar::Null).unwrap();
            values.iter().for_each(|value| acc.add(value).unwrap());
            let result = call.finish(&acc).unwrap();
            assert_eq!(result.to_string(), some.to_string(), "{call}");
            assert_eq!(result, some, "{call}");
        }
    }

    #[test]
    fn a_sum_fits_if_it_does_in_the_end_and_otherwise_is_an_error_of_its_aggregate() {
        let calls = Calls::new(vec![
            Call::count_rows(),
            Call::of(Sum, 0, DataType::BigInt).unwrap(),
            Call::of(Avg, 0, DataType::BigInt).unwrap(),
        ]);
        let mut accs = calls.empty();
        for value in [i64::MAX, i64::MAX] {
            accs.rows += 1;
            accs.of
                .iter_mut()
                .for_each(|acc| acc.add(&Scalar::BigInt(value)).unwrap());
        }
        let (call, overflow) = calls.finish(&accs, &mut Vec::new()).unwrap_err();
        assert_eq!(
            (call.to_string().as_str(), overflow),
            ("SUM(BIGINT)", Overflow("sum"))
        );
        accs.of[0].add(&Scalar::BigInt(-i64::MAX)).unwrap();
        let mut results = Vec::new();
        calls.finish(&accs, &mut results).unwrap();
        let average = Scalar::Numeric(i64::MAX.into());
        assert_eq!(results, [Scalar::BigInt(2), Scalar::BigInt(i64::MAX), average]);
        assert_eq!(calls.to_string(), "COUNT(*), SUM(BIGINT), AVG(BIGINT)");
    }
}
