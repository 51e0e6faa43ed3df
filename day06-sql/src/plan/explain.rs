//! EXPLAIN: a query as a tree, one line an operator, the sink on top and the source at the bottom.
//!
//! ```text
//! sink order_summary (print): merchant_id, EXPR$1
//! └─ aggregate: EXPR$1 = COUNT(*) by merchant_id [updates; key (merchant_id); state: by key (merchant_id)]
//!    └─ scan orders (kafka): merchant_id [append-only]
//! ```
//!
//! The inputs of a join and of a union are branches. A line says which columns there are and how they come about, with names instead of places. Every rule of the planner is
//! to be seen here: the columns of a scan are what pruning left. Behind each operator stands in brackets what its rows are
//! known to be like, and what bounds the state that it has to keep for them.

use std::collections::HashSet;
use std::fmt;

use super::properties::State;
use super::{Aggregate, Field, Plan, Query, Sink, Window};
use crate::expr::{Expr, Function};
use crate::value::{DataType, Scalar};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = names(&self.plan.fields());
        match &self.sink {
            Sink::Table(table) => writeln!(f, "sink {} ({}): {names}", table.name, table.connector.name())?,
            Sink::View(name) => writeln!(f, "view {name}: {names}")?,
            Sink::Result => writeln!(f, "result: {names}")?,
        }
        draw(&self.plan, "", true, f)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} [{}]", label(self), properties(self))?;
        draw_all(&self.inputs(), "", f)
    }
}

/// Draws a plan below what stands above, of whose inputs it is perhaps the last.
fn draw(plan: &Plan, indent: &str, is_last: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (branch, behind) = if is_last {
        ("└─", "   ")
    } else {
        ("├─", "│  ")
    };
    writeln!(f, "{indent}{branch} {} [{}]", label(plan), properties(plan))?;
    draw_all(&plan.inputs(), &format!("{indent}{behind}"), f)
}

fn draw_all(plans: &[&Plan], indent: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let last = plans.len().saturating_sub(1);
    let mut plans = plans.iter().enumerate();
    plans.try_for_each(|(nth, plan)| draw(plan, indent, nth == last, f))
}

fn names(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    match names.is_empty() {
        true => "no columns".to_string(),
        false => names.join(", "),
    }
}

fn label(plan: &Plan) -> String {
    let below = below(plan);
    match plan {
        Plan::Scan { table, columns } => {
            let columns = columns.iter().filter_map(|place| table.columns.get(*place));
            let all: Vec<Field> = table.columns.iter().map(|column| column.field.clone()).collect();
            let shown = columns.map(|column| match &column.computed {
                Some(expr) => format!("{} = {}", column.field.name, show(expr, &all)),
                None => column.field.name.clone(),
            });
            let shown: Vec<String> = shown.collect();
            let shown = if shown.is_empty() {
                "no columns".to_string()
            } else {
                shown.join(", ")
            };
            format!("scan {} ({}): {shown}", table.name, table.connector.name())
        }
        Plan::View { name, fields, .. } => format!("view {name}: {}", names(fields)),
        Plan::Filter { predicate, .. } => format!("filter: {}", show(predicate, &below)),
        Plan::Project { columns, .. } => {
            let columns = columns
                .iter()
                .map(|(expr, field)| definition(expr, field, &below));
            format!("project: {}", columns.collect::<Vec<_>>().join(", "))
        }
        Plan::Aggregate {
            keys,
            aggregates,
            window,
            ..
        } => {
            let keys = keys.iter().map(|(expr, field)| definition(expr, field, &below));
            let bounds = window
                .iter()
                .flat_map(|_| ["window_start".to_string(), "window_end".to_string()]);
            let keys: Vec<String> = keys.chain(bounds).collect();
            let computed = aggregates.iter();
            let computed =
                computed.map(|(aggregate, field)| format!("{} = {}", field.name, of(aggregate, &below)));
            let computed: Vec<String> = computed.collect();
            let computed = if computed.is_empty() {
                "distinct keys".to_string()
            } else {
                computed.join(", ")
            };
            let by = if keys.is_empty() {
                String::new()
            } else {
                format!(" by {}", keys.join(", "))
            };
            let over = window
                .iter()
                .map(|Window { spec, time, .. }| format!("; {spec} over {}", column(*time, &below)));
            format!("aggregate: {computed}{by}{}", over.collect::<String>())
        }
        Plan::Join {
            left, on, residual, ..
        } => {
            let (left, right) = below.split_at(left.fields().len().min(below.len()));
            let keys = on.iter();
            let keys = keys.map(|(one, other)| format!("{} = {}", show(one, left), show(other, right)));
            let residual = residual
                .iter()
                .map(|residual| format!(" and {}", show(residual, &below)));
            format!(
                "join: {}{}",
                keys.collect::<Vec<_>>().join(", "),
                residual.collect::<String>()
            )
        }
        Plan::Union { .. } => format!("union: {}", names(&plan.fields())),
    }
}

/// What is known of the rows of a plan, and what has to be kept for them.
fn properties(plan: &Plan) -> String {
    let fields = plan.fields();
    let named = |places: &mut dyn Iterator<Item = &usize>| -> String {
        let names: Vec<String> = places.map(|place| column(*place, &fields)).collect();
        names.join(", ")
    };
    let mode = if plan.updates() { "updates" } else { "append-only" };
    let key = plan.keys().into_iter().next().map(|key| match key.is_empty() {
        true => "one row".to_string(),
        false => format!("key ({})", named(&mut key.iter())),
    });
    let watermarks = plan.watermarks();
    let delay = match plan {
        Plan::Scan { table, .. } => table
            .watermark
            .map(|watermark| format!(" {} behind", watermark.delay)),
        _ => None,
    };
    let watermark = (!watermarks.is_empty()).then(|| {
        let columns = named(&mut watermarks.keys());
        format!("watermark {columns}{}", delay.unwrap_or_default())
    });
    let state = plan.state().map(|state| format!("state: {}", kept(&state, plan)));
    let all = [Some(mode.to_string()), key, watermark, state];
    all.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What bounds the state of an operator, or would.
fn kept(state: &State, plan: &Plan) -> String {
    let unbounded = |sides: &str| {
        format!("unbounded: {sides} of the join are kept (a GROUP BY below it would bound that by key)")
    };
    match state {
        State::ByKey => match plan {
            Plan::Aggregate { keys, .. } if !keys.is_empty() => {
                let keys: Vec<&str> = keys.iter().map(|(_, field)| field.name.as_str()).collect();
                format!("by key ({})", keys.join(", "))
            }
            _ => "one row".to_string(),
        },
        State::ByWindow => "until the watermark passes window_end".to_string(),
        State::OfSides {
            left_by_key,
            right_by_key,
        } => match (left_by_key, right_by_key) {
            (true, true) => "by key of both inputs".to_string(),
            (true, false) => unbounded("all rows of the right input"),
            (false, true) => unbounded("all rows of the left input"),
            (false, false) => unbounded("both inputs"),
        },
    }
}

/// The columns that the expressions of a plan are about. Of a join they tell their sides, where names do not.
fn below(plan: &Plan) -> Vec<Field> {
    let inputs: Vec<Vec<Field>> = plan.inputs().into_iter().map(Plan::fields).collect();
    let [left, right] = &inputs[..] else {
        return inputs.into_iter().next().unwrap_or_default();
    };
    let told = |fields: &[Field], others: &[Field], side: &str| -> Vec<Field> {
        let there: HashSet<&str> = others.iter().map(|other| other.name.as_str()).collect();
        let fields = fields
            .iter()
            .map(|field| match there.contains(field.name.as_str()) {
                true => Field {
                    name: format!("{side}.{}", field.name),
                    ..field.clone()
                },
                false => field.clone(),
            });
        fields.collect()
    };
    [told(left, right, "left"), told(right, left, "right")].concat()
}

/// `name`, or `name = how it is computed`.
fn definition(expr: &Expr, field: &Field, below: &[Field]) -> String {
    let shown = show(expr, below);
    match shown == field.name {
        true => shown,
        false => format!("{} = {shown}", field.name),
    }
}

fn column(place: usize, fields: &[Field]) -> String {
    fields
        .get(place)
        .map_or_else(|| format!("column {place}"), |field| field.name.clone())
}

fn of(aggregate: &Aggregate, below: &[Field]) -> String {
    let argument = aggregate
        .argument
        .as_ref()
        .map_or_else(|| "*".to_string(), |argument| show(argument, below));
    format!("{}({argument})", aggregate.function.name())
}

/// An expression as SQL, with parentheses wherever one might be missed.
fn show(expr: &Expr, below: &[Field]) -> String {
    match expr {
        Expr::Column(place, _) => column(*place, below),
        Expr::Literal(value, data_type) => literal(value, *data_type),
        Expr::Cast(value, data_type) => format!("CAST({} AS {data_type})", show(value, below)),
        Expr::Case(arms, otherwise, _) => {
            let arms = arms.iter();
            let arms =
                arms.map(|(when, then)| format!("WHEN {} THEN {} ", show(when, below), show(then, below)));
            format!(
                "CASE {}ELSE {} END",
                arms.collect::<String>(),
                show(otherwise, below)
            )
        }
        Expr::Call(function, arguments, _) => call(*function, arguments, below),
    }
}

fn call(function: Function, arguments: &[Expr], below: &[Field]) -> String {
    let inner = |argument: &Expr| match argument {
        Expr::Call(inner, parts, _) if inner.is_infix() && parts.len() > 1 => {
            format!("({})", show(argument, below))
        }
        _ => show(argument, below),
    };
    let shown: Vec<String> = arguments.iter().map(inner).collect();
    match (function, shown.as_slice()) {
        (Function::Negate, [value]) => format!("-{value}"),
        (Function::Not, [value]) => format!("NOT {value}"),
        (Function::IsNull | Function::IsNotNull, [value]) => format!("{value} {function}"),
        (_, shown) if function.is_infix() => shown.join(&format!(" {function} ")),
        _ => {
            let arguments: Vec<String> = arguments.iter().map(|argument| show(argument, below)).collect();
            format!("{function}({})", arguments.join(", "))
        }
    }
}

fn literal(value: &Scalar, data_type: DataType) -> String {
    match value {
        Scalar::Null => "NULL".to_string(),
        Scalar::Boolean(value) => value.to_string().to_uppercase(),
        Scalar::Int(value) => value.to_string(),
        Scalar::BigInt(value) => value.to_string(),
        Scalar::Double(value) => format!("{value:?}"),
        Scalar::Numeric(value) => value.to_string(),
        Scalar::Varchar(value) => format!("'{}'", value.replace('\'', "''")),
        Scalar::Timestamp(time) | Scalar::TimestampTz(time) => format!("{data_type} '{time}'"),
        Scalar::Interval(length) => format!("INTERVAL '{length}'"),
    }
}
