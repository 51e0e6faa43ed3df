//! The memory that the client reads into.
//!
//! librdkafka asks `malloc` for each answer of a broker, a megabyte or so, and gives it back when its records are read. glibc hands
//! pieces of that size back to the kernel at once, which has to clear the same pages for the next answer, under a lock for which
//! the thread that frees records then waits. Told to keep them, it saves half of the time that reading spends in the kernel.
//!
//! Left out: other C libraries, which have no such setting or need none.
//!
//! # Why the unsafe code here is sound
//!
//! `mallopt` takes two numbers, and may be called at any time and from any thread.
#![allow(unsafe_code)]

use std::sync::Once;

/// Pieces of up to so many bytes are kept, and so much of what is free: the most that glibc allows, and more than a client
/// reads ahead.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 32 << 20;

/// From now on memory that is given back stays with the process.
pub(super) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        for option in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
            // SAFETY: see above. Where it is refused, everything works as before.
            unsafe { libc::mallopt(option, KEPT) };
        }
    });
}
