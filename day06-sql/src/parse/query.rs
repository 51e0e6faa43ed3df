//! `SELECT`, and `INSERT INTO … SELECT`.
//!
//! ```text
//! SELECT items FROM table | window function | (query) WHERE … GROUP BY … HAVING … EMIT ON WINDOW CLOSE
//! ```
//!
//! The window functions of Flink and RisingWave differ in words only, so both are read here into one [`Windowed`]:
//!
//! ```text
//! TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE))
//!       HOP(      orders,            ts , INTERVAL '1 minute', INTERVAL '10 minutes')
//! ```

use sqlparser::tokenizer::{Span, Token};

use super::ast::{From, Item, Query, Source, Statement, WindowKind, Windowed};
use super::cursor::{Cursor, DEPTH};
use crate::error::{Outcome, SqlError, unsupported};

/// `INTO table [(columns)] query`, behind INSERT.
pub(crate) fn insert(cursor: &mut Cursor<'_>) -> Outcome<Statement> {
    if cursor.sees(&["OVERWRITE"]) {
        return Err(unsupported(cursor.span(), "INSERT OVERWRITE"));
    }
    cursor.word("INTO")?;
    let table = cursor.object("the name of a table")?;
    let mut columns = Vec::new();
    if cursor.takes_token(&Token::LParen) {
        columns = cursor.list(|cursor| cursor.name("the name of a column"))?;
        cursor.token(&Token::RParen)?;
    }
    if cursor.sees(&["VALUES"]) {
        return Err(
            unsupported(cursor.span(), "INSERT … VALUES").hint("INSERT INTO a table what a SELECT gives")
        );
    }
    Ok(Statement::Insert {
        table,
        columns,
        query: query(cursor)?,
    })
}

/// A query with everything that belongs to it.
pub(crate) fn query(cursor: &mut Cursor<'_>) -> Outcome<Query> {
    nested(cursor, 0)
}

fn nested(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<Query> {
    let span = cursor.span();
    if depth > DEPTH {
        return Err(SqlError::new(
            span,
            format!("nested more than {DEPTH} levels deep"),
        ));
    }
    if cursor.sees(&["WITH"]) {
        return Err(unsupported(span, "WITH in front of a query")
            .hint("write the query in FROM (…), or create a view"));
    }
    cursor.word("SELECT")?;
    for word in ["DISTINCT", "TOP"] {
        if cursor.sees(&[word]) {
            return Err(unsupported(cursor.span(), word));
        }
    }
    cursor.takes(&["ALL"]);
    let items = cursor.list(item)?;
    let from = match cursor.takes(&["FROM"]) {
        true => Some(from(cursor, depth)?),
        false => None,
    };
    let filter = cursor.takes(&["WHERE"]).then(|| cursor.expr()).transpose()?;
    let group_by = match cursor.takes(&["GROUP", "BY"]) {
        true => cursor.list(group)?,
        false => Vec::new(),
    };
    let having = cursor.takes(&["HAVING"]).then(|| cursor.expr()).transpose()?;
    refuse_clauses(cursor)?;
    let start = cursor.span();
    let emit_on_close = match cursor.takes(&["EMIT"]) {
        true if cursor.takes(&["ON", "WINDOW", "CLOSE"]) => Some(start.union(&cursor.last())),
        true => return Err(cursor.expected("ON WINDOW CLOSE")),
        false => None,
    };
    refuse_clauses(cursor)?;
    Ok(Query {
        items,
        from,
        filter,
        group_by,
        having,
        emit_on_close,
        span,
    })
}

/// What may stand behind a query elsewhere, but not here.
fn refuse_clauses(cursor: &Cursor<'_>) -> Outcome<()> {
    let clauses: [&[&str]; 10] = [
        &["ORDER", "BY"],
        &["LIMIT"],
        &["OFFSET"],
        &["FETCH"],
        &["UNION"],
        &["EXCEPT"],
        &["INTERSECT"],
        &["WINDOW"],
        &["QUALIFY"],
        &["FOR", "UPDATE"],
    ];
    match clauses.into_iter().find(|clause| cursor.sees(clause)) {
        Some(clause) => Err(unsupported(cursor.span(), &clause.join(" "))),
        None => Ok(()),
    }
}

fn item(cursor: &mut Cursor<'_>) -> Outcome<Item> {
    let span = cursor.span();
    if cursor.takes_token(&Token::Mul) {
        return Ok(Item::All(None, span));
    }
    if let Some(table) = cursor.qualified_star() {
        return Ok(Item::All(Some(table), span.union(&cursor.last())));
    }
    let expr = cursor.expr()?;
    Ok(Item::Expr(expr, cursor.alias()?))
}

fn group(cursor: &mut Cursor<'_>) -> Outcome<super::ast::Expr> {
    for word in ["ROLLUP", "CUBE", "GROUPING", "ALL", "DISTINCT"] {
        if cursor.sees(&[word]) {
            return Err(unsupported(cursor.span(), &format!("GROUP BY {word}")));
        }
    }
    cursor.expr()
}

fn from(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<From> {
    let source = source(cursor, depth)?;
    if cursor.sees(&["FOR", "SYSTEM_TIME"]) {
        return Err(unsupported(cursor.span(), "FOR SYSTEM_TIME"));
    }
    let alias = cursor.alias()?;
    if alias.is_some() && cursor.sees_token(&Token::LParen) {
        return Err(unsupported(cursor.span(), "an alias with names for columns"));
    }
    let joins = [
        "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ASOF",
    ];
    if cursor.sees_token(&Token::Comma) || joins.iter().any(|join| cursor.sees(&[join])) {
        return Err(
            unsupported(cursor.span(), "JOIN").hint("FROM takes one table, view, window function or (query)")
        );
    }
    Ok(From { source, alias })
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
