//! What the pages of day 2 show: runs small enough to be drawn. None of it is part of the engine.

pub mod backpressure;
pub mod crash;
pub mod per_minute;
pub mod trace;
pub mod two_workers;
