//! Everything that can end a run of day 2, with what a person needs to act on it.
//!
//! Errors of day 1 pass through as they are: which broker, topic, file or record they are about does not change because
//! a task met them.

use std::io;
use std::path::PathBuf;

use day01_consumer::Error as InputError;

use crate::operator::Failure;

/// Why a run of day 2 ended early.
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
    Place {
        /// What it is to be.
        what: &'static str,
        /// Why not.
        failure: Failure,
    },
    /// A part of what was loaded could not be restored.
    #[error("cannot restore the saved state: {0}")]
    Restore(Failure),
    /// What was loaded has state of an operator that this job does not have.
    #[error("cannot restore the saved state: it has state of {operator:?}, which this job does not have")]
    UnknownOperator {
        /// The id of the operator.
        operator: String,
    },
    /// What was loaded has the position of a split that no source reads.
    #[error(
        "cannot restore the saved state: it has a position in {split}, which is not part of the input; to start anew, \
         leave out --load"
    )]
    UnknownSplit {
        /// The split.
        split: String,
    },
}

/// Why a job ended badly, with the task in which it began.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// An operator returned an error.
    #[error("{task}: {failure}")]
    Failed {
        /// The task.
        task: String,
        /// Its error.
        failure: Failure,
    },
    /// An operator panicked.
    #[error("{task} panicked: {message}")]
    Panicked {
        /// The task.
        task: String,
        /// What the panic said.
        message: String,
    },
    /// A neighbour of this task has gone without saying that it ended.
    #[error("{task}: {neighbour} disappeared before its end")]
    Vanished {
        /// The task that noticed.
        task: String,
        /// The one that is gone.
        neighbour: String,
    },
    /// Nothing can go on, and nothing ever will.
    #[error("the job is stuck:\n{0}")]
    Stuck(String),
}

/// Why a snapshot could not be written, read or used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is not a snapshot that this program can use.
    #[error("{}: {problem}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}
