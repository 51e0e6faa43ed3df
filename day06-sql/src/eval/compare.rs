//! Comparisons: NULL if a side is, otherwise by the order of SQL, in which NaN is equal to itself
//! and larger than all other numbers.

use std::cmp::Ordering;
use std::iter;

use super::there;
use crate::chunk::{Column, Values};
use crate::expr::Function;
use crate::value::cmp_doubles;

/// `a function b`; none if that is no comparison, or not of these types.
pub(super) fn compare(function: Function, a: &Column, b: &Column) -> Option<Column> {
    let results = match (&a.values, &b.values) {
        (Values::Boolean(a), Values::Boolean(b)) => by(function, a.iter(), b.iter(), Ord::cmp),
        (Values::Int(a), Values::Int(b)) => by(function, a.iter(), b.iter(), Ord::cmp),
        (Values::BigInt(a), Values::BigInt(b)) => by(function, a.iter(), b.iter(), Ord::cmp),
        (Values::Double(a), Values::Double(b)) => {
            by(function, a.iter(), b.iter(), |a, b| cmp_doubles(**a, **b))
        }
        (Values::Numeric(a), Values::Numeric(b)) => by(function, a.iter(), b.iter(), Ord::cmp),
        (Values::Varchar(a), Values::Varchar(b)) => texts(function, a.iter(), b.iter()),
        (Values::Timestamp(a), Values::Timestamp(b)) => by(function, a.iter(), b.iter(), Ord::cmp),
        (Values::TimestampTz(a), Values::TimestampTz(b)) => by(function, a.iter(), b.iter(), Ord::cmp),
        (Values::Interval(a), Values::Interval(b)) => by(function, a.iter(), b.iter(), Ord::cmp),
        _ => None,
    };
    Some(Column {
        values: Values::Boolean(results?),
        valid: there(&[a, b], None),
    })
}

/// `a function text`; none if that is no comparison of texts.
pub(super) fn with_text(function: Function, a: &Column, text: &str) -> Option<Column> {
    let Values::Varchar(list) = &a.values else {
        return None;
    };
    let results = texts(function, list.iter(), iter::repeat(text))?;
    Some(Column {
        values: Values::Boolean(results),
        valid: a.valid.clone(),
    })
}

/// Texts of different lengths differ, whatever is in them.
fn texts<'a>(
    function: Function,
    a: impl Iterator<Item = &'a str>,
    b: impl Iterator<Item = &'a str>,
) -> Option<Vec<bool>> {
    match function {
        Function::Equal => Some(a.zip(b).map(|(a, b)| a == b).collect()),
        Function::NotEqual => Some(a.zip(b).map(|(a, b)| a != b).collect()),
        _ => by(function, a, b, |a, b| a.cmp(b)),
    }
}

/// One loop for each comparison.
fn by<T>(
    function: Function,
    a: impl Iterator<Item = T>,
    b: impl Iterator<Item = T>,
    order: impl Fn(&T, &T) -> Ordering,
) -> Option<Vec<bool>> {
    let pairs = a.zip(b);
    Some(match function {
        Function::Equal => pairs.map(|(a, b)| order(&a, &b).is_eq()).collect(),
        Function::NotEqual => pairs.map(|(a, b)| order(&a, &b).is_ne()).collect(),
        Function::Less => pairs.map(|(a, b)| order(&a, &b).is_lt()).collect(),
        Function::LessOrEqual => pairs.map(|(a, b)| order(&a, &b).is_le()).collect(),
        Function::Greater => pairs.map(|(a, b)| order(&a, &b).is_gt()).collect(),
        Function::GreaterOrEqual => pairs.map(|(a, b)| order(&a, &b).is_ge()).collect(),
        _ => return None,
    })
}
