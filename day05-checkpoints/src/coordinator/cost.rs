//! What a checkpoint has cost, part by part, and how a person sees it.

use std::time::Duration;

use day02_state::status::{Gauge, OverTasks};

use crate::store::Size;

/// What a checkpoint has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// From its beginning until it was durable.
    pub took: Duration,
    /// For how long a task held channels back for it, at most.
    pub aligned: Duration,
    /// For how long it was written, once all tasks had acknowledged it.
    pub stored: Duration,
    /// What was written.
    pub size: Size,
}

/// How long the last checkpoint took.
pub const CHECKPOINT_MILLIS: Gauge = gauge("checkpoint_ms");
/// For how long a task held channels back for it, at most.
pub const ALIGNMENT_MILLIS: Gauge = gauge("checkpoint_alignment_ms");
/// For how long it was written.
pub const STORE_MILLIS: Gauge = gauge("checkpoint_store_ms");
/// How many bytes were written.
pub const CHECKPOINT_BYTES: Gauge = gauge("checkpoint_bytes");

const fn gauge(name: &'static str) -> Gauge {
    Gauge {
        name,
        over_tasks: OverTasks::Max,
    }
}

impl Cost {
    /// What the coordinator shows of it.
    pub(super) fn gauges(self) -> [(Gauge, i64); 4] {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        [
            (CHECKPOINT_MILLIS, millis(self.took)),
            (ALIGNMENT_MILLIS, millis(self.aligned)),
            (STORE_MILLIS, millis(self.stored)),
            (CHECKPOINT_BYTES, i64::try_from(self.size.new).unwrap_or(i64::MAX)),
        ]
    }
}
