//! Rows on their way out of the job, as the bytes in which they will be read.

use day02_state::operator::Batch;

/// Rows as bytes, end to end in one buffer, each with a key or none.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Encoded {
    bytes: Vec<u8>,
    /// Where the key of each row ends, none if it has no key, and where its payload ends.
    ends: Vec<(Option<usize>, usize)>,
}

impl Encoded {
    /// Appends a row.
    pub fn push(&mut self, key: Option<&[u8]>, payload: &[u8]) {
        self.push_with(key, |bytes| bytes.extend_from_slice(payload));
    }

    /// Appends a row whose payload is written by `write`.
    pub fn push_with(&mut self, key: Option<&[u8]>, write: impl FnOnce(&mut Vec<u8>)) {
        let key_end = key.map(|key| {
            self.bytes.extend_from_slice(key);
            self.bytes.len()
        });
        write(&mut self.bytes);
        self.ends.push((key_end, self.bytes.len()));
    }

    /// The rows in order: key or none, and payload.
    pub fn rows(&self) -> impl Iterator<Item = (Option<&[u8]>, &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |(key_end, end)| {
            let payload = key_end.unwrap_or(start);
            let row = (
                key_end.map(|key_end| &self.bytes[start..key_end]),
                &self.bytes[payload..*end],
            );
            start = *end;
            row
        })
    }

    /// Appends these rows to `to` in a form that [`Encoded::decode`] reads: how many, where each ends, and their bytes.
    pub fn encode(&self, to: &mut Vec<u8>) {
        to.extend((self.ends.len() as u64).to_le_bytes());
        for (key_end, end) in &self.ends {
            // 0 is no key.
            to.extend(key_end.map_or(0, |key_end| key_end as u64 + 1).to_le_bytes());
            to.extend((*end as u64).to_le_bytes());
        }
        to.extend(&self.bytes);
    }

    /// Reads rows from the beginning of `from`, and leaves what is behind them; none if they are damaged.
    pub fn decode(from: &mut &[u8]) -> Option<Self> {
        let mut rest = *from;
        let mut number = || {
            let (bytes, behind) = rest.split_first_chunk()?;
            rest = behind;
            usize::try_from(u64::from_le_bytes(*bytes)).ok()
        };
        let rows = number()?;
        let (mut ends, mut last) = (Vec::new(), 0);
        for _ in 0..rows {
            let key_end = number()?.checked_sub(1);
            let end = number()?;
            if key_end.is_some_and(|key_end| key_end < last || key_end > end) || end < last {
                return None;
            }
            ends.push((key_end, end));
            last = end;
        }
        let (bytes, behind) = rest.split_at_checked(last)?;
        *from = behind;
        Some(Encoded {
            bytes: bytes.to_vec(),
            ends,
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl Batch for Encoded {
    fn rows(&self) -> usize {
        self.len()
    }

    fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        let moved = |(key_end, end): (Option<usize>, usize)| (key_end.map(|end| before + end), before + end);
        self.ends.extend(other.ends.into_iter().map(moved));
    }

    fn cut(self, rows: usize) -> Vec<Self> {
        let all: Vec<(Option<&[u8]>, &[u8])> = self.rows().collect();
        let batch = |some: &[(Option<&[u8]>, &[u8])]| {
            let mut batch = Encoded::default();
            some.iter().for_each(|(key, payload)| batch.push(*key, payload));
            batch
        };
        all.chunks(rows).map(batch).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Encoded {
        let mut rows = Encoded::default();
        rows.push(Some(b"m-7"), b"seven");
        rows.push(None, b"");
        rows.push(Some(b""), b"empty key");
        rows
    }

    #[test]
    fn rows_come_back_as_they_went_in_also_appended() {
        let mut rows = some();
        rows.append(some());
        let all: Vec<(Option<&[u8]>, &[u8])> = rows.rows().collect();
        assert_eq!(all.len(), 6);
        assert_eq!(all[3..], all[..3]);
        assert_eq!(
            all[..3],
            [
                (Some(b"m-7".as_slice()), b"seven".as_slice()),
                (None, b"".as_slice()),
                (Some(b"".as_slice()), b"empty key".as_slice()),
            ]
        );
    }

    #[test]
    fn saved_rows_are_read_back_and_cut_ones_are_refused() {
        let (mut bytes, rows) = (Vec::new(), some());
        rows.encode(&mut bytes);
        for cut in 0..bytes.len() {
            assert_eq!(Encoded::decode(&mut &bytes[..cut]), None, "{cut}");
        }
        bytes.push(9);
        let mut rest = bytes.as_slice();
        assert_eq!((Encoded::decode(&mut rest), rest), (Some(rows), [9].as_slice()));
    }
}
