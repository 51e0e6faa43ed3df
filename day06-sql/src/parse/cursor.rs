//! A hand that moves over the words of one statement.
//!
//! The library cuts the text into tokens and reads expressions and types; the grammar of statements is ours. Both look at the
//! same list of tokens through one parser, so neither needs to know where the other one stopped. Words of the grammar are
//! compared without regard to case, and only if they are not quoted.
//!
//! The library's errors carry their place as text at the end of the message, from which it is taken here.

use sqlparser::ast::{DataType as Parsed, Ident, ObjectName};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::ast::{Expr, Name};
use super::dialect::Streaming;
use crate::error::{Outcome, SqlError, unsupported};
use crate::value::DataType;

/// Flink's short name of a timestamp with local time zone.
fn timestamp_ltz(digits: Vec<String>) -> Parsed {
    Parsed::Custom(ObjectName::from(vec![Ident::new("TIMESTAMP_LTZ")]), digits)
}

/// How deep expressions and queries may be nested. Trees are walked by recursion, and the stack ends somewhere.
pub(crate) const DEPTH: usize = 50;

/// Words that no unquoted alias can be, because they begin what comes next.
const NO_ALIAS: [&str; 35] = [
    "ANTI",
    "AS",
    "ASOF",
    "CROSS",
    "EMIT",
    "EXCEPT",
    "FETCH",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "INNER",
    "INTERSECT",
    "INTO",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIMIT",
    "MATCH_RECOGNIZE",
    "MINUS",
    "NATURAL",
    "OFFSET",
    "ON",
    "ORDER",
    "QUALIFY",
    "RIGHT",
    "SELECT",
    "SEMI",
    "UNION",
    "USING",
    "WHERE",
    "WINDOW",
    "WITH",
    "FORMAT",
];

pub(crate) struct Cursor<'a> {
    parser: Parser<'a>,
    /// Just behind the last token.
    end: Span,
}

impl Cursor<'_> {
    /// Over the tokens of one statement, without white space. `end` is where it ends, for what is missing there.
    pub(crate) fn new(tokens: Vec<TokenWithSpan>, end: Location) -> Self {
        let parser = Parser::new(&Streaming)
            .with_recursion_limit(DEPTH)
            .with_tokens_with_locations(tokens);
        Cursor {
            parser,
            end: Span::new(end, end),
        }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.parser.peek_token_ref().token == Token::EOF
    }

    /// Where the next token stands.
    pub(crate) fn span(&self) -> Span {
        match self.parser.peek_token_ref() {
            TokenWithSpan {
                token: Token::EOF, ..
            } => self.end,
            token => token.span,
        }
    }

    /// Where the last token stood.
    pub(crate) fn last(&self) -> Span {
        self.parser.get_current_token().span
    }

    fn is_word(&self, nth: usize, word: &str) -> bool {
        match &self.parser.peek_nth_token_ref(nth).token {
            Token::Word(found) => found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word),
            _ => false,
        }
    }

    /// Whether these words come next.
    pub(crate) fn sees(&self, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(nth, word)| self.is_word(nth, word))
    }

    /// Takes these words if all of them come next.
    pub(crate) fn takes(&mut self, words: &[&str]) -> bool {
        let there = self.sees(words);
        if there {
            words.iter().for_each(|_| self.parser.advance_token());
        }
        there
    }

    /// Takes this word, which must come next.
    pub(crate) fn word(&mut self, word: &str) -> Outcome<()> {
        match self.takes(&[word]) {
            true => Ok(()),
            false => Err(self.expected(word)),
        }
    }

    pub(crate) fn sees_token(&self, token: &Token) -> bool {
        self.parser.peek_token_ref().token == *token
    }

    pub(crate) fn takes_token(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    /// Takes this token, which must come next.
    pub(crate) fn token(&mut self, token: &Token) -> Outcome<()> {
        match self.takes_token(token) {
            true => Ok(()),
            false => Err(self.expected(&token.to_string())),
        }
    }

    /// Something else comes next than what must.
    pub(crate) fn expected(&self, what: &str) -> SqlError {
        let found = self.parser.peek_token_ref();
        let message = match &found.token {
            Token::EOF => format!("expected {what}, and the statement ends here"),
            token => format!("expected {what}, found {token}"),
        };
        self.quoting(SqlError::new(self.span(), message))
    }

    /// A word of the grammar where a name could be may have been meant as a name.
    fn quoting(&self, error: SqlError) -> SqlError {
        match &self.parser.peek_token_ref().token {
            Token::Word(word) if word.quote_style.is_none() && word.keyword != Keyword::NoKeyword => error
                .hint(format!(
                    "if {word} is a name here, quote it: `{word}` or \"{word}\""
                )),
            _ => error,
        }
    }

    /// Items with commas between them, at least one.
    pub(crate) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Outcome<T>) -> Outcome<Vec<T>> {
        let mut list = vec![item(self)?];
        while self.takes_token(&Token::Comma) {
            list.push(item(self)?);
        }
        Ok(list)
    }

    /// A name of one word.
    pub(crate) fn name(&mut self, what: &str) -> Outcome<Name> {
        let TokenWithSpan {
            token: Token::Word(word),
            span,
        } = self.parser.peek_token_ref()
        else {
            return Err(self.expected(what));
        };
        let name = Name {
            value: word.value.clone(),
            quoted: word.quote_style.is_some(),
            span: *span,
        };
        self.parser.advance_token();
        Ok(name)
    }

    /// The name of a table, a view or a sink.
    pub(crate) fn object(&mut self, what: &str) -> Outcome<Name> {
        let name = self.name(what)?;
        match self.sees_token(&Token::Period) {
            true => Err(unsupported(self.span(), "a name with a catalog or schema")),
            false => Ok(name),
        }
    }

    /// `AS name`, or a name alone.
    pub(crate) fn alias(&mut self) -> Outcome<Option<Name>> {
        if self.takes(&["AS"]) {
            return self.name("a name").map(Some);
        }
        match &self.parser.peek_token_ref().token {
            Token::Word(word)
                if word.quote_style.is_some()
                    || !NO_ALIAS.iter().any(|no| word.value.eq_ignore_ascii_case(no)) =>
            {
                self.name("a name").map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A text in single quotes.
    pub(crate) fn text(&mut self, what: &str) -> Outcome<(String, Span)> {
        let TokenWithSpan {
            token: Token::SingleQuotedString(text),
            span,
        } = self.parser.peek_token_ref()
        else {
            return Err(self.expected(what));
        };
        let text = (text.clone(), *span);
        self.parser.advance_token();
        Ok(text)
    }

    pub(crate) fn sees_text(&self) -> bool {
        matches!(self.parser.peek_token_ref().token, Token::SingleQuotedString(_))
    }

    /// Takes one of these tokens, if one comes next.
    pub(crate) fn any_of(&mut self, tokens: &[Token]) -> Option<Token> {
        tokens
            .iter()
            .find(|token| self.parser.consume_token(token))
            .cloned()
    }

    /// Takes `name.*`.
    pub(crate) fn qualified_star(&mut self) -> Option<Name> {
        let [_, Token::Period, Token::Mul] = self
            .parser
            .peek_tokens_ref::<3>()
            .map(|token| token.token.clone())
        else {
            return None;
        };
        let table = self.name("a table").ok()?;
        self.parser.advance_token();
        self.parser.advance_token();
        Some(table)
    }

    /// The next token as it is written, whatever it is.
    pub(crate) fn any(&mut self) -> (Token, Span) {
        let span = self.span();
        (self.parser.next_token().token, span)
    }

    pub(crate) fn expr(&mut self) -> Outcome<Expr> {
        let span = self.span();
        let expr = self
            .parser
            .parse_expr()
            .map_err(|error| self.failed(error, span))?;
        super::expr::convert(expr, span)
    }

    pub(crate) fn data_type(&mut self) -> Outcome<DataType> {
        let span = self.span();
        let parsed = match self.local_timestamp() {
            Some(local) => local,
            None => self
                .parser
                .parse_data_type()
                .map_err(|error| self.failed(error, span))?,
        };
        super::types::named(&parsed, Span::new(span.start, self.last().end))
    }

    /// Takes `TIMESTAMP(3) WITH LOCAL TIME ZONE`, which the library does not know.
    fn local_timestamp(&mut self) -> Option<Parsed> {
        let local = ["WITH", "LOCAL", "TIME", "ZONE"];
        let [first, open, Token::Number(digits, _), close] =
            self.parser.peek_tokens_ref::<4>().map(|next| &next.token)
        else {
            let plain = ["TIMESTAMP", "WITH", "LOCAL", "TIME", "ZONE"];
            return self.takes(&plain).then(|| timestamp_ltz(Vec::new()));
        };
        let is_sized = matches!(
            (first, open, close),
            (Token::Word(_), Token::LParen, Token::RParen)
        ) && self.sees(&["TIMESTAMP"])
            && local
                .iter()
                .enumerate()
                .all(|(nth, word)| self.is_word(4 + nth, word));
        let digits = digits.clone();
        is_sized.then(|| {
            (0..8).for_each(|_| self.parser.advance_token());
            timestamp_ltz(vec![digits])
        })
    }

    /// An error of the library, with the place that its message ends with.
    fn failed(&self, error: ParserError, from: Span) -> SqlError {
        let text = match error {
            ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
            ParserError::RecursionLimitExceeded => {
                return SqlError::new(from, format!("nested more than {DEPTH} levels deep"));
            }
        };
        let placed = text.rsplit_once(" at Line: ").and_then(|(message, place)| {
            let (line, column) = place.split_once(", Column: ")?;
            Some((message, Location::new(line.parse().ok()?, column.parse().ok()?)))
        });
        let (message, at) = placed.unwrap_or((&text, self.end.start));
        let message = message
            .replacen("Expected: ", "expected ", 1)
            .replacen(", found: ", ", found ", 1);
        let message = match message.strip_suffix(", found EOF") {
            Some(expected) => format!("{expected}, and the statement ends here"),
            None => message,
        };
        let (span, token) = self.token_at(at);
        let error = SqlError::new(span, message);
        match token {
            Some(Token::Word(word)) if word.quote_style.is_none() && word.keyword != Keyword::NoKeyword => {
                error.hint(format!(
                    "if {word} is a name here, quote it: `{word}` or \"{word}\""
                ))
            }
            _ => error,
        }
    }

    /// The token that begins at a place, among those close to the next one.
    fn token_at(&self, at: Location) -> (Span, Option<&Token>) {
        let near = [
            self.parser.get_previous_token(),
            self.parser.get_current_token(),
            self.parser.peek_token_ref(),
        ];
        let found = near.into_iter().find(|token| token.span.start == at);
        found.map_or((Span::new(at, at), None), |token| {
            (token.span, Some(&token.token))
        })
    }
}
