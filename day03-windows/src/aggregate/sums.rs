//! Counts, sums and averages: what can be added up, and so taken back.

use std::fmt;
use std::marker::PhantomData;

use day02_state::state::Value;

use super::{Aggregate, Number, Overflow};

/// COUNT(*), COUNT(value), SUM(value) and AVG(value).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums<N>(PhantomData<fn(N)>);

impl<N> Default for Sums<N> {
    fn default() -> Self {
        Sums(PhantomData)
    }
}

/// What has been added up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many rows: COUNT(*).
    pub rows: u64,
    /// How many of them had a value: COUNT(value).
    pub values: u64,
    sum: i128,
}

impl Counted {
    /// SUM(value): NULL without a value.
    pub fn sum(&self) -> Option<i128> {
        (self.values > 0).then_some(self.sum)
    }

    /// AVG(value): NULL without a value.
    pub fn average(&self) -> Option<Average> {
        (self.values > 0).then_some(Average {
            sum: self.sum,
            values: self.values,
        })
    }
}

/// An exact average: the sum of some values, divided by how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Average {
    sum: i128,
    values: u64,
}

impl Average {
    /// The average in parts of a value, so many to each, rounded to the nearest one, halves away from zero.
    ///
    /// ```
    /// # use day03_windows::aggregate::{Aggregate, Sums};
    /// let (sums, mut acc) = (Sums::<i64>::default(), Default::default());
    /// for value in [1, 2, 2] {
    ///     sums.add(&mut acc, &value).unwrap();
    /// }
    /// assert_eq!(acc.average().unwrap().in_parts(1_000), 1_667);
    /// ```
    pub fn in_parts(&self, parts: u32) -> i128 {
        let (values, parts) = (i128::from(self.values), i128::from(parts));
        let (whole, rest) = (self.sum / values, self.sum % values);
        // Below 2⁶⁴ · 2³², and it has the sign of the sum.
        let rest = rest * parts;
        let half = if rest < 0 { -values } else { values };
        whole * parts + (2 * rest + half) / (2 * values)
    }

    /// The average of amounts in cents, with six decimals.
    pub fn of_cents(&self) -> impl fmt::Display {
        let millionths = self.in_parts(10_000);
        let sign = if millionths < 0 { "-" } else { "" };
        let digits = millionths.unsigned_abs();
        format!("{sign}{}.{:06}", digits / 1_000_000, digits % 1_000_000)
    }
}

impl<N: Number> Aggregate for Sums<N> {
    type Row = N;
    type Acc = Counted;

    fn empty(&self) -> Counted {
        Counted::default()
    }

    #[inline]
    fn add(&self, acc: &mut Counted, row: &N) -> Result<(), Overflow> {
        acc.rows = acc.rows.checked_add(1).ok_or(Overflow("count"))?;
        if let Some(value) = row.number() {
            // No more than there are rows.
            acc.values += 1;
            acc.sum = acc.sum.checked_add(i128::from(value)).ok_or(Overflow("sum"))?;
        }
        Ok(())
    }

    #[inline]
    fn merge(&self, acc: &mut Counted, other: &Counted) -> Result<(), Overflow> {
        let count = |one: u64, more: u64| one.checked_add(more).ok_or(Overflow("count"));
        acc.rows = count(acc.rows, other.rows)?;
        acc.values = count(acc.values, other.values)?;
        acc.sum = acc.sum.checked_add(other.sum).ok_or(Overflow("sum"))?;
        Ok(())
    }

    type Rest = ();
    const SUBTRACTS: bool = true;

    fn rest(&self, _: &Counted) {}

    #[inline]
    fn retract(&self, acc: &mut Counted, other: &Counted, (): &()) -> Result<(), Overflow> {
        let count = |one: u64, less: u64| one.checked_sub(less).ok_or(Overflow("count"));
        acc.rows = count(acc.rows, other.rows)?;
        acc.values = count(acc.values, other.values)?;
        acc.sum = acc.sum.checked_sub(other.sum).ok_or(Overflow("sum"))?;
        Ok(())
    }
}

impl Value for Counted {
    fn encode(&self, to: &mut Vec<u8>) {
        self.rows.encode(to);
        self.values.encode(to);
        self.sum.encode(to);
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        Some(Counted {
            rows: u64::decode(from)?,
            values: u64::decode(from)?,
            sum: i128::decode(from)?,
        })
    }
}
