//! Tools to try watermarks out: the demo, and small runs that the book draws and prints. None of it is part of the
//! engine.

pub mod demo;
pub mod drift;
pub mod marked;
pub mod panes;
pub mod silence;
pub mod six_rows;
pub mod timeline;
