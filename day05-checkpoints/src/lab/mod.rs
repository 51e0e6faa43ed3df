//! What it takes to try checkpoints out. None of it is part of the engine.

pub mod barrier;
pub mod crash;
pub mod epochs;
pub mod fragile;
pub mod layers;
pub mod mortal;
