//! A worker: the windows of the merchants that it owns.

use std::time::Duration;

use day02_state::job::SavedState;
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Part, Stateful};
use day02_state::status::Status;

use super::{LateOrder, Options, WindowOutput, WindowStats};
use crate::aggregate::{Aggregate, Number, Summary};
use crate::assigner::SliceAssigner;
use crate::clock::{Clock, StreamTime};
use crate::sessions::SessionWindows;
use crate::slices::SliceWindows;
use crate::spec::WindowSpec;
use crate::time::{EventTime, Span, Stamped};
use crate::windower::{Fired, Windower};
use crate::windowing::Windowing;

/// The id of the workers' operator, under which its state is saved.
pub const WINDOWS: &str = "windows";

/// What is kept of the orders of a window.
pub type Summed = <Summary<Cents> as Aggregate>::Acc;

// ANCHOR: windows
/// Windows of any kind, which say everything about the numbers that they get.
pub fn windows<N: Number>(
    spec: WindowSpec,
    lateness: Span,
) -> Box<dyn Windower<Row = N, Acc = <Summary<N> as Aggregate>::Acc>> {
    let summary = Summary::default();
    match SliceAssigner::new(spec) {
        Ok(assigner) => Box::new(SliceWindows::new(assigner, lateness, summary)),
        Err(gap) => Box::new(SessionWindows::new(gap, lateness, summary)),
    }
}
// ANCHOR_END: windows

/// Counts its merchants' orders by window, which this clock closes.
pub struct WindowWorker<T = StreamTime> {
    windowing: Windowing<T, dyn Windower<Row = Cents, Acc = Summed>>,
    stats: WindowStats,
    late_orders: bool,
    saved: Option<SavedState>,
    started: bool,
    /// Whether windows that are open stay so.
    stopped: bool,
}

impl<T: Clock> WindowWorker<T> {
    /// A worker that has seen no order.
    pub fn new(windowing: Windowing<T, dyn Windower<Row = Cents, Acc = Summed>>, options: &Options) -> Self {
        WindowWorker {
            windowing,
            stats: WindowStats::default(),
            late_orders: options.late_orders,
            saved: options.tasks.save.clone(),
            started: false,
            stopped: false,
        }
    }

    /// Moves event time to `time`, and sends some of what has closed. Gives the time up to which all is sent.
    pub fn on_time<C>(&mut self, time: EventTime, out: Out<'_, WindowOutput, C>) -> Outcome<EventTime> {
        let mut fired = Fired::for_a_turn();
        let closed = self.windowing.on_time_some(time, &mut fired)?;
        self.send(fired, Vec::new(), out);
        Ok(closed)
    }

    /// The orders of a batch that are lost, if anybody wants them.
    fn late_orders(&self, orders: &Rows<Stamped<Cents>>, late: &[usize]) -> Vec<LateOrder> {
        let (now, windows) = (self.windowing.now(), self.windowing.windows());
        let late = late.iter().filter(|_| self.late_orders).map(|row| {
            let order = orders.values()[*row];
            LateOrder {
                // Merchants come out of JSON, so they are text.
                merchant_id: String::from_utf8_lossy(orders.key(*row)).into_owned(),
                order,
                behind: Span(now.0.saturating_sub(order.ts.0)),
                windows: windows.windows_of(order.ts),
            }
        });
        late.collect()
    }

    fn send<C>(&mut self, fired: Fired<Summed>, late: Vec<LateOrder>, out: Out<'_, WindowOutput, C>) {
        self.stats.late += fired.late.len() as u64;
        self.stats.late_assignments += fired.late_assignments;
        self.stats.behind = self.stats.behind.max(fired.behind);
        let closed = fired.closed;
        if !closed.is_empty() || !late.is_empty() {
            out.data(WindowOutput { closed, late });
        }
    }
}

impl<T: Clock, C> Operator<C> for WindowWorker<T> {
    type In = Rows<Stamped<Cents>>;
    type Out = WindowOutput;

    fn on_data(&mut self, _: Input, orders: Self::In, out: Out<'_, Self::Out, C>) -> Outcome {
        let mut fired = Fired::default();
        self.windowing.on_rows(&orders, &mut fired)?;
        let late = self.late_orders(&orders, &fired.late);
        self.send(fired, late, out);
        Ok(())
    }

    fn on_drain(&mut self, out: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        if self.stopped {
            return Ok(Turn::Done);
        }
        let mut fired = Fired::for_a_turn();
        let closed = self.windowing.on_drained_some(&mut fired)?;
        self.send(fired, Vec::new(), out);
        Ok(match closed {
            EventTime::MAX => Turn::Done,
            _ => Turn::Again,
        })
    }

    fn on_stop(&mut self) {
        self.stopped = true;
    }

    fn on_end(&mut self, _: EndReason, _: Out<'_, Self::Out, C>) -> Outcome {
        if let Some(saved) = self.saved.clone() {
            saved.add(WINDOWS, self.snapshot(0).parts());
        }
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        if !self.started {
            let mut fired = Fired::default();
            self.windowing.on_start(&mut fired)?;
            self.send(fired, Vec::new(), out);
            self.started = true;
        }
        Ok(Turn::Done)
    }

    fn status(&mut self, status: &mut Status) {
        let windows = self.windowing.windows();
        (self.stats.open, self.stats.memory) = (windows.open(), windows.memory());
        self.stats.write(status);
        status.phrases.push(format!(
            "its time is {}, {} merchants' sums in open windows",
            self.windowing.now(),
            self.stats.open
        ));
    }
}

impl<T: Clock> Stateful for WindowWorker<T> {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.windowing.snapshot(id)
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        self.windowing.restore(parts)
    }
}
