//! The run of a table: the runs of its key groups, and behind them which is which.
//!
//! ```text
//! run of a group │ run of a group │ … │ for each: group, 2 bytes │ length, 8 bytes │ … │ how many, 2 bytes
//! ```
//!
//! A task whose table changes a little writes one run, and the manifest names one, however many key groups there are. And a
//! restore at another parallelism still finds whole groups.

use day02_state::state::encoding::take;

const ENTRY: usize = size_of::<u16>() + size_of::<u64>();

/// What stands behind the groups.
#[derive(Debug, Default)]
pub(super) struct Index {
    groups: u16,
    bytes: Vec<u8>,
}

impl Index {
    /// The run of this group comes next, and has so many bytes.
    pub fn push(&mut self, group: u16, length: usize) {
        self.groups += 1;
        self.bytes.extend(group.to_le_bytes());
        self.bytes.extend((length as u64).to_le_bytes());
    }

    pub fn is_empty(&self) -> bool {
        self.groups == 0
    }

    pub fn encode(mut self) -> Vec<u8> {
        self.bytes.extend(self.groups.to_le_bytes());
        self.bytes
    }
}

/// The groups in the run of a table, each with its own run; none if it is not one.
pub(super) fn groups(run: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let (rest, count) = run.split_last_chunk()?;
    let start = rest
        .len()
        .checked_sub(usize::from(u16::from_le_bytes(*count)) * ENTRY)?;
    let (mut rest, mut index) = rest.split_at(start);
    let mut groups = Vec::new();
    while !index.is_empty() {
        let group = u16::from_le_bytes(take(&mut index)?);
        let length = usize::try_from(u64::from_le_bytes(take(&mut index)?)).ok()?;
        let (run, behind) = rest.split_at_checked(length)?;
        groups.push((group, run));
        rest = behind;
    }
    rest.is_empty().then_some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_a_run_are_those_that_were_written_and_a_cut_one_has_none() {
        let mut index = Index::default();
        let mut run = Vec::new();
        for (group, bytes) in [(3, &b"three"[..]), (9, b""), (100, b"hundred")] {
            run.extend_from_slice(bytes);
            index.push(group, bytes.len());
        }
        run.extend(index.encode());
        let wanted = [(3, &b"three"[..]), (9, b""), (100, b"hundred")];
        assert_eq!(groups(&run).expect("whole"), wanted);
        for end in 0..run.len() {
            assert_eq!(groups(&run[..end]), None, "{end}");
        }
        assert_eq!(groups(&[0, 0]).expect("no groups"), []);
    }
}
