//! Expressions, from the library's tree to ours. What we cannot do is refused here, at its place.

use sqlparser::ast::{
    self as sql, BinaryOperator, CastKind, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectNamePart,
    Spanned, UnaryOperator, Value,
};
use sqlparser::tokenizer::{Location, Span};

use super::ast::{Binary, Expr, Name, Node, Unary};
use super::types;
use crate::error::{Outcome, SqlError, unsupported};

/// How deep an expression may be: it is walked by recursion, more than once.
const LEVELS: usize = 100;

pub(crate) fn name(ident: sql::Ident) -> Name {
    Name {
        value: ident.value,
        quoted: ident.quote_style.is_some(),
        span: ident.span,
    }
}

/// Converts; `outer` is the place for what the library keeps no place of.
pub(crate) fn convert(expr: sql::Expr, outer: Span) -> Outcome<Expr> {
    within(expr, outer, LEVELS)
}

/// Converts what is at most so many levels deep.
fn within(expr: sql::Expr, outer: Span, levels: usize) -> Outcome<Expr> {
    let Some(levels) = levels.checked_sub(1) else {
        return Err(
            SqlError::new(outer, format!("an expression more than {LEVELS} levels deep"))
                .hint("a chain of operators is as deep as it is long; an IN list is not"),
        );
    };
    // Every arm is a call, so that what the arms hold does not add up in one frame of the stack.
    match expr {
        sql::Expr::Nested(inner) => within(*inner, outer, levels),
        sql::Expr::UnaryOp { op, expr } => unary(op, *expr, outer, levels),
        sql::Expr::BinaryOp { left, op, right } => operation(*left, op, *right, outer, levels),
        sql::Expr::IsNull(part) => is_null(*part, false, outer, levels),
        sql::Expr::IsNotNull(part) => is_null(*part, true, outer, levels),
        sql::Expr::Between {
            expr,
            negated,
            low,
            high,
        } => between([expr, low, high], negated, outer, levels),
        sql::Expr::InList { expr, list, negated } => in_list(*expr, list, negated, outer, levels),
        sql::Expr::Case { .. } => case(expr, outer, levels),
        sql::Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type,
            format: None,
        } => cast(*expr, &data_type, outer, levels),
        sql::Expr::Cast {
            kind: CastKind::TryCast,
            expr,
            data_type,
            format: None,
        } => {
            let cast = cast(*expr, &data_type, outer, levels)?;
            let name = Name {
                value: "TRY_CAST".to_string(),
                quoted: false,
                span: cast.span,
            };
            let arguments = vec![cast];
            let star = false;
            Ok(at(
                name.span,
                Node::Call {
                    name,
                    arguments,
                    star,
                },
            ))
        }
        sql::Expr::Function(function) => call(function, outer, levels),
        atom => self::atom(atom, outer),
    }
}

/// What has no parts, or is refused with all its parts.
fn atom(expr: sql::Expr, outer: Span) -> Outcome<Expr> {
    match expr {
        sql::Expr::Identifier(ident) => Ok(at(ident.span, Node::Column(None, name(ident)))),
        sql::Expr::CompoundIdentifier(mut idents) => match (idents.pop(), idents.pop(), idents.is_empty()) {
            (Some(column), Some(table), true) => Ok(at(
                table.span.union(&column.span),
                Node::Column(Some(name(table)), name(column)),
            )),
            (Some(column), _, _) => Err(unsupported(
                column.span,
                "a name with a catalog or schema, or a nested field",
            )),
            _ => Err(unsupported(outer, "a name without parts")),
        },
        sql::Expr::Value(value) => Ok(at(
            or(value.span, outer),
            literal(value.value, or(value.span, outer))?,
        )),
        sql::Expr::TypedString(typed) => {
            let span = or(typed.value.span, outer);
            let data_type = types::named(&typed.data_type, span)?;
            match typed.value.value {
                Value::SingleQuotedString(text) => Ok(at(span, Node::Typed(data_type, text))),
                _ => Err(unsupported(span, "a text with such quotes")),
            }
        }
        sql::Expr::Interval(interval) => {
            let span = or(interval.value.span(), outer);
            Ok(at(span, Node::Interval(length(interval, span)?)))
        }
        other => Err(unsupported(or(other.span(), outer), kind(&other))),
    }
}

fn unary(op: UnaryOperator, part: sql::Expr, outer: Span, levels: usize) -> Outcome<Expr> {
    let part = Box::new(within(part, outer, levels)?);
    let op = match op {
        UnaryOperator::Plus => Unary::Plus,
        UnaryOperator::Minus => Unary::Minus,
        UnaryOperator::Not => Unary::Not,
        op => return Err(unsupported(part.span, &format!("the operator {op}"))),
    };
    Ok(at(part.span, Node::Unary(op, part)))
}

fn operation(
    left: sql::Expr,
    op: BinaryOperator,
    right: sql::Expr,
    outer: Span,
    levels: usize,
) -> Outcome<Expr> {
    let left = Box::new(within(left, outer, levels)?);
    let right = Box::new(within(right, outer, levels)?);
    let span = left.span.union(&right.span);
    match binary(&op) {
        Some(op) => Ok(at(span, Node::Binary(op, left, right))),
        None => Err(unsupported(span, &format!("the operator {op}"))),
    }
}

fn is_null(part: sql::Expr, negated: bool, outer: Span, levels: usize) -> Outcome<Expr> {
    let part = Box::new(within(part, outer, levels)?);
    Ok(at(part.span, Node::IsNull(part, negated)))
}

fn between(parts: [Box<sql::Expr>; 3], negated: bool, outer: Span, levels: usize) -> Outcome<Expr> {
    let [value, low, high] = parts;
    let value = Box::new(within(*value, outer, levels)?);
    let low = Box::new(within(*low, outer, levels)?);
    let high = Box::new(within(*high, outer, levels)?);
    Ok(at(
        value.span.union(&high.span),
        Node::Between {
            value,
            low,
            high,
            negated,
        },
    ))
}

fn in_list(
    value: sql::Expr,
    list: Vec<sql::Expr>,
    negated: bool,
    outer: Span,
    levels: usize,
) -> Outcome<Expr> {
    let value = Box::new(within(value, outer, levels)?);
    let list = list
        .into_iter()
        .map(|item| within(item, outer, levels))
        .collect::<Outcome<Vec<_>>>()?;
    let span = list
        .last()
        .map_or(value.span, |last| value.span.union(&last.span));
    Ok(at(span, Node::In { value, list, negated }))
}

fn case(expr: sql::Expr, outer: Span, levels: usize) -> Outcome<Expr> {
    let sql::Expr::Case {
        case_token,
        end_token,
        operand,
        conditions,
        else_result,
    } = expr
    else {
        return atom(expr, outer);
    };
    let span = or(case_token.0.span, outer).union(&end_token.0.span);
    let part = |part: sql::Expr| within(part, span, levels);
    let operand = operand.map(|operand| part(*operand).map(Box::new)).transpose()?;
    let arms = conditions
        .into_iter()
        .map(|arm| Ok((part(arm.condition)?, part(arm.result)?)));
    let arms = arms.collect::<Outcome<Vec<_>>>()?;
    let otherwise = else_result
        .map(|result| part(*result).map(Box::new))
        .transpose()?;
    Ok(at(
        span,
        Node::Case {
            operand,
            arms,
            otherwise,
        },
    ))
}

fn cast(part: sql::Expr, data_type: &sql::DataType, outer: Span, levels: usize) -> Outcome<Expr> {
    let part = Box::new(within(part, outer, levels)?);
    let span = part.span;
    let cast = at(span, Node::Cast(part, types::named(data_type, span)?));
    let Some(length) = types::length(data_type) else {
        return Ok(cast);
    };
    // The first characters of the text.
    let name = Name {
        value: "LEFT".to_string(),
        quoted: false,
        span,
    };
    let length = at(span, Node::Number(length.to_string()));
    Ok(at(
        span,
        Node::Call {
            name,
            arguments: vec![cast, length],
            star: false,
        },
    ))
}

fn at(span: Span, node: Node) -> Expr {
    Expr { node, span }
}

/// A place, if the library knows it.
fn or(span: Span, outer: Span) -> Span {
    match span.start == Location::empty() {
        true => outer,
        false => span,
    }
}

fn literal(value: Value, span: Span) -> Outcome<Node> {
    match value {
        Value::Number(digits, _) => Ok(Node::Number(digits)),
        Value::SingleQuotedString(text) => Ok(Node::Text(text)),
        Value::Boolean(value) => Ok(Node::Boolean(value)),
        Value::Null => Ok(Node::Null),
        Value::Placeholder(_) => Err(unsupported(span, "a placeholder")),
        _ => Err(unsupported(span, "a value written like this")),
    }
}

/// How many milliseconds: `'10' MINUTE`, `'10' MINUTES`, `'10 minutes'`.
fn length(interval: sql::Interval, span: Span) -> Outcome<i64> {
    let shown = "write INTERVAL '10' MINUTE or INTERVAL '10 minutes'";
    let sql::Expr::Value(value) = *interval.value else {
        return Err(SqlError::new(span, "an interval is a text").hint(shown));
    };
    let Value::SingleQuotedString(text) = value.value else {
        return Err(SqlError::new(span, "an interval is a text").hint(shown));
    };
    if interval.last_field.is_some() {
        return Err(unsupported(span, "an interval from one unit TO another").hint(shown));
    }
    let bare = text.trim();
    let written = match &interval.leading_field {
        Some(unit) if bare.parse::<f64>().is_ok() => format!("{bare} {unit}"),
        Some(unit) => {
            return Err(SqlError::new(span, format!("'{text}' is no number of {unit}")).hint(shown));
        }
        None if bare.parse::<f64>().is_ok() => {
            return Err(SqlError::new(span, format!("the interval '{text}' has no unit")).hint(shown));
        }
        None => bare.to_string(),
    };
    let span_of_time: Result<day03_windows::time::Span, String> = written.to_lowercase().parse();
    match span_of_time {
        Ok(length) => Ok(length.0),
        Err(reason) if reason.contains("is no length") => {
            Err(SqlError::new(span, format!("'{text}' is no length of time")).hint(shown))
        }
        Err(reason) => Err(SqlError::new(span, reason).hint(shown)),
    }
}

fn binary(op: &BinaryOperator) -> Option<Binary> {
    Some(match op {
        BinaryOperator::Plus => Binary::Plus,
        BinaryOperator::Minus => Binary::Minus,
        BinaryOperator::Multiply => Binary::Times,
        BinaryOperator::Divide => Binary::Divide,
        BinaryOperator::Modulo => Binary::Modulo,
        BinaryOperator::Eq => Binary::Equal,
        BinaryOperator::NotEq => Binary::NotEqual,
        BinaryOperator::Lt => Binary::Less,
        BinaryOperator::LtEq => Binary::LessOrEqual,
        BinaryOperator::Gt => Binary::Greater,
        BinaryOperator::GtEq => Binary::GreaterOrEqual,
        BinaryOperator::And => Binary::And,
        BinaryOperator::Or => Binary::Or,
        BinaryOperator::StringConcat => Binary::Concat,
        _ => return None,
    })
}

/// A call; everything that can be hung onto one is refused, so nothing of it is ignored.
fn call(function: sql::Function, outer: Span, levels: usize) -> Outcome<Expr> {
    let mut parts = function.name.0;
    let called = match (parts.pop(), parts.is_empty()) {
        (Some(ObjectNamePart::Identifier(ident)), true) => name(ident),
        (Some(part), _) => return Err(unsupported(or(part.span(), outer), "a function with a schema")),
        (None, _) => return Err(unsupported(outer, "a function without a name")),
    };
    let span = or(called.span, outer);
    let no = |what: &str| Err(unsupported(span, what));
    if function.over.is_some() {
        return no("OVER");
    }
    if function.filter.is_some() {
        return no("FILTER (WHERE …)");
    }
    if !function.within_group.is_empty() {
        return no("WITHIN GROUP");
    }
    if function.null_treatment.is_some() || function.uses_odbc_syntax {
        return no("a call written like this");
    }
    if !matches!(function.parameters, FunctionArguments::None) {
        return no("a call with parameters");
    }
    let list = match function.args {
        FunctionArguments::List(list) => list,
        FunctionArguments::Subquery(_) => return no("a sub-query in an expression"),
        // CURRENT_TIMESTAMP, USER: the library reads some words as calls.
        FunctionArguments::None => {
            let word = &called.value;
            return Err(unsupported(span, &format!("the function {word}")).hint(format!(
                "if {word} is a name here, quote it: `{word}` or \"{word}\""
            )));
        }
    };
    if list.duplicate_treatment.is_some() {
        return no("DISTINCT in a call");
    }
    if !list.clauses.is_empty() {
        return no("ORDER BY, LIMIT or another clause in a call");
    }
    let mut star = false;
    let mut arguments = Vec::new();
    let many = list.args.len();
    for argument in list.args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.push(within(expr, span, levels)?),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if many == 1 => star = true,
            FunctionArg::Unnamed(_) => return no("* as one of several arguments"),
            FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => return no("an argument by name"),
        }
    }
    let span = arguments
        .iter()
        .fold(span, |span, argument| span.union(&argument.span));
    Ok(at(
        span,
        Node::Call {
            name: called,
            arguments,
            star,
        },
    ))
}

/// What something is called that we cannot do.
fn kind(expr: &sql::Expr) -> &'static str {
    match expr {
        sql::Expr::InSubquery { .. } | sql::Expr::Exists { .. } | sql::Expr::Subquery(_) => {
            "a sub-query in an expression"
        }
        sql::Expr::Like { .. }
        | sql::Expr::ILike { .. }
        | sql::Expr::SimilarTo { .. }
        | sql::Expr::RLike { .. } => "LIKE",
        sql::Expr::IsTrue(_) | sql::Expr::IsFalse(_) | sql::Expr::IsNotTrue(_) | sql::Expr::IsNotFalse(_) => {
            "IS TRUE or IS FALSE"
        }
        sql::Expr::IsDistinctFrom(..) | sql::Expr::IsNotDistinctFrom(..) => "IS DISTINCT FROM",
        sql::Expr::Cast { .. } | sql::Expr::Convert { .. } => "a cast other than CAST and ::",
        sql::Expr::Extract { .. } => "EXTRACT",
        sql::Expr::Ceil { .. } => "CEIL",
        sql::Expr::Floor { .. } => "FLOOR",
        sql::Expr::Substring { .. } => "SUBSTRING",
        sql::Expr::Trim { .. } => "TRIM",
        sql::Expr::AtTimeZone { .. } => "AT TIME ZONE",
        sql::Expr::GroupingSets(_) | sql::Expr::Cube(_) | sql::Expr::Rollup(_) => {
            "GROUPING SETS, CUBE or ROLLUP"
        }
        sql::Expr::CompoundFieldAccess { .. } => "access to a part of a value",
        sql::Expr::Tuple(_) => "a tuple",
        _ => "an expression of this kind",
    }
}
