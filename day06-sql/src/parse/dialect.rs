//! How words are cut: what Flink, RisingWave and Arroyo have in common is enough.
//!
//! Backticks and double quotes both quote a name, single quotes a text. `$` is a letter inside of a name, because an unnamed
//! column is called `EXPR$1`. Everything above words is decided by the statements, not by a dialect.

use sqlparser::ast::Expr;
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// Words that no unquoted column can be: taking FROM for a column makes an alias of the table behind it.
const NO_COLUMN: [&str; 26] = [
    "AND", "AS", "BETWEEN", "BY", "ELSE", "EMIT", "END", "FROM", "GROUP", "HAVING", "IN", "INTO", "IS",
    "JOIN", "LIKE", "LIMIT", "ON", "OR", "ORDER", "SELECT", "TABLE", "THEN", "UNION", "WHEN", "WHERE",
    "WITH",
];

/// The one dialect of this day.
#[derive(Debug)]
pub(crate) struct Streaming;

impl Dialect for Streaming {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        matches!(ch, '"' | '`')
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || matches!(ch, '_' | '$')
    }

    /// So that it can be refused by its name.
    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let next = parser.peek_token_ref();
        let Token::Word(word) = &next.token else {
            return None;
        };
        let reserved = NO_COLUMN.iter().any(|no| word.value.eq_ignore_ascii_case(no));
        (reserved && word.quote_style.is_none()).then(|| parser.expected_ref("an expression", next))
    }
}
