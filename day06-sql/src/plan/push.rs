//! A rule: a condition is met as early as it can be, because a join keeps the rows that it gets.
//!
//! ```text
//! Filter o.amount > 1 AND o.total < m.limit      Join … residual total < limit
//! └─ Join on o.m = m.id                          ├─ Filter amount > 1
//!    ├─ Scan o                                   │  └─ Scan o
//!    └─ Scan m                                   └─ Scan m
//! ```
//!
//! Of the conditions that a filter over a join has, one that reads one side only goes below the join, and one that reads
//! both becomes part of it. The order of conditions stays, so a condition that keeps another one from an error
//! (`n <> 0 AND 10 / n > 1`) still does, if both read the same side.

use std::collections::BTreeMap;

use super::Plan;
use crate::expr::Expr;

impl Plan {
    /// The same plan with conditions where they leave out most.
    pub(super) fn pushed(self) -> Plan {
        match self {
            Plan::Scan { .. } | Plan::View { .. } => self,
            Plan::Filter { input, predicate } => match input.pushed() {
                input if is_join(&input) => meeting(input, predicate.conjuncts()),
                input => filtered(input, vec![predicate]),
            },
            Plan::Project { input, columns } => Plan::Project {
                input: Box::new(input.pushed()),
                columns,
            },
            Plan::Aggregate {
                input,
                keys,
                aggregates,
                window,
            } => Plan::Aggregate {
                input: Box::new(input.pushed()),
                keys,
                aggregates,
                window,
            },
            Plan::Join {
                left,
                right,
                on,
                residual,
            } => {
                let plan = Plan::Join {
                    left: Box::new(left.pushed()),
                    right: Box::new(right.pushed()),
                    on,
                    residual: None,
                };
                meeting(plan, residual.map(Expr::conjuncts).unwrap_or_default())
            }
            Plan::Union { inputs } => Plan::Union {
                inputs: inputs.into_iter().map(Plan::pushed).collect(),
            },
        }
    }
}

/// The rows of a plan for which all conditions are true.
fn meeting(plan: Plan, conditions: Vec<Expr>) -> Plan {
    match plan {
        plan if conditions.is_empty() => plan,
        Plan::Join {
            left,
            right,
            on,
            residual,
        } => {
            let width = left.fields().len();
            let (mut of_left, mut of_right, mut of_both) = (Vec::new(), Vec::new(), Vec::new());
            of_both.extend(residual);
            for condition in conditions {
                let columns = condition.columns();
                match (columns.range(..width).next(), columns.range(width..).next()) {
                    (Some(_), None) => of_left.push(condition),
                    (None, Some(_)) => {
                        let places: BTreeMap<_, _> =
                            columns.iter().map(|place| (*place, place - width)).collect();
                        of_right.push(condition.moved(&places));
                    }
                    _ => of_both.push(condition),
                }
            }
            Plan::Join {
                left: Box::new(meeting(*left, of_left)),
                right: Box::new(meeting(*right, of_right)),
                on,
                residual: Expr::all(of_both),
            }
        }
        // Below columns that are only passed on, the conditions are about the columns that they were.
        Plan::Project { input, columns } if is_join(&input) => {
            let passed = columns.iter().enumerate();
            let passed = passed.filter_map(|(place, (expr, _))| match expr {
                Expr::Column(below, _) => Some((place, *below)),
                _ => None,
            });
            let passed: BTreeMap<usize, usize> = passed.collect();
            let goes_on =
                |condition: &Expr| condition.columns().iter().all(|place| passed.contains_key(place));
            let (below, here): (Vec<Expr>, Vec<Expr>) = conditions.into_iter().partition(goes_on);
            let below = below
                .into_iter()
                .map(|condition| condition.moved(&passed))
                .collect();
            let input = Box::new(meeting(*input, below));
            filtered(Plan::Project { input, columns }, here)
        }
        plan => filtered(plan, conditions),
    }
}

/// Whether it is a join, perhaps with its columns passed on.
fn is_join(plan: &Plan) -> bool {
    match plan {
        Plan::Join { .. } => true,
        Plan::Project { input, .. } => is_join(input),
        _ => false,
    }
}

fn filtered(plan: Plan, conditions: Vec<Expr>) -> Plan {
    match Expr::all(conditions) {
        None => plan,
        Some(predicate) => Plan::Filter {
            input: Box::new(plan),
            predicate,
        },
    }
}
