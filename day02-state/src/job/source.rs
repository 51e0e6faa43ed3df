//! A source as a task: it reads its share of the splits, and hands on the rows that a [`Reader`] makes of the records. On
//! this day a row is a merchant and an amount.

use std::collections::BTreeMap;
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::decode;
use day01_consumer::job::{OnBadRecord, bad_record};
use day01_consumer::order::Reason;
use day01_consumer::records::Records;
use day01_consumer::source::{Identity, Polled, Positions, Source, Split};

use super::{Options, Reader, Refused, SavedState};
use crate::operator::{EndReason, Failure, Input, Operator, Out, Outcome, Turn};
use crate::state::{BadPart, Frozen, Owner, Part, Stateful};
use crate::status::Status;

/// The id of the sources' operator, under which its state is saved.
pub const SOURCE: &str = "source";
/// The name of its first state: the next offset to read of each split.
pub(crate) const POSITION: &str = "position";
/// The name of its second one: what the split was in which that offset means something.
const IDENTITY: &str = "identity";
/// How long a source that has found nothing waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

// ANCHOR: source
/// Reads records and hands on what its reader makes of them.
pub struct SourceTask<S, R> {
    source: S,
    reader: R,
    records: Records,
    on_bad_record: OnBadRecord,
    started: bool,
    /// Whether it goes on from a saved position.
    restored: bool,
    saved: Option<SavedState>,
    /// How a person starts without saved positions.
    start_anew: &'static str,
    counted: u64,
    skipped: BTreeMap<Reason, u64>,
}

impl<S: Source + Send, R: Reader> Operator<R::Control> for SourceTask<S, R> {
    type In = ();
    type Out = R::Rows;

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, R::Control>) -> Outcome<Turn> {
        if !self.started {
            self.started = true;
            self.reader
                .start(self.source.splits(), self.source.is_bounded())
                .into_iter()
                .for_each(|control| out.control_with_rows(control));
        }
        if let Some(paused) = self.reader.pauses(self.source.splits()) {
            self.source.pause(paused)?;
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
        Ok(match polled {
            Polled::Ready => Turn::Again,
            Polled::Idle => Turn::Wait(Some(now + LOOK_AGAIN)),
            Polled::End => Turn::Done,
        })
    }
    // ANCHOR_END: source

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, R::Control>) -> Outcome {
        Ok(())
    }

    fn on_end(&mut self, _: EndReason, _: Out<'_, Self::Out, R::Control>) -> Outcome {
        if let Some(saved) = self.saved.clone() {
            saved.add(SOURCE, self.snapshot(0).parts());
        }
        Ok(())
    }

    fn status(&mut self, status: &mut Status) {
        let splits = self.source.splits();
        status
            .phrases
            .push(format!("has read up to {}", Positions::of(splits)));
        status.explanation = self.reader.status(splits);
        status.phrases.extend(status.explanation.clone());
        status.details = self.reader.details(splits);
        status.counted = self.counted;
        status.skipped = self.skipped.clone();
        let lag = |split: &Split| (split.name.clone(), split.lag());
        status.lag = splits.iter().map(lag).collect();
        status.warnings = self.source.warnings().iter().map(ToString::to_string).collect();
        self.reader.report(status);
    }
}

impl<S: Source, R: Reader> SourceTask<S, R> {
    /// A source task that has read nothing.
    pub fn new(source: S, reader: R, options: &Options) -> Self {
        SourceTask {
            source,
            reader,
            records: Records::new(),
            on_bad_record: options.on_bad_record,
            started: false,
            restored: false,
            saved: options.save.clone(),
            start_anew: "leave out --load",
            counted: 0,
            skipped: BTreeMap::new(),
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
                "{split}: the saved position {wanted} is out of range, available is {low} to {high}: records were \
                 deleted, or this is another input of the same name. To start anew, {anew}"
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
    fn read(&mut self, out: Out<'_, R::Rows, R::Control>) -> Outcome {
        self.reader.expect(self.records.len());
        let mut told = Vec::new();
        for (record, text) in decode::texts(&self.records) {
            match (self.reader.read(&record, text), self.on_bad_record) {
                (Ok(None), _) => self.counted += 1,
                (Ok(Some(control)), _) => {
                    self.counted += 1;
                    out.data(self.reader.take()?);
                    out.control_with_rows(control);
                    told.append(&mut self.reader.refused());
                }
                (Err(bad), OnBadRecord::Fail) => return Err(bad_record(&self.source, &record, bad).into()),
                (Err(bad), OnBadRecord::Skip) => *self.skipped.entry(bad.reason).or_default() += 1,
            }
        }
        out.data(self.reader.take()?);
        told.append(&mut self.reader.refused());
        told.into_iter().try_for_each(|refused| self.refuse(refused))
    }

    /// A record of the batch in hand was taken in, and is a bad one after all.
    fn refuse(&mut self, refused: Refused) -> Outcome {
        let Refused {
            partition,
            offset,
            bad,
        } = refused;
        let mut records = self.records.iter();
        let record = records.find(|record| (record.partition, record.offset) == (partition, offset));
        match (record, self.on_bad_record) {
            (Some(record), OnBadRecord::Fail) => Err(bad_record(&self.source, &record, bad).into()),
            _ => {
                self.counted = self.counted.saturating_sub(1);
                *self.skipped.entry(bad.reason).or_default() += 1;
                Ok(())
            }
        }
    }
}

impl<S: Source, R: Reader> Stateful for SourceTask<S, R> {
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
