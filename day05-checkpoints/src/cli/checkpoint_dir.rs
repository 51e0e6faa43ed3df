//! Where checkpoints are kept, as the command line says it: a directory of this machine, or a prefix in a bucket of S3.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use day01_consumer::cli::say;
use day01_consumer::files::local_path;
use day02_state::error::Error;

use super::args::CheckpointArgs;
use crate::disk::{Disk, DiskError, Folder};
use crate::object_folder::s3::Address;
use crate::store::background::BackgroundStore;
use crate::store::{Checkpoint, CheckpointStorage, Store, StoreError};

/// How many checkpoints are kept.
const KEEP: usize = 3;

/// What was given as `--checkpoint-dir`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckpointDir {
    /// A directory.
    Folder(PathBuf),
    /// Objects of S3.
    S3(Address),
}

impl FromStr for CheckpointDir {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("s3://") {
            Some(address) => Ok(CheckpointDir::S3(address.parse()?)),
            None if text.contains("://") && !text.starts_with("file://") => {
                Err("expected a directory, or s3://BUCKET/PREFIX".to_string())
            }
            None => match local_path(Path::new(text)) {
                Ok(path) => Ok(CheckpointDir::Folder(path)),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

impl fmt::Display for CheckpointDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointDir::Folder(path) => path.display().fmt(f),
            CheckpointDir::S3(address) => address.fmt(f),
        }
    }
}

/// A place for checkpoints that is in use, and the newest one that it holds.
type Opened = (Option<Box<dyn CheckpointStorage>>, Option<Checkpoint>);

/// Opens the place for checkpoints of these options, if there is one.
pub fn open_store(args: &CheckpointArgs) -> Result<Opened, Error> {
    let failed = |error: DiskError| Error::Place {
        what: "the place for checkpoints",
        failure: error.into(),
    };
    match &args.checkpoint_dir {
        None => Ok((None, None)),
        Some(CheckpointDir::Folder(path)) => open(Folder::open_as(path, args.access()).map_err(failed)?),
        Some(CheckpointDir::S3(address)) => {
            if args.private {
                say(format!(
                    "--private does nothing for {address}: the policy of the bucket says who may read there"
                ));
            }
            let folder = address.open().map_err(failed)?;
            let run = folder.run();
            if run > 1 {
                say(format!(
                    "run {run} on {address}; if run {} is still at work, it ends with its next checkpoint",
                    run - 1
                ));
            }
            open(folder)
        }
    }
}

fn open(disk: impl Disk + 'static) -> Result<Opened, Error> {
    let unusable = |error: StoreError| Error::Restore(error.into());
    let store = Store::open(disk, KEEP).map_err(unusable)?;
    let latest = store.latest().map_err(unusable)?;
    let store = BackgroundStore::start(store).map_err(|error| Error::Restore(error.into()))?;
    Ok((Some(Box::new(store)), latest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_directory_or_a_prefix_in_a_bucket_and_is_shown_as_it_was_written() {
        for (text, place) in [
            ("state", "state"),
            ("a/b:c", "a/b:c"),
            ("file:///tmp/state", "/tmp/state"),
            ("s3://bucket/jobs/windows", "s3://bucket/jobs/windows"),
            ("s3://bucket/windows/", "s3://bucket/windows"),
        ] {
            let parsed: CheckpointDir = text.parse().expect(text);
            assert_eq!(parsed.to_string(), place);
            assert_eq!(matches!(parsed, CheckpointDir::S3(_)), text.starts_with("s3://"));
        }
        for wrong in [
            "s3://",
            "s3://bucket",
            "s3://bucket/",
            "s3:///windows",
            "s3://a bucket/windows",
            "s3://bucket//windows",
            "gs://bucket/x",
        ] {
            let said = wrong.parse::<CheckpointDir>().expect_err(wrong);
            assert!(said.contains("s3://BUCKET/PREFIX"), "{said}");
        }
    }
}
