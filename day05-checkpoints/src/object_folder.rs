//! A folder in an object store, such as S3.
//!
//! An object store has no rename, no append, no sync and no lock. It has two other things: an object appears *whole*, once its
//! upload is complete, and a put can have a *condition*: replace this object only if it is still the version that I know.
//! That is enough for a [`Disk`]:
//!
//! ```text
//!   prefix/checkpoint-…7.run-3    files as they were uploaded; none of them ever changes
//!   prefix/checkpoint-…8.run-4
//!   prefix/current                run 4, and the names that there are, each with the run that wrote it
//!
//!   write, append, sync           rename, remove               sync_folder
//!   ───────────────────► object   ──────────────► in memory    ───────────► `current` is replaced, if it is still ours
//! ```
//!
//! 1. A file is uploaded in parts of 8 MiB: memory holds one part, and not the checkpoint. It is whole after
//!    [`Disk::sync`]. Even then it has no name: what `current` does not list does not exist.
//! 2. Names change in memory, and for good with [`Disk::sync_folder`], which replaces `current` by one put. (RocksDB has a
//!    file of this name for the same purpose.)
//! 3. **The newest run owns the folder.** A run begins by putting its number, the next one, into `current`. Each put has the
//!    condition that `current` is what this run knows. So a run that was taken over cannot change a name any more, however
//!    long it was asleep: its next `sync_folder` is an error that says so. No clock is asked, and no lease runs out.
//! 4. The objects of two runs have different keys. So what a run that was taken over still uploads is in nobody's way.
//! 5. An object is deleted only after `current` has stopped listing it. What a crash leaves goes when the next run begins.
//!
//! Limits. The condition guards checkpoints: output that a run publishes after it was taken over is for the sink to refuse, as
//! after a crash. A multipart upload that a crash cuts off is invisible but takes space, until the bucket's lifecycle rule
//! `AbortIncompleteMultipartUpload` ends it. A store that ignores conditions is noticed at the start, and refused.

use std::io;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion,
};
use tokio::runtime::{Builder, Runtime};

use crate::atomic_file::WRITING;
use crate::disk::{Disk, DiskError};
use current::Current;
use s3::failed;

mod current;
pub mod s3;

/// The size of a part. S3 takes ten thousand of them, each but the last at least 5 MiB.
const PART: usize = 8 << 20;
const CURRENT: &str = "current";

/// A folder in an object store.
#[derive(Debug)]
pub struct ObjectFolder {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    place: String,
    runtime: Runtime,
    current: Current,
    /// The version of `current` that this run has read or written last.
    version: Option<UpdateVersion>,
    /// Whether names have changed since.
    changed: bool,
    upload: Option<Upload>,
    /// The file that was uploaded last, which may get a name.
    uploaded: Option<String>,
    /// Objects to delete once `current` does not list them.
    garbage: Vec<String>,
}

#[derive(Debug)]
struct Upload {
    name: String,
    key: Path,
    /// What does not fill a part yet.
    rest: Vec<u8>,
    /// None as long as all of it is in `rest`: a small file is a single put.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    async fn send(&mut self, objects: &dyn ObjectStore) -> object_store::Result<()> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => none.insert(objects.put_multipart(&self.key).await?),
        };
        parts.put_part(std::mem::take(&mut self.rest).into()).await
    }

    async fn complete(&mut self, objects: &dyn ObjectStore) -> object_store::Result<()> {
        if self.parts.is_none() {
            let put = objects.put(&self.key, std::mem::take(&mut self.rest).into());
            return put.await.map(drop);
        }
        if !self.rest.is_empty() {
            self.send(objects).await?;
        }
        match &mut self.parts {
            Some(parts) => parts.complete().await.map(drop),
            None => Ok(()),
        }
    }
}

impl ObjectFolder {
    /// The folder of another run perhaps, only to be looked at: nothing is changed. `place` is what it is called.
    pub fn look(objects: Arc<dyn ObjectStore>, prefix: &str, place: &str) -> Result<Self, DiskError> {
        let failed = |error| DiskError::Failed {
            what: "use",
            file: place.to_string(),
            error,
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let mut folder = ObjectFolder {
            objects,
            prefix: Path::from(prefix),
            place: place.to_string(),
            runtime: runtime.map_err(failed)?,
            current: Current::default(),
            version: None,
            changed: false,
            upload: None,
            uploaded: None,
            garbage: Vec::new(),
        };
        if let Some((current, version)) = folder
            .get_current()
            .map_err(DiskError::of(&folder, "read", CURRENT))?
        {
            (folder.current, folder.version) = (current, Some(version));
        }
        Ok(folder)
    }

    /// Opens the folder as its newest run, and takes it from the one before.
    pub fn open(objects: Arc<dyn ObjectStore>, prefix: &str, place: &str) -> Result<Self, DiskError> {
        let mut folder = Self::look(objects, prefix, place)?;
        let begun = folder.begin();
        begun.map_err(DiskError::of(&folder, "take over", ""))?;
        let cleaned = folder.delete_what_is_not_listed();
        cleaned.map_err(DiskError::of(&folder, "clear", ""))?;
        Ok(folder)
    }

    // ANCHOR: open
    /// Takes the next run number. If the run before changes names meanwhile, these are taken over too.
    fn begin(&mut self) -> io::Result<()> {
        let before = self.version.clone();
        self.current.run += 1;
        self.current.nonce = rand::random();
        while let Some((found, version)) = self.put_current()? {
            if found.run >= self.current.run {
                return Err(self.taken_over(found.run));
            }
            (self.current.names, self.version) = (found.names, Some(version));
        }
        self.check_conditions(before)
    }

    /// Replaces `current`, if it is what this run has read or written last; else says what it is.
    fn put_current(&mut self) -> io::Result<Option<(Current, UpdateVersion)>> {
        match self.put_current_if(self.version.clone()) {
            Ok(version) => self.version = Some(version),
            // If an answer got lost, the second try has found what the first has written.
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => match self.get_current()? {
                Some((found, version)) if found == self.current => self.version = Some(version),
                Some(found) => return Ok(Some(found)),
                None => return Err(io::Error::other("it was removed while this run used it")),
            },
            Err(error) => return Err(failed(error)),
        }
        Ok(None)
    }
    // ANCHOR_END: open

    fn put_current_if(&self, version: Option<UpdateVersion>) -> object_store::Result<UpdateVersion> {
        let mode = version.map_or(PutMode::Create, PutMode::Update);
        let (key, text) = (self.key(CURRENT), self.current.to_string());
        let put = self.objects.put_opts(&key, text.into(), mode.into());
        self.runtime.block_on(put).map(UpdateVersion::from)
    }

    fn get_current(&self) -> io::Result<Option<(Current, UpdateVersion)>> {
        let got = self.runtime.block_on(async {
            let got = self.objects.get(&self.key(CURRENT)).await?;
            let version = UpdateVersion {
                e_tag: got.meta.e_tag.clone(),
                version: got.meta.version.clone(),
            };
            Ok((got.bytes().await?, version))
        });
        let (text, version) = match got.map_err(failed) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            got => got?,
        };
        let damaged = || io::Error::other("it is damaged, or not written by this program");
        Ok(Some((Current::decode(&text).ok_or_else(damaged)?, version)))
    }

    /// The put that has just succeeded cannot succeed again, unless the store does not look at the condition.
    fn check_conditions(&self, before: Option<UpdateVersion>) -> io::Result<()> {
        match self.put_current_if(before) {
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
            Ok(_) => Err(io::Error::other(
                "this object store ignores the conditions If-Match and If-None-Match, without which two runs would destroy \
                 each other's checkpoints; take another one, or a local folder",
            )),
        }
    }

    fn taken_over(&self, by: u64) -> io::Error {
        io::Error::other(format!(
            "run {by} has begun there while this one, run {}, was at work, and the newest run owns the place; run {by} goes \
             on from the last complete checkpoint. If both are wanted, give each a place of its own",
            self.current.run
        ))
    }

    /// Deletes the files of earlier runs that have no name.
    fn delete_what_is_not_listed(&mut self) -> io::Result<()> {
        let listed = self.objects.list_with_delimiter(Some(&self.prefix));
        let listed = self.runtime.block_on(listed).map_err(failed)?;
        for object in listed.objects {
            let key = object.location.filename().and_then(Current::name_and_run);
            if key.is_some_and(|(name, run)| run < self.current.run && !self.current.lists(name, run)) {
                let deleted = self.runtime.block_on(self.objects.delete(&object.location));
                deleted.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// The number of this run, counted from 1.
    pub fn run(&self) -> u64 {
        self.current.run
    }

    fn key(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    fn get(&self, name: &str, range: Option<GetRange>) -> io::Result<Vec<u8>> {
        let run = self.current.names.get(name).ok_or_else(missing)?;
        let key = self.key(&Current::key(name, *run));
        let options = GetOptions {
            range,
            ..GetOptions::default()
        };
        let got = async { self.objects.get_opts(&key, options).await?.bytes().await };
        self.runtime.block_on(got).map(Vec::from).map_err(failed)
    }

    fn abort_upload(&mut self) {
        if let Some(mut parts) = self.upload.take().and_then(|upload| upload.parts) {
            // What cannot be aborted is invisible.
            let _ = self.runtime.block_on(parts.abort());
        }
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for ObjectFolder {
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.abort_upload();
        let file = name.strip_suffix(WRITING).unwrap_or(name);
        self.upload = Some(Upload {
            name: name.to_string(),
            key: self.key(&Current::key(file, self.current.run)),
            rest: Vec::new(),
            parts: None,
        });
        self.append(name, bytes)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let upload = self.upload.as_mut().filter(|upload| upload.name == name);
        let upload = upload.ok_or_else(missing)?;
        upload.rest.extend_from_slice(bytes);
        match upload.rest.len() < PART {
            true => Ok(()),
            false => self.runtime.block_on(upload.send(&*self.objects)).map_err(failed),
        }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let upload = self.upload.as_mut().filter(|upload| upload.name == name);
        let completed = upload.ok_or_else(missing)?.complete(&*self.objects);
        self.runtime.block_on(completed).map_err(failed)?;
        self.uploaded = self.upload.take().map(|upload| upload.name);
        Ok(())
    }

    // ANCHOR: names
    /// Gives a file that was just uploaded its name; nothing else can be renamed.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let uploaded = self.uploaded.take();
        if uploaded.as_deref() != Some(from) || from.strip_suffix(WRITING) != Some(to) {
            return Err(missing());
        }
        self.current.names.insert(to.to_string(), self.current.run);
        self.changed = true;
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        if let Some((found, _)) = self.put_current()? {
            return Err(self.taken_over(found.run));
        }
        self.changed = false;
        // What cannot be deleted now is tried again with the next change, and by the next run.
        let (runtime, objects, prefix) = (&self.runtime, &self.objects, &self.prefix);
        self.garbage.retain(|key| {
            runtime
                .block_on(objects.delete(&prefix.clone().join(key.as_str())))
                .is_err()
        });
        Ok(())
    }
    // ANCHOR_END: names

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.current.names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.get(name, None)
    }

    fn read_tail(&self, name: &str, bytes: usize) -> io::Result<Vec<u8>> {
        self.get(name, Some(GetRange::Suffix(bytes as u64)))
    }

    /// The object is deleted with the next change of names, because until then it could still be asked for.
    fn remove(&mut self, name: &str) -> io::Result<()> {
        let run = self.current.names.remove(name).ok_or_else(missing)?;
        self.garbage.push(Current::key(name, run));
        self.changed = true;
        Ok(())
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

impl Drop for ObjectFolder {
    fn drop(&mut self) {
        self.abort_upload();
    }
}

#[cfg(test)]
mod tests;
