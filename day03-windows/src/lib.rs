//! Day 3 of thirty days of streaming: windows.
//!
//! Day 2 can say how much a merchant has sold, in all. Here it is *per ten seconds*: by when an order
//! happened, not by when it arrived. The windows of all four kinds are pure state machines that know neither
//! a thread nor a clock.
//!
//! ```text
//! what windows there are        what is kept of rows        when they close
//! ──────────────────────        ────────────────────        ───────────────
//! spec ─► assigner ─► slices ◄── aggregate                   clock
//!     └────────────► sessions ◄─┘   │                         │
//!                       └ ordered   └────── windowing ────────┘
//! ```
//!
//! - [`time`], [`window`]: points and half-open stretches of event time
//! - [`spec`]: which windows the user asks for; [`assigner`]: where slices and windows lie
//! - [`aggregate`]: what is kept of the rows of a window
//! - [`windower`]: the contract; [`slices`], [`sessions`]: the two ways to keep it; [`ordered`]: the table
//!   that sessions lie in
//! - [`clock`], [`windowing`]: stream time, and the window operator
//! - [`order`], [`job`], [`cli`]: an order with its time, the job, the command line
//! - [`lab`]: right answers, and small runs that the book draws

pub mod aggregate;
pub mod assigner;
pub mod cli;
pub mod clock;
pub mod job;
pub mod lab;
pub mod order;
pub mod ordered;
pub mod sessions;
pub mod slices;
pub mod spec;
pub mod time;
pub mod window;
pub mod windower;
pub mod windowing;
