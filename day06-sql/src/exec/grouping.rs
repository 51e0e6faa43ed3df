//! A grouping as a task: rows come by key, and its results go on, as changes or window by window.

use std::time::Duration;

use day02_state::job::{Report, Reporting};
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use day02_state::outbox::Either;
use day02_state::state::{Frozen, Part, Stateful};
use day03_windows::time::EventTime;
use day04_watermarks::operator::OnWatermark;
use day04_watermarks::watermark::Watermark;

use super::lower::Grouping;
use super::report::{WindowStats, WorkerReport};
use super::steps::Steps;
use crate::aggregate::{Calls, GroupBy, WindowBy, group::owner_of_all};
use crate::chunk::Chunk;
use crate::keyed::KeyedChunk;

/// What a worker sends: results to the next task, reports to the collector.
pub type FromWorker = Either<KeyedChunk, Vec<Report<WorkerReport>>>;

/// How rows are grouped.
enum Groups {
    Updating(GroupBy),
    Windows(WindowBy),
}

/// The worker of a grouping.
pub struct GroupWorker {
    /// Which one of all workers of the job, for the collector.
    number: usize,
    groups: Groups,
    then: Steps,
    /// How many of the columns of the result are keys of the next grouping.
    next_keys: Vec<usize>,
    /// A chunk of more rows is cut.
    chunk_rows: usize,
    stats: WindowStats,
    started: bool,
    reporting: Reporting,
}

impl GroupWorker {
    /// The worker at this place of so many.
    pub fn new(
        number: usize,
        (place, of): (usize, usize),
        grouping: &Grouping,
        next_keys: usize,
        options: &Cut,
    ) -> Self {
        let calls = Calls::new(grouping.calls.clone());
        let groups = match grouping.window {
            None => {
                let owns_all = owner_of_all(of) == place;
                Groups::Updating(GroupBy::new(grouping.keys.clone(), calls, owns_all))
            }
            Some(window) => Groups::Windows(WindowBy::new(grouping.keys.clone(), calls, window)),
        };
        GroupWorker {
            number,
            groups,
            then: grouping.then.clone(),
            next_keys: (0..next_keys).collect(),
            chunk_rows: options.chunk_rows.max(1),
            stats: WindowStats::default(),
            started: false,
            reporting: Reporting::new(options.report_every),
        }
    }

    fn send(&mut self, result: Chunk, out: Out<'_, FromWorker, Watermark>) -> Outcome {
        if result.rows > 0 {
            let result = self.then.apply(result)?;
            out.data(Either::Left(KeyedChunk::by(result, &self.next_keys)));
        }
        self.reporting.changed();
        Ok(())
    }

    fn take_in(&mut self, rows: KeyedChunk, out: Out<'_, FromWorker, Watermark>) -> Outcome {
        let mut result = Chunk::default();
        match &mut self.groups {
            Groups::Updating(groups) => groups.on_chunk(&rows, &mut result)?,
            Groups::Windows(windows) => {
                let dropped = windows.on_chunk(rows, &mut result)?;
                self.stats.add(dropped);
            }
        }
        self.send(result, out)
    }

    fn report(&mut self, out: Out<'_, FromWorker, Watermark>) {
        (self.stats.open, self.stats.memory) = match &self.groups {
            Groups::Updating(groups) => (groups.groups(), groups.memory()),
            Groups::Windows(windows) => (windows.open(), windows.memory()),
        };
        let report = WorkerReport(self.stats);
        out.data(Either::Right(vec![Report::Worker(self.number, report)]));
    }
}

/// How chunks are cut, and how often somebody hears of them.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// The changes of so many rows are put together, at most.
    pub chunk_rows: usize,
    /// How often a worker reports; never if there is nobody to see it.
    pub report_every: Option<Duration>,
}

impl Operator<Watermark> for GroupWorker {
    type In = KeyedChunk;
    type Out = FromWorker;

    fn on_data(&mut self, _: Input, rows: KeyedChunk, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        if rows.chunk.rows <= self.chunk_rows {
            return self.take_in(rows, out);
        }
        let all: Vec<u32> = (0..rows.chunk.rows as u32).collect();
        for some in all.chunks(self.chunk_rows) {
            self.take_in(rows.gather(some), out)?;
        }
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        if !self.started {
            self.started = true;
            let mut result = Chunk::default();
            match &mut self.groups {
                Groups::Updating(groups) => groups.on_start(&mut result)?,
                Groups::Windows(windows) => windows.on_start(&mut result)?,
            }
            self.send(result, out)?;
        }
        if let Some(turn) = self.reporting.wait(now, 1) {
            return Ok(turn);
        }
        self.report(out);
        Ok(Turn::Done)
    }

    fn on_input_end(&mut self, _: Input, _: EndReason, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.reporting.on_input_end();
        Ok(())
    }

    fn on_end(&mut self, _: EndReason, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.report(out);
        Ok(())
    }

    fn status(&self) -> String {
        match &self.groups {
            Groups::Updating(groups) => format!("{} groups", groups.groups()),
            Groups::Windows(windows) => format!("{} groups in open windows", windows.open()),
        }
    }
}

impl OnWatermark for GroupWorker {
    fn on_watermark(&mut self, at: EventTime, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        let mut result = Chunk::default();
        if let Groups::Windows(windows) = &mut self.groups {
            windows.on_watermark(at, &mut result)?;
        }
        match result.rows {
            0 => Ok(()),
            _ => self.send(result, out),
        }
    }
}

impl Stateful for GroupWorker {
    fn snapshot(&mut self, id: u64) -> Frozen {
        match &mut self.groups {
            Groups::Updating(groups) => groups.snapshot(id),
            Groups::Windows(windows) => windows.snapshot(id),
        }
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        match &mut self.groups {
            Groups::Updating(groups) => groups.restore(parts),
            Groups::Windows(windows) => windows.restore(parts),
        }
    }
}
