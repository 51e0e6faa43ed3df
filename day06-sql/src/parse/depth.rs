//! How deep a statement can be read: counted on its tokens, before a tree is made of them that no stack can take down.
//!
//! The library reads a chain (`1 + 1 + …`) as a tree that is as deep as the chain is long. So operators and words are counted,
//! but only those that can lie over each other: a comma, and a SELECT, begin something that lies beside what came before.
//!
//! ```text
//! SELECT a + b, c + d + e FROM t WHERE …        2, then 3 in the same statement: no deeper than 3 and FROM and WHERE
//! SELECT f(a + b, c) + d                        what is in parentheses counts for what they stand in
//! ```

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use crate::error::{Outcome, SqlError};

/// How many operators and words of SQL may lie over each other.
const OPERATORS: usize = 400;

/// What is counted between two parentheses.
#[derive(Debug, Default, Clone, Copy)]
struct Level {
    /// What a comma does not end: queries in a chain of UNION, and types within types (`ARRAY<ARRAY<…`).
    chain: usize,
    /// What it does.
    item: usize,
}

/// An error if a statement may be deeper than it can be read.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Outcome<()> {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut around = 0;
    for TokenWithSpan { token, span } in tokens {
        match token {
            Token::LParen => {
                around += level.chain + level.item;
                outer.push(std::mem::take(&mut level));
            }
            Token::RParen => {
                let inner = level.chain + level.item;
                level = outer.pop().unwrap_or_default();
                around -= (level.chain + level.item).min(around);
                level.item += inner;
            }
            Token::Comma => level.item = 0,
            Token::Word(word) if word.quote_style.is_none() => match word.keyword {
                Keyword::NoKeyword => {}
                Keyword::SELECT => level.item = 0,
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => level.chain += 1,
                _ => level.item += 1,
            },
            Token::Word(_) | Token::Number(..) | Token::SingleQuotedString(_) => {}
            Token::Lt => level.chain += 1,
            _ => level.item += 1,
        }
        if around + level.chain + level.item > OPERATORS {
            return Err(too_deep(*span));
        }
    }
    Ok(())
}

fn too_deep(at: Span) -> SqlError {
    SqlError::new(
        at,
        format!("more than {OPERATORS} operators and words of SQL that lie over each other"),
    )
    .hint("a chain of operators is as deep as it is long; an IN list is not")
}
