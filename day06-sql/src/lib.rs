//! Day 6 of thirty days of streaming: a small SQL layer over columnar operators.

pub mod aggregate;
#[cfg(test)]
mod arbitrary;
pub mod bind;
pub mod chunk;
pub mod cli;
pub mod datagen;
pub mod error;
pub mod eval;
pub mod exec;
pub mod expr;
pub mod format;
pub mod join;
pub mod keyed;
pub mod keys;
pub mod lab;
mod parse;
pub mod plan;
mod secrets;
pub mod value;
pub mod view;
