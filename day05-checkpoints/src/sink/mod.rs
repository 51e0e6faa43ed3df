//! The sink of a job: where its rows leave it, each exactly once.
//!
//! It keeps the rows of an epoch until the checkpoint that holds them is durable, and only then hands them to its target.
//! After a crash it finds them in the checkpoint and asks the target which epochs are out.
//!
//! ```text
//!   rows ─► format ─► pending ─ durable ─► target
//!                        │ in each checkpoint until it is out
//! ```
//!
//! What is seen outside is therefore late by one checkpoint. That is the price of exactly once, in every engine.
//! Left out: two-phase commit in the target itself, as Flink's Kafka sink does it. librdkafka cannot take up a transaction
//! that another process has prepared, so the rows wait with us instead.

pub mod background;
pub mod encoded;
pub mod files;
pub mod kafka;
pub mod pending;
pub mod postgres;
pub mod target;
pub mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use day02_state::operator::{Batch, Input, Operator, Out, Outcome, Turn};
use day02_state::runtime::Stop;
use day02_state::state::{Frozen, Owner, Part, Stateful};
use day02_state::status::{Gauge, OverTasks, Status};
use day03_windows::time::EventTime;
use day04_watermarks::operator::OnWatermark;
use day04_watermarks::watermark::Watermark;

use crate::atomic_file::{digits, from_digits};
use encoded::{Encoded, Rows};
use pending::Pending;
use target::{LastPublished, Published, Target};
use waiting::{Patience, Waiting};

/// The part of a snapshot that says which epoch is out.
const OUT: &str = "out";
/// What the name of an epoch begins with among the parts of a snapshot.
const EPOCH: &str = "epoch-";

/// How many bytes sinks hold that are not out.
pub const UNPUBLISHED: Gauge = Gauge {
    name: "unpublished_bytes",
    over_tasks: OverTasks::Sum,
};

/// How long it took to publish the last epoch, from the first request until it was out.
pub const COMMIT_MILLIS: Gauge = Gauge {
    name: "commit_ms",
    over_tasks: OverTasks::Max,
};

/// How long a job that was asked to stop goes on publishing. What is not out by then is in the last checkpoint.
const ENDS_WITHIN: Duration = Duration::from_millis(500);

/// How rows become bytes.
pub trait Format: Send {
    /// What comes.
    type In: Send;
    /// What goes on to those behind the sink, who only watch.
    type Out: Batch;

    /// Appends rows as bytes; returns what goes on.
    fn encode(&mut self, data: Self::In, rows: &mut Encoded) -> Outcome<Self::Out>;
}

/// How a sink goes about it.
pub struct SinkOptions {
    /// How many bytes it may hold unpublished before it refuses input (see [`pending`]).
    pub buffer: usize,
    /// By what it hears that the job was asked to stop: then it takes what is left in the channels, and does not wait for
    /// its target any more.
    pub stop: Stop,
}

impl Default for SinkOptions {
    fn default() -> Self {
        SinkOptions {
            buffer: 64 << 20,
            stop: Stop::new(),
        }
    }
}

/// A sink that publishes each row exactly once.
pub struct Sink<F, T> {
    format: F,
    target: T,
    options: SinkOptions,
    pending: Pending,
    question: Question,
    patience: Patience,
    /// What no person has heard yet.
    warnings: Vec<String>,
    /// Until when it goes on publishing, once the job was asked to stop.
    ends: Option<Duration>,
    /// When it began to publish the epoch under way, and how long the last one took.
    commit: (Option<Duration>, Duration),
}

/// The question which epochs are out.
enum Question {
    /// The target was not asked.
    Open,
    /// It was asked about these.
    Asked(Vec<u64>),
    /// It has answered.
    Answered,
}

impl<F, T: Target> Sink<F, T> {
    /// A sink that has published nothing.
    pub fn new(format: F, target: T, options: SinkOptions) -> Self {
        Sink {
            format,
            target,
            options,
            pending: Pending::default(),
            question: Question::Open,
            patience: Patience::default(),
            warnings: Vec::new(),
            ends: None,
            commit: (None, Duration::ZERO),
        }
    }

    // ANCHOR: publish
    /// Takes one step of publishing, if there is something to be published.
    fn step(&mut self, now: Duration) -> Outcome<Option<Published>> {
        if let Question::Open = self.question {
            self.question = Question::Asked(self.pending.epochs());
        }
        if let Question::Asked(epochs) = &self.question {
            match self.target.last_out(epochs)? {
                LastPublished::Pending => return Ok(Some(Published::Pending)),
                LastPublished::UpTo(epoch) => self.pending.is_out(epoch),
                LastPublished::Unknown(why) => return Err(why.into()),
            }
            self.question = Question::Answered;
            self.warnings.extend(self.target.take_warning());
        }
        let Some((epoch, rows)) = self.pending.to_publish() else {
            return Ok(None);
        };
        let since = *self.commit.0.get_or_insert(now);
        let (epoch, published) = (*epoch, self.target.publish(*epoch, rows)?);
        if published == Published::Done {
            self.pending.is_out(epoch);
            self.commit = (None, now - since);
        }
        Ok(Some(published))
    }
    // ANCHOR_END: publish

    /// The target is pending.
    fn waits(&mut self, now: Duration) -> Turn {
        if self.options.stop.is_asked() && now >= *self.ends.get_or_insert(now + ENDS_WITHIN) {
            return Turn::Done;
        }
        let again = self.patience.pending(now);
        let news = self.waiting().and_then(|waiting| self.patience.news(waiting));
        self.warnings.extend(news);
        Turn::Wait(Some(again))
    }

    fn waiting(&self) -> Option<Waiting> {
        Some(Waiting {
            waited: self.patience.waited()?,
            target: self.target.describe(),
            unpublished: self.pending.bytes(),
            refuses: self.refuses(),
        })
    }

    /// A job that stops takes no rows from its sources any more, so what is left in its channels is little.
    fn refuses(&self) -> bool {
        self.pending.can_wait(self.options.buffer) && !self.options.stop.is_asked()
    }
}

impl<F: Format, T: Target> Operator<Watermark> for Sink<F, T> {
    type In = F::In;
    type Out = F::Out;

    fn on_data(&mut self, _: Input, data: F::In, out: Out<'_, Self::Out, Watermark>) -> Outcome {
        out.data(self.format.encode(data, self.pending.rows())?);
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, Watermark>) -> Outcome<Turn> {
        let step = self.step(now)?;
        if step == Some(Published::Pending) {
            return Ok(self.waits(now));
        }
        let news = self.patience.answered(now);
        self.warnings.extend(news);
        Ok(match step {
            None => Turn::Done,
            Some(_) => Turn::Again,
        })
    }

    /// Beside the aligner, the sink is the only one that refuses input, and only while it needs none to go on.
    fn accepts(&self, _: usize) -> bool {
        !self.refuses()
    }

    fn status(&mut self, status: &mut Status) {
        status.warnings.append(&mut self.warnings);
        let unpublished = i64::try_from(self.pending.bytes()).unwrap_or(i64::MAX);
        let commit = i64::try_from(self.commit.1.as_millis()).unwrap_or(i64::MAX);
        status
            .gauges
            .extend([(UNPUBLISHED, unpublished), (COMMIT_MILLIS, commit)]);
        if let Some(waiting) = self.waiting().filter(|waiting| !waiting.waited.is_zero()) {
            status.phrases.push(waiting.to_string());
            status.explanation = Some(waiting.to_string());
            return;
        }
        let waiting: usize = self.pending.sealed().map(|(_, rows)| rows.len()).sum();
        let (target, out) = (self.target.describe(), self.pending.last_out());
        status.phrases.push(format!(
            "epoch {out} is out to {target}, {waiting} rows wait for theirs"
        ));
    }
}

/// Rows are published by epoch, whatever their time.
impl<F: Format, T: Target> OnWatermark for Sink<F, T> {
    fn on_watermark(&mut self, at: EventTime, _: Out<'_, Self::Out, Watermark>) -> Outcome<EventTime> {
        Ok(at)
    }
}

impl<F: Send, T: Target> Stateful for Sink<F, T> {
    /// Each piece of an epoch is a part of its own, whose name and bytes stay the same in every snapshot that holds it.
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.pending.seal(id);
        let out = self.pending.last_out().to_le_bytes().to_vec();
        let part = |name, bytes| Part {
            name,
            owner: Owner::First,
            bytes,
        };
        let frozen = Frozen::new(move || vec![part(OUT.to_string(), out)]);
        self.pending.sealed().fold(frozen, |frozen, (epoch, rows)| {
            // An epoch without rows is an epoch too.
            let nothing = rows.is_empty().then(Arc::default);
            let (epoch, pieces) = (digits(*epoch), rows.pieces().chain(nothing));
            let parts = pieces.zip(0_u64..).map(move |(piece, number)| {
                let name = format!("{EPOCH}{epoch}-{}", digits(number));
                Frozen::new(move || vec![part(name, piece.encode())])
            });
            parts.fold(frozen, Frozen::and)
        })
    }

    fn on_checkpoint_complete(&mut self, id: u64) {
        self.pending.durable(id);
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        let (mut out, mut pieces) = (0, BTreeMap::new());
        for part in parts {
            let bad = part.bad("these are no rows of a sink");
            let numbers = part
                .name
                .strip_prefix(EPOCH)
                .and_then(|name| name.split_once('-'));
            let numbers = numbers.and_then(|(epoch, piece)| from_digits(epoch).zip(from_digits(piece)));
            match (part.name.as_str(), numbers) {
                (OUT, None) => out = u64::from_le_bytes(part.bytes.try_into().map_err(|_| bad)?),
                (_, Some(numbers)) => _ = pieces.insert(numbers, Encoded::decode(part.bytes).ok_or(bad)?),
                _ => return Err(bad.into()),
            }
        }
        let mut sealed: BTreeMap<u64, Rows> = BTreeMap::new();
        for ((epoch, _), piece) in pieces {
            sealed.entry(epoch).or_default().push(piece);
        }
        self.pending = Pending::restored(out, sealed.into_iter().collect());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
