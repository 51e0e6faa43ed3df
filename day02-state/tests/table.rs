//! The table against a `BTreeMap`: whatever is done to both, they hold the same, and so does every frozen table.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::collections::BTreeMap;

use day02_state::keys::{self, KEY_GROUPS, key_group};
use day02_state::state::{FrozenTable, Slot, Table};
use proptest::collection::vec;
use proptest::prelude::*;

type Model = BTreeMap<Vec<u8>, u64>;

/// Keys that are easily mistaken for each other: empty, zeros, prefixes, and lengths around that of a boxed one.
fn key(number: u8) -> Vec<u8> {
    match number % 4 {
        0 => vec![0; usize::from(number / 4)],
        1 => format!("m-{}", number / 4).into_bytes(),
        2 => [&[b'x'; 12][..], &[number; 3][..usize::from(number / 4) % 4]].concat(),
        _ => format!("a key that is too long to lie inside {}", number / 4).into_bytes(),
    }
}

const KEYS: u8 = 80;

/// Full hashes, or such that most tags are equal. Both leave the group alone.
fn hash(key: &[u8], collide: bool) -> u64 {
    match collide {
        true => keys::hash(key) & !0xFFFF_FFFE,
        false => keys::hash(key),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Update(u8, u64),
    Get(u8),
    Remove(u8),
    Batch(Vec<u8>),
    Freeze,
    Thaw(usize),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..KEYS, 0..1_000_u64).prop_map(|(key, by)| Step::Update(key, by)),
        4 => (0..KEYS).prop_map(Step::Get),
        6 => (0..KEYS).prop_map(Step::Remove),
        4 => vec(0..KEYS, 0..40).prop_map(Step::Batch),
        3 => Just(Step::Freeze),
        2 => any::<usize>().prop_map(Step::Thaw),
        1 => Just(Step::Clear),
    ];
    vec(step, 0..120)
}

fn batch(table: &mut Table<u64>, model: &mut Model, keys: &[Vec<u8>], collide: bool) {
    let hashes: Vec<u64> = keys.iter().map(|key| hash(key, collide)).collect();
    let mut slots: Vec<Slot> = Vec::new();
    table.slots(&hashes, |row| &keys[row], || 100, &mut slots);
    assert_eq!(slots.len(), keys.len());
    for (slot, key) in slots.iter().zip(keys) {
        *table.value_mut(*slot) += 1;
        *model.entry(key.clone()).or_insert(100) += 1;
        assert_eq!(table.at(*slot), (&key[..], &model[key]));
    }
}

fn assert_same(table: &Table<u64>, model: &Model) {
    let expected: Vec<(&[u8], &u64)> = model.iter().map(|(key, value)| (&key[..], value)).collect();
    assert_eq!(table.sorted(), expected);
    assert_eq!(table.iter().count(), model.len());
    assert_eq!((table.len(), table.is_empty()), (model.len(), model.is_empty()));
}

/// The bytes of all groups, written down from the model alone.
fn encoded(model: &Model) -> Vec<(u16, Vec<u8>)> {
    let mut groups: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    for (key, value) in model {
        let group = groups.entry(key_group(keys::hash(key))).or_default();
        group.extend((key.len() as u32).to_le_bytes());
        group.extend(9_u32.to_le_bytes());
        group.extend(key);
        group.extend(value.to_le_bytes());
    }
    groups.into_iter().collect()
}

fn assert_frozen(frozen: &FrozenTable<u64>, model: &Model) {
    assert_eq!((frozen.len(), frozen.is_empty()), (model.len(), model.is_empty()));
    let found: Model = frozen.iter().map(|(key, value)| (key.to_vec(), *value)).collect();
    assert_eq!((&found, frozen.iter().count()), (model, model.len()));
    assert_eq!(frozen.encode_groups(), encoded(model));
}

fn run(steps: Vec<Step>, collide: bool) {
    let (mut table, mut model) = (Table::<u64>::new(), Model::new());
    let mut frozen: Vec<(FrozenTable<u64>, Model)> = Vec::new();
    for step in steps {
        match step {
            Step::Update(number, by) => {
                let key = key(number);
                *table.update(&key, hash(&key, collide), || by) += by;
                *model.entry(key).or_insert(by) += by;
            }
            Step::Get(number) => {
                let key = key(number);
                assert_eq!(table.get(&key, hash(&key, collide)), model.get(&key));
            }
            Step::Remove(number) => {
                let key = key(number);
                assert_eq!(table.remove(&key, hash(&key, collide)), model.remove(&key));
            }
            Step::Batch(numbers) => {
                let keys: Vec<Vec<u8>> = numbers.into_iter().map(key).collect();
                batch(&mut table, &mut model, &keys, collide);
            }
            Step::Freeze => {
                frozen.push((table.freeze(), model.clone()));
            }
            Step::Thaw(_) if frozen.is_empty() => {}
            Step::Thaw(which) => {
                let (frozen, model) = frozen.swap_remove(which % frozen.len());
                assert_frozen(&frozen, &model);
            }
            Step::Clear => {
                table.clear();
                model.clear();
                assert_eq!(table.memory(), 0);
            }
        }
        assert_eq!(table.len(), model.len());
        assert!(!table.is_empty() || table.memory() == 0);
    }
    assert_same(&table, &model);
    frozen
        .iter()
        .for_each(|(frozen, model)| assert_frozen(frozen, model));

    let bytes = table.freeze().encode_groups();
    let mut restored = Table::<u64>::new();
    for (group, bytes) in bytes.iter().rev() {
        restored.restore_group(*group, bytes).unwrap();
    }
    assert_same(&restored, &model);
    assert_eq!(restored.freeze().encode_groups(), bytes);
}

/// Thousands of keys at once, so that chunks fill, empty and fill again, and the index grows and shrinks.
#[derive(Debug, Clone)]
enum Bulk {
    Batch { from: u32, keys: u32, step: u32 },
    Remove { from: u32, keys: u32, step: u32 },
    Freeze,
    Thaw,
}

fn bulks() -> impl Strategy<Value = Vec<Bulk>> {
    let range = || (0..6_000_u32, 0..6_000_u32, 1..4_u32);
    let bulk = prop_oneof![
        3 => range().prop_map(|(from, keys, step)| Bulk::Batch { from, keys, step }),
        3 => range().prop_map(|(from, keys, step)| Bulk::Remove { from, keys, step }),
        2 => Just(Bulk::Freeze),
        1 => Just(Bulk::Thaw),
    ];
    vec(bulk, 1..12)
}

/// The keys `from`, `from + step` and so on.
fn numbered(from: u32, keys: u32, step: u32) -> Vec<Vec<u8>> {
    let numbers = (from..from + keys).step_by(step as usize);
    numbers.map(|key| format!("m-{key}").into_bytes()).collect()
}

fn run_bulk(bulks: Vec<Bulk>) {
    let (mut table, mut model) = (Table::<u64>::new(), Model::new());
    let mut frozen: Vec<(FrozenTable<u64>, Model)> = Vec::new();
    for bulk in bulks {
        match bulk {
            Bulk::Batch { from, keys, step } => {
                batch(&mut table, &mut model, &numbered(from, keys, step), false)
            }
            Bulk::Remove { from, keys, step } => {
                for key in numbered(from, keys, step) {
                    assert_eq!(table.remove(&key, keys::hash(&key)), model.remove(&key));
                }
            }
            Bulk::Freeze => frozen.push((table.freeze(), model.clone())),
            Bulk::Thaw => drop(frozen.pop()),
        }
        assert_same(&table, &model);
    }
    frozen
        .iter()
        .for_each(|(frozen, model)| assert_frozen(frozen, model));
}

proptest! {
    #[test]
    fn it_is_a_map(steps in steps()) {
        run(steps, false);
    }

    #[test]
    fn it_is_a_map_even_if_most_keys_collide(steps in steps()) {
        run(steps, true);
    }

    #[test]
    fn any_bytes_are_either_restored_whole_or_refused_whole(bytes in vec(0..3_u8, 0..60), group in 0..KEY_GROUPS) {
        let mut table = Table::<u64>::new();
        match table.restore_group(group, &bytes) {
            Ok(()) if bytes.is_empty() => assert!(table.is_empty()),
            Ok(()) => assert_eq!(table.freeze().encode_groups(), [(group, bytes)]),
            Err(malformed) => {
                assert!(malformed.at < bytes.len());
                assert!(table.is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_map_of_many_chunks(bulks in bulks()) {
        run_bulk(bulks);
    }
}
