//! The few things that a checkpoint store and a file sink do with a folder, and the folder that does them.
//!
//! What a program has written is not yet on the disk: the system keeps it in memory, and a power cut
//! takes it away. Two calls say otherwise, and each covers only half:
//!
//! ```text
//!   the folder  name ─► file  the file  bytes
//!               │                         │
//!   sync_folder saves the names           sync saves the bytes
//! ```
//!
//! 1. Bytes are safe after [`Disk::sync`], and not before. A file can have its name and none of its bytes.
//! 2. A new name, a rename and a removal are safe after [`Disk::sync_folder`], and not before.
//! 3. A rename is atomic: the name stands for the old file or for the new one at any moment.
//! 4. When the *process* dies, nothing is lost that the system was told. What a run finds after a
//!    restart may therefore still be taken away by a power cut, until it has synced the folder itself.
//!
//! This is a trait so that a test can stand in for the disk and let the power fail between any two calls
//! ([`Fragile`](crate::lab::fragile::Fragile)).
//!
//! A [`Folder`] has a lock for as long as it is open, because two runs in one folder would overwrite
//! and remove each other's files. The system takes the lock back when the process ends, however it
//! ends, so there is nothing to clean up. An object store has neither a rename nor a lock of this kind:
//! [`ObjectFolder`](crate::object_folder::ObjectFolder) says what stands for them.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

// ANCHOR: disk
/// Files in one folder.
pub trait Disk: Send {
    /// Creates or replaces a file. Neither its bytes nor its name are safe yet.
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Appends to a file that was written. None of its bytes are safe.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes the bytes of a file safe.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Gives a file another name, and replaces what had that name before: at once, but not yet safely.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Makes all names safe, as they are now.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// The names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// The bytes of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// So many of the last bytes of a file; all of them, if it has less.
    fn read_tail(&self, name: &str, bytes: usize) -> io::Result<Vec<u8>>;

    /// Removes a file, not yet safely.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// The folder in words, for errors.
    fn place(&self) -> String;
}
// ANCHOR_END: disk

/// Why a folder cannot be used, or something in it not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The system has refused.
    #[error("cannot {what} {file}: {error}{}", what_to_do(error))]
    Failed {
        /// What it was asked to do.
        what: &'static str,
        /// With which file or folder.
        file: String,
        /// What it said.
        error: io::Error,
    },
    /// Somebody else has it.
    #[error("{folder} is used by another run; wait for its end, or give this run a folder of its own")]
    InUse {
        /// The folder.
        folder: String,
    },
}

impl DiskError {
    /// Whether a file is not there.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, DiskError::Failed { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }

    /// What the system said when it was asked to do `what` with `name`.
    pub(crate) fn of<D: Disk>(
        disk: &D,
        what: &'static str,
        name: &str,
    ) -> impl FnOnce(io::Error) -> DiskError {
        let file = file_of(disk, name);
        move |error| DiskError::Failed { what, file, error }
    }
}

/// What a person can do about it, where the system has refused a file. An object store says so itself.
fn what_to_do(error: &io::Error) -> &'static str {
    match Errno::from_io_error(error) {
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => {
            "; let the user that runs this program write there, or name another folder"
        }
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => {
            "; make room, and start the program again: it goes on from the last checkpoint"
        }
        Some(Errno::MFILE | Errno::NFILE) => "; let it open more (ulimit -n)",
        _ => "",
    }
}

/// A file in words, for errors; without a name, the folder.
pub(crate) fn file_of<D: Disk>(disk: &D, name: &str) -> String {
    match name {
        "" => disk.place(),
        name => format!("{}/{name}", disk.place()),
    }
}

/// Held by whoever uses the folder. It has no bytes, and stays when it is given back.
const LOCK: &str = ".lock";

/// Who may read what is written: files and folders that are there already stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever the system lets, which leaves out what the user's `umask` says.
    Shared,
    /// Only the user that runs the program.
    Private,
}

impl Access {
    fn of_files(self) -> u32 {
        match self {
            Access::Shared => 0o666,
            Access::Private => 0o600,
        }
    }

    fn of_folders(self) -> u32 {
        match self {
            Access::Shared => 0o777,
            Access::Private => 0o700,
        }
    }
}

/// A folder of the system, which nobody else has opened.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    access: Access,
    /// The file that was written last, still open: should the system fail to bring its bytes to the
    /// disk before it is asked to, then only whoever has had it open all the time is sure to hear of
    /// it.
    written: Option<(String, File)>,
    _lock: Option<File>,
}

impl Folder {
    /// The folder of another run perhaps, only to be looked at: it is not created, and not locked.
    pub fn unlocked(path: impl Into<PathBuf>) -> Self {
        Folder {
            path: path.into(),
            access: Access::Shared,
            written: None,
            _lock: None,
        }
    }

    /// Opens the folder, and creates it, with its parents, if it is missing.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DiskError> {
        Self::open_as(path, Access::Shared)
    }

    /// The same; other users may read of what is written here what `access` says.
    pub fn open_as(path: impl Into<PathBuf>, access: Access) -> Result<Self, DiskError> {
        let path = path.into();
        let failed = |what, path: &Path| {
            let file = path.display().to_string();
            move |error| DiskError::Failed { what, file, error }
        };
        create(&path, access).map_err(failed("create", &path))?;
        let lock = path.join(LOCK);
        let file = open_lock(&lock, access).map_err(failed("open", &lock))?;
        match file.try_lock() {
            Ok(()) => Ok(Folder {
                path,
                access,
                written: None,
                _lock: Some(file),
            }),
            Err(TryLockError::WouldBlock) => Err(DiskError::InUse {
                folder: path.display().to_string(),
            }),
            Err(TryLockError::Error(error)) => Err(failed("lock", &lock)(error)),
        }
    }
}

impl Disk for Folder {
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.written = None;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let mut file = options.mode(self.access.of_files()).open(self.path.join(name))?;
        file.write_all(bytes)?;
        self.written = Some((name.to_string(), file));
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match &mut self.written {
            Some((written, file)) if written == name => file.write_all(bytes),
            _ => {
                let mut file = File::options().append(true).open(self.path.join(name))?;
                file.write_all(bytes)?;
                self.written = Some((name.to_string(), file));
                Ok(())
            }
        }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        match self.written.take() {
            Some((written, file)) if written == name => file.sync_all(),
            _ => File::options().write(true).open(self.path.join(name))?.sync_all(),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.written = None;
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        // A name that is not text is none that anybody here has given.
        names.filter_map(io::Result::transpose).collect()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn read_tail(&self, name: &str, bytes: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path.join(name))?;
        let start = file.metadata()?.len().saturating_sub(bytes as u64);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

/// Opens the lock, and creates it if it is missing. Where others may create files, it could be a link to anything: so it is
/// not followed, and nothing is written.
fn open_lock(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
    let opened = options.mode(access.of_files()).custom_flags(no_follow).open(path);
    match opened {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => Err(io::Error::other(
            "it is a link, and would lock another file; remove it",
        )),
        opened => opened,
    }
}

/// Creates a folder and its parents. Its name stands in its parent, so that is where it is made safe.
fn create(path: &Path, access: Access) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create(parent, access)?;
    match DirBuilder::new().mode(access.of_folders()).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        other => other?,
    }
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests;
