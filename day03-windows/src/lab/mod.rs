//! What it takes to try windows out: the right answers, and small runs that the book draws.

pub mod evaluator;
