//! What this process inherited from its parent: ignored signals and a closed stdout. It is read before Rust's
//! runtime changes it.
//!
//! `nohup`, and a shell that starts a job in the background, say by *ignored* signals that the job is not to end with the
//! terminal. A handler would undo that. And if stdout is closed (`>&-`), the runtime opens `/dev/null` in its place,
//! and results would vanish without an error.
#![allow(
    unsafe_code,
    reason = "neither question can be asked in another way, nor later"
)]

use std::sync::OnceLock;

use libc::c_int;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The signals that ask a program to end.
const END: [c_int; 3] = [SIGINT, SIGTERM, SIGHUP];

#[derive(Debug)]
struct Inherited {
    heeded: Vec<c_int>,
    stdout_is_closed: bool,
}

static INHERITED: OnceLock<Inherited> = OnceLock::new();

/// Runs before `main`, and so before the runtime opens what is closed.
#[ctor::ctor]
fn look() {
    INHERITED.get_or_init(|| Inherited {
        heeded: END.into_iter().filter(|signal| !is_ignored(*signal)).collect(),
        // SAFETY: the call reads a flag of a descriptor, and says so if there is none.
        stdout_is_closed: unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } < 0,
    });
}

fn is_ignored(signal: c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes the present one to a place that is large enough; all zeros are a
    // valid action.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// The signals that ask for an end and were not ignored at the start.
pub(super) fn heeded_signals() -> &'static [c_int] {
    INHERITED.get().map_or(&END, |inherited| &inherited.heeded)
}

/// Whether there was no stdout at the start.
pub(super) fn stdout_is_closed() -> bool {
    INHERITED
        .get()
        .is_some_and(|inherited| inherited.stdout_is_closed)
}
