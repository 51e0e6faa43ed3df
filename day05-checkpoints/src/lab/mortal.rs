//! What is outside of a job, for a job that is to die: a disk and a topic that do nothing any more once it is dead.
//!
//! A process that dies leaves only what it has done to others. So the tests need not kill a process: it is enough
//! that from a certain moment on no call to the outside has an effect. What the job does in memory after that cannot
//! be seen from outside.
//!
//! ```text
//!   moments   step  step  write  step  sync  step  rename ┃ dead: sync of the folder, step, append …
//!                          │             │         │      ┃          refused
//!   disk                 bytes         bytes     names
//! ```
//!
//! A moment is a step of the job, or one operation on a disk or a topic. A life that is cut after each moment in turn
//! thus ends between any two things that can be told apart from outside.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use day02_state::operator::Outcome;

use super::fragile::Fragile;
use crate::disk::Disk;
use crate::sink::encoded::Rows;
use crate::sink::target::{LastPublished, Published, Target};

/// How many moments a job has left. Clones are the same life.
#[derive(Debug, Clone)]
pub struct Life(Arc<AtomicU64>);

impl Life {
    /// It dies behind this many moments.
    pub fn of(moments: u64) -> Self {
        Life(Arc::new(AtomicU64::new(moments)))
    }

    /// It comes to its end by itself.
    pub fn undisturbed() -> Self {
        Life::of(u64::MAX)
    }

    /// A moment passes; says whether the job was alive in it.
    pub fn passes(&self) -> bool {
        let one_less = |left: u64| left.checked_sub(1);
        let passed = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        passed.is_ok()
    }

    /// Whether it is dead.
    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// How many moments have passed in one that was [`undisturbed`](Life::undisturbed).
    pub fn lived(&self) -> u64 {
        u64::MAX - self.0.load(Ordering::Relaxed)
    }

    /// An error if it is dead, else a moment passes.
    fn act(&self) -> io::Result<()> {
        match self.passes() {
            true => Ok(()),
            false => Err(io::Error::other("the job is dead")),
        }
    }
}

/// What a store does with what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// What it was told, at once.
    Full,
    /// It syncs neither files nor folders.
    NoSync,
    /// It says that all is done, and does it when the next file comes.
    Later,
    /// It removes all files but the newest, whatever it needs.
    ByAge,
}

/// A disk that obeys until the job is dead.
#[derive(Debug)]
pub struct Mortal {
    disk: Fragile,
    life: Life,
    care: Care,
    later: VecDeque<Later>,
}

/// What was put off.
#[derive(Debug)]
enum Later {
    Write(String, Vec<u8>),
    Append(String, Vec<u8>),
    Sync(String),
    Rename(String, String),
    SyncFolder,
}

impl Mortal {
    /// This disk, for the length of a life.
    pub fn new(disk: &Fragile, life: &Life, care: Care) -> Self {
        Mortal {
            disk: disk.clone(),
            life: life.clone(),
            care,
            later: VecDeque::new(),
        }
    }

    /// Puts it off if this is such a store. Says whether there is anything left to do.
    fn puts_off(&mut self, what: impl FnOnce() -> Later) -> io::Result<bool> {
        self.life.act()?;
        if self.care == Care::Later {
            self.later.push_back(what());
        }
        Ok(self.care == Care::Later)
    }
}

impl Disk for Mortal {
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        while let Some(before) = self.later.pop_front() {
            match before {
                Later::Write(name, bytes) => self.disk.write(&name, &bytes)?,
                Later::Append(name, bytes) => self.disk.append(&name, &bytes)?,
                Later::Sync(name) => self.disk.sync(&name)?,
                Later::Rename(from, to) => self.disk.rename(&from, &to)?,
                Later::SyncFolder => self.disk.sync_folder()?,
            }
        }
        match self.puts_off(|| Later::Write(name.to_string(), bytes.to_vec()))? {
            true => Ok(()),
            false => self.disk.write(name, bytes),
        }
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self.puts_off(|| Later::Append(name.to_string(), bytes.to_vec()))? {
            true => Ok(()),
            false => self.disk.append(name, bytes),
        }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        match self.puts_off(|| Later::Sync(name.to_string()))? || self.care == Care::NoSync {
            true => Ok(()),
            false => self.disk.sync(name),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        if self.puts_off(|| Later::Rename(from.to_string(), to.to_string()))? {
            return Ok(());
        }
        self.disk.rename(from, to)?;
        let names = if self.care == Care::ByAge {
            self.disk.list()?
        } else {
            Vec::new()
        };
        names
            .iter()
            .rev()
            .skip(1)
            .try_for_each(|old| self.disk.remove(old))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        match self.puts_off(|| Later::SyncFolder)? || self.care == Care::NoSync {
            true => Ok(()),
            false => self.disk.sync_folder(),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.life.act()?;
        self.disk.list()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.life.act()?;
        self.disk.read(name)
    }

    fn read_tail(&self, name: &str, bytes: usize) -> io::Result<Vec<u8>> {
        self.life.act()?;
        self.disk.read_tail(name, bytes)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.life.act()?;
        self.disk.remove(name)
    }

    fn place(&self) -> String {
        self.disk.place()
    }
}

/// A topic that takes rows in transactions, each together with the number of its epoch: all of it is there, or nothing.
/// It survives every power cut, because it is somewhere else.
#[derive(Debug, Clone, Default)]
pub struct Topic(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    rows: Vec<String>,
    /// The last epoch that is in.
    marker: u64,
}

impl Topic {
    /// Appends one row, without a transaction. An error if the job is dead.
    pub fn append(&self, life: &Life, row: &str) -> io::Result<()> {
        life.act()?;
        self.inside().rows.push(row.to_string());
        Ok(())
    }

    /// All rows, in their order.
    pub fn rows(&self) -> Vec<String> {
        self.inside().rows.clone()
    }

    fn inside(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes to a [`Topic`] until the job is dead.
#[derive(Debug)]
pub struct Transactions {
    topic: Topic,
    life: Life,
    /// Whether a run that begins asks which epoch was the last.
    asks: bool,
    /// The epoch of the transaction that is open.
    open: Option<u64>,
}

impl Transactions {
    /// Transactions into this topic, for the length of a life.
    pub fn new(topic: &Topic, life: &Life, asks: bool) -> Self {
        Transactions {
            topic: topic.clone(),
            life: life.clone(),
            asks,
            open: None,
        }
    }
}

impl Target for Transactions {
    fn publish(&mut self, epoch: u64, rows: &Rows) -> Outcome<Published> {
        self.life.act()?;
        if self.open != Some(epoch) {
            self.open = Some(epoch);
            return Ok(Published::Again);
        }
        let mut written = self.topic.inside();
        let texts = rows
            .rows()
            .map(|(_, row)| String::from_utf8_lossy(row).into_owned());
        written.rows.extend(texts);
        written.marker = epoch;
        self.open = None;
        Ok(Published::Done)
    }

    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
        self.life.act()?;
        let (first, marker) = (epochs.first().copied(), self.topic.inside().marker);
        let first = first.unwrap_or_default();
        Ok(match () {
            () if !self.asks || marker <= first => LastPublished::UpTo(first),
            () if epochs.contains(&marker) => LastPublished::UpTo(marker),
            () => LastPublished::Unknown(format!("the topic has epoch {marker}, which no checkpoint knows")),
        })
    }

    fn describe(&self) -> String {
        "a topic in memory".to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::encoded::Encoded;

    #[test]
    fn nothing_obeys_behind_the_last_moment() {
        let (disk, life) = (Fragile::new(), Life::of(3));
        let mut mortal = Mortal::new(&disk, &life, Care::Full);
        mortal.write("a", b"1").expect("alive");
        assert!(life.passes(), "a step of the job is a moment, too");
        mortal.write("a", b"2").expect("alive");
        assert!(life.is_over());
        mortal.write("a", b"3").expect_err("dead");
        mortal.remove("a").expect_err("dead");
        assert_eq!(disk.files()["a"], b"2");
        let topic = Topic::default();
        topic.append(&life, "row").expect_err("dead");
        assert!(topic.rows().is_empty());
    }

    #[test]
    fn a_transaction_is_there_whole_or_not_at_all() {
        let (topic, mut rows) = (Topic::default(), Encoded::default());
        rows.push(None, b"a");
        rows.push(None, b"b");
        let rows = Rows::from(rows);
        for moments in 0..3 {
            let topic = Topic::default();
            let mut dies = Transactions::new(&topic, &Life::of(moments), true);
            while dies.publish(1, &rows).is_ok_and(|done| done == Published::Again) {}
            assert_eq!(topic.rows().len(), if moments < 2 { 0 } else { 2 }, "{moments}");
        }
        let mut lives = Transactions::new(&topic, &Life::undisturbed(), true);
        while lives.publish(1, &rows).expect("alive") == Published::Again {}
        assert_eq!(lives.last_out(&[0, 1]).expect("alive"), LastPublished::UpTo(1));
        assert_eq!(lives.last_out(&[1, 2]).expect("alive"), LastPublished::UpTo(1));
        assert!(matches!(
            lives.last_out(&[0]).expect("alive"),
            LastPublished::Unknown(_)
        ));
    }

    #[test]
    fn a_store_that_writes_later_has_the_file_before_the_last_one() {
        let disk = Fragile::new();
        let mut later = Mortal::new(&disk, &Life::undisturbed(), Care::Later);
        for name in ["a", "b"] {
            later.write(name, b"").expect("put off");
            later.sync(name).expect("put off");
            later.sync_folder().expect("put off");
        }
        assert_eq!(disk.files().into_keys().collect::<Vec<_>>(), ["a"]);
    }
}
