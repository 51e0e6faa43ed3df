//! FROM: the inputs of a query.
//!
//! ```text
//! inputs   input JOIN input ON condition | USING (columns) …
//!          input, input                                       the condition is in WHERE
//! input    table | window function | (query)   [AS] alias
//! ```
//!
//! The window functions of Flink and RisingWave differ in words only, so both are read here into one [`Windowed`]:
//!
//! ```text
//! TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE))
//!       HOP(      orders,            ts , INTERVAL '1 minute', INTERVAL '10 minutes')
//! ```

use sqlparser::tokenizer::{Span, Token};

use super::ast::{From, Input, Join, JoinOn, Source, WindowKind, Windowed};
use super::cursor::Cursor;
use super::query::nested;
use crate::error::{Outcome, SqlError, unsupported};

/// How many inputs a query may have: each is a level of its plan.
const INPUTS: usize = 50;

/// Joins of other kinds, which would read as joins of ours if their first word were an alias.
const OTHER_JOINS: [&[&str]; 7] = [
    &["LEFT"],
    &["RIGHT"],
    &["FULL"],
    &["SEMI"],
    &["ANTI"],
    &["NATURAL"],
    &["ASOF"],
];

/// The inputs of a query, behind FROM.
pub(super) fn from(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<From> {
    let (first, mut joins) = (input(cursor, depth)?, Vec::new());
    loop {
        let start = cursor.span();
        let cross = cursor.takes_token(&Token::Comma) || cursor.takes(&["CROSS", "JOIN"]);
        if !cross && !cursor.takes(&["INNER", "JOIN"]) && !cursor.takes(&["JOIN"]) {
            return match OTHER_JOINS.into_iter().find(|other| cursor.sees(other)) {
                Some(other) => Err(unsupported(start, &format!("{} JOIN", other.join(" ")))
                    .hint("there are: INNER JOIN, and CROSS JOIN with a condition in WHERE")),
                None => Ok(From { first, joins }),
            };
        }
        let span = cursor.last();
        if joins.len() + 1 >= INPUTS {
            return Err(
                SqlError::new(span, format!("a query of more than {INPUTS} inputs"))
                    .hint("join some of them in a view"),
            );
        }
        let input = input(cursor, depth)?;
        let how = match cross {
            true => JoinOn::Nothing,
            false => condition(cursor)?,
        };
        joins.push(Join { input, how, span });
    }
}

/// `ON condition` or `USING (columns)`.
fn condition(cursor: &mut Cursor<'_>) -> Outcome<JoinOn> {
    if cursor.takes(&["ON"]) {
        return cursor.expr().map(JoinOn::Condition);
    }
    if !cursor.takes(&["USING"]) {
        return Err(cursor.expected("ON or USING"));
    }
    cursor.token(&Token::LParen)?;
    let columns = cursor.list(|cursor| cursor.name("the name of a column"))?;
    cursor.token(&Token::RParen)?;
    Ok(JoinOn::Using(columns))
}

fn input(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<Input> {
    let source = source(cursor, depth)?;
    if cursor.sees(&["FOR", "SYSTEM_TIME"]) {
        return Err(unsupported(cursor.span(), "FOR SYSTEM_TIME"));
    }
    let alias = cursor.alias()?;
    if alias.is_some() && cursor.sees_token(&Token::LParen) {
        return Err(unsupported(cursor.span(), "an alias with names for columns"));
    }
    Ok(Input { source, alias })
}

fn source(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<Source> {
    if cursor.takes_token(&Token::LParen) {
        let query = nested(cursor, depth + 1)?;
        cursor.token(&Token::RParen)?;
        return Ok(Source::Query(Box::new(query)));
    }
    if cursor.takes(&["TABLE"]) {
        cursor.token(&Token::LParen)?;
        let function = cursor.object("a window function")?;
        let windowed = windowed(cursor, &function.value, function.span, depth)?;
        cursor.token(&Token::RParen)?;
        return Ok(Source::Windowed(windowed));
    }
    for word in ["LATERAL", "UNNEST", "VALUES"] {
        if cursor.sees(&[word]) {
            return Err(unsupported(cursor.span(), word));
        }
    }
    let name = cursor.object("a table, a view, a window function or (a query)")?;
    match cursor.sees_token(&Token::LParen) {
        true => Ok(Source::Windowed(windowed(cursor, &name.value, name.span, depth)?)),
        false => Ok(Source::Named(name)),
    }
}

/// `(TABLE table | (query), DESCRIPTOR(time), lengths…)`, behind the name of the function.
fn windowed(cursor: &mut Cursor<'_>, function: &str, span: Span, depth: usize) -> Outcome<Windowed> {
    let kind =
        match function.to_uppercase().as_str() {
            "TUMBLE" => WindowKind::Tumble,
            "HOP" => WindowKind::Hop,
            "CUMULATE" => WindowKind::Cumulate,
            "SESSION" => return Err(unsupported(span, "SESSION").hint("there are: TUMBLE, HOP, CUMULATE")),
            _ => {
                return Err(
                    SqlError::new(span, format!("no window function {function}")).hint(
                        crate::error::suggest(function, "there are", ["TUMBLE", "HOP", "CUMULATE"]),
                    ),
                );
            }
        };
    cursor.token(&Token::LParen)?;
    cursor.takes(&["TABLE"]);
    let input = match cursor.takes_token(&Token::LParen) {
        true => {
            let query = nested(cursor, depth + 1)?;
            cursor.token(&Token::RParen)?;
            Source::Query(Box::new(query))
        }
        false => Source::Named(cursor.object("a table or (a query)")?),
    };
    if cursor.sees_token(&Token::RArrow) {
        return Err(unsupported(cursor.span(), "an argument by name"));
    }
    if cursor.sees(&["PARTITION"]) {
        return Err(unsupported(cursor.span(), "PARTITION BY in a window function"));
    }
    cursor.token(&Token::Comma)?;
    let descriptor = cursor.takes(&["DESCRIPTOR"]);
    if descriptor {
        cursor.token(&Token::LParen)?;
    }
    let time = cursor.name("the column that is the time")?;
    if descriptor {
        cursor.token(&Token::RParen)?;
    }
    let mut lengths = Vec::new();
    while cursor.takes_token(&Token::Comma) {
        lengths.push(cursor.expr()?);
    }
    cursor.token(&Token::RParen)?;
    Ok(Windowed {
        kind,
        input: Box::new(input),
        time,
        descriptor,
        lengths,
        span,
    })
}
