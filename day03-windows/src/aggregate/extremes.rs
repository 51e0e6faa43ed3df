//! The smallest and the largest value. They cannot be taken back, unless the caller has kept what there would
//! be without them.

use std::marker::PhantomData;

use day02_state::state::Value;

use super::{Aggregate, Number, Overflow};

/// MIN(value) and MAX(value).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extremes<N>(PhantomData<fn(N)>);

impl<N> Default for Extremes<N> {
    fn default() -> Self {
        Extremes(PhantomData)
    }
}

/// The smallest and the largest value so far. Without one, the smallest is larger than the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinMax {
    min: i64,
    max: i64,
}

impl MinMax {
    const NONE: MinMax = MinMax {
        min: i64::MAX,
        max: i64::MIN,
    };

    /// MIN(value): NULL without a value.
    pub fn min(&self) -> Option<i64> {
        (self.min <= self.max).then_some(self.min)
    }

    /// MAX(value): NULL without a value.
    pub fn max(&self) -> Option<i64> {
        (self.min <= self.max).then_some(self.max)
    }
}

impl<N: Number> Aggregate for Extremes<N> {
    type Row = N;
    type Acc = MinMax;

    fn empty(&self) -> MinMax {
        MinMax::NONE
    }

    #[inline]
    fn add(&self, acc: &mut MinMax, row: &N) -> Result<(), Overflow> {
        if let Some(value) = row.number() {
            acc.min = acc.min.min(value);
            acc.max = acc.max.max(value);
        }
        Ok(())
    }

    #[inline]
    fn merge(&self, acc: &mut MinMax, other: &MinMax) -> Result<(), Overflow> {
        acc.min = acc.min.min(other.min);
        acc.max = acc.max.max(other.max);
        Ok(())
    }

    type Rest = MinMax;
    const SUBTRACTS: bool = false;

    #[inline]
    fn rest(&self, acc: &MinMax) -> MinMax {
        *acc
    }

    #[inline]
    fn retract(&self, acc: &mut MinMax, _: &MinMax, rest: &MinMax) -> Result<(), Overflow> {
        *acc = *rest;
        Ok(())
    }
}

impl Default for MinMax {
    fn default() -> Self {
        MinMax::NONE
    }
}

impl Value for MinMax {
    fn encode(&self, to: &mut Vec<u8>) {
        self.min.encode(to);
        self.max.encode(to);
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        Some(MinMax {
            min: i64::decode(from)?,
            max: i64::decode(from)?,
        })
    }
}
