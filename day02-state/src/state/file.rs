//! A snapshot in a file: the state of all operators and the positions of all sources, in **one** write.
//!
//! ```text
//! "30dayss\n"  version  length │ operators, each with its parts in their order │ checksum of everything before it
//!    8 bytes    4 bytes 8 bytes│               length bytes                    │ 8 bytes
//! ```
//!
//! 1. What is written is written beside the file, synced to the disk, and renamed over it, and then the rename is synced.
//!    So at any moment the file is the old snapshot or the new one, and never something between.
//! 2. What is read is believed only once the length and the checksum are right. A file that is cut, damaged, not ours, or
//!    of another version is an error that says so, and no operator has seen any of it.
//! 3. State belongs to the operator whose id it carries, and no other operator ever sees it. Ids are names that a job
//!    gives, not numbers that shift when a job changes.
//! 4. Equal state gives equal bytes: operators by id, parts by name and owner, and key groups are whole parts.
//!
//! Numbers are little-endian. Left out: snapshots that hold only what has changed (day 5 writes those), and files of more than memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::Part;
use super::encoding::{
    put_bytes, put_length, put_owner, take, take_bytes, take_length, take_owner, take_text,
};
use crate::error::SnapshotError;

const MAGIC: [u8; 8] = *b"30dayss\n";
const VERSION: u32 = 2;
const HEADER: usize = MAGIC.len() + size_of::<u32>() + size_of::<u64>();
const CHECKSUM: usize = size_of::<u64>();

/// Everything that a job must remember.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<String, Vec<Part>>);

impl Snapshot {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds parts of the operator with this id, which may come from several of its workers.
    pub fn add(&mut self, operator: &str, parts: Vec<Part>) {
        let all = self.0.entry(operator.to_string()).or_default();
        all.extend(parts);
        all.sort();
    }

    /// The parts of the operator with this id, and of no other.
    pub fn parts(&self, operator: &str) -> &[Part] {
        self.0.get(operator).map_or(&[], Vec::as_slice)
    }

    /// The ids of all operators that have state in it.
    pub fn operators(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    // ANCHOR: write
    /// Writes the snapshot, or leaves the file as it was.
    pub fn write(&self, path: &Path) -> Result<(), SnapshotError> {
        let failed = SnapshotError::at(path);
        let aside = aside(path);
        let mut file = File::create(&aside).map_err(&failed)?;
        file.write_all(&self.encode()).map_err(&failed)?;
        file.sync_all().map_err(&failed)?;
        std::fs::rename(&aside, path).map_err(&failed)?;
        sync_folder(path).map_err(failed)
    }
    // ANCHOR_END: write

    /// An error if a snapshot could not be written here: better now than when there is something to lose.
    pub fn check_writable(path: &Path) -> Result<(), SnapshotError> {
        let failed = SnapshotError::at(path);
        if path.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let aside = aside(path);
        File::create(&aside).map_err(&failed)?;
        std::fs::remove_file(&aside).map_err(failed)
    }

    /// Reads a snapshot, all of it or nothing.
    pub fn read(path: &Path) -> Result<Self, SnapshotError> {
        let bytes = std::fs::read(path).map_err(SnapshotError::at(path))?;
        Self::decode(&bytes).map_err(SnapshotError::at(path))
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::from(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; size_of::<u64>()]);
        put_length(&mut bytes, self.0.len());
        for (operator, parts) in &self.0 {
            put_bytes(&mut bytes, operator.as_bytes());
            put_length(&mut bytes, parts.len());
            for part in parts {
                put_bytes(&mut bytes, part.name.as_bytes());
                put_owner(&mut bytes, &part.owner);
                put_bytes(&mut bytes, &part.bytes);
            }
        }
        let length = (bytes.len() - HEADER) as u64;
        bytes[HEADER - size_of::<u64>()..HEADER].copy_from_slice(&length.to_le_bytes());
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes
    }

    /// The snapshot in these bytes, or what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let begins = &bytes[..bytes.len().min(MAGIC.len())];
        if bytes.is_empty() || !MAGIC.starts_with(begins) {
            return Err("it is not a snapshot".to_string());
        }
        let cut = |wanted: u64| format!("it is cut off: it has {} of {wanted} bytes", bytes.len());
        let mut header = bytes.get(MAGIC.len()..HEADER).ok_or_else(|| cut(HEADER as u64))?;
        let version = u32::from_le_bytes(take(&mut header).unwrap_or_default());
        if version != VERSION {
            return Err(format!(
                "its format has version {version}, and this program reads version {VERSION}"
            ));
        }
        let length = u64::from_le_bytes(take(&mut header).unwrap_or_default());
        let wanted = length.saturating_add((HEADER + CHECKSUM) as u64);
        match (bytes.len() as u64).cmp(&wanted) {
            std::cmp::Ordering::Less => return Err(cut(wanted)),
            std::cmp::Ordering::Greater => {
                return Err(format!(
                    "it has {} bytes after its end",
                    bytes.len() as u64 - wanted
                ));
            }
            std::cmp::Ordering::Equal => {}
        }
        let (content, mut checksum) = bytes.split_at(bytes.len() - CHECKSUM);
        if xxh3_64(content) != u64::from_le_bytes(take(&mut checksum).unwrap_or_default()) {
            return Err("it is damaged: its checksum is wrong".to_string());
        }
        let mut body = &content[HEADER..];
        match (operators(&mut body), body.is_empty()) {
            (Some(operators), true) => Ok(Snapshot(operators)),
            _ => Err("its content is not valid, although its checksum is right".to_string()),
        }
    }
}

/// Where a snapshot is written before it is renamed.
fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".writing");
    PathBuf::from(name)
}

/// A rename is safe once the folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

fn operators(from: &mut &[u8]) -> Option<BTreeMap<String, Vec<Part>>> {
    let mut operators = BTreeMap::new();
    for _ in 0..take_length(from)? {
        let operator = take_text(from)?;
        let mut parts = Vec::new();
        for _ in 0..take_length(from)? {
            parts.push(Part {
                name: take_text(from)?,
                owner: take_owner(from)?,
                bytes: take_bytes(from)?.to_vec(),
            });
        }
        operators.insert(operator, parts);
    }
    Some(operators)
}

#[cfg(test)]
mod tests {
    use super::super::Owner;
    use super::*;

    fn part(name: &str, owner: Owner, bytes: &[u8]) -> Part {
        Part {
            name: name.to_string(),
            owner,
            bytes: bytes.to_vec(),
        }
    }

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::new();
        snapshot.add("totals", vec![part("merchants", Owner::Group(127), b"zz")]);
        snapshot.add("totals", vec![part("merchants", Owner::Group(2), b"m-1")]);
        snapshot.add(
            "source",
            vec![
                part("positions", Owner::Split("orders/3".to_string()), b"17"),
                part("skipped", Owner::First, b""),
                part("all", Owner::Every, &[0; 300]),
            ],
        );
        snapshot
    }

    /// The same bytes with another checksum that is right again.
    fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.truncate(bytes.len() - CHECKSUM);
        let checksum = xxh3_64(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn what_was_written_is_read_and_written_again_as_the_same_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        snapshot().write(&path).expect("written");
        let read = Snapshot::read(&path).expect("read");
        assert_eq!(read, snapshot());
        assert_eq!(read.encode(), std::fs::read(&path).expect("the file"));
        let files = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(files, 1, "nothing is left beside it");
    }

    #[test]
    fn the_order_in_which_workers_report_does_not_matter() {
        let (mut one, mut other) = (Snapshot::new(), Snapshot::new());
        let parts = [1, 2, 3].map(|group| part("n", Owner::Group(group), b"x"));
        parts.iter().for_each(|part| one.add("o", vec![part.clone()]));
        parts
            .iter()
            .rev()
            .for_each(|part| other.add("o", vec![part.clone()]));
        assert_eq!(one.encode(), other.encode());
    }

    #[test]
    fn state_of_one_operator_is_not_visible_to_another() {
        let snapshot = snapshot();
        assert_eq!(snapshot.parts("totals").len(), 2);
        assert_eq!(snapshot.parts("total"), []);
        assert_eq!(snapshot.operators().collect::<Vec<_>>(), ["source", "totals"]);
    }

    #[test]
    fn a_file_cut_at_any_byte_is_an_error() {
        let bytes = snapshot().encode();
        for length in 0..bytes.len() {
            let problem = Snapshot::decode(&bytes[..length]).expect_err("it is cut");
            let said = if length == 0 { "not a snapshot" } else { "cut off" };
            assert!(problem.contains(said), "{length}: {problem}");
        }
    }

    #[test]
    fn a_file_with_any_bit_flipped_is_an_error() {
        let bytes = snapshot().encode();
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 0x10;
            assert!(Snapshot::decode(&damaged).is_err(), "byte {index}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let good = snapshot().encode();
        let longer = [good.as_slice(), b"!"].concat();
        let mut newer = good.clone();
        newer[MAGIC.len()] = 3;
        let mut damaged = good.clone();
        damaged[HEADER + 9] ^= 1;
        let mut senseless = good.clone();
        senseless[HEADER] = 200;
        #[rustfmt::skip]
        let table = [
            (b"{\"merchant_id\":1}".to_vec(), "it is not a snapshot"),
            (longer,                          "it has 1 bytes after its end"),
            (sealed(newer),                   "its format has version 3, and this program reads version 2"),
            (damaged,                         "it is damaged: its checksum is wrong"),
            (sealed(senseless),               "its content is not valid, although its checksum is right"),
        ];
        for (bytes, said) in table {
            assert_eq!(Snapshot::decode(&bytes).expect_err(said), said);
        }
    }

    #[test]
    fn an_error_names_the_file_and_leaves_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("missing/state");
        let error = snapshot().write(&missing).expect_err("no such folder");
        assert!(error.to_string().contains("missing/state"), "{error}");
        let path = folder.path().join("state");
        snapshot().write(&path).expect("written");
        // Where the new one would be written is a folder.
        std::fs::create_dir(aside(&path)).expect("a folder");
        Snapshot::new().write(&path).expect_err("it cannot be written");
        assert_eq!(Snapshot::read(&path).expect("still there"), snapshot());
    }
}
