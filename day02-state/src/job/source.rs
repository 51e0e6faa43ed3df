//! A source as a task: it reads its share of the splits, and hands on the rows that a [`Reader`] makes of the records. On
//! this day a row is a merchant and an amount.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::decode;
use day01_consumer::job::{OnBadRecord, bad_record};
use day01_consumer::order::Reason;
use day01_consumer::records::Records;
use day01_consumer::source::{Identity, Polled, Positions, Source, Split};

use super::{FromSource, Options, Reader, Report};
use crate::operator::{EndReason, Failure, Input, Operator, Out, Outcome, Output, Turn};
use crate::outbox::Either;
use crate::state::{BadPart, Frozen, Owner, Part, Stateful};

/// The id of the sources' operator, under which its state is saved.
pub const SOURCE: &str = "source";
/// The name of its first state: the next offset to read of each split.
pub(crate) const POSITION: &str = "position";
/// The name of its second one: what the split was in which that offset means something.
const IDENTITY: &str = "identity";
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
    /// Why nothing comes out, if it does not.
    pub status: Option<String>,
}

// ANCHOR: source
/// Reads records and hands on what its reader makes of them, for workers that report `R`.
pub struct Orders<S, D, R> {
    number: usize,
    source: S,
    reader: D,
    records: Records,
    on_bad_record: OnBadRecord,
    started: bool,
    /// Whether it goes on from a saved position.
    restored: bool,
    /// How a person starts without saved positions.
    start_anew: &'static str,
    save: bool,
    report_every: Option<Duration>,
    next_report: Duration,
    counted: u64,
    skipped: BTreeMap<Reason, u64>,
    reports: PhantomData<fn() -> R>,
}

impl<S: Source + Send, D: Reader, R: Send> Operator<D::Control> for Orders<S, D, R> {
    type In = ();
    type Out = FromSource<D, R>;

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, D::Control>) -> Outcome<Turn> {
        if !self.started {
            self.started = true;
            self.reader
                .start(self.source.splits())
                .into_iter()
                .for_each(|control| out.control_with_rows(control));
        }
        let polled = self.source.poll(&mut self.records, Duration::ZERO);
        let polled = polled.map_err(|error| self.explained(error))?;
        if polled == Polled::Ready {
            self.read(out)?;
        }
        let control = match polled {
            Polled::Ready | Polled::Idle => self.reader.on_idle_poll(now, self.source.splits()),
            Polled::End => self.reader.drain(),
        };
        control
            .into_iter()
            .for_each(|control| out.control_with_rows(control));
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

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, D::Control>) -> Outcome {
        Ok(())
    }

    fn on_end(&mut self, _: EndReason, out: Out<'_, Self::Out, D::Control>) -> Outcome {
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
        let positions = Positions::of(self.source.splits());
        match self.reader.status(self.source.splits()) {
            Some(status) => format!("has read up to {positions}; {status}"),
            None => format!("has read up to {positions}"),
        }
    }
}

impl<S: Source, D: Reader, R> Orders<S, D, R> {
    /// A source task that has read nothing.
    pub fn new(number: usize, source: S, reader: D, options: &Options) -> Self {
        Orders {
            number,
            source,
            reader,
            records: Records::new(),
            on_bad_record: options.on_bad_record,
            started: false,
            restored: false,
            start_anew: "leave out --load",
            save: options.save,
            report_every: options.report_every,
            next_report: Duration::ZERO,
            counted: 0,
            skipped: BTreeMap::new(),
            reports: PhantomData,
        }
    }

    /// Says in errors that a person starts anew in this way, not by leaving out `--load`.
    pub fn with_start_anew(mut self, start_anew: &'static str) -> Self {
        self.start_anew = start_anew;
        self
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
        let anew = self.start_anew;
        match error {
            InputError::OffsetOutOfRange {
                split,
                wanted,
                low,
                high,
                ..
            } if self.restored => format!(
                "{split}: the saved position {wanted} is out of range, available is {low} to {high}: records were deleted, \
                 or this is another input of the same name. To start anew, {anew}"
            )
            .into(),
            InputError::OtherInput { .. } => format!(
                "{error}. Bring back what was there, or to start anew, {anew}"
            )
            .into(),
            InputError::TopicRecreated { .. } => format!("{error}. To start anew, {anew}").into(),
            error => error.into(),
        }
    }

    /// Sends what the reader makes of the batch in hand.
    fn read(&mut self, out: &mut dyn Output<FromSource<D, R>, D::Control>) -> Outcome {
        self.reader.expect(self.records.len());
        for (record, text) in decode::texts(&self.records) {
            match (self.reader.read(&record, text), self.on_bad_record) {
                (Ok(None), _) => self.counted += 1,
                (Ok(Some(control)), _) => {
                    self.counted += 1;
                    out.data(Either::Left(self.reader.take()?));
                    out.control_with_rows(control);
                }
                (Err(bad), OnBadRecord::Fail) => return Err(bad_record(&self.source, &record, bad).into()),
                (Err(bad), OnBadRecord::Skip) => *self.skipped.entry(bad.reason).or_default() += 1,
            }
        }
        out.data(Either::Left(self.reader.take()?));
        Ok(())
    }

    fn report(&mut self, now: Duration, out: &mut dyn Output<FromSource<D, R>, D::Control>) {
        let lag = |split: &Split| (split.name.clone(), split.lag());
        let report = SourceReport {
            counted: self.counted,
            skipped: self.skipped.clone(),
            lag: self.source.splits().iter().map(lag).collect(),
            warnings: self.source.warnings().iter().map(ToString::to_string).collect(),
            status: self.reader.status(self.source.splits()),
        };
        out.data(Either::Right(vec![Report::Source(self.number, report)]));
        self.next_report = now + self.report_every.unwrap_or_default();
    }
}

impl<S: Source, D: Reader, R> Stateful for Orders<S, D, R> {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let splits = self.source.splits();
        let mut parts = self.reader.parts(splits);
        for split in splits {
            let part = |name: &str, bytes| Part {
                name: name.to_string(),
                owner: Owner::Split(split.name.clone()),
                bytes,
            };
            parts.push(part(POSITION, split.position.to_le_bytes().to_vec()));
            parts.extend(
                split
                    .identity
                    .as_ref()
                    .map(|is| part(IDENTITY, encode_identity(is))),
            );
        }
        Frozen::new(move || parts)
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        let (positions, parts): (Vec<Part>, Vec<Part>) =
            parts.into_iter().partition(|part| part.name == POSITION);
        let (identities, parts): (Vec<Part>, Vec<Part>) =
            parts.into_iter().partition(|part| part.name == IDENTITY);
        let position = |part: &Part| {
            let offset = part.bytes.as_slice().try_into().map(i64::from_le_bytes);
            match (&part.owner, offset) {
                (Owner::Split(split), Ok(offset @ 0..)) => Ok((split.clone(), offset)),
                _ => Err(part.bad("not a position")),
            }
        };
        let positions = positions
            .iter()
            .map(position)
            .collect::<Result<Positions, BadPart>>()?;
        self.restored = true;
        for part in identities {
            let (Owner::Split(split), Some(saved)) = (&part.owner, decode_identity(&part.bytes)) else {
                return Err(part.bad("not an identity").into());
            };
            self.source
                .check_identity(split, &saved)
                .map_err(|error| self.explained(error))?;
        }
        self.source
            .seek(&positions)
            .map_err(|error| self.explained(error))?;
        parts
            .iter()
            .try_for_each(|part| self.reader.restore(part, self.source.splits()))
    }
}

/// How many bytes tell the split from others, 4 bytes, little-endian; these bytes; and the same in words.
fn encode_identity(identity: &Identity) -> Vec<u8> {
    let bytes = &identity.bytes;
    [
        &(bytes.len() as u32).to_le_bytes(),
        &bytes[..],
        identity.words.as_bytes(),
    ]
    .concat()
}

fn decode_identity(from: &[u8]) -> Option<Identity> {
    let (length, rest) = from.split_first_chunk()?;
    let (bytes, words) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some(Identity {
        bytes: bytes.to_vec(),
        words: String::from_utf8(words.to_vec()).ok()?,
    })
}
