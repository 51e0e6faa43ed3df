//! Day 2 of thirty days of streaming: operators, keyed state and workers.
//!
//! Day 1 is a loop with a map that dies with it. Here the loop is taken apart into tasks, the map into key groups, and
//! what a job must remember goes into one file together with its positions. The first half is the spine of all later
//! days: what they add travels through these channels, and nothing in it has to change for them.
//!
//! ```text
//! the spine                                        the job of this day
//! ────────────────────────────────────────         ─────────────────────────────────────────────
//! operator ◄─ runtime (threads) / stepper          sources ─► rows by key ─► totals ─► collector
//!     │          outbox, keys
//!     └─ state: table, parts, file
//! ```
//!
//! - [`operator`]: the contract; [`outbox`], [`runtime`]: tasks and the channels between them; [`stepper`]: the same tasks in
//!   an order drawn from a seed; [`status`]: what they say of themselves while they run
//! - [`keys`]: who owns a key; [`rows`]: rows with keys; [`state`]: what an operator remembers, saved and restored
//! - [`order`]: an order with its amount in exact cents; [`job`]: totals per merchant
//! - [`cli`]: the command line
//! - [`lab`]: small runs that the book draws

use mimalloc::MiMalloc;

// ANCHOR: allocator
/// Batches are made by one task and given back by another, on another thread. Where that happens for each hundred rows, as
/// with watermarks on day 4, both meet at the lock of the system's allocator; this one has none. It is told to ask for no huge pages: a process of some megabytes
/// would take up more than twice of them, and save no time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
// ANCHOR_END: allocator

pub mod cli;
pub mod error;
mod fault;
pub mod job;
pub mod keys;
pub mod lab;
pub mod operator;
pub mod order;
pub mod rows;
pub mod runtime;
pub mod state;
pub mod status;
pub mod stepper;

pub use runtime::outbox;
