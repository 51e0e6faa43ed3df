//! The store over a disk in memory, by hand. What crashes do to it is tried in `tests/crash_store.rs`.

use day02_state::keys;
use day02_state::state::{Owner, Part, Table};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::lab::fragile::Fragile;

fn parts(content: u64) -> Vec<Part> {
    vec![Part {
        name: "positions".to_string(),
        owner: Owner::First,
        bytes: content.to_le_bytes().to_vec(),
    }]
}

fn states(content: u64) -> Vec<(String, Frozen)> {
    vec![("source".to_string(), Frozen::new(move || parts(content)))]
}

fn snapshot(content: u64) -> Snapshot {
    let mut snapshot = Snapshot::new();
    snapshot.add("source", parts(content));
    snapshot
}

fn open(disk: &Fragile, keep: usize) -> Store<Fragile> {
    Store::open(disk.clone(), keep).expect("open")
}

fn ids(disk: &Fragile) -> Vec<u64> {
    let names = disk.list().expect("the names");
    names
        .iter()
        .map(|name| id_of(name).expect("a checkpoint"))
        .collect()
}

/// Everything that the steps come to, up to the first that is idle.
fn run(store: &mut Store<Fragile>) -> Vec<Progress> {
    let steps = std::iter::repeat_with(|| store.step().expect("a step"));
    steps
        .take(99)
        .take_while(|progress| *progress != Progress::Idle)
        .collect()
}

fn commit(store: &mut Store<Fragile>, id: u64) {
    store.begin(id, states(id)).expect("begun");
    assert!(run(store).contains(&Progress::Durable(id)));
}

fn latest(store: &Store<Fragile>) -> Option<u64> {
    store.latest().expect("whole").map(|checkpoint| checkpoint.id)
}

#[test]
fn an_empty_folder_has_no_checkpoint_and_nothing_to_do() {
    let mut store = open(&Fragile::new(), 3);
    assert_eq!(store.latest().expect("none"), None);
    assert_eq!(run(&mut store), []);
}

#[test]
fn a_checkpoint_is_durable_once_and_behind_its_last_step() {
    use Progress::{Again, Durable};
    let disk = Fragile::new();
    let mut store = open(&disk, 3);
    store.begin(1, states(1)).expect("begun");
    assert_eq!(run(&mut store), [Again, Again, Again, Durable(1)]);
    let wanted = Checkpoint {
        id: 1,
        snapshot: snapshot(1),
    };
    assert_eq!(store.latest().expect("whole"), Some(wanted.clone()));
    drop(store);
    assert_eq!(open(&disk, 3).latest().expect("whole"), Some(wanted));
}

#[test]
fn the_oldest_are_removed_once_the_newest_is_durable() {
    use Progress::{Again, Durable};
    let disk = Fragile::new();
    let mut store = open(&disk, 3);
    [1, 2, 5].into_iter().for_each(|id| commit(&mut store, id));
    store.begin(6, states(6)).expect("begun");
    for _ in 0..3 {
        assert_eq!(store.step().expect("a step"), Again);
    }
    assert_eq!(ids(&disk), [1, 2, 5, 6]);
    assert_eq!(run(&mut store), [Durable(6), Again]);
    assert_eq!(ids(&disk), [2, 5, 6]);
}

#[test]
fn at_least_the_newest_is_kept() {
    for (keep, kept) in [(0, vec![4]), (1, vec![4]), (2, vec![3, 4]), (9, vec![1, 2, 3, 4])] {
        let disk = Fragile::new();
        let mut store = open(&disk, keep);
        [1, 2, 3, 4].into_iter().for_each(|id| commit(&mut store, id));
        assert_eq!(ids(&disk), kept, "{keep}");
    }
}

#[test]
fn a_run_that_keeps_fewer_removes_what_others_have_kept() {
    let disk = Fragile::new();
    let mut store = open(&disk, 5);
    (1..=5).for_each(|id| commit(&mut store, id));
    drop(store);
    assert_eq!(run(&mut open(&disk, 2)).len(), 3);
    assert_eq!(ids(&disk), [4, 5]);
}

#[test]
fn a_checkpoint_that_somebody_has_removed_is_not_missed() {
    let disk = Fragile::new();
    let mut store = open(&disk, 1);
    commit(&mut store, 1);
    disk.clone().remove(&name_of(1)).expect("removed");
    commit(&mut store, 2);
    assert_eq!(ids(&disk), [2]);
}

#[test]
fn one_checkpoint_is_under_way_at_a_time() {
    let mut store = open(&Fragile::new(), 3);
    store.begin(1, states(1)).expect("begun");
    store.step().expect("a step");
    let error = store.begin(2, states(2)).expect_err("one is under way");
    let said = "checkpoint 2 cannot begin while checkpoint 1 is being written";
    assert_eq!(error.to_string(), said);
    assert!(
        run(&mut store).contains(&Progress::Durable(1)),
        "it is not disturbed"
    );
}

#[test]
fn numbers_grow_over_restarts_too() {
    let disk = Fragile::new();
    commit(&mut open(&disk, 3), 7);
    for id in [0, 6, 7] {
        let error = open(&disk, 3).begin(id, states(id)).expect_err("not newer");
        let said = format!("checkpoint {id} cannot be written behind checkpoint 7: numbers have to grow");
        assert_eq!(error.to_string(), said);
    }
    commit(&mut open(&disk, 3), 8);
}

#[test]
fn what_was_left_unfinished_is_removed_and_what_is_not_ours_is_not() {
    let disk = Fragile::new();
    let mut store = open(&disk, 3);
    commit(&mut store, 1);
    store.begin(2, states(2)).expect("begun");
    store.step().expect("a step");
    disk.clone().write("notes.writing", b"").expect("written");
    let store = open(&disk, 3);
    assert_eq!(latest(&store), Some(1));
    assert_eq!(
        disk.list().expect("the names"),
        [name_of(1), "notes.writing".to_string()]
    );
}

#[test]
fn the_newest_checkpoint_that_is_damaged_is_an_error_that_says_what_to_do() {
    let disk = Fragile::new();
    commit(&mut open(&disk, 3), 2);
    let good = disk.read(&name_of(2)).expect("the file");
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    #[rustfmt::skip]
    let table = [
        (b"{}".to_vec(),       "it is not a checkpoint"),
        (good[..20].to_vec(),  "it is not a checkpoint, or it is cut off: its last bytes are not those of one"),
        (changed(8),           "its format has another version than this program reads"),
        (changed(13),          "it is damaged: a checksum is wrong, in \"positions\""),
        (changed(40),          "it is damaged: the checksum of its manifest is wrong"),
    ];
    for (bytes, problem) in table {
        for before in [None, Some(1)] {
            let mut disk = Fragile::new();
            let mut store = open(&disk, 3);
            before.into_iter().for_each(|id| commit(&mut store, id));
            commit(&mut store, 2);
            disk.write(&name_of(2), &bytes).expect("written");
            let way_back = match before {
                None => {
                    "there is none before it that can be restored, so moving all of them away starts the job anew"
                }
                Some(_) => {
                    "removing it goes back to checkpoint-00000000000000000001, and what was \
                     published since then comes out again"
                }
            };
            let said = format!(
                "memory/checkpoint-00000000000000000002 is the newest checkpoint and cannot be restored: \
                 {problem}; {way_back}"
            );
            assert_eq!(open(&disk, 3).latest().expect_err(problem).to_string(), said);
            disk.remove(&name_of(2)).expect("removed");
            assert_eq!(latest(&open(&disk, 3)), before, "as it was said");
        }
    }
}

#[test]
fn an_older_checkpoint_that_is_damaged_is_in_nobodys_way() {
    let mut disk = Fragile::new();
    let mut store = open(&disk, 3);
    [1, 2].into_iter().for_each(|id| commit(&mut store, id));
    disk.write(&name_of(1), b"").expect("written");
    assert_eq!(latest(&open(&disk, 3)), Some(2));
}

#[test]
fn a_step_that_fails_gives_its_checkpoint_up_and_no_other() {
    for fails in 0..4 {
        let mut disk = Fragile::new();
        let mut store = open(&disk, 1);
        commit(&mut store, 1);
        disk.fail_after(fails);
        store.begin(2, states(2)).expect("begun");
        (0..fails).for_each(|_| assert_eq!(store.step().expect("before it"), Progress::Again));
        store.step().expect_err("full");
        assert_eq!(run(&mut store), [], "{fails}: it is not tried again");
        assert!(disk.list().expect("the names").contains(&name_of(1)), "{fails}");
        commit(&mut store, 3);
        assert_eq!(latest(&store), Some(3), "{fails}");
    }
}

#[test]
fn the_newest_durable_checkpoint_is_not_removed_for_one_that_was_given_up() {
    let mut disk = Fragile::new();
    let mut store = open(&disk, 1);
    store.begin(1, states(1)).expect("begun");
    while store.step().expect("a step") != Progress::Durable(1) {}
    // The rename of the second happens, but is not safe; and room has yet to be made for the first.
    store.begin(2, states(2)).expect("begun");
    disk.fail_after(3);
    let failed = (0..4).filter(|_| store.step().is_err()).count();
    assert_eq!(failed, 1);
    run(&mut store);
    assert_eq!(ids(&disk), [1, 2]);
}

#[test]
fn what_the_disk_says_comes_with_the_name_of_the_file() {
    let mut disk = Fragile::new();
    let mut store = open(&disk, 1);
    commit(&mut store, 1);
    // Behind the list of its files.
    disk.fail_after(1);
    let error = store.latest().expect_err("it cannot be read").to_string();
    assert_eq!(
        error,
        "cannot read memory/checkpoint-00000000000000000001: no storage space"
    );
    disk.fail_after(0);
    let error = Store::open(disk, 1).expect_err("it cannot be listed").to_string();
    assert_eq!(error, "cannot list the files of memory: no storage space");
}

// ---------------------------------------------------------------------------------------------------------------------
// Incremental ones

/// A task with a table, and a part that never changes.
#[derive(Default)]
struct Task {
    table: Table<u64>,
}

impl Task {
    fn count(&mut self, keys: impl IntoIterator<Item = u32>) {
        for key in keys {
            let key = format!("key-{key}");
            *self
                .table
                .update(key.as_bytes(), keys::hash(key.as_bytes()), || 0) += 1;
        }
    }

    fn states(&mut self) -> Vec<(String, Frozen)> {
        let epoch = Part {
            name: "epoch 1".to_string(),
            owner: Owner::First,
            bytes: vec![7; 1_000],
        };
        let sink = Frozen::new(move || vec![epoch]);
        vec![
            ("totals".to_string(), self.table.snapshot("rows")),
            ("sink".to_string(), sink),
        ]
    }

    fn commit(&mut self, store: &mut Store<Fragile>, id: u64) -> Size {
        store.begin(id, self.states()).expect("begun");
        assert!(run(store).contains(&Progress::Durable(id)));
        store.size()
    }

    fn is_in(&mut self, checkpoint: &Checkpoint) -> bool {
        let saved = checkpoint.snapshot.parts("totals").iter();
        let saved = saved.map(|part| (part.owner.clone(), part.bytes.clone()));
        let now = self.table.freeze().encode_groups().into_iter();
        saved.eq(now.map(|(group, bytes)| (Owner::Group(group), bytes)))
    }
}

#[test]
fn a_checkpoint_writes_what_has_changed_and_names_the_rest() {
    let (mut task, disk) = (Task::default(), Fragile::new());
    let mut store = open(&disk, 3);
    task.count(0..20_000);
    let first = task.commit(&mut store, 1);
    assert_eq!(first.reused, 0);
    // One in a hundred, from all over.
    task.count((0..20_000).step_by(100));
    let second = task.commit(&mut store, 2);
    assert!(second.new * 50 < first.new, "{second:?} behind {first:?}");
    assert_eq!(second.reused, first.new);
    let third = task.commit(&mut store, 3);
    assert_eq!((third.new, third.reused), (0, second.new + second.reused));
    for id in 4..8 {
        task.commit(&mut store, id);
    }
    assert_eq!(ids(&disk), [1, 2, 5, 6, 7], "what is named stays");
    let latest = open(&disk, 3).latest().expect("whole").expect("there is one");
    assert!(task.is_in(&latest));
}

#[test]
fn a_part_is_written_whole_once_its_changes_exceed_half_of_it_and_old_files_go() {
    let (mut task, disk) = (Task::default(), Fragile::new());
    let mut store = open(&disk, 1);
    task.count(0..20_000);
    let whole = task.commit(&mut store, 1).new;
    let mut written = 0;
    for id in 2..=400 {
        task.count((0..200).map(|nth| (nth * 100 + id as u32 * 7) % 20_000));
        let size = task.commit(&mut store, id);
        written += size.new;
        assert!(size.new + size.reused <= whole * 3 / 2 + whole / 100, "{size:?}");
        let on_disk: usize = disk.files().values().map(Vec::len).sum();
        assert!((on_disk as u64) < 4 * whole, "{on_disk} bytes at {id}");
    }
    // Each change once, and twice as its share of a part that is written whole.
    let changes = 399 * whole / 100;
    assert!(
        (2 * changes..4 * changes).contains(&written),
        "{written} bytes for {changes}"
    );
    let latest = open(&disk, 3).latest().expect("whole").expect("there is one");
    assert!(task.is_in(&latest));
}

#[test]
fn what_was_frozen_for_a_checkpoint_that_was_given_up_is_in_the_next_one() {
    let (mut task, mut disk) = (Task::default(), Fragile::new());
    let mut store = open(&disk, 3);
    task.count(0..1_000);
    task.commit(&mut store, 1);
    task.count(0..5);
    // A task did not acknowledge in time.
    drop(task.states());
    task.count(3..8);
    // The disk is full.
    disk.fail_after(2);
    store.begin(3, task.states()).expect("begun");
    (0..3).for_each(|_| drop(store.step()));
    task.count(900..901);
    let size = task.commit(&mut store, 4);
    assert!(size.new < size.reused, "{size:?}");
    let latest = open(&disk, 3).latest().expect("whole").expect("there is one");
    assert!(task.is_in(&latest));
}

#[test]
fn a_run_that_starts_writes_its_tables_whole_once() {
    let (mut task, disk) = (Task::default(), Fragile::new());
    task.count(0..1_000);
    task.commit(&mut open(&disk, 3), 1);
    let mut store = open(&disk, 3);
    let latest = store.latest().expect("whole").expect("there is one");
    let mut restored = Task::default();
    for part in latest.snapshot.parts("totals") {
        restored.table.restore(part).expect("whole");
    }
    let size = restored.commit(&mut store, 2);
    assert_eq!(size.reused, 1_000, "what has the same bytes is not written again");
    restored.count(0..1);
    // With the rest of the first file, of which nothing else is needed.
    assert!(restored.commit(&mut store, 3).new < 1_100);
}

#[test]
fn a_file_that_is_needed_and_missing_is_named() {
    let (mut task, mut disk) = (Task::default(), Fragile::new());
    let mut store = open(&disk, 3);
    task.count(0..1_000);
    for id in 1..=3 {
        task.count(0..1);
        task.commit(&mut store, id);
    }
    disk.remove(&name_of(1)).expect("removed");
    let error = store.latest().expect_err("it is needed").to_string();
    let said = "memory/checkpoint-00000000000000000003 is the newest checkpoint and cannot be restored: it needs a file: \
                cannot read memory/checkpoint-00000000000000000001: entity not found; there is none before it that can \
                be restored, so moving all of them away starts the job anew";
    assert_eq!(error, said);
}

/// A checkpoint with runs in three files.
fn layered() -> (Fragile, Task) {
    let (mut task, disk) = (Task::default(), Fragile::new());
    let mut store = open(&disk, 3);
    task.count(0..3_000);
    for id in 1..=3 {
        task.commit(&mut store, id);
        task.count(0..40);
    }
    (disk, task)
}

#[test]
fn every_bit_that_flips_is_noticed_and_its_file_named() {
    let (disk, _) = layered();
    assert_eq!(ids(&disk), [1, 2, 3]);
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let names = read_manifest(&disk, 3).expect("whole").files();
    assert_eq!(names.len(), 3);
    for _ in 0..2_000 {
        let mut disk = disk.clone();
        let file = 1 + u64::from(random.next_u32() % 3);
        let bytes = disk.read(&name_of(file)).expect("the file");
        // Of an older file only the runs matter that are needed, and what says that it is a checkpoint.
        let end = match file {
            3 => bytes.len(),
            _ => 12 + read_manifest(&disk, file).expect("whole").size(file).new as usize,
        };
        let bit = random.next_u32() as usize % (end * 8);
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        disk.write(&name_of(file), &flipped).expect("written");
        match read_checkpoint(&disk, 3) {
            Err(Unreadable::Damaged { file: said, .. }) => {
                assert_eq!(said, format!("memory/{}", name_of(file)), "bit {bit}");
            }
            Ok(_) if file < 3 && !is_needed(&disk, file, bit as u64 / 8) => {}
            other => panic!("file {file}, bit {bit}: {other:?}"),
        }
        disk.write(&name_of(file), &bytes).expect("written");
    }
}

fn is_needed(disk: &Fragile, file: u64, byte: u64) -> bool {
    let manifest = read_manifest(disk, 3).expect("whole");
    manifest
        .runs()
        .any(|run| run.file == file && (run.offset..run.offset + run.length).contains(&byte))
}

#[test]
fn what_is_damaged_and_has_a_checksum_that_fits_is_refused_or_read_and_never_larger_than_its_files() {
    let (disk, _) = layered();
    let good = disk.read(&name_of(3)).expect("the file");
    let all: usize = disk.files().values().map(Vec::len).sum();
    let length = good.len() - 24;
    let manifest_at =
        length - u64::from_le_bytes(good[length..length + 8].try_into().expect("eight")) as usize;
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let (mut refused, mut read) = (0, 0);
    for _ in 0..3_000 {
        let mut bytes = good.clone();
        for _ in 0..1 + random.next_u32() % 3 {
            let at = manifest_at + random.next_u32() as usize % (length - manifest_at);
            // Large numbers are what hurts.
            bytes[at] = [0, 1, 0x7F, 0xFF, random.next_u32() as u8][random.next_u32() as usize % 5];
        }
        let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[manifest_at..length]);
        bytes[length + 8..length + 16].copy_from_slice(&checksum.to_le_bytes());
        let mut disk = disk.clone();
        disk.write(&name_of(3), &bytes).expect("written");
        match read_checkpoint(&disk, 3) {
            Ok(checkpoint) => {
                let operators: Vec<&str> = checkpoint.snapshot.operators().collect();
                let parts = operators.iter().flat_map(|id| checkpoint.snapshot.parts(id));
                assert!(parts.map(|part| part.bytes.len()).sum::<usize>() <= all);
                read += 1;
            }
            Err(_) => refused += 1,
        }
        disk.write(&name_of(3), &good).expect("written");
    }
    assert!(refused > 1_000 && read > 10, "{refused} refused, {read} read");
}
