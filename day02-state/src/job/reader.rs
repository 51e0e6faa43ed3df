//! What a source task makes of the records that it reads.
//!
//! The task knows how to read, what to do with a record that cannot be used, and where it is; what a row is, only the
//! reader knows. On this day that is all. On later days a reader also has something to say *between* rows: that is the
//! control that it hands back, and the task puts it behind the rows that were read before it.

use std::time::Duration;

use day01_consumer::decode::Payload;
use day01_consumer::order::{BadRecord, MAX_KEY, check_key};
use day01_consumer::records::Record;
use day01_consumer::source::Split;

use super::NoControl;
use crate::operator::{Control, Outcome};
use crate::order::{Cents, Order};
use crate::rows::Rows;
use crate::state::Part;
use crate::status::Status;

/// A record that was taken in, and is of no use after all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The partition that it is in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// What is wrong with it.
    pub bad: BadRecord,
}

/// What a source makes of its records: rows, and on later days control between them.
pub trait Reader: Send {
    /// What goes to the workers.
    type Rows: Send;
    /// What may stand between rows.
    type Control: Control;

    /// Takes in a record, whose payload is also given as [`texts`](day01_consumer::decode::texts) gives it; says if there is control to go behind its rows.
    /// A record that cannot be used leaves nothing.
    fn read(&mut self, record: &Record<'_>, payload: Payload<'_>)
    -> Result<Option<Self::Control>, BadRecord>;

    /// The rows of the records since the last call.
    fn take(&mut self) -> Outcome<Self::Rows>;

    /// The records that turned out to be of no use when their rows were taken; the last call of [`take`](Self::take) left these
    /// out.
    fn refused(&mut self) -> Vec<Refused> {
        Vec::new()
    }

    /// So many records come.
    fn expect(&mut self, _records: usize) {}

    /// Called before anything else, with what the source says of its splits: control that stands before all rows.
    fn start(&mut self, _splits: &[Split], _is_bounded: bool) -> Vec<Self::Control> {
        Vec::new()
    }

    /// Everything that was found has been read; the splits stand so.
    fn on_idle_poll(&mut self, _now: Duration, _splits: &[Split]) -> Vec<Self::Control> {
        Vec::new()
    }

    /// Which splits pause, if others do from now on than did before.
    fn pauses(&mut self, _splits: &[Split]) -> Option<&[i32]> {
        None
    }

    /// Nothing more will be read: control that stands behind all rows.
    fn drain(&mut self) -> Vec<Self::Control> {
        Vec::new()
    }

    /// What a person should know who asks why nothing comes out.
    fn status(&self, _splits: &[Split]) -> Option<String> {
        None
    }

    /// The same at length, a line for each split.
    fn details(&self, _splits: &[Split]) -> Vec<String> {
        Vec::new()
    }

    /// Puts what else it knows of the records into the status, which has what the task has counted.
    fn report(&self, _status: &mut Status) {}

    /// What it must remember, by split.
    fn parts(&self, _splits: &[Split]) -> Vec<Part> {
        Vec::new()
    }

    /// Takes over a part that it has made in an earlier run.
    fn restore(&mut self, part: &Part, _splits: &[Split]) -> Outcome {
        Err(part.bad("the source has no such state").into())
    }
}

/// What a row says besides its key, read from a record.
pub trait Decode: Copy + Send + 'static {
    /// Appends the row of a record, whose payload is as [`texts`](day01_consumer::decode::texts) gives it, and whose key may
    /// have so many bytes.
    fn decode(payload: Payload<'_>, max_key: usize, into: &mut Rows<Self>) -> Result<(), BadRecord>;
}

/// By merchant, the amount.
impl Decode for Cents {
    #[inline]
    fn decode(payload: Payload<'_>, max_key: usize, into: &mut Rows<Self>) -> Result<(), BadRecord> {
        let order = Order::decode(payload)?;
        check_key("merchant_id", &order.merchant_id, max_key)?;
        into.push(order.merchant_id.as_bytes(), order.amount);
        Ok(())
    }
}

/// Reads rows, and knows of no control.
#[derive(Debug)]
pub struct Plain<V> {
    rows: Rows<V>,
    max_key: usize,
}

impl<V> Default for Plain<V> {
    fn default() -> Self {
        Plain {
            rows: Rows::new(),
            max_key: MAX_KEY,
        }
    }
}

impl<V> Plain<V> {
    /// The same, for keys of at most so many bytes.
    pub fn with_max_key(self, bytes: usize) -> Self {
        Plain {
            max_key: bytes,
            ..self
        }
    }
}

impl<V: Decode> Reader for Plain<V> {
    type Rows = Rows<V>;
    type Control = NoControl;

    #[inline]
    fn read(&mut self, _: &Record<'_>, payload: Payload<'_>) -> Result<Option<NoControl>, BadRecord> {
        V::decode(payload, self.max_key, &mut self.rows)?;
        Ok(None)
    }

    fn take(&mut self) -> Outcome<Rows<V>> {
        Ok(std::mem::take(&mut self.rows))
    }

    fn expect(&mut self, records: usize) {
        self.rows = Rows::with_capacity(records, 8 * records);
    }
}
