//! Ctrl-C: the first asks for an end after the batch in hand, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// Whether somebody has asked for an end, by Ctrl-C or by SIGTERM.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Starts to listen; once per process.
    pub fn install() -> Result<Self, Error> {
        Interrupt::install_with(|| {})
    }

    /// Does so, and calls `also` when an end is first asked for: for those who sleep, and would not look.
    pub fn install_with(also: impl Fn() + Send + 'static) -> Result<Self, Error> {
        let asked = Arc::new(AtomicBool::new(false));
        let handler = Arc::clone(&asked);
        ctrlc::set_handler(move || {
            if handler.swap(true, Ordering::Relaxed) {
                // The code by which shells know an interrupted program.
                std::process::exit(130);
            }
            also();
        })
        .map_err(|error| Error::System {
            what: "listening for Ctrl-C",
            error: error.to_string(),
        })?;
        Ok(Interrupt(asked))
    }

    /// Whether an end has been asked for.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn whoever_sleeps_is_woken_when_the_end_has_been_asked_for() {
        let (wake, woken) = mpsc::channel();
        let interrupt =
            Interrupt::install_with(move || wake.send(()).expect("a sleeper")).expect("a handler");
        assert!(!interrupt.asked());
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT)
            .expect("a signal");
        woken.recv_timeout(Duration::from_secs(60)).expect("a call");
        assert!(interrupt.asked(), "before the call");
    }
}
