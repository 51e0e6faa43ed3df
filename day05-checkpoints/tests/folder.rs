//! Checkpoints and output on a real disk, in a folder that has one user.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use day02_state::state::{Frozen, Owner, Part};
use day05_checkpoints::disk::Folder;
use day05_checkpoints::sink::encoded::{Encoded, Rows};
use day05_checkpoints::sink::files::{FileTarget, Format};
use day05_checkpoints::sink::target::{LastPublished, Published, Target};
use day05_checkpoints::store::{CheckpointStorage, Progress, Store};

const FOLDER: &str = "FOLDER_TO_HOLD";

fn part(content: u64) -> Part {
    Part {
        name: "positions".to_string(),
        owner: Owner::First,
        bytes: content.to_le_bytes().to_vec(),
    }
}

fn states(content: u64) -> Vec<(String, Frozen)> {
    vec![("source".to_string(), Frozen::new(move || vec![part(content)]))]
}

fn open(path: &Path) -> Store<Folder> {
    Store::open(Folder::open(path).expect("free"), 3).expect("open")
}

fn commit(store: &mut Store<Folder>, id: u64) {
    store.begin(id, states(id)).expect("begun");
    let mut steps = std::iter::from_fn(|| Some(store.step().expect("a step")));
    assert!(steps.any(|progress| progress == Progress::Durable(id)));
    assert!(steps.any(|progress| progress == Progress::Idle));
}

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).expect("the folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
    let mut names: Vec<String> = names.filter(|name| name != ".lock").collect();
    names.sort();
    names
}

#[test]
fn the_last_three_checkpoints_are_there_and_the_newest_is_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/checkpoints");
    let mut store = open(&path);
    (1..=4).for_each(|id| commit(&mut store, id));
    store.begin(5, states(5)).expect("begun");
    store.step().expect("written aside");
    drop(store);
    assert_eq!(names(&path).len(), 4, "with the one that is unfinished");
    let mut store = open(&path);
    let latest = store.latest().expect("whole").expect("there is one");
    assert_eq!((latest.id, latest.snapshot.parts("source")), (4, &[part(4)][..]));
    commit(&mut store, 5);
    assert_eq!(names(&path), [3, 4, 5].map(|id| format!("checkpoint-{id:020}")));
}

#[test]
fn a_damaged_checkpoint_is_named_with_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = open(folder.path());
    commit(&mut store, 1);
    commit(&mut store, 2);
    let newest = folder.path().join("checkpoint-00000000000000000002");
    std::fs::write(&newest, b"something else").expect("damaged");
    let error = store.latest().expect_err("it is damaged").to_string();
    let said = format!(
        "{} is the newest checkpoint and cannot be restored: it is not a checkpoint",
        newest.display()
    );
    assert!(error.starts_with(&said), "{error}");
    std::fs::remove_file(&newest).expect("removed");
    assert_eq!(store.latest().expect("whole").expect("there is one").id, 1);
}

#[test]
fn an_epoch_is_a_file_with_its_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = || {
        let header = Some("id,amount".to_string());
        FileTarget::new(Folder::open(folder.path()).expect("free"), Format::Csv { header })
    };
    let mut rows = Encoded::default();
    rows.push(Some(b"a"), b"a,1");
    rows.push(None, b"b,2");
    let rows = Rows::from(rows);
    let mut first = target();
    while first.publish(7, &rows).expect("a step") == Published::Again {}
    let bytes = std::fs::read(folder.path().join("part-00000000000000000007.csv")).expect("the file");
    assert_eq!(bytes, b"id,amount\na,1\nb,2\n");
    assert_eq!(first.publish(8, &rows).expect("written aside"), Published::Again);
    drop(first);
    let mut second = target();
    assert_eq!(second.describe(), format!("files in {}", folder.path().display()));
    assert_eq!(second.last_out(&[7, 8]).expect("known"), LastPublished::UpTo(7));
    assert_eq!(names(folder.path()), ["part-00000000000000000007.csv"]);
    assert_eq!(second.last_out(&[6, 7]).expect("known"), LastPublished::UpTo(7));
}

#[test]
fn a_folder_that_goes_away_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoints");
    let mut store = open(&path);
    std::fs::remove_dir_all(&path).expect("removed");
    store.begin(1, states(1)).expect("begun");
    let error = store.step().expect_err("it is gone").to_string();
    let said = format!(
        "cannot write {}/checkpoint-00000000000000000001: ",
        path.display()
    );
    assert!(error.starts_with(&said), "{error}");
}

#[test]
fn a_run_that_is_killed_gives_its_folder_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut other = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "another_run", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("another run");
    let said = BufReader::new(other.stdout.take().expect("its output"))
        .lines()
        .map_while(Result::ok);
    let holds = said.into_iter().any(|line| line.contains("it is mine"));
    let refused = Folder::open(folder.path()).map(drop);
    other.kill().expect("killed");
    other.wait().expect("dead");
    assert!(holds, "the other run has it");
    let refused = refused.expect_err("so this one is refused").to_string();
    assert!(refused.contains("is used by another run"), "{refused}");
    Folder::open(folder.path()).expect("free again");
}

#[test]
#[ignore = "it is the other run of the test before it"]
fn another_run() {
    let Some(path) = std::env::var_os(FOLDER) else {
        return;
    };
    let _folder = Folder::open(path).expect("free");
    println!("it is mine");
    // Until it is killed, or nobody is there any more.
    std::io::stdin().lines().for_each(drop);
}
