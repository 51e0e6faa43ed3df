//! The windows that a user asks for, parsed from text such as `hop:1m/10s`.
//!
//! Everything that cannot work is refused here, with the sentence that says why; the parts behind it take for
//! granted that sizes are positive and divide each other.

use std::fmt;
use std::str::FromStr;

use crate::time::Span;

/// In how many windows a row may be, unless an option says otherwise. Every one of them becomes a row of the result for each
/// key, so one order in a billion windows would take all memory there is. A day in steps of ten seconds is below it.
pub const MAX_WINDOWS_PER_ROW: i64 = 10_000;

// ANCHOR: spec
/// A kind of window, with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowSpec {
    /// Windows of `size`, one behind the other.
    Tumble {
        /// How long each is.
        size: Span,
        /// How far they are moved from 1970.
        offset: Span,
    },
    /// Windows of `size`, a new one each `slide`, so that they overlap.
    Hop {
        /// How long each is.
        size: Span,
        /// How far apart they begin.
        slide: Span,
        /// How far they are moved from 1970.
        offset: Span,
    },
    /// Windows that grow by `step` up to `max`, and then begin anew.
    Cumulate {
        /// How long the longest is.
        max: Span,
        /// How much longer each is than the one before it.
        step: Span,
        /// How far they are moved from 1970.
        offset: Span,
    },
    /// Windows of rows that follow each other by less than `gap`, for each key its own.
    Session {
        /// How long it must be quiet for a window to end.
        gap: Span,
    },
}
// ANCHOR_END: spec

/// Why windows cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSpec {
    /// It is not written as any kind of window is.
    #[error(
        "{0:?} is not a window; write tumble:SIZE, hop:SIZE/SLIDE, cumulate:MAX/STEP or session:GAP, for instance \
         hop:1m/10s, or with an offset tumble:1h+15m"
    )]
    Form(String),
    /// A length cannot be read.
    #[error("{0}")]
    Length(String),
    /// A length is zero or negative.
    #[error("the {what} of a window must be longer than zero, and {length} is not")]
    NotPositive {
        /// Which length.
        what: &'static str,
        /// The length.
        length: Span,
    },
    /// A size is no multiple of its slide or step.
    #[error(
        "a {of} of {size} is not a multiple of a {what} of {part}; choose a {what} that divides it, because windows \
         are put together from whole slices"
    )]
    Indivisible {
        /// What is to be divided.
        of: &'static str,
        /// How long it is.
        size: Span,
        /// What it is to be divided into.
        what: &'static str,
        /// How long that is.
        part: Span,
    },
    /// A slide or step is longer than the window.
    #[error(
        "a {what} of {part} is longer than the {of} of {size}: rows between two windows would not be counted"
    )]
    TooLong {
        /// Which length is too long.
        what: &'static str,
        /// How long it is.
        part: Span,
        /// What it has to fit into.
        of: &'static str,
        /// How long that is.
        size: Span,
    },
    /// A row would be in more windows than anyone can want.
    #[error(
        "a {of} of {size} with a {what} of {part} puts each row into {windows} windows, and {max} is the limit, because \
         each of them is a row of the result; choose a longer {what}, or a shorter {of}"
    )]
    TooMany {
        /// What is divided.
        of: &'static str,
        /// How long it is.
        size: Span,
        /// What it is divided into.
        what: &'static str,
        /// How long that is.
        part: Span,
        /// In how many windows a row would be.
        windows: i64,
        /// In how many it may be.
        max: i64,
    },
    /// Sessions follow their rows, they are not laid on the calendar.
    #[error("a session has no offset: it begins with its first row")]
    SessionOffset,
}

impl WindowSpec {
    /// Tumbling windows.
    pub fn tumble(size: Span, offset: Span) -> Result<Self, BadSpec> {
        positive("size", size)?;
        Ok(WindowSpec::Tumble { size, offset })
    }

    /// Hopping windows.
    pub fn hop(size: Span, slide: Span, offset: Span) -> Result<Self, BadSpec> {
        positive("size", size)?;
        positive("slide", slide)?;
        divides("size", size, "slide", slide)?;
        Ok(WindowSpec::Hop { size, slide, offset })
    }

    /// Cumulating windows.
    pub fn cumulate(max: Span, step: Span, offset: Span) -> Result<Self, BadSpec> {
        positive("maximum", max)?;
        positive("step", step)?;
        divides("maximum", max, "step", step)?;
        Ok(WindowSpec::Cumulate { max, step, offset })
    }

    /// Session windows.
    pub fn session(gap: Span) -> Result<Self, BadSpec> {
        positive("gap", gap)?;
        Ok(WindowSpec::Session { gap })
    }

    /// The same, if it puts no row into more than `max` windows.
    pub fn with_at_most(self, max: i64) -> Result<Self, BadSpec> {
        let (of, size, what, part) = match self {
            WindowSpec::Hop { size, slide, .. } => ("size", size, "slide", slide),
            WindowSpec::Cumulate { max, step, .. } => ("maximum", max, "step", step),
            WindowSpec::Tumble { .. } | WindowSpec::Session { .. } => return Ok(self),
        };
        match size.0 / part.0 {
            windows if windows > max => Err(BadSpec::TooMany {
                of,
                size,
                what,
                part,
                windows,
                max,
            }),
            _ => Ok(self),
        }
    }
}

fn positive(what: &'static str, length: Span) -> Result<(), BadSpec> {
    match length > Span(0) {
        true => Ok(()),
        false => Err(BadSpec::NotPositive { what, length }),
    }
}

fn divides(of: &'static str, size: Span, what: &'static str, part: Span) -> Result<(), BadSpec> {
    match size.0 % part.0 {
        0 => Ok(()),
        _ if part > size => Err(BadSpec::TooLong { what, part, of, size }),
        _ => Err(BadSpec::Indivisible { of, size, what, part }),
    }
}

impl FromStr for WindowSpec {
    type Err = BadSpec;

    fn from_str(text: &str) -> Result<Self, BadSpec> {
        let form = || BadSpec::Form(text.to_string());
        let (kind, lengths) = text.split_once(':').ok_or_else(form)?;
        // A sign in front of a length belongs to it, one behind a length begins the offset.
        let offset_at = lengths
            .as_bytes()
            .windows(2)
            .position(|pair| pair[0].is_ascii_alphabetic() && matches!(pair[1], b'+' | b'-'))
            .map(|before| before + 1);
        let (lengths, offset) = match offset_at {
            Some(at) => (&lengths[..at], Some(length(&lengths[at..])?)),
            None => (lengths, None),
        };
        let moved = offset.unwrap_or_default();
        let lengths: Vec<&str> = lengths.split('/').collect();
        match (kind, lengths.as_slice()) {
            ("tumble", [size]) => WindowSpec::tumble(length(size)?, moved),
            ("hop", [size, slide]) => WindowSpec::hop(length(size)?, length(slide)?, moved),
            ("cumulate", [max, step]) => WindowSpec::cumulate(length(max)?, length(step)?, moved),
            ("session", [_]) if offset.is_some() => Err(BadSpec::SessionOffset),
            ("session", [gap]) => WindowSpec::session(length(gap)?),
            _ => Err(form()),
        }
    }
}

fn length(text: &str) -> Result<Span, BadSpec> {
    text.parse().map_err(BadSpec::Length)
}

impl fmt::Display for WindowSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = match self {
            WindowSpec::Tumble { size, offset } => {
                write!(f, "tumble:{size}")?;
                *offset
            }
            WindowSpec::Hop { size, slide, offset } => {
                write!(f, "hop:{size}/{slide}")?;
                *offset
            }
            WindowSpec::Cumulate { max, step, offset } => {
                write!(f, "cumulate:{max}/{step}")?;
                *offset
            }
            WindowSpec::Session { gap } => {
                write!(f, "session:{gap}")?;
                Span(0)
            }
        };
        match offset.0 {
            0 => Ok(()),
            1.. => write!(f, "+{offset}"),
            _ => write!(f, "{offset}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_read_as_they_are_written() {
        #[rustfmt::skip]
        let table = [
            ("tumble:10s",         "tumble:10s"),
            ("tumble:1h+15m",      "tumble:1h+15m"),
            ("tumble:10m-4m",      "tumble:10m-4m"),
            ("tumble:1d",          "tumble:24h"),
            ("hop:1m/10s",         "hop:1m/10s"),
            ("hop:60s/10000ms+5s", "hop:1m/10s+5s"),
            ("cumulate:1h/10m",    "cumulate:1h/10m"),
            ("session:30s",        "session:30s"),
            ("session:PT1M",       "session:1m"),
            ("tumble:250ms",       "tumble:250ms"),
        ];
        for (written, printed) in table {
            let spec: WindowSpec = written.parse().unwrap();
            assert_eq!(spec.to_string(), printed);
            assert_eq!(printed.parse(), Ok(spec));
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_reason() {
        #[rustfmt::skip]
        let table = [
            ("10s",             "is not a window; write tumble:SIZE"),
            ("tumbling:10s",    "is not a window"),
            ("tumble:1m/10s",   "is not a window"),
            ("hop:1m",          "is not a window"),
            ("session:1m/10s",  "is not a window"),
            ("tumble:",         "is not a length of time"),
            ("tumble:10",       "is not a length of time"),
            ("tumble:ten",      "is not a length of time"),
            ("tumble:0s",       "the size of a window must be longer than zero, and 0s is not"),
            ("tumble:-5s",      "the size of a window must be longer than zero"),
            ("hop:1m/0s",       "the slide of a window must be longer than zero"),
            ("hop:10s/-5s",     "the slide of a window must be longer than zero"),
            ("session:0ms",     "the gap of a window must be longer than zero"),
            ("hop:1m/7s",       "a size of 1m is not a multiple of a slide of 7s; choose a slide that divides it"),
            ("hop:10s/1m",      "a slide of 1m is longer than the size of 10s"),
            ("hop:1000000000s/1s", "puts each row into 1000000000 windows, and 10000 is the limit"),
            ("cumulate:1d/1s",  "a maximum of 24h with a step of 1s puts each row into 86400 windows"),
            ("cumulate:1h/7m",  "a maximum of 1h is not a multiple of a step of 7m; choose a step that divides it"),
            ("tumble:1mo",      "months and years have no fixed length"),
            ("tumble:1us",      "whole milliseconds"),
            ("session:30s+5s",  "a session has no offset"),
        ];
        for (written, said) in table {
            let spec = written.parse::<WindowSpec>();
            let refused = spec.and_then(|spec| spec.with_at_most(MAX_WINDOWS_PER_ROW));
            let error = refused.expect_err(written).to_string();
            assert!(error.contains(said), "{written}: {error}");
        }
    }
}
