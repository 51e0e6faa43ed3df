//! The bytes of a file, a pipe or stdin, read without ever waiting for them.
//!
//! Opening a named pipe waits for a writer, and reading from it waits for bytes. A program that waits there cannot
//! be asked to end. So this file opens and reads without waiting, and only [`wait_for_any`] waits, for a given time.
//! A gzip file is known by its first two bytes, whatever its name, and unpacked.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

/// The first bytes of what gzip has written.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The path that stands for stdin.
pub(super) const STDIN: &str = "-";

/// The bytes as they are, and those that were looked at before.
#[derive(Debug)]
pub(super) struct Raw {
    file: File,
    /// Whether a read may have to wait: it is no file on a disk.
    waits: bool,
    first: Vec<u8>,
    /// How many bytes have been handed out.
    passed: u64,
}

impl Raw {
    /// The first bytes, as many as tell what follows, or all that there are.
    fn first(&mut self) -> io::Result<&[u8]> {
        while self.first.len() < GZIP.len() {
            let mut more = [0; GZIP.len()];
            let read = self.read_file(&mut more)?;
            if read == 0 {
                break;
            }
            self.first.extend_from_slice(&more[..read]);
        }
        Ok(&self.first)
    }

    fn read_file(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.waits && !wait_for_any(&[self.file.as_fd()], Duration::ZERO)? {
            true => Err(ErrorKind::WouldBlock.into()),
            false => self.file.read(into),
        }
    }
}

impl Read for Raw {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.first.is_empty() {
            true => self.read_file(into)?,
            false => {
                let read = self.first.len().min(into.len());
                into[..read].copy_from_slice(&self.first[..read]);
                self.first.drain(..read);
                read
            }
        };
        self.passed += read as u64;
        Ok(read)
    }
}

/// What lines are read from. A read that would have to wait is an error of the kind `WouldBlock`.
#[derive(Debug)]
pub(super) enum Input {
    /// Nothing has been read, so it is not known what follows.
    Unread(Option<Raw>),
    /// Text.
    Plain(Raw),
    /// Text that gzip has compressed, perhaps in several members one behind the other.
    Gzip(Box<MultiGzDecoder<Raw>>),
}

impl Input {
    /// Opens a path, or stdin for `-`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = match path == Path::new(STDIN) {
            true => File::from(io::stdin().as_fd().try_clone_to_owned()?),
            false => File::options()
                .read(true)
                .custom_flags(OFlags::NONBLOCK.bits() as i32)
                .open(path)?,
        };
        Ok(Input::Unread(Some(Raw {
            waits: !file.metadata()?.is_file(),
            file,
            first: Vec::new(),
            passed: 0,
        })))
    }

    fn raw(&self) -> Option<&Raw> {
        match self {
            Input::Unread(raw) => raw.as_ref(),
            Input::Plain(raw) => Some(raw),
            Input::Gzip(decoder) => Some(decoder.get_ref()),
        }
    }

    /// What to wait for until there is more.
    pub fn awaited(&self) -> Option<BorrowedFd<'_>> {
        self.raw().filter(|raw| raw.waits).map(|raw| raw.file.as_fd())
    }

    /// How many bytes of the file have been read, if they were handed out as they are.
    pub fn passed(&self) -> Option<u64> {
        match self {
            Input::Plain(raw) => Some(raw.passed),
            Input::Unread(_) | Input::Gzip(_) => None,
        }
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Input::Unread(raw) = self {
            let packed = raw
                .as_mut()
                .map_or(Ok(false), |raw| Ok::<_, io::Error>(raw.first()? == GZIP))?;
            if let Some(raw) = raw.take() {
                *self = match packed {
                    true => Input::Gzip(Box::new(MultiGzDecoder::new(raw))),
                    false => Input::Plain(raw),
                };
            }
        }
        match self {
            Input::Unread(_) => Ok(0),
            Input::Plain(raw) => raw.read(into),
            Input::Gzip(decoder) => decoder.read(into).map_err(|error| match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => error,
                kind => io::Error::new(kind, format!("its gzip data is damaged or cut off: {error}")),
            }),
        }
    }
}

/// Waits until one of these can be read from, or has ended; says whether one can. A signal ends the wait early.
pub(super) fn wait_for_any(inputs: &[BorrowedFd<'_>], wait: Duration) -> io::Result<bool> {
    let mut awaited: Vec<PollFd<'_>> = inputs
        .iter()
        .map(|input| PollFd::new(input, PollFlags::IN))
        .collect();
    let timeout = Timespec::try_from(wait).ok();
    match poll(&mut awaited, timeout.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
