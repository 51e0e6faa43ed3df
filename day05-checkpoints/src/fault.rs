//! The faults that the rules of this day are there against.

day02_state::faults! {
    /// The aligner holds no channel back.
    AlignerAcceptsEverything,
    /// A source sends barriers also after its last checkpoint.
    BarrierAfterFinish,
    /// A checkpoint that takes too long is given up, and the next one has no more time.
    TimeoutStays,
    /// A sink refuses input also while it holds nothing that may be published.
    SinkWaitsForBarrier,
}
