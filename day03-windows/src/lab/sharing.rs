//! How windows share slices: which slices a window is put together from, when they go, and how many merges
//! that takes.
//!
//! Two runs. In one, a handful of orders goes through `hop:30s/10s`, small enough to be drawn. In the other,
//! a long input of one key goes through hops that overlap more and more, and an aggregate counts what it is
//! asked to do.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use day02_state::error::Error;
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day02_state::state::Table;

use super::trace::{Content, NOON, clocks, contents, count, failed};
use crate::aggregate::{Aggregate, Overflow, Summary, Sums};
use crate::assigner::SliceAssigner;
use crate::clock::StreamTime;
use crate::slices::SliceWindows;
use crate::spec::WindowSpec;
use crate::time::{EventTime, Span, Stamped};
use crate::window::Window;
use crate::windower::{Fired, Windower};
use crate::windowing::Windowing;

/// The windows of the small run.
pub const SPEC: WindowSpec = WindowSpec::Hop {
    size: Span::seconds(30),
    slide: SLIDE,
    offset: Span(0),
};
/// How far apart windows begin, in both runs.
const SLIDE: Span = Span::seconds(10);
const KEY: &[u8] = b"m-7";

/// A slice with the number of its orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The slice.
    pub window: Window,
    /// How many orders it has.
    pub orders: u64,
}

/// A window that has closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What came out.
    pub closed: Content,
    /// The slices that it was put together from.
    pub from: Vec<Slice>,
    /// The slices that were dropped behind it.
    pub dropped: Vec<Slice>,
    /// The slices that there still were then.
    pub kept: Vec<Slice>,
}

/// When the orders of the small run were made, in seconds past noon.
const ORDERS: [i64; 7] = [2, 5, 8, 14, 23, 27, 37];

/// A few orders of one merchant, and every ten seconds the time: closes window after window.
pub fn trace() -> Result<Vec<Step>, Error> {
    let mut windows = sliced(SPEC, Sums::<Cents>::default())?;
    let (mut slide, mut steps) = (Window::new(NOON, NOON.plus(SLIDE)), Vec::new());
    loop {
        let mut fired = Fired::default();
        let rows = orders_of(slide);
        windows.add(&rows, 0..rows.len(), &mut fired).map_err(failed)?;
        let before = slices(&windows);
        windows.advance(slide.end, &mut fired).map_err(failed)?;
        let kept = slices(&windows);
        for closed in contents(&fired, |sums| sums) {
            let of_window = |slice: &&Slice| closed.window.overlaps(&slice.window);
            let is_gone = |slice: &&Slice| !kept.contains(slice);
            steps.push(Step {
                from: before.iter().filter(of_window).copied().collect(),
                dropped: before.iter().filter(is_gone).copied().collect(),
                kept: kept.clone(),
                closed,
            });
        }
        if kept.is_empty() {
            return Ok(steps);
        }
        slide = Window::new(slide.end, slide.end.plus(SLIDE));
    }
}

/// The orders that were made within a slide, each for one.
fn orders_of(slide: Window) -> Rows<Stamped<Cents>> {
    let mut rows = Rows::new();
    let times = ORDERS.map(|seconds| NOON.plus(Span::seconds(seconds)));
    for ts in times.into_iter().filter(|ts| slide.contains(*ts)) {
        let value = Cents(100);
        rows.push(KEY, Stamped { ts, value });
    }
    rows
}

/// Windows made of slices, none of which is kept for late rows.
fn sliced<A: Aggregate>(spec: WindowSpec, aggregate: A) -> Result<SliceWindows<A>, Error> {
    let assigner = SliceAssigner::new(spec).map_err(|_| failed("sessions have no slices".into()))?;
    Ok(SliceWindows::new(assigner, Span(0), aggregate))
}

fn slices(windows: &SliceWindows<Sums<Cents>>) -> Vec<Slice> {
    let orders =
        |slice: &Table<<Sums<Cents> as Aggregate>::Acc>| slice.iter().map(|(_, sums)| sums.rows).sum();
    let slices = windows.slices();
    slices
        .map(|(window, slice)| Slice {
            window,
            orders: orders(slice),
        })
        .collect()
}

/// A slice is named by its end: `:10 3` has three orders, before ten seconds past.
impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.orders)
    }
}

impl Slice {
    /// Its end, in seconds past the minute.
    pub fn name(&self) -> String {
        format!(":{:02}", self.window.end.0.div_euclid(1_000).rem_euclid(60))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |slices: &[Slice], each: fn(&Slice) -> String| {
            let slices: Vec<String> = slices.iter().map(each).collect();
            slices.join("   ")
        };
        let (closed, from) = (&self.closed, list(&self.from, Slice::to_string));
        let (window, orders) = (clocks(closed.window), count(closed.orders));
        write!(f, "closes {window}  {orders}  from  ")?;
        match self.dropped.is_empty() {
            true => write!(f, "{from}"),
            false => write!(f, "{from:21}  drops {}", list(&self.dropped, Slice::name)),
        }
    }
}

/// What some design asks of its aggregate, for each slide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerSlide {
    /// Rows taken in.
    pub add: f64,
    /// Accumulators merged.
    pub merge: f64,
    /// Accumulators taken out again.
    pub retract: f64,
}

/// The same rows under windows that overlap so many times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// How many windows a row is in.
    pub overlap: i64,
    /// The slices of each window merged anew.
    pub anew: PerSlide,
    /// Two stacks: with MIN and MAX in the aggregate, which do not subtract.
    pub stacks: PerSlide,
    /// COUNT and SUM alone, which do.
    pub retraction: PerSlide,
}

/// The overlaps that are compared.
pub const OVERLAPS: [i64; 4] = [3, 6, 60, 600];
/// So many slides go by before anything is counted: all windows are full then.
const WARM_UP: i64 = 600;
/// So many are counted.
const SLIDES: i64 = 3_000;
/// So many rows there are in each.
const ROWS_PER_SLIDE: i64 = 10;

/// What each design costs at each overlap.
pub fn costs() -> Result<Vec<Costs>, Error> {
    let costs = OVERLAPS.into_iter().map(|overlap| {
        Ok(Costs {
            overlap,
            anew: anew(overlap)?,
            stacks: sliding(overlap, Summary::<Cents>::default())?,
            retraction: sliding(overlap, Sums::<Cents>::default())?,
        })
    });
    costs.collect()
}

/// The rows of a slide, of one key.
fn slide(number: i64) -> Rows<Stamped<Cents>> {
    let mut rows = Rows::new();
    for row in 0..ROWS_PER_SLIDE {
        let ts = EventTime(number * SLIDE.0 + row * SLIDE.0 / ROWS_PER_SLIDE);
        let value = Cents((number * 7 + row * 13) % 1_000);
        rows.push(KEY, Stamped { ts, value });
    }
    rows
}

/// The slices as the engine keeps them.
fn sliding<A: Aggregate<Row = Cents>>(overlap: i64, aggregate: A) -> Result<PerSlide, Error> {
    let aggregate = Counting::new(aggregate);
    let spec = WindowSpec::Hop {
        size: Span(overlap * SLIDE.0),
        slide: SLIDE,
        offset: Span(0),
    };
    let windows = sliced(spec, aggregate.share())?;
    let mut windowing = Windowing::new(StreamTime::default(), Box::new(windows));
    per_slide(&aggregate, |rows| {
        windowing.on_rows(rows, &mut Fired::default()).map_err(failed)
    })
}

/// The slices of a window, merged for each window from the first to the last.
fn anew(overlap: i64) -> Result<PerSlide, Error> {
    let aggregate = Counting::new(Summary::<Cents>::default());
    let mut slices = VecDeque::new();
    per_slide(&aggregate, |rows| {
        let mut slice = aggregate.empty();
        for row in rows.values() {
            aggregate.add(&mut slice, &row.value).map_err(unable)?;
        }
        slices.push_back(slice);
        if slices.len() as i64 > overlap {
            slices.pop_front();
        }
        let mut window = aggregate.empty();
        for slice in &slices {
            aggregate.merge(&mut window, slice).map_err(unable)?;
        }
        Ok(())
    })
}

fn unable(overflow: Overflow) -> Error {
    failed(overflow.into())
}

/// Hands slide after slide to a design, and says what one of them asks of the aggregate.
fn per_slide<A: Aggregate>(
    aggregate: &Counting<A>,
    mut take: impl FnMut(&Rows<Stamped<Cents>>) -> Result<(), Error>,
) -> Result<PerSlide, Error> {
    (0..WARM_UP).try_for_each(|number| take(&slide(number)))?;
    let before = aggregate.calls();
    (WARM_UP..WARM_UP + SLIDES).try_for_each(|number| take(&slide(number)))?;
    let after = aggregate.calls();
    let each = |calls: fn(&Calls) -> u64| (calls(&after) - calls(&before)) as f64 / SLIDES as f64;
    Ok(PerSlide {
        add: each(|calls| calls.add),
        merge: each(|calls| calls.merge),
        retract: each(|calls| calls.retract),
    })
}

/// How often an aggregate was asked to do what.
struct Calls {
    add: u64,
    merge: u64,
    retract: u64,
}

/// An aggregate that counts its calls, those of all who share it together.
#[derive(Debug)]
struct Counting<A> {
    inner: Arc<A>,
    calls: Arc<[AtomicU64; 3]>,
}

impl<A> Counting<A> {
    fn new(inner: A) -> Self {
        let (inner, calls) = (Arc::new(inner), Arc::default());
        Counting { inner, calls }
    }

    /// The same aggregate, for somebody else to use.
    fn share(&self) -> Self {
        let (inner, calls) = (Arc::clone(&self.inner), Arc::clone(&self.calls));
        Counting { inner, calls }
    }

    fn calls(&self) -> Calls {
        let [add, merge, retract] = [0, 1, 2].map(|call: usize| self.calls[call].load(Ordering::Relaxed));
        Calls { add, merge, retract }
    }

    fn note(&self, call: usize) {
        self.calls[call].fetch_add(1, Ordering::Relaxed);
    }
}

impl<A: Aggregate> Aggregate for Counting<A> {
    type Row = A::Row;
    type Acc = A::Acc;

    fn empty(&self) -> A::Acc {
        self.inner.empty()
    }

    fn add(&self, acc: &mut A::Acc, row: &A::Row) -> Result<(), Overflow> {
        self.note(0);
        self.inner.add(acc, row)
    }

    fn merge(&self, acc: &mut A::Acc, other: &A::Acc) -> Result<(), Overflow> {
        self.note(1);
        self.inner.merge(acc, other)
    }

    type Rest = A::Rest;
    const SUBTRACTS: bool = A::SUBTRACTS;

    fn rest(&self, acc: &A::Acc) -> A::Rest {
        self.inner.rest(acc)
    }

    fn retract(&self, acc: &mut A::Acc, other: &A::Acc, rest: &A::Rest) -> Result<(), Overflow> {
        self.note(2);
        self.inner.retract(acc, other, rest)
    }
}

impl Costs {
    /// What stands above the columns.
    pub const HEADER: &str =
        "overlap     add   merge anew   two stacks: merge, retract   sums alone: merge, retract";
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:7}  {:6.2}   {:10.2}   {:17.2}, {:7.2}   {:17.2}, {:7.2}",
            self.overlap,
            self.stacks.add,
            self.anew.merge,
            self.stacks.merge,
            self.stacks.retract,
            self.retraction.merge,
            self.retraction.retract
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_what_its_slices_hold() {
        let steps = trace().unwrap();
        for step in &steps {
            let orders: u64 = step.from.iter().map(|slice| slice.orders).sum();
            assert_eq!(orders, step.closed.orders, "{step}");
        }
        let dropped: Vec<u64> = steps
            .iter()
            .flat_map(|step| &step.dropped)
            .map(|slice| slice.orders)
            .collect();
        assert_eq!(dropped, [3, 1, 2, 1], "each slice goes once");
    }
}
