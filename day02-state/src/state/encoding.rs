//! Numbers, bytes and owners as they stand in files: lengths before contents, and everything little-endian.
//!
//! What is taken may come from a damaged file. So nothing is believed before there are bytes for it: each of the `take`
//! functions gives `None` when there are not, and none of them reserves memory for a number that it has read.

use super::Owner;

/// Appends a count or a length.
pub fn put_length(to: &mut Vec<u8>, length: usize) {
    to.extend((length as u64).to_le_bytes());
}

/// Appends bytes behind their length.
pub fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_length(to, bytes.len());
    to.extend_from_slice(bytes);
}

/// Appends an owner.
pub fn put_owner(to: &mut Vec<u8>, owner: &Owner) {
    match owner {
        Owner::First => to.push(0),
        Owner::Every => to.push(1),
        Owner::Group(group) => {
            to.push(2);
            to.extend(group.to_le_bytes());
        }
        Owner::Split(split) => {
            to.push(3);
            put_bytes(to, split.as_bytes());
        }
    }
}

/// Takes the next `N` bytes.
pub fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*taken)
}

/// Takes a number.
pub fn take_number(from: &mut &[u8]) -> Option<u64> {
    take(from).map(u64::from_le_bytes)
}

/// Takes a count or a length.
pub fn take_length(from: &mut &[u8]) -> Option<usize> {
    take_number(from)?.try_into().ok()
}

/// Takes bytes behind their length.
pub fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(from)?;
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(taken)
}

/// Takes a text behind its length.
pub fn take_text(from: &mut &[u8]) -> Option<String> {
    String::from_utf8(take_bytes(from)?.to_vec()).ok()
}

/// Takes an owner.
pub fn take_owner(from: &mut &[u8]) -> Option<Owner> {
    match take(from)? {
        [0] => Some(Owner::First),
        [1] => Some(Owner::Every),
        [2] => Some(Owner::Group(u16::from_le_bytes(take(from)?))),
        [3] => Some(Owner::Split(take_text(from)?)),
        _ => None,
    }
}
