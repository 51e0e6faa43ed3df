//! A run: some rows of a key group as bytes, by rising key.
//!
//! ```text
//! each row       length of the key, 4 bytes │ length of the value + 1, 4 bytes │ key │ value
//! a removed one  length of the key, 4 bytes │ 0                                │ key │
//! ```
//!
//! A run of all rows of a group is the group. A run of the rows that have changed since then says what to do to it, and
//! several of those, the oldest first, can be put on top of each other: for each key, the last run that has it decides.
//! [`merge`] does that without knowing what a key or a value is, so a store can do it that has never seen the table. This
//! is what RocksDB calls a sorted string table and a compaction, and a removed row is its *tombstone*.
//!
//! Equal rows give equal bytes. Numbers are little-endian.

use super::encoding::take;

/// Appends a row, whose value is written by `value`.
pub fn put(to: &mut Vec<u8>, key: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
    put_removed(to, key);
    let start = to.len();
    value(to);
    let written = (to.len() - start + 1) as u32;
    let length = start - key.len() - size_of::<u32>();
    to[length..length + size_of::<u32>()].copy_from_slice(&written.to_le_bytes());
}

/// Appends that the row of a key is removed.
pub fn put_removed(to: &mut Vec<u8>, key: &[u8]) {
    // No key and no value comes near four gigabytes: both were part of one record.
    to.extend_from_slice(&(key.len() as u32).to_le_bytes());
    to.extend_from_slice(&0_u32.to_le_bytes());
    to.extend_from_slice(key);
}

/// A row as it stands in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunRow<'a> {
    /// Which byte of the run is its first.
    pub at: usize,
    /// Its key.
    pub key: &'a [u8],
    /// Its value; none if it was removed.
    pub value: Option<&'a [u8]>,
}

/// The rows of a run, up to the first one that is cut: that is an error with the byte at which it begins.
pub fn rows(run: &[u8]) -> impl Iterator<Item = Result<RunRow<'_>, usize>> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let at = run.len() - rest.len();
        let row = take_row(&mut rest, at);
        if row.is_none() && !rest.is_empty() {
            rest = &[];
            return Some(Err(at));
        }
        row.map(Ok)
    })
}

fn take_row<'a>(rest: &mut &'a [u8], at: usize) -> Option<RunRow<'a>> {
    let mut behind = *rest;
    let [key, value] =
        [take(&mut behind)?, take(&mut behind)?].map(|length| u32::from_le_bytes(length) as usize);
    let (key, behind) = behind.split_at_checked(key)?;
    let (bytes, behind) = behind.split_at_checked(value.saturating_sub(1))?;
    let value = (value > 0).then_some(bytes);
    *rest = behind;
    Some(RunRow { at, key, value })
}

/// All rows that there are when these runs are put on top of each other, the oldest first. Of a run that is cut, the
/// byte at which its last row begins.
pub fn merge(runs: &[&[u8]]) -> Result<Vec<u8>, usize> {
    let mut all = Vec::new();
    for run in runs {
        for row in rows(run) {
            all.push(row?);
        }
    }
    // The sort is stable, and fast where there are sorted stretches: it merges them.
    all.sort_by_key(|row| row.key);
    let mut merged = Vec::with_capacity(runs.first().map_or(0, |first| first.len()));
    for (nth, row) in all.iter().enumerate() {
        let is_last = all.get(nth + 1).is_none_or(|next| next.key != row.key);
        if let Some(value) = row.value.filter(|_| is_last) {
            put(&mut merged, row.key, |to| to.extend_from_slice(value));
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: &[(&str, Option<&str>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, value) in rows {
            match value {
                Some(value) => put(&mut bytes, key.as_bytes(), |to| {
                    to.extend_from_slice(value.as_bytes())
                }),
                None => put_removed(&mut bytes, key.as_bytes()),
            }
        }
        bytes
    }

    #[test]
    fn for_each_key_the_last_run_that_has_it_decides() {
        let first = run(&[
            ("a", Some("1")),
            ("b", Some("1")),
            ("c", Some("")),
            ("d", Some("1")),
        ]);
        let second = run(&[("", Some("2")), ("b", Some("22")), ("c", None), ("x", None)]);
        let third = run(&[("a", None), ("c", Some("3"))]);
        let merged = merge(&[&first, &second, &third]).expect("whole");
        assert_eq!(
            merged,
            run(&[
                ("", Some("2")),
                ("b", Some("22")),
                ("c", Some("3")),
                ("d", Some("1"))
            ])
        );
        assert_eq!(merge(&[&first]).expect("whole"), first);
        assert!(merge(&[]).expect("whole").is_empty());
    }

    #[test]
    fn a_run_that_is_cut_is_an_error_that_says_where() {
        let whole = run(&[("a", Some("1")), ("bb", None), ("c", Some("3"))]);
        let starts: Vec<usize> = rows(&whole).map(|row| row.expect("whole").at).collect();
        assert_eq!(starts, [0, 10, 20]);
        for end in 0..whole.len() {
            match starts.contains(&end) {
                true => assert!(merge(&[&whole[..end]]).is_ok()),
                false => assert_eq!(merge(&[&whole[..end]]), Err(end / 10 * 10), "{end}"),
            }
        }
    }
}
