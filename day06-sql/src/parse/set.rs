//! Statement sets: Flink's way to say that several INSERTs are one job. Here all queries of a program are one job anyway, so
//! a set is its INSERTs.
//!
//! ```text
//! EXECUTE STATEMENT SET BEGIN INSERT …; INSERT …; END;
//! BEGIN STATEMENT SET; INSERT …; INSERT …; END;
//! ```

use sqlparser::tokenizer::Span;

use super::cursor::Cursor;
use crate::error::{Outcome, SqlError};

/// Where statements stand: in no set, or in the one that has begun there.
#[derive(Debug, Default)]
pub(super) struct StatementSet(Option<Span>);

impl StatementSet {
    /// Takes what begins or ends a set. Says whether it is the whole statement.
    pub(super) fn takes(&mut self, cursor: &mut Cursor<'_>) -> Outcome<bool> {
        let start = cursor.span();
        if let Some(begun) = self.0 {
            if cursor.takes(&["END"]) {
                self.0 = None;
                return Ok(true);
            }
            return match cursor.sees(&["INSERT"]) {
                true => Ok(false),
                false => Err(cursor
                    .expected("INSERT, or END of the statement set")
                    .hint(format!("the statement set begins in line {}", begun.start.line))),
            };
        }
        if cursor.takes(&["BEGIN", "STATEMENT", "SET"]) {
            self.0 = Some(start);
            return Ok(true);
        }
        if cursor.takes(&["EXECUTE", "STATEMENT", "SET"]) {
            cursor.word("BEGIN")?;
            self.0 = Some(start);
            // What comes next belongs to the set already.
            return self.takes(cursor);
        }
        Ok(false)
    }

    /// An error if a set has not ended with the text.
    pub(super) fn end(self) -> Outcome<()> {
        match self.0 {
            None => Ok(()),
            Some(begun) => {
                Err(SqlError::new(begun, "a statement set without END")
                    .hint("write END; behind its last INSERT"))
            }
        }
    }
}
