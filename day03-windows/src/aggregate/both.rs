//! Two aggregates over the same rows, as one.

use super::{Aggregate, Overflow};

/// Both of two aggregates. Its accumulator is the pair of theirs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Both<A, B>(pub A, pub B);

impl<A: Aggregate, B: Aggregate<Row = A::Row>> Aggregate for Both<A, B> {
    type Row = A::Row;
    type Acc = (A::Acc, B::Acc);

    fn empty(&self) -> Self::Acc {
        (self.0.empty(), self.1.empty())
    }

    #[inline]
    fn add(&self, acc: &mut Self::Acc, row: &A::Row) -> Result<(), Overflow> {
        self.0.add(&mut acc.0, row)?;
        self.1.add(&mut acc.1, row)
    }

    #[inline]
    fn merge(&self, acc: &mut Self::Acc, other: &Self::Acc) -> Result<(), Overflow> {
        self.0.merge(&mut acc.0, &other.0)?;
        self.1.merge(&mut acc.1, &other.1)
    }

    type Rest = (A::Rest, B::Rest);
    const SUBTRACTS: bool = A::SUBTRACTS && B::SUBTRACTS;

    #[inline]
    fn rest(&self, acc: &Self::Acc) -> Self::Rest {
        (self.0.rest(&acc.0), self.1.rest(&acc.1))
    }

    #[inline]
    fn retract(&self, acc: &mut Self::Acc, other: &Self::Acc, rest: &Self::Rest) -> Result<(), Overflow> {
        self.0.retract(&mut acc.0, &other.0, &rest.0)?;
        self.1.retract(&mut acc.1, &other.1, &rest.1)
    }
}
