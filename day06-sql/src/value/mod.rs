//! Values: their types, the one way in which a text becomes a value, and the one way in which a value becomes a text.
//!
//! ```text
//! 'text' in SQL ─┐                                         ┌─ print, the screen
//! CAST from VARCHAR ─► read ─► Value ─► column ─► Value ─► write ─► JSON, CSV
//! JSON, CSV ─────┘                                         └─ CAST to VARCHAR
//! ```
//!
//! 1. The same text gives the same value, or the same error, wherever it comes from: a literal, a column, a record.
//! 2. What is written is read back as the same value, for every type and in every format.
//! 3. Where Flink and PostgreSQL differ, the rule is Flink's; [`read`] and [`eval`](crate::eval) name the differences.
//!
//! Left out: DATE, TIME, arrays, rows and JSON as values.

pub mod numeric;
pub mod read;
mod scalar;
mod types;
pub mod write;

pub use read::Unfit;
pub use scalar::{Scalar, Value, cmp_doubles};
pub use types::DataType;
