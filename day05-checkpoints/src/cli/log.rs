//! What a person hears of checkpoints.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytesize::ByteSize;
use day01_consumer::cli::say;

use crate::coordinator::{Cost, Event, Listener};

/// What has happened to checkpoints so far.
#[derive(Debug, Clone, Default)]
pub struct CheckpointLog(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    durable: u64,
    last: Option<(u64, Cost)>,
    longest: Duration,
}

impl CheckpointLog {
    /// A listener that remembers what it hears, and says at once that a checkpoint was given up.
    pub fn listener(&self) -> Listener {
        let heard = Arc::clone(&self.0);
        Box::new(move |event| match event {
            Event::Durable(id, cost) => {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.durable += 1;
                heard.last = Some((id, cost));
                heard.longest = heard.longest.max(cost.took);
            }
            Event::Aborted(id, after, missing) => say(format!(
                "warning: checkpoint {id} was aborted after {:.0} s without an acknowledgement of {}",
                after.as_secs_f64(),
                missing
            )),
        })
    }

    /// All of it, in a line.
    pub fn summary(&self) -> String {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match heard.last {
            None => "no checkpoint was taken".to_string(),
            Some((id, cost)) => format!(
                "{} checkpoint{}, the longest took {} ms; the last one is {id} and took {} ms, of which alignment {} ms \
                 and storing {} ms: {} written, {} in older files",
                heard.durable,
                if heard.durable == 1 { "" } else { "s" },
                heard.longest.as_millis(),
                cost.took.as_millis(),
                cost.aligned.as_millis(),
                cost.stored.as_millis(),
                ByteSize::b(cost.size.new).display().iec(),
                ByteSize::b(cost.size.reused).display().iec(),
            ),
        }
    }
}
