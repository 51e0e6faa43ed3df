//! The control of a job with checkpoints: that of the job without them, and what concerns checkpoints.
//!
//! A barrier travels in the channels, between the rows, and divides them into epochs: what stands before barrier `n` belongs
//! to checkpoint `n`, what stands behind it to the next. Everything else goes by mail, because it is about the job and not
//! about a place in the stream.

use std::time::Duration;

use day02_state::state::Frozen;
use day03_windows::job::TellsTime;
use day03_windows::time::EventTime;

// ANCHOR: signal
/// Control in a job with checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal<C> {
    /// Control of the job itself, here a watermark.
    Inner(C),
    /// Everything before it belongs to this checkpoint. Reaches sources by mail, and everybody else through the channels.
    Barrier(u64),
    /// By mail, to everybody: this checkpoint is durable.
    Complete(u64),
    /// By mail, to sources: no row may follow the next barrier.
    Pause,
    /// By mail, to sources: the last checkpoint is durable, they can end.
    Finish,
    /// By mail, to the coordinator: take a last checkpoint, and stop.
    Suspend,
}

/// What a task tells the coordinator.
#[derive(Debug)]
pub enum Ack {
    /// Its state at this barrier, and how long it held channels back until the barrier was in on all of them.
    State(u64, Frozen, Duration),
    /// It is a source, and has nothing more to send.
    Drained,
}
// ANCHOR_END: signal

impl<C: TellsTime> TellsTime for Signal<C> {
    fn time(&self) -> Option<EventTime> {
        match self {
            Signal::Inner(control) => control.time(),
            _ => None,
        }
    }
}
