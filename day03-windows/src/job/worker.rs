//! A worker: the windows of the merchants that it owns.

use std::time::Duration;

use day02_state::job::{Options, Report, Reporting};
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Part, Stateful};

use super::WindowStats;
use crate::aggregate::{Aggregate, Number, Summary};
use crate::assigner::SliceAssigner;
use crate::clock::{Clock, StreamTime};
use crate::sessions::SessionWindows;
use crate::slices::SliceWindows;
use crate::spec::WindowSpec;
use crate::time::{EventTime, Span, Stamped};
use crate::windower::{Closed, Fired, Windower};
use crate::windowing::Windowing;

/// The id of the workers' operator, under which its state is saved.
pub const WINDOWS: &str = "windows";

/// What is kept of the orders of a window.
pub type Summed = <Summary<Cents> as Aggregate>::Acc;

/// What a worker sends.
pub type Reports = Vec<Report<WindowReport>>;

/// What a worker reports.
#[derive(Debug, Clone)]
pub enum WindowReport {
    /// These windows have closed.
    Closed(Rows<Closed<Summed>>),
    /// How things stand.
    WindowStats(WindowStats),
}

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
    number: usize,
    windowing: Windowing<T, dyn Windower<Row = Cents, Acc = Summed>>,
    stats: WindowStats,
    save: bool,
    started: bool,
    reporting: Reporting,
}

impl<T: Clock> WindowWorker<T> {
    /// A worker that has seen no order.
    pub fn new(
        number: usize,
        windowing: Windowing<T, dyn Windower<Row = Cents, Acc = Summed>>,
        options: &Options,
    ) -> Self {
        WindowWorker {
            number,
            windowing,
            stats: WindowStats::default(),
            save: options.save,
            started: false,
            reporting: Reporting::new(options.report_every),
        }
    }

    /// Somebody who knows says what time it is: sends what has closed.
    pub fn on_time<C>(&mut self, time: EventTime, out: Out<'_, Reports, C>) -> Outcome {
        let mut fired = Fired::default();
        self.windowing.on_time(time, &mut fired)?;
        self.send(fired, out);
        Ok(())
    }

    fn send<C>(&mut self, fired: Fired<Summed>, out: Out<'_, Reports, C>) {
        self.reporting.changed();
        self.stats.late += fired.late.len() as u64;
        self.stats.late_assignments += fired.late_assignments;
        self.stats.behind = self.stats.behind.max(fired.behind);
        if !fired.closed.is_empty() {
            out.data(vec![Report::Worker(
                self.number,
                WindowReport::Closed(fired.closed),
            )]);
        }
    }

    fn report<C>(&mut self, out: Out<'_, Reports, C>) {
        self.stats.open = self.windowing.windows().open();
        self.stats.memory = self.windowing.windows().memory();
        let stats = WindowReport::WindowStats(self.stats);
        out.data(vec![Report::Worker(self.number, stats)]);
    }
}

impl<T: Clock, C> Operator<C> for WindowWorker<T> {
    type In = Rows<Stamped<Cents>>;
    type Out = Reports;

    fn on_data(&mut self, _: Input, orders: Self::In, out: Out<'_, Self::Out, C>) -> Outcome {
        let mut fired = Fired::default();
        self.windowing.on_rows(&orders, &mut fired)?;
        self.send(fired, out);
        Ok(())
    }

    fn on_end(&mut self, how: EndReason, out: Out<'_, Self::Out, C>) -> Outcome {
        if how == EndReason::Drained {
            let mut fired = Fired::default();
            self.windowing.on_drained(&mut fired)?;
            self.send(fired, out);
        }
        self.report(out);
        if self.save {
            let parts = self.snapshot(0).parts();
            out.data(vec![Report::State(WINDOWS, parts)]);
        }
        Ok(())
    }

    /// Reports how things stand, if it is time to, or else when it will be.
    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, C>) -> Outcome<Turn> {
        if !self.started {
            let mut fired = Fired::default();
            self.windowing.on_start(&mut fired)?;
            self.send(fired, out);
            self.started = true;
        }
        if let Some(turn) = self.reporting.wait(now, 1) {
            return Ok(turn);
        }
        self.report(out);
        Ok(Turn::Done)
    }

    fn on_input_end(&mut self, _: Input, _: EndReason, _: Out<'_, Self::Out, C>) -> Outcome {
        self.reporting.on_input_end();
        Ok(())
    }

    fn status(&self) -> String {
        format!(
            "its time is {}, {} merchants' sums in open windows",
            self.windowing.now(),
            self.windowing.windows().open()
        )
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
