//! The contract of relational operators, and the one task that runs any of them.
//!
//! ```text
//!   channels ─► OperatorTask ─ chunk ─► ChunkOperator ─ chunk ─► filters, projections, keys ─► one outbox for each reader
//! ```
//!
//! An operator turns chunks into chunks. It knows neither who reads them nor that there are several of it.

use std::time::Duration;

use day02_state::operator::{Input, Operator, Out, Outcome, Turn};
use day02_state::state::{Frozen, Part, Stateful};
use day02_state::status::Status;
use day03_windows::time::EventTime;
use day04_watermarks::operator::OnWatermark;
use day04_watermarks::watermark::Watermark;

use super::identity::READERS;
use super::outputs::Outputs;
use crate::chunk::Chunk;
use crate::keyed::KeyedChunk;
use crate::view::Materialized;

// ANCHOR: contract
/// A relational operator. What it appends to `out`, which is empty or has the columns of its result, goes on.
pub trait ChunkOperator: Stateful + Send {
    /// Says what there is before any row has come, or again after a restore.
    fn on_start(&mut self, _out: &mut Chunk) -> Outcome {
        Ok(())
    }

    /// Rows have come in at a port.
    fn on_chunk(&mut self, port: usize, rows: KeyedChunk, out: &mut Chunk) -> Outcome;

    /// No row follows whose time is before this. Gives the time up to which all is said about it, as
    /// [`OnWatermark::on_watermark`] does.
    fn on_watermark(&mut self, at: EventTime, _out: &mut Chunk) -> Outcome<EventTime> {
        Ok(at)
    }

    /// The rows that all chunks so far add up to, if it keeps them: for a reader that comes later.
    fn table(&self) -> Option<&Materialized> {
        None
    }

    /// Says what it keeps.
    fn status(&mut self, status: &mut Status);
}
// ANCHOR_END: contract

/// A task that runs an operator.
pub struct OperatorTask {
    operator: Box<dyn ChunkOperator>,
    outputs: Outputs,
    /// A chunk of more rows is cut.
    chunk_rows: usize,
    started: bool,
}

impl OperatorTask {
    /// A task for an operator. A chunk of more than `chunk_rows` rows is cut.
    pub fn new(operator: Box<dyn ChunkOperator>, outputs: Outputs, chunk_rows: usize) -> Self {
        OperatorTask {
            operator,
            outputs,
            chunk_rows: chunk_rows.max(1),
            started: false,
        }
    }

    fn send(&self, result: Chunk, out: Out<'_, Vec<KeyedChunk>, Watermark>) -> Outcome {
        if result.rows > 0 {
            out.data(self.outputs.deal(result)?);
        }
        Ok(())
    }

    fn take_in(
        &mut self,
        port: usize,
        rows: KeyedChunk,
        out: Out<'_, Vec<KeyedChunk>, Watermark>,
    ) -> Outcome {
        let mut result = Chunk::default();
        self.operator.on_chunk(port, rows, &mut result)?;
        self.send(result, out)
    }
}

impl Operator<Watermark> for OperatorTask {
    type In = KeyedChunk;
    type Out = Vec<KeyedChunk>;

    fn on_data(&mut self, input: Input, rows: KeyedChunk, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        if rows.chunk.rows <= self.chunk_rows {
            return self.take_in(input.port, rows, out);
        }
        let all: Vec<u32> = (0..rows.chunk.rows as u32).collect();
        for some in all.chunks(self.chunk_rows) {
            self.take_in(input.port, rows.gather(some), out)?;
        }
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, out: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        if !self.started {
            self.started = true;
            if let Some(table) = self.operator.table().filter(|_| self.outputs.has_new()) {
                out.data(self.outputs.deal_to_new(&table.chunk()?)?);
            }
            let mut result = Chunk::default();
            self.operator.on_start(&mut result)?;
            self.send(result, out)?;
        }
        Ok(Turn::Done)
    }

    fn status(&mut self, status: &mut Status) {
        self.operator.status(status);
    }
}

impl OnWatermark for OperatorTask {
    fn on_watermark(&mut self, at: EventTime, out: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        let mut result = Chunk::default();
        let said = self.operator.on_watermark(at, &mut result)?;
        self.send(result, out)?;
        Ok(said)
    }
}

impl Stateful for OperatorTask {
    fn snapshot(&mut self, id: u64) -> Frozen {
        let state = self.operator.snapshot(id);
        match self.operator.table() {
            Some(_) => state.and(self.outputs.frozen_readers()),
            None => state,
        }
    }

    fn on_checkpoint_complete(&mut self, id: u64) {
        self.operator.on_checkpoint_complete(id);
    }

    fn restore(&mut self, mut parts: Vec<Part>) -> Outcome {
        parts.retain(|part| part.name != READERS);
        self.operator.restore(parts)
    }
}
