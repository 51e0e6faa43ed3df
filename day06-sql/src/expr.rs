//! Expressions, with names resolved and types known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::value::{DataType, Scalar};

/// From the place that a column had to the place that it has.
pub(crate) type Places = BTreeMap<usize, usize>;

/// An expression over the columns of its input.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A column of the input, by its place.
    Column(usize, DataType),
    /// A value that is the same for all rows.
    Literal(Scalar, DataType),
    /// A function or an operator of its arguments, whose types fit: the binder has put casts where
    /// they are needed.
    Call(Function, Vec<Expr>, DataType),
    /// The value as another type. What cannot be cast is an error that ends the job.
    Cast(Box<Expr>, DataType),
    /// CASE WHEN … THEN … ELSE … END.
    Case(Vec<(Expr, Expr)>, Box<Expr>, DataType),
}

/// What can be called. Both sides of arithmetic and of comparisons have the same type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `a + b` of INT, BIGINT, DOUBLE or NUMERIC; an overflow is an error. Also a timestamp and an
    /// interval.
    Plus,
    /// `a - b`, as [`Function::Plus`].
    Minus,
    /// `a * b` of numbers; an overflow is an error.
    Times,
    /// `a / b` of numbers; integers lose the fraction; a division by zero is an error.
    Divide,
    /// `a % b` of numbers, with the sign of `a`; a division by zero is an error.
    Modulo,
    /// `-a` of a number or an interval.
    Negate,
    /// `a = b`. A comparison is NULL if a side is NULL.
    Equal,
    /// `a <> b`.
    NotEqual,
    /// `a < b`.
    Less,
    /// `a <= b`.
    LessOrEqual,
    /// `a > b`.
    Greater,
    /// `a >= b`.
    GreaterOrEqual,
    /// `a AND b` of three values: false if a side is false, otherwise NULL if a side is NULL.
    And,
    /// `a OR b` of three values: true if a side is true, otherwise NULL if a side is NULL.
    Or,
    /// `NOT a`; NULL of NULL.
    Not,
    /// `a IS NULL`; never NULL itself.
    IsNull,
    /// `a IS NOT NULL`; never NULL itself.
    IsNotNull,
    /// `a || b` of texts.
    Concat,
    /// `UPPER(a)` of a text.
    Upper,
    /// `LOWER(a)` of a text.
    Lower,
    /// `LEFT(a, length)`: the first characters of a text, all of them if there are not so many. `CAST(a AS VARCHAR(length))`
    /// is the same.
    Left,
    /// `COALESCE(a, b, …)`: the first argument that is not NULL.
    Coalesce,
    /// `TRY_CAST(a AS type)`: as a cast, but what cannot be cast is NULL.
    TryCast,
    /// `TO_TIMESTAMP_LTZ(number, 0 or 3)`: seconds or milliseconds since 1970 as TIMESTAMPTZ; the
    /// second argument is a literal.
    ToTimestampLtz,
    /// The start of the tumbling window of a time: (timestamp, size, offset), the latter two
    /// literal intervals.
    TumbleStart,
    /// The end of it, with the same arguments.
    TumbleEnd,
}

impl Expr {
    /// The type of its value.
    pub fn data_type(&self) -> DataType {
        match self {
            Expr::Column(_, data_type)
            | Expr::Literal(_, data_type)
            | Expr::Call(_, _, data_type)
            | Expr::Cast(_, data_type)
            | Expr::Case(_, _, data_type) => *data_type,
        }
    }

    /// Of how many parts it consists.
    pub(crate) fn size(&self) -> usize {
        let parts = match self {
            Expr::Column(..) | Expr::Literal(..) => 0,
            Expr::Call(_, arguments, _) => arguments.iter().map(Expr::size).sum(),
            Expr::Cast(value, _) => value.size(),
            Expr::Case(arms, otherwise, _) => {
                let arms = arms.iter().map(|(when, then)| when.size() + then.size());
                arms.sum::<usize>() + otherwise.size()
            }
        };
        parts + 1
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> BTreeSet<usize> {
        let mut columns = BTreeSet::new();
        self.add_columns(&mut columns);
        columns
    }

    /// Adds the columns that it reads.
    pub(crate) fn add_columns(&self, columns: &mut BTreeSet<usize>) {
        match self {
            Expr::Column(place, _) => {
                columns.insert(*place);
            }
            Expr::Literal(..) => {}
            Expr::Call(_, arguments, _) => arguments
                .iter()
                .for_each(|argument| argument.add_columns(columns)),
            Expr::Cast(value, _) => value.add_columns(columns),
            Expr::Case(arms, otherwise, _) => {
                arms.iter().for_each(|(when, then)| {
                    when.add_columns(columns);
                    then.add_columns(columns);
                });
                otherwise.add_columns(columns);
            }
        }
    }

    /// The conditions that are all true when this one is, from left to right.
    pub(crate) fn conjuncts(self) -> Vec<Expr> {
        match self {
            Expr::Call(Function::And, sides, _) => sides.into_iter().flat_map(Expr::conjuncts).collect(),
            condition => vec![condition],
        }
    }

    /// Whether all of these are true, as a tree that is not deep; none of none.
    pub(crate) fn all(mut conditions: Vec<Expr>) -> Option<Expr> {
        if conditions.len() <= 1 {
            return conditions.pop();
        }
        let right = conditions.split_off(conditions.len() / 2);
        let sides = vec![Expr::all(conditions)?, Expr::all(right)?];
        Some(Expr::Call(Function::And, sides, DataType::Boolean))
    }

    /// The same over an input whose columns have moved.
    pub(crate) fn moved(self, places: &Places) -> Expr {
        match self {
            Expr::Column(place, data_type) => {
                Expr::Column(places.get(&place).copied().unwrap_or(place), data_type)
            }
            Expr::Literal(..) => self,
            Expr::Call(function, arguments, data_type) => {
                let arguments = arguments
                    .into_iter()
                    .map(|argument| argument.moved(places))
                    .collect();
                Expr::Call(function, arguments, data_type)
            }
            Expr::Cast(value, data_type) => Expr::Cast(Box::new(value.moved(places)), data_type),
            Expr::Case(arms, otherwise, data_type) => {
                let arms = arms
                    .into_iter()
                    .map(|(when, then)| (when.moved(places), then.moved(places)))
                    .collect();
                Expr::Case(arms, Box::new(otherwise.moved(places)), data_type)
            }
        }
    }
}

impl Function {
    /// Whether it compares two values of one type.
    pub fn is_comparison(self) -> bool {
        use Function::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        matches!(
            self,
            Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual
        )
    }

    /// Whether it is written between its arguments.
    pub fn is_infix(self) -> bool {
        use Function::{And, Concat, Divide, Minus, Modulo, Or, Plus, Times};
        self.is_comparison() || matches!(self, Plus | Minus | Times | Divide | Modulo | And | Or | Concat)
    }
}

/// An operator as it is written, a function by its name.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Function::Plus => "+",
            Function::Minus | Function::Negate => "-",
            Function::Times => "*",
            Function::Divide => "/",
            Function::Modulo => "%",
            Function::Equal => "=",
            Function::NotEqual => "<>",
            Function::Less => "<",
            Function::LessOrEqual => "<=",
            Function::Greater => ">",
            Function::GreaterOrEqual => ">=",
            Function::And => "AND",
            Function::Or => "OR",
            Function::Not => "NOT",
            Function::IsNull => "IS NULL",
            Function::IsNotNull => "IS NOT NULL",
            Function::Concat => "||",
            Function::Upper => "UPPER",
            Function::Lower => "LOWER",
            Function::Left => "LEFT",
            Function::Coalesce => "COALESCE",
            Function::TryCast => "TRY_CAST",
            Function::ToTimestampLtz => "TO_TIMESTAMP_LTZ",
            Function::TumbleStart => "TUMBLE_START",
            Function::TumbleEnd => "TUMBLE_END",
        })
    }
}
