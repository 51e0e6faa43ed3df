//! The window that slides: the slices of one window, merged by key, and kept so from each window to the next.
//!
//! A window of 600 slices shares 599 of them with the next one. Merging them all anew for each window would make a row's share of the
//! work grow with the overlap. Instead, one slice enters and one leaves. Entering is a merge. Leaving is easy if the
//! aggregate can take back, and the reason for this file if it cannot: a maximum does not know what it was before.
//!
//! *Two stacks* do it for any aggregate. The slices of the window are cut in two. Those behind the cut, the *back*, have only been merged
//! up. Those before it, the *front*, leave one by one, and each of their entries knows what remains *after* it has left:
//!
//! ```text
//!               front          │        back
//! slices     1      2      3   │   4      5      6  ◄── enters: merge into the back
//! of a key   7      2      5   │   4      9      1
//! after      5      5      –   │
//!            ▲                 │
//!  leaves: the front becomes 5     max of the window = max(front 7, back 9)
//! ```
//!
//! When the front is used up, the whole back is *turned*: one walk from its newest slice to its oldest, that merges as it
//! goes and writes down in each entry what had been merged before. So each entry is merged once when it enters and once when the
//! back is turned, whatever the overlap.
//!
//! Invariants: `front` and `back` together hold exactly the slices from the oldest to the newest in `slices`; a key whose
//! slices have all left is gone; nothing here is state. All of it can be computed again from the slices, so none of it is saved.
//!
//! Left out on purpose: spreading the turn over the slides in between (DABA of Tangwongsan, Hirzel and Schneider does that), which would make the dearest slide
//! cheaper and the usual one dearer.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Included};

use day02_state::keys;
use day02_state::state::{Slot, Table};

use crate::aggregate::{Aggregate, Flaw};
use crate::time::EventTime;

/// Slices by their ends.
pub(super) type Slices<Acc> = BTreeMap<EventTime, Table<Acc>>;

/// How many keys are looked up at once when a slice enters.
const BLOCK: usize = 1_024;

/// A flaw, with the key that has it.
pub(super) type Keyed = (Vec<u8>, Flaw);

fn of(key: &[u8]) -> impl FnOnce(Flaw) -> Keyed {
    move |flaw| (key.to_vec(), flaw)
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
struct Entered<Acc> {
    end: EventTime,
    /// Of each key of the slice, in the order of its table, the place among the keys of the window.
    places: Vec<Slot>,
    /// In the front: of each key, what remains when this slice has left.
    after: Vec<Acc>,
}

/// The slices of one window, merged.
#[derive(Debug)]
pub(super) struct Sliding<Acc> {
    keys: Table<Running<Acc>>,
    /// Oldest first. The first `front` of them are the front.
    slices: VecDeque<Entered<Acc>>,
    front: usize,
    /// All slices that end up to here have entered.
    until: EventTime,
}

/// A row for a slice that has entered already.
pub(super) struct Straggler<'a, R> {
    pub slice: EventTime,
    pub key: &'a [u8],
    pub hash: u64,
    /// The place of the key in the table of its slice, which has the row already.
    pub place: Slot,
    pub row: R,
}

impl<Acc: Clone> Sliding<Acc> {
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
        let entered = |slice: &Entered<Acc>| {
            slice.places.capacity() * size_of::<Slot>() + slice.after.capacity() * size_of::<Acc>()
        };
        self.keys.memory() + self.slices.iter().map(entered).sum::<usize>()
    }

    // ANCHOR: enter
    /// Takes in the slices up to `end` that begin at `start` or later and are not in yet.
    pub(super) fn enter<A: Aggregate<Acc = Acc>>(
        &mut self,
        start: EventTime,
        end: EventTime,
        slices: &Slices<Acc>,
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
                after: Vec::new(),
            });
        }
        Ok(())
    }
    // ANCHOR_END: enter

    /// The places of the keys of a slice, of which new ones are inserted.
    fn places_of<A: Aggregate<Acc = Acc>>(&mut self, slice: &Table<Acc>, aggregate: &A) -> Vec<Slot> {
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
    pub(super) fn leave<A: Aggregate<Acc = Acc>>(
        &mut self,
        start: EventTime,
        slices: &Slices<Acc>,
        aggregate: &A,
    ) -> Result<(), Keyed> {
        if self.slices.back().is_none_or(|newest| newest.end <= start) {
            self.slices.clear();
            self.keys.clear();
            self.front = 0;
            return Ok(());
        }
        while self.slices.front().is_some_and(|oldest| oldest.end <= start) {
            if self.front == 0 && !aggregate.retracts() {
                self.turn(slices, aggregate)?;
            }
            let Some(oldest) = self.slices.pop_front() else {
                break;
            };
            if self.front > 0 {
                self.front -= 1;
                for (place, after) in oldest.places.iter().zip(oldest.after) {
                    self.keys.value_mut(*place).front = after;
                }
            } else if let Some(slice) = slices.get(&oldest.end) {
                for (place, (key, acc)) in oldest.places.iter().zip(slice.iter()) {
                    let running = self.keys.value_mut(*place);
                    aggregate.retract(&mut running.back, acc).map_err(of(key))?;
                }
            }
            oldest.places.into_iter().for_each(|place| self.release(place));
        }
        Ok(())
    }

    /// Makes the whole back the front, which is empty.
    fn turn<A: Aggregate<Acc = Acc>>(&mut self, slices: &Slices<Acc>, aggregate: &A) -> Result<(), Keyed> {
        for entered in self.slices.iter_mut().rev() {
            let Some(slice) = slices.get(&entered.end) else {
                continue;
            };
            entered.after = Vec::with_capacity(entered.places.len());
            for (place, (key, acc)) in entered.places.iter().zip(slice.iter()) {
                let running = self.keys.value_mut(*place);
                running.back = aggregate.empty();
                entered.after.push(running.front.clone());
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
    pub(super) fn merged<A: Aggregate<Acc = Acc>>(
        &self,
        aggregate: &A,
        mut each: impl FnMut(&[u8], Acc),
    ) -> Result<(), Keyed> {
        for (key, running) in self.keys.iter() {
            let mut acc = running.front.clone();
            aggregate.merge(&mut acc, &running.back).map_err(of(key))?;
            each(key, acc);
        }
        Ok(())
    }

    /// Takes in a row of a slice that has entered already. In the back it is one more row. In the front it
    /// has to be added to what remains after each older slice, too, so it costs a lookup for each of them.
    pub(super) fn straggle<A: Aggregate<Acc = Acc>>(
        &mut self,
        straggler: &Straggler<'_, A::Row>,
        slices: &Slices<Acc>,
        aggregate: &A,
    ) -> Result<(), Flaw> {
        let at = self
            .slices
            .partition_point(|entered| entered.end < straggler.slice);
        if self
            .slices
            .get(at)
            .is_none_or(|entered| entered.end != straggler.slice)
        {
            self.front += usize::from(at < self.front);
            let (end, places, after) = (straggler.slice, Vec::new(), Vec::new());
            self.slices.insert(at, Entered { end, places, after });
        }
        let Straggler { key, hash, row, .. } = *straggler;
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
        aggregate.add(&mut running.front, row)?;
        let found = |slice: &Entered<Acc>| slices.get(&slice.end).and_then(|slice| slice.find(key, hash));
        for older in self.slices.range_mut(..at) {
            if let Some(place) = found(older) {
                aggregate.add(&mut older.after[place.index()], row)?;
            }
        }
        if is_new {
            let mut after = aggregate.empty();
            for newer in self.slices.range(at + 1..self.front) {
                if let (Some(place), Some(slice)) = (found(newer), slices.get(&newer.end)) {
                    aggregate.merge(&mut after, slice.at(place).1)?;
                }
            }
            self.slices[at].after.push(after);
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
