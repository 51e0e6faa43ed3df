//! Calls: which functions there are, what each takes, and what an aggregate asks of the groups.

use sqlparser::tokenizer::Span;

use super::coerce::{Typed, fits, is_number, parsed};
use super::context::Unnamed;
use super::expr::Binder;
use super::operators::{aggregate_named, expected, unified};
use crate::aggregate::{result_type, retractable};
use crate::error::{Outcome, SqlError, suggest, unsupported};
use crate::eval::castable;
use crate::expr::{Expr, Function};
use crate::parse::ast::{self, Name};
use crate::plan::{Aggregate, AggregateFunction, Field};
use crate::value::{DataType, Scalar};

/// Functions of rows, and behind them those of groups.
const FUNCTIONS: [&str; 11] = [
    "UPPER",
    "LOWER",
    "LEFT",
    "COALESCE",
    "TO_TIMESTAMP",
    "TO_TIMESTAMP_LTZ",
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
];

impl Binder<'_> {
    /// A call of a function by its name.
    pub(super) fn call(
        &mut self,
        name: &Name,
        arguments: &[ast::Expr],
        star: bool,
        span: Span,
    ) -> Outcome<Expr> {
        if let Some(function) = aggregate_named(name) {
            return self.aggregate(function, name, arguments, star, span);
        }
        let upper = name.value.to_uppercase();
        if let ("TRY_CAST", [cast]) = (upper.as_str(), arguments) {
            return self.try_cast(cast);
        }
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
            ("LEFT", 2) => {
                let length = expected(values.remove(1), DataType::Int, &upper)?;
                let text = expected(values.remove(0), DataType::Varchar, &upper)?;
                Ok(Expr::Call(Function::Left, vec![text, length], DataType::Varchar))
            }
            ("LEFT", _) => Err(many("a text and a number of characters")),
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

    /// A cast that is NULL where it fails. One of a literal, which fails while the statement is read, has to be tried then.
    fn try_cast(&mut self, cast: &ast::Expr) -> Outcome<Expr> {
        let ast::Node::Cast(of, to) = &cast.node else {
            // The first characters of a text: that cannot fail.
            return Ok(self.bind(cast)?.expr);
        };
        let value = self.bind(of)?;
        match (&value.expr, value.data_type()) {
            (Expr::Literal(Scalar::Varchar(text), _), _) => {
                Ok(Expr::Literal(parsed(text, *to).unwrap_or(Scalar::Null), *to))
            }
            (Expr::Literal(Scalar::Null, _), _) => Ok(Expr::Literal(Scalar::Null, *to)),
            (_, from) if fits(&value.expr, *to) || castable(from, *to) => {
                Ok(Expr::Call(Function::TryCast, vec![value.expr], *to))
            }
            (_, from) => Err(SqlError::new(
                value.span,
                format!("{from} cannot be cast to {to}"),
            )),
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
                    scope: self.scope,
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
        let argument = argument.map(
            |argument| match (function, groups.dialect, argument.data_type()) {
                // A sum of large numbers may be larger than any of them.
                (AggregateFunction::Sum, Unnamed::RisingWave, DataType::BigInt) => Typed {
                    expr: Expr::Cast(Box::new(argument.expr), DataType::Numeric(None)),
                    ..argument
                },
                _ => argument,
            },
        );
        let of = argument.as_ref().map(Typed::data_type);
        let Some(data_type) = result_type(function, of) else {
            let of = of.map(|of| of.to_string()).unwrap_or_default();
            return Err(SqlError::new(span, format!("{} takes no {of}", name.value)));
        };
        if groups.retracts && !retractable(function) {
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
