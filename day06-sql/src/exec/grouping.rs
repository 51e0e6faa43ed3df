//! GROUP BY as a relational operator: results are updated at once, or come out window by window.

use day02_state::operator::Outcome;
use day02_state::state::{Frozen, Part, Stateful};
use day02_state::status::Status;
use day03_windows::time::EventTime;

use super::graph::Grouping;
use super::operator::ChunkOperator;
use super::report::WindowStats;
use crate::aggregate::{Calls, GroupBy, WindowBy, group::owner_of_all};
use crate::chunk::Chunk;
use crate::keyed::KeyedChunk;

/// The operator of a grouping, for this worker of so many.
pub fn operator(grouping: &Grouping, (worker, of): (usize, usize)) -> Box<dyn ChunkOperator> {
    let calls = Calls::new(grouping.calls.clone());
    match grouping.window {
        None => {
            let owns_all = owner_of_all(of) == worker;
            Box::new(GroupBy::new(grouping.keys.clone(), calls, owns_all))
        }
        Some(window) => Box::new(Windows {
            groups: WindowBy::new(grouping.keys.clone(), calls, window),
            stats: WindowStats::default(),
        }),
    }
}

/// Groups by windows, with what was dropped.
struct Windows {
    groups: WindowBy,
    stats: WindowStats,
}

impl ChunkOperator for GroupBy {
    fn on_start(&mut self, out: &mut Chunk) -> Outcome {
        Ok(GroupBy::on_start(self, out)?)
    }

    fn on_chunk(&mut self, _: usize, rows: KeyedChunk, out: &mut Chunk) -> Outcome {
        Ok(GroupBy::on_chunk(self, &rows, out)?)
    }

    fn status(&mut self, status: &mut Status) {
        let stats = WindowStats {
            open: self.groups(),
            memory: self.memory(),
            ..WindowStats::default()
        };
        stats.write(status);
        status.phrases.push(format!("{} groups", stats.open));
    }
}

impl ChunkOperator for Windows {
    fn on_start(&mut self, out: &mut Chunk) -> Outcome {
        Ok(self.groups.on_start(out)?)
    }

    fn on_chunk(&mut self, _: usize, rows: KeyedChunk, out: &mut Chunk) -> Outcome {
        let dropped = self.groups.on_chunk(rows, out)?;
        self.stats.add(dropped);
        Ok(())
    }

    fn on_watermark(&mut self, at: EventTime, out: &mut Chunk) -> Outcome<EventTime> {
        Ok(self.groups.on_watermark(at, out)?)
    }

    fn status(&mut self, status: &mut Status) {
        (self.stats.open, self.stats.memory) = (self.groups.open(), self.groups.memory());
        self.stats.write(status);
        status
            .phrases
            .push(format!("{} groups in open windows", self.stats.open));
    }
}

impl Stateful for Windows {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.groups.snapshot(id)
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        self.groups.restore(parts)
    }
}
