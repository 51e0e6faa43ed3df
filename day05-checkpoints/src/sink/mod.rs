//! The sink of a job: where its rows leave it, each exactly once.
//!
//! It keeps the rows of an epoch until the checkpoint that holds them is durable, and only then hands them to its target.
//! After a crash it finds them in the checkpoint and asks the target which epochs are out.
//!
//! ```text
//!   rows ─► format ─► pending ─ durable ─► target
//!                        │ saved with each checkpoint until it is out
//! ```
//!
//! What is seen outside is therefore late by one checkpoint. That is the price of exactly once, in every engine.
//! Left out: two-phase commit in the target itself, as Flink's Kafka sink does it. librdkafka cannot take up a transaction
//! that another process has prepared, so the rows wait with us instead.

pub mod encoded;
pub mod files;
pub mod kafka;
pub mod pending;
pub mod target;

use std::time::Duration;

use day02_state::operator::{Batch, Input, Operator, Out, Outcome, Turn};
use day02_state::state::{Frozen, Owner, Part, Stateful};
use day02_state::status::Status;
use day03_windows::time::EventTime;
use day04_watermarks::operator::OnWatermark;
use day04_watermarks::watermark::Watermark;

use encoded::Encoded;
use pending::Pending;
use target::{LastPublished, Published, Target};

/// The name of the rows among the parts of a snapshot.
const PENDING: &str = "pending";

/// How rows become bytes.
pub trait Format: Send {
    /// What comes.
    type In: Send;
    /// What goes on to those behind the sink, who only watch.
    type Out: Batch;

    /// Appends rows as bytes; returns what goes on.
    fn encode(&mut self, data: Self::In, rows: &mut Encoded) -> Outcome<Self::Out>;
}

/// A sink that publishes each row exactly once.
pub struct Sink<F, T> {
    format: F,
    target: T,
    pending: Pending,
    /// Whether the target has been asked what is out.
    asked: bool,
}

impl<F, T> Sink<F, T> {
    /// A sink that has published nothing.
    pub fn new(format: F, target: T) -> Self {
        Sink {
            format,
            target,
            pending: Pending::default(),
            asked: false,
        }
    }
}

impl<F: Format, T: Target> Operator<Watermark> for Sink<F, T> {
    type In = F::In;
    type Out = F::Out;

    fn on_data(&mut self, _: Input, data: F::In, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        out.data(self.format.encode(data, self.pending.rows())?);
        Ok(())
    }

    // ANCHOR: publish
    /// Takes one step of publishing, if there is something to be published.
    fn on_turn(&mut self, _: Duration, _: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        if !self.asked {
            match self.target.last_out(&self.pending.epochs())? {
                LastPublished::UpTo(epoch) => self.pending.is_out(epoch),
                LastPublished::Unknown(why) => return Err(why.into()),
            }
            self.asked = true;
        }
        let Some((epoch, rows)) = self.pending.to_publish() else {
            return Ok(Turn::Done);
        };
        if self.target.publish(epoch, rows)? == Published::Done {
            self.pending.is_out(epoch);
        }
        Ok(Turn::Again)
    }
    // ANCHOR_END: publish

    fn status(&mut self, status: &mut Status) {
        let waiting: usize = self.pending.sealed().map(|(_, rows)| rows.len()).sum();
        let (target, out) = (self.target.describe(), self.pending.last_out());
        status.phrases.push(format!(
            "epoch {out} is out to {target}, {waiting} rows wait for theirs"
        ));
    }
}

/// Rows are published by epoch, whatever their time.
impl<F: Format, T: Target> OnWatermark for Sink<F, T> {
    fn on_watermark(&mut self, _: EventTime, _: Out<'_, Self::Out, Watermark>) -> Outcome {
        Ok(())
    }
}

impl<F: Send, T: Target> Stateful for Sink<F, T> {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.pending.seal(id);
        let (out, sealed) = (self.pending.last_out(), self.pending.sealed());
        let sealed: Vec<(u64, Encoded)> = sealed.map(|(epoch, rows)| (epoch, rows.clone())).collect();
        Frozen::new(move || {
            let mut bytes = out.to_le_bytes().to_vec();
            for (epoch, rows) in &sealed {
                bytes.extend(epoch.to_le_bytes());
                rows.encode(&mut bytes);
            }
            vec![Part {
                name: PENDING.to_string(),
                owner: Owner::First,
                bytes,
            }]
        })
    }

    fn on_checkpoint_complete(&mut self, id: u64) {
        self.pending.durable(id);
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in &parts {
            self.pending = read(part).ok_or_else(|| part.bad("these are no rows of a sink"))?;
        }
        Ok(())
    }
}

fn read(part: &Part) -> Option<Pending> {
    let (out, mut rest) = part.bytes.split_first_chunk().filter(|_| part.name == PENDING)?;
    let mut sealed: Vec<(u64, Encoded)> = Vec::new();
    while let Some((epoch, behind)) = rest.split_first_chunk() {
        rest = behind;
        let epoch = u64::from_le_bytes(*epoch);
        if sealed.last().is_some_and(|(last, _)| *last >= epoch) {
            return None;
        }
        sealed.push((epoch, Encoded::decode(&mut rest)?));
    }
    rest.is_empty()
        .then(|| Pending::restored(u64::from_le_bytes(*out), sealed))
}
