//! The job as a library, on the log in memory of day 1: what closes, when, and what is late.
//!
//! Most of it runs under the stepper. Its clock is the wall clock of these tests: a row that comes ten seconds late, or
//! a split that is silent for a minute, costs nothing.
//!
//! - `same`: what results do not depend on
//! - `oracle`: which rows are late is told from the rows alone, also over stops and restores
//! - `delay`: what a delay keeps, and what would have kept the rest
//! - `late`: windows that close again, and what is lost all the same
//! - `silence`: splits without rows, and sources without splits
//! - `drift`: what a split that is far ahead costs, and that it loses nothing by waiting
//! - `ends`: drained, stopped, and an order from a far future
//! - `restore`: what a stage and a source must remember, and what happens if they do not
//! - `setup`, `live`: how a job is run; a topic that is written while it is read
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../day02-state/tests/drive/mod.rs"]
mod drive;
#[path = "../../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../../day03-windows/tests/results/mod.rs"]
mod results;
#[path = "../../../day03-windows/tests/scenarios/mod.rs"]
mod scenarios;

mod delay;
mod drift;
mod ends;
mod late;
mod live;
mod oracle;
mod restore;
mod same;
mod setup;
mod silence;
