//! JSON-lines files and stdin as a source: each file is a split, each line a record, and always bounded.
//!
//! The offset of a record is the number of lines before it, so that an error can name the line, a position can be
//! written by hand, and blank lines (which are no records) leave gaps as on Kafka. Files are read in turn, a batch of
//! each, so that none of them runs far ahead of the others. A folder may hold more files than a process may have open: of
//! those that do not pause, at most 128 are, and the next one is opened when one has been read. A position says no
//! more than what was read, so:
//!
//! 1. A last line without a line end is a record: a file written by hand often lacks the last line end. But the file
//!    may also have been looked at while it was written. A JSON object says itself where it ends; the position goes
//!    behind one that is whole, and stays before one that is not, which is then read again when it has grown.
//! 2. A file is known by its first bytes (`fingerprint.rs`). One that was replaced, or cut, or goes on in the middle of a
//!    last line that was counted, is an error, on restart and while it is read.
//!
//! Left out: finding a line without reading those before it, and following a file that grows.

mod fingerprint;
mod input;
mod lines;
mod open;
mod outputs;
mod paths;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::records::{Record, Records};
use crate::source::{Identity, MAX_RECORD, Polled, Positions, Share, Source, Split, Start, Warning};
use fingerprint::Fingerprint;
use input::{Input, STDIN, wait_for_any};
use lines::{Line, LineReader};
use open::InputFile;

pub use open::{JsonLines, LineFormat};
pub use outputs::{real_path, refuse_as_output};
pub use paths::local_path;

/// How many lines a poll brings at most.
const BATCH: usize = 1_000;
/// After how many bytes a poll brings no more of them.
const BATCH_BYTES: usize = 1 << 20;
/// How many files are open at a time, over all shares: systems allow a process 256 or 1,024.
const OPEN: usize = 128;

/// Reads files of lines to their ends.
pub struct FileSource {
    files: Vec<InputFile>,
    splits: Vec<Split>,
    /// How many of them may be open.
    open: usize,
    /// By rising number.
    paused: Vec<i32>,
    turn: usize,
    format: Arc<dyn LineFormat>,
    max_record: usize,
    warnings: Vec<Warning>,
}

impl FileSource {
    /// Opens files of JSON: paths, folders, or `-` for stdin. They can be started at their beginning or at given lines.
    pub fn open(paths: &[PathBuf], start: &Start) -> Result<Self, Error> {
        FileSource::open_lines(paths, start, Arc::new(JsonLines), MAX_RECORD)
    }

    /// The same for lines of any format, of at most `max_record` bytes.
    pub fn open_lines(
        paths: &[PathBuf],
        start: &Start,
        format: Arc<dyn LineFormat>,
        max_record: usize,
    ) -> Result<Self, Error> {
        let (paths, warnings) = paths::expand(paths)?;
        let mut names = HashSet::with_capacity(paths.len());
        let mut source = FileSource {
            files: Vec::with_capacity(paths.len()),
            splits: Vec::with_capacity(paths.len()),
            open: OPEN,
            paused: Vec::new(),
            turn: 0,
            format,
            max_record,
            warnings,
        };
        for (index, path) in paths.into_iter().enumerate() {
            let name = split_name(&path);
            if !names.insert(name.clone()) {
                let path = path.display();
                return Err(Error::Usage(format!("--file {path} is given twice")));
            }
            let file = InputFile::new(path, max_record)?;
            source.splits.push(Split {
                partition: index as i32,
                name,
                position: 0,
                end: None,
                caught_up: false,
                identity: file.identity()?,
            });
            source.files.push(file);
        }
        source.start_at(start)?;
        Ok(source)
    }

    /// The same, divided among so many. Folders are looked into once: if each share did it for itself, a file that appears
    /// meanwhile would change the numbers of others, and one would be read twice and another one never.
    pub fn open_shares(
        paths: &[PathBuf],
        start: &Start,
        format: Arc<dyn LineFormat>,
        max_record: usize,
        of: usize,
    ) -> Result<Vec<Box<dyn Source + Send>>, Error> {
        let mut all = FileSource::open_lines(paths, start, format, max_record)?;
        let share = |index| Box::new(all.take_share(Share { index, of })) as _;
        Ok((0..of).map(share).collect())
    }

    /// Takes the files of a share out of it, and with the first of them what there is to say.
    fn take_share(&mut self, share: Share) -> Self {
        let files = std::mem::take(&mut self.files).into_iter();
        let (own, others): (Vec<_>, Vec<_>) = files
            .zip(std::mem::take(&mut self.splits))
            .partition(|(_, split)| share.takes(split.partition));
        (self.files, self.splits) = others.into_iter().unzip();
        let (files, splits) = own.into_iter().unzip();
        FileSource {
            files,
            splits,
            open: OPEN.div_ceil(share.of.max(1)),
            paused: Vec::new(),
            warnings: std::mem::take(&mut self.warnings),
            format: Arc::clone(&self.format),
            ..*self
        }
    }

    fn start_at(&mut self, start: &Start) -> Result<(), Error> {
        match start {
            Start::Earliest => Ok(()),
            Start::At(offsets) => {
                let named: Result<Positions, Error> = offsets
                    .iter()
                    .map(|(partition, offset)| Ok((self.named(*partition)?, *offset)))
                    .collect();
                self.seek(&named?)
            }
            Start::Latest | Start::Group | Start::Timestamp(_) => Err(Error::Usage(
                "files are read from earliest or from given lines (--from 0=12), not from latest, group or a timestamp"
                    .to_string(),
            )),
        }
    }

    /// The name of the file with this number.
    fn named(&self, partition: i32) -> Result<String, Error> {
        match self.splits.iter().find(|split| split.partition == partition) {
            Some(split) => Ok(split.name.clone()),
            None => Err(Error::Usage(format!(
                "--from {partition}=…: there is no file {partition}; the first file is number 0"
            ))),
        }
    }

    /// Whether a file has more that may be read now.
    fn is_ready(&self, split: &Split) -> bool {
        !split.caught_up && self.paused.binary_search(&split.partition).is_err()
    }

    /// Reads the next files in turn until the batch is full; a pipe may have nothing at the moment.
    fn read_next(&mut self, records: &mut Records) -> Result<(), Error> {
        let files = self.files.iter().zip(&self.splits);
        let is_open = |(file, split): &(&InputFile, &Split)| file.lines.is_some() && self.is_ready(split);
        let mut open = files.filter(is_open).count();
        for step in 0..self.files.len() {
            let index = (self.turn + step) % self.files.len();
            let was_open = self.files[index].lines.is_some();
            if !self.is_ready(&self.splits[index]) || !was_open && open >= self.open {
                continue;
            }
            self.read_file(index, records)?;
            open += usize::from(self.files[index].lines.is_some());
            open -= usize::from(was_open);
            if is_full(records) {
                self.turn = index + 1;
                break;
            }
        }
        Ok(())
    }

    /// Reads from one file until the batch is full, the file has ended, or a pipe has nothing more at the moment.
    fn read_file(&mut self, index: usize, records: &mut Records) -> Result<(), Error> {
        let identity = self.splits[index].identity.as_ref();
        let mut lines = self.files[index].take_lines(identity, self.max_record)?;
        while !is_full(records) {
            let file = &mut self.files[index];
            let offset = file.next_line;
            match lines.next_line(&*self.format).map_err(Error::file(&file.path))? {
                Line::Ended(line) => {
                    file.next_line += lines.height();
                    if self.take(index, offset, lines.bytes(line), records)? {
                        self.splits[index].position = self.files[index].next_line;
                    }
                }
                Line::Unended(line) => {
                    let line = lines.bytes(line);
                    let is_whole = self.format.is_whole(line);
                    file.unended = Some(offset);
                    file.next_line += lines.height();
                    if self.take(index, offset, line, records)? && is_whole {
                        self.splits[index].position = self.files[index].next_line;
                    }
                    return self.end(index, &lines, is_whole);
                }
                Line::TooLong => {
                    return Err(Error::RecordTooLong {
                        at: self.locate(self.splits[index].partition, offset),
                        max: self.max_record,
                    });
                }
                Line::Pending => break,
                Line::End => return self.end(index, &lines, false),
            }
        }
        self.files[index].lines = Some(lines);
        Ok(())
    }

    /// Takes a line as a record, unless it is blank or lies before the position; says whether it lies behind.
    fn take(&self, index: usize, offset: i64, line: &[u8], records: &mut Records) -> Result<bool, Error> {
        let (file, split) = (&self.files[index], &self.splits[index]);
        // The mark of UTF-32 begins with that of UTF-16, or with zeros.
        let wide = match line {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
            _ => None,
        };
        if let Some(wide) = wide.filter(|_| offset == 0) {
            let error = format!(
                "it is {wide}, by its byte order mark; convert it to UTF-8, for instance with iconv -f {wide} -t UTF-8"
            );
            return Err(Error::file(&file.path)(io::Error::other(error)));
        }
        if offset < split.position {
            return Ok(false);
        }
        if !self.format.is_blank(line) {
            records.push(Record {
                partition: split.partition,
                offset,
                key: None,
                payload: Some(line),
                timestamp: None,
            });
        }
        Ok(true)
    }

    /// Marks a file as read to its end; a start position behind the end is an error, not an empty result.
    fn end(&mut self, index: usize, lines: &LineReader<Input>, counted: bool) -> Result<(), Error> {
        let (file, split) = (&self.files[index], &mut self.splits[index]);
        if split.position > file.next_line {
            return Err(Error::OffsetOutOfRange {
                split: split.name.clone(),
                partition: split.partition,
                wanted: split.position,
                low: 0,
                high: file.next_line,
            });
        }
        let passed = lines.input().passed();
        split.identity = file.identity_at_end(split.identity.take(), passed, counted)?;
        split.end = Some(file.next_line);
        split.caught_up = true;
        Ok(())
    }

    /// Waits until a pipe that is not at its end has something; says whether one has.
    fn wait(&self, wait: Duration) -> Result<bool, Error> {
        let unread = self.files.iter().zip(&self.splits);
        let unread = unread.filter(|(_, split)| self.is_ready(split));
        let awaited: Vec<_> = unread
            .filter_map(|(file, _)| file.lines.as_ref()?.input().awaited())
            .collect();
        wait_for_any(&awaited, wait).map_err(Error::failed("waiting for a pipe or stdin"))
    }
}

fn is_full(records: &Records) -> bool {
    records.len() >= BATCH || records.payloads().len() >= BATCH_BYTES
}

fn split_name(path: &Path) -> String {
    match path == Path::new(STDIN) {
        true => "stdin".to_string(),
        false => path.display().to_string(),
    }
}

impl Source for FileSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// Of the files that are not its own, none has been read from: opening stdin takes nothing away from its owner.
    fn share(&mut self, share: Share) {
        *self = self.take_share(share);
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        positions.all_known(&self.splits)?;
        for (split, file) in self.splits.iter_mut().zip(&mut self.files) {
            let Some(position) = positions.get(&split.name) else {
                continue;
            };
            if position < file.next_line {
                if file.is_stdin() {
                    return Err(Error::Usage("stdin cannot be read again".to_string()));
                }
                file.lines = None;
            }
            split.position = position;
            split.caught_up = false;
        }
        Ok(())
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        records.clear();
        self.read_next(records)?;
        let has_more = |source: &Self| source.splits.iter().any(|split| !split.caught_up);
        if records.is_empty() && has_more(self) && self.wait(wait)? {
            self.read_next(records)?;
        }
        match (records.is_empty(), has_more(self)) {
            (false, _) => Ok(Polled::Ready),
            (true, true) => Ok(Polled::Idle),
            (true, false) => Ok(Polled::End),
        }
    }

    fn commit(&mut self, _positions: &Positions) -> Result<(), Error> {
        Err(Error::Usage(
            "files keep no group offsets: --commit needs --brokers".to_string(),
        ))
    }

    /// A file may have grown since, so it is asked for as many bytes as were known then.
    fn check_identity(&self, split: &str, saved: &Identity) -> Result<(), Error> {
        let own = self.splits.iter().position(|own| own.name == split);
        let known = own.filter(|index| self.splits[*index].identity.is_some());
        let (Some(index), Some(before)) = (known, Fingerprint::from_identity(saved)) else {
            return Ok(());
        };
        let path = &self.files[index].path;
        let found = before.again(path).map_err(Error::file(path))?;
        match found == before {
            true => Ok(()),
            false => Err(Error::OtherInput {
                split: split.to_string(),
                saved: saved.words.clone(),
                found: found.identity().words,
            }),
        }
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        let known = self.splits.iter().position(|split| split.partition == partition);
        let name = known.map_or("?", |index| self.splits[index].name.as_str());
        let is_unended = known.is_some_and(|index| self.files[index].unended == Some(offset));
        match is_unended {
            true => format!("{name}:{}, the last line, which has no line end", offset + 1),
            false => format!("{name}:{}", offset + 1),
        }
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    fn pause(&mut self, partitions: &[i32]) -> Result<(), Error> {
        self.paused = partitions.to_vec();
        self.paused.sort_unstable();
        Ok(())
    }

    fn is_bounded(&self) -> bool {
        true
    }
}
