//! Output in files in crashes: a job publishes epoch after epoch, dies after any step, starts again,
//! asks whether the epoch that was under way is out, and goes on. In the end each row is there once.
//!
//! The checkpoints of this job are a number that is never lost: what is tried here is the target alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod weaker;

use day05_checkpoints::disk::Disk;
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::sink::encoded::{Encoded, Rows};
use day05_checkpoints::sink::files::{FileTarget, Format};
use day05_checkpoints::sink::target::{LastPublished, Published, Target};

use weaker::{Life, Random, Weakened, Weaker, first_failure};

/// The rows of an epoch; some have none.
fn rows(epoch: u64) -> Vec<String> {
    (0..epoch * 7 % 4)
        .map(|row| format!("row {row} of {epoch}"))
        .collect()
}

fn encoded(epoch: u64) -> Rows {
    let mut encoded = Encoded::default();
    rows(epoch)
        .iter()
        .for_each(|row| encoded.push(None, row.as_bytes()));
    encoded.into()
}

/// All rows, in the order in which a reader finds them.
fn published(disk: &Fragile) -> Vec<String> {
    let files = disk
        .files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".json"));
    let text = files.flat_map(|(_, bytes)| bytes).collect();
    let text = String::from_utf8(text).expect("text, or what is left of it");
    text.lines().map(String::from).collect()
}

/// How far the job has come.
struct Job {
    /// The epoch of the last complete checkpoint, the only one that may be on its way out.
    epoch: u64,
    /// Whether the target has said that it is out.
    is_out: bool,
}

impl Job {
    /// What a reader may find: all epochs before this one, and this one whole or not at all.
    fn look(&self, disk: &Fragile) -> Result<(), String> {
        let before: Vec<String> = (1..self.epoch).flat_map(rows).collect();
        let with = [before.as_slice(), &rows(self.epoch)].concat();
        match published(disk) {
            found if found == with || (found == before && !self.is_out) => Ok(()),
            found => Err(format!(
                "epoch {} (out: {}), and found {found:?}",
                self.epoch, self.is_out
            )),
        }
    }

    fn live(&mut self, target: &mut impl Target, disk: &Fragile, steps: usize) -> Result<(), String> {
        let Ok(known) = target.last_out(&[self.epoch.saturating_sub(1), self.epoch]) else {
            return Ok(()); // The disk was full, which ends the run.
        };
        match known {
            LastPublished::UpTo(epoch) if epoch == self.epoch => self.is_out = true,
            LastPublished::UpTo(_) if !self.is_out || rows(self.epoch).is_empty() => {}
            known => return Err(format!("{known:?}, and epoch {} was out", self.epoch)),
        }
        for _ in 0..steps {
            if self.is_out {
                self.epoch += 1;
                self.is_out = false;
            } else {
                let Ok(done) = target.publish(self.epoch, &encoded(self.epoch)) else {
                    return Ok(());
                };
                self.is_out = done == Published::Done;
            }
            self.look(disk)?;
        }
        Ok(())
    }
}

/// Lets the job live these lives. An error if ever a row is missing, cut, or there twice.
fn check(weaker: Option<Weaker>, random: &mut Random, lives: &[Life]) -> Result<(), String> {
    let mut disk = Fragile::new();
    let mut job = Job {
        epoch: 0,
        is_out: true,
    };
    for life in lives {
        disk.fail_after(life.fails_after.unwrap_or(usize::MAX));
        let mut target = FileTarget::new(Weakened::new(&disk, weaker), Format::Json);
        job.live(&mut target, &disk, life.steps)?;
        if life.power_cut {
            disk.crash(&mut random.0);
        }
        job.look(&disk)?;
    }
    disk.fail_after(usize::MAX);
    let mut target = FileTarget::new(Weakened::new(&disk, weaker), Format::Json);
    job.live(&mut target, &disk, 0)?;
    let leftovers = disk.files().into_keys().filter(|name| name.ends_with(".writing"));
    match leftovers.count() {
        0 => Ok(()),
        some => Err(format!("{some} files are left unfinished")),
    }
}

#[test]
fn after_any_crash_each_row_is_there_once() {
    let failure = first_failure(false, |random, lives| check(None, random, lives));
    assert_eq!(failure, Ok(()));
}

#[test]
fn so_it_is_on_a_disk_that_is_full_at_times() {
    let failure = first_failure(true, |random, lives| check(None, random, lives));
    assert_eq!(failure, Ok(()));
}

#[test]
fn a_weaker_design_loses_rows() {
    use Weaker::{NoFolderSync, NoFolderSyncAtStart, NoSync, RenameFirst};
    for weaker in [NoSync, NoFolderSync, NoFolderSyncAtStart, RenameFirst] {
        let failure = first_failure(false, |random, lives| check(Some(weaker), random, lives));
        assert!(
            failure.as_ref().is_err_and(|failure| failure.contains("found")),
            "{weaker:?}: {failure:?}"
        );
    }
}

/// Why files have to stay where they are until the next checkpoint is complete.
#[test]
fn a_file_that_is_moved_away_too_early_comes_again() {
    let disk = Fragile::new();
    let mut job = Job {
        epoch: 0,
        is_out: true,
    };
    let target = || FileTarget::new(Fragile::clone(&disk), Format::Json);
    job.live(&mut target(), &disk, 5).expect("epoch 1 is out");
    assert_eq!(published(&disk), rows(1));
    let (epoch, before) = (job.epoch, job.epoch - 1);
    assert_eq!(
        target().last_out(&[before, epoch]).expect("known"),
        LastPublished::UpTo(epoch)
    );
    disk.clone()
        .remove("part-00000000000000000001.json")
        .expect("moved away");
    assert_eq!(
        target().last_out(&[before, epoch]).expect("known"),
        LastPublished::UpTo(before)
    );
}
