//! A frozen table, and the bytes that it becomes.
//!
//! State is written by *key group*, so that a later run with another number of workers can hand each worker the groups
//! that it now owns. The bytes of a group are its entries, one behind the other, by rising key:
//!
//! ```text
//! length of the key, 4 bytes, little-endian | key | value, as its type writes itself
//! ```
//!
//! Equal contents give equal bytes, however the table came to be: insertion order, removals and chunks leave no trace.
//! Reading is strict, since bytes that this file cannot have written are damaged ones: keys must rise, belong to the
//! group and be new to the table, and no byte may be left over. A group that breaks a rule changes nothing.
//!
//! Left out on purpose: checksums, versions and files, which belong to whoever stores the bytes; and snapshots of
//! changed chunks only.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::chunks::{Entry, taken};
use super::table::Table;
use crate::keys::{self, KEY_GROUPS, key_group};

/// What a table can hold.
pub trait Value: Clone + Send + Sync + 'static {
    /// Appends the bytes of the value. Equal values have to give equal bytes.
    fn encode(&self, to: &mut Vec<u8>);

    /// Takes the bytes of one value off the front of `from`; `None` if they are not what [`Value::encode`] writes.
    fn decode(from: &mut &[u8]) -> Option<Self>
    where
        Self: Sized;
}

/// A count.
impl Value for u64 {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_le_bytes());
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(u64::from_le_bytes(*bytes))
    }
}

/// A small count.
impl Value for u32 {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_le_bytes());
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(u32::from_le_bytes(*bytes))
    }
}

/// Both of two values, one behind the other.
impl<A: Value, B: Value> Value for (A, B) {
    fn encode(&self, to: &mut Vec<u8>) {
        self.0.encode(to);
        self.1.encode(to);
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        Some((A::decode(from)?, B::decode(from)?))
    }
}

/// A table as it stood when it was frozen. It can go to another thread while the table changes.
#[derive(Debug, Clone)]
pub struct FrozenTable<V> {
    chunks: Vec<Arc<Vec<Entry<V>>>>,
    len: usize,
}

impl<V: Value> FrozenTable<V> {
    pub(crate) fn new(chunks: Vec<Arc<Vec<Entry<V>>>>, len: usize) -> Self {
        FrozenTable { chunks, len }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All keys and values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.chunks.iter().flat_map(|rows| taken(rows))
    }

    /// The bytes of each group that has a key, by rising group.
    pub fn encode_groups(&self) -> Vec<(u16, Vec<u8>)> {
        let mut groups: Vec<Vec<(&[u8], &V)>> = vec![Vec::new(); usize::from(KEY_GROUPS)];
        for (key, value) in self.iter() {
            groups[usize::from(key_group(keys::hash(key)))].push((key, value));
        }
        let full = (0..).zip(groups).filter(|(_, entries)| !entries.is_empty());
        full.map(|(group, entries)| (group, encode_group(entries)))
            .collect()
    }
}

fn encode_group<V: Value>(mut entries: Vec<(&[u8], &V)>) -> Vec<u8> {
    entries.sort_unstable_by_key(|(key, _)| *key);
    let mut bytes = Vec::new();
    for (key, value) in entries {
        // No key comes near four gigabytes: it was part of one record, and records have a limit.
        bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(key);
        value.encode(&mut bytes);
    }
    bytes
}

/// Why bytes are not those of a key group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// They end within an entry.
    Truncated,
    /// A value cannot be read.
    Value,
    /// A key does not rise above the one before it.
    Order,
    /// A key belongs to another group.
    Group,
    /// The table has the key already.
    Known,
}

/// Bytes that are not those of a key group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Which byte is the first of the field that is wrong, counted from 0.
    pub at: usize,
    /// What is wrong there.
    pub flaw: Flaw,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flaw = match self.flaw {
            Flaw::Truncated => "the bytes end within an entry",
            Flaw::Value => "the value cannot be read",
            Flaw::Order => "the key does not rise above the one before it",
            Flaw::Group => "the key belongs to another group",
            Flaw::Known => "the table has the key already",
        };
        write!(f, "malformed key group at byte {}: {flaw}", self.at)
    }
}

impl Error for Malformed {}

/// An entry that has been read and not yet inserted.
struct Read<'a, V> {
    key: &'a [u8],
    hash: u64,
    value: V,
}

impl<V: Value> Table<V> {
    /// Inserts the entries of a key group, from the bytes that [`FrozenTable::encode_groups`] gave for it.
    pub fn restore_group(&mut self, group: u16, bytes: &[u8]) -> Result<(), Malformed> {
        let mut entries: Vec<Read<'_, V>> = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let flaw = |flaw| Malformed { at, flaw };
            let key = take_key(&mut rest).ok_or(flaw(Flaw::Truncated))?;
            let hash = keys::hash(key);
            if entries.last().is_some_and(|before| before.key >= key) {
                return Err(flaw(Flaw::Order));
            }
            if key_group(hash) != group {
                return Err(flaw(Flaw::Group));
            }
            if self.get(key, hash).is_some() {
                return Err(flaw(Flaw::Known));
            }
            let at = bytes.len() - rest.len();
            let value = V::decode(&mut rest).ok_or(Malformed {
                at,
                flaw: Flaw::Value,
            })?;
            entries.push(Read { key, hash, value });
        }
        for Read { key, hash, value } in entries {
            self.update(key, hash, || value);
        }
        Ok(())
    }
}

/// Takes the length of a key and the key off the front of `from`.
fn take_key<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = from.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    *from = rest;
    Some(key)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn table(keys: impl IntoIterator<Item = u64>) -> Table<u64> {
        let mut table = Table::new();
        for key in keys {
            let bytes = format!("k-{key}");
            table.update(bytes.as_bytes(), keys::hash(bytes.as_bytes()), || key);
        }
        table
    }

    fn restored(groups: &[(u16, Vec<u8>)]) -> Table<u64> {
        let mut table = Table::new();
        for (group, bytes) in groups {
            table.restore_group(*group, bytes).unwrap();
        }
        table
    }

    #[test]
    fn equal_contents_give_equal_bytes_however_they_came_to_be() {
        let mut grown = table(0..5_000);
        let bytes = grown.freeze().encode_groups();
        assert_eq!(bytes.len(), 128);
        assert!(bytes.is_sorted());

        let mut churned = table((0..20_000).rev());
        let _alive = churned.freeze();
        for key in 5_000..20_000 {
            let key = format!("k-{key}");
            churned.remove(key.as_bytes(), keys::hash(key.as_bytes()));
        }
        assert_eq!(churned.freeze().encode_groups(), bytes);

        let mut restored = restored(&bytes);
        assert_eq!(restored.sorted(), grown.sorted());
        assert_eq!(restored.freeze().encode_groups(), bytes);
    }

    #[test]
    fn the_bytes_of_a_group_are_what_the_header_says() {
        let mut table = Table::new();
        table.update(b"", keys::hash(b""), || 7_u64);
        let groups = table.freeze().encode_groups();
        let group = key_group(0x2D06_8005_38D3_94C2);
        assert_eq!(groups, [(group, vec![0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0])]);
    }

    #[test]
    fn a_frozen_table_is_read_on_another_thread_while_the_table_changes() {
        let mut live = table(0..5_000);
        let frozen = live.freeze();
        let bytes = thread::spawn(move || frozen.encode_groups());
        for key in 0..5_000_u64 {
            let key = format!("k-{key}");
            *live.update(key.as_bytes(), keys::hash(key.as_bytes()), || 0) += 1;
        }
        assert_eq!(bytes.join().unwrap(), table(0..5_000).freeze().encode_groups());
    }

    /// An entry with the value 1.
    fn entry(key: &[u8]) -> Vec<u8> {
        [&(key.len() as u32).to_le_bytes(), key, &1_u64.to_le_bytes()].concat()
    }

    /// Three keys of group 0, rising.
    fn keys_of_group_0() -> Vec<Vec<u8>> {
        let keys = (10_000..99_999).map(|key: u32| key.to_string().into_bytes());
        keys.filter(|key| key_group(keys::hash(key)) == 0)
            .take(3)
            .collect()
    }

    #[test]
    fn malformed_bytes_are_refused_and_change_nothing() {
        let keys = keys_of_group_0();
        let [a, b, c] = [&keys[0], &keys[1], &keys[2]].map(|key| entry(key));
        let other = entry(b"k-0");
        assert_ne!(key_group(keys::hash(b"k-0")), 0);
        let entry_len = a.len();

        let cases = [
            ([&b[..], &a].concat(), entry_len, Flaw::Order),
            ([&a[..], &a].concat(), entry_len, Flaw::Order),
            ([&a[..], &other].concat(), entry_len, Flaw::Group),
            ([&a[..], &c].concat(), entry_len, Flaw::Known),
            ([&a[..], &[0]].concat(), entry_len, Flaw::Truncated),
            ([&a[..], &[255; 8]].concat(), entry_len, Flaw::Truncated),
        ];
        let mut table = Table::<u64>::new();
        table.restore_group(0, &c).unwrap();
        let before = table.freeze().encode_groups();
        for (bytes, at, flaw) in cases {
            assert_eq!(table.restore_group(0, &bytes), Err(Malformed { at, flaw }));
            assert_eq!(table.freeze().encode_groups(), before);
        }

        let both = [&a[..], &b].concat();
        for end in 0..both.len() {
            let mut table = Table::<u64>::new();
            let result = table.restore_group(0, &both[..end]);
            // An end between two entries is an end like any other.
            if end % entry_len == 0 {
                assert_eq!((result, table.len()), (Ok(()), end / entry_len));
                continue;
            }
            let Malformed { at, flaw } = result.unwrap_err();
            assert!(table.is_empty());
            match end % entry_len < 4 + keys[0].len() {
                true => assert_eq!((at, flaw), (end / entry_len * entry_len, Flaw::Truncated)),
                false => assert_eq!((at + 8, flaw), ((end / entry_len + 1) * entry_len, Flaw::Value)),
            }
        }
    }

    #[test]
    fn a_refusal_says_where_and_why() {
        let refused = Table::<u64>::new().restore_group(1, &entry(b"")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "malformed key group at byte 0: the key belongs to another group"
        );
    }

    #[test]
    fn there_is_no_group_behind_the_last() {
        let mut table = Table::<u64>::new();
        for bytes in [entry(b""), entry(b"k-1")] {
            assert_eq!(
                table.restore_group(KEY_GROUPS, &bytes).unwrap_err().flaw,
                Flaw::Group
            );
        }
        assert!(table.is_empty());
    }
}
