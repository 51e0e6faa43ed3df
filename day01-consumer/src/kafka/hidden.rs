//! Records that are in the topic and cannot be read yet: a reader of committed records stops at the first record of
//! an open transaction, and sees nothing behind it, not even records of other writers.
//!
//! ```text
//!   offset    0  1  2 [3  4] 5  6  7
//!                      ▲ open      ▲ high watermark: the next offset to be written
//!                      └ last stable offset: where reading stops
//! ```
//!
//! A transaction is open for a moment whenever one is written. So a person hears of it once it has held up a partition for
//! a while, and once for each place where it does. It is a pure state machine: offsets and times come in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// For how long a partition must have been held up.
const HELD_UP_FOR: Duration = Duration::from_secs(2);

/// Up to where a partition can be read, and up to where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    /// The last stable offset.
    pub(super) stable: i64,
    /// The high watermark.
    pub(super) high: i64,
}

/// Where each partition is held up.
#[derive(Default)]
pub(super) struct Hidden(BTreeMap<i32, HeldUp>);

struct HeldUp {
    at: i64,
    since: Instant,
    said: bool,
}

impl Hidden {
    /// Takes what is known of a partition now; says how many offsets are hidden if a person should hear of it.
    pub(super) fn on_ends(&mut self, partition: i32, ends: Ends, now: Instant) -> Option<i64> {
        let hidden = ends.high - ends.stable;
        if hidden <= 0 {
            self.0.remove(&partition);
            return None;
        }
        let new = || HeldUp {
            at: ends.stable,
            since: now,
            said: false,
        };
        let held_up = self.0.entry(partition).or_insert_with(new);
        if held_up.at != ends.stable {
            *held_up = new();
        }
        let lasts = now.duration_since(held_up.since) >= HELD_UP_FOR;
        (lasts && !std::mem::replace(&mut held_up.said, lasts)).then_some(hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_stays_open_is_told_of_once_for_each_place() {
        let start = Instant::now();
        let mut hidden = Hidden::default();
        let mut told = |second, stable, high| {
            let now = start + Duration::from_secs(second);
            hidden.on_ends(0, Ends { stable, high }, now)
        };
        assert_eq!(told(0, 3, 5), None);
        assert_eq!(told(1, 3, 8), None, "not yet");
        assert_eq!(told(2, 3, 8), Some(5));
        assert_eq!(told(3, 3, 9), None, "has been said");
        assert_eq!(told(4, 9, 12), None, "another transaction");
        assert_eq!(told(5, 9, 12), None);
        assert_eq!(told(6, 9, 12), Some(3));
        assert_eq!(told(7, 12, 12), None, "nothing is hidden");
        assert_eq!(told(20, 12, 13), None, "it begins anew");
    }
}
