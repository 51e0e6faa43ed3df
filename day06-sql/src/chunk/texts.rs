//! Texts, which differ in length, without an allocation for each.
//!
//! ```text
//! bytes   m-7m-42       one buffer
//! ends       3   7  7   where each ends: "m-7", "m-42", ""
//! ```

/// Texts, end to end in one buffer of at most 4 GiB.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Texts {
    bytes: String,
    ends: Vec<u32>,
}

impl Texts {
    /// No texts yet, but room for so many of so many bytes in all.
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        Texts {
            bytes: String::with_capacity(bytes),
            ends: Vec::with_capacity(texts),
        }
    }

    /// Appends a text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len() as u32);
    }

    /// The text at a place.
    #[inline]
    pub fn get(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[place] as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes all texts have together.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The texts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|place| self.get(place))
    }

    /// Appends the texts of another list.
    pub fn append(&mut self, other: &Texts) {
        let before = self.bytes.len() as u32;
        self.bytes.push_str(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| before + end));
    }

    /// The texts at these places, in this order.
    pub fn gather(&self, places: &[u32]) -> Texts {
        // As many bytes as if all texts were equally long.
        let bytes = self.bytes.len() * places.len() / self.len().max(1);
        let mut texts = Texts::with_capacity(places.len(), bytes);
        for place in places {
            texts.push(self.get(*place as usize));
        }
        texts
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(all: I) -> Self {
        let mut texts = Texts::default();
        all.into_iter().for_each(|text| texts.push(text));
        texts
    }
}
