//! The book checks itself against the code, and draws its figures and its tables from runs of it.
//!
//! - [`check`]: that every listing, output, link and question on the pages is what it claims to be
//! - [`figures`]: SVG from the traces of scenarios
//! - [`ladder`]: what every day makes of every scenario
//! - [`costs`]: tables and charts from what the benchmarks measured
//!
//! HTML is made by mdBook, which none of this needs.

pub mod check;
pub mod costs;
pub mod figures;
pub mod ladder;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Why the book could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A figure needs a scenario that is not there.
    #[error("there is no scenario {0} in book/scenarios")]
    NoScenario(String),
    /// A scenario is wrong, or did not run.
    #[error(transparent)]
    Scenario(#[from] day01_consumer::Error),
    /// A job of day 2 did not run.
    #[error(transparent)]
    Job(#[from] day02_state::error::Error),
    /// A small run that is to be drawn has failed.
    #[error("{0}")]
    Lab(String),
    /// A scenario cannot be judged.
    #[error("ladder: {0}")]
    Ladder(String),
    /// What was measured cannot be used.
    #[error("results: {0}")]
    Results(String),
    /// A command that the book runs has failed.
    #[error("`{0}` failed")]
    Command(String),
    /// The pages could not be read.
    #[error(transparent)]
    Check(#[from] check::CheckError),
}

impl BookError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> BookError {
        let path = path.to_path_buf();
        move |error| BookError::File { path, error }
    }
}

/// The folder of the book.
pub fn book_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Writes drawn or rendered files below `chapters`; says which of them have changed.
pub fn write_files(book: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>, BookError> {
    let mut changed = Vec::new();
    for (name, content) in files {
        let path = book.join("chapters").join(name);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == *content) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(BookError::file(folder))?;
        }
        std::fs::write(&path, content).map_err(BookError::file(&path))?;
        changed.push(name.clone());
    }
    Ok(changed)
}

/// Which of these files differ from what is on disk.
pub fn stale_files(book: &Path, files: &BTreeMap<PathBuf, String>) -> Vec<PathBuf> {
    let differs = |(name, content): &(&PathBuf, &String)| {
        std::fs::read_to_string(book.join("chapters").join(name)).map_or(true, |old| old != **content)
    };
    files
        .iter()
        .filter(differs)
        .map(|(name, _)| name.clone())
        .collect()
}
