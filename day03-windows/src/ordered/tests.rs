//! The table against a sorted map, and its bytes against damage.

use std::collections::BTreeMap;

use day02_state::state::{Piece, share};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::time::EventTime;

/// A key and a suffix.
type Pair = (Vec<u8>, Vec<u8>);
type Model = BTreeMap<Pair, u64>;

fn contents(table: &OrderedTable<u64>) -> Vec<(Pair, u64)> {
    let entries = table.iter();
    entries
        .map(|(key, suffix, value)| ((key.into_owned(), suffix.to_vec()), *value))
        .collect()
}

fn filled(entries: u64) -> OrderedTable<u64> {
    let mut table = OrderedTable::new();
    for entry in 0..entries {
        let key = format!("k-{}", entry % 97);
        table.insert(key.as_bytes(), &time_suffix(EventTime(entry as i64)), entry);
    }
    table
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<u8>, Vec<u8>, u64),
    Add(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>, Vec<u8>),
    Range(Vec<u8>, Bound<Vec<u8>>, Bound<Vec<u8>>),
    Freeze,
    Clear,
}

/// Few bytes, and those with a meaning of their own among them, so that much is equal and much is a prefix.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0x00, 0x01, b'a', 0xFE, 0xFF]), 0..4)
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        bytes().prop_map(Bound::Included),
        bytes().prop_map(Bound::Excluded),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (bytes(), bytes(), any::<u64>()).prop_map(|(key, suffix, value)| Step::Insert(key, suffix, value)),
        3 => (bytes(), bytes()).prop_map(|(key, suffix)| Step::Add(key, suffix)),
        6 => (bytes(), bytes()).prop_map(|(key, suffix)| Step::Remove(key, suffix)),
        6 => (bytes(), bound(), bound()).prop_map(|(key, start, end)| Step::Range(key, start, end)),
        1 => Just(Step::Freeze),
        1 => Just(Step::Clear),
    ]
}

fn slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(|bytes| &bytes[..])
}

proptest! {
    #[test]
    fn it_does_what_a_sorted_map_of_pairs_does(steps in vec(step(), 0..200)) {
        let (mut table, mut model) = (OrderedTable::new(), Model::new());
        let mut frozen = Vec::new();
        for step in steps {
            match step {
                Step::Insert(key, suffix, value) => {
                    let before = table.insert(&key, &suffix, value);
                    prop_assert_eq!(before, model.insert((key, suffix), value));
                }
                Step::Add(key, suffix) => {
                    prop_assert_eq!(table.get(&key, &suffix), model.get(&(key.clone(), suffix.clone())));
                    let value = table.get_mut(&key, &suffix).map(|value| *value ^= 1);
                    prop_assert_eq!(value, model.get_mut(&(key, suffix)).map(|value| *value ^= 1));
                }
                Step::Remove(key, suffix) => {
                    prop_assert_eq!(table.remove(&key, &suffix), model.remove(&(key, suffix)));
                }
                Step::Range(key, start, end) => {
                    let bounds = (slice(&start), slice(&end));
                    let of_key = model.iter().filter(|((other, suffix), _)| {
                        *other == key && RangeBounds::<[u8]>::contains(&bounds, &suffix[..])
                    });
                    let wanted: Vec<_> = of_key.map(|((_, suffix), value)| (&suffix[..], value)).collect();
                    prop_assert_eq!(&table.range(&key, bounds).collect::<Vec<_>>(), &wanted);
                    let mut backwards: Vec<_> = table.range(&key, bounds).rev().collect();
                    backwards.reverse();
                    prop_assert_eq!(&backwards, &wanted);
                    let upto = (Bound::Unbounded, slice(&end));
                    let last = table.last(&key, upto.1).map(|(at, value)| (at.suffix(), value));
                    prop_assert_eq!(last, table.range(&key, upto).next_back());
                }
                Step::Freeze => frozen.push((table.clone(), model.clone())),
                Step::Clear => {
                    table.clear();
                    model.clear();
                }
            }
            prop_assert_eq!(table.len(), model.len());
            prop_assert_eq!(table.is_empty(), model.is_empty());
        }
        frozen.push((table, model));
        for (table, model) in frozen {
            prop_assert_eq!(contents(&table), model.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_place_gives_its_key_and_suffix_back(key in vec(any::<u8>(), 0..40), suffix in vec(any::<u8>(), 0..12)) {
        let at = EntryKey::new(&key, &suffix);
        prop_assert_eq!((&at.key()[..], at.suffix()), (&key[..], &suffix[..]));
    }

    #[test]
    fn places_sort_by_key_and_then_by_suffix(one in (bytes(), bytes()), other in (bytes(), bytes())) {
        let place = |(key, suffix): &Pair| EntryKey::new(key, suffix);
        prop_assert_eq!(place(&one).cmp(&place(&other)), one.cmp(&other));
    }

    #[test]
    fn suffixes_sort_as_times_do(one: i64, other: i64) {
        for pair in [[one, other], [one, one.saturating_add(1)], [i64::MIN, one], [one, i64::MAX], [-1, 0]] {
            let [a, b] = pair.map(|time| time_suffix(EventTime(time)));
            prop_assert_eq!(a.cmp(&b), pair[0].cmp(&pair[1]));
            prop_assert_eq!(suffix_time(&a), Some(EventTime(pair[0])));
        }
    }
}

#[test]
fn a_suffix_that_is_no_time_has_none() {
    assert_eq!(suffix_time(b"1234567"), None);
    assert_eq!(suffix_time(b"123456789"), None);
    assert_eq!(time_suffix(EventTime::MIN), [0; 8]);
    assert_eq!(time_suffix(EventTime::MAX), [0xFF; 8]);
}

#[test]
fn a_key_of_22_bytes_with_a_time_needs_no_allocation() {
    let suffix = time_suffix(EventTime::MAX);
    assert_eq!(EntryKey::new(&[b'x'; 22], &suffix).outside(), 0);
    assert_eq!(EntryKey::new(&[b'x'; 23], &suffix).outside(), 33);
    assert_eq!(size_of::<EntryKey>(), 40);

    let mut table = OrderedTable::new();
    table.insert(&[b'x'; 23], &suffix, 1_u64);
    table.insert(&[b'x'; 23], &suffix, 2);
    assert_eq!(table.outside(), 33);
    table.remove(&[b'x'; 23], &suffix);
    assert_eq!((table.outside(), table.memory()), (0, 0));
}

#[test]
fn a_snapshot_does_not_change_with_the_table() {
    let mut table = filled(5_000);
    let before = table.snapshot("s");
    for entry in 0..5_000_u64 {
        let key = format!("k-{}", entry % 97);
        let suffix = time_suffix(EventTime(entry as i64));
        match entry % 3 {
            0 => drop(table.remove(key.as_bytes(), &suffix)),
            1 => *table.get_mut(key.as_bytes(), &suffix).unwrap() += 1,
            _ => drop(table.insert(key.as_bytes(), b"", entry)),
        }
    }
    assert_eq!(before.parts(), filled(5_000).snapshot("s").parts());
}

#[test]
fn equal_contents_give_equal_bytes_at_any_number_of_workers() {
    let mut table = filled(5_000);
    let parts = table.snapshot("s").parts();
    for workers in 1..=4 {
        let mut again = Vec::new();
        let mut entries = 0;
        for worker in 0..workers {
            let mut restored = OrderedTable::<u64>::new();
            for part in share(&parts, worker, workers, |_| false).iter().rev() {
                restored.restore(part).unwrap();
            }
            entries += restored.len();
            again.extend(restored.snapshot("s").parts());
        }
        assert_eq!((entries, &again), (5_000, &parts), "{workers} workers");
    }
}

#[test]
fn the_bytes_of_a_group_are_what_the_header_says() {
    let mut table = OrderedTable::new();
    table.insert(b"\0", b"\0s", 7_u64);
    table.insert(b"\0", b"", 8);
    let parts = table.snapshot("s").parts();
    let group = keys::key_group(keys::hash(b"\0"));
    let bytes = [
        &[4, 0, 0, 0, 9, 0, 0, 0, 0, 0xFF, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0][..],
        &[
            6, 0, 0, 0, 9, 0, 0, 0, 0, 0xFF, 0, 0, 0, b's', 7, 0, 0, 0, 0, 0, 0, 0,
        ],
    ];
    let wanted = Part {
        name: "s".to_string(),
        owner: Owner::Group(group),
        bytes: bytes.concat(),
    };
    assert_eq!(parts, [wanted]);
}

fn entry(key: &[u8], suffix: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    run::put(&mut bytes, EntryKey::new(key, suffix).bytes(), |to| {
        1_u64.encode(to)
    });
    bytes
}

#[test]
fn malformed_parts_are_refused_by_name_and_change_nothing() {
    let mut table = OrderedTable::<u64>::new();
    table.insert(b"k", b"3", 1);
    let before = contents(&table);
    let owner = Owner::Group(keys::key_group(keys::hash(b"k")));
    assert_ne!(
        keys::key_group(keys::hash(b"k")),
        keys::key_group(keys::hash(b"j"))
    );
    let [one, two, three] = [b"1", b"2", b"3"].map(|suffix| entry(b"k", suffix));
    let (mut short, mut gone, mut endless) = (Vec::new(), Vec::new(), Vec::new());
    run::put(&mut short, EntryKey::new(b"k", b"2").bytes(), |to| to.push(1));
    run::put_removed(&mut gone, EntryKey::new(b"k", b"2").bytes());
    run::put(&mut endless, b"k\0", |to| 1_u64.encode(to));
    let cases = [
        (
            [&two[..], &one].concat(),
            "the key does not rise above the one before it",
        ),
        (
            [&one[..], &one].concat(),
            "the key does not rise above the one before it",
        ),
        ([&one[..], &three].concat(), "the table has the key already"),
        (
            [&one[..], &entry(b"l", b"2")].concat(),
            "the key belongs to another group",
        ),
        ([&one[..], &[0]].concat(), "the bytes end within an entry"),
        ([&one[..], &[255; 30]].concat(), "the bytes end within an entry"),
        (
            [&one[..], &two[..two.len() - 1]].concat(),
            "the bytes end within an entry",
        ),
        ([&one[..], &short].concat(), "the value cannot be read"),
        ([&one[..], &gone].concat(), "the key is removed"),
        ([&one[..], &endless].concat(), "the key cannot be read"),
    ];
    for (bytes, problem) in cases {
        let (name, owner) = ("s".to_string(), owner.clone());
        let refused = table.restore(&Part { name, owner, bytes }).unwrap_err();
        assert_eq!(refused.name, "s");
        assert!(refused.problem.ends_with(problem), "{refused}, not {problem}");
        assert_eq!(contents(&table), before);
    }
    for owner in [Owner::Every, Owner::First, Owner::Group(KEY_GROUPS)] {
        let (name, bytes) = ("s".to_string(), one.clone());
        table.restore(&Part { name, owner, bytes }).unwrap_err();
    }
}

#[test]
fn every_truncation_is_refused_or_ends_between_two_entries() {
    let [one, two] = [b"1", b"2"].map(|suffix| entry(b"k", suffix));
    let both = [&one[..], &two].concat();
    for end in 0..both.len() {
        let mut table = OrderedTable::<u64>::new();
        let part = Part {
            name: "s".to_string(),
            owner: Owner::Group(keys::key_group(keys::hash(b"k"))),
            bytes: both[..end].to_vec(),
        };
        let result = table.restore(&part);
        assert_eq!(result.is_ok(), end % one.len() == 0, "{end} bytes");
        assert_eq!(table.len(), if result.is_ok() { end / one.len() } else { 0 });
    }
}

/// The only piece of a snapshot.
fn rows(snapshot: Frozen) -> Box<dyn FrozenRows> {
    match snapshot.into_iter().next() {
        Some(Piece::Rows(_, rows)) => rows,
        _ => panic!("a table has rows"),
    }
}

#[test]
fn changes_put_on_top_of_the_last_durable_snapshot_are_the_table() {
    let mut table = filled(5_000);
    let first = table.snapshot("s");
    first
        .completions()
        .iter()
        .for_each(|completion| completion.complete(1));
    let first = rows(first);
    let change = |table: &mut OrderedTable<u64>, from: u64| {
        for entry in (from..5_000).step_by(100) {
            let (key, suffix) = (format!("k-{}", entry % 97), time_suffix(EventTime(entry as i64)));
            match entry / 100 % 3 {
                0 => drop(table.remove(key.as_bytes(), &suffix)),
                1 => *table.get_mut(key.as_bytes(), &suffix).unwrap() += 1,
                _ => drop(table.insert(key.as_bytes(), b"new", entry)),
            }
        }
    };
    change(&mut table, 0);
    // This one is given up.
    drop(table.snapshot("s"));
    change(&mut table, 1);
    let (third, now) = (rows(table.snapshot("s")), rows(table.snapshot("s")));
    assert_eq!((first.base(), third.base()), (None, Some(1)));
    let (mut whole, mut written) = (0, 0);
    for group in 0..KEY_GROUPS {
        let (below, changes) = (first.whole(group), third.changes(group));
        whole += below.len();
        written += changes.len();
        assert_eq!(run::merge(&[&below, &changes]), Ok(now.whole(group)));
    }
    assert!(written * 20 < whole, "{written} of {whole} bytes");
}
