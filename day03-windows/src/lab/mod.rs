//! Tools to try windows out: an evaluator with the right answers, the demo, and small runs that the book draws. None
//! of it is part of the engine.

pub mod bridge;
pub mod demo;
pub mod evaluator;
pub mod sharing;
pub mod stream_time;
pub mod trace;
