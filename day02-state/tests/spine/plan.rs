//! How a job of this test is run: everything that varies between two runs over the same rows.

use std::time::Duration;

use day02_state::runtime::Buffers;

/// What a run is like.
#[derive(Debug, Clone)]
pub struct Plan {
    pub workers: usize,
    pub buffers: Buffers,
    pub acknowledge: Acknowledge,
    pub ending: Ending,
    /// From the completion of one checkpoint to the beginning of the next.
    pub interval: Duration,
    /// How many lines a source plays in a turn, and how long it waits between two of them.
    pub burst: usize,
    pub pace: Option<Duration>,
    pub fate: Option<Fate>,
    pub fault: Option<Fault>,
}

/// When the parts of a snapshot are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledge {
    /// Before the barrier, which so seals them.
    First,
    /// Behind the barrier, where they wait for their packet.
    Behind,
    /// Some turns later: the barrier goes on before anything is encoded.
    Later,
}

/// When a source that has nothing more to send ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// When the coordinator says so: after a last checkpoint of all sources at their ends.
    Together,
    /// After the first complete checkpoint of its own end, while others go on.
    Each,
}

/// What befalls a job before its end.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// It is asked to stop when this source is there.
    Stops { source: usize, at: usize },
    /// This source fails there.
    Dies { source: usize, at: usize },
    /// It is asked to stop behind this checkpoint, which is complete by then, and no row follows it.
    Suspends(u64),
}

/// A mistake in one of the adapters, put in to see that the claims find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The aligner refuses no channel.
    AcceptsEverything,
    /// The aligner waits for the barrier of a channel that has ended.
    WaitsForTheEnded,
    /// Rows that are held back are not flushed before a snapshot.
    SnapshotWithoutFlush,
    /// State is frozen when it is encoded, and not at the barrier.
    FreezesLate,
    /// Rows that are held back are not flushed before a mark.
    MarkWithoutFlush,
    /// The valve lets the highest mark pass instead of the lowest.
    HighestMark,
    /// The valve waits for marks of a channel that has ended.
    MarksOfTheEnded,
    /// A source ends with its script.
    EndsAtOnce,
    /// The coordinator takes a source that was stopped for one that was at its end.
    StoppedIsDrained,
}
