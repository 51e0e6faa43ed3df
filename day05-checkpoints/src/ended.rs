//! A job that has come to the end of its input is over: it has closed all its windows, and a window that is published does
//! not open again.
//!
//! Its last checkpoint says that time has come to its end. Whoever goes on from there finds every order late, whatever its
//! time: all that has been added to a file since would be read, dropped, and never be read again. So the first one ends the
//! run with an error that says so. If nothing was added, going on is fine: it publishes what was not out yet, and ends.
//!
//! A job that was suspended, by Ctrl-C, or was killed, has closed nothing that was not complete, and goes on.

use std::time::Duration;

use day01_consumer::Error;
use day01_consumer::records::Records;
use day01_consumer::source::{Identity, Polled, Positions, Share, Source, Split, Warning};
use day02_state::state::file::Snapshot;
use day03_windows::job::WINDOWS;
use day03_windows::time::EventTime;
use day04_watermarks::operator::watermark_in;

/// Whether this is the last checkpoint of a job that has come to its end.
pub fn has_ended(checkpoint: &Snapshot) -> bool {
    has_closed_all(checkpoint, WINDOWS)
}

/// Whether the operator with this id has come to the end of time, and so has closed all its windows.
pub fn has_closed_all(checkpoint: &Snapshot, operator: &str) -> bool {
    watermark_in(checkpoint.parts(operator)) == Some(EventTime::MAX)
}

/// A source of a job that may have ended.
#[derive(Debug)]
pub struct Ended<S> {
    source: S,
    has_ended: bool,
}

impl<S> Ended<S> {
    /// This source; it must not have anything more to read if the job has ended.
    pub fn new(source: S, has_ended: bool) -> Self {
        Ended { source, has_ended }
    }
}

impl<S: Source> Source for Ended<S> {
    fn splits(&self) -> &[Split] {
        self.source.splits()
    }

    fn share(&mut self, share: Share) {
        self.source.share(share);
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        self.source.seek(positions)
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        let polled = self.source.poll(records, wait)?;
        match records.iter().next().filter(|_| self.has_ended) {
            None => Ok(polled),
            Some(first) => Err(Error::Usage(format!(
                "{} was added after the job had come to the end of its input and closed all windows; to count it, start \
                 anew with another --checkpoint-dir",
                self.source.locate(first.partition, first.offset)
            ))),
        }
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), Error> {
        self.source.commit(positions)
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        self.source.locate(partition, offset)
    }

    fn check_identity(&self, split: &str, saved: &Identity) -> Result<(), Error> {
        self.source.check_identity(split, saved)
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.source.warnings()
    }

    fn pause(&mut self, partitions: &[i32]) -> Result<(), Error> {
        self.source.pause(partitions)
    }

    fn is_bounded(&self) -> bool {
        self.source.is_bounded()
    }
}
