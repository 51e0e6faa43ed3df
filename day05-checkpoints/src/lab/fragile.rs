//! A disk in memory that loses in a power cut what was not synced.
//!
//! It keeps the promises of [`Disk`] and not one more. A real disk is kinder nearly always, which is
//! why a program that relies on more than was promised passes all its tests and loses data in the
//! field.
//!
//! ```text
//!   names   now     b ─► 1, c ─► 2
//!           safe    a ─► 1                               as of the last sync of the folder
//!           since   rename a to b,  create c             in a crash: any prefix of these has happened
//!
//!   files   1       now  "rows"   safe  "rows"           synced: nothing can happen to it
//!           2       now  "more"   safe  ""               in a crash: one of "", "mo", "more", "mo\0\0"
//! ```
//!
//! 1. Bytes that are not synced come out of a [`crash`](Fragile::crash) as they were before, empty,
//!    cut, as they were written, or of the right length with zeros at the end.
//! 2. Of the names that have changed since the last sync of the folder, so many changes have happened,
//!    in their order, and the others have not. To sync a file makes no name safe.
//! 3. The two are independent. So a name may be there without its bytes, and bytes without their name.
//! 4. Nothing is lost when only the process dies: that is what happens without a crash.
//!
//! All clones are the same disk, so that a job that is started again finds what is left. Left out:
//! changes of names that overtake each other, and damage to what was synced (which a test can write
//! itself).

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::Rng;

use crate::disk::Disk;

/// A disk that loses what was not synced.
#[derive(Debug, Clone, Default)]
pub struct Fragile(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    files: Vec<File>,
    names: Names,
    safe_names: Names,
    since: Vec<Change>,
    /// How many operations are left until one fails.
    until_failure: Option<usize>,
}

/// For each name its place among the files.
type Names = BTreeMap<String, usize>;

#[derive(Debug, Default)]
struct File {
    now: Vec<u8>,
    safe: Vec<u8>,
}

/// A change of names.
#[derive(Debug)]
enum Change {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

impl Change {
    fn apply(&self, names: &mut Names) {
        match self {
            Change::Create(name, file) => {
                names.insert(name.clone(), *file);
            }
            Change::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Change::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Fragile {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power: what was not synced is lost, or not, as `random` decides.
    pub fn crash(&mut self, random: &mut impl Rng) {
        let mut inside = self.inside();
        let Inside {
            files,
            names,
            safe_names,
            since,
            ..
        } = &mut *inside;
        let happened = below(random, since.len() + 1);
        since[..happened]
            .iter()
            .for_each(|change| change.apply(safe_names));
        since.clear();
        names.clone_from(safe_names);
        for file in files.iter_mut().filter(|file| file.now != file.safe) {
            file.safe = left(file, random);
            file.now.clone_from(&file.safe);
        }
    }

    /// Lets one operation fail as if the disk were full: the one that comes after so many others. A
    /// write that fails leaves half of its bytes.
    pub fn fail_after(&mut self, operations: usize) {
        self.inside().until_failure = Some(operations);
    }

    /// All files with their bytes, as a person sees them who looks at the disk from outside: no
    /// operation, so it never fails.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let inside = self.inside();
        let bytes = |file: &usize| inside.files[*file].now.clone();
        inside
            .names
            .iter()
            .map(|(name, file)| (name.clone(), bytes(file)))
            .collect()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a power cut leaves of a file that was not synced.
fn left(file: &File, random: &mut impl Rng) -> Vec<u8> {
    let cut = &file.now[..below(random, file.now.len() + 1)];
    match below(random, 5) {
        0 => file.safe.clone(),
        1 => Vec::new(),
        2 => cut.to_vec(),
        3 => file.now.clone(),
        _ => [cut, &vec![0; file.now.len() - cut.len()]].concat(),
    }
}

fn below(random: &mut impl Rng, n: usize) -> usize {
    ((u64::from(random.next_u32()) * n as u64) >> 32) as usize
}

impl Inside {
    /// Counts an operation, which may be the one that fails.
    fn operation(&mut self) -> io::Result<()> {
        match self.until_failure {
            None => Ok(()),
            Some(0) => {
                self.until_failure = None;
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(others) => {
                self.until_failure = Some(others - 1);
                Ok(())
            }
        }
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        let file = self.names.get(name).copied();
        file.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.since.push(change);
    }
}

impl Disk for Fragile {
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut inside = self.inside();
        let done = inside.operation();
        let file = inside.file(name).unwrap_or(inside.files.len());
        if file == inside.files.len() {
            inside.files.push(File::default());
            inside.change(Change::Create(name.to_string(), file));
        }
        let written = if done.is_ok() {
            bytes.len()
        } else {
            bytes.len() / 2
        };
        inside.files[file].now = bytes[..written].to_vec();
        done
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut inside = self.inside();
        let done = inside.operation();
        let file = inside.file(name)?;
        let written = if done.is_ok() {
            bytes.len()
        } else {
            bytes.len() / 2
        };
        inside.files[file].now.extend_from_slice(&bytes[..written]);
        done
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut inside = self.inside();
        inside.operation()?;
        let file = inside.file(name)?;
        let File { now, safe } = &mut inside.files[file];
        safe.clone_from(now);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut inside = self.inside();
        inside.operation()?;
        inside.file(from)?;
        inside.change(Change::Rename(from.to_string(), to.to_string()));
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let mut inside = self.inside();
        inside.operation()?;
        inside.since.clear();
        inside.safe_names = inside.names.clone();
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut inside = self.inside();
        inside.operation()?;
        Ok(inside.names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut inside = self.inside();
        inside.operation()?;
        let file = inside.file(name)?;
        Ok(inside.files[file].now.clone())
    }

    fn read_tail(&self, name: &str, bytes: usize) -> io::Result<Vec<u8>> {
        let mut all = self.read(name)?;
        Ok(all.split_off(all.len().saturating_sub(bytes)))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut inside = self.inside();
        inside.operation()?;
        inside.file(name)?;
        inside.change(Change::Remove(name.to_string()));
        Ok(())
    }

    fn place(&self) -> String {
        "memory".to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Everything that a power cut may leave behind these operations: the files with their bytes.
    fn left_behind(operations: impl Fn(&mut Fragile)) -> BTreeSet<Vec<(String, String)>> {
        let outcomes = (0..300).map(|seed| {
            let mut disk = Fragile::new();
            operations(&mut disk);
            disk.crash(&mut ChaCha8Rng::seed_from_u64(seed));
            files(&disk)
        });
        outcomes.collect()
    }

    fn files(disk: &Fragile) -> Vec<(String, String)> {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        disk.files()
            .into_iter()
            .map(|(name, bytes)| (name, text(bytes)))
            .collect()
    }

    fn safe(disk: &mut Fragile, name: &str, bytes: &str) {
        disk.write(name, bytes.as_bytes()).expect("written");
        disk.sync(name).expect("synced");
        disk.sync_folder().expect("synced");
    }

    #[track_caller]
    fn check(operations: impl Fn(&mut Fragile), wanted: &[&[(&str, &str)]]) {
        let owned = |files: &&[(&str, &str)]| {
            let owned = |(name, bytes): &(&str, &str)| (name.to_string(), bytes.to_string());
            files.iter().map(owned).collect()
        };
        assert_eq!(left_behind(operations), wanted.iter().map(owned).collect());
    }

    #[test]
    fn what_is_synced_is_there() {
        check(|disk| safe(disk, "a", "new"), &[&[("a", "new")]]);
    }

    #[test]
    fn bytes_that_are_not_synced_may_be_lost_in_whole_or_in_part() {
        let operations = |disk: &mut Fragile| {
            disk.write("a", b"new").expect("written");
            disk.sync_folder().expect("synced");
        };
        let outcomes = ["", "n", "ne", "new", "\0\0\0", "n\0\0", "ne\0"];
        let outcomes = outcomes.map(|bytes| [("a", bytes)]);
        check(operations, &outcomes.each_ref().map(|files| files.as_slice()));
    }

    #[test]
    fn a_file_that_is_written_over_may_still_be_the_old_one() {
        let operations = |disk: &mut Fragile| {
            safe(disk, "a", "old");
            disk.write("a", b"n").expect("written");
        };
        check(
            operations,
            &[&[("a", "old")], &[("a", "")], &[("a", "n")], &[("a", "\0")]],
        );
    }

    #[test]
    fn a_name_that_is_not_synced_may_be_lost_with_all_its_bytes() {
        let operations = |disk: &mut Fragile| {
            disk.write("a", b"new").expect("written");
            disk.sync("a").expect("synced");
        };
        check(operations, &[&[], &[("a", "new")]]);
    }

    #[test]
    fn names_change_in_their_order_or_not_at_all() {
        let operations = |disk: &mut Fragile| {
            safe(disk, "a", "1");
            safe(disk, "b", "2");
            disk.rename("a", "b").expect("renamed");
            disk.remove("b").expect("removed");
        };
        check(operations, &[&[("a", "1"), ("b", "2")], &[("b", "1")], &[]]);
    }

    #[test]
    fn what_a_crash_has_left_stays() {
        let operations = |disk: &mut Fragile| {
            disk.write("a", b"new").expect("written");
            disk.crash(&mut ChaCha8Rng::seed_from_u64(7));
        };
        let left = left_behind(operations);
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_job_that_is_started_again_finds_what_is_left() {
        let mut disk = Fragile::new();
        let again = disk.clone();
        disk.write("a", b"new").expect("written");
        drop(disk);
        assert_eq!(files(&again), [("a".to_string(), "new".to_string())]);
    }

    #[test]
    fn one_operation_fails_and_the_others_do_not() {
        let mut disk = Fragile::new();
        disk.fail_after(1);
        disk.write("a", b"1234").expect("before it");
        let error = disk.write("a", b"5678").expect_err("full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.read("a").expect("after it"), b"56");
        disk.fail_after(0);
        disk.rename("a", "b").expect_err("full");
        assert_eq!(files(&disk), [("a".to_string(), "56".to_string())]);
    }
}
