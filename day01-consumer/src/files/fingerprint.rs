//! Recognises a file again by its first bytes, so that a position is not used in another file.
//!
//! A path says little. A log that was rotated has a new file under its old name, and a position in the old one
//! means nothing in the new one. What stays the same while a file only grows are the bytes at its beginning.
//!
//! A file may be shorter than a fingerprint when it is first seen, and longer when it is seen again. So the fingerprint
//! says how many bytes it covers, and the later file is asked for as many. An empty one covers none, and every file
//! matches it: there was nothing to lose.
//!
//! A last line that was counted although it had no line end may turn out to have been the first half of one. So the place
//! where it ended is remembered, and what is found there later must be a line end, or still nothing.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::source::Identity;

/// How many bytes a fingerprint covers at most.
const LENGTH: u64 = 4_096;

/// The hash of a file's first bytes, and how its last line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// How many bytes it covers.
    length: u64,
    hash: u64,
    last_line: LastLine,
}

/// How the last line of a file ended when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastLine {
    /// With a line end, or it was not counted.
    Ended,
    /// At this place, without a line end, and it was counted.
    Counted(u64),
    /// It was counted up to this place, and there is more of it now.
    GoesOn(u64),
}

impl Fingerprint {
    /// Of the file that has this path now.
    pub fn of(path: &Path) -> io::Result<Self> {
        Fingerprint::of_first(path, LENGTH)
    }

    /// Of the file that has this path now, over as many bytes as `self` covers, or all that it has.
    pub fn again(self, path: &Path) -> io::Result<Self> {
        let mut again = Fingerprint::of_first(path, self.length)?;
        if let LastLine::Counted(end) = self.last_line {
            let mut behind = Vec::new();
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(end))?;
            file.take(1).read_to_end(&mut behind)?;
            again.last_line = match behind.as_slice() {
                [] | [b'\n' | b'\r'] => self.last_line,
                _ => LastLine::GoesOn(end),
            };
        }
        Ok(again)
    }

    /// With the place at which a last line ended that was counted without a line end.
    pub fn with_unended(mut self, end: Option<u64>) -> Self {
        self.last_line = end.map_or(LastLine::Ended, LastLine::Counted);
        self
    }

    fn of_first(path: &Path, length: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(length.min(LENGTH))
            .read_to_end(&mut bytes)?;
        Ok(Fingerprint {
            length: bytes.len() as u64,
            hash: xxh3_64(&bytes),
            last_line: LastLine::Ended,
        })
    }

    pub fn identity(self) -> Identity {
        let (end, last_line) = match self.last_line {
            LastLine::Ended => (0, String::new()),
            LastLine::Counted(end) => (
                end,
                format!(", and whose last line ended with byte {end}, without a line end"),
            ),
            LastLine::GoesOn(end) => (end, format!(", and that line goes on behind byte {end}")),
        };
        Identity {
            bytes: [self.length, self.hash, end].map(u64::to_le_bytes).concat(),
            words: format!(
                "a file whose first {} bytes have the checksum {:016x}{last_line}",
                self.length, self.hash
            ),
        }
    }

    /// What [`Fingerprint::identity`] was made of.
    pub fn from_identity(identity: &Identity) -> Option<Self> {
        let (numbers, []) = identity.bytes.as_chunks() else {
            return None;
        };
        let [length, hash, end] = *numbers else {
            return None;
        };
        let end = Some(u64::from_le_bytes(end)).filter(|end| *end > 0);
        let fingerprint = Fingerprint {
            length: u64::from_le_bytes(length),
            hash: u64::from_le_bytes(hash),
            last_line: LastLine::Ended,
        };
        Some(fingerprint.with_unended(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_only_grows_is_known_again_and_one_that_is_cut_or_replaced_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f");
        let long = "0123456789".repeat(1_000);
        for saved in ["", "a", "abc\n", &long] {
            std::fs::write(&path, saved).expect("written");
            let before = Fingerprint::of(&path).expect("a file");
            assert_eq!(Fingerprint::from_identity(&before.identity()), Some(before));
            for (now, same) in [
                (format!("{saved}more"), true),
                (saved.to_string(), true),
                (saved.chars().skip(1).collect(), saved.is_empty()),
                (format!("x{saved}"), saved.is_empty()),
            ] {
                std::fs::write(&path, &now).expect("written");
                let again = before.again(&path).expect("a file");
                assert_eq!(again == before, same, "{saved:.20} and {now:.20}");
            }
        }
    }

    #[test]
    fn a_last_line_that_was_counted_must_not_go_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f");
        std::fs::write(&path, "a,1\nb,2").expect("written");
        let before = Fingerprint::of(&path).expect("a file").with_unended(Some(7));
        for (now, same) in [
            ("a,1\nb,2", true),
            ("a,1\nb,2\n", true),
            ("a,1\nb,2\r\nc,3\n", true),
            ("a,1\nb,23\n", false),
        ] {
            std::fs::write(&path, now).expect("written");
            let again = before.again(&path).expect("a file");
            assert_eq!(again == before, same, "{now:?}");
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_none() {
        for bytes in [&b""[..], &[0; 16], &[0; 23], &[0; 25]] {
            let words = String::new();
            let bytes = bytes.to_vec();
            assert_eq!(Fingerprint::from_identity(&Identity { bytes, words }), None);
        }
    }
}
