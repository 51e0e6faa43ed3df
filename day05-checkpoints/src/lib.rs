//! Day 5 of thirty days of streaming: checkpoints, recovery, and output exactly once.
//!
//! Day 4 is right as long as nothing goes wrong. Here a job may be killed at any instruction, and what it has published is
//! in the end what an undisturbed run would have published: nothing is lost, and nothing is there twice.
//!
//! ```text
//! what is in the channels          what is kept                what goes out
//! ────────────────────────         ─────────────────────       ───────────────────────
//! signal ─ aligner ─ aligned       coordinator ─► store        sink ─► pending ─► target
//!                     (adapter)           ▲           └ disk                  files, Kafka
//!                        └─── state ──────┘
//! ```
//!
//! - [`signal`]: barriers and what goes with them; [`aligner`]: which channels wait for a barrier
//! - [`checkpointed`]: the adapters around operators and sources; [`coordinator`]: when there is a checkpoint, and when it is
//!   durable; [`dataflow`]: a job with all of these
//! - [`disk`], [`object_folder`], [`store`]: where checkpoints are kept
//! - [`sink`]: rows that wait until they may go out, and where they go
//! - [`job`], [`cli`]: the job, the command line; [`ended`]: a job that has come to the end of its input
//! - [`lab`]: a disk that loses what was not synced, and a job that dies after each of its steps

pub mod aligner;
pub mod atomic_file;
pub mod checkpointed;
pub mod cli;
pub mod coordinator;
pub mod dataflow;
pub mod disk;
pub mod ended;
mod fault;
pub mod job;
pub mod lab;
pub mod object_folder;
pub mod signal;
pub mod sink;
pub mod store;
mod thread_end;
