//! The faults that the liveness rules of this day are there against.

day02_state::faults! {
    /// A restored source says its watermark only when it next moves.
    RestoredSourceIsSilent,
    /// A restored stage does not know its watermark any more.
    NoFloor,
    /// Time in which a source is stuck counts as silence of its splits.
    BlockedCountsAsIdle,
}
