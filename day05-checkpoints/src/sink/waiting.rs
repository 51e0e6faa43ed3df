//! How long a sink waits for its target, when it looks again, and what a person hears of that.
//!
//! 1. A target that is pending is looked at again after a millisecond, then after two, four, and so on up to fifty: a
//!    commit is noticed soon, and a target that hangs costs no processor.
//! 2. A person hears of it after five seconds, once more if input is refused from then on, and when the target goes on.
//!    Refusing input for less than that is how a fast source is slowed down, and no news.

use std::fmt;
use std::time::Duration;

/// How soon a target that is pending is looked at again, at first and at the latest.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));
/// After how long a person hears of it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A sink that waits for its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The target.
    pub target: String,
    /// For how long.
    pub waited: Duration,
    /// How many bytes are held.
    pub unpublished: usize,
    /// Whether input is refused.
    pub refuses: bool,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, mebibytes) = (
            self.waited.as_secs(),
            self.unpublished as f64 / f64::from(1 << 20),
        );
        let target = &self.target;
        write!(
            f,
            "the sink waits for {target}: no answer for {seconds} s, {mebibytes:.1} MiB unpublished"
        )?;
        match self.refuses {
            true => f.write_str("; it takes no more rows until some are published"),
            false => Ok(()),
        }
    }
}

/// Since when a target is pending, by the clock of the job.
#[derive(Debug, Default)]
pub(super) struct Patience {
    wait: Option<Wait>,
    /// What a person was told last.
    told: Option<Waiting>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    since: Duration,
    now: Duration,
    look_again_at: Duration,
    pause: Duration,
}

impl Patience {
    /// The target is pending; returns when to look again.
    pub(super) fn pending(&mut self, now: Duration) -> Duration {
        let (first, last) = LOOK_AGAIN;
        let wait = self.wait.get_or_insert(Wait {
            since: now,
            now,
            look_again_at: now + first,
            pause: first,
        });
        wait.now = now;
        if now >= wait.look_again_at {
            wait.pause = last.min(wait.pause * 2);
            wait.look_again_at = now + wait.pause;
        }
        wait.look_again_at
    }

    /// For how long the target has been pending.
    pub(super) fn waited(&self) -> Option<Duration> {
        self.wait.map(|wait| wait.now.saturating_sub(wait.since))
    }

    /// What a person should be told now.
    pub(super) fn news(&mut self, waiting: Waiting) -> Option<String> {
        let is_new = match &self.told {
            None => waiting.waited >= PATIENCE,
            Some(told) => waiting.refuses && !told.refuses,
        };
        is_new.then(|| {
            let said = waiting.to_string();
            self.told = Some(waiting);
            said
        })
    }

    /// The target has answered; returns what a person should be told.
    pub(super) fn answered(&mut self, now: Duration) -> Option<String> {
        let (wait, told) = (self.wait.take(), self.told.take());
        let (since, target) = (wait?.since, told?.target);
        let seconds = now.saturating_sub(since).as_secs();
        Some(format!("after {seconds} s, the sink writes again to {target}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn waiting(waited: Duration, refuses: bool) -> Waiting {
        Waiting {
            target: "Kafka topic windows at localhost:9092, exactly once".to_string(),
            waited,
            unpublished: 41_943_040,
            refuses,
        }
    }

    #[test]
    fn a_target_is_looked_at_soon_and_then_less_and_less_often() {
        let (mut patience, mut now) = (Patience::default(), 100 * MS);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let again = patience.pending(now);
            pauses.push((again - now).as_millis());
            // A turn in between, because input has come, changes nothing.
            assert_eq!(patience.pending(again - MS / 2), again);
            now = again;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 50, 50]);
        assert_eq!(patience.answered(now), None, "no one was told that it waits");
        assert_eq!(patience.waited(), None);
        assert_eq!(patience.pending(now) - now, MS, "it begins anew");
    }

    #[test]
    fn a_person_hears_when_it_begins_when_input_is_refused_and_when_it_ends() {
        let mut patience = Patience::default();
        patience.pending(Duration::ZERO);
        let mut told = Vec::new();
        for (seconds, refuses) in [(4, true), (5, false), (6, false), (7, true), (8, true)] {
            patience.pending(Duration::from_secs(seconds));
            let waited = patience.waited().expect("it waits");
            told.extend(patience.news(waiting(waited, refuses)));
        }
        told.extend(patience.answered(Duration::from_secs(75)));
        told.extend(patience.answered(Duration::from_secs(76)));
        let lines: Vec<String> = told.iter().map(|said| format!("warning: {said}")).collect();
        assert_eq!(lines.len(), 3);
        insta::assert_snapshot!("waiting", lines.join("\n"));
    }
}
