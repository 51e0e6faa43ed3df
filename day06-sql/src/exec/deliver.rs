//! Where changes end: in a view, on the screen, or nowhere.
//!
//! Files and topics are not here: they get each row exactly once, by the sink of day 5. A line on a screen cannot be taken
//! back, so after a crash it may be there twice; a view is state and goes back with the job.

use std::io::Write;

use day01_consumer::Error as InputError;
use day02_state::operator::Outcome;
use day02_state::state::{Frozen, Part, Stateful};
use day02_state::status::Status;

use super::Printed;
use super::operator::ChunkOperator;
use crate::chunk::Chunk;
use crate::format::print::Printer;
use crate::keyed::KeyedChunk;
use crate::plan::{Connector, Table};
use crate::view::{Materialized, View};

/// Keeps the rows of a view, shows them epoch by epoch, and passes their changes on to queries that read the view.
pub struct Materialize {
    rows: Materialized,
    view: View,
    /// The checkpoint that it goes on from; 0 if it begins.
    restored: u64,
}

impl Materialize {
    /// The rows of this view, in a job that goes on from this checkpoint (0 for none).
    pub fn new(view: View, restored: u64) -> Self {
        Materialize {
            rows: Materialized::new(view.fields()),
            view,
            restored,
        }
    }
}

impl ChunkOperator for Materialize {
    fn on_start(&mut self, _: &mut Chunk) -> Outcome {
        self.view.publish(self.restored, self.rows.freeze());
        Ok(())
    }

    fn on_chunk(&mut self, _: usize, rows: KeyedChunk, out: &mut Chunk) -> Outcome {
        self.rows.apply(&rows.chunk)?;
        if self.view.is_shown_at_once() {
            self.view.publish(0, self.rows.freeze());
        }
        out.append(rows.chunk);
        Ok(())
    }

    fn table(&self) -> Option<&Materialized> {
        Some(&self.rows)
    }

    fn status(&mut self, status: &mut Status) {
        status
            .phrases
            .push(format!("the view has {} rows", self.rows.len()));
    }
}

/// A barrier ends an epoch: what the view is then, is what is shown.
impl Stateful for Materialize {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.view.publish(id, self.rows.freeze());
        self.rows.snapshot()
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        parts.iter().try_for_each(|part| self.rows.restore(part))
    }
}

/// What takes the rows of a table that keeps nothing.
pub fn end(table: &Table, printed: &Printed) -> Box<dyn ChunkOperator> {
    match &table.connector {
        Connector::Print { identifier } => {
            let printer = Printer::new(identifier.as_deref());
            Box::new(Print(printer, printed.clone()))
        }
        _ => Box::new(Blackhole),
    }
}

/// Writes each change as a line.
pub struct Print<W>(pub Printer, pub W);

impl<W: Write + Send> ChunkOperator for Print<W> {
    fn on_chunk(&mut self, _: usize, rows: KeyedChunk, _: &mut Chunk) -> Outcome {
        let Print(printer, out) = self;
        let mut lines = Vec::new();
        for row in 0..rows.chunk.rows {
            printer.write(&rows.chunk, row, &mut lines);
            lines.push(b'\n');
        }
        out.write_all(&lines).map_err(InputError::Output)?;
        out.flush().map_err(InputError::Output)?;
        Ok(())
    }

    fn status(&mut self, status: &mut Status) {
        status.phrases.push("prints".to_string());
    }
}

/// Drops everything.
pub struct Blackhole;

impl ChunkOperator for Blackhole {
    fn on_chunk(&mut self, _: usize, _: KeyedChunk, _: &mut Chunk) -> Outcome {
        Ok(())
    }

    fn status(&mut self, status: &mut Status) {
        status.phrases.push("drops".to_string());
    }
}

/// Neither keeps anything.
macro_rules! without_state {
    ($(($($parameters:tt)*) $operator:ty),*) => {$(
        impl<$($parameters)*> Stateful for $operator {
            fn snapshot(&mut self, _: u64) -> Frozen {
                Frozen::new(Vec::new)
            }

            fn restore(&mut self, _: Vec<Part>) -> Outcome {
                Ok(())
            }
        }
    )*};
}

without_state!((W) Print<W>, () Blackhole);
