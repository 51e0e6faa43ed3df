//! The one object that says which names there are.
//!
//! ```text
//! 30dayfolder 1
//! run 4 9173205817263501862
//! checkpoint-00000000000000000007.run-3
//! checkpoint-00000000000000000008.run-4
//! checksum 00f1c2d3e4a5b697
//! ```
//!
//! It is text, because a person who looks into a bucket reads this first.

use std::collections::BTreeMap;
use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

const HEADER: &str = "30dayfolder 1";

/// What stands in the object `current`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Current {
    pub run: u64,
    /// Tells two runs apart that have taken the same number at the same moment.
    pub nonce: u64,
    /// All names, with the run that wrote the file.
    pub names: BTreeMap<String, u64>,
}

impl Current {
    pub fn key(name: &str, run: u64) -> String {
        format!("{name}.run-{run}")
    }

    pub fn name_and_run(key: &str) -> Option<(&str, u64)> {
        let (name, run) = key.rsplit_once(".run-")?;
        Some((name, run.parse().ok()?))
    }

    /// Without what another run holds under a key of its own.
    pub fn lists(&self, name: &str, run: u64) -> bool {
        self.names.get(name) == Some(&run)
    }

    pub fn decode(text: &[u8]) -> Option<Self> {
        let (text, checksum) = std::str::from_utf8(text).ok()?.rsplit_once("checksum ")?;
        let mut lines = text.lines();
        if u64::from_str_radix(checksum.trim_end(), 16) != Ok(xxh3_64(text.as_bytes()))
            || lines.next() != Some(HEADER)
        {
            return None;
        }
        let (run, nonce) = lines.next()?.strip_prefix("run ")?.split_once(' ')?;
        let name = |key| Self::name_and_run(key).map(|(name, run)| (name.to_string(), run));
        Some(Current {
            run: run.parse().ok()?,
            nonce: nonce.parse().ok()?,
            names: lines.map(name).collect::<Option<_>>()?,
        })
    }
}

impl fmt::Display for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.names.iter().map(|(name, run)| Self::key(name, *run) + "\n");
        let text = format!(
            "{HEADER}\nrun {} {}\n{}",
            self.run,
            self.nonce,
            keys.collect::<String>()
        );
        writeln!(f, "{text}checksum {:016x}", xxh3_64(text.as_bytes()))
    }
}
