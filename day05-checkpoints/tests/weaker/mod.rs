//! Designs that leave out one thing each. Every one of them works as long as the power stays on, so a
//! check that lets one of them pass is no check.

use std::io;

use day05_checkpoints::disk::Disk;
use day05_checkpoints::lab::fragile::Fragile;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weaker {
    /// The bytes are not synced before the rename.
    NoSync,
    /// The folder is not synced behind the rename.
    NoFolderSync,
    /// A run that starts takes for safe what it finds.
    NoFolderSyncAtStart,
    /// The file gets its name first, and then its bytes.
    RenameFirst,
    /// Old files are removed, whoever needs them: of checkpoints only.
    #[allow(dead_code)]
    RemovesByAge,
    /// What has changed counts as saved once it is frozen: of checkpoints only.
    #[allow(dead_code)]
    ForgetsAtFreeze,
}

/// A disk through which a design becomes a weaker one.
pub struct Weakened {
    disk: Fragile,
    weaker: Option<Weaker>,
    has_written: bool,
    held_back: Vec<u8>,
}

impl Weakened {
    pub fn new(disk: &Fragile, weaker: Option<Weaker>) -> Self {
        Weakened {
            disk: disk.clone(),
            weaker,
            has_written: false,
            held_back: Vec::new(),
        }
    }
}

/// The name of the file that is written aside under this one.
fn its_name(aside: &str) -> &str {
    aside.strip_suffix(".writing").expect("it is written aside")
}

impl Disk for Weakened {
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.has_written = true;
        if self.weaker != Some(Weaker::RenameFirst) {
            return self.disk.write(name, bytes);
        }
        self.held_back = bytes.to_vec();
        self.disk.write(name, b"")?;
        self.disk.rename(name, its_name(name))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if self.weaker != Some(Weaker::RenameFirst) {
            return self.disk.append(name, bytes);
        }
        self.held_back.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        match self.weaker {
            Some(Weaker::NoSync) => Ok(()),
            Some(Weaker::RenameFirst) => {
                self.disk.write(its_name(name), &self.held_back)?;
                self.disk.sync(its_name(name))
            }
            _ => self.disk.sync(name),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        match self.weaker {
            Some(Weaker::RenameFirst) => Ok(()),
            Some(Weaker::RemovesByAge) => {
                self.disk.rename(from, to)?;
                let names = self.disk.list()?;
                names
                    .iter()
                    .rev()
                    .skip(3)
                    .try_for_each(|old| self.disk.remove(old))
            }
            _ => self.disk.rename(from, to),
        }
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        match self.weaker {
            Some(Weaker::NoFolderSync) => Ok(()),
            Some(Weaker::NoFolderSyncAtStart) if !self.has_written => Ok(()),
            _ => self.disk.sync_folder(),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.disk.read(name)
    }

    fn read_tail(&self, name: &str, bytes: usize) -> io::Result<Vec<u8>> {
        self.disk.read_tail(name, bytes)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn place(&self) -> String {
        self.disk.place()
    }
}

/// A run of the program, from its start to its death.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    /// How many steps it takes.
    pub steps: usize,
    /// Whether the power is cut at its end, or only the process dies.
    pub power_cut: bool,
    /// How many operations of the disk go well before one fails, if one does.
    pub fails_after: Option<usize>,
}

/// Something to draw from.
pub struct Random(pub ChaCha8Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0.next_u32() as usize % n
    }

    /// The first life dies at this step, whatever is drawn; five others follow.
    pub fn lives(&mut self, first: usize, disk_fails: bool) -> Vec<Life> {
        let mut lives = Vec::new();
        for nth in 0..6 {
            lives.push(Life {
                steps: if nth == 0 { first } else { self.below(24) },
                power_cut: self.below(3) > 0,
                fails_after: (disk_fails && self.below(2) == 0).then(|| self.below(20)),
            });
        }
        lives
    }
}

/// Runs `check` for lives that begin with a death at each of the first steps, many times each. The
/// first failure.
pub fn first_failure(
    disk_fails: bool,
    check: impl Fn(&mut Random, &[Life]) -> Result<(), String>,
) -> Result<(), String> {
    for first in 0..25 {
        for seed in 0..40 {
            let mut random = Random::new(seed);
            let lives = random.lives(first, disk_fails);
            let failed = |problem| format!("first death at step {first}, seed {seed}: {problem}");
            check(&mut random, &lives).map_err(failed)?;
        }
    }
    Ok(())
}
