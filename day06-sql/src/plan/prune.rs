//! A rule: nobody computes or reads a column that nobody asks for.
//!
//! ```text
//! Project s                      asks for s            Project s
//! └─ Aggregate sum(price)        asks for price, ts    └─ Aggregate sum(price)
//!    └─ Project all, start, end  asks for price, ts       │   (only passed columns on, so it is gone)
//!       └─ Scan all                                       └─ Scan price, ts
//! ```
//!
//! It goes from the root to the leaf with the set of columns that are asked for, and back with the places where they are
//! now. A scan keeps what its computed columns are made of. A projection that only passes columns on is left out, unless it
//! is the root, where it gives the result its names.

use std::collections::BTreeSet;

use super::{Field, Plan, Table};
use crate::expr::{Expr, Places};

impl Plan {
    /// The same plan without columns that nobody asks for.
    pub(super) fn pruned(self) -> Plan {
        let all = (0..self.fields().len()).collect();
        prune(self, &all, true).0
    }
}

/// Every arm is a call, so that what the arms hold does not add up in one frame of the stack.
fn prune(plan: Plan, wanted: &BTreeSet<usize>, root: bool) -> (Plan, Places) {
    match plan {
        Plan::Scan { table, columns } => scan(table, &columns, wanted),
        Plan::View { ref fields, .. } => {
            let places = (0..fields.len()).map(|place| (place, place)).collect();
            (plan, places)
        }
        Plan::Filter { input, predicate } => filter(*input, predicate, wanted, root),
        Plan::Project { input, columns } => project(*input, columns, wanted, root),
        Plan::Aggregate { .. } => aggregate(plan),
        Plan::Join { .. } => join(plan, wanted),
        // All inputs keep the same columns.
        Plan::Union { inputs } => {
            let inputs = inputs.into_iter().enumerate();
            let inputs = inputs.map(|(nth, input)| only(input, wanted, root && nth == 0).0);
            let inputs = inputs.collect();
            let places = wanted.iter().enumerate().map(|(new, old)| (*old, new));
            (Plan::Union { inputs }, places.collect())
        }
    }
}

fn scan(table: Table, columns: &[usize], wanted: &BTreeSet<usize>) -> (Plan, Places) {
    let mut kept = BTreeSet::new();
    for column in wanted.iter().filter_map(|place| columns.get(*place)) {
        keep(&table, *column, &mut kept);
    }
    let kept: Vec<usize> = kept.into_iter().collect();
    let places = columns.iter().enumerate();
    let places = places
        .filter_map(|(old, column)| Some((old, kept.binary_search(column).ok()?)))
        .collect();
    (Plan::Scan { table, columns: kept }, places)
}

fn filter(input: Plan, predicate: Expr, wanted: &BTreeSet<usize>, root: bool) -> (Plan, Places) {
    let mut wanted = wanted.clone();
    predicate.add_columns(&mut wanted);
    let (input, places) = prune(input, &wanted, root);
    let predicate = predicate.moved(&places);
    (
        Plan::Filter {
            input: Box::new(input),
            predicate,
        },
        places,
    )
}

fn project(input: Plan, columns: Vec<(Expr, Field)>, wanted: &BTreeSet<usize>, root: bool) -> (Plan, Places) {
    let kept = columns
        .into_iter()
        .enumerate()
        .filter(|(place, _)| wanted.contains(place));
    let (old, kept): (Vec<usize>, Vec<_>) = kept.unzip();
    let mut asked = BTreeSet::new();
    kept.iter().for_each(|(expr, _)| expr.add_columns(&mut asked));
    let (input, inner) = prune(input, &asked, false);
    let passed = |expr: &Expr| match expr {
        Expr::Column(place, _) => inner.get(place).copied(),
        _ => None,
    };
    let straight: Option<Vec<usize>> = kept.iter().map(|(expr, _)| passed(expr)).collect();
    match straight {
        Some(straight) if !root || is_identity(&straight, &kept, &input) => {
            (input, old.into_iter().zip(straight).collect())
        }
        _ => {
            let columns = kept
                .into_iter()
                .map(|(expr, field)| (expr.moved(&inner), field))
                .collect();
            let places = old.into_iter().enumerate().map(|(new, old)| (old, new)).collect();
            (
                Plan::Project {
                    input: Box::new(input),
                    columns,
                },
                places,
            )
        }
    }
}

/// All columns stay: a group is what it is by all of its keys.
fn aggregate(plan: Plan) -> (Plan, Places) {
    let Plan::Aggregate {
        input,
        keys,
        aggregates,
        window,
    } = plan
    else {
        return (plan, Places::new());
    };
    let mut asked = BTreeSet::new();
    keys.iter().for_each(|(key, _)| key.add_columns(&mut asked));
    let arguments = aggregates
        .iter()
        .filter_map(|(aggregate, _)| aggregate.argument.as_ref());
    arguments.for_each(|argument| argument.add_columns(&mut asked));
    asked.extend(window.map(|window| window.time));
    let (input, places) = prune(*input, &asked, false);
    let keys = keys
        .into_iter()
        .map(|(key, field)| (key.moved(&places), field))
        .collect();
    let aggregates = aggregates.into_iter().map(|(mut aggregate, field)| {
        aggregate.argument = aggregate.argument.map(|argument| argument.moved(&places));
        (aggregate, field)
    });
    let aggregates = aggregates.collect();
    let window = window.map(|mut window| {
        window.time = places.get(&window.time).copied().unwrap_or(window.time);
        window
    });
    let plan = Plan::Aggregate {
        input: Box::new(input),
        keys,
        aggregates,
        window,
    };
    let places = (0..plan.fields().len()).map(|place| (place, place)).collect();
    (plan, places)
}

/// Each side keeps what is asked for and nothing else, because a join keeps the rows of both.
fn join(plan: Plan, wanted: &BTreeSet<usize>) -> (Plan, Places) {
    let Plan::Join {
        left,
        right,
        on,
        residual,
    } = plan
    else {
        return (plan, Places::new());
    };
    let width = left.fields().len();
    let mut asked = wanted.clone();
    residual.iter().for_each(|expr| expr.add_columns(&mut asked));
    let mut of_right: BTreeSet<usize> = asked
        .split_off(&width)
        .iter()
        .map(|place| place - width)
        .collect();
    for (left, right) in &on {
        left.add_columns(&mut asked);
        right.add_columns(&mut of_right);
    }
    let (left, of_left) = only(*left, &asked, false);
    let (right, of_right) = only(*right, &of_right, false);
    let on = on.into_iter();
    let on = on.map(|(left, right)| (left.moved(&of_left), right.moved(&of_right)));
    let on = on.collect();
    let mut places = of_left;
    let behind = places.len();
    places.extend(of_right.iter().map(|(old, new)| (old + width, new + behind)));
    let plan = Plan::Join {
        left: Box::new(left),
        right: Box::new(right),
        on,
        residual: residual.map(|expr| expr.moved(&places)),
    };
    (plan, places)
}

/// The plan with these columns and no others, in their order.
fn only(plan: Plan, wanted: &BTreeSet<usize>, root: bool) -> (Plan, Places) {
    let (plan, inner) = prune(plan, wanted, root);
    let fields = plan.fields();
    let kept = wanted.iter().filter_map(|old| inner.get(old).copied());
    let kept: Vec<usize> = kept.collect();
    let places = wanted.iter().enumerate().map(|(new, old)| (*old, new));
    let places = places.collect();
    if kept.iter().copied().eq(0..fields.len()) {
        return (plan, places);
    }
    let columns = kept.iter().filter_map(|place| {
        let field = fields.get(*place)?;
        Some((Expr::Column(*place, field.data_type), field.clone()))
    });
    let plan = Plan::Project {
        columns: columns.collect(),
        input: Box::new(plan),
    };
    (plan, places)
}

/// Whether these are all columns of the input, in their order and with their names.
fn is_identity(straight: &[usize], columns: &[(Expr, Field)], input: &Plan) -> bool {
    let fields = input.fields();
    straight.iter().copied().eq(0..fields.len()) && columns.iter().map(|(_, field)| field).eq(&fields)
}

/// Keeps a column of a table, and what it is computed of.
fn keep(table: &Table, column: usize, kept: &mut BTreeSet<usize>) {
    if !kept.insert(column) {
        return;
    }
    let mut needed = BTreeSet::new();
    if let Some(computed) = table
        .columns
        .get(column)
        .and_then(|column| column.computed.as_ref())
    {
        computed.add_columns(&mut needed);
    }
    needed.into_iter().for_each(|column| keep(table, column, kept));
}
