//! A key and all that follows from its bytes: its hash, its group, and the form in which the table keeps it.
//!
//! The *hash* is XXH3 with 64 bits. It is part of the format of snapshots, since the group follows from it, so it never
//! changes. Different readers take different bits of it, and none may depend on another:
//!
//! ```text
//! bit  63 …… 39  38 … 32  31 ……… 0
//!      unused    group    tag
//! ```
//!
//! A worker owns a range of groups, so bits 32 to 38 are much the same for all of its keys. The *tag*, from which its
//! table is indexed, leaves them out.
//!
//! A *stored key* takes 16 bytes. Up to 14 bytes lie inside, so that comparing a short key touches no memory but that
//! of its entry. A longer one lies in a box; the pointer is a thin one, because a fat one would fill the 16 bytes alone.

/// The bits of the hash that the table is indexed by.
#[inline]
pub(crate) fn tag_of(hash: u64) -> u32 {
    hash as u32
}

/// The longest key that needs no box.
const INLINE: usize = 14;

/// A key as the table keeps it.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    /// Up to [`INLINE`] bytes; those behind `len` are zero.
    Short { len: u8, bytes: [u8; INLINE] },
    /// Any more. The outer box is there to make the pointer thin.
    Long(Box<Box<[u8]>>),
}

impl Key {
    /// A copy of `key`.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..key.len()) {
            Some(start) => {
                start.copy_from_slice(key);
                Key::Short {
                    len: key.len() as u8,
                    bytes,
                }
            }
            None => Key::Long(Box::new(key.into())),
        }
    }

    /// Its bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Key::Short { len, bytes } => &bytes[..usize::from(*len)],
            Key::Long(bytes) => bytes,
        }
    }

    /// Whether these are its bytes.
    #[inline]
    pub(crate) fn is(&self, key: &[u8]) -> bool {
        match self {
            Key::Short { len, bytes } => usize::from(*len) == key.len() && starts_with(bytes, key),
            Key::Long(bytes) => ***bytes == *key,
        }
    }

    /// What it holds outside of its own 16 bytes, as far as we asked for it.
    pub(crate) fn boxed(&self) -> usize {
        match self {
            Key::Short { .. } => 0,
            Key::Long(bytes) => size_of::<Box<[u8]>>() + bytes.len(),
        }
    }
}

/// Whether `bytes` starts with `key`.
///
/// A call to `memcmp` would cost more than all the rest of a lookup. The first and the last eight bytes cover any key
/// from 8 to 14, the first and the last four any from 4 to 7; in between they overlap, which does no harm.
#[inline]
fn starts_with(bytes: &[u8; INLINE], key: &[u8]) -> bool {
    match key.len() {
        len @ 8..=INLINE => ends::<8>(&bytes[..len]) == ends::<8>(key),
        len @ 4..8 => ends::<4>(&bytes[..len]) == ends::<4>(key),
        _ => bytes.starts_with(key),
    }
}

/// The first and the last `N` bytes, if there are as many.
#[inline]
fn ends<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
    Some((bytes.first_chunk()?, bytes.last_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_takes_16_bytes_and_so_does_the_lack_of_one() {
        assert_eq!(size_of::<Key>(), 16);
        assert_eq!(size_of::<Option<Key>>(), 16);
    }

    #[test]
    fn a_key_of_any_length_is_itself_and_no_other() {
        let bytes: Vec<u8> = (1..=40).collect();
        for len in 0..bytes.len() {
            let key = Key::new(&bytes[..len]);
            assert_eq!(key.bytes(), &bytes[..len]);
            assert_eq!(matches!(key, Key::Long(_)), len > INLINE);
            assert!(key.is(&bytes[..len]) && key.clone().is(&bytes[..len]));
            assert!(!key.is(&bytes[..len + 1]));
            for wrong in 0..len {
                let mut other = bytes[..len].to_vec();
                other[wrong] ^= 0x80;
                assert!(!key.is(&other), "length {len}, byte {wrong}");
                assert!(!key.is(&bytes[..wrong]));
            }
        }
        assert!(!Key::new(b"").is(b"\0"));
    }

    #[test]
    fn the_tag_leaves_the_group_out() {
        assert_eq!(tag_of(0x0000_0085_1234_5678), 0x1234_5678);
    }
}
