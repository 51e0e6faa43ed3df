//! State as bytes: numbers, one behind the other.

use day02_state::state::{BadPart, Part};

/// The bytes of these numbers.
pub fn encode(words: impl IntoIterator<Item = u64>) -> Vec<u8> {
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}

/// Reads the numbers of a part.
pub struct Reader<'a> {
    part: &'a Part,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(part: &'a Part) -> Self {
        Reader {
            part,
            rest: &part.bytes,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn word(&mut self) -> Result<u64, BadPart> {
        match self.rest.split_first_chunk() {
            Some((word, rest)) => {
                self.rest = rest;
                Ok(u64::from_le_bytes(*word))
            }
            None => Err(self.part.bad("too short")),
        }
    }

    /// A list: how long it is, and its items.
    pub fn list<T, L: FromIterator<T>>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, BadPart>,
    ) -> Result<L, BadPart> {
        let items = self.word()?;
        (0..items).map(|_| item(self)).collect()
    }
}
