//! What a state knows of its own snapshots: which of them is the base of the next one.
//!
//! A snapshot that holds only changes needs a *base*, and only a snapshot that is durable can be one. A state cannot know
//! that when it freezes: the checkpoint may be given up, and what was frozen for it must then be in the next one too.
//!
//! ```text
//!   freeze 4 ── durable ──► freeze 5 ── given up    freeze 6 ── durable ──► freeze 7
//!                 base: –     base: 4                 base: 4                 base: 6
//!                                └── changed since 4 ───┘
//! ```
//!
//! So each snapshot goes out with a [`Completion`], of which the state keeps a copy. Whoever stores the snapshot fills it
//! in once it is durable; the state looks at it when it freezes the next time. A snapshot that is not stored, or not to the end,
//! never becomes a base, and needs no word about it. (Flink tells a backend by `notifyCheckpointComplete`.)

use std::sync::{Arc, OnceLock};

/// Whether a snapshot is durable, and as which checkpoint. Clones are about the same snapshot.
#[derive(Debug, Clone, Default)]
pub struct Completion(Arc<OnceLock<u64>>);

impl Completion {
    /// The snapshot is durable as part of this checkpoint.
    pub fn complete(&self, checkpoint: u64) {
        // A second word would be about the same checkpoint.
        let _ = self.0.set(checkpoint);
    }

    fn checkpoint(&self) -> Option<u64> {
        self.0.get().copied()
    }
}

/// The base of the next snapshot, and the last one that was frozen.
#[derive(Debug, Clone, Default)]
pub struct History {
    base: Option<u64>,
    last: Option<Completion>,
}

impl History {
    /// Whether the snapshot that was frozen last has become durable, and so the base, since this was last asked.
    pub fn has_completed(&mut self) -> bool {
        match self.last.as_ref().and_then(Completion::checkpoint) {
            None => false,
            checkpoint => {
                (self.base, self.last) = (checkpoint, None);
                true
            }
        }
    }

    /// A snapshot is frozen. Gives the base of its changes, if there is one, and what to fill in when it is durable.
    pub fn freeze(&mut self) -> (Option<u64>, Completion) {
        let completion = Completion::default();
        self.last = Some(completion.clone());
        (self.base, completion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_the_last_snapshot_that_was_durable_and_no_other() {
        let mut history = History::default();
        assert!(!history.has_completed());
        let (base, fourth) = history.freeze();
        assert_eq!(base, None);
        fourth.complete(4);
        assert!(history.has_completed() && !history.has_completed());
        let (base, given_up) = history.freeze();
        assert_eq!(base, Some(4));
        assert!(!history.has_completed());
        let (base, sixth) = history.freeze();
        assert_eq!(base, Some(4));
        // That of an older one changes nothing.
        given_up.complete(5);
        assert!(!history.has_completed());
        sixth.complete(6);
        assert!(history.has_completed());
        assert_eq!(history.freeze().0, Some(6));
    }
}
