//! Where rows go: said aloud, with the epoch in which they came.
//!
//! What a sink has said cannot be taken back. But whoever listens knows of each row which checkpoint covers it, and so what
//! to forget when the job goes on from an earlier one.

use std::sync::mpsc;

use day02_state::operator::{Input, Operator, Out, Outcome};
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Owner, Part, Stateful};

use super::marks::{Mark, Timed};
use super::parts::{Reader, encode};
use super::sources::{Event, key_of};

/// What has come to a sink: in which epoch, with which key.
pub type Arrival = (u64, u64, Event);

/// Says what has come. An epoch has the number of the snapshot that ends it.
pub struct Sink {
    pub epoch: u64,
    /// How many rows have come since the beginning of the job.
    pub rows: u64,
    arrivals: mpsc::Sender<Arrival>,
}

impl Sink {
    pub fn new(arrivals: mpsc::Sender<Arrival>) -> Self {
        Sink {
            epoch: 1,
            rows: 0,
            arrivals,
        }
    }
}

impl Operator for Sink {
    type In = Rows<Event>;
    type Out = ();
    type Control = Mark;

    fn on_data(&mut self, _: Input, data: Rows<Event>, _: Out<'_, Self>) -> Outcome {
        for (row, event) in data.values().iter().enumerate() {
            self.rows += 1;
            self.arrivals.send((self.epoch, key_of(data.key(row)), *event))?;
        }
        Ok(())
    }
}

impl Timed for Sink {}

impl Stateful for Sink {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.epoch = id + 1;
        let part = Part {
            name: "epoch".to_string(),
            owner: Owner::Every,
            bytes: encode([self.epoch, self.rows]),
        };
        Frozen::new(move || vec![part])
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in &parts {
            let mut reader = Reader::new(part);
            (self.epoch, self.rows) = (reader.word()?, reader.word()?);
        }
        Ok(())
    }
}
