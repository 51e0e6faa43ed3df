//! The contract of operators, channels and drivers carries what later days will send through it.
//!
//! Day 2 has rows and ends. Watermarks come on a later day, checkpoint barriers on one after that, and neither may need a
//! line of the runtime to be changed. So here both are built as a crate on top of this one would build them, from its
//! public interface only: small, but complete with a coordinator, restores at another number of workers, and sources that
//! end when their last checkpoint is complete. What comes out is compared with a plain evaluation of the same rows.
//!
//! - `marks`, `signals`: watermarks and barriers, each a state machine and an adapter around an operator
//! - `sources`, `operators`, `sink`, `coordinator`, `graph`: a job, with everything in it that makes barriers hard
//! - `replay`: what must be true of its state and its output
//! - `plan`: what varies between runs, and the mistakes that the claims must find
//! - `watermarks`, `claims`, `faults`: the tests

mod spine {
    mod claims;
    mod coordinator;
    mod faults;
    mod graph;
    mod marks;
    mod operators;
    mod parts;
    mod plan;
    mod replay;
    mod signals;
    mod sink;
    mod sources;
    mod watermarks;
}
