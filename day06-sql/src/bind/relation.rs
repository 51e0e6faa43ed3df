//! What a query reads from: a plan with names.

use super::scope::Scope;
use crate::plan::Plan;

/// The input of a query.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub plan: Plan,
    /// The columns of the plan; behind them those that only a window can give.
    pub scope: Scope,
}

impl Relation {
    /// A plan whose columns are what it gives.
    pub(crate) fn new(plan: Plan, name: Option<String>) -> Self {
        Relation {
            scope: Scope::new(plan.fields(), name),
            plan,
        }
    }
}
