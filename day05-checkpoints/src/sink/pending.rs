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
//! 4. An epoch is forgotten when it is out, and not before: until then each checkpoint saves it again.
//! 5. After a restore everything that was saved may go, except for what the target says is out.

use std::collections::VecDeque;

use day02_state::operator::Batch;

use super::encoded::Encoded;

/// Rows by epoch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pending {
    open: Encoded,
    sealed: VecDeque<(u64, Encoded)>,
    /// Everything sealed up to here may be published.
    durable: u64,
    /// The last epoch that is out; 0 if none is.
    out: u64,
    /// Whether the first of those that are sealed is being published: nothing may be added to it.
    publishing: bool,
}

impl Pending {
    /// What was saved: the last epoch that was out then, and the rows of later ones. All of it may be published.
    pub fn restored(out: u64, sealed: Vec<(u64, Encoded)>) -> Self {
        Pending {
            open: Encoded::default(),
            durable: sealed.last().map_or(out, |(epoch, _)| *epoch),
            sealed: sealed.into(),
            out,
            publishing: false,
        }
    }

    /// Takes in rows.
    pub fn rows(&mut self) -> &mut Encoded {
        &mut self.open
    }

    // ANCHOR: pending
    /// A barrier has come.
    pub fn seal(&mut self, epoch: u64) {
        self.sealed.push_back((epoch, std::mem::take(&mut self.open)));
    }

    /// The checkpoint with this number is durable.
    pub fn durable(&mut self, id: u64) {
        self.durable = self.durable.max(id);
    }

    /// What is to be published next: all that may go, as one epoch. The same again, until it is out.
    pub fn to_publish(&mut self) -> Option<(u64, &Encoded)> {
        while !self.publishing
            && self
                .sealed
                .get(1)
                .is_some_and(|(epoch, _)| *epoch <= self.durable)
            && let Some((_, mut rows)) = self.sealed.pop_front()
            && let Some((_, behind)) = self.sealed.front_mut()
        {
            rows.append(std::mem::take(behind));
            *behind = rows;
        }
        let (epoch, rows) = self.sealed.front()?;
        self.publishing = *epoch <= self.durable;
        self.publishing.then_some((*epoch, rows))
    }

    /// Everything up to this epoch is out.
    pub fn is_out(&mut self, epoch: u64) {
        self.sealed.retain(|(sealed, _)| *sealed > epoch);
        self.out = self.out.max(epoch);
        self.publishing = false;
    }
    // ANCHOR_END: pending

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
    pub fn sealed(&self) -> impl Iterator<Item = (u64, &Encoded)> {
        self.sealed.iter().map(|(epoch, rows)| (*epoch, rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&str]) -> Encoded {
        let mut rows = Encoded::default();
        texts.iter().for_each(|text| rows.push(None, text.as_bytes()));
        rows
    }

    /// What is to be published, in words.
    fn next(pending: &mut Pending) -> Option<(u64, String)> {
        pending.to_publish().map(|(epoch, rows)| (epoch, words(rows)))
    }

    fn words(rows: &Encoded) -> String {
        let texts = rows
            .rows()
            .map(|(_, text)| String::from_utf8_lossy(text).into_owned());
        texts.collect::<Vec<String>>().join(" ")
    }

    fn saved(pending: &Pending) -> Vec<(u64, String)> {
        let sealed = pending.sealed();
        sealed.map(|(epoch, rows)| (epoch, words(rows))).collect()
    }

    #[test]
    fn nothing_goes_out_before_its_checkpoint_is_durable() {
        let mut pending = Pending::default();
        pending.rows().append(rows(&["a", "b"]));
        assert_eq!(next(&mut pending), None);
        pending.seal(1);
        assert_eq!(
            (next(&mut pending), saved(&pending)),
            (None, vec![(1, "a b".to_string())])
        );
        pending.rows().append(rows(&["c"]));
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
            pending.rows().append(rows(&[text]));
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
        pending.rows().append(rows(&["a"]));
        pending.seal(1);
        pending.durable(1);
        assert_eq!(next(&mut pending), Some((1, "a".to_string())));
        pending.rows().append(rows(&["b"]));
        pending.seal(2);
        pending.durable(2);
        assert_eq!(next(&mut pending), Some((1, "a".to_string())));
        pending.is_out(1);
        assert_eq!(next(&mut pending), Some((2, "b".to_string())));
    }

    #[test]
    fn after_a_restore_everything_goes_that_is_not_out() {
        let sealed = || vec![(4, rows(&["a"])), (5, rows(&["b"]))];
        for (known, left) in [
            (3, Some((5, "a b".to_string()))),
            (4, Some((5, "b".to_string()))),
            (5, None),
        ] {
            let mut pending = Pending::restored(3, sealed());
            assert_eq!(pending.epochs(), [3, 4, 5]);
            pending.is_out(known);
            assert_eq!(next(&mut pending), left, "{known} is out");
        }
    }
}
