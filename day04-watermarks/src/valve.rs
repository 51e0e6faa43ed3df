//! From the watermarks of many channels to one.
//!
//! What a task may promise is no more than the least that its channels promise. The rules:
//!
//! 1. The watermark is the lowest of the channels that take part, and it is said only when it has moved.
//! 2. A channel that goes back is not heard: promises cannot be taken back.
//! 3. A channel that has said nothing yet holds the watermark back, altogether. That is not the same as being idle.
//!    A channel of which it is known from the start that it may never say anything starts idle.
//! 4. An idle channel takes no part. The watermark may move at once when the slowest channel goes idle.
//! 5. When all are idle, the watermark goes to the *highest* that any of them has said, and then the task is idle too.
//!    So it does not matter in which order they went idle. If none has said anything, there is nothing to promise,
//!    least of all the end of time, which would make everything late that comes after.
//! 6. A channel that comes back behind the watermark takes no part until it has caught up: the valve does not wait
//!    for it, and the watermark never goes back. Its rows may be late.
//! 7. A channel that ends keeps its last word. One that was drained has said the end of time before; one that was
//!    stopped has rows that were never sent, and what is open stays open.
//!
//! ```text
//!              c0 10   c1 5      out 5
//!              c1 idle           out 10
//!              c1 7              out 10    behind, takes no part
//!              c0 12             out 12
//!              c1 12             out 12    has caught up
//!              c0 20             out 12    held back by c1
//! ```
//!
//! Flink's valve has these rules too. There may be thousands of channels, so none of them is looked at but the one that
//! says something: those that take part are kept in the order of what they have said.

use std::collections::BTreeSet;

use day03_windows::time::EventTime;

use crate::watermark::Watermark;

/// One channel as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Channel {
    /// Its last watermark; none if there was none yet.
    said: Option<EventTime>,
    idle: bool,
    /// Whether it came back behind the watermark, and has not caught up.
    behind: bool,
}

impl Channel {
    fn takes_part(self) -> bool {
        !self.idle && !self.behind
    }
}

/// The watermark over all channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatermarkValve {
    channels: Vec<Channel>,
    /// Of those that take part, what they said last, and which they are. None is less than any time.
    taking_part: BTreeSet<(Option<EventTime>, usize)>,
    idle_channels: usize,
    /// The highest that any channel has said.
    highest: Option<EventTime>,
    /// What was said last; none if nothing was.
    said: Option<EventTime>,
    idle: bool,
}

/// What is to be said, in this order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ValveOutput {
    /// The watermark has moved here, or is here again after it was idle.
    pub at: Option<EventTime>,
    /// There is nothing to wait for any more.
    pub idle: bool,
}

impl ValveOutput {
    /// As watermarks.
    pub fn watermarks(self) -> impl Iterator<Item = Watermark> {
        let idle = self.idle.then_some(Watermark::Idle);
        self.at.map(Watermark::At).into_iter().chain(idle)
    }
}

impl WatermarkValve {
    /// A valve of so many channels, which have said nothing.
    pub fn new(channels: usize) -> Self {
        let mut valve = WatermarkValve {
            channels: Vec::new(),
            taking_part: BTreeSet::new(),
            idle_channels: 0,
            highest: None,
            said: None,
            idle: false,
        };
        (0..channels).for_each(|_| valve.add_channel());
        valve
    }

    /// One more channel.
    pub fn add_channel(&mut self) {
        self.taking_part.insert((None, self.channels.len()));
        self.channels.push(Channel {
            said: None,
            idle: false,
            behind: false,
        });
    }

    /// Nothing is to be expected of this channel until it says something. It is known before anything is said, so that it
    /// does not matter how soon the channel itself says that it is idle.
    pub fn starts_idle(&mut self, channel: usize) {
        let before = self.channels[channel];
        self.channels[channel].idle = true;
        self.regroup(channel, before);
    }

    /// The task has said this before it was restored, and will say nothing lower. Its channels begin empty: there may be
    /// more of them now.
    pub fn set_floor(&mut self, floor: EventTime) {
        self.said = self.said.max(Some(floor));
    }

    /// What was said last; none if nothing was.
    pub fn watermark(&self) -> Option<EventTime> {
        self.said
    }

    /// Whether all channels are idle.
    pub fn is_idle(&self) -> bool {
        self.idle
    }

    /// Whether this channel is idle.
    pub fn channel_is_idle(&self, channel: usize) -> bool {
        self.channels[channel].idle
    }

    // ANCHOR: valve
    /// A channel has said something.
    pub fn on_watermark(&mut self, channel: usize, watermark: Watermark) -> ValveOutput {
        let (said, before) = (self.said, self.channels[channel]);
        let of = &mut self.channels[channel];
        match watermark {
            Watermark::Idle => of.idle = true,
            Watermark::At(at) => {
                of.said = of.said.max(Some(at));
                // One that comes back waits outside until it is no longer behind.
                of.behind = (of.behind || of.idle) && of.said < said;
                of.idle = false;
            }
        }
        self.regroup(channel, before);
        if self.idle_channels == self.channels.len() {
            return self.all_are_idle();
        }
        let comes_back = std::mem::replace(&mut self.idle, false);
        let moved = self.lowest().filter(|lowest| Some(*lowest) > self.said);
        self.said = self.said.max(moved);
        ValveOutput {
            at: moved.or(self.said.filter(|_| comes_back)),
            idle: false,
        }
    }

    /// The lowest of those that take part, if all of them have said something.
    fn lowest(&self) -> Option<EventTime> {
        self.taking_part.first().and_then(|(said, _)| *said)
    }

    /// A channel is no longer as it was before.
    fn regroup(&mut self, channel: usize, before: Channel) {
        let now = self.channels[channel];
        self.highest = self.highest.max(now.said);
        self.idle_channels += usize::from(now.idle);
        self.idle_channels -= usize::from(before.idle);
        if before.takes_part() {
            self.taking_part.remove(&(before.said, channel));
        }
        if now.takes_part() {
            self.taking_part.insert((now.said, channel));
        }
    }

    /// There is nobody left to wait for.
    fn all_are_idle(&mut self) -> ValveOutput {
        let moved = self.highest.filter(|highest| Some(*highest) > self.said);
        self.said = self.said.max(moved);
        ValveOutput {
            at: moved,
            idle: !std::mem::replace(&mut self.idle, true),
        }
    }
    // ANCHOR_END: valve

    /// The channel that holds the watermark back, and what it has said; none if nobody does.
    pub fn held_back_by(&self) -> Option<(usize, Option<EventTime>)> {
        self.taking_part.first().map(|(said, channel)| (*channel, *said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: i64 = i64::MIN;

    /// Tells a valve what channels say, [`IDLE`] for idle; returns what it says to each.
    fn said(channels: usize, script: &[(usize, i64)]) -> Vec<Vec<i64>> {
        let mut valve = WatermarkValve::new(channels);
        let mut tell = |&(channel, millis): &(usize, i64)| {
            let watermark = match millis {
                IDLE => Watermark::Idle,
                millis => Watermark::At(EventTime(millis)),
            };
            let said = valve.on_watermark(channel, watermark).watermarks();
            said.map(|said| match said {
                Watermark::At(at) => at.0,
                Watermark::Idle => IDLE,
            })
            .collect()
        };
        script.iter().map(&mut tell).collect()
    }

    #[test]
    #[rustfmt::skip]
    fn the_rules_hold() {
        type Row = (&'static str, usize, &'static [(usize, i64)], &'static [&'static [i64]]);
        let table: &[Row] = &[
            ("the lowest counts, and only when it moves",
                2, &[(0, 10), (1, 5), (1, 5), (1, 8)], &[&[], &[5], &[], &[8]]),
            ("a channel that goes back is not heard",
                1, &[(0, 10), (0, 7), (0, 11)], &[&[10], &[], &[11]]),
            ("one that has said nothing holds everything back",
                3, &[(0, 10), (1, 20), (0, 30)], &[&[], &[], &[]]),
            ("when the slowest goes idle the watermark moves at once",
                2, &[(0, 10), (1, 5), (1, IDLE)], &[&[], &[5], &[10]]),
            ("when one that has said nothing goes idle, too",
                2, &[(0, 10), (1, IDLE)], &[&[], &[10]]),
            ("all idle: the highest, then idle",
                2, &[(0, 5), (1, 4), (0, IDLE), (1, IDLE)], &[&[], &[4], &[], &[5, IDLE]]),
            ("in whatever order they go idle",
                2, &[(0, 5), (1, 4), (1, IDLE), (0, IDLE)], &[&[], &[4], &[5], &[IDLE]]),
            ("all idle that never said anything: idle, and no watermark",
                2, &[(0, IDLE), (1, IDLE), (1, 3)], &[&[], &[IDLE], &[3]]),
            ("idle is said once",
                1, &[(0, IDLE), (0, IDLE)], &[&[IDLE], &[]]),
            ("one that comes back behind takes no part until it has caught up",
                2, &[(0, 10), (1, 5), (1, IDLE), (1, 7), (0, 12), (1, 12), (0, 20), (1, 15)],
                &[&[], &[5], &[10], &[], &[12], &[], &[], &[15]]),
            ("back from idle it says where it is, even if that is where it was",
                1, &[(0, 10), (0, IDLE), (0, 10)], &[&[10], &[IDLE], &[10]]),
            ("and if it is behind",
                2, &[(0, 10), (1, 5), (0, IDLE), (1, IDLE), (1, 6), (1, 11)],
                &[&[], &[5], &[], &[10, IDLE], &[10], &[11]]),
            ("the end of time is a time like any other",
                2, &[(0, i64::MAX), (1, 3), (1, i64::MAX)], &[&[], &[3], &[i64::MAX]]),
        ];
        for (what, channels, script, wanted) in table {
            assert_eq!(said(*channels, script), *wanted, "{what}");
        }
    }

    #[test]
    fn a_restored_valve_is_empty_above_its_floor() {
        let mut valve = WatermarkValve::new(2);
        valve.set_floor(EventTime(10));
        let mut tell = |channel, at| valve.on_watermark(channel, Watermark::At(EventTime(at))).at;
        assert_eq!(tell(0, 12), None, "the other has said nothing");
        assert_eq!(tell(1, 8), None, "8 is below the floor");
        assert_eq!(tell(1, 11), Some(EventTime(11)));
    }

    #[test]
    fn one_that_is_idle_from_the_start_holds_nothing_back() {
        let mut valve = WatermarkValve::new(2);
        valve.starts_idle(1);
        let mut tell = |channel, word| valve.on_watermark(channel, word).watermarks().collect::<Vec<_>>();
        let at = |millis| Watermark::At(EventTime(millis));
        assert_eq!(tell(0, at(10)), [at(10)]);
        assert_eq!(tell(1, Watermark::Idle), [], "it says so itself, later");
        assert_eq!(tell(1, at(12)), [], "there is something after all");
        assert_eq!(tell(0, at(20)), [at(12)], "and from then on it holds back");
        let mut valve = WatermarkValve::new(1);
        valve.starts_idle(0);
        assert!(
            valve.on_watermark(0, Watermark::Idle).idle,
            "that all are idle is said"
        );
    }

    #[test]
    fn who_holds_it_back_is_known() {
        let mut valve = WatermarkValve::new(2);
        let _ = valve.on_watermark(0, Watermark::At(EventTime(10)));
        assert_eq!(valve.held_back_by(), Some((1, None)));
        let _ = valve.on_watermark(1, Watermark::At(EventTime(20)));
        assert_eq!(valve.held_back_by(), Some((0, Some(EventTime(10)))));
        let _ = valve.on_watermark(0, Watermark::Idle);
        let _ = valve.on_watermark(1, Watermark::Idle);
        assert_eq!(valve.held_back_by(), None);
    }

    /// If each word took a look at all channels, this would take minutes.
    #[test]
    fn thousands_of_channels_are_no_more_work_for_each_of_them() {
        let channels = 100_000;
        let mut valve = WatermarkValve::new(channels);
        for at in 0..3 {
            for channel in 0..channels {
                let said = valve.on_watermark(channel, Watermark::At(EventTime(at)));
                assert_eq!(said.at.is_some(), channel == channels - 1);
            }
        }
        for channel in 0..channels {
            let said = valve.on_watermark(channel, Watermark::Idle);
            assert_eq!(said.idle, channel == channels - 1);
        }
    }

    /// What the rules say, from the beginning each time: a slow valve to compare with.
    fn slowly(channels: usize, script: &[(usize, Option<i64>)]) -> Option<i64> {
        let mut said: Option<i64> = None;
        let mut state = vec![(None, false, false); channels];
        for (channel, word) in script {
            let (last, idle, behind): &mut (Option<i64>, bool, bool) = &mut state[*channel];
            match word {
                None => *idle = true,
                Some(at) => {
                    *last = (*last).max(Some(*at));
                    *behind = (*behind || *idle) && *last < said;
                    *idle = false;
                }
            }
            let candidate = match state.iter().all(|(_, idle, _)| *idle) {
                true => state.iter().filter_map(|(last, _, _)| *last).max(),
                false => {
                    let part: Vec<Option<i64>> = state
                        .iter()
                        .filter(|(_, idle, behind)| !idle && !behind)
                        .map(|(last, _, _)| *last)
                        .collect();
                    match part.contains(&None) {
                        true => None,
                        false => part.into_iter().flatten().min(),
                    }
                }
            };
            said = said.max(candidate);
        }
        said
    }

    proptest::proptest! {
        #[test]
        fn it_never_goes_back_and_is_where_the_rules_put_it(
            channels in 1_usize..5,
            script in proptest::collection::vec((0_usize..5, proptest::option::weighted(0.8, 0_i64..50)), 0..60),
        ) {
            let script: Vec<(usize, Option<i64>)> =
                script.into_iter().map(|(channel, word)| (channel % channels, word)).collect();
            let mut valve = WatermarkValve::new(channels);
            let mut last = None;
            for (place, (channel, word)) in script.iter().enumerate() {
                let word = word.map_or(Watermark::Idle, |at| Watermark::At(EventTime(at)));
                let said = valve.on_watermark(*channel, word);
                proptest::prop_assert!(said.at.is_none() || said.at >= last);
                last = last.max(said.at);
                proptest::prop_assert_eq!(last, valve.watermark());
                proptest::prop_assert_eq!(last.map(|at| at.0), slowly(channels, &script[..=place]));
            }
        }
    }
}
