//! The rows that are on their way out: which epoch they belong to, and which epochs may be published.
//!
//! ```text
//! open  ── barrier n ──► sealed as epoch n ── checkpoint n is durable ──► to be published ──► out
//!                         └─ saved with checkpoint n, until it is out
//! ```
//!
//! 1. A barrier seals what is open. What is sealed is part of the checkpoint with the same number.
//! 2. Nothing may be published before a checkpoint that holds it is durable: if the job were to go back further than
//!    that, it would produce these rows again.
//! 3. When checkpoint `n` is durable, everything sealed up to `n` may go. It is published as one, as epoch `n`, also what
//!    belongs to checkpoints in between that were given up.
//! 4. An epoch is forgotten when it is out, and not before: until then each checkpoint holds it. It does not change any
//!    more, so a store need not write it twice.
//!    One without rows takes the place of one without rows before it, unless the target was told of that one already.
//! 5. After a restore everything that was saved may go, except for what the target says is out.
//!
//! **Which input can wait.** What is held is bounded by refusing input. But a barrier stands behind the input that is
//! refused, and without it there is no checkpoint, and without the checkpoint nothing may go out:
//!
//! 6. While an epoch may be published, input can wait: the epoch goes out without any further barrier, and then input is
//!    taken again. A barrier that waits meanwhile is late, and its checkpoint may be given up for that; the next one gets
//!    more time.
//! 7. While none may be published, input must be taken, however much is held. What is held then came in since the last
//!    checkpoint that is out. So all that is held is bounded by the limit, or by what one checkpoint covers, whichever is
//!    more.
//! 8. An epoch that hangs may be published, by (6): while a target hangs, nothing grows beyond the limit.

use std::collections::VecDeque;

use super::encoded::{Encoded, Rows};
use crate::fault::{Fault, put_in};

/// How many bytes of an epoch lie in one piece: so none has to move as the epoch grows.
const PIECE: usize = 1 << 20;

/// Rows by epoch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The last piece of the epoch that is open.
    open: Encoded,
    /// The pieces before it.
    full: Rows,
    sealed: VecDeque<(u64, Rows)>,
    /// Everything sealed up to here may be published.
    durable: u64,
    /// The last epoch that is out; 0 if none is.
    out: u64,
    /// The last epoch of which the target may have heard, in this run or in one before.
    told: u64,
    /// What is being published: nothing may be added to it.
    publishing: Option<(u64, Rows)>,
}

impl Pending {
    /// What was saved: the last epoch that was out then, and the rows of later ones. All of it may be published.
    pub fn restored(out: u64, sealed: Vec<(u64, Rows)>) -> Self {
        let last = sealed.last().map_or(out, |(epoch, _)| *epoch);
        Pending {
            durable: last,
            told: last,
            sealed: sealed.into(),
            out,
            ..Pending::default()
        }
    }

    /// Takes in rows.
    pub fn rows(&mut self) -> &mut Encoded {
        if self.open.bytes() >= PIECE {
            self.full.push(std::mem::take(&mut self.open));
        }
        &mut self.open
    }

    // ANCHOR: pending
    /// A barrier has come.
    pub fn seal(&mut self, epoch: u64) {
        self.full.push(std::mem::take(&mut self.open));
        let rows = std::mem::take(&mut self.full);
        let is_replaced = |(last, held): &(u64, Rows)| held.is_empty() && *last > self.told;
        if rows.is_empty() && self.sealed.back().is_some_and(is_replaced) {
            self.sealed.pop_back();
        }
        self.sealed.push_back((epoch, rows));
    }

    /// The checkpoint with this number is durable.
    pub fn durable(&mut self, id: u64) {
        self.durable = self.durable.max(id);
    }

    /// What is to be published next: all that may go, as one epoch. The same again, until it is out.
    pub fn to_publish(&mut self) -> Option<&(u64, Rows)> {
        if self.publishing.is_none() {
            let may_go = || self.sealed.iter().filter(|(epoch, _)| *epoch <= self.durable);
            let rows = may_go().map(|(_, rows)| rows.clone()).collect();
            self.publishing = may_go().next_back().map(|(epoch, _)| (*epoch, rows));
            self.told = self.publishing.as_ref().map_or(self.told, |(epoch, _)| *epoch);
        }
        self.publishing.as_ref()
    }

    /// Everything up to this epoch is out.
    pub fn is_out(&mut self, epoch: u64) {
        self.sealed.retain(|(sealed, _)| *sealed > epoch);
        self.out = self.out.max(epoch);
        self.publishing = None;
    }

    /// Whether input can wait until less is held than `limit`: some of what is held goes out without further input.
    pub fn can_wait(&self, limit: usize) -> bool {
        let goes_out = self.sealed.iter().any(|(epoch, _)| *epoch <= self.durable);
        self.bytes() >= limit && (goes_out || put_in(Fault::SinkWaitsForBarrier))
    }
    // ANCHOR_END: pending

    /// How many bytes are held.
    pub fn bytes(&self) -> usize {
        let sealed: usize = self.sealed.iter().map(|(_, rows)| rows.bytes()).sum();
        sealed + self.full.bytes() + self.open.bytes()
    }

    /// The epochs that a target has to be asked about after a restore: the last that is out, and those behind it.
    pub fn epochs(&self) -> Vec<u64> {
        let sealed = self.sealed.iter().map(|(epoch, _)| *epoch);
        std::iter::once(self.out).chain(sealed).collect()
    }

    /// The last epoch that is out; 0 if none is.
    pub fn last_out(&self) -> u64 {
        self.out
    }

    /// What has to be saved: everything that was sealed and is not out.
    pub fn sealed(&self) -> impl Iterator<Item = &(u64, Rows)> {
        self.sealed.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(pending: &mut Pending, texts: &[&str]) {
        texts
            .iter()
            .for_each(|text| pending.rows().push(None, text.as_bytes()));
    }

    /// What is to be published, in words.
    fn next(pending: &mut Pending) -> Option<(u64, String)> {
        pending.to_publish().map(|(epoch, rows)| (*epoch, words(rows)))
    }

    fn words(rows: &Rows) -> String {
        let texts = rows
            .rows()
            .map(|(_, text)| String::from_utf8_lossy(text).into_owned());
        texts.collect::<Vec<String>>().join(" ")
    }

    fn saved(pending: &Pending) -> Vec<(u64, String)> {
        pending
            .sealed()
            .map(|(epoch, rows)| (*epoch, words(rows)))
            .collect()
    }

    #[test]
    fn nothing_goes_out_before_its_checkpoint_is_durable() {
        let mut pending = Pending::default();
        push(&mut pending, &["a", "b"]);
        assert_eq!(next(&mut pending), None);
        pending.seal(1);
        assert_eq!(
            (next(&mut pending), saved(&pending)),
            (None, vec![(1, "a b".to_string())])
        );
        push(&mut pending, &["c"]);
        pending.durable(1);
        assert_eq!(next(&mut pending), Some((1, "a b".to_string())));
        pending.is_out(1);
        assert_eq!((next(&mut pending), saved(&pending)), (None, vec![]));
        assert_eq!(pending.last_out(), 1);
    }

    #[test]
    fn what_belongs_to_a_checkpoint_that_was_given_up_goes_with_the_next_one() {
        let mut pending = Pending::default();
        for (epoch, text) in [(1, "a"), (2, "b"), (3, "c")] {
            push(&mut pending, &[text]);
            pending.seal(epoch);
        }
        pending.durable(2);
        assert_eq!(next(&mut pending), Some((2, "a b".to_string())));
        pending.is_out(2);
        assert_eq!(saved(&pending), [(3, "c".to_string())]);
    }

    #[test]
    fn nothing_is_added_to_an_epoch_that_is_being_published() {
        let mut pending = Pending::default();
        push(&mut pending, &["a"]);
        pending.seal(1);
        pending.durable(1);
        assert_eq!(next(&mut pending), Some((1, "a".to_string())));
        push(&mut pending, &["b"]);
        pending.seal(2);
        pending.durable(2);
        assert_eq!(next(&mut pending), Some((1, "a".to_string())));
        pending.is_out(1);
        assert_eq!(next(&mut pending), Some((2, "b".to_string())));
    }

    #[test]
    fn after_a_restore_everything_goes_that_is_not_out() {
        let epoch = |text: &str| {
            let mut rows = Encoded::default();
            rows.push(None, text.as_bytes());
            Rows::from(rows)
        };
        for (known, left) in [
            (3, Some((5, "a b".to_string()))),
            (4, Some((5, "b".to_string()))),
            (5, None),
        ] {
            let mut pending = Pending::restored(3, vec![(4, epoch("a")), (5, epoch("b"))]);
            assert_eq!(pending.epochs(), [3, 4, 5]);
            pending.is_out(known);
            assert_eq!(next(&mut pending), left, "{known} is out");
        }
    }

    #[test]
    fn while_a_target_hangs_epochs_without_rows_do_not_pile_up() {
        let mut pending = Pending::restored(3, vec![(4, Rows::default())]);
        let epochs = |pending: &Pending| pending.epochs();
        pending.seal(5);
        assert_eq!(
            epochs(&pending),
            [3, 4, 5],
            "4 may be out: the run before may have published it"
        );
        pending.durable(5);
        assert_eq!(next(&mut pending), Some((5, String::new())));
        for epoch in 6..100 {
            pending.seal(epoch);
            pending.durable(epoch);
        }
        assert_eq!(epochs(&pending), [3, 4, 5, 99], "5 is under way");
        pending.is_out(5);
        push(&mut pending, &["a"]);
        pending.seal(100);
        pending.seal(101);
        assert_eq!(epochs(&pending), [5, 99, 100, 101], "one with rows stays");
    }

    #[test]
    fn an_epoch_of_several_pieces_is_one_epoch() {
        let (mut pending, row) = (Pending::default(), "x".repeat(PIECE * 2 / 3));
        let rows: Vec<String> = (0..5).map(|number| format!("{number}{row}")).collect();
        rows.iter().for_each(|row| push(&mut pending, &[row]));
        assert!(pending.bytes() > 3 * PIECE);
        pending.seal(1);
        pending.durable(1);
        assert_eq!(next(&mut pending), Some((1, rows.join(" "))));
        pending.is_out(1);
        assert_eq!(pending.bytes(), 0);
    }

    #[test]
    fn input_waits_only_while_something_goes_out_without_it() {
        let (mut pending, limit) = (Pending::default(), 20);
        let mut waits = Vec::new();
        let mut look = |what: &str, pending: &Pending| {
            waits.push(format!(
                "{what}: {}",
                if pending.can_wait(limit) {
                    "waits"
                } else {
                    "is taken"
                }
            ));
        };
        push(&mut pending, &["more than twenty bytes"]);
        look("open", &pending);
        pending.seal(1);
        look("sealed", &pending);
        pending.durable(1);
        look("may go", &pending);
        assert!(next(&mut pending).is_some());
        look("hangs", &pending);
        pending.is_out(1);
        look("out", &pending);
        push(&mut pending, &[""]);
        pending.seal(2);
        pending.durable(2);
        look("below the limit", &pending);
        push(&mut pending, &["more than twenty bytes"]);
        look("behind one that may go", &pending);
        pending.is_out(2);
        look("behind one that is out", &pending);
        assert_eq!(
            waits,
            [
                "open: is taken",
                "sealed: is taken",
                "may go: waits",
                "hangs: waits",
                "out: is taken",
                "below the limit: is taken",
                "behind one that may go: waits",
                "behind one that is out: is taken",
            ]
        );
    }
}
