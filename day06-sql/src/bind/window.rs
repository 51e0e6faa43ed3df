//! Window functions in FROM, and when the result of grouping by them comes out.
//!
//! ```text
//!                                   GROUP BY window_start AND window_end     one of them, or none
//! Flink       (with DESCRIPTOR)     once, when the window closes             updates
//! RisingWave  EMIT ON WINDOW CLOSE  once, when the window closes             once, if it has one of them
//! RisingWave  without               updates                                  updates
//! ```
//!
//! Windows over windows have new bounds, which are found in place of the old ones with the same names.
//!
//! In Flink's spelling window_start and window_end are times without a zone, also of a time that has one, and window_time
//! is of the type of the time, since it is the time of the result.
//!
//! A row is in one tumbling window, so its bounds are columns that a projection computes, and grouping by them is grouping
//! by any column. It is in several hopping or cumulating windows, and so far only an aggregation that fires once can count
//! it in all of them: there the bounds are names to group by, and nothing else.

use day03_windows::spec::{MAX_WINDOWS_PER_ROW, WindowSpec};
use day03_windows::time::Span as Length;

use super::relation::Relation;
use super::scope::{Scope, Windows};
use crate::error::{Outcome, SqlError, unsupported};
use crate::expr::{Expr, Function};
use crate::parse::ast::{self, Node, WindowKind, Windowed};
use crate::plan::{Field, Plan};
use crate::value::{DataType, Scalar};
use sqlparser::tokenizer::Span;

/// window_time is the last millisecond of its window.
const MOMENT: Length = Length(1);

/// A table with the bounds of windows behind its columns.
pub(crate) fn windowed(call: &Windowed, input: Relation) -> Outcome<Relation> {
    let (time, data_type) = input.scope.column(None, &call.time)?;
    if !matches!(data_type, DataType::Timestamp | DataType::TimestampTz) {
        return Err(SqlError::new(
            call.time.span,
            format!("{} is {data_type}, and windows go by a time", call.time.value),
        )
        .hint("a window takes a column of type TIMESTAMP or TIMESTAMP_LTZ"));
    }
    let spec = spec(call)?;
    let mut bounds = vec!["window_start", "window_end"];
    if call.descriptor {
        bounds.push("window_time");
    }
    let start = input.scope.columns.len();
    let mut columns = input.scope.columns.clone();
    let type_of_bounds = if call.descriptor {
        DataType::Timestamp
    } else {
        data_type
    };
    columns.extend(bounds.iter().map(|name| Field {
        name: name.to_string(),
        data_type: if *name == "window_time" {
            data_type
        } else {
            type_of_bounds
        },
    }));
    let plan = match spec {
        WindowSpec::Tumble { size, offset } => {
            let passed = input.scope.columns.into_iter().enumerate();
            let passed = passed.map(|(place, field)| (Expr::Column(place, field.data_type), field));
            let bounds = columns
                .iter()
                .skip(start)
                .map(|field| (bound(field, time, data_type, size, offset), field.clone()));
            Plan::Project {
                input: Box::new(input.plan),
                columns: passed.chain(bounds).collect(),
            }
        }
        _ => input.plan,
    };
    let name = input.scope.inputs.into_iter().next().and_then(|input| input.name);
    let mut scope = Scope::new(columns, name);
    scope.window = Some(Windows {
        spec,
        time,
        data_type,
        bounds: type_of_bounds,
        start,
        descriptor: call.descriptor,
        span: call.span,
    });
    scope.shadow(&bounds);
    Ok(Relation { plan, scope })
}

/// A bound of the tumbling window of a row.
fn bound(bound: &Field, time: usize, data_type: DataType, size: Length, offset: Length) -> Expr {
    let lengths = [size, offset].map(|length| Expr::Literal(Scalar::Interval(length), DataType::Interval));
    let arguments = std::iter::once(Expr::Column(time, data_type))
        .chain(lengths)
        .collect();
    let of = |function| Expr::Call(function, arguments, data_type);
    match bound.name.as_str() {
        "window_start" => typed(of(Function::TumbleStart), bound.data_type),
        "window_end" => typed(of(Function::TumbleEnd), bound.data_type),
        _ => moment_before(of(Function::TumbleEnd), bound.data_type),
    }
}

/// window_time, from window_end.
pub(crate) fn moment_before(end: Expr, data_type: DataType) -> Expr {
    let moment = Expr::Literal(Scalar::Interval(MOMENT), DataType::Interval);
    let of = end.data_type();
    typed(Expr::Call(Function::Minus, vec![end, moment], of), data_type)
}

/// A time as one with or without a zone.
fn typed(time: Expr, data_type: DataType) -> Expr {
    match time.data_type() == data_type {
        true => time,
        false => Expr::Cast(Box::new(time), data_type),
    }
}

fn spec(call: &Windowed) -> Outcome<WindowSpec> {
    let mut lengths = Vec::new();
    for expr in &call.lengths {
        lengths.push(length(expr)?);
    }
    let spec = match (call.kind, lengths.as_slice()) {
        (WindowKind::Tumble, [size]) => WindowSpec::tumble(*size, Length(0)),
        (WindowKind::Tumble, [size, offset]) => WindowSpec::tumble(*size, *offset),
        (WindowKind::Hop, [slide, size]) => WindowSpec::hop(*size, *slide, Length(0)),
        (WindowKind::Hop, [slide, size, offset]) => WindowSpec::hop(*size, *slide, *offset),
        (WindowKind::Cumulate, [step, max]) => WindowSpec::cumulate(*max, *step, Length(0)),
        (WindowKind::Cumulate, [step, max, offset]) => WindowSpec::cumulate(*max, *step, *offset),
        (kind, _) => {
            let (name, takes) = form(kind);
            let message = format!("{name} takes a table, a time, and {takes}");
            return Err(SqlError::new(call.span, message));
        }
    };
    let place = call
        .lengths
        .iter()
        .fold(Span::empty(), |span, length| span.union(&length.span));
    let spec = spec.and_then(|spec| spec.with_at_most(MAX_WINDOWS_PER_ROW));
    spec.map_err(|error| {
        let (name, takes) = form(call.kind);
        SqlError::new(place, error.to_string()).hint(format!("{name} takes {takes}, in this order"))
    })
}

fn form(kind: WindowKind) -> (&'static str, &'static str) {
    match kind {
        WindowKind::Tumble => ("TUMBLE", "the size, and perhaps an offset"),
        WindowKind::Hop => ("HOP", "the slide, then the size, and perhaps an offset"),
        WindowKind::Cumulate => (
            "CUMULATE",
            "the step, then the largest size, and perhaps an offset",
        ),
    }
}

fn length(expr: &ast::Expr) -> Outcome<Length> {
    match expr.node {
        Node::Interval(millis) => Ok(Length(millis)),
        _ => Err(SqlError::new(expr.span, "expected an interval")
            .hint("write INTERVAL '10' MINUTE or INTERVAL '10 minutes'")),
    }
}

/// Whether groups with these keys fire once, when their window closes.
pub(crate) fn fires_once(relation: &Relation, keys: &[Expr], emit_on_close: Option<Span>) -> Outcome<bool> {
    let Some(windows) = relation.scope.window else {
        return match emit_on_close {
            None => Ok(false),
            Some(emit) => Err(SqlError::new(emit, "EMIT ON WINDOW CLOSE needs windows")
                .hint("FROM TUMBLE(t, ts, INTERVAL '1 minute') … GROUP BY window_start, window_end")),
        };
    };
    let has = |bound: usize| {
        keys.iter()
            .any(|key| matches!(key, Expr::Column(place, _) if *place == bound))
    };
    let bounds = (has(windows.start), has(windows.start + 1));
    let both = bounds == (true, true);
    // The size is fixed, so one bound says the other; but cumulating windows share their starts.
    let either = match windows.spec {
        WindowSpec::Cumulate { .. } => both,
        _ => bounds != (false, false),
    };
    let once = match (windows.descriptor, emit_on_close) {
        (true, None) => both,
        (false, None) => false,
        (_, Some(_)) if either => true,
        (_, Some(emit)) => {
            return Err(
                SqlError::new(emit, "EMIT ON WINDOW CLOSE needs the window in GROUP BY")
                    .hint("GROUP BY window_start, window_end"),
            );
        }
    };
    if !once && !matches!(windows.spec, WindowSpec::Tumble { .. }) {
        let (what, hint) = match windows.descriptor {
            true => (
                "overlapping windows without both bounds in GROUP BY",
                "GROUP BY window_start, window_end",
            ),
            false => (
                "overlapping windows that are updated",
                "end the query with EMIT ON WINDOW CLOSE",
            ),
        };
        return Err(unsupported(windows.span, what).hint(hint));
    }
    if once {
        can_close(relation, windows)?;
    }
    Ok(once)
}

/// A window closes when a watermark passes its end, so there must be one.
fn can_close(relation: &Relation, windows: Windows) -> Outcome<()> {
    let time = relation
        .scope
        .columns
        .get(windows.time)
        .map_or("", |field| field.name.as_str());
    if relation.plan.updates() {
        return Err(SqlError::new(
            windows.span,
            "windows that fire once need rows that stay, and this input is updated",
        ));
    }
    if relation.plan.watermarks().contains_key(&windows.time) {
        return Ok(());
    }
    let owner = relation.scope.owner(windows.time).unwrap_or("the input");
    let error = SqlError::new(
        windows.span,
        format!("{time} of {owner} has no watermark, so no window would ever close"),
    );
    Err(match relation.plan {
        Plan::View { .. } => error.hint(
            "a view passes a watermark on if its query leaves the column as it is, or gives window_time or window_end of windows that close",
        ),
        _ => error.hint(format!(
            "add to CREATE TABLE: WATERMARK FOR {time} AS {time} - INTERVAL '5' SECOND"
        )),
    })
}
