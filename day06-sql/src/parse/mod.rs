//! From text to statements as they were written.
//!
//! ```text
//! text ─ tokens ─ cut at `;` ─┬─ create.rs   CREATE TABLE, SOURCE, VIEW, SINK
//!                             ├─ query.rs    SELECT and what reads or feeds it ── from.rs
//!                             ├─ set.rs      BEGIN STATEMENT SET … END
//!                             └─ expr.rs     expressions, which the library reads and we convert
//! ```
//!
//! 1. A `;` in a text or in a comment cuts nothing, because the text is cut into tokens first.
//! 2. Every word of a statement is understood or refused. Nothing is skipped, because a clause that is ignored in silence is
//!    a wrong result.
//! 3. No input overflows the stack: nesting is limited by the library, and chains by counting operators (`depth.rs`).

pub(crate) mod ast;
mod create;
mod cursor;
mod depth;
mod dialect;
mod expr;
mod from;
mod query;
mod set;
mod types;

use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::error::{Outcome, SqlError, unsupported};
use ast::Statement;
use cursor::Cursor;
use set::StatementSet;

/// What statements begin with that we have not.
const OTHERS: [&str; 14] = [
    "ALTER", "BEGIN", "COMMIT", "COPY", "DELETE", "DESC", "DESCRIBE", "DROP", "FLUSH", "SET", "SHOW",
    "UPDATE", "USE", "EXECUTE",
];

/// All statements of a text.
pub(crate) fn statements(text: &str) -> Outcome<Vec<Statement>> {
    let mut tokens = Vec::new();
    Tokenizer::new(&dialect::Streaming, text)
        .tokenize_with_location_into_buf(&mut tokens)
        .map_err(|error| {
            let at = error.location;
            SqlError::new(Span::new(at, at), error.message.to_lowercase())
        })?;
    let (mut statements, mut set) = (Vec::new(), StatementSet::default());
    let mut open: Vec<TokenWithSpan> = Vec::new();
    for token in tokens {
        match &token.token {
            Token::Whitespace(Whitespace::MultiLineComment(comment)) if comment.starts_with('+') => {
                return Err(unsupported(token.span, "a hint (/*+ … */)"));
            }
            Token::Whitespace(_) => {}
            Token::SemiColon => {
                let tokens = std::mem::take(&mut open);
                statements.extend(statement(tokens, token.span.start, &mut set)?);
            }
            _ => open.push(token),
        }
    }
    let end = open.last().map_or(Location::new(1, 1), |last| last.span.end);
    statements.extend(statement(open, end, &mut set)?);
    set.end()?;
    Ok(statements)
}

/// One statement; none if there is nothing but white space, or the bounds of a statement set.
fn statement(
    tokens: Vec<TokenWithSpan>,
    end: Location,
    set: &mut StatementSet,
) -> Outcome<Option<Statement>> {
    if tokens.is_empty() {
        return Ok(None);
    }
    depth::check(&tokens)?;
    let mut cursor = Cursor::new(tokens, end);
    let statement = match set.takes(&mut cursor)? {
        true => None,
        false => Some(begin(&mut cursor)?),
    };
    match cursor.is_at_end() {
        true => Ok(statement),
        false => Err(cursor
            .expected("the end of the statement")
            .hint("statements are ended by ;")),
    }
}

fn begin(cursor: &mut Cursor<'_>) -> Outcome<Statement> {
    let span = cursor.span();
    if cursor.takes(&["EXPLAIN"]) {
        cursor.takes(&["PLAN", "FOR"]);
        if cursor.sees(&["EXPLAIN"]) {
            return Err(cursor.expected("a query to explain"));
        }
        return Ok(Statement::Explain(Box::new(begin(cursor)?), span));
    }
    if cursor.takes(&["CREATE"]) {
        return create::create(cursor);
    }
    if cursor.takes(&["INSERT"]) {
        return query::insert(cursor);
    }
    if cursor.sees(&["SELECT"]) || cursor.sees(&["WITH"]) || cursor.sees_token(&Token::LParen) {
        return query::query(cursor).map(Statement::Query);
    }
    match OTHERS.into_iter().find(|other| cursor.sees(&[other])) {
        Some(other) => Err(unsupported(span, other)),
        None => Err(cursor.expected("CREATE, INSERT, SELECT or EXPLAIN")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_where_statements_end_and_nowhere_else() {
        #[rustfmt::skip]
        let table = [
            ("",                                                0),
            (" ;; -- nothing; at all\n ; /* ; */",              0),
            ("SELECT 1",                                        1),
            ("SELECT 1;",                                       1),
            ("SELECT ';' AS \";\" FROM `;`;; SELECT 2 -- ;\n;", 2),
            ("SELECT 'it''s; so';SELECT /* ; */ 2",             2),
        ];
        for (text, many) in table {
            assert_eq!(
                statements(text).map(|statements| statements.len()),
                Ok(many),
                "{text}"
            );
        }
    }

    #[test]
    fn no_statement_is_too_deep_for_the_stack() {
        let table = [
            format!("SELECT {}1", "1 + ".repeat(100_000)),
            format!("SELECT {}1", "1 + ".repeat(350)),
            format!("SELECT {}1", "- ".repeat(390)),
            format!("SELECT {}TRUE", "NOT ".repeat(350)),
            format!("SELECT 1 {}", "IS NULL ".repeat(190)),
            format!("SELECT 1 {}", ":: INT ".repeat(190)),
            format!("SELECT 1 {}", "COLLATE a ".repeat(390)),
            format!("SELECT {}1", "(".repeat(100_000)),
            format!("SELECT {}1{}", "f(".repeat(5_000), ")".repeat(5_000)),
            format!("SELECT * FROM {}t", "(SELECT * FROM ".repeat(190)),
            format!("SELECT CAST(1 AS {}", "ARRAY<".repeat(5_000)),
        ];
        for text in table {
            // It is read or refused; that it comes back at all is the claim.
            let _ = statements(&text);
        }
        // What lies side by side is no deeper for being long.
        for text in [
            format!("SELECT 1 WHERE 1 IN ({}1)", "1, ".repeat(20_000)),
            format!("SELECT {}1", "a + b, ".repeat(10_000)),
            format!("CREATE TABLE t ({}x INT)", "`c` INT NOT NULL, ".repeat(10_000)),
            format!(
                "{}SELECT a + 1 FROM t",
                "SELECT a + 1 FROM t WHERE b UNION ALL ".repeat(300)
            ),
        ] {
            assert!(statements(&text).is_ok(), "{}", &text[..80]);
        }
    }
}
