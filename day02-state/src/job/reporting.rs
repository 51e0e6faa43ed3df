//! When a worker reports: now and then, if there is somebody to see it, and only when something has changed.

use std::time::Duration;

use crate::operator::Turn;

/// The next report of a worker.
#[derive(Debug)]
pub struct Reporting {
    every: Option<Duration>,
    next: Duration,
    /// Whether there is something that was not reported.
    changed: bool,
}

impl Reporting {
    /// Reports so often; never if it is not said how often.
    pub fn new(every: Option<Duration>) -> Self {
        Reporting {
            every,
            next: Duration::ZERO,
            changed: false,
        }
    }

    /// There is something to report.
    pub fn changed(&mut self) {
        self.changed = true;
    }

    /// Where an input ends the answer is not far, and nobody shall have to wait for a report before it.
    pub fn on_input_end(&mut self) {
        self.changed = false;
    }

    /// Until when it has to wait; none if it is time to report, and not again for `times` as long as usual.
    pub fn wait(&mut self, now: Duration, times: u32) -> Option<Turn> {
        let Some(every) = self.every.filter(|_| self.changed) else {
            return Some(Turn::Done);
        };
        if now < self.next {
            return Some(Turn::Wait(Some(self.next)));
        }
        self.next = now + every * times;
        self.changed = false;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_reports_what_has_changed_and_not_too_often() {
        let mut reporting = Reporting::new(Some(SECOND));
        assert_eq!(reporting.wait(SECOND, 1), Some(Turn::Done), "nothing has changed");
        reporting.changed();
        assert_eq!(reporting.wait(SECOND, 3), None);
        assert_eq!(reporting.wait(SECOND, 1), Some(Turn::Done), "nothing is new");
        reporting.changed();
        assert_eq!(reporting.wait(2 * SECOND, 1), Some(Turn::Wait(Some(4 * SECOND))));
        assert_eq!(reporting.wait(4 * SECOND, 1), None);
        reporting.changed();
        reporting.on_input_end();
        assert_eq!(reporting.wait(9 * SECOND, 1), Some(Turn::Done));
    }

    #[test]
    fn it_never_reports_if_nobody_sees_it() {
        let mut reporting = Reporting::new(None);
        reporting.changed();
        assert_eq!(reporting.wait(SECOND, 1), Some(Turn::Done));
    }
}
