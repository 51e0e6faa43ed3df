//! Day 4 of thirty days of streaming: event time and watermarks.
//!
//! Day 3 takes the largest timestamp that a task has seen for the time, and loses every order that comes out of order.
//! Here the time is said by those who can know: each source makes *watermarks* from its splits, they travel between the
//! rows, and a window closes when all who might still send a row for it have said that they will not.
//!
//! ```text
//! split 0 ─► generator ─┐                      ┌─► valve ─► windows
//! split 1 ─► generator ─┴─► valve ─ channels ──┴─► valve ─► windows
//!            of a source                           of each worker
//! ```
//!
//! - [`watermark`]: the promise; [`generator`]: how it is made of rows; [`valve`]: how one is made of many
//! - [`splits`]: the watermarks of a source, and which of its splits are idle; [`reader`]: rows with watermarks between
//! - [`alignment`]: no split far ahead of the slowest; [`status`]: which split it is that everything waits for
//! - [`operator`]: how an operator gets its watermarks; [`clock`]: event time as windows are told it
//! - [`late`]: orders that are lost, as a second output
//! - [`job`], [`cli`]: the job, the command line; [`lab`]: small runs to look at

pub mod alignment;
pub mod cli;
pub mod clock;
mod fault;
pub mod generator;
pub mod job;
pub mod lab;
pub mod late;
pub mod operator;
pub mod reader;
pub mod splits;
pub mod status;
pub mod valve;
pub mod watermark;
