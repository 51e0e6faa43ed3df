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
        let asked = Arc::new(AtomicBool::new(false));
        let handler = Arc::clone(&asked);
        ctrlc::set_handler(move || {
            if handler.swap(true, Ordering::Relaxed) {
                // The code by which shells know an interrupted program.
                std::process::exit(130);
            }
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
