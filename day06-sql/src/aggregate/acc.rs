//! What is kept of the rows of a group: an accumulator for each aggregate, 32 bytes, never the rows.
//!
//! ```text
//! SELECT COUNT(*), SUM(amount), MAX(amount) … GROUP BY merchant_id
//!
//! of a group   rows 3 │ Exact { values 2, sum 16.50 } │ Max(12.50)
//!              │        └ one row had NULL for an amount: it counts as a row, and that is all
//!              └ COUNT(*); at 0, the group is gone
//! ```
//!
//! 1. Sums of integers and decimals are *exact*: a whole number of 128 bits, and how many of its digits
//!    are decimals. Whether the result fits in its type is asked when it comes out, and not before. So
//!    the order of rows makes no difference, and what is taken back leaves no trace but one: a sum has
//!    the most decimals that any of its values had, those taken back included.
//! 2. Sums of doubles are doubles. Taking a value back leaves the rounding of its addition behind, and
//!    infinity less infinity is NaN; without any value left, the sum is 0 again. A sum that is too large is
//!    infinite, as IEEE 754 has it, and no error: two records must not stop the results of all groups.
//! 3. A minimum or a maximum has forgotten what was second, and cannot take rows back.
//! 4. Of no values, a count is 0 and everything else NULL.
//!
//! Values have the types that the plan says. A value of another one is refused, and does not panic,
//! because accumulators come out of snapshots, too.
//!
//! Left out on purpose: MIN, MAX and DISTINCT over rows that are taken back, which have to keep every
//! value, as a count of each in an ordered table.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use day03_windows::aggregate::Overflow;
use smallvec::SmallVec;

use crate::chunk::{Column, Values};
use crate::value::Scalar;

/// An accumulator of another aggregate, or a value of another type.
pub(super) const FOREIGN: Overflow = Overflow("state of another aggregate");

/// Whether values come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// They are added.
    Plus,
    /// They are taken back.
    Minus,
}

impl Sign {
    #[inline]
    fn count(self, count: u64, by: u64) -> Result<u64, Overflow> {
        let count = match self {
            Sign::Plus => count.checked_add(by),
            Sign::Minus => count.checked_sub(by),
        };
        count.ok_or(Overflow("count"))
    }

    #[inline]
    fn sum(self, sum: i128, by: i128) -> Result<i128, Overflow> {
        let sum = match self {
            Sign::Plus => sum.checked_add(by),
            Sign::Minus => sum.checked_sub(by),
        };
        sum.ok_or(Overflow("sum"))
    }

    #[inline]
    fn double(self, sum: f64, by: f64) -> f64 {
        match self {
            Sign::Plus => sum + by,
            Sign::Minus => sum - by,
        }
    }
}

/// A whole number that does not ask for more than eight bytes of alignment: an accumulator would be
/// half as large again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(8))]
pub struct Wide(pub i128);

// ANCHOR: acc
/// The state of one aggregate of one group.
#[derive(Debug, Clone, PartialEq)]
pub enum Acc {
    /// COUNT(value): how many are not NULL.
    Count(u64),
    /// SUM and AVG of integers and decimals.
    Exact {
        /// How many values.
        values: u64,
        /// Their sum, as a whole number.
        sum: Wide,
        /// How many of its digits stand behind the point.
        scale: u8,
    },
    /// SUM and AVG of doubles.
    Doubles {
        /// How many values.
        values: u64,
        /// Their sum.
        sum: f64,
    },
    /// MIN; NULL without a value.
    Min(Scalar),
    /// MAX; NULL without a value.
    Max(Scalar),
}
// ANCHOR_END: acc

impl Acc {
    /// Takes a value in. NULL makes no difference.
    pub fn add(&mut self, value: &Scalar) -> Result<(), Overflow> {
        self.take(value, Sign::Plus)
    }

    /// Takes a value back that was added before. MIN and MAX cannot.
    pub fn retract(&mut self, value: &Scalar) -> Result<(), Overflow> {
        self.take(value, Sign::Minus)
    }

    fn take(&mut self, value: &Scalar, sign: Sign) -> Result<(), Overflow> {
        match (&*self, value) {
            (_, Scalar::Null) => Ok(()),
            (Acc::Count(_), _) => self.count(1, sign),
            (Acc::Min(_) | Acc::Max(_), value) => self.extreme(value, sign),
            (_, Scalar::Int(value)) => self.exact(1, i128::from(*value), 0, sign),
            (_, Scalar::BigInt(value)) => self.exact(1, i128::from(*value), 0, sign),
            (_, Scalar::Numeric(value)) => self.exact(1, value.mantissa(), value.scale() as u8, sign),
            (_, Scalar::Double(value)) => self.double(1, *value, sign),
            _ => Err(FOREIGN),
        }
    }

    /// Takes in all that `other` has taken in.
    pub fn merge(&mut self, other: &Acc) -> Result<(), Overflow> {
        self.take_all(other, Sign::Plus)
    }

    /// Takes out all that `other` has taken in, which was merged before. MIN and MAX cannot.
    pub fn unmerge(&mut self, other: &Acc) -> Result<(), Overflow> {
        self.take_all(other, Sign::Minus)
    }

    fn take_all(&mut self, other: &Acc, sign: Sign) -> Result<(), Overflow> {
        match (&*self, other) {
            (_, Acc::Count(values)) => self.count(*values, sign),
            (_, Acc::Exact { values, sum, scale }) => self.exact(*values, sum.0, *scale, sign),
            (_, Acc::Doubles { values, sum }) => self.double(*values, *sum, sign),
            (Acc::Min(_), Acc::Min(value)) | (Acc::Max(_), Acc::Max(value)) => self.extreme(value, sign),
            _ => Err(FOREIGN),
        }
    }

    /// Counts so many values.
    #[inline]
    pub(super) fn count(&mut self, by: u64, sign: Sign) -> Result<(), Overflow> {
        let Acc::Count(values) = self else {
            return Err(FOREIGN);
        };
        *values = sign.count(*values, by)?;
        Ok(())
    }

    /// Takes so many values with this sum, of which so many digits are decimals.
    #[inline]
    pub(super) fn exact(
        &mut self,
        by: u64,
        mut more: i128,
        decimals: u8,
        sign: Sign,
    ) -> Result<(), Overflow> {
        let Acc::Exact { values, sum, scale } = self else {
            return Err(FOREIGN);
        };
        *values = sign.count(*values, by)?;
        if decimals < *scale {
            more = raise(more, *scale - decimals)?;
        } else if decimals > *scale {
            sum.0 = raise(sum.0, decimals - *scale)?;
            *scale = decimals;
        }
        sum.0 = sign.sum(sum.0, more)?;
        if *values == 0 {
            (*sum, *scale) = (Wide(0), 0);
        }
        Ok(())
    }

    /// Takes so many values with this sum.
    #[inline]
    pub(super) fn double(&mut self, by: u64, more: f64, sign: Sign) -> Result<(), Overflow> {
        let Acc::Doubles { values, sum } = self else {
            return Err(FOREIGN);
        };
        *values = sign.count(*values, by)?;
        *sum = match *values {
            0 => 0.0,
            _ => sign.double(*sum, more),
        };
        Ok(())
    }

    /// Takes the value of a row of a column, which is not NULL.
    #[inline]
    pub(super) fn extreme_at(&mut self, column: &Column, row: usize) -> Result<(), Overflow> {
        // Most texts are neither the smallest nor the largest, and comparing one takes no copy of it.
        if let Values::Varchar(texts) = &column.values
            && let Some((Scalar::Varchar(best), better)) = self.best()
            && texts.get(row).cmp(best) != better
        {
            return Ok(());
        }
        self.extreme(&column.values.get(row), Sign::Plus)
    }

    fn extreme(&mut self, value: &Scalar, sign: Sign) -> Result<(), Overflow> {
        let Some((best, better)) = self.best().filter(|_| sign == Sign::Plus) else {
            return Err(FOREIGN);
        };
        let wins =
            *best == Scalar::Null || value.cmp_sql(best).then_with(|| plainer(value, best, better)) == better;
        if let (Acc::Min(best) | Acc::Max(best), true) = (self, wins && *value != Scalar::Null) {
            *best = value.clone();
        }
        Ok(())
    }

    /// The best value so far, and how a better one compares with it.
    #[inline]
    fn best(&self) -> Option<(&Scalar, Ordering)> {
        match self {
            Acc::Min(best) => Some((best, Ordering::Less)),
            Acc::Max(best) => Some((best, Ordering::Greater)),
            _ => None,
        }
    }
}

/// Of equal values, the one that is written plainer is the better one: 1.0 before 1.00, and 0.0 before
/// -0.0. Otherwise the result would be the one that came first, and depend on the order of rows.
fn plainer(value: &Scalar, best: &Scalar, better: Ordering) -> Ordering {
    let wins = match (value, best) {
        (Scalar::Numeric(value), Scalar::Numeric(best)) => value.scale() < best.scale(),
        (Scalar::Double(value), Scalar::Double(best)) => best.is_sign_negative() && !value.is_sign_negative(),
        _ => false,
    };
    if wins { better } else { Ordering::Equal }
}

/// The same number with so many decimals more.
fn raise(number: i128, decimals: u8) -> Result<i128, Overflow> {
    let factor = 10_i128.checked_pow(u32::from(decimals));
    let raised = factor.and_then(|factor| number.checked_mul(factor));
    raised.ok_or(Overflow("sum"))
}

/// What is kept of a group: how many rows it has, and an accumulator for each aggregate that has an
/// argument.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Accs {
    /// COUNT(*).
    pub rows: u64,
    /// In the order of the aggregates.
    pub of: SmallVec<[Acc; 1]>,
}

impl Accs {
    /// Counts a row. Where this comes to an end, the result does not fit in a BIGINT any more.
    #[inline]
    pub(super) fn count(&mut self) {
        self.rows = self.rows.saturating_add(1);
    }

    /// Counts a row less.
    #[inline]
    pub(super) fn uncount(&mut self) -> Result<(), Overflow> {
        self.rows = Sign::Minus.count(self.rows, 1)?;
        Ok(())
    }

    /// Counts all rows of another group, too, or no longer.
    pub(super) fn count_all(&mut self, other: &Accs, sign: Sign) -> Result<(), Overflow> {
        self.rows = sign.count(self.rows, other.rows)?;
        Ok(())
    }

    /// The accumulator of the aggregate with this number, counting those with an argument.
    #[inline]
    pub(super) fn acc(&mut self, number: usize) -> Result<&mut Acc, Overflow> {
        self.of.get_mut(number).ok_or(FOREIGN)
    }

    /// Each accumulator with that of the same aggregate in `other`.
    pub(super) fn with<'a>(
        &'a mut self,
        other: &'a Accs,
    ) -> Result<impl Iterator<Item = (&'a mut Acc, &'a Acc)>, Overflow> {
        match self.of.len() == other.of.len() {
            true => Ok(self.of.iter_mut().zip(&other.of)),
            false => Err(FOREIGN),
        }
    }
}
