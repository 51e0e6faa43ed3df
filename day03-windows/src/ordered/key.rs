//! Where an entry lies: key and suffix as one string of bytes, and that string is all that is compared.
//!
//! ```text
//! key    suffix   as bytes
//! ""     07                    00 00 | 07
//! 00     07              00 FF 00 00 | 07       a zero in a key is written as 00 FF
//! "a"    —                  61 00 00 |          00 00 ends a key
//! "a"    00                 61 00 00 | 00       suffixes stand as they are
//! "a" 00 07           61 00 FF 00 00 | 07
//! "ab"   07              61 62 00 00 | 07
//! ```
//!
//! 1. No written key is the beginning of another, because each has one end, its last two bytes. So no suffix
//!    can carry an entry of one key in among those of another.
//! 2. Written keys sort as keys do. Where two differ, the bytes decide, and of two zeros the same FF follows.
//!    Where one stops first, its end 00 00 is below everything that a longer one can go on with: 00 FF, or a
//!    byte from 01 up.
//! 3. Behind equal keys the suffixes decide.
//!
//! A length before the key would need no escapes, but then keys would sort by their lengths.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::time::EventTime;

/// What ends a key.
const END: [u8; 2] = [0x00, 0x00];
/// What stands for a zero in a key.
const ZERO: [u8; 2] = [0x00, 0xFF];

/// A key and a suffix, as the table sorts them. With a time behind it, a key of up to 22 bytes needs no
/// allocation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey(SmallVec<[u8; 32]>);

impl EntryKey {
    /// The place of this suffix under this key.
    #[inline]
    pub fn new(key: &[u8], suffix: &[u8]) -> Self {
        let mut bytes = SmallVec::with_capacity(key.len() + END.len() + suffix.len());
        let mut rest = key;
        while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(&rest[..zero]);
            bytes.extend_from_slice(&ZERO);
            rest = &rest[zero + 1..];
        }
        bytes.extend_from_slice(rest);
        bytes.extend_from_slice(&END);
        bytes.extend_from_slice(suffix);
        EntryKey(bytes)
    }

    /// Not above any entry of a key: the empty suffix.
    #[inline]
    pub(super) fn first(key: &[u8]) -> Self {
        EntryKey::new(key, &[])
    }

    /// This suffix under the same key; `self` is its first place.
    #[inline]
    pub(super) fn with(&self, suffix: &[u8]) -> Self {
        let mut bytes = self.0.clone();
        bytes.extend_from_slice(suffix);
        EntryKey(bytes)
    }

    /// Above all entries of the same key, and below those of the next; `self` is its first place.
    pub(super) fn behind(&self) -> Self {
        let mut bytes = self.0.clone();
        if let Some(last) = bytes.last_mut() {
            *last = 1;
        }
        EntryKey(bytes)
    }

    /// Whether it is of the key that `first` is the first place of.
    #[inline]
    pub(super) fn is_under(&self, first: &EntryKey) -> bool {
        self.0.starts_with(&first.0)
    }

    /// The place that these bytes are; none if they have no end of a key.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        loop {
            let zero = rest.iter().position(|byte| *byte == 0)?;
            let (mark, behind) = rest[zero..].split_first_chunk()?;
            match *mark {
                END => return Some(EntryKey(SmallVec::from_slice(bytes))),
                ZERO => rest = behind,
                _ => return None,
            }
        }
    }

    /// As they are written.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key.
    pub fn key(&self) -> Cow<'_, [u8]> {
        let written = &self.0[..self.suffix_at() - END.len()];
        if !written.contains(&0) {
            return Cow::Borrowed(written);
        }
        let mut key = Vec::with_capacity(written.len());
        let mut bytes = written.iter();
        while let Some(byte) = bytes.next() {
            key.push(*byte);
            if *byte == 0 {
                bytes.next();
            }
        }
        Cow::Owned(key)
    }

    /// The suffix.
    pub fn suffix(&self) -> &[u8] {
        &self.0[self.suffix_at()..]
    }

    fn suffix_at(&self) -> usize {
        let mut at = 0;
        while let Some(zero) = self.0[at..].iter().position(|byte| *byte == 0) {
            at += zero + END.len();
            if self.0[..at].ends_with(&END) {
                break;
            }
        }
        at
    }

    /// What stands behind the first place of its key, which has this many bytes.
    #[inline]
    pub(super) fn behind_first(&self, bytes: usize) -> &[u8] {
        &self.0[bytes..]
    }

    /// How many bytes it has.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What it holds outside of itself, as far as it was asked for.
    pub(super) fn outside(&self) -> usize {
        if self.0.spilled() { self.0.len() } else { 0 }
    }
}

/// A time as a suffix, so that suffixes sort as times do: big-endian, because bytes are compared from the
/// left, and the sign flipped, because times before 1970 come first.
#[inline]
pub fn time_suffix(time: EventTime) -> [u8; 8] {
    (time.0 ^ i64::MIN).to_be_bytes()
}

/// The time of a suffix that [`time_suffix`] made; `None` if it cannot have.
#[inline]
pub fn suffix_time(suffix: &[u8]) -> Option<EventTime> {
    let bytes = suffix.try_into().ok()?;
    Some(EventTime(i64::from_be_bytes(bytes) ^ i64::MIN))
}
