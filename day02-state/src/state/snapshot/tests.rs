//! Snapshots of a table: what they say of it, and which bytes are none.

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
    assert_eq!(
        groups,
        [(group, vec![0, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0])]
    );
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
    let mut bytes = Vec::new();
    run::put(&mut bytes, key, |to| 1_u64.encode(to));
    bytes
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
    let (mut gone, mut short) = (Vec::new(), Vec::new());
    run::put_removed(&mut gone, &keys[1]);
    run::put(&mut short, &keys[1], |to| to.push(7));

    let cases = [
        ([&b[..], &a].concat(), entry_len, Flaw::Order),
        ([&a[..], &a].concat(), entry_len, Flaw::Order),
        ([&a[..], &other].concat(), entry_len, Flaw::Group),
        ([&a[..], &c].concat(), entry_len, Flaw::Known),
        ([&a[..], &[0]].concat(), entry_len, Flaw::Truncated),
        ([&a[..], &[255; 8]].concat(), entry_len, Flaw::Truncated),
        ([&a[..], &gone].concat(), entry_len, Flaw::Removed),
        ([&a[..], &short].concat(), entry_len, Flaw::Value),
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
        assert_eq!((at, flaw), (end / entry_len * entry_len, Flaw::Truncated));
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
