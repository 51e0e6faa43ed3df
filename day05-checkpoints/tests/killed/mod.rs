//! The program, killed at moments drawn from a seed by a signal that it cannot catch, until it comes to its end.

use std::thread;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::program::{Folder, Run};

/// How long each run lives: something up to `at_random`, and `more` for each run that was killed before it.
pub struct Lives {
    pub at_random: Duration,
    pub more: Duration,
}

/// How many runs may be killed before one has left something behind: the next one lives just until it has. On a slow machine
/// a run has not begun to work when a fast one is done, so no length of life fits both.
const IN_VAIN: u32 = 3;

/// Returns the run that came to its end, and asserts that some were killed, and some of them after they had left something
/// behind; `has_left` says whether one has.
pub fn until_it_ends(folder: &Folder, args: &str, lives: &Lives, mut has_left: impl FnMut() -> bool) -> Run {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let (mut kills, mut with_traces) = (0, 0);
    let last = loop {
        let mut job = folder.start(args);
        let share = f64::from(random.next_u32()) / f64::from(u32::MAX);
        let until = Instant::now() + lives.at_random.mul_f64(share) + lives.more * kills;
        let mut is_early = || match kills >= IN_VAIN && with_traces == 0 {
            true => !has_left(),
            false => Instant::now() < until,
        };
        while is_early() && job.child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        if job.child.try_wait().unwrap().is_some() {
            break job.finish();
        }
        job.kill();
        kills += 1;
        with_traces += u32::from(has_left());
    };
    println!("{kills} kills, {with_traces} behind which something was left");
    assert!(kills > IN_VAIN && with_traces > 0, "{kills} kills, {with_traces}");
    assert_eq!(last.code, 0, "{}", last.stderr);
    last
}
