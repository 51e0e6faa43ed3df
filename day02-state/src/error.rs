//! Everything that can end a run of day 2, with what a person needs to act on it.
//!
//! Errors of day 1 pass through as they are: which broker, topic, file or record they are about does not change because
//! a task met them.

use std::path::{Path, PathBuf};

use day01_consumer::Error as InputError;

use crate::operator::Failure;

/// Why a run of day 2 ended early.
#[expect(missing_docs, reason = "the message says what most fields are")]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input could not be opened, or the result not written.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The job failed while it ran.
    #[error(transparent)]
    Job(#[from] JobError),
    /// State could not be saved or loaded.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Something outside cannot be used for what it is to be.
    #[error("{what}: {failure}")]
    Place { what: &'static str, failure: Failure },
    /// A part of what was loaded could not be restored.
    #[error("cannot restore the saved state: {0}")]
    Restore(Failure),
    /// What was loaded has state of an operator that this job does not have.
    #[error("cannot restore the saved state: it has state of {operator:?}, which this job does not have")]
    UnknownOperator { operator: String },
    /// What was loaded has the position of a split that no source reads.
    #[error(
        "cannot restore the saved state: it has a position in {split}, which is not part of the input; to start anew, \
         leave out --load"
    )]
    UnknownSplit { split: String },
}

/// Why a job ended badly, with the task in which it began.
#[expect(missing_docs, reason = "the message says what most fields are")]
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// An operator returned an error.
    #[error("{task}: {failure}")]
    Failed { task: String, failure: Failure },
    /// An operator panicked.
    #[error("{task} panicked: {message}")]
    Panicked { task: String, message: String },
    /// A neighbour of this task has gone without saying that it ended.
    #[error("{task}: {neighbour} disappeared before its end")]
    Vanished { task: String, neighbour: String },
    /// Nothing can go on, and nothing ever will.
    #[error("the job is stuck:\n{0}")]
    Stuck(String),
}

/// Why a snapshot could not be written, read or used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct SnapshotError {
    /// The file.
    pub path: PathBuf,
    /// What the system said, or what is wrong with the file.
    pub problem: String,
}

impl SnapshotError {
    /// For `map_err`: what is wrong with this file.
    pub fn at<P: ToString>(path: &Path) -> impl Fn(P) -> SnapshotError {
        move |problem| SnapshotError {
            path: path.to_path_buf(),
            problem: problem.to_string(),
        }
    }
}
