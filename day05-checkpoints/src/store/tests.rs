//! The store over a disk in memory, by hand. What crashes do to it is tried in `tests/crash_store.rs`.

use day02_state::state::{Owner, Part};

use super::*;
use crate::lab::fragile::Fragile;

fn snapshot(content: u64) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let part = Part {
        name: "positions".to_string(),
        owner: Owner::First,
        bytes: content.to_le_bytes().to_vec(),
    };
    snapshot.add("source", vec![part]);
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
    store.begin(id, &snapshot(id)).expect("begun");
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
    store.begin(1, &snapshot(1)).expect("begun");
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
    store.begin(6, &snapshot(6)).expect("begun");
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
    store.begin(1, &snapshot(1)).expect("begun");
    store.step().expect("a step");
    let error = store.begin(2, &snapshot(2)).expect_err("one is under way");
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
        let error = open(&disk, 3).begin(id, &snapshot(id)).expect_err("not newer");
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
    store.begin(2, &snapshot(2)).expect("begun");
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
    let good = snapshot(2).encode();
    let (cut, mut damaged) = (good[..20].to_vec(), good.clone());
    damaged[30] ^= 1;
    #[rustfmt::skip]
    let table = [
        (b"{}".to_vec(), "it is not a snapshot"),
        (cut,            "it is cut off: 20 bytes of 92"),
        (damaged,        "it is damaged: its checksum is wrong"),
    ];
    for (bytes, problem) in table {
        for before in [None, Some(1)] {
            let mut disk = Fragile::new();
            let mut store = open(&disk, 3);
            before.into_iter().for_each(|id| commit(&mut store, id));
            commit(&mut store, 2);
            disk.write(&name_of(2), &bytes).expect("written");
            let way_back = match before {
                None => "there is none before it, so removing it starts the job anew",
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
        store.begin(2, &snapshot(2)).expect("begun");
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
    store.begin(1, &snapshot(1)).expect("begun");
    while store.step().expect("a step") != Progress::Durable(1) {}
    // The rename of the second happens, but is not safe; and room has yet to be made for the first.
    store.begin(2, &snapshot(2)).expect("begun");
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
