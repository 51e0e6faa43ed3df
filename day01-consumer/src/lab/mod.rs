//! What a reader needs to experiment, and no chapter is about: orders to count, a log in memory, a broker that needs no
//! installing, scenarios with known answers, tables, and a clock that measures work instead of waiting.
//!
//! Later days use all of it; none of it is part of an engine.

pub mod cpu;
pub mod evaluator;
pub mod generator;
pub mod ladder;
pub mod log;
pub mod produce;
pub mod replay;
pub mod sandbox;
pub mod scenario;
pub mod table;
