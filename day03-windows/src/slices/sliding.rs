//! The window that slides: the slices of one window, merged by key, and kept so from each window to the next.
//!
//! A window of 600 slices shares 599 of them with the next one. Merging them all anew for each window would
//! make a row's share of the work grow with the overlap. Instead, one slice enters and one leaves. Entering
//! is a merge. Leaving is easy if the aggregate can take back, and the reason for this file if it cannot: a
//! maximum does not know what it was before.
//!
//! *Two stacks* do it for any aggregate. The slices of the window are cut in two. Those behind the cut, the
//! *back*, have only been merged up. Those before it, the *front*, leave one by one, and each of their
//! entries knows the *rest*: what remains of the front when it has left.
//!
// ANCHOR: stacks
//! ```text
//!               front          │        back
//! slices     1      2      3   │   4      5      6  ◄── enters: merge into the back
//! of a key   7      2      5   │   4      9      1
//! rest       5      5      –   │
//!            ▲                 │
//!  leaves: the front becomes 5     max of the window = max(front 7, back 9)
//! ```
// ANCHOR_END: stacks
//!
//! When the front is used up, the whole back is *turned*: one walk from its newest slice to its oldest, that
//! merges as it goes and writes down in each entry what had been merged before. So each entry is merged once
//! when it enters and once when the back is turned, whatever the overlap. If the aggregate subtracts, nothing
//! is ever turned, and everything is back.
//!
//! Invariants: `front` and `back` together hold exactly the slices from the oldest to the newest in `slices`;
//! a key whose slices have all left is gone; nothing here is state. All of it can be computed again from the
//! slices, so none of it is saved.
//!
//! Left out on purpose: spreading the turn over the slides in between (DABA of Tangwongsan, Hirzel and
//! Schneider does that), which would make the dearest slide cheaper and the usual one dearer.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Included};

use day02_state::keys;
use day02_state::state::{Slot, Table};

use crate::aggregate::{Aggregate, Overflow};
use crate::time::EventTime;

/// Slices by their ends.
pub(super) type Slices<Acc> = BTreeMap<EventTime, Table<Acc>>;

/// How many keys are looked up at once when a slice enters.
const BLOCK: usize = 1_024;

/// What does not fit, with its key.
pub(super) type Keyed = (Vec<u8>, Overflow);

fn of(key: &[u8]) -> impl FnOnce(Overflow) -> Keyed {
    move |overflow| (key.to_vec(), overflow)
}

/// What the window holds of a key.
#[derive(Debug, Clone)]
struct Running<Acc> {
    front: Acc,
    back: Acc,
    /// How many slices of the window have rows of the key.
    slices: u32,
}

/// A slice that has entered.
#[derive(Debug)]
struct Entered<Rest> {
    end: EventTime,
    /// Of each key of the slice, in the order of its table, the place among the keys of the window.
    places: Vec<Slot>,
    /// In the front: of each key, what is needed to take this slice out.
    rests: Vec<Rest>,
}

/// The slices of one window, merged.
pub(super) struct Sliding<A: Aggregate> {
    keys: Table<Running<A::Acc>>,
    /// Oldest first. The first `front` of them are the front.
    slices: VecDeque<Entered<A::Rest>>,
    front: usize,
    /// All slices that end up to here have entered.
    until: EventTime,
}

/// A row for a slice that has entered already.
pub(super) struct LateRow<'a, R> {
    pub slice: EventTime,
    pub key: &'a [u8],
    pub hash: u64,
    /// The place of the key in the table of its slice, which has the row already.
    pub place: Slot,
    pub row: &'a R,
}

impl<A: Aggregate> Sliding<A> {
    pub(super) fn new() -> Self {
        Sliding {
            keys: Table::new(),
            slices: VecDeque::new(),
            front: 0,
            until: EventTime::MIN,
        }
    }

    /// Whether slices that end here have entered, if there were any.
    pub(super) fn has_passed(&self, slice: EventTime) -> bool {
        slice <= self.until
    }

    /// How many bytes this holds beside the slices.
    pub(super) fn memory(&self) -> usize {
        let entered = |slice: &Entered<A::Rest>| {
            slice.places.capacity() * size_of::<Slot>() + slice.rests.capacity() * size_of::<A::Rest>()
        };
        self.keys.memory() + self.slices.iter().map(entered).sum::<usize>()
    }

    /// Takes in the slices up to `end` that begin at `start` or later and are not in yet.
    pub(super) fn enter(
        &mut self,
        start: EventTime,
        end: EventTime,
        slices: &Slices<A::Acc>,
        aggregate: &A,
    ) -> Result<(), Keyed> {
        let from = start.max(self.until);
        self.until = end;
        if from >= end {
            return Ok(());
        }
        for (end, slice) in slices.range((Excluded(from), Included(end))) {
            let places = self.places_of(slice, aggregate);
            for (place, (key, acc)) in places.iter().zip(slice.iter()) {
                let running = self.keys.value_mut(*place);
                aggregate.merge(&mut running.back, acc).map_err(of(key))?;
                running.slices += 1;
            }
            self.slices.push_back(Entered {
                end: *end,
                places,
                rests: Vec::new(),
            });
        }
        Ok(())
    }

    /// The places of the keys of a slice, of which new ones are inserted.
    fn places_of(&mut self, slice: &Table<A::Acc>, aggregate: &A) -> Vec<Slot> {
        let mut places = Vec::with_capacity(slice.len());
        let mut found = Vec::new();
        let names: Vec<&[u8]> = slice.iter().map(|(key, _)| key).collect();
        for names in names.chunks(BLOCK) {
            let hashes: Vec<u64> = names.iter().map(|key| keys::hash(key)).collect();
            self.keys
                .slots(&hashes, |row| names[row], || nothing(aggregate), &mut found);
            places.extend_from_slice(&found);
        }
        places
    }

    // ANCHOR: leave
    /// Lets the slices go that end up to `start`. They must still be in `slices`.
    pub(super) fn leave(
        &mut self,
        start: EventTime,
        slices: &Slices<A::Acc>,
        aggregate: &A,
    ) -> Result<(), Keyed> {
        if self.slices.back().is_none_or(|newest| newest.end <= start) {
            self.slices.clear();
            self.keys.clear();
            self.front = 0;
            return Ok(());
        }
        while self.slices.front().is_some_and(|oldest| oldest.end <= start) {
            if self.front == 0 && !A::SUBTRACTS {
                self.turn(slices, aggregate)?;
            }
            let Some(oldest) = self.slices.pop_front() else {
                break;
            };
            let entries = slices.get(&oldest.end).into_iter().flat_map(Table::iter);
            for (nth, (place, (key, acc))) in oldest.places.iter().zip(entries).enumerate() {
                let running = self.keys.value_mut(*place);
                let (from, rest) = match oldest.rests.get(nth) {
                    Some(rest) => (&mut running.front, rest),
                    None => (&mut running.back, &A::Rest::default()),
                };
                aggregate.retract(from, acc, rest).map_err(of(key))?;
            }
            self.front = self.front.saturating_sub(1);
            oldest.places.into_iter().for_each(|place| self.release(place));
        }
        Ok(())
    }

    /// Makes the whole back the front, which is empty.
    fn turn(&mut self, slices: &Slices<A::Acc>, aggregate: &A) -> Result<(), Keyed> {
        for entered in self.slices.iter_mut().rev() {
            let Some(slice) = slices.get(&entered.end) else {
                continue;
            };
            entered.rests = Vec::with_capacity(entered.places.len());
            for (place, (key, acc)) in entered.places.iter().zip(slice.iter()) {
                let running = self.keys.value_mut(*place);
                running.back = aggregate.empty();
                entered.rests.push(aggregate.rest(&running.front));
                aggregate.merge(&mut running.front, acc).map_err(of(key))?;
            }
        }
        self.front = self.slices.len();
        Ok(())
    }
    // ANCHOR_END: leave

    /// A slice with the key at this place has left.
    fn release(&mut self, place: Slot) {
        let running = self.keys.value_mut(place);
        running.slices -= 1;
        if running.slices == 0 {
            let key = self.keys.at(place).0.to_vec();
            self.keys.remove(&key, keys::hash(&key));
        }
    }

    /// The window: of each key, everything that its slices hold.
    pub(super) fn merged(&self, aggregate: &A, mut each: impl FnMut(&[u8], A::Acc)) -> Result<(), Keyed> {
        for (key, running) in self.keys.iter() {
            let mut acc = running.front.clone();
            aggregate.merge(&mut acc, &running.back).map_err(of(key))?;
            each(key, acc);
        }
        Ok(())
    }

    /// Takes in a row of a slice that has entered already. In the back it is one more row. In the front, the
    /// front of its key is put together anew, which costs a lookup in each slice of it.
    pub(super) fn straggle(
        &mut self,
        straggler: LateRow<'_, A::Row>,
        slices: &Slices<A::Acc>,
        aggregate: &A,
    ) -> Result<(), Overflow> {
        let at = self
            .slices
            .partition_point(|entered| entered.end < straggler.slice);
        if self
            .slices
            .get(at)
            .is_none_or(|entered| entered.end != straggler.slice)
        {
            self.front += usize::from(at < self.front);
            let (end, places, rests) = (straggler.slice, Vec::new(), Vec::new());
            self.slices.insert(at, Entered { end, places, rests });
        }
        let LateRow { key, hash, row, .. } = straggler;
        let is_new = straggler.place.index() >= self.slices[at].places.len();
        if is_new {
            let mut found = Vec::new();
            self.keys
                .slots(&[hash], |_| key, || nothing(aggregate), &mut found);
            self.slices[at].places.append(&mut found);
        }
        let running = self
            .keys
            .value_mut(self.slices[at].places[straggler.place.index()]);
        running.slices += u32::from(is_new);
        if at >= self.front {
            return aggregate.add(&mut running.back, row);
        }
        if is_new {
            self.slices[at].rests.push(A::Rest::default());
        }
        running.front = aggregate.empty();
        for entered in self.slices.range_mut(..self.front).rev() {
            let Some(slice) = slices.get(&entered.end) else {
                continue;
            };
            if let Some(place) = slice.find(key, hash) {
                entered.rests[place.index()] = aggregate.rest(&running.front);
                aggregate.merge(&mut running.front, slice.at(place).1)?;
            }
        }
        Ok(())
    }
}

/// What a window holds of a key before the first slice of it has entered.
fn nothing<A: Aggregate>(aggregate: &A) -> Running<A::Acc> {
    Running {
        front: aggregate.empty(),
        back: aggregate.empty(),
        slices: 0,
    }
}
