//! From bytes that come in pieces to lines.
//!
//! 1. A line ends with LF, CRLF or a lone CR. Only that is cut off: blanks and tabs before it are data.
//! 2. A CR ends its line at once. A pipe may keep its reader waiting for the LF that belongs to it, and the line need not
//!    wait with it.
//! 3. What has not come yet is not waited for. The part of a line that has come is kept until the rest is there.
//! 4. Of a line that is longer than the limit no more is read than that, so memory stays bounded.
//! 5. An input may end without a line end. Whether its last bytes are a whole line is for the caller to say.
//! 6. Where the format says that a record goes on behind a line end, the line end is a part of the record.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use memchr::memchr2;

use super::LineFormat;

/// How many bytes are asked for at once.
const PIECE: usize = 1 << 16;

/// What comes next of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, where it lies in the reader's buffer.
    Ended(Range<usize>),
    /// The bytes behind the last line end. Nothing follows.
    Unended(Range<usize>),
    /// More than the limit without a line end.
    TooLong,
    /// Nothing at the moment.
    Pending,
    /// Nothing any more.
    End,
}

/// Cuts an input into lines.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    input: R,
    limit: usize,
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Before this place the next line has no end.
    searched: usize,
    /// Where the part of it begins that lies behind the last line end within it.
    part: usize,
    /// How many line ends lie within it.
    within: i64,
    /// How many lines the record has that was found last.
    height: i64,
    /// Whether the last line ended with a CR, so that an LF here belongs to it.
    after_cr: bool,
    input_ended: bool,
}

impl<R: Read> LineReader<R> {
    /// Reads lines of at most `limit` bytes.
    pub fn new(input: R, limit: usize) -> Self {
        LineReader {
            input,
            limit,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            part: 0,
            within: 0,
            height: 0,
            after_cr: false,
            input_ended: false,
        }
    }

    /// What the lines come from.
    pub fn input(&self) -> &R {
        &self.input
    }

    /// The bytes of a line that [`LineReader::next_line`] has just found.
    pub fn bytes(&self, line: Range<usize>) -> &[u8] {
        &self.buffer[line]
    }

    /// How many lines of the input the record has that was found last.
    pub fn height(&self) -> i64 {
        self.height
    }

    /// Finds the next line, or the next lines that are one record of this format.
    pub fn next_line(&mut self, format: &dyn LineFormat) -> io::Result<Line> {
        loop {
            if self.after_cr && self.searched < self.buffer.len() {
                self.after_cr = false;
                let line_feed = usize::from(self.buffer[self.searched] == b'\n');
                self.start += if self.start == self.searched { line_feed } else { 0 };
                self.searched += line_feed;
                self.part = self.searched;
            }
            if let Some(found) = memchr2(b'\n', b'\r', &self.buffer[self.searched..]) {
                let end = self.searched + found;
                let goes_on = format.goes_on(&self.buffer[self.part..end], self.within > 0);
                self.searched = end + 1;
                self.part = end + 1;
                self.after_cr = self.buffer[end] == b'\r';
                self.within += 1;
                if goes_on && end - self.start <= self.limit {
                    continue;
                }
                self.height = std::mem::take(&mut self.within);
                let line = self.start..end;
                self.start = self.searched;
                return Ok(match line.len() > self.limit {
                    true => Line::TooLong,
                    false => Line::Ended(line),
                });
            }
            self.searched = self.buffer.len();
            let rest = self.start..self.buffer.len();
            if rest.len() > self.limit {
                return Ok(Line::TooLong);
            }
            if self.input_ended {
                self.start = rest.end;
                self.height = self.within + 1;
                return Ok(match rest.is_empty() {
                    true => Line::End,
                    false => Line::Unended(rest),
                });
            }
            match self.fill() {
                Ok(read) => self.input_ended = read == 0,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Line::Pending),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a piece behind what is left of the last one.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.part -= self.start;
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + PIECE, 0);
        let read = self.input.read(&mut self.buffer[filled..]);
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        read
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::files::JsonLines;

    /// An input that comes in these pieces, and has nothing at the moment between them.
    struct Pieces(VecDeque<Vec<u8>>, bool);

    impl Read for Pieces {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let piece = self.0.pop_front().unwrap_or_default();
            into[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    /// The lines of an input; the last one has a `…` behind it if it had no end.
    fn lines(pieces: &[&[u8]], limit: usize) -> Vec<String> {
        let pieces = pieces.iter().filter(|piece| !piece.is_empty());
        let pieces = Pieces(pieces.map(|piece| piece.to_vec()).collect(), false);
        let mut reader = LineReader::new(pieces, limit);
        let mut lines = Vec::new();
        loop {
            match reader.next_line(&JsonLines).expect("no input fails") {
                Line::Ended(line) => lines.push(String::from_utf8_lossy(reader.bytes(line)).into_owned()),
                Line::Unended(line) => {
                    lines.push(format!("{}…", String::from_utf8_lossy(reader.bytes(line))))
                }
                Line::TooLong => return [lines, vec!["too long".to_string()]].concat(),
                Line::Pending => {}
                Line::End => return lines,
            }
        }
    }

    #[test]
    fn any_line_end_is_one_and_nothing_else_is_cut() {
        #[rustfmt::skip]
        let table: &[(&str, &[&str])] = [
            ("",                &[] as &[&str]),
            ("a",               &["a…"]),
            ("a\nb\n",          &["a", "b"]),
            ("a\r\nb\r\n",      &["a", "b"]),
            ("a\rb\r",          &["a", "b"]),
            ("a\r\n\r\n\nb\r\r", &["a", "", "", "b", ""]),
            (" a \t\n\t\n b ",  &[" a \t", "\t", " b …"]),
        ].as_slice();
        for (input, expected) in table {
            assert_eq!(lines(&[input.as_bytes()], 100), *expected, "{input:?}");
            // The same, byte by byte.
            let bytes: Vec<&[u8]> = input.as_bytes().chunks(1).collect();
            assert_eq!(lines(&bytes, 100), *expected, "{input:?}");
        }
    }

    #[test]
    fn a_line_as_long_as_the_limit_is_read_and_a_longer_one_is_not_read_to_its_end() {
        assert_eq!(lines(&[b"ab\n", b"abcd", b"\n"], 4), ["ab", "abcd"]);
        assert_eq!(lines(&[b"ab\n", b"abcde\n"], 4), ["ab", "too long"]);
        let endless = LineReader::new(io::repeat(b'a'), 1 << 20).next_line(&JsonLines);
        assert_eq!(endless.expect("no input fails"), Line::TooLong);
    }

    proptest! {
        #[test]
        fn how_the_bytes_arrive_does_not_matter(input in "[ab\r\n]{0,24}", cuts in prop::collection::vec(0..25_usize, 0..6)) {
            let at_once = lines(&[input.as_bytes()], 100);
            let mut pieces = Vec::new();
            let mut rest = input.as_bytes();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(lines(&pieces, 100), at_once);
        }
    }
}
