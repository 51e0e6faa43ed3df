//! A grouping as a task: rows come by key, and its results go on, as changes or window by window.

use std::time::Duration;

use day02_state::operator::{Input, Operator, Out, Outcome, Turn};
use day02_state::state::{Frozen, Part, Stateful};
use day02_state::status::Status;
use day03_windows::time::EventTime;
use day04_watermarks::operator::OnWatermark;
use day04_watermarks::watermark::Watermark;

use super::lower::Grouping;
use super::report::WindowStats;
use super::steps::Steps;
use crate::aggregate::{Calls, GroupBy, WindowBy, group::owner_of_all};
use crate::chunk::Chunk;
use crate::keyed::KeyedChunk;

/// How rows are grouped.
enum Groups {
    Updating(GroupBy),
    Windows(WindowBy),
}

/// The worker of a grouping.
pub struct GroupWorker {
    groups: Groups,
    then: Steps,
    /// How many of the columns of the result are keys of the next grouping.
    next_keys: Vec<usize>,
    /// A chunk of more rows is cut.
    chunk_rows: usize,
    stats: WindowStats,
    started: bool,
}

impl GroupWorker {
    /// This worker of so many. A chunk of more than `chunk_rows` rows is cut.
    pub fn new(
        (worker, of): (usize, usize),
        grouping: &Grouping,
        next_keys: usize,
        chunk_rows: usize,
    ) -> Self {
        let calls = Calls::new(grouping.calls.clone());
        let groups = match grouping.window {
            None => {
                let owns_all = owner_of_all(of) == worker;
                Groups::Updating(GroupBy::new(grouping.keys.clone(), calls, owns_all))
            }
            Some(window) => Groups::Windows(WindowBy::new(grouping.keys.clone(), calls, window)),
        };
        GroupWorker {
            groups,
            then: grouping.then.clone(),
            next_keys: (0..next_keys).collect(),
            chunk_rows: chunk_rows.max(1),
            stats: WindowStats::default(),
            started: false,
        }
    }

    fn send(&mut self, result: Chunk, out: Out<'_, KeyedChunk, Watermark>) -> Outcome {
        if result.rows > 0 {
            let result = self.then.apply(result)?;
            out.data(KeyedChunk::by(result, &self.next_keys));
        }
        Ok(())
    }

    fn take_in(&mut self, rows: KeyedChunk, out: Out<'_, KeyedChunk, Watermark>) -> Outcome {
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
}

impl Operator<Watermark> for GroupWorker {
    type In = KeyedChunk;
    type Out = KeyedChunk;

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

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        if !self.started {
            self.started = true;
            let mut result = Chunk::default();
            match &mut self.groups {
                Groups::Updating(groups) => groups.on_start(&mut result)?,
                Groups::Windows(windows) => windows.on_start(&mut result)?,
            }
            self.send(result, out)?;
        }
        Ok(Turn::Done)
    }

    fn status(&mut self, status: &mut Status) {
        (self.stats.open, self.stats.memory) = match &self.groups {
            Groups::Updating(groups) => (groups.groups(), groups.memory()),
            Groups::Windows(windows) => (windows.open(), windows.memory()),
        };
        self.stats.write(status);
        let windows = match &self.groups {
            Groups::Updating(_) => "",
            Groups::Windows(_) => " in open windows",
        };
        status
            .phrases
            .push(format!("{} groups{windows}", self.stats.open));
    }
}

impl OnWatermark for GroupWorker {
    fn on_watermark(&mut self, at: EventTime, out: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        let Groups::Windows(windows) = &mut self.groups else {
            return Ok(at);
        };
        let mut result = Chunk::default();
        let said = windows.on_watermark(at, &mut result)?;
        if result.rows > 0 {
            self.send(result, out)?;
        }
        Ok(said)
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
