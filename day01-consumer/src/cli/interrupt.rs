//! How Ctrl-C, SIGTERM and SIGHUP end a program.
//!
//! ```text
//!   opening          at work                    closing
//!   ends at once     after the batch in hand    ends at once
//! ```
//!
//! While a program opens its inputs and outputs, and after its result is printed, there is nothing to lose, but a
//! broker that does not answer may hold it up. So a signal ends it at once there. At work, the first signal asks for
//! an end, and the second ends it at once. A signal that was ignored at the start stays ignored.

use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::iterator::Signals;

use super::inherited::{heeded_signals, stdout_is_closed};
use super::live::say;
use crate::Error;

/// The code by which shells know an interrupted program.
const ABORTED: i32 = 130;

/// Whether the program has been asked to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    at_work: Arc<AtomicBool>,
}

/// Held while the program is at work.
#[derive(Debug)]
pub struct AtWork(Arc<AtomicBool>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Interrupt {
    /// Starts to listen; once per process, and before anything else. An error if stdout is closed.
    pub fn install() -> Result<Self, Error> {
        Interrupt::install_with(|| {})
    }

    /// Does so, and calls `also` when an end is first asked for: for tasks that sleep, and would not look.
    pub fn install_with(also: impl Fn() + Send + 'static) -> Result<Self, Error> {
        if stdout_is_closed() {
            let closed = "stdout is closed; to discard the result, redirect it to /dev/null";
            return Err(Error::Output(io::Error::other(closed)));
        }
        let failed = || Error::failed("listening for Ctrl-C");
        let mut signals = Signals::new(heeded_signals()).map_err(failed())?;
        let interrupt = Interrupt::default();
        let handler = interrupt.clone();
        thread::Builder::new()
            .name("signals".to_string())
            .spawn(move || signals.forever().for_each(|_| handler.on_signal(&also)))
            .map_err(failed())?;
        Ok(interrupt)
    }

    fn on_signal(&self, also: impl Fn()) {
        match (
            self.asked.swap(true, Ordering::Relaxed),
            self.at_work.load(Ordering::Relaxed),
        ) {
            (false, true) => also(),
            (false, false) => {
                say("interrupted");
                exit(0);
            }
            (true, _) => exit(ABORTED),
        }
    }

    /// The work begins. It ends when what is returned is dropped, which has to be before the source is.
    #[must_use]
    pub fn begin_work(&self) -> AtWork {
        self.at_work.store(true, Ordering::Relaxed);
        AtWork(Arc::clone(&self.at_work))
    }

    /// Whether an end has been asked for.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_sleeper_is_woken_when_the_end_has_been_asked_for() {
        let (wake, woken) = mpsc::channel();
        let interrupt =
            Interrupt::install_with(move || wake.send(()).expect("a sleeper")).expect("a handler");
        let _at_work = interrupt.begin_work();
        assert!(!interrupt.asked());
        // Not the signal of Ctrl-C, which a test in the background ignores.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)
            .expect("a signal");
        woken.recv_timeout(Duration::from_secs(60)).expect("a call");
        assert!(interrupt.asked(), "before the call");
    }
}
