//! One file: its lines while it is open, and its fingerprint.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use super::fingerprint::Fingerprint;
use super::input::{Input, STDIN};
use super::lines::LineReader;
use crate::Error;
use crate::source::Identity;

/// What the lines of a file hold, as far as a reader of lines has to know it.
pub trait LineFormat: Send + Sync {
    /// Whether a record does not end with this line, but goes on in the next one. `within` says whether it began in an
    /// earlier one.
    fn goes_on(&self, _line: &[u8], _within: bool) -> bool {
        false
    }

    /// Whether a last record without a line end is all of it.
    fn is_whole(&self, record: &[u8]) -> bool;

    /// Whether a line is no record.
    fn is_blank(&self, line: &[u8]) -> bool;
}

/// An object in each line, which shows whether it is whole. A line of blanks is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLines;

impl LineFormat for JsonLines {
    /// A number can grow by a digit; what has brackets cannot grow behind the last one.
    fn is_whole(&self, record: &[u8]) -> bool {
        let record = record.strip_prefix("\u{feff}".as_bytes()).unwrap_or(record);
        matches!(record.trim_ascii_end().last(), Some(b'}' | b']'))
            && serde_json::from_slice::<IgnoredAny>(record).is_ok()
    }

    fn is_blank(&self, line: &[u8]) -> bool {
        line.trim_ascii().is_empty()
    }
}

/// A file, and the number of the next line in it.
pub(super) struct InputFile {
    pub(super) path: PathBuf,
    /// None while it is closed: before its turn comes, and when it has been read.
    pub(super) lines: Option<LineReader<Input>>,
    pub(super) next_line: i64,
    /// The last line, if it had no line end.
    pub(super) unended: Option<i64>,
}

impl InputFile {
    /// A file that is closed. A pipe is open from the beginning: it may have a writer that waits for that.
    pub(super) fn new(path: PathBuf, max_record: usize) -> Result<Self, Error> {
        let mut file = InputFile {
            path,
            lines: None,
            next_line: 0,
            unended: None,
        };
        if file.is_stdin() || !file.path.is_file() {
            file.lines = Some(file.take_lines(None, max_record)?);
        }
        Ok(file)
    }

    /// Its lines, from the first one if it was closed. An error if it is not the file any more that it was.
    pub(super) fn take_lines(
        &mut self,
        identity: Option<&Identity>,
        max_record: usize,
    ) -> Result<LineReader<Input>, Error> {
        if let Some(lines) = self.lines.take() {
            return Ok(lines);
        }
        let path = &self.path;
        let input = Input::open(path).map_err(Error::file(path))?;
        if let Some(known) = identity.and_then(Fingerprint::from_identity)
            && known.again(path).map_err(Error::file(path))? != known
        {
            return Err(Error::Replaced { path: path.clone() });
        }
        self.next_line = 0;
        Ok(LineReader::new(input, max_record))
    }

    pub(super) fn is_stdin(&self) -> bool {
        self.path == Path::new(STDIN)
    }

    /// What the file is known by; a pipe by nothing.
    pub(super) fn identity(&self) -> Result<Option<Identity>, Error> {
        match !self.is_stdin() && self.path.is_file() {
            true => Fingerprint::of(&self.path)
                .map(|found| Some(found.identity()))
                .map_err(Error::file(&self.path)),
            false => Ok(None),
        }
    }

    /// What the file is known by now that it has been read. An error if another file has its path, or less of the same one.
    /// `passed` is how many bytes were read, if that is known; `counted` says that its last line has no line end, and was
    /// counted.
    pub(super) fn identity_at_end(
        &self,
        before: Option<Identity>,
        passed: Option<u64>,
        counted: bool,
    ) -> Result<Option<Identity>, Error> {
        let Some(known) = before.as_ref().and_then(Fingerprint::from_identity) else {
            return Ok(before);
        };
        let path = &self.path;
        let now = || -> io::Result<Option<Fingerprint>> {
            let longer = fs::metadata(path)?.len() >= passed.unwrap_or(0);
            let same = longer && known.again(path)? == known;
            Ok(same.then_some(Fingerprint::of(path)?))
        };
        match now() {
            Ok(Some(now)) => Ok(Some(now.with_unended(passed.filter(|_| counted)).identity())),
            Ok(None) => Err(Error::Replaced { path: path.clone() }),
            // It was removed, which takes nothing away from who has opened it before.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(before),
            Err(error) => Err(Error::file(path)(error)),
        }
    }
}
