//! What stands between the sources and the end of the job. None of these operators knows of barriers.
//!
//! - [`Windows`] collects orders by merchant and window, and holds late ones back until it has three of them
//! - [`Join`] lets an order of a closed window pass when it has also come on the direct way, and buffers both sides
//! - [`Sink`] keeps what comes, so that a checkpoint holds all output before its barrier

use std::collections::{BTreeMap, BTreeSet};

use day02_state::keys::{hash, key_group};
use day02_state::operator::{Batch, Input, Operator, Out, Outcome};
use day02_state::order::Cents;
use day02_state::outbox::Either;
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Owner, Part, Stateful};
use day03_windows::time::{EventTime, Stamped};
use day04_watermarks::operator::OnWatermark;
use day04_watermarks::watermark::Watermark;

/// How long a window is.
pub const WINDOW: i64 = 10;
/// How many late orders are sent at once.
const HELD: usize = 3;

/// Orders by merchant. The cents of an order are its number.
pub type Orders = Rows<Stamped<Cents>>;
/// A merchant, a time, and the number of an order; or, less than zero, how many orders a window has.
pub type Entry = (String, i64, i64);

fn entries(orders: &Orders) -> impl Iterator<Item = Entry> {
    let values = orders.keys().zip(orders.values());
    values.map(|((key, _), row)| (String::from_utf8_lossy(key).into_owned(), row.ts.0, row.value.0))
}

fn push(orders: &mut Orders, (merchant, ts, number): &Entry) {
    let (ts, value) = (EventTime(*ts), Cents(*number));
    orders.push(merchant.as_bytes(), Stamped { ts, value });
}

/// Entries as parts, a line for each.
fn freeze(name: &'static str, entries: Vec<Entry>, owner: fn(&Entry) -> Owner) -> Frozen {
    Frozen::new(move || {
        let mut lines: BTreeMap<Owner, String> = BTreeMap::new();
        for entry in &entries {
            let (merchant, ts, number) = entry;
            *lines.entry(owner(entry)).or_default() += &format!("{merchant} {ts} {number}\n");
        }
        let part = |(owner, lines): (Owner, String)| Part {
            name: name.to_string(),
            owner,
            bytes: lines.into_bytes(),
        };
        lines.into_iter().map(part).collect()
    })
}

/// The entries of those parts that have this name.
pub fn thaw<C: FromIterator<Entry>>(name: &str, parts: &[Part]) -> C {
    let parts = parts.iter().filter(|part| part.name == name);
    let lines = parts.flat_map(|part| str::from_utf8(&part.bytes).unwrap().lines());
    let entry = |line: &str| {
        let columns: Vec<&str> = line.split(' ').collect();
        (
            columns[0].to_string(),
            columns[1].parse().unwrap(),
            columns[2].parse().unwrap(),
        )
    };
    lines.map(entry).collect()
}

fn by_merchant((merchant, ..): &Entry) -> Owner {
    Owner::Group(key_group(hash(merchant.as_bytes())))
}

/// Collects orders in windows, and sends a window when it closes: how many orders it has, and these.
#[derive(Default)]
pub struct Windows {
    open: BTreeSet<Entry>,
    /// Up to where windows are closed.
    closed: Option<i64>,
    late: Orders,
}

impl Operator<Watermark> for Windows {
    type In = Orders;
    type Out = Either<Orders, Orders>;

    fn on_data(&mut self, _: Input, orders: Orders, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        for entry in entries(&orders) {
            let end = entry.1 - entry.1.rem_euclid(WINDOW) + WINDOW;
            if Some(end) <= self.closed {
                push(&mut self.late, &entry);
            } else if !self.open.insert(entry) {
                return Err("an order has come twice".into());
            }
        }
        if self.late.len() >= HELD {
            out.data(Either::Right(self.late.take()));
        }
        Ok(())
    }

    fn on_flush(&mut self, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        out.data(Either::Right(self.late.take()));
        Ok(())
    }
}

impl OnWatermark for Windows {
    fn on_watermark(&mut self, at: EventTime, out: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        self.closed = Some(at.0);
        let mut windows: BTreeMap<(String, i64), Vec<i64>> = BTreeMap::new();
        let last_of = |ts: i64| ts - ts.rem_euclid(WINDOW) + WINDOW - 1;
        // The windows of one end in a turn.
        let complete = self.open.iter().map(|(_, ts, _)| last_of(*ts));
        let first = complete.filter(|last| *last < at.0).min();
        self.open.retain(|(merchant, ts, number)| {
            let last = last_of(*ts);
            let closes = Some(last) == first;
            if closes {
                windows.entry((merchant.clone(), last)).or_default().push(*number);
            }
            !closes
        });
        let mut orders = Orders::new();
        for ((merchant, last), numbers) in windows {
            for number in std::iter::once(-(numbers.len() as i64)).chain(numbers) {
                push(&mut orders, &(merchant.clone(), last, number));
            }
        }
        out.data(Either::Left(orders));
        Ok(first.map_or(at, |last| EventTime(last + 1)))
    }
}

impl Stateful for Windows {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let closed = self.closed.map(|at| (String::new(), at, 0)).into_iter().collect();
        let open = freeze("open", self.open.iter().cloned().collect(), by_merchant);
        open.and(freeze("closed", closed, |_| Owner::Every))
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        self.open = thaw("open", &parts);
        let closed: Vec<Entry> = thaw("closed", &parts);
        self.closed = closed.iter().map(|(_, at, _)| *at).max();
        Ok(())
    }
}

/// Joins what comes directly, on port 0, with what comes through windows, on port 1.
#[derive(Default)]
pub struct Join {
    /// By number what has come on one port, and not on the other.
    waiting: [BTreeMap<i64, Entry>; 2],
    at: Option<i64>,
}

impl Operator<Watermark> for Join {
    type In = Orders;
    type Out = Orders;

    fn on_data(&mut self, input: Input, orders: Orders, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        let mut joined = Orders::new();
        for entry in entries(&orders) {
            if input.port == 1 && Some(entry.1) < self.at {
                return Err(format!("{entry:?} came behind watermark {:?}", self.at).into());
            }
            let number = entry.2;
            match self.waiting[1 - input.port].remove(&number) {
                Some(other) if input.port == 0 => push(&mut joined, &other),
                Some(_) => push(&mut joined, &entry),
                None if number < 0 => push(&mut joined, &entry),
                None => drop(self.waiting[input.port].insert(number, entry)),
            }
        }
        out.data(joined);
        Ok(())
    }
}

impl OnWatermark for Join {
    fn on_watermark(&mut self, at: EventTime, _: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        self.at = Some(at.0);
        Ok(at)
    }
}

impl Stateful for Join {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let [direct, windows] = self
            .waiting
            .each_ref()
            .map(|side| side.values().cloned().collect());
        freeze("direct", direct, |_| Owner::First).and(freeze("windows", windows, |_| Owner::First))
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        let by_number = |entries: Vec<Entry>| entries.into_iter().map(|entry| (entry.2, entry)).collect();
        self.waiting = ["direct", "windows"].map(|name| by_number(thaw(name, &parts)));
        Ok(())
    }
}

/// Keeps everything.
#[derive(Default)]
pub struct Sink(Vec<Entry>);

impl Operator<Watermark> for Sink {
    type In = Orders;
    type Out = ();

    fn on_data(&mut self, _: Input, orders: Orders, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.0.extend(entries(&orders));
        Ok(())
    }
}

impl OnWatermark for Sink {
    fn on_watermark(&mut self, at: EventTime, _: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        Ok(at)
    }
}

impl Stateful for Sink {
    fn snapshot(&mut self, _: u64) -> Frozen {
        freeze("rows", self.0.clone(), |_| Owner::First)
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        self.0 = thaw("rows", &parts);
        Ok(())
    }
}
