//! What it takes to try SQL out: small runs that the book draws and prints. None of it is part of the engine.

pub mod balances;
pub mod changelog;
pub mod tasks;
