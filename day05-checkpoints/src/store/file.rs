//! A checkpoint as a file, and how it is read back from that file and older ones.
//!
//! ```text
//! "30dayck\n" version │ runs, end to end │ manifest │ its length  its checksum  "30dayck\n"
//!   8 bytes   4 bytes │                  │          │  8 bytes      8 bytes      8 bytes
//! ```
//!
//! The manifest stands at the end, as in RocksDB's and in Parquet's files: where runs lie and what their checksums are is known
//! only when they have been written, and so the file can be written without ever being in memory as a whole.
//!
//! Each byte is under one checksum: of its run, or of the manifest. What is left is compared as it stands. A file that breaks
//! any of this is damaged, and none of it is believed. Nor is memory reserved for a number that was read: there have to be
//! bytes for what it announces.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use day02_state::state::encoding::take_number;
use day02_state::state::file::Snapshot;
use day02_state::state::{Owner, Part, run};
use xxhash_rust::xxh3::xxh3_64;

use super::manifest::{Manifest, PartRuns, Run};
use super::{Checkpoint, groups, name_of};
use crate::disk::{Disk, DiskError, file_of};

const MAGIC: [u8; 8] = *b"30dayck\n";
const VERSION: [u8; 4] = 1_u32.to_le_bytes();
const HEADER: usize = MAGIC.len() + VERSION.len();
const FOOTER: usize = 2 * size_of::<u64>() + MAGIC.len();

/// Appends what stands before all runs.
pub(super) fn begin(to: &mut Vec<u8>) {
    to.extend(MAGIC);
    to.extend(VERSION);
}

/// Appends what stands behind all runs.
pub(super) fn end(manifest: &Manifest, to: &mut Vec<u8>) {
    let start = to.len();
    manifest.encode(to);
    let (length, checksum) = (to.len() - start, xxh3_64(&to[start..]));
    to.extend((length as u64).to_le_bytes());
    to.extend(checksum.to_le_bytes());
    to.extend(MAGIC);
}

/// Why a checkpoint cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The disk has failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file is not what was written.
    #[error("{file}: {problem}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads what the checkpoint with this number is made of, and no more of its file.
pub fn read_manifest<D: Disk>(disk: &D, id: u64) -> Result<Manifest, Unreadable> {
    let name = name_of(id);
    let tail = |bytes| {
        disk.read_tail(&name, bytes)
            .map_err(DiskError::of(disk, "read", &name))
    };
    let damaged = |problem| Unreadable::Damaged {
        file: file_of(disk, &name),
        problem,
    };
    let length = manifest_length(&tail(FOOTER)?).map_err(damaged)?;
    manifest(&tail(length.saturating_add(FOOTER))?).map_err(damaged)
}

/// Reads the checkpoint with this number.
pub fn read_checkpoint<D: Disk>(disk: &D, id: u64) -> Result<Checkpoint, Unreadable> {
    let (manifest, parts) = read_tasks(disk, id)?;
    let mut snapshot = Snapshot::new();
    for (task, parts) in manifest.0.iter().zip(parts) {
        snapshot.add(&task.operator, parts);
    }
    Ok(Checkpoint { id, snapshot })
}

/// Reads the checkpoint with this number: what it is made of, and the parts of each of its tasks.
pub fn read_tasks<D: Disk>(disk: &D, id: u64) -> Result<(Manifest, Vec<Vec<Part>>), Unreadable> {
    let newest = read_whole(disk, id)?;
    let manifest = manifest(&newest).map_err(|problem| damaged(disk, id, problem))?;
    let mut files = BTreeMap::from([(id, newest)]);
    for file in manifest.files() {
        if let Entry::Vacant(entry) = files.entry(file) {
            entry.insert(read_whole(disk, file)?);
        }
    }
    // No byte is part of two runs. So what is restored is never larger than what was read.
    if manifest
        .live()
        .iter()
        .any(|(file, live)| *live > files[file].len() as u64)
    {
        return Err(damaged(
            disk,
            id,
            "its manifest names more bytes than there are".to_string(),
        ));
    }
    let mut tasks = Vec::new();
    for task in &manifest.0 {
        let mut parts = Vec::new();
        for saved in &task.parts {
            read_parts(disk, &files, saved, &mut parts)?;
        }
        tasks.push(parts);
    }
    Ok((manifest, tasks))
}

fn damaged<D: Disk>(disk: &D, id: u64, problem: String) -> Unreadable {
    let file = file_of(disk, &name_of(id));
    Unreadable::Damaged { file, problem }
}

fn read_whole<D: Disk>(disk: &D, id: u64) -> Result<Vec<u8>, Unreadable> {
    let name = name_of(id);
    let bytes = disk.read(&name).map_err(DiskError::of(disk, "read", &name))?;
    match bytes.split_first_chunk::<HEADER>() {
        Some((header, _)) if header[..] == [&MAGIC[..], &VERSION].concat() => Ok(bytes),
        Some((header, _)) if header.starts_with(&MAGIC) => Err(damaged(
            disk,
            id,
            "its format has another version than this program reads".to_string(),
        )),
        _ => Err(damaged(disk, id, "it is not a checkpoint".to_string())),
    }
}

/// Appends the parts that are these runs: one, or, of a table, one for each key group.
fn read_parts<D: Disk>(
    disk: &D,
    files: &BTreeMap<u64, Vec<u8>>,
    saved: &PartRuns,
    parts: &mut Vec<Part>,
) -> Result<(), Unreadable> {
    let wrong = |run: &Run, problem: &str| damaged(disk, run.file, format!("{problem}, in {:?}", saved.name));
    let mut runs = Vec::new();
    for run in &saved.runs {
        let bytes = files.get(&run.file).and_then(|file| bytes_of(file, run));
        let bytes = bytes.filter(|bytes| xxh3_64(bytes) == run.checksum);
        runs.push((
            run,
            bytes.ok_or_else(|| wrong(run, "it is damaged: a checksum is wrong"))?,
        ));
    }
    let part = |owner, bytes| Part {
        name: saved.name.clone(),
        owner,
        bytes,
    };
    if let Some(owner) = &saved.owner {
        let runs: Vec<&[u8]> = runs.into_iter().map(|(_, bytes)| bytes).collect();
        parts.push(part(owner.clone(), runs.concat()));
        return Ok(());
    }
    let mut by_group: BTreeMap<u16, Vec<&[u8]>> = BTreeMap::new();
    for (run, bytes) in &runs {
        for (group, rows) in groups::groups(bytes).ok_or_else(|| wrong(run, "key groups are cut"))? {
            by_group.entry(group).or_default().push(rows);
        }
    }
    for (group, rows) in by_group {
        let bytes = match rows[..] {
            [only] => only.to_vec(),
            _ => run::merge(&rows).map_err(|_| wrong(runs[0].0, "rows are cut"))?,
        };
        if !bytes.is_empty() {
            parts.push(part(Owner::Group(group), bytes));
        }
    }
    Ok(())
}

fn bytes_of<'a>(file: &'a [u8], run: &Run) -> Option<&'a [u8]> {
    let start = usize::try_from(run.offset).ok()?;
    let end = start.checked_add(usize::try_from(run.length).ok()?)?;
    file.get(start..end)
}

/// How long the manifest is that stands before these last bytes of a file.
fn manifest_length(end: &[u8]) -> Result<usize, String> {
    let not_whole =
        || "it is not a checkpoint, or it is cut off: its last bytes are not those of one".to_string();
    let footer = end.last_chunk::<FOOTER>().ok_or_else(not_whole)?;
    if !footer.ends_with(&MAGIC) {
        return Err(not_whole());
    }
    let length = take_number(&mut &footer[..]).and_then(|length| usize::try_from(length).ok());
    length.ok_or_else(not_whole)
}

/// The manifest at the end of these bytes.
fn manifest(bytes: &[u8]) -> Result<Manifest, String> {
    let wrong = || "it is damaged: the checksum of its manifest is wrong".to_string();
    let length = manifest_length(bytes)?;
    let (before, footer) = bytes.split_at(bytes.len() - FOOTER);
    let start = before.len().checked_sub(length).ok_or_else(wrong)?;
    let checksum = take_number(&mut &footer[size_of::<u64>()..]);
    if checksum != Some(xxh3_64(&before[start..])) {
        return Err(wrong());
    }
    let makes_no_sense = || "its manifest is not valid, although its checksum is right".to_string();
    Manifest::decode(&before[start..]).ok_or_else(makes_no_sense)
}
