//! What the runtime promises, seen from outside: to whoever writes operators, and to whoever wires and runs them. Where it
//! can be, everything is shown under both drivers, under the stepper with many seeds and with threads many times.
//!
//! - `order`: what keeps its order, and how much may lie between two tasks
//! - `control`: where control goes, and its place between the rows
//! - `time`: linger, timers, turns and mail; the stepper repeats itself, and says who waits for whom
//! - `ends`: when a task ends, and how; ports; stopping
//! - `failures`: errors, panics and neighbours that vanish

// Helpers of tests say what they expect by failing, as tests do.
#![allow(clippy::unwrap_used, clippy::panic)]

mod control;
mod ends;
mod failures;
mod operators;
mod order;
mod time;
