//! Files that are there whole, or not at all: written aside, and given their name once nothing can be lost.
//!
//! ```text
//!    write, append … sync           rename            sync folder
//!  ────────► aside ──────► aside ─────────► the file ────────────► the file
//!            may be cut    whole            whole, but may be      whole, and there
//!                                           aside again            for good
//! ```
//!
//! 1. Whatever has its final name is whole, because its bytes were synced before the rename. So a
//!    reader need not ask.
//! 2. The file is *safe* only when the folder is synced. Before that a power cut can undo the rename.
//! 3. Each arrow is a step of its own, so that a test can crash between any two of them.
//! 4. A step that fails ends the attempt. In particular a sync is not tried again: the system may have
//!    dropped the bytes that it could not write, and then the second try succeeds without them.
//! 5. After a restart comes [`recover`]. It removes what never got its name, and makes safe what has:
//!    the run before may have died between the last two steps, and what is taken for safe now must not
//!    disappear later.
//!
//! Files are numbered, so that their order can be read from their names: twenty digits hold every `u64`.

use std::collections::BTreeSet;

use crate::disk::{Disk, DiskError};

/// What is added to the name of a file while it is written.
pub(crate) const WRITING: &str = ".writing";

// ANCHOR: atomic_file
/// A file on its way to the disk, from blocks of bytes, each of which is made when it is written.
#[derive(Debug)]
pub struct AtomicFile<B> {
    name: String,
    blocks: B,
    next: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Write,
    Append,
    Rename,
    SyncFolder,
    Nothing,
}

impl<B: Iterator<Item = Vec<u8>>> AtomicFile<B> {
    /// A file of this name with the bytes of all these blocks, of which nothing is written yet.
    pub fn in_blocks(name: String, blocks: B) -> Self {
        let next = Step::Write;
        AtomicFile { name, blocks, next }
    }

    /// What its blocks came from.
    pub fn into_blocks(self) -> B {
        self.blocks
    }

    /// Takes the next step, and says whether the file is safe now. After an error there must be no
    /// other step.
    pub fn step<D: Disk>(&mut self, disk: &mut D) -> Result<bool, DiskError> {
        let aside = format!("{}{WRITING}", self.name);
        let block = match self.next {
            Step::Write | Step::Append => self.blocks.next(),
            _ => None,
        };
        let (done, what, then) = match (self.next, block) {
            (Step::Write, block) => (
                disk.write(&aside, &block.unwrap_or_default()),
                "write",
                Step::Append,
            ),
            (Step::Append, Some(block)) => (disk.append(&aside, &block), "write", Step::Append),
            (Step::Append, None) => (disk.sync(&aside), "sync", Step::Rename),
            (Step::Rename, _) => (disk.rename(&aside, &self.name), "rename", Step::SyncFolder),
            (Step::SyncFolder, _) => (disk.sync_folder(), "sync the folder of", Step::Nothing),
            (Step::Nothing, _) => return Ok(true),
        };
        done.map_err(DiskError::of(disk, what, &self.name))?;
        self.next = then;
        Ok(matches!(self.next, Step::Nothing))
    }
}
// ANCHOR_END: atomic_file

/// Puts a folder in order that another run may have left in any state. Returns the numbers of all files
/// that are whole; all of them are safe. Files to which `number` gives none are left alone.
pub fn recover<D: Disk>(
    disk: &mut D,
    number: impl Fn(&str) -> Option<u64>,
) -> Result<BTreeSet<u64>, DiskError> {
    let mut numbers = BTreeSet::new();
    let names = disk.list();
    for name in names.map_err(DiskError::of(disk, "list the files of", ""))? {
        match name.strip_suffix(WRITING) {
            Some(file) if number(file).is_some() => {
                disk.remove(&name).map_err(DiskError::of(disk, "remove", &name))?;
            }
            _ => numbers.extend(number(&name)),
        }
    }
    let synced = disk.sync_folder();
    synced.map_err(DiskError::of(disk, "sync the folder", ""))?;
    Ok(numbers)
}

/// The number as it stands in a name: the order of the names is that of the numbers.
pub fn digits(number: u64) -> String {
    format!("{number:020}")
}

/// The number that [`digits`] has written.
pub fn from_digits(text: &str) -> Option<u64> {
    let are_digits = text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fragile::Fragile;

    const NAME: &str = "part-00000000000000000007";

    fn number(name: &str) -> Option<u64> {
        from_digits(name.strip_prefix("part-")?)
    }

    fn file() -> AtomicFile<std::iter::Once<Vec<u8>>> {
        AtomicFile::in_blocks(NAME.to_string(), std::iter::once(b"rows".to_vec()))
    }

    fn names(disk: &Fragile) -> Vec<String> {
        disk.list().expect("the names")
    }

    #[test]
    fn a_file_has_its_name_only_behind_the_third_of_four_steps() {
        let aside = format!("{NAME}{WRITING}");
        let (mut disk, mut file) = (Fragile::new(), file());
        #[rustfmt::skip]
        let table = [
            ("write",       false, aside.as_str()),
            ("sync",        false, aside.as_str()),
            ("rename",      false, NAME),
            ("sync folder", true,  NAME),
            ("nothing",     true,  NAME),
        ];
        for (step, safe, name) in table {
            assert_eq!(file.step(&mut disk).expect(step), safe, "{step}");
            assert_eq!(names(&disk), [name], "{step}");
        }
    }

    #[test]
    fn an_error_names_the_file_and_says_what_could_not_be_done() {
        #[rustfmt::skip]
        let table = [
            (0, "cannot write memory/part-00000000000000000007: no storage space"),
            (1, "cannot sync memory/part-00000000000000000007: no storage space"),
            (2, "cannot rename memory/part-00000000000000000007: no storage space"),
            (3, "cannot sync the folder of memory/part-00000000000000000007: no storage space"),
        ];
        for (steps, said) in table {
            let (mut disk, mut file) = (Fragile::new(), file());
            disk.fail_after(steps);
            let before = (0..steps).all(|_| file.step(&mut disk).is_ok());
            assert!(before, "{said}");
            assert_eq!(file.step(&mut disk).expect_err(said).to_string(), said);
        }
    }

    #[test]
    fn settling_keeps_what_has_its_name_and_removes_what_has_not() {
        let mut disk = Fragile::new();
        let kept = ["part-00000000000000000003", NAME];
        let foreign = ["notes.writing", "part-8", "part-9.writing", "readme"];
        let left = "part-00000000000000000008.writing";
        for name in kept.iter().chain(&foreign).chain(&[left]) {
            disk.write(name, b"").expect("written");
        }
        let numbers = recover(&mut disk, number).expect("settled");
        assert_eq!(numbers, BTreeSet::from([3, 7]));
        let mut wanted = [foreign.as_slice(), kept.as_slice()].concat();
        wanted.sort();
        assert_eq!(names(&disk), wanted);
    }

    #[test]
    fn the_order_of_names_is_that_of_the_numbers() {
        let numbers = [0, 1, 9, 10, 99, 1 << 32, u64::MAX - 1, u64::MAX];
        assert!(numbers.map(digits).is_sorted());
        assert_eq!(
            numbers.map(|number| from_digits(&digits(number))),
            numbers.map(Some)
        );
        for text in [
            "",
            "7",
            "0000000000000000000x",
            "+0000000000000000007",
            "99999999999999999999",
        ] {
            assert_eq!(from_digits(text), None, "{text:?}");
        }
    }
}
