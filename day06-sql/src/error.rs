//! What is wrong with a statement: one sentence, the place, and what would have been accepted.
//!
//! ```text
//! error: no column "merchnt_id" in orders
//!  --> orders.sql:3:8
//!   |
//! 3 | SELECT merchnt_id, COUNT(*)
//!   |        ^^^^^^^^^^
//!   = did you mean merchant_id? orders has: merchant_id, amount, ts
//! ```
//!
//! 1. Every error has a place: the binder keeps the spans of the parser down to single names.
//! 2. Lines and columns count from 1, columns in characters, as editors do.
//! 3. The error owns the line that it shows, so it can be printed when the text is long gone. Of a long line it shows what
//!    stands around the place, and of a password only how long it is.
//!
//! Left out: more than one error a run. The first one is the one that the others follow from.

use std::error::Error;
use std::fmt;

use day01_consumer::printable::COLUMNS;
use sqlparser::tokenizer::Span;

use crate::secrets::without_secrets;

/// How similar a name must be to be suggested: 1 is equal. `merchnt_id` and `merchant_id` have 0.97.
const SIMILAR: f64 = 0.8;

/// How many names are listed.
const NAMES: usize = 30;
/// How many characters of a name are shown, if there is not room for all that is said.
const LONG_NAME: usize = 80;
/// How many bytes a message may have before its names are cut, and how many characters after that.
const LONG: usize = 600;

/// Where something stands in a text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, or whatever the text is called.
    pub origin: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// How many characters of the line it covers; at least 1.
    pub width: usize,
    /// The line, or of a long one what stands around the place. Secrets are stars.
    pub text: String,
    /// How many characters of `text` stand before the place.
    pub before: usize,
}

/// A statement that cannot be read, understood or planned. Displayed as one line; [`render`](Self::render) draws it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub at: Location,
    /// What would have been accepted.
    pub hint: Option<String>,
}

/// What parsing and binding return.
pub type Outcome<T> = Result<T, SqlError>;

impl SqlError {
    /// An error at a span. The text is filled in by [`located`](Self::located), once, on the way out.
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (start, end) = (span.start, span.end);
        let width = match end.line.cmp(&start.line) {
            // Over several lines: the rest of the first.
            std::cmp::Ordering::Greater => usize::MAX,
            _ => number(end.column).saturating_sub(number(start.column)).max(1),
        };
        let at = Location {
            line: number(start.line),
            column: number(start.column),
            width,
            ..Location::default()
        };
        SqlError {
            message: bounded(message.into()),
            at,
            hint: None,
        }
    }

    /// The same with a hint.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        SqlError {
            hint: Some(bounded(hint.into())),
            ..self
        }
    }

    /// The same with the text that it is about.
    pub(crate) fn located(mut self, text: &str, origin: &str) -> Self {
        self.at.origin = origin.to_string();
        self.at.line = self.at.line.max(1);
        self.at.column = self.at.column.max(1);
        let text = without_secrets(text);
        let line = text.lines().nth(self.at.line - 1).unwrap_or_default();
        let characters = line.chars().count();
        // The place is in the middle of what is shown, but near the end of the line the end is.
        let last = characters.saturating_sub(COLUMNS);
        let cut = (self.at.column - 1).saturating_sub(COLUMNS / 2).min(last);
        let shown: String = line.chars().skip(cut).take(COLUMNS).collect();
        let [left, right] = [cut > 0, characters > cut + COLUMNS].map(|more| if more { "…" } else { "" });
        self.at.text = format!("{left}{shown}{right}");
        self.at.before = self.at.column - 1 - cut + left.chars().count();
        let rest = self.at.text.chars().count().saturating_sub(self.at.before);
        self.at.width = self.at.width.min(rest).max(1);
        self
    }

    /// The error with its place, several lines.
    pub fn render(&self) -> String {
        let Location {
            origin,
            line,
            column,
            width,
            text,
            before,
        } = &self.at;
        let gutter = " ".repeat(line.to_string().len());
        // A tab is as wide as a terminal makes it, so the caret goes behind the same tab.
        let before = text.chars().chain(std::iter::repeat(' ')).take(*before);
        let before: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(*width);
        let mut drawn = format!(
            "error: {}\n{gutter}--> {origin}:{line}:{column}\n{gutter} |\n{line} | {text}\n{gutter} | {before}{carets}\n",
            self.message
        );
        if let Some(hint) = &self.hint {
            drawn.push_str(&format!("{gutter} = {hint}\n"));
        }
        drawn
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location {
            origin, line, column, ..
        } = &self.at;
        write!(f, "{origin}:{line}:{column}: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl Error for SqlError {}

/// Something that SQL has and this engine has not.
pub(crate) fn unsupported(span: Span, what: &str) -> SqlError {
    SqlError::new(span, format!("{what} is not supported yet"))
}

/// A text that a person reads to its end. It is long because of names, so long words are cut first.
fn bounded(text: String) -> String {
    if text.len() <= LONG {
        return text;
    }
    let cut = |text: &str, most: usize| match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    };
    let words: Vec<String> = text.split(' ').map(|word| cut(word, LONG_NAME)).collect();
    cut(&words.join(" "), LONG)
}

/// The name that was perhaps meant, and all there are, or the first of many.
pub(crate) fn suggest<'a>(name: &str, whose: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let like = name.to_lowercase();
    // Names are compared character by character, so long ones are not.
    let likeness = |other: &str| match like.len().max(other.len()) > LONG_NAME {
        true => 0.0,
        false => strsim::jaro_winkler(&like, &other.to_lowercase()),
    };
    let rated = names.iter().map(|other| (likeness(other), other));
    let nearest = rated.max_by(|(a, _), (b, _)| a.total_cmp(b));
    let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    let all = match names.len() {
        0 => format!("{whose}: none"),
        1..=NAMES => format!("{whose}: {shown}"),
        many => format!("{whose}: {shown}, … ({} more)", many - NAMES),
    };
    match nearest.filter(|(likeness, _)| *likeness >= SIMILAR) {
        Some((_, nearest)) => format!("did you mean {nearest}? {all}"),
        None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::tokenizer::Location as At;

    fn error(line: u64, from: u64, to: u64) -> SqlError {
        SqlError::new(Span::new(At::new(line, from), At::new(line, to)), "wrong").hint("right")
    }

    #[test]
    fn the_caret_stands_under_what_is_wrong() {
        let text = "a\nbb\n\tSELECT über, x\n";
        #[rustfmt::skip]
        let table = [
            // A tab stays a tab, and a character that is two bytes long is one column.
            (error(3, 9, 13), "error: wrong\n --> f:3:9\n  |\n3 | \tSELECT über, x\n  | \t       ^^^^\n  = right\n"),
            // A span that ends behind the line, or on a later one, ends with the line.
            (error(2, 2, 99), "error: wrong\n --> f:2:2\n  |\n2 | bb\n  |  ^\n  = right\n"),
            // The end of the text has a place too.
            (error(2, 3, 3),  "error: wrong\n --> f:2:3\n  |\n2 | bb\n  |   ^\n  = right\n"),
            (error(0, 0, 0),  "error: wrong\n --> f:1:1\n  |\n1 | a\n  | ^\n  = right\n"),
        ];
        for (error, drawn) in table {
            assert_eq!(error.located(text, "f").render(), drawn);
        }
        assert_eq!(
            error(2, 1, 2).located(text, "f").to_string(),
            "f:2:1: wrong (right)"
        );
    }

    #[test]
    fn of_a_long_line_the_place_is_shown_and_of_a_password_nothing() {
        let column = |number: usize| format!("column_{number:0>4}, ");
        let long: String = (0..9_000).map(column).collect();
        let text = format!("{long}'sasl.password' = 'HUNTER2'");
        // 13 characters each; the place is the number 5,000.
        let located = error(1, 5_000 * 13 + 1, 5_000 * 13 + 12).located(&text, "f");
        let drawn = located.render();
        assert!(drawn.contains(" --> f:1:65001\n"), "{drawn}");
        let lines: Vec<&str> = drawn.lines().collect();
        let at = lines[4].find('^').expect("carets");
        let place: String = lines[3].chars().skip(at).take(11).collect();
        assert_eq!(
            (place.as_str(), lines[4].matches('^').count()),
            ("column_5000", 11)
        );
        assert!(lines.iter().all(|line| line.chars().count() < 220), "{drawn}");
        let at_the_end = error(1, 117_001, 117_016).located(&text, "f").render();
        assert!(at_the_end.contains("'sasl.password' = '*******'"), "{at_the_end}");
    }

    #[test]
    fn a_similar_name_is_suggested_and_a_different_one_is_not() {
        let names = ["merchant_id", "amount", "ts"];
        #[rustfmt::skip]
        let table = [
            ("merchnt_id",  "did you mean merchant_id? t has: merchant_id, amount, ts"),
            ("AMOUNTS",     "did you mean amount? t has: merchant_id, amount, ts"),
            ("price",       "t has: merchant_id, amount, ts"),
        ];
        for (name, hint) in table {
            assert_eq!(suggest(name, "t has", names), hint);
        }
        assert_eq!(suggest("x", "there are", []), "there are: none");
    }

    #[test]
    fn what_is_said_is_short_whatever_it_is_about() {
        let long = "ä".repeat(1_000_000);
        let error = SqlError::new(Span::empty(), format!("no table \"{long}\"")).hint(suggest(
            &long,
            "there are",
            [long.as_str(), "b"],
        ));
        assert!(error.message.starts_with("no table \"ää") && error.message.ends_with('…'));
        assert!(error.message.chars().count() < 100, "{}", error.message);
        assert!(
            error
                .hint
                .is_some_and(|hint| hint.ends_with("…, b") || hint.contains("… b"))
        );
        let many: Vec<String> = (0..10_000).map(|number| format!("column_{number}")).collect();
        let hint = suggest("column_9999x", "t has", many.iter().map(String::as_str));
        assert!(
            hint.starts_with("did you mean column_9999? t has: column_0, "),
            "{hint}"
        );
        assert!(hint.ends_with("column_29, … (9970 more)"), "{hint}");
    }
}
