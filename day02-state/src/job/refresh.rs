//! When a worker puts out what can be seen of its results: now and then, if an observer looks, and only after a change.

use std::time::Duration;

use crate::operator::Turn;

/// When the next one is due.
#[derive(Debug)]
pub struct Refresh {
    every: Option<Duration>,
    next: Duration,
    /// Whether something was not put out.
    changed: bool,
}

impl Refresh {
    /// So often; never if it is not said how often.
    pub fn new(every: Option<Duration>) -> Self {
        Refresh {
            every,
            next: Duration::ZERO,
            changed: false,
        }
    }

    /// There is something new.
    pub fn changed(&mut self) {
        self.changed = true;
    }

    /// An input has ended: the answer is near, and must not wait for what is put out before it.
    pub fn on_input_end(&mut self) {
        self.changed = false;
    }

    /// Until when it has to wait; none if it is due now, and not again for `times` as long as usual.
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
    fn it_is_due_after_a_change_and_not_too_often() {
        let mut refresh = Refresh::new(Some(SECOND));
        assert_eq!(refresh.wait(SECOND, 1), Some(Turn::Done), "nothing has changed");
        refresh.changed();
        assert_eq!(refresh.wait(SECOND, 3), None);
        assert_eq!(refresh.wait(SECOND, 1), Some(Turn::Done), "nothing is new");
        refresh.changed();
        assert_eq!(refresh.wait(2 * SECOND, 1), Some(Turn::Wait(Some(4 * SECOND))));
        assert_eq!(refresh.wait(4 * SECOND, 1), None);
        refresh.changed();
        refresh.on_input_end();
        assert_eq!(refresh.wait(9 * SECOND, 1), Some(Turn::Done));
    }

    #[test]
    fn it_is_never_due_if_no_observer_looks() {
        let mut refresh = Refresh::new(None);
        refresh.changed();
        assert_eq!(refresh.wait(SECOND, 1), Some(Turn::Done));
    }
}
