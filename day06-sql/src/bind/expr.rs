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

use super::coerce::{Typed, convert, fits, is_number, parsed};
use super::context::Unnamed;
use super::operators::{any, binary, copied, has_aggregate, negate, number, unified};
use super::scope::Scope;
use crate::error::{Outcome, SqlError, unsupported};
use crate::eval::castable;
use crate::expr::{Expr, Function};
use crate::parse::ast::{self, Binary, Name, Node, Unary};
use crate::plan::{Aggregate, Field};
use crate::value::{DataType, Scalar};
use day03_windows::time::Span as Length;

/// What grouped expressions are made of.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Each key over the input, and where its value is in the result of the aggregation.
    pub keys: Vec<(Expr, Expr)>,
    /// The aggregates that were asked for.
    pub aggregates: Vec<(Aggregate, Field)>,
    /// The place of the first one.
    pub first: usize,
    /// Whether rows are taken back from them.
    pub retracts: bool,
    /// By whose rules they are typed.
    pub dialect: Unnamed,
}

/// Binds expressions of one clause.
pub(crate) struct Binder<'a> {
    pub scope: &'a Scope,
    /// In which clause an aggregate would be wrong.
    pub clause: &'static str,
    /// Over groups; over rows if there is none.
    pub groups: Option<&'a mut Groups>,
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
                let (place, data_type) = self.scope.column(table.as_ref(), name).ok()?;
                Expr::Column(place, data_type)
            }
            _ if has_aggregate(expr) => return None,
            _ => {
                Binder {
                    scope: self.scope,
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
                Scalar::Varchar(text.clone().into()),
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
        let (place, data_type) = self.scope.column(table, name)?;
        if self.groups.is_some() {
            let message = format!("{} is neither grouped by nor aggregated", name.value);
            return Err(SqlError::new(span, message).hint(format!(
                "put {0} into GROUP BY, or take one value a group, for instance MAX({0})",
                name.value
            )));
        }
        if self.scope.is_bound_of_several(place) {
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
        copied(&value, 2)?;
        let from = binary(Binary::GreaterOrEqual, value.clone(), low, span)?;
        let to = binary(Binary::LessOrEqual, value, high, span)?;
        Ok(negate(
            negated,
            Expr::Call(Function::And, vec![from, to], DataType::Boolean),
        ))
    }

    fn in_list(&mut self, value: &ast::Expr, list: &[ast::Expr], negated: bool, span: Span) -> Outcome<Expr> {
        let value = self.bind(value)?;
        copied(&value, list.len())?;
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
        operand
            .iter()
            .try_for_each(|operand| copied(operand, arms.len()))?;
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
}
