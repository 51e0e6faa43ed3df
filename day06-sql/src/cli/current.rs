//! The job that Ctrl-C stops: a process has one handler for it, and may run several jobs, one after the other.

use std::sync::{Arc, Mutex, PoisonError};

use day01_consumer::Error;
use day01_consumer::cli::{AtWork, Interrupt};
use day02_state::runtime::{Mail, Stop};
use day05_checkpoints::dataflow::Control;
use day05_checkpoints::signal::Signal;

/// The job that runs now.
pub struct Current {
    interrupt: Interrupt,
    job: Arc<Mutex<(Stop, Option<Mail<Control>>)>>,
}

impl Current {
    /// No job yet. To be called once.
    pub fn install() -> Result<Self, Error> {
        let job: Arc<Mutex<(Stop, Option<Mail<Control>>)>> = Arc::default();
        let interrupt = Interrupt::install_with({
            let job = Arc::clone(&job);
            // With a last checkpoint, if there is anybody yet who could take one.
            move || match &*job.lock().unwrap_or_else(PoisonError::into_inner) {
                (_, Some(coordinator)) => coordinator.send(Signal::Suspend),
                (stop, None) => stop.ask(),
            }
        })?;
        Ok(Current { interrupt, job })
    }

    /// A job is being wired.
    pub fn begin(&self, stop: &Stop) {
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = (stop.clone(), None);
    }

    /// It has a coordinator now, and begins. It ends when what is returned is dropped.
    pub fn coordinated(&self, coordinator: Mail<Control>) -> AtWork {
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        job.1 = Some(coordinator);
        self.interrupt.begin_work()
    }

    /// Whether somebody has pressed Ctrl-C.
    pub fn was_interrupted(&self) -> bool {
        self.interrupt.asked()
    }
}
