//! The ways in which the job is built: as it is, and with one thing left out.

use std::fmt;
use std::time::Duration;

use day02_state::state::file::Snapshot;
use day03_windows::job::WINDOWS;

use super::super::mortal::Care;
use crate::coordinator::Schedule;
use crate::store::Checkpoint;

/// From the beginning of one checkpoint to that of the next: some steps.
const INTERVAL: Duration = Duration::from_millis(40);
/// Less than most checkpoints take. After one that is aborted the next has twice the time.
const TOO_SHORT: Duration = Duration::from_millis(10);

/// How a job is built.
// ANCHOR: designs
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// As it is, into files.
    IntoFiles,
    /// As it is, into a topic with transactions.
    IntoTransactions,
    /// As it is, with so little time for a checkpoint that many are aborted.
    Aborting,
    /// Windows go out when they close, as `--sink print` shows them.
    AsTheyClose,
    /// Windows go out at the barrier. Their checkpoint is not on the disk yet.
    BeforeDurable,
    /// After a restart everything that waits is published, without asking what is out.
    WithoutAsking,
    /// Checkpoints hold positions and what waits to go out, but not what is in open windows.
    WithoutState,
    /// No channel is held back at a barrier.
    WithoutAlignment,
    /// Sources end when they have read everything.
    WithoutLastCheckpoint,
    /// Checkpoints are written and renamed, and nothing is synced.
    WithoutSync,
    /// Only the newest file is kept, and its manifest is not asked what it needs.
    KeptByAge,
}
// ANCHOR_END: designs

impl Design {
    /// All of them, first those that are right.
    pub const ALL: [Design; 11] = [
        Design::IntoFiles,
        Design::IntoTransactions,
        Design::Aborting,
        Design::AsTheyClose,
        Design::BeforeDurable,
        Design::WithoutAsking,
        Design::WithoutState,
        Design::WithoutAlignment,
        Design::WithoutLastCheckpoint,
        Design::WithoutSync,
        Design::KeptByAge,
    ];

    /// When there are checkpoints.
    pub(super) fn schedule(self) -> Schedule {
        let schedule = Schedule::every(Some(INTERVAL));
        match self {
            Design::Aborting => Schedule {
                timeout: TOO_SHORT,
                ..schedule
            },
            _ => schedule,
        }
    }

    pub(super) fn care(self) -> Care {
        match self {
            Design::WithoutSync => Care::NoSync,
            Design::BeforeDurable => Care::Later,
            Design::KeptByAge => Care::ByAge,
            _ => Care::Full,
        }
    }

    /// What is left of a checkpoint.
    pub(super) fn restores(self, mut checkpoint: Checkpoint) -> Checkpoint {
        if self == Design::WithoutState {
            let mut left = Snapshot::new();
            for operator in checkpoint.snapshot.operators().filter(|id| *id != WINDOWS) {
                left.add(operator, checkpoint.snapshot.parts(operator).to_vec());
            }
            checkpoint.snapshot = left;
        }
        checkpoint
    }
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Design::IntoFiles => "as built, into files",
            Design::IntoTransactions => "as built, into transactions",
            Design::Aborting => "as built, and checkpoints are aborted",
            Design::AsTheyClose => "windows go out as they close",
            Design::BeforeDurable => "they go out before the checkpoint is durable",
            Design::WithoutAsking => "nobody asks what is out already",
            Design::WithoutState => "positions are saved, state is not",
            Design::WithoutAlignment => "no channel waits at a barrier",
            Design::WithoutLastCheckpoint => "no last checkpoint",
            Design::WithoutSync => "checkpoints are not synced",
            Design::KeptByAge => "only the newest file is kept",
        })
    }
}
