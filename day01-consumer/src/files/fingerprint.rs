//! How a file is known again: by its first bytes.
//!
//! A path says little. A log that was rotated has a new file under its old name, and a position in the old one means nothing
//! in the new one. What stays the same while a file only grows are the bytes at its beginning.
//!
//! A file may be shorter than a fingerprint when it is first seen, and longer when it is seen again. So the fingerprint
//! says how many bytes it covers, and the later file is asked for as many. An empty one covers none, and every file
//! matches it: there was nothing to lose.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::source::Identity;

/// How many bytes a fingerprint covers at most.
const LENGTH: u64 = 4_096;

/// The hash of a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// How many bytes it covers.
    length: u64,
    hash: u64,
}

impl Fingerprint {
    /// Of the file that has this path now.
    pub fn of(path: &Path) -> io::Result<Self> {
        Fingerprint::of_first(path, LENGTH)
    }

    /// Of the file that has this path now, over as many bytes as `self` covers, or all that it has.
    pub fn again(self, path: &Path) -> io::Result<Self> {
        Fingerprint::of_first(path, self.length)
    }

    fn of_first(path: &Path, length: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(length.min(LENGTH))
            .read_to_end(&mut bytes)?;
        Ok(Fingerprint {
            length: bytes.len() as u64,
            hash: xxh3_64(&bytes),
        })
    }

    pub fn identity(self) -> Identity {
        Identity {
            bytes: [self.length.to_le_bytes(), self.hash.to_le_bytes()].concat(),
            words: format!(
                "a file whose first {} bytes have the checksum {:016x}",
                self.length, self.hash
            ),
        }
    }

    /// What [`Fingerprint::identity`] was made of.
    pub fn from_identity(identity: &Identity) -> Option<Self> {
        let (length, hash) = identity.bytes.split_first_chunk()?;
        Some(Fingerprint {
            length: u64::from_le_bytes(*length),
            hash: u64::from_le_bytes(hash.try_into().ok()?),
        })
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
    fn what_is_no_fingerprint_is_none() {
        for bytes in [&b""[..], &[0; 15], &[0; 17]] {
            let words = String::new();
            let bytes = bytes.to_vec();
            assert_eq!(Fingerprint::from_identity(&Identity { bytes, words }), None);
        }
    }
}
