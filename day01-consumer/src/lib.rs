//! Day 1 of thirty days of streaming: a loop and a `HashMap`, fed by a real Kafka.
//!
//! Twelve lines start the book: poll a topic, decode an order, count it under its merchant. This crate is
//! those twelve lines, grown into a program that can be trusted with real input, and no further: it stops where the map
//! is lost in a crash, because that is where day 2 begins.
//!
//! ```text
//! Kafka, files, stdin                    one loop
//! ─────────────────────────────   ──────────────────────────
//! source::Source ─► Records ─► decode ─► order::Order ─► job::Counts
//! ```
//!
//! - [`records`]: what one poll brings; [`source`]: where it comes from, with the positions that a restart needs
//! - [`kafka`], [`files`]: the sources
//! - [`decode`], [`order`]: from bytes to the one field that this job reads
//! - [`printable`]: text of records for people
//! - [`job`]: the loop itself, and the order of its three parts
//! - [`cli`]: the command line, which later days share
//! - [`lab`]: what a reader needs to experiment: generated orders, a log in memory, a broker inside the process, scenarios,
//!   a CPU clock

pub mod cli;
pub mod decode;
mod error;
pub mod files;
pub mod job;
pub mod kafka;
pub mod lab;
pub mod order;
pub mod printable;
pub mod records;
pub mod source;

pub use error::{Error, first_of};
