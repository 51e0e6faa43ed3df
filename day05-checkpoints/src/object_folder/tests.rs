//! The folder over an object store in memory. A real S3 API is tried in `tests/real_s3.rs`.

use std::collections::BTreeMap;

use day02_state::state::{Frozen, Owner, Part};
use object_store::memory::InMemory;

use super::*;
use crate::store::{CheckpointStorage, Progress, Store, StoreError};

const PLACE: &str = "s3://bucket/jobs/windows";

fn bucket() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

fn open(bucket: &Arc<dyn ObjectStore>) -> ObjectFolder {
    ObjectFolder::open(Arc::clone(bucket), "jobs/windows", PLACE).expect("open")
}

fn look(bucket: &Arc<dyn ObjectStore>) -> ObjectFolder {
    ObjectFolder::look(Arc::clone(bucket), "jobs/windows", PLACE).expect("readable")
}

fn put(folder: &ObjectFolder, name: &str, text: &'static str) {
    let key = folder.key(name);
    let put = folder.objects.put(&key, text.into());
    folder.runtime.block_on(put).expect("put");
}

/// The keys of all objects below the prefix.
fn keys(bucket: &Arc<dyn ObjectStore>) -> Vec<String> {
    let folder = look(bucket);
    let listed = folder.objects.list_with_delimiter(Some(&folder.prefix));
    let listed = folder.runtime.block_on(listed).expect("a list").objects;
    let keys = listed.iter().filter_map(|object| object.location.filename());
    keys.map(str::to_string).collect()
}

fn name(id: u64) -> String {
    format!("checkpoint-{id:020}")
}

/// A part that never changes, and one that is another each time.
fn states(id: u64) -> Vec<(String, Frozen)> {
    let part = |name: &str, bytes| Part {
        name: name.to_string(),
        owner: Owner::First,
        bytes,
    };
    let parts = move || {
        vec![
            part("same", vec![7; 1_000]),
            part("id", id.to_le_bytes().to_vec()),
        ]
    };
    vec![("source".to_string(), Frozen::new(parts))]
}

fn store(bucket: &Arc<dyn ObjectStore>, keep: usize) -> Store<ObjectFolder> {
    Store::open(open(bucket), keep).expect("open")
}

fn commit(store: &mut Store<ObjectFolder>, id: u64) -> Result<(), StoreError> {
    store.begin(id, states(id)).expect("begun");
    while store.step()? != Progress::Durable(id) {}
    while store.step()? != Progress::Idle {}
    Ok(())
}

/// The newest checkpoint, which has to be what was committed.
fn latest<D: Disk>(store: &Store<D>) -> Option<u64> {
    let checkpoint = store.latest().expect("whole")?;
    let parts = checkpoint.snapshot.parts("source");
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().any(|part| part.bytes == checkpoint.id.to_le_bytes()));
    Some(checkpoint.id)
}

#[test]
fn a_file_has_a_name_for_others_only_once_the_folder_is_synced() {
    let bucket = bucket();
    let mut folder = open(&bucket);
    let names = || look(&bucket).list().expect("names");
    folder.write("a.writing", b"some ").expect("written");
    folder.append("a.writing", b"rows").expect("written");
    folder.rename("a.writing", "a").expect_err("it is not uploaded");
    folder.sync("a.writing").expect("uploaded");
    assert_eq!(keys(&bucket), ["a.run-1", CURRENT]);
    folder.rename("a.writing", "a").expect("renamed");
    assert!(names().is_empty());
    folder.sync_folder().expect("synced");
    assert_eq!(names(), ["a"]);
    assert_eq!(look(&bucket).read("a").expect("read"), b"some rows");
    assert_eq!(look(&bucket).read_tail("a", 4).expect("read"), b"rows");
    assert_eq!(look(&bucket).read_tail("a", 99).expect("read"), b"some rows");
    folder.remove("a").expect("removed");
    assert_eq!(look(&bucket).read("a").expect("it is still named"), b"some rows");
    folder.sync_folder().expect("synced");
    assert!(names().is_empty());
    assert_eq!(keys(&bucket), [CURRENT]);
    for error in [
        folder.read("a").expect_err("it is gone"),
        folder.remove("a").expect_err("it is gone"),
        folder
            .append("a.writing", b"")
            .expect_err("it is not being written"),
        folder.sync("a.writing").expect_err("it is not being written"),
        folder.rename("a.writing", "a").expect_err("it has its name"),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}

#[test]
fn a_large_file_is_uploaded_in_parts_of_which_memory_holds_one() {
    let bucket = bucket();
    let mut folder = open(&bucket);
    let block: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
    folder.write("a.writing", &block).expect("written");
    for _ in 0..20 {
        folder.append("a.writing", &block).expect("written");
        assert!(folder.upload.as_ref().expect("under way").rest.len() < PART);
        assert_eq!(
            keys(&bucket),
            [CURRENT],
            "an upload that is not complete is invisible"
        );
    }
    folder.sync("a.writing").expect("uploaded");
    folder.rename("a.writing", "a").expect("renamed");
    assert!(folder.read("a").expect("read") == block.repeat(21));
}

#[test]
fn after_a_crash_between_any_two_steps_the_newest_checkpoint_is_whole_and_nothing_else_is_left() {
    let mut came_through = 0;
    for steps in 0..10 {
        let bucket = bucket();
        let mut crashes = store(&bucket, 1);
        commit(&mut crashes, 1).expect("stored");
        crashes.begin(2, states(2)).expect("begun");
        let durable = (0..steps).any(|_| crashes.step().expect("a step") == Progress::Durable(2));
        drop(crashes);
        let mut restarted = store(&bucket, 1);
        let found = latest(&restarted).expect("a checkpoint");
        assert_eq!(found, 1 + u64::from(durable), "after {steps} steps");
        came_through += u64::from(durable);
        // What it needs, and none of what the crash has left.
        let mut left = look(&bucket).list().expect("names");
        left.iter_mut().for_each(|name| name.push_str(".run-1"));
        left.push(CURRENT.to_string());
        assert_eq!(keys(&bucket), left, "after {steps} steps");
        commit(&mut restarted, 3).expect("stored");
        assert_eq!(latest(&restarted), Some(3));
    }
    assert!((1..10).contains(&came_through), "{came_through}");
}

#[test]
fn a_file_that_an_incremental_checkpoint_needs_stays_and_others_go() {
    let bucket = bucket();
    let mut store = store(&bucket, 1);
    for id in 1..=5 {
        commit(&mut store, id).expect("stored");
        assert_eq!(latest(&store), Some(id));
    }
    // The names that went last are still in `current`, until its next version.
    assert_eq!(look(&bucket).list().expect("names"), [name(1), name(4), name(5)]);
}

#[test]
fn of_two_runs_the_newer_goes_on_and_the_older_ends_with_its_next_checkpoint() {
    let bucket = bucket();
    let mut older = store(&bucket, 3);
    commit(&mut older, 1).expect("stored");
    older.begin(2, states(2)).expect("begun");
    // It is uploading, and then asleep.
    assert_eq!(older.step().expect("a step"), Progress::Again);
    let mut newer = store(&bucket, 3);
    assert_eq!(latest(&newer), Some(1));
    commit(&mut newer, 2).expect("stored");
    commit(&mut newer, 3).expect("stored");
    let error = loop {
        match older.step() {
            Ok(Progress::Again) => {}
            ended => break ended.expect_err("it was taken over"),
        }
    };
    let said = "cannot sync the folder of s3://bucket/jobs/windows/checkpoint-00000000000000000002: run 2 has begun there \
                while this one, run 1, was at work, and the newest run owns the place; run 2 goes on from the last complete \
                checkpoint. If both are wanted, give each a place of its own";
    assert_eq!(error.to_string(), said);
    commit(&mut older, 9).expect_err("and that does not change");
    commit(&mut newer, 4).expect("stored");
    drop(newer);
    let third = store(&bucket, 3);
    assert_eq!(latest(&third), Some(4));
    assert!(
        !keys(&bucket).contains(&format!("{}.run-1", name(2))),
        "what it has uploaded is gone"
    );
}

#[test]
fn of_two_runs_that_begin_at_the_same_moment_one_goes_on() {
    let bucket = bucket();
    let [mut one, mut other] = [1, 2].map(|nonce| {
        let mut folder = look(&bucket);
        (folder.current.run, folder.current.nonce) = (1, nonce);
        folder
    });
    assert!(one.put_current().expect("it was first").is_none());
    let found = other.put_current().expect("readable").expect("it was second");
    assert_eq!((found.0.run, found.0.nonce), (1, 1));
    assert!(one.put_current().expect("it goes on").is_none());
}

#[test]
fn a_checkpoint_that_completes_while_a_newer_run_begins_is_not_lost_to_it() {
    let bucket = bucket();
    let mut older = store(&bucket, 3);
    let mut newer = look(&bucket);
    commit(&mut older, 1).expect("it was not taken over yet");
    newer.begin().expect("it looks again");
    assert_eq!(newer.run(), 2);
    assert_eq!(newer.list().expect("names"), [name(1)]);
    commit(&mut older, 2).expect_err("it was taken over");
}

#[test]
fn a_put_whose_answer_was_lost_has_succeeded() {
    let bucket = bucket();
    let mut folder = open(&bucket);
    let before = folder.version.clone();
    assert!(folder.put_current().expect("written").is_none());
    folder.version = before;
    assert!(
        folder
            .put_current()
            .expect("it finds what it has written")
            .is_none()
    );
    assert!(folder.put_current().expect("and knows its version").is_none());
}

#[test]
fn a_store_that_ignores_conditions_is_refused() {
    let folder = open(&bucket());
    // A condition that holds is as good as none.
    let error = folder
        .check_conditions(folder.version.clone())
        .expect_err("it was put again");
    assert!(error.to_string().contains("ignores the conditions"), "{error}");
}

#[test]
fn what_is_not_of_an_earlier_run_is_left_alone() {
    let bucket = bucket();
    let folder = open(&bucket);
    let foreign = ["notes", "a.run-x", "a.run-2", "a.run-99"];
    for key in foreign.iter().chain(&["a.run-1"]) {
        put(&folder, key, "text");
    }
    drop(open(&bucket));
    assert_eq!(
        keys(&bucket),
        ["a.run-2", "a.run-99", "a.run-x", CURRENT, "notes"]
    );
}

#[test]
fn every_bit_that_flips_in_the_list_of_names_is_noticed() {
    let names = BTreeMap::from([(name(7), 3), (name(8), 4)]);
    let current = Current {
        run: 4,
        nonce: u64::MAX,
        names,
    };
    let text = current.to_string().into_bytes();
    assert_eq!(Current::decode(&text), Some(current.clone()));
    for bit in 0..text.len() * 8 {
        let mut flipped = text.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // Digits of the checksum may be written large, and the last line need not end.
        assert!(
            Current::decode(&flipped).is_none_or(|read| read == current),
            "bit {bit}"
        );
        assert_eq!(
            Current::decode(&text[..bit / 8]).filter(|read| *read != current),
            None
        );
    }
    let bucket = bucket();
    let folder = open(&bucket);
    put(&folder, CURRENT, "nonsense");
    let error = ObjectFolder::open(bucket, "jobs/windows", PLACE)
        .expect_err("damaged")
        .to_string();
    let said = "cannot read s3://bucket/jobs/windows/current: it is damaged, or not written by this program";
    assert_eq!(error, said);
}
