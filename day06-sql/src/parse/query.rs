//! `SELECT`, and `INSERT INTO … SELECT`.
//!
//! ```text
//! query   WITH name AS (query), …  part UNION ALL part …  EMIT ON WINDOW CLOSE
//! part    (query)
//!         SELECT items FROM inputs WHERE … GROUP BY … HAVING …
//! ```

use sqlparser::tokenizer::Token;

use super::ast::{Expr, Item, Name, Part, Query, Select, Statement};
use super::cursor::{Cursor, DEPTH};
use super::from::from;
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

/// A query so many levels deep.
pub(super) fn nested(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<Query> {
    let span = cursor.span();
    if depth > DEPTH {
        return Err(SqlError::new(
            span,
            format!("nested more than {DEPTH} levels deep"),
        ));
    }
    let with = match cursor.takes(&["WITH"]) {
        true if cursor.sees(&["RECURSIVE"]) => return Err(unsupported(cursor.span(), "WITH RECURSIVE")),
        true => cursor.list(|cursor| named(cursor, depth))?,
        false => Vec::new(),
    };
    let mut parts = vec![part(cursor, depth)?];
    while cursor.sees(&["UNION", "ALL"]) {
        cursor.takes(&["UNION", "ALL"]);
        parts.push(part(cursor, depth)?);
    }
    if cursor.sees(&["UNION"]) {
        return Err(unsupported(cursor.span(), "UNION without ALL").hint("UNION ALL keeps every row"));
    }
    refuse_clauses(cursor)?;
    let start = cursor.span();
    let emit_on_close = match cursor.takes(&["EMIT"]) {
        true if cursor.takes(&["ON", "WINDOW", "CLOSE"]) => Some(start.union(&cursor.last())),
        true => return Err(cursor.expected("ON WINDOW CLOSE")),
        false => None,
    };
    refuse_clauses(cursor)?;
    Ok(Query {
        with,
        parts,
        emit_on_close,
        span,
    })
}

/// `name AS (query)`.
fn named(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<(Name, Query)> {
    let name = cursor.object("a name for a query")?;
    if cursor.sees_token(&Token::LParen) {
        return Err(unsupported(cursor.span(), "names for columns in WITH").hint("name columns with AS"));
    }
    cursor.word("AS")?;
    cursor.token(&Token::LParen)?;
    let query = nested(cursor, depth + 1)?;
    cursor.token(&Token::RParen)?;
    Ok((name, query))
}

fn part(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<Part> {
    if cursor.takes_token(&Token::LParen) {
        let query = nested(cursor, depth + 1)?;
        cursor.token(&Token::RParen)?;
        return Ok(Part::Query(Box::new(query)));
    }
    let span = cursor.span();
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
    Ok(Part::Select(Box::new(Select {
        items,
        from,
        filter,
        group_by,
        having,
        span,
    })))
}

/// What may stand behind a query elsewhere, but not here.
fn refuse_clauses(cursor: &Cursor<'_>) -> Outcome<()> {
    let clauses: [&[&str]; 10] = [
        &["ORDER", "BY"],
        &["LIMIT"],
        &["OFFSET"],
        &["FETCH"],
        &["EXCEPT"],
        &["INTERSECT"],
        &["MINUS"],
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

fn group(cursor: &mut Cursor<'_>) -> Outcome<Expr> {
    for word in ["ROLLUP", "CUBE", "GROUPING", "ALL", "DISTINCT"] {
        if cursor.sees(&[word]) {
            return Err(unsupported(cursor.span(), &format!("GROUP BY {word}")));
        }
    }
    cursor.expr()
}
