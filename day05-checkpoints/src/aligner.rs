//! Which channels have to wait until a barrier is in on all of them.
//!
//! A task with several channels gets barrier `n` on each of them at another moment. Its state belongs to checkpoint `n`
//! exactly when it has taken in all rows before the barrier on *every* channel, and none behind it on *any*. So a channel
//! that has delivered its barrier is not read until the others have.
//!
//! ```text
//! channel 0   a | b c         a       read
//! channel 1   x y z | w       | b c   waits: nothing behind the barrier is read
//!                             x y z   read meanwhile
//!                             |       now it is in on both: the state is of a x y z, and both go on
//! ```
//!
//! 1. Barriers have numbers that rise. When one is in on all channels, it has *passed*.
//! 2. A barrier with a higher number cancels the one that is being aligned: the coordinator has aborted that one.
//! 3. A barrier that has passed, or was cancelled, is ignored when it comes again on a slow channel, and holds nothing back.
//! 4. A channel that has ended counts as if its barrier were in.
//! 5. Nothing behind a barrier is read before its time, no watermark either.
//!
//! Left out: unaligned checkpoints, in which the barrier overtakes the rows and the rows are saved. In one process the rows
//! that wait in channels are few.

use crate::fault::{Fault, put_in};

/// The alignment of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarrierAligner {
    /// The last barrier of each channel; none if it has ended.
    channels: Vec<Option<u64>>,
    /// The barrier that is being aligned; the last one, if none is.
    current: u64,
    /// Whether it has passed.
    passed: bool,
    /// Whether a channel is held back.
    holds: bool,
}

impl BarrierAligner {
    /// So many channels; barriers begin behind `restored`, which is 0 in a job that begins.
    pub fn new(channels: usize, restored: u64) -> Self {
        BarrierAligner {
            channels: vec![Some(restored); channels],
            current: restored,
            passed: true,
            holds: true,
        }
    }

    /// The same without holding back any channel: rows behind a barrier are read before it has passed. Nobody ever
    /// waits, and after a restore such rows are counted *at least* once, since the sources send them again.
    pub fn tracking(channels: usize, restored: u64) -> Self {
        BarrierAligner {
            holds: false,
            ..BarrierAligner::new(channels, restored)
        }
    }

    // ANCHOR: aligner
    /// Whether this channel may be read.
    pub fn accepts(&self, channel: usize) -> bool {
        let waits = self.holds && !self.passed && self.channels[channel] == Some(self.current);
        !waits || put_in(Fault::AlignerAcceptsEverything)
    }

    /// A barrier has come; returns its number if it has passed.
    #[must_use]
    pub fn on_barrier(&mut self, channel: usize, barrier: u64) -> Option<u64> {
        if barrier < self.current || (barrier == self.current && self.passed) {
            // Of a checkpoint that was given up. The channel comes to the next one.
            return None;
        }
        (self.current, self.passed) = (barrier, false);
        self.channels[channel] = Some(barrier);
        self.pass()
    }

    /// A channel has ended; returns the number of the barrier that has passed by this.
    #[must_use]
    pub fn on_end(&mut self, channel: usize) -> Option<u64> {
        self.channels[channel] = None;
        match self.passed {
            true => None,
            false => self.pass(),
        }
    }

    fn pass(&mut self) -> Option<u64> {
        let in_on_all = self
            .channels
            .iter()
            .all(|barrier| barrier.is_none_or(|barrier| barrier == self.current));
        self.passed = in_on_all;
        in_on_all.then_some(self.current)
    }
    // ANCHOR_END: aligner

    /// Whether this barrier would be the first of its number.
    pub fn begins(&self, barrier: u64) -> bool {
        barrier > self.current
    }

    /// The barrier that is being aligned, and the channels that it has not come from.
    pub fn waits_for(&self) -> Option<(u64, Vec<usize>)> {
        let missing = |(channel, barrier): (usize, &Option<u64>)| {
            barrier
                .is_some_and(|barrier| barrier != self.current)
                .then_some(channel)
        };
        (!self.passed).then(|| {
            let channels = self.channels.iter().enumerate();
            (self.current, channels.filter_map(missing).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens on a channel.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        Barrier(usize, u64),
        End(usize),
    }
    use Event::{Barrier, End};

    /// What passes with each event, and which channels may be read then.
    fn run(channels: usize, script: &[Event]) -> Vec<(Option<u64>, String)> {
        let mut aligner = BarrierAligner::new(channels, 0);
        let step = |event: &Event| {
            let passed = match *event {
                Barrier(channel, barrier) => aligner.on_barrier(channel, barrier),
                End(channel) => aligner.on_end(channel),
            };
            let read = (0..channels).map(|channel| if aligner.accepts(channel) { 'r' } else { '-' });
            (passed, read.collect())
        };
        script.iter().map(step).collect()
    }

    #[test]
    #[rustfmt::skip]
    fn the_rules_hold() {
        type Row = (&'static str, usize, &'static [Event], &'static [(Option<u64>, &'static str)]);
        let table: &[Row] = &[
            ("one channel: it passes at once",
                1, &[Barrier(0, 1), Barrier(0, 2)], &[(Some(1), "r"), (Some(2), "r")]),
            ("a channel with its barrier waits for the others",
                3, &[Barrier(1, 1), Barrier(0, 1), Barrier(2, 1)], &[(None, "r-r"), (None, "--r"), (Some(1), "rrr")]),
            ("a higher barrier cancels the one that is being aligned",
                2, &[Barrier(0, 1), Barrier(1, 2), Barrier(0, 2)], &[(None, "-r"), (None, "r-"), (Some(2), "rr")]),
            ("a cancelled one is ignored when it comes late",
                2, &[Barrier(0, 2), Barrier(1, 1), Barrier(1, 2)], &[(None, "-r"), (None, "-r"), (Some(2), "rr")]),
            ("one that has passed is ignored",
                2, &[Barrier(0, 1), Barrier(1, 1), Barrier(1, 1)], &[(None, "-r"), (Some(1), "rr"), (None, "rr")]),
            ("a channel that ends counts as if its barrier were in",
                2, &[Barrier(0, 1), End(1), Barrier(0, 2)], &[(None, "-r"), (Some(1), "rr"), (Some(2), "rr")]),
            ("also one that has delivered it before",
                3, &[Barrier(0, 1), End(0), End(1), Barrier(2, 1)], &[(None, "-rr"), (None, "rrr"), (None, "rrr"), (Some(1), "rrr")]),
            ("an end between two barriers is no barrier",
                2, &[End(0), Barrier(1, 1)], &[(None, "rr"), (Some(1), "rr")]),
        ];
        for (what, channels, script, wanted) in table {
            let wanted: Vec<(Option<u64>, String)> =
                wanted.iter().map(|(passed, read)| (*passed, read.to_string())).collect();
            assert_eq!(run(*channels, script), wanted, "{what}");
        }
    }

    #[test]
    fn one_that_only_tracks_lets_the_same_barriers_pass_and_holds_nothing_back() {
        let mut tracker = BarrierAligner::tracking(2, 3);
        assert_eq!(tracker.on_barrier(0, 4), None);
        assert!(tracker.accepts(0) && tracker.accepts(1));
        assert_eq!(tracker.on_barrier(1, 4), Some(4));
        assert_eq!(tracker.on_barrier(0, 4), None);
    }

    #[test]
    fn who_is_missing_is_known() {
        let mut aligner = BarrierAligner::new(3, 4);
        assert_eq!(aligner.waits_for(), None);
        assert_eq!(aligner.on_barrier(1, 5), None);
        assert_eq!(aligner.waits_for(), Some((5, vec![0, 2])));
        assert_eq!(aligner.on_end(2), None);
        assert_eq!(aligner.waits_for(), Some((5, vec![0])));
        assert_eq!(aligner.on_barrier(0, 5), Some(5));
        assert_eq!(aligner.waits_for(), None);
    }

    proptest::proptest! {
        /// Channels deliver numbered rows and barriers in any interleaving that the aligner accepts.
        #[test]
        fn what_was_read_before_a_barrier_passes_is_what_stands_before_it(
            rows in proptest::collection::vec(proptest::collection::vec(0_usize..4, 1..4), 1..4),
            picks in proptest::collection::vec(0_usize..100, 200),
        ) {
            // rows[channel][epoch] rows, then the barrier of that epoch; as many epochs as the channel with the fewest has.
            let epochs = rows.iter().map(Vec::len).min().unwrap_or(0);
            let mut left: Vec<std::collections::VecDeque<Option<u64>>> = rows.iter().map(|channel| {
                let mut tape = std::collections::VecDeque::new();
                for (epoch, rows) in channel.iter().take(epochs).enumerate() {
                    tape.extend(std::iter::repeat_n(None, *rows));
                    tape.push_back(Some(epoch as u64 + 1));
                }
                tape
            }).collect();
            let mut aligner = BarrierAligner::new(rows.len(), 0);
            let (mut read, mut passed) = (vec![0; rows.len()], 0);
            let mut picks = picks.into_iter().cycle();
            while left.iter().any(|tape| !tape.is_empty()) {
                let can: Vec<usize> =
                    (0..left.len()).filter(|channel| !left[*channel].is_empty() && aligner.accepts(*channel)).collect();
                proptest::prop_assert!(!can.is_empty(), "nothing can be read, and not all is");
                let channel = can[picks.next().unwrap_or(0) % can.len()];
                match left[channel].pop_front().flatten() {
                    None => read[channel] += 1,
                    Some(barrier) => if let Some(id) = aligner.on_barrier(channel, barrier) {
                        passed = id;
                        for (channel, rows) in rows.iter().enumerate() {
                            let before: usize = rows[..id as usize].iter().sum();
                            proptest::prop_assert_eq!(read[channel], before);
                        }
                    },
                }
            }
            proptest::prop_assert_eq!(passed, epochs as u64);
        }
    }
}
