//! A folder of the system, as a store and a sink use it.

use super::*;

fn names(folder: &Folder) -> Vec<String> {
    let mut names = folder.list().expect("the names");
    names.sort();
    names
}

#[test]
fn a_folder_does_what_it_is_told() {
    let temporary = tempfile::tempdir().expect("a folder");
    let mut folder = Folder::open(temporary.path()).expect("open");
    folder.write("a", b"long enough").expect("written");
    folder.write("a", b"new").expect("written over");
    folder.sync("a").expect("synced");
    folder.sync("a").expect("synced again");
    folder.write("b", b"old").expect("written");
    folder.rename("a", "b").expect("renamed");
    folder.sync_folder().expect("synced");
    assert_eq!(names(&folder), [LOCK, "b"]);
    assert_eq!(folder.read("b").expect("read"), b"new");
    folder.remove("b").expect("removed");
    assert_eq!(names(&folder), [LOCK]);
    for error in [
        folder.read("b").expect_err("it is gone"),
        folder.sync("b").expect_err("it is gone"),
        folder.rename("b", "c").expect_err("it is gone"),
        folder.remove("b").expect_err("it is gone"),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}

#[test]
fn a_folder_is_created_with_its_parents() {
    let temporary = tempfile::tempdir().expect("a folder");
    let path = temporary.path().join("jobs/totals/checkpoints");
    drop(Folder::open(&path).expect("created"));
    assert!(path.is_dir());
    drop(Folder::open(&path).expect("it is there already"));
}

#[test]
fn a_folder_that_cannot_be_is_an_error_that_names_it() {
    let temporary = tempfile::tempdir().expect("a folder");
    let file = temporary.path().join("file");
    fs::write(&file, b"").expect("a file");
    for path in [file.clone(), file.join("below"), file.join("far/below")] {
        let error = Folder::open(&path).expect_err("it is a file").to_string();
        let said = format!("cannot create {}: ", path.display());
        assert!(error.starts_with(&said), "{error}");
    }
}

#[test]
fn a_lock_that_is_a_link_is_refused_and_what_it_links_to_stays_as_it_is() {
    let temporary = tempfile::tempdir().expect("a folder");
    let (victim, folder) = (temporary.path().join("victim"), temporary.path().join("folder"));
    fs::write(&victim, b"precious").expect("written");
    fs::create_dir(&folder).expect("a folder");
    let lock = folder.join(LOCK);
    std::os::unix::fs::symlink("../victim", &lock).expect("a link");
    let error = Folder::open(&folder).expect_err("a link").to_string();
    let said = format!(
        "cannot open {}: it is a link, and would lock another file; remove it",
        lock.display()
    );
    assert_eq!(error, said);
    // Neither is what is in a lock that is a file.
    fs::remove_file(&lock).expect("removed");
    fs::write(&lock, b"a note").expect("written");
    Folder::open(&folder).expect("free");
    let read = [&victim, &lock].map(|file| fs::read(file).expect("read"));
    assert_eq!(read, [b"precious".to_vec(), b"a note".to_vec()]);
}

#[test]
fn what_is_private_can_only_be_read_by_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    for (access, readable) in [(Access::Shared, true), (Access::Private, false)] {
        let temporary = tempfile::tempdir().expect("a folder");
        let path = temporary.path().join("jobs/totals");
        let mut folder = Folder::open_as(&path, access).expect("open");
        folder.write("a", b"").expect("written");
        folder.rename("a", "b").expect("renamed");
        for made in [
            path.parent().expect("jobs"),
            &path,
            &path.join(LOCK),
            &path.join("b"),
        ] {
            let mode = fs::metadata(made).expect("made").permissions().mode();
            assert_eq!(
                mode & 0o044 != 0,
                readable,
                "{access:?} {}: {mode:o}",
                made.display()
            );
        }
    }
}

#[test]
fn a_folder_has_one_user_at_a_time() {
    let temporary = tempfile::tempdir().expect("a folder");
    let first = Folder::open(temporary.path()).expect("free");
    let error = Folder::open(temporary.path()).expect_err("in use").to_string();
    let said = format!("{} is used by another run", temporary.path().display());
    assert!(error.starts_with(&said), "{error}");
    drop(first);
    Folder::open(temporary.path()).expect("free again");
}
