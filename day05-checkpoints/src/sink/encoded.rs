//! Rows on their way out of the job, as the bytes in which they will be read.
//!
//! In memory they lie as they are saved, so saving them is copying them, piece by piece, and reading them back is checking
//! them:
//!
//! ```text
//!   8 bytes: 0 for no key, or 1 + the length of the key │ 8 bytes: length of the payload │ key │ payload │ next row
//! ```

use std::sync::Arc;

/// Rows as bytes, end to end in one buffer, each with a key or none.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Encoded {
    bytes: Vec<u8>,
    rows: usize,
}

impl Encoded {
    /// Appends a row.
    pub fn push(&mut self, key: Option<&[u8]>, payload: &[u8]) {
        self.push_with(key, |bytes| bytes.extend_from_slice(payload));
    }

    /// Appends a row whose payload is written by `write`.
    pub fn push_with(&mut self, key: Option<&[u8]>, write: impl FnOnce(&mut Vec<u8>)) {
        let key_code = key.map_or(0, |key| key.len() as u64 + 1);
        self.bytes.extend_from_slice(&key_code.to_le_bytes());
        let length_at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.extend_from_slice(key.unwrap_or_default());
        let payload_at = self.bytes.len();
        write(&mut self.bytes);
        let length = (self.bytes.len() - payload_at) as u64;
        self.bytes[length_at..length_at + 8].copy_from_slice(&length.to_le_bytes());
        self.rows += 1;
    }

    /// The rows in order: key or none, and payload.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || split_row(&mut rest))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many bytes they take in memory.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The rows in a form that [`Encoded::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Takes over what [`Encoded::encode`] gave; none if it is damaged.
    pub fn decode(bytes: Vec<u8>) -> Option<Self> {
        let (mut rest, mut rows) = (bytes.as_slice(), 0);
        while !rest.is_empty() {
            split_row(&mut rest)?;
            rows += 1;
        }
        Some(Encoded { bytes, rows })
    }
}

/// A row: its key or none, and its payload.
pub type Row<'a> = (Option<&'a [u8]>, &'a [u8]);

/// Takes the first row off; none if there is no whole one.
fn split_row<'a>(from: &mut &'a [u8]) -> Option<Row<'a>> {
    let mut rest = *from;
    let mut number = || {
        let (bytes, behind) = rest.split_first_chunk()?;
        rest = behind;
        usize::try_from(u64::from_le_bytes(*bytes)).ok()
    };
    let (key_code, length) = (number()?, number()?);
    let (key, behind) = rest.split_at_checked(key_code.saturating_sub(1))?;
    let (payload, behind) = behind.split_at_checked(length)?;
    *from = behind;
    Some(((key_code > 0).then_some(key), payload))
}

/// Rows to which none will be added, in pieces that are shared by all who hold them: a clone costs next to nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Rows(Vec<Arc<Encoded>>);

impl Rows {
    /// Appends a piece, which takes no more memory than it needs from then on.
    pub fn push(&mut self, mut piece: Encoded) {
        if !piece.is_empty() {
            piece.bytes.shrink_to_fit();
            self.0.push(Arc::new(piece));
        }
    }

    /// The rows in order: key or none, and payload.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.0.iter().flat_map(|piece| piece.rows())
    }

    /// The rows from a number on, with their numbers. The pieces before that row are not looked at.
    pub fn rows_from(&self, number: usize) -> impl Iterator<Item = (usize, Row<'_>)> {
        let mut first = 0;
        let piece_begins = self.0.iter().take_while(|piece| {
            let is_before = first + piece.len() <= number;
            first += if is_before { piece.len() } else { 0 };
            is_before
        });
        let skipped = piece_begins.count();
        let rows = self.0[skipped..].iter().flat_map(|piece| piece.rows());
        (first..).zip(rows).skip(number.saturating_sub(first))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|piece| piece.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes they take in memory.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|piece| piece.bytes()).sum()
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Arc<Encoded>> + use<> {
        self.0.clone().into_iter()
    }
}

impl FromIterator<Rows> for Rows {
    fn from_iter<I: IntoIterator<Item = Rows>>(several: I) -> Self {
        Rows(several.into_iter().flat_map(|rows| rows.0).collect())
    }
}

impl From<Encoded> for Rows {
    fn from(piece: Encoded) -> Self {
        let mut rows = Rows::default();
        rows.push(piece);
        rows
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
    fn rows_come_back_as_they_went_in_also_in_several_pieces() {
        let once: [Row<'_>; 3] = [(Some(b"m-7"), b"seven"), (None, b""), (Some(b""), b"empty key")];
        let pieces = [some(), Encoded::default(), some()];
        let rows: Rows = pieces.into_iter().map(Rows::from).collect();
        assert_eq!(rows.rows().collect::<Vec<_>>(), [once, once].concat());
        assert_eq!((rows.len(), rows.is_empty()), (6, false));
        assert!(Rows::from(Encoded::default()).is_empty());
        for from in 0..=7 {
            let left: Vec<_> = rows.rows().enumerate().skip(from).collect();
            assert_eq!(rows.rows_from(from).collect::<Vec<_>>(), left, "from {from}");
        }
    }

    #[test]
    fn saved_rows_are_read_back_and_damaged_ones_are_refused() {
        let rows = some();
        let bytes = rows.encode();
        assert_eq!(Encoded::decode(bytes.clone()), Some(rows));
        let row_ends = [0, 24, 40, bytes.len()];
        for cut in (0..bytes.len()).filter(|cut| !row_ends.contains(cut)) {
            assert_eq!(Encoded::decode(bytes[..cut].to_vec()), None, "{cut}");
        }
        for at in [0, 8] {
            let mut too_long = bytes.clone();
            too_long[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
            assert_eq!(Encoded::decode(too_long), None, "a length at {at}");
        }
    }
}
