//! JSON-lines files and stdin as a source: each file is a split, each line a record, and always bounded.
//!
//! The offset of a record is the number of lines before it, so that an error can name the line, a position can be
//! written by hand, and blank lines (which are no records) leave gaps as on Kafka. Files are read in turn, a batch of
//! each, so that none of them runs far ahead of the others. Left out: finding a line without reading those before it,
//! following a file that grows, and compressed files.

mod fingerprint;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::Error;
use crate::records::{Record, Records};
use crate::source::{Identity, Polled, Positions, Share, Source, Split, Start};
use fingerprint::Fingerprint;

/// How many lines a poll brings at most.
const BATCH: usize = 1_000;

/// Reads files of JSON lines to their ends.
pub struct FileSource {
    files: Vec<OpenFile>,
    splits: Vec<Split>,
    turn: usize,
}

/// A file, and the number of the next line in it.
struct OpenFile {
    path: PathBuf,
    lines: BufReader<Box<dyn Read + Send>>,
    next_line: i64,
}

impl OpenFile {
    /// Whether a read would return at once. Only stdin can keep us waiting, and Ctrl-C must not wait with us.
    fn has_more_within(&self, wait: Duration) -> Result<bool, Error> {
        if self.path != Path::new("-") || !self.lines.buffer().is_empty() {
            return Ok(true);
        }
        let stdin = io::stdin();
        let mut descriptors = [PollFd::new(&stdin, PollFlags::IN)];
        let timeout = Timespec::try_from(wait).ok();
        match poll(&mut descriptors, timeout.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(Error::file("stdin")(error.into())),
        }
    }
}

impl FileSource {
    /// Opens all files; `-` is stdin. They can be started at their beginning or at given lines.
    pub fn open(paths: &[PathBuf], start: &Start) -> Result<Self, Error> {
        let mut files = Vec::with_capacity(paths.len());
        let mut splits: Vec<Split> = Vec::with_capacity(paths.len());
        for (index, path) in paths.iter().enumerate() {
            let name = split_name(path);
            if splits.iter().any(|split| split.name == name) {
                let path = path.display();
                return Err(Error::Usage(format!("--file {path} is given twice")));
            }
            files.push(OpenFile {
                path: path.clone(),
                lines: open(path)?,
                next_line: 0,
            });
            splits.push(Split {
                partition: index as i32,
                name,
                position: 0,
                end: None,
                caught_up: false,
                identity: match path != Path::new("-") && path.is_file() {
                    true => Some(Fingerprint::of(path).map_err(Error::file(path))?.identity()),
                    false => None,
                },
            });
        }
        let mut source = FileSource {
            files,
            splits,
            turn: 0,
        };
        source.start_at(start)?;
        Ok(source)
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
                "--from {partition}=…: there is no file {partition}, the first is number 0"
            ))),
        }
    }

    /// Reads from one file until the batch is full, the file has ended, or a pipe has nothing more at the moment.
    fn read_file(&mut self, index: usize, records: &mut Records) -> Result<(), Error> {
        let file = &mut self.files[index];
        let split = &mut self.splits[index];
        let mut line = Vec::new();
        while records.len() < BATCH {
            line.clear();
            let read = file
                .lines
                .read_until(b'\n', &mut line)
                .map_err(Error::file(&file.path))?;
            if read == 0 {
                split.identity = same_file(&file.path, split.identity.take())?;
                return end_of_file(split, file.next_line);
            }
            let offset = file.next_line;
            file.next_line += 1;
            if offset < split.position {
                continue;
            }
            split.position = file.next_line;
            let payload = line.trim_ascii_end();
            if !payload.is_empty() {
                records.push(Record {
                    partition: split.partition,
                    offset,
                    key: None,
                    payload: Some(payload),
                    timestamp: None,
                });
            }
            // The next read may wait for whoever writes; the records in hand need not.
            if file.lines.buffer().is_empty() && !records.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

/// Marks the split as read to its end; a start position behind the end is an error, not an empty result.
fn end_of_file(split: &mut Split, lines: i64) -> Result<(), Error> {
    if split.position > lines {
        return Err(Error::OffsetOutOfRange {
            split: split.name.clone(),
            partition: split.partition,
            wanted: split.position,
            low: 0,
            high: lines,
        });
    }
    split.end = Some(lines);
    split.caught_up = true;
    Ok(())
}

/// An error if another file has this path now, or less of the same one. What the path's file is known by may have grown
/// with it.
fn same_file(path: &Path, identity: Option<Identity>) -> Result<Option<Identity>, Error> {
    let Some(before) = identity.as_ref().and_then(Fingerprint::from_identity) else {
        return Ok(identity);
    };
    match before.again(path) {
        Ok(again) if again == before => {
            let now = Fingerprint::of(path).map_err(Error::file(path))?;
            Ok(Some(now.identity()))
        }
        // It was removed, which takes nothing away from who has opened it before.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(identity),
        Err(error) => Err(Error::file(path)(error)),
        Ok(_) => Err(Error::Replaced {
            path: path.to_path_buf(),
        }),
    }
}

fn open(path: &Path) -> Result<BufReader<Box<dyn Read + Send>>, Error> {
    let bytes: Box<dyn Read + Send> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(Error::file(path))?),
    };
    Ok(BufReader::with_capacity(1 << 16, bytes))
}

fn split_name(path: &Path) -> String {
    match path == Path::new("-") {
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
        let files = std::mem::take(&mut self.files).into_iter();
        (self.files, self.splits) = files
            .zip(std::mem::take(&mut self.splits))
            .filter(|(_, split)| share.takes(split.partition))
            .unzip();
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        positions.all_known(&self.splits)?;
        for (split, file) in self.splits.iter_mut().zip(&mut self.files) {
            let Some(position) = positions.get(&split.name) else {
                continue;
            };
            if position < file.next_line {
                if file.path == Path::new("-") {
                    return Err(Error::Usage("stdin cannot be read again".to_string()));
                }
                file.lines = open(&file.path)?;
                file.next_line = 0;
            }
            split.position = position;
            split.caught_up = false;
        }
        Ok(())
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        records.clear();
        for step in 0..self.files.len() {
            let index = (self.turn + step) % self.files.len();
            if self.splits[index].caught_up {
                continue;
            }
            if self.files[index].has_more_within(wait)? {
                self.read_file(index, records)?;
            }
            if !records.is_empty() {
                self.turn = index + 1;
                return Ok(Polled::Ready);
            }
        }
        match self.splits.iter().all(|split| split.caught_up) {
            true => Ok(Polled::End),
            false => Ok(Polled::Idle),
        }
    }

    fn commit(&mut self, _positions: &Positions) -> Result<(), Error> {
        Err(Error::Usage(
            "files keep no group offsets: --commit needs --brokers".to_string(),
        ))
    }

    /// A file may have grown since, so it is asked for as many bytes as were known then.
    fn check_identity(&self, split: &str, saved: &Identity) -> Result<(), Error> {
        let known = self
            .splits
            .iter()
            .position(|own| own.name == split && own.identity.is_some());
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
        let known = self.splits.iter().find(|split| split.partition == partition);
        let name = known.map_or("?", |split| split.name.as_str());
        format!("{name}:{}", offset + 1)
    }
}
