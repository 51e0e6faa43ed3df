//! A worker: the totals of the merchants that it owns.

use std::time::Duration;

use super::answer::Largest;
use super::{AnswerSlot, Options, Refresh, SavedState};
use crate::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use crate::order::Cents;
use crate::rows::Rows;
use crate::state::{Frozen, Part, Slot, Stateful, Table, Value};
use crate::status::Status;

/// The id of the workers' operator, under which its state is saved.
pub const TOTALS: &str = "totals";
/// The name of its only state.
const MERCHANTS: &str = "merchants";
/// How many merchants a worker puts out as its largest.
const LARGEST: usize = 10;
/// So many merchants more, and they are looked through half as often.
const MANY: usize = 100_000;

// ANCHOR: totals
/// What is known of a merchant.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// How many orders.
    pub count: u64,
    /// For how much in all, in cents. 2⁶⁴ orders of the largest amount fit.
    pub sum: i128,
    /// The largest amount.
    pub max: Cents,
}

impl Totals {
    /// No order yet.
    pub const NONE: Totals = Totals {
        count: 0,
        sum: 0,
        max: Cents(i64::MIN),
    };

    /// One more order.
    #[inline]
    pub fn add(&mut self, amount: Cents) {
        self.count += 1;
        self.sum += i128::from(amount.0);
        self.max = self.max.max(amount);
    }
}
// ANCHOR_END: totals

impl Value for Totals {
    fn encode(&self, to: &mut Vec<u8>) {
        self.count.encode(to);
        self.sum.encode(to);
        self.max.0.encode(to);
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        Some(Totals {
            count: u64::decode(from)?,
            sum: i128::decode(from)?,
            max: Cents(i64::decode(from)?),
        })
    }
}

// ANCHOR: worker
/// Keeps the totals of its merchants.
pub struct MerchantTotals {
    worker: usize,
    table: Table<Totals>,
    /// For each row of the batch in hand, where its merchant is in the table.
    slots: Vec<Slot>,
    saved: Option<SavedState>,
    largest: Largest,
    refresh: Refresh,
}

impl<C> Operator<C> for MerchantTotals {
    type In = Rows<Cents>;
    type Out = Vec<(String, Totals)>;

    fn on_data(&mut self, _: Input, orders: Rows<Cents>, _: Out<'_, Self::Out, C>) -> Outcome {
        self.table.slots(
            orders.hashes(),
            |row| orders.key(row),
            || Totals::NONE,
            &mut self.slots,
        );
        for (slot, amount) in self.slots.iter().zip(orders.values()) {
            self.table.value_mut(*slot).add(*amount);
        }
        self.refresh.changed();
        Ok(())
    }
    // ANCHOR_END: worker

    /// Puts out its largest merchants, if it is time to.
    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        let longer = 1 + (self.table.len() / MANY) as u32;
        if let Some(turn) = self.refresh.wait(now, longer) {
            return Ok(turn);
        }
        let largest = self.largest();
        self.largest.lock().insert(self.worker, largest);
        Ok(Turn::Done)
    }

    fn on_input_end(&mut self, _: Input, _: EndReason, _: Out<'_, Self::Out, C>) -> Outcome {
        self.refresh.on_input_end();
        Ok(())
    }

    fn on_end(&mut self, _: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        if let Some(saved) = self.saved.clone() {
            saved.add(TOTALS, self.snapshot(0).parts());
        }
        let merchants = self.table.sorted().into_iter();
        out.data(merchants.map(|(name, totals)| (text(name), *totals)).collect());
        Ok(())
    }

    fn status(&mut self, status: &mut Status) {
        status.phrases.push(format!("{} merchants", self.table.len()));
    }
}

impl MerchantTotals {
    /// A worker that has seen no order, and leaves its largest merchants in the slot of the answer.
    pub fn new(worker: usize, options: &Options, answer: &AnswerSlot) -> Self {
        MerchantTotals {
            worker,
            table: Table::new(),
            slots: Vec::new(),
            saved: options.save.clone(),
            largest: answer.largest.clone(),
            refresh: Refresh::new(options.refresh_every),
        }
    }

    /// The merchants with the most orders, the larger first.
    fn largest(&self) -> Vec<(String, Totals)> {
        let mut all: Vec<(&[u8], &Totals)> = self.table.iter().collect();
        let by_size = |one: &(&[u8], &Totals), other: &(&[u8], &Totals)| {
            other.1.count.cmp(&one.1.count).then(one.0.cmp(other.0))
        };
        if all.len() > LARGEST {
            all.select_nth_unstable_by(LARGEST, by_size);
            all.truncate(LARGEST);
        }
        all.sort_by(by_size);
        let named = all.into_iter().map(|(name, totals)| (text(name), *totals));
        named.collect()
    }
}

/// Merchants come out of JSON, so they are text.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

impl Stateful for MerchantTotals {
    fn snapshot(&mut self, _: u64) -> Frozen {
        self.table.snapshot(MERCHANTS)
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in &parts {
            if part.name != MERCHANTS {
                return Err(part.bad("the totals have no such state").into());
            }
            self.table.restore(part)?;
        }
        Ok(())
    }
}
