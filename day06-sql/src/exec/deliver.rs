//! The end of a query: its changes are printed, put into a view, or dropped.
//!
//! Files and topics are not here: they get each row exactly once, by the sink of day 5. A line on a screen cannot be taken
//! back, so after a crash it may be there twice; a view is state and goes back with the job.

use std::io::Write;
use std::time::Duration;

use day01_consumer::Error as InputError;
use day02_state::operator::{Input, Operator, Out, Outcome, Turn};
use day02_state::state::{Frozen, Part, Stateful};
use day02_state::status::Status;
use day03_windows::time::EventTime;
use day04_watermarks::operator::OnWatermark;
use day04_watermarks::watermark::Watermark;

use crate::chunk::Chunk;
use crate::format::print::Printer;
use crate::keyed::KeyedChunk;
use crate::view::View;

/// Where changes are delivered to.
pub enum Deliver {
    /// Each as a line.
    Print(Printer, Box<dyn Write + Send>),
    /// Into a view.
    View(View),
    /// Nowhere.
    Blackhole,
}

impl Deliver {
    fn take(&mut self, chunk: &Chunk) -> Outcome {
        match self {
            Deliver::Print(printer, out) => {
                let mut lines = Vec::new();
                for row in 0..chunk.rows {
                    printer.write(chunk, row, &mut lines);
                    lines.push(b'\n');
                }
                out.write_all(&lines).map_err(InputError::Output)?;
                out.flush().map_err(InputError::Output)?;
                Ok(())
            }
            Deliver::View(view) => view.apply(chunk),
            Deliver::Blackhole => Ok(()),
        }
    }
}

impl Operator<Watermark> for Deliver {
    type In = KeyedChunk;
    type Out = ();

    fn on_data(&mut self, _: Input, rows: KeyedChunk, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        self.take(&rows.chunk)
    }

    fn on_turn(&mut self, _: Duration, _: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        Ok(Turn::Done)
    }

    fn status(&mut self, status: &mut Status) {
        status.phrases.push(match self {
            Deliver::Print(..) => "prints".to_string(),
            Deliver::View(view) => format!("the view has {} rows", view.len()),
            Deliver::Blackhole => "drops".to_string(),
        });
    }
}

impl OnWatermark for Deliver {
    fn on_watermark(&mut self, at: EventTime, _: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        Ok(at)
    }
}

impl Stateful for Deliver {
    fn snapshot(&mut self, _: u64) -> Frozen {
        match self {
            Deliver::View(view) => view.snapshot(),
            Deliver::Print(..) | Deliver::Blackhole => Frozen::new(Vec::new),
        }
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        match self {
            Deliver::View(view) => parts.iter().try_for_each(|part| view.restore(part)),
            Deliver::Print(..) | Deliver::Blackhole => Ok(()),
        }
    }
}
