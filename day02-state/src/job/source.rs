//! A source as a task: it reads its share of the splits, decodes, and hands on rows. On this day a row is a merchant and
//! an amount.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::str::Utf8Error;
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::decode;
use day01_consumer::job::{OnBadRecord, bad_record};
use day01_consumer::order::{BadRecord, Reason};
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Source, Split};

use super::{FromSource, NoControl, Options, Report};
use crate::operator::{Failure, How, Input, Operator, Out, Outcome, Output, Turn};
use crate::order::{Cents, Order};
use crate::outbox::Either;
use crate::rows::Rows;
use crate::state::{BadPart, Frozen, Owner, Part, Stateful};

/// The id of the sources' operator, under which its state is saved.
pub const SOURCE: &str = "source";
/// The name of its only state: the next offset to read of each split.
const POSITION: &str = "position";
/// How long a source that has found nothing waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How far a source has come.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// How many orders it has read.
    pub counted: u64,
    /// How many records it has skipped, by reason.
    pub skipped: BTreeMap<Reason, u64>,
    /// How far each split is behind its end, if that is known.
    pub lag: Vec<(String, Option<i64>)>,
    /// What has happened since the last report that a person should hear of.
    pub warnings: Vec<String>,
}

/// What a row says besides its key, read from a record.
pub trait Decode: Copy + Send + 'static {
    /// Appends the row of a record, whose payload is as [`decode::texts`] gives it.
    fn decode(payload: Option<Result<&str, Utf8Error>>, into: &mut Rows<Self>) -> Result<(), BadRecord>;
}

/// By merchant, the amount.
impl Decode for Cents {
    #[inline]
    fn decode(payload: Option<Result<&str, Utf8Error>>, into: &mut Rows<Self>) -> Result<(), BadRecord> {
        let order = Order::decode(payload)?;
        into.push(order.merchant_id.as_bytes(), order.amount);
        Ok(())
    }
}

// ANCHOR: source
/// Reads orders as rows of `V`, for workers that report `R`.
pub struct Orders<S, V, R> {
    number: usize,
    source: S,
    records: Records,
    on_bad_record: OnBadRecord,
    /// Whether it goes on from a saved position.
    restored: bool,
    save: bool,
    report_every: Option<Duration>,
    next_report: Duration,
    counted: u64,
    skipped: BTreeMap<Reason, u64>,
    sends: PhantomData<FromSource<V, R>>,
}

impl<S: Source + Send, V: Decode, R: Send> Operator for Orders<S, V, R> {
    type In = ();
    type Out = FromSource<V, R>;
    type Control = NoControl;

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self>) -> Outcome<Turn> {
        let polled = self.source.poll(&mut self.records, Duration::ZERO);
        let polled = polled.map_err(|error| self.explained(error))?;
        if polled == Polled::Ready {
            out.data(Either::Left(self.decode()?));
        }
        if self.report_every.is_some_and(|_| now >= self.next_report) {
            self.report(now, out);
        }
        Ok(match polled {
            Polled::Ready => Turn::Again,
            Polled::Idle => Turn::Wait(Some(now + LOOK_AGAIN)),
            Polled::End => Turn::Done,
        })
    }
    // ANCHOR_END: source

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self>) -> Outcome {
        Ok(())
    }

    fn on_end(&mut self, _: How, out: Out<'_, Self>) -> Outcome {
        self.report(Duration::ZERO, out);
        if self.save {
            out.data(Either::Right(vec![Report::State(
                SOURCE,
                self.snapshot(0).parts(),
            )]));
        }
        Ok(())
    }

    fn status(&self) -> String {
        format!("has read up to {}", Positions::of(self.source.splits()))
    }
}

impl<S: Source, V: Decode, R> Orders<S, V, R> {
    /// A source task that has read nothing.
    pub fn new(number: usize, source: S, options: &Options) -> Self {
        Orders {
            number,
            source,
            records: Records::new(),
            on_bad_record: options.on_bad_record,
            restored: false,
            save: options.save,
            report_every: options.report_every,
            next_report: Duration::ZERO,
            counted: 0,
            skipped: BTreeMap::new(),
            sends: PhantomData,
        }
    }

    /// Whether this split is one of its own.
    pub fn reads(&self, split: &str) -> bool {
        self.source.splits().iter().any(|own| own.name == split)
    }

    /// The source, for its splits.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// What day 1 advises where a position is out of range, another start, is no way out of a saved one.
    fn explained(&self, error: InputError) -> Failure {
        match error {
            InputError::OffsetOutOfRange {
                split,
                wanted,
                low,
                high,
                ..
            } if self.restored => format!(
                "{split}: the saved position {wanted} is out of range, available is {low} to {high}: records were deleted, \
                 or this is another input of the same name. To start anew, leave out --load"
            )
            .into(),
            error => error.into(),
        }
    }

    /// The rows of the batch in hand.
    fn decode(&mut self) -> Outcome<Rows<V>> {
        let mut rows = Rows::with_capacity(self.records.len(), 8 * self.records.len());
        for (record, text) in decode::texts(&self.records) {
            if let Err(bad) = V::decode(text, &mut rows) {
                match self.on_bad_record {
                    OnBadRecord::Fail => return Err(bad_record(&self.source, &record, bad).into()),
                    OnBadRecord::Skip => *self.skipped.entry(bad.reason).or_default() += 1,
                }
            }
        }
        self.counted += rows.len() as u64;
        Ok(rows)
    }

    fn report(&mut self, now: Duration, out: &mut dyn Output<FromSource<V, R>, NoControl>) {
        let lag = |split: &Split| (split.name.clone(), split.lag());
        let report = SourceReport {
            counted: self.counted,
            skipped: self.skipped.clone(),
            lag: self.source.splits().iter().map(lag).collect(),
            warnings: self.source.warnings().iter().map(ToString::to_string).collect(),
        };
        out.data(Either::Right(vec![Report::Source(self.number, report)]));
        self.next_report = now + self.report_every.unwrap_or_default();
    }
}

impl<S: Source, V: Decode, R> Stateful for Orders<S, V, R> {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let positions = Positions::of(self.source.splits());
        Frozen::new(move || {
            let part = |(split, offset): (&str, i64)| Part {
                name: POSITION.to_string(),
                owner: Owner::Split(split.to_string()),
                bytes: offset.to_le_bytes().to_vec(),
            };
            positions.iter().map(part).collect()
        })
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        let position = |part: &Part| {
            let offset = part.bytes.as_slice().try_into().map(i64::from_le_bytes);
            match (part.name.as_str(), &part.owner, offset) {
                (POSITION, Owner::Split(split), Ok(offset @ 0..)) => Ok((split.clone(), offset)),
                _ => Err(part.bad("not a position")),
            }
        };
        let positions = parts
            .iter()
            .map(position)
            .collect::<Result<Positions, BadPart>>()?;
        self.restored = true;
        self.source
            .seek(&positions)
            .map_err(|error| self.explained(error))
    }
}
