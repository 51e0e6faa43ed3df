//! What a checkpoint must hold, from nothing but the orders before it: neither channels nor watermarks on their way.
//!
//! An order that is not behind the promise of its own split is never late, whatever the order of steps. One that is may
//! have come in time for its window all the same, because another split holds the watermark of the job back. Which it is, is
//! the one thing that may differ between runs. It is in one place, in any case.

use std::collections::{BTreeMap, BTreeSet};

use day01_consumer::lab::log::Log;
use day02_state::job::SOURCE;
use day02_state::order::Cents;
use day02_state::state::file::Snapshot;
use day02_state::state::{Owner, Part};
use rand::Rng;

use super::below;
use super::graph::{DELAY, JOIN, LATE, Plan, SINK, WINDOWS};
use super::operators::{Entry, WINDOW, thaw};

/// How many orders each split has.
const ORDERS: [usize; 3] = [34, 22, 12];

/// Orders by split, and a log of them.
pub struct Script {
    pub log: Log,
    splits: Vec<Vec<Entry>>,
}

impl Script {
    /// Orders out of order by no more than the delay; with `late` ones, some are far behind.
    pub fn new(random: &mut impl Rng, late: bool) -> Self {
        let log = Log::new("orders", ORDERS.len());
        let mut splits = vec![Vec::new(); ORDERS.len()];
        for (split, orders) in ORDERS.into_iter().enumerate() {
            let mut clock = 1_000 + below(random, 20) as i64;
            for order in 0..orders {
                clock += below(random, 100 / orders + 3) as i64;
                let behind = match late && below(random, 5) == 0 {
                    true => 10 + below(random, 40) as i64,
                    false => below(random, DELAY as usize + 1) as i64,
                };
                let (number, ts) = ((split * 100 + order) as i64, clock - behind);
                let merchant = format!("m-{}", below(random, 6));
                let amount = Cents(number);
                let json = format!(r#"{{"merchant_id":"{merchant}","amount":{amount},"ts":{ts}}}"#);
                log.append(split, None, Some(json.as_bytes()), None);
                splits[split].push((merchant, ts, number));
            }
        }
        Script { log, splits }
    }
}

/// What was found in a checkpoint that is right.
#[derive(Debug)]
pub struct Found {
    /// Whether all input lies before it.
    pub is_end: bool,
    pub open: usize,
    pub joined: usize,
    pub late: usize,
}

/// Whether a checkpoint of a job with this layout holds exactly what the orders before it make. The job was restored with
/// this watermark.
pub fn check(
    script: &Script,
    snapshot: &Snapshot,
    plan: &Plan,
    restored: Option<i64>,
) -> Result<Found, String> {
    let at = positions(snapshot.parts(SOURCE));
    let watermark = watermark(snapshot, plan.workers)?;
    let mut may_be = promises(script, &at, plan.sources);
    may_be = may_be.into_iter().map(|at| at.max(restored)).collect();
    if !may_be.contains(&watermark) {
        return Err(format!("the watermark is {watermark:?}, and not in {may_be:?}"));
    }
    let is_closed = |end: i64| Some(end) <= watermark;

    let open: Vec<Entry> = thaw("open", snapshot.parts(WINDOWS));
    let joined: Vec<Entry> = thaw("rows", snapshot.parts(SINK));
    let late: Vec<Entry> = thaw("rows", snapshot.parts(LATE));
    let before = before(script, &at);
    // Every order is in one place, and is what it was.
    let mut places: BTreeMap<i64, &str> = BTreeMap::new();
    let in_windows = joined.iter().filter(|(.., number)| *number >= 0);
    let found = open.iter().map(|entry| (entry, "open"));
    let found = found.chain(in_windows.clone().map(|entry| (entry, "joined")));
    for (entry, place) in found.chain(late.iter().map(|entry| (entry, "late"))) {
        let (merchant, ts, number) = entry;
        let order = before
            .get(number)
            .ok_or_else(|| format!("{entry:?} is {place} too early"))?;
        let (is_right, end) = match place {
            "open" => (*ts == order.ts && !is_closed(order.end), order.end),
            "joined" => (*ts + 1 == order.end && is_closed(order.end), order.end),
            _ => (
                *ts == order.ts && is_closed(order.end) && order.may_be_late,
                order.end,
            ),
        };
        if !is_right || *merchant != order.merchant {
            return Err(format!(
                "{entry:?} is {place} at watermark {watermark:?}, its window ends at {end}"
            ));
        }
        if let Some(other) = places.insert(*number, place) {
            return Err(format!("{entry:?} is {other} and {place}"));
        }
    }
    if let Some(lost) = before.keys().find(|number| !places.contains_key(number)) {
        return Err(format!("order {lost} is lost"));
    }
    // Every window has closed once, with all of its orders.
    let mut windows: BTreeMap<(&str, i64), (Vec<i64>, i64)> = BTreeMap::new();
    for (merchant, last, number) in &joined {
        let (counts, orders) = windows.entry((merchant, *last)).or_default();
        match *number < 0 {
            true => counts.push(-number),
            false => *orders += 1,
        }
    }
    if let Some((window, closed)) = windows.iter().find(|(_, (counts, orders))| *counts != [*orders]) {
        return Err(format!("window {window:?} has closed with {closed:?} orders"));
    }
    // What waits in the join is what has not come out of a window; from windows nothing waits.
    let waits: BTreeSet<i64> = thaw::<Vec<Entry>>("direct", snapshot.parts(JOIN))
        .into_iter()
        .map(|entry| entry.2)
        .collect();
    let joined_numbers: BTreeSet<i64> = in_windows.map(|entry| entry.2).collect();
    if !waits
        .iter()
        .eq(before.keys().filter(|number| !joined_numbers.contains(number)))
    {
        return Err(format!("in the join wait {waits:?}"));
    }
    if !thaw::<Vec<Entry>>("windows", snapshot.parts(JOIN)).is_empty() {
        return Err("in the join waits what has come out of windows".to_string());
    }
    Ok(Found {
        is_end: at == ORDERS && watermark == Some(i64::MAX),
        open: open.len(),
        joined: joined_numbers.len(),
        late: late.len(),
    })
}

/// The next order of each split.
fn positions(parts: &[Part]) -> [usize; ORDERS.len()] {
    let mut at = [0; ORDERS.len()];
    for part in parts.iter().filter(|part| part.name == "position") {
        let Owner::Split(split) = &part.owner else {
            panic!("{part:?}")
        };
        let split: usize = split.rsplit('/').next().unwrap().parse().unwrap();
        at[split] = number(part) as usize;
    }
    at
}

fn number(part: &Part) -> i64 {
    i64::from_le_bytes(part.bytes.as_slice().try_into().unwrap())
}

/// The watermark of all tasks, which at a barrier is the same everywhere.
fn watermark(snapshot: &Snapshot, workers: usize) -> Result<Option<i64>, String> {
    let mut found = BTreeSet::new();
    for (operator, tasks) in [(WINDOWS, workers), (JOIN, 1), (SINK, 1), (LATE, 1)] {
        let parts = snapshot.parts(operator).iter();
        let said: Vec<i64> = parts
            .filter(|part| part.name == "watermark")
            .map(number)
            .collect();
        let silent = tasks - said.len();
        found.extend(said.into_iter().map(Some));
        found.extend((silent > 0).then_some(None));
    }
    let closed: Vec<Entry> = thaw("closed", snapshot.parts(WINDOWS));
    found.extend(closed.iter().map(|(_, at, _)| Some(*at)));
    match found.first() {
        Some(watermark) if found.len() == 1 => Ok(*watermark),
        _ => Err(format!("tasks have different watermarks: {found:?}")),
    }
}

/// What the sources may have promised together before these positions. One that has read everything has promised the end
/// of time, unless the barrier came between its last order and that.
fn promises(script: &Script, at: &[usize], sources: usize) -> BTreeSet<Option<i64>> {
    let mut together = BTreeSet::from([Some(i64::MAX)]);
    for source in 0..sources {
        let splits = || (0..at.len()).filter(|split| split % sources == source);
        let own = splits()
            .map(|split| promise(&script.splits[split][..at[split]]))
            .min()
            .flatten();
        let is_drained = splits().all(|split| at[split] == ORDERS[split]);
        let may_be = [Some(own), is_drained.then_some(Some(i64::MAX))];
        let lowest = |of: Option<i64>| together.iter().map(move |others| of.min(*others));
        together = may_be.into_iter().flatten().flat_map(lowest).collect();
    }
    together
}

/// What a split promises behind these orders.
fn promise(orders: &[Entry]) -> Option<i64> {
    orders.iter().map(|(_, ts, _)| ts - DELAY).max()
}

struct Order {
    merchant: String,
    ts: i64,
    /// The end of its window.
    end: i64,
    may_be_late: bool,
}

/// The orders before these positions, by number.
fn before(script: &Script, at: &[usize]) -> BTreeMap<i64, Order> {
    let mut before = BTreeMap::new();
    for (orders, at) in script.splits.iter().zip(at) {
        for (index, (merchant, ts, number)) in orders[..*at].iter().enumerate() {
            let end = (ts.div_euclid(WINDOW) + 1) * WINDOW;
            let order = Order {
                merchant: merchant.clone(),
                ts: *ts,
                end,
                may_be_late: promise(&orders[..index]) >= Some(end),
            };
            before.insert(*number, order);
        }
    }
    before
}
