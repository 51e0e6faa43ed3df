//! Keeps a run from writing to what is read.
//!
//! An output that is an input would be emptied before it is read; one in a folder that is read would be an input of the next
//! run. A path as it is written does not show either: `./a` and `a` are one file, and so are two links to it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::input::STDIN;
use super::paths::{expand, is_left_out, local_path};
use crate::Error;

/// An error if the file or folder `output` is one of these inputs, lies in one, or holds one. `written` is how a person
/// wrote it.
pub fn refuse_as_output(inputs: &[PathBuf], written: &str, output: &Path) -> Result<(), Error> {
    let (place, file) = (real_path(output), file_number(output));
    for input in inputs {
        let path = stdin_or(local_path(input)?);
        let (input, root) = (input.display(), real_path(&path));
        let is_same = |path: &PathBuf| file_number(path) == file;
        let same = match (file, place == root) {
            // A link in a folder may lead to it from anywhere.
            (Some(_), _) => expand(&[path])?.0.into_iter().find(is_same),
            (None, is_same) => is_same.then_some(path),
        };
        let problem = if let Some(same) = same {
            let same = same.display();
            format!("{written} is also the input {same}; write to another place")
        } else if (place.strip_prefix(&root)).is_ok_and(|below| !below.iter().any(is_left_out)) {
            format!(
                "{written} lies in the input {input}, and the next run would read it; write to another place, or to a \
                 name that begins with _"
            )
        } else if root.starts_with(&place) {
            format!("{written} is a folder in which the input {input} lies; write to another one")
        } else {
            continue;
        };
        return Err(Error::Usage(problem));
    }
    Ok(())
}

/// A path without links and dots. What is not there yet lies where its folder does.
pub fn real_path(path: &Path) -> PathBuf {
    match (fs::canonicalize(path), path.parent(), path.file_name()) {
        (Ok(found), ..) => found,
        (Err(_), Some(folder), Some(name)) => real_path(&Path::new(".").join(folder)).join(name),
        // It ends with `..`.
        (Err(_), Some(folder), None) => real_path(folder).parent().unwrap_or(folder).to_path_buf(),
        _ => path.to_path_buf(),
    }
}

/// What all links to a file have in common; none if there is no such file.
fn file_number(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok().filter(fs::Metadata::is_file);
    found.map(|file| (file.dev(), file.ino()))
}

fn stdin_or(path: PathBuf) -> PathBuf {
    match path == Path::new(STDIN) {
        true => PathBuf::from("/dev/stdin"),
        false => path,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_output_is_no_input_whatever_the_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["in/deep", "out"] {
            fs::create_dir_all(at(name)).expect("a folder");
        }
        for name in ["in/a", "f"] {
            fs::write(at(name), "").expect("a file");
        }
        symlink(at("in"), at("linked")).expect("a link");
        symlink(at("f"), at("symbolic")).expect("a link");
        fs::hard_link(at("f"), at("hard")).expect("a link");
        fs::hard_link(at("in/a"), at("hard-a")).expect("a link");
        #[rustfmt::skip]
        let table = [
            ("f",    "f",              Some("is also the input")),
            ("f",    "out/../f",       Some("is also the input")),
            ("f",    "symbolic",       Some("is also the input")),
            ("f",    "hard",           Some("is also the input")),
            ("hard", "symbolic",       Some("is also the input")),
            ("in",   "in",             Some("is also the input")),
            ("in",   "in/a",           Some("is also the input")),
            ("in",   "hard-a",         Some("is also the input")),
            ("in",   "in/new",         Some("lies in the input")),
            ("in",   "in/new/deep",    Some("lies in the input")),
            ("in",   "linked/new",     Some("lies in the input")),
            ("linked", "in/deep",      Some("lies in the input")),
            ("in/a", "in",             Some("in which the input")),
            ("in/a", "linked",         Some("in which the input")),
            ("in",   "in/_out/deep",   None),
            ("in",   "in/.state",      None),
            ("in",   "out",            None),
            ("in",   "new",            None),
            ("in",   "inside",         None),
            ("in/a", "in/b",           None),
            ("missing", "out",         None),
        ];
        for (input, output, said) in table {
            let refused = refuse_as_output(&[at(input)], "--to x", &at(output)).err();
            let refused = refused.map(|error| error.to_string());
            match (&refused, said) {
                (None, None) => {}
                (Some(refused), Some(said)) => {
                    assert!(
                        refused.starts_with("--to x ") && refused.contains(said),
                        "{output}: {refused}"
                    );
                }
                _ => panic!("{input} and {output}: {refused:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_there_lies_where_its_folder_does() {
        let here = fs::canonicalize(".").expect("a folder");
        for path in [
            "new/file",
            "./new/file",
            "none/../new/file",
            "new/none/deep/../../file",
        ] {
            assert_eq!(real_path(Path::new(path)), here.join("new/file"));
        }
    }
}
