//! Expressions: names become places, types become known, and casts are put where they are needed.
//!
//! There are two ways to bind the same expression. Over **rows** a name is a column of the input. Over **groups** only what
//! is grouped by and aggregates have a value, so each part of the expression is first compared to the keys:
//!
//! ```text
//! SELECT UPPER(m) || '!', SUM(price) / COUNT(*) … GROUP BY UPPER(m)
//!        ──key 0─         ─aggregate 0─ ─aggregate 1─
//! ```
//!
//! A part that is no key and no aggregate is made of parts; at a column that is neither, it is an error.

use sqlparser::tokenizer::Span;

use super::coerce::{Typed, castable, convert, fits, is_number, parsed};
use super::operators::{aggregated, any, binary, expected, negate, number, unified};
use super::relation::Relation;
use crate::aggregate::retractable;
use crate::error::{Outcome, SqlError, suggest, unsupported};
use crate::expr::{Expr, Function};
use crate::parse::ast::{self, Binary, Name, Node, Unary};
use crate::plan::{Aggregate, AggregateFunction, Field};
use crate::types::{DataType, Scalar};
use day03_windows::time::Span as Length;

/// Functions of rows, and behind them those of groups.
const FUNCTIONS: [&str; 10] = [
    "UPPER",
    "LOWER",
    "COALESCE",
    "TO_TIMESTAMP",
    "TO_TIMESTAMP_LTZ",
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
];

/// What grouped expressions are made of.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Each key over the input, and where its value is in the result of the aggregation.
    pub keys: Vec<(Expr, Expr)>,
    /// The aggregates that were asked for.
    pub aggregates: Vec<(Aggregate, Field)>,
    /// The place of the first one.
    pub first: usize,
}

/// Binds expressions of one clause.
pub(crate) struct Binder<'a> {
    pub relation: &'a Relation,
    /// In which clause an aggregate would be wrong.
    pub clause: &'static str,
    /// Over groups; over rows if there is none.
    pub groups: Option<&'a mut Groups>,
}

/// Which aggregate has this name.
pub(crate) fn aggregate_named(name: &Name) -> Option<AggregateFunction> {
    Some(match name.value.to_uppercase().as_str() {
        "COUNT" => AggregateFunction::Count,
        "SUM" => AggregateFunction::Sum,
        "MIN" => AggregateFunction::Min,
        "MAX" => AggregateFunction::Max,
        "AVG" => AggregateFunction::Avg,
        _ => return None,
    })
}

/// Whether an aggregate is anywhere in it.
pub(crate) fn has_aggregate(expr: &ast::Expr) -> bool {
    let here = matches!(&expr.node, Node::Call { name, .. } if aggregate_named(name).is_some());
    here || expr.parts().into_iter().any(has_aggregate)
}

impl Binder<'_> {
    /// An expression that must be BOOLEAN.
    pub(crate) fn condition(&mut self, expr: &ast::Expr) -> Outcome<Expr> {
        let bound = self.bind(expr)?;
        match fits(&bound.expr, DataType::Boolean) {
            true => convert(bound, DataType::Boolean),
            false => Err(SqlError::new(
                bound.span,
                format!("a condition is BOOLEAN, and this is {}", bound.data_type()),
            )),
        }
    }

    pub(crate) fn bind(&mut self, expr: &ast::Expr) -> Outcome<Typed> {
        let bound = match self.key(expr) {
            Some(key) => key,
            None => self.node(expr)?,
        };
        Ok(Typed {
            expr: bound,
            span: expr.span,
        })
    }

    /// The key that an expression is, over groups.
    fn key(&self, expr: &ast::Expr) -> Option<Expr> {
        let groups = self.groups.as_ref()?;
        let over_rows = match &expr.node {
            Node::Column(table, name) => {
                let (place, data_type) = self.relation.column(table.as_ref(), name).ok()?;
                Expr::Column(place, data_type)
            }
            _ if has_aggregate(expr) => return None,
            _ => {
                Binder {
                    relation: self.relation,
                    clause: self.clause,
                    groups: None,
                }
                .bind(expr)
                .ok()?
                .expr
            }
        };
        groups
            .keys
            .iter()
            .find(|(key, _)| *key == over_rows)
            .map(|(_, value)| value.clone())
    }

    fn node(&mut self, expr: &ast::Expr) -> Outcome<Expr> {
        let span = expr.span;
        match &expr.node {
            Node::Column(table, name) => self.column(table.as_ref(), name, span),
            Node::Number(digits) => number(digits, span),
            Node::Text(text) => Ok(Expr::Literal(
                Scalar::Varchar(text.as_str().into()),
                DataType::Varchar,
            )),
            Node::Boolean(value) => Ok(Expr::Literal(Scalar::Boolean(*value), DataType::Boolean)),
            Node::Null => Ok(Expr::Literal(Scalar::Null, DataType::Varchar)),
            Node::Interval(millis) => Ok(Expr::Literal(
                Scalar::Interval(Length(*millis)),
                DataType::Interval,
            )),
            Node::Typed(data_type, text) => match parsed(text, *data_type) {
                Ok(scalar) => Ok(Expr::Literal(scalar, *data_type)),
                Err(reason) => Err(SqlError::new(span, reason)),
            },
            Node::Unary(op, part) => self.unary(*op, part),
            Node::Binary(op, left, right) => {
                let (left, right) = (self.bind(left)?, self.bind(right)?);
                binary(*op, left, right, span)
            }
            Node::IsNull(part, negated) => {
                let function = if *negated {
                    Function::IsNotNull
                } else {
                    Function::IsNull
                };
                Ok(Expr::Call(
                    function,
                    vec![self.bind(part)?.expr],
                    DataType::Boolean,
                ))
            }
            Node::Between {
                value,
                low,
                high,
                negated,
            } => self.between([value, low, high], *negated, span),
            Node::In { value, list, negated } => self.in_list(value, list, *negated, span),
            Node::Case {
                operand,
                arms,
                otherwise,
            } => self.case(operand.as_deref(), arms, otherwise.as_deref(), span),
            Node::Cast(part, to) => self.cast(part, *to),
            Node::Call {
                name,
                arguments,
                star,
            } => self.call(name, arguments, *star, span),
        }
    }

    fn column(&self, table: Option<&Name>, name: &Name, span: Span) -> Outcome<Expr> {
        let (place, data_type) = self.relation.column(table, name)?;
        if self.groups.is_some() {
            let message = format!("{} is neither grouped by nor aggregated", name.value);
            return Err(SqlError::new(span, message).hint(format!(
                "put {0} into GROUP BY, or take one value a group, for instance MAX({0})",
                name.value
            )));
        }
        if self.relation.is_bound_of_several(place) {
            return Err(unsupported(
                span,
                &format!("{} of overlapping windows outside of GROUP BY", name.value),
            )
            .hint("GROUP BY window_start, window_end, and use them in SELECT and HAVING"));
        }
        Ok(Expr::Column(place, data_type))
    }

    fn unary(&mut self, op: Unary, part: &ast::Expr) -> Outcome<Expr> {
        // The smallest BIGINT is only there with its sign.
        if let (Unary::Minus, Node::Number(digits)) = (op, &part.node) {
            return number(&format!("-{digits}"), part.span);
        }
        if op == Unary::Not {
            return Ok(negate(true, self.condition(part)?));
        }
        let value = self.bind(part)?;
        let data_type = value.data_type();
        match op {
            _ if !is_number(data_type) => Err(SqlError::new(
                value.span,
                format!("a sign is for numbers, and this is {data_type}"),
            )),
            Unary::Minus => Ok(Expr::Call(Function::Negate, vec![value.expr], data_type)),
            _ => Ok(value.expr),
        }
    }

    fn between(&mut self, parts: [&ast::Expr; 3], negated: bool, span: Span) -> Outcome<Expr> {
        let [value, low, high] = parts;
        let (value, low, high) = (self.bind(value)?, self.bind(low)?, self.bind(high)?);
        let from = binary(Binary::GreaterOrEqual, value.clone(), low, span)?;
        let to = binary(Binary::LessOrEqual, value, high, span)?;
        Ok(negate(
            negated,
            Expr::Call(Function::And, vec![from, to], DataType::Boolean),
        ))
    }

    fn in_list(&mut self, value: &ast::Expr, list: &[ast::Expr], negated: bool, span: Span) -> Outcome<Expr> {
        let value = self.bind(value)?;
        let equal = |item| binary(Binary::Equal, value.clone(), self.bind(item)?, item.span);
        let equal = list.iter().map(equal).collect::<Outcome<Vec<_>>>()?;
        match any(equal) {
            Some(any) => Ok(negate(negated, any)),
            None => Err(SqlError::new(span, "IN takes at least one value")),
        }
    }

    fn cast(&mut self, part: &ast::Expr, to: DataType) -> Outcome<Expr> {
        let value = self.bind(part)?;
        match value.data_type() {
            from if fits(&value.expr, to) || castable(from, to) => convert(value, to),
            from => Err(SqlError::new(
                value.span,
                format!("{from} cannot be cast to {to}"),
            )),
        }
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        arms: &[(ast::Expr, ast::Expr)],
        otherwise: Option<&ast::Expr>,
        span: Span,
    ) -> Outcome<Expr> {
        let operand = operand.map(|operand| self.bind(operand)).transpose()?;
        let mut conditions = Vec::new();
        let mut results = Vec::new();
        for (when, then) in arms {
            conditions.push(match &operand {
                Some(operand) => binary(Binary::Equal, operand.clone(), self.bind(when)?, when.span)?,
                None => self.condition(when)?,
            });
            results.push(self.bind(then)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.bind(otherwise)?,
            None => Typed {
                expr: Expr::Literal(Scalar::Null, DataType::Varchar),
                span,
            },
        });
        let (mut results, data_type) = unified(results, "the results of CASE")?;
        let otherwise = results.pop().unwrap_or(Expr::Literal(Scalar::Null, data_type));
        Ok(Expr::Case(
            conditions.into_iter().zip(results).collect(),
            Box::new(otherwise),
            data_type,
        ))
    }

    fn call(&mut self, name: &Name, arguments: &[ast::Expr], star: bool, span: Span) -> Outcome<Expr> {
        if let Some(function) = aggregate_named(name) {
            return self.aggregate(function, name, arguments, star, span);
        }
        let upper = name.value.to_uppercase();
        match upper.as_str() {
            "TUMBLE" | "HOP" | "CUMULATE" | "SESSION" => {
                return Err(unsupported(name.span, &format!("{upper} in an expression")).hint(
                    "windows go into FROM: TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)), \
                     then GROUP BY window_start, window_end",
                ));
            }
            name if FUNCTIONS.contains(&name) => {}
            _ => {
                return Err(
                    SqlError::new(name.span, format!("no function {}", name.value)).hint(suggest(
                        &name.value,
                        "there are",
                        FUNCTIONS,
                    )),
                );
            }
        }
        if star {
            return Err(
                SqlError::new(name.span, format!("{upper}(*) means nothing")).hint("* is for COUNT(*)")
            );
        }
        let many = |wanted: &str| {
            SqlError::new(
                name.span,
                format!("{upper} takes {wanted}, and this has {}", arguments.len()),
            )
        };
        let mut values = arguments
            .iter()
            .map(|argument| self.bind(argument))
            .collect::<Outcome<Vec<_>>>()?;
        match (upper.as_str(), values.len()) {
            ("COALESCE", 0) => Err(many("at least one argument")),
            ("COALESCE", _) => {
                let (values, data_type) = unified(values, "the arguments of COALESCE")?;
                Ok(Expr::Call(Function::Coalesce, values, data_type))
            }
            ("UPPER" | "LOWER", 1) => {
                let function = if upper == "UPPER" {
                    Function::Upper
                } else {
                    Function::Lower
                };
                let value = values.remove(0);
                let value = expected(value, DataType::Varchar, &upper)?;
                Ok(Expr::Call(function, vec![value], DataType::Varchar))
            }
            ("TO_TIMESTAMP_LTZ", 2) => {
                let precision = values.remove(1);
                if !matches!(precision.expr, Expr::Literal(Scalar::Int(0 | 3), _)) {
                    return Err(SqlError::new(
                        precision.span,
                        "the second argument of TO_TIMESTAMP_LTZ is 0 or 3",
                    )
                    .hint("0 for seconds since 1970, 3 for milliseconds"));
                }
                let number = expected(values.remove(0), DataType::BigInt, &upper)?;
                Ok(Expr::Call(
                    Function::ToTimestampLtz,
                    vec![number, precision.expr],
                    DataType::TimestampTz,
                ))
            }
            ("TO_TIMESTAMP_LTZ", _) => Err(many("a number and 0 or 3")),
            // As RisingWave has it: with fractions of a second.
            ("TO_TIMESTAMP", 1) => {
                let number = values.remove(0);
                if !is_number(number.data_type()) {
                    let message = format!(
                        "TO_TIMESTAMP takes a number of seconds, and this is {}",
                        number.data_type()
                    );
                    return Err(SqlError::new(number.span, message)
                        .hint("a text becomes a time by CAST(… AS TIMESTAMP), milliseconds by TO_TIMESTAMP_LTZ(…, 3)"));
                }
                let seconds = Expr::Literal(Scalar::Int(0), DataType::Int);
                Ok(Expr::Call(
                    Function::ToTimestampLtz,
                    vec![number.expr, seconds],
                    DataType::TimestampTz,
                ))
            }
            _ => Err(many("one argument")),
        }
    }

    fn aggregate(
        &mut self,
        function: AggregateFunction,
        name: &Name,
        arguments: &[ast::Expr],
        star: bool,
        span: Span,
    ) -> Outcome<Expr> {
        let Some(groups) = self.groups.as_mut() else {
            let error = SqlError::new(
                name.span,
                format!(
                    "{} is an aggregate, and {} is about single rows",
                    name.value, self.clause
                ),
            );
            return Err(match self.clause {
                "WHERE" => error.hint("a condition on groups goes into HAVING"),
                _ => error,
            });
        };
        let argument = match (arguments, star) {
            ([], true) if function == AggregateFunction::Count => None,
            ([argument], false) => {
                let mut rows = Binder {
                    relation: self.relation,
                    clause: "the argument of an aggregate",
                    groups: None,
                };
                Some(rows.bind(argument)?)
            }
            (_, true) => {
                return Err(
                    SqlError::new(name.span, format!("{}(*) means nothing", name.value))
                        .hint("* is for COUNT(*)"),
                );
            }
            (arguments, _) => {
                let message = format!(
                    "{} takes one argument, and this has {}",
                    name.value,
                    arguments.len()
                );
                return Err(SqlError::new(name.span, message));
            }
        };
        let of = argument.as_ref().map(Typed::data_type);
        let Some(data_type) = aggregated(function, of) else {
            let of = of.map(|of| of.to_string()).unwrap_or_default();
            return Err(SqlError::new(span, format!("{} takes no {of}", name.value)));
        };
        // What reads a view reads it once, so nothing is taken back from it.
        let input = &self.relation.plan;
        if input.table().is_some() && input.updates() && !retractable(function) {
            let message = format!("{} of rows that are updated", name.value.to_uppercase());
            return Err(unsupported(span, &message).hint("COUNT, SUM and AVG can take a row back"));
        }
        let aggregate = Aggregate {
            function,
            argument: argument.map(|argument| argument.expr),
        };
        let place = groups
            .aggregates
            .iter()
            .position(|(known, _)| *known == aggregate);
        let place = place.unwrap_or_else(|| {
            let name = name.value.to_lowercase();
            groups.aggregates.push((aggregate, Field { name, data_type }));
            groups.aggregates.len() - 1
        });
        Ok(Expr::Column(groups.first + place, data_type))
    }
}
