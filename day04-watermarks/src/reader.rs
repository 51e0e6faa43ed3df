//! What a source of this day makes of its records: rows with their times, and watermarks between them.
//!
//! A batch of rows ends wherever the watermark of the source moves, and the watermark goes behind it. So what a row finds
//! when it arrives depends on the rows before it alone: not on how many records a poll brought, and not on how fast
//! anybody was.

use std::time::Duration;

use day01_consumer::decode::Payload;
use day01_consumer::order::{BadRecord, MAX_KEY};
use day01_consumer::records::Record;
use day01_consumer::source::Split;
use day02_state::job::{Decode, Reader};
use day02_state::operator::{Batch, Outcome};
use day02_state::rows::Rows;
use day02_state::state::Part;
use day03_windows::time::{EventTime, Stamped};

use crate::alignment::Alignment;
use crate::splits::{SplitWatermarks, Strategy};
use crate::watermark::Watermark;

/// Reads rows of `V` with their times.
#[derive(Debug)]
pub struct TimestampReader<V> {
    rows: Rows<Stamped<V>>,
    watermarks: SplitWatermarks,
    max_key: usize,
}

impl<V> TimestampReader<V> {
    /// Has read nothing.
    pub fn new(strategy: Strategy, alignment: Option<Alignment>) -> Self {
        TimestampReader {
            rows: Rows::new(),
            watermarks: SplitWatermarks::new(strategy).aligned(alignment),
            max_key: MAX_KEY,
        }
    }

    /// The same, for keys of at most so many bytes.
    pub fn with_max_key(self, bytes: usize) -> Self {
        TimestampReader {
            max_key: bytes,
            ..self
        }
    }
}

impl<V> TimestampReader<V>
where
    Stamped<V>: Decode,
{
    #[inline]
    fn read_row(
        &mut self,
        record: &Record<'_>,
        payload: Payload<'_>,
    ) -> Result<Option<Watermark>, BadRecord> {
        Stamped::<V>::decode(payload, self.max_key, &mut self.rows)?;
        let Some(ts) = self.rows.values().last().map(|row| row.ts) else {
            return Ok(None);
        };
        let written = record.timestamp.map(|written| EventTime(written.millis()));
        if let Err(bad) = self.watermarks.check(record.partition, ts, written) {
            self.rows.pop();
            return Err(bad);
        }
        Ok(self.watermarks.on_row(record.partition, ts))
    }
}

// ANCHOR: reader
impl<V: Copy + Send + 'static> Reader for TimestampReader<V>
where
    Stamped<V>: Decode,
{
    type Rows = Rows<Stamped<V>>;
    type Control = Watermark;

    #[inline]
    fn read(&mut self, record: &Record<'_>, payload: Payload<'_>) -> Result<Option<Watermark>, BadRecord> {
        let read = self.read_row(record, payload);
        if read.is_err() {
            self.watermarks.on_bad_record(record.partition);
        }
        read
    }

    fn take(&mut self) -> Outcome<Rows<Stamped<V>>> {
        Ok(Batch::take(&mut self.rows))
    }
    // ANCHOR_END: reader

    fn start(&mut self, splits: &[Split], is_bounded: bool) -> Vec<Watermark> {
        self.watermarks.set_bounded(is_bounded);
        self.watermarks.on_start(splits)
    }

    fn on_idle_poll(&mut self, now: Duration, splits: &[Split]) -> Vec<Watermark> {
        self.watermarks.on_look(now, splits)
    }

    fn pauses(&mut self, splits: &[Split]) -> Option<&[i32]> {
        self.watermarks.on_splits(splits)
    }

    fn drain(&mut self) -> Vec<Watermark> {
        self.watermarks.on_drained();
        vec![Watermark::At(EventTime::MAX)]
    }

    fn status(&self, splits: &[Split]) -> Option<String> {
        Some(self.watermarks.status(splits))
    }

    fn details(&self, splits: &[Split]) -> Vec<String> {
        let statuses = self.watermarks.statuses(splits);
        statuses.iter().map(ToString::to_string).collect()
    }

    fn parts(&self, splits: &[Split]) -> Vec<Part> {
        self.watermarks.parts(splits)
    }

    fn restore(&mut self, part: &Part, splits: &[Split]) -> Outcome {
        self.watermarks.restore(part, splits)
    }
}
