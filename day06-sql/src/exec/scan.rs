//! A scan: records to chunks, with only the columns that some query asks for, and with watermarks between them.
//!
//! ```text
//! record ─► fields that are read ─► (event time: watermark) … chunk ─► computed columns ─► for each reader: filter, project
//!           row by row                                       column by column
//! ```
//!
//! Reading is done row by row, because that is how records come; everything behind it column by column. A chunk ends where
//! the watermark moves, and at the end of what a poll has found.

use std::time::Duration;

use day01_consumer::decode::Payload;
use day01_consumer::order::{BadRecord, Reason};
use day01_consumer::records::Record;
use day01_consumer::source::Split;
use day02_state::job::{Reader, Refused};
use day02_state::operator::Outcome;
use day02_state::state::{Owner, Part};
use day02_state::status::Status;
use day03_windows::time::EventTime;
use day04_watermarks::splits::{SplitWatermarks, Strategy};
use day04_watermarks::watermark::Watermark;

use super::identity::READERS;
use super::outputs::Outputs;
use crate::chunk::{Chunk, Column, Values};
use crate::eval::{Evaluated, RowError, evaluate, evaluate_rows};
use crate::expr::{Expr, Function, Places};
use crate::format::RowReader;
use crate::keyed::KeyedChunk;
use crate::plan::{Metadata, Table};
use crate::value::{DataType, Scalar};

/// Reads the rows of a table.
pub struct ScanReader {
    format: RowReader,
    /// What of the record is put behind the fields of its payload.
    metadata: Vec<Metadata>,
    /// The fields that are read, and then the metadata.
    rows: Chunk,
    /// How a row tells its event time, and the watermarks made of it; none if nobody asks for them.
    time: Option<(TimeOf, SplitWatermarks)>,
    /// Of each row its record: partition and offset.
    records: Vec<(i32, i64)>,
    /// The columns of the table, as they are computed of what is read, and their names.
    columns: Vec<Expr>,
    names: Vec<String>,
    outputs: Outputs,
    /// Records that are bad, as their rows have shown.
    refused: Vec<Refused>,
}

/// How the event time of a row is found.
#[derive(Debug, Clone, PartialEq)]
enum TimeOf {
    /// It is read: the column at this place.
    Column(usize),
    /// It is made of a number that is read: the column at this place, times so many milliseconds.
    Number(usize, i64),
    /// It is computed in any other way, which has to be done for each row by itself.
    Computed(Expr),
}

impl ScanReader {
    /// Reads these columns of a table for these readers.
    pub fn new(table: &Table, columns: &[usize], outputs: Outputs, strategy: Strategy) -> Self {
        let is_read = |place: &&usize| table.columns[**place].is_written();
        let is_metadata = |place: &&usize| table.columns[**place].metadata.is_some();
        let read: Vec<usize> = columns.iter().filter(is_read).copied().collect();
        let around: Vec<usize> = columns.iter().filter(is_metadata).copied().collect();
        let types = read.iter().map(|place| table.columns[*place].field.data_type);
        let metadata = around.iter().filter_map(|place| table.columns[*place].metadata);
        let metadata: Vec<Metadata> = metadata.collect();
        let types: Vec<DataType> = types
            .chain(metadata.iter().map(|what| what.data_type()))
            .collect();
        // Expressions of the table name its columns by their places in it; here they lie in another order.
        let lies_at: Places = read.iter().chain(&around).copied().zip(0..).collect();
        let column = |place: &usize| {
            let of = &table.columns[*place];
            match (&of.computed, lies_at.get(place).copied()) {
                (Some(computed), _) => computed.clone().moved(&lies_at),
                (None, Some(at)) if of.metadata.is_some() && types[at] != of.field.data_type => {
                    Expr::Cast(Box::new(Expr::Column(at, types[at])), of.field.data_type)
                }
                (None, at) => Expr::Column(at.unwrap_or_default(), of.field.data_type),
            }
        };
        let computed: Vec<Expr> = columns.iter().map(column).collect();
        let time = table.watermark.and_then(|watermark| {
            let place = columns.iter().position(|place| *place == watermark.column)?;
            let strategy = Strategy {
                delay: watermark.delay,
                ..strategy
            };
            Some((time_of(&computed[place]), SplitWatermarks::new(strategy)))
        });
        ScanReader {
            format: format_of(table, &read),
            metadata,
            rows: Chunk::of(types),
            time,
            records: Vec::new(),
            columns: computed,
            names: columns
                .iter()
                .map(|place| table.columns[*place].field.name.clone())
                .collect(),
            outputs,
            refused: Vec::new(),
        }
    }
}

/// What reads these columns of a table from payloads.
fn format_of(table: &Table, read: &[usize]) -> RowReader {
    let payload = (0..table.columns.len()).filter(|place| table.columns[*place].is_written());
    let payload: Vec<usize> = payload.collect();
    let wanted = read
        .iter()
        .filter_map(|place| payload.iter().position(|column| column == place));
    RowReader::new(table, &wanted.collect::<Vec<usize>>())
}

impl ScanReader {
    /// The columns of the table, and of each row its record. Rows of which one cannot be computed are left out.
    fn computed(&mut self, rows: Chunk, mut records: Vec<(i32, i64)>) -> Outcome<(Chunk, Vec<(i32, i64)>)> {
        let is_read = |(place, expr): (usize, &Expr)| matches!(expr, Expr::Column(of, _) if *of == place);
        if self.columns.len() == rows.columns.len() && self.columns.iter().enumerate().all(is_read) {
            return Ok((rows, records));
        }
        let Evaluated { columns, failed } = evaluate_rows(&self.columns, &rows)?;
        let mut chunk = Chunk { columns, ..rows };
        if !failed.is_empty() {
            let mut fit = vec![true; chunk.rows];
            for RowError {
                row,
                expression,
                error,
            } in failed
            {
                fit[row] = false;
                let said = format!("{}: {error}", self.names[expression]);
                self.refuse(records[row], said);
            }
            chunk = chunk.filter(&fit);
            let mut fit = fit.into_iter();
            records.retain(|_| fit.next().unwrap_or(true));
        }
        Ok((chunk, records))
    }

    fn refuse(&mut self, (partition, offset): (i32, i64), why: String) {
        let bad = BadRecord {
            detail: Some(why),
            ..BadRecord::from(Reason::Refused("an expression has no value"))
        };
        self.refused.push(Refused {
            partition,
            offset,
            bad,
        });
    }
}

fn time_of(expr: &Expr) -> TimeOf {
    match expr {
        Expr::Column(place, _) => TimeOf::Column(*place),
        Expr::Call(Function::ToTimestampLtz, args, _) => match args.as_slice() {
            [
                Expr::Column(place, DataType::BigInt),
                Expr::Literal(Scalar::Int(3), _),
            ] => TimeOf::Number(*place, 1),
            [
                Expr::Column(place, DataType::BigInt),
                Expr::Literal(Scalar::Int(0), _),
            ] => TimeOf::Number(*place, 1_000),
            _ => TimeOf::Computed(expr.clone()),
        },
        _ => TimeOf::Computed(expr.clone()),
    }
}

/// The event time of a row; none if it is NULL, or cannot be computed, which shows when the chunk is.
#[inline]
fn event_time(of: &TimeOf, rows: &Chunk, row: usize) -> Option<EventTime> {
    let there = |column: &Column| !column.is_null(row);
    match of {
        TimeOf::Column(place) => {
            let column = &rows.columns[*place];
            match &column.values {
                Values::Timestamp(times) | Values::TimestampTz(times) if there(column) => Some(times[row]),
                _ => None,
            }
        }
        TimeOf::Number(place, millis) => {
            let column = &rows.columns[*place];
            match &column.values {
                Values::BigInt(numbers) if there(column) => numbers[row]
                    .checked_mul(*millis)
                    .map(EventTime)
                    .filter(|time| time.is_on_calendar()),
                _ => None,
            }
        }
        TimeOf::Computed(expr) => match evaluate(expr, &rows.gather(&[row as u32])).ok()?.get(0) {
            Scalar::Timestamp(time) | Scalar::TimestampTz(time) => Some(time),
            _ => None,
        },
    }
}

impl Reader for ScanReader {
    type Rows = Vec<KeyedChunk>;
    type Control = Watermark;

    fn read(&mut self, record: &Record<'_>, payload: Payload<'_>) -> Result<Option<Watermark>, BadRecord> {
        let before = self.rows.rows;
        let read = self.format.read(payload, record.offset == 0, &mut self.rows);
        if let (Err(_) | Ok(None), Some((_, watermarks))) = (&read, &mut self.time) {
            watermarks.on_bad_record(record.partition);
        }
        let Some(read) = read? else {
            return Ok(None);
        };
        if !self.metadata.is_empty() {
            let from = self.rows.columns.len() - self.metadata.len();
            for (what, column) in self.metadata.iter().zip(&mut self.rows.columns[from..]) {
                (0..read).for_each(|_| what.push(record, column));
            }
        }
        let is_of = (record.partition, record.offset);
        self.records.resize(self.rows.rows, is_of);
        let Some((of, watermarks)) = &mut self.time else {
            return Ok(None);
        };
        let mut moved = None;
        for row in before..self.rows.rows {
            match event_time(of, &self.rows, row) {
                Some(ts) => moved = watermarks.on_row(record.partition, ts).or(moved),
                None => watermarks.on_bad_record(record.partition),
            }
        }
        Ok(moved)
    }

    fn take(&mut self) -> Outcome<Vec<KeyedChunk>> {
        if self.rows.rows == 0 {
            return Ok(Vec::new());
        }
        let (rows, records) = (self.rows.take(), std::mem::take(&mut self.records));
        let (chunk, records) = self.computed(rows, records)?;
        let (dealt, unfit) = self.outputs.deal_around(chunk)?;
        for (row, error) in unfit {
            self.refuse(records[row as usize], error.to_string());
        }
        Ok(dealt)
    }

    /// A record that several readers cannot use is one.
    fn refused(&mut self) -> Vec<Refused> {
        let mut refused = std::mem::take(&mut self.refused);
        refused.sort_by_key(|refused| (refused.partition, refused.offset));
        refused.dedup_by_key(|refused| (refused.partition, refused.offset));
        refused
    }

    fn start(&mut self, splits: &[Split], is_bounded: bool) -> Vec<Watermark> {
        let watermarks = self.time.as_mut().map(|(_, watermarks)| {
            watermarks.set_bounded(is_bounded);
            watermarks.on_start(splits)
        });
        watermarks.unwrap_or_default()
    }

    fn on_idle_poll(&mut self, now: Duration, splits: &[Split]) -> Vec<Watermark> {
        let watermarks = self
            .time
            .as_mut()
            .map(|(_, watermarks)| watermarks.on_look(now, splits));
        watermarks.unwrap_or_default()
    }

    fn drain(&mut self) -> Vec<Watermark> {
        vec![Watermark::At(EventTime::MAX)]
    }

    fn status(&self, splits: &[Split]) -> Option<String> {
        self.time
            .as_ref()
            .map(|(_, watermarks)| watermarks.status(splits))
    }

    fn report(&self, status: &mut Status) {
        self.format.report(status);
    }

    fn parts(&self, splits: &[Split]) -> Vec<Part> {
        let parts = self.time.as_ref().map(|(_, watermarks)| watermarks.parts(splits));
        let mut parts = parts.unwrap_or_default();
        // Who has read a split is known together with how far.
        let readers = |split: &Split| self.outputs.readers(Owner::Split(split.name.clone()));
        parts.extend(splits.iter().map(readers));
        parts
    }

    fn restore(&mut self, part: &Part, splits: &[Split]) -> Outcome {
        if part.name == READERS {
            return Ok(());
        }
        match &mut self.time {
            Some((_, watermarks)) => watermarks.restore(part, splits),
            None => Err(part.bad("this source makes no watermarks").into()),
        }
    }
}

impl Metadata {
    /// Its type, as it is read.
    fn data_type(self) -> DataType {
        match self {
            Metadata::Partition => DataType::Int,
            Metadata::Offset => DataType::BigInt,
            Metadata::Timestamp => DataType::TimestampTz,
        }
    }

    /// Appends it to a column of its type.
    fn push(self, record: &Record<'_>, column: &mut Column) {
        let pushed = match self {
            Metadata::Partition => column.push(Scalar::Int(record.partition)),
            Metadata::Offset => column.push(Scalar::BigInt(record.offset)),
            Metadata::Timestamp => column.push(record.timestamp.map_or(Scalar::Null, |written| {
                Scalar::TimestampTz(EventTime(written.millis()))
            })),
        };
        debug_assert!(pushed.is_ok(), "the column was made for it");
    }
}
