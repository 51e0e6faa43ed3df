//! What is known of the rows of a plan: when they are complete, what tells them apart, and what has to be kept for them.
//!
//! A **watermark column** is one about which the watermark behind an operator speaks: no row comes any more with a smaller
//! value in it. What leaves a column alone keeps that. The end of a window is a watermark column if the time was one,
//! because a window comes out when the watermark reaches its end; its start is not, because it was passed long ago. A join
//! keeps rows and pairs them with later ones, so of its columns only those are left that are equal keys and watermark columns
//! on both sides: a pair is never older than the younger of its two rows.
//!
//! A **key** is a set of columns in which no two rows of the result are equal at the same time.

use std::collections::{BTreeMap, BTreeSet};

use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;

use super::Plan;
use crate::expr::{Expr, Function};
use crate::value::{DataType, Scalar};

/// Watermark columns, and how far ahead of the watermark their values are at least.
pub type Watermarks = BTreeMap<usize, Span>;

/// Columns that tell rows apart.
pub type Key = BTreeSet<usize>;

/// So many keys of a result are kept in mind: pairs of keys are keys of a join, which would be too many after some joins.
const KEYS: usize = 4;

/// A window comes out when the watermark is at its end, so the end of any later one is a millisecond behind that, or more.
const BEHIND_END: Span = Span(1);

/// What has to be kept for a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Something for each value of these keys, all of them if there is none.
    ByKey,
    /// Something for each group and window, until the watermark passes the end of the window.
    ByWindow,
    /// The rows of these inputs of a join: whether they can be told apart by a key, and are taken back by it.
    OfSides { left_by_key: bool, right_by_key: bool },
}

impl Plan {
    /// The columns that the watermark speaks about.
    pub fn watermarks(&self) -> Watermarks {
        match self {
            Plan::Scan { table, columns } => {
                let time = table.watermark.map(|watermark| watermark.column);
                let columns = columns.iter().enumerate();
                let times = columns.filter(|(_, column)| Some(**column) == time);
                times.map(|(place, _)| (place, Span(0))).collect()
            }
            Plan::View { known, .. } => known.watermarks.clone(),
            Plan::Filter { input, .. } => input.watermarks(),
            Plan::Project { input, columns } => {
                let input = input.watermarks();
                let columns = columns.iter().enumerate();
                let ahead = columns.filter_map(|(place, (expr, _))| Some((place, ahead(expr, &input)?)));
                ahead.collect()
            }
            Plan::Aggregate { keys, window, .. } => {
                let end = keys.len() + 1;
                window.iter().map(|_| (end, BEHIND_END)).collect()
            }
            Plan::Join { left, right, on, .. } => {
                let width = left.fields().len();
                let (left, right) = (left.watermarks(), right.watermarks());
                let pairs = on.iter().filter_map(|pair| match pair {
                    (Expr::Column(l, _), Expr::Column(r, _)) => {
                        let ahead = *left.get(l)?.min(right.get(r)?);
                        Some([(*l, ahead), (*r + width, ahead)])
                    }
                    _ => None,
                });
                pairs.flatten().collect()
            }
            Plan::Union { inputs } => {
                let mut inputs = inputs.iter().map(Plan::watermarks);
                let first = inputs.next().unwrap_or_default();
                inputs.fold(first, |all, input| {
                    let both = all.into_iter();
                    let both =
                        both.filter_map(|(place, ahead)| Some((place, ahead.min(*input.get(&place)?))));
                    both.collect()
                })
            }
        }
    }

    /// What tells the rows of the result apart, as far as it is known. The key without columns is that of a single row.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = match self {
            Plan::Scan { .. } | Plan::Union { .. } => Vec::new(),
            Plan::View { known, .. } => known.keys.clone(),
            Plan::Filter { input, .. } => input.keys(),
            Plan::Project { input, columns } => {
                let mut passed = BTreeMap::new();
                for (place, (expr, _)) in columns.iter().enumerate() {
                    if let Expr::Column(below, _) = expr {
                        passed.entry(*below).or_insert(place);
                    }
                }
                let keys = input.keys().into_iter();
                let keys =
                    keys.filter_map(|key| key.iter().map(|column| passed.get(column).copied()).collect());
                keys.collect()
            }
            Plan::Aggregate { keys, window, .. } => {
                let with = |bound| (0..keys.len()).chain(bound).collect();
                match window {
                    None => vec![with(None)],
                    // Cumulating windows share their starts.
                    Some(window) if matches!(window.spec, WindowSpec::Cumulate { .. }) => {
                        vec![with(Some(keys.len() + 1))]
                    }
                    Some(_) => vec![with(Some(keys.len() + 1)), with(Some(keys.len()))],
                }
            }
            Plan::Join { left, right, on, .. } => {
                let width = left.fields().len();
                let behind = |key: &Key| key.iter().map(|column| column + width).collect::<Key>();
                let (of_left, of_right) = (left.keys(), right.keys());
                let columns = |side: fn(&(Expr, Expr)) -> &Expr| -> Key {
                    let plain = on.iter().filter_map(|pair| match side(pair) {
                        Expr::Column(column, _) => Some(*column),
                        _ => None,
                    });
                    plain.collect()
                };
                let has_one = |keys: &[Key], on: Key| keys.iter().any(|key| key.is_subset(&on));
                match (
                    has_one(&of_left, columns(|on| &on.0)),
                    has_one(&of_right, columns(|on| &on.1)),
                ) {
                    // Each row of one side meets one row of the other, at most.
                    (_, true) => of_left,
                    (true, false) => of_right.iter().map(behind).collect(),
                    (false, false) => {
                        let pairs = of_left.iter().flat_map(|left| {
                            of_right
                                .iter()
                                .map(|right| left.union(&behind(right)).copied().collect())
                        });
                        pairs.collect()
                    }
                }
            }
        };
        keys.truncate(KEYS);
        keys
    }

    /// What this operator itself has to keep; none if that is nothing.
    pub(super) fn state(&self) -> Option<State> {
        match self {
            Plan::Aggregate { window: None, .. } => Some(State::ByKey),
            Plan::Aggregate { .. } => Some(State::ByWindow),
            Plan::Join { left, right, .. } => {
                // The rows of a stream are new ones for ever, even if a key tells them apart.
                let by_key = |side: &Plan| side.updates() && !side.keys().is_empty();
                Some(State::OfSides {
                    left_by_key: by_key(left),
                    right_by_key: by_key(right),
                })
            }
            _ => None,
        }
    }
}

/// How far ahead of the watermark the values of an expression are; none if that is not known, or if they may be behind.
fn ahead(expr: &Expr, input: &Watermarks) -> Option<Span> {
    match expr {
        Expr::Column(place, _) => input.get(place).copied(),
        Expr::Cast(time, DataType::Timestamp | DataType::TimestampTz) => match time.data_type() {
            DataType::Timestamp | DataType::TimestampTz => ahead(time, input),
            _ => None,
        },
        Expr::Call(Function::TumbleEnd, arguments, _) => {
            let time = arguments.first()?;
            ahead(time, input).map(|ahead| Span(ahead.0 + BEHIND_END.0))
        }
        Expr::Call(Function::Minus, sides, _) => match sides.as_slice() {
            [time, Expr::Literal(Scalar::Interval(length), _)] => {
                let ahead = ahead(time, input)?;
                (Span(0) <= *length && *length <= ahead).then(|| Span(ahead.0 - length.0))
            }
            _ => None,
        },
        _ => None,
    }
}
