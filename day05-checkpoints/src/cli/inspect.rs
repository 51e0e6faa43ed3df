//! `checkpoint inspect DIR`: what the checkpoints in a directory hold, a row for each task.
//!
//! It takes no lock and changes nothing, so it may look at the directory of a job that runs. Such a job may remove a file
//! while it is looked at; a checkpoint that is not there any more is not one to tell about. One that is damaged is: its
//! file is named, the others are still shown, and the command fails.

use std::collections::BTreeMap;

use day01_consumer::cli::say;
use day01_consumer::lab::table::{self, Cell, Format};
use day02_state::error::Error;
use day02_state::state::{Owner, Part};
use day03_windows::time::EventTime;

use super::checkpoint_dir::CheckpointDir;
use crate::disk::{Disk, Folder};
use crate::store::{Unreadable, ids, name_of, read_tasks};

const COLUMNS: [&str; 9] = [
    "checkpoint",
    "task",
    "parts",
    "bytes",
    "new_bytes",
    "reused_bytes",
    "files",
    "positions",
    "watermark",
];

/// Looks into checkpoints
#[derive(Debug, clap::Subcommand)]
pub(super) enum CheckpointCommand {
    /// Shows what the checkpoints in a directory hold, also while a job uses it: for each task its parts and bytes, how
    /// many of these were written for this checkpoint and how many lie in files of older ones, how many files it needs,
    /// and what it says of positions and time
    Inspect {
        /// What was given as --checkpoint-dir
        dir: CheckpointDir,
        /// How it is shown
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

pub(super) fn run(command: &CheckpointCommand) -> Result<(), Error> {
    let CheckpointCommand::Inspect { dir, format } = command;
    match dir {
        CheckpointDir::Folder(path) => show(&Folder::unlocked(path), *format),
        CheckpointDir::S3(address) => {
            let folder = address.look().map_err(|error| Error::Restore(error.into()))?;
            show(&folder, *format)
        }
    }
}

fn show<D: Disk>(folder: &D, format: Format) -> Result<(), Error> {
    let (mut rows, mut damaged) = (Vec::new(), None);
    for id in ids(folder).map_err(|error| Error::Restore(error.into()))? {
        match rows_of(folder, id) {
            Ok(more) => rows.extend(more),
            Err(Unreadable::Disk(error)) if error.is_missing() => {}
            Err(error) => {
                damaged.iter().for_each(|error: &Unreadable| say(error));
                damaged = Some(error);
            }
        }
    }
    if rows.is_empty() && damaged.is_none() {
        say(format!("there is no checkpoint in {}", folder.place()));
    }
    table::print(format, &COLUMNS, rows)?;
    damaged.map_or(Ok(()), |error| Err(Error::Restore(error.into())))
}

/// A row for each task of a checkpoint.
fn rows_of<D: Disk>(disk: &D, id: u64) -> Result<Vec<Vec<Cell>>, Unreadable> {
    let (manifest, parts) = read_tasks(disk, id)?;
    let mut tasks: BTreeMap<&str, usize> = BTreeMap::new();
    let rows = manifest.0.iter().zip(&parts).map(|(task, parts)| {
        let number = tasks.entry(&task.operator).or_default();
        let name = format!("{} {number}", task.operator);
        *number += 1;
        let (size, files) = (task.size(id), task.files().len());
        vec![
            Cell::Text(name_of(id)),
            Cell::Text(name),
            Cell::from(parts.len() as u64),
            Cell::from(size.new.saturating_add(size.reused)),
            Cell::from(size.new),
            Cell::from(size.reused),
            Cell::from(files as u64),
            Cell::Text(positions(parts)),
            Cell::Text(watermark(parts)),
        ]
    });
    Ok(rows.collect())
}

/// The next offset in each split.
fn positions(parts: &[Part]) -> String {
    let position = |part: &Part| match &part.owner {
        Owner::Split(split) if part.name == "position" => Some(format!("{split} {}", number(part)?)),
        _ => None,
    };
    parts.iter().filter_map(position).collect::<Vec<_>>().join(", ")
}

fn watermark(parts: &[Part]) -> String {
    let time = parts
        .iter()
        .find(|part| part.name == "watermark")
        .and_then(number);
    match time.map(EventTime) {
        None | Some(EventTime::MIN) => String::new(),
        Some(EventTime::MAX) => "the end of time".to_string(),
        Some(time) => time.to_string(),
    }
}

fn number(part: &Part) -> Option<i64> {
    Some(i64::from_le_bytes(*part.bytes.first_chunk()?))
}
