//! What it takes to try windows out: the right answers, and small runs that the book draws. None of it is
//! part of the engine.

pub mod bridge;
pub mod demo;
pub mod evaluator;
pub mod sharing;
pub mod stream_time;
pub mod trace;
