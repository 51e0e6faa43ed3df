//! Programs that tests start heed Ctrl-C, whoever has started the tests.
//!
//! A script that runs tests in the background (`&`, `nohup`) has them ignore SIGINT or SIGHUP. A program inherits from its
//! parent which signals are ignored, and by design leaves these ignored. What a parent *catches*, however, its children
//! inherit as a signal that is not ignored. So the tests catch these signals, and do what they would do otherwise: end.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;

/// From now on, programs that this process starts heed the signals that ask for an end.
pub fn are_heeded_by_children() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            register_conditional_default(signal, Arc::new(AtomicBool::new(true))).unwrap();
        }
    });
}
