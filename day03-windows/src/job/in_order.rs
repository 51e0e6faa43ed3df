//! Closed windows of several workers, brought into the order of the result.
//!
//! Each worker closes its windows in the order of their ends, but one worker is ahead of another, and the merchants of
//! one window come in no order. So a window is held until none can come any more that stands before it:
//!
// ANCHOR: picture
//! ```text
//! worker 0   ends :10 :10 :20 :20 :30   what comes later ends at :30 or later
//! worker 1   ends :10 :20               what comes later ends at :20 or later
//!            what ends before :20 is in order
//! ```
// ANCHOR_END: picture
//!
//! 1. The slowest worker counts, less the allowed lateness: for so long a closed window may close again.
//! 2. Where there are watermarks, they tell how far a worker is, also of one that has closed nothing. Where there are
//!    none, its windows tell.
//! 3. So one firing is held, what fast workers are ahead, and what the allowed lateness covers, but not the whole result.

use std::collections::BTreeMap;

use day02_state::job::NoControl;

use super::ClosedWindow;
use crate::time::{EventTime, Span};

/// Control between closed windows.
pub trait TellsTime {
    /// Whether any of it tells how far a worker is. If none does, the windows tell.
    const TELLS: bool = true;

    /// The time up to which a worker has closed its windows, if this tells it.
    fn time(&self) -> Option<EventTime>;
}

impl TellsTime for NoControl {
    const TELLS: bool = false;

    fn time(&self) -> Option<EventTime> {
        match *self {}
    }
}

/// Holds windows until they are in order.
#[derive(Debug)]
pub(super) struct InOrder {
    lateness: Span,
    /// By channel: no window is still to come that ends before this, but for later panes.
    next: Vec<EventTime>,
    /// By their ends.
    held: BTreeMap<EventTime, Vec<ClosedWindow>>,
}

impl InOrder {
    /// Nothing has come yet from so many channels.
    pub(super) fn new(channels: usize, lateness: Span) -> Self {
        InOrder {
            lateness,
            next: vec![EventTime::MIN; channels],
            held: BTreeMap::new(),
        }
    }

    /// Takes windows that have closed.
    pub(super) fn add(&mut self, windows: Vec<ClosedWindow>) {
        for closed in windows {
            self.held.entry(closed.window.end).or_default().push(closed);
        }
    }

    /// What is still to come from this channel ends at this time or later, but for later panes.
    pub(super) fn promise(&mut self, channel: usize, next: EventTime) {
        if let Some(known) = self.next.get_mut(channel) {
            *known = next.max(*known);
        }
    }

    // ANCHOR: take
    /// The windows before which no other can come any more, in order.
    pub(super) fn take(&mut self) -> Vec<ClosedWindow> {
        let slowest = self.next.iter().min().copied().unwrap_or(EventTime::MIN);
        let held = self.held.split_off(&slowest.minus(self.lateness));
        sorted(std::mem::replace(&mut self.held, held))
    }
    // ANCHOR_END: take

    /// All that are left, in order: nothing comes any more.
    pub(super) fn take_all(&mut self) -> Vec<ClosedWindow> {
        sorted(std::mem::take(&mut self.held))
    }
}

fn sorted(windows: BTreeMap<EventTime, Vec<ClosedWindow>>) -> Vec<ClosedWindow> {
    let mut windows: Vec<ClosedWindow> = windows.into_values().flatten().collect();
    windows.sort_by(|one, other| one.place().cmp(&other.place()));
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Window;

    /// A window of a merchant, by its end, with its pane.
    fn closed(end: i64, merchant: &str, pane: u32) -> ClosedWindow {
        ClosedWindow {
            window: Window::new(EventTime(end - 10), EventTime(end)),
            merchant_id: merchant.to_string(),
            pane,
            summed: Default::default(),
        }
    }

    /// Windows of a channel, each with what is handed on then.
    type Script<'a> = &'a [(usize, &'a [(i64, &'a str, u32)], &'a [(i64, &'a str, u32)])];

    /// Every window promises that none before it follows, as on day 3. What is left at the end follows.
    fn check(lateness: i64, script: Script<'_>, left: &[(i64, &str, u32)]) {
        let windows = |of: &[(i64, &str, u32)]| -> Vec<ClosedWindow> {
            of.iter()
                .map(|(end, merchant, pane)| closed(*end, merchant, *pane))
                .collect()
        };
        let mut in_order = InOrder::new(2, Span(lateness));
        for (channel, come, handed_on) in script {
            let come = windows(come);
            let last = come
                .iter()
                .map(|closed| closed.window.end)
                .max()
                .expect("a window");
            in_order.add(come);
            in_order.promise(*channel, last);
            assert_eq!(in_order.take(), windows(handed_on), "{script:?}");
        }
        assert_eq!(in_order.take_all(), windows(left));
    }

    #[test]
    fn a_window_waits_for_those_of_the_slowest_worker_and_no_longer() {
        #[rustfmt::skip]
        check(0, &[
            (0, &[(10, "m-2", 0), (20, "m-1", 0), (30, "m-1", 0)], &[]),
            (1, &[(10, "m-1", 0)],                                 &[]),
            (1, &[(20, "m-0", 0)],                                 &[(10, "m-1", 0), (10, "m-2", 0)]),
            (1, &[(40, "m-0", 0)],                                 &[(20, "m-0", 0), (20, "m-1", 0)]),
        ], &[(30, "m-1", 0), (40, "m-0", 0)]);
    }

    #[test]
    fn a_later_pane_finds_its_place_while_lateness_is_allowed() {
        #[rustfmt::skip]
        check(10, &[
            (0, &[(10, "m-1", 0), (20, "m-1", 0)], &[]),
            (1, &[(20, "m-2", 0)],                 &[]),
            (0, &[(10, "m-1", 1)],                 &[]),
            (0, &[(30, "m-1", 0)],                 &[]),
            (1, &[(30, "m-2", 0)],                 &[(10, "m-1", 0), (10, "m-1", 1)]),
        ], &[(20, "m-1", 0), (20, "m-2", 0), (30, "m-1", 0), (30, "m-2", 0)]);
    }
}
