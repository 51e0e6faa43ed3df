//! What is around the job: what it reads, where its windows go, and what of that survives it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::lab::table::{self, Format as Text};
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Share, Source, Split};
use day02_state::operator::Outcome;
use day02_state::runtime::Stop;
use day03_windows::cli::{columns, row};
use day03_windows::job::{ClosedWindow, OnClosed};

use super::super::fragile::Fragile;
use super::super::mortal::{Care, Life, Mortal, Topic, Transactions};
use super::design::Design;
use crate::job::Publishes;
use crate::sink::files::{FileTarget, Format};

/// Partitions of the topic that is read.
pub(super) const PARTITIONS: usize = 3;

/// Everything that survives a job.
#[derive(Debug, Clone, Default)]
pub(super) struct ExternalSystems {
    pub checkpoints: Fragile,
    pub files: Fragile,
    pub topic: Topic,
}

impl ExternalSystems {
    /// Files that a reader takes, with their bytes.
    pub fn parts(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.files.files();
        files.retain(|name, _| name.ends_with(".csv"));
        files
    }

    /// Every window that is out, as its line.
    pub fn windows(&self) -> Vec<String> {
        let files = self.parts().into_values().flatten().collect();
        let files = String::from_utf8_lossy(Vec::as_slice(&files)).into_owned();
        let mut windows = self.topic.rows();
        windows.extend(files.lines().map(str::to_string));
        windows.sort();
        windows
    }
}

/// Where windows go, if they wait for their checkpoint.
pub(super) fn target(design: Design, external: &ExternalSystems, life: &Life) -> Option<Publishes> {
    match design {
        Design::AsTheyClose => None,
        Design::IntoFiles => {
            let disk = Mortal::new(&external.files, life, Care::Full);
            let files = FileTarget::new(disk, Format::Csv { header: None });
            Some(Publishes::new(Text::Csv, files))
        }
        _ => {
            let asks = design != Design::WithoutAsking;
            let topic = Transactions::new(&external.topic, life, asks);
            Some(Publishes::new(Text::Csv, topic))
        }
    }
}

/// 90 orders of nine seconds, dealt out over all partitions. Each is up to 400 ms out of order, which is within the delay,
/// and some come so late that their windows have closed in every order of steps.
pub(super) fn orders() -> Log {
    let log = Log::new("orders", PARTITIONS);
    for order in 0..90 {
        let late = order >= 50 && order % 11 == 0;
        let ts = match late {
            true => order % 10 * 100,
            false => order * 100 - order * 37 % 5 * 100,
        };
        let payload = format!(
            r#"{{"merchant_id":"m-{}","amount":{}.{:02},"ts":{}}}"#,
            order * 7 % 5,
            order % 9,
            order % 100,
            1_767_225_600_500_i64 + ts
        );
        log.append(order as usize % PARTITIONS, None, Some(payload.as_bytes()), None);
    }
    log
}

/// Reads the log. If it is told to, it ends the job with itself: nobody waits for a last checkpoint.
pub(super) struct Reads {
    pub log: LogSource,
    pub ends_with: Option<(Stop, Arc<AtomicUsize>)>,
}

impl Source for Reads {
    fn splits(&self) -> &[Split] {
        self.log.splits()
    }

    fn share(&mut self, share: Share) {
        self.log.share(share);
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.log.seek(positions)
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, InputError> {
        let polled = self.log.poll(records, wait)?;
        if polled == Polled::End
            && let Some((stop, left)) = self.ends_with.take()
            && left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            stop.ask();
        }
        Ok(polled)
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), InputError> {
        self.log.commit(positions)
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        self.log.locate(partition, offset)
    }

    fn pause(&mut self, partitions: &[i32]) -> Result<(), InputError> {
        self.log.pause(partitions)
    }

    fn is_bounded(&self) -> bool {
        self.log.is_bounded()
    }
}

/// Shows windows as they close, by writing them to a topic; or shows nothing.
pub(super) struct Shows(pub Option<(Topic, Life)>);

impl OnClosed for Shows {
    fn on_closed(&mut self, windows: &[ClosedWindow]) -> Outcome {
        let Some((topic, life)) = &self.0 else {
            return Ok(());
        };
        for window in windows {
            let mut line = Vec::new();
            table::append(&mut line, Text::Csv, columns(false), [row(window, false)])
                .map_err(InputError::Output)?;
            topic.append(life, String::from_utf8_lossy(&line).trim_end())?;
        }
        Ok(())
    }
}
